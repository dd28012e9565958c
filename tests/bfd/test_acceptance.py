"""Claims about the rules by which sessions are accepted."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from hanode.bfd.acceptance import LIMIT, Acceptance, Rule, rules
from hanode.bfd.line import Line
from hanode.bfd.packet import BadPacket
from hanode.bfd.reception import Entrance, Reception
from hanode.bfd.table import Table
from hanode.config.bfd_model import BfdRoute, BfdUnsolicited
from hanode.config.model import UnicastPeer, VrrpInstance
from tests.bfd.lines import Lines
from tests.bfd.networks import FAST, NEIGHBOUR, NEIGHBOUR6, OTHER, model

ETH0 = BfdUnsolicited("eth0", parameters=FAST)
HERE, HERE6 = Entrance(4, "eth0"), Entrance(6, "eth0")


def follower(**changes: Any) -> VrrpInstance:
    """A virtual router with fast failover."""
    settings: dict[str, Any] = {"fast_failover": FAST, **changes}
    return VrrpInstance("VI_1", 1, "eth0", settings.pop("family", 4), **settings)


class RuleTests(SynchronousTestCase):
    """Rules as the configuration has them."""

    def test_written(self) -> None:
        """bfd_unsolicited is a rule for both families."""
        (rule,) = rules(model(replace(ETH0, limit=3)))
        wanted = Rule("bfd_unsolicited eth0", "eth0", 0, (), 3, FAST)
        self.assertEqual((rule, rule.entrances), (wanted, (HERE, HERE6)))

    def test_of_instance(self) -> None:
        """fast_failover is one for the instance's family and its unicast peers."""
        peers = tuple(UnicastPeer(each) for each in (NEIGHBOUR, OTHER))
        (rule,) = rules(model(follower(unicast_peers=peers)))
        allow = tuple(map(ip_network, ("10.0.0.2/32", "10.0.0.3/32")))
        wanted = Rule("fast_failover VI_1", "eth0", 4, allow, LIMIT, FAST)
        self.assertEqual((rule, rule.entrances), (wanted, (HERE,)))

    def test_without(self) -> None:
        """An instance without fast_failover is none."""
        self.assertEqual(list(rules(model(follower(fast_failover=None)))), [])

    def test_admits(self) -> None:
        """It admits who is allowed, where it listens."""
        networks = ip_network("10.0.0.2/31"), ip_network("fe80::/10")
        (listed,) = rules(model(replace(ETH0, allow=networks)))
        (anybody,) = rules(model(follower()))
        cases: list[tuple[Any, Entrance]] = [
            (NEIGHBOUR, HERE),
            (ip_address("10.0.0.4"), HERE),
            (NEIGHBOUR6, HERE6),
            (ip_address("fd00::1"), HERE6),
            (NEIGHBOUR, Entrance(4, "eth1")),
            (NEIGHBOUR, Entrance(4, "eth0", True)),
        ]
        found = [(listed.admits(*case), anybody.admits(*case)) for case in cases]
        first = [True, False, True, False, False, False]
        second = [True, True, False, False, False, False]
        self.assertEqual(found, list(zip(first, second, strict=True)))


class AcceptanceTests(SynchronousTestCase):
    """The rules in force."""

    def setUp(self) -> None:
        """No rule is."""
        self.lines, self.table = Lines(), Table()
        self.network = self.lines.network
        nothing: Any = None
        reception = Reception(self.lines.clock, self.network, nothing, nothing)
        self.dismissed: list[tuple[str, str]] = []
        self.acceptance = Acceptance(reception, self.table, self.dismiss)

    def dismiss(self, line: Line) -> None:
        """A line has lost its rule, or its rule has changed."""
        self.dismissed.append((line.name, line.rule))

    def line(self, name: str, rule: str, number: int) -> Line:
        """A line that was let in by C{rule}."""
        route = BfdRoute(NEIGHBOUR + number, None, "eth0")
        line = self.lines.line(name, route, discriminator=number + 1)
        line.rule = rule
        self.table.add(line)
        return line

    def test_start(self) -> None:
        """It listens from start() on, and changes what it listens to."""
        self.acceptance.configure(model(ETH0))
        before = self.network.open()
        self.acceptance.start()
        both = [(3784, 4, "eth0"), (3784, 6, "eth0")]
        self.assertEqual((before, self.network.open()), ([], both))
        self.acceptance.configure(model(replace(ETH0, device="eth1")))
        self.assertEqual(self.network.open(), [(3784, 4, "eth1"), (3784, 6, "eth1")])
        self.assertEqual(self.acceptance.devices(), {"eth1"})

    def test_changed(self) -> None:
        """A rule that changes keeps the ports that it needs still."""
        self.acceptance.start()
        self.acceptance.configure(model(follower()))
        self.acceptance.configure(
            model(follower(fast_failover=replace(FAST, min_rx=1)))
        )
        self.assertEqual(self.network.log, [("open", 3784, 4, "eth0")])
        self.acceptance.configure(model(follower(family=6)))
        log = [("open", 3784, 6, "eth0"), ("closed", 3784, 4, "eth0")]
        self.assertEqual(self.network.log[1:], log)

    def test_equal(self) -> None:
        """An equal rule is not touched."""
        self.acceptance.start()
        self.acceptance.configure(model(ETH0))
        self.line("a", "bfd_unsolicited eth0", 0)
        self.acceptance.configure(model(ETH0))
        self.assertEqual((self.dismissed, len(self.network.log)), ([], 2))

    def test_dismissed(self) -> None:
        """Lines of a rule that is gone lose it; those of others do not."""
        self.acceptance.configure(model(ETH0, follower()))
        self.line("a", "bfd_unsolicited eth0", 0)
        self.line("b", "fast_failover VI_1", 1)
        self.line("c", "", 2)
        self.acceptance.configure(model(follower()))
        self.assertEqual(self.dismissed, [("a", "")])

    def test_dismissed_by_change(self) -> None:
        """Who is no longer admitted loses the rule; the others are told of it."""
        self.acceptance.configure(model(ETH0))
        name = "bfd_unsolicited eth0"
        for number, each in enumerate("ab"):
            self.line(each, name, number)
        allow = (ip_network("10.0.0.2/32"),)
        self.acceptance.configure(model(replace(ETH0, allow=allow)))
        self.assertEqual(self.dismissed, [("a", name), ("b", "")])

    def test_admission(self) -> None:
        """The first rule that admits lets in; none gives None."""
        self.acceptance.configure(model(ETH0, follower()))
        rule = self.acceptance.admission(NEIGHBOUR, HERE)
        self.assertEqual(rule and rule.name, "bfd_unsolicited eth0")
        self.assertEqual(self.acceptance.rule("bfd_unsolicited eth0"), rule)
        nowhere = self.acceptance.admission(NEIGHBOUR, Entrance(4, "eth1"))
        self.assertEqual((nowhere, self.acceptance.rule("?")), (None, None))

    def test_limit(self) -> None:
        """At its limit a rule refuses; only its own sessions count."""
        self.acceptance.configure(model(replace(ETH0, limit=2)))
        for number, rule in enumerate(("bfd_unsolicited eth0", "", "x")):
            self.line(f"n{number}", rule, number)
        self.assertIsNotNone(self.acceptance.admission(NEIGHBOUR, HERE))
        self.line("n9", "bfd_unsolicited eth0", 9)
        with self.assertRaises(BadPacket) as caught:
            self.acceptance.admission(NEIGHBOUR, HERE)
        text = "too many unsolicited sessions (2)"
        self.assertEqual(str(caught.exception), text)

    def test_keeps(self) -> None:
        """A line stays under its rule, or under one that has room for it."""
        self.acceptance.configure(model(replace(ETH0, limit=1)))
        line, other = self.line("a", "", 0), self.line("b", "", 1)
        kept = [self.acceptance.keeps(each) for each in (line, line, other)]
        self.assertEqual(kept, [True, True, False])
        self.assertEqual((line.rule, other.rule), ("bfd_unsolicited eth0", ""))

    def test_keeps_nobody(self) -> None:
        """Without a rule nobody stays, and a rule that is gone counts as none."""
        line = self.line("a", "bfd_unsolicited eth0", 0)
        self.assertFalse(self.acceptance.keeps(line))
        self.assertEqual(line.rule, "")
