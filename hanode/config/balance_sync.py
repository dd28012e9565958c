"""lvs_sync_daemon: its words, and what it is when the instances are known.

keepalived.conf(5), "lvs_sync_daemon"; ipvsadm(8), --start-daemon.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from hanode.config.balance_model import SyncDefs
from hanode.config.findings import Findings
from hanode.config.model import VrrpInstance
from hanode.config.row import Keyword
from hanode.config.scalars import IpAddress
from hanode.config.tree import Block, Word
from hanode.config.values import address_of, integer_of

#: option -> field and range
_NUMBERS = {
    "id": ("sync_id", 0, 255),
    "maxlen": ("size", 1, 65507),
    "port": ("port", 1, 65535),
    "ttl": ("ttl", 1, 255),
}
#: the word of an instance
INTERFACE = "lvs_sync_daemon_interface"

_OPTIONS = (*_NUMBERS, "inst", "group")


@dataclass
class Synchronisation:
    """The line as written; C{instance} is the word that names it."""

    interface: Word
    instance: Word | None = None
    numbers: dict[str, int] = field(default_factory=dict)
    group: IpAddress | None = None


def sync_daemon(
    keyword: Keyword, block: Block, findings: Findings
) -> Synchronisation | None:
    """C{IF [[inst] INSTANCE] [id N] [maxlen N] [port N] [ttl N] [group ADDR]}.

    The old C{IF INSTANCE ID} is taken, too.
    """
    if not block.arguments:
        findings.missing(block, 1, "name the interface")
        return None
    first, *words = block.arguments
    found = Synchronisation(first)
    if words and words[0].text not in _OPTIONS:
        found.instance = words.pop(0)
        if words and words[0].text.isdecimal():
            _number(found, "id", words.pop(0), findings)
    while words:
        option = words.pop(0)
        if option.text not in _OPTIONS:
            findings.warning(
                option,
                f"Unknown option '{option}' for lvs_sync_daemon - ignoring",
                f"the options are {', '.join(_OPTIONS)}",
            )
        elif not words:
            findings.missing(block, len(block.words))
            return None
        else:
            _option(found, option.text, words.pop(0), findings)
    return found


def _option(
    found: Synchronisation, option: str, value: Word, findings: Findings
) -> None:
    if option == "inst":
        found.instance = value
    elif option == "group":
        address = address_of(value.text)
        if address is None or not address.is_multicast:
            findings.warning(
                value,
                f"lvs_sync_daemon group '{value}' is not a multicast address",
                "ignored; the kernel takes 224.0.0.81",
            )
            return
        found.group = address
    else:
        _number(found, option, value, findings)


def _number(
    found: Synchronisation, option: str, value: Word, findings: Findings
) -> None:
    name, low, high = _NUMBERS[option]
    number = integer_of(value, f"lvs_sync_daemon {option}", low, high, findings)
    if number is not None:
        found.numbers[name] = number


def sync_interface(keyword: Keyword, block: Block, findings: Findings) -> None:
    """C{lvs_sync_daemon_interface IF}, as it was until keepalived 1.2.19."""
    findings.warning(
        block,
        f"Specifying {block.keyword} against a vrrp is deprecated. "
        "Please use global lvs_sync_daemon",
        "write lvs_sync_daemon INTERFACE INSTANCE in global_defs",
    )


def of_instances(blocks: Iterable[Block]) -> Synchronisation | None:
    """The first of the vrrp_instances C{blocks} that has such an interface."""
    for block in blocks:
        for each in block.children or ():
            named = block.arguments and each.words and each.arguments
            if named and each.keyword.text == INTERFACE:
                return Synchronisation(each.arguments[0], block.arguments[0])
    return None


def complete(
    written: Synchronisation | None,
    instances: Mapping[str, VrrpInstance],
    findings: Findings,
) -> SyncDefs | None:
    """What the daemons are; the id is the instance's VRID unless it is named."""
    if written is None:
        return None
    numbers, name = dict(written.numbers), ""
    if written.instance is not None:
        name = written.instance.text
        instance = instances.get(name)
        if instance is None:
            findings.dropped(
                written.instance,
                f"lvs_sync_daemon: vrrp_instance {name} not found - ignoring",
                f"add vrrp_instance {name}, or mend the one that is dropped",
            )
            return None
        numbers.setdefault("sync_id", instance.vrid)
    return SyncDefs(written.interface.text, name, group=written.group, **numbers)
