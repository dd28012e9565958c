"""The longer lines that the VRRP machine writes, in keepalived's words."""

from __future__ import annotations

from hanode.config.model import IpAddress, VrrpInstance
from hanode.vrrp.actions import Actions, Hold, Say, State, say


def better(name: str, source: IpAddress, theirs: int, ours: int) -> Say:
    """A master has heard a better one."""
    if theirs > ours:
        text = "higher priority {theirs}, ours {ours}"
    else:
        text = "same priority {theirs} but higher IP address than ours"
    text = "({name}) Master received advert from {source} with " + text
    return say(text, name=name, source=source, theirs=theirs, ours=ours)


def lower(name: str, source: IpAddress, theirs: int, ours: int, answer: bool) -> Say:
    """A master has heard a lower one, and gives an C{answer} or none."""
    text = "({name}) Received advert from {source} with lower priority {theirs},"
    text += " ours {ours}"
    if answer:
        text += ", forcing new election"
    return say(text, name=name, source=source, theirs=theirs, ours=ours)


def discarded(name: str, source: IpAddress, theirs: int) -> Say:
    """A backup has heard a lower master, and waits for it to be silent."""
    text = "({name}) received lower priority ({theirs}) advert from {source}"
    return say(text + " - discarding", True, name=name, theirs=theirs, source=source)


def followed(name: str, old: IpAddress | None, source: IpAddress) -> Say:
    """A backup has another master than before, or one for the first time."""
    if old is None:
        return say("({name}) master set to {source}", name=name, source=source)
    text = "({name}) master changed from {old} to {source}"
    return say(text, name=name, old=old, source=source)


def interval(name: str, old: float, new: float) -> Say:
    """A backup of version 3 learns the interval of its master, in seconds."""
    text = "({name}) advertisement interval updated from {old}ms to {new}ms by master"
    return say(text, name=name, old=round(old * 1000), new=round(new * 1000))


def own_interval(settings: VrrpInstance, learned: float) -> Actions:
    """A new master of version 3 returns from a C{learned} interval to its own."""
    if learned == settings.advert_int:
        return []
    text = (
        "({name}) changing advert interval from {old}ms to locally configured {new}ms"
    )
    old, new = round(learned * 1000), round(settings.advert_int * 1000)
    return [say(text, name=settings.name, old=old, new=new)]


def no_delay(name: str) -> Actions:
    """A better master has come: there is nobody left to bear."""
    return [say("({name}) stop preempt delay", name=name)]


def entering(name: str, state: State, reason: str) -> Actions:
    """A state is entered; the end goes without a word."""
    if state is State.STOP:
        return []
    ending = " (init)" if reason == "init" else ""
    text = "({name}) Entering {state} STATE" + ending
    return [say(text, name=name, state=state.value)]


def held(settings: VrrpInstance, old: Hold, new: Hold) -> Actions:
    """What begins to be held, or is held no more; a mere change goes without a word."""
    lines: Actions = []
    before, after = _parts(settings, old), _parts(settings, new)
    for what, had in before.items():
        if had is not after[what]:
            verb = "removing" if had else "setting"
            text = "({name}) {verb} {what}"
            lines.append(say(text, True, name=settings.name, verb=verb, what=what))
    return lines


def _parts(settings: VrrpInstance, hold: Hold) -> dict[str, bool]:
    """keepalived's name of each part of the whole -> whether there is any of it."""
    excluded = set(settings.excluded)
    return {
        "VIPs.": any(each not in excluded for each in hold.addresses),
        "E-VIPs.": any(each in excluded for each in hold.addresses),
        "Virtual Routes": bool(hold.routes),
        "Virtual Rules": bool(hold.rules),
    }
