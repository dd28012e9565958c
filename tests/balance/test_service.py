"""The load balancer of a node, with checkers and a kernel in memory."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from hanode.result import Result
from hanode.serving import RealServing, VirtualServing
from tests.balance.case import Case, checked, model
from tests.balance.checkers import Moody
from tests.balance.servers import (
    ILL,
    NAME,
    WELL,
    check,
    real,
    rs,
    rs_event,
    virtual,
    vs_event,
)
from tests.balance.test_table import WEB


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
        """With wait nobody gets connections before its first success, alpha or not.

        It is there already, with weight 0: what a restart finds is not cut.
        """
        self.start(model(virtual(checked(1), checked(2), real(3)), wait=True))
        self.assertEqual(self.numbers(), {1: 0, 2: 0, 3: 1})
        self.clock.advance(1)
        self.answer((2, ILL))
        self.assertEqual(self.numbers(), {1: 1, 3: 1})

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
        down = rs_event(1, "DOWN", "refused: by the peer", "TCP_CHECK")
        self.assertEqual(self.told, [down])
        self.assertEqual(
            self.facts.get(f"real:{NAME}/{rs(1)}"),
            RealServing(False, 1, "refused: by the peer", 1.0),
        )

    def test_oneOfSeveral(self) -> None:
        """A check that changes nothing is told as a check; the server itself once."""
        self.start(model(virtual(real(1, checks=(check(1), check(2))))))
        self.clock.advance(1)
        self.answer((1, ILL))
        down = rs_event(1, "DOWN", "refused: by the peer", "TCP_CHECK")
        self.assertEqual([each for each in self.told if each.kind == "RS"], [down])
        del self.told[:]
        for pause in (60, 1):
            self.clock.advance(pause)
            self.answer((1, ILL), (2, ILL))
        (told,) = self.told
        wanted = ("CHECK", "DOWN", "TCP_CHECK", True)
        found = (told.kind, told.state, told.check, told.alert)
        self.assertEqual(found, wanted)

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
