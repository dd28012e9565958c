"""Run a command with a limit, without waiting for it.

The child is watched through a pidfd (pidfd_open(2), Linux 5.3), which the reactor polls
like any socket: no SIGCHLD race, no polling, and a process identifier that cannot be
confused with a later process. Each command leads a session of its own, so that a
hung script is ended together with everything it started.
"""

from __future__ import annotations

import grp
import os
import pwd
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IDelayedCall, IReadDescriptor
from twisted.logger import Logger
from zope.interface import implementer

from hanode.interfaces import IProcesses
from hanode.outputs import Outputs, Pipe

KILL_AFTER = 2.0  # seconds between SIGTERM and SIGKILL, as keepalived's
UNSAFE = ("IFS", "LD_PRELOAD", "LD_LIBRARY_PATH")  # not passed on to scripts


@dataclass(frozen=True)
class Exit:
    """How a command ended: its status, or the signal that killed it."""

    status: int | None
    signal: int | None = None
    timed_out: bool = False

    @property
    def ok(self) -> bool:
        """Whether it ended by itself with status 0."""
        return self.status == 0 and not self.timed_out

    def __str__(self) -> str:
        if self.timed_out:
            return "timed out"
        if self.signal is not None:
            return f"killed by signal {self.signal}"
        return f"exited with status {self.status}"


@implementer(IProcesses)
class Processes:
    """Real programs on the real reactor.

    Without C{outputs} what they say goes to /dev/null.
    """

    def __init__(self, reactor: Any, outputs: Outputs | None = None) -> None:
        self._reactor, self._outputs = reactor, outputs

    def run(
        self,
        argv: Sequence[str],
        user: str | None = None,
        group: str | None = None,
        timeout: float | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Deferred[Exit]:
        """See L{IProcesses.run}."""
        pipe: Pipe | None = None
        try:
            if self._outputs is not None:
                pipe = self._outputs.pipe(argv[0])
            writer = subprocess.DEVNULL if pipe is None else pipe.writer
            child = _start(argv, user, group, environment, writer)
        except (OSError, LookupError):
            if pipe is not None:
                pipe.close()
            return fail()
        if pipe is not None:
            pipe.follow()
        return _Running(self._reactor, child, timeout, pipe).done


def _start(
    argv: Sequence[str],
    user: str | None,
    group: str | None,
    environment: Mapping[str, str] | None,
    output: int,
) -> subprocess.Popen[bytes]:
    given = os.environ if environment is None else environment
    clean = {k: v for k, v in given.items() if k not in UNSAFE}
    return subprocess.Popen(
        list(argv),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        env=clean,
        start_new_session=True,
        **identity_of(user, group),
    )


def identity_of(user: str | None, group: str | None) -> dict[str, Any]:
    """What subprocess needs to become C{user}; raises L{LookupError} for unknown ones.

    Becoming ourselves needs no privilege, and ours are the groups that we have.
    """
    if user is None:
        return {}
    entry = pwd.getpwnam(user)
    name = (group or "").removeprefix(":")
    gid = grp.getgrnam(name).gr_gid if name else entry.pw_gid
    others: list[int] = []
    if group is not None and group.startswith(":"):
        others = os.getgrouplist(user, gid)
    already = entry.pw_uid == os.geteuid() and gid == os.getegid()
    if already and not (others and os.geteuid() == 0):
        return {}
    return {"user": entry.pw_uid, "group": gid, "extra_groups": others}


@implementer(IReadDescriptor)
class _Running:
    """One child: readable, in the reactor's eyes, once it has ended."""

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        child: subprocess.Popen[bytes],
        timeout: float | None,
        pipe: Pipe | None = None,
    ) -> None:
        self._reactor, self._child, self._pipe = reactor, child, pipe
        self.done: Deferred[Exit] = Deferred(self._cancelled)
        self._fd = os.pidfd_open(child.pid)
        self._timed_out = False
        self._call: IDelayedCall | None = None
        if timeout is not None:
            self._call = reactor.callLater(timeout, self._expire)
        reactor.addReader(self)

    def fileno(self) -> int:
        """The pidfd."""
        return self._fd

    def logPrefix(self) -> str:
        """A name for Twisted's own log lines."""
        return f"process {self._child.pid}"

    def connectionLost(self, reason: object) -> None:
        """The reactor let go of us: it is shutting down."""

    def doRead(self) -> None:
        """The child has ended: reap it and tell how."""
        self._reactor.removeReader(self)
        os.close(self._fd)
        if self._call is not None and self._call.active():
            self._call.cancel()
        if self._timed_out:
            # What it started may have outlived it. Before it is reaped: afterwards
            # its number may already be that of another process group.
            self._signal(signal.SIGKILL)
        code = self._child.wait()  # it is a zombie by now: this does not wait
        if self._pipe is not None:
            self._pipe.ended()
        status, killer = (code, None) if code >= 0 else (None, -code)
        if not self.done.called:  # else nobody wants to know any more
            self.done.callback(Exit(status, killer, self._timed_out))

    def _cancelled(self, done: Deferred[Exit]) -> None:
        if self._call is not None and self._call.active():
            self._call.cancel()
        self._expire()

    def _expire(self) -> None:
        self._timed_out = True
        self._signal(signal.SIGTERM)
        self._call = self._reactor.callLater(KILL_AFTER, self._signal, signal.SIGKILL)

    def _signal(self, number: int) -> None:
        try:
            os.killpg(self._child.pid, number)
        except ProcessLookupError:
            self.log.debug("process group {pid} is gone", pid=self._child.pid)
