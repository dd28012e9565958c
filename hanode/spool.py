"""Mail that waits: a bounded queue in a folder, one file for each.

A file is written beside its place and then moved there, so that it is whole or not
there at all. It is not forced to the disk: waiting for that would hold up everything.
What cannot be written (a full disk, no such folder) waits in memory, which is said
once; so does everything where another process has the folder.
"""

from __future__ import annotations

import json
import os
from collections import deque
from fcntl import LOCK_EX, LOCK_NB, flock

from twisted.logger import Logger

from hanode.letter import Letter

ENDING, DRAFT = ".mail", ".draft"


class Spool:
    """The letters of one node in their order; no more than C{most}.

    A letter is the name of its file, or itself where it has none.
    """

    log = Logger()

    def __init__(self, folder: str, most: int) -> None:
        self._folder, self.most = folder, most
        self._waiting: deque[str | Letter] = deque()
        self._number = 0
        self._lock = -1
        self._complained = ""
        self.dropped = 0

    def open(self) -> None:
        """Take the folder, and what an earlier process has left in it."""
        try:
            os.makedirs(self._folder, 0o700, exist_ok=True)
            self._lock = os.open(
                self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
            )
            flock(self._lock, LOCK_EX | LOCK_NB)
            names = sorted(os.listdir(self._folder))
        except BlockingIOError:
            self._complain("another process has it")
            self.close()
        except OSError as error:
            self._complain(error.strerror or str(error))
            self.close()
        else:
            for name in names:
                if name.endswith(DRAFT):
                    self._remove(name)
                elif name.endswith(ENDING):
                    self._waiting.append(name)
            self._shorten()

    def close(self) -> None:
        """Give the folder back; what waits in memory is lost, and that is said."""
        lost = sum(isinstance(each, Letter) for each in self._waiting)
        if lost:
            self.log.error("{n} mails that waited in memory are lost", n=lost)
        self._waiting.clear()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, letter: Letter) -> None:
        """Let it wait behind the others; the oldest goes when there are too many."""
        self._waiting.append(self._written(letter) or letter)
        self._shorten()

    def first(self) -> Letter | None:
        """The oldest, None when none waits. What cannot be read is dropped."""
        while self._waiting:
            first = self._waiting[0]
            if isinstance(first, Letter):
                return first
            try:
                with open(os.path.join(self._folder, first), "rb") as file:
                    return _parsed(file.read())
            except (OSError, ValueError, KeyError, TypeError) as error:
                self.log.error(
                    "mail {name} cannot be read and is dropped: {error}",
                    name=first,
                    error=error,
                )
                self.drop()
        return None

    def drop(self) -> None:
        """The oldest need not wait any more."""
        first = self._waiting.popleft()
        if isinstance(first, str):
            self._remove(first)

    def _shorten(self) -> None:
        while len(self._waiting) > self.most:
            self.drop()
            self.dropped += 1
            self.log.error(
                "more than {most} mails wait: the oldest is dropped, {n} so far",
                most=self.most,
                n=self.dropped,
            )

    def _written(self, letter: Letter) -> str | None:
        """The name of its file, None when there can be none."""
        if self._lock < 0:
            return None
        self._number += 1
        # Names sort by time, over restarts too.
        name = f"{letter.created * 1000:015.0f}-{os.getpid()}-{self._number:06d}"
        draft, place = (
            os.path.join(self._folder, name + end) for end in (DRAFT, ENDING)
        )
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            file = os.open(draft, flags, 0o600)
            try:
                data = _text(letter)
                if os.write(file, data) < len(data):
                    raise OSError(28, "No space left on device")
            finally:
                os.close(file)
            os.rename(draft, place)
        except OSError as error:
            self._complain(error.strerror or str(error))
            self._remove(name + DRAFT)
            return None
        self._complained = ""
        return name + ENDING

    def _complain(self, reason: str) -> None:
        if reason != self._complained:
            self._complained = reason
            self.log.error(
                "mail waits in memory, because {folder} cannot be used: {reason}",
                folder=self._folder,
                reason=reason,
            )

    def _remove(self, name: str) -> None:
        try:
            os.unlink(os.path.join(self._folder, name))
        except OSError as error:
            self.log.debug("{name}: {error}", name=name, error=error)


def _text(letter: Letter) -> bytes:
    """One line about the letter, and the letter."""
    head = {
        "sender": letter.sender,
        "recipients": letter.recipients,
        "created": letter.created,
    }
    return json.dumps(head).encode() + b"\n" + letter.data


def _parsed(content: bytes) -> Letter:
    line, found, data = content.partition(b"\n")
    if not found:
        raise ValueError("it is not whole")
    head = json.loads(line)
    recipients = tuple(str(each) for each in head["recipients"])
    return Letter(str(head["sender"]), recipients, float(head["created"]), data)
