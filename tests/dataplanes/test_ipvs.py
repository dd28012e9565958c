"""The IPVS balancer, on a kernel in memory; tests/live/guest has the real one."""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from dataclasses import replace
from ipaddress import ip_address
from typing import Any
from unittest import mock

from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from hanode.dataplanes import ipvs as module
from hanode.dataplanes import ipvs_message as message
from hanode.dataplanes.ipvs import IpvsBalancer, ipvsBalancer
from hanode.dataplanes.ipvs_program import BATCH
from hanode.dataplanes.ipvs_watch import DESTINATIONS, EVERY
from hanode.dataplanes.netlink.message import BadMessage
from hanode.lvs import Destination, Endpoint, Service, SyncDaemon, Timeouts
from hanode.processes import Exit
from tests.dataplanes.balancer_contract import (
    DAEMON,
    MARKED,
    ONE,
    SIX,
    TWO,
    WEB,
    BalancerContract,
    table,
)
from tests.dataplanes.ipvs_in_memory import IpvsInMemory
from tests.dataplanes.ipvs_save import saved


def many(services: int, each: int) -> dict[Any, Service]:
    """So many services with so many destinations each."""
    found = {}
    for number in range(services):
        identity = Endpoint(ip_address("192.0.2.0") + number, 80, "TCP")
        first = ip_address("10.0.0.0") + number * each
        below = tuple(Destination(first + other, 80) for other in range(each))
        found[identity] = Service(identity, "rr", destinations=below)
    return found


class Programs:
    """Processes that end as they are told to."""

    def __init__(self) -> None:
        self.ran: list[Sequence[str]] = []
        self.end: Deferred[Exit] = Deferred()

    def run(
        self,
        argv: Sequence[str],
        user: str | None = None,
        group: str | None = None,
        timeout: float | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Deferred[Exit]:
        self.ran.append(argv)
        return self.end


class Memory(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1000)
        self.programs = Programs()
        self.balancer = IpvsBalancer(
            self.clock,
            IpvsInMemory,  # type: ignore[arg-type]
            self.programs,
        )
        self.ipvs: Any = self.balancer._kernel
        self.log: list[str] = []
        globalLogPublisher.addObserver(self._note)
        self.addCleanup(globalLogPublisher.removeObserver, self._note)

    def _note(self, event: Any) -> None:
        if event["log_namespace"].startswith("hanode."):
            self.log.append(event["log_format"].format(**event))

    def settle(self) -> None:
        self.clock.advance(EVERY)

    def holds(self, *services: Service) -> None:
        self.assertEqual(saved(self.ipvs.services_.values()), saved(services))


class ContractTests(Memory, BalancerContract):
    def kernel(self) -> list[str]:
        return saved(self.ipvs.services_.values())

    def someone_sets(self, service: Service) -> None:
        self.ipvs.services_[service.identity] = service

    def someone_removes(self, *services: Service) -> None:
        for identity in [each.identity for each in services] or [*self.ipvs.services_]:
            del self.ipvs.services_[identity]

    def daemons(self) -> list[tuple[str, str, int]]:
        return sorted(
            (each.state, each.interface, each.sync_id) for each in self.ipvs.daemons_
        )

    def limits(self) -> Timeouts:
        limits: Timeouts = self.ipvs.limits
        return limits


class ProgramTests(Memory):
    def test_batches(self) -> None:
        """The service alone, then its destinations in batches."""
        self.balancer.start()
        self.balancer.balance(many(1, BATCH + 5))
        self.assertEqual(
            self.ipvs.batches,
            [[message.NEW_SERVICE], [message.NEW_DEST] * BATCH, [message.NEW_DEST] * 5],
        )

    def test_nothing_twice(self) -> None:
        """The same table, or an equal one, sends nothing."""
        self.balancer.start()
        self.balancer.balance(many(3, 3))
        self.ipvs.batches.clear()
        self.balancer.balance(many(3, 3))
        self.settle()
        self.assertEqual((self.ipvs.batches, self.log), ([], []))

    def test_newer_table_in_the_middle(self) -> None:
        """A table that comes while another is being set replaces it at once."""
        self.balancer.start()
        self.slow(0.003)
        self.balancer.balance(many(20, BATCH))
        self.assertEqual(len(self.ipvs.services_), 1)
        wanted = {**table(WEB), **many(2, 3)}
        self.balancer.balance(wanted)
        self.clock.advance(0)
        self.holds(*wanted.values())

    def slow(self, seconds: float) -> None:
        """Each send takes so long from now on."""
        send = self.ipvs.send

        def slowly(requests: Any, tags: Any) -> None:
            self.clock.rightNow += seconds
            send(requests, tags)

        self.ipvs.send = slowly

    def test_stopped_in_the_middle(self) -> None:
        """What was set of an unfinished table is removed, and nothing more is set."""
        self.balancer.start()
        self.slow(0.003)
        self.balancer.balance(many(20, BATCH))
        self.balancer.stop(remove=True)
        self.clock.advance(100)
        self.holds()

    def test_kind_of_method_only(self) -> None:
        """What a method says of tunnels means nothing without a tunnel."""
        from hanode.lvs import Method

        odd = replace(ONE, method=Method("NAT", "gre", 5, "csum"))
        self.balancer.start()
        self.balancer.balance(table(replace(WEB, destinations=(odd, TWO))))
        self.settle()
        self.holds(WEB)
        self.assertEqual(self.log, [])


class RefusalTests(Memory):
    def test_service(self) -> None:
        """Said once, tried again ever more rarely, said when it works."""
        self.ipvs.refused["nosuch"] = errno.ENOENT
        odd = replace(WEB, scheduler="nosuch")
        self.balancer.start()
        self.balancer.balance(table(odd, SIX))
        self.holds(SIX)
        self.assertIn("see the module ip_vs_nosuch (ENOENT)", self.log[0])
        self.ipvs.batches.clear()
        self.clock.pump([0.5] * 240)
        self.assertEqual(len(self.ipvs.batches), 6)  # after 1, 3, 7, 15, 31 and 63 s
        self.ipvs.refused.clear()
        self.clock.pump([1.0] * 60)
        self.holds(odd, SIX)
        self.assertEqual(
            self.log[1:], ["virtual service [192.0.2.10]:tcp:80 is set at last"]
        )

    def test_other_tables_meanwhile(self) -> None:
        """A refused service is not tried with each table that others change."""
        self.ipvs.refused["nosuch"] = errno.ENOENT
        odd = replace(WEB, scheduler="nosuch")
        self.balancer.start()
        self.balancer.balance(table(odd))
        self.ipvs.batches.clear()
        self.balancer.balance(table(replace(odd), SIX))
        self.assertEqual(self.ipvs.batches, [[message.NEW_SERVICE], [message.NEW_DEST]])
        self.balancer.balance(table(SIX))
        self.clock.advance(10)
        self.assertEqual(len(self.ipvs.batches), 2)

    def test_edits(self) -> None:
        """A refused change leaves what was there, and is tried again."""
        self.balancer.start()
        self.balancer.balance(table(WEB))
        self.ipvs.refused.update({"nosuch": errno.ENOENT, str(TWO.address): 12})
        heavier = replace(TWO, weight=50)
        odd = replace(WEB, scheduler="nosuch", destinations=(ONE, heavier))
        self.balancer.balance(table(odd))
        self.holds(WEB)
        self.ipvs.refused.clear()
        self.clock.advance(1)
        self.holds(odd)
        self.assertEqual(len(self.log), 4)

    def test_removals(self) -> None:
        """A refused removal is said, with what it is about."""
        self.balancer.start()
        self.balancer.balance(table(WEB, SIX))
        self.ipvs.refused.update({str(TWO.address): errno.EPERM, str(SIX.identity): 1})
        self.balancer.balance(table(replace(WEB, destinations=(ONE,))))
        self.holds(WEB, SIX)
        self.assertEqual(
            [line.split(":")[0] for line in self.log],
            ["the kernel refuses to remove real server [10.1.0.2]"]
            + ["the kernel refuses to remove virtual service [2001"],
        )

    def test_plain_requests(self) -> None:
        """Timeouts and flushing that fail are said, too."""
        self.balancer.start()
        self.ipvs._do = lambda command, body: errno.EPERM
        self.balancer.timeouts(Timeouts(1, 2, 3))
        self.balancer.flush()
        self.assertEqual(
            self.log,
            [
                "IPVS: cannot set the timeouts: Operation not permitted",
                "IPVS: cannot remove all virtual services: Operation not permitted",
            ],
        )

    def test_refusal(self) -> None:
        """What no kernel can do is refused before it is asked."""
        self.assertIn("UDP", self.balancer.refusal(replace(WEB, one_packet=True)))


class OthersTests(Memory):
    def test_surprises(self) -> None:
        """What others did since the last look is found out from the refusals."""
        self.balancer.start()
        self.balancer.balance(table(WEB, SIX, MARKED))
        del self.ipvs.services_[WEB.identity]
        bare = replace(SIX, destinations=())
        self.ipvs.services_[SIX.identity] = bare
        changed = [
            replace(WEB, destinations=(ONE,)),
            replace(SIX, destinations=(replace(SIX.destinations[0], weight=5),)),
        ]
        other = replace(MARKED, identity=replace(WEB.identity, port=81))
        self.ipvs.services_[other.identity] = replace(other, destinations=(ONE,))
        self.balancer.balance(table(*changed, MARKED, other))
        self.holds(*changed, MARKED, other)

    def test_surprised_and_blind(self) -> None:
        """When the kernel cannot even be read then, the watch comes to it."""
        self.balancer.start()
        self.balancer.balance(table(WEB))
        self.ipvs.services_.clear()
        self.ipvs.failure = OSError(errno.EIO, "broken")
        changed = replace(WEB, destinations=(replace(ONE, weight=7),))
        self.balancer.balance(table(changed))
        self.ipvs.failure = None
        self.settle()
        self.holds(changed)

    def test_large_tables_in_turn(self) -> None:
        """Of many destinations some are compared at each look, all in turn."""
        wanted = many(5, DESTINATIONS // 2)
        self.balancer.start()
        self.balancer.balance(wanted)
        for identity, each in wanted.items():
            self.ipvs.services_[identity] = replace(
                each, destinations=each.destinations[1:]
            )
        right = []
        for _ in range(3):
            self.settle()
            found = self.ipvs.services_.values()
            right.append(sum(len(each.destinations) == 500 for each in found))
        self.assertEqual(right, [2, 4, 5])

    def test_unreadable(self) -> None:
        """A kernel that cannot be read is said once, and opened again when it can."""
        self.balancer.start()
        self.balancer.balance(table(WEB))
        self.ipvs.services_.clear()
        self.ipvs.failure = OSError(errno.ENOENT, "no family")
        self.settle()
        self.settle()
        self.assertEqual((len(self.log), self.ipvs.is_open), (1, False))
        self.balancer.balance(table(WEB, SIX))
        self.ipvs.failure = None
        self.settle()
        self.holds(WEB, SIX)
        self.assertEqual(self.log[1:], ["IPVS can be used again"])

    def test_nonsense(self) -> None:
        """So is one whose answers make no sense."""
        self.balancer.start()
        self.balancer.balance(table(WEB))
        self.ipvs.failure = BadMessage("nonsense")
        self.settle()
        self.balancer.sync([DAEMON])
        self.ipvs.failure = None
        self.settle()
        self.assertEqual(self.ipvs.daemons_, [DAEMON])

    def test_blind_when_taking_over(self) -> None:
        """A service whose servers cannot be read is taken over at a later look."""
        self.ipvs.services_ = table(replace(WEB, destinations=(ONE,)))
        self.balancer.start()
        destinations = self.ipvs.destinations
        self.ipvs.destinations = mock.Mock(side_effect=OSError(errno.EIO, "broken"))
        self.balancer.balance(table(WEB))
        self.assertEqual(self.log, ["IPVS cannot be programmed: [Errno 5] broken"])
        self.ipvs.destinations = destinations
        self.settle()
        self.holds(WEB)

    def test_changed_while_looking(self) -> None:
        """A look that takes so long that we change something meanwhile is dropped."""
        wanted = many(150, 1)
        self.balancer.start()
        self.balancer.balance(wanted)
        seconds = self.clock.seconds
        self.patch(self.clock, "seconds", lambda: self.tick(seconds))
        self.clock.advance(EVERY)
        self.balancer.balance({**wanted, **table(SIX)})
        self.clock.advance(0)
        self.patch(self.clock, "seconds", seconds)
        self.settle()
        self.holds(*wanted.values(), SIX)
        self.assertEqual(self.log, [])

    def tick(self, seconds: Any) -> float:
        self.clock.rightNow += 0.003
        found: float = seconds()
        return found

    def test_lost_answers(self) -> None:
        """When answers were lost everything is read anew."""
        self.balancer.start()
        self.balancer.balance(table(WEB))
        self.ipvs.services_.clear()
        self.ipvs.overrun()
        self.clock.advance(0)
        self.holds(WEB)
        self.assertEqual(self.ipvs.forgotten, 1)


class DaemonTests(Memory):
    def test_same(self) -> None:
        """One that runs as it should is left alone; another one is replaced."""
        self.ipvs.daemons_ = [
            SyncDaemon("master", "lo", 51, ip_address("224.0.0.81"), 8848, 1, 1472),
            SyncDaemon("backup", "lo", 9),
        ]
        self.balancer.sync([DAEMON, SyncDaemon("backup", "lo", 10)])
        self.balancer.start()
        self.assertEqual(
            self.ipvs.batches[:2], [[message.DEL_DAEMON], [message.NEW_DAEMON]]
        )
        self.assertEqual([each.sync_id for each in self.ipvs.daemons_], [51, 10])

    def test_refused(self) -> None:
        """A refusal is said once and tried at each look."""
        self.ipvs.refused["lo"] = errno.ENODEV
        self.balancer.start()
        self.balancer.sync([DAEMON])
        self.settle()
        self.assertEqual(len(self.log), 1)
        self.ipvs.refused.clear()
        self.settle()
        self.assertEqual(self.ipvs.daemons_, [DAEMON])

    def test_unreadable(self) -> None:
        """Daemons that cannot be read are said, and tried at the next look."""
        self.balancer.start()
        self.ipvs.failure = OSError(errno.EIO, "broken")
        self.balancer.sync([DAEMON])
        self.assertIn("cannot read the daemons", self.log[0])


class LoadingTests(Memory):
    def setUp(self) -> None:
        super().setUp()
        self.ipvs.failure = OSError(errno.ENOENT, "no family")
        self.patch(module, "is_loadable", lambda: True)

    def test_loaded(self) -> None:
        """Without the module it is loaded, and then what was asked for is done."""
        self.balancer.start()
        self.balancer.flush()
        self.balancer.timeouts(Timeouts(1, 2, 3))
        self.balancer.sync([DAEMON])
        self.balancer.balance(table(WEB))
        self.assertEqual([argv[1:] for argv in self.programs.ran], [["-q", "ip_vs"]])
        self.assertEqual(self.successResultOf(self.balancer.usages()), {})
        self.ipvs.failure = None
        self.ipvs.services_ = table(SIX)
        self.programs.end.callback(Exit(0))
        self.holds(WEB)
        self.assertEqual(
            (self.ipvs.limits, self.ipvs.daemons_), (Timeouts(1, 2, 3), [DAEMON])
        )

    def test_not_loaded(self) -> None:
        """modprobe may fail; the watch tries again."""
        self.balancer.start()
        self.balancer.balance(table(WEB))
        self.programs.end.callback(Exit(1))
        self.assertEqual(
            self.log[1:],
            [
                "modprobe ip_vs exited with status 1",
                "IPVS cannot be used: [Errno 2] no family",
            ],
        )
        self.ipvs.failure = None
        self.settle()
        self.holds(WEB)

    def test_no_modprobe(self) -> None:
        """There may be no modprobe."""
        self.programs.end = fail(FileNotFoundError("no modprobe"))
        self.balancer.start()
        self.assertEqual(self.log[1:], ["cannot load ip_vs: no modprobe"])

    def test_stopped_meanwhile(self) -> None:
        """Whoever stops before it is loaded gets nothing opened."""
        self.balancer.start()
        self.balancer.stop(remove=True)
        self.ipvs.failure = None
        self.programs.end.callback(Exit(0))
        self.assertEqual(self.ipvs.is_open, False)

    def test_not_loadable(self) -> None:
        """Where it cannot be loaded, start says so."""
        self.patch(module, "is_loadable", lambda: False)
        self.assertRaises(OSError, self.balancer.start)
        self.assertEqual(self.programs.ran, [])


class OpeningTests(Memory):
    def test_unreadable_at_the_start(self) -> None:
        """Answers that make no sense are an OSError at the start."""
        self.ipvs.services = mock.Mock(side_effect=BadMessage("nonsense"))
        error = self.assertRaises(OSError, self.balancer.start)
        self.assertEqual((error.errno, self.ipvs.is_open), (errno.EPROTO, False))

    def test_usages_of_a_broken_kernel(self) -> None:
        """Counting that fails is a failure; counting that is cancelled, none."""
        self.balancer.start()
        self.ipvs.failure = OSError(errno.EIO, "broken")
        self.failureResultOf(self.balancer.usages(), OSError)

    def test_usages_when_stopped(self) -> None:
        """Whoever waits for counts when we stop is told."""
        self.balancer.start()
        self.balancer.balance(table(WEB, SIX))
        services = self.ipvs.services

        def slowly() -> list[bytes]:
            self.clock.rightNow += 1
            found: list[bytes] = services()
            return found

        self.ipvs.services = slowly
        result = self.balancer.usages()
        self.assertNoResult(result)
        self.balancer.stop(remove=False)
        self.failureResultOf(result)

    def test_kind(self) -> None:
        """The plug-in is tried first, and says what is missing."""
        self.patch(module, "absence", lambda: "nothing here")
        self.assertEqual(
            (ipvsBalancer.rank, ipvsBalancer.missing()), (10, "nothing here")
        )
        self.assertIsInstance(ipvsBalancer.make(self.clock), IpvsBalancer)
