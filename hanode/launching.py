"""Starts programs for somebody who must not wait: the other end of L{hanode.launcher}.

It is a process of its own, with nothing but the standard library in it. Requests and
answers are pickled tuples in datagrams of one socket, an answer's first word being:

    failed NUMBER ERRNO TEXT FILE       it could not be started
    ended NUMBER CODE                   it has ended: status, or minus the signal

When the socket is closed, whoever asked is gone: every program that still runs is
ended with its process group, and so do we.
"""

from __future__ import annotations

import os
import pickle
import select
import signal
import socket
import sys
import time
from typing import Any, NoReturn

LARGEST = 1 << 17  # bytes of a request: argv and perhaps an environment
NICE = -10
KILL_AFTER = 2.0  # seconds between SIGTERM and SIGKILL
RUN, SIGNAL = "run", "signal"
FAILED, ENDED = "failed", "ended"


class _Run:
    """One program; C{trouble} is where it reports that it could not be started."""

    def __init__(self, number: int, pid: int, trouble: int) -> None:
        self.number, self.pid, self.trouble = number, pid, trouble
        self.signalled = False  # it was to end


class Launches:
    """The programs that run, by their pidfd.

    They are started without waiting for them: on a busy machine that takes long.
    """

    def __init__(self, door: socket.socket) -> None:
        self._door = door
        self._poll = select.poll()
        self._poll.register(door, select.POLLIN)
        self._running: dict[int, _Run] = {}

    def serve(self) -> None:
        """Do what is asked until nobody asks any more."""
        while True:
            for descriptor, _ in self._poll.poll():
                if descriptor != self._door.fileno():
                    self._ended(descriptor)
                elif not self._asked():
                    self._leave()
                    return

    def _asked(self) -> bool:
        """Take one request; return whether there is anybody."""
        try:
            data, outputs, _, _ = socket.recv_fds(
                self._door, LARGEST, 1, socket.MSG_CMSG_CLOEXEC
            )
        except ConnectionResetError:
            return False
        if not data:
            return False
        word, number, *rest = pickle.loads(data)
        if word == RUN:
            self._run(number, *rest, *outputs)
        else:
            self._signal(number, *rest)
        return True

    def _run(
        self,
        number: int,
        argv: list[str],
        identity: dict[str, Any],
        environment: dict[str, str] | None,
        output: int = -1,
    ) -> None:
        trouble, report = os.pipe2(os.O_CLOEXEC)
        try:
            pid = os.fork()
            if pid == 0:
                given = dict(os.environ) if environment is None else environment
                _become(argv, identity, given, output, report)
            descriptor = os.pidfd_open(pid)
        except OSError as error:
            os.close(trouble)
            self._answer(FAILED, number, error.errno, str(error), None)
            return
        finally:
            os.close(report)
            if output >= 0:
                os.close(output)
        self._running[descriptor] = _Run(number, pid, trouble)
        self._poll.register(descriptor, select.POLLIN)

    def _ended(self, descriptor: int) -> None:
        run = self._running.pop(descriptor)
        self._poll.unregister(descriptor)
        os.close(descriptor)
        if run.signalled:
            # What it started may have outlived it. Before it is reaped: afterwards
            # its number may already be that of another process group.
            _kill(run.pid, signal.SIGKILL)
        _, status = os.waitpid(run.pid, 0)
        trouble = os.read(run.trouble, LARGEST)
        os.close(run.trouble)
        if trouble:
            self._answer(FAILED, run.number, *pickle.loads(trouble))
        else:
            self._answer(ENDED, run.number, os.waitstatus_to_exitcode(status))

    def _signal(self, number: int, which: int) -> None:
        for run in self._running.values():
            if run.number == number:
                run.signalled = True
                _kill(run.pid, which)

    def _answer(self, *words: Any) -> None:
        try:
            self._door.send(pickle.dumps(words))
        except OSError:
            return  # nobody is there: the next poll says so

    def _leave(self) -> None:
        for run in self._running.values():
            _kill(run.pid, signal.SIGTERM)
        end = time.monotonic() + KILL_AFTER
        left = dict(self._running)
        self._poll.unregister(self._door)
        while left and time.monotonic() < end:
            for descriptor, _ in self._poll.poll(1000 * (end - time.monotonic())):
                self._poll.unregister(descriptor)
                left.pop(descriptor)
        for run in self._running.values():
            _kill(run.pid, signal.SIGKILL)


def _become(
    argv: list[str],
    identity: dict[str, Any],
    environment: dict[str, str],
    output: int,
    report: int,
) -> NoReturn:
    """In the new process: be the program, or report why not."""
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        for descriptor in (0, 1, 2):
            wanted = output if output >= 0 and descriptor else nothing
            os.dup2(wanted, descriptor)
        for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them
            signal.signal(number, signal.SIG_DFL)
        if identity:
            os.setgroups(identity["extra_groups"])
            os.setgid(identity["group"])
            os.setuid(identity["user"])
        os.execvpe(argv[0], argv, environment)
    except BaseException as error:
        code = getattr(error, "errno", None)
        words = code, str(error), getattr(error, "filename", None)
        os.write(report, pickle.dumps(words))
    os._exit(255)


def _kill(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return


def _be_prompt() -> None:
    """Start programs in time on a busy machine, if we may; they run as anybody else."""
    try:
        os.setpriority(os.PRIO_PROCESS, 0, NICE)
        policy = os.SCHED_OTHER | os.SCHED_RESET_ON_FORK
        os.sched_setscheduler(0, policy, os.sched_param(0))
        with open("/proc/self/autogroup", "w") as file:
            file.write(str(NICE))
    except OSError:
        return


def main(descriptor: int) -> None:
    """Serve whoever holds the other end of the socket with this number."""
    # Who stops us is our parent, and it does so by going away. What is ignored would
    # be ignored by the programs, too; what is handled is not.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    _be_prompt()
    door = socket.socket(fileno=descriptor)
    door.set_inheritable(False)
    Launches(door).serve()


if __name__ == "__main__":
    main(int(sys.argv[1]))
