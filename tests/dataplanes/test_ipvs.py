"""The IPVS balancer, on a kernel in memory; tests/live/guest has the real one."""

from __future__ import annotations

import errno
from ipaddress import ip_address
from unittest import mock

from twisted.internet.defer import fail

from hanode.dataplanes import ipvs as module
from hanode.dataplanes import ipvs_message as message
from hanode.dataplanes.ipvs import IpvsBalancer, ipvsBalancer
from hanode.dataplanes.netlink.message import BadMessage
from hanode.lvs import Service, SyncDaemon, Timeouts
from hanode.processes import Exit
from tests.dataplanes.balancer_contract import (
    DAEMON,
    SIX,
    WEB,
    BalancerContract,
    table,
)
from tests.dataplanes.ipvs_case import Memory
from tests.dataplanes.ipvs_save import saved


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

    def test_none_ever(self) -> None:
        """Who never asked for a daemon stops none, at the end neither."""
        self.ipvs.daemons_ = [DAEMON]
        self.balancer.start()
        self.balancer.sync([])
        self.settle()
        self.balancer.stop(remove=True)
        self.assertEqual((self.ipvs.daemons_, self.ipvs.batches), ([DAEMON], []))

    def test_others_meanwhile(self) -> None:
        """While there is one of ours all others are stopped."""
        other = SyncDaemon("backup", "lo", 9)
        self.balancer.start()
        self.balancer.sync([DAEMON])
        self.ipvs.daemons_.append(other)
        self.settle()
        self.assertEqual(self.ipvs.daemons_, [DAEMON])

    def test_none_any_more(self) -> None:
        """Ours stop once, others do not; nor one that somebody starts later."""
        other = SyncDaemon("backup", "lo", 9)
        self.balancer.start()
        self.balancer.sync([DAEMON])
        self.ipvs.daemons_.append(other)
        self.balancer.sync([])
        self.assertEqual(self.ipvs.daemons_, [other])
        self.ipvs.daemons_.append(DAEMON)
        self.settle()
        self.balancer.sync([])
        self.assertEqual(self.ipvs.daemons_, [other, DAEMON])

    def test_none_any_more_while_closed(self) -> None:
        """Those that were ours are stopped when the kernel can be read again."""
        self.balancer.start()
        self.balancer.sync([DAEMON])
        self.ipvs.failure = OSError(errno.ENOENT, "no family")
        self.settle()
        self.balancer.sync([SyncDaemon("backup", "lo", 51)])
        self.balancer.sync([])
        self.ipvs.failure = None
        self.settle()
        self.assertEqual((self.ipvs.is_open, self.ipvs.daemons_), (True, []))

    def test_wanted_again(self) -> None:
        """One that is wanted again before it was stopped goes on."""
        self.balancer.start()
        self.balancer.sync([DAEMON])
        self.ipvs.failure = OSError(errno.ENOENT, "no family")
        self.settle()
        self.balancer.sync([])
        self.balancer.sync([DAEMON])
        self.ipvs.failure = None
        self.ipvs.batches.clear()
        self.settle()
        self.assertEqual((self.ipvs.daemons_, self.ipvs.batches), ([DAEMON], []))

    def test_stopped(self) -> None:
        """The end leaves daemons to whoever asked for them."""
        self.balancer.start()
        self.balancer.sync([DAEMON])
        self.balancer.stop(remove=True)
        self.assertEqual(self.ipvs.daemons_, [DAEMON])

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
        """There may be no modprobe; the watch tries again."""
        self.programs.end = fail(FileNotFoundError("no modprobe"))
        self.balancer.start()
        self.balancer.balance(table(WEB))
        self.assertEqual(self.log[1:], ["cannot load ip_vs: no modprobe"])
        self.ipvs.failure = None
        self.settle()
        self.holds(WEB)

    def test_stopped_before_failure(self) -> None:
        """Whoever stops before loading fails looks at the kernel no more."""
        self.balancer.start()
        self.balancer.stop(remove=True)
        self.programs.end.errback(OSError("no modprobe"))
        self.assertEqual(self.log[1:], [])

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
        self.patch(module, "absence", lambda questions: "nothing here")
        self.assertEqual(
            (ipvsBalancer.rank, ipvsBalancer.missing()), (10, "nothing here")
        )
        self.assertIsInstance(ipvsBalancer.make(self.clock), IpvsBalancer)
