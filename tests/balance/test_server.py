"""A virtual server: who serves, what is logged, who is told."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from hanode.balance.real import Real
from hanode.balance.server import Actions, Say, Virtual
from hanode.config.balance_model import RealServer
from hanode.result import Result
from hanode.serving import VirtualServing
from tests.balance.servers import (
    ILL,
    NAME,
    WELL,
    health,
    real,
    rs,
    rs_event,
    standing,
    virtual,
    vs_event,
)

STARTED = "Starting with quorum"


class Case(SynchronousTestCase):
    """A virtual server with real servers of one check each, all up."""

    def make(self, *reals: RealServer, up: bool = True, **more: Any) -> Actions:
        self.healths = [health(up=up, retry=0) for _ in reals]
        self.virtual = Virtual(virtual(*reals, **more))
        servers = [
            standing(each, one) for each, one in zip(reals, self.healths, strict=True)
        ]
        return self.virtual.start(servers, False, now=0.0)

    def server(self, number: int) -> Real:
        return list(self.virtual.reals.values())[number - 1]

    def record(self, number: int, result: Result, now: float = 1.0) -> Actions:
        self.healths[number - 1].record(result, now=now)
        return self.virtual.judge(self.server(number), now=now)

    def pool(self) -> dict[int, int]:
        """Last byte of the address -> weight."""
        return {
            each.address.packed[-1]: weight
            for each, weight in self.virtual.destinations()
        }


class Servers(Case):
    def test_start(self) -> None:
        """What starts as expected is told to nobody."""
        self.assertEqual(self.make(real(1), real(2, 3)), [])
        self.assertEqual(self.pool(), {1: 1, 2: 3})
        self.assertEqual(
            self.virtual.state(),
            VirtualServing(True, 4, 2, 2, False, False, f"{STARTED} up", 0.0),
        )

    def test_initNotifies(self) -> None:
        """Unless the start is to be told as well."""
        one = Virtual(virtual(real(1)))
        self.assertEqual(
            one.start([standing(real(1))], True, now=0.0),
            [rs_event(1, "UP", "no checks")],
        )

    def test_removeAndAdd(self) -> None:
        """A failure takes a server out, a success brings it back."""
        self.make(real(1), real(2))
        self.assertEqual(
            self.record(1, ILL),
            [
                Say(f"Removing service {rs(1)} from VS {NAME}"),
                rs_event(1, "DOWN", "refused: by the peer"),
            ],
        )
        self.assertEqual(self.pool(), {2: 1})
        self.assertEqual(self.server(1).since, 1.0)
        self.assertEqual(
            self.record(1, WELL, now=9.0),
            [
                Say(f"Adding service {rs(1)} to VS {NAME}"),
                rs_event(1, "UP", "success"),
            ],
        )
        self.assertEqual(self.pool(), {1: 1, 2: 1})
        self.assertEqual(self.virtual.weight, 2)

    def test_inhibit(self) -> None:
        """With inhibit_on_failure it stays with weight 0, and is so called."""
        self.make(real(1, 5, inhibit=True), real(2))
        said = self.record(1, ILL)[0]
        self.assertEqual(said, Say(f"Disabling service {rs(1)} of VS {NAME}"))
        self.assertEqual(self.pool(), {1: 0, 2: 1})
        said = self.record(1, WELL)[0]
        self.assertEqual(said, Say(f"Enabling service {rs(1)} of VS {NAME}"))
        self.assertEqual(self.pool(), {1: 5, 2: 1})

    def test_alpha(self) -> None:
        """Who is assumed to be down is told with the first result, not before."""
        reason = f"{STARTED} down"
        self.assertEqual(
            self.make(real(1), real(2), up=False),
            [Say(f"{reason} for VS {NAME}"), vs_event("DOWN", reason)],
        )
        self.assertEqual(
            self.record(1, ILL), [rs_event(1, "DOWN", "refused: by the peer")]
        )
        self.assertEqual(self.server(1).reason, "refused: by the peer")
        gained = "Gained quorum 1+0=1 <= 1"
        self.assertEqual(
            self.record(2, WELL),
            [
                Say(f"Adding service {rs(2)} to VS {NAME}"),
                rs_event(2, "UP", "success"),
                Say(f"{gained} for VS {NAME}"),
                vs_event("UP", gained),
            ],
        )

    def test_weight(self) -> None:
        """Another weight is said, for a server that is down as well."""
        self.make(real(1, 5), real(2))
        heavy = Result(True, "success", weight=7)
        self.assertEqual(
            self.record(1, heavy),
            [
                Say(
                    f"Changing weight from 5 to 7 for active service {rs(1)}"
                    f" of VS {NAME}"
                )
            ],
        )
        self.assertEqual((self.pool(), self.virtual.weight), ({1: 7, 2: 1}, 8))
        self.record(1, ILL)
        light = Result(False, "refused", weight=3)
        self.assertEqual(
            self.record(1, light),
            [
                Say(
                    f"Changing weight from 7 to 3 for inactive service {rs(1)}"
                    f" of VS {NAME}"
                )
            ],
        )

    def test_sameAddressTwice(self) -> None:
        """Each address and port is there once; the sorry server goes first."""
        self.make(real(1), sorry=real(1, 9))
        self.record(1, ILL)
        self.assertEqual(self.pool(), {1: 9})


class Quorums(Case):
    def test_lostAndGained(self) -> None:
        """Without a sorry server those that are left go on."""
        self.make(real(1), real(2), quorum=2)
        lost, gained = "Lost quorum 2-0=2 > 1", "Gained quorum 2+0=2 <= 2"
        self.assertEqual(
            self.record(1, ILL)[2:],
            [Say(f"{lost} for VS {NAME}"), vs_event("DOWN", lost)],
        )
        self.assertEqual(self.pool(), {2: 1})
        self.assertEqual(
            self.record(1, WELL)[2:],
            [Say(f"{gained} for VS {NAME}"), vs_event("UP", gained)],
        )

    def test_sorry(self) -> None:
        """The sorry server replaces those that are left, and goes again."""
        self.make(real(1), real(2), real(3, inhibit=True), quorum=3, sorry=real(9))
        lost, gained = "Lost quorum 3-0=3 > 2", "Gained quorum 3+0=3 <= 3"
        self.assertEqual(
            self.record(1, ILL)[2:],
            [
                Say(f"{lost} for VS {NAME}"),
                Say(f"Adding sorry server {rs(9)} to VS {NAME}"),
                Say(f"Removing alive servers from the pool for VS {NAME}"),
                vs_event("DOWN", lost),
            ],
        )
        self.assertEqual(self.pool(), {9: 1, 3: 0})
        self.assertTrue(self.virtual.state().sorry)
        self.assertEqual(
            self.record(1, WELL)[2:],
            [
                Say(f"{gained} for VS {NAME}"),
                Say(f"Removing sorry server {rs(9)} from VS {NAME}"),
                Say(f"Adding alive servers to the pool for VS {NAME}"),
                vs_event("UP", gained),
            ],
        )
        self.assertEqual(self.pool(), {1: 1, 2: 1, 3: 1})

    def test_sorryInhibit(self) -> None:
        """With sorry_server_inhibit it is there all the time, mostly with weight 0."""
        self.make(real(1), sorry=real(9), sorry_inhibit=True)
        self.assertEqual(self.pool(), {1: 1, 9: 0})
        self.record(1, ILL)
        self.assertEqual(self.pool(), {9: 1})
        said = self.record(1, WELL)[3]
        self.assertEqual(said, Say(f"Disabling sorry server {rs(9)} from VS {NAME}"))
        self.assertEqual(self.pool(), {1: 1, 9: 0})
        said = self.record(1, ILL)[3]
        self.assertEqual(said, Say(f"Enabling sorry server {rs(9)} to VS {NAME}"))


class Drains(Case):
    def test_wish(self) -> None:
        """A drained server has weight 0 until its connections are gone."""
        self.make(real(1), real(2))
        server = self.server(1)
        self.assertEqual(
            self.virtual.wish(server, True, now=1.0),
            [Say(f"Draining service {rs(1)} of VS {NAME}")],
        )
        self.assertEqual(self.virtual.wish(server, True, now=2.0), [])
        self.assertEqual((self.pool(), self.virtual.weight), ({1: 0, 2: 1}, 1))
        self.assertTrue(self.virtual.draining)
        self.assertEqual(self.virtual.counted({server.key: 2}, now=3.0), [])
        self.assertEqual(
            self.virtual.counted({server.key: 0}, now=4.0),
            [Say(f"Service {rs(1)} of VS {NAME} is drained")],
        )
        self.assertFalse(self.virtual.draining)
        self.assertEqual(self.pool(), {2: 1})
        self.assertEqual(
            self.virtual.wish(server, False, now=5.0),
            [Say(f"No longer draining service {rs(1)} of VS {NAME}")],
        )
        self.assertEqual((self.pool(), self.virtual.weight), ({1: 1, 2: 1}, 2))

    def test_lastOne(self) -> None:
        """Who drains the last server loses the quorum, and keeps its connections."""
        self.make(real(1), sorry=real(9))
        actions = self.virtual.wish(self.server(1), True, now=1.0)
        self.assertIn(vs_event("DOWN", "Lost quorum 1-0=1 > 0"), actions)
        self.assertEqual(self.pool(), {9: 1, 1: 0})

    def test_failsMeanwhile(self) -> None:
        """A server that fails while it is drained is taken out."""
        self.make(real(1), real(2))
        self.virtual.wish(self.server(1), True, now=1.0)
        self.record(1, ILL)
        self.assertEqual(self.pool(), {2: 1})


class Reloads(Case):
    def follow(self, *reals: RealServer, **more: Any) -> Actions:
        """A reload; who is here already keeps its state."""
        kept = self.virtual.reals
        servers = []
        for each in reals:
            server = kept.get((each.address, each.port)) or standing(each, now=5.0)
            server.settings = each
            servers.append(server)
        return self.virtual.reconfigure(virtual(*reals, **more), servers, now=5.0)

    def test_weights(self) -> None:
        """A new weight is said, and counts at once."""
        self.make(real(1), real(2))
        self.assertEqual(
            self.follow(real(1), real(2, 6)),
            [
                Say(
                    f"Changing weight from 1 to 6 for active service {rs(2)}"
                    f" of VS {NAME}"
                )
            ],
        )
        self.assertEqual((self.pool(), self.virtual.weight), ({1: 1, 2: 6}, 7))

    def test_addedAndRemoved(self) -> None:
        """New ones are added; who leaves is told, unless it was down anyway."""
        self.make(real(1), real(2), real(3))
        self.record(1, ILL)
        self.assertEqual(
            self.follow(real(3), real(4)),
            [
                Say(f"Adding service {rs(4)} to VS {NAME}"),
                Say(f"Removing service {rs(2)} from VS {NAME}"),
                rs_event(2, "DOWN", "Removing"),
            ],
        )
        self.assertEqual(self.pool(), {3: 1, 4: 1})

    def test_addedDown(self) -> None:
        """A new server whose shared check has failed already is told as down."""
        self.make(real(1))
        failed = health()
        failed.record(ILL, now=1.0)
        servers = [self.server(1), standing(real(2), failed)]
        self.assertEqual(
            self.virtual.reconfigure(virtual(real(1), real(2)), servers, now=2.0),
            [rs_event(2, "DOWN", "refused: by the peer")],
        )

    def test_quorumOnce(self) -> None:
        """The quorum is weighed when all is in place, not on the way."""
        self.make(real(1), real(2), quorum=2)
        actions = self.follow(real(3), real(4), quorum=2)
        self.assertNotIn("VS", [getattr(each, "kind", "") for each in actions])
        lost = "Lost quorum 3-0=3 > 2"
        self.assertEqual(
            self.follow(real(3), real(4), quorum=3),
            [Say(f"{lost} for VS {NAME}"), vs_event("DOWN", lost)],
        )

    def test_drained(self) -> None:
        """Who has time to drain leaves with weight 0, and comes back at once."""
        self.make(real(1, drain=60.0), real(2, drain=60.0))
        self.virtual.wish(self.server(2), True, now=1.0)
        self.assertEqual(
            self.follow(real(3)),
            [
                Say(f"Adding service {rs(3)} to VS {NAME}"),
                Say(f"Draining service {rs(1)} of VS {NAME}"),
                rs_event(1, "DOWN", "Removing"),
                Say(f"Draining service {rs(2)} of VS {NAME}"),
                rs_event(2, "DOWN", "Removing"),
            ],
        )
        self.assertEqual(self.pool(), {3: 1, 1: 0, 2: 0})
        self.assertEqual(
            [each.drain and each.drain.until for each in self.virtual.leaving.values()],
            [65.0, 61.0],
        )
        self.follow(real(3), real(1))
        self.assertEqual(self.pool(), {3: 1, 1: 1, 2: 0})
        self.assertEqual(self.virtual.counted({}, now=60.0), [])
        self.virtual.counted({}, now=61.0)
        self.assertEqual(self.pool(), {3: 1, 1: 1})
        self.assertEqual(self.virtual.leaving, {})


class Ends(Case):
    def test_stop(self) -> None:
        """When we end, only omega has it told."""
        self.make(real(1), real(2))
        self.assertEqual(self.virtual.stop(False), [])
        self.make(real(1), real(2), omega=True)
        self.record(2, ILL)
        self.assertEqual(
            self.virtual.stop(False),
            [rs_event(1, "DOWN", "Shutting down"), vs_event("DOWN", "Shutting down")],
        )

    def test_removed(self) -> None:
        """When a reload removes it, that is told in any case, if it was up."""
        self.make(real(1))
        self.assertEqual(
            self.virtual.stop(True),
            [rs_event(1, "DOWN", "Removing"), vs_event("DOWN", "Removing")],
        )
        self.record(1, ILL)
        self.assertEqual(self.virtual.stop(True), [])
