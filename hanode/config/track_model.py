"""What an instance tracks, what that is, and what it amounts to.

keepalived.conf(5), "Track scripts", "Track files", "Track processes".
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

from hanode.config.problems import Place
from hanode.config.scalars import Script


@dataclass(frozen=True)
class Tracked:
    """One line of a track block: what is tracked, and how much that counts.

    C{kind} is the first part of the name of the fact, e.g. C{script}. Weight 0 is a
    fault as long as the thing fails (with C{reverse}: as long as it does not).
    """

    kind: str
    name: str
    weight: int = 0
    reverse: bool = False

    @property
    def fact(self) -> str:
        """The name of the fact that tells how it is."""
        return f"{self.kind}:{self.name}"

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True)
class Description:
    """One thing that can be tracked: a vrrp_script, a track_file, ...

    C{weight} and C{reverse} are those of lines that say nothing else; C{options} is
    what the plug-in has made of its own words, hashable and picklable.
    """

    kind: str
    name: str
    weight: int = 0
    reverse: bool = False
    options: Hashable = ()
    place: Place | None = field(default=None, compare=False, repr=False)

    @property
    def script(self) -> Script | None:
        """The command that it runs, for the doubts about commands."""
        found = getattr(self.options, "script", None)
        return found if isinstance(found, Script) else None


#: kind -> name -> what it is
Descriptions = Mapping[str, Mapping[str, Description]]


@dataclass(frozen=True)
class Share:
    """What one tracked thing does to an instance.

    C{points} are added to its priority; C{fault} says why it may not run, "" when it
    may. C{pending}: nobody knows yet how it is, and it would be a fault or not, so
    that an instance which has not begun waits for it.
    """

    points: int = 0
    fault: str = ""
    pending: bool = False


NOTHING = Share()


def by_state(tracked: Tracked, up: bool | None, fault: str = "") -> Share:
    """The share of something that is either well (C{up}) or not; None: not known yet.

    Without weight it is a fault while it fails (with C{reverse}: while it does not),
    in the words of C{fault} or, without them, "KIND NAME up" or "down". A positive
    weight counts while it is well, a negative one while it is not; C{reverse} turns
    the sign round.
    """
    if up is None:
        return Share(pending=not tracked.weight)
    if tracked.weight:
        counts = (tracked.weight > 0) == up
        points = -tracked.weight if tracked.reverse else tracked.weight
        return Share(points) if counts else NOTHING
    if up is not tracked.reverse:
        return NOTHING
    return Share(fault=fault or f"{tracked} {'up' if up else 'down'}")
