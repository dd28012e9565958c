"""What BFD says on the wire, read independently of hanode's own decoder."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from tests.live.observer import IPV4, IPV6

UDP, ETHERNET = 17, 14
PORTS = (3784, 4784)
ADMIN_DOWN, DOWN, INIT, UP = range(4)  # RFC 5880, section 4.1: Sta
STATES = ("AdminDown", "Down", "Init", "Up")
EXPIRED, ECHO_FAILED, SIGNALLED, ADMINISTRATIVE = 1, 2, 3, 7  # the same: Diag


@dataclass(frozen=True)
class Said:
    """One control packet; C{source} and C{destination} are texts."""

    at: float
    source: str
    destination: str
    ttl: int
    source_port: int
    state: int
    diagnostic: int
    flags: int  # P 32, F 16, C 8, A 4, D 2, M 1
    mine: int  # My Discriminator
    yours: int  # Your Discriminator
    key: int  # Auth Key ID, -1 without authentication


class Wire:
    """The control packets that an L{Observer} has captured so far."""

    def __init__(self, observer):
        self._observer = observer
        self._read, self._said = 0, []

    def said(self, since=0.0, source=None):
        """All packets since a moment, of one source if it is given."""
        frames = self._observer.frames
        while self._read < len(frames):
            packet = _control(*frames[self._read])
            self._read += 1
            if packet is not None:
                self._said.append(packet)
        return [
            each
            for each in self._said
            if each.at >= since and source in (None, each.source)
        ]

    def fallen(self, since, source=None):
        """Those that did not say Up."""
        return [each for each in self.said(since, source) if each.state != UP]

    def story(self, since=0.0):
        """The packets with news in them, a line each: what a failed test prints."""
        last, lines = {}, []
        for each in self.said(since):
            news = each.state, each.diagnostic
            if last.get(each.source) != news:
                last[each.source] = news
                lines.append(
                    f"{each.at - since:9.3f} {each.source}: {STATES[each.state]}"
                    f" ({each.diagnostic}) {each.mine:#x} to {each.yours:#x}"
                )
        return "\n".join(lines)


def _control(at, frame):
    kind = int.from_bytes(frame[12:14])
    packet = frame[ETHERNET:]
    if kind == IPV4 and packet[9] == UDP:
        start, ttl = (packet[0] & 15) * 4, packet[8]
        ends = IPv4Address(packet[12:16]), IPv4Address(packet[16:20])
    elif kind == IPV6 and packet[6] == UDP:
        start, ttl = 40, packet[7]
        ends = IPv6Address(packet[8:24]), IPv6Address(packet[24:40])
    else:
        return None
    source_port, port = struct.unpack_from("!HH", packet, start)
    if port not in PORTS:
        return None
    first, second = packet[start + 8], packet[start + 9]
    return Said(
        at, str(ends[0]), str(ends[1]), ttl, source_port,
        second >> 6, first & 31, second & 63,
        *struct.unpack_from("!II", packet, start + 12),
        packet[start + 34] if second & 4 else -1,
    )  # fmt: skip
