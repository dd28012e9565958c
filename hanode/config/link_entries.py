"""Reads interface_up_down_delays, linkbeat_interfaces and linkbeat_use_polling.

keepalived.conf(5), "Linkbeat interfaces" and "Interface up/down delays".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from hanode.config import entries
from hanode.config.findings import Findings
from hanode.config.link_model import ETHTOOL, IOCTL, MII, Debounce, LinkDefs
from hanode.config.model import VrrpInstance
from hanode.config.tree import Block, Word
from hanode.config.values import decimal_of

LONGEST = 255.0  # seconds
METHODS = (MII, ETHTOOL, IOCTL)


def links(
    found: Mapping[str, list[Block]],
    instances: Mapping[str, VrrpInstance],
    findings: Findings,
) -> LinkDefs:
    """What these blocks say of the interfaces; C{instances} may want polling, too."""
    delays: dict[str, Debounce] = {}
    for block in found["interface_up_down_delays"]:
        delays |= _delays(block, findings)
    polled = {
        each.interface: ""
        for each in instances.values()
        if each.interface and (each.linkbeat or found["linkbeat_use_polling"])
    }
    if found["linkbeat_use_polling"]:
        tracked = (each for instance in instances.values() for each in instance.track)
        polled |= {each.name: "" for each in tracked if each.kind == "interface"}
    for block in found["linkbeat_interfaces"]:
        polled |= _polled(block, findings)
    for instance in instances.values():
        if instance.linkbeat:
            findings.about(instance.name).warning(
                instance.place,
                "'linkbeat_use_polling' in a vrrp_instance is deprecated",
                f"name {instance.interface} in linkbeat_interfaces at the top level",
            )
        if instance.interface in delays:
            name = instance.interface
            delays[name] = _allowed(delays[name], instance, findings)
    return LinkDefs(delays, polled)


def _delays(block: Block, findings: Findings) -> Iterator[tuple[str, Debounce]]:
    """C{IFNAME DOWN [UP]} in seconds, one interface on each line."""
    for line in entries.lines(block, findings):
        if len(line.words) < 2:
            findings.missing(line, 1, "write the seconds that it has to be down")
            continue
        _surplus(line.words[3:], block, findings)
        seconds = [
            decimal_of(word, "delay", 0, LONGEST, findings, "0")
            for word in line.words[1:3]
        ]
        down, up = [*seconds, None][:2]
        yield line.keyword.text, Debounce(down or 0.0, up or 0.0)


def _polled(block: Block, findings: Findings) -> Iterator[tuple[str, str]]:
    """C{IFNAME [MII|ETHTOOL|IOCTL]}, one interface on each line."""
    for line in entries.lines(block, findings):
        method = ""
        for word in line.words[1:2]:
            if word.text in METHODS:
                method = word.text
            else:
                findings.warning(
                    word,
                    f"unknown linkbeat type '{word}' - ignoring",
                    f"write {', '.join(METHODS)}, or nothing",
                )
        _surplus(line.words[2:], block, findings)
        yield line.keyword.text, method


def _surplus(words: Iterable[Word], block: Block, findings: Findings) -> None:
    for word in words:
        findings.warning(
            word,
            f"Unknown configuration entry '{word}' for {block.keyword} - ignoring",
            "put each interface on a line of its own",
        )


def _allowed(delay: Debounce, instance: VrrpInstance, findings: Findings) -> Debounce:
    """The delays that are shorter than what a backup waits for, at least.

    A master that notices nothing for longer would have a second one beside it.
    """
    limit = (instance.down_timer_adverts - 1) * instance.advert_int
    down = delay.down if delay.down < limit else 0.0
    up = delay.up if delay.up < limit else 0.0
    kept = Debounce(down, up)
    if kept != delay:
        findings.about(instance.name).warning(
            instance.place,
            f"debounce timer(s) of {instance.interface} not less than "
            f"(down_timer_adverts - 1) * advert_int ({limit:g}s) - resetting",
            "use shorter ones, or a longer advert_int",
        )
    return kept
