"""The kernel's IPVS as it answers: what it has, and a way to have it do things."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hanode.dataplanes.ipvs_message import (
    FAMILY,
    GET_DAEMON,
    GET_DEST,
    GET_INFO,
    GET_SERVICE,
    read_daemon,
    read_service,
    service_key,
)
from hanode.dataplanes.netlink.generic import Questions, open_generic, request
from hanode.dataplanes.netlink.socket import Answers, Requests
from hanode.lvs import Identity, Service, SyncDaemon

CAP_SYS_MODULE = 16
MODPROBE = "/sbin/modprobe"


class IpvsKernel:
    """IPVS of the network namespace in which it is opened.

    C{answered} and C{overrun} are as for L{Requests}.
    """

    def __init__(
        self,
        reactor: Any,
        answered: Answers,
        overrun: Callable[[], object],
        questions: Callable[[], Questions] = Questions,
        port: Callable[[], Any] = open_generic,
    ) -> None:
        self._reactor = reactor
        self._answered = answered
        self._overrun = overrun
        self._open_questions = questions
        self._open_port = port
        self._questions: Questions | None = None
        self._requests: Requests | None = None
        self._family = 0

    @property
    def is_open(self) -> bool:
        """Whether it can be asked."""
        return self._requests is not None

    def open(self) -> None:
        """Find the family. Raises L{OSError}: ENOENT when the kernel has no IPVS."""
        questions = self._open_questions()
        try:
            self._family = questions.family(FAMILY)
            questions.ask(request(self._family, GET_INFO))
            self._requests = Requests(
                self._reactor, self._answered, self._overrun, self._open_port()
            )
        except OSError:
            questions.close()
            raise
        self._questions = questions

    def close(self) -> None:
        """Give the sockets back."""
        if self._questions is not None and self._requests is not None:
            self._questions.close()
            self._requests.close()
        self._questions = self._requests = None

    def services(self) -> list[bytes]:
        """All services, as bodies for C{read_service}. Raises L{OSError}."""
        return self._dump(GET_SERVICE, b"")

    def service(self, identity: Identity) -> Service | None:
        """One service without its destinations. Raises L{OSError}."""
        assert self._questions is not None
        question = request(self._family, GET_SERVICE, service_key(identity))
        try:
            answers = self._questions.ask(question)
        except OSError as error:
            if error.errno == errno.ESRCH:
                return None
            raise
        return read_service(answers[0]) if answers else None

    def destinations(self, identity: Identity) -> list[bytes]:
        """Its destinations, as bodies for C{read_destination}. Raises L{OSError}."""
        return self._dump(GET_DEST, service_key(identity))

    def daemons(self) -> list[SyncDaemon]:
        """The synchronisation daemons that run. Raises L{OSError}."""
        return [read_daemon(body) for body in self._dump(GET_DAEMON, b"")]

    def _dump(self, command: int, body: bytes) -> list[bytes]:
        assert self._questions is not None
        return self._questions.dump(request(self._family, command, body))

    def request(self, command: int, body: bytes = b"") -> bytes:
        """A request for L{send}."""
        return request(self._family, command, body)

    def send(self, requests: Sequence[bytes], tags: Sequence[Any]) -> None:
        """Have it done, and read the answers: they are there."""
        if self._requests is not None:
            self._requests.send(requests, tags)
            self._requests.doRead()

    def forget(self) -> None:
        """Await no more answers: they were lost."""
        if self._requests is not None:
            self._requests.forget()


def absence(questions: Callable[[], Questions] = Questions) -> str:
    """Why IPVS cannot be used here, "" if it can or if its module can be loaded.

    Asking for the family makes newer kernels (Linux 5.13) load the module themselves.
    """
    try:
        asked = questions()
    except OSError as error:
        return f"no generic netlink: {error.strerror}"
    try:
        asked.ask(request(asked.family(FAMILY), GET_INFO))
    except OSError as error:
        if error.errno == errno.ENOENT:
            return "" if is_loadable() else "this kernel has no IPVS (module ip_vs)"
        if error.errno == errno.EPERM:
            return "IPVS is not permitted: CAP_NET_ADMIN is needed"
        return f"IPVS does not answer: {error.strerror}"
    finally:
        asked.close()
    return ""


def is_loadable(modules: Path = Path("/lib/modules"), status: str = "self") -> bool:
    """Whether the module is installed for this kernel, and we may load it."""
    try:
        listed = (modules / os.uname().release / "modules.dep").read_text()
        words = Path(f"/proc/{status}/status").read_text().split()
        capabilities = int(words[words.index("CapEff:") + 1], 16)
    except (OSError, ValueError):
        return False
    return "/ip_vs.ko" in listed and bool(capabilities >> CAP_SYS_MODULE & 1)


def modprobe() -> str:
    """The program that loads modules, as the kernel knows it."""
    try:
        named = Path("/proc/sys/kernel/modprobe").read_text().strip()
    except OSError:
        named = ""
    return named or MODPROBE
