"""The table of conformance names tests that exist, and says something in each row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "docs" / "bfd-conformance.md"
NAMED = re.compile(r"`(\w+)\.(test_\w+)`")


def rows() -> Iterator[list[str]]:
    """The cells of each row, without the heads."""
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if line.startswith("| ") and not line.startswith("| section"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def defined(module: str) -> set[str]:
    """The tests of all modules with this name: C{test_echo} is in three places."""
    found: set[str] = set()
    for path in (ROOT / "tests").rglob(f"{module}.py"):
        text = path.read_text(encoding="utf-8")
        found |= set(re.findall(r"    def (test_\w+)\(", text))
    return found


class TableTests(SynchronousTestCase):
    """docs/bfd-conformance.md"""

    def test_each_named_test_exists(self) -> None:
        """Whoever renames a test finds it here."""
        named = set(NAMED.findall(TABLE.read_text(encoding="utf-8")))
        missing = [each for each in sorted(named) if each[1] not in defined(each[0])]
        self.assertEqual(missing, [])

    def test_each_row_is_complete(self) -> None:
        """Four cells: a section, a requirement, a test or a reason, a state."""
        for row in rows():
            self.assertEqual(len(row), 4, row)
            section, requirement, test, state = row
            self.assertTrue(section and requirement and state, row)
            self.assertTrue(NAMED.search(test) or not state.startswith("met"), row)

    def test_each_section_test_is_in_the_table(self) -> None:
        """Tests that carry a section's number are listed, all of them."""
        listed = {name for _, name in NAMED.findall(TABLE.read_text(encoding="utf-8"))}
        machine = [path.stem for path in Path(__file__).parent.glob("test_session*.py")]
        modules = [*machine, "test_negotiation", "test_echo"]
        names = {name for module in modules for name in defined(module)}
        sections = {name for name in names if re.match(r"test_[0-9]", name)}
        self.assertEqual(sorted(sections - listed), [])
