"""What a reload of virtual and real servers has to do."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from hanode.balance.roster import STEP
from tests.balance.case import Case, checked, model
from tests.balance.servers import ILL, NAME, check, real, rs, virtual


def many(number: int) -> list[object]:
    return [
        replace(real(1), address=ip_address(f"10.1.{n >> 8}.{n & 255}"))
        for n in range(number)
    ]


class Steps(Case):
    def steps(self, *servers: object) -> int:
        """How many steps it takes to have one virtual server with these."""
        wanted = {NAME: virtual(*servers)}
        return len(list(self.service._roster.follow(wanted, False)))

    def test_small(self) -> None:
        """Thousands of servers are added, compared and changed bit by bit."""
        self.start(model())
        servers = many(3 * STEP)
        self.assertEqual(self.steps(*servers), 4)
        self.assertEqual(self.steps(*servers), 1)
        self.assertEqual(self.steps(*servers, real(2)), 4)


class Servers(Case):
    def test_twice(self) -> None:
        """A server that is listed twice is there once, after a reload as well."""
        self.start(model(virtual(checked(1), checked(1))))
        self.assertEqual(self.numbers(), {1: 1})
        self.reload(model(virtual(checked(1), checked(1), real(2))))
        self.assertEqual(self.numbers(), {1: 1, 2: 1})
        self.reload(model(virtual(real(3), real(3))))
        self.assertEqual(self.numbers(), {3: 1})
        self.assertEqual(len(self.service.checks), 0)

    def test_checkTwice(self) -> None:
        """A check that a server lists twice is made once."""
        self.start(model(virtual(checked(1, check(1), check(2)))))
        (first, second) = self.service.checks
        self.assertEqual((len(first.users), len(second.users)), (1, 1))
        self.reload(model())
        self.assertEqual(len(self.service.checks), 0)

    def test_sharedState(self) -> None:
        """A new server whose check is made for others already has their state."""
        self.start(model(virtual(checked(1), name="a", addresses=())))
        self.clock.advance(1)
        self.answer((1, ILL))
        self.reload(
            model(
                virtual(checked(1), name="a", addresses=()),
                virtual(checked(1), real(2)),
            )
        )
        self.assertEqual(self.numbers(), {2: 1})
        (line,) = self.service.checks
        self.assertEqual(len(line.users), 2)

    def test_catchesUp(self) -> None:
        """What happens while a new server waits for its turn is not missed."""
        old = virtual(checked(1), name="a", addresses=())
        self.start(model(old))
        self.clock.advance(1)
        roster, settings = self.service._roster, virtual(checked(1), *many(STEP))
        steps = roster.follow({"a": old, NAME: settings}, False)
        next(steps)
        next(steps)
        self.answer((1, ILL))
        list(steps)
        first = next(iter(roster.virtuals[NAME].reals.values()))
        self.assertEqual((first.name, first.up), (rs(1), False))

    def test_moved(self) -> None:
        """A server that changes from one check to another has one line in the end."""
        self.start(model(virtual(checked(1))))
        before = list(self.service.checks)
        self.reload(model(virtual(real(1, checks=(check(7), check(8))))))
        found = [line.check for line in self.service.checks]
        self.assertEqual(found, [check(7), check(8)])
        self.assertFalse(before[0].active)

    def test_handedOn(self) -> None:
        """A check that one server gives up and a new one takes stays known."""
        self.start(model(virtual(checked(1))))
        new = real(2, checks=(check(1),))
        old = real(1, checks=(check(7),))
        self.reload(model(virtual(new, old)))
        found = {line.check: len(line.users) for line in self.service.checks}
        self.assertEqual(found, {check(1): 1, check(7): 1})
        self.reload(model())
        self.assertEqual(len(self.service.checks), 0)
