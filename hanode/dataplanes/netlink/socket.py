"""rtnetlink on the reactor: requests in batches, notifications, dumps (netlink(7)).

Requests and notifications have a socket each: the answers to what we ask can then
not be lost in a flood of news, nor the other way round. rtnetlink works inside of
sendmsg: when L{Requests.send} returns, the kernel has done what it was asked; only the
answers are read later. They are few: a request without NLM_F_ACK is answered only
when it fails, so the last one of a batch alone asks for an answer, and that one closes
the batch.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import sys
from collections import deque
from collections.abc import Callable, Sequence
from fcntl import ioctl
from struct import pack, pack_into, unpack_from
from typing import Any

from twisted.internet.interfaces import IReadDescriptor
from twisted.logger import Logger
from zope.interface import implementer

from hanode.bpf import (
    ALL,
    AT_LEAST,
    EQUAL,
    LOAD_BYTE,
    RETURN,
    SHARED_BITS,
    SO_ATTACH_FILTER,
    Program,
    attach,
)
from hanode.dataplanes.netlink.message import (
    ERROR,
    NLM_F_ACK,
    NLM_F_DUMP_INTR,
    NLMSG_DONE,
    NLMSG_ERROR,
    BadMessage,
    dump_request,
    messages,
)

RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR = 0x1, 0x10, 0x100
RTMGRP_IPV4_ROUTE, RTMGRP_IPV6_ROUTE = 0x40, 0x400
GROUPS = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR
GROUPS |= RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE
SOL_NETLINK, NETLINK_CAP_ACK = 270, 10
NETLINK_ADD_MEMBERSHIP, NETLINK_DROP_MEMBERSHIP = 1, 2
NETLINK_GET_STRICT_CHK = 12
SO_RCVBUFFORCE = 33
SIOCGIFFLAGS = 0x8913  # netdevice(7)
RECEIVE_BUFFER = 8 << 20  # bytes; a notification takes about 1 KiB of it
CHUNK = 64 << 10  # bytes in one send; the send buffer holds 208 KiB
LARGEST = 256 << 10  # bytes of one received datagram
AT_ONCE = 4096  # datagrams read in one turn of the reactor
DUMP_TIMEOUT = 2.0  # seconds
DUMP_ATTEMPTS = 10

_LITTLE = sys.byteorder == "little"
_TYPE_AT, _REPLACE_AT = (4, 7) if _LITTLE else (5, 6)  # one octet of the two
_PROTOCOL_AT, _KIND_AT = 21, 23  # of a route: behind the header
#: Of routes only removals and replacements are of interest, and only of those of the
#: kernel to networks, of people (boot, static), of DHCP, and of our own. Those of
#: routing daemons change by the hundred thousand.
FEW_ROUTES: Program = (
    (LOAD_BYTE, 0, 0, _TYPE_AT),
    (EQUAL, 0, 2, 24),  # RTM_NEWROUTE
    (LOAD_BYTE, 0, 0, _REPLACE_AT),
    (SHARED_BITS, 1, 9, 1),  # NLM_F_REPLACE, 0x100
    (EQUAL, 0, 7, 25),  # RTM_DELROUTE
    (LOAD_BYTE, 0, 0, _PROTOCOL_AT),
    (EQUAL, 0, 2, 2),  # RTPROT_KERNEL
    (LOAD_BYTE, 0, 0, _KIND_AT),
    (EQUAL, 3, 4, 1),  # RTN_UNICAST
    (AT_LEAST, 0, 2, 5),
    (EQUAL, 1, 0, 16),  # RTPROT_DHCP
    (EQUAL, 0, 1, 18),  # RTPROT_KEEPALIVED
    (RETURN, 0, 0, ALL),
    (RETURN, 0, 0, 0),
)

Answers = Callable[[Sequence[Any], dict[int, int]], object]
Received = Callable[[int, int, bytearray, int, int], object]


def open_netlink(groups: int = 0, protocol: int = 0) -> socket.socket:
    """A netlink socket in the network namespace of this thread.

    C{protocol} is NETLINK_ROUTE (0) or another one of netlink(7).
    """
    kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC
    opened = socket.socket(socket.AF_NETLINK, kind, protocol)
    try:
        opened.bind((0, groups))
        opened.setsockopt(SOL_NETLINK, NETLINK_CAP_ACK, 1)
        try:
            opened.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER)
        except PermissionError:  # root of a user namespace: up to net.core.rmem_max
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    except OSError:
        opened.close()
        raise
    return opened


def dump(kind: int, opened: Callable[[], Any] = open_netlink) -> list[bytes]:
    """All bodies that the kernel has of RTM_GETLINK or RTM_GETADDR, in its order.

    The kernel answers at once, so this waits for it: some 3 us per address. A dump
    that was disturbed by a change is repeated. Raises L{OSError}.
    """
    return ask(dump_request(kind), opened)


def open_strict() -> socket.socket:
    """A socket whose dumps give only what the header of the request names.

    A kernel before 4.20 cannot do that and gives everything.
    """
    opened = open_netlink()
    with contextlib.suppress(OSError):
        opened.setsockopt(SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1)
    return opened


def ask(request: bytes, opened: Callable[[], Any] = open_strict) -> list[bytes]:
    """All bodies that the kernel gives to a dump C{request}; see L{dump}."""
    with opened() as port:
        port.settimeout(DUMP_TIMEOUT)
        for _ in range(DUMP_ATTEMPTS):
            port.send(request)
            found, disturbed = _receive_dump(port)
            if not disturbed:
                break
        return found


def _receive_dump(port: Any) -> tuple[list[bytes], bool]:
    found: list[bytes] = []
    disturbed = False
    while True:
        data = port.recv(LARGEST)
        for kind, flags, _, _, start, end in messages(data, len(data)):
            disturbed = disturbed or bool(flags & NLM_F_DUMP_INTR)
            if kind == NLMSG_DONE:
                return found, disturbed
            if kind == NLMSG_ERROR:
                code = -ERROR.unpack_from(data, start)[0]
                raise OSError(code, errno.errorcode.get(code, "unknown"))
            found.append(data[start:end])


@implementer(IReadDescriptor)
class _Port:
    """One netlink socket that the reactor reads until it is empty."""

    log = Logger()

    def __init__(self, reactor: Any, port: Any, overrun: Callable[[], object]) -> None:
        self._reactor = reactor
        self._port = port
        self._overrun = overrun
        self._buffer = bytearray(LARGEST)
        self._incomplete = False  # something of what is being read was lost
        port.setblocking(False)
        self.number: int = port.getsockname()[0]
        reactor.addReader(self)

    def fileno(self) -> int:
        """The descriptor that the reactor waits for; -1 when closed."""
        return int(self._port.fileno())

    def logPrefix(self) -> str:
        return "netlink"

    def connectionLost(self, reason: Any) -> None:
        self._port.close()

    def close(self) -> None:
        """Stop reading and give the socket back."""
        self._reactor.removeReader(self)
        self._port.close()

    def doRead(self) -> None:
        """Read until nothing is left, then say so."""
        for _ in range(AT_ONCE):
            try:
                size = self._port.recv_into(self._buffer)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                self._incomplete = True
                continue
            try:
                for kind, _, sequence, port, start, end in messages(self._buffer, size):
                    self._message(kind, sequence, port, start, end)
            except BadMessage as error:
                self.log.error("cannot read netlink: {error}", error=error)
                self._incomplete = True
        else:
            return  # the reactor comes back at once, others had their turn
        incomplete, self._incomplete = self._incomplete, False
        if incomplete:
            self._overrun()
        self._drained()

    def _message(
        self, kind: int, sequence: int, port: int, start: int, end: int
    ) -> None:
        raise NotImplementedError

    def _drained(self) -> None:
        pass


class Requests(_Port):
    """The asking side.

    @param answered: called with C{(tags, errors)} once for each batch, when the
        kernel's answers to it are read: the tags as given to L{send}, and the errno of
        each that failed, by its position. A batch whose answers were lost is told no
        more; C{overrun} is called instead.
    """

    def __init__(
        self,
        reactor: Any,
        answered: Answers,
        overrun: Callable[[], object],
        port: Any = None,
    ) -> None:
        self._answered = answered
        self._sequence = 0
        self._batches: deque[tuple[int, Sequence[Any], dict[int, int]]] = deque()
        super().__init__(reactor, port or open_netlink(), overrun)

    def send(self, requests: Sequence[bytes], tags: Sequence[Any]) -> None:
        """Have the kernel do all C{requests} in order, before this returns.

        C{tags} name them, one each, in C{answered}. A request that fails does not keep
        the later ones from being done. Longer batches than 64 KiB are sent in parts.
        """
        first = size = 0
        for part, request in enumerate(requests):
            if size and size + len(request) > CHUNK:
                self._send(requests[first:part], tags[first:part])
                first, size = part, 0
            size += len(request)
        if size:
            self._send(requests[first:], tags[first:])

    def _send(self, requests: Sequence[bytes], tags: Sequence[Any]) -> None:
        data = bytearray().join(requests)
        sequence, offset, last = self._sequence, 0, 0
        for request in requests:
            sequence = sequence + 1 & 0xFFFFFFFF
            pack_into("=I", data, offset + 8, sequence)
            last = offset
            offset += len(request)
        data[last + 6] |= NLM_F_ACK
        batch = (self._sequence + 1, tags, dict[int, int]())
        self._sequence = sequence
        self._batches.append(batch)
        try:
            self._port.send(data)
        except OSError as error:
            self._batches.remove(batch)
            code = error.errno or errno.EIO
            self._answered(tags, dict.fromkeys(range(len(tags)), code))

    def _message(
        self, kind: int, sequence: int, port: int, start: int, end: int
    ) -> None:
        if kind != NLMSG_ERROR:
            return
        code = -ERROR.unpack_from(self._buffer, start)[0]
        for batch in tuple(self._batches):
            first, tags, errors = batch
            position = sequence - first & 0xFFFFFFFF
            if position >= len(tags):
                continue
            if code:
                errors[position] = code
            if position == len(tags) - 1:
                self._batches.remove(batch)
                self._answered(tags, errors)
            return

    def is_up(self, interface: str) -> bool:
        """Whether the interface exists and has IFF_UP at this moment."""
        request = pack("16sH14x", interface.encode(), 0)
        try:
            answer = ioctl(self._port.fileno(), SIOCGIFFLAGS, request)
        except OSError:
            return False
        flags: int = unpack_from("16xH", answer)[0]
        return bool(flags & 1)

    def forget(self) -> None:
        """Await no more answers: they were lost, and a dump says what is true."""
        self._batches.clear()


class Notifications(_Port):
    """The listening side: what changes in links and addresses.

    @param received: called with C{(kind, port, data, start, end)} for each message;
        C{port} is the netlink port of who asked for it, 0 for the kernel itself;
        C{data} is only good during the call.
    @param drained: called when everything that was waiting has been received.
    @param overrun: called before that when the kernel had to drop some of it.
    """

    def __init__(
        self,
        reactor: Any,
        received: Received,
        drained: Callable[[], object],
        overrun: Callable[[], object],
        port: Any = None,
    ) -> None:
        self._received = received
        self._when_drained = drained
        if port is None:
            port = open_netlink(GROUPS)
            attach(port, SO_ATTACH_FILTER, FEW_ROUTES)
        super().__init__(reactor, port, overrun)

    def listen(self, group: int, wanted: bool) -> None:
        """Hear the news of one more group (RTNLGRP_*), or of one less."""
        option = NETLINK_ADD_MEMBERSHIP if wanted else NETLINK_DROP_MEMBERSHIP
        self._port.setsockopt(SOL_NETLINK, option, group)

    def _message(
        self, kind: int, sequence: int, port: int, start: int, end: int
    ) -> None:
        self._received(kind, port, self._buffer, start, end)

    def _drained(self) -> None:
        self._when_drained()
