"""What keepalived would not understand of a file that hanode runs.

keepalived reports a word that it does not know, and skips it. It does not skip a block
as a block inside another one: it goes on with the lines inside as if they stood in the
block around it, and takes the closing brace for that one's (measured with 2.2.7).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from hanode.config import checker_keywords, future, keywords, tracker_words
from hanode.config.checker_words import NO_CHECKERS, Checkers
from hanode.config.future import Path
from hanode.config.problems import Problem, Severity
from hanode.config.row import BLOCK_TYPES, Keyword
from hanode.config.tracker_words import WITHOUT_PLUGINS, Trackers
from hanode.config.tree import Block

REAL: Path = ("virtual_server", "real_server")
TRACKING: Sequence[Path] = (("vrrp_instance",), ("vrrp_sync_group",))

Table = Mapping[str, Keyword]


def foreign(
    tree: Sequence[Block],
    checkers: Checkers = NO_CHECKERS,
    trackers: Trackers = WITHOUT_PLUGINS,
) -> list[Problem]:
    """A warning for each word of C{tree} that only hanode has.

    Words that nobody knows are not among them: those are problems for both.
    """
    search = _Search(checkers, trackers)
    return list(search.blocks(tree, (), keywords.SUPPORTED[()]))


class _Search:
    """Walks the tree along the table of keywords."""

    def __init__(self, checkers: Checkers, trackers: Trackers) -> None:
        self._checkers = checkers
        top = tracker_words.top(trackers.values())
        self._trackers = {(): top.keys(), **dict.fromkeys(TRACKING, trackers.keys())}

    def blocks(
        self, blocks: Sequence[Block], path: Path, table: Table
    ) -> Iterator[Problem]:
        """What is foreign among C{blocks}, which stand inside C{path}."""
        for block in blocks:
            if not block.words:
                continue
            word = block.keyword.text
            row = table.get(word)
            if path == REAL and word in self._checkers:
                if word not in future.WORDS[REAL]:
                    yield _foreign(block, path)
                else:
                    inside = checker_keywords.table(self._checkers[word])
                    yield from self.blocks(block.children or (), (*path, word), inside)
            elif word in self._trackers.get(path, ()):
                if word not in future.WORDS[path] and row is None:
                    yield _foreign(block, path)
            elif row is not None and row.only_hanode:
                yield _foreign(block, path)
            elif row is not None and row.type in BLOCK_TYPES:
                yield from self._inside(row, block, path)

    def _inside(self, row: Keyword, block: Block, path: Path) -> Iterator[Problem]:
        here = row.path or (*path, row.word)
        table = {each.word: each for each in row.inside} or keywords.SUPPORTED.get(here)
        if table is not None:
            yield from self.blocks(block.children or (), here, table)


def _foreign(block: Block, path: Path) -> Problem:
    where = f" in {' / '.join(path)}" if path else ""
    remedy = "keepalived skips it"
    if block.children is not None and path:
        remedy = (
            f"keepalived takes its '}}' for that of {path[-1]}: write it last there"
        )
    elif block.children is not None:
        remedy += " with its block"
    text = f"keepalived does not know '{block.keyword}'{where}"
    return Problem(Severity.WARNING, block.keyword.place, text, remedy)
