"""What is programmed, what is refused, and what others do: IPVS in memory."""

from __future__ import annotations

import errno
from dataclasses import replace
from typing import Any
from unittest import mock

from hanode.dataplanes import ipvs_message as message
from hanode.dataplanes.ipvs_program import BATCH
from hanode.dataplanes.ipvs_watch import DESTINATIONS, EVERY
from hanode.dataplanes.netlink.message import BadMessage
from hanode.lvs import Timeouts
from tests.dataplanes.balancer_contract import (
    DAEMON,
    MARKED,
    ONE,
    SIX,
    TWO,
    WEB,
    table,
)
from tests.dataplanes.ipvs_case import Memory, many, tick


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

    def test_taken_over_in_slices(self) -> None:
        """A table that comes while a large service is taken over counts."""
        (large,) = many(1, 1000).values()
        self.ipvs.services_ = table(large)
        self.balancer.start()
        seconds = self.clock.seconds
        patched = self.patch(self.clock, "seconds", lambda: tick(self.clock, seconds))
        self.balancer.balance(table(replace(large, destinations=())))
        self.balancer.balance(table(large))
        patched.restore()
        self.clock.advance(0)
        self.holds(large)
        self.assertEqual(sum(self.ipvs.batches, []), [])

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


class LeftoverTests(Memory):
    """What is to go while the kernel does not let us."""

    def setUp(self) -> None:
        super().setUp()
        self.balancer.start()
        self.balancer.balance(table(WEB, SIX))

    def close(self) -> None:
        self.ipvs.failure = OSError(errno.ENOENT, "no family")
        self.settle()
        self.assertEqual(self.ipvs.is_open, False)

    def open(self) -> None:
        self.ipvs.failure = None
        self.settle()
        self.assertEqual(self.ipvs.is_open, True)

    def blind(self) -> None:
        """SIX is to go, but taking over another service fails before."""
        self.ipvs.services_[MARKED.identity] = replace(MARKED, destinations=())
        self.settle()
        broken = mock.Mock(side_effect=OSError(errno.EIO, "broken"))
        patched = self.patch(self.ipvs, "destinations", broken)
        self.balancer.balance(table(WEB, MARKED))
        patched.restore()
        self.assertEqual(self.log, ["IPVS cannot be programmed: [Errno 5] broken"])
        self.assertIn(SIX.identity, self.ipvs.services_)

    def test_closed(self) -> None:
        """What is not wanted any more while the kernel is closed goes afterwards."""
        self.close()
        self.balancer.balance(table(WEB))
        self.settle()
        self.open()
        self.holds(WEB)

    def test_wanted_again(self) -> None:
        """What is wanted again before the kernel is open is not touched."""
        self.close()
        self.balancer.balance(table(WEB))
        self.balancer.balance(table(WEB, SIX))
        self.ipvs.batches.clear()
        self.open()
        self.holds(WEB, SIX)
        self.assertEqual(self.ipvs.batches, [])

    def test_unreadable(self) -> None:
        """A removal that a failed reading left undone is done at the next look."""
        self.blind()
        self.settle()
        self.holds(WEB, MARKED)

    def test_unreadable_and_stopped(self) -> None:
        """Or when we stop."""
        self.blind()
        self.balancer.stop(remove=True)
        self.assertNotIn(SIX.identity, self.ipvs.services_)

    def test_answers_lost(self) -> None:
        """A removal that was not done when answers were lost is done again."""
        send = self.patch(self.ipvs, "send", mock.Mock())
        self.balancer.balance(table(WEB))
        send.restore()
        self.ipvs.overrun()
        self.clock.advance(0)
        self.holds(WEB)

    def test_gone_otherwise(self) -> None:
        """Who makes a service anew after it had gone is its owner."""
        self.close()
        self.balancer.balance(table(WEB))
        del self.ipvs.services_[SIX.identity]
        self.open()
        self.ipvs.services_[SIX.identity] = SIX
        self.settle()
        self.balancer.stop(remove=True)
        self.holds(SIX)

    def test_removed_and_made_by_others(self) -> None:
        """The same when it was us who removed it."""
        self.balancer.balance(table(WEB))
        self.ipvs.services_[SIX.identity] = SIX
        self.settle()
        self.balancer.stop(remove=True)
        self.holds(SIX)

    def test_never_ours(self) -> None:
        """What was wanted only while the kernel was closed was never ours."""
        self.close()
        self.balancer.balance(table(WEB, SIX, MARKED))
        self.balancer.balance(table(WEB, SIX))
        self.ipvs.services_[MARKED.identity] = MARKED
        self.open()
        self.holds(WEB, SIX, MARKED)

    def test_removed_and_wanted_in_one_batch(self) -> None:
        """A service that was removed and set again is ours."""
        late = mock.Mock(side_effect=range(1001, 1900))  # each slice has one step
        patched = self.patch(self.clock, "seconds", late)
        self.ipvs.batches.clear()
        self.balancer.balance(table(WEB))
        self.balancer.balance(table(WEB, SIX))
        patched.restore()
        self.clock.advance(1000)
        self.holds(WEB, SIX)
        both = [message.DEL_SERVICE, message.NEW_SERVICE]
        self.assertEqual(self.ipvs.batches[0], both)
        self.close()
        self.balancer.balance({})
        self.open()
        self.holds()

    def test_refused(self) -> None:
        """A refused removal is said once, tried ever more rarely, and said at last."""
        self.ipvs.refused[str(SIX.identity)] = errno.EPERM
        self.balancer.balance(table(WEB))
        self.balancer.balance(table(replace(WEB, scheduler="wlc")))
        self.ipvs.batches.clear()
        self.clock.pump([0.5] * 60)
        self.assertEqual(len(self.ipvs.batches), 4)  # after 1, 3, 7 and 15 s
        self.ipvs.refused.clear()
        self.clock.pump([1.0] * 30)
        self.holds(replace(WEB, scheduler="wlc"))
        name = f"virtual service {SIX.identity}"
        self.assertEqual(
            self.log,
            [
                f"the kernel refuses to remove {name}:"
                " not permitted: CAP_NET_ADMIN is needed (EPERM)",
                f"{name} is removed at last",
            ],
        )

    def test_refused_before(self) -> None:
        """What was refused of a service is no matter when it is removed."""
        self.ipvs.refused["nosuch"] = errno.ENOENT
        self.balancer.balance(table(WEB, replace(SIX, scheduler="nosuch")))
        self.close()
        self.log.clear()
        self.balancer.balance(table(WEB))
        self.open()
        self.holds(WEB)
        self.assertEqual(
            [line[:13] for line in self.log], ["taking over [", "IPVS can be u"]
        )

    def test_refused_and_wanted_again(self) -> None:
        """A service whose removal was refused can be wanted again."""
        self.ipvs.refused[str(SIX.identity)] = errno.EPERM
        self.balancer.balance(table(WEB))
        self.balancer.balance(table(WEB, replace(SIX, destinations=())))
        self.holds(WEB, replace(SIX, destinations=()))

    def test_refused_at_the_end(self) -> None:
        """What is refused when we stop is not tried again."""
        self.ipvs.refused[str(SIX.identity)] = errno.EPERM
        self.balancer.stop(remove=True)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.holds(SIX)


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
        self.patch(self.clock, "seconds", lambda: tick(self.clock, seconds))
        self.clock.advance(EVERY)
        self.balancer.balance({**wanted, **table(SIX)})
        self.clock.advance(0)
        self.patch(self.clock, "seconds", seconds)
        self.settle()
        self.holds(*wanted.values(), SIX)
        self.assertEqual(self.log, [])

    def test_lost_answers(self) -> None:
        """When answers were lost everything is read anew."""
        self.balancer.start()
        self.balancer.balance(table(WEB))
        self.ipvs.services_.clear()
        self.ipvs.overrun()
        self.clock.advance(0)
        self.holds(WEB)
        self.assertEqual(self.ipvs.forgotten, 1)
