"""The program nft(8), run without waiting for it.

nft and not netlink messages of our own: it writes one transaction that the kernel takes
or refuses as a whole, knows what each kernel needs for a set, and its errors name the
line. What it reads and writes are files in memory (memfd_create(2)), so that only its
end is waited for, through a pidfd, as L{hanode.processes} does.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReadDescriptor
from zope.interface import implementer

PATH = "/usr/sbin:/sbin:/usr/local/sbin:/usr/bin:/bin"
#: seconds; nft needs 5 for 5000 real servers, and longer than in proportion for more
LIMIT = 300.0
_COMPLAINT = re.compile(r"^[^\s:]+:(\d+):[\d-]+: Error: (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Answer:
    """How nft ended: its exit status (negative: the signal), and what it wrote."""

    status: int
    output: str = ""
    errors: str = ""

    @property
    def reason(self) -> str:
        """Why it failed, in one line."""
        for _, text in self.complaints():
            return text
        for line in self.errors.splitlines():
            if line.strip():
                return line.strip()
        if self.status < 0:
            return f"nft was killed by signal {-self.status}"
        return f"nft exited with status {self.status}"

    def complaints(self) -> list[tuple[int, str]]:
        """The lines, counted from 1, that nft or the kernel did not take, and why."""
        return [(int(line), text) for line, text in _COMPLAINT.findall(self.errors)]


def find() -> str:
    """Where nft is, "" if it is not installed."""
    return shutil.which("nft", path=PATH) or ""


@implementer(IReadDescriptor)
class Nft:
    """One run of nft: readable, in the reactor's eyes, once it has ended.

    @param arguments: those of the program, e.g. C{("-f", "-")}.
    @param text: what it reads from its standard input.
    @ivar done: fires with an L{Answer}; never fails.

    Raises L{OSError} when it cannot be started.
    """

    def __init__(
        self,
        reactor: Any,
        program: str,
        arguments: Sequence[str],
        text: str = "",
        limit: float = LIMIT,
    ) -> None:
        self.done: Deferred[Answer] = Deferred()
        self._reactor = reactor
        self._files = [_memory(name) for name in ("input", "output", "errors")]
        given, output, errors = self._files
        try:
            given.write(text.encode())
            given.seek(0)
            self._child = subprocess.Popen(
                [program, *arguments],
                stdin=given,
                stdout=output,
                stderr=errors,
                env={"LC_ALL": "C", "PATH": PATH},
                start_new_session=True,
            )
        except OSError:
            self._close()
            raise
        self._fd = os.pidfd_open(self._child.pid)
        reactor.addReader(self)
        self._call: IDelayedCall = reactor.callLater(limit, self._child.kill)

    @property
    def pid(self) -> int:
        """The number of the process, which the kernel tells to who watches."""
        return self._child.pid

    def fileno(self) -> int:
        """The pidfd."""
        return self._fd

    def logPrefix(self) -> str:
        """A name for Twisted's own log lines."""
        return f"nft {self._child.pid}"

    def connectionLost(self, reason: object) -> None:
        """The reactor let go of us: it is shutting down."""

    def doRead(self) -> None:
        """It has ended: tell how."""
        answer = self._end()
        self.done.callback(answer)

    def kill(self) -> None:
        """End it now; C{done} never fires.

        Afterwards it has either changed all that it was to change, or nothing. This
        waits for the kernel to finish the transaction that it is in, if any.
        """
        self._child.send_signal(signal.SIGKILL)
        self._end()

    def _end(self) -> Answer:
        self._reactor.removeReader(self)
        os.close(self._fd)
        if self._call.active():
            self._call.cancel()
        status = self._child.wait()
        output, errors = (_content(each) for each in self._files[1:])
        self._close()
        return Answer(status, output, errors)

    def _close(self) -> None:
        for each in self._files:
            each.close()


def _memory(name: str) -> BinaryIO:
    return os.fdopen(os.memfd_create(f"nft {name}", os.MFD_CLOEXEC), "w+b")


def _content(file: BinaryIO) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")
