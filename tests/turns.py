"""A reactor that turns when it is told to: real descriptors, rehearsed time."""

from __future__ import annotations

import select
from typing import Any

from twisted.internet.interfaces import IReactorFDSet
from twisted.internet.task import Clock
from zope.interface import implementer


@implementer(IReactorFDSet)
class Turns(Clock):
    """What is read and written, and when C{advance} says so, what is due."""

    def __init__(self) -> None:
        super().__init__()
        self.readers: set[Any] = set()
        self.writers: set[Any] = set()

    def addReader(self, reader: Any) -> None:
        """See L{IReactorFDSet}."""
        self.readers.add(reader)

    def removeReader(self, reader: Any) -> None:
        """See L{IReactorFDSet}."""
        self.readers.discard(reader)

    def addWriter(self, writer: Any) -> None:
        """See L{IReactorFDSet}."""
        self.writers.add(writer)

    def removeWriter(self, writer: Any) -> None:
        """See L{IReactorFDSet}."""
        self.writers.discard(writer)

    def removeAll(self) -> list[Any]:
        """See L{IReactorFDSet}."""
        raise NotImplementedError

    def getReaders(self) -> list[Any]:
        """See L{IReactorFDSet}."""
        return list(self.readers)

    def getWriters(self) -> list[Any]:
        """See L{IReactorFDSet}."""
        return list(self.writers)

    def turn(self, patience: float = 0.0) -> None:
        """Read and write until nothing has been ready for C{patience} seconds."""
        while True:
            ready, free, _ = select.select(self.readers, self.writers, (), patience)
            if not ready and not free:
                break
            for reader in ready:
                if reader in self.readers:
                    reader.doRead()
            for writer in free:
                if writer in self.writers:
                    writer.doWrite()
        self.advance(0)
