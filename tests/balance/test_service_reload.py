"""The load balancer of a node: reloads, and what others say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from unittest import mock

from hanode.balance.director import AGAIN
from hanode.config.balance_model import SyncDefs, VirtualAddress
from hanode.lvs import Endpoint, SyncDaemon
from tests.balance.case import Case, checked, model
from tests.balance.checkers import Kind, Moody
from tests.balance.servers import (
    ILL,
    NAME,
    VIP,
    check,
    real,
    rs,
    virtual,
)
from tests.balance.test_table import WEB


class Reloads(Case):
    def test_summary(self) -> None:
        """The log sums up what a reload has changed."""
        a, b, c = (virtual(checked(1), name=name) for name in "abc")
        self.start(model(a, b))
        self.reload(model(replace(b, quorum=2), c))
        self.assertEqual(
            self.lines("Virtual servers"),
            ["Virtual servers: 1 changed, 1 added, 1 removed"],
        )
        self.assertEqual([each.name for each in self.service.virtuals()], ["b", "c"])

    def test_another(self) -> None:
        """With another protocol a virtual server of the same name is another one."""
        self.start(model(virtual(checked(1), name="a")))
        self.reload(model(virtual(checked(1), name="a", protocol="UDP")))
        self.assertEqual(
            [str(each) for each in self.balancer.services], ["[192.0.2.1]:udp:80"]
        )
        names = [name for name in self.facts.snapshot() if name.startswith("real")]
        self.assertEqual(names, ["real:a/[10.0.0.1]:udp:80"])

    def test_first(self) -> None:
        """A reload may bring the first virtual servers, with a plug-in for them."""
        self.start(model())
        self.reload(model(virtual(checked(1))))
        self.assertEqual(self.numbers(), {1: 1})
        self.clock.advance(1)
        self.assertEqual(len(self.prober.asked), 1)

    def test_checkAddedAndRemoved(self) -> None:
        """Checks of a server come and go; it is up when those that are left are."""
        self.start(model(virtual(checked(1), real(2))))
        self.clock.advance(1)
        self.answer((1, ILL))
        both = real(1, checks=(check(1), check(9)))
        self.reload(model(virtual(both, real(2))))
        self.assertEqual(self.numbers(), {2: 1})
        other = real(1, checks=(check(9),))
        self.reload(model(virtual(other, real(2))))
        # A new check of a server that was down has to succeed first.
        self.assertEqual(self.numbers(), {2: 1})
        self.clock.advance(1)
        self.answer()
        self.assertEqual(self.numbers(), {1: 1, 2: 1})
        self.assertEqual(len(self.service.checks), 1)

    def test_slices(self) -> None:
        """A long reload is done bit by bit, and an end or a reload completes it."""
        self.start(model())
        ticks = iter(range(10_000))
        self.patch(self.world.clock, "seconds", lambda: next(ticks) / 100)
        big = model(*(virtual(checked(1), name=f"v{n}") for n in range(5)))
        self.service.configure(big)
        self.assertLess(len(self.service.virtuals()), 5)
        self.service.configure(big)
        self.service._finish()
        self.assertEqual(len(self.service.virtuals()), 5)

    def test_failing(self) -> None:
        """One virtual server that fails keeps no other from being reloaded."""
        a, b, c, d = (virtual(checked(n), name=n_) for n, n_ in enumerate("abcd", 1))
        self.start(model(a, b, d))
        for failing in ("_change", "_add", "_remove"):
            made = getattr(self.service._roster, failing)

            def broken(first: Any, *rest: Any, made: Any = made) -> Any:
                if first.name in "ad":
                    raise OSError("oh")
                return made(first, *rest)

            self.patch(self.service._roster, failing, broken)
        self.reload(model(replace(a, quorum=2), replace(b, quorum=2), c))
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 2)
        self.assertEqual(
            [(each.name, each.settings.quorum) for each in self.service.virtuals()],
            [("a", 1), ("b", 2), ("c", 1)],
        )
        self.assertEqual(len(self.lines("VS [ad] failed: the next reload")), 2)
        self.assertEqual(len(self.service.checks), 3)

    def test_failedAgain(self) -> None:
        """What was only half done is made anew by the next reload."""
        a, b = (virtual(checked(n), name=name) for n, name in ((1, "a"), (2, "b")))
        self.start(model())
        with mock.patch.object(self.service._roster, "_join", side_effect=OSError):
            self.reload(model(a, b))
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 2)
        self.reload(model(a, b))
        self.clock.advance(1)
        self.assertEqual(len(self.prober.asked), 2)
        self.assertEqual(self.lines("servers:")[-1], "Virtual servers: 2 replaced")
        self.reload(model(a, b))
        self.assertEqual(len(self.lines("servers:")), 1)

    def test_anotherDataplane(self) -> None:
        """Another dataplane gets everything, and the old one is cleared."""
        self.start(model(virtual(checked(1))))
        new = Moody()
        self.service.director._kinds = {"new": Kind(new, "new")}
        self.reload(model(virtual(checked(1)), dataplane="new"))
        self.assertEqual(self.balancer.services, {})
        self.assertEqual(list(new.services), [WEB])


class Others(Case):
    def test_dataplaneLater(self) -> None:
        """A dataplane that can be used later gets all but what it refuses."""
        both = (VirtualAddress(VIP, 80), VirtualAddress(VIP, 81))
        self.start(model())
        kind = self.service.director._kinds["memory"]
        kind.problem = "no module"
        self.balancer.refused = {WEB: "no wlc"}
        self.reload(model(virtual(checked(1), addresses=both)))
        self.assertEqual((self.balancer.services, self.lines("no wlc")), ({}, []))
        kind.problem = ""
        self.clock.advance(AGAIN)
        self.assertEqual(list(self.balancer.services), [Endpoint(VIP, 81, "TCP")])
        self.assertEqual(self.balancer.calls.count("balance"), 1)
        self.assertEqual(len(self.lines("is not balanced: no wlc")), 1)

    def test_sync(self) -> None:
        """The instance decides which daemon runs; without one, both do."""
        sync = SyncDefs("eth0", "VI_1", 51)
        self.start(model(virtual(checked(1)), sync=sync))
        master, backup = (SyncDaemon(each, "eth0", 51) for each in ("master", "backup"))
        self.assertEqual(self.balancer.daemons, (backup,))
        self.facts.set("vrrp:VI_1", "MASTER")
        self.assertEqual(self.balancer.daemons, (master,))
        self.facts.set("vrrp:VI_1", "FAULT")
        self.assertEqual(self.balancer.daemons, (backup,))
        self.reload(model(virtual(checked(1)), sync=replace(sync, instance="")))
        self.assertEqual(self.balancer.daemons, (master, backup))
        self.reload(model(virtual(checked(1))))
        self.assertEqual(self.balancer.daemons, ())

    def test_suspended(self) -> None:
        """With ha_suspend checks are made while one of the addresses is local."""
        self.start(model(virtual(checked(1), ha_suspend=True), virtual(name="x")))
        self.clock.advance(60)
        self.assertEqual((self.prober.asked, self.lines("Activ")), ([], []))
        self.facts.set("addresses:local", frozenset({VIP}))
        self.clock.advance(1)
        self.assertEqual(len(self.prober.asked), 1)
        self.assertFalse(self.facts.get(f"virtual:{NAME}").suspended)
        self.facts.set("addresses:local", frozenset())
        self.clock.advance(60)
        self.assertEqual(len(self.prober.cancelled), 1)
        self.assertTrue(self.facts.get(f"virtual:{NAME}").suspended)
        self.assertEqual(
            self.lines("healthchecker"),
            [
                f"{what} healthchecker for service {rs(1)} for VS {NAME}"
                for what in ("Activating", "Suspending")
            ],
        )

    def test_wish(self) -> None:
        """An operator's wish holds for the server that it names, and no other."""
        self.start(model(virtual(checked(1), checked(2)), virtual(name="other")))
        self.facts.set(f"admin:real:{NAME}/{rs(1)}", "drain")
        self.facts.set(f"admin:real:nobody/{rs(2)}", "drain")
        self.clock.advance(0)
        self.assertEqual(self.numbers(), {1: 0, 2: 1})
        self.clock.advance(2)
        self.assertEqual(self.numbers(), {2: 1})
        self.assertEqual(self.facts.get(f"real:{NAME}/{rs(1)}").drain, "drained")

    def test_stopWhileDraining(self) -> None:
        """The end waits for no connection."""
        self.start(model(virtual(checked(1))))
        self.facts.set(f"admin:real:{rs(1)}", "drain")
        self.clock.advance(0)
        self.service.stopService()
        self.assertEqual(self.clock.getDelayedCalls(), [])
