"""One epoll set and one timer for many connections."""

from __future__ import annotations

import socket
from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from hanode import switchboard
from hanode.switchboard import PER_TURN, Switchboard


class Reactor(Clock):
    """A clock that notes who is to be read."""

    def __init__(self) -> None:
        super().__init__()
        self.readers: list[Any] = []

    def addReader(self, reader: Any) -> None:
        """It is to be read."""
        self.readers.append(reader)

    def removeReader(self, reader: Any) -> None:
        """It is not."""
        self.readers.remove(reader)


class Waiter:
    """Notes what it is told."""

    def __init__(
        self, case: SwitchboardCase, name: str = "", fails: bool = False
    ) -> None:
        self.case, self.name, self.fails = case, name, fails

    def soon(self) -> None:
        """All have begun."""
        self.case.told.append(f"{self.name} soon")
        if self.fails:
            raise RuntimeError(self.name)

    def ready(self) -> None:
        """The descriptor can be written."""
        self.case.told.append(f"{self.name} ready")
        if self.fails:
            raise RuntimeError(self.name)

    def late(self) -> None:
        """The time is over."""
        self.case.told.append(f"{self.name} late at {self.case.reactor.seconds():g}")
        if self.fails:
            raise RuntimeError(self.name)


class SwitchboardCase(SynchronousTestCase):
    """A switchboard on a clock."""

    def setUp(self) -> None:
        """One of each."""
        self.reactor = Reactor()
        self.board = Switchboard(self.reactor)
        self.told: list[str] = []

    def waiter(self, name: str, fails: bool = False) -> Waiter:
        """Somebody who waits."""
        return Waiter(self, name, fails)


class WatchTests(SwitchboardCase):
    def opened(self) -> socket.socket:
        """A socket that can be written."""
        one, other = socket.socketpair()
        self.addCleanup(one.close)
        self.addCleanup(other.close)
        return one

    def test_ready(self) -> None:
        """Who can write is told, until forgotten; the reactor looks only meanwhile."""
        first, second = self.opened(), self.opened()
        self.board.watch(first.fileno(), self.waiter("a"))
        self.board.watch(second.fileno(), self.waiter("b"))
        self.assertEqual(self.reactor.readers, [self.board])
        self.board.doRead()
        self.assertEqual(sorted(self.told), ["a ready", "b ready"])
        self.board.forget(first.fileno(), closing=False)
        self.board.doRead()
        self.assertEqual(self.told[2:], ["b ready"])
        self.board.forget(second.fileno(), closing=True)
        self.board.forget(second.fileno(), closing=True)
        self.assertEqual(self.reactor.readers, [])
        self.board.doRead()
        self.assertEqual(len(self.told), 3)

    def test_failure(self) -> None:
        """One that fails does not keep the others from being told."""
        ports = [self.opened() for _ in range(3)]
        for number, port in enumerate(ports):
            self.board.watch(port.fileno(), self.waiter(f"{number}", fails=True))
        self.board.doRead()
        self.assertEqual(sorted(self.told), ["0 ready", "1 ready", "2 ready"])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 3)

    def test_reactor_stops(self) -> None:
        """When the reactor lets go, nobody is watched any more."""
        port = self.opened()
        self.board.watch(port.fileno(), self.waiter("a"))
        self.board.connectionLost(Failure(ConnectionDone()))
        self.board.doRead()
        self.assertEqual(self.told, [])
        self.assertTrue(self.board.logPrefix())

    def test_one_for_each_reactor(self) -> None:
        """A reactor has one switchboard."""
        self.assertIs(switchboard.of(self.reactor), switchboard.of(self.reactor))
        self.assertIsNot(switchboard.of(self.reactor), switchboard.of(Reactor()))


class BegunTests(SwitchboardCase):
    def test_after_the_turn(self) -> None:
        """All that begin in one turn are told after it, by one timer."""
        for name in "abc":
            self.board.begun(self.waiter(name))
        self.assertEqual(len(self.reactor.getDelayedCalls()), 1)
        self.assertEqual(self.told, [])
        self.reactor.advance(0)
        self.assertEqual(self.told, ["a soon", "b soon", "c soon"])
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_again(self) -> None:
        """What begins because of it is told after the next turn."""

        class Following(Waiter):
            def soon(self) -> None:
                super().soon()
                self.case.board.begun(self.case.waiter("b"))

        self.board.begun(Following(self, "a"))
        self.reactor.callLater(0, self.told.append, "others")
        self.reactor.advance(0)
        self.assertEqual(self.told, ["a soon", "others", "b soon"])

    def test_failure(self) -> None:
        """One that fails does not keep the others from being told."""
        self.board.begun(self.waiter("a", fails=True))
        self.board.begun(self.waiter("b"))
        self.reactor.advance(0)
        self.assertEqual(self.told, ["a soon", "b soon"])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_many(self) -> None:
        """When many begin at once, others have the reactor in between, in order."""
        names = [f"{number}" for number in range(PER_TURN + 5)]
        for name in names:
            self.board.begun(self.waiter(name))
        self.reactor.callLater(0, self.told.append, "others")
        self.reactor.advance(0)
        self.assertEqual(self.told.index("others"), PER_TURN)
        self.told.remove("others")
        self.assertEqual(self.told, [f"{name} soon" for name in names])


class LimitTests(SwitchboardCase):
    def test_late(self) -> None:
        """Everybody is told in time, whoever came first, and with one timer."""
        for name, timeout in (("a", 5.0), ("b", 1.0), ("c", 5.0), ("d", 2.0)):
            self.board.limit(self.waiter(name), timeout)
        self.assertEqual(len(self.reactor.getDelayedCalls()), 1)
        self.reactor.pump([0.5] * 12)
        self.assertEqual(
            self.told, ["b late at 1", "d late at 2", "a late at 5", "c late at 5"]
        )
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_freed(self) -> None:
        """Who is freed is not told; when nobody is left, no timer is."""
        waiters = [self.waiter(name) for name in "abc"]
        for each in waiters:
            self.board.limit(each, 1.0)
        self.board.free(waiters[0], 1.0)
        self.reactor.advance(0.5)
        self.board.free(waiters[2], 1.0)
        self.board.free(waiters[2], 1.0)
        self.board.free(waiters[2], 7.0)
        self.reactor.advance(0.5)
        self.assertEqual(self.told, ["b late at 1"])
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_anew(self) -> None:
        """A limit that is set again begins anew."""
        one, other = self.waiter("a"), self.waiter("b")
        self.board.limit(one, 1.0)
        self.board.limit(other, 1.0)
        self.reactor.advance(0.5)
        self.board.limit(one, 1.0)
        self.reactor.pump([0.25] * 6)
        self.assertEqual(self.told, ["b late at 1", "a late at 1.5"])

    def test_failure(self) -> None:
        """One that fails does not keep the others from being told."""
        self.board.limit(self.waiter("a", fails=True), 1.0)
        self.board.limit(self.waiter("b"), 1.0)
        self.reactor.advance(1)
        self.assertEqual(self.told, ["a late at 1", "b late at 1"])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_freed_by_another(self) -> None:
        """Who is late can free others that are late too."""
        other = self.waiter("b")

        class Freeing(Waiter):
            def late(self) -> None:
                super().late()
                self.case.board.free(other, 1.0)
                self.case.board.limit(other, 3.0)

        self.board.limit(Freeing(self, "a"), 1.0)
        self.board.limit(other, 1.0)
        self.reactor.pump([1.0] * 4)
        self.assertEqual(self.told, ["a late at 1", "b late at 4"])

    def test_many(self) -> None:
        """When many are late at once, others have the reactor in between."""
        for number in range(PER_TURN + 5):
            self.board.limit(self.waiter(f"{number}"), 1.0)
        self.reactor.callLater(1, self.told.append, "others")
        self.reactor.advance(1)
        self.assertEqual(len(self.told), PER_TURN + 6)
        self.assertEqual(self.told.index("others"), PER_TURN)
