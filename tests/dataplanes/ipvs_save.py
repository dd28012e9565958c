"""A table as C{ipvsadm-save -n} prints it, in an order of its own."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_network

from hanode.lvs import Destination, Fwmark, IpAddress, Service

KINDS = {"TCP": "-t", "UDP": "-u", "SCTP": "--sctp-service"}
METHODS = {"NAT": "-m", "DR": "-g", "TUN": "-i"}
HASH_FLAGS = {"flag-1": "fallback", "flag-2": "port"}


def saved(services: Iterable[Service]) -> list[str]:
    """One line for each service and for each destination, sorted."""
    lines = []
    for service in services:
        lines.append(service_line(service))
        lines += [destination_line(service, each) for each in service.destinations]
    return sorted(lines)


def service_line(service: Service) -> str:
    words = ["-A", _name(service), "-s", service.scheduler]
    if service.persistence:
        words += ["-p", str(service.persistence)]
        if service.identity.family == 6 and service.granularity != 128:
            words += ["-M", str(service.granularity)]
        elif service.identity.family == 4 and service.granularity != 32:
            network = ip_network(f"0.0.0.0/{service.granularity}")
            words += ["-M", str(network.netmask)]
    words += ["--pe", service.engine] if service.engine else []
    words += ["-o"] if service.one_packet else []
    if service.flags:
        names = sorted(service.flags)
        if service.scheduler in ("sh", "mh"):
            names = [f"{service.scheduler}-{HASH_FLAGS[each]}" for each in names]
        words += ["-b", ",".join(names)]
    return " ".join(words)


def destination_line(service: Service, destination: Destination) -> str:
    method = destination.method
    words = ["-a", _name(service), "-r"]
    words += [_endpoint(destination.address, destination.port), METHODS[method.kind]]
    words += ["-w", str(destination.weight)]
    if method.kind == "TUN":
        words += ["--tun-type", method.tunnel]
        words += ["--tun-port", str(method.port)] if method.tunnel == "gue" else []
        words += [f"--tun-{method.checksum}"] if method.tunnel != "ipip" else []
    return " ".join(words)


def _name(service: Service) -> str:
    identity = service.identity
    if isinstance(identity, Fwmark):
        return f"-f {identity.mark}" + (" -6" if identity.family == 6 else "")
    return f"{KINDS[identity.protocol]} {_endpoint(identity.address, identity.port)}"


def _endpoint(address: IpAddress, port: int) -> str:
    return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"
