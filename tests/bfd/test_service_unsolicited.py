"""Claims about sessions that neighbours open (RFC 9468)."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network

from hanode.bfd.fading import FORGET
from hanode.bfd.packet import State
from hanode.bfd.service import BfdService
from hanode.config.bfd_model import (
    AuthType,
    BfdAuthentication,
    BfdKey,
    BfdUnsolicited,
)
from hanode.config.model import IpAddress, Secret
from hanode.facts import Facts
from tests.bfd.networks import (
    FAST,
    NEIGHBOUR,
    NEIGHBOUR6,
    OTHER,
    US,
    US6,
    Neighbour,
    Network,
    instance,
    model,
    world,
)
from tests.bfd.services import NOTHING_LEFT, ServiceTestCase

RULE = BfdUnsolicited("eth0", parameters=FAST)
NAME = f"{NEIGHBOUR}%eth0"


class UnsolicitedTestCase(ServiceTestCase):
    """A node that accepts sessions on eth0."""

    def setUp(self) -> None:
        """Listen."""
        super().setUp()
        self.configure(RULE)

    def peer(self, address: IpAddress = NEIGHBOUR) -> Neighbour:
        """A neighbour at eth0 that is Up."""
        peer = Neighbour(self.network, address=address, device="eth0")
        peer.come_up()
        return peer

    def rejected(self) -> dict[str, int]:
        """Packets that belong to no session."""
        found: dict[str, int] = self.service.describe_all()["rejected"]
        return found


class OpeningTests(UnsolicitedTestCase):
    """Who may open a session."""

    def test_listens(self) -> None:
        """It listens for both families on the interface, and says nothing."""
        self.assertEqual(self.network.open(), [(3784, 4, "eth0"), (3784, 6, "eth0")])
        self.assertEqual(self.network.tries, 0)

    def test_before_start(self) -> None:
        """Before the service runs it does not listen."""
        network = Network()
        service = BfdService(world(self.clock, network), Facts(self.clock))
        service.configure(model(RULE))
        self.assertEqual(network.open(), [])
        service.startService()
        self.assertEqual(len(network.open()), 2)
        service.stopService()
        self.assertTrue(network.nothing())

    def test_opened(self) -> None:
        """Who speaks first gets a session: passive, from the address that was asked."""
        self.peer()
        session = self.described(NAME)
        keys = ("state", "role", "wanted_by", "device", "neighbour", "source")
        self.assertEqual(
            [session[key] for key in keys],
            [
                "UP",
                "unsolicited",
                ["bfd_unsolicited eth0"],
                "eth0",
                "10.0.0.2",
                str(US),
            ],
        )
        self.assertEqual(self.state(NAME), "UP")

    def test_opened_6(self) -> None:
        """The same over IPv6."""
        peer = Neighbour(self.network, NEIGHBOUR6, device="eth0", us=US6)
        peer.come_up()
        self.assertEqual(self.state("fe80::2%eth0"), "UP")

    def test_passive(self) -> None:
        """It speaks when it was spoken to, and falls silent with the neighbour."""
        peer = self.peer()
        self.assertTrue(self.line(NAME).session.parameters.passive)
        peer.say(State.DOWN)
        self.run_for(10.0)
        self.network.packets()
        self.run_for(10.0)
        self.assertEqual((self.state(NAME), self.said()), ("DOWN", []))

    def test_elsewhere(self) -> None:
        """At another interface nobody may open a session."""
        self.configure(RULE, instance(neighbour=OTHER, device="eth1"))
        Neighbour(self.network, device="eth1").say(State.DOWN)
        self.assertEqual(self.service.names(), ["peer"])
        self.assertEqual(self.rejected(), {"no session": 1})

    def test_allowed(self) -> None:
        """With an allow list only those in it, whatever their family."""
        networks = ip_network("10.0.0.2/31"), ip_network("fe80::/64")
        self.configure(replace(RULE, allow=networks))
        for address in map(ip_address, ("10.0.0.2", "10.0.0.4", "10.1.0.2")):
            Neighbour(self.network, address=address, device="eth0").say(State.DOWN)
        for address in map(ip_address, ("fe80::2", "fd00::2")):
            Neighbour(self.network, address, device="eth0", us=US6).say(State.DOWN)
        self.assertEqual(self.service.names(), [NAME, "fe80::2%eth0"])
        self.assertEqual(self.rejected(), {"no session": 3})

    def test_limit(self) -> None:
        """No more than the limit, until one of them has gone."""
        self.configure(replace(RULE, limit=2))
        for number in range(4):
            self.peer(OTHER + number) if number < 2 else Neighbour(
                self.network, address=OTHER + number, device="eth0"
            ).say(State.DOWN)
        self.assertEqual(len(self.service.table), 2)
        self.assertEqual(self.rejected(), {"too many unsolicited sessions": 2})
        self.run_for(FORGET + 1)
        self.peer(OTHER + 3)
        self.assertEqual(len(self.service.table), 1)

    def test_far_away(self) -> None:
        """Who is not on the link opens nothing, though others may be far away."""
        self.configure(RULE, instance(neighbour=OTHER, device="eth0", least_ttl=200))
        Neighbour(self.network, device="eth0", ttl=254).say(State.DOWN)
        self.assertEqual(self.service.names(), ["peer"])
        self.assertEqual(self.rejected(), {"TTL": 1})

    def test_to_all(self) -> None:
        """A packet to a group opens nothing: we could not answer from there."""
        group = ip_address("224.0.0.1")
        Neighbour(self.network, device="eth0", us=group).say(State.DOWN)
        self.assertEqual((self.service.names(), self.network.tries), ([], 0))

    def test_admin_down(self) -> None:
        """A neighbour that is AdminDown opens nothing."""
        Neighbour(self.network, device="eth0").say(State.ADMIN_DOWN)
        self.assertEqual(self.service.names(), [])

    def test_bad_packet(self) -> None:
        """What is no packet opens nothing."""
        Neighbour(self.network, device="eth0").put(bytes(24))
        self.assertEqual(self.service.names(), [])


class EndTests(UnsolicitedTestCase):
    """When such a session ends."""

    def test_forgotten(self) -> None:
        """Not Up for a minute: forgotten."""
        peer = self.peer()
        peer.say(State.DOWN)
        self.run_for(FORGET - 0.01)
        self.assertEqual(self.service.names(), [NAME])
        self.run_for(0.02)
        self.assertEqual(self.service.names(), [])
        self.assertEqual(self.left()[3:], NOTHING_LEFT[3:])

    def test_forgotten_tells(self) -> None:
        """A neighbour that speaks all the time, and never comes Up, is told."""
        peer = Neighbour(self.network, device="eth0")
        data = peer.say(State.DOWN)
        self.network.packets()
        self.run_for(FORGET - 0.01, (peer, data))
        self.assertEqual(set(self.said()), {State.INIT})
        self.run_for(0.02)
        self.assertEqual(self.said(), [State.ADMIN_DOWN] * 3)

    def test_never_up(self) -> None:
        """One that was never Up is forgotten, too."""
        Neighbour(self.network, device="eth0").say(State.DOWN)
        self.run_for(FORGET + 0.01)
        self.assertEqual(self.service.names(), [])

    def test_up_again(self) -> None:
        """One that is Up again within that time stays."""
        peer = self.peer()
        peer.say(State.DOWN)
        self.run_for(FORGET - 1)
        steady = peer.come_up()
        self.run_for(FORGET, (peer, steady))
        self.assertEqual(self.state(NAME), "UP")

    def test_up_at_once(self) -> None:
        """One that came Up in the very moment it was opened stays."""
        peer = self.peer()
        steady = peer.say(State.UP)
        self.run_for(FORGET + 1, (peer, steady))
        self.assertEqual(self.state(NAME), "UP")

    def test_no_pile(self) -> None:
        """However often it goes up and down, one call of the clock is enough."""
        peer = self.peer()
        for _ in range(20):
            peer.say(State.DOWN)
            peer.come_up()
        peer.say(State.DOWN)
        self.assertEqual(len(self.service._fading._calls), 1)
        self.assertLessEqual(len(self.clock.getDelayedCalls()), 2)

    def test_stop(self) -> None:
        """At the end nothing is left, Up or not."""
        self.peer()
        Neighbour(self.network, address=OTHER, device="eth0").say(State.DOWN)
        self.service.stopService()
        self.assertEqual(self.left(), NOTHING_LEFT)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_dismissed(self) -> None:
        """When the rule goes, its sessions go, and the port is closed."""
        self.peer()
        self.network.packets()
        self.configure()
        self.assertEqual(self.said(), [State.ADMIN_DOWN] * 3)
        self.assertEqual(self.left(), NOTHING_LEFT)

    def test_no_longer_allowed(self) -> None:
        """Who is not in the new allow list goes, the others stay."""
        self.peer()
        self.peer(OTHER)
        self.configure(replace(RULE, allow=(ip_network("10.0.0.2/32"),)))
        self.assertEqual(self.service.names(), [NAME])

    def test_changed(self) -> None:
        """A rule with other parameters changes its sessions; they stay Up."""
        peer = self.peer()
        self.network.packets()
        session = self.line(NAME).session
        other = replace(FAST, multiplier=5)
        self.configure(replace(RULE, limit=3, parameters=other))
        self.assertEqual([e.multiplier for e in self.network.packets()], [5])
        self.assertIs(self.line(NAME).session, session)
        self.assertEqual(self.state(NAME), "UP")
        self.assertEqual(session.parameters, replace(other, passive=True))
        opened = [each for each in self.network.log if each[0] == "open"]
        self.assertEqual(len(opened), 2)
        peer.say(State.DOWN)
        self.assertEqual(self.state(NAME), "DOWN")


class ConfiguredTests(UnsolicitedTestCase):
    """When a bfd_instance is for the same neighbour."""

    def test_becomes_named(self) -> None:
        """It takes the place of the unsolicited one, under its own name."""
        peer = self.peer()
        self.network.packets()
        self.configure(RULE, instance(device="eth0"))
        self.assertEqual(self.service.names(), ["peer"])
        self.assertEqual(self.said(), [*[State.ADMIN_DOWN] * 3, State.DOWN])
        self.assertIsNone(self.path(NAME))
        peer.yours = self.line().session.discriminator
        peer.say(State.DOWN)
        peer.come_up()
        self.assertEqual(self.described()["role"], "active")
        self.assertEqual((self.state(), len(self.network.senders)), ("UP", 1))

    def test_released(self) -> None:
        """Without its bfd_instance it goes on as an unsolicited one, without a flap."""
        self.configure(RULE, instance(device="eth0"))
        peer = self.peer()
        session = self.line().session
        steady = peer.say(State.UP)
        self.configure(RULE)
        self.assertEqual(self.service.names(), [NAME])
        self.assertIs(self.line(NAME).session, session)
        self.run_for(2.0, (peer, steady))
        self.assertEqual((self.state(NAME), self.path()), ("UP", None))
        self.assertEqual(self.described(NAME)["role"], "unsolicited")

    def test_released_down(self) -> None:
        """One that is not Up then is forgotten after a minute."""
        self.configure(RULE, instance(device="eth0"))
        self.configure(RULE)
        self.assertEqual(self.service.names(), [NAME])
        self.run_for(FORGET + 0.01)
        self.assertEqual(self.service.names(), [])

    def test_name_is_free(self) -> None:
        """The name may be another session's at once."""
        self.configure(RULE, instance(device="eth0"))
        self.peer()
        self.configure(RULE, instance(neighbour=OTHER, device="eth0"))
        found = {each.name: str(each.route.neighbour) for each in self.service.table}
        self.assertEqual(found, {NAME: "10.0.0.2", "peer": "10.0.0.3"})
        self.assertEqual((self.state(NAME), self.state()), ("UP", "DOWN"))
        self.service.stopService()
        self.assertEqual(self.left(), NOTHING_LEFT)

    def test_name_is_taken(self) -> None:
        """A bfd_instance may have the name that an unsolicited session has."""
        self.peer()
        self.configure(RULE, instance(NAME, neighbour=OTHER))
        self.assertEqual(self.line(NAME).route.neighbour, OTHER)
        self.assertEqual(len(self.service.names()), 2)
        self.service.stopService()
        self.assertEqual(self.left(), NOTHING_LEFT)

    def test_operator(self) -> None:
        """The wish was for the bfd_instance: without it the session starts."""
        self.configure(RULE, instance(device="eth0"))
        self.facts.set("admin:bfd:peer", "down")
        self.configure(RULE)
        self.peer()
        self.assertEqual(self.state(NAME), "UP")


class BesideTests(UnsolicitedTestCase):
    """A session that is bound to no interface, where a port of eth0 is open too."""

    def test_keeps_its_packets(self) -> None:
        """What comes in at eth0 is the session's, and opens no other one."""
        self.configure(RULE, instance())
        self.peer()
        self.assertEqual(self.service.names(), ["peer"])
        self.assertEqual(self.state(), "UP")

    def test_its_ttl(self) -> None:
        """The port of eth0 lets in what the session may have; nobody else may."""
        self.configure(RULE, instance(least_ttl=64))
        self.assertEqual(self.network.listener(device="eth0").ttl, 64)
        far = Neighbour(self.network, address=OTHER, device="eth0", ttl=64)
        far.say(State.DOWN)
        self.assertEqual(self.rejected(), {"TTL": 1})
        near = Neighbour(self.network, device="eth0", ttl=64)
        near.come_up()
        self.assertEqual(self.state(), "UP")

    def test_its_key(self) -> None:
        """Who does not know the key of the session does not get one without."""
        keys = BfdAuthentication(AuthType.KEYED_SHA1, (BfdKey(1, Secret("geheim")),))
        secret = replace(FAST, authentication=keys)
        self.configure(RULE, instance(parameters=secret))
        Neighbour(self.network, device="eth0").say(State.DOWN)
        self.assertEqual(self.service.names(), ["peer"])
        dropped = next(self.service.describe_each())["dropped"]
        self.assertEqual(dropped, {"authentication missing": 1})
