"""ICMP echo over IPv4 (RFC 792) and IPv6 (RFC 4443): ask, and know the answer.

icmp(7), raw(7), ipv6(7). On a datagram socket the kernel writes the identifier and the
checksum, and hands over answers to our own packets only. On a raw socket everybody's
packets arrive: the identifier, the sequence number and some random bytes tell which
are ours.
"""

from __future__ import annotations

import socket
import struct
from random import Random
from typing import Any

from twisted.internet.defer import Deferred, succeed

from hanode.config.balance_model import Target
from hanode.probe import TIMEOUT, ask, failed, prepared
from hanode.result import Result
from hanode.sockets import bind_to_device, family_of

REQUEST = {4: 8, 6: 128}  # ICMP types
REPLY = {4: 0, 6: 129}
SOL_RAW = 255
ICMP_FILTER, ICMP6_FILTER = 1, 1  # linux/icmp.h, linux/icmpv6.h
TOKEN = 24  # bytes that come back with the answer
HEADER = struct.Struct("!BBHHH")  # type, code, checksum, identifier, sequence


def ping(reactor: Any, random: Random, target: Target) -> Deferred[Result]:
    """Send one echo request and wait for its answer; the Deferred does not fail."""
    try:
        opened = open_icmp(target)
    except OSError as error:
        return succeed(failed(error))
    raw = opened.type == socket.SOCK_RAW
    echo = Echo(random, target.address.version, raw)
    return ask(reactor, opened, echo.request, target.timeout, echo)


def open_icmp(target: Target) -> socket.socket:
    """A socket for ICMP that is connected to the target. Raises L{OSError}.

    It is a datagram socket where net.ipv4.ping_group_range permits one, else a raw
    one, which takes CAP_NET_RAW.
    """
    version = target.address.version
    protocol = socket.IPPROTO_ICMP if version == 4 else socket.IPPROTO_ICMPV6
    family = family_of(version)
    try:
        opened = socket.socket(family, socket.SOCK_DGRAM, protocol)
    except PermissionError:
        opened = socket.socket(family, socket.SOCK_RAW, protocol)
    try:
        opened.setblocking(False)
        bind_to_device(opened, target.device)
        if opened.type == socket.SOCK_RAW:
            _only_replies(opened, version)
    except OSError:
        opened.close()
        raise
    return prepared(opened, target, ports=False)


def _only_replies(opened: socket.socket, version: int) -> None:
    """Let nothing but echo replies in: a bit that is set shuts out its type."""
    if version == 4:
        blocked = ~(1 << REPLY[4]) & 0xFFFFFFFF
        opened.setsockopt(SOL_RAW, ICMP_FILTER, struct.pack("I", blocked))
        return
    words = [0xFFFFFFFF] * 8
    words[REPLY[6] >> 5] &= ~(1 << (REPLY[6] & 31))
    opened.setsockopt(socket.IPPROTO_ICMPV6, ICMP6_FILTER, struct.pack("8I", *words))


class Echo:
    """One echo request: a L{hanode.probe.Listener}.

    C{raw}: the identifier is ours, and over IPv4 what arrives has its IP header.
    """

    def __init__(self, random: Random, version: int, raw: bool) -> None:
        self._version, self._raw = version, raw
        self._token = random.randbytes(TOKEN)
        self._numbers = random.randbytes(4)  # identifier and sequence
        identifier, sequence = struct.unpack("!HH", self._numbers)
        kind = REQUEST[version]
        blank = HEADER.pack(kind, 0, 0, identifier, sequence) + self._token
        checksum = internet_checksum(blank)  # over IPv6 the kernel writes its own
        header = HEADER.pack(kind, 0, checksum, identifier, sequence)
        self.request = header + self._token
        self._strays = 0

    def heard(self, data: bytes) -> Result | None:
        """See L{hanode.probe.Listener.heard}."""
        if self._raw and self._version == 4:
            data = data[(data[0] & 15) * 4 :] if data else data
        if (
            len(data) >= HEADER.size
            and data[0] == REPLY[self._version]
            and self._same_numbers(data)
            and data[HEADER.size :] == self._token
        ):
            return Result(True, "reply")
        self._strays += 1
        return None

    def silence(self) -> Result:
        """See L{hanode.probe.Listener.silence}."""
        heard = f"{self._strays} other packets" if self._strays else ""
        return Result(False, TIMEOUT, heard)

    def concerns(self, packet: bytes) -> bool:
        """See L{hanode.probe.Listener.concerns}."""
        return self._same_numbers(packet)

    def _same_numbers(self, packet: bytes) -> bool:
        first = 4 if self._raw else 6  # the identifier may be the kernel's
        return packet[first:8] == self._numbers[first - 4 :]


def internet_checksum(data: bytes) -> int:
    """The checksum of RFC 1071 over an even number of bytes."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF
