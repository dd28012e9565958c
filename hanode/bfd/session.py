"""The BFD session (RFC 5880, section 6.8) without I/O.

Everything that changes the state of a session is in this file. Events are methods
that take C{now} in seconds and return actions; C{deadline} says when C{expire} is due.

Two things are shaped by speed, because they happen for every packet. A packet that says
nothing new need not come here: who received it sets C{heard}, and the detection time
counts from there when its timer comes. And as long as we say nothing new, C{expire}
returns one and the same tuple, C{beat}, so that its bytes need not be built again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from random import Random

from hanode.bfd.echo import EchoFunction
from hanode.bfd.negotiation import Negotiation
from hanode.bfd.packet import Control, Diagnostic, State, contents
from hanode.config.bfd_model import MICRO, BfdParameters

SLOW = 1_000_000  # microseconds; not faster while not Up (section 6.8.3)
STARTED = "started"  # the reason of the first state

#: Section 6.8.6: (our state, received state) -> our new state; others change nothing
NEXT_STATE = {
    (State.DOWN, State.DOWN): State.INIT,
    (State.DOWN, State.INIT): State.UP,
    (State.INIT, State.INIT): State.UP,
    (State.INIT, State.UP): State.UP,
    (State.INIT, State.ADMIN_DOWN): State.DOWN,
    (State.UP, State.DOWN): State.DOWN,
    (State.UP, State.ADMIN_DOWN): State.DOWN,
}


@dataclass(frozen=True, slots=True)
class Transmit:
    """Send a control packet now."""

    control: Control


@dataclass(frozen=True, slots=True)
class Echo:
    """Send the echo packet with this number now."""

    number: int


@dataclass(frozen=True, slots=True)
class Report:
    """The session is in C{state} now.

    C{died}: it was Up, and the neighbour fell silent or began anew. It is False when
    the neighbour lives and took the session down by itself: on purpose, or because
    it does not hear us.
    """

    state: State
    died: bool
    reason: str


Action = Transmit | Echo | Report
Actions = list[Action] | tuple[Action, ...]
NOTHING: Actions = ()


class Session:
    """One session with one neighbour.

    C{diagnostic} and C{remote_diagnostic} are the last ones; C{remote} is the last
    packet of the neighbour while it is believed, else None; C{reason} tells in words
    why the session is in its state.
    """

    def __init__(
        self, parameters: BfdParameters, discriminator: int, random: Random
    ) -> None:
        self.parameters, self.discriminator = parameters, discriminator
        self._random = random.random
        self.state = State.ADMIN_DOWN
        self.diagnostic: int = Diagnostic.NONE
        self.remote: Control | None = None
        self.remote_diagnostic: int = Diagnostic.NONE
        self.negotiation = Negotiation(self._slow_tx, parameters.min_rx)
        self.echo = EchoFunction(parameters.echo_tx, parameters.multiplier, random)
        self.heard = inf  # when the neighbour was heard last
        self.repeated = 0  # packets that said nothing new, counted by who found that
        self._patience = inf  # the detection time in seconds
        self.transmit_at = inf  # when the next periodic packet is due
        self._transmitted = -inf
        self._least_gap = self._spread = 0.0  # the interval with its jitter
        self._poll_at = self._poll_since = inf  # demand mode: the next poll, this one
        self._asks = False  # the neighbour is watched by polls: it may be silent
        self._plain = True  # neither polls nor echoes are timed: the quick way is open
        self._begun = False
        #: How late packets of an interval usually are; both in seconds.
        self.lateness: Callable[[float], float] = lambda interval: 0.0
        self.reason = "not started"
        self._beat()
        self._said = self.beat  # what was sent last, as far as it says something new

    # -- what is seen from outside

    @property
    def deadline(self) -> float | None:
        """When C{expire} is due; None for never."""
        due = min(self.transmit_at, self.heard + self._patience)
        if not self._plain:
            due = min(due, self._poll_at, self._poll_expiry, self.echo.deadline)
        return None if due == inf else due

    @property
    def remote_discriminator(self) -> int:
        """bfd.RemoteDiscr: 0 while the neighbour is not known (section 6.8.1)."""
        return 0 if self.remote is None else self.remote.mine

    @property
    def remote_state(self) -> State:
        """bfd.RemoteSessionState."""
        return State.DOWN if self.remote is None else self.remote.state

    @property
    def interval(self) -> float:
        """The longest gap between two of our packets, in seconds; inf for silence."""
        wanted = self.negotiation.tx_in_force
        if self.remote is not None:
            if self.remote.min_rx == 0:  # section 6.8.7: it does not want any
                return inf
            wanted = max(wanted, self.remote.min_rx)
        return wanted * MICRO

    @property
    def expected_interval(self) -> float:
        """The longest gap between two of the neighbour's packets; inf for silence."""
        rx = self.negotiation.rx_in_force
        if self.remote is None or rx == 0:
            return inf
        return max(rx, self.remote.min_tx) * MICRO

    @property
    def detection_time(self) -> float:
        """Section 6.8.4, asynchronous mode, in seconds; inf without detection."""
        if self.remote is None:
            return inf
        return self.remote.multiplier * self.expected_interval

    @property
    def steady(self) -> bool:
        """Whether the last packet, when it comes again, only shows that it came."""
        remote = self.remote
        return (
            remote is not None and self._both_up and not (remote.poll or remote.final)
        )

    # -- events

    def start(self, *, now: float) -> Actions:
        """Leave AdminDown: section 6.8.16, and the beginning of every session."""
        if self.state is not State.ADMIN_DOWN:
            return NOTHING
        return self._enter(State.DOWN, Diagnostic.NONE, STARTED, now)

    def disable(self, reason: str = "disabled here", *, now: float) -> Actions:
        """AdminDown, by the operator's wish or because we end (section 6.8.16)."""
        if self.state is State.ADMIN_DOWN:
            return NOTHING
        diagnostic = Diagnostic.ADMINISTRATIVELY_DOWN
        return self._enter(State.ADMIN_DOWN, diagnostic, reason, now)

    def receive(self, control: Control, *, now: float) -> Actions:
        """A valid packet of this session has arrived (section 6.8.6)."""
        self.remote, self.remote_diagnostic = control, control.diagnostic
        self.heard = now
        if not control.final:
            self.negotiation.settle()
        elif self.negotiation.final():
            self._poll_since = inf
        self._permit_echo(now)
        self._want(now)
        if self.state is State.ADMIN_DOWN:
            return self._retime(now)
        following = NEXT_STATE.get((self.state, control.state), self.state)
        if following is self.state:
            actions = self._retime(now)
        elif following is State.DOWN:
            actions = self._signaled(control, now)
        else:
            actions = self._enter(following, self.diagnostic, "", now)
        if control.poll:
            return [Transmit(self._control(final=True)), *actions]
        return actions

    def returned(self, number: int, *, now: float) -> Actions:
        """One of our echo packets has come back (section 6.8.8)."""
        self.echo.returned(number, now)
        return NOTHING

    def reconfigure(self, parameters: BfdParameters, *, now: float) -> Actions:
        """Other parameters from now on (sections 6.8.3 and 6.8.10 to 6.8.14)."""
        self.parameters = parameters
        self.echo.tx, self.echo.multiplier = parameters.echo_tx, parameters.multiplier
        self._poll_at = inf  # planned anew
        self._permit_echo(now)
        self._want(now)
        return self._retime(now)

    def pardon(self, now: float) -> None:
        """We could not listen for a while: count the silence from now on."""
        if self.heard < now:
            self.heard = now
        if self._poll_since < now:
            self._poll_since = now
        self.echo.pardon(now)

    def tick(self, now: float) -> float:
        """Hot: if the kept packet is due and nothing else, count it as sent.

        @return: when the session is due next, or 0 when L{expire} must decide.
        """
        silence = self.heard + self._patience
        if self._plain and self.transmit_at <= now < silence:
            self._transmitted = now
            due = now + self._least_gap + self._spread * self._random()
            self.transmit_at = due
            return due if due < silence else silence
        return 0.0

    def expire(self, *, now: float) -> Actions:
        """A timer is due."""
        return self.beat if self.tick(now) else self._expire(now)

    # -- inside

    def _expire(self, now: float) -> Actions:
        if now >= self.heard + self._patience or now >= self._poll_expiry:
            return self._silence(now)
        if now >= self.echo.expiry:
            reason = "echo packets do not come back"
            return self._enter(State.DOWN, Diagnostic.ECHO_FAILED, reason, now, True)
        actions: list[Action] = []
        if now >= self._poll_at:  # section 6.6: demand mode asks from time to time
            self._poll_at = inf
            self.negotiation.settle()
            self.negotiation.poll()
            self._beat()
            # Section 6.5: where packets are sent anyway, the next one is the poll.
            if self.transmit_at == inf and self._may_transmit and self.interval < inf:
                self.transmit_at = max(now, self._transmitted + self._least_gap)
        if now >= self.transmit_at:
            actions += self._send(now)
        if now >= self.echo.send_at:
            actions.append(Echo(self.echo.sent(now)))
        return actions

    def _silence(self, now: float) -> Actions:
        """A detection time has passed without a packet (section 6.8.4).

        bfd.RemoteDiscr becomes 0 then (section 6.8.1), and a passive system without
        it may not send (section 6.8.7). But it may not fall silent without a word
        either: a neighbour that still hears us would take us for dead.
        """
        actions: Actions = NOTHING
        self.heard = inf
        if not self.parameters.passive:
            self.remote = None
        if self.state in (State.INIT, State.UP):
            reason = "control detection time expired"
            diagnostic = Diagnostic.DETECTION_TIME_EXPIRED
            actions = self._enter(State.DOWN, diagnostic, reason, now, True)
        self.remote = None
        return [*actions, *self._retime(now)]

    def _signaled(self, control: Control, now: float) -> Actions:
        """The neighbour says that the session is down.

        Its diagnostic tells a neighbour that does not hear us, or was told to end
        the session, from one that has just started and knows nothing of us.
        """
        restarted = (control.state, control.diagnostic) == (State.DOWN, Diagnostic.NONE)
        reason = "neighbour signaled session down"
        if restarted:
            reason = "neighbour restarted"
        elif control.state is State.ADMIN_DOWN:
            reason = "neighbour administratively down"
        diagnostic = Diagnostic.NEIGHBOUR_SIGNALED_DOWN
        return self._enter(State.DOWN, diagnostic, reason, now, restarted)

    def _enter(
        self, state: State, diagnostic: int, reason: str, now: float, died: bool = False
    ) -> Actions:
        """The one place where a state is entered."""
        was, self.state, self.diagnostic = self.state, state, diagnostic
        self._begun = True
        self.reason = reason or f"neighbour in {self.remote_state.name}"
        if state is State.UP:
            self.diagnostic = Diagnostic.NONE
        else:
            self.negotiation.cancel()
            self._poll_since, self._asks = inf, False
        self._permit_echo(now)
        self._want(now)
        self.transmit_at = inf
        self._beat()
        self._retime(now, keep=True)
        told = Report(state, died and was is State.UP, self.reason)
        return [*self._send(now), told] if self._may_transmit else [told]

    @property
    def _both_up(self) -> bool:
        return self.state is State.UP and self.remote_state is State.UP

    @property
    def demand(self) -> bool:
        """Whether demand mode is active here (section 6.6)."""
        return self.parameters.demand > 0 and self._both_up

    @property
    def _poll_expiry(self) -> float:
        """Section 6.8.4, demand mode: a poll must be answered in this time."""
        if self._poll_since == inf or not self._asks:
            return inf
        return self._poll_since + self.parameters.multiplier * self.interval

    @property
    def _slow_tx(self) -> int:
        return max(self.parameters.idle_tx, self.parameters.min_tx, SLOW)

    @property
    def _may_transmit(self) -> bool:
        """Section 6.8.7: who may not send, and to whom."""
        remote = self.remote
        if not self._begun:
            return False
        if remote is None:
            return not self.parameters.passive
        # Section 6.6: the neighbour asked for silence, but a poll must go out.
        return not (remote.demand and self._both_up) or self.negotiation.polling

    def _permit_echo(self, now: float) -> None:
        """Section 6.8.9: while Up, and as often as the neighbour can bear it."""
        remote = self.remote if self._both_up else None
        self.echo.permit(0 if remote is None else remote.min_echo_rx, now)

    def _want(self, now: float) -> None:
        """Announce the intervals that belong to our state (section 6.8.3)."""
        parameters, up = self.parameters, self.state is State.UP
        tx = parameters.min_tx if up else self._slow_tx
        rx = parameters.min_rx
        if self.echo.active:
            rx = max(rx, SLOW)  # section 6.8.3: echo packets watch, these need not
        negotiation, was = self.negotiation, self.negotiation.rx_in_force
        negotiation.want(tx, rx, up, up and self._must_ask)
        if not up and negotiation.rx_in_force != was and self.heard < inf:
            self.heard = now  # until now the neighbour was to be slower: no fault of it

    @property
    def _must_ask(self) -> bool:
        """Section 6.6: the D bit changes, or it is on and something else changes."""
        said, demand = self.beat[0].control, self.demand
        if said.demand is not demand:
            return True
        if not demand and not (self._both_up and self.remote and self.remote.demand):
            return False
        return contents(said) != contents(self._control())

    def _retime(self, now: float, keep: bool = False) -> Actions:
        """Intervals may have changed: set the timers, say what differs.

        @param keep: the next packet stays due when it was due.
        """
        gaps = self._least_gap, self._spread
        self._beat()
        self._plan_poll(now)
        self._patience = inf if self._asks else self.detection_time
        self._plain = not (self._asks or self.echo.active or self._poll_at < inf)
        interval = self.interval
        most = 0.90 if self.parameters.multiplier == 1 else 1.0  # section 6.8.7
        self._least_gap = 0.75 * interval if interval < inf else inf
        # Packets are late anyway: with less jitter they still keep the interval.
        spread = (most - 0.75) * interval - self.lateness(interval)
        self._spread = max(0.0, spread) if interval < inf else 0.0
        if not self._may_transmit or interval == inf:
            self.transmit_at = inf
        elif not keep and (
            self.transmit_at == inf or gaps != (self._least_gap, self._spread)
        ):
            gap = self._least_gap + self._spread * self._random()
            self.transmit_at = max(now, self._transmitted + gap)
        if keep or not self._may_transmit or self._said is self.beat:
            return NOTHING
        if contents(self._said[0].control) == contents(self.beat[0].control):
            self._said = self.beat  # so that the next comparison is short
            return NOTHING
        # Section 6.8.7: what differs is told before the next packet is due.
        return self._send(now)

    def _plan_poll(self, now: float) -> None:
        negotiation = self.negotiation
        if self.demand:
            if not self._asks:
                self._asks, self._poll_since = True, inf
        elif not (negotiation.polling or negotiation.pending):
            # Not earlier: until it has confirmed that we want to hear it again, the
            # neighbour may be silent (section 6.6).
            self._asks = False
        if negotiation.polling:
            self._poll_at = inf
        elif negotiation.pending:
            # No F-clear packet may ever come: then time must do (section 6.8.3).
            patience = self.parameters.multiplier * self.interval
            self._poll_at = min(self._poll_at, now + patience)
        elif not self.demand:
            self._poll_at = inf
        elif self._poll_at == inf:
            self._poll_at = now + self.parameters.demand * MICRO

    def _send(self, now: float) -> Actions:
        if self.negotiation.polling and self._poll_since == inf:
            self._poll_since = now
        self._transmitted, self._said = now, self.beat
        self.transmit_at = now + self._least_gap + self._spread * self._random()
        return self.beat

    def _beat(self) -> None:
        """Build the packet that is sent until something changes."""
        control = self._control()
        if not hasattr(self, "beat") or self.beat[0].control != control:
            self.beat: tuple[Transmit] = (Transmit(control),)

    def _control(self, final: bool = False) -> Control:
        """Section 6.8.7: the contents of a packet. P and F are never both set."""
        return Control(
            state=self.state,
            mine=self.discriminator,
            yours=self.remote_discriminator,
            multiplier=self.parameters.multiplier,
            min_tx=self.negotiation.tx,
            min_rx=self.negotiation.rx,
            min_echo_rx=self.parameters.echo_rx,
            diagnostic=self.diagnostic,
            poll=self.negotiation.polling and not final,
            final=final,
            demand=self.demand,
        )
