"""Requests that are answered before the call returns."""

from __future__ import annotations

import errno
from struct import pack
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from hanode.dataplanes.netlink.at_once import AtOnce, meaning
from hanode.dataplanes.netlink.message import HEADER, message


class Port:
    """A kernel that answers as it was told; C{asked} are the requests."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int, int]] = []
        self.answers: list[bytes] = []
        self.closed = False

    def settimeout(self, seconds: float) -> None:
        self.timeout = seconds

    def send(self, data: bytes) -> None:
        _, kind, flags, sequence, _ = HEADER.unpack_from(data)
        self.asked.append((kind, flags, sequence))

    def recv(self, size: int) -> bytes:
        return self.answers.pop(0)

    def close(self) -> None:
        self.closed = True


def answer(kind: int, sequence: int, body: bytes) -> bytes:
    return HEADER.pack(HEADER.size + len(body), kind, 0, sequence, 0) + body


def done(sequence: int, code: int = 0) -> bytes:
    return answer(2, sequence, pack("=i", -code) + bytes(16))


class AtOnceTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.port = Port()
        self.opened = 0
        self.netlink = AtOnce(self.open)

    def open(self) -> Any:
        self.opened += 1
        return self.port

    def test_done(self) -> None:
        """An acknowledgement is asked for, and its errno returned."""
        self.port.answers = [done(1), done(2, errno.EEXIST)]
        outcomes = [self.netlink.perform(message(16, 1, b"")) for _ in range(2)]
        self.assertEqual(outcomes, [(0, []), (errno.EEXIST, [])])
        self.assertEqual((self.port.asked, self.opened), ([(16, 5, 1), (16, 5, 2)], 1))

    def test_brought(self) -> None:
        """Bodies come before the acknowledgement; late answers are left out."""
        self.port.answers = [
            done(7) + answer(16, 1, b"body"),
            done(1),
        ]
        self.assertEqual(self.netlink.perform(message(18, 1, b"")), (0, [b"body"]))

    def test_close(self) -> None:
        """It is opened again when it is needed again."""
        self.netlink.close()
        self.port.answers = [done(1), done(2)]
        self.netlink.perform(message(16, 1, b""))
        self.netlink.close()
        self.netlink.perform(message(16, 1, b""))
        self.assertEqual((self.port.closed, self.opened), (True, 2))

    def test_meaning(self) -> None:
        """What an unknown kind means, and the rest as the system says it."""
        self.assertEqual(
            [meaning(errno.EOPNOTSUPP), meaning(errno.EBUSY)],
            ["the kernel has no such kind of interface", "Device or resource busy"],
        )
