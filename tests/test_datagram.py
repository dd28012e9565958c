"""Listeners without a network: what is done about a socket that fails."""

from __future__ import annotations

import errno
from typing import Any

from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from hanode.datagram import _Known, _Strangers
from hanode.network import _is_overlooked


class Failing:
    """A socket of which each read fails with the next of C{numbers}."""

    def __init__(self, *numbers: int) -> None:
        self.numbers = list(numbers)

    def recv(self, size: int, *more: int) -> bytes:
        number = self.numbers.pop(0)
        if number:
            raise OSError(number, "on purpose")
        return b"packet"

    recvmsg = recv

    def setsockopt(self, *words: Any) -> None:
        """Takes all."""

    def fileno(self) -> int:
        return 9


class ReaderTests(SynchronousTestCase):
    def logged(self) -> list[Any]:
        events: list[Any] = []
        globalLogPublisher.addObserver(events.append)
        self.addCleanup(globalLogPublisher.removeObserver, events.append)
        return events

    def test_told_once(self) -> None:
        """An error of each kind is told once, and reading goes on afterwards."""
        for kind in (_Known, _Strangers):
            events = self.logged()
            down, gone = errno.ENETDOWN, errno.ENODEV
            port: Any = Failing(down, down, gone, gone, errno.EAGAIN)
            reader = kind(port, 4, self.fail, lambda: None)
            self.assertEqual([reader.read() for _ in range(5)], [True] * 5)
            numbers = [each["error"].errno for each in events if "error" in each]
            self.assertEqual(numbers, [down, gone])

    def test_known_before_an_error(self) -> None:
        """What was read before an error is handed over."""
        got: list[list[bytes]] = []
        port: Any = Failing(0, 0, errno.ENETDOWN)
        self.assertEqual(_Known(port, 6, got.append, lambda: None).read(), True)
        self.assertEqual(got, [[b"packet", b"packet"]])

    def test_reactor(self) -> None:
        """The reactor finds a descriptor and a name, and can let go."""
        lost: list[bool] = []
        port: Any = Failing()
        reader = _Known(port, 4, self.fail, lambda: lost.append(True))
        self.assertEqual((reader.fileno(), reader.logPrefix()), (9, "UDP listener"))
        reader.connectionLost(None)
        self.assertEqual(lost, [True])


class OrderTests(SynchronousTestCase):
    def test_overlooked(self) -> None:
        """The listener that has to win, or to lose, is opened again."""
        cases = [
            (old, new, family)
            for family in (4, 6)
            for old in ("", "eth0")
            for new in ("", "eth0", "eth1")
            if _is_overlooked(old, new, family)
        ]
        expected = [("eth0", "", 4), ("", "eth0", 6), ("", "eth1", 6)]
        self.assertEqual(cases, expected)
