"""Programs that are started often, without waiting for them to start.

Starting a program takes the time until it runs, because the kernel stops us until then:
half a millisecond on an idle machine, tens of them on a busy one. Hundreds of track
scripts a second would make advertisements late. So another process, of the code in
L{hanode.launching}, starts them; it is told by a datagram, and tells us when they end.
"""

from __future__ import annotations

import errno
import os
import pickle
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IDelayedCall, IReadDescriptor, IWriteDescriptor
from twisted.logger import Logger
from zope.interface import implementer

from hanode import launching
from hanode.interfaces import IProcesses
from hanode.launching import ENDED, FAILED, LARGEST, RUN, SIGNAL
from hanode.outputs import Outputs, Pipe
from hanode.processes import KILL_AFTER, UNSAFE, Exit, identity_of

AT_ONCE = 200  # answers read in one turn of the reactor


class _Run:
    """One program that was asked for."""

    def __init__(self, done: Deferred[Exit], pipe: Pipe | None) -> None:
        self.done, self.pipe = done, pipe
        self.timed_out = False
        self.call: IDelayedCall | None = None

    def over(self) -> None:
        """It has ended, or was never begun: the time limit does not matter any more."""
        if self.call is not None and self.call.active():
            self.call.cancel()


@implementer(IProcesses, IReadDescriptor, IWriteDescriptor)
class Launcher:
    """The process that starts programs for us; it is begun when there is one to start.

    If it dies, what it has started is lost: those runs fail with EAGAIN.
    """

    log = Logger()

    def __init__(self, reactor: Any, outputs: Outputs | None = None) -> None:
        self._reactor, self._outputs = reactor, outputs
        self._door: socket.socket | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._runs: dict[int, _Run] = {}
        self._number = 0
        self._environment: dict[str, str] = {}  # of the other process
        self._waiting: deque[tuple[bytes, list[int]]] = deque()

    # -- IProcesses

    def run(
        self,
        argv: Sequence[str],
        user: str | None = None,
        group: str | None = None,
        timeout: float | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Deferred[Exit]:
        """See L{IProcesses.run}; the time limit counts from now."""
        self._number += 1
        number = self._number
        pipe: Pipe | None = None
        given = os.environ if environment is None else environment
        wanted: dict[str, str] | None
        wanted = {k: v for k, v in given.items() if k not in UNSAFE}
        try:
            if self._door is None:
                self._open()
            if wanted == self._environment:
                wanted = None  # the other process has it, and this is done often
            request = (RUN, number, list(argv), identity_of(user, group), wanted)
            if self._outputs is not None:
                pipe = self._outputs.pipe(argv[0])
            self._send(request, () if pipe is None else (pipe.writer,))
        except (OSError, LookupError):
            if pipe is not None:
                pipe.close()
            return fail()
        if pipe is not None:
            pipe.follow()
        done: Deferred[Exit] = Deferred(lambda _: self._end(number))
        run = self._runs[number] = _Run(done, pipe)
        if timeout is not None:
            run.call = self._reactor.callLater(timeout, self._end, number)
        return done

    def close(self) -> None:
        """End the process, and with it all that it has started."""
        if self._door is not None:
            self._reactor.removeReader(self)
            self._reactor.removeWriter(self)
            self._door.close()
            self._door = None
        while self._waiting:
            _close(self._waiting.popleft()[1])

    def _end(self, number: int) -> None:
        """Ask for the end of a program: SIGTERM, and SIGKILL if that does not help."""
        run = self._runs.get(number)
        if run is None:
            return
        run.over()
        run.timed_out = True
        self._signal(number, signal.SIGTERM)
        run.call = self._reactor.callLater(
            KILL_AFTER, self._signal, number, signal.SIGKILL
        )

    def _signal(self, number: int, which: int) -> None:
        try:
            self._send((SIGNAL, number, int(which)))
        except OSError as error:
            self.log.warn("a program could not be ended: {error}", error=error)

    def _send(self, words: tuple[Any, ...], outputs: Sequence[int] = ()) -> None:
        """Tell the other process; what it cannot take yet waits, in its order."""
        data = pickle.dumps(words)
        if len(data) > LARGEST:
            raise OSError(errno.E2BIG, os.strerror(errno.E2BIG))
        self._waiting.append((data, [os.dup(each) for each in outputs]))
        if len(self._waiting) == 1:
            self.doWrite()

    def doWrite(self) -> None:
        """Tell what waits, as much as there is room for."""
        while self._waiting and self._door is not None:
            data, outputs = self._waiting[0]
            try:
                socket.send_fds(self._door, [data], outputs)
            except BlockingIOError:
                self._reactor.addWriter(self)
                return
            except BrokenPipeError:
                return  # it has died: reading tells of it
            self._waiting.popleft()
            _close(outputs)
        if self._door is not None:
            self._reactor.removeWriter(self)

    # -- the other process

    def _open(self) -> None:
        self._environment = {k: v for k, v in os.environ.items() if k not in UNSAFE}
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        try:
            self._child = subprocess.Popen(
                [sys.executable, "-I", "-S", launching.__file__, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                env=self._environment,
                start_new_session=True,
            )
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        self._door = ours
        self._reactor.addReader(self)

    def _lost(self) -> None:
        """It has died, which it should not: those who wait are told."""
        self.close()
        self.log.error("the process that starts scripts has ended: it is begun anew")
        if self._child is not None:
            self._child.poll()
        runs, self._runs = self._runs, {}
        for run in runs.values():
            text = "the process that starts scripts has ended"
            self._finish(run, OSError(errno.EAGAIN, text))

    def fileno(self) -> int:
        """The socket's."""
        return -1 if self._door is None else self._door.fileno()

    def logPrefix(self) -> str:
        """A name for Twisted's own log lines."""
        return "launcher"

    def connectionLost(self, reason: object) -> None:
        """The reactor lets go of us: it is shutting down."""

    def doRead(self) -> None:
        """Programs have started, or ended."""
        for _ in range(AT_ONCE):
            if self._door is None:
                return
            try:
                data = self._door.recv(LARGEST)
            except BlockingIOError:
                return
            except ConnectionResetError:
                data = b""
            if not data:
                self._lost()
                return
            self._answered(*pickle.loads(data))

    def _answered(self, word: str, number: int, *rest: Any) -> None:
        if word not in (ENDED, FAILED):
            return
        run = self._runs.pop(number, None)
        if run is None:
            return
        if word == ENDED:
            (code,) = rest
            status, killer = (code, None) if code >= 0 else (None, -code)
            self._finish(run, Exit(status, killer, run.timed_out))
            return
        code, text, file = rest
        words = (code, os.strerror(code), file) if code else (text,)
        self._finish(run, OSError(*words))

    def _finish(self, run: _Run, end: Exit | OSError) -> None:
        run.over()
        if run.pipe is not None:
            run.pipe.ended()
        if run.done.called:  # nobody wants to know any more
            return
        if isinstance(end, OSError):
            run.done.errback(end)
        else:
            run.done.callback(end)


def _close(descriptors: Iterable[int]) -> None:
    for each in descriptors:
        os.close(each)
