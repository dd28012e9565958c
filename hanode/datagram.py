"""UDP ports for a protocol that sends and hears many small packets a second.

udp(7), ip(7), ipv6(7) and socket(7) describe the options. Reading the TTL of a packet
and its addresses doubles its price (1.6 us without, 3.8 us with). So a listener has
two sockets on its port, and the kernel, which knows the TTL anyway, puts into one of
them what needs nothing but its bytes: packets that are marked as known.
"""

from __future__ import annotations

import errno
import itertools
import socket
import sys
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IReadDescriptor
from twisted.logger import Logger
from zope.interface import implementer

from hanode import bpf
from hanode.config.model import IpAddress
from hanode.interfaces import Datagram, IUdpListener
from hanode.sockets import (
    address_named,
    address_of,
    device_name,
    enlarge,
    family_of,
    udp_socket,
)

IP_PKTINFO, IP_RECVTTL = 8, 12  # linux/in.h; Python has no names for these
RECEIVE_BUFFER = 8 << 20  # bytes: a second of 10,000 packets, as the kernel counts
KNOWN_PER_DRAIN = 4000  # packets: 8 ms, then others may have the reactor
STRANGERS_PER_DRAIN = 32  # packets: they cost more, and lead to more work
LARGEST = 512  # bytes that are read of a packet; what is longer is cut
ANCILLARY = 128  # bytes: room for addresses and TTL

Known = Callable[[list[bytes]], object]
Strangers = Callable[[Datagram], object]


@implementer(IUdpListener)
class Listener:
    """A UDP port; C{closed} is called once when it is given back."""

    def __init__(
        self,
        reactor: Any,
        port: int,
        version: int,
        device: str,
        known: Known,
        strangers: Strangers,
        mark: int,
        closed: Callable[[], object],
    ) -> None:
        self._reactor, self._closed = reactor, closed
        self._where = port, version, device
        self._mark = mark
        self._receivers = known, strangers
        self._readers: list[_Reader] = []
        self._resting = True
        self._ttl = 0

    def open(self, ttl: int, alone: bool) -> None:
        """Bind and begin to read. Raises L{OSError}.

        C{alone}: nobody may have the port, else others of ours have it for another
        device.
        """
        port, version, device = self._where
        self._ttl = ttl
        if alone:  # sockets that share a port would share it with other programs too
            with udp_socket(version, device) as probe:
                bpf.attach(probe, bpf.SO_ATTACH_FILTER, bpf.NOTHING)
                probe.bind(("", port))
        known, strangers = self._receivers
        try:
            # The strangers' socket is the first: until there is another it gets all,
            # which is right, because strangers are looked at closely.
            bound = self._bound()
            self._readers = [_Strangers(bound, version, strangers, self.close)]
            if self._mark >= 0:
                program = bpf.marked(version, self._mark)
                # Before bind it would keep other devices from sharing the port.
                bpf.attach(bound, bpf.SO_ATTACH_REUSEPORT_CBPF, program)
                reader = _Known(self._bound(), version, known, self.close)
                self._readers.insert(0, reader)
        except OSError:
            self._close_all()
            raise
        self.rest(False)

    def _bound(self) -> socket.socket:
        port, version, device = self._where
        bound = udp_socket(version, device)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            enlarge(bound, RECEIVE_BUFFER)
            program = bpf.least_ttl(version, self._ttl)
            bpf.attach(bound, bpf.SO_ATTACH_FILTER, program)  # before any arrives
            bound.bind(("", port))
        except OSError:
            bound.close()
            raise
        return bound

    def reopen(self) -> None:
        """Bind once more, as the youngest of those that share the port.

        The new sockets join the old ones before these end: no packet finds the port
        closed. When a socket goes, the kernel gives its place to the last one, so
        the known ones' goes first. Raises L{OSError}, and is as it was before.
        """
        fresh: list[socket.socket] = []
        try:
            for _ in self._readers:
                fresh.append(self._bound())
        except OSError:
            for each in fresh:
                each.close()
            raise
        resting = self._resting
        self.rest(True)
        readers = tuple(self._readers)
        for reader in readers:
            reader.replace(fresh.pop())
        if not self._readers:  # a receiver closed us
            for reader in readers:
                reader.socket.close()
        self.rest(resting)

    def drain(self) -> bool:
        """See L{IUdpListener.drain}."""
        done = True
        for reader in tuple(self._readers):
            done = reader.read() and done
        return done

    def rest(self, resting: bool) -> None:
        """See L{IUdpListener.rest}."""
        if resting == self._resting:
            return
        self._resting = resting
        for reader in self._readers:
            if resting:
                self._reactor.removeReader(reader)
            else:
                self._reactor.addReader(reader)

    def least_ttl(self, ttl: int) -> None:
        """See L{IUdpListener.least_ttl}."""
        program = bpf.least_ttl(self._where[1], ttl)
        self._ttl = ttl
        for reader in self._readers:
            bpf.attach(reader.socket, bpf.SO_ATTACH_FILTER, program)

    def close(self) -> None:
        """See L{IUdpListener.close}."""
        if self._readers:
            self.rest(True)
            self._close_all()
            self._closed()

    def _close_all(self) -> None:
        for reader in self._readers:
            reader.socket.close()
        self._readers.clear()


@implementer(IReadDescriptor)
class _Reader:
    """One socket of a listener, as the reactor sees it."""

    log = Logger()

    def __init__(
        self,
        bound: socket.socket,
        version: int,
        receiver: Callable[..., object],
        lost: Callable[[], object],
    ) -> None:
        self.socket = bound
        self._version, self._receiver, self._lost = version, receiver, lost
        self._told: set[int] = set()  # error numbers that are in the log already
        self._prepare()

    def replace(self, bound: socket.socket) -> None:
        """Read from C{bound} from now on, after all that waits in the one before."""
        while not self.read():
            pass
        old, self.socket = self.socket, bound
        old.close()
        self._prepare()

    def _prepare(self) -> None:
        """Ask for what is to be known of each packet: nothing."""

    def read(self) -> bool:
        """Hand over what waits; False when more waits than is read in one go."""
        raise NotImplementedError

    def fileno(self) -> int:
        """The socket's descriptor, -1 once it is closed."""
        return self.socket.fileno()

    def logPrefix(self) -> str:
        """A name for Twisted's own log lines."""
        return "UDP listener"

    def connectionLost(self, reason: object) -> None:
        """The reactor let go of us: it is shutting down."""
        self._lost()

    def doRead(self) -> None:
        """The reactor says that something waits."""
        self.read()

    def _complain(self, error: OSError) -> None:
        # Once of each kind: at this rate the log would be the next to fail.
        number = error.errno or 0
        if number not in self._told:
            self._told.add(number)
            self.log.warn("receiving UDP: {error} (told once)", error=error)

    def _hand_over(self, received: object) -> None:
        try:
            self._receiver(received)
        except Exception:
            self.log.failure("a receiver of UDP packets failed")


class _Known(_Reader):
    """Reads nothing but bytes, and hands all of them over in one call."""

    def read(self) -> bool:
        """See L{_Reader.read}."""
        packets: list[bytes] = []
        append, receive = packets.append, self.socket.recv
        empty = True
        try:
            for _ in itertools.repeat(None, KNOWN_PER_DRAIN):
                append(receive(LARGEST))
            empty = False
        except OSError as error:
            if error.errno != errno.EAGAIN:
                self._complain(error)
        if packets:
            self._hand_over(packets)
        return empty


class _Strangers(_Reader):
    """Reads each packet with all that the kernel knows about it."""

    def _prepare(self) -> None:
        if self._version == 4:
            self.socket.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
            self.socket.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)
        else:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)

    def read(self) -> bool:
        """See L{_Reader.read}."""
        for _ in itertools.repeat(None, STRANGERS_PER_DRAIN):
            if self.socket.fileno() < 0:  # a receiver closed us
                return True
            try:
                received = self.socket.recvmsg(LARGEST, ANCILLARY)
            except BlockingIOError:
                return True
            except OSError as error:
                self._complain(error)
                return True
            datagram = self._datagram(*received)
            if datagram is not None:
                self._hand_over(datagram)
        return False

    def _datagram(
        self,
        data: bytes,
        ancillary: list[tuple[int, int, bytes]],
        flags: int,
        name: tuple[Any, ...],
    ) -> Datagram | None:
        """The packet as a record, None when its interface is gone already."""
        destination: IpAddress | None = None
        index, ttl = 0, -1
        for level, kind, value in ancillary:
            if (level, kind) == (socket.IPPROTO_IP, IP_PKTINFO):
                index = int.from_bytes(value[:4], sys.byteorder)
                destination = address_of(value[8:12])
            elif (level, kind) == (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO):
                index = int.from_bytes(value[16:20], sys.byteorder)
                destination = address_of(value[:16])
            else:  # TTL or hop limit: nothing else was asked for
                ttl = int.from_bytes(value[:4], sys.byteorder)
        try:
            device = device_name(self.socket, index)
        except OSError:  # nobody is there to be answered
            return None
        if destination is None or ttl < 0:
            return None
        source = address_named(family_of(self._version), name[0])
        return Datagram(data, source, name[1], destination, ttl, device)
