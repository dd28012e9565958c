"""The command line of keepalived(8), read as keepalived reads it (getopt_long(3)).

Each option has something that hanode does about it, or a reason why there is nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

FLAG, VALUE, MAYBE = "", "a value", "perhaps a value"

_ONE = "hanode is one process"
_LOG = "the log goes to the system log, and with -l to standard output"
_CORE = "set RLIMIT_CORE (ulimit -c) and kernel.core_pattern"
_SNMP = "hanode does not speak SNMP: GET /metrics has the figures"
_INSIDE = "it looks into keepalived's own insides"


@dataclass(frozen=True)
class Option:
    """One option: its names, what follows it, and why it has C{no_effect} if so."""

    short: str
    long: str
    takes: str = FLAG
    no_effect: str = ""


OPTIONS = (
    Option("f", "use-file", VALUE),
    Option("P", "vrrp"),
    Option("C", "check"),
    Option("B", "no_bfd"),
    Option("", "all", no_effect=_ONE),
    Option("l", "log-console"),
    Option("D", "log-detail"),
    Option("S", "log-facility", VALUE),
    Option("g", "log-file", MAYBE, no_effect=_LOG),
    Option("", "flush-log-file", no_effect=_LOG),
    Option("G", "no-syslog"),
    Option("u", "umask", VALUE),
    Option("X", "release-vips", no_effect="what is left behind goes at the start"),
    Option("V", "dont-release-vrrp", no_effect="addresses are released at the end"),
    Option("I", "dont-release-ipvs", no_effect="that is what lvs_flush_on_stop is for"),
    Option("R", "dont-respawn", no_effect=_ONE),
    Option("n", "dont-fork"),
    Option("d", "dump-conf"),
    Option("p", "pid", VALUE),
    Option("r", "vrrp_pid", VALUE),
    Option("c", "checkers_pid", VALUE),
    Option("b", "bfd_pid", VALUE),
    Option("T", "genhash"),
    Option("a", "address-monitoring", no_effect="GET /api/v1/events tells of links"),
    Option("x", "snmp", no_effect=_SNMP),
    Option("A", "snmp-agent-socket", VALUE, no_effect=_SNMP),
    Option("s", "namespace", VALUE),
    Option("m", "core-dump", no_effect=_CORE),
    Option("M", "core-dump-pattern", VALUE, no_effect=_CORE),
    Option("i", "config-id", VALUE),
    Option("e", "all-config", no_effect="write include_check into the configuration"),
    Option("t", "config-test", MAYBE),
    Option("", "config-fd", VALUE, no_effect=_ONE),
    Option("", "signum", VALUE),
    Option("", "ignore-sigint"),
    Option("", "no-mem-check", no_effect=_INSIDE),
    Option("L", "mem-check-log", no_effect=_INSIDE),
    Option("", "perf", MAYBE, no_effect=_INSIDE),
    Option("", "debug", MAYBE, no_effect=_INSIDE),
    Option("v", "version"),
    Option("h", "help"),
)
_SHORT: Mapping[str, Option] = {each.short: each for each in OPTIONS if each.short}
_LONG: Mapping[str, Option] = {each.long: each for each in OPTIONS}


class BadOption(ValueError):
    """The command line makes no sense; the text says why."""


@dataclass
class Read:
    """A command line: C{values} by the long names ("" where there is none), C{times}
    that each was given, and what stands behind C{-T} in C{rest}."""

    values: dict[str, str] = field(default_factory=dict)
    times: dict[str, int] = field(default_factory=dict)
    rest: tuple[str, ...] = ()

    def __contains__(self, long: str) -> bool:
        return long in self.values

    def note(self, option: Option, value: str) -> None:
        """It was given; the last one counts."""
        self.values[option.long] = value
        self.times[option.long] = self.times.get(option.long, 0) + 1


def read(argv: Sequence[str]) -> Read:
    """Take the words of a command line. Raises L{BadOption}."""
    found, words = Read(), list(argv)
    while words:
        word = words.pop(0)
        if word.startswith("--") and word != "--":
            _long(word[2:], words, found)
        elif word.startswith("-") and len(word) > 1 and word != "--":
            _short(word[1:], words, found)
        else:
            raise BadOption(f"Unexpected argument(s): {word}")
        if "genhash" in found:
            found.rest = tuple(words)
            return found
    return found


def _long(text: str, words: list[str], found: Read) -> None:
    name, equals, value = text.partition("=")
    option = _LONG.get(name) or _abbreviated(name)
    if equals and option.takes == FLAG:
        raise BadOption(f"option '--{option.long}' doesn't allow an argument")
    if option.takes == VALUE and not equals:
        value = _next(f"--{option.long}", words)
    found.note(option, value)


def _abbreviated(name: str) -> Option:
    """getopt_long(3) takes the beginning of a name if there is only one such name."""
    meant = [each for each in OPTIONS if name and each.long.startswith(name)]
    if len(meant) != 1:
        raise BadOption(f"Unknown option --{name}")
    return meant[0]


def _short(text: str, words: list[str], found: Read) -> None:
    """Several in one word; one that takes a value takes what is left of it."""
    while text:
        letter, text = text[0], text[1:]
        option = _SHORT.get(letter)
        if option is None:
            raise BadOption(f"Unknown option -{letter}")
        value = ""
        if option.takes != FLAG:
            value, text = text, ""
            if option.takes == VALUE and not value:
                value = _next(f"-{letter}", words)
        found.note(option, value)


def _next(name: str, words: list[str]) -> str:
    if not words:
        raise BadOption(f"Missing value for option {name}")
    return words.pop(0)


def usage() -> str:
    """All options, as C{--help} shows them."""
    lines = ["Usage: keepalived [OPTION...]"]
    for each in OPTIONS:
        short = f"-{each.short}, " if each.short else "    "
        value = {FLAG: "", VALUE: "=VALUE", MAYBE: "[=VALUE]"}[each.takes]
        why = f"  (no effect: {each.no_effect})" if each.no_effect else ""
        lines.append(f"  {short}--{each.long}{value}{why}")
    return "\n".join(lines)


def facility(text: str) -> int | None:
    """The number of a syslog facility (syslog(3)); None for what is none."""
    named = {"user": 1, "daemon": 3, **{f"local{n}": 16 + n for n in range(8)}}
    named |= {str(n): 16 + n for n in range(8)}
    return named.get(text)
