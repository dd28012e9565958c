"""What instances and groups track, without what is twice or not there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from hanode.config.balance_checks import Site
from hanode.config.bfd_model import BfdInstance
from hanode.config.draft import Written
from hanode.config.entries import Entry, Tracking
from hanode.config.track_model import Description, Tracked
from hanode.config.tracker_words import BFD, FIELD, INTERFACE, Trackers, TrackerWords
from hanode.config.tree import Block


@dataclass
class Trackables:
    """All that instances and groups of one configuration may track.

    C{described}: kind, then name. What a block inside an instance describes itself
    is added to it. C{site} is for those that probe with a checker.
    """

    words: Trackers
    described: dict[str, dict[str, Description]]
    site: Site
    bfds: Mapping[str, BfdInstance] = field(default_factory=dict)

    def used(self, kind: str, name: str) -> Description:
        """What C{name} is; a name that needs no description has an empty one."""
        session = self.bfds.get(name) if kind == BFD.kind else None
        if session is not None:
            return Description(kind, name, session.weight, session.reverse)
        return self.described.get(kind, {}).get(name, Description(kind, name))


def tracked(
    written: Written, trackables: Trackables, interface: str = ""
) -> tuple[Tracked, ...]:
    """The track blocks of an instance or a group.

    C{interface} is the instance's own, which is tracked anyway; "" for a group.
    """
    found: dict[str, Tracked] = {}
    for _, words in sorted(trackables.words.items()):
        lines = written.own.get(FIELD + words.kind, ())
        if words.inline is not None:
            entries: Iterable[Entry[Tracking]] = _inline(lines, words, trackables)
        else:
            entries = lines
        for entry in entries:
            complaint = _refusal(entry.value, words, trackables, interface, written)
            one = _complete(entry.value, words, trackables)
            if complaint is None and one.fact in found:
                complaint = (
                    f"duplicate {words.keyword} {one.name} - ignoring",
                    "remove one of the two",
                )
            if complaint is not None:
                written.findings.warning(entry.place, *complaint)
            else:
                found[one.fact] = one
    return tuple(found.values())


def _complete(line: Tracking, words: TrackerWords, trackables: Trackables) -> Tracked:
    """The line with what it leaves open taken from the description."""
    described = trackables.used(words.kind, line.name)
    return Tracked(
        words.kind,
        line.name,
        described.weight if line.weight is None else line.weight,
        described.reverse if line.reverse is None else line.reverse,
    )


def _refusal(
    line: Tracking,
    words: TrackerWords,
    trackables: Trackables,
    interface: str,
    written: Written,
) -> tuple[str, str] | None:
    """Why the line does not count, and what to do about it; None when it does."""
    name = line.name
    if words.kind == INTERFACE.kind:
        return _own_interface(name, written) if name == interface != "" else None
    if words.kind == BFD.kind:
        return _bfd(name, trackables.bfds.get(name))
    if name in trackables.described.get(words.kind, {}):
        return None
    word = words.blocks[0] if words.blocks else words.keyword
    return (
        f"track {words.title} {name} not found, ignoring...",
        f"add {word} {name}, or mend the one that is dropped",
    )


def _own_interface(name: str, written: Written) -> tuple[str, str]:
    remedy = "it is tracked anyway"
    if not written.own.get("track_primary", True):
        remedy = "remove dont_track_primary instead"
    return f"Ignoring track_interface {name} since own interface", remedy


def _bfd(name: str, session: BfdInstance | None) -> tuple[str, str] | None:
    if session is None:
        return (
            f"track bfd {name} not found, ignoring...",
            f"add bfd_instance {name}, or mend the one that is dropped",
        )
    if not session.vrrp:
        return (
            f"track bfd {name} is for checkers only, ignoring...",
            f"add vrrp to bfd_instance {name}",
        )
    return None


def _inline(
    found: Iterable[Block], words: TrackerWords, trackables: Trackables
) -> Iterable[Entry[Tracking]]:
    """Blocks that describe what they track: each gets a name of its own."""
    known = trackables.described.setdefault(words.kind, {})
    for block in found:
        assert words.inline is not None
        described = words.inline(block, trackables.site)
        if described is None:
            continue
        one = _named(described, known)
        line = Tracking(one.name, described.weight, described.reverse)
        yield Entry(line, block.keyword.place)


def _named(described: Description, known: dict[str, Description]) -> Description:
    """The same under a name that nothing else has; equal ones share theirs."""
    name, number = described.name, 1
    while True:
        other = known.setdefault(
            name, Description(described.kind, name, options=described.options)
        )
        if other.options == described.options:
            return other
        number += 1
        name = f"{described.name} #{number}"


def merged(
    own: Iterable[Tracked],
    shared: Iterable[Tracked],
    written: Written,
    group: str,
    weights: bool,
) -> tuple[Tracked, ...]:
    """What a member of a sync group tracks: its C{own} lines and the group's.

    @param written: the member, to complain about.
    @param weights: sync_group_tracking_weight; without it no weight changes the
        priority of single members.
    """
    everyone = {each.fact: each for each in shared}
    result = list(everyone.values())
    for each in own:
        if each.fact in everyone:
            written.warning(
                f"ignoring tracked {each}: its group {group} tracks it too",
                "remove one of the two",
            )
        elif each.weight and not weights:
            written.warning(
                f"ignoring tracked {each} with weight {each.weight}: "
                f"members of group {group} have no weights",
                "remove the weight, or add sync_group_tracking_weight to the group",
            )
        else:
            result.append(each)
    return tuple(result)
