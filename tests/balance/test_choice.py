"""Which plug-in balances."""

from __future__ import annotations

from dataclasses import dataclass

from twisted.trial.unittest import SynchronousTestCase

from hanode.balance.choice import Choice, choose


@dataclass(frozen=True)
class Kind:
    keyword: str
    rank: int | None
    problem: str = ""

    def missing(self, namespace: str | None = None) -> str:
        return self.problem


def kinds(*those: Kind) -> dict[str, Kind]:
    return {each.keyword: each for each in those}


class ChoiceTests(SynchronousTestCase):
    def test_auto(self) -> None:
        """auto takes the lowest rank; who has none is never tried."""
        best = Kind("ipvs", 1)
        offered = kinds(Kind("nftables", 2), Kind("memory", None), best)
        self.assertEqual(
            choose(offered, "auto"), Choice(best, "it is the first that auto tries")
        )

    def test_next(self) -> None:
        """If something is missing for one, the next is taken, and it says why."""
        second = Kind("nftables", 2)
        offered = kinds(Kind("ipvs", 1, "no module ip_vs"), second)
        self.assertEqual(
            choose(offered, "auto"), Choice(second, "ipvs: no module ip_vs")
        )

    def test_none(self) -> None:
        """If none works, the reasons of all are given."""
        offered = kinds(Kind("ipvs", 1, "no module"), Kind("nftables", 2, "no nft"))
        self.assertEqual(
            choose(offered, "auto"), Choice(None, "ipvs: no module; nftables: no nft")
        )
        self.assertEqual(choose({}, "auto"), Choice(None, "no dataplane is installed"))

    def test_named(self) -> None:
        """The one that is named is taken, or none."""
        memory = Kind("memory", None)
        offered = kinds(memory, Kind("ipvs", 1, "no module"))
        self.assertEqual(
            choose(offered, "memory"), Choice(memory, "the configuration names it")
        )
        self.assertEqual(
            choose(offered, "ipvs"),
            Choice(None, "dataplane ipvs cannot be used: no module"),
        )
        self.assertEqual(
            choose(offered, "ipsv"),
            Choice(None, "there is no dataplane ipsv: known are ipvs, memory"),
        )
        self.assertEqual(
            choose({}, "ipvs"),
            Choice(None, "there is no dataplane ipvs: known are none"),
        )
