"""A client that asks an address for an answer every few milliseconds.

ICMP echo (RFC 792, RFC 4443 section 4) over raw sockets: it needs no ping program, and
it sees the hardware address that each answer came from.
"""

from __future__ import annotations

import socket
import struct
from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise
from time import monotonic

from hanode.config.model import IpAddress
from hanode.rehearsal.namespaces import Namespace

ECHO_4, REPLY_4 = 8, 0
ECHO_6, REPLY_6 = 128, 129
IDENTIFIER = 0x4841
SOL_RAW, ICMP_FILTER = 255, 1  # linux/icmp.h
ICMP6_FILTER = 1  # RFC 3542, section 3.2
ETHERTYPE = {4: 0x0800, 6: 0x86DD}
VRRP = 112  # IP protocol number
GAP = 0.05  # seconds without an answer that are not calm
LOST = 3  # pings in a row without an answer are an outage


@dataclass(frozen=True)
class Answer:
    """One answer: C{number} is the ping's, C{at} when it came, C{mac} from where."""

    number: int
    at: float
    mac: str


@dataclass(frozen=True)
class Gap:
    """A time without answers, in monotonic seconds; C{lost} pings got none."""

    start: float
    end: float
    lost: int

    @property
    def seconds(self) -> float:
        """How long it lasted."""
        return self.end - self.start


class Pinger:
    """Asks C{target} from inside C{host}; C{receive} when the socket is readable."""

    def __init__(
        self, host: Namespace, interface: str, target: IpAddress, interval: float
    ) -> None:
        self.target, self.interval = target, interval
        self.sent: list[float] = []  # when, by number
        self.answers: list[Answer] = []
        self.due = monotonic()
        self.adverts = 0  # VRRP packets that passed by
        self._version = target.version
        self._out = host.call(self._sender, interface)
        self.socket = host.call(self._sniffer, interface)
        scope = host.call(socket.if_nametoindex, interface)
        local = target.version == 6 and target.is_link_local
        self._name = (
            (str(target), 0)
            if target.version == 4
            else (str(target), 0, 0, scope if local else 0)
        )

    def send(self) -> None:
        """Send the next ping if it is due; a refusal is a ping without answer."""
        now = monotonic()
        if now < self.due:
            return
        self.due = max(self.due + self.interval, now)
        number = len(self.sent)
        self.sent.append(now)
        echo = ECHO_4 if self._version == 4 else ECHO_6
        packet = struct.pack("!BBHHHI", echo, 0, 0, IDENTIFIER, number & 0xFFFF, number)
        if self._version == 4:  # the kernel computes it for ICMPv6 only
            packet = packet[:2] + _checksum(packet) + packet[4:]
        try:
            self._out.sendto(packet, self._name)
        except OSError:
            return  # nobody has the address: there will be no answer, which is noted

    def receive(self) -> None:
        """Note all answers that have come."""
        while True:
            try:
                packet, name = self.socket.recvfrom(2048)
            except BlockingIOError:
                return
            except OSError:
                return  # the interface went down; it is readable again when it is up
            if len(packet) > 9 and packet[9 if self._version == 4 else 6] == VRRP:
                self.adverts += 1
            number = self._number(packet)
            if number is not None:
                mac = ":".join(f"{byte:02x}" for byte in name[4])
                self.answers.append(Answer(number, monotonic(), mac))

    def calm(self, seconds: float) -> str | None:
        """The hardware address that alone has answered steadily for C{seconds}."""
        now = monotonic()
        first = bisect_left(self.answers, now - seconds, key=lambda each: each.at)
        span = self.answers[max(0, first - 1) :]
        moments = [each.at for each in span]
        # A burst is not calm: the kernel keeps pings until it knows where to.
        late = [
            after - before > GAP
            for before, after in pairwise([now - seconds, *moments[1:], now])
        ]
        macs = {each.mac for each in span}
        if first == 0 or len(macs) != 1 or any(late):
            return None
        return macs.pop()

    def gaps(self, start: float, end: float) -> list[Gap]:
        """The outages between C{start} and C{end}, as they are known now.

        A silence that lasts until C{end} is one too.
        """
        first = bisect_left(self.answers, start, key=lambda each: each.at)
        span = [each.at for each in self.answers[max(0, first - 1) :] if each.at <= end]
        answered = {each.number for each in self.answers}
        found: list[Gap] = []
        for before, after in pairwise([*span, end] if span else []):
            if after - before > LOST * self.interval:
                asked = range(
                    bisect_left(self.sent, before), bisect_left(self.sent, after)
                )
                lost = sum(number not in answered for number in asked)
                if lost:  # else it was the client itself that had no time to ask
                    found.append(Gap(before, after, lost))
        return found

    def close(self) -> None:
        """Give the sockets back."""
        self._out.close()
        self.socket.close()

    def _number(self, packet: bytes) -> int | None:
        if self._version == 4:
            if len(packet) < 20 or packet[9] != socket.IPPROTO_ICMP:
                return None
            source, body = packet[12:16], packet[(packet[0] & 15) * 4 :]
            reply = REPLY_4
        else:
            if len(packet) < 40 or packet[6] != socket.IPPROTO_ICMPV6:
                return None
            source, body, reply = packet[8:24], packet[40:], REPLY_6
        if source != self.target.packed or len(body) < 12 or body[0] != reply:
            return None
        identifier, _, number = struct.unpack("!HHI", body[4:12])
        return number if identifier == IDENTIFIER else None

    def _sender(self, interface: str) -> socket.socket:
        if self._version == 4:
            sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
            sock.setsockopt(SOL_RAW, ICMP_FILTER, b"\xff" * 4)
        else:
            kind = socket.IPPROTO_ICMPV6
            sock = socket.socket(socket.AF_INET6, socket.SOCK_RAW, kind)
            sock.setsockopt(kind, ICMP6_FILTER, b"\xff" * 32)
        sock.setblocking(False)
        return sock

    def _sniffer(self, interface: str) -> socket.socket:
        kind = socket.htons(ETHERTYPE[self._version])
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, kind)
        sock.bind((interface, ETHERTYPE[self._version]))
        sock.setblocking(False)
        return sock


def _checksum(packet: bytes) -> bytes:
    """RFC 1071."""
    total = sum(struct.unpack(f"!{len(packet) // 2}H", packet))
    total = (total & 0xFFFF) + (total >> 16)
    total += total >> 16
    return struct.pack("!H", ~total & 0xFFFF)
