"""What load balancing by nftables cannot do, in words that name what can."""

from __future__ import annotations

from hanode.lvs import Destination, Service

SCHEDULERS = ("rr", "wrr", "sh")
#: of the flags of ip_vs only those of sh mean something: sh-fallback and sh-port
POSSIBLE = "rr, wrr and sh are possible with nftables"


def refusal(service: Service) -> str:
    """Why C{service} needs IPVS, and what is possible instead; "" if it does not."""
    if service.scheduler not in SCHEDULERS:
        return f"scheduler {service.scheduler} needs IPVS: {POSSIBLE}"
    if service.one_packet:
        return (
            "one-packet scheduling needs IPVS: without ops nftables keeps each UDP"
            " source on its server for as long as it sends"
        )
    if service.engine:
        return (
            f"persistence engine {service.engine} needs IPVS: nftables tells clients"
            " apart by their source address (persistence_timeout alone)"
        )
    family = service.identity.family
    reasons = (_refused(each, family) for each in service.destinations)
    return next((reason for reason in reasons if reason), "")


def _refused(destination: Destination, family: int) -> str:
    name = f"{destination.address} port {destination.port}"
    kind = destination.method.kind
    if kind != "NAT":
        return f"{name}: {kind} needs IPVS: NAT is possible with nftables"
    if destination.address.version != family:
        return (
            f"{name}: IPv{destination.address.version} behind an IPv{family} address"
            " needs IPVS with TUN: nftables has NAT inside one family only"
        )
    if destination.address.is_link_local:
        return f"{name}: nftables cannot lead to a link-local address: use another one"
    if destination.upper or destination.lower:
        return (
            f"{name}: connection thresholds need IPVS: nftables does without"
            " uthreshold and lthreshold; use wrr and weights"
        )
    return ""
