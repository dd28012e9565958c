"""Configurations of the live tests, made of a few parameters."""

from __future__ import annotations

VIPS = {4: "192.0.2.100/24", 6: "fe80::100/64"}
SOURCES = {4: "192.0.2.{}", 6: "fd00::{}"}


def instance(
    me,
    priority,
    version=2,
    family=4,
    unicast=False,
    interval=1,
    name="VI_1",
    vrid=51,
    vips=None,
    extra="",
):
    """A vrrp_instance of host number C{me}; the other host is number C{3 - me}."""
    lines = [
        f"vrrp_instance {name} {{",
        "  interface eth0",
        f"  virtual_router_id {vrid}",
        f"  version {version}",
        f"  priority {priority}",
        f"  advert_int {interval}",
        "  garp_master_delay 1",
    ]
    if family == 6:
        lines.append("  native_ipv6")
    if unicast:
        source = SOURCES[family]
        lines.append(f"  unicast_src_ip {source.format(me)}")
        lines.append(f"  unicast_peer {{\n {source.format(3 - me)}\n }}")
    lines.append("  virtual_ipaddress {")
    lines += [f"    {vip}" for vip in vips or (VIPS[family],)]
    lines.append("  }")
    lines.append(extra)
    lines.append("}")
    return "\n".join(lines) + "\n"


def password(secret):
    """An authentication block."""
    return f"  authentication {{\n auth_type PASS\n auth_pass {secret}\n }}"
