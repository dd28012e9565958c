"""nf_tables over netlink: who changes our table, and how it goes at once.

Only what nft(8) cannot do for us: hearing of changes (linux/netfilter/nf_tables.h,
NFNLGRP_NFTABLES), and a removal that is done when the call returns, for the end.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, Container
from struct import Struct
from typing import Any

from twisted.logger import Logger

from hanode.dataplanes.netlink.message import (
    ERROR,
    NLM_F_ACK,
    NLM_F_REQUEST,
    NLMSG_ERROR,
    BadMessage,
    Buffer,
    message,
    messages,
)
from hanode.dataplanes.netlink.socket import (
    RECEIVE_BUFFER,
    SO_RCVBUFFORCE,
    Notifications,
)

NETLINK_NETFILTER = 12
NFNL_SUBSYS_NFTABLES = 10
NFNLGRP_NFTABLES = 7
NFNL_MSG_BATCH_BEGIN, NFNL_MSG_BATCH_END = 0x10, 0x11
NFT_MSG_DELTABLE, NFT_MSG_NEWGEN, NFT_MSG_GETGEN = 2, 15, 16
#: the first attribute of a table is its name, that of all the others their table
NFTA_TABLE = 1
NFTA_GEN_PROC_PID, NFTA_GEN_PROC_NAME = 2, 3
NFPROTO_INET = 1
ATTRIBUTES = 4  # bytes of struct nfgenmsg before them
TIMEOUT = 2.0  # seconds; the kernel answers inside of the call

_FAMILY = Struct("=BBH")  # struct nfgenmsg: family, version, resource
_ATTRIBUTE = Struct("=HH")
_BIG_ENDIAN = Struct(">I")
_TYPE = 0x3FFF  # without NLA_F_NESTED and NLA_F_NET_BYTEORDER


def open_netfilter(groups: int = 0) -> socket.socket:
    """A netfilter netlink socket in the network namespace of this thread."""
    kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC
    opened = socket.socket(socket.AF_NETLINK, kind, NETLINK_NETFILTER)
    try:
        opened.bind((0, groups))
        try:
            opened.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER)
        except PermissionError:  # root of a user namespace: up to net.core.rmem_max
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    except OSError:
        opened.close()
        raise
    return opened


def probe() -> None:
    """Ask nf_tables for its generation. Raises L{OSError} when there is none."""
    kind = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN
    _ask(message(kind, NLM_F_REQUEST | NLM_F_ACK, _FAMILY.pack(0, 0, 0)))


def delete_table(name: str) -> None:
    """Remove table C{inet name} with all that is in it.

    It is gone when this returns. Raises L{OSError}; a table that is not there is fine.
    """
    batch = b"\0\0" + NFNL_SUBSYS_NFTABLES.to_bytes(2, "big")
    wanted = attribute(NFTA_TABLE, name.encode() + b"\0")
    body = _FAMILY.pack(NFPROTO_INET, 0, 0) + wanted
    kind = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELTABLE
    try:
        _ask(
            message(NFNL_MSG_BATCH_BEGIN, NLM_F_REQUEST, batch)
            + message(kind, NLM_F_REQUEST | NLM_F_ACK, body)
            + message(NFNL_MSG_BATCH_END, NLM_F_REQUEST, batch)
        )
    except FileNotFoundError:
        return


def _ask(request: bytes) -> None:
    with open_netfilter() as port:
        port.settimeout(TIMEOUT)
        port.send(request)
        while True:
            data = port.recv(65536)
            for kind, _, _, _, start, _ in messages(data, len(data)):
                if kind != NLMSG_ERROR:
                    continue
                code = -ERROR.unpack_from(data, start)[0]
                if code:
                    raise OSError(code, os.strerror(code))
                return


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute, filled up to a multiple of four bytes."""
    length = _ATTRIBUTE.size + len(value)
    return _ATTRIBUTE.pack(length, kind) + value + bytes(-length % 4)


def attributes(data: Buffer, start: int, end: int) -> dict[int, tuple[int, int]]:
    """Where the value of each attribute begins and ends. Raises L{BadMessage}."""
    found: dict[int, tuple[int, int]] = {}
    while start + _ATTRIBUTE.size <= end:
        length, kind = _ATTRIBUTE.unpack_from(data, start)
        if length < _ATTRIBUTE.size or start + length > end:
            raise BadMessage(f"attribute of {length} bytes in {end - start}")
        found[kind & _TYPE] = start + _ATTRIBUTE.size, start + length
        start += length + 3 & ~3
    return found


class Watch:
    """Hears of every change of our table.

    @param changed: called with who changed our table, once for each transaction: its
        process identifier, its netlink port, its name. The identifier is that of the
        outermost PID namespace; the port of a program with one netlink socket is its
        identifier in its own. 0 and "" where the kernel does not say.
    @param overrun: called when there was more news than could be read.
    @param families: those of the tables of that name that are ours.
    """

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        name: str,
        changed: Callable[[int, int, str], object],
        overrun: Callable[[], object],
        port: Any = None,
        families: Container[int] = (NFPROTO_INET,),
    ) -> None:
        self._families = families
        self._table = name.encode() + b"\0"
        self._changed = changed
        self._overrun = overrun
        self._touched, self._port = False, 0
        port = port or open_netfilter(1 << NFNLGRP_NFTABLES - 1)
        self._news = Notifications(reactor, self._received, _nothing, self._lost, port)

    def close(self) -> None:
        """Listen no more."""
        self._news.close()

    def drain(self) -> None:
        """Read what waits, now."""
        self._news.doRead()

    def _received(
        self, kind: int, port: int, data: bytearray, start: int, end: int
    ) -> None:
        if kind >> 8 != NFNL_SUBSYS_NFTABLES:
            return
        found = attributes(data, start + ATTRIBUTES, end)
        if kind & 0xFF != NFT_MSG_NEWGEN:
            first, last = found.get(NFTA_TABLE, (0, 0))
            if data[start] in self._families and data[first:last] == self._table:
                self._touched, self._port = True, port
            return
        # It closes the transaction whose changes came before it.
        if self._touched:
            self._touched = False
            pid, name = _author(data, found)
            self._changed(pid, self._port, name)

    def _lost(self) -> None:
        self._touched = False
        self._overrun()


def _author(data: Buffer, found: dict[int, tuple[int, int]]) -> tuple[int, str]:
    pid, name = 0, ""
    if NFTA_GEN_PROC_PID in found:
        (pid,) = _BIG_ENDIAN.unpack_from(data, found[NFTA_GEN_PROC_PID][0])
    if NFTA_GEN_PROC_NAME in found:
        first, last = found[NFTA_GEN_PROC_NAME]
        name = bytes(data[first:last]).rstrip(b"\0").decode(errors="replace")
    return pid, name


def _nothing() -> None:
    """Nothing waits for the end of a drain."""


def reason(error: OSError) -> str:
    """What an errno means, for people."""
    if error.errno == errno.EPROTONOSUPPORT:
        return "the kernel has no netfilter netlink"
    if error.errno in (errno.EINVAL, errno.EOPNOTSUPP):
        return "the kernel has no nf_tables"
    return os.strerror(error.errno) if error.errno else str(error)
