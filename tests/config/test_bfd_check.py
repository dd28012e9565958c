"""Doubts about BFD sessions and about those who depend on them."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.bfd_check import MOST, doubts
from hanode.config.bfd_model import (
    BfdInstance,
    BfdParameters,
    BfdRoute,
    BfdUnsolicited,
)
from hanode.config.model import Model, UnicastPeer, VrrpInstance
from hanode.config.track_model import Tracked
from tests.config.reading import messages

NEIGHBOUR = ip_address("192.0.2.2")
SESSION = BfdInstance("peer", BfdRoute(NEIGHBOUR))
FLAP = (
    "warning: ({}) a silence of 9.999 ms ends the session: it will flap on a machine "
    "under load"
)
FAST = BfdParameters(min_tx=3333, min_rx=1000, multiplier=3)


def told(model: Model) -> list[str]:
    """What is said about C{model}."""
    return messages(doubts(model))


def session(route: BfdRoute = SESSION.route, **settings: int) -> list[str]:
    """What is said about one session."""
    changed = replace(SESSION, route=route, parameters=BfdParameters(**settings))  # type: ignore[arg-type]
    return told(Model(bfd_instances={"peer": changed}))


class SessionTests(SynchronousTestCase):
    def test_nothing_to_say(self) -> None:
        """Defaults, and what is just inside of the bounds."""
        self.assertEqual(
            [
                session(),
                session(min_rx=5000, min_tx=1000, multiplier=2),
                session(min_rx=10_000_000, min_tx=10_000_000, multiplier=10),
            ],
            [[], [], []],
        )

    def test_hasty(self) -> None:
        """A detection time below that of a busy machine, wherever it is written."""
        self.assertEqual(
            told(
                Model(
                    instances={
                        "VI": VrrpInstance("VI", 1, "eth0", 4, fast_failover=FAST)
                    },
                    bfd_instances={"peer": replace(SESSION, parameters=FAST)},
                    bfd_unsolicited=(BfdUnsolicited("eth0", parameters=FAST),),
                )
            ),
            [FLAP.format(name) for name in ("peer", "eth0", "VI")],
        )

    def test_multiplier(self) -> None:
        """One lost packet, or too many of them."""
        self.assertEqual(
            [session(multiplier=1), session(multiplier=11)],
            [
                ["warning: (peer) multiplier 1: one lost packet ends the session"],
                ["warning: (peer) multiplier 11 is more than 10"],
            ],
        )

    def test_long_intervals(self) -> None:
        """Seconds where milliseconds are meant, or the other way round."""
        self.assertEqual(
            session(min_rx=10_000_001, min_tx=20_000_000, idle_tx=30_000_000),
            [
                "warning: (peer) min_rx 10000 is more than 10 s",
                "warning: (peer) min_tx 20000 is more than 10 s",
                "warning: (peer) idle_tx 30000 is more than 10 s",
            ],
        )

    def test_route(self) -> None:
        """A TTL that neighbours do not take, and a session with ourselves."""
        self.assertEqual(
            [
                session(BfdRoute(NEIGHBOUR, ttl=64)),
                session(BfdRoute(NEIGHBOUR, ttl=64, multihop=True)),
                session(BfdRoute(NEIGHBOUR, NEIGHBOUR)),
            ],
            [
                [
                    "warning: (peer) ttl 64: neighbours that follow RFC 5881 section 5 "
                    "drop packets with less than 255"
                ],
                [],
                [
                    "warning: (peer) neighbor address 192.0.2.2 is this node's own "
                    "source address"
                ],
            ],
        )

    def test_too_many(self) -> None:
        """More sessions than a node is made for are an error."""
        sessions = {str(n): replace(SESSION, name=str(n)) for n in range(MOST)}
        self.assertEqual(told(Model(bfd_instances=sessions)), [])
        sessions["one more"] = SESSION
        self.assertEqual(
            told(Model(bfd_instances=sessions)),
            ["error: 4001 BFD sessions are more than 4000"],
        )


class InstanceTests(SynchronousTestCase):
    def tracking(self, tracked: Tracked, family: int = 4, *peers: str) -> list[str]:
        """What is said about an instance that tracks the session."""
        instance = VrrpInstance(
            "VI",
            1,
            "eth0",
            family,
            track=(tracked,),
            unicast_peers=tuple(UnicastPeer(ip_address(peer)) for peer in peers),
        )
        return told(Model(instances={"VI": instance}, bfd_instances={"peer": SESSION}))

    def test_owner(self) -> None:
        """An address owner follows nobody."""
        owner = VrrpInstance(
            "VI", 1, "eth0", 4, priority=255, fast_failover=BfdParameters()
        )
        self.assertEqual(
            told(Model(instances={"VI": owner})),
            [
                "warning: (VI) fast_failover has no effect: priority 255 follows no "
                "other master"
            ],
        )

    def test_other_family(self) -> None:
        """The master is never found at an address of the other family."""
        self.assertEqual(
            [
                self.tracking(Tracked("bfd", "peer", 10), 6),
                self.tracking(Tracked("bfd", "peer", 10), 4),
                self.tracking(Tracked("bfd", "peer"), 6),
                self.tracking(Tracked("bfd", "somebody", 10), 6),
            ],
            [
                [
                    "warning: (VI) track_bfd peer is a session with 192.0.2.2, and "
                    "masters are seen by their IPv6 address: its loss changes the "
                    "priority only, fast failover does not find it"
                ],
                [],
                [],
                [],
            ],
        )

    def test_fault_instead_of_takeover(self) -> None:
        """Without weight the loss of the peer is a fault of this node."""
        self.assertEqual(
            [
                self.tracking(Tracked("bfd", "peer"), 4, "192.0.2.2"),
                self.tracking(Tracked("bfd", "peer"), 4, "192.0.2.3"),
                self.tracking(Tracked("bfd", "peer", 5), 4, "192.0.2.2"),
                self.tracking(Tracked("bfd", "peer", 0, True), 4, "192.0.2.2"),
            ],
            [
                [
                    "warning: (VI) track_bfd peer without weight: when 192.0.2.2 fails "
                    "this instance goes to FAULT instead of taking over"
                ],
                [],
                [],
                [],
            ],
        )
