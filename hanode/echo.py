"""BFD's echo port: packets that a neighbour turns (RFC 5881, section 4).

They are built and taken apart here, because the kernel neither sends a packet from
and to one of its own addresses to somebody else nor accepts it from there. packet(7).
"""

from __future__ import annotations

import itertools
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twisted.internet.interfaces import IReadDescriptor
from twisted.logger import Logger
from zope.interface import implementer

from hanode import bpf
from hanode.config.model import IpAddress
from hanode.interfaces import IEchoPort
from hanode.neighbourhood import Neighbourhood
from hanode.sockets import PRECEDENCE, address_of

ECHO_PORT = 3785
UDP = 17
SENT_TTL, TURNED_TTL = 255, 254
LARGEST = 2048  # bytes
PACKETS_PER_TURN = 256
ETHERTYPES = {4: 0x0800, 6: 0x86DD}
IPV4, IPV6, UDP_HEADER = "!BBHHHBBH4s4s", "!IHBB16s16s", "!HHHH"

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Echo:
    """A UDP packet to the echo port; C{port} is where it came from."""

    source: IpAddress
    destination: IpAddress
    ttl: int
    data: bytes
    port: int = ECHO_PORT


def encode(echo: Echo) -> bytes:
    """The packet with its IP header, checksums included."""
    source, destination = echo.source.packed, echo.destination.packed
    length = 8 + len(echo.data)
    ports = echo.port, ECHO_PORT, length
    pseudo = source + destination + struct.pack("!II", length, UDP)
    header = struct.pack(UDP_HEADER, *ports, 0)
    checksum = _checksum(pseudo + header + echo.data) or 0xFFFF  # RFC 768
    udp = struct.pack(UDP_HEADER, *ports, checksum) + echo.data
    if echo.source.version == 6:
        first = 6 << 28 | PRECEDENCE << 20
        return (
            struct.pack(IPV6, first, length, UDP, echo.ttl, source, destination) + udp
        )
    number = next(_numbers) & 0xFFFF
    fields = [0x45, PRECEDENCE, 20 + length, number, 0, echo.ttl, UDP, 0]
    fields[7] = _checksum(struct.pack(IPV4, *fields, source, destination))
    return struct.pack(IPV4, *fields, source, destination) + udp


def decode(packet: bytes) -> Echo | None:
    """Take a packet apart; None when it is not a whole UDP packet to the echo port."""
    version = packet[0] >> 4 if packet else 0
    if version == 4 and len(packet) >= 20:
        protocol, ttl, at = packet[9], packet[8], (packet[0] & 15) * 4
        source, destination = packet[12:16], packet[16:20]
        if at < 20 or (packet[6] & 0x3F or packet[7]):  # a fragment
            return None
    elif version == 6 and len(packet) >= 40:
        protocol, ttl, at = packet[6], packet[7], 40
        source, destination = packet[8:24], packet[24:40]
    else:
        return None
    if protocol != UDP or len(packet) < at + 8:
        return None
    port, to, length, _ = struct.unpack_from(UDP_HEADER, packet, at)
    if to != ECHO_PORT or not 8 <= length <= len(packet) - at:
        return None
    data = packet[at + 8 : at + length]
    return Echo(address_of(source), address_of(destination), ttl, data, port)


def _checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    data += bytes(len(data) & 1)
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


@implementer(IEchoPort, IReadDescriptor)
class EchoPort:
    """The echo port on one interface, for one family."""

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        family: int,
        device: str,
        returned: Callable[[bytes], object],
        reflect: bool,
    ) -> None:
        self._reactor, self._device = reactor, device
        self._returned, self._reflect = returned, reflect
        self._sources: set[IpAddress] = set()  # of what we sent
        self._told: set[int] = set()  # error numbers that are in the log already
        self._ethertype = ETHERTYPES[family]
        self._neighbourhood = Neighbourhood(device, reactor.seconds)
        try:
            # Of no protocol, it hears nothing until it has its filter.
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        except OSError:
            self._neighbourhood.close()
            raise
        try:
            self._socket.setblocking(False)
            program = bpf.udp_port(family, ECHO_PORT, TURNED_TTL)
            bpf.attach(self._socket, bpf.SO_ATTACH_FILTER, program)
            self._socket.bind((device, self._ethertype))
        except OSError:
            self._close_all()
            raise
        reactor.addReader(self)

    def send(self, data: bytes, source: IpAddress, neighbour: IpAddress) -> None:
        """See L{IEchoPort.send}."""
        hardware = self._neighbourhood.hardware_address(neighbour)
        self._sources.add(source)
        self._transmit(Echo(source, source, SENT_TTL, data), hardware)

    def drain(self) -> None:
        """See L{IEchoPort.drain}."""
        self.doRead()

    def close(self) -> None:
        """See L{IEchoPort.close}."""
        if self._socket.fileno() >= 0:
            self._reactor.removeReader(self)
            self._close_all()

    def _close_all(self) -> None:
        self._socket.close()
        self._neighbourhood.close()

    def _transmit(self, echo: Echo, hardware: bytes) -> None:
        name = self._device, self._ethertype, 0, 0, hardware
        self._socket.sendto(encode(echo), name)

    def fileno(self) -> int:
        """The socket's descriptor, -1 once it is closed."""
        return self._socket.fileno()

    def logPrefix(self) -> str:
        """A name for Twisted's own log lines."""
        return f"echo port on {self._device}"

    def connectionLost(self, reason: object) -> None:
        """The reactor let go of us: it is shutting down."""
        self.close()

    def doRead(self) -> None:
        """Look at what waits in the socket, up to a bound."""
        for _ in range(PACKETS_PER_TURN):
            if self._socket.fileno() < 0:  # a receiver closed us
                return
            try:
                packet, name = self._socket.recvfrom(LARGEST)
                echo = decode(packet)
                if echo is not None:
                    self._receive(echo, name[4])
            except BlockingIOError:
                return
            except OSError as error:  # the interface went down, or no way back
                self._complain(error)
                return

    def _receive(self, echo: Echo, hardware: bytes) -> None:
        if echo.source == echo.destination and echo.source in self._sources:
            try:
                self._returned(echo.data)
            except Exception:
                self.log.failure(
                    "{device}: the receiver of an echo failed", device=self._device
                )
        elif self._reflect and echo.ttl == SENT_TTL:
            back = self._turned(echo)
            if back is not None:
                self._transmit(back, hardware)

    def _turned(self, echo: Echo) -> Echo | None:
        """What a neighbour wants back, None when it is not ours to give.

        RFC 5881 lets it send to itself, FRR's bfdd sends to us over IPv6. The lower
        TTL keeps two that turn from playing with one packet for ever.
        """
        around = self._neighbourhood
        if echo.source != echo.destination:
            if not around.is_own(echo.destination):
                return None
        elif around.is_own(echo.source):
            return None
        elif not echo.source.is_link_local and around.forwards(echo.source.version):
            return None  # the kernel turns it; it never forwards link-local ones
        return Echo(echo.destination, echo.source, TURNED_TTL, echo.data, echo.port)

    def _complain(self, error: OSError) -> None:
        number = error.errno or 0
        if number not in self._told:
            self._told.add(number)
            self.log.warn(
                "{device}: BFD echo: {error} (told once)",
                device=self._device,
                error=error,
            )
