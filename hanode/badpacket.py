"""What every decoder raises for bytes that it does not accept."""

from __future__ import annotations


class BadPacket(Exception):
    """A peer's bytes are not a packet we accept: C{reason} and C{value}."""

    def __init__(self, reason: str, value: object = None) -> None:
        super().__init__(reason, value)
        self.reason = reason
        self.value = value

    def __str__(self) -> str:
        return self.reason if self.value is None else f"{self.reason} ({self.value})"
