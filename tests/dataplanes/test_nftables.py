"""One transaction at a time, the newest wanted table wins, others are put right."""

from __future__ import annotations

import errno
from dataclasses import replace
from ipaddress import ip_address

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from hanode import dataplanes
from hanode.dataplanes import nftables as module
from hanode.dataplanes.nftables import NftablesBalancer
from hanode.dataplanes.nftables_change import Present, change, rewrite
from hanode.dataplanes.nftables_process import Answer
from hanode.interfaces import IBalancer, IBalancerKind
from hanode.lvs import Destination, Fwmark, Service, SyncDaemon, Timeouts, Usage
from hanode.plugins import find

# Marks keep the hints about forwarding out of most tests' way: they are of no matter.
ONE, TWO, THREE = (Fwmark(each) for each in (1, 2, 3))
LIST = ("-t", "list", "table", "inet", "hanode_lvs")
COUNT = ("list", "counters", "table", "inet", "hanode_lvs")
SET = ("-f", "-")
NO_TABLE = Answer(1, "", "Error: No such file or directory\n")
EMPTY = Answer(0, "table inet hanode_lvs {\n}\n")
DONE = Answer(0)


def table(*identities, servers=1, **more):
    more.setdefault("scheduler", "rr")
    reals = [Destination(ip_address(f"10.0.0.{n}"), 80) for n in range(1, servers + 1)]
    return {
        each: Service(each, destinations=tuple(reals), **more) for each in identities
    }


class FakeNft:
    """One run of nft, which ends when the test says so."""

    number = 100

    def __init__(self, arguments, text):
        FakeNft.number += 1
        self.pid, self.arguments, self.text = FakeNft.number, arguments, text
        self.done, self.killed = Deferred(), False

    def kill(self):
        self.killed = True


class FakeWatch:
    """What would tell of changes; C{waiting} are told when it is drained."""

    def __init__(self, reactor, name, changed, overrun):
        self.name, self.changed, self.overrun = name, changed, overrun
        self.waiting, self.closed = [], False

    def drain(self):
        waiting, self.waiting = self.waiting, []
        for each in waiting:
            self.changed(*each)

    def close(self):
        self.closed = True


class FakeConnections:
    """Remembers what was cut."""

    def __init__(self):
        self.cuts, self.closed, self.counts = [], False, {}

    def cut(self, before, now):
        self.cuts.append((before, now))

    def count(self, table):
        return succeed(self.counts)

    def close(self):
        self.closed = True


class Log:
    """A log that remembers its lines."""

    def __init__(self):
        self.lines = []

    def warn(self, format, **fields):
        self.lines.append(format.format(**fields))

    error = warn

    def failure(self, format, failure):
        self.lines.append(f"{format}: {failure.getErrorMessage()}")

    def debug(self, format, **fields):
        """Not of interest."""


class BalancerCase(SynchronousTestCase):
    """A balancer with a fake nft."""

    def setUp(self):
        self.clock, self.runs, self.connections = Clock(), [], FakeConnections()
        self.refuse_to_start = False
        self.patch(module, "find", lambda: "/sbin/nft")
        self.removed = []
        self.patch(module, "delete_table", self.removed.append)
        self.balancer = NftablesBalancer(
            self.clock, self.start, self.watching, self.connections
        )
        self.log = self.balancer.log = Log()
        self.balancer._hints.log = self.log
        self.balancer._hints.forwarding = lambda families: None
        self.balancer.start()

    def start(self, reactor, program, arguments, text=""):
        if self.refuse_to_start:
            raise PermissionError(errno.EACCES, "not allowed")
        self.runs.append(FakeNft(arguments, text))
        return self.runs[-1]

    def watching(self, *arguments):
        self.watch = FakeWatch(*arguments)
        return self.watch

    def finish(self, answer=DONE, arguments=SET):
        """The run that is on ends so; what it was to do."""
        run = self.runs.pop()
        self.assertEqual((run.arguments, self.runs), (arguments, []))
        run.done.callback(answer)
        return run.text

    def settle(self, wanted):
        """Want a table for the first time; it is done."""
        self.balancer.balance(wanted)
        self.finish(NO_TABLE, LIST)
        self.assertEqual(self.finish(), rewrite(None, wanted).text)
        self.assertEqual(self.runs, [])


class TransactionTests(BalancerCase):
    """From the wanted table to nft."""

    def test_interfaces(self):
        """It is what the interfaces say, and found as a plug-in."""
        verifyObject(IBalancer, self.balancer)
        kind = find(IBalancerKind, dataplanes)["nftables"]
        verifyObject(IBalancerKind, kind)
        self.assertEqual((kind.rank, kind.make(self.clock).keyword), (20, "nftables"))

    def test_first(self):
        """What is there is looked at; nothing was, so all is written."""
        self.settle(table(ONE))
        self.assertEqual(self.connections.cuts, [(None, table(ONE))])

    def test_adoption(self):
        """What an earlier run left is rewritten, not thrown away."""
        self.balancer.balance(table(ONE))
        listed = "table inet hanode_lvs {\n\tchain old {\n\t}\n}\n"
        self.finish(Answer(0, listed), LIST)
        present = Present(chains=frozenset({"old"}))
        self.assertEqual(self.finish(), rewrite(present, table(ONE)).text)

    def test_nothing_wanted(self):
        """Without services nothing is written, and what was left is removed."""
        self.balancer.balance({})
        self.finish(NO_TABLE, LIST)
        self.assertEqual(self.runs, [])
        self.balancer.flush()
        self.assertEqual(self.finish(), rewrite(None, {}).text)
        self.assertEqual(self.runs, [])

    def test_left_and_not_wanted(self):
        """A table that was left behind goes when there are no services."""
        self.balancer.balance({})
        self.finish(EMPTY, LIST)
        self.assertEqual(self.finish(), rewrite(None, {}).text)

    def test_same_again(self):
        """An equal table is no work."""
        self.settle(table(ONE))
        self.balancer.balance(table(ONE))
        self.assertEqual(self.runs, [])

    def test_newest_wins(self):
        """While one transaction runs, only the newest of the wanted tables waits."""
        self.settle(table(ONE))
        self.balancer.balance(table(ONE, TWO))
        self.balancer.balance(table(THREE))
        self.balancer.balance(table(TWO))
        got = self.finish()
        self.assertEqual(got, change(table(ONE), table(ONE, TWO)).text)
        got = self.finish()
        self.assertEqual(got, change(table(ONE, TWO), table(TWO)).text)
        self.assertEqual(self.runs, [])
        self.assertEqual(self.connections.cuts[-1], (table(ONE, TWO), table(TWO)))

    def test_refused(self):
        """A service that nftables cannot do is told once and left out."""
        bad = table(TWO, scheduler="wlc")
        self.settle(table(ONE))
        self.balancer.balance(table(ONE) | bad)
        self.balancer.balance(table(ONE) | bad)
        self.assertEqual(self.runs, [])
        self.assertEqual(
            self.log.lines,
            [
                "cannot balance FWM 2: scheduler wlc needs IPVS: rr, wrr and sh are"
                " possible with nftables"
            ],
        )
        self.assertIn("wlc", self.balancer.refusal(bad[TWO]))


class FailureTests(BalancerCase):
    """What nft or the kernel does not take."""

    def line_of(self, transaction, identity):
        return transaction.owners.index(identity) + 1

    def test_guilty(self):
        """The service that is refused is told and left out, until it changes."""
        both = table(ONE, TWO)
        self.balancer.balance(both)
        self.finish(NO_TABLE, LIST)
        line = self.line_of(rewrite(None, both), TWO)
        error = f"/dev/stdin:{line}:1-9: Error: Could not process rule: No space\n"
        self.finish(Answer(1, "", error))
        self.finish(NO_TABLE, LIST)
        self.assertEqual(self.finish(), rewrite(None, table(ONE)).text)
        self.assertEqual(
            self.log.lines, ["cannot set FWM 2: Could not process rule: No space"]
        )
        self.balancer.balance(both)
        self.assertEqual(self.runs, [])
        changed = table(ONE) | table(TWO, servers=2)
        self.balancer.balance(changed)
        self.assertEqual(self.finish(), change(table(ONE), changed).text)

    def test_change_refused(self):
        """A change that is refused is made from what the kernel really has."""
        self.settle(table(ONE))
        self.balancer.balance(table(TWO))
        self.finish(Answer(1, "", "/dev/stdin:1:1-2: Error: No such file"))
        self.finish(EMPTY, LIST)
        self.assertEqual(self.finish(), rewrite(Present(), table(TWO)).text)
        self.assertEqual(self.log.lines, [])

    def test_rewrite_refused(self):
        """A rewrite that is refused begins anew; that again is tried until it works."""
        self.balancer.balance(table(ONE))
        self.finish(EMPTY, LIST)
        self.finish(Answer(1, "", "/dev/stdin:1:1-2: Error: File exists"))
        for delay in (1.0, 2.0):
            self.assertEqual(self.finish(Answer(-9)), rewrite(None, table(ONE)).text)
            self.assertEqual(self.runs, [])
            self.clock.advance(delay)
        self.finish()
        self.assertEqual(
            self.log.lines,
            [
                "cannot rewrite table inet hanode_lvs (File exists): beginning anew",
                "cannot set table inet hanode_lvs: nft was killed by signal 9; trying"
                " again until it works",
            ],
        )

    def test_cannot_list(self):
        """Looking fails: it is tried again later."""
        self.balancer.balance(table(ONE))
        self.finish(Answer(1, "", "\nOperation not permitted\n"), LIST)
        self.clock.advance(1)
        self.finish(Answer(1), LIST)
        self.clock.advance(2)
        self.finish(NO_TABLE, LIST)
        self.finish()
        self.assertEqual(
            self.log.lines,
            [
                "cannot list table inet hanode_lvs: Operation not permitted; trying"
                " again until it works"
            ],
        )

    def test_cannot_run(self):
        """nft cannot be started: it is tried again later."""
        self.refuse_to_start = True
        self.balancer.balance(table(ONE))
        self.refuse_to_start = False
        self.clock.advance(1)
        self.finish(NO_TABLE, LIST)
        self.finish()
        self.assertEqual(
            self.log.lines,
            [
                "cannot run nft: [Errno 13] not allowed; trying again until it works",
            ],
        )

    def test_no_program(self):
        """Without nft it does not start."""
        self.patch(module, "find", lambda: "")
        balancer = NftablesBalancer(self.clock)
        self.assertRaises(FileNotFoundError, balancer.start)


class RepairTests(BalancerCase):
    """Others who touch our table."""

    def test_put_back(self):
        """It is looked at and rewritten, and the log says who it was."""
        self.settle(table(ONE))
        self.watch.changed(7, 9, "nft")
        self.finish(NO_TABLE, LIST)
        self.assertEqual(self.finish(), rewrite(None, table(ONE)).text)
        self.assertEqual(
            self.log.lines,
            [
                "table inet hanode_lvs was changed by nft (process 7): putting it back",
            ],
        )

    def test_own(self):
        """Our own transaction is known by its process, by one number or the other."""
        self.settle(table(ONE))
        for other, key in ((TWO, 0), (THREE, 1)):
            self.balancer.balance(table(other))
            numbers = [4711, 4711]
            numbers[key] = self.runs[0].pid
            self.watch.waiting.append((*numbers, "nft"))
            self.finish()
        self.assertEqual((self.runs, self.log.lines), ([], []))

    def test_during_a_change(self):
        """Someone else in the midst of our transaction: afterwards all is rewritten."""
        self.settle(table(ONE))
        self.balancer.balance(table(TWO))
        self.watch.changed(0, 0, "")
        self.finish()
        self.finish(EMPTY, LIST)
        self.assertEqual(self.finish(), rewrite(Present(), table(TWO)).text)
        self.assertIn("by somebody else: putting", self.log.lines[0])

    def test_during_a_look(self):
        """Someone else while we look: we look again."""
        self.balancer.balance(table(ONE))
        self.watch.changed(7, 7, "nft")
        self.finish(EMPTY, LIST)
        self.finish(NO_TABLE, LIST)
        self.finish()
        self.assertEqual(self.runs, [])

    def test_nothing_of_ours(self):
        """A table of our name is no matter while we want nothing."""
        self.watch.changed(7, 7, "nft")
        self.assertEqual((self.runs, self.log.lines), ([], []))

    def test_overrun(self):
        """Lost news: all is rewritten, unless the noise was our own."""
        self.settle(table(ONE))
        self.watch.overrun()
        self.watch.overrun()
        self.finish(EMPTY, LIST)
        self.finish()
        self.assertEqual(
            self.log.lines,
            ["the kernel had more news than we could read: putting it back"],
        )

    def test_war(self):
        """Who does it again and again has it put back after a pause only."""
        self.settle(table(ONE))
        for _ in range(10):
            self.watch.changed(7, 7, "nft")
            self.finish(NO_TABLE, LIST)
            self.finish()
        self.watch.changed(7, 7, "nft")
        self.watch.changed(7, 7, "nft")
        self.assertEqual(self.runs, [])
        self.clock.advance(1)
        self.finish(NO_TABLE, LIST)
        self.finish()
        self.assertEqual(len(self.log.lines), 11)
        self.assertIn("only after a while", self.log.lines[-1])


class EndTests(BalancerCase):
    """stop."""

    def test_remove(self):
        """The table goes at once, and what is on its way does not come after it."""
        self.settle(table(ONE))
        self.balancer.balance(table(TWO))
        self.balancer.stop(True)
        self.assertEqual(self.removed, ["hanode_lvs"])
        self.assertTrue(self.runs[0].killed)
        self.assertTrue(self.watch.closed and self.connections.closed)
        self.balancer.stop(True)
        self.balancer.balance(table(ONE))
        self.assertEqual((self.removed, len(self.runs)), (["hanode_lvs"], 1))

    def test_leave(self):
        """Left working: what is on its way may end, and nothing comes after."""
        self.settle(table(ONE))
        self.balancer.balance(table(TWO))
        self.balancer.stop(False)
        self.finish()
        self.assertEqual((self.removed, self.runs), ([], []))

    def test_waiting(self):
        """A pause ends with us."""
        self.balancer.balance(table(ONE))
        self.finish(Answer(1), LIST)
        self.balancer.stop(True)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_not_removed(self):
        """What the kernel says is logged."""

        def refuse(name):
            raise PermissionError(errno.EPERM, "no")

        self.patch(module, "delete_table", refuse)
        self.balancer.stop(True)
        self.assertEqual(
            self.log.lines,
            ["cannot remove table inet hanode_lvs: Operation not permitted"],
        )


class LookTests(BalancerCase):
    """usages, and what nftables does not have."""

    def usages(self, answer=None):
        got = []
        self.balancer.usages().addCallback(got.append)
        if answer is not None:
            self.finish(answer, COUNT)
        return got[0]

    def test_usages(self):
        """Counters and tracked connections together."""
        self.settle(table(ONE))
        key = (ip_address("10.0.0.1"), 80)
        self.connections.counts = {(ONE, key): (3, 4)}
        text = "".join(
            f"\tcounter {name} {{\n\t\tpackets {number} bytes 0\n\t}}\n"
            for name, number in (("fwmark_1_ipv4", 9), ("fwmark_1_ipv4/10.0.0.1_80", 8))
        )
        part = Usage(connections=8, active=3, inactive=4)
        self.assertEqual(
            self.usages(Answer(0, text)), {ONE: (Usage(connections=9), {key: part})}
        )

    def test_no_counters(self):
        """What cannot be read counts as before, at first as nothing."""
        self.settle(table(ONE))
        key = (ip_address("10.0.0.1"), 80)
        text = "\tcounter fwmark_1_ipv4 {\n\t\tpackets 5 bytes 0\n\t}\n"
        before = {ONE: (Usage(), {key: Usage()})}
        after = {ONE: (Usage(connections=5), {key: Usage()})}
        self.assertEqual(self.usages(NO_TABLE), before)
        self.assertEqual(self.usages(Answer(0, text)), after)
        self.assertEqual(self.usages(NO_TABLE), after)

    def test_shared(self):
        """Who asks while nft is counting gets the same answer, also in a repair."""
        self.settle(table(ONE))
        self.balancer._repair("somebody was here")
        self.finish(NO_TABLE, LIST)
        repair = self.runs.pop()
        got = []
        for _ in range(2):
            self.balancer.usages().addCallback(got.append)
        self.finish(EMPTY, COUNT)
        repair.done.callback(DONE)
        self.assertEqual([list(each) for each in got], [[ONE], [ONE]])

    def test_nothing_to_tell(self):
        """Without services, or without nft, there are no usages."""
        self.assertEqual(self.usages(), {})
        self.settle(table(ONE))
        self.refuse_to_start = True
        self.assertEqual(self.usages(), {})

    def test_surprise(self):
        """Whatever goes wrong, who asked is answered, and may ask again."""
        self.settle(table(ONE))
        self.connections.count = lambda table: fail(ValueError("unexpected"))
        self.assertEqual(self.usages(EMPTY), {})
        self.assertEqual(self.usages(EMPTY), {})
        self.assertEqual(self.log.lines, ["nftables: unexpected"] * 2)

    def test_stopped_meanwhile(self):
        """An answer that comes after the end is of no use."""
        self.settle(table(ONE))
        got = []
        self.balancer.usages().addCallback(got.append)
        self.balancer.stop(False)
        self.finish(EMPTY, COUNT)
        self.assertEqual(got, [{}])

    def test_hints(self):
        """Timeouts and synchronisation are said to need IPVS, once."""
        for _ in range(2):
            self.balancer.timeouts(Timeouts(tcp=9))
            self.balancer.sync([SyncDaemon("master", "eth0", 1)])
        self.balancer.timeouts(replace(Timeouts()))
        self.balancer.sync([])
        self.assertEqual(
            self.log.lines,
            [
                "lvs_timeouts need IPVS: with nftables the sysctls"
                " net.netfilter.nf_conntrack_*_timeout* hold",
                "lvs_sync_daemon needs IPVS: with nftables conntrackd can synchronise"
                " connections",
            ],
        )


class KindTests(SynchronousTestCase):
    """missing."""

    def test_missing(self):
        """The program and the kernel are asked for."""
        kind = module.nftables
        self.patch(module, "find", lambda: "")
        self.assertEqual(
            kind.missing(), "the program nft is not installed (Debian: nftables)"
        )
        self.patch(module, "find", lambda: "/sbin/nft")

        def refuse():
            raise OSError(errno.EPROTONOSUPPORT, "")

        self.patch(module, "probe", refuse)
        self.assertEqual(kind.missing(), "the kernel has no netfilter netlink")
        self.patch(module, "probe", lambda: None)
        self.assertEqual(kind.missing(), "")
