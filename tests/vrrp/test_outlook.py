"""What one instance watches, and when it is to be judged anew."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hanode.config.model import VrrpInstance
from hanode.facts import Facts
from hanode.link import Link
from hanode.vrrp.outlook import Outlook

OWN, OTHER, THIRD = (ip_address(f"192.0.2.{each}") for each in (1, 2, 3))
REST: dict[str, Any] = {"family": 4, "version": 2}
LINK = Link("eth0", 2, True, b"\2\0\0\0\0\1", 1500, (OWN,))


class InterfaceTests(SynchronousTestCase):
    """The instance's own interface."""

    def judged(self, links: list[Link | None], **settings: Any) -> list[int]:
        """How often a verdict was asked for, after each value of the fact."""
        facts, found = Facts(Clock()), [0]

        def judge() -> None:
            found[-1] += 1

        outlook = Outlook(facts, _never, judge, _never, _never)
        watched = VrrpInstance("VI", vrid=51, interface="eth0", **REST, **settings)
        outlook.watch(watched)
        for link in links:
            found.append(0)
            facts.set("interface:eth0", link)
            self.assertEqual(outlook.link, link)
        return found[1:]

    def test_thatMatter(self) -> None:
        """It appears, goes down, gets another number, another address, disappears."""
        links = [
            LINK,
            replace(LINK, up=False),
            replace(LINK, index=3),
            replace(LINK, addresses=(OTHER, OWN)),
            None,
        ]
        self.assertEqual(self.judged(links), [1] * 5)

    def test_thatDoNot(self) -> None:
        """Further addresses come and go, and the MTU changes: that is the same link."""
        links = [
            LINK,
            replace(LINK, addresses=(OWN, OTHER)),
            replace(LINK, addresses=(OWN, OTHER, THIRD)),
            replace(LINK, mtu=9000),
        ]
        self.assertEqual(self.judged(links), [1, 0, 0, 0])

    def test_source(self) -> None:
        """The source address that the file names is one that matters."""
        links = [
            LINK,
            replace(LINK, addresses=(OWN, OTHER)),
            replace(LINK, addresses=(OWN, OTHER, THIRD)),
            replace(LINK, addresses=(OWN, OTHER)),
            replace(LINK, addresses=(OWN, THIRD)),
        ]
        self.assertEqual(self.judged(links, source=THIRD), [1, 0, 1, 1, 1])


def _never(*_: object) -> Any:
    raise AssertionError("nothing of that kind is watched")
