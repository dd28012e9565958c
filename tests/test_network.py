"""What of the real network needs no network: taking an IPv4 packet apart."""

from __future__ import annotations

from ipaddress import IPv4Address

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hanode.network import split

SOURCE, GROUP = IPv4Address("192.0.2.1"), IPv4Address("224.0.0.18")


def packet(payload: bytes, options: bytes = b"", ttl: int = 255) -> bytes:
    """An IPv4 packet of protocol 112; its checksum is the kernel's business."""
    length = 20 + len(options)
    return (
        bytes([0x40 | length // 4, 0xC0])
        + (length + len(payload)).to_bytes(2, "big")
        + bytes([0, 0, 0, 0, ttl, 112, 0, 0])
        + SOURCE.packed
        + GROUP.packed
        + options
        + payload
    )


class SplitTests(SynchronousTestCase):
    def test_plain(self) -> None:
        """Payload, source, destination and TTL come out."""
        whole = memoryview(packet(b"advert", ttl=254))
        self.assertEqual(split(whole), (b"advert", SOURCE, GROUP, 254))

    def test_options(self) -> None:
        """A header with options is stripped by its own length."""
        whole = memoryview(packet(b"advert", options=b"\x94\x04\0\0"))
        self.assertEqual(split(whole), (b"advert", SOURCE, GROUP, 255))

    def test_padding(self) -> None:
        """What follows the total length is not payload."""
        whole = memoryview(packet(b"advert") + bytes(20))
        self.assertEqual(split(whole), (b"advert", SOURCE, GROUP, 255))

    def test_malformed(self) -> None:
        """A cut packet, another version or a lying header gives None."""
        good = packet(b"advert")
        for bad in (
            b"",
            good[:19],
            good[:-1],
            b"\x65" + good[1:],
            b"\x44" + good[1:],
            b"\x4f" + good[1:],
            good[:2] + b"\0\x05" + good[4:],
        ):
            self.assertIs(split(memoryview(bad)), None)

    @given(st.binary(max_size=80))
    def test_random(self, data: bytes) -> None:
        """Random bytes never raise."""
        split(memoryview(data))
