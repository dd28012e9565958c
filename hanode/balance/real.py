"""One real server of one virtual server (pure): what its checks make of it."""

from __future__ import annotations

from collections.abc import Sequence

from hanode.balance.drain import Drain
from hanode.config.balance_model import RealServer
from hanode.config.scalars import IpAddress
from hanode.health import Health
from hanode.lvs import MOST_WEIGHT
from hanode.serving import RealServing

Key = tuple[IpAddress, int]
UNCHECKED = "no checks"
ASSUMED_UP = "assumed up before the first check"
ASSUMED_DOWN = "waiting for the first success"


class Real:
    """C{up}: all of C{healths} are, since C{since}, because of C{reason}.

    C{weight} is what it has while it is up. C{told} is what was told last about it:
    True for UP, False for DOWN, None for nothing. C{drain} is None unless it is
    being drained.
    """

    __slots__ = (
        *("settings", "name", "healths", "up", "weight", "since", "reason", "told"),
        "drain",
    )

    def __init__(
        self, settings: RealServer, name: str, healths: Sequence[Health], now: float
    ) -> None:
        self.settings, self.name = settings, name
        self.healths = tuple(healths)
        self.up = self.healthy
        self.weight = self.wanted_weight
        self.since = now
        self.reason = self._first_reason()
        self.told: bool | None = None
        self.drain: Drain | None = None

    @property
    def key(self) -> Key:
        """What tells the real servers of one virtual server apart."""
        return self.settings.address, self.settings.port

    @property
    def healthy(self) -> bool:
        """Whether all checks are up; True without any."""
        return all(each.up for each in self.healths)

    @property
    def undecided(self) -> bool:
        """Whether it is down only because checks have had no result yet."""
        return not self.up and all(each.up or not each.tried for each in self.healths)

    @property
    def wanted_weight(self) -> int:
        """The configured weight with the opinions of all checks, at least 0.

        A check that names a weight adds the difference from the configured one, so
        that alone it has its way and several add up (keepalived.conf(5),
        misc_dynamic); one that names a change adds that (track_file).
        """
        configured = self.settings.weight
        total = configured
        for each in self.healths:
            if each.weight is not None:
                total += each.weight - configured
            if each.change is not None:
                total += each.change
        return max(0, min(total, MOST_WEIGHT))

    @property
    def counts(self) -> int:
        """What it adds to the quorum."""
        return self.weight if self.up and self.drain is None else 0

    def cause(self) -> str:
        """Why it is as its checks say."""
        for each in self.healths:
            if each.up is self.up and each.result is not None:
                result = each.result
                detail = f": {result.detail}" if result.detail else ""
                return f"{result.reason}{detail}"
        return self._first_reason()

    def culprit(self) -> str:
        """The keyword of the check that says so, "" without any."""
        checks = dict.fromkeys(self.settings.checks)
        for check, health in zip(checks, self.healths, strict=False):
            if health.up is self.up and health.result is not None:
                return check.keyword
        return ""

    def state(self) -> RealServing:
        """What its fact says."""
        drain = "" if self.drain is None else str(self.drain)
        return RealServing(self.up, self.weight, self.reason, self.since, drain)

    def _first_reason(self) -> str:
        if not self.healths:
            return UNCHECKED
        return ASSUMED_UP if self.up else ASSUMED_DOWN
