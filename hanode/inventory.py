"""What the reactor waits for, for the log: keepalived's thread dump."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from threading import enumerate as all_threads
from typing import Any

MOST = 100  # of a kind: the log is not the place for thousands


def inventory(reactor: Any) -> Iterator[str]:
    """Timers by their time, descriptors, and where each other thread is."""
    calls = sorted(reactor.getDelayedCalls(), key=lambda call: call.getTime())
    now = reactor.seconds()
    yield f"{len(calls)} timers"
    for call in calls[:MOST]:
        name = getattr(call.func, "__qualname__", repr(call.func))
        yield f"  in {call.getTime() - now:.6f} s: {name}"
    for kind, found in (
        ("readers", reactor.getReaders()),
        ("writers", reactor.getWriters()),
    ):
        yield f"{len(found)} {kind}"
        for each in found[:MOST]:
            yield f"  {each.fileno()}: {type(each).__name__}"
    frames = sys._current_frames()
    for thread in all_threads():
        yield f"thread {thread.name}"
        frame = frames.get(thread.ident or 0)
        for summary in traceback.extract_stack(frame)[-5:] if frame else []:
            yield f"  {summary.filename}:{summary.lineno} {summary.name}"
