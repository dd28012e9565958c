"""The load balancer of a node, with checkers and a kernel in memory."""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from hanode.balance.service import BalanceService
from hanode.config.balance_model import BalanceDefs, SyncDefs, VirtualServer
from hanode.config.model import Model
from hanode.events import ServerEvent
from hanode.facts import Facts
from hanode.lvs import SyncDaemon, Usage
from hanode.result import Result
from hanode.serving import RealServing, VirtualServing
from tests.balance.checkers import Follower, Kind, Moody, Prober, world
from tests.balance.servers import (
    ILL,
    NAME,
    VIP,
    WELL,
    check,
    real,
    rs,
    rs_event,
    virtual,
    vs_event,
)
from tests.balance.test_table import ONE, WEB


def checked(number: int, *more: Any, **words: Any) -> Any:
    """A real server with one check and whatever else."""
    return real(number, checks=(check(number), *more), **words)


def model(*virtuals: VirtualServer, **defs: Any) -> Model:
    return Model(
        virtual_servers={each.name: each for each in virtuals},
        balance=BalanceDefs(**defs),
    )


class Case(SynchronousTestCase):
    def start(self, wanted: Model, balancer: Moody | None = None) -> None:
        self.world = world()
        self.clock = self.world.clock
        self.facts = Facts(self.clock)
        self.prober, self.balancer = Prober(), balancer or Moody()
        self.told: list[ServerEvent] = []
        self.logged: list[str] = []
        self.service = BalanceService(
            self.world,
            self.facts,
            {"TCP_CHECK": self.prober, "WORD_CHECK": Follower()},
            {"memory": Kind(self.balancer)},
            self.told.append,
        )
        globalLogPublisher.addObserver(self.hear)
        self.addCleanup(globalLogPublisher.removeObserver, self.hear)
        self.service.configure(wanted)
        self.service.startService()

    def hear(self, event: Any) -> None:
        if event["log_namespace"].startswith("hanode.balance"):
            self.logged.append(formatEvent(event))

    def reload(self, wanted: Model) -> None:
        self.service.configure(wanted)
        self.clock.advance(0)

    def answer(self, *results: tuple[int, Result]) -> None:
        """All checks are made; those of the servers named have another result."""
        given, asked = dict(results), self.prober.asked
        self.prober.asked = []
        for each, done in asked:
            done.callback(given.get(each.target.address.packed[-1], WELL))
        self.clock.advance(0)

    def numbers(self) -> dict[int, int]:
        service = self.balancer.services[WEB]
        return {each.address.packed[-1]: each.weight for each in service.destinations}

    def lines(self, pattern: str) -> list[str]:
        return [each for each in self.logged if re.search(pattern, each)]


class Starts(Case):
    def test_table(self) -> None:
        """The first table is whole, and there before any check."""
        self.start(model(virtual(checked(1), checked(2))))
        self.assertEqual(self.balancer.calls, ["start", "refusal", "balance"])
        self.assertEqual(self.numbers(), {1: 1, 2: 1})
        self.assertEqual(
            self.logged,
            [
                "Balancing with dataplane memory (it is the first that auto tries)",
                f"Activating healthchecker for service {rs(1)} for VS {NAME}",
                f"Activating healthchecker for service {rs(2)} for VS {NAME}",
            ],
        )

    def test_facts(self) -> None:
        """Each server has its fact."""
        self.start(model(virtual(checked(1), real(2))))
        self.assertEqual(
            {name: fact.value for name, fact in self.facts.snapshot().items()},
            {
                f"real:{NAME}/{rs(1)}": RealServing(
                    True, 1, "assumed up before the first check", 0.0
                ),
                f"real:{NAME}/{rs(2)}": RealServing(True, 1, "no checks", 0.0),
                f"virtual:{NAME}": VirtualServing(
                    *(True, 2, 2, 2, False, False, "Starting with quorum up", 0.0)
                ),
            },
        )

    def test_nothingToBalance(self) -> None:
        """Without virtual servers no plug-in is even looked for."""
        self.start(model())
        self.assertEqual((self.balancer.calls, self.logged), ([], []))
        self.service.stopService()

    def test_initNotifies(self) -> None:
        """rs_init_notifies tells of who is up at the start, but not at a reload."""
        self.start(model(virtual(real(1)), init_notifies=True))
        self.assertEqual(self.told, [rs_event(1, "UP", "no checks")])
        self.reload(model(virtual(real(1), real(2)), init_notifies=True))
        self.assertEqual(len(self.told), 1)

    def test_wait(self) -> None:
        """With wait nobody serves before the first success, alpha or not."""
        self.start(model(virtual(checked(1), real(2)), wait=True))
        self.assertEqual(self.numbers(), {2: 1})
        self.clock.advance(1)
        self.answer()
        self.assertEqual(self.numbers(), {1: 1, 2: 1})

    def test_many(self) -> None:
        """With thousands of servers the log has one line for a virtual server."""
        many = [
            replace(checked(1), address=ip_address(f"10.1.{n >> 8}.{n & 255}"))
            for n in range(1001)
        ]
        self.start(model(virtual(*many)))
        self.service.stopService()
        self.assertEqual(
            self.logged[1:],
            [
                f"Activating healthcheckers of 1001 services for VS {NAME}",
                f"Shutting down VS {NAME}",
            ],
        )

    def test_refused(self) -> None:
        """What the plug-in cannot do is said, and left out of the table."""
        kernel = Moody()
        kernel.refused[WEB] = "no wlc: use wrr"
        self.start(model(virtual(checked(1))), kernel)
        self.assertEqual(kernel.services, {})
        (line,) = self.lines("not balanced")
        self.assertEqual(line, f"VS {NAME} ({WEB}) is not balanced: no wlc: use wrr")
        self.clock.advance(1)
        self.answer((1, ILL))
        (record,) = self.service.describe_each({})
        self.assertEqual(record["refused"], {str(WEB): "no wlc: use wrr"})


class Checked(Case):
    def test_failure(self) -> None:
        """A failure is logged with its reason, taken out and told."""
        self.start(model(virtual(checked(1), checked(2))))
        del self.logged[:]
        self.clock.advance(1)
        self.answer((1, ILL))
        self.assertEqual(self.numbers(), {2: 1})
        self.assertEqual(
            self.logged,
            [
                f"TCP_CHECK on service {rs(1)} failed. (refused: by the peer)",
                f"Removing service {rs(1)} from VS {NAME}",
            ],
        )
        self.assertEqual(self.told, [rs_event(1, "DOWN", "refused: by the peer")])
        self.assertEqual(
            self.facts.get(f"real:{NAME}/{rs(1)}"),
            RealServing(False, 1, "refused: by the peer", 1.0),
        )

    def test_retriesAndReturn(self) -> None:
        """The log counts retries, and tells of the return."""
        self.start(model(virtual(checked(1))))
        for seconds, result in ((1, WELL), (10, ILL), (1, ILL), (10, WELL)):
            self.clock.advance(seconds)
            self.answer((1, result))
        found = self.lines("TCP_CHECK|Adding")
        self.assertEqual(
            found,
            [
                f"TCP_CHECK on service {rs(1)} failed after 1 retries."
                " (refused: by the peer)",
                f"TCP_CHECK on service {rs(1)} success. (success)",
                f"Adding service {rs(1)} to VS {NAME}",
            ],
        )

    def test_logAllFailures(self) -> None:
        """With log_all_failures each try that fails is in the log."""
        noisy = real(1, checks=(check(1, log_all_failures=True),))
        self.start(model(virtual(noisy)))
        for seconds, result in ((1, WELL), (10, ILL)):
            self.clock.advance(seconds)
            self.answer((1, result))
        self.assertEqual(len(self.lines("TCP_CHECK .* failed. ")), 1)
        self.assertEqual(self.told, [])

    def test_ours(self) -> None:
        """A probe that this machine could not make is logged, and blames nobody."""
        self.start(model(virtual(checked(1))))
        self.clock.advance(1)
        self.answer((1, Result(False, "too many open files", ours=True)))
        self.assertEqual(self.numbers(), {1: 1})
        self.assertEqual(
            self.lines("TCP_CHECK"),
            [f"TCP_CHECK on service {rs(1)} not made. (too many open files)"],
        )

    def test_silence(self) -> None:
        """Results that say nothing new change neither table nor fact."""
        self.start(model(virtual(checked(1), checked(2))))
        before = self.facts.snapshot()
        for _ in range(3):
            self.clock.advance(10)
            self.answer()
        self.assertEqual(self.facts.snapshot(), before)
        self.assertEqual(len(self.balancer.tables), 1)

    def test_oneTable(self) -> None:
        """What changes in one turn of the reactor makes one table."""
        self.start(model(virtual(*[checked(n) for n in range(1, 6)])))
        self.clock.advance(1)
        self.answer((1, ILL), (2, ILL), (3, ILL))
        self.assertEqual(len(self.balancer.tables), 2)
        self.assertEqual(self.numbers(), {4: 1, 5: 1})

    def test_shared(self) -> None:
        """A check of two virtual servers is made once, and logged once."""
        other = virtual(checked(1), name="other", addresses=())
        self.start(model(virtual(checked(1)), other))
        self.clock.advance(1)
        self.assertEqual(len(self.prober.asked), 1)
        self.answer((1, ILL))
        self.assertEqual(len(self.lines("TCP_CHECK")), 1)
        self.assertEqual(len(self.lines("Removing service")), 2)
        self.assertEqual(len([each for each in self.told if each.kind == "VS"]), 2)

    def test_weight(self) -> None:
        """A check may change the weight without any verdict."""
        self.start(model(virtual(checked(1))))
        self.clock.advance(1)
        self.answer((1, Result(True, "success", weight=7)))
        self.assertEqual(self.numbers(), {1: 7})
        self.assertEqual(self.facts.get(f"real:{NAME}/{rs(1)}").weight, 7)

    def test_fact(self) -> None:
        """A fact checker's outcome is that of a fact."""
        word = check(1, "WORD_CHECK", retry=0)
        self.start(model(virtual(real(1, checks=(word,)), real(2))))
        self.facts.set("word", "bad")
        self.clock.advance(0)
        self.assertEqual(self.numbers(), {2: 1})
        self.facts.set("word", "good")
        self.clock.advance(0)
        self.assertEqual(self.numbers(), {1: 1, 2: 1})


class Ends(Case):
    def test_remove(self) -> None:
        """At the end what is ours is removed; the log names it."""
        self.start(model(virtual(checked(1)), virtual(name="empty", addresses=())))
        self.clock.advance(1)
        self.service.stopService()
        self.assertEqual(self.balancer.services, {})
        self.assertEqual(
            self.lines("Shutting"), [f"Shutting down service {rs(1)} from VS {NAME}"]
        )
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(len(self.prober.cancelled), 1)

    def test_pending(self) -> None:
        """A table that was about to be handed over is not, after the end."""
        self.start(model(virtual(checked(1))))
        self.clock.advance(1)
        ((_, done),) = self.prober.asked
        done.callback(ILL)
        self.service.stopService()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_keep(self) -> None:
        """With release keep it goes on working."""
        self.start(model(virtual(checked(1)), release="keep"))
        self.service.stopService()
        self.assertEqual(list(self.balancer.services), [WEB])
        self.assertEqual(self.lines("Shutting"), [])

    def test_flushOnStop(self) -> None:
        """lvs_flush_on_stop forgets all services, with VS ours only."""
        for value, calls in (("VS", ["stop True"]), ("all", ["flush", "stop True"])):
            self.start(model(virtual(checked(1)), release="keep", flush_on_stop=value))
            self.service.stopService()
            self.assertEqual(self.balancer.calls[3:], calls)

    def test_omega(self) -> None:
        """With omega who is up is told as down."""
        self.start(model(virtual(checked(1), omega=True)))
        self.service.stopService()
        end = "Shutting down"
        self.assertEqual(self.told, [rs_event(1, "DOWN", end), vs_event("DOWN", end)])


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

    def test_anotherDataplane(self) -> None:
        """Another dataplane gets everything, and the old one is cleared."""
        self.start(model(virtual(checked(1))))
        new = Moody()
        self.service.director._kinds = {"new": Kind(new, "new")}
        self.reload(model(virtual(checked(1)), dataplane="new"))
        self.assertEqual(self.balancer.services, {})
        self.assertEqual(list(new.services), [WEB])


class Others(Case):
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


class Descriptions(Case):
    def counted(self) -> list[dict[str, Any]]:
        """All virtual servers with what the kernel counts."""
        usages = Deferred.fromCoroutine(self.service.usages())
        return list(self.service.describe_each(self.successResultOf(usages)))

    def test_describe(self) -> None:
        """A virtual server as a dict, with its servers and their checks."""
        self.start(model(virtual(checked(1), real(2, 4), sorry=real(9))))
        self.clock.advance(1)
        self.answer((1, replace(ILL, seconds=0.25)))
        self.clock.advance(4)
        (record,) = self.service.describe_each({})
        servers = record.pop("real_servers")
        self.assertEqual(
            record,
            {
                "name": NAME,
                "group": "",
                "protocol": "TCP",
                "services": ["[192.0.2.1]:tcp:80"],
                "scheduler": "wlc",
                "persistence": 0,
                "state": "UP",
                "since": 5.0,
                "reason": "Starting with quorum up",
                "quorum": 1,
                "hysteresis": 0,
                "weight": 4,
                "alive": 1,
                "suspended": False,
                "refused": {},
                "sorry_server": {"name": rs(9), "active": False},
                "usage": None,
            },
        )
        (first,) = servers[0].pop("checks")
        self.assertEqual(
            servers[0],
            {
                "name": rs(1),
                "address": "10.0.0.1",
                "port": 80,
                "state": "DOWN",
                "since": 4.0,
                "reason": "refused: by the peer",
                "weight": 1,
                "configured_weight": 1,
                "weight_in_use": None,
                "method": "NAT",
                "drain": "",
                "leaving": False,
                "usage": None,
            },
        )
        self.assertEqual(
            first,
            {
                "check": "TCP_CHECK",
                "address": "10.0.0.1",
                "port": 80,
                "state": "DOWN",
                "since": 4.0,
                "tried": True,
                "failures": 0,
                "probes": 1,
                "users": 1,
                "running": False,
                "result": {
                    "ok": False,
                    "reason": "refused",
                    "detail": "by the peer",
                    "seconds": 0.25,
                    "ago": 4.0,
                },
            },
        )
        self.assertEqual(servers[1]["checks"], [])

    def test_usage(self) -> None:
        """When asked, with what the kernel counts."""
        self.start(model(virtual(checked(1), real(2, drain=60.0))))
        self.balancer.count(WEB, Usage(connections=9))
        self.balancer.count(WEB, Usage(connections=4, active=2), (ONE, 80))
        self.reload(model(virtual(checked(1))))
        (record,) = self.counted()
        self.assertEqual(record["usage"]["connections"], 9)
        first, second = record["real_servers"]
        self.assertEqual((first["usage"]["active"], first["leaving"]), (2, False))
        self.assertEqual((second["usage"]["active"], second["leaving"]), (0, True))
        self.assertEqual((second["drain"], second["weight_in_use"]), ("draining", 0))
        self.assertIsNone(first["checks"][0]["result"])

    def test_unknownUsage(self) -> None:
        """Where the kernel knows nothing, neither do we."""
        self.start(model(virtual(checked(1))), Moody("usages"))
        (record,) = self.counted()
        self.flushLoggedErrors(OSError)
        found = (record["usage"], record["real_servers"][0]["usage"])
        self.assertEqual(found, (None, None))

    def test_names(self) -> None:
        """What is there can be named, and looked at one by one."""
        self.start(model(virtual(checked(1), real(2))))
        self.assertEqual(self.service.names(), [NAME])
        self.assertEqual(
            self.service.real_names(), [f"{NAME}/{rs(1)}", f"{NAME}/{rs(2)}"]
        )
        record = self.service.describe_one(NAME, {})
        self.assertEqual(list(self.service.describe_each({})), [record])
        self.assertIsNone(self.service.describe_one("other", {}))
        self.assertEqual(
            self.service.describe_all(), {"dataplane": "memory", "problem": ""}
        )
