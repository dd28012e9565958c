"""Doubts about sync groups: members that cannot go the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hanode.config.group_model import SyncGroup
from hanode.config.model import Model, VrrpInstance
from hanode.config.problems import Problem, Severity


def doubts(model: Model) -> Iterator[Problem]:
    """Everything that speaks against the groups of C{model}."""
    for group in model.groups.values():
        members = [model.instances[name] for name in group.members]
        for doubt in (_priorities, _preemption, _patience):
            for message, remedy in doubt(members):
                yield _problem(group, message, remedy)


def _problem(group: SyncGroup, message: str, remedy: str) -> Problem:
    text = f"({group.name}) {message}"
    return Problem(Severity.WARNING, group.place, text, remedy)


def _priorities(members: list[VrrpInstance]) -> Iterator[tuple[str, str]]:
    # Owners among others were spoken of when the group was built.
    if len({each.priority for each in members if each.priority < 255}) > 1:
        yield (
            "the priorities of its members differ"
            f" ({_values(members, lambda each: each.priority)}): against a node that is"
            " better in one and worse in another, chance decides",
            "give all members of a node the same priority",
        )


def _preemption(members: list[VrrpInstance]) -> Iterator[tuple[str, str]]:
    if len({each.preempt for each in members}) > 1:
        names = ", ".join(each.name for each in members if not each.preempt)
        yield (
            f"only {names} with nopreempt: the group does not preempt either,"
            " but those without it never follow a lower master",
            "write nopreempt in all members, or in none",
        )


def _patience(members: list[VrrpInstance]) -> Iterator[tuple[str, str]]:
    waits = {each.down_timer_adverts * each.advert_int for each in members}
    if max(waits) >= 3 * min(waits):
        yield (
            "its members notice at very different times that their master has gone"
            f" (advert_int {_values(members, lambda each: f'{each.advert_int:g}')}):"
            " the group waits for the slowest",
            "give all members the same advert_int and down_timer_adverts",
        )


def _values(members: list[VrrpInstance], of: Callable[[VrrpInstance], object]) -> str:
    return ", ".join(f"{each.name} {of(each)}" for each in members)
