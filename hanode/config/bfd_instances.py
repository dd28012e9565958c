"""Settings -> BfdInstance and BfdUnsolicited, and the reasons to refuse one.

keepalived.conf(5), "BFD CONFIGURATION"; RFC 5881 and RFC 5883 for the hop counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hanode.config.bfd_model import (
    SINGLE_HOP_TTL,
    BfdInstance,
    BfdParameters,
    BfdRoute,
    BfdUnsolicited,
)
from hanode.config.bfd_parameters import parameters
from hanode.config.draft import Written
from hanode.config.scalars import IpAddress

_LONGEST_NAME = 31  # characters; keepalived ignores an instance with a longer one
_UNCHECKED = (-1, 255)  # max_hops: from any distance
_ECHO = ("echo_tx", "echo_rx")

_Ends = tuple[IpAddress, str, bool]


@dataclass
class Sessions:
    """The bfd_instances so far, by name and by what their packets are told apart by."""

    instances: dict[str, BfdInstance] = field(default_factory=dict)
    _ends: dict[_Ends, list[BfdInstance]] = field(default_factory=dict)

    def add(self, instance: BfdInstance) -> None:
        """C{instance} is accepted."""
        self.instances[instance.name] = instance
        self._ends.setdefault(_ends(instance.route), []).append(instance)

    def same(self, route: BfdRoute) -> BfdInstance | None:
        """An instance whose packets could not be told from those on C{route}."""
        for other in self._ends.get(_ends(route), ()):
            if None in (route.source, other.route.source):
                return other
            if route.source == other.route.source:
                return other
        return None


def _ends(route: BfdRoute) -> _Ends:
    return route.neighbour, route.device, route.multihop


def complete(written: Written, sessions: Sessions) -> BfdInstance | None:
    """The bfd_instance that is C{written}; None when it is refused (and said why)."""
    if len(written.name) > _LONGEST_NAME:
        written.warning(
            f"the name has more than {_LONGEST_NAME} characters",
            "hanode takes it, keepalived ignores the instance",
        )
    route = _route(written)
    if route is None:
        return None
    other = sessions.same(route)
    if other is not None:
        written.dropped(
            f"{other.name} has a session with {route.neighbour} already",
            "remove one of the two, or give each its own source_ip",
        )
        return None
    if route.multihop:
        _without_echo(written)
    found = parameters(written, BfdParameters())
    if found is None:
        return None
    weight, reverse = written.own.get("weight", (0, False))
    vrrp, checker = ("vrrp" in written.own, "checker" in written.own)
    return BfdInstance(
        written.name,
        route,
        found,
        weight=weight,
        reverse=reverse,
        vrrp=vrrp or not checker,
        checker=checker or not vrrp,
        place=written.block.keyword.place,
    )


def _route(written: Written) -> BfdRoute | None:
    own = written.own
    neighbour: IpAddress | None = own.get("neighbour")
    source: IpAddress | None = own.get("source")
    if neighbour is None:
        written.dropped(
            "BFD instance has no neighbor address set", "add neighbor_ip ADDRESS"
        )
        return None
    refusal = _refusal(neighbour, source, own.get("interface"), own.get("vrf"))
    if refusal is not None:
        written.dropped(*refusal)
        return None
    multihop = bool(own.get("multihop"))
    if multihop and "interface" in own:
        written.warning(
            f"multihop with interface {own['interface']}: packets that come in by "
            "another way are not seen",
            "remove interface, or name a vrf instead",
        )
    return BfdRoute(
        neighbour,
        source,
        own.get("interface") or own.get("vrf") or "",
        multihop,
        own.get("ttl", SINGLE_HOP_TTL),
        _least_ttl(written),
    )


def _refusal(
    neighbour: IpAddress,
    source: IpAddress | None,
    interface: str | None,
    vrf: str | None,
) -> tuple[str, str] | None:
    """Why there can be no session between these ends, and what to do about it."""
    if neighbour.is_multicast or neighbour.is_unspecified:
        return (
            f"neighbor address {neighbour} is not the address of one node",
            "name the neighbour's own address",
        )
    if source is not None and source.version != neighbour.version:
        return (
            f"source address {source} and neighbor address {neighbour} are not of "
            "the same family",
            "use two IPv4 or two IPv6 addresses",
        )
    if interface is not None and vrf is not None:
        return (
            f"interface {interface} and vrf {vrf}: a session is bound to one of them",
            "an interface is in its VRF anyway: remove vrf",
        )
    for address in (neighbour, source):
        if (
            address is not None
            and address.version == 6
            and address.is_link_local
            and interface is None
        ):
            return (
                f"{address} is link-local: on which interface?",
                "add interface IFNAME, which keepalived does not have",
            )
    return None


def _least_ttl(written: Written) -> int:
    """The least TTL or hop limit that is accepted, 0 for any.

    max_hops is how much less it may be than our own, because both ends of
    keepalived send with the same.
    """
    own = written.own
    ttl: int = own.get("ttl", SINGLE_HOP_TTL)
    if "least_ttl" in own:
        if "max_hops" in own:
            written.warning(
                "min_ttl and max_hops: only min_ttl counts", "remove one of the two"
            )
        return int(own["least_ttl"])
    if "max_hops" not in own and own.get("multihop"):
        written.warning(
            "multihop without max_hops or min_ttl: packets from any distance count",
            "add max_hops N, the number of routers on the way",
        )
        return 1
    hops: int = own.get("max_hops", 0)
    if hops in _UNCHECKED:
        return 0
    if hops > ttl:
        written.warning(
            "max_hops exceeds ttl/hoplimit - setting to ttl/hoplimit", f"using {ttl}"
        )
    return max(1, ttl - hops)


def _without_echo(written: Written) -> None:
    """Take back the echo function: RFC 5883, section 4 has none over several hops."""
    for word in _ECHO:
        if written.own.pop(word, None) is not None:
            written.warning(
                f"{word}: there is no echo over several hops - ignoring",
                f"remove {word}, or multihop",
            )


def unsolicited(written: Written) -> BfdUnsolicited | None:
    """The bfd_unsolicited that is C{written}; None when it is refused."""
    allow = tuple(written.own.get("allow", ()))
    if not allow and "allow" in written.own:
        written.dropped(
            "allow names no network: everybody would be let in",
            "write allow ADDRESS/PREFIX",
        )
        return None
    found = parameters(written, BfdParameters(passive=True))
    if found is None:
        return None
    return BfdUnsolicited(
        written.name,
        allow,
        written.own.get("limit", BfdUnsolicited.limit),
        found,
        written.block.keyword.place,
    )
