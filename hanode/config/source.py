"""Files of the configuration: which ones a pattern names, and what is in them.

Patterns are those of glob(3) with GLOB_BRACE: C{* ? [a-z] [!a] {a,b}} and a backslash
before a character that is meant literally.
"""

from __future__ import annotations

import glob
import os
import re
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Flag

Read = Callable[[str], bytes]

MAX_ALTERNATIVES = 10_000  # {a,b}{a,b}... doubles with each pair

_WILD = re.compile(r"(?<!\\)(?:\\\\)*[*?\[]")
_GLOB_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


class Policy(Flag):
    """Which failures of an include are errors (keepalived.conf(5), include_check)."""

    NONE = 0
    READABLE = 1  # a file that is not readable or not regular
    MATCH = 2  # a path without wildcards that does not exist
    WILDCARD = 4  # a wildcard that matches nothing
    BRACE = 8  # one alternative in braces that matches nothing


EVERYTHING = Policy.READABLE | Policy.MATCH | Policy.WILDCARD | Policy.BRACE

VARIANTS = {
    "": Policy.NONE,
    "r": Policy.READABLE,
    "m": Policy.READABLE | Policy.MATCH,
    "w": Policy.READABLE | Policy.MATCH | Policy.WILDCARD,
    "b": Policy.READABLE | Policy.BRACE,
    "a": EVERYTHING,
}

POLICY_WORDS = {
    "readable": Policy.READABLE,
    "read": Policy.READABLE,  # what keepalived's code knows instead
    "match": Policy.MATCH,
    "wildcard_match": Policy.WILDCARD,
    "brace_match": Policy.BRACE,
}


def change_policy(policy: Policy, words: Iterable[str]) -> Policy:
    """Apply the words of include_check; raises KeyError for an unknown word.

    C{+ word} adds to C{policy} and C{- word} takes away; words without a sign
    before them replace it.
    """
    sign = ""
    for number, word in enumerate(words):
        if word[:1] in ("+", "-"):
            sign, word = word[0], word[1:]
        elif number == 0:
            policy = Policy.NONE
        if word:
            named = POLICY_WORDS[word]
            policy = policy & ~named if sign == "-" else policy | named
    return policy


@dataclass(frozen=True)
class Miss:
    """Something that a pattern names but that cannot be read.

    C{broken} is the policy that makes it an error; C{silent} when it is worth
    no word without that policy.
    """

    broken: Policy
    message: str
    remedy: str = ""
    silent: bool = False


def expand_braces(pattern: str) -> list[str]:
    """All alternatives of C{{a,b}}, in order; raises ValueError when too many."""
    done: list[str] = []
    waiting = [pattern]
    while waiting:
        text = waiting.pop()
        braces = _first_braces(text)
        if braces is None:
            done.append(text)
        else:
            start, commas, stop = braces
            edges = [start, *commas, stop]
            waiting.extend(
                text[:start] + text[left + 1 : right] + text[stop + 1 :]
                for left, right in reversed(list(zip(edges, edges[1:], strict=False)))
            )
        if len(done) + len(waiting) > MAX_ALTERNATIVES:
            raise ValueError(f"more than {MAX_ALTERNATIVES} alternatives in braces")
    return done


def _first_braces(text: str) -> tuple[int, list[int], int] | None:
    """The first pair of braces and the commas directly in it; C{{}} is no pair."""
    opened: list[tuple[int, list[int]]] = []
    pairs = []
    at = 0
    while at < len(text):
        character = text[at]
        if character == "\\":
            at += 1
        elif character == "{" and text[at : at + 2] != "{}":
            opened.append((at, []))
        elif character == "," and opened:
            opened[-1][1].append(at)
        elif character == "}" and opened:
            pairs.append((*opened.pop(), at))
        at += 1
    return min(pairs, default=None)


def matches(pattern: str, directory: str) -> list[str]:
    """The sorted paths that one alternative matches, relative to C{directory}."""
    if not _WILD.search(pattern):
        path = os.path.join(directory, _GLOB_ESCAPE.sub(r"\1", pattern))
        return [path] if os.path.lexists(path) else []
    # Python's patterns know [x] where glob(3) knows \x, and [!x] for [^x].
    spelled = _GLOB_ESCAPE.sub(lambda found: glob.escape(found[1]), pattern)
    spelled = spelled.replace("[^", "[!")
    found = sorted(glob.glob(spelled, root_dir=directory or None))
    return [os.path.join(directory, path) for path in found]


def find(pattern: str, directory: str = "") -> tuple[list[str], list[Miss]]:
    """The files that C{pattern} names, in order, and what is amiss.

    Raises ValueError when the pattern has too many alternatives.
    """
    paths: list[str] = []
    misses: list[Miss] = []
    absent = wild = 0
    alternatives = expand_braces(pattern)
    for alternative in alternatives:
        found = matches(alternative, directory)
        wildcard = _WILD.search(alternative) is not None
        wild += wildcard
        absent += not found
        for path in found:
            miss = unsuitable(path, wildcard)
            if miss is None:
                paths.append(path)
            else:
                misses.append(miss)
    if absent:
        whole = absent == len(alternatives)
        broken = Policy.NONE if len(alternatives) == 1 else Policy.BRACE
        if whole:
            broken |= Policy.WILDCARD if wild else Policy.MATCH
        message = f"Config files missing '{pattern}'."
        misses.append(Miss(broken, message, silent=not whole))
    return paths, misses


def unsuitable(path: str, wildcard: bool = False) -> Miss | None:
    """Why the file is not read: only regular files that are not executable are."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError) as error:
        return unreadable(path, error)
    if stat.S_ISREG(mode) and not mode & 0o111:
        return None
    message = f"Configuration file '{path}' is not a regular non-executable file"
    if wildcard and stat.S_ISDIR(mode):
        return Miss(Policy.NONE, message, silent=True)
    remedy = f"chmod a-x {path}" if stat.S_ISREG(mode) else ""
    return Miss(Policy.READABLE, message, remedy)


def unreadable(path: str, error: Exception) -> Miss:
    """The record of a file that could not be opened."""
    reason = getattr(error, "strerror", None) or str(error)
    message = f"Unable to open configuration file '{path}': {reason}"
    return Miss(Policy.READABLE, message)


def read_file(path: str) -> bytes:
    """All bytes of a file; raises OSError."""
    with open(path, "rb") as stream:
        return stream.read()


def decode(content: bytes) -> list[str]:
    """The lines of a file; no byte makes it fail.

    Wrong UTF-8 is kept as surrogates, so that file names survive.
    """
    return split_lines(content.decode("utf-8", "surrogateescape"))


def split_lines(text: str) -> list[str]:
    """Lines without their ends, LF or CR LF, and without a byte order mark."""
    lines = [line.rstrip("\r") for line in text.removeprefix("\ufeff").split("\n")]
    return lines if lines[-1] else lines[:-1]


def pattern_end(pattern: str) -> int:
    """Where a pattern ends: at a closing brace that nothing in it opened."""
    depth = 0
    for at, character in enumerate(pattern):
        depth += (character == "{") - (character == "}")
        if depth < 0:
            return at
    return len(pattern)
