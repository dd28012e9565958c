"""The small values of which the model's records are made."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

IpAddress = IPv4Address | IPv6Address


class Secret(str):
    """A password: it never shows itself in a repr, a log or a dump."""

    def __repr__(self) -> str:
        return "Secret('***')"


@dataclass(frozen=True)
class Script:
    """A command with its arguments and the user it runs as; never through a shell.

    C{group} may begin with a colon, as in the configuration: then the script has the
    other groups of its user, too. A colon alone is the user's own group and these.
    """

    argv: tuple[str, ...]
    user: str | None = None
    group: str | None = None
