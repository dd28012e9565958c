"""The load balancer's blocks together: files, groups, servers, what all share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from hanode.config import balance_sync, blocks
from hanode.config.balance_checks import Site
from hanode.config.balance_groups import groups
from hanode.config.balance_keywords import of_balance
from hanode.config.balance_model import BalanceDefs, TrackedFile, VirtualServer
from hanode.config.balance_virtual import virtual_servers
from hanode.config.bfd_model import BfdInstance
from hanode.config.checker_words import Checkers
from hanode.config.draft import Written
from hanode.config.findings import Findings
from hanode.config.model import GlobalDefs, VrrpInstance
from hanode.config.tree import Block


@dataclass(frozen=True)
class Sources:
    """Read so far: blocks by their word, settings of global_defs and hanode."""

    found: Mapping[str, list[Block]]
    files: tuple[TrackedFile, ...]
    shared: blocks.Settings
    node: blocks.Settings


def site(
    sources: Sources,
    checkers: Checkers,
    global_defs: GlobalDefs,
    bfds: Mapping[str, BfdInstance],
    findings: Findings,
) -> Site:
    """What all checks share; to look at C{checkers} is to load them."""
    return Site(
        checkers,
        findings,
        frozenset(name for name, each in bfds.items() if each.checker),
        {each.name: each.weight for each in sources.files},
        _tls(sources.found["SSL"], findings),
        global_defs,
        sources.shared.get("smtp_alert_checker"),
        sources.shared.get("log_all_failures", False),
    )


def balance(
    sources: Sources,
    site: Site,
    instances: Mapping[str, VrrpInstance],
    findings: Findings,
) -> tuple[dict[str, VirtualServer], BalanceDefs]:
    """The virtual servers, and what concerns them all."""
    known = groups(sources.found["virtual_server_group"], findings)
    servers = virtual_servers(sources.found["virtual_server"], known, site)
    fields = of_balance(sources.shared) | of_balance(sources.node)
    written = sources.shared.get("sync")
    if written is None:
        written = balance_sync.of_instances(sources.found["vrrp_instance"])
    sync = balance_sync.complete(written, instances, findings)
    return servers, BalanceDefs(sync=sync, **fields)


def files(found: Iterable[Written]) -> Iterator[TrackedFile]:
    """The track_files that name a file."""
    for written in found:
        own = written.own
        if "path" not in own:
            written.dropped(
                f"no file specified for track_file {written.name} - ignoring",
                "add file PATH",
            )
            continue
        initial, overwrite = own.get("initial", (None, False))
        yield TrackedFile(
            written.name, own["path"], own.get("weight", 1), initial, overwrite
        )


def _tls(found: Iterable[Block], findings: Findings) -> Mapping[str, str]:
    """SSL: of two such blocks the second counts."""
    settings: blocks.Settings = {}
    private = findings.private()
    for block in found:
        settings = blocks.settings(blocks.body(block, private), ("SSL",), private)
    return settings
