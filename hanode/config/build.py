"""Tree -> Model: every keyword looked up, every problem collected.

L{load} is the one call that turns files into a checked model.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from typing import Any

from hanode.config import (
    balance_build,
    bfd_instances,
    blocks,
    dump_entries,
    group_build,
    keywords,
    link_entries,
    notify_build,
    parser,
    process_entries,
    source,
    statics,
    tracker_words,
)
from hanode.config.balance_checks import Site
from hanode.config.balance_model import TrackedFile
from hanode.config.bfd_model import BfdInstance, BfdUnsolicited
from hanode.config.check import check
from hanode.config.checker_words import NO_CHECKERS, Checkers
from hanode.config.draft import GLOBAL_PREFIX, Draft, Taken, Written
from hanode.config.findings import Findings
from hanode.config.group_model import SyncGroup
from hanode.config.instances import complete
from hanode.config.model import GlobalDefs, Model, NodeDefs, VrrpInstance
from hanode.config.problems import Problem
from hanode.config.process_keywords import ALONE
from hanode.config.process_model import ProcessDefs
from hanode.config.row import Keyword
from hanode.config.track_model import Description
from hanode.config.tracker_words import FILE, WITHOUT_PLUGINS, Trackers
from hanode.config.tracking import Trackables, tracked
from hanode.config.tree import Block
from hanode.config.vmac_model import FirewallDefs

#: vrrp_min_garp: the defaults where nothing else is said
_MIN_GARP = {
    "master_delay": 0.0,
    "master_repeat": 1,
    "master_refresh": 0.0,
    "master_refresh_repeat": 0,
}

#: block -> what to do about a missing name, and about one that is there twice
_NAMING = {
    "vrrp_instance": ("give the instance a name", "give it another name"),
    "vrrp_sync_group": ("give the group a name", "give it another name"),
    "bfd_instance": ("give the instance a name", "give it another name"),
    "bfd_unsolicited": ("name an interface", "remove one of the two"),
    "track_group": ("give the group a name", "give it another name"),
    "track_file": ("give the file a name", "give it another name"),
    "vrrp_track_file": ("give the file a name", "give it another name"),
}
_ANY_NAME = ("give it a name", "give it another name")

_GLOBAL_FIELDS = (
    "router_id",
    "enable_script_security",
    "use_symlink_paths",
    "set_supplementary_groups",
    "startup_delay",
    "delay_after_boot",
    "log_unknown_vrids",
)
_FIREWALL = "firewall."


def load(
    paths: Sequence[str],
    *,
    config_id: str,
    environ: Mapping[str, str],
    random: Random,
    read: source.Read = source.read_file,
    checkers: Checkers = NO_CHECKERS,
    trackers: Trackers = WITHOUT_PLUGINS,
) -> tuple[Model, list[Problem]]:
    """Read, build and check the files C{paths}, each perhaps a pattern.

    The options are those of L{hanode.config.parser.parse}; C{checkers} are the words
    of the plug-ins that a real server may be checked with, C{trackers} of those that
    an instance may track with. Nothing is raised: what is wrong is among the problems,
    those of the parser first.
    """
    # A tree has no cycles; looking for some in a million new records takes as long as
    # all the rest.
    collecting = gc.isenabled()
    gc.disable()
    try:
        tree, problems = parser.parse(
            paths, config_id=config_id, environ=environ, random=random, read=read
        )
        model, found = build(tree, checkers, trackers)
        return model, [*problems, *found, *check(model)]
    finally:
        if collecting:
            gc.enable()


def build(
    tree: Sequence[Block],
    checkers: Checkers = NO_CHECKERS,
    trackers: Trackers = WITHOUT_PLUGINS,
) -> tuple[Model, list[Problem]]:
    """The model that C{tree} describes, and what is wrong with it.

    Blocks may stand in any order: what others refer to is built first.
    """
    findings = Findings()
    found, merged = _sorted(tree, trackers, findings)
    shared = merged["global_defs"]
    ground = _ground(found, merged, checkers, trackers, findings)
    track_groups = _named(found["track_group"], "track group", findings)
    fixed = statics.everything(found, track_groups, shared, findings)
    drafts: dict[str, Written] = {}
    instances = _instances(
        found["vrrp_instance"], shared, ground.trackables, findings, drafts
    )
    groups = _groups(found, shared, ground.trackables, drafts, instances, findings)
    statics.doubts(shared["track_groups"], instances, findings)
    unsolicited = tuple(_unsolicited(found["bfd_unsolicited"], findings))
    virtual_servers, defs_of_all = balance_build.balance(
        ground.sources, ground.site, instances, findings
    )
    described = ground.trackables.described
    model = Model(
        ground.defs,
        instances,
        ground.bfds,
        unsolicited,
        NodeDefs.of(ground.process.suffix, **merged["hanode"]),
        virtual_servers,
        defs_of_all,
        ground.process,
        {kind: named for kind, named in described.items() if named},
        link_entries.links(found, instances, findings),
        groups,
        *fixed,
        dump_entries.of_dumps(shared),
    )
    return model, findings.problems


@dataclass(frozen=True)
class _Ground:
    """What instances and virtual servers refer to."""

    process: ProcessDefs
    defs: GlobalDefs
    bfds: Mapping[str, BfdInstance]
    sources: balance_build.Sources
    site: Site
    trackables: Trackables


def _ground(
    found: Mapping[str, list[Block]],
    merged: Mapping[str, blocks.Settings],
    checkers: Checkers,
    trackers: Trackers,
    findings: Findings,
) -> _Ground:
    shared = merged["global_defs"]
    if shared.get("min_garp"):
        for field, value in _MIN_GARP.items():
            shared.setdefault(f"{GLOBAL_PREFIX}garp.{field}", value)
    notify_build.spread_alerts(shared)
    process = process_entries.of_process(shared)
    notify = notify_build.defs(shared, merged["hanode"], process, findings)
    defs = replace(_global_record(shared), notify=notify)
    bfds = _bfd_instances(found["bfd_instance"], findings)
    written_files = [*found["track_file"], *found["vrrp_track_file"]]
    files = tuple(balance_build.files(_named(written_files, "track file", findings)))
    sources = balance_build.Sources(found, files, shared, merged["hanode"])
    wanted = found["virtual_server"] or _probing(found, trackers)
    # To look at the checkers is to load them.
    site = balance_build.site(
        sources, checkers if wanted else NO_CHECKERS, defs, bfds, findings
    )
    described = _described(found, trackers, files, defs, findings)
    trackables = Trackables(trackers, described, site, bfds)
    return _Ground(process, defs, bfds, sources, site, trackables)


def _groups(
    found: Mapping[str, list[Block]],
    shared: blocks.Settings,
    trackables: Trackables,
    drafts: Mapping[str, Written],
    instances: dict[str, VrrpInstance],
    findings: Findings,
) -> Mapping[str, SyncGroup]:
    of_group = _with_trackers("vrrp_sync_group", trackables)
    written = _named(found["vrrp_sync_group"], "sync group", findings, of_group)
    alert = bool(shared.get("instance.smtp_alert"))
    return group_build.groups(written, trackables, drafts, instances, alert)


def _sorted(
    tree: Iterable[Block], trackers: Trackers, findings: Findings
) -> tuple[dict[str, list[Block]], dict[str, blocks.Settings]]:
    """The blocks by their word, and the settings of those that add up."""
    table = {**keywords.SUPPORTED[()], **tracker_words.top(trackers.values())}
    found: dict[str, list[Block]] = {word: [] for word in table}
    merged: dict[str, blocks.Settings] = {"global_defs": {}, "hanode": {}}
    for row, block in blocks.known(tree, (), findings, table):
        if row.word in ALONE:
            merged["global_defs"] |= blocks.settings([block], (), findings)
        elif row.word in merged:
            lines = blocks.body(block, findings)
            merged[row.word] |= blocks.settings(lines, (row.word,), findings)
        else:
            found[row.word].append(block)
    return found, merged


def _global_record(shared: Mapping[str, Any]) -> GlobalDefs:
    user, group = shared.get("script_user", (None, None))
    fields = {name: shared[name] for name in _GLOBAL_FIELDS if name in shared}
    firewall = {
        name.removeprefix(_FIREWALL): value
        for name, value in shared.items()
        if name.startswith(_FIREWALL)
    }
    return GlobalDefs(
        **fields,
        script_user=user,
        script_group=group,
        firewall=FirewallDefs(**firewall),
    )


def _probing(found: Mapping[str, list[Block]], trackers: Trackers) -> bool:
    """Whether any instance or group tracks by means of a checker."""
    words = {word for word, each in trackers.items() if each.inline is not None}
    return any(
        line.words and line.keyword.text in words
        for block in (*found["vrrp_instance"], *found["vrrp_sync_group"])
        for line in block.children or ()
    )


def _described(
    found: Mapping[str, list[Block]],
    trackers: Trackers,
    files: Iterable[TrackedFile],
    defs: GlobalDefs,
    findings: Findings,
) -> dict[str, dict[str, Description]]:
    """What can be tracked, but for sessions: kind, then name."""
    described = {
        FILE.kind: {
            each.name: Description(FILE.kind, each.name, each.weight, options=each)
            for each in files
        },
    }
    for words in trackers.values():
        table = tracker_words.table(words)
        for word in words.blocks:
            written = _named(found[word], words.title, findings, table)
            named = described.setdefault(words.kind, {})
            for each in tracker_words.descriptions(words, written, defs):
                named[each.name] = each
    return described


def _instances(
    found: Iterable[Block],
    shared: Mapping[str, Any],
    trackables: Trackables,
    findings: Findings,
    drafts: dict[str, Written],
) -> dict[str, VrrpInstance]:
    """The instances; C{drafts} gets what each accepted one was made of."""
    taken = Taken()
    table = _with_trackers("vrrp_instance", trackables)
    for written in _named(found, "vrrp instance", findings, table):
        own, mine = written.own, written.findings
        track = partial(tracked, written, trackables, own.get("interface", ""))
        draft = Draft(written.name, written.block, own, mine, shared, track)
        instance = complete(draft, taken)
        if instance is not None:
            taken.add(instance)
            drafts[written.name] = written
    return taken.instances


def _with_trackers(block: str, trackables: Trackables) -> dict[str, Keyword]:
    """The rows of C{block}, those of the track blocks among them."""
    return {**keywords.SUPPORTED[block,], **tracker_words.inside(trackables.words)}


def _bfd_instances(
    found: Iterable[Block], findings: Findings
) -> dict[str, BfdInstance]:
    sessions = bfd_instances.Sessions()
    for written in _named(found, "bfd instance", findings):
        instance = bfd_instances.complete(written, sessions)
        if instance is not None:
            sessions.add(instance)
    return sessions.instances


def _unsolicited(
    found: Iterable[Block], findings: Findings
) -> Iterator[BfdUnsolicited]:
    for written in _named(found, "bfd_unsolicited", findings):
        accepted = bfd_instances.unsolicited(written)
        if accepted is not None:
            yield accepted


def _named(
    found: Iterable[Block],
    what: str,
    findings: Findings,
    table: Mapping[str, Keyword] | None = None,
) -> Iterator[Written]:
    """The settings of each block that has a name of its own."""
    names: set[str] = set()
    for block in found:
        word = block.keyword.text
        nameless, twice = _NAMING.get(word, _ANY_NAME)
        if not block.arguments:
            findings.missing(block, 1, nameless)
            continue
        name = block.arguments[0].text
        mine = findings.about(name)
        if name in names:
            mine.dropped(
                block.arguments[0],
                f"{what} {name} already defined - ignoring this one",
                twice,
            )
            continue
        names.add(name)
        if len(block.arguments) > 1:
            mine.warning(
                block.arguments[1],
                f"{word} has surplus words from '{block.arguments[1]}' on",
                "the name is one word",
            )
        own = blocks.settings(blocks.body(block, mine), (word,), mine, table)
        yield Written(name, block, own, mine)
