"""The table beside keepalived names tests that exist, each row says something."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "docs" / "beside-keepalived.md"
ITEM = re.compile(r"([A-Z]+)-(\d\d)")
NAMED = re.compile(r"`([a-z_]+(?:\.\w+)+|test_\w+)`")
STATES = ("as keepalived", "differs: ", "not applicable: ", "missing: ")


def rows() -> Iterator[list[str]]:
    """The cells of each row, without the heads."""
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if line.startswith("| ") and not line.startswith("| item"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def has_tests(found: Any) -> bool:
    """Whether C{found} is a test, or a class or a module that has some."""
    if isinstance(found, ModuleType):
        classes = [each for each in vars(found).values() if isinstance(each, type)]
        return any(map(has_tests, classes))
    if isinstance(found, type):
        return any(each.startswith("test_") for each in dir(found))
    return callable(found)


def exists(name: str) -> bool:
    """Whether C{name} is found below tests, and is or has a test."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        if ROOT.joinpath("tests", *parts[:length]).with_suffix(".py").is_file():
            found: Any = import_module(".".join(("tests", *parts[:length])))
            for part in parts[length:]:
                found = getattr(found, part, None)
            return has_tests(found)
    return False


class BesideTests(SynchronousTestCase):
    """docs/beside-keepalived.md"""

    def test_each_named_test_exists(self) -> None:
        """Whoever renames a test finds it here."""
        named = {name for row in rows() for name in NAMED.findall(row[-1])}
        self.assertEqual([name for name in sorted(named) if not exists(name)], [])
        self.assertFalse(exists("test_docs.BesideTests.test_nothing_of_the_kind"))
        self.assertFalse(exists("test_nothing_of_the_kind"))

    def test_each_row_is_complete(self) -> None:
        """An item, what it is about, where from, its state, and a test or why not."""
        for row in rows():
            self.assertEqual(len(row), 5, row)
            self.assertTrue(all(row[:4]), row)
            self.assertTrue(row[3].startswith(STATES), row)
            told = row[3].startswith(STATES[2:])
            self.assertTrue(NAMED.search(row[4]) or told, row)

    def test_each_item_once(self) -> None:
        """The items of a kind are numbered from 01 on, without a gap."""
        numbers: dict[str, list[int]] = {}
        for row in rows():
            found = ITEM.fullmatch(row[0])
            assert found is not None, row
            numbers.setdefault(found[1], []).append(int(found[2]))
        for kind, found_numbers in numbers.items():
            whole = list(range(1, len(found_numbers) + 1))
            self.assertEqual(found_numbers, whole, kind)
