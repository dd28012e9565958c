"""The writing end of a named pipe (fifo(7)): nothing is lost in silence.

The pipe is opened for reading and writing, as keepalived does: that never waits for a
reader, and what is written before one comes stays in the pipe (64 KiB). What does not
fit waits here, in its order, and is written as the reader reads. Lines are written
whole: a write of up to PIPE_BUF bytes is never mixed with another one (pipe(7)).
"""

from __future__ import annotations

import os
import stat
import struct
from collections import deque
from fcntl import ioctl
from pwd import getpwuid
from termios import FIONREAD
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IWriteDescriptor
from twisted.logger import Logger
from zope.interface import implementer

PIPE_BUF = 4096  # bytes, limits.h
MOST = 65536  # lines that wait here; more than a reader can have missed by accident
BURST = 16  # writes in one turn of the reactor


@implementer(IWriteDescriptor)
class FifoWriter:
    """One named pipe; C{lost} counts the lines that nobody read in time.

    @param owner: user and group that a new one is given.
    """

    log = Logger()

    def __init__(
        self, reactor: Any, path: str, owner: tuple[int, int], mode: int = 0o600
    ) -> None:
        self.path = path
        self._reactor, self._owner, self._mode = reactor, owner, mode
        self._fd = -1
        self._made: tuple[int, int] | None = None  # which one is ours to remove
        self._queue: deque[bytes] = deque()
        self._idle: list[Deferred[None]] = []
        self._complaining = False
        self.lost = 0
        self.written = 0  # bytes of the stream that do not wait here any more
        self.end = 0  # bytes of the stream: where the last line ends

    # -- life

    def open(self) -> None:
        """Make it, unless it is there already. Raises L{OSError} that says what to do.

        One that is there is used if it is a named pipe and ours, or its owner's.
        """
        try:
            os.mkfifo(self.path, 0o600)
            made = True
        except FileExistsError:
            made = False
            self._refuse_others(os.lstat(self.path))
        self._fd = self._opened()
        status = os.fstat(self._fd)
        try:
            self._refuse_others(status)
            if made:
                self._made = status.st_dev, status.st_ino
                # In this order: what is not ours any more takes another capability.
                os.fchmod(self._fd, self._mode)
                if self._owner != (status.st_uid, status.st_gid):
                    os.fchown(self._fd, *self._owner)
        except OSError:
            self.close()
            raise

    def _opened(self) -> int:
        """A descriptor of it.

        Root without CAP_DAC_OVERRIDE may not open what an earlier process of ours has
        given away, but may take it back for a moment (CAP_CHOWN).
        """
        flags = os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            return os.open(self.path, flags)
        except PermissionError:
            if os.lstat(self.path).st_uid != self._owner[0]:
                raise
        os.chown(self.path, os.geteuid(), -1, follow_symlinks=False)
        try:
            return os.open(self.path, flags)
        finally:
            os.chown(self.path, self._owner[0], -1, follow_symlinks=False)

    def _refuse_others(self, status: os.stat_result) -> None:
        if not stat.S_ISFIFO(status.st_mode):
            raise OSError("there is something that is no FIFO: move it away")
        if status.st_uid not in (os.geteuid(), self._owner[0]):
            raise OSError(f"it belongs to {_name(status.st_uid)}: remove it")

    def close(self) -> None:
        """Readers see the end; what we made is removed. It may be called twice."""
        if self._fd < 0:
            return
        self._reactor.removeWriter(self)
        os.close(self._fd)
        self._fd = -1
        self.lost += len(self._queue)
        if self._queue:
            self._tell_loss()
        self._queue.clear()
        self._settle()
        made, self._made = self._made, None
        try:
            status = os.lstat(self.path)
            if made == (status.st_dev, status.st_ino):
                os.unlink(self.path)
        except OSError as error:
            self.log.debug("{path}: {error}", path=self.path, error=error)

    # -- lines

    def write(self, line: bytes) -> None:
        """Have C{line}, with its line feed, read by whoever reads."""
        if self._fd < 0:
            return
        self.end += len(line)
        if not self._queue and self._put(line):
            return
        if len(self._queue) >= MOST:
            self.written += len(self._queue.popleft())
            self.lost += 1
            if not self._complaining:
                self._complaining = True
                text = "notify FIFO {path}: nobody reads: the oldest lines are lost"
                self.log.error(text + " from now on", path=self.path)
        self._queue.append(line)
        if len(self._queue) == 1:
            self._reactor.addWriter(self)

    def unread(self) -> int:
        """How many bytes of those written nobody has read yet."""
        if self._fd < 0:
            return 0
        answer = ioctl(self._fd, FIONREAD, b"\0\0\0\0")
        return int(struct.unpack("=i", answer)[0])

    def idle(self) -> Deferred[None]:
        """Fires once everything is in the pipe."""
        if not self._queue:
            return succeed(None)
        done: Deferred[None] = Deferred()
        self._idle.append(done)
        return done

    def _put(self, data: bytes) -> bool:
        """Write C{data} whole; False when the pipe has no room for it."""
        try:
            size = os.write(self._fd, data)
        except BlockingIOError:
            return False
        self.written += size
        return True

    def _settle(self) -> None:
        waiting, self._idle = self._idle, []
        for done in waiting:
            done.callback(None)

    def _tell_loss(self) -> None:
        self._complaining = False
        self.log.error(
            "notify FIFO {path}: {n} lines were lost", path=self.path, n=self.lost
        )

    # -- for the reactor

    def doWrite(self) -> None:
        """There is room."""
        for _ in range(BURST):
            data = self._next()
            if not data or not self._put(b"".join(data)):
                break
            for _ in data:
                self._queue.popleft()
        if not self._queue:
            self._reactor.removeWriter(self)
            if self._complaining:
                self._tell_loss()
            self._settle()

    def _next(self) -> list[bytes]:
        """The next lines, as many as fit into one write."""
        found: list[bytes] = []
        size = 0
        for line in self._queue:
            size += len(line)
            if found and size > PIPE_BUF:
                break
            found.append(line)
        return found

    def fileno(self) -> int:
        """The pipe."""
        return self._fd

    def logPrefix(self) -> str:
        """A name for Twisted's own log lines."""
        return f"FIFO {self.path}"

    def connectionLost(self, reason: object) -> None:
        """The reactor lets go of us."""


def _name(uid: int) -> str:
    try:
        return getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
