"""Names of tables, protocols, scopes ... as ip(8) knows them: /etc/iproute2.

A file has a number and a name on each line, C{#} begins a comment. Newer packages keep
the defaults in /usr/share/iproute2 and leave /etc/iproute2 to the operator; fragments
are in C{FILE.d/*.conf}. What is in neither is taken from the kernel's headers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

USUAL = ("/usr/share/iproute2", "/etc/iproute2")

#: file -> name -> number, where nobody says otherwise (linux/rtnetlink.h)
DEFAULTS: Mapping[str, Mapping[str, int]] = {
    "rt_tables": {"unspec": 0, "default": 253, "main": 254, "local": 255},
    "rt_protos": {
        "unspec": 0,
        "redirect": 1,
        "kernel": 2,
        "boot": 3,
        "static": 4,
        "ra": 9,
        "dhcp": 16,
        "keepalived": 18,
    },
    "rt_scopes": {"global": 0, "site": 200, "link": 253, "host": 254, "nowhere": 255},
    "rt_dsfield": {},
    "rt_realms": {"cosmos": 0},
    "group": {"default": 0},
}

Read = Callable[[Path], str]


def read_file(path: Path) -> str:
    """The text of a file, "" when it cannot be read: its names are unknown then."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


class Names:
    """Looks names up, reading each file when it is needed first.

    @param folders: where the files are; the last one has the last word.
    """

    def __init__(
        self, folders: tuple[str, ...] = USUAL, read: Read = read_file
    ) -> None:
        self._folders, self._read = tuple(map(Path, folders)), read
        self._known: dict[str, dict[str, int]] = {}

    def number(self, file: str, text: str) -> int | None:
        """The number that C{text} is, or has as a name in C{file}; None for neither."""
        found = number_of(text)
        return self._names(file).get(text) if found is None else found

    def _names(self, file: str) -> dict[str, int]:
        names = self._known.get(file)
        if names is None:
            names = self._known[file] = dict(DEFAULTS[file])
            for folder in self._folders:
                for path in (folder / file, *sorted(folder.glob(f"{file}.d/*.conf"))):
                    names.update(_entries(self._read(path)))
        return names


def number_of(text: str) -> int | None:
    """A number without sign, decimal or hexadecimal (0x...); None for anything else."""
    if not text.isascii():
        return None
    if text.isdigit():
        return int(text) if len(text) < 20 else None
    digits = text[2:]
    if text[:2] not in ("0x", "0X") or not 0 < len(digits) < 17:
        return None
    return (
        int(digits, 16) if all(c in "0123456789abcdefABCDEF" for c in digits) else None
    )


def _entries(text: str) -> Iterator[tuple[str, int]]:
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        number = number_of(words[0]) if len(words) > 1 else None
        if number is not None:
            yield words[1], number
