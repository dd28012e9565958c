"""What sockets of every kind need: options, address objects, errors that say where."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import struct
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from hanode.config.model import IpAddress

SO_RCVBUFFORCE = 33  # asm-generic/socket.h; Python has no name for it
SIOCGIFNAME, SIOCGIFINDEX = 0x8910, 0x8933  # linux/sockios.h
PRECEDENCE = 0xC0  # internetwork control, RFC 791, as routing protocols send
ADDRESSES_KEPT = 1024  # address objects are remembered: making one costs 1 us

_known: dict[bytes, IpAddress] = {}


def address_of(packed: bytes) -> IpAddress:
    """The address object of 4 or 16 bytes, remembered."""
    known = _known.get(packed)
    if known is None:
        if len(_known) >= ADDRESSES_KEPT:  # somebody is sending from everywhere
            _known.clear()
        known = IPv4Address(packed) if len(packed) == 4 else IPv6Address(packed)
        _known[packed] = known
    return known


def address_named(family: int, name: str) -> IpAddress:
    """The address object of a socket name of C{family} (AF_INET...), without zone."""
    return address_of(socket.inet_pton(family, name.partition("%")[0]))


def explained(error: OSError, subject: str) -> OSError:
    """The same error, saying what it is about."""
    number = error.errno or errno.ENODEV  # if_nametoindex(3) gives none
    text = os.strerror(number)
    if number == errno.EPERM:
        text += " (it takes root, or CAP_NET_RAW)"
    return OSError(number, f"{subject}: {text}")


def bind_to_device(port: socket.socket, device: str) -> None:
    """Let the socket send and receive on one interface, or in one VRF, only."""
    if device:
        name = device.encode() + b"\0"
        port.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, name)


def enlarge(port: socket.socket, size: int) -> None:
    """Ask for a receive buffer of C{size} bytes, or what comes near it."""
    try:  # beyond net.core.rmem_max, which CAP_NET_ADMIN allows
        port.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, size)
    except PermissionError:
        port.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)


def device_name(port: socket.socket, index: int) -> str:
    """The present name of an interface, in the network that the socket is in.

    Never remembered: names change and indices are used again. Raises L{OSError} when
    there is none any more.
    """
    request = struct.pack("16si20x", b"", index)
    found = fcntl.ioctl(port, SIOCGIFNAME, request)
    return found[:16].partition(b"\0")[0].decode(errors="replace")


def device_index(port: socket.socket, device: str) -> int:
    """The index of an interface, in the network that the socket is in.

    Raises L{OSError} when there is no such interface.
    """
    request = struct.pack("16si20x", device.encode()[:15], 0)
    (index,) = struct.unpack_from("i", fcntl.ioctl(port, SIOCGIFINDEX, request), 16)
    return int(index)


def family_of(version: int) -> socket.AddressFamily:
    """The address family of IP version 4 or 6."""
    return socket.AF_INET if version == 4 else socket.AF_INET6


def socket_name(address: IpAddress, port: int, index: int) -> tuple[Any, ...]:
    """What bind(2) and connect(2) take; C{index} is that of an interface, or 0."""
    if address.version == 4:
        return socket.inet_ntoa(address.packed), port  # a third of what str() costs
    # A link-local address needs its interface, others must not have one.
    return str(address), port, 0, index if address.is_link_local else 0


def udp_socket(version: int, device: str) -> socket.socket:
    """A UDP socket of IP version 4 or 6 only, that does not block, on one device."""
    opened = socket.socket(family_of(version), socket.SOCK_DGRAM)
    try:
        opened.setblocking(False)
        bind_to_device(opened, device)
        if version == 6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    except OSError:
        opened.close()
        raise
    return opened
