"""The verbs of the console: short words that print what a person wants to know.

A verb shows itself: C{vrrp} prints the table, C{vrrp("VI_1")} one instance in full.
What the kernel must be asked first comes as a Deferred, which the prompt shows when it
is there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any

from twisted.internet.defer import Deferred

from hanode.console import lvs_report, report
from hanode.console.overview import status
from hanode.console.plain import plain
from hanode.console.table import table
from hanode.console.timeline import timeline, value_text
from hanode.console.verbs import Verbs
from hanode.console.view import View, Watched

_CALL = re.compile(r'\("?([^")]*)"?\)')

MOST = 200  # rows of one table: a prompt is not the place for thousands


class Text(str):
    """Text that a prompt shows as it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


Shown = Text | Deferred[Text]


class Verb:
    """A word of the prompt: C{show} makes what is shown, with or without arguments."""

    def __init__(self, show: Callable[..., Shown], usage: str, help: str) -> None:
        self.show, self.usage, self.help = show, usage, help

    def __call__(self, *words: Any) -> Shown:
        return self.show(*words)

    @property
    def in_words(self) -> str:
        """C{usage} for who types words and no Python: C{why VI_1}."""
        return _CALL.sub(lambda call: f" {call[1]}" if call[1] else "", self.usage)

    def __repr__(self) -> str:
        try:
            shown = self.show()
        except TypeError:
            return f"{self.usage}: {self.help}"
        # What must be asked for cannot be waited for here.
        return str(shown) if isinstance(shown, str) else f"type {self.usage}"


class Prompt:
    """The verbs for C{node}.

    @param verbs: what writes; None for somebody who may only look.
    """

    def __init__(self, node: Watched, view: View, verbs: Verbs | None) -> None:
        self._node, self._view, self._verbs = node, view, verbs

    def words(self) -> dict[str, Verb]:
        """Every verb by its name."""
        found = {
            "show": Verb(self.show, "show()", "everything in one screen"),
            "vrrp": Verb(self.vrrp, 'vrrp, vrrp("VI_1")', "VRRP instances"),
            "why": Verb(self.why, 'why("VI_1")', "why an instance is in its state"),
            "bfd": Verb(self.bfd, 'bfd, bfd("peer")', "BFD sessions"),
            "lvs": Verb(self.lvs, 'lvs(), lvs("NAME")', "virtual and real servers"),
            "facts": Verb(self.facts, 'facts, facts("vrrp:")', "what is known"),
            "events": Verb(self.events, "events(), events(50)", "what has happened"),
        }
        if self._verbs is not None:
            what = "VI_1"
            text = "let another node be master; a real server: no new connections"
            found["drain"] = Verb(self.drain, f'drain("{what}")', text)
            text = "take it back; new connections again"
            found["undrain"] = Verb(self.undrain, f'undrain("{what}")', text)
        found["help"] = Verb(lambda: help_of(found), "help()", "this list")
        return found

    # -- looking

    def show(self) -> Text:
        """What this node is and has."""
        return Text(status(self._view.status()))

    def why(self, name: str) -> Text:
        """Why an instance is in its state, and what would change that."""
        text = self._view.why(name)
        return _unknown("VRRP instance", name) if text is None else Text(text)

    def vrrp(self, name: str | None = None) -> Text:
        """All instances, or one."""
        if name is None:
            return Text(report.vrrp_table(list(islice(self._view.instances(), MOST))))
        found = self._view.instance(name)
        if found is None:
            return _unknown("VRRP instance", name)
        return Text(report.vrrp_details(found))

    def bfd(self, name: str | None = None) -> Text:
        """All sessions, or one."""
        bfd = self._node.bfd
        if name is not None:
            session = bfd.describe_one(name)
            if session is None:
                return _unknown("BFD session", name)
            return Text(report.bfd_details(plain(session)))
        return Text(report.bfd_table(_first(bfd.describe_each())))

    def lvs(self, name: str | None = None) -> Deferred[Text]:
        """All virtual servers with what the kernel counts, or one."""
        return Deferred.fromCoroutine(self._lvs(name))

    async def _lvs(self, name: str | None) -> Text:
        balance = self._node.balance
        usages = await balance.usages()
        if name is not None:
            server = balance.describe_one(name, usages)
            if server is None:
                return _unknown("virtual server", name)
            return Text(lvs_report.lvs_details(plain(server)))
        return Text(lvs_report.lvs_table(_first(balance.describe_each(usages))))

    def facts(self, prefix: str = "") -> Text:
        """The facts whose names begin so."""
        known = self._node.facts.snapshot()
        names = sorted(name for name in known if name.startswith(prefix))
        rows = [
            (name, value_text(plain(known[name].value)), known[name].why)
            for name in names[:MOST]
        ]
        if not rows:
            return Text(f"no fact begins with {prefix!r}" if prefix else "no facts")
        more = f"\n... and {len(names) - MOST} more" if len(names) > MOST else ""
        return Text(table(("FACT", "VALUE", "WHY"), rows) + more)

    def events(self, count: int = 20) -> Text:
        """The last changes of facts, the newest at the bottom."""
        return Text(timeline(self._view.times.latest(self._node.facts, count)))

    # -- writing

    def drain(self, name: str) -> Text:
        """An instance is sent away; a real server gets no new connections."""
        return self._tell(name, True, "sent away", "is being drained")

    def undrain(self, name: str) -> Text:
        """It is taken back; it gets some again."""
        return self._tell(name, False, "taken back", "is used again")

    def _tell(self, name: str, wanted: bool, instance: str, real: str) -> Text:
        assert self._verbs is not None
        try:
            names = self._verbs.send_away(name, wanted)
            return Text(f"{', '.join(names)}: {instance}; why({name!r}) tells how far")
        except LookupError:
            return self._tell_real(name, wanted, real)

    def _tell_real(self, name: str, wanted: bool, done: str) -> Text:
        assert self._verbs is not None
        try:
            self._verbs.drain(name, wanted)
        except LookupError:
            return _unknown("VRRP instance or real server", name)
        return Text(f"{name} {done}")


def _first(records: Iterable[dict[str, Any]]) -> list[Any]:
    return [plain(each) for each in islice(records, MOST)]


def _unknown(what: str, name: str) -> Text:
    return Text(f"there is no {what} {name!r}")


def help_of(verbs: Mapping[str, Verb], in_words: bool = False) -> Text:
    """Every verb, as it is called from Python or typed in words."""
    rows = [
        (each.in_words if in_words else each.usage, each.help)
        for each in verbs.values()
    ]
    return Text(table(("TYPE", "AND SEE"), rows))
