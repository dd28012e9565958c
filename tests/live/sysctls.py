"""The sysctls of a network namespace that VRRP may change."""

from __future__ import annotations

from pathlib import Path

NET = Path("/proc/sys/net")


def sysctls():
    """Name and value of each, in the namespace of this thread."""
    found = {}
    for pattern in ("ipv4/conf/*/*", "ipv6/conf/*/*", "ipv4/igmp_*"):
        for path in NET.glob(pattern):
            try:
                found[str(path.relative_to(NET))] = path.read_text().strip()
            except OSError:  # stable_secret, before it is set
                continue
    return found
