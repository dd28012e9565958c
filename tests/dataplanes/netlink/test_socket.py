"""The transport, on a kernel that answers from a list."""

from __future__ import annotations

import errno
from ipaddress import ip_address
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.model import Address
from hanode.dataplanes.netlink.message import (
    ERROR,
    HEADER,
    NLM_F_ACK,
    NLM_F_DUMP_INTR,
    RTM_GETADDR,
    add_address,
    messages,
)
from hanode.dataplanes.netlink.socket import (
    AT_ONCE,
    CHUNK,
    Notifications,
    Requests,
    dump,
)

REQUEST = add_address(Address(ip_address("10.0.0.1"), 24, "eth0"), 2)


class Port:
    """A socket that remembers what is sent and gives what is in C{answers}."""

    def __init__(self, *answers: bytes | Exception) -> None:
        self.answers = list(answers)
        self.sent: list[bytes] = []
        self.failure: OSError | None = None
        self.closed = False

    def __enter__(self) -> Port:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def settimeout(self, seconds: float) -> None:
        pass

    def setblocking(self, blocking: bool) -> None:
        pass

    def getsockname(self) -> tuple[int, int]:
        return (4711, 0)

    def fileno(self) -> int:
        return -1 if self.closed else 9

    def send(self, data: bytes) -> None:
        if self.failure:
            raise self.failure
        self.sent.append(bytes(data))

    def recv(self, size: int) -> bytes:
        answer = self.answers.pop(0) if self.answers else BlockingIOError()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def recv_into(self, buffer: bytearray) -> int:
        data = self.recv(0)
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self.closed = True


class Readers(list[Any]):
    """As much of a reactor as a transport needs."""

    addReader = list.append
    removeReader = list.remove


def answer(sequence: int, code: int = 0) -> bytes:
    """NLMSG_ERROR as the kernel sends it with NETLINK_CAP_ACK."""
    body = ERROR.pack(-code, 0, 20, 0, sequence, 4711)
    return HEADER.pack(16 + len(body), 2, 0, sequence, 4711) + body


class RequestsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.port, self.reactor = Port(), Readers()
        self.answered: list[tuple[list[str], dict[int, int]]] = []
        self.overruns = 0
        self.requests = Requests(
            self.reactor,
            lambda tags, errors: self.answered.append((list(tags), errors)),
            self.overrun,
            self.port,
        )

    def overrun(self) -> None:
        self.overruns += 1
        self.requests.forget()

    def test_one_send(self) -> None:
        """A batch is one send; sequences count up; the last asks for an answer."""
        self.requests.send([REQUEST] * 3, "abc")
        (data,) = self.port.sent
        found = [
            (seq, flags & NLM_F_ACK) for _, flags, seq, *_ in messages(data, len(data))
        ]
        self.assertEqual(found, [(1, 0), (2, 0), (3, NLM_F_ACK)])

    def test_nothing(self) -> None:
        """Nothing to do is nothing sent."""
        self.requests.send([], [])
        self.assertEqual(self.port.sent, [])

    def test_errors_find_their_request(self) -> None:
        """Errors are matched by sequence; the answer to the last closes the batch."""
        self.requests.send([REQUEST] * 3, "abc")
        self.requests.send([REQUEST] * 2, "de")
        self.port.answers = [
            answer(2, errno.EEXIST),
            answer(3),
            answer(4, errno.EPERM) + answer(5, errno.ENODEV),
        ]
        self.requests.doRead()
        self.assertEqual(
            self.answered,
            [
                (["a", "b", "c"], {1: errno.EEXIST}),
                (["d", "e"], {0: errno.EPERM, 1: errno.ENODEV}),
            ],
        )

    def test_unknown_answers(self) -> None:
        """Answers to nothing, and messages that are none, are left alone."""
        self.port.answers = [answer(77), HEADER.pack(16, 3, 0, 1, 0)]
        self.requests.doRead()
        self.assertEqual((self.answered, self.overruns), ([], 0))

    def test_large_batches(self) -> None:
        """A batch that is too long for one send goes in parts, each answered."""
        count = CHUNK // len(REQUEST) + 1
        self.requests.send([REQUEST] * count, range(count))
        self.assertEqual(
            [len(data) // len(REQUEST) for data in self.port.sent], [count - 1, 1]
        )
        self.port.answers = [answer(count - 1), answer(count)]
        self.requests.doRead()
        self.assertEqual([tags[0] for tags, _ in self.answered], [0, count - 1])

    def test_failing_send(self) -> None:
        """When the send itself fails, so has every request in it."""
        self.port.failure = OSError(errno.ENOBUFS, "no buffer")
        self.requests.send([REQUEST] * 2, "ab")
        self.assertEqual(
            self.answered, [(["a", "b"], {0: errno.ENOBUFS, 1: errno.ENOBUFS})]
        )

    def test_lost_answers(self) -> None:
        """Lost answers are an overrun, and are not waited for."""
        self.requests.send([REQUEST], "a")
        self.port.answers = [OSError(errno.ENOBUFS, ""), answer(1)]
        self.requests.doRead()
        self.assertEqual((self.overruns, len(self.answered)), (1, 1))
        self.requests.send([REQUEST], "b")
        self.port.answers = [OSError(errno.ENOBUFS, "")]
        self.requests.doRead()
        self.port.answers = [answer(2)]
        self.requests.doRead()
        self.assertEqual((self.overruns, len(self.answered)), (2, 1))

    def test_sequences_wrap(self) -> None:
        """After four billion requests the count begins anew."""
        self.requests._sequence = 0xFFFFFFFE
        self.requests.send([REQUEST] * 3, "abc")
        self.port.answers = [answer(0, errno.EPERM), answer(1)]
        self.requests.doRead()
        self.assertEqual(self.answered, [(["a", "b", "c"], {1: errno.EPERM})])

    def test_close(self) -> None:
        """A closed transport is not read any more."""
        self.requests.close()
        self.assertEqual((self.reactor, self.requests.fileno()), ([], -1))


class NotificationsTests(SynchronousTestCase):
    def test_drained_once(self) -> None:
        """Everything that waits is received, then drained is called once."""
        heard: list[Any] = []
        port = Port(
            HEADER.pack(16, 20, 0, 0, 5) + HEADER.pack(20, 21, 0, 0, 6) + b"body",
            OSError(errno.ENOBUFS, ""),
            HEADER.pack(16, 16, 0, 0, 0),
            b"\1" * 16,
        )
        news = Notifications(
            Readers(),
            lambda kind, port, data, start, end: heard.append(
                (kind, port, bytes(data[start:end]))
            ),
            lambda: heard.append("drained"),
            lambda: heard.append("overrun"),
            port,
        )
        news.doRead()
        self.assertEqual(
            heard,
            [(20, 5, b""), (21, 6, b"body"), (16, 0, b""), "overrun", "drained"],
        )

    def test_lostInAnEarlierTurn(self) -> None:
        """What was lost is not forgotten when the rest takes several turns to read."""
        heard: list[str] = []
        empty = HEADER.pack(16, 20, 0, 0, 0)
        port = Port(OSError(errno.ENOBUFS, ""), *[empty] * AT_ONCE)
        news = Notifications(
            Readers(),
            lambda kind, port, data, start, end: None,
            lambda: heard.append("drained"),
            lambda: heard.append("overrun"),
            port,
        )
        news.doRead()
        self.assertEqual(heard, [])
        news.doRead()
        news.doRead()
        self.assertEqual(heard, ["overrun", "drained", "drained"])


class DumpTests(SynchronousTestCase):
    def done(self, flags: int = 0) -> bytes:
        return HEADER.pack(20, 3, flags, 0, 0) + bytes(4)

    def item(self, text: bytes, flags: int = 0) -> bytes:
        return HEADER.pack(20, 20, flags, 0, 0) + text

    def test_parts(self) -> None:
        """A dump in several parts is one list."""
        port = Port(self.item(b"abcd") + self.item(b"efgh"), self.done())
        self.assertEqual(dump(RTM_GETADDR, lambda: port), [b"abcd", b"efgh"])
        self.assertEqual(port.closed, True)

    def test_disturbed(self) -> None:
        """A dump that a change disturbed is repeated."""
        port = Port(
            self.item(b"abcd", NLM_F_DUMP_INTR),
            self.done(),
            self.item(b"efgh"),
            self.done(),
        )
        self.assertEqual(dump(RTM_GETADDR, lambda: port), [b"efgh"])
        self.assertEqual(len(port.sent), 2)

    def test_refused(self) -> None:
        """An error instead of a dump is raised with its errno."""
        port = Port(answer(0, errno.EPERM))
        failure = self.assertRaises(OSError, dump, RTM_GETADDR, lambda: port)
        self.assertEqual(failure.errno, errno.EPERM)
