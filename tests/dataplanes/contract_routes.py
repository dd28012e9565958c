"""What every dataplane must do with routes and rules: for the real one and the fake."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import Any

from hanode.config.model import Address
from hanode.config.route_model import Hop, Route, Rule
from tests.dataplanes.contract import DEVICE, A

GATEWAY = ip_address("192.0.2.254")
VIA = Route(ip_network("198.51.100.0/24"), hops=(Hop(GATEWAY, DEVICE),))
DIRECT = Route(ip_network("10.20.0.0/16"), hops=(Hop(device=DEVICE),), table=100)
SOURCED = Route(
    ip_network("10.30.0.0/16"), hops=(Hop(device=DEVICE),), source=A.address
)
HOLE = Route(ip_network("10.40.0.0/16"), kind="blackhole", metric=5)
SIX = Route(ip_network("2001:db8:5::/48"), hops=(Hop(device=DEVICE),))
ROUTES = (VIA, DIRECT, SOURCED, HOLE, SIX)
TABLE = Rule(4, 100, source=ip_network("192.0.2.0/24"), target=100)
STOP = Rule(6, 101, "prohibit", incoming=DEVICE)
RULES = (TABLE, STOP)
UNTRACKED = replace(HOLE, track=False)


class RoutesContract:
    """Mix it into a test case that gives it a world.

    It is the world of L{tests.dataplanes.contract.DataplaneContract}, with these more.
    """

    dataplane: Any

    def settle(self) -> None:
        raise NotImplementedError

    def set_up(self, up: bool) -> None:
        raise NotImplementedError

    def delete_interface(self) -> None:
        raise NotImplementedError

    def create_interface(self) -> None:
        raise NotImplementedError

    def routes(self) -> list[Route]:
        """Those of ROUTES that the kernel has, in that order."""
        raise NotImplementedError

    def rules(self) -> list[Rule]:
        """Those of RULES that the kernel has, in that order."""
        raise NotImplementedError

    def someone_sets(self, *records: Route | Rule) -> None:
        """Another program (a dead one of our kind) has set these."""
        raise NotImplementedError

    def someone_takes(self, record: Route | Rule) -> None:
        raise NotImplementedError

    # The claims.

    def begin(self) -> None:
        self.dataplane.start(lambda name, link: None)
        self.settle()

    def same(self, first: object, second: object) -> None:
        self.assertEqual(first, second)  # type: ignore[attr-defined]

    def hold_all(self) -> None:
        self.begin()
        self.dataplane.claim("VI_1", (A,), ROUTES, RULES)
        self.dataplane.hold("VI_1", (A,), ROUTES, RULES)

    def both(self) -> tuple[list[Route], list[Rule]]:
        return self.routes(), self.rules()

    def test_all_when_the_call_returns(self) -> None:
        """Addresses, routes that need them, and rules are there at once."""
        self.hold_all()
        self.same(self.both(), (list(ROUTES), list(RULES)))
        self.same(self.dataplane.lacking("VI_1"), [])

    def test_released_with_the_addresses(self) -> None:
        """Holding nothing removes them all."""
        self.hold_all()
        self.dataplane.hold("VI_1", ())
        self.same(self.both(), ([], []))

    def test_another_set(self) -> None:
        """Holding another set removes what is left out and adds what is new."""
        self.begin()
        self.dataplane.hold("VI_1", (A,), (VIA, HOLE), (TABLE,))
        self.dataplane.hold("VI_1", (A,), (HOLE, DIRECT), (STOP,))
        self.settle()
        self.same(self.both(), ([DIRECT, HOLE], [STOP]))

    def test_before_the_start(self) -> None:
        """What was held before the start is set by the start."""
        self.dataplane.claim("static", (A,), ROUTES, RULES)
        self.dataplane.hold("static", (A,), ROUTES, RULES)
        self.begin()
        self.same(self.both(), (list(ROUTES), list(RULES)))

    def test_shared(self) -> None:
        """What two owners hold stays until the second one lets go."""
        self.begin()
        for owner in ("VI_1", "VI_2"):
            self.dataplane.hold(owner, (), (HOLE,), (TABLE,))
        self.dataplane.hold("VI_1", ())
        self.same(self.both(), ([HOLE], [TABLE]))
        self.dataplane.claim("VI_2", ())
        self.same(self.both(), ([], []))

    def test_left_behind(self) -> None:
        """What a dead process left is removed when it is claimed."""
        self.someone_sets(HOLE, TABLE)
        self.dataplane.claim("VI_1", (), (HOLE,), (TABLE,))
        self.begin()
        self.same(self.both(), ([], []))

    def test_left_behind_and_claimed_later(self) -> None:
        """A claim after the start cleans up too."""
        self.someone_sets(DIRECT, STOP)
        self.begin()
        self.dataplane.claim("VI_1", (), (DIRECT,), (STOP,))
        self.same(self.both(), ([], []))

    def test_taken_and_back(self) -> None:
        """A route and a rule that someone removes are back."""
        self.hold_all()
        self.settle()
        for record in (VIA, HOLE, SIX, TABLE, STOP):
            self.someone_takes(record)
            self.settle()
        self.same(self.both(), (list(ROUTES), list(RULES)))

    def test_untracked_stays_away(self) -> None:
        """A route with no_track is not put back before it is held anew."""
        self.begin()
        self.dataplane.hold("VI_1", (), (UNTRACKED,))
        self.settle()
        self.someone_takes(UNTRACKED)
        self.settle()
        self.same(self.dataplane.lacking("VI_1"), [UNTRACKED])
        self.dataplane.hold("VI_1", ())
        self.dataplane.hold("VI_1", (), (UNTRACKED,))
        self.same(self.dataplane.lacking("VI_1"), [])

    def test_down_and_up_again(self) -> None:
        """All is there again when the interface is up again."""
        self.hold_all()
        self.settle()
        self.set_up(False)
        self.settle()
        self.same(self.both(), ([HOLE], list(RULES)))
        self.same(VIA in self.dataplane.lacking("VI_1"), True)
        self.set_up(True)
        self.settle()
        self.same(self.both(), (list(ROUTES), list(RULES)))

    def test_made_anew(self) -> None:
        """An interface that is made anew gets its routes."""
        self.hold_all()
        self.settle()
        self.delete_interface()
        self.settle()
        self.create_interface()
        self.settle()
        self.same(self.both(), (list(ROUTES), list(RULES)))

    def test_absent_interface(self) -> None:
        """What is held while its interface is absent is set as soon as it exists."""
        self.delete_interface()
        self.hold_all()
        self.same(self.both(), ([HOLE], list(RULES)))
        self.create_interface()
        self.settle()
        self.same(self.both(), (list(ROUTES), list(RULES)))

    def test_nothing_is_left_after_stop(self) -> None:
        """After stop nothing of ours is left, and nothing comes back."""
        self.hold_all()
        self.dataplane.stop()
        self.same(self.both(), ([], []))


def address(text: str) -> Address:
    host, _, prefix = text.partition("/")
    return Address(ip_address(host), int(prefix), DEVICE)
