"""Gratuitous ARP and unsolicited neighbour advertisements, as bytes on the wire.

A gratuitous ARP is an ARP request in which sender and target are the same address (an
ARP announcement, RFC 5227, section 2.3); an unsolicited neighbour advertisement
(RFC 4861, section 7.2.6) goes to all nodes with the override flag and the new
link-layer address. scapy builds one frame of a kind for each sender; for every further
address only the address and the checksum are filled in, because building with scapy
takes hundreds of microseconds.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from struct import Struct

from hanode.config.model import IpAddress

_WORDS = Struct("!8H")
_CHECKSUM = Struct("!H")
# Offsets from the start of the Ethernet frame.
ARP_SENDER, ARP_TARGET = 28, 38
NA_SOURCE, NA_CHECKSUM, NA_TARGET = 22, 56, 62


@dataclass(frozen=True)
class Sender:
    """Whose frames: MAC address (six bytes), and whether it routes IPv6."""

    mac: bytes
    router: bool = False


class Frames:
    """Builds frames; making one imports scapy, which takes 0.4 s and 24 MiB."""

    def __init__(self) -> None:
        # scapy warns of interfaces without addresses; that is daily bread here.
        logging.getLogger("scapy").setLevel(logging.ERROR)
        logging.getLogger("scapy.runtime").setLevel(logging.ERROR)
        # Here and not above: importing this module must cost nothing.
        from scapy.layers import inet6, l2

        self._l2, self._inet6 = l2, inet6
        self._arps: dict[Sender, bytes] = {}
        self._advertisements: dict[Sender, bytes] = {}

    def announcement(self, sender: Sender, address: IpAddress) -> bytes:
        """The frame that tells everyone that C{address} is at C{sender}."""
        if address.version == 4:
            return self._arp(Sender(sender.mac), address.packed)
        return self._advertisement(sender, address.packed)

    def _arp(self, sender: Sender, address: bytes) -> bytes:
        template = self._arps.get(sender)
        if template is None:
            template = self._arps[sender] = self._build_arp(sender)
        frame = bytearray(template)
        frame[ARP_SENDER : ARP_SENDER + 4] = address
        frame[ARP_TARGET : ARP_TARGET + 4] = address
        return bytes(frame)

    def _advertisement(self, sender: Sender, address: bytes) -> bytes:
        template = self._advertisements.get(sender)
        if template is None:
            template = self._build_advertisement(sender)
            self._advertisements[sender] = template
        frame = bytearray(template)
        frame[NA_SOURCE : NA_SOURCE + 16] = address
        frame[NA_TARGET : NA_TARGET + 16] = address
        # RFC 1624: the template has :: in both places, and the checksum covers both
        # (the source as a part of the pseudo header).
        (template_sum,) = _CHECKSUM.unpack_from(frame, NA_CHECKSUM)
        total = (~template_sum & 0xFFFF) + 2 * sum(_WORDS.unpack(address))
        while total >> 16:
            total = (total & 0xFFFF) + (total >> 16)
        _CHECKSUM.pack_into(frame, NA_CHECKSUM, ~total & 0xFFFF)
        return bytes(frame)

    def _build_arp(self, sender: Sender) -> bytes:
        mac = _text(sender.mac)
        broadcast = "ff:ff:ff:ff:ff:ff"
        return bytes(
            self._l2.Ether(src=mac, dst=broadcast)
            / self._l2.ARP(
                op=1, hwsrc=mac, psrc="0.0.0.0", hwdst=broadcast, pdst="0.0.0.0"
            )
        )

    def _build_advertisement(self, sender: Sender) -> bytes:
        mac = _text(sender.mac)
        return bytes(
            self._l2.Ether(src=mac, dst="33:33:00:00:00:01")
            / self._inet6.IPv6(src="::", dst="ff02::1", hlim=255)
            / self._inet6.ICMPv6ND_NA(R=int(sender.router), S=0, O=1, tgt="::")
            / self._inet6.ICMPv6NDOptDstLLAddr(lladdr=mac)
        )


def _text(mac: bytes) -> str:
    return mac.hex(":")
