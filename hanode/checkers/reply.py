"""Reads an HTTP response as it comes: status, end of the body, digest, first bytes.

RFC 9112, sections 4 and 6. As keepalived, the body counts as it was sent: a chunked one
is not decoded, but its chunks are followed to see where it ends. Nothing grows with
the size of the body.
"""

from __future__ import annotations

import re
from hashlib import md5

HEAD_LIMIT = 65536  # bytes of status line and headers
LINE_LIMIT = 8192  # bytes of the line in front of a chunk

_STATUS = re.compile(rb"HTTP/\d\.\d ([1-9]\d\d)(?:[ \r\n]|$)")
_LENGTH = re.compile(rb"\r?\ncontent-length:[ \t]*(\d{1,18})[ \t]*\r?\n", re.IGNORECASE)
_CHUNKED = re.compile(
    rb"\r?\ntransfer-encoding:[^\r\n]*\bchunked[ \t]*\r?\n", re.IGNORECASE
)
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_SIZE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,15})[ \t]*(?:;|$)")
_BODILESS = frozenset((204, 304))


class BadReply(Exception):
    """This is no HTTP response: C{reason} says why in few words."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason)
        self.reason, self.detail = reason, detail


class Reply:
    """One response. C{feed} it until it says that it is complete.

    @param digested: whether C{digest} is wanted.
    @param kept: so many bytes of the body are kept in C{body}.
    @param limit: so many bytes of the body are enough to be complete; 0 for all.
    """

    __slots__ = (
        "_chunks",
        "_head",
        "_kept",
        "_left",
        "_limit",
        "_md5",
        "body",
        "head",
        "size",
        "status",
    )

    def __init__(self, digested: bool = False, kept: int = 0, limit: int = 0) -> None:
        self.status = 0  # 0 until the headers are there
        self.head = b""  # status line and headers
        self.size = 0  # bytes of the body so far
        self.body = bytearray()
        self._head: bytes = b""
        self._md5 = md5(usedforsecurity=False) if digested else None
        self._kept, self._limit = kept, limit
        self._left: int | None = None  # bytes of the body to come, if that is known
        self._chunks: Chunks | None = None

    @property
    def digest(self) -> str:
        """MD5 of the body so far, in hexadecimal."""
        return self._md5.hexdigest() if self._md5 is not None else ""

    @property
    def missing(self) -> int:
        """Bytes that Content-Length has promised and that have not come."""
        return self._left or 0

    @property
    def begun(self) -> bool:
        """Whether anything has come."""
        return bool(self._head or self.status)

    def feed(self, data: bytes) -> bool:
        """Take what has come; True when the response is complete.

        Raises L{BadReply} when it is none.
        """
        if not self.status:
            rest = self._headers(self._head + data if self._head else data)
            if rest is None:
                return False
            data = rest
            if self.status in _BODILESS:
                return True
        return self._body(data)

    def _headers(self, data: bytes) -> bytes | None:
        """What follows the headers; None while they have not all come."""
        while True:
            if not b"HTTP/".startswith(data[:5]):
                raise BadReply("not HTTP", f"it begins with {data[:32]!r}")
            end = _HEAD_END.search(data)
            if end is None:
                if len(data) > HEAD_LIMIT:
                    raise BadReply("header too long", f"more than {HEAD_LIMIT} bytes")
                self._head = data
                return None
            match = _STATUS.match(data)
            if match is None:
                raise BadReply("not HTTP", f"the status line is {data[:64]!r}")
            status = int(match[1])
            if 100 <= status < 200 and status != 101:
                data = data[end.end() :]  # an interim response: RFC 9110, 15.2
                continue
            self._begin(data[: end.end()], status)
            return data[end.end() :]

    def _begin(self, head: bytes, status: int) -> None:
        self.status, self.head = status, head
        self._head = b""
        if _CHUNKED.search(head) is not None:
            self._chunks = Chunks()
        else:
            length = _LENGTH.search(head)
            if length is not None:
                self._left = int(length[1])

    def _body(self, data: bytes) -> bool:
        complete = False
        if self._left is not None:
            data = data[: self._left]
            self._left -= len(data)
            complete = not self._left
        elif self._chunks is not None:
            complete = self._chunks.feed(data)
        self.size += len(data)
        if self._md5 is not None:
            self._md5.update(data)
        if len(self.body) < self._kept:
            self.body += data[: self._kept - len(self.body)]
        return complete or 0 < self._limit <= self.size


class Chunks:
    """Follows the chunks of a body to its end (RFC 9112, section 7.1)."""

    __slots__ = ("_left", "_line", "_trailer")

    def __init__(self) -> None:
        self._left = 0  # bytes of the present chunk, with its CRLF
        self._line = b""  # the beginning of a line that has not come whole
        self._trailer = False

    def feed(self, data: bytes) -> bool:
        """Take what has come; True at the end. Raises L{BadReply}."""
        at = 0  # nothing is cut off: there may be thousands of chunks in one piece
        while at < len(data):
            if self._left:
                taken = min(self._left, len(data) - at)
                self._left -= taken
                at += taken
                continue
            end = data.find(b"\n", at)
            line = self._line + (data[at:] if end < 0 else data[at:end])
            if len(line) > LINE_LIMIT:
                raise BadReply("bad chunk", "the line in front of it does not end")
            if end < 0:
                self._line = line
                return False
            self._line, at = b"", end + 1
            if self._take(line.rstrip(b"\r")):
                return True
        return False

    def _take(self, line: bytes) -> bool:
        if self._trailer:
            return not line
        match = _SIZE.match(line)
        if match is None:
            raise BadReply("bad chunk", f"its size is {line[:32]!r}")
        size = int(match[1], 16)
        self._trailer = not size
        self._left = size + 2 if size else 0
        return False
