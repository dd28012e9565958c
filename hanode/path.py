"""The path to a neighbour as the rest of hanode sees it: what BFD found out."""

from __future__ import annotations

from dataclasses import dataclass, field

from hanode.config.model import IpAddress


@dataclass(frozen=True)
class Path:
    """One BFD session from outside: the value of the fact C{bfd:NAME}.

    C{state} is ADMIN_DOWN, DOWN, INIT or UP. C{died} tells a session that was Up and
    lost its neighbour (silent for a detection time, or restarted) from one that the
    neighbour, or an operator, took down on purpose or over a one-way link: only the
    first means that whatever the neighbour did is left undone (RFC 5882, section 4.2).
    C{interval} is the gap in seconds at which silence was noticed, or would be.
    C{identity} is the neighbour's discriminator, another one if it was restarted; 0
    while it is not known. C{been_up}: it is Up, or was since it was set up.
    """

    neighbour: IpAddress
    state: str
    died: bool = False
    interval: float = 0.0
    reason: str = ""
    identity: int = field(default=0, compare=False)
    been_up: bool = field(default=False, compare=False)

    @property
    def up(self) -> bool:
        """Whether packets flow both ways."""
        return self.state == "UP"
