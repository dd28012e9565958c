"""One line of a block, word by word: what routes and rules are written in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import ip_network
from typing import NoReturn, TypeVar

from hanode.config.addresses import split_prefix
from hanode.config.findings import Findings
from hanode.config.model import IpAddress
from hanode.config.route_model import IpNetwork
from hanode.config.route_names import Names
from hanode.config.tree import Block, Word

T = TypeVar("T")


class Unusable(Exception):
    """The line makes no sense; what is wrong has been said."""


class LineWords:
    """The words of one line, from the first to the last.

    @param what: what the line describes, for messages: C{route} or C{rule}.
    """

    def __init__(
        self, what: str, line: Block, names: Names, findings: Findings
    ) -> None:
        self.what, self.line, self.findings = what, line, findings
        self._names, self._words = names, line.words
        self._at = 0

    def __iter__(self) -> Iterator[Word]:
        while self._at < len(self._words):
            self._at += 1
            yield self._words[self._at - 1]

    def peek(self) -> str:
        """The next word, "" at the end."""
        return self._words[self._at].text if self._at < len(self._words) else ""

    def take(self) -> Word:
        """The next word, which must be there."""
        if self._at >= len(self._words):
            self.findings.missing(self.line, self._at)
            raise Unusable
        self._at += 1
        return self._words[self._at - 1]

    def skip(self, *words: str) -> str:
        """Pass over the next word if it is one of these; return it."""
        text = self.peek()
        if text in words:
            self._at += 1
            return text
        return ""

    # -- values; each takes the next word

    def number(self, name: str, low: int, high: int, file: str = "") -> int:
        """A number between C{low} and C{high}, or a name of a file of iproute2."""
        return self.number_in(self.take(), name, low, high, file)

    def number_in(self, word: Word, name: str, low: int, high: int, file: str) -> int:
        """The number that C{word} is; a bad one spoils the line."""
        found = self._names.number(file or "group", word.text)
        if found is None:
            remedy = f"write a number from {low} to {high}"
            if file:
                remedy += f", or a name from /etc/iproute2/{file}"
            self.bad(word, f"invalid {name} '{word}' specified for {self.what}", remedy)
        if not low <= found <= high:
            text = f"{name} '{word}' of {self.what} is outside [{low}, {high}]"
            self.bad(word, text, f"write a number from {low} to {high}")
        return found

    def range(self, name: str, high: int) -> tuple[int, int]:
        """C{A} or C{A-B}."""
        word = self.take()
        first, dash, last = word.text.partition("-")
        numbers = self._names.number("group", first), self._names.number("group", last)
        begin, end = numbers if dash else (numbers[0], numbers[0])
        if begin is None or end is None or not begin <= end <= high:
            self.bad(word, f"invalid {name} range '{word}'", "write FIRST-LAST")
        return begin, end

    def pair(self, name: str, split: str, read: Callable[[str], int | None]) -> int:
        """Realms: C{[SOURCE/]DESTINATION} as one number."""
        word = self.take()
        first, slash, last = word.text.partition(split)
        numbers = (read(first), read(last)) if slash else (0, read(first))
        if None in numbers or max(n or 0 for n in numbers) > 0xFFFF:
            self.bad(word, f"invalid {name} '{word}'", "write [SOURCE/]DESTINATION")
        return (numbers[0] or 0) << 16 | (numbers[1] or 0)

    def realm(self) -> int:
        """C{[SOURCE/]DESTINATION}, with names of rt_realms."""
        return self.pair("realms", "/", lambda t: self._names.number("rt_realms", t))

    def address(self, name: str) -> IpAddress:
        """An address without prefix."""
        word = self.take()
        found, prefix = split_prefix(word.text)
        if found is None or prefix is not None:
            self.bad(word, f"invalid {name} address {word}", "write an IP address")
        return found

    def network(self, word: Word, version: int) -> IpNetwork | None:
        """C{PREFIX}, C{default}, C{any} or C{all}; None for all of an unknown family.

        @param version: the family that was asked for, 0 for none.
        """
        if word.text in ("default", "any", "all", "default6"):
            if word.text == "default6" or version == 6:
                return whole(6)
            return whole(4) if version else None
        address, prefix = split_prefix(word.text)
        if address is None:
            text = f"VRRP parsed invalid IP {word}. skipping {self.what}..."
            self.bad(word, text, "write ADDRESS[/PREFIX] or default")
        length = address.max_prefixlen if prefix is None else prefix
        found = network_of(address, length)
        if found.network_address != address:
            text = f"{word} has bits behind its prefix: the kernel takes {found}"
            self.findings.warning(word, text, f"write {found}")
        return found

    # -- complaints

    def bad(self, word: Word | Block, message: str, remedy: str) -> NoReturn:
        """Say what is wrong, and give the line up."""
        self.findings.warning(word, message, remedy)
        raise Unusable

    def unknown(self, word: Word) -> None:
        """A word that nobody knows is left out."""
        self.findings.warning(
            word,
            f"Unknown configuration entry '{word}' for {self.what} - ignoring",
            f"remove it, or put each {self.what} on a line of its own",
        )


def whole(version: int) -> IpNetwork:
    """All addresses of a family."""
    return ip_network("0.0.0.0/0" if version == 4 else "::/0")


def network_of(address: IpAddress, length: int) -> IpNetwork:
    """The network of C{length} bits around C{address}."""
    return ip_network((address.packed, length), strict=False)


def read_lines(
    what: str,
    lines: list[Block],
    names: Names,
    findings: Findings,
    read: Callable[[LineWords], T],
) -> list[tuple[T, Block]]:
    """What C{read} makes of each line; lines that make no sense are left out."""
    found = []
    for line in lines:
        try:
            found.append((read(LineWords(what, line, names, findings)), line))
        except Unusable:
            continue
    return found
