"""Be told when somebody begins to read a file, and nobody did before (inotify(7))."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.internet.inotify import (
    IN_CLOSE_NOWRITE,
    IN_CLOSE_WRITE,
    IN_DELETE_SELF,
    IN_OPEN,
    INotify,
    INotifyError,
)
from twisted.python.failure import Failure
from twisted.python.filepath import FilePath

CLOSED = IN_CLOSE_WRITE | IN_CLOSE_NOWRITE


class Openings:
    """Counts who opens C{path} from now on.

    C{opened()} is called when the first one opens it. Raises L{OSError}.
    """

    def __init__(self, reactor: Any, path: str, opened: Callable[[], object]) -> None:
        self.users = 0
        self._opened = opened
        self._gone = self._closed = False
        try:
            self._inotify: INotify = INotify(reactor)
        except INotifyError as error:
            raise OSError(f"{path}: {error}") from None
        mask = IN_OPEN | CLOSED | IN_DELETE_SELF
        try:
            self._inotify.watch(FilePath(path), mask, callbacks=[self._notified])
        except INotifyError as error:
            self._release()
            raise OSError(f"{path}: {error}") from None
        self._inotify.startReading()

    def close(self) -> None:
        """Nothing is told any more; it may be called twice."""
        self._closed = True
        if not self._gone:
            self._gone = True
            self._release()

    def _release(self) -> None:
        self._inotify.stopReading()
        self._inotify.connectionLost(Failure(ConnectionDone()))

    def _notified(self, _: object, path: object, mask: int) -> None:
        if self._closed:
            return
        if mask & IN_DELETE_SELF:
            self._gone = True  # Twisted closes it in the next turn
        elif mask & IN_OPEN:
            self.users += 1
            if self.users == 1:
                self._opened()
        elif mask & CLOSED and self.users > 0:
            self.users -= 1  # else it is of one who was there before us
