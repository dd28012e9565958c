"""What an operator should know, once each: forwarding that is off, say."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from twisted.logger import Logger

PROC = Path("/proc/sys/net")
FORWARDING = {4: Path("ipv4/ip_forward"), 6: Path("ipv6/conf/all/forwarding")}


class Hints:
    """Tells each hint once.

    @param proc: where the sysctls are, for tests; they are read and never set.
    """

    log = Logger()

    def __init__(self, proc: Path = PROC) -> None:
        self._proc = proc
        self._told: set[str] = set()

    def tell(self, text: str) -> None:
        """Log C{text} unless it was told before."""
        if text not in self._told:
            self._told.add(text)
            self.log.warn("{text}", text=text)

    def forwarding(self, families: Iterable[int]) -> None:
        """NAT needs a router, which is the operator's decision."""
        for family in sorted(set(families)):
            path = self._proc / FORWARDING[family]
            try:
                off = path.read_text().strip() == "0"
            except OSError:
                continue  # a kernel without this family says so elsewhere
            if off:
                self.tell(
                    f"IPv{family} forwarding is off: no packet gets from a client to a"
                    f" real server before {path} is 1"
                )
