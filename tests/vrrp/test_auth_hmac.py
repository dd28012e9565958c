"""Claims about the proof behind an advertisement, held against keepalived's vectors."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, ip_address
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hanode.config.auth_model import AntiReplay, AuthHmac, HmacKey, HmacMode
from hanode.config.model import IpAddress, Secret
from hanode.vrrp.auth_hmac import (
    SENDERS,
    Authenticator,
    SteadyTime,
    read,
    seconds_between,
    sign,
    stamp_of,
    verify,
)
from hanode.vrrp.packet import BadPacket

VECTORS = Path(__file__).parent.parent / "data" / "vrrp" / "auth_hmac.txt"
KEY = HmacKey(1, Secret(bytes(range(32)).hex()))
OTHER = HmacKey(2, Secret("ab" * 32))
SETTINGS = AuthHmac((KEY,), 1, 5.0)
MONOTONIC = replace(SETTINGS, anti_replay=AntiReplay.MONOTONIC)
A, B = IPv4Address("192.0.2.1"), IPv4Address("192.0.2.2")
MESSAGE = bytes.fromhex("3133c80100644402c0000264")
THEN = 0x68000000 + 0.5  # the moment of the vectors, in seconds since 1970
START = 100.0  # on the monotonic clock
HOUR = 3600.0


def vectors() -> list[tuple[IpAddress, bytes, bytes]]:
    """Source, message and trailer of keepalived."""
    lines = (line.split() for line in VECTORS.read_text().splitlines())
    return [
        (ip_address(source), bytes.fromhex(message), bytes.fromhex(trailer))
        for family, source, message, trailer in (w for w in lines if w[0] != "#")
        if family
    ]


class VectorTests(SynchronousTestCase):
    """The two packets that keepalived's own test has."""

    def why(self, message: bytes, trailer: bytes, source: IpAddress = A) -> str:
        """Why a daemon with that key refuses them at that moment; "" if not."""
        ours = Authenticator(SETTINGS, THEN, START)
        try:
            ours.verify(message, trailer, source, wall=THEN, now=START)
        except BadPacket as problem:
            return problem.reason
        return ""

    def test_signed(self) -> None:
        """We would have sent the same bytes."""
        for source, message, trailer in vectors():
            self.assertEqual(sign(message, source, KEY, stamp_of(THEN)), trailer)

    def test_accepted(self) -> None:
        """They are believed."""
        for source, message, trailer in vectors():
            self.assertEqual(self.why(message, trailer, source), "")

    def test_changed(self) -> None:
        """Whatever is changed is noticed, but for the checksum, which has its own."""
        for source, message, trailer in vectors():
            whole = message + trailer
            head = len(message)
            for at, reason in (
                (1, "authentication digest"),  # virtual router id
                (2, "authentication digest"),  # priority
                (5, "authentication digest"),  # interval
                (6, ""),  # checksum
                (8, "authentication digest"),  # address
                (head, "malformed authentication trailer"),
                (head + 1, "unknown authentication key"),
                (head + 2, "malformed authentication trailer"),
                (head + 3, "malformed authentication trailer"),
                (head + 7, "authentication digest"),  # one second
                (head + 10, "authentication digest"),  # counter
                (head + 27, "authentication digest"),
            ):
                changed = bytearray(whole)
                changed[at] ^= 1
                parts = bytes(changed[:head]), bytes(changed[head:])
                self.assertEqual(self.why(*parts, source), reason, at)

    def test_source(self) -> None:
        """What another address sends is not believed."""
        for _, message, trailer in vectors():
            self.assertEqual(self.why(message, trailer, B), "authentication digest")

    def test_stale(self) -> None:
        """Neither is what was sent 100 s ago, nor what will be."""
        for source, message, trailer in vectors():
            for seconds in (-100, 100):
                when = THEN + seconds
                ours = Authenticator(SETTINGS, when, START)
                spoiled = trailer[:-1] + b"?"
                problem = self.assertRaises(
                    BadPacket,
                    ours.verify,
                    message,
                    spoiled,
                    source,
                    wall=when,
                    now=START,
                )
                self.assertEqual(
                    (problem.reason, problem.value),
                    ("stale advertisement, seconds ahead", -seconds),
                )

    @given(st.integers(0, 8 * 40 - 1))
    def test_flipped(self, bit: int) -> None:
        """One bit that flips anywhere is noticed, if not in the checksum."""
        source, message, trailer = vectors()[0]
        whole = bytearray(message + trailer)
        whole[bit // 8] ^= 128 >> bit % 8
        split = len(message)
        reason = self.why(bytes(whole[:split]), bytes(whole[split:]), source)
        self.assertEqual(reason == "", bit // 8 in (6, 7))

    @given(st.binary(min_size=8, max_size=60), st.binary(max_size=40))
    def test_anything(self, message: bytes, trailer: bytes) -> None:
        """Whatever arrives, nothing else than BadPacket is raised."""
        self.assertNotEqual(self.why(message, trailer), "")

    def test_secret(self) -> None:
        """Nobody who shows the settings shows a key."""
        self.assertNotIn("0001", repr(SETTINGS))

    def test_parts(self) -> None:
        """A trailer is read, then verified with the right key only."""
        proof = read(sign(MESSAGE, A, KEY, 7))
        self.assertEqual((proof.key_id, proof.stamp), (1, 7))
        verify(MESSAGE, A, KEY, proof)
        wrong = HmacKey(1, OTHER.secret)
        self.assertRaises(BadPacket, verify, MESSAGE, A, wrong, proof)


class StampTests(SynchronousTestCase):
    """Seconds, fraction and counter in 64 bits."""

    def test_stamp(self) -> None:
        """32 bits of seconds, 16 of fraction, 16 of a counter."""
        self.assertEqual(stamp_of(THEN), 0x6800000080000000)

    @given(st.floats(0, 2**33), st.floats(-(2**30), 2**30))
    def test_between(self, seconds: float, ahead: float) -> None:
        """The difference of two moments, also round the end of the 32 bits."""
        if seconds + ahead >= 0:
            found = seconds_between(stamp_of(seconds + ahead), seconds)
            self.assertLess(abs(found - ahead), 1e-4)

    def test_steady(self) -> None:
        """Steady time goes on with the monotonic clock until another is adopted."""
        time = SteadyTime(THEN, START)
        self.assertEqual(time.at(START + 9), THEN + 9)
        time.adopt(THEN - HOUR, START + 9)
        self.assertEqual(time.at(START + 10), THEN - HOUR + 1)


class Pair:
    """Two daemons, each with a wall clock of its own; time passes for both."""

    def __init__(self, settings: AuthHmac = SETTINGS) -> None:
        self.now = START
        self.error = {"a": 0.0, "b": 0.0}  # of the wall clocks, in seconds
        self.ends: dict[str, Authenticator] = {}
        for name in self.error:
            self.start(name, settings)

    def start(self, name: str, settings: AuthHmac = SETTINGS) -> None:
        """The daemon starts anew."""
        self.ends[name] = Authenticator(settings, self.wall(name), self.now)

    def wall(self, name: str) -> float:
        """What the clock of a node shows."""
        return THEN + self.now + self.error[name]

    def send(self, name: str, source: IpAddress = A) -> bytes:
        """What a node sends one second later."""
        self.now += 1
        return self.ends[name].sign(MESSAGE, source, now=self.now)

    def why(self, name: str, trailer: bytes, source: IpAddress = A) -> str:
        """Why a node refuses that; "" when it does not."""
        try:
            self.ends[name].verify(
                MESSAGE, trailer, source, wall=self.wall(name), now=self.now
            )
        except BadPacket as problem:
            return problem.reason
        return ""

    def heard(self, count: int = 3) -> list[str]:
        """What b makes of the next packets of a."""
        return [self.why("b", self.send("a")) for _ in range(count)]


class ReplayTests(SynchronousTestCase):
    """What was sent once is not believed twice."""

    def test_replayed(self) -> None:
        """The same packet again, and any that is older than the newest."""
        pair = Pair()
        first, second = pair.send("a"), pair.send("a")
        said = [pair.why("b", each) for each in (first, second, second, first)]
        self.assertEqual(said[:2], ["", ""])
        self.assertEqual(set(said[2:]), {"replayed advertisement"})

    def test_forged(self) -> None:
        """A forged packet does not make the genuine one look old."""
        pair = Pair()
        early = pair.send("a")
        late = pair.send("a")
        pair.why("b", late[:-1] + bytes((late[-1] ^ 1,)))
        self.assertEqual(pair.why("b", early), "")

    def test_burst(self) -> None:
        """Packets of one moment are told apart by the counter."""
        pair = Pair()
        end = pair.ends["a"]
        burst = [end.sign(MESSAGE, A, now=pair.now) for _ in range(100)]
        self.assertEqual([pair.why("b", each) for each in burst], [""] * 100)

    def test_senders(self) -> None:
        """Each sender has its own count."""
        pair = Pair()
        early = pair.send("a", B)
        self.assertEqual(pair.why("b", pair.send("a")), "")
        self.assertEqual(pair.why("b", early, B), "")

    def test_many_senders(self) -> None:
        """Of more senders than there can be, those are kept that spoke last."""
        pair = Pair(MONOTONIC)
        packets = {}
        for number in range(SENDERS + 1):
            source = IPv4Address(number)
            packets[number] = pair.send("a", source)
            self.assertEqual(pair.why("b", packets[number], source), "")
        last = IPv4Address(SENDERS)
        self.assertEqual(
            pair.why("b", packets[SENDERS], last), "replayed advertisement"
        )
        self.assertEqual(pair.why("b", packets[0], IPv4Address(0)), "")

    def test_new_keys(self) -> None:
        """New settings do not make anybody forget what was seen."""
        pair = Pair()
        packet = pair.send("a")
        pair.why("b", packet)
        pair.ends["b"].reconfigure(replace(SETTINGS, keys=(KEY, OTHER)))
        self.assertEqual(pair.why("b", packet), "replayed advertisement")

    def test_window(self) -> None:
        """A packet that was held back longer than the window is stale."""
        pair = Pair()
        packet = pair.send("a")
        pair.now += 5.5
        self.assertEqual(pair.why("b", packet), "stale advertisement, seconds ahead")

    @given(st.lists(st.integers(0, 9), max_size=30))
    def test_any_order(self, order: list[int]) -> None:
        """However packets are repeated and reordered, none is believed twice."""
        pair = Pair(MONOTONIC)
        packets = [pair.send("a") for _ in range(10)]
        taken = [n for n in order if pair.why("b", packets[n]) == ""]
        self.assertEqual(taken, sorted(set(taken)))


class ClockTests(SynchronousTestCase):
    """Somebody sets the clock."""

    def test_set_while_running(self) -> None:
        """A clock that is set back or forward an hour changes nothing."""
        for who in ("a", "b"):
            for error in (-HOUR, HOUR):
                pair = Pair()
                self.assertEqual(pair.heard(), [""] * 3)
                pair.error[who] = error
                self.assertEqual(pair.heard(), [""] * 3)
                pair.error[who] = 0.0
                self.assertEqual(pair.heard(), [""] * 3)

    def test_wrong_at_the_start(self) -> None:
        """A daemon that started too early or late is heard once it is corrected.

        As soon as it hears somebody, it takes the corrected clock for its own.
        """
        for error in (-HOUR, HOUR):
            pair = Pair()
            pair.heard()
            pair.error["a"] = error
            pair.start("a")
            stale = {"stale advertisement, seconds ahead"}
            self.assertEqual(set(pair.heard()), stale)
            self.assertEqual(pair.why("a", pair.send("b", B), B), stale.copy().pop())
            pair.error["a"] = 0.0
            self.assertEqual(set(pair.heard()), stale)  # nobody told it yet
            self.assertEqual(pair.why("a", pair.send("b", B), B), "")
            self.assertEqual(pair.heard(), [""] * 3)

    def test_all_were_wrong(self) -> None:
        """When all clocks are set back, stamps from ahead do not count as newer."""
        pair = Pair()
        pair.error = {"a": HOUR, "b": HOUR}
        for name in "ab":
            pair.start(name)
        self.assertEqual(pair.heard(), [""] * 3)
        pair.error = {"a": 0.0, "b": 0.0}
        pair.start("a")  # the one has right time, the other is told by it
        self.assertEqual(pair.heard(), [""] * 3)
        self.assertEqual(pair.why("a", pair.send("b", B), B), "")

    def test_sender_goes_back(self) -> None:
        """Who adopts an earlier time sends it, and is believed."""
        pair = Pair()
        pair.error["a"] = HOUR
        pair.start("a")
        pair.send("a")
        pair.error["a"] = 0.0
        self.assertEqual(pair.why("a", pair.send("b", B), B), "")
        self.assertEqual(pair.heard(), [""] * 3)

    def test_replay_sets_no_clock(self) -> None:
        """A replayed packet does not make a daemon believe its wall clock."""
        pair = Pair()
        packet = pair.send("a")
        self.assertEqual(pair.why("b", packet), "")
        pair.now += 100
        pair.error["b"] = -100.0
        self.assertEqual(pair.why("b", packet), "replayed advertisement")
        self.assertEqual(pair.heard(), [""] * 3)

    def test_monotonic(self) -> None:
        """Without a window, clocks need not agree at all."""
        for error in (-HOUR, HOUR):
            pair = Pair()
            pair.error["a"] = error
            for name in "ab":
                pair.start(name, MONOTONIC)
            self.assertEqual(pair.heard(), [""] * 3)

    def test_monotonic_restart(self) -> None:
        """But a daemon that starts again in its own past is not believed."""
        pair = Pair(MONOTONIC)
        pair.heard()
        pair.error["a"] = -HOUR
        pair.start("a", MONOTONIC)
        self.assertEqual(set(pair.heard()), {"replayed advertisement"})


class KeyTests(SynchronousTestCase):
    """Keys are changed without losing a packet."""

    def test_rotation(self) -> None:
        """Both get both keys, then send with the new one, then drop the old one."""
        both = replace(SETTINGS, keys=(KEY, OTHER))
        new = replace(both, active=2)
        only = replace(new, keys=(OTHER,))
        pair = Pair()
        for settings in (both, new, only):
            for name in "ab":
                pair.ends[name].reconfigure(settings)
                self.assertEqual(pair.heard(), [""] * 3)
                self.assertEqual(pair.why("a", pair.send("b", B), B), "")

    def test_unknown(self) -> None:
        """A key that nobody has is named."""
        pair = Pair()
        pair.ends["a"].reconfigure(replace(SETTINGS, keys=(OTHER,), active=2))
        self.assertEqual(set(pair.heard()), {"unknown authentication key"})

    def test_receive_only(self) -> None:
        """Only receive-only does not send."""
        modes: dict[HmacMode, Any] = {}
        for mode in HmacMode:
            modes[mode] = Authenticator(replace(SETTINGS, mode=mode), THEN, 0).sends
        self.assertEqual(
            modes,
            {
                HmacMode.RECEIVE_ONLY: False,
                HmacMode.PERMISSIVE: True,
                HmacMode.ENFORCE: True,
            },
        )
