"""The kernel tells when processes begin, change and end (the proc connector).

linux/connector.h, linux/cn_proc.h. It needs CAP_NET_ADMIN, and works in the first
network and process namespaces only. Threads are left out.
"""

from __future__ import annotations

import errno
import os
import socket
from struct import Struct
from typing import Any, Protocol

from twisted.internet.interfaces import IReadDescriptor
from twisted.logger import Logger
from zope.interface import implementer

NETLINK_CONNECTOR = 11
CN_IDX_PROC = CN_VAL_PROC = 1
NLMSG_DONE = 3
PROC_CN_MCAST_LISTEN = 1
FORK, EXEC, COMM, EXIT = 0x1, 0x2, 0x200, 0x80000000
SO_RCVBUFFORCE = 33
RECEIVE_BUFFER = 4 << 20  # bytes; one event takes about 800 of them
LARGEST = 4096  # bytes of a datagram, which has one event
AT_ONCE = 2000  # events read in one turn of the reactor: some 5 ms
PATIENCE = 1.0  # seconds for the answer to our request, which comes at once

_NETLINK = Struct("=IHHII")
_MESSAGE = Struct("=IIIIHH")  # cn_msg: idx, val, seq, ack, length, flags
_EVENT = Struct("=IIQ")  # what, processor, time
_START = _NETLINK.size + _MESSAGE.size
_TASKS = Struct("=IIII")  # of a fork: the parent's task and process, the child's
_TASK = Struct("=II")
_WORD = Struct("=I")


class Listener(Protocol):
    """Who is told."""

    def forked(self, parent: int, child: int) -> object:
        """C{parent} has a new process C{child}, which is like itself so far."""

    def changed(self, pid: int) -> object:
        """The process runs another program now, or has another name."""

    def ended(self, pid: int) -> object:
        """The process is no more."""

    def drained(self) -> object:
        """That was all for now."""

    def lost(self) -> object:
        """Some events were lost: whatever is known may be wrong."""


@implementer(IReadDescriptor)
class ProcConnector:
    """The socket. Raises L{OSError} when the kernel does not want to tell."""

    log = Logger()

    def __init__(self, reactor: Any, listener: Listener) -> None:
        self._reactor, self._listener = reactor, listener
        self._socket = _open()
        reactor.addReader(self)

    def fileno(self) -> int:
        """The socket's."""
        return self._socket.fileno()

    def logPrefix(self) -> str:
        """A name for Twisted's own log lines."""
        return "processes"

    def connectionLost(self, reason: object) -> None:
        """The reactor let go of us: it is shutting down."""

    def close(self) -> None:
        """Be told no more."""
        self._reactor.removeReader(self)
        self._socket.close()

    def doRead(self) -> None:
        """Tell what there is, up to a bound."""
        for _ in range(AT_ONCE):
            try:
                data = self._socket.recv(LARGEST)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                self._listener.lost()
                break
            _tell(data, self._listener)
            if self._socket.fileno() < 0:  # closed by who was told
                return
        self._listener.drained()


def _open() -> socket.socket:
    kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC
    opened = socket.socket(socket.AF_NETLINK, kind, NETLINK_CONNECTOR)
    try:
        opened.bind((0, CN_IDX_PROC))
        try:
            opened.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER)
        except PermissionError:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        opened.settimeout(PATIENCE)
        opened.send(_request())
        _answer(opened.recv(LARGEST))
        opened.setblocking(False)
    except OSError:
        opened.close()
        raise
    return opened


def _request() -> bytes:
    wish = _WORD.pack(PROC_CN_MCAST_LISTEN)
    message = _MESSAGE.pack(CN_IDX_PROC, CN_VAL_PROC, 0, 0, len(wish), 0) + wish
    length = _NETLINK.size + len(message)
    return _NETLINK.pack(length, NLMSG_DONE, 0, 0, os.getpid()) + message


def _answer(data: bytes) -> None:
    """The first event is the answer, unless a process was quicker: then it works."""
    what, _, _ = _EVENT.unpack_from(data, _START)
    refusal = _WORD.unpack_from(data, _START + _EVENT.size)[0]
    if what == 0 and refusal:
        raise OSError(refusal, os.strerror(refusal))


def _tell(data: bytes, listener: Listener) -> None:
    if len(data) < _START + _EVENT.size + _TASK.size:
        return
    what = _EVENT.unpack_from(data, _START)[0]
    at = _START + _EVENT.size
    if what == FORK:
        _, parent, task, child = _TASKS.unpack_from(data, at)
        if task == child:
            listener.forked(parent, child)
        return
    if what in (EXEC, COMM, EXIT):
        task, process = _TASK.unpack_from(data, at)
        if task == process or what == EXEC:
            tell = listener.ended if what == EXIT else listener.changed
            tell(process)
