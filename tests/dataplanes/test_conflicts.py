"""What is heard of foreign hosts, on a clock and sockets that remember."""

from __future__ import annotations

import errno
from ipaddress import ip_address
from typing import Any

from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from hanode.config.model import Address
from hanode.dataplanes.conflicts import ETH_P_ARP, ETH_P_IPV6, REST, Conflicts, claim_of
from hanode.dataplanes.frames import Frames, Sender
from hanode.dataplanes.kernel import Kernel
from hanode.dataplanes.netlink.message import StoredLink
from hanode.dataplanes.wanted import Wanted

OURS, OTHER = b"\2\0\0\0\0\1", b"\2\0\0\0\0\7"
A = Address(ip_address("192.0.2.1"), 24, "eth0")
SIX = Address(ip_address("2001:db8::1"), 64, "eth0", flags=frozenset({"nodad"}))
ASKING = Address(ip_address("2001:db8::2"), 64, "eth0")
LOCAL = Address(ip_address("192.0.2.9"), 32, "lo")


class Reactor(Clock):
    """A clock with readers."""

    def __init__(self) -> None:
        super().__init__()
        self.readers: list[Any] = []

    def addReader(self, reader: Any) -> None:
        self.readers.append(reader)

    def removeReader(self, reader: Any) -> None:
        self.readers.remove(reader)


class Port:
    """A packet socket with frames to be read."""

    def __init__(self, protocol: int) -> None:
        self.protocol, self.frames = protocol, []  # type: int, list[Any]
        self.sent: list[bytes] = []
        self.closed = self.broken = False

    def recvfrom(self, size: int) -> tuple[bytes, Any]:
        if not self.frames:
            raise BlockingIOError
        frame = self.frames.pop(0)
        if isinstance(frame, OSError):
            raise frame
        return frame, ("eth0", self.protocol, 1, 1, b"")

    def sendto(self, frame: bytes, to: Any) -> None:
        if self.broken:
            raise OSError(errno.ENETDOWN, "down")
        self.sent.append(frame)

    def fileno(self) -> int:
        return 7

    def close(self) -> None:
        self.closed = True


class ConflictsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor, self.kernel, self.wanted = Reactor(), Kernel(), Wanted()
        self.kernel.links[3] = StoredLink(3, 0x41, "eth0", OURS, 1500)
        self.kernel.indices["eth0"] = 3
        self.ports: list[Port] = []
        self.announced: list[Address] = []
        self.told: list[tuple[str, tuple[str, ...], str]] = []
        self.refusing = False
        self.conflicts = Conflicts(
            self.reactor, self.kernel, self.wanted, self.announced.extend, self.open
        )
        self.log: list[str] = []
        globalLogPublisher.addObserver(self.observe)
        self.addCleanup(globalLogPublisher.removeObserver, self.observe)

    def observe(self, event: Any) -> None:
        if event.get("log_namespace", "").startswith("hanode"):
            self.log.append(event["log_format"].format(**event))

    def open(self, protocol: int) -> Port:
        if self.refusing:
            raise PermissionError(errno.EPERM, "Operation not permitted")
        self.ports.append(Port(protocol))
        return self.ports[-1]

    def tell(self, address: Address, owners: Any, mac: str) -> None:
        self.told.append((str(address.address), tuple(owners), mac))

    def hold(self, *addresses: Address) -> None:
        self.wanted.claim("VI_1", addresses, self.kernel.indices)
        self.wanted.hold("VI_1", addresses)
        self.conflicts.changed()

    def start(self, *addresses: Address) -> None:
        self.conflicts.start()
        self.conflicts.detect(self.tell)
        self.hold(*addresses)
        self.reactor.advance(REST)

    def hear(self, *frames: bytes | OSError) -> None:
        self.ports[0].frames += frames
        self.reactor.readers[0].doRead()

    def claim(self, mac: bytes = OTHER, address: Address = A) -> bytes:
        return Frames().announcement(Sender(mac), address.address)

    def test_conflict(self) -> None:
        """Claimed, asked again, claimed again: told, logged, defended; then over."""
        self.start(A)
        self.reactor.advance(2)
        self.hear(OSError(errno.ENETDOWN, "down"), self.claim())
        self.assertEqual((self.announced, self.told), ([A], []))
        self.reactor.advance(1)
        self.hear(self.claim())
        mac = "02:00:00:00:00:07"
        self.assertEqual(self.told, [("192.0.2.1", ("VI_1",), mac)])
        for _ in range(5):
            self.reactor.advance(1.5)
        self.assertEqual(self.told[1:], [("192.0.2.1", ("VI_1",), "")])
        self.assertEqual(
            self.log,
            [
                f"address conflict: {mac} answers for 192.0.2.1/24 dev eth0, which"
                " VI_1 holds",
                "address conflict over: 192.0.2.1/24 dev eth0 is ours alone",
            ],
        )

    def test_no_conflicts(self) -> None:
        """Ours, virtual MACs, other addresses, and what was given back."""
        self.start(A)
        other = Address(ip_address("192.0.2.77"), 24, "eth0")
        virtual = bytes.fromhex("00005e000133")
        for frame in (
            self.claim(OURS),
            self.claim(virtual),
            self.claim(address=other),
            b"junk",
        ):
            self.hear(frame)
        self.hold()
        self.hear(self.claim())
        self.assertEqual(self.announced, [])

    def test_probes(self) -> None:
        """IPv4 and IPv6 are asked for; not what does duplicate detection, nor lo."""
        self.start(A, SIX, ASKING, LOCAL)
        self.reactor.advance(1)
        probes = self.ports[0].sent
        self.assertEqual(len(probes), 2)
        four = next(each for each in probes if each[12:14] == b"\x08\x06")
        self.assertEqual((four[28:32], four[38:42]), (bytes(4), A.address.packed))
        six = next(each for each in probes if each[12:14] == b"\x86\xdd")
        self.assertEqual((six[54], six[22:38]), (135, bytes(16)))
        self.assertEqual(six[62:78], SIX.address.packed)
        self.ports[0].broken = True
        self.reactor.advance(2)
        self.assertIn("cannot probe for", self.log[0])

    def test_nothing_held(self) -> None:
        """Sockets are open only while something is held and somebody wants to know."""
        self.start(A)
        self.assertEqual([p.protocol for p in self.ports], [ETH_P_ARP, ETH_P_IPV6])
        self.hold()
        self.reactor.advance(REST)
        self.assertEqual([port.closed for port in self.ports], [True, True])
        self.hold(A)
        self.reactor.advance(REST)
        self.conflicts.detect(None)
        self.assertEqual(self.reactor.readers, [])

    def test_released_in_conflict(self) -> None:
        """A conflict is over when the address is given back."""
        self.start(A)
        self.hear(self.claim())
        self.reactor.advance(1)
        self.hear(self.claim())
        self.hold()
        self.reactor.advance(REST)
        self.assertEqual([mac for _, _, mac in self.told], ["02:00:00:00:00:07", ""])
        self.assertEqual(
            self.log[1:],
            ["address conflict over: 192.0.2.1/24 dev eth0 is not held any more"],
        )

    def test_forgone_in_conflict(self) -> None:
        """So is it when another host shall have the address."""
        self.start(A)
        self.hear(self.claim())
        self.reactor.advance(1)
        self.hear(self.claim())
        self.conflicts.forgo("VI_1")
        self.assertEqual([mac for _, _, mac in self.told], ["02:00:00:00:00:07", ""])
        self.assertEqual(
            self.log[1:],
            ["address conflict over: 192.0.2.1/24 dev eth0 is another's from now on"],
        )

    def test_not_permitted(self) -> None:
        """Without the right to listen it is said once, and all else works."""
        self.refusing = True
        self.start(A)
        self.hold()
        self.hold(A)
        self.reactor.advance(REST)
        self.assertEqual(len(self.log), 1)
        self.assertIn("cannot look for address conflicts", self.log[0])

    def test_stop(self) -> None:
        """Nothing is left after stop."""
        self.start(A)
        self.hold(A, SIX)
        self.conflicts.stop()
        self.assertEqual(
            (self.reactor.readers, self.reactor.getDelayedCalls()), ([], [])
        )


class ClaimTests(SynchronousTestCase):
    def test_advertisement(self) -> None:
        """The MAC address of a neighbour advertisement is that of its option."""
        frame = Frames().announcement(Sender(OTHER), SIX.address)
        self.assertEqual(claim_of(frame), (SIX.address.packed, OTHER))
        bare = frame[:78]
        self.assertEqual(claim_of(bare), (SIX.address.packed, frame[6:12]))

    def test_others(self) -> None:
        """What is too short or something else claims nothing."""
        for frame in (b"", bytes(12) + b"\x08\x06", bytes(100)):
            self.assertEqual(claim_of(frame), (b"", b""))
