"""Reader of virtual_rules and static_rules: one policy rule on each line.

keepalived.conf(5), "Static routes/addresses/rules"; ip-rule(8).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hanode.config.findings import Findings
from hanode.config.line_words import LineWords, read_lines
from hanode.config.route_model import KEEPALIVED, Rule
from hanode.config.route_names import Names, number_of
from hanode.config.tree import Block

FIRST_PREFERENCE = 16384  # and downwards, for rules that name none
_UINT = 4294967295
_PROTOCOLS = {
    "icmp": 1,
    "tcp": 6,
    "udp": 17,
    "dccp": 33,
    "gre": 47,
    "esp": 50,
    "ah": 51,
    "icmpv6": 58,
    "ipv6-icmp": 58,
    "sctp": 132,
    "udplite": 136,
}
_ENDS = frozenset({"nop", "blackhole", "unreachable", "prohibit"})


def preferences() -> Iterator[int]:
    """The numbers for rules without one, in the order of the configuration."""
    yield from range(FIRST_PREFERENCE, 0, -1)


@dataclass
class RuleDraft:
    """One line while it is being read; C{actions} are pairs of action and target."""

    words: LineWords
    version: int = 0
    actions: list[tuple[str, int]] = field(default_factory=list)
    fields: dict[str, Any] = field(default_factory=dict)


def rules(
    lines: list[Block],
    names: Names,
    findings: Findings,
    free: Iterator[int],
    static: bool = False,
) -> tuple[Rule, ...]:
    """The rules of a block, in its order; a bad or a second one is left out.

    @param free: where the preference of a rule without one is taken from.
    @param static: a track_group is allowed.
    """

    def read(words: LineWords) -> Rule:
        return _read(words, free, static)

    found: dict[Rule, None] = {}
    for rule, line in read_lines("rule", lines, names, findings, read):
        if rule in found:
            text = f"rule {rule} is there already - ignoring"
            findings.warning(line, text, "remove one of the two")
        found[rule] = None
    return tuple(found)


def _read(words: LineWords, free: Iterator[int], static: bool) -> Rule:
    draft = RuleDraft(words)
    for word in words:
        text = word.text
        if text in _OPTIONS:
            _OPTIONS[text](draft, words)
        elif text in _ENDS:
            draft.actions.append((text, 0))
        elif text in ("inet", "inet6"):
            draft.version = 6 if text == "inet6" else 4
        elif text == "track_group" and static:
            draft.fields["group"] = words.take().text
        elif text != "type":
            words.unknown(word)
    return _finish(draft, free)


def _network(name: str) -> Callable[[RuleDraft, LineWords], None]:
    def read(draft: RuleDraft, words: LineWords) -> None:
        found = words.network(words.take(), draft.version)
        if found is not None and found.prefixlen:
            draft.fields[name] = found
        if found is not None:
            draft.version = _agreed(draft, found.version)

    return read


def _agreed(draft: RuleDraft, version: int) -> int:
    if draft.version not in (0, version):
        words = draft.words
        text = "Cannot mix IPv4 and IPv6 addresses for rule"
        words.bad(words.line, text, "write one rule for each family")
    return version


def _number(
    name: str, low: int, high: int, file: str = ""
) -> Callable[[RuleDraft, LineWords], None]:
    def read(draft: RuleDraft, words: LineWords) -> None:
        draft.fields[name] = words.number(name, low, high, file)

    return read


def _word(name: str) -> Callable[[RuleDraft, LineWords], None]:
    def read(draft: RuleDraft, words: LineWords) -> None:
        draft.fields[name] = words.take().text

    return read


def _range(name: str, high: int) -> Callable[[RuleDraft, LineWords], None]:
    def read(draft: RuleDraft, words: LineWords) -> None:
        draft.fields[name] = words.range(name, high)

    return read


def _mark(draft: RuleDraft, words: LineWords) -> None:
    word = words.take()
    value, slash, mask = word.text.partition("/")
    mark, bits = number_of(value), number_of(mask) if slash else _UINT
    if mark is None or bits is None or max(mark, bits) > _UINT:
        words.bad(word, f"invalid fwmark '{word}'", "write MARK or MARK/MASK")
    draft.fields["mark"] = (mark, bits)


def _realms(draft: RuleDraft, words: LineWords) -> None:
    draft.fields["realm"] = words.realm()


def _ip_protocol(draft: RuleDraft, words: LineWords) -> None:
    word = words.take()
    number = _PROTOCOLS.get(word.text.lower(), number_of(word.text))
    if number is None or not 0 < number < 256:
        words.bad(word, f"invalid ipproto '{word}'", "write tcp, udp or a number")
    draft.fields["ip_protocol"] = number


def _l3mdev(draft: RuleDraft, words: LineWords) -> None:
    draft.fields["l3mdev"] = True
    draft.actions.append(("table", 0))


def _table(draft: RuleDraft, words: LineWords) -> None:
    draft.actions.append(("table", words.number("table", 1, _UINT, "rt_tables")))


def _goto(draft: RuleDraft, words: LineWords) -> None:
    draft.actions.append(("goto", words.number("goto", 1, _UINT)))


def _inverted(draft: RuleDraft, words: LineWords) -> None:
    draft.fields["inverted"] = True


def _untracked(draft: RuleDraft, words: LineWords) -> None:
    draft.fields["track"] = False


_preference = _number("preference", 1, _UINT)
_tos = _number("tos", 0, 255, "rt_dsfield")
_prefix = _number("suppress_prefix", 0, 128)
_group = _number("suppress_group", 0, _UINT, "group")

_OPTIONS: Mapping[str, Callable[[RuleDraft, LineWords], None]] = {
    "from": _network("source"),
    "to": _network("destination"),
    "table": _table,
    "lookup": _table,
    "preference": _preference,
    "order": _preference,
    "priority": _preference,
    "tos": _tos,
    "dsfield": _tos,
    "fwmark": _mark,
    "realms": _realms,
    "suppress_prefixlength": _prefix,
    "sup_pl": _prefix,
    "suppress_ifgroup": _group,
    "sup_group": _group,
    "iif": _word("incoming"),
    "dev": _word("incoming"),
    "oif": _word("outgoing"),
    "tunnel-id": _number("tunnel", 0, 2**64 - 1),
    "uidrange": _range("users", _UINT),
    "l3mdev": _l3mdev,
    "protocol": _number("protocol", 0, 255, "rt_protos"),
    "ipproto": _ip_protocol,
    "ip_proto": _ip_protocol,
    "sport": _range("source_ports", 65535),
    "dport": _range("destination_ports", 65535),
    "goto": _goto,
    "not": _inverted,
    "no_track": _untracked,
}


def _finish(draft: RuleDraft, free: Iterator[int]) -> Rule:
    words, fields = draft.words, draft.fields
    actions = draft.actions
    if not actions:
        text = "No action specified for rule - ignoring"
        words.bad(words.line, text, "add table N, goto N, blackhole ...")
    if len(actions) > 1:
        text = f"a rule has one action, and this one {len(actions)} - ignoring"
        words.bad(words.line, text, "write one rule for each")
    if "preference" not in fields:
        fields["preference"] = next(free, 1)
        words.findings.warning(
            words.line,
            "Rule has no preference specified - setting to "
            f"{fields['preference']}. This is probably not what you want.",
            "add preference N",
        )
    action, target = actions[0]
    if action == "goto" and target <= fields["preference"]:
        text = (
            f"goto {target} leads back: the rule has preference {fields['preference']}"
        )
        words.bad(words.line, text, "goto leads to a higher preference")
    tracked = fields.get("track", True)
    if fields.get("protocol", KEEPALIVED) != KEEPALIVED and tracked:
        words.findings.warning(
            words.line,
            "Rule cannot be tracked if protocol is not RTPROT_KEEPALIVED(18),"
            " resetting protocol",
            "remove protocol, or add no_track",
        )
        fields["protocol"] = KEEPALIVED
    return Rule(
        draft.version or 4,
        fields.pop("preference"),
        action,
        target,
        **fields,
    )
