"""Raw IP sockets on the reactor: packets with their TTL in, packets out.

raw(7), ip(7) and ipv6(7) describe the options. One socket does both directions: a
source address is given with each packet (IP_PKTINFO), because a socket bound to
a unicast address would not receive multicast. The codec of the protocol computes
checksums; nothing here knows any protocol.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.interfaces import IReadDescriptor
from twisted.logger import Logger
from zope.interface import implementer

from hanode.config.model import IpAddress
from hanode.datagram import Listener
from hanode.echo import EchoPort
from hanode.interfaces import (
    Datagram,
    IEchoPort,
    INetwork,
    IRawPort,
    IUdpListener,
    IUdpSender,
    Receiver,
)
from hanode.sender import Sender
from hanode.sockets import PRECEDENCE, address_of, bind_to_device, enlarge, explained

IP_MTU_DISCOVER, IP_PMTUDISC_DONT = 10, 0  # linux/in.h; Python has no names for these
IP_MULTICAST_ALL = 49
IP_PKTINFO = 8
IPV6_MULTICAST_ALL = 29
RECEIVE_BUFFER = 1 << 20  # bytes: a burst of a thousand adverts while we are busy
PACKETS_PER_TURN = 256  # then the reactor looks after timers and other sockets
LARGEST = 65536  # bytes: no IP packet is longer

Ancillary = Sequence[tuple[int, int, bytes]]


@implementer(INetwork)
class Network:
    """Real sockets on the real reactor."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._listeners: dict[tuple[int, int, str], Listener] = {}
        self._source_ports: set[int] = set()

    def raw(
        self,
        protocol: int,
        family: int,
        interface: str,
        receiver: Receiver,
        source: IpAddress | None = None,
        group: IpAddress | None = None,
        ttl: int = 255,
        header: bool = False,
    ) -> IRawPort:
        """See L{INetwork.raw}."""
        kind = _Packets4 if header else _Port4 if family == 4 else _Port6
        try:
            port = kind(self._reactor, protocol, interface, receiver, source, ttl)
            port.open(group)
        except OSError as error:
            subject = f"IPv{family} socket on {interface or 'any'}"
            raise explained(error, subject) from error
        return port

    def listen(
        self,
        port: int,
        family: int,
        device: str,
        known: Callable[[list[bytes]], object],
        strangers: Callable[[Datagram], object],
        mark: int = -1,
        ttl: int = 255,
    ) -> IUdpListener:
        """See L{INetwork.listen}."""
        key = port, family, device
        beside = {
            each: listener
            for each, listener in self._listeners.items()
            if each[:2] == key[:2]
        }

        def closed() -> None:
            self._listeners.pop(key, None)

        listener = Listener(
            self._reactor, port, family, device, known, strangers, mark, closed
        )
        try:
            if key in beside:
                raise OSError(errno.EADDRINUSE, "open already")
            listener.open(ttl, alone=not beside)
            self._listeners[key] = listener
            for each, other in beside.items():
                if _is_overlooked(each[2], device, family):
                    other.reopen()
        except OSError as error:
            if key not in beside:
                listener.close()
            subject = f"UDP port {port} (IPv{family})"
            if device:
                subject += f" on {device}"
            raise explained(error, subject) from error
        return listener

    def sender(
        self,
        destination: IpAddress,
        port: int,
        source: IpAddress | None = None,
        device: str = "",
        ttl: int = 255,
    ) -> IUdpSender:
        """See L{INetwork.sender}."""
        ports = self._source_ports
        try:
            return Sender(destination, port, source, device, ttl, ports)
        except OSError as error:
            subject = f"UDP to {destination} port {port}"
            if device:
                subject += f" on {device}"
            raise explained(error, subject) from error

    def echo(
        self,
        family: int,
        device: str,
        returned: Callable[[bytes], object],
        reflect: bool = False,
    ) -> IEchoPort:
        """See L{INetwork.echo}."""
        try:
            return EchoPort(self._reactor, family, device, returned, reflect)
        except OSError as error:
            subject = f"BFD echo (IPv{family}) on {device or 'no interface'}"
            raise explained(error, subject) from error


def _is_overlooked(old: str, new: str, family: int) -> bool:
    """Whether the kernel would prefer the wrong one of two listeners on one port.

    Of groups of sockets that share a port it takes the first that fits, and does not
    look for one that is bound to the device (udp4_lib_lookup2 in net/ipv4/udp.c). In
    IPv4 that is the youngest, in IPv6 the oldest; so the other one, whose device is
    C{old}, has to be opened again, to be the youngest.
    """
    return not new and bool(old) if family == 4 else not old and bool(new)


@implementer(IRawPort, IReadDescriptor)
class _Port:
    """What both families share: the life of the socket, and reading until empty."""

    log = Logger()
    family = socket.AF_INET

    def __init__(
        self,
        reactor: Any,
        protocol: int,
        interface: str,
        receiver: Receiver,
        source: IpAddress | None,
        ttl: int,
    ) -> None:
        self._reactor, self._receiver = reactor, receiver
        self._interface, self._source, self._ttl = interface, source, ttl
        self._index = socket.if_nametoindex(interface) if interface else 0
        self._ancillary: Ancillary = ()
        self._destination: IpAddress | None = None  # of the latest packet
        self._there: tuple[Any, ...] = ()
        self._buffer = bytearray(LARGEST)
        self._view = memoryview(self._buffer)
        self._open = True
        self._asked = 0  # bytes of receive buffer
        self._socket = socket.socket(self.family, socket.SOCK_RAW, protocol)
        self._socket.setblocking(False)

    def open(self, group: IpAddress | None) -> None:
        """Set all options, join C{group}, start to read. Raises L{OSError}."""
        try:
            bind_to_device(self._socket, self._interface)
            self.enlarge(RECEIVE_BUFFER)
            self._prepare()
            if group is not None:
                self._join(group)
            elif self._source is not None:
                # Unicast: what is sent to our other addresses is not for this port.
                self._socket.bind(self._name(self._source))
        except OSError:
            self._socket.close()
            raise
        self._reactor.addReader(self)

    def send(self, data: bytes, destination: IpAddress) -> None:
        """See L{IRawPort.send}; a full buffer raises too."""
        if destination is not self._destination:  # nearly always the same
            self._destination, self._there = destination, self._name(destination)
        try:
            self._socket.sendmsg((data,), self._ancillary, 0, self._there)
        except OSError as error:
            subject = f"sending to {destination} on {self._interface or 'any'}"
            raise explained(error, subject) from error

    def enlarge(self, size: int) -> None:
        """See L{IRawPort.enlarge}."""
        if size > self._asked:
            enlarge(self._socket, size)
            self._asked = size

    def close(self) -> None:
        """See L{IRawPort.close}."""
        if self._open:
            self._open = False
            self._reactor.removeReader(self)
            self._socket.close()

    def fileno(self) -> int:
        """The socket's descriptor, -1 once it is closed."""
        return self._socket.fileno()

    def logPrefix(self) -> str:
        """A name for Twisted's own log lines."""
        return f"raw socket on {self._interface}"

    def connectionLost(self, reason: object) -> None:
        """The reactor let go of us: it is shutting down."""
        self.close()

    def doRead(self) -> None:
        """Deliver what waits in the socket, up to a bound."""
        for _ in range(PACKETS_PER_TURN):
            if not self._open:  # the receiver closed us
                return
            try:
                packet = self._receive()
            except BlockingIOError:
                return
            except OSError as error:
                # The interface went down, say: told once, and the socket stays good.
                self.log.warn(
                    "{interface}: receiving: {error}",
                    interface=self._interface,
                    error=error,
                )
                return
            if packet is None:
                continue
            try:
                self._receiver(*packet)
            except Exception:
                self.log.failure(
                    "{interface}: the receiver of a packet from {source} failed",
                    interface=self._interface,
                    source=packet[1],
                )

    def _prepare(self) -> None:
        raise NotImplementedError

    def _join(self, group: IpAddress) -> None:
        raise NotImplementedError

    def _name(self, address: IpAddress) -> tuple[Any, ...]:
        raise NotImplementedError

    def _receive(self) -> tuple[bytes, IpAddress, IpAddress, int] | None:
        raise NotImplementedError


class _Port4(_Port):
    """IPv4: packets come with their header."""

    def _prepare(self) -> None:
        def option(name: int, value: int | bytes) -> None:
            self._socket.setsockopt(socket.IPPROTO_IP, name, value)

        option(socket.IP_TTL, self._ttl)
        option(socket.IP_MULTICAST_TTL, self._ttl)
        option(socket.IP_TOS, PRECEDENCE)
        option(IP_MTU_DISCOVER, IP_PMTUDISC_DONT)  # DF stays clear
        option(socket.IP_MULTICAST_LOOP, 0)
        option(IP_MULTICAST_ALL, 0)  # only the groups that this socket joined
        if self._index:
            option(socket.IP_MULTICAST_IF, struct.pack("4s4si", b"", b"", self._index))
        if self._source is not None:
            info = struct.pack("i4s4s", self._index, self._source.packed, b"")
            self._ancillary = [(socket.IPPROTO_IP, IP_PKTINFO, info)]

    def _join(self, group: IpAddress) -> None:
        membership = struct.pack("4s4si", group.packed, b"", self._index)
        self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)

    def _name(self, address: IpAddress) -> tuple[Any, ...]:
        return (str(address), 0)

    def _receive(self) -> tuple[bytes, IpAddress, IpAddress, int] | None:
        size = self._socket.recv_into(self._buffer)
        return split(self._view[:size])


class _Packets4(_Port4):
    """IPv4, where whoever sends writes the header, and whoever receives reads it."""

    def _prepare(self) -> None:
        super()._prepare()
        self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_HDRINCL, 1)

    def _receive(self) -> tuple[bytes, IpAddress, IpAddress, int] | None:
        size = self._socket.recv_into(self._buffer)
        found = split(self._view[:size])
        if found is None:
            return None
        total = self._view[2] << 8 | self._view[3]
        return bytes(self._view[:total]), *found[1:]


class _Port6(_Port):
    """IPv6: the kernel keeps the header and tells of it in ancillary data."""

    family = socket.AF_INET6

    def _prepare(self) -> None:
        def option(name: int, value: int) -> None:
            self._socket.setsockopt(socket.IPPROTO_IPV6, name, value)

        option(socket.IPV6_UNICAST_HOPS, self._ttl)
        option(socket.IPV6_MULTICAST_HOPS, self._ttl)
        option(socket.IPV6_TCLASS, PRECEDENCE)
        option(socket.IPV6_MULTICAST_LOOP, 0)
        option(IPV6_MULTICAST_ALL, 0)
        option(socket.IPV6_RECVPKTINFO, 1)
        option(socket.IPV6_RECVHOPLIMIT, 1)
        if self._index:
            option(socket.IPV6_MULTICAST_IF, self._index)
        if self._source is not None:
            info = struct.pack("16si", self._source.packed, self._index)
            self._ancillary = [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, info)]

    def _join(self, group: IpAddress) -> None:
        membership = struct.pack("16si", group.packed, self._index)
        self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, membership)

    def _name(self, address: IpAddress) -> tuple[Any, ...]:
        # Link-local addresses need their interface, others must not have one.
        local = address.is_link_local or address.is_multicast
        return (str(address), 0, 0, self._index if local else 0)

    def _receive(self) -> tuple[bytes, IpAddress, IpAddress, int] | None:
        size, ancillary, _flags, name = self._socket.recvmsg_into((self._buffer,), 128)
        destination: IpAddress | None = None
        hops = -1
        for _level, kind, value in ancillary:  # only the two that were asked for
            if kind == socket.IPV6_PKTINFO:
                destination = address_of(value[:16])
            elif kind == socket.IPV6_HOPLIMIT:
                (hops,) = struct.unpack("i", value[:4])
        source = address_of(socket.inet_pton(socket.AF_INET6, name[0].split("%")[0]))
        if destination is None or hops < 0:
            return None
        return bytes(self._view[:size]), source, destination, hops


def split(
    packet: memoryview,
) -> tuple[bytes, IpAddress, IpAddress, int] | None:
    """Take an IPv4 packet apart into payload, source, destination and TTL.

    What follows the total length (padding of a short frame) is cut off. None when
    the header is not a whole IPv4 header (RFC 791, section 3.1).
    """
    if len(packet) < 20 or packet[0] >> 4 != 4:
        return None
    header = (packet[0] & 15) * 4
    total = packet[2] << 8 | packet[3]
    if header < 20 or not header <= total <= len(packet):
        return None
    return (
        bytes(packet[header:total]),
        address_of(bytes(packet[12:16])),
        address_of(bytes(packet[16:20])),
        packet[8],
    )
