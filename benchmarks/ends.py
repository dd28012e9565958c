"""One end of many BFD sessions, as each kind of daemon runs it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.cable import CARD, Side
from hanode.console.client import Client
from tests.live.daemons import Daemon
from tests.live.routers import BfdHanode, BfdKeepalived, Bird, Frr


@dataclass(frozen=True)
class Load:
    """So many sessions, each with this interval in milliseconds and multiplier."""

    sessions: int
    interval: int
    multiplier: int = 3

    def __str__(self) -> str:
        return f"{self.sessions} x {self.interval} ms x {self.multiplier}"


Pairs = list[tuple[str, str]]  # addresses here and there


class End:
    """A daemon at one side of the cable; C{daemon} is from the live tests."""

    kind = ""

    def __init__(self, side: Side, other: Side, load: Load) -> None:
        pairs = list(zip(side.addresses, other.addresses, strict=True))
        self.daemon: Any = self.make(side)(
            side.host, side.folder, self.config(pairs, load)
        )
        self.daemon.detail = False

    def make(self, side: Side) -> type[Daemon]:
        """The class of its daemon."""
        raise NotImplementedError

    def config(self, pairs: Pairs, load: Load) -> str:
        """Its configuration."""
        raise NotImplementedError

    def up(self) -> int:
        """How many sessions are Up."""
        raise NotImplementedError

    def flaps(self) -> int:
        """How many times a session has left Up since the start."""
        raise NotImplementedError

    def lateness(self) -> Counter[float] | None:
        """How many packets were how late (seconds), None if it does not know."""
        return None

    @property
    def pid(self) -> int:
        """Its process; other ones are its children."""
        pid: int = self.daemon.process.pid
        return pid

    def start(self) -> None:
        """Start it."""
        self.daemon.start()

    def end(self) -> None:
        """End it."""
        self.daemon.end()


class LoggedEnd(End):
    """One whose sessions are known from its log, which costs it nothing when idle.

    C{change} finds the name of the session and the state that it enters.
    """

    change: re.Pattern[str]

    def __init__(self, side: Side, other: Side, load: Load) -> None:
        super().__init__(side, other, load)
        self._states: dict[str, str] = {}
        self._read = self._flaps = 0

    def _follow(self) -> None:
        lines = self.daemon.log.lines
        end = len(lines)
        for _, line in lines[self._read : end]:
            found = self.change.search(line)
            if found is not None:
                name, state = found["name"], found["state"].lower()
                if self._states.get(name) == "up" != state:
                    self._flaps += 1
                self._states[name] = state
        self._read = end

    def up(self) -> int:
        """How many sessions are Up."""
        self._follow()
        return sum(state == "up" for state in self._states.values())

    def flaps(self) -> int:
        """How many times a session has left Up since the start."""
        self._follow()
        return self._flaps


def _instances(pairs: Pairs, load: Load) -> str:
    """The words that keepalived and hanode share."""
    return "".join(
        f"""bfd_instance s{number} {{
  source_ip {here}
  neighbor_ip {there}
  min_rx {load.interval}
  min_tx {load.interval}
  multiplier {load.multiplier}
}}
"""
        for number, (here, there) in enumerate(pairs)
    )


class HanodeEnd(LoggedEnd):
    """Our own."""

    kind = "hanode"
    change = re.compile(r"\((?P<name>s\d+)\) Entering (?P<state>\w+) state")

    def make(self, side: Side) -> type[Daemon]:
        """The class of its daemon."""
        return BfdHanode

    def config(self, pairs: Pairs, load: Load) -> str:
        """Its configuration."""
        return _instances(pairs, load)

    def lateness(self) -> Counter[float] | None:
        """How many packets were how late (seconds) since its start."""
        buckets = Client(str(self.daemon.socket)).get("lateness")["buckets"]
        return Counter({float(limit): count for limit, count in buckets.items()})


class KeepalivedEnd(LoggedEnd):
    """keepalived's BFD process."""

    kind = "keepalived"
    change = HanodeEnd.change

    def make(self, side: Side) -> type[Daemon]:
        """The class of its daemon."""
        return BfdKeepalived

    def config(self, pairs: Pairs, load: Load) -> str:
        """Its configuration."""
        return _instances(pairs, load)


class BirdEnd(LoggedEnd):
    """BIRD 2."""

    kind = "BIRD"
    change = re.compile(
        r"Session to (?P<name>\S+) changed state from \w+ to (?P<state>\w+)"
    )

    def make(self, side: Side) -> type[Daemon]:
        """The class of its daemon."""
        return Bird

    def config(self, pairs: Pairs, load: Load) -> str:
        """Its configuration."""
        neighbours = "\n".join(
            f'  neighbor {there} dev "{CARD}" local {here};' for here, there in pairs
        )
        return f"""router id {pairs[0][0]};
log stderr all;
protocol device {{}}
protocol bfd bfd1 {{
  debug {{ events }};
  interface "{CARD}" {{
    interval {load.interval} ms;
    multiplier {load.multiplier};
  }};
{neighbours}
}}
"""


class FrrEnd(End):
    """FRR's bfdd."""

    kind = "FRR"

    def make(self, side: Side) -> type[Daemon]:
        """The class of its daemon."""
        return Frr

    def config(self, pairs: Pairs, load: Load) -> str:
        """Its configuration."""
        peers = "".join(
            f""" peer {there} local-address {here} interface {CARD}
  detect-multiplier {load.multiplier}
  receive-interval {load.interval}
  transmit-interval {load.interval}
 exit
"""
            for here, there in pairs
        )
        return f"bfd\n{peers}exit\n"

    def up(self) -> int:
        """How many sessions are Up."""
        sessions = self.daemon.sessions().values()
        return sum(each["status"] == "up" for each in sessions)

    def flaps(self) -> int:
        """How many times a session has left Up since the start."""
        shown = json.loads(self.daemon.ctl("show bfd peers counters json"))
        return sum(each["session-down"] for each in shown)


KINDS: dict[str, Callable[[Side, Side, Load], End]] = {
    each.kind: each for each in (HanodeEnd, BirdEnd, KeepalivedEnd, FrrEnd)
}
