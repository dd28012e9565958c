"""Gratuitous ARP and unsolicited neighbour advertisements, as bytes on the wire.

A gratuitous ARP is an ARP request in which sender and target are the same address (an
ARP announcement, RFC 5227, section 2.3); an unsolicited neighbour advertisement
(RFC 4861, section 7.2.6) goes to all nodes with the override flag and the new
link-layer address. scapy has built one frame of each kind, for nobody; MAC address, IP
address and checksum are filled in when they are sent.

Importing scapy takes 0.4 s and 24 MiB, and who takes over in that moment must not wait
for it. So what it builds stands here. Run as a program this module prints it again; a
test compares.
"""

from __future__ import annotations

import logging
import struct
import sys
from dataclasses import dataclass
from struct import Struct

from hanode.config.model import IpAddress

_ADDRESS = Struct("!8H")
_MAC = Struct("!3H")
_CHECKSUM = Struct("!H")
# Offsets from the start of the Ethernet frame.
ETHERNET_SOURCE = 6
ARP_MAC, ARP_SENDER, ARP_TARGET = 22, 28, 38
NA_SOURCE, NA_CHECKSUM, NA_FLAGS, NA_TARGET, NA_MAC = 22, 56, 58, 62, 80
NA_ROUTER = 0x80


@dataclass(frozen=True)
class Templates:
    """Hexadecimal frames of the MAC address 0 and the IP address 0, not a router."""

    arp: str
    advertisement: str


@dataclass(frozen=True)
class Sender:
    """Whose frames: MAC address (six bytes), and whether it routes IPv6."""

    mac: bytes
    router: bool = False


#: What L{build} gives.
TEMPLATES = Templates(
    arp="ffffffffffff" + "00" * 6 + "0806"  # Ethernet
    "0001"
    "0800"
    "06"
    "04"
    "0001" + "00" * 10 + "ff" * 6 + "00" * 4,
    advertisement="333300000001" + "00" * 6 + "86dd"  # Ethernet
    "60000000"
    "0020"
    "3a"
    "ff" + "00" * 16 + "ff02" + "00" * 13 + "01"  # IPv6
    "88"
    "00"
    "56a0"
    "20000000"
    + "00"
    * 16  # neighbour advertisement
    + "02"
    "01" + "00" * 6,  # target link-layer address
)


class Frames:
    """Makes frames from templates."""

    def __init__(self, templates: Templates = TEMPLATES) -> None:
        self._arp = bytes.fromhex(templates.arp)
        self._advertisement = bytes.fromhex(templates.advertisement)

    def announcement(self, sender: Sender, address: IpAddress) -> bytes:
        """The frame that tells everyone that C{address} is at C{sender}."""
        if address.version == 4:
            return self._fill_arp(sender, address.packed)
        return self._fill_advertisement(sender, address.packed)

    def probe(self, mac: bytes, address: IpAddress) -> bytes:
        """The frame that asks whether anybody has C{address}.

        ARP: RFC 5227, section 2.1.1, from 0.0.0.0. IPv6: RFC 4862, section 5.4.2, a
        neighbour solicitation from ::, to the solicited-node address.
        """
        if address.version == 4:
            frame = bytearray(self._fill_arp(Sender(mac), address.packed))
            frame[ARP_SENDER : ARP_SENDER + 4] = bytes(4)
            return bytes(frame)
        packed = address.packed
        group = bytes.fromhex("ff0200000000000000000001ff") + packed[-3:]
        body = bytes((135, 0, 0, 0, 0, 0, 0, 0)) + packed
        pseudo = bytes(16) + group + bytes((0, 0, 0, len(body), 0, 0, 0, 58))
        total = sum(struct.unpack(f"!{(len(pseudo) + len(body)) // 2}H", pseudo + body))
        total = (total & 0xFFFF) + (total >> 16)
        total = (total & 0xFFFF) + (total >> 16)
        body = body[:2] + _CHECKSUM.pack(~total & 0xFFFF) + body[4:]
        header = bytes((0x60, 0, 0, 0, 0, len(body), 58, 255)) + bytes(16) + group
        ethernet = b"\x33\x33" + group[-4:] + mac + b"\x86\xdd"
        return ethernet + header + body

    def _fill_arp(self, sender: Sender, address: bytes) -> bytes:
        frame = bytearray(self._arp)
        frame[ETHERNET_SOURCE : ETHERNET_SOURCE + 6] = sender.mac
        frame[ARP_MAC : ARP_MAC + 6] = sender.mac
        frame[ARP_SENDER : ARP_SENDER + 4] = address
        frame[ARP_TARGET : ARP_TARGET + 4] = address
        return bytes(frame)

    def _fill_advertisement(self, sender: Sender, address: bytes) -> bytes:
        frame = bytearray(self._advertisement)
        frame[ETHERNET_SOURCE : ETHERNET_SOURCE + 6] = sender.mac
        frame[NA_SOURCE : NA_SOURCE + 16] = address
        frame[NA_TARGET : NA_TARGET + 16] = address
        frame[NA_MAC : NA_MAC + 6] = sender.mac
        # RFC 1624: what is filled in was zero. The address counts twice: the source
        # is a part of the pseudo header.
        (checksum,) = _CHECKSUM.unpack_from(frame, NA_CHECKSUM)
        total = (~checksum & 0xFFFF) + sum(_MAC.unpack(sender.mac))
        total += 2 * sum(_ADDRESS.unpack(address))
        if sender.router:
            frame[NA_FLAGS] |= NA_ROUTER
            total += NA_ROUTER << 8
        while total >> 16:
            total = (total & 0xFFFF) + (total >> 16)
        _CHECKSUM.pack_into(frame, NA_CHECKSUM, ~total & 0xFFFF)
        return bytes(frame)


def build() -> Templates:
    """Have scapy build the templates. Raises L{ImportError} without scapy."""
    # scapy warns of interfaces without addresses; that is daily bread here.
    logging.getLogger("scapy").setLevel(logging.ERROR)
    # Not at the top: importing this module must cost nothing.
    from scapy.config import conf

    # Nothing is looked up in them, and with a thousand addresses they take seconds.
    conf.route_autoload = conf.route6_autoload = False
    from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6NDOptDstLLAddr, IPv6
    from scapy.layers.l2 import ARP, Ether

    nobody, everybody = "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"
    arp = Ether(src=nobody, dst=everybody) / ARP(
        op=1, hwsrc=nobody, psrc="0.0.0.0", hwdst=everybody, pdst="0.0.0.0"
    )
    advertisement = (
        Ether(src=nobody, dst="33:33:00:00:00:01")
        / IPv6(src="::", dst="ff02::1", hlim=255)
        / ICMPv6ND_NA(R=0, S=0, O=1, tgt="::")
        / ICMPv6NDOptDstLLAddr(lladdr=nobody)
    )
    return Templates(bytes(arp).hex(), bytes(advertisement).hex())


if __name__ == "__main__":
    made = build()
    sys.stdout.write(f"arp {made.arp}\nadvertisement {made.advertisement}\n")
