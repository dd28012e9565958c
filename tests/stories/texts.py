"""Configurations of the stories, made of a few parameters."""

from __future__ import annotations

VIP = {4: "192.0.2.100", 6: "fe80::100"}


def instance(
    number,
    priority,
    version=3,
    family=4,
    interval=0.1,
    peers=0,
    name="VI_1",
    vrid=51,
    extra="",
):
    """A vrrp_instance of node C{number}; with C{peers} nodes in all it is unicast."""
    lines = [f"interface eth0\nvirtual_router_id {vrid}\nversion {version}"]
    lines.append(f"priority {priority}\nadvert_int {interval}\n{extra}")
    if family == 6:
        lines.append("native_ipv6")
    if peers:
        source = "10.255.0.{}" if family == 4 else "fe80::{}"
        lines.append(f"unicast_src_ip {source.format(number)}\nunicast_peer {{")
        lines += [source.format(n) for n in range(1, peers + 1) if n != number]
        lines.append("}")
    lines.append(f"virtual_ipaddress {{\n{VIP[family]}/24\n}}")
    return f"vrrp_instance {name} {{\n" + "\n".join(lines) + "\n}\n"


def password(secret):
    """An authentication block."""
    return f"authentication {{\nauth_type PASS\nauth_pass {secret}\n}}"
