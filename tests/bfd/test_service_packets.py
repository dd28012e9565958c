"""Claims about which packets count: refused ones, strange ones, repeated ones."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hanode.bfd.authentication import Authenticator
from hanode.bfd.packet import Control, State, encode
from hanode.bfd.session import Session
from hanode.config.bfd_model import AuthType, BfdAuthentication, BfdKey
from hanode.config.scalars import Secret
from hanode.interfaces import Datagram
from tests.bfd.networks import FAST, NEIGHBOUR, OTHER, US, Neighbour, instance
from tests.bfd.services import ServiceTestCase

PLAIN = Control(State.UP, 0xB, 0, 3, 50_000, 50_000)
KEY = BfdAuthentication(AuthType.KEYED_SHA1, (BfdKey(1, Secret("secret")),))


class Nothing(dict[bytes, Session]):
    """A table of expected packets that never knows one: all are looked at."""

    def get(self, key: bytes, default: Any = None) -> Any:
        """Never."""
        return None


class RefusedTests(ServiceTestCase):
    """What is not accepted is counted by reason, and logged once of each sender."""

    def rejected(self) -> dict[str, int]:
        """Packets that belong to no session."""
        found: dict[str, int] = self.service.describe_all()["rejected"]
        return found

    def test_discriminator(self) -> None:
        """A discriminator that is nobody's."""
        peer = self.up()
        peer.yours ^= 1
        for _ in range(3):
            peer.say(State.UP)
        self.assertEqual(self.rejected(), {"no session": 3})
        text = "(bfd) dropped a BFD packet from someone on the link: no session"
        self.assertEqual(self.logs.lines(), [f"{text} ({peer.yours})"])
        self.assertEqual(self.state(), "UP")

    def test_unknown_source(self) -> None:
        """A neighbour that nobody configured, and that may not open a session."""
        self.up()
        stranger = Neighbour(self.network, address=OTHER)
        for _ in range(3):
            stranger.say(State.DOWN)
        self.assertEqual(self.rejected(), {"no session": 3})
        text = "(bfd) dropped a BFD packet from 10.0.0.3: no session"
        self.assertEqual(self.logs.lines(), [text])

    def test_each_source(self) -> None:
        """Each source is logged once, a hundred at most."""
        self.up()
        for number in range(150):
            for _ in range(2):
                Neighbour(self.network, address=OTHER + number).say(State.DOWN)
        self.assertEqual(self.rejected(), {"no session": 300})
        self.assertEqual(len(self.logs.lines()), 100)

    def multihop(self) -> Neighbour:
        """A multihop session that is Up."""
        return self.up(instance(multihop=True, least_ttl=250), port=4784, ttl=250)

    def test_source(self) -> None:
        """A multihop packet with our discriminator from somebody else."""
        peer = self.multihop()
        replace(peer, address=OTHER).say(State.DOWN)
        self.assertEqual(self.rejected(), {"source address": 1})
        self.assertEqual(self.state(), "UP")

    def test_ttl(self) -> None:
        """A TTL below that of the session, where another has less demands."""
        far = instance("far", neighbour=OTHER, multihop=True, least_ttl=100)
        near = instance(multihop=True, least_ttl=250)
        peer = self.up(near, far, port=4784, ttl=250)
        replace(peer, ttl=249).say(State.DOWN)
        self.assertEqual(self.rejected(), {"TTL": 1})
        self.assertEqual(self.state(), "UP")

    def test_wrong_interface(self) -> None:
        """Our discriminator at another interface, where the TTL is not 255."""
        entries = (
            instance(device="eth0"),
            instance("b", neighbour=OTHER, device="eth1", least_ttl=200),
        )
        peer = self.up(*entries, device="eth0")
        replace(peer, device="eth1", ttl=254).say(State.DOWN)
        self.assertEqual(self.rejected(), {"wrong port or interface": 1})
        self.assertEqual(self.state(), "UP")

    def test_multihop_for_single_hop(self) -> None:
        """Our discriminator at the multihop port."""
        far = instance("far", neighbour=OTHER, multihop=True)
        peer = self.up(instance(), far)
        replace(peer, port=4784).say(State.DOWN)
        self.assertEqual(self.rejected(), {"wrong port or interface": 1})

    def test_single_hop_for_multihop(self) -> None:
        """A multihop session's discriminator at the single-hop port."""
        near = instance("near", neighbour=OTHER)
        peer = self.up(instance(multihop=True), near, port=4784)
        replace(peer, port=3784).say(State.DOWN)
        self.assertEqual(
            self.rejected(), {"single-hop packet for a multihop session": 1}
        )
        self.assertEqual(self.state(), "UP")

    def test_not_a_packet(self) -> None:
        """Bytes that are no packet."""
        peer = self.up()
        good = encode(replace(PLAIN, yours=peer.yours))
        for bad in (b"", b"\0" * 9, good[:23], b"\x40" + good[1:]):
            peer.put(bad)
        self.assertEqual(self.rejected(), {"too short": 3, "version": 1})

    def test_authentication(self) -> None:
        """What is not signed, signed wrongly, or signed for nothing."""
        signed = replace(FAST, authentication=KEY)
        self.configure(instance(parameters=signed), instance("other", neighbour=OTHER))
        ours = self.line().session.discriminator
        peer = Neighbour(self.network, yours=ours)
        control = replace(PLAIN, state=State.DOWN, yours=ours)
        good = Authenticator(KEY, 7).sign(control)
        peer.put(encode(control))
        peer.put(good[:-1] + bytes((good[-1] ^ 1,)))
        peer.put(good[:26] + b"\2" + good[27:])
        peer.put(good[:24] + b"\2" + good[25:])
        dropped = {
            "authentication missing": 1,
            "authentication digest": 1,
            "authentication key": 1,
            "authentication type": 1,
        }
        self.assertEqual(self.described()["dropped"], dropped)
        self.assertEqual((self.line().received, self.state()), (0, "DOWN"))
        self.assertEqual(len(self.logs.lines()), 4)
        peer.put(good)
        self.assertEqual(self.state(), "INIT")
        other = self.line("other")
        known = replace(control, yours=other.session.discriminator)
        peer.put(Authenticator(KEY, 7).sign(known))
        self.assertEqual(other.dropped, Counter({"authentication not in use": 1}))

    def test_secret(self) -> None:
        """The key is in no line of the log, and nothing that is shown has it."""
        self.test_authentication()
        shown = [*map(repr, self.service.describe_each()), *self.logs.lines("debug")]
        self.assertNotIn("secret", "\n".join(shown))

    def test_signed_session(self) -> None:
        """A signed session comes Up and stays so by repeated packets alone."""
        self.configure(instance(parameters=replace(FAST, authentication=KEY)))
        ours = self.line().session.discriminator
        peer, keys = Neighbour(self.network, yours=ours), Authenticator(KEY, 7)
        control = replace(PLAIN, yours=ours)
        for state, final in (
            (State.DOWN, False),
            (State.INIT, False),
            (State.UP, True),
        ):
            peer.put(keys.sign(replace(control, state=state, final=final)))
        steady = keys.sign(control)
        peer.put(steady)
        self.run_for(2.0, (peer, steady))
        self.assertEqual((self.state(), self.line().session.repeated), ("UP", 50))
        # After all these the next number still counts as the one that follows.
        peer.put(keys.sign(replace(control, min_tx=60_000)))
        self.assertEqual((self.line().processed, self.line().dropped), (5, Counter()))


class FuzzTests(ServiceTestCase):
    """Nothing that comes in raises."""

    def start(self) -> Neighbour:
        """A node with one session that is Up, and others."""
        self.setUp()
        far = instance("far", neighbour=OTHER, multihop=True, least_ttl=1)
        return self.up(instance(), far)

    def feed(self, data: bytes) -> None:
        """These bytes come in all ways."""
        self.service._intake.known([data])
        for port in (3784, 4784):
            listener = self.network.listener(port)
            listener._strangers(Datagram(data, OTHER, 1, US, 255, "eth0"))
            listener._strangers(Datagram(data, NEIGHBOUR, 1, US, 255, "eth0"))

    @given(st.lists(st.binary(max_size=80), max_size=20))
    @settings(max_examples=50, deadline=None)
    def test_random(self, packets: list[bytes]) -> None:
        """Random bytes."""
        self.start()
        for data in packets:
            self.feed(data)
        self.assertEqual(self.flushLoggedErrors(), [])
        self.assertEqual(self.state(), "UP")

    @given(
        st.lists(
            st.tuples(
                st.sampled_from(tuple(State)),
                st.lists(
                    st.tuples(st.integers(0, 40), st.integers(0, 255)), max_size=4
                ),
                st.integers(0, 50),
            ),
            max_size=20,
        )
    )
    @settings(max_examples=100, deadline=None)
    def test_mutated(
        self, packets: list[tuple[State, list[tuple[int, int]], int]]
    ) -> None:
        """Good packets with some wrong bytes, cut or made longer."""
        peer = self.start()
        for state, changes, size in packets:
            data = bytearray(encode(replace(PLAIN, state=state, yours=peer.yours)))
            for at, value in changes:
                data[at % len(data)] = value
            self.feed(bytes(data[:size]) + bytes(max(0, size - len(data))))
            self.run_for(0.01)
        self.run_for(1.0)
        self.assertEqual(self.flushLoggedErrors(), [])
        self.service.stopService()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    @given(st.lists(st.integers(0, 2**32 - 1) | st.sampled_from((0, 1)), max_size=12))
    @settings(max_examples=50, deadline=None)
    def test_extreme_intervals(self, numbers: list[int]) -> None:
        """Any intervals and multipliers that a packet can say."""
        peer = self.start()
        for index, number in enumerate(numbers):
            where = ("min_tx", "min_rx", "min_echo_rx")[index % 3]
            peer.say(State.UP, **{where: number, "multiplier": 1 + number % 255})
            peer.say(State.UP, final=bool(index & 1))
            self.run_for(0.3)
        self.assertEqual(self.flushLoggedErrors(), [])


#: What happens in a story: the neighbour says something, or somebody here does
EVENTS = st.one_of(
    st.tuples(st.just("steady"), st.integers(1, 12)),
    st.tuples(
        st.just("say"),
        st.sampled_from(
            (
                {},
                {"poll": True},
                {"final": True},
                {"min_tx": 30_000},
                {"min_rx": 80_000},
                {"min_rx": 0},
                {"demand": True},
                {"multiplier": 5},
                {"min_echo_rx": 20_000},
                {"diagnostic": 1},
            )
        ),
    ),
    st.tuples(st.just("state"), st.sampled_from(tuple(State))),
    st.tuples(st.just("wait"), st.sampled_from((0.01, 0.06, 0.3))),
    st.tuples(st.just("admin"), st.sampled_from(("up", "down"))),
    st.tuples(st.just("multiplier"), st.integers(2, 6)),
    st.tuples(st.just("demand"), st.sampled_from((0, 200_000))),
)


class ShortWayTests(ServiceTestCase):
    """A packet that is expected only shows that the neighbour lives."""

    def test_only_heard(self) -> None:
        """The same bytes again move C{heard}, and nothing else."""
        peer = self.up()
        steady = peer.say(State.UP)
        line = self.line()
        before = (line.processed, line.session.transmit_at, line.session.remote)
        self.clock.rightNow += 0.02
        self.service._intake.known([steady, steady])
        session = line.session
        self.assertEqual((session.heard, session.repeated), (1000.02, 3))
        self.assertEqual((line.processed, session.transmit_at, session.remote), before)

    def test_closed(self) -> None:
        """After any other event the same bytes are looked at once more."""
        events = {
            "poll": lambda peer: peer.say(State.UP, poll=True),
            "other": lambda peer: peer.say(State.UP, min_tx=70_000),
            "down": lambda peer: peer.say(State.DOWN),
            "silence": lambda peer: self.run_for(1.0),
            "admin": lambda peer: self.facts.set("admin:bfd:peer", "down"),
            "parameters": lambda peer: self.configure(
                instance(parameters=replace(FAST, multiplier=9))
            ),
            "removed": lambda peer: self.configure(),
        }
        for name, event in events.items():
            with self.subTest(name):
                self.setUp()
                peer = self.up()
                steady = peer.say(State.UP)
                self.assertEqual(len(self.service.table.expected), 1)
                event(peer)
                self.assertNotIn(steady, self.service.table.expected)

    def test_states_that_are_not_expected(self) -> None:
        """Only what comes while both are Up is expected."""
        self.configure(instance())
        peer = Neighbour(self.network)
        peer.say(State.DOWN)
        peer.learn()
        peer.say(State.INIT)
        self.assertEqual(self.service.table.expected, {})

    def play(
        self, events: list[tuple[str, Any]], short: bool
    ) -> tuple[list[Any], dict[str, Any]]:
        """One story; what came of it."""
        self.setUp()
        if not short:
            self.service.table.expected = Nothing()
        outcome: list[Any] = []
        parameters = FAST
        peer = self.up()
        for what, value in events:
            if what == "steady":
                data = encode(Control(State.UP, peer.mine, peer.yours, **peer.says))
                self.run_for(value * 0.04, (peer, data))
            elif what == "say":
                peer.say(State.UP, **value)
            elif what == "state":
                peer.say(value)
            elif what == "wait":
                self.run_for(value)
            elif what == "admin":
                self.facts.set("admin:bfd:peer", value)
            else:
                parameters = replace(parameters, **{what: value})
                self.configure(instance(parameters=parameters))
            session = self.line().session
            outcome.append((what, session.state, session.deadline, session.heard))
        outcome += self.network.sent
        outcome += [(each.name, each.value, each.since) for each in self.facts.events]
        return outcome, self.described()

    @given(st.lists(EVENTS, max_size=25))
    @settings(max_examples=150, deadline=None)
    def test_no_difference(self, events: list[tuple[str, Any]]) -> None:
        """It leads to the same states, timers, packets and counters as the long way."""
        self.assertEqual(self.play(events, True), self.play(events, False))
