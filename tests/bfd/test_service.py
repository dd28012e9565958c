"""Claims about the sessions of a node: from the configuration, and across reloads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hanode.bfd.packet import State
from hanode.bfd.service import BfdService
from hanode.facts import Facts
from hanode.link import Link
from hanode.path import Path
from tests.bfd.networks import (
    FAST,
    NEIGHBOUR,
    NEIGHBOUR6,
    OTHER,
    US6,
    Neighbour,
    Network,
    instance,
    model,
    world,
)
from tests.bfd.services import NOTHING_LEFT, ServiceTestCase


class LifeTests(ServiceTestCase):
    """One session from beginning to end."""

    def test_not_running(self) -> None:
        """Before the service starts nothing is opened and nothing is said."""
        network = Network()
        service = BfdService(world(self.clock, network), Facts(self.clock))
        service.configure(model(instance()))
        self.assertEqual((network.nothing(), network.tries), (True, 0))
        service.startService()
        self.assertEqual(network.open(), [(3784, 4, "")])
        self.assertEqual([e.state for e in network.packets()], [State.DOWN])
        service.stopService()

    def test_comes_up(self) -> None:
        """A session comes Up by a handshake, and says each state at once."""
        self.configure(instance())
        peer = Neighbour(self.network)
        said = [self.said()]
        peer.say(State.DOWN, yours=0)
        peer.yours = self.line().session.discriminator
        said.append(self.said())
        peer.say(State.INIT)
        said.append(self.said())
        self.assertEqual(said, [[State.DOWN], [State.INIT], [State.UP]])

    def test_facts(self) -> None:
        """The fact tells each state, why, and who died."""
        peer = self.up()
        peer.say(State.DOWN, diagnostic=0)
        values = [each.value for each in self.changes("bfd:")]
        slow = replace(Path(NEIGHBOUR, "ADMIN_DOWN"), reason="not started")
        restarted = "neighbour restarted"
        wanted = [
            slow,
            replace(slow, state="DOWN", reason="started"),
            replace(slow, state="INIT", reason="neighbour in DOWN"),
            replace(slow, state="UP", reason="neighbour in INIT"),
            Path(NEIGHBOUR, "DOWN", True, 0.05, restarted),
        ]
        rounded = [replace(each, interval=round(each.interval, 6)) for each in values]
        self.assertEqual(rounded, wanted)

    def test_log(self) -> None:
        """The log says it in keepalived's words."""
        peer = self.up()
        peer.say(State.DOWN, diagnostic=3)
        down = "(Local diagnostic - {}, Remote diagnostic - {}): {}"
        signaled = "Neighbor Signaled Session Down"
        self.assertEqual(
            self.logs.lines("info"),
            [
                "(peer) Entering Up state",
                "(peer) Entering Down state "
                + down.format(signaled, signaled, "neighbour signaled session down"),
            ],
        )

    def test_dies(self) -> None:
        """A neighbour that falls silent is dead after the detection time."""
        self.up()
        heard = self.clock.seconds()
        self.facts.events.clear()
        self.run_for(1.0)
        (fact,) = self.changes("bfd:")
        self.assertEqual((fact.value.state, fact.value.died), ("DOWN", True))
        self.assertEqual(round(fact.value.interval, 6), 0.05)
        self.assertTrue(-1e-9 < fact.since - heard - 0.15 <= 0.002)
        self.assertEqual(self.described()["flaps"], 1)

    def test_lives(self) -> None:
        """A neighbour that speaks, however little new, lives."""
        peer = self.up()
        steady = peer.say(State.UP)
        self.facts.events.clear()
        self.run_for(10.0, (peer, steady))
        self.assertEqual((self.changes("bfd:"), self.state()), ([], "UP"))
        line = self.line()
        self.assertEqual((line.processed, line.session.repeated), (4, 251))
        self.assertTrue(200 <= len(self.network.sent) <= 267, len(self.network.sent))

    def test_returns(self) -> None:
        """A neighbour that comes back is Up again, and that is one flap."""
        peer = self.up()
        self.run_for(1.0)
        peer.say(State.DOWN, yours=0)
        peer.come_up()
        self.assertEqual((self.state(), self.described()["flaps"]), ("UP", 1))

    def test_since(self) -> None:
        """Since when a state holds is counted from its beginning."""
        self.up()
        self.run_for(0.1)
        self.assertEqual(round(self.described()["since"], 6), 0.1)

    def test_stop(self) -> None:
        """At the end AdminDown is said three times; nothing stays open or pending."""
        self.up()
        self.service.stopService()
        self.assertEqual(self.said(), [State.ADMIN_DOWN] * 3)
        self.assertEqual(self.left(), NOTHING_LEFT)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_stop_not_up(self) -> None:
        """The same for a neighbour that never spoke, and a port that is not open."""
        self.network.deaf = OSError(98, "in use")
        self.configure(instance(), instance("other", neighbour=OTHER))
        self.network.packets()
        self.service.stopService()
        self.assertEqual(self.said(), [State.ADMIN_DOWN] * 2)
        self.assertEqual(self.left(), NOTHING_LEFT)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_link_local(self) -> None:
        """A session over IPv6 from one link-local address to another."""
        entry = instance(neighbour=NEIGHBOUR6, device="eth0", source=US6)
        peer = self.up(entry, address=NEIGHBOUR6, device="eth0")
        self.assertEqual(self.network.open(), [(3784, 6, "eth0")])
        self.assertEqual((self.state(), peer.yours != 0), ("UP", True))

    def test_multihop(self) -> None:
        """A multihop session comes Up on its own port, with its own TTL."""
        entry = instance(multihop=True, ttl=64, least_ttl=60)
        self.up(entry, port=4784, ttl=61)
        self.assertEqual(self.network.senders[0].where, (NEIGHBOUR, 4784, "", 64))
        self.assertEqual(self.state(), "UP")

    def test_two_devices(self) -> None:
        """Two sessions to the same neighbour on different devices are two."""
        entries = [instance(device, device=device) for device in ("eth0", "eth1")]
        self.configure(*entries)
        peers = [Neighbour(self.network, device=d) for d in ("eth0", "eth1")]
        for peer in peers:
            peer.mine = 100 + peers.index(peer)
            peer.yours = self.line(peer.device).session.discriminator
            peer.come_up()
        found = [(e["name"], e["state"]) for e in self.service.describe_each()]
        self.assertEqual(found, [("eth0", "UP"), ("eth1", "UP")])
        steady = peers[1].say(State.UP)
        self.run_for(1.0, (peers[1], steady))
        self.assertEqual((self.state("eth0"), self.state("eth1")), ("DOWN", "UP"))

    def test_same_ends(self) -> None:
        """Two bfd_instances between the same ends do not fail, come or go."""
        for _ in range(2):
            self.configure(instance("a"), instance("b"))
            self.assertEqual(self.service.names(), ["a", "b"])
        self.configure(instance("b"))
        self.configure()
        self.assertEqual(self.left(), NOTHING_LEFT)


class ReloadTests(ServiceTestCase):
    """What a new configuration does."""

    def ends(self, name: str = "peer") -> tuple[Any, ...]:
        """What shows that it is the same session as before."""
        session = self.line(name).session
        return session, session.discriminator, session.state

    def test_equal(self) -> None:
        """An equal configuration touches nothing, and says nothing."""
        self.up()
        before = self.ends()
        self.facts.events.clear()
        self.configure(instance())
        self.assertEqual((self.ends(), self.changes("bfd:")), (before, []))
        self.assertEqual(self.said(), [])

    def test_parameters(self) -> None:
        """Other parameters are told by a poll; the session stays Up."""
        self.up()
        before = self.ends()
        self.facts.events.clear()
        other = replace(FAST, min_tx=20_000, min_rx=30_000, multiplier=5)
        self.configure(instance(parameters=other))
        told = self.told()
        self.assertEqual((told.poll, told.state), (True, State.UP))
        self.assertEqual(
            (told.min_tx, told.min_rx, told.multiplier), (20_000, 30_000, 5)
        )
        self.assertEqual((self.ends(), self.changes("bfd:")), (before, []))

    def test_route(self) -> None:
        """Another route is another session: the old one says AdminDown."""
        self.up()
        before = self.line().session.discriminator
        self.configure(instance(neighbour=OTHER))
        self.assertEqual(self.said(NEIGHBOUR), [State.ADMIN_DOWN] * 3)
        self.assertEqual(self.said(OTHER), [State.DOWN])
        self.assertNotEqual(self.line().session.discriminator, before)
        self.assertEqual((self.state(), len(self.service.table)), ("DOWN", 1))
        self.assertEqual(len(self.network.senders), 1)

    def test_removed(self) -> None:
        """A bfd_instance that is gone says AdminDown, and leaves nothing."""
        self.up()
        self.configure()
        self.assertEqual(self.said(), [State.ADMIN_DOWN] * 3)
        self.assertEqual(self.left(), NOTHING_LEFT)

    def test_removed_is_not_dead(self) -> None:
        """Who follows the session is told that it ended on purpose."""
        self.up()
        self.facts.events.clear()
        self.configure()
        values = [(each.value.state, each.value.died) for each in self.changes("bfd:")]
        self.assertEqual(values, [("ADMIN_DOWN", False)])

    def test_renamed(self) -> None:
        """The same route under another name is another session."""
        self.up()
        self.configure(instance("other"))
        self.assertEqual(self.service.names(), ["other"])
        self.assertIsNone(self.path())

    def test_others_stay(self) -> None:
        """Sessions that are not changed do not notice."""
        self.up()
        before = self.ends()
        self.configure(instance(), instance("other", neighbour=OTHER))
        self.configure(instance())
        self.assertEqual(self.ends(), before)
        self.assertEqual(self.said(NEIGHBOUR), [])

    def test_swapped(self) -> None:
        """Two instances may change their neighbours for each other's."""
        self.configure(instance("a"), instance("b", neighbour=OTHER))
        self.configure(instance("a", neighbour=OTHER), instance("b"))
        found = {each.name: each.route.neighbour for each in self.service.table}
        self.assertEqual(found, {"a": OTHER, "b": NEIGHBOUR})

    def test_discriminators(self) -> None:
        """Discriminators are not 0, and all different (RFC 5880, section 6.8.1)."""
        entries = [instance(f"n{n}", neighbour=NEIGHBOUR + n) for n in range(500)]
        self.configure(*entries)
        found = {each.session.discriminator for each in self.service.table}
        self.assertEqual((len(found), 0 in found), (500, False))


class AdminTests(ServiceTestCase):
    """The operator's wish."""

    def wish(self, wish: str) -> None:
        """The operator wants the session to be like that."""
        self.facts.set("admin:bfd:peer", wish)

    def test_down(self) -> None:
        """Down: the neighbour is told, and whatever it says does not change that."""
        peer = self.up()
        self.wish("down")
        self.assertEqual(
            (self.said(), self.state()), ([State.ADMIN_DOWN], "ADMIN_DOWN")
        )
        for state in State:
            peer.say(state)
        self.run_for(5.0)
        self.assertEqual(set(self.said()), {State.ADMIN_DOWN})
        self.assertEqual(self.state(), "ADMIN_DOWN")

    def test_up(self) -> None:
        """Up: the session begins anew."""
        peer = self.up()
        self.wish("down")
        self.wish("up")
        self.assertEqual(self.said(), [State.ADMIN_DOWN, State.DOWN])
        peer.say(State.DOWN)
        peer.come_up()
        self.assertEqual(self.state(), "UP")

    def test_before(self) -> None:
        """A wish from before the session existed counts."""
        self.wish("down")
        self.configure(instance())
        self.assertEqual((self.said(), self.state()), ([], "ADMIN_DOWN"))

    def test_reload(self) -> None:
        """A reload does not change the wish, whatever else it changes."""
        self.up()
        self.wish("down")
        entries = [
            instance(),
            instance(parameters=replace(FAST, multiplier=7)),
            instance(neighbour=OTHER),
        ]
        for entry in entries:
            self.configure(entry)
            self.assertEqual(self.state(), "ADMIN_DOWN")
        self.network.packets()
        self.wish("up")
        self.assertEqual((self.said(), self.state()), ([State.DOWN], "DOWN"))

    def test_stop(self) -> None:
        """A session that is down by wish ends like others."""
        self.up()
        self.wish("down")
        self.service.stopService()
        self.wish("up")
        self.assertEqual(set(self.said()), {State.ADMIN_DOWN})
        self.assertEqual(self.left(), NOTHING_LEFT)


class InterfaceTests(ServiceTestCase):
    """Interfaces that come and go."""

    def link(self, index: int, up: bool = True) -> None:
        """The interface is like that now."""
        self.facts.set("interface:eth0", Link("eth0", index, up))

    def test_same(self) -> None:
        """An interface that goes down and up keeps its sockets."""
        self.link(2)
        self.up(instance(device="eth0"), device="eth0")
        self.network.log.clear()
        self.link(2, up=False)
        self.link(2)
        self.assertEqual((self.network.log, self.network.tries), ([], 1))

    def test_another(self) -> None:
        """An interface of the same name with another index needs other sockets."""
        self.link(2)
        peer = self.up(instance(device="eth0"), device="eth0")
        steady = peer.say(State.UP)
        self.network.log.clear()
        self.facts.set("interface:eth0", None)
        self.link(7)
        where = (3784, 4, "eth0")
        wanted = [("closed", *where), ("open", *where)] * 2
        self.assertEqual(self.network.log, wanted)
        self.run_for(1.0, (peer, steady))
        self.assertEqual((self.network.tries, self.state()), (2, "UP"))

    def test_others(self) -> None:
        """Sessions on other interfaces do not notice."""
        self.link(2)
        entries = instance(device="eth0"), instance("other", device="eth1")
        self.configure(*entries)
        self.network.log.clear()
        self.link(7)
        self.assertEqual({each[-1] for each in self.network.log}, {"eth0"})
        self.assertEqual([e.where[2] for e in self.network.senders], ["eth1"])

    def test_late(self) -> None:
        """An interface that appears later gets its port within a second."""
        self.network.deaf = OSError(19, "No such device")
        self.configure(instance(device="eth0"))
        self.run_for(3.0)
        self.assertEqual(len(self.logs.lines("error")), 1)
        self.network.deaf = None
        self.link(2)
        self.run_for(1.0)
        self.assertEqual(self.network.open(), [(3784, 4, "eth0")])

    def test_echo(self) -> None:
        """Its echo port is another one, too."""
        self.link(2)
        parameters = replace(FAST, echo_tx=20_000)
        entry = instance(device="eth0", parameters=parameters)
        self.configure(entry)
        peer = Neighbour(self.network, device="eth0")
        peer.says["min_echo_rx"] = 20_000
        peer.come_up()
        (before,) = self.network.echoes
        self.link(7)
        (after,) = self.network.echoes
        self.assertIsNot(before, after)
        self.assertIs(self.line().echo_port, after)
