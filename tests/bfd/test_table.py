"""Claims about how sessions are found."""

from __future__ import annotations

from random import Random

from twisted.trial.unittest import SynchronousTestCase

from hanode.bfd.packet import State
from hanode.bfd.reception import Entrance
from hanode.bfd.table import Table
from hanode.config.bfd_model import BfdRoute
from tests.bfd.lines import Lines
from tests.bfd.networks import NEIGHBOUR, OTHER


class Scripted(Random):
    """Gives the numbers that it was told to."""

    def __init__(self, *numbers: int) -> None:
        super().__init__()
        self._numbers = list(numbers)

    def getrandbits(self, k: int, /) -> int:
        """The next number."""
        return self._numbers.pop(0)


class TableTests(SynchronousTestCase):
    """A table with lines."""

    def setUp(self) -> None:
        """An empty table."""
        self.lines, self.table = Lines(), Table()

    def test_found(self) -> None:
        """A line is found by its name, its discriminator and its ends."""
        line = self.lines.line("a", BfdRoute(NEIGHBOUR, None, "eth0"), discriminator=7)
        self.table.add(line)
        entrance = Entrance(4, "eth0")
        found = (
            self.table.named("a"),
            self.table.of_discriminator(7),
            self.table.of_ends(entrance, NEIGHBOUR),
        )
        self.assertEqual(found, (line, line, line))
        self.assertEqual((list(self.table), len(self.table)), ([line], 1))
        self.assertEqual(self.table.names(), ["a"])
        self.assertIn(line, self.table)

    def test_not_found(self) -> None:
        """Nothing else is found."""
        line = self.lines.line("a", BfdRoute(NEIGHBOUR, None, "eth0"))
        self.table.add(line)
        found = (
            self.table.named("b"),
            self.table.of_discriminator(0),
            self.table.of_ends(Entrance(4, "eth1"), NEIGHBOUR),
            self.table.of_ends(Entrance(4, "eth0", True), NEIGHBOUR),
            self.table.of_ends(Entrance(4, "eth0"), OTHER),
        )
        self.assertEqual(found, (None,) * 5)
        self.assertNotIn(self.lines.line("a"), self.table)
        self.assertNotIn("a", self.table)

    def test_to(self) -> None:
        """A route leads to the line on its device, else to that of no device."""
        bound = self.lines.line("a", BfdRoute(NEIGHBOUR, None, "eth0"), discriminator=1)
        free = self.lines.line("b", BfdRoute(NEIGHBOUR), discriminator=2)
        self.table.add(bound)
        to = self.table.to
        before = to(BfdRoute(NEIGHBOUR)), to(BfdRoute(NEIGHBOUR, None, "eth1"))
        self.table.add(free)
        routes = [BfdRoute(NEIGHBOUR, None, device) for device in ("eth0", "eth1", "")]
        self.assertEqual(before, (None, None))
        self.assertEqual([to(each) for each in routes], [bound, free, free])
        self.assertIsNone(to(BfdRoute(NEIGHBOUR, multihop=True)))

    def test_removed(self) -> None:
        """A removed line is not found any more; removing it again does nothing."""
        line, other = self.lines.up("a"), self.lines.line("b", BfdRoute(OTHER))
        other.session.discriminator = 0xC
        for each in (line, other):
            self.table.add(each)
        self.table.expect(line, b"data")
        for _ in range(2):
            self.table.remove(line)
        self.assertEqual((list(self.table), self.table.expected), ([other], {}))
        self.assertIsNone(self.table.of_discriminator(0xA))
        self.assertIsNone(self.table.of_ends(Entrance(4, ""), NEIGHBOUR))

    def test_renamed(self) -> None:
        """A renamed line is found by its new name only."""
        line = self.lines.line("a")
        self.table.add(line)
        self.table.rename(line, "b")
        self.assertEqual((self.table.names(), line.name), (["b"], "b"))
        self.assertIn(line, self.table)

    def test_iteration(self) -> None:
        """Lines may come and go while one looks at all of them."""
        for number in range(3):
            route = BfdRoute(NEIGHBOUR, None, f"eth{number}")
            name = f"n{number}"
            self.table.add(self.lines.line(name, route, discriminator=number + 1))
        for line in self.table:
            self.table.remove(line)
        self.assertEqual(len(self.table), 0)

    def test_discriminator(self) -> None:
        """A new discriminator is random, not 0, and nobody's (RFC 5880, 6.8.1)."""
        self.table.add(self.lines.line(discriminator=5))
        self.assertEqual(self.table.free_discriminator(Scripted(0, 5, 0, 9)), 9)

    def test_expected(self) -> None:
        """The last packet of a session that is Up is expected again."""
        line = self.lines.up()
        self.table.add(line)
        self.table.expect(line, b"one")
        self.table.expect(line, b"two")
        self.assertEqual(self.table.expected, {b"two": line.session})
        self.table.unexpect(line)
        self.assertEqual((self.table.expected, line.expected), ({}, b""))

    def test_not_expected(self) -> None:
        """A final, and what comes while the session is not Up, is not expected."""
        line = self.lines.up()
        self.lines.hear(line, State.UP, final=True)
        self.table.expect(line, b"final")
        self.assertEqual(self.table.expected, {})
        self.lines.hear(line, State.DOWN)
        self.table.expect(line, b"down")
        self.assertEqual(self.table.expected, {})

    def test_multihop(self) -> None:
        """Each packet of a multihop session is looked at: its TTL and its source."""
        line = self.lines.up(route=BfdRoute(NEIGHBOUR, multihop=True, least_ttl=250))
        self.table.add(line)
        self.table.expect(line, b"data")
        self.assertEqual(self.table.expected, {})
