"""Be told what happens to the files in a folder (inotify(7))."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.internet.inotify import (
    IN_ATTRIB,
    IN_CLOSE_WRITE,
    IN_CREATE,
    IN_DELETE,
    IN_DELETE_SELF,
    IN_MOVE_SELF,
    IN_MOVED_FROM,
    IN_MOVED_TO,
    INotify,
    INotifyError,
)
from twisted.python.failure import Failure
from twisted.python.filepath import FilePath

WRITTEN = IN_CLOSE_WRITE | IN_MOVED_TO
ITSELF = IN_DELETE_SELF | IN_MOVE_SELF
CHANGED = WRITTEN | ITSELF | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_ATTRIB

#: a file's name, and whether it is complete; None when the folder itself has gone
Told = Callable[[str | None, bool], object]


class Folder:
    """One folder that is watched until it is closed or C{gone}.

    Each has an inotify instance of its own: Twisted gives up a whole instance when one
    of its folders is deleted. Raises L{OSError} when it cannot be watched.
    """

    def __init__(self, reactor: Any, path: str, told: Told) -> None:
        self.gone = False
        self._told = told
        self._deleted = False  # then Twisted closes it in the next turn
        if not os.path.isdir(path):
            raise NotADirectoryError(f"{path}: no such folder")
        try:
            self._inotify: INotify = INotify(reactor)
        except INotifyError as error:
            raise OSError(f"{path}: {error}") from None
        try:
            self._inotify.watch(FilePath(path), CHANGED, callbacks=[self._notified])
        except INotifyError as error:
            self._release()
            raise OSError(f"{path}: {error}") from None
        self._inotify.startReading()

    def close(self) -> None:
        """Give it back; nothing is told any more."""
        self.gone = True
        if not self._deleted:
            self._deleted = True
            self._release()

    def _release(self) -> None:
        self._inotify.stopReading()
        self._inotify.connectionLost(Failure(ConnectionDone()))

    def _notified(self, _: object, path: FilePath[bytes], mask: int) -> None:
        if self.gone:
            return
        if mask & ITSELF:
            self._deleted = bool(mask & IN_DELETE_SELF)
            self.gone = True
            self._told(None, False)
        else:
            self._told(os.fsdecode(path.basename()), bool(mask & WRITTEN))
