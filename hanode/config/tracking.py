"""What an instance tracks, without repetitions and without what is not there."""

from __future__ import annotations

from hanode.config.draft import Draft
from hanode.config.entries import Entry, Tracking
from hanode.config.model import TrackedBfd, TrackedInterface


def interfaces(draft: Draft) -> tuple[TrackedInterface, ...]:
    """track_interface without the instance's own interface and repetitions."""
    entries: list[Entry[TrackedInterface]] = draft.own.get("track_interfaces", [])
    found: dict[str, TrackedInterface] = {}
    for entry in entries:
        name = entry.value.name
        if name == draft.interface:
            message = f"Ignoring track_interface {name} since own interface"
            remedy = "it is tracked anyway"
            if not draft.get("track_primary"):
                remedy = "remove dont_track_primary instead"
        elif name in found:
            message = f"duplicate track_interface {name} - ignoring"
            remedy = "remove one of the two"
        else:
            found[name] = entry.value
            continue
        draft.findings.warning(entry.place, message, remedy)
    return tuple(found.values())


def bfds(draft: Draft) -> tuple[TrackedBfd, ...]:
    """track_bfd; a line without weight has the weight of its bfd_instance."""
    entries: list[Entry[Tracking]] = draft.own.get("track_bfds", [])
    found: dict[str, TrackedBfd] = {}
    for entry in entries:
        line = entry.value
        session = draft.bfds.get(line.name)
        if session is None:
            message = f"track bfd {line.name} not found, ignoring..."
            remedy = f"add bfd_instance {line.name}, or mend the one that is dropped"
        elif not session.vrrp:
            message = f"track bfd {line.name} is for checkers only, ignoring..."
            remedy = f"add vrrp to bfd_instance {line.name}"
        elif line.name in found:
            message = f"duplicate track_bfd {line.name} - ignoring"
            remedy = "remove one of the two"
        else:
            found[line.name] = TrackedBfd(
                line.name,
                session.weight if line.weight is None else line.weight,
                session.reverse if line.reverse is None else line.reverse,
            )
            continue
        draft.findings.warning(entry.place, message, remedy)
    return tuple(found.values())
