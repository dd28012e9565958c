"""The connections that the kernel tracks: counted per real server, and cut.

ctnetlink (linux/netfilter/nfnetlink_conntrack.h). All of them are read, a few at each
turn of the reactor, so that a million of them delays nobody.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from ipaddress import ip_address
from socket import AF_INET, AF_INET6, IPPROTO_TCP
from struct import Struct
from struct import error as StructError
from typing import Any, NamedTuple

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReadDescriptor
from twisted.logger import Logger
from zope.interface import implementer

from hanode.config.scalars import IpAddress
from hanode.dataplanes.netlink.message import (
    ERROR,
    NLM_F_DUMP,
    NLM_F_REQUEST,
    NLMSG_DONE,
    NLMSG_ERROR,
    BadMessage,
    Buffer,
    message,
    messages,
)
from hanode.dataplanes.nftables_netlink import (
    ATTRIBUTES,
    attribute,
    attributes,
    open_netfilter,
)
from hanode.lvs import Destination, Endpoint, Identity, Service, Table

NFNL_SUBSYS_CTNETLINK = 1
IPCTNL_MSG_CT_GET, IPCTNL_MSG_CT_DELETE = 1, 2
CTA_TUPLE_ORIG, CTA_TUPLE_REPLY, CTA_STATUS, CTA_PROTOINFO = 1, 2, 3, 4
CTA_ID, CTA_ZONE, CTA_STATUS_MASK = 12, 18, 26
CTA_TUPLE_IP, CTA_TUPLE_PROTO = 1, 2
CTA_IP_SRC: dict[int, int] = {AF_INET: 1, AF_INET6: 3}
CTA_IP_DST: dict[int, int] = {AF_INET: 2, AF_INET6: 4}
CTA_PROTO_NUM, CTA_PROTO_SRC_PORT, CTA_PROTO_DST_PORT = 1, 2, 3
CTA_PROTOINFO_TCP = CTA_PROTOINFO_TCP_STATE = 1
TCP_CONNTRACK_ESTABLISHED = 3
IPS_DST_NAT = 1 << 5
PROTOCOLS = {6: "TCP", 17: "UDP", 132: "SCTP"}
CUT_AT_ONCE = 200
AT_ONCE = 8  # datagrams read in one turn of the reactor, of some 100 entries each

_FAMILY = Struct("=BBH")
_PORT = Struct(">H")
_NUMBER = Struct(">I")

Key = tuple[IpAddress, int]
#: of each destination: connections that are established, and others
Counts = dict[tuple[Identity, Key], tuple[int, int]]


class Connection(NamedTuple):
    """One tracked connection whose destination was translated.

    C{endpoint} is what the client asked for, C{server} and C{port} where it was led
    to. C{handle} are the attributes by which the kernel knows it.
    """

    endpoint: Endpoint
    server: IpAddress
    port: int
    established: bool
    handle: bytes


def parse(data: Buffer, start: int, end: int) -> Connection | None:
    """Read the body of IPCTNL_MSG_CT_NEW; None for one that is not of interest.

    Raises L{BadMessage}.
    """
    try:
        return _parse(data, start, end)
    except (IndexError, ValueError, StructError) as error:
        raise BadMessage(f"connection of {end - start} bytes: {error}") from error


def _parse(data: Buffer, start: int, end: int) -> Connection | None:
    family = data[start]
    found = attributes(data, start + ATTRIBUTES, end)
    if family not in CTA_IP_SRC or CTA_TUPLE_ORIG not in found:
        return None
    if CTA_TUPLE_REPLY not in found or not _translated(data, found):
        return None
    asked = _end(data, *found[CTA_TUPLE_ORIG], CTA_IP_DST[family], CTA_PROTO_DST_PORT)
    led = _end(data, *found[CTA_TUPLE_REPLY], CTA_IP_SRC[family], CTA_PROTO_SRC_PORT)
    if asked is None or led is None or asked[2] not in PROTOCOLS:
        return None
    handle = bytes((family, 0, 0, 0))
    for kind in (CTA_TUPLE_ORIG, CTA_ID, CTA_ZONE):
        if kind in found:
            first, last = found[kind]
            nested = 0x8000 if kind == CTA_TUPLE_ORIG else 0
            handle += attribute(kind | nested, bytes(data[first:last]))
    endpoint = Endpoint(asked[0], asked[1], PROTOCOLS[asked[2]])
    established = asked[2] == IPPROTO_TCP and _established(data, found)
    return Connection(endpoint, led[0], led[1], established, handle)


def _translated(data: Buffer, found: dict[int, tuple[int, int]]) -> bool:
    if CTA_STATUS not in found:
        return False
    return bool(_NUMBER.unpack_from(data, found[CTA_STATUS][0])[0] & IPS_DST_NAT)


def _end(
    data: Buffer, start: int, end: int, address: int, port: int
) -> tuple[IpAddress, int, int] | None:
    """Address, port and protocol of one end of a tuple."""
    parts = attributes(data, start, end)
    if CTA_TUPLE_IP not in parts or CTA_TUPLE_PROTO not in parts:
        return None
    addresses = attributes(data, *parts[CTA_TUPLE_IP])
    protocol = attributes(data, *parts[CTA_TUPLE_PROTO])
    if address not in addresses or port not in protocol:
        return None
    first, last = addresses[address]
    (number,) = _PORT.unpack_from(data, protocol[port][0])
    kind = data[protocol[CTA_PROTO_NUM][0]] if CTA_PROTO_NUM in protocol else 0
    return ip_address(bytes(data[first:last])), number, kind


def _established(data: Buffer, found: dict[int, tuple[int, int]]) -> bool:
    place = found.get(CTA_PROTOINFO)
    for kind in (CTA_PROTOINFO_TCP, CTA_PROTOINFO_TCP_STATE):
        if place is None:
            return False
        place = attributes(data, *place).get(kind)
    return place is not None and data[place[0]] == TCP_CONNTRACK_ESTABLISHED


class Owners:
    """Which service of C{table} a connection belongs to."""

    def __init__(self, table: Table) -> None:
        self._table = table
        # What has a mark does not say so itself; its real servers tell.
        self._marked: dict[Key, tuple[Identity, Destination]] = {}
        for identity, service in table.items():
            if not isinstance(identity, Endpoint):
                for each in service.destinations:
                    self._marked.setdefault(each.key, (identity, each))

    def find(self, connection: Connection) -> tuple[Identity, Key] | None:
        """The service and the key of the real server; None when it is not ours.

        The real server need not be in the service any more.
        """
        asked = connection.endpoint
        service = self._table.get(asked)
        if service is None:
            service = self._table.get(Endpoint(asked.address, 0, asked.protocol))
        if service is not None:
            return service.identity, _key(service, connection)
        for port in (connection.port, 0):
            marked = self._marked.get((connection.server, port))
            if marked is not None:
                return marked[0], marked[1].key
        return None


def _key(service: Service, connection: Connection) -> Key:
    keys = [each.key for each in service.destinations]
    anyport = connection.server, 0
    return anyport if anyport in keys else (connection.server, connection.port)


def is_lost(connection: Connection, before: Owners, now: Table) -> bool:
    """Whether it leads to a real server that its service does not have any more.

    C{before} are all services there were and are.
    """
    found = before.find(connection)
    if found is None:
        return False
    service = now.get(found[0])
    if service is None:
        return True
    return found[1] not in [each.key for each in service.destinations]


@implementer(IReadDescriptor)
class Walk:
    """Tells C{found} of each connection whose destination is translated.

    @ivar done: fires with None at the end, or fails with L{OSError}.
    """

    log = Logger()

    def __init__(
        self, reactor: Any, found: Callable[[Connection], object], port: Any = None
    ) -> None:
        self.done: Deferred[None] = Deferred()
        self._reactor, self._found = reactor, found
        self._port = port or open_netfilter()
        self._port.setblocking(False)
        # Kernels before 6.0 do not know the filter, and tell of all.
        wanted = _NUMBER.pack(IPS_DST_NAT)
        body = _FAMILY.pack(0, 0, 0) + attribute(CTA_STATUS, wanted)
        body += attribute(CTA_STATUS_MASK, wanted)
        kind = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET
        try:
            self._port.send(message(kind, NLM_F_REQUEST | NLM_F_DUMP, body))
        except OSError:
            self._port.close()
            raise
        reactor.addReader(self)

    def fileno(self) -> int:
        """The descriptor that the reactor waits for."""
        return int(self._port.fileno())

    def logPrefix(self) -> str:
        """A name for Twisted's own log lines."""
        return "conntrack"

    def connectionLost(self, reason: object) -> None:
        """The reactor let go of us: it is shutting down."""

    def close(self) -> None:
        """Look no further; C{done} never fires."""
        self._reactor.removeReader(self)
        self._port.close()

    def doRead(self) -> None:
        """Read some."""
        for _ in range(AT_ONCE):
            try:
                data = self._port.recv(65536)
            except BlockingIOError:
                return
            except OSError as error:
                self._end(error)
                return
            try:
                if self._take(data):
                    return
            except BadMessage as error:
                self._end(OSError(errno.EBADMSG, str(error)))
                return

    def _take(self, data: bytes) -> bool:
        for kind, _, _, _, start, end in messages(data, len(data)):
            if kind == NLMSG_DONE:
                self._end(None)
                return True
            if kind == NLMSG_ERROR:
                code = -ERROR.unpack_from(data, start)[0]
                self._end(OSError(code, os.strerror(code)))
                return True
            connection = parse(data, start, end)
            if connection is not None:
                self._found(connection)
        return False

    def _end(self, error: OSError | None) -> None:
        self.close()
        if error is None:
            self.done.callback(None)
        else:
            self.done.errback(error)


def deletion(connection: Connection) -> bytes:
    """The request that makes the kernel forget a connection."""
    kind = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE
    return message(kind, NLM_F_REQUEST, connection.handle)


def cut(reactor: Any, connections: list[Connection]) -> None:
    """Forget these connections, some at each turn of the reactor.

    Their next packet finds a real server anew. One that is gone already is fine.
    Raises L{OSError} without a netlink.
    """
    with open_netfilter() as port:
        # They are forgotten when send returns.
        port.send(b"".join(deletion(each) for each in connections[:CUT_AT_ONCE]))
    if len(connections) > CUT_AT_ONCE:
        reactor.callLater(0, cut, reactor, connections[CUT_AT_ONCE:])
