"""Claims about what an instance sends, what it drops, and what it says about it."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hanode.config.auth_model import AuthHmac, HmacKey, HmacMode
from hanode.config.model import (
    MULTICAST_4,
    MULTICAST_6,
    Address,
    Authentication,
    Secret,
    UnicastPeer,
    VrrpInstance,
)
from hanode.link import Link
from hanode.vrrp import ah
from hanode.vrrp.credentials import Credentials
from hanode.vrrp.instance import Instance
from hanode.vrrp.packet import Advert, Checksum, append, decode, encode
from hanode.vrrp.voice import PATIENCE, PEERS, Voice
from hanode.vrrp.wire import Wires
from tests.vrrp.test_wire import Network

OURS, PEER, VIP = (IPv4Address(f"10.0.0.{n}") for n in (5, 1, 100))
SETTINGS = VrrpInstance(
    "VI", 51, "eth0", 4, version=3, addresses=(Address(VIP, 24, "eth0"),)
)
UNICAST = replace(SETTINGS, unicast_peers=(UnicastPeer(PEER),))
ADVERT = Advert(3, 51, 100, 1.0, (VIP,))
HMAC = AuthHmac((HmacKey(1, Secret("ab" * 32)),), 1, 5.0)
LINK = Link("eth0", 2, True, addresses=(OURS, IPv6Address("fe80::5")))
WALL = 1.7e9


class World:
    """As much of a world as a voice needs."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.clock.advance(1000)

    def wall(self) -> float:
        """Seconds since 1970."""
        return WALL + float(self.clock.seconds())


class VoiceTestCase(SynchronousTestCase):
    """An instance with an open socket, whose log is read."""

    def speak(self, settings: VrrpInstance = SETTINGS, link: Link = LINK) -> str:
        """Make the instance; return the fault that keeps its socket closed."""
        self.world, self.network = World(), Network()
        self.lines: list[str] = []
        self.heard: list[Any] = []
        voice = self.voice = Voice(
            Instance(settings),
            Wires(self.network),
            lambda *heard: self.heard.append(heard),
            self.world,
        )
        lines = self.lines

        class Log:
            def warn(self, text: str, **fields: Any) -> None:
                lines.append(text.format(**fields))

            info = warn

        self.patch(voice, "log", Log())
        return voice.open(link)

    def receive(self, data: bytes, source: Any = PEER, to: Any = MULTICAST_4) -> None:
        """The socket has received this."""
        self.network.ports[-1].receiver(data, source, to, 255)

    def sent(self) -> list[tuple[bytes, Any]]:
        """What has gone out since the last call."""
        found = list(self.network.ports[-1].sent)
        self.network.ports[-1].sent.clear()
        return found


class PeerTests(VoiceTestCase):
    """Who the other routers are."""

    def hear(self, last: int, priority: int) -> None:
        """An advertisement from 10.0.1.LAST."""
        source = IPv4Address(f"10.0.1.{last}")
        advert = replace(ADVERT, priority=priority)
        self.receive(encode(advert, source, MULTICAST_4), source)

    def test_heard(self) -> None:
        """Everybody who was heard, with the priority that was heard last."""
        self.speak()
        for last, priority in ((1, 100), (2, 90), (1, 110)):
            self.hear(last, priority)
        self.assertEqual(
            self.voice.peers(),
            [
                {"address": "10.0.1.2", "priority": 90},
                {"address": "10.0.1.1", "priority": 110},
            ],
        )

    def test_named(self) -> None:
        """A unicast peer is known before it is heard."""
        self.speak(UNICAST)
        self.assertEqual(self.voice.peers(), [{"address": str(PEER), "priority": None}])

    def test_many(self) -> None:
        """A flood of strangers is forgotten, the oldest first."""
        self.speak()
        for last in range(PEERS + 5):
            self.hear(last + 1, 100)
        found = [each["address"] for each in self.voice.peers()]
        self.assertEqual(found, [f"10.0.1.{n}" for n in range(6, PEERS + 6)])


class SourceTests(VoiceTestCase):
    """Which address is sent from."""

    def test_none(self) -> None:
        """Without an address of the family there is nothing to send from."""
        for family in (4, 6):
            fault = self.speak(replace(SETTINGS, family=family), Link("eth0", 2, True))
            self.assertEqual(fault, f"no IPv{family} address for interface")
            self.voice.advertise(100)
            self.assertEqual(self.network.ports, [])

    def test_link_local(self) -> None:
        """IPv6 advertisements come from the link-local address."""
        link = replace(LINK, addresses=(IPv6Address("2001:db8::5"), *LINK.addresses))
        self.speak(replace(SETTINGS, family=6, multicast_group=MULTICAST_6), link)
        self.assertEqual(self.network.ports[0].opened["source"], LINK.addresses[1])

    def test_changed(self) -> None:
        """When the address has gone, the next one is taken, with a new socket."""
        self.speak()
        other = IPv4Address("10.0.0.6")
        self.assertEqual(self.voice.open(replace(LINK, addresses=(other,))), "")
        self.assertEqual(
            [(port.opened["source"], port.closed) for port in self.network.ports],
            [(OURS, 1), (other, 0)],
        )

    def test_tracked(self) -> None:
        """track_src_ip: without the configured address the instance must not run."""
        settings = replace(SETTINGS, source=OURS, track_source=True)
        self.assertEqual(self.speak(settings), "")
        gone = replace(LINK, addresses=(IPv4Address("10.0.0.6"),))
        self.assertEqual(self.voice.open(gone), "src address not configured")
        self.assertEqual(self.network.ports[0].closed, 1)
        self.assertEqual(self.voice.open(LINK), "")
        self.assertEqual(self.speak(replace(settings, track_source=False), gone), "")

    def test_buffer(self) -> None:
        """The configured receive buffer is asked for."""
        self.speak(replace(SETTINGS, receive_buffer=2_000_000))
        self.assertEqual(self.network.ports[0].size, 2_000_000)


class SendTests(VoiceTestCase):
    """What goes out."""

    def test_peers(self) -> None:
        """One advertisement to each peer, and none to ourselves."""
        peers = tuple(UnicastPeer(each) for each in (PEER, OURS, VIP))
        self.speak(replace(UNICAST, unicast_peers=peers))
        self.voice.advertise(100)
        self.assertEqual([to for _, to in self.sent()], [PEER, VIP])
        self.assertEqual(self.voice.counters["sent"], 2)

    def test_refused(self) -> None:
        """What the kernel refuses is counted, and told once."""
        self.speak()

        def refuse(data: bytes, destination: Any) -> None:
            raise OSError(101, "Network is unreachable")

        self.patch(self.network.ports[0], "send", refuse)
        for priority in (100, 0):
            self.voice.advertise(priority)
        self.assertEqual(
            dict(self.voice.counters),
            {"advertisements": 2, "send errors": 2, "priority zero sent": 1},
        )
        self.assertEqual(len(self.lines), 1)

    def test_header(self) -> None:
        """With AH a whole packet goes out, to be believed by whoever has the secret."""
        wanted = Authentication("AH", Secret("x"))
        self.speak(replace(SETTINGS, version=2, authentication=wanted))
        self.voice.advertise(100)
        ((data, _),) = self.sent()
        envelope = ah.unwrap(data, True)
        ah.verify(envelope, b"x".ljust(8, b"\0"))
        self.assertEqual(decode(envelope.payload, OURS, MULTICAST_4)[0].auth_type, 2)

    def test_trailer(self) -> None:
        """With auth_hmac 28 octets follow; over IPv6 the checksum covers them."""
        self.speak(replace(SETTINGS, auth_hmac=HMAC))
        self.voice.advertise(100)
        ((data, _),) = self.sent()
        self.assertEqual(data[:12], encode(ADVERT, OURS, MULTICAST_4))
        self.assertEqual(len(data), 12 + 28)
        vip = IPv6Address("fe80::100")
        six = replace(
            SETTINGS,
            family=6,
            multicast_group=MULTICAST_6,
            auth_hmac=HMAC,
            addresses=(Address(vip, 64, "eth0"),),
        )
        self.speak(six)
        self.voice.advertise(100)
        ((data, _),) = self.sent()
        source = LINK.addresses[1]
        self.assertEqual(decode(data, source, MULTICAST_6)[0].addresses, (vip,))
        self.assertEqual(len(data), 24 + 28)

    def test_rotation(self) -> None:
        """The first packet after a reload has the new key already."""
        self.speak(replace(SETTINGS, auth_hmac=HMAC))
        new = AuthHmac((*HMAC.keys, HmacKey(2, Secret("cd" * 32))), 2, 5.0)
        self.voice.reconfigure(replace(SETTINGS, auth_hmac=new))
        self.voice.advertise(100)
        ((data, _),) = self.sent()
        self.assertEqual(data[13], 2)


class ReceiveTests(VoiceTestCase):
    """What comes in."""

    def dropped(self) -> dict[str, int]:
        """The reasons and how often."""
        return {
            reason.removeprefix("dropped: "): count
            for reason, count in self.voice.counters.items()
            if reason.startswith("dropped: ")
        }

    def test_heard(self) -> None:
        """What is good is heard."""
        self.speak()
        goodbye = replace(ADVERT, priority=0)
        for advert in (ADVERT, goodbye):
            self.receive(encode(advert, PEER, MULTICAST_4))
        self.assertEqual(self.heard, [(ADVERT, PEER), (goodbye, PEER)])
        self.assertEqual(
            dict(self.voice.counters), {"received": 2, "priority zero received": 1}
        )
        self.assertEqual(self.lines, [])

    def test_words(self) -> None:
        """What is dropped is told in the words that keepalived uses."""
        secret = Authentication("PASS", Secret("1111"))
        self.speak(replace(SETTINGS, version=2, authentication=secret))
        two = replace(ADVERT, version=2, auth_type=1, auth_data=b"1111\0\0\0\0")
        for advert in (
            replace(two, auth_data=bytes(8)),
            replace(two, interval=3.0),
            replace(two, auth_type=0),
        ):
            self.receive(encode(advert, PEER, MULTICAST_4))
        self.receive(encode(two, PEER, MULTICAST_4), to=OURS)
        self.assertEqual(
            self.lines,
            [
                "(VI) received an invalid passwd! from 10.0.0.1",
                "(VI) advertisement interval mismatch mine=1000 milli-sec"
                " rcved=3000 milli-sec from 10.0.0.1",
                "(VI) dropped an advertisement from 10.0.0.1: authentication type (0)",
                "(VI) discarding unicast packet on multicast instance from 10.0.0.1",
            ],
        )
        self.assertEqual(self.heard, [])

    def test_told_once(self) -> None:
        """A reason is told once, and again after a good packet, a minute later."""
        self.speak()
        good, bad = encode(ADVERT, PEER, MULTICAST_4), b"\x31\x33"
        for data, seconds in ((bad, 1), (good, 1), (bad, PATIENCE), (bad, 1)):
            self.receive(data)
            self.world.clock.advance(seconds)
        self.assertEqual(len(self.lines), 1)
        self.receive(encode(ADVERT, VIP, MULTICAST_4), VIP)  # somebody else
        self.receive(bad)
        self.assertEqual(len(self.lines), 1)
        self.receive(good)
        self.receive(bad)
        self.assertEqual(len(self.lines), 2)
        self.voice.forgive()
        self.receive(bad)
        self.assertEqual(len(self.lines), 3)
        self.assertEqual(self.dropped(), {"too short": 6})

    def test_flood(self) -> None:
        """Forged sources fill neither memory nor log."""
        self.speak()
        for number in range(500):
            self.receive(b"\x31\x33", IPv4Address(number))
        self.assertEqual((len(self.lines), self.dropped()), (100, {"too short": 500}))

    def test_own(self) -> None:
        """In unicast our own packets are passed over."""
        self.speak(replace(UNICAST, unicast_peers=(UnicastPeer(OURS),)))
        self.receive(encode(ADVERT, OURS, OURS), OURS, OURS)
        self.assertEqual(dict(self.voice.counters), {"own packets": 1})

    def test_addresses(self) -> None:
        """Other addresses than ours are told and counted, and no reason to drop."""
        self.speak()
        self.receive(encode(replace(ADVERT, addresses=()), PEER, MULTICAST_4))
        self.assertEqual(len(self.heard), 1)
        self.assertEqual(self.voice.counters["address list differs"], 1)
        text = "(VI) 10.0.0.1 advertises other addresses than ours: none"
        self.assertEqual(self.lines, [text])

    def test_unproved(self) -> None:
        """What enforce would drop is taken in permissive mode, told and counted."""
        lax = replace(HMAC, mode=HmacMode.PERMISSIVE)
        data = encode(ADVERT, PEER, MULTICAST_4)
        for mode, heard in ((lax, 1), (HMAC, 0)):
            self.speak(replace(SETTINGS, auth_hmac=mode))
            self.receive(data)
            self.assertEqual((len(self.heard), len(self.lines)), (heard, 1))
        self.speak(replace(SETTINGS, auth_hmac=lax))
        self.receive(data)
        text = "(VI) auth_hmac: accepted from 10.0.0.1 all the same: "
        self.assertEqual(self.lines, [text + "authentication missing"])
        key = "taken without proof: authentication missing"
        self.assertEqual(self.voice.counters[key], 1)

    def test_proved(self) -> None:
        """What a peer has signed is taken once."""
        settings = replace(SETTINGS, auth_hmac=HMAC)
        self.speak(settings)
        peer = Credentials(settings, self.world.wall(), self.world.clock.seconds())
        message = encode(ADVERT, PEER, MULTICAST_4)
        trailer = peer.sign(message, PEER, now=self.world.clock.seconds())
        data = append(message, trailer, PEER, MULTICAST_4)
        for _ in range(2):
            self.receive(data)
        self.assertEqual(self.heard, [(ADVERT, PEER)])
        self.assertEqual(self.dropped(), {"replayed advertisement": 1})


class NoiseTests(VoiceTestCase):
    """Whatever comes, nothing is raised, and nothing is believed."""

    def ways(self) -> list[VrrpInstance]:
        """Each way of authentication."""
        two = replace(SETTINGS, version=2)
        return [
            replace(two, authentication=Authentication(kind, Secret("secret")))
            for kind in ("PASS", "AH")
        ] + [replace(each, auth_hmac=HMAC) for each in (SETTINGS, two)]

    @given(st.binary(max_size=120))
    def test_noise(self, data: bytes) -> None:
        """Random bytes, as they are and behind something that looks right."""
        for settings in self.ways():
            self.speak(settings)
            self.receive(data)
            self.receive(bytes((settings.version << 4 | 1, 51)) + data)
            self.receive(b"E" + bytes(19) + b"\x70\x04" + data)
            self.assertEqual(self.heard, [])

    @given(st.data())
    def test_flipped(self, data: st.DataObject) -> None:
        """One bit that flips in what we send ourselves."""
        for settings in self.ways():
            self.speak(settings)
            self.voice.advertise(100)
            ((sent, _),) = self.sent()
            header = 20 if settings.authenticated_header else 0
            bit = data.draw(st.integers(header * 8, len(sent) * 8 - 1))
            spoiled = bytearray(sent)
            spoiled[bit // 8] ^= 128 >> bit % 8
            self.receive(bytes(spoiled), OURS)
            self.assertEqual(self.heard, [])


class OldChecksumTests(VoiceTestCase):
    """keepalived up to 1.3.6 sums unicast as if it were multicast."""

    old = encode(ADVERT, PEER, OURS, Checksum.OLD_UNICAST)

    def kind(self) -> Checksum:
        """How we sum what we send now."""
        self.voice.advertise(100)
        ((data, to),) = self.sent()
        return decode(data, OURS, to)[1]

    def test_learned(self) -> None:
        """Once a peer does it, we do it too, and say so."""
        self.speak(UNICAST)
        self.assertIs(self.kind(), Checksum.PSEUDO)
        for _ in range(2):
            self.receive(self.old, to=OURS)
        self.assertIs(self.kind(), Checksum.OLD_UNICAST)
        text = "(VI) Setting unicast VRRPv3 checksum to old version"
        self.assertEqual((len(self.heard), self.lines), (2, [text]))
        self.voice.reconfigure(UNICAST)
        self.assertIs(self.kind(), Checksum.PSEUDO)

    def test_configured(self) -> None:
        """old_unicast_checksum: from the start."""
        self.speak(replace(UNICAST, old_checksum=True))
        self.assertIs(self.kind(), Checksum.OLD_UNICAST)
        self.receive(self.old, to=OURS)
        self.assertEqual((len(self.heard), self.lines), (1, []))

    def test_never(self) -> None:
        """With never such a packet has a wrong checksum."""
        self.speak(replace(UNICAST, old_checksum=False))
        self.receive(self.old, to=OURS)
        self.assertEqual(self.heard, [])
        self.assertEqual(dict(self.voice.counters), {"dropped: checksum": 1})
        self.assertIs(self.kind(), Checksum.PSEUDO)

    def test_as_version_2(self) -> None:
        """v3_checksum_as_v2 leaves the pseudo header out; who differs is named."""
        self.speak(replace(SETTINGS, checksum_as_v2=True))
        self.assertIs(self.kind(), Checksum.PLAIN)
        self.receive(encode(ADVERT, PEER, MULTICAST_4))
        self.assertEqual(
            self.lines,
            [
                "(VI) 10.0.0.1 sends its checksum with pseudo header, we send it"
                " without pseudo header: see v3_checksum_as_v2 and"
                " old_unicast_checksum"
            ],
        )
