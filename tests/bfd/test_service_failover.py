"""Claims about fast failover: sessions with whoever is master."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hanode.bfd.packet import State
from hanode.config.bfd_model import BfdParameters
from hanode.config.model import UnicastPeer, VrrpInstance
from tests.bfd.networks import FAST, NEIGHBOUR, OTHER, US, Neighbour, instance
from tests.bfd.services import NOTHING_LEFT, ServiceTestCase

NAME, OTHER_NAME = f"{NEIGHBOUR}%eth0", f"{OTHER}%eth0"


def follower(name: str = "VI_1", **changes: Any) -> VrrpInstance:
    """A virtual router with fast failover."""
    settings: dict[str, Any] = {"source": US, "fast_failover": FAST, **changes}
    return VrrpInstance(name, 1, "eth0", 4, **settings)


class FailoverTests(ServiceTestCase):
    """An instance that follows its master."""

    def setUp(self) -> None:
        """There is no master yet."""
        super().setUp()
        self.configure(follower())

    def master(self, address: Any, name: str = "VI_1") -> None:
        """The instance follows that one from now on."""
        self.facts.set(f"master:{name}", address)

    def peer(self, address: Any = NEIGHBOUR) -> Neighbour:
        """A neighbour at eth0 that is Up."""
        peer = Neighbour(self.network, address=address, device="eth0")
        line = self.service.table.named(f"{address}%eth0")
        if line is not None:
            peer.yours = line.session.discriminator
        peer.come_up()
        return peer

    def failover(self, name: str = "VI_1") -> tuple[Any, ...] | None:
        """What the fact of the instance tells."""
        path = self.path(name, "fast_failover")
        if path is None:
            return None
        return path.neighbour, path.state, path.died, round(path.interval, 6)

    def test_listens(self) -> None:
        """It listens at its interface for its family, and has no session."""
        self.assertEqual(self.network.open(), [(3784, 4, "eth0")])
        self.assertEqual((self.service.names(), self.failover()), ([], None))

    def test_opened(self) -> None:
        """A session to the master is opened, from the instance's address."""
        self.master(NEIGHBOUR)
        keys = ("role", "wanted_by", "source", "device", "state")
        session = self.described(NAME)
        self.assertEqual(
            [session[key] for key in keys],
            ["fast_failover", ["fast_failover VI_1"], str(US), "eth0", "DOWN"],
        )
        self.assertEqual(self.failover(), (NEIGHBOUR, "DOWN", False, 0.0))

    def test_known_before(self) -> None:
        """A master that is known when the instance comes is followed at once."""
        self.master(OTHER, "VI_2")
        self.configure(follower(), follower("VI_2"))
        self.assertEqual(self.service.names(), [OTHER_NAME])

    def test_dies(self) -> None:
        """Its fact tells Up, and that the master died, with the interval."""
        self.master(NEIGHBOUR)
        self.peer()
        before = self.failover()
        self.facts.events.clear()
        self.run_for(1.0)
        self.assertEqual(before and before[:3], (NEIGHBOUR, "UP", False))
        self.assertEqual(self.failover(), (NEIGHBOUR, "DOWN", True, 0.05))
        (fact,) = self.changes("fast_failover:")
        self.assertEqual(fact.why, "control detection time expired")

    def test_signaled(self) -> None:
        """A master that does not hear us has not died."""
        self.master(NEIGHBOUR)
        peer = self.peer()
        peer.say(State.DOWN, diagnostic=1)
        self.assertEqual(self.failover(), (NEIGHBOUR, "DOWN", False, 0.05))

    def test_moved(self) -> None:
        """Another master: the session moves; the old one is kept as unsolicited."""
        self.master(NEIGHBOUR)
        self.peer()
        self.master(OTHER)
        found = {name: self.described(name)["role"] for name in self.service.names()}
        self.assertEqual(found, {NAME: "unsolicited", OTHER_NAME: "fast_failover"})
        self.assertEqual(self.failover(), (OTHER, "DOWN", False, 0.0))
        self.assertEqual(self.state(NAME), "UP")

    def test_moved_not_up(self) -> None:
        """An old session that is not Up is gone after a minute."""
        self.master(NEIGHBOUR)
        self.master(OTHER)
        self.run_for(61.0)
        self.assertEqual(self.service.names(), [OTHER_NAME])

    def test_moved_away(self) -> None:
        """Where no rule covers the old master its session ends."""
        peers = (UnicastPeer(OTHER),)
        self.configure(follower(unicast_peers=peers))
        self.master(NEIGHBOUR)
        self.master(OTHER)
        self.assertEqual(self.service.names(), [OTHER_NAME])
        self.assertEqual(self.said(NEIGHBOUR)[-1], State.ADMIN_DOWN)

    def test_same_again(self) -> None:
        """The same master again changes nothing."""
        self.master(NEIGHBOUR)
        session = self.line(NAME).session
        self.network.packets()
        self.facts._facts.pop("master:VI_1")
        self.master(NEIGHBOUR)
        self.assertIs(self.line(NAME).session, session)
        self.assertEqual(self.said(), [])

    def test_nobody(self) -> None:
        """Without a master (it is us) there is no fact, and nobody is asked."""
        self.master(NEIGHBOUR)
        self.master(None)
        self.assertIsNone(self.failover())
        self.network.packets()
        self.run_for(61.0)
        self.assertEqual((self.service.names(), self.said()), ([], []))

    def test_accepts(self) -> None:
        """A master accepts sessions of its peers."""
        self.peer(OTHER)
        self.assertEqual(self.state(OTHER_NAME), "UP")
        wanted_by = self.described(OTHER_NAME)["wanted_by"]
        self.assertEqual(wanted_by, ["fast_failover VI_1"])

    def test_accepted_becomes_wanted(self) -> None:
        """A session that the neighbour opened serves when that becomes master."""
        self.peer()
        session = self.line(NAME).session
        self.master(NEIGHBOUR)
        self.assertIs(self.line(NAME).session, session)
        self.assertFalse(session.parameters.passive)
        found = self.failover()
        self.assertEqual(found and found[:2], (NEIGHBOUR, "UP"))
        self.run_for(1.0)
        self.assertEqual(self.failover(), (NEIGHBOUR, "DOWN", True, 0.05))

    def test_unicast(self) -> None:
        """With unicast peers only they may open a session."""
        self.configure(follower(unicast_peers=(UnicastPeer(OTHER),)))
        Neighbour(self.network, device="eth0").say(State.DOWN)
        self.peer(OTHER)
        self.assertEqual(self.service.names(), [OTHER_NAME])

    def test_shared(self) -> None:
        """Two instances with one master share the session; the quickest counts."""
        second = BfdParameters(min_tx=20_000, min_rx=90_000, multiplier=7)
        self.configure(follower(), follower("VI_2", fast_failover=second))
        for name in ("VI_1", "VI_2"):
            self.master(NEIGHBOUR, name)
        owners = ["fast_failover VI_1", "fast_failover VI_2"]
        self.assertEqual(self.described(NAME)["wanted_by"], owners)
        together = replace(FAST, min_tx=20_000, multiplier=7)
        self.assertEqual(self.line(NAME).session.parameters, together)
        self.peer()
        self.run_for(1.0)
        dead = (NEIGHBOUR, "DOWN", True, 0.05)
        self.assertEqual([self.failover(f"VI_{n}") for n in (1, 2)], [dead, dead])

    def test_shared_left(self) -> None:
        """When one of them lets go, the other's parameters hold."""
        second = BfdParameters(min_tx=20_000, min_rx=20_000, multiplier=7)
        self.configure(follower(), follower("VI_2", fast_failover=second))
        for name in ("VI_1", "VI_2"):
            self.master(NEIGHBOUR, name)
        self.peer()
        session = self.line(NAME).session
        self.master(None, "VI_2")
        self.assertEqual(session.parameters, FAST)
        self.assertEqual((self.state(NAME), self.failover("VI_2")), ("UP", None))

    def test_configured(self) -> None:
        """A bfd_instance to the master serves, with its own parameters."""
        slow = replace(FAST, min_tx=200_000, min_rx=200_000)
        self.configure(follower(), instance(device="eth0", parameters=slow))
        self.master(NEIGHBOUR)
        owners = ["bfd_instance peer", "fast_failover VI_1"]
        self.assertEqual(self.described()["wanted_by"], owners)
        self.assertEqual(self.line().session.parameters, slow)
        self.assertEqual(self.described()["role"], "active")

    def test_configured_later(self) -> None:
        """A bfd_instance that comes later takes its place; the fact follows it."""
        self.master(NEIGHBOUR)
        self.peer()
        self.configure(follower(), instance(device="eth0"))
        self.assertEqual(self.service.names(), ["peer"])
        peer = Neighbour(self.network, device="eth0")
        peer.yours = self.line().session.discriminator
        peer.say(State.DOWN)
        peer.come_up()
        found = self.failover()
        self.assertEqual(found and found[:3], (NEIGHBOUR, "UP", False))
        self.run_for(1.0)
        self.assertEqual(self.failover(), (NEIGHBOUR, "DOWN", True, 0.05))

    def test_configured_no_more(self) -> None:
        """Without its bfd_instance the session goes on for the fast failover."""
        self.configure(follower(), instance(device="eth0"))
        self.master(NEIGHBOUR)
        peer = Neighbour(self.network, device="eth0")
        peer.yours = self.line().session.discriminator
        peer.come_up()
        session = self.line().session
        self.configure(follower(), instance(device="eth0", neighbour=OTHER))
        self.assertIs(self.line(NAME).session, session)
        self.assertEqual((self.state(NAME), self.state()), ("UP", "DOWN"))
        self.run_for(1.0)
        self.assertEqual(self.failover(), (NEIGHBOUR, "DOWN", True, 0.05))
        self.service.stopService()
        self.assertEqual(self.left(), NOTHING_LEFT)

    def test_reload(self) -> None:
        """Another priority leaves the session alone."""
        self.master(NEIGHBOUR)
        self.peer()
        self.network.packets()
        session = self.line(NAME).session
        self.configure(follower(priority=50))
        self.assertIs(self.line(NAME).session, session)
        found = self.failover()
        self.assertEqual(found and found[:2], (NEIGHBOUR, "UP"))
        self.assertEqual(self.said(), [])

    def test_reload_interval(self) -> None:
        """Other intervals are told by a poll; the session stays Up."""
        self.master(NEIGHBOUR)
        self.peer()
        session = self.line(NAME).session
        self.configure(follower(fast_failover=replace(FAST, min_rx=30_000)))
        self.assertIs(self.line(NAME).session, session)
        told = self.told()
        self.assertEqual((told.state, told.min_rx, told.poll), (State.UP, 30_000, True))

    def test_removed(self) -> None:
        """Without fast_failover all is closed, and the fact is gone."""
        self.master(NEIGHBOUR)
        self.peer()
        self.configure(follower(fast_failover=None))
        self.assertEqual((self.left(), self.failover()), (NOTHING_LEFT, None))

    def test_stop(self) -> None:
        """At the end all is closed; a new master opens nothing any more."""
        self.master(NEIGHBOUR)
        self.peer()
        self.service.stopService()
        self.master(OTHER)
        self.assertEqual((self.left(), self.failover()), (NOTHING_LEFT, None))
        self.assertEqual(self.clock.getDelayedCalls(), [])
