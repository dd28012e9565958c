"""TCP connections that are made to look at a server: connect, talk, let go.

L{Attempt} only connects. There is no factory and no protocol, because thousands are
made in a second. L{Stream} is a transport for a Twisted protocol over what an attempt
has reached. Whatever goes wrong has a name, see L{NAMES}.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from socket import SocketType
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IProtocol, IReadWriteDescriptor, ITransport
from twisted.python.failure import Failure
from zope.interface import implementer

from hanode import switchboard
from hanode.config.balance_model import Target
from hanode.result import FAULT
from hanode.sockets import bind_to_device, device_index, socket_name

# Plain numbers, and SocketType, the type that socket.socket is made from: without
# Python around a socket, to make and close it costs 3 us less.
IPV4, IPV6 = int(socket.AF_INET), int(socket.AF_INET6)
KIND = int(socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
IP_BIND_ADDRESS_NO_PORT = 24  # linux/in.h; Python has no name for it
READ_SIZE = 16384  # bytes at a time, so that whoever sends fast is not all we serve
EPHEMERAL = 32768  # net.ipv4.ip_local_port_range begins here
UNWATCHED = -1  # instead of a descriptor
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # struct linger

TIMEOUT = "connect timeout"
NO_ROUTE = "no route"
NO_PORT = "no free port"
MANY_FILES = "too many open files"
MEMORY = "out of memory"

#: what else the call of connect(2) itself may say
_AT_ONCE = {errno.ENETUNREACH: NO_ROUTE, errno.EADDRNOTAVAIL: NO_PORT}

#: errno -> its name in a result; any other is called as strerror(3) does
NAMES = {
    errno.ECONNREFUSED: "refused",
    errno.ECONNRESET: "reset",
    errno.ECONNABORTED: "reset",
    errno.EPIPE: "reset",
    errno.EHOSTUNREACH: "host unreachable",
    errno.EHOSTDOWN: "host unreachable",
    errno.ENETUNREACH: "network unreachable",
    errno.ENETDOWN: "network down",
    errno.ETIMEDOUT: TIMEOUT,
    errno.EADDRNOTAVAIL: "address not available",
    errno.EADDRINUSE: "address in use",
    errno.ENODEV: "no such interface",
    errno.ENXIO: "no such interface",
    errno.EPERM: "not permitted",
    errno.EACCES: "not permitted",
    errno.EMFILE: MANY_FILES,
    errno.ENFILE: MANY_FILES,
    errno.ENOBUFS: MEMORY,
    errno.ENOMEM: MEMORY,
    errno.EAGAIN: NO_PORT,  # connect(2) and bind(2): no port is left to choose
}

#: of these the server is innocent: this machine could not look; fork(2) has them, too
OUR_ERRORS = frozenset(
    (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EAGAIN)
)

#: the reasons of the same; a connection has no port also if the kernel says otherwise
OURS = frozenset((FAULT, NO_PORT, *(NAMES[number] for number in OUR_ERRORS)))


def name_of(error: OSError) -> str:
    """What went wrong, in one or two words."""
    number = error.errno or 0
    return NAMES.get(number) or (error.strerror or "unknown error").lower()


class Attempt:
    """One connection being made; a subclass says what follows.

    Exactly one of L{reached} and L{failed} is called, within C{target.timeout} and
    perhaps before L{start} returns, unless it is given up.

    How it went is asked once when everything of this turn has begun: a server nearby
    has answered by then, and neither epoll nor a deadline is needed. The time counts
    from there, at most a few ms later than L{start}.
    """

    __slots__ = ("_board", "_descriptor", "_name", "_opened", "_reactor", "_target")

    #: whether L{reached} closes the socket at once
    closing = False

    def __init__(self, reactor: Any, target: Target) -> None:
        self._reactor = reactor
        self._target = target
        self._opened: SocketType | None = None
        self._descriptor = UNWATCHED
        self._board = switchboard.of(reactor)

    def reached(self, connected: SocketType) -> None:
        """The connection stands; the socket, which does not block, is yours."""
        raise NotImplementedError

    def failed(self, reason: str, detail: str) -> None:
        """It does not; everything has been given back."""
        raise NotImplementedError

    def start(self) -> None:
        """Begin to connect. Raises nothing."""
        try:
            opened, name = _opened(self._target)
        except OSError as error:
            self.failed(name_of(error), f"before connecting: {error.strerror or error}")
            return
        number = opened.connect_ex(name)
        if number and number != errno.EINPROGRESS:
            opened.close()
            self._refuse(number, _AT_ONCE.get(number, ""))
            return
        self._opened, self._name = opened, name
        self._board.begun(self)

    def give_up(self) -> None:
        """Give everything back; nothing is called any more."""
        self._release()

    def _release(self) -> None:
        self._board.free(self, self._target.timeout)
        opened, self._opened = self._opened, None
        if opened is not None:
            self._board.forget(self._descriptor, closing=True)
            opened.close()

    def soon(self) -> None:
        """Everything of this turn has begun."""
        opened = self._opened
        if opened is None:
            return
        number = opened.connect_ex(self._name)
        if number == errno.EALREADY:
            self._wait(opened.fileno())
            return
        if not self.closing:  # what follows has its time, too
            self._board.limit(self, self._target.timeout)
        self._decide(opened, number)

    def _wait(self, descriptor: int) -> None:
        try:
            self._board.watch(descriptor, self)
        except OSError as error:  # epoll_ctl(2): ENOMEM, ENOSPC
            self._release()
            self.failed(MEMORY, f"while connecting: {error.strerror}")
            return
        self._descriptor = descriptor
        self._board.limit(self, self._target.timeout)

    def ready(self) -> None:
        """The kernel knows how it went."""
        opened = self._opened
        if opened is None:
            return
        # Asking by connect(2) is better than by SO_ERROR: it says EALREADY when we
        # are called for a socket that had this descriptor before ours.
        number = opened.connect_ex(self._name)
        if number != errno.EALREADY:
            self._decide(opened, number)

    def _decide(self, opened: SocketType, number: int) -> None:
        port = self._target.port
        if number == 0 and port >= EPHEMERAL and _is_itself(opened, port):
            number = errno.ECONNREFUSED
        if number == 0:
            self._opened = None
            self._pass_on(opened)
        else:
            self._release()
            self._refuse(number)

    def late(self) -> None:
        """The time is over."""
        self._release()
        self.failed(TIMEOUT, f"no connection after {self._target.timeout:g} s")

    def _pass_on(self, connected: SocketType) -> None:
        if self._descriptor != UNWATCHED or not self.closing:
            self._board.free(self, self._target.timeout)
            self._board.forget(self._descriptor, closing=self.closing)
        self.reached(connected)

    def _refuse(self, number: int, reason: str = "") -> None:
        error = OSError(number, os.strerror(number))
        self.failed(reason or name_of(error), f"connecting: {error.strerror}")


def _opened(target: Target) -> tuple[SocketType, tuple[Any, ...]]:
    """A socket with all that the target asks for, and the name to connect it to."""
    address = target.address
    family = IPV4 if address.version == 4 else IPV6
    own = target.bind_port or target.bind_address is not None
    if not (own or target.device or target.mark):
        return SocketType(family, KIND), socket_name(address, target.port, 0)
    opened = socket.socket(family, KIND)
    scope = 0
    try:
        if target.device:
            bind_to_device(opened, target.device)
            if family == IPV6:
                scope = device_index(opened, target.device)
        if target.mark:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, target.mark)
        if own:
            _bind(opened, target, scope)
    except OSError:
        opened.close()
        raise
    return opened, socket_name(address, target.port, scope)


def _bind(opened: socket.socket, target: Target, scope: int) -> None:
    if target.bind_port:
        # The next attempt comes from the same port to the same server: nothing may
        # be left of this one, or the kernel would refuse it for a minute (TIME_WAIT).
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    else:
        # The port is chosen by connect(2), so that two servers can share one.
        opened.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
    if target.bind_address is None:
        own: tuple[Any, ...] = ("", target.bind_port)
    else:
        own = socket_name(target.bind_address, target.bind_port, scope)
    opened.bind(own)


def _is_itself(connected: SocketType, port: int) -> bool:
    """Whether the socket, connected to C{port}, is connected to itself.

    That happens when nobody listens at a port of this machine, and the kernel chose
    just that port for our end (RFC 9293, section 3.5, simultaneous open).
    """
    try:
        own = connected.getsockname()
        return own[1] == port and bool(own == connected.getpeername())
    except OSError:  # reset meanwhile: whoever reads or writes is told
        return False


@implementer(IReadWriteDescriptor, ITransport)
class Stream:
    """A transport over a connected socket, which it owns from now on.

    Nothing happens before L{start}. A write goes to the kernel without waiting a turn.
    L{close} ends it silently; L{loseConnection} and L{abortConnection} are as
    Twisted's. C{error} is what ended it, None for a good end; the protocol is told
    of a ConnectionLost then.
    """

    __slots__ = (
        "_pending",
        "_protocol",
        "_reactor",
        "_socket",
        "disconnecting",
        "error",
        "fileno",
    )

    def __init__(
        self, reactor: Any, connected: SocketType, protocol: IProtocol
    ) -> None:
        self._reactor = reactor
        self._socket: SocketType | None = connected
        self._protocol: Any = protocol
        self._pending = bytearray()
        self.disconnecting = False
        self.error: OSError | None = None
        self.fileno = connected.fileno

    def start(self) -> None:
        """Read from now on; the protocol is told that it is connected."""
        self._reactor.addReader(self)
        self._protocol.makeConnection(self)

    def write(self, data: bytes) -> None:
        """Send C{data}; what the kernel does not take now is kept."""
        opened = self._socket
        if opened is None or self.disconnecting or not data:
            return
        if not self._pending:
            try:
                sent = opened.send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                # The reset is read by doRead, perhaps behind data that came before.
                return
            if sent == len(data):
                return
            data = data[sent:]
            self._reactor.addWriter(self)
        self._pending += data

    def writeSequence(self, data: Any) -> None:
        """Send several pieces."""
        self.write(b"".join(data))

    def doRead(self) -> None:
        """Hand over what has come."""
        opened = self._socket
        if opened is None:
            return
        try:
            data = opened.recv(READ_SIZE)
        except BlockingIOError:
            return
        except OSError as error:
            self._break(error)
            return
        if data:
            self._protocol.dataReceived(data)
        else:
            self._lose(ConnectionDone())

    def doWrite(self) -> None:
        """Send what is kept."""
        opened = self._socket
        if opened is None:
            return
        if self._pending:
            try:
                sent = opened.send(self._pending)
            except BlockingIOError:
                return
            except OSError as error:
                self._break(error)
                return
            del self._pending[:sent]
        if not self._pending:
            self._reactor.removeWriter(self)
            if self.disconnecting:
                self._lose(ConnectionDone())

    def loseConnection(self) -> None:
        """Send what is kept, then close, in a later turn."""
        if self._socket is not None and not self.disconnecting:
            self.disconnecting = True
            self._reactor.addWriter(self)

    def abortConnection(self) -> None:
        """Close now; the protocol is told in a later turn."""
        if self.close():
            reason = Failure(ConnectionAborted())
            self._reactor.callLater(0, self._protocol.connectionLost, reason)

    def close(self) -> bool:
        """Close now; the protocol is told nothing. False when it was closed already."""
        opened, self._socket = self._socket, None
        if opened is None:
            return False
        self._reactor.removeReader(self)
        if self._pending or self.disconnecting:
            self._reactor.removeWriter(self)
            self._pending.clear()
        opened.close()
        return True

    def connectionLost(self, reason: Failure) -> None:
        """The reactor saw a hang-up, or lets go of everything because it stops."""
        self._lose(reason.value or ConnectionLost())

    def logPrefix(self) -> str:
        """A name for Twisted's own log lines."""
        return "stream"

    def getPeer(self) -> Any:
        """The other end."""
        return _end(self._socket, "getpeername")

    def getHost(self) -> Any:
        """Our end."""
        return _end(self._socket, "getsockname")

    def _break(self, error: OSError) -> None:
        self.error = error
        self._lose(ConnectionLost(error.strerror))

    def _lose(self, error: BaseException) -> None:
        if self.close():
            self._protocol.connectionLost(Failure(error))


def _end(opened: SocketType | None, which: str) -> Any:
    if opened is None:
        return None
    name = getattr(opened, which)()
    kind = IPv4Address if opened.family == socket.AF_INET else IPv6Address
    return kind("TCP", *name)
