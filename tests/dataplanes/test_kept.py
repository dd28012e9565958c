"""Records in a kernel that answers as the test says: refusals, losses, reading."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Sequence
from ipaddress import ip_network
from typing import Any

from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from hanode.config.route_model import Hop, Route
from hanode.dataplanes.kept import RETRY, SHARE, Kept
from hanode.dataplanes.kernel import Kernel
from hanode.dataplanes.netlink.message import StoredLink

A = Route(ip_network("10.1.0.0/16"), hops=(Hop(device="eth0"),))
B = Route(ip_network("10.2.0.0/16"), "blackhole")
ONLY = Route(ip_network("10.3.0.0/16"), "blackhole", place="add")


class Form:
    """Records are their own messages."""

    noun = "route"
    groups = (7, 11)

    def __init__(self, clock: Clock) -> None:
        self.there: list[Route] = []
        self.clock, self.slow, self.broken = clock, 0.0, False

    def devices(self, record: Route) -> tuple[str, ...]:
        return record.devices

    def track(self, record: Route) -> bool:
        return record.track

    def add(self, record: Route, kernel: Kernel) -> list[Any]:
        return [("make way", record), ("add", record)]

    def remove(self, record: Route, kernel: Kernel) -> Any:
        return ("remove", record)

    def remove_stored(self, stored: Route) -> Any:
        return ("clean", stored)

    def read(self, records: Iterable[Route]) -> list[Route]:
        if self.broken:
            raise OSError(errno.EBUSY, "busy")
        list(records)
        self.clock.rightNow += self.slow
        return list(self.there)

    def is_same(self, stored: Route, record: Route, kernel: Kernel) -> bool:
        return stored == record

    def is_alike(self, stored: Route, record: Route) -> bool:
        return stored.destination == record.destination

    def concerns(self, kind: int, data: Any, start: int, end: int) -> bool:
        return kind == 25


class Requests:
    """Remembers what is asked."""

    number = 4711

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.tags: list[Any] = []

    def send(self, requests: Sequence[Any], tags: Sequence[Any]) -> None:
        self.sent += [each for each in requests if each[0] != "make way"]
        self.tags = list(tags)


class News:
    """Remembers the groups."""

    def __init__(self) -> None:
        self.groups: list[tuple[int, bool]] = []

    def listen(self, group: int, wanted: bool) -> None:
        self.groups.append((group, wanted))


class KeptTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.kernel = Clock(), Kernel()
        self.kernel.links[3] = StoredLink(3, 0x41, "eth0", b"", 1500)
        self.kernel.indices["eth0"] = 3
        self.form, self.requests, self.news = Form(self.clock), Requests(), News()
        form: Any = self.form
        self.kept: Kept[Route] = Kept(form, self.clock, self.kernel)
        self.log: list[str] = []
        globalLogPublisher.addObserver(self.observe)
        self.addCleanup(globalLogPublisher.removeObserver, self.observe)

    def observe(self, event: Any) -> None:
        ours = event.get("log_namespace", "").startswith("hanode")
        if ours and event["log_level"].name != "debug":
            self.log.append(event["log_format"].format(**event))

    def open(self) -> None:
        requests: Any = self.requests
        news: Any = self.news
        self.kept.open(requests, news)
        self.kept.read_first()

    def hold(self, *records: Route) -> None:
        self.open()
        self.kept.claim("VI_1", records)
        self.kept.limit("VI_1", records)
        self.kept.set("VI_1")

    def answer(self, code: int = 0) -> None:
        """All of the last batch were done, or refused."""
        tags = self.requests.tags
        self.kept.answered(tags, dict.fromkeys(range(len(tags)), code) if code else {})

    def look(self) -> None:
        self.kept.disturb()
        self.kept.drained()

    def test_groups(self) -> None:
        """News are heard only while something is claimed."""
        self.hold(A)
        self.kept.claim("VI_1", ())
        self.assertEqual(
            self.news.groups, [(7, True), (11, True), (7, False), (11, False)]
        )
        self.assertFalse(self.kept.received(25, 0, b"", 0, 0))

    def test_refused(self) -> None:
        """Said once with the reason, tried later and later, said when it works."""
        self.hold(B)
        for wait in (RETRY, 2 * RETRY):
            self.answer(errno.EINVAL)
            self.assertEqual(self.kept.lacking("VI_1"), [B])
            self.requests.sent.clear()
            self.clock.advance(wait - 0.01)
            self.assertEqual(self.requests.sent, [])
            self.clock.advance(0.02)
            self.assertEqual(self.requests.sent, [("add", B)])
        self.answer()
        self.assertEqual(
            self.log,
            [
                "cannot set route blackhole 10.2.0.0/16: Invalid argument; trying again"
                " until it works",
                "route blackhole 10.2.0.0/16 is set at last",
            ],
        )

    def test_tried_when_something_changes(self) -> None:
        """What was refused is tried again at once when there are news."""
        self.hold(B)
        self.answer(errno.ENETUNREACH)
        self.requests.sent.clear()
        self.look()
        self.assertEqual(self.requests.sent, [("add", B)])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_released_while_waiting(self) -> None:
        """What was refused and is released is not tried again."""
        self.hold(B)
        self.answer(errno.EINVAL)
        self.kept.limit("VI_1", ())
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_exists(self) -> None:
        """EEXIST means that it is there, unless it may only be added."""
        self.hold(B, ONLY)
        self.answer(errno.EEXIST)
        self.assertEqual(self.kept.lacking("VI_1"), [ONLY])

    def test_interface_gone(self) -> None:
        """ENODEV is no refusal: its interface has gone, and it waits for that."""
        self.hold(A)
        self.answer(errno.ENODEV)
        self.assertEqual((self.kept.lacking("VI_1"), self.log), ([A], []))
        self.look()
        self.assertEqual(self.requests.sent[-1], ("add", A))

    def test_removal_refused(self) -> None:
        """A removal that fails is said, but not that there was nothing."""
        self.hold(A, B)
        self.answer()
        self.kept.limit("VI_1", (A,))
        self.answer(errno.EPERM)
        self.kept.limit("VI_1", ())
        self.answer(errno.ESRCH)
        self.assertEqual(
            self.log,
            ["cannot remove route blackhole 10.2.0.0/16: Operation not permitted"],
        )

    def test_not_answered_is_not_lost(self) -> None:
        """What the kernel has not answered for yet is not looked for."""
        self.hold(B)
        self.look()
        self.assertEqual(self.log, [])
        self.kept.forget()
        self.look()
        self.assertIn("was removed by someone else", self.log[0])

    def test_own_changes(self) -> None:
        """News of what we did ourselves are no reason to look."""
        self.hold(B)
        self.answer()
        self.assertTrue(self.kept.received(25, 4711, b"", 0, 0))
        self.kept.drained()
        self.assertEqual(self.log, [])
        self.assertFalse(self.kept.received(20, 0, b"", 0, 0))
        self.kept.received(25, 0, b"", 0, 0)
        self.kept.drained()
        self.assertEqual(len(self.log), 1)

    def test_pace(self) -> None:
        """Reading takes one part of SHARE of the time at most."""
        self.hold(B)
        self.answer()
        self.form.there, self.form.slow = [B], 0.1
        self.look()
        self.form.there = []
        self.look()
        self.kept.drained()
        self.clock.advance(0.1 * SHARE - 0.01)
        self.assertEqual(self.log, [])
        self.clock.advance(0.02)
        self.assertEqual(len(self.log), 1)

    def test_cannot_read(self) -> None:
        """A kernel that cannot be read is said, and asked again later."""
        self.hold(B)
        self.answer()
        self.form.broken = True
        self.look()
        self.form.broken = False
        self.clock.advance(RETRY)
        self.assertEqual(
            self.log[0], "cannot read routes from the kernel: [Errno 16] busy"
        )
        self.assertIn("put back", self.log[1])

    def test_cannot_clean(self) -> None:
        """That it cannot be read keeps nothing from being held."""
        self.form.broken = True
        self.hold(B)
        self.assertEqual(self.requests.sent, [("add", B)])

    def test_close(self) -> None:
        """Closing removes what is held and forgets what waits."""
        self.hold(A, B)
        self.answer()
        self.form.slow = 0.1
        self.form.there = [A, B]
        self.look()
        self.look()
        self.kept.close()
        self.assertEqual(self.requests.sent[-2:], [("remove", B), ("remove", A)])
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.look()
