"""Long work in short slices, with the reactor in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

SLICE = 0.004  # seconds; the fastest BFD sessions send every 10 ms


class Slices:
    """Carries on with one job until it is done: C{work()} gives it, as an iterator.

    Each step of the iterator is short. The first slice is done within L{wake}.

    @param done: called after the last step, and with what went wrong if it did.
    """

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        work: Callable[[], Iterator[object]],
        done: Callable[[Exception | None], object] = lambda failure: None,
    ) -> None:
        self._reactor = reactor
        self._work = work
        self._done = done
        self._steps: Iterator[object] | None = None
        self._call: IDelayedCall | None = None

    @property
    def busy(self) -> bool:
        """Whether a job is going on."""
        return self._steps is not None

    def wake(self) -> None:
        """Begin the job, unless it is going on already."""
        if self._steps is None:
            self._steps = self._work()
            self._turn()

    def stop(self) -> None:
        """Leave off; C{done} is not called."""
        self._steps = None
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _turn(self) -> None:
        self._call = None
        steps, end = self._steps, self._reactor.seconds() + SLICE
        if steps is None:
            return
        try:
            for _ in steps:
                if self._steps is not steps:
                    return  # stopped by what it did
                if self._reactor.seconds() >= end:
                    self._call = self._reactor.callLater(0, self._turn)
                    return
        except Exception as failure:
            self._finish(failure)
        else:
            self._finish(None)

    def _finish(self, failure: Exception | None) -> None:
        self._steps = None
        self._done(failure)
