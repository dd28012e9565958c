"""A client that opens a connection every few milliseconds, and notes who answers."""

from __future__ import annotations

import errno
import selectors
import socket
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from time import monotonic

from hanode.rehearsal.namespaces import Host

PATIENCE = 1.0  # seconds for one answer
LONGEST = 64  # octets of a name


@dataclass(frozen=True)
class Answer:
    """What came of one request: C{who} answered, "" for nobody, and C{why} not."""

    began: float
    ended: float
    who: str
    why: str = ""


class Requester:
    """Asks C{address} from inside C{host} every C{interval} seconds.

    C{answers} grows in the order in which requests end. It lives in the loop of
    C{selector}; L{ask} is to be called at C{due} or later.
    """

    def __init__(
        self,
        host: Host,
        address: tuple[str, int],
        interval: float,
        selector: selectors.BaseSelector,
    ) -> None:
        self._host, self._address, self._interval = host, address, interval
        self._selector = selector
        self._open: dict[socket.socket, float] = {}
        self.answers: list[Answer] = []
        self.due = monotonic()

    def ask(self) -> None:
        """Send a request if one is due; give up those that take too long."""
        now = monotonic()
        for opened, began in tuple(self._open.items()):
            if now - began > PATIENCE:
                self._end(opened, "", "no answer")
        if now >= self.due:
            self.due = max(self.due + self._interval, now)
            self._connect(now)

    def since(self, moment: float) -> list[Answer]:
        """What came of the requests that began at C{moment} or later."""
        return [each for each in self.answers if each.began >= moment]

    def close(self) -> None:
        """Ask no more."""
        for opened in tuple(self._open):
            self._selector.unregister(opened)
            opened.close()
        self._open.clear()

    def _connect(self, now: float) -> None:
        opened = self._host.call(socket.socket, socket.AF_INET, socket.SOCK_STREAM)
        opened.setblocking(False)
        code = opened.connect_ex(self._address)
        self._open[opened] = now
        self._selector.register(
            opened, selectors.EVENT_READ, lambda: self._read(opened)
        )
        if code not in (0, errno.EINPROGRESS):
            self._end(opened, "", errno.errorcode.get(code, str(code)))

    def _read(self, opened: socket.socket) -> None:
        try:
            name = opened.recv(LONGEST).decode("ascii", "replace")
        except BlockingIOError:
            return
        except OSError as problem:
            self._end(opened, "", (problem.strerror or str(problem)).lower())
            return
        self._end(opened, name, "" if name else "closed")

    def _end(self, opened: socket.socket, who: str, why: str) -> None:
        began = self._open.pop(opened)
        self._selector.unregister(opened)
        opened.close()
        self.answers.append(Answer(began, monotonic(), who, why))


def shares(answers: Iterable[Answer]) -> Counter[str]:
    """How many requests each server has answered; "" counts those without answer."""
    return Counter(each.who for each in answers)
