"""BFD sessions in each state, and two of them on a simulated line.

Times are in seconds; sessions start at 1000. Intervals are in microseconds, as they are
in packets. What the neighbour says is made with L{said}.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from heapq import heappop, heappush
from itertools import count
from math import inf
from random import Random
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from hanode.bfd.packet import Control, State
from hanode.bfd.session import SLOW, Action, Echo, Report, Session, Transmit
from hanode.config.bfd_model import BfdParameters

OURS, THEIRS = 0xA, 0xB  # discriminators
START = 1000.0
FAST = 50_000  # the interval that both ends want while Up
PARAMETERS = BfdParameters(min_tx=FAST, min_rx=FAST, multiplier=3)


def said(state: State, **changes: Any) -> Control:
    """What the neighbour says in this state."""
    known = {"mine": THEIRS, "yours": OURS, "multiplier": 3}
    intervals = {"min_tx": FAST, "min_rx": FAST}
    return Control(state, **{**known, **intervals, **changes})


def sent(actions: Iterable[Action]) -> list[Control]:
    """The control packets among the actions, in order."""
    return [each.control for each in actions if isinstance(each, Transmit)]


def reports(actions: Iterable[Action]) -> list[Report]:
    """The reports among the actions, in order."""
    return [each for each in actions if isinstance(each, Report)]


def echoes(actions: Iterable[Action]) -> list[int]:
    """The numbers of the echo packets among the actions."""
    return [each.number for each in actions if isinstance(each, Echo)]


def change(session: Session, now: float = START, **changes: int) -> list[Action]:
    """Reconfigure some parameters."""
    parameters = replace(session.parameters, **changes)
    return list(session.reconfigure(parameters, now=now))


class SessionTestCase(SynchronousTestCase):
    """Makes sessions in each state, and lets time pass."""

    def fresh(self, **changes: Any) -> Session:
        """A session that was not started."""
        return Session(replace(PARAMETERS, **changes), OURS, Random(4711))

    def down(self, **changes: Any) -> Session:
        """A session that was started at 1000 and has heard nothing."""
        session = self.fresh(**changes)
        session.start(now=START)
        self.assertIs(session.state, State.DOWN)
        return session

    def init(self, neighbour: dict[str, Any] | None = None, **changes: Any) -> Session:
        """A session that has heard Down, at 1000."""
        session = self.down(**changes)
        session.receive(said(State.DOWN, **(neighbour or {})), now=START)
        self.assertIs(session.state, State.INIT)
        return session

    def polling(
        self, neighbour: dict[str, Any] | None = None, **changes: Any
    ) -> Session:
        """A session that is Up since 1000 and whose first poll is not answered."""
        session = self.init(neighbour, **changes)
        session.receive(said(State.UP, **(neighbour or {})), now=START)
        self.assertIs(session.state, State.UP)
        self.assertTrue(session.negotiation.polling)
        return session

    def up(self, neighbour: dict[str, Any] | None = None, **changes: Any) -> Session:
        """A session that is Up and settled at 1000: each knows what the other wants."""
        session = self.polling(neighbour, **changes)
        session.receive(said(State.UP, final=True, **(neighbour or {})), now=START)
        session.receive(said(State.UP, **(neighbour or {})), now=START)
        self.assertFalse(session.negotiation.polling)
        return session

    def answer(self, session: Session, now: float, **changes: Any) -> list[Action]:
        """The neighbour answers a poll, and goes on with a packet without F."""
        actions = list(session.receive(said(State.UP, final=True, **changes), now=now))
        return [*actions, *session.receive(said(State.UP, **changes), now=now)]

    def passes(
        self, session: Session, seconds: float, begin: float = START, alive: bool = True
    ) -> list[tuple[float, Action]]:
        """What the session does in that time, each action with its moment.

        @param alive: whether the neighbour is heard all the time, saying nothing new.
        """
        done: list[tuple[float, Action]] = []
        end = begin + seconds
        while True:
            if alive and session.remote is not None:
                session.heard = inf
            due = session.deadline
            if due is None or due > end:
                break
            done += [(due, each) for each in session.expire(now=due)]
        if alive and session.remote is not None:
            session.heard = end
        return done

    def gaps(self, session: Session, packets: int, begin: float = START) -> list[float]:
        """The gaps between that many periodic packets, in seconds."""
        moments: list[float] = []
        while len(moments) <= packets:
            due = session.transmit_at
            session.heard = due
            self.assertEqual(len(sent(session.expire(now=due))), 1)
            moments.append(due)
        return [b - a for a, b in zip(moments, moments[1:], strict=False)]


class Pair:
    """Two sessions on a line that delays, loses, duplicates and reorders.

    Everything follows from the seed. C{log} holds each action with its moment and the
    name of the end, "a" or "b". C{cut} are the ends whose packets are lost.
    """

    def __init__(
        self,
        a: BfdParameters = PARAMETERS,
        b: BfdParameters = PARAMETERS,
        *,
        seed: int = 1,
        delay: tuple[float, float] = (0.0002, 0.0004),
        loss: float = 0.0,
        twice: float = 0.0,
    ) -> None:
        self.random = Random(seed)
        self.ends = {
            "a": Session(a, OURS, Random(seed + 1)),
            "b": Session(b, THEIRS, Random(seed + 2)),
        }
        self.a, self.b = self.ends["a"], self.ends["b"]
        self.now = START
        self.delay, self.loss, self.twice = delay, loss, twice
        self.cut: set[str] = set()
        self.log: list[tuple[float, str, Action]] = []
        self._line: list[tuple[float, int, str, Any]] = []
        self._order = count()

    def start(self) -> Pair:
        """Both ends start."""
        for name, session in self.ends.items():
            self.do(name, session.start(now=self.now))
        return self

    def do(self, name: str, actions: Iterable[Action]) -> None:
        """Perform what one end asks."""
        for action in actions:
            self.log.append((self.now, name, action))
            if isinstance(action, Transmit):
                self.check(name, action.control)
                self._carry(name, self._other(name), action.control, 1)
            elif isinstance(action, Echo):
                self._carry(name, name, action.number, 2)

    def check(self, name: str, control: Control) -> None:
        """What holds for each packet that is ever sent."""
        session = self.ends[name]
        assert not (control.poll and control.final), control
        assert control.state is session.state, control
        assert control.state is State.UP or control.min_tx >= SLOW, control
        assert not control.demand or control.state is State.UP, control

    def run(self, seconds: float) -> Pair:
        """Let time pass."""
        end = self.now + seconds
        while True:
            due = [
                (session.deadline, name)
                for name, session in self.ends.items()
                if session.deadline is not None
            ]
            moment, name = min(due, default=(end + 1, ""))
            if self._line and self._line[0][0] <= moment:
                moment, _, name, what = self._line[0]
                if moment > end:
                    break
                heappop(self._line)
                self.now = max(self.now, moment)
                self._deliver(name, what)
                continue
            if moment > end:
                break
            assert moment >= self.now - 1e-9, (moment, self.now)
            self.now = max(self.now, moment)
            self.do(name, self.ends[name].expire(now=self.now))
        self.now = end
        return self

    def states(self) -> tuple[State, State]:
        """The states of both ends."""
        return self.a.state, self.b.state

    def sent(self, name: str, since: float = 0.0) -> list[tuple[float, Control]]:
        """What one end has sent since then, with the moments."""
        return [
            (moment, action.control)
            for moment, who, action in self.log
            if who == name and moment >= since and isinstance(action, Transmit)
        ]

    def reported(self, name: str, since: float = 0.0) -> list[Report]:
        """What one end has reported since then."""
        return [
            action
            for moment, who, action in self.log
            if who == name and moment >= since and isinstance(action, Report)
        ]

    def _other(self, name: str) -> str:
        return "b" if name == "a" else "a"

    def _carry(self, sender: str, to: str, what: Any, ways: int) -> None:
        if sender in self.cut or self.random.random() < self.loss:
            return
        copies = 2 if self.random.random() < self.twice else 1
        for _ in range(copies):
            arrival = self.now + ways * self.random.uniform(*self.delay)
            heappush(self._line, (arrival, next(self._order), to, what))

    def _deliver(self, name: str, what: Any) -> None:
        session = self.ends[name]
        if isinstance(what, Control):
            if what.yours in (0, session.discriminator):
                self.do(name, session.receive(what, now=self.now))
        else:
            self.do(name, session.returned(what, now=self.now))
