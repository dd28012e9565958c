"""Ask a server by datagrams and wait for its answer: one connected socket each time.

udp(7), ip(7), ipv6(7). A connected socket hears nobody but the server, and is told of
ICMP errors; with IP_RECVERR also of those that may pass, such as host unreachable.
Whatever the server does, the answer to the question comes in time: silence, garbage
and floods are outcomes with a name.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IReadDescriptor
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from hanode import bpf
from hanode.config.balance_model import Target
from hanode.result import FAULT, Result
from hanode.sockets import (
    address_of,
    device_index,
    socket_name,
    udp_socket,
)
from hanode.stream import OUR_ERRORS, name_of

IP_RECVERR, IPV6_RECVERR = 11, 25  # linux/in.h, linux/in6.h
SO_DETACH_FILTER = 27  # asm-generic/socket.h; Python has no names for these
LONGEST = 65535  # bytes of a datagram
PER_READ = 50  # datagrams, then others may have the reactor
MOST_STRAYS = 1000  # datagrams that are no answer, until it is called a flood

TIMEOUT = "timeout"
FLOODED = "flooded"
CANCELLED = "cancelled"


class Listener(Protocol):
    """Knows what counts as an answer."""

    def heard(self, data: bytes) -> Result | None:
        """What this datagram means; None when it is no answer to the question."""

    def silence(self) -> Result:
        """What it means that no answer came in time."""

    def concerns(self, packet: bytes) -> bool:
        """Whether an ICMP error, which quotes C{packet}, is about the question."""


def failed(error: OSError, detail: str = "") -> Result:
    """The result of a probe that met C{error}."""
    text = detail or error.strerror or str(error)
    return Result(False, name_of(error), text, ours=error.errno in OUR_ERRORS)


def open_udp(target: Target) -> socket.socket:
    """A UDP socket that is connected to the target. Raises L{OSError}."""
    return prepared(udp_socket(target.address.version, target.device), target)


def prepared(
    opened: socket.socket, target: Target, ports: bool = True
) -> socket.socket:
    """Mark, bind and connect it, and let it hear of ICMP errors.

    Without C{ports} it belongs to a protocol that has none. Raises L{OSError}, and
    then it is closed.
    """
    address, own = target.address, target.bind_address
    try:
        if address.version == 4:
            opened.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        else:
            opened.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
        if target.mark:
            mark = struct.pack("I", target.mark)
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, mark)
        index = device_index(opened, target.device) if target.device else 0
        own_port = target.bind_port if ports else 0
        if own_port:
            # Other probes may have the same port. What is for them, and what comes
            # from anybody until we are connected, is not for us.
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bpf.attach(opened, bpf.SO_ATTACH_FILTER, bpf.NOTHING)
        if own is not None or own_port:
            wildcard = address_of(bytes(4 if address.version == 4 else 16))
            opened.bind(socket_name(own or wildcard, own_port, index))
        opened.connect(socket_name(address, target.port if ports else 0, index))
        if own_port:
            opened.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)
    except OSError:
        opened.close()
        raise
    return opened


def ask(
    reactor: Any,
    opened: socket.socket,
    packet: bytes,
    timeout: float,
    listener: Listener,
) -> Deferred[Result]:
    """Send C{packet} and wait up to C{timeout} seconds for what C{listener} wants.

    The socket is closed in any case. The Deferred does not fail.
    """
    probe = _Probe(reactor, opened, listener)
    probe.start(packet, timeout)
    return probe.done


@implementer(IReadDescriptor)
class _Probe:
    """One question, until its answer."""

    log = Logger()

    def __init__(self, reactor: Any, opened: socket.socket, listener: Listener) -> None:
        self._reactor, self._socket, self._listener = reactor, opened, listener
        self._began = reactor.seconds()
        self._strays = 0
        self._timer: Any = None
        self.done: Deferred[Result] = Deferred(self._cancelled)
        self.fileno = opened.fileno

    def start(self, packet: bytes, timeout: float) -> None:
        """Ask."""
        try:
            self._socket.send(packet)
        except OSError as error:
            self._socket.close()
            self.done.callback(failed(error))
            return
        self._timer = self._reactor.callLater(timeout, self._expire)
        self._reactor.addReader(self)

    def doRead(self) -> None:
        """Something has come."""
        self._finish(self._guarded())

    def connectionLost(self, reason: Failure) -> None:
        """The reactor has seen an error and reads no more, or is shutting down."""
        if self._timer is None:
            return
        if not reason.check(ConnectionDone):
            self._give_back()
            return
        self._finish(self._guarded())
        if self._timer is not None:  # the error was about somebody else's packet
            self._reactor.addReader(self)

    def logPrefix(self) -> str:
        """A name for Twisted's own log lines."""
        return "probe"

    def _expire(self) -> None:
        # If the reactor was late, the answer may wait in the socket.
        self._finish(self._guarded(last=True))

    def _guarded(self, last: bool = False) -> Result | None:
        """What is known by now; C{last}: there is no more time."""
        try:
            found = self._read()
            if found is None and last:
                found = self._listener.silence()
        except Exception:
            self.log.failure("a checker failed to understand an answer")
            found = Result(False, FAULT, "see the log", ours=True)
        return found

    def _read(self) -> Result | None:
        for _ in range(PER_READ):
            try:
                data = self._socket.recv(LONGEST)
            except BlockingIOError:
                return None
            except OSError as error:
                found = self._judged(error)
            else:
                found = self._listener.heard(data)
            if found is not None:
                return found
            self._strays += 1
        if self._strays < MOST_STRAYS:
            return None
        return Result(False, FLOODED, f"{self._strays} datagrams, none the answer")

    def _judged(self, error: OSError) -> Result | None:
        """What an error means; None when it is about somebody else's packet."""
        reports = list(_reports(self._socket))
        for number, source, packet in reports:
            if self._listener.concerns(packet):
                told = OSError(number, os.strerror(number))
                by = f", says {source}" if source else ""
                return failed(told, f"{told.strerror}{by}")
        return None if reports else failed(error)

    def _finish(self, result: Result | None) -> None:
        if result is None:
            return
        self._give_back()
        seconds = self._reactor.seconds() - self._began
        self.done.callback(replace(result, seconds=seconds))

    def _give_back(self) -> None:
        timer, self._timer = self._timer, None
        if timer is None:
            return
        if timer.active():
            timer.cancel()
        self._reactor.removeReader(self)
        self._socket.close()

    def _cancelled(self, done: Deferred[Result]) -> None:
        self._give_back()
        done.callback(Result(False, CANCELLED))


def _reports(opened: socket.socket) -> Iterator[tuple[int, str, bytes]]:
    """What waits in the error queue: errno, who told it, and the packet it quotes.

    ip(7), IP_RECVERR: a struct sock_extended_err, and the address of the offender.
    """
    for _ in range(PER_READ):
        try:
            packet, ancillary, _, _ = opened.recvmsg(512, 512, socket.MSG_ERRQUEUE)
        except OSError:  # EAGAIN: the queue is empty
            return
        for _, kind, data in ancillary:
            if kind in (IP_RECVERR, IPV6_RECVERR) and len(data) >= 16:
                (number,) = struct.unpack_from("I", data)
                yield number, _offender(data[16:]), packet


def _offender(name: bytes) -> str:
    """The address in a struct sockaddr_in or sockaddr_in6, "" for none."""
    family = struct.unpack_from("H", name)[0] if len(name) >= 2 else 0
    if family == socket.AF_INET and len(name) >= 8:
        return str(address_of(name[4:8]))
    if family == socket.AF_INET6 and len(name) >= 24:
        return str(address_of(name[8:24]))
    return ""
