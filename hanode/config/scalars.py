"""The small values of which the model's records are made."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

IpAddress = IPv4Address | IPv6Address


class Secret(str):
    """A password: it never shows itself in a repr, a log or a dump."""

    def __repr__(self) -> str:
        return "Secret('***')"
