"""Ends what an operator runs on the reactor when it takes too long.

A loop that somebody types must not cost the node its neighbours. The kernel's timer
(setitimer(2)) interrupts it wherever it is; code that waits in the kernel is woken.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

LONGEST = 0.02  # seconds; the shortest detection time that BFD is used with is 30 ms
AGAIN = 0.002  # seconds until code that catches everything is told again


class TookTooLong(BaseException):
    """What was typed was ended; C{except Exception} does not stop that."""


@contextmanager
def limited(file: str, seconds: float = LONGEST) -> Iterator[None]:
    """Raise L{TookTooLong} in code of C{file} that has run for C{seconds}.

    Also in what it has called; never in anything else that the body does. Only on the
    main thread.
    """

    def ring(number: int, frame: FrameType | None) -> None:
        while frame is not None:
            if frame.f_code.co_filename == file:
                text = f"ended after {seconds * 1000:g} ms: the node has other work"
                raise TookTooLong(text)
            frame = frame.f_back

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
