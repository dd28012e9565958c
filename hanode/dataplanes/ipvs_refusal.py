"""Why IPVS will not have something, in words.

What an errno means depends on what was asked: net/netfilter/ipvs/ip_vs_ctl.c.
"""

from __future__ import annotations

import errno
import os

from hanode.lvs import Destination, Endpoint, Fwmark, Service, SyncDaemon

LONGEST_NAME = 15  # bytes, IP_VS_SCHEDNAME_MAXLEN without the zero


def refusal(service: Service) -> str:
    """What no kernel does, "" if some kernel does all of it; and what is possible.

    Something that the kernel takes and then does not do is no different.
    """
    identity = service.identity
    if isinstance(identity, Fwmark) and identity.mark == 0:
        return "a firewall mark is 1 or more: unmarked packets have 0"
    if len(service.scheduler) > LONGEST_NAME:
        return f"no scheduler can have the name {service.scheduler}"
    datagrams = isinstance(identity, Fwmark) or identity.protocol == "UDP"
    if service.one_packet and not datagrams:
        return "one-packet scheduling is for UDP only"
    if service.engine == "sip" and service.persistence and not datagrams:
        # The kernel takes it, but ip_vs_pe_sip.c finds no call in what is not UDP, and
        # a packet without one is dropped. Without persistence nobody asks the engine.
        return (
            "the persistence engine sip is for UDP only: the kernel would drop all"
            " packets"
        )
    if (
        isinstance(identity, Endpoint)
        and identity.port == 0
        and not service.persistence
    ):
        return "port 0 (any) is for persistent services: set persistence_timeout"
    for each in service.destinations:
        if each.address.version != identity.family and each.method.kind != "TUN":
            return (
                f"{place(each)} is of the other address family, which IPVS can only"
                " tunnel to: lvs_method TUN"
            )
    return ""


def place(destination: Destination) -> str:
    """A real server as the log calls it."""
    return f"[{destination.address}]:{destination.port}"


def service_meaning(service: Service, code: int) -> str:
    """What C{code} means when a service was to be added or changed."""
    if code == errno.ENOENT and service.engine:
        return (
            f"no scheduler {service.scheduler} or no persistence engine"
            f" {service.engine} in this kernel: see the modules"
            f" ip_vs_{service.scheduler} and ip_vs_pe_{service.engine}"
        )
    if code == errno.ENOENT:
        return (
            f"no scheduler {service.scheduler} in this kernel: see the module"
            f" ip_vs_{service.scheduler}"
        )
    if code == errno.EAFNOSUPPORT:
        return "this kernel's IPVS was built without IPv6 (CONFIG_IP_VS_IPV6)"
    if code == errno.EPROTONOSUPPORT:
        return "this kernel's IPVS was built without this protocol"
    if code == errno.EINVAL:
        return "the scheduler does not take these settings, or the granularity is wrong"
    return _plain(code)


def destination_meaning(service: Service, destination: Destination, code: int) -> str:
    """What C{code} means when a destination was to be added or changed."""
    if code == errno.ERANGE:
        return "a weight above 2147483647, or the lower threshold above the upper one"
    if code == errno.EINVAL:
        if destination.address.version != service.identity.family:
            return (
                "the kernel tunnels between address families only, and not while a"
                " synchronisation daemon runs"
            )
        return "not a unicast address, or a kind of tunnel that this kernel lacks"
    if code == errno.EAFNOSUPPORT:
        return "this kernel's IPVS was built without IPv6 (CONFIG_IP_VS_IPV6)"
    return _plain(code)


def daemon_meaning(daemon: SyncDaemon, code: int) -> str:
    """What C{code} means when a synchronisation daemon was to be started."""
    if code == errno.ENODEV:
        return f"no interface {daemon.interface}"
    if code == errno.EINVAL:
        return (
            "services of mixed address families, or parameters that this kernel does"
            " not take"
        )
    return _plain(code)


def _plain(code: int) -> str:
    if code in (errno.EPERM, errno.EACCES):
        return "not permitted: CAP_NET_ADMIN is needed"
    return os.strerror(code)
