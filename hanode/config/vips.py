"""The virtual addresses of an instance: which it advertises, which it only holds."""

from __future__ import annotations

from dataclasses import replace

from hanode.config import auth_build
from hanode.config.draft import Draft, Taken
from hanode.config.entries import Entry
from hanode.config.model import Address, IpAddress
from hanode.config.vmac_build import Placement

_MTU = 1500  # octets; every Ethernet carries that
_COUNT = 255  # RFC 9568 5.2.5: the count is one octet


def room(family: int, octets: int) -> int:
    """How many addresses an advertisement has room for.

    The headers of IP and VRRP and, for IPv4, 8 octets of VRRPv2 authentication are
    taken from the MTU, and the C{octets} of other authentications.
    """
    if family == 4:
        return min(_COUNT, (_MTU - 20 - 8 - 8 - octets) // 4)
    return min(_COUNT, (_MTU - 40 - 8 - octets) // 16)


def virtual_addresses(
    draft: Draft, family: int, taken: Taken, placement: Placement
) -> tuple[tuple[Address, ...], tuple[Address, ...]]:
    """The advertised and the excluded addresses, each with its device."""
    seen: set[tuple[IpAddress, str]] = set()
    advertised = _claim(draft, "addresses", family, taken, seen, placement)
    excluded = _claim(draft, "excluded", 0, taken, seen, placement)
    most = room(family, auth_build.octets(draft))
    if len(advertised) > most:
        draft.warning(
            f"Number of VIPs ({len(advertised)}) exceeds maximum/space available "
            f"in packet (max {most} addresses) - excess moved to eVIPs",
            "list the addresses behind these in virtual_ipaddress_excluded",
        )
    return tuple(advertised[:most]), tuple(advertised[most:] + excluded)


def _claim(
    draft: Draft,
    field: str,
    family: int,
    taken: Taken,
    seen: set[tuple[IpAddress, str]],
    placement: Placement,
) -> list[Address]:
    """The addresses of one block that nobody else has; C{family} 0 takes both."""
    entries: list[Entry[Address]] = draft.own.get(field, [])
    found = []
    for entry in entries:
        address = entry.value
        if family and address.address.version != family:
            draft.findings.warning(
                entry.place,
                f"address family must match VRRP instance [{address.address}]"
                " - ignoring",
                "put it into virtual_ipaddress_excluded, or into its own instance",
            )
            continue
        address = placement.place(address)
        if not address.device:
            address = replace(address, device=_device(draft, entry))
        key = (address.address, address.device)
        owner = draft.name if key in seen else taken.addresses.get(key)
        if owner is not None:
            draft.findings.warning(
                entry.place,
                f"VIP {address.address} is already configured in {owner} - ignoring",
                "remove one of the two",
            )
            continue
        seen.add(key)
        found.append(address)
    return found


def _device(draft: Draft, entry: Entry[Address]) -> str:
    device = str(draft.shared.get("default_interface", "eth0"))
    draft.findings.warning(
        entry.place,
        f"no interface for {entry.value.address}: using {device}",
        "write dev INTERFACE behind the address",
    )
    return device
