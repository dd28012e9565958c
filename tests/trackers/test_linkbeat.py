"""Claims about the interfaces that are asked for their carrier."""

from __future__ import annotations

import errno

from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from hanode.config.link_model import ETHTOOL, IOCTL, MII
from hanode.trackers.linkbeat import Linkbeat, carrier


class LinkbeatTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.answers: dict[str, bool | OSError] = {}
        self.asked: list[tuple[str, str]] = []
        self.changes: list[tuple[str, bool]] = []
        self.beat = Linkbeat(self.clock, self.changed, self.look)
        self.addCleanup(self.beat.close)

    def look(self, name: str, method: str) -> tuple[bool, str]:
        self.asked.append((name, method))
        answer = self.answers.get(name, True)
        if isinstance(answer, OSError):
            raise answer
        return answer, ETHTOOL if method == MII else method or IOCTL

    def changed(self, name: str) -> None:
        self.changes.append((name, self.beat.up(name)))

    def test_polled(self) -> None:
        """Each is asked at once and every second; a change is told, once."""
        self.answers["b"] = False
        self.beat.poll({"a": "", "b": ""})
        self.assertEqual(self.changes, [("b", False)])
        self.answers.update(a=False, b=True)
        self.clock.pump([1, 1])
        self.assertEqual(self.changes[1:], [("a", False), ("b", True)])
        self.assertEqual(len(self.asked), 6)

    def test_method(self) -> None:
        """The method that works is kept; another than the one asked for is told."""
        with capturedLogs() as logs:
            self.beat.poll({"a": "", "b": MII})
            self.clock.advance(1)
        self.assertEqual(
            self.asked, [("a", ""), ("b", MII), ("a", IOCTL), ("b", ETHTOOL)]
        )
        self.assertEqual(
            [formatEvent(each) for each in logs],
            ["linkbeat: b has no MII: using ETHTOOL"],
        )

    def test_cannot_be_asked(self) -> None:
        """It is as others say then; told once, and again after it worked."""
        self.answers["a"] = OSError(errno.ENODEV, "No such device")
        with capturedLogs() as logs:
            self.beat.poll({"a": ""})
            self.clock.pump([1, 1])
            self.answers["a"] = False
            self.clock.advance(1)
            self.answers["a"] = OSError(errno.ENODEV, "No such device")
            self.clock.advance(1)
        self.assertEqual(self.changes, [("a", False), ("a", True)])
        self.assertEqual(
            [formatEvent(each) for each in logs],
            ["linkbeat: a cannot be asked: No such device"] * 2,
        )

    def test_reload(self) -> None:
        """What is not polled any more has its carrier; nothing is asked for nobody."""
        self.answers["a"] = False
        self.beat.poll({"a": ""})
        self.beat.poll({})
        self.assertTrue(self.beat.up("a"))
        self.assertEqual(self.clock.getDelayedCalls(), [])


class CarrierTests(SynchronousTestCase):
    def test_loopback(self) -> None:
        """lo has a link; where a method is not known, the next one is tried."""
        for method in (MII, ETHTOOL, IOCTL, ""):
            up, used = carrier("lo", method)
            self.assertIsInstance(up, bool)
            self.assertIn(used, (ETHTOOL, IOCTL))
        self.assertEqual(carrier("lo", IOCTL)[1], IOCTL)

    def test_missing(self) -> None:
        """An interface that is not there is an error that says so."""
        error = self.assertRaises(OSError, carrier, "nosuch0", "")
        self.assertEqual(error.errno, errno.ENODEV)
