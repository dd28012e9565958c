"""What a tracker plug-in tells the configuration about its keywords.

The configuration imports no plug-in: whoever reads it hands the words of all trackers
down to it, so that a tracker in a new file needs no change here. Three kinds are known
without that, because other parts of the configuration speak of the same things:
interfaces, BFD sessions and files.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from hanode.config.balance_checks import Site
from hanode.config.draft import Written
from hanode.config.model import GlobalDefs
from hanode.config.row import Keyword
from hanode.config.track_model import Description
from hanode.config.tree import Block

#: of keepalived's weights: interfaces, scripts, sessions; files and processes
MOST, MOST_OF_NUMBERS = 253, 254

#: makes the record of what a top-level block has said; None when it cannot be used
Options = Callable[[Written, GlobalDefs], Hashable | None]
#: what a block inside an instance describes itself; None when it cannot be used
Inline = Callable[[Block, Site], Description | None]


def no_options(written: Written, global_defs: GlobalDefs) -> Hashable:
    """The options of a kind that has none."""
    return ()


@dataclass(frozen=True)
class TrackerWords:
    """C{keyword} is the block inside an instance or a group, e.g. C{track_script}.

    C{kind} is what its facts begin with (C{script} for C{script:NAME}), C{title} what
    messages call one thing of it. C{most}: the range of weights; C{lenient}: one more
    than that is corrected, and what stands behind a number ignored. C{weight} is that
    of a thing without one.

    C{blocks} are the words of the top-level blocks that describe a thing, C{rows}
    what may stand in them beside C{weight}, C{options} what is made of it. Without
    C{blocks} any name may be tracked. C{inline}, where it is given, reads the whole
    block inside the instance, which then describes the thing itself. C{untracked}:
    somebody else wants the facts of those that no instance tracks, too.
    """

    keyword: str
    kind: str
    title: str
    most: int = MOST
    lenient: bool = False
    weight: int = 0
    blocks: tuple[str, ...] = ()
    rows: tuple[Keyword, ...] = ()
    options: Options = no_options
    inline: Inline | None = None
    untracked: bool = False


#: keyword -> its words
Trackers = Mapping[str, TrackerWords]

INTERFACE = TrackerWords("track_interface", "interface", "interface", lenient=True)
BFD = TrackerWords("track_bfd", "bfd", "BFD instance")
FILE = TrackerWords(
    "track_file", "file", "file", MOST_OF_NUMBERS, weight=1, untracked=True
)

#: the three that need no plug-in to be read
WITHOUT_PLUGINS: Trackers = {each.keyword: each for each in (INTERFACE, BFD, FILE)}

FIELD = "track."  # in front of the kind: the field of an instance's or group's lines


def inside(trackers: Trackers) -> dict[str, Keyword]:
    """The rows of the track blocks, for the table of an instance or a group."""
    return {word: _row(words) for word, words in sorted(trackers.items())}


def _row(words: TrackerWords) -> Keyword:
    return Keyword(
        words.keyword,
        FIELD + words.kind,
        "tracked" if words.inline is None else "blocks",
        low=-words.most,
        high=words.most,
        strict=not words.lenient,
        title=words.title,
        only_hanode=words.inline is not None,
    )


def top(trackers: Iterable[TrackerWords]) -> dict[str, Keyword]:
    """The rows of the blocks at the top level."""
    return {
        word: Keyword(word, word, "block")
        for words in trackers
        for word in words.blocks
    }


def table(words: TrackerWords) -> dict[str, Keyword]:
    """What may stand in such a block."""
    weight = Keyword(
        "weight", "weight", "signed weight", low=-words.most, high=words.most
    )
    return {row.word: row for row in (weight, *words.rows)}


def descriptions(
    words: TrackerWords, found: Iterable[Written], global_defs: GlobalDefs
) -> Iterator[Description]:
    """What these top-level blocks describe."""
    for written in found:
        options = words.options(written, global_defs)
        if options is None:
            continue
        weight, reverse = written.own.get("weight", (words.weight, False))
        place = written.block.keyword.place
        yield Description(words.kind, written.name, weight, reverse, options, place)
