"""Messages of ctnetlink, made by hand, and a socket that says them."""

from __future__ import annotations

import socket
import struct
from ipaddress import ip_address

from twisted.internet.task import Clock

from hanode.dataplanes.netlink.message import NLMSG_DONE
from hanode.dataplanes.netlink.message import message as message_of
from hanode.dataplanes.nftables_conntrack import (
    CTA_ID,
    CTA_PROTOINFO,
    CTA_STATUS,
    CTA_TUPLE_ORIG,
    CTA_TUPLE_REPLY,
    Connection,
    parse,
)
from hanode.dataplanes.nftables_netlink import attribute
from hanode.lvs import Destination, Endpoint, Fwmark, Service

VIP, CLIENT = ip_address("192.0.2.10"), ip_address("192.0.2.99")
REAL = ip_address("10.0.0.1")
NEW = 1 << 8  # IPCTNL_MSG_CT_NEW


def tuple_of(source, sport, destination, dport, protocol):
    first = 1 if source.version == 4 else 3
    ends = attribute(first, source.packed) + attribute(first + 1, destination.packed)
    ports = attribute(1, bytes((protocol,))) + attribute(2, struct.pack(">H", sport))
    ports += attribute(3, struct.pack(">H", dport))
    return attribute(0x8001, ends) + attribute(0x8002, ports)


def entry(vip=VIP, real=REAL, protocol=6, status=0x1AE, state=3, port=80):
    """The body of a message about a connection from CLIENT."""
    client = CLIENT if vip.version == 4 else ip_address("2001:db8::99")
    family = socket.AF_INET if vip.version == 4 else socket.AF_INET6
    asked = tuple_of(client, 4711, vip, 80, protocol)
    led = tuple_of(real, port, client, 4711, protocol)
    body = bytes((family, 0, 0, 0)) + attribute(0x8000 | CTA_TUPLE_ORIG, asked)
    body += attribute(0x8000 | CTA_TUPLE_REPLY, led)
    body += attribute(CTA_STATUS, struct.pack(">I", status))
    if state is not None:
        tcp = attribute(0x8001, attribute(1, bytes((state,))))
        body += attribute(0x8000 | CTA_PROTOINFO, tcp)
    return body + attribute(CTA_ID, b"\1\2\3\4")


def read(body):
    return parse(body, 0, len(body))


def service(identity, *reals):
    return {identity: Service(identity, "rr", destinations=reals)}


def connection(vip=VIP, port=80, real=REAL, to=80):
    return Connection(Endpoint(vip, port, "TCP"), real, to, True, b"")


ONE = Destination(REAL, 80)
WEB, ANY, MARK = Endpoint(VIP, 80, "TCP"), Endpoint(VIP, 0, "TCP"), Fwmark(7)


class Port:
    """A netlink socket that says what it is told to."""

    def __init__(self, *packets):
        self.packets, self.sent, self.closed = list(packets), [], False

    def setblocking(self, blocking):
        """As a socket's."""

    def fileno(self):
        return 99

    def send(self, data):
        self.sent.append(data)

    def recv(self, size):
        if not self.packets:
            raise BlockingIOError
        packet = self.packets.pop(0)
        if isinstance(packet, Exception):
            raise packet
        return packet

    def close(self):
        self.closed = True


class Reactor(Clock):
    """Remembers who reads."""

    def __init__(self):
        super().__init__()
        self.readers = []

    def addReader(self, reader):
        self.readers.append(reader)

    def removeReader(self, reader):
        self.readers.remove(reader)


END = message_of(NLMSG_DONE, 0, b"\0\0\0\0")
