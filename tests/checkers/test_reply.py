"""Reading HTTP responses, piece by piece."""

from __future__ import annotations

from hashlib import md5
from time import process_time

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hanode.checkers.reply import HEAD_LIMIT, LINE_LIMIT, BadReply, Chunks, Reply

CHUNKS = b"3;x=y\r\nabc\r\n0A\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n"
RESPONSES = (
    b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.0 200 OK\nContent-Length: 5\n\nhello",
    b"HTTP/1.1 404\r\ncontent-length:0\r\n\r\n",
    b"HTTP/1.1 204 Nothing\r\nContent-Length: 7\r\n\r\n",
    b"HTTP/1.1 100 Go on\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n" + CHUNKS,
)


def fed(pieces: list[bytes], reply: Reply) -> list[bool]:
    """What it says to each piece."""
    return [reply.feed(piece) for piece in pieces]


class ReplyTests(SynchronousTestCase):
    @given(st.sampled_from(RESPONSES), st.integers(1, 40))
    def test_pieces(self, data: bytes, size: int) -> None:
        """It does not matter in what pieces a response comes."""
        pieces = [data[at : at + size] for at in range(0, len(data), size)]
        reply = Reply(digested=True, kept=1000)
        said = fed(pieces, reply)
        self.assertEqual(said, [False] * (len(pieces) - 1) + [True])
        whole = Reply(digested=True, kept=1000)
        self.assertTrue(whole.feed(data))
        self.assertEqual(
            (reply.status, reply.head, reply.digest, reply.body, reply.size),
            (whole.status, whole.head, whole.digest, whole.body, whole.size),
        )
        self.assertEqual(md5(whole.body).hexdigest(), whole.digest)

    @given(st.binary(max_size=300))
    def test_rubbish(self, data: bytes) -> None:
        """Nothing but BadReply is raised, whatever comes."""
        for head in (b"", b"HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n"):
            try:
                Reply(digested=True, kept=10, limit=100).feed(head + data)
            except BadReply as bad:
                self.assertTrue(bad.reason)

    def test_until_closed(self) -> None:
        """Without a length there is no end to be seen."""
        reply = Reply(digested=True, kept=4)
        self.assertFalse(reply.begun)
        self.assertEqual(
            fed([b"HTTP/1.0 200 OK\r\n\r\nabc", b"def"], reply), [False, False]
        )
        self.assertTrue(reply.begun)
        self.assertEqual((reply.size, bytes(reply.body)), (6, b"abcd"))
        self.assertEqual(reply.digest, md5(b"abcdef").hexdigest())

    def test_limit(self) -> None:
        """With a limit, so much is enough."""
        reply = Reply(limit=5)
        self.assertEqual(
            fed([b"HTTP/1.0 200 OK\r\n\r\nabc", b"def"], reply), [False, True]
        )
        self.assertEqual(reply.digest, "")

    def test_missing(self) -> None:
        """What Content-Length promises and what does not come."""
        reply = Reply()
        reply.feed(b"HTTP/1.0 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        self.assertEqual(reply.missing, 7)
        self.assertEqual(Reply().missing, 0)

    def test_begun(self) -> None:
        """A part of the headers is a beginning."""
        reply = Reply()
        self.assertFalse(reply.feed(b"HTT"))
        self.assertTrue(reply.begun)

    def test_bad(self) -> None:
        """What is no response, and why."""
        cases = {
            b"hello": "not HTTP",
            b"HTTP/1.0\r\n\r\n": "not HTTP",
            b"HTTP/1.0 20x OK\r\n\r\n": "not HTTP",
            b"HTTP/1.0 200 OK\r\n" + b"x" * HEAD_LIMIT: "header too long",
        }
        found = {}
        for data in cases:
            found[data] = self.assertRaises(BadReply, Reply().feed, data).reason
        self.assertEqual(found, cases)


class ChunksTests(SynchronousTestCase):
    def test_bad(self) -> None:
        """A size that is none, or whose line does not end."""
        for data in (b"\r\n", b"-1\r\n", b"1" * 20 + b"\r\n", b"x" * (LINE_LIMIT + 1)):
            bad = self.assertRaises(BadReply, Chunks().feed, data)
            self.assertEqual(bad.reason, "bad chunk")

    def test_many(self) -> None:
        """Thousands of small chunks in one piece do not cost the square of it."""
        chunks = Chunks()
        began = process_time()
        self.assertFalse(chunks.feed(b"1\r\nx\r\n" * 20_000))
        self.assertTrue(process_time() - began < 1, "far too long")
        self.assertTrue(chunks.feed(b"0\r\n\r\n"))

    def test_more(self) -> None:
        """The end is the end, whatever follows; before it there is none."""
        self.assertTrue(Chunks().feed(b"0\r\n\r\nmore"))
        self.assertFalse(Chunks().feed(b"0\r\nTrailer: x\r\n"))
        self.assertFalse(Chunks().feed(b""))
