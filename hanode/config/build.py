"""Tree -> Model: every keyword looked up, every problem collected.

L{load} is the one call that turns files into a checked model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from hanode.config import blocks, parser, source
from hanode.config.check import check
from hanode.config.draft import GLOBAL_PREFIX, Draft, Taken
from hanode.config.findings import Findings
from hanode.config.instances import complete
from hanode.config.model import GlobalDefs, Model
from hanode.config.problems import Problem
from hanode.config.tree import Block

#: vrrp_min_garp: the defaults where nothing else is said
_MIN_GARP = {
    "master_delay": 0.0,
    "master_repeat": 1,
    "master_refresh": 0.0,
    "master_refresh_repeat": 0,
}

_GLOBAL_FIELDS = (
    "router_id",
    "enable_script_security",
    "startup_delay",
    "log_unknown_vrids",
)


def load(
    paths: Sequence[str],
    *,
    config_id: str,
    environ: Mapping[str, str],
    random: Random,
    read: source.Read = source.read_file,
) -> tuple[Model, list[Problem]]:
    """Read, build and check the files C{paths}, each perhaps a pattern.

    The options are those of L{hanode.config.parser.parse}. Nothing is raised: what
    is wrong is among the problems, those of the parser first.
    """
    tree, problems = parser.parse(
        paths, config_id=config_id, environ=environ, random=random, read=read
    )
    model, found = build(tree)
    return model, [*problems, *found, *check(model)]


def build(tree: Sequence[Block]) -> tuple[Model, list[Problem]]:
    """The model that C{tree} describes, and what is wrong with it."""
    findings = Findings()
    shared: dict[str, Any] = {}
    instances: list[Block] = []
    for row, block in blocks.known(tree, (), findings):
        if row.word == "vrrp_instance":
            instances.append(block)
        else:
            shared |= _global_defs(block, findings)
    if shared.get("min_garp"):
        for field, value in _MIN_GARP.items():
            shared.setdefault(f"{GLOBAL_PREFIX}garp.{field}", value)
    taken = Taken()
    names: set[str] = set()
    for block in instances:
        _instance(block, shared, taken, names, findings)
    model = Model(_global_record(shared), taken.instances)
    return model, findings.problems


def _global_defs(block: Block, findings: Findings) -> blocks.Settings:
    return blocks.settings(blocks.body(block, findings), ("global_defs",), findings)


def _global_record(shared: Mapping[str, Any]) -> GlobalDefs:
    user, group = shared.get("script_user", (None, None))
    fields = {name: shared[name] for name in _GLOBAL_FIELDS if name in shared}
    return GlobalDefs(**fields, script_user=user, script_group=group)


def _instance(
    block: Block,
    shared: Mapping[str, Any],
    taken: Taken,
    names: set[str],
    findings: Findings,
) -> None:
    """Add the instance of C{block} to C{taken}, unless it is refused."""
    if not block.arguments:
        findings.missing(block, 1, "give the instance a name")
        return
    name = block.arguments[0].text
    mine = findings.about(name)
    if name in names:
        mine.dropped(
            block.arguments[0],
            f"vrrp instance {name} already defined - ignoring this one",
            "give it another name",
        )
        return
    names.add(name)
    if len(block.arguments) > 1:
        mine.warning(
            block.arguments[1],
            f"vrrp_instance has surplus words from '{block.arguments[1]}' on",
            "the name is one word",
        )
    own = blocks.settings(blocks.body(block, mine), ("vrrp_instance",), mine)
    instance = complete(Draft(name, block, own, shared, mine), taken)
    if instance is not None:
        taken.add(instance)
