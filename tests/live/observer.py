"""A host on the bridge that writes down every VRRP advertisement and ARP frame."""

from __future__ import annotations

import select
import socket
import struct
import threading
import time
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from hanode.vrrp.packet import Advert, decode

IPV4, IPV6, ARP = 0x0800, 0x86DD, 0x0806
SHORT_FRAME = 14


@dataclass(frozen=True)
class Seen:
    """One advertisement and when it passed."""

    at: float
    source: IPv4Address | IPv6Address
    advert: Advert


class Observer:
    """Captures in the namespace in which it is made; end it with C{close}."""

    def __init__(self, interface):
        self._socket = socket.socket(
            socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0003)
        )
        self._socket.bind((interface, 0))
        self._stop = threading.Event()
        self.frames = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        while not self._stop.is_set():
            if select.select([self._socket], [], [], 0.05)[0]:
                self.frames.append((time.monotonic(), self._socket.recv(65535)))

    def close(self):
        """Stop capturing."""
        self._stop.set()
        self._thread.join(5)
        self._socket.close()

    def adverts(self, since=0.0):
        """All advertisements so far that decode."""
        return [
            seen
            for at, frame in list(self.frames)
            if at >= since and (seen := _advert(at, frame)) is not None
        ]

    @staticmethod
    def now():
        """The clock that frames are stamped with."""
        return time.monotonic()

    def announcements(self, address, since=0.0):
        """Gratuitous ARP for C{address}: moments and sender's hardware addresses."""
        wanted = IPv4Address(address).packed
        return [
            (at, frame[22:28].hex(":"))
            for at, frame in list(self.frames)
            if at >= since
            and int.from_bytes(frame[12:14]) == ARP
            and frame[28:32] == frame[38:42] == wanted
        ]

    def pcap(self, path):
        """Write what was captured as a pcap file (libpcap's classic format)."""
        with open(path, "wb") as out:
            out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
            for at, frame in list(self.frames):
                seconds, size = int(at), len(frame)
                out.write(
                    struct.pack("<IIII", seconds, int(at % 1 * 1e6), size, size) + frame
                )


def _advert(at, frame):
    kind = int.from_bytes(frame[12:14]) if len(frame) > SHORT_FRAME else 0
    packet = frame[14:]
    if kind == IPV4 and packet[9] == 112:
        header = (packet[0] & 15) * 4
        data = packet[header : int.from_bytes(packet[2:4])]
        source, destination = IPv4Address(packet[12:16]), IPv4Address(packet[16:20])
    elif kind == IPV6 and packet[6] == 112:
        data = packet[40 : 40 + int.from_bytes(packet[4:6])]
        source, destination = IPv6Address(packet[8:24]), IPv6Address(packet[24:40])
    else:
        return None
    return Seen(at, source, decode(data, source, destination)[0])


def longest_double(adverts, interval):
    """The longest time for which two sources advertised at once, in seconds.

    A source counts as a master from its first advertisement until one interval after
    its last one before it fell silent or said priority 0.
    """
    spans = []
    last = {}
    for seen in adverts:
        before = last.get(seen.source)
        if seen.advert.priority == 0:
            if before is not None:
                before[1] = seen.at
            last.pop(seen.source, None)
        elif before is not None and seen.at - before[1] <= 1.5 * interval:
            before[1] = seen.at
        else:
            last[seen.source] = span = [seen.at, seen.at, seen.source]
            spans.append(span)
    longest = 0.0
    for i, one in enumerate(spans):
        for other in spans[i + 1 :]:
            if one[2] != other[2]:
                both = min(one[1], other[1]) - max(one[0], other[0])
                longest = max(longest, both)
    return longest
