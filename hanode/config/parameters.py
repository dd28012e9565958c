"""Parameters of the configuration: $NAME, ${NAME}, ${_RANDOM 1 6}, ~SEQ and ~LST.

Values are put in when they are used, not when they are defined, and what was put in
is looked at again. Every use is counted, so that nothing can go on without end.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from random import Random

from hanode.config.line import BLANKS, Line

MAX_GROWTH = 65_536  # characters that values may add to one line
MAX_USES = 500  # uses of parameters in one line
MAX_VALUES = 100_000  # rounds of one ~SEQ

_DEFINITION = re.compile(r"\$([A-Za-z_]\w*)=", re.ASCII)
_USE = re.compile(
    r"\$(?:\{([A-Za-z_]\w*)((?:[ \t]+\w+)*)\}|([A-Za-z_]\w*)(?=[ \t,)]|\Z))", re.ASCII
)
_NUMBER = re.compile(r"[+-]?(?:0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)\Z", re.ASCII)
_LOOP = re.compile(r"~(SEQx?|LST)(?!\w)[ \t]*(\(?)", re.ASCII)
_NAME = re.compile(r"[A-Za-z_]\w*\Z", re.ASCII)
_NAMES = re.compile(r"[ \t]*(?:\{([^{}]*)\}|([^,{}]*))[ \t]*,?", re.ASCII)
_VALUE = r"(?:\$\{[^}]*\}|[^\s,{})])*"
_TUPLE = re.compile(rf"[ \t]*\{{((?:[ \t]*{_VALUE}[ \t]*,?)*)\}}[ \t]*(,|\Z)")
_SINGLE = re.compile(rf"[ \t]*({_VALUE})[ \t]*(,|\Z)")

Note = Callable[[str, str], None]  # message, remedy: a warning about this line


class EndlessError(Exception):
    """Parameters that contain themselves, or grow too much."""


class LoopError(Exception):
    """A ~SEQ or ~LST that cannot be understood."""


@dataclass(frozen=True)
class Loop:
    """A ~SEQ or ~LST: C{body} is read once for each of C{values}."""

    names: tuple[str, ...]
    values: Iterable[tuple[str, ...]]
    body: Line


@dataclass(frozen=True)
class Substituted:
    """A line with its values put in, and the further lines of multi-line values.

    The last of C{rest} is to be read first.
    """

    line: Line
    rest: tuple[tuple[Line, ...], ...]
    uses: int


class Parameters:
    """The definitions as far as the files have been read."""

    def __init__(
        self, *, config_id: str, environ: Mapping[str, str], random: Random
    ) -> None:
        self.random = random
        self.directory = ""
        self._config_id = config_id
        self._environ = environ
        self._values: dict[str, tuple[str, ...]] = {}
        self._builtin: dict[str, tuple[int, int, Callable[..., str]]] = {
            "_PWD": (0, 0, self._pwd),
            "_INSTANCE": (0, 0, lambda note: config_id),
            "_RANDOM": (0, 2, self._draw),
            "_ENV": (1, 1, self._environment),
            "_HASH": (0, 0, lambda note: "#"),
            "_BANG": (0, 0, lambda note: "!"),
        }

    def define(self, name: str, lines: tuple[str, ...]) -> None:
        """Set a parameter; more than one line makes it a multi-line value."""
        self._values[name] = lines or ("",)

    def substitute(self, line: Line, note: Note) -> Substituted:
        """Put values in, from left to right; raises L{EndlessError}."""
        limit = len(line.text) + MAX_GROWTH
        rest: list[tuple[Line, ...]] = []
        uses = at = 0
        while match := _USE.search(line.text, at):
            value = self._value(match, note)
            whole = match.end() == len(line.text)
            if value is None or (len(value) > 1 and not whole):
                at = match.end()
                continue
            start, stop = match.span()
            if len(value) > 1:
                more = value[1:]
                rest.append(tuple(line.standing_for(start, stop, t) for t in more))
            line, at, uses = line.replaced(start, stop, value[0]), start, uses + 1
            if len(line.text) > limit or uses > MAX_USES:
                raise EndlessError
            if value[0].startswith("~"):  # ~SEQ and ~LST take their values first
                break
        return Substituted(line, tuple(rest), uses)

    def _value(self, match: re.Match[str], note: Note) -> tuple[str, ...] | None:
        """The value of a use, None when it is to be left as it is."""
        name = match[1] or match[3]
        given = (match[2] or "").split()
        value = self._values.get(name)
        if value is None and name not in self._builtin:
            return None
        least, most, make = (0, 0, None) if value else self._builtin[name]
        if not least <= len(given) <= most:
            note(
                f"Definition {name} requires between {least} and {most} parameters,"
                f" {len(given)} specified.",
                "",
            )
            return None
        return value if make is None else (make(note, *given),)

    def _pwd(self, note: Note) -> str:
        return os.path.realpath(self.directory or ".")

    def _environment(self, note: Note, name: str) -> str:
        return self._environ.get(name, "").replace("\n", " ")

    def _draw(self, note: Note, least: str = "0", most: str = "32767") -> str:
        for word in (least, most):
            if not word.isdecimal() or not word.isascii() or len(word) > 18:
                note(f"invalid number '{word}' for _RANDOM", "use whole numbers")
                return "0"
        low, high = int(least), int(most)
        if low > high:
            note(f"_RANDOM minimum {low} is greater than maximum {high}", "")
            return str(low)
        return str(self.random.randint(low, high))

    def loop(self, line: Line, note: Note) -> Loop | None:
        """Understand a line that begins with ~SEQ or ~LST, None for any other.

        Raises L{LoopError}, or L{EndlessError} out of its parameters.
        """
        match = _LOOP.match(line.text)
        if match is None:
            return None
        kind, begin = match[1], match.end()
        end = line.text.find(")", begin)
        if not match[2] or end < 0:
            missing = "terminating ')'" if match[2] else "'('"
            raise LoopError(f"~{kind} missing {missing}")
        body = line.cut(end + 1).strip()
        if kind == "LST":
            return _list(line.text[begin:end], body)
        inside = self.substitute(line.cut(begin, end), note).line.text
        return _sequence(inside, body, hexadecimal=kind == "SEQx")


def definition(line: Line) -> tuple[str, Line] | None:
    """Name and value of a C{$NAME=VALUE} line, None for any other line."""
    match = _DEFINITION.match(line.text)
    return (match[1], line.cut(match.end()).strip()) if match else None


def _sequence(inside: str, body: Line, hexadecimal: bool) -> Loop:
    """C{VAR, [START, [STEP,]] END}."""
    name, *words = (word.strip(BLANKS) for word in inside.split(","))
    if not _NAME.match(name) or not 1 <= len(words) <= 3:
        raise LoopError("Invalid ~SEQ parameters")
    start, step, end = _bounds([_integer(word) for word in words])
    if step == 0 or (end - start) * step < 0:
        raise LoopError("Invalid ~SEQ values")
    numbers = range(start, end + (1 if step > 0 else -1), step)
    if (end - start) // step >= MAX_VALUES:
        raise LoopError(f"~SEQ has more than {MAX_VALUES} values")
    if hexadecimal and min(start, end) < 0:
        raise LoopError("Invalid ~SEQ values: ~SEQx cannot be negative")
    digits = "x" if hexadecimal else "d"
    return Loop((name,), ((format(number, digits),) for number in numbers), body)


def _bounds(numbers: list[int]) -> tuple[int, int, int]:
    """Start, step and end; what is left out is one step in the right direction."""
    if len(numbers) == 1:
        end = numbers[0]
        return -1 if end < 0 else 1, -1 if end < 1 else 1, end
    if len(numbers) == 2:
        start, end = numbers
        return start, 1 if start <= end else -1, end
    start, step, end = numbers
    return start, step, end


def _integer(word: str) -> int:
    """A number as strtol reads it with base 0: 10, 0xa, 012."""
    if not _NUMBER.match(word) or len(word) > 20:
        raise LoopError(f"Invalid ~SEQ number '{word}'")
    digits = word.lstrip("+-")
    octal = digits.startswith("0") and digits.isdecimal()
    value = int(digits, 8 if octal else 0)
    return -value if word.startswith("-") else value


def _list(inside: str, body: Line) -> Loop:
    """C{VAR, v1, v2 ...} or C{{A, B}, {a1, b1} ...}; missing values are empty."""
    match = _NAMES.match(inside)
    tuples = match is not None and match[1] is not None
    listed = (match[1] if tuples else match[2]) if match else ""
    names = tuple(name.strip(BLANKS) for name in listed.split(","))
    if match is None or not all(_NAME.match(name) for name in names):
        raise LoopError("Invalid ~LST parameter name")
    values: list[tuple[str, ...]] = []
    at, item = match.end(), _TUPLE if tuples else _SINGLE
    while at < len(inside):
        found = item.match(inside, at)
        if found is None:
            raise LoopError("Invalid ~LST values")
        parts = found[1].split(",") if tuples else [found[1]]
        if len(parts) > len(names):
            raise LoopError("~LST specification has too many values")
        parts += [""] * (len(names) - len(parts))
        values.append(tuple(part.strip(BLANKS) for part in parts))
        at = found.end()
    return Loop(names, values, body)
