"""A connected UDP socket with a source port of its own.

udp(7), ip(7) and ipv6(7) describe the options. Connected, a packet out costs neither
a look at its address nor a search for its route.
"""

from __future__ import annotations

import errno
import socket
from random import SystemRandom

from zope.interface import implementer

from hanode import bpf
from hanode.config.model import IpAddress
from hanode.interfaces import IUdpSender
from hanode.sockets import (
    PRECEDENCE,
    address_named,
    address_of,
    device_index,
    family_of,
    socket_name,
    udp_socket,
)

FIRST_PORT, LAST_PORT = 49152, 65535  # RFC 5881, section 4
TRIES = 1000  # random ports; nine of ten in use, they all fail once in 10**45

_random = SystemRandom()


@implementer(IUdpSender)
class Sender:
    """A connected UDP socket; C{ports} are those in use, and ours is added."""

    __slots__ = ("_ports", "_socket", "port", "send", "source")

    def __init__(
        self,
        destination: IpAddress,
        port: int,
        source: IpAddress | None,
        device: str,
        ttl: int,
        ports: set[int],
    ) -> None:
        version = destination.version
        opened = udp_socket(version, device)
        try:
            # Nothing is read here, so nothing may wait here; the kernel still tells
            # the next send of an ICMP error.
            bpf.attach(opened, bpf.SO_ATTACH_FILTER, bpf.NOTHING)
            _prepare(opened, version, ttl)
            index = device_index(opened, device) if device else 0
            own = _bind(opened, source, version, index, ports)
            opened.connect(socket_name(destination, port, index))
            found = opened.getsockname()[0]
        except OSError:
            opened.close()
            raise
        self._socket, self._ports, self.port = opened, ports, own
        self.source = address_named(family_of(version), found)
        self.send = opened.send
        ports.add(own)

    def close(self) -> None:
        """See L{IUdpSender.close}."""
        if self._socket.fileno() >= 0:
            self._socket.close()
            self._ports.discard(self.port)


def _prepare(opened: socket.socket, version: int, ttl: int) -> None:
    if version == 4:
        opened.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
        opened.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, PRECEDENCE)
    else:
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, ttl)
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, PRECEDENCE)


def _bind(
    opened: socket.socket,
    source: IpAddress | None,
    version: int,
    index: int,
    ports: set[int],
) -> int:
    """Bind to a random port that none of ours has, on whatever address, and return it.

    RFC 5881, section 4: unique among all sessions of the system.
    """
    wildcard = address_of(bytes(4 if version == 4 else 16))
    for _ in range(TRIES):
        port = _random.randint(FIRST_PORT, LAST_PORT)
        if port in ports:
            continue
        try:
            opened.bind(socket_name(source or wildcard, port, index))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
        else:
            return port
    raise OSError(errno.EADDRINUSE, f"no port {FIRST_PORT}-{LAST_PORT} is free")
