"""The next hops of a route: via, dev, weight, onlink, realms, encap; nexthop, or."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from hanode.config.line_words import LineWords
from hanode.config.model import IpAddress
from hanode.config.route_model import Encapsulation, Hop

_TUNNELS = {"ip": 4, "ip6": 6}


@dataclass
class HopDraft:
    """The hops so far: the last one is being read.

    C{alone} tells whether the route itself names its device; C{other} whether a
    gateway of the other family was asked for explicitly.
    """

    hops: list[Hop] = field(default_factory=lambda: [Hop()])
    several: bool = False
    other: bool = False

    def change(self, **fields: object) -> None:
        """The hop that is being read is so."""
        self.hops[-1] = replace(self.hops[-1], **fields)  # type: ignore[arg-type]

    @property
    def alone(self) -> bool:
        """Whether there is one hop, with an interface."""
        return not self.several and bool(self.hops[0].device)

    @property
    def versions(self) -> set[int]:
        """The families of the gateways."""
        return {hop.gateway.version for hop in self.hops if hop.gateway is not None}


def hops(draft: HopDraft, words: LineWords, version: int) -> tuple[Hop, ...]:
    """The hops of a route of family C{version}; those that say nothing are left out."""
    found = tuple(hop for hop in draft.hops if hop.gateway is not None or hop.device)
    mixed = any(
        hop.gateway is not None and hop.gateway.version != version for hop in found
    )
    if mixed and not (draft.other and version == 4):
        text = "Cannot mix IPv4 and IPv6 addresses for route"
        words.bad(words.line, text, "write via inet6 ADDRESS if that is meant")
    return found


def _via(draft: HopDraft, words: LineWords) -> None:
    if words.skip("inet", "inet6"):
        draft.other = True
    draft.change(gateway=words.address("via"))


def _gw(draft: HopDraft, words: LineWords) -> None:
    words.findings.warning(
        words.line,
        '"gw" for routes is deprecated. Please use "via"',
        "write via instead of gw",
    )
    _via(draft, words)


def _or(draft: HopDraft, words: LineWords) -> None:
    words.findings.warning(
        words.line,
        '"or" for routes is deprecated. Please use "nexthop"',
        "write nexthop via A nexthop via B",
    )
    first = draft.hops[-1]
    draft.several = True
    draft.hops.append(Hop(words.address("or"), first.device))


def _next(draft: HopDraft, words: LineWords) -> None:
    if draft.several or draft.hops[-1] != Hop():
        draft.hops.append(Hop())
    draft.several = True


def _device(draft: HopDraft, words: LineWords) -> None:
    name = words.take().text
    if draft.several and len(draft.hops) == 2 and not draft.hops[0].device:
        # "via A or B dev IF": the interface is that of both
        draft.hops[0] = replace(draft.hops[0], device=name)
    draft.change(device=name)


def _weight(draft: HopDraft, words: LineWords) -> None:
    draft.change(weight=words.number("weight", 1, 256))


def _onlink(draft: HopDraft, words: LineWords) -> None:
    draft.change(onlink=True)


def _realms(draft: HopDraft, words: LineWords) -> None:
    draft.change(realm=words.realm())


def _encapsulation(draft: HopDraft, words: LineWords) -> None:
    kind = words.take()
    if kind.text not in _TUNNELS:
        words.bad(
            kind,
            f"encap {kind} is not supported: removing route",
            "hanode has encap ip and encap ip6; set this route with ip(8)",
        )
    fields: dict[str, int | IpAddress] = {}
    while option := words.skip(
        "id", "dst", "src", "tos", "tc", "ttl", "hoplimit", "flags"
    ):
        if option in ("dst", "src"):
            name = "destination" if option == "dst" else "source"
            fields[name] = words.address(option)
        else:
            name, highest = _ENCAP_NUMBERS[option]
            fields[name] = words.number(option, 0, highest)
    found = Encapsulation(kind.text, **fields)  # type: ignore[arg-type]
    for address in (found.destination, found.source):
        if address is not None and address.version != _TUNNELS[kind.text]:
            words.bad(
                kind, f"encap {kind}: {address} is of the other family", "mend it"
            )
    draft.change(encapsulation=found)


_ENCAP_NUMBERS = {
    "id": ("identifier", 2**64 - 1),
    "tos": ("tos", 255),
    "tc": ("tos", 255),
    "ttl": ("ttl", 255),
    "hoplimit": ("ttl", 255),
    "flags": ("flags", 65535),
}

HOP_WORDS: Mapping[str, Callable[[HopDraft, LineWords], None]] = {
    "via": _via,
    "gw": _gw,
    "or": _or,
    "nexthop": _next,
    "dev": _device,
    "oif": _device,
    "weight": _weight,
    "onlink": _onlink,
    "realms": _realms,
    "encap": _encapsulation,
}
