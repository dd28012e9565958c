"""Where the advertisements of an instance come from and go to."""

from __future__ import annotations

from hanode.config.draft import Draft
from hanode.config.entries import Entry
from hanode.config.model import MULTICAST_4, MULTICAST_6, IpAddress, UnicastPeer


def family(draft: Draft) -> int:
    """4 or 6: by native_ipv6, else by the first address that the file names."""
    if draft.get("native_ipv6"):
        return 6
    for field, value in draft.own.items():
        if field in ("source", "multicast_group"):
            return int(value.version)
        if field in ("addresses", "unicast_peers") and value:
            return int(value[0].value.address.version)
    return 4


def source(draft: Draft, family: int) -> IpAddress | None:
    """The configured source address, None for the interface's own."""
    address: IpAddress | None = draft.own.get("source")
    if address is None or address.version == family:
        return address
    draft.warning(
        f"source address {address} is not IPv{family} - ignoring",
        "the interface's own address is used",
    )
    return None


def group(draft: Draft, family: int) -> IpAddress:
    """The multicast group: mcast_dst_ip, or vrrp_mcast_group4 or 6."""
    field, default = (
        ("multicast_4", MULTICAST_4) if family == 4 else ("multicast_6", MULTICAST_6)
    )
    shared: IpAddress = draft.shared.get(field, default)
    own: IpAddress = draft.own.get("multicast_group", shared)
    if own.version == family:
        return own
    draft.warning(
        f"mcast_dst_ip {own} is not IPv{family} - ignoring", f"using {shared}"
    )
    return shared


def peers(
    draft: Draft, family: int, source: IpAddress | None
) -> tuple[UnicastPeer, ...]:
    """The neighbours, without duplicates, strangers and this node itself."""
    if "unicast_peers" not in draft.own:
        if "unicast_ttl" in draft.own:
            draft.warning(
                "Cannot use unicast_ttl without unicast peers - resetting",
                "add unicast_peer, or remove unicast_ttl",
            )
        return ()
    entries: list[Entry[UnicastPeer]] = draft.own["unicast_peers"]
    found: dict[IpAddress, UnicastPeer] = {}
    for entry in entries:
        address = entry.value.address
        if address.version != family:
            reason = "MUST be of the same family !!! Skipping..."
        elif address == source:
            reason = "is this node's own unicast_src_ip - ignoring"
        elif address in found:
            reason = "is a duplicate - ignoring"
        else:
            found[address] = entry.value
            continue
        draft.findings.warning(
            entry.place,
            f"unicast peer address[{address}] {reason}",
            f"name the IPv{family} address of each neighbour once",
        )
    if not found:
        _no_peers(draft)
    return tuple(found.values())


def _no_peers(draft: Draft) -> None:
    if draft.get("unicast_fault_no_peer"):
        draft.warning(
            "unicast_peer list is empty and unicast_fault_no_peer is set",
            "the instance stays in FAULT: name its neighbours",
        )
        return
    draft.warning(
        "A unicast keyword has been specified without any unicast peers. "
        "Defaulting to multicast.",
        "name the neighbours, or remove the block",
    )
