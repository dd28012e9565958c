"""What the Linux dataplane does when the kernel refuses, without a kernel."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from ipaddress import ip_address
from struct import pack
from typing import Any

from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from hanode.config.model import Address
from hanode.dataplanes import linux
from hanode.dataplanes.linux import LinuxDataplane
from hanode.dataplanes.netlink.message import (
    RTM_DELADDR,
    RTM_GETLINK,
    RTM_NEWADDR,
    RTM_NEWLINK,
    add_address,
    remove_address,
)

A = Address(ip_address("10.0.0.1"), 24, "eth0")
LINK = pack("=BxHiII", 0, 1, 2, 0x41, 0) + pack("=HH8s", 9, 3, b"eth0\0")


class FakeRequests:
    """Remembers what is sent; the test answers."""

    number = 4711
    last: FakeRequests

    def __init__(self, reactor: Any, answered: Any, overrun: Any) -> None:
        self.answered, self.overrun = answered, overrun
        self.sent: list[bytes] = []
        self.tags: list[Sequence[Any]] = []
        self.forgotten = 0
        FakeRequests.last = self

    def send(self, requests: Sequence[bytes], tags: Sequence[Any]) -> None:
        self.sent += requests
        self.tags.append(tags)

    def answer(self, code: int = 0) -> None:
        """Answer the last batch: everything in it failed, or nothing."""
        tags = self.tags[-1]
        errors = dict.fromkeys(range(len(tags)), code) if code else {}
        self.answered(tags, errors)

    def is_up(self, name: str) -> bool:
        return True

    def forget(self) -> None:
        self.forgotten += 1

    def doRead(self) -> None:
        pass

    def close(self) -> None:
        pass


class FakeNotifications:
    last: FakeNotifications

    def __init__(self, reactor: Any, received: Any, drained: Any, overrun: Any) -> None:
        self.received, self.drained, self.overrun = received, drained, overrun
        FakeNotifications.last = self

    def tell(self, kind: int, body: bytes, port: int = 0) -> None:
        self.received(kind, port, bytearray(body), 0, len(body))
        self.drained()

    def close(self) -> None:
        pass


class FakePort:
    def sendto(self, frame: bytes, to: tuple[str, int]) -> None:
        pass

    def close(self) -> None:
        pass


class LinuxDataplaneTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.dumps: list[Any] = []
        self.patch(linux, "Requests", FakeRequests)
        self.patch(linux, "Notifications", FakeNotifications)
        self.patch(linux, "dump", self.dump)
        self.clock = Clock()
        self.dataplane = LinuxDataplane(self.clock)
        self.dataplane._announcer._opener = FakePort
        self.failing = False
        self.told: list[Any] = []
        self.dataplane.start(lambda name, link: self.told.append((name, link)))
        self.requests = FakeRequests.last
        self.news = FakeNotifications.last
        self.log: list[str] = []
        globalLogPublisher.addObserver(self.observe)
        self.addCleanup(globalLogPublisher.removeObserver, self.observe)

    def observe(self, event: Any) -> None:
        if event.get("log_namespace", "").startswith("hanode"):
            self.log.append(event["log_format"].format(**event))

    def dump(self, kind: int) -> list[bytes]:
        if self.failing:
            raise OSError(errno.EBUSY, "busy")
        self.dumps.append(kind)
        return [LINK] if kind == RTM_GETLINK else []

    def hold(self) -> None:
        self.dataplane.claim("VI_1", (A,))
        self.dataplane.hold("VI_1", (A,))

    def test_old_kernel(self) -> None:
        """A kernel that does not know IFA_PROTO gets the address without it."""
        self.hold()
        self.requests.answer(errno.EINVAL)
        self.requests.answer()
        self.assertEqual(
            (self.requests.sent, self.log),
            ([add_address(A, 2), add_address(A, 2, None)], []),
        )

    def test_back_off(self) -> None:
        """A refused address is tried again, later each time; the log says it once."""
        self.hold()
        gaps = []
        for _ in range(7):
            self.requests.answer(errno.EPERM)
            (call,) = self.clock.getDelayedCalls()
            gaps.append(call.getTime() - self.clock.seconds())
            self.clock.advance(gaps[-1])
        self.requests.answer()
        self.assertEqual(gaps, [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0])
        self.assertEqual(
            self.log,
            [
                "cannot set 10.0.0.1/24 dev eth0: Operation not permitted; trying "
                "again until it works",
                "10.0.0.1/24 dev eth0 is set at last",
            ],
        )

    def test_exists_already(self) -> None:
        """An address that was there already is set."""
        self.hold()
        self.requests.answer(errno.EEXIST)
        self.assertEqual((self.clock.getDelayedCalls(), self.log), ([], []))

    def test_interface_has_just_gone(self) -> None:
        """Without its interface an address waits for it, and for nothing else."""
        self.hold()
        self.requests.answer(errno.ENODEV)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.news.tell(RTM_NEWLINK, LINK)
        self.assertEqual(self.requests.sent, [add_address(A, 2)] * 2)

    def test_removals(self) -> None:
        """Gone already is removed; any other refusal is said."""
        for code in (errno.EADDRNOTAVAIL, errno.ENODEV, errno.EPERM):
            self.hold()
            self.dataplane.hold("VI_1", ())
            self.requests.answer(code)
        self.assertEqual(
            self.log, ["cannot remove 10.0.0.1/24 dev eth0: Operation not permitted"]
        )

    def test_late_refusal(self) -> None:
        """A refusal of what is no longer held changes nothing."""
        self.hold()
        added = self.requests.tags[-1]
        self.dataplane.hold("VI_1", ())
        self.requests.answered(added, {0: errno.EPERM})
        self.assertEqual((self.clock.getDelayedCalls(), self.log), ([], []))

    def test_went_and_came(self) -> None:
        """An address that is back before we look again causes nothing."""
        self.hold()
        add, remove = add_address(A, 2)[16:], remove_address(A, 2)[16:]
        self.news.received(RTM_DELADDR, 9, bytearray(remove), 0, len(remove))
        self.news.tell(RTM_NEWADDR, add)
        self.assertEqual((len(self.requests.sent), self.log), (1, []))

    def test_answers_lost(self) -> None:
        """Lost answers: nobody waits for them, and all is read anew."""
        self.hold()
        self.dumps.clear()
        self.requests.overrun()
        self.assertEqual((self.requests.forgotten, len(self.dumps)), (1, 2))
        self.assertEqual(self.requests.sent, [add_address(A, 2)] * 2)

    def test_reading_anew_fails(self) -> None:
        """When the kernel cannot be read it is tried again in a second."""
        self.failing = True
        self.news.overrun()
        self.news.overrun()
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)
        self.failing = False
        self.clock.advance(1)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.news.overrun()
        self.failing = True
        self.news.overrun()
        self.dataplane.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_stopped(self) -> None:
        """After stop nothing is sent, and nobody is told."""
        self.hold()
        self.dataplane.stop()
        sent = len(self.requests.sent)
        self.told.clear()
        self.hold()
        self.requests.overrun()
        self.assertEqual((len(self.requests.sent), self.told), (sent, []))
