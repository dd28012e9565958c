"""Generic netlink, on a kernel that answers from a list."""

from __future__ import annotations

import errno
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from hanode.dataplanes.netlink.generic import (
    CTRL_ATTR_FAMILY_ID,
    CTRL_ATTR_FAMILY_NAME,
    GENL_ID_CTRL,
    Questions,
    request,
)
from hanode.dataplanes.netlink.message import (
    ERROR,
    HEADER,
    attribute,
    attributes,
    message,
    messages,
)
from tests.dataplanes.netlink.test_socket import Port

DONE = 3


def reply(sequence: int, body: bytes, kind: int = 30) -> bytes:
    data = bytearray(message(kind, 0, body))
    HEADER.pack_into(data, 0, len(data), kind, 0, sequence, 4711)
    return bytes(data)


def ended(sequence: int, code: int = 0, kind: int = DONE) -> bytes:
    body = ERROR.pack(-code, 0, 20, 0, sequence, 0) if kind == 2 else bytes(4)
    return reply(sequence, body, kind)


class QuestionsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.ports: list[Port] = []

    def questions(self, *answers: Any) -> Questions:
        def opened() -> Port:
            self.ports.append(Port(*(() if self.ports else answers)))
            return self.ports[-1]

        return Questions(opened)

    def test_family(self) -> None:
        """A family is asked for by its name; its number is in the answer."""
        body = bytes(4) + attribute(CTRL_ATTR_FAMILY_ID, b"\x25\0")
        asked = self.questions(reply(1, body) + ended(1, kind=2))
        self.assertEqual(asked.family("IPVS"), 0x25)
        (sent,) = self.ports[0].sent
        ((kind, flags, sequence, _, start, end),) = messages(sent, len(sent))
        self.assertEqual((kind, flags, sequence), (GENL_ID_CTRL, 5, 1))
        found = attributes(sent, start + 4, end)
        at, to = found[CTRL_ATTR_FAMILY_NAME]
        self.assertEqual((sent[start], sent[at:to]), (3, b"IPVS\0"))

    def test_no_family(self) -> None:
        """A family that is not there is ENOENT, told or not."""
        asked = self.questions(ended(1, errno.ENOENT, 2), ended(2, kind=2))
        for _ in range(2):
            error = self.assertRaises(OSError, asked.family, "IPVS")
            self.assertEqual(error.errno, errno.ENOENT)

    def test_dump(self) -> None:
        """A dump is all bodies until the end, in parts, without another's answers."""
        asked = self.questions(
            reply(1, b"1234") + reply(9, b"lost"), reply(1, b"5678"), ended(1)
        )
        self.assertEqual(asked.dump(request(30, 4)), [b"1234", b"5678"])
        (sent,) = self.ports[0].sent
        ((_, flags, *_),) = messages(sent, len(sent))
        self.assertEqual(flags, 0x301)

    def test_no_answer(self) -> None:
        """Silence is an error; the next question goes over another socket."""
        asked = self.questions(TimeoutError("timed out"))
        error = self.assertRaises(OSError, asked.ask, request(30, 4))
        self.assertEqual(error.errno, errno.EIO)
        self.assertEqual([port.closed for port in self.ports], [True, False])
        self.ports[1].answers = [ended(2, kind=2)]
        self.assertEqual(asked.ask(request(30, 4)), [])

    def test_nonsense(self) -> None:
        """What cannot be read is an error, too."""
        asked = self.questions(b"\1" * 16)
        error = self.assertRaises(OSError, asked.ask, request(30, 4))
        self.assertEqual(error.errno, errno.EIO)

    def test_close(self) -> None:
        """The socket is given back."""
        asked = self.questions()
        asked.close()
        self.assertEqual(self.ports[0].closed, True)
