"""Gets one url over one connection, and judges the answer.

keepalived.conf(5), HTTP_GET. As there: redirects are not followed, a chunked body is
not decoded, and a body that ends before its Content-Length is only mentioned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure

from hanode import pcre
from hanode.checkers.http_words import HttpOptions, Regex, Url
from hanode.checkers.reply import BadReply, Reply
from hanode.config.balance_model import Target
from hanode.exchange import Ended, Exchange

if TYPE_CHECKING:
    from hanode.tls import Client

AGENT = "KeepAliveClient"  # as keepalived's, because servers may filter by it


def request(options: HttpOptions, url: Url, target: Target, secure: bool) -> bytes:
    """The request as it is sent."""
    lines = [
        f"GET {url.path} HTTP/{options.version}",
        f"User-Agent: {AGENT}",
        f"Host: {_host(url, target, 443 if secure else 80)}",
    ]
    if options.closing:
        lines.append("Connection: close")
    lines.append("\r\n")
    return "\r\n".join(lines).encode("utf-8", "surrogateescape")


def _host(url: Url, target: Target, default: int) -> str:
    """RFC 9110, section 7.2: the port is named where it is not the default one."""
    host = url.host
    if not host:
        address = target.address
        host = f"[{address}]" if address.version == 6 else str(address)
    elif ":" in host and not host.startswith("["):
        if host.count(":") == 1:
            return host  # it names a port of its own
        host = f"[{host}]"
    elif host.startswith("[") and not host.endswith("]"):
        return host
    return host if target.port == default else f"{host}:{target.port}"


class Fetch(Exchange):
    """One url. The reason is "" when all is as it should be."""

    __slots__ = ("_options", "_reply", "_url", "compliant")

    def __init__(
        self,
        reactor: Any,
        target: Target,
        options: HttpOptions,
        url: Url,
        ended: Ended,
        tls: Client | None = None,
    ) -> None:
        super().__init__(reactor, target, ended, tls)
        self._options, self._url = options, url
        self.compliant = url.compliant
        kept = options.max_body if url.regex is not None else 0
        limit = 0 if url.digest else options.max_body
        self._reply = Reply(bool(url.digest), kept, limit)

    def opened(self) -> None:
        """Ask for the page."""
        secure = self._tls is not None
        self.send(request(self._options, self._url, self._target, secure))

    def received(self, data: bytes) -> None:
        """A piece of the answer."""
        try:
            complete = self._reply.feed(data)
        except BadReply as bad:
            self.finish(bad.reason, bad.detail)
            return
        if complete:
            self.judge()

    def closed(self) -> None:
        """The end of the answer, if there was any."""
        reply = self._reply
        if reply.status:
            self.judge()
        elif reply.begun:
            self.finish("closed in header", "the answer ends within its headers")
        else:
            super().closed()

    def judge(self) -> None:
        """The answer is complete: is it as it should be?"""
        url, reply = self._url, self._reply
        status = reply.status
        if not any(low <= status <= high for low, high in url.status):
            self._fail("wrong status", f"{status}, not {_codes(url)}")
        elif url.digest and reply.digest != url.digest:
            self._fail("wrong digest", f"{reply.digest}, not {url.digest}")
        elif url.regex is not None:
            self._search(url.regex)
        else:
            self._good()

    def _search(self, regex: Regex) -> None:
        """Let a thread search: there are patterns that take their time."""
        reactor = self._reactor
        self._still()
        end = reactor.seconds() + self._target.timeout
        found = deferToThreadPool(
            reactor,
            reactor.getThreadPool(),
            pcre.compiled(regex.text, regex.options).search,
            bytes(self._reply.body),
            regex.first,
            regex.last,
            lambda: reactor.seconds() > end,
        )
        found.addCallbacks(self._searched, self._not_searched)

    def _searched(self, found: bool) -> None:
        regex = self._url.regex
        if regex is None or found != regex.absent:
            self._good()
        elif found:
            self._fail("regex found", "the body has what it must not have")
        else:
            self._fail("regex not found", f"in {len(self._reply.body)} bytes of body")

    def _not_searched(self, failure: Failure) -> None:
        if failure.check(pcre.TooCostly):
            self._fail("regex too costly", failure.getErrorMessage())
        else:
            self._fail("regex failed", failure.getErrorMessage())

    def _fail(self, reason: str, detail: str) -> None:
        self.finish(reason, f"{self._url.path}: {detail}")

    def _good(self) -> None:
        reply = self._reply
        detail = f"status {reply.status}"
        if reply.missing and reply.size < (self._options.max_body or reply.size):
            detail += f", the body lacks {reply.missing} bytes of its Content-Length"
        self.finish("", detail)


def _codes(url: Url) -> str:
    return " ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in url.status)
