"""Claims about following one master."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from hanode.bfd.line import Line
from hanode.bfd.pursuit import Pursuit
from hanode.config.bfd_model import BfdParameters, BfdRoute
from hanode.config.model import VrrpInstance
from hanode.facts import Facts
from hanode.path import Path
from tests.bfd.lines import Lines
from tests.bfd.networks import FAST, NEIGHBOUR, NEIGHBOUR6, OTHER, US


class PursuitTests(SynchronousTestCase):
    """One instance, and sessions that remember what was asked for."""

    def setUp(self) -> None:
        """It follows."""
        self.lines = Lines()
        self.facts = Facts(self.lines.clock)
        self.log: list[tuple[Any, ...]] = []
        self.pursue()

    def pursue(self, **changes: Any) -> Pursuit:
        """Such an instance follows."""
        settings: dict[str, Any] = {"source": US, "fast_failover": FAST, **changes}
        interface = settings.pop("interface", "eth0")
        instance = VrrpInstance("VI_1", 1, interface, 4, **settings)
        self.pursuit = Pursuit(instance, self, self.facts)
        self.pursuit.start()
        return self.pursuit

    def want(self, route: BfdRoute, parameters: BfdParameters, owner: str) -> Line:
        """It asks for a session."""
        self.log.append(("want", route, parameters, owner))
        return self.lines.line(route=route)

    def release(self, line: Line, owner: str) -> None:
        """It needs a session no more."""
        self.log.append(("release", line.route.neighbour, owner))

    def path(self, line: Line) -> Path:
        """How a new session is."""
        return Path(line.route.neighbour, "DOWN")

    def master(self, address: Any) -> None:
        """The instance follows that one."""
        self.facts.set("master:VI_1", address)

    def fact(self) -> Any:
        """What the instance is told."""
        return self.facts.get("fast_failover:VI_1")

    def test_wants(self) -> None:
        """A master: a session from the instance's source on its interface."""
        self.master(NEIGHBOUR)
        route, owner = BfdRoute(NEIGHBOUR, US, "eth0"), "fast_failover VI_1"
        self.assertEqual(self.log, [("want", route, FAST, owner)])
        self.assertEqual(self.fact(), Path(NEIGHBOUR, "DOWN"))

    def test_moves(self) -> None:
        """Another master: first let go of the one, then want the other."""
        for master in (NEIGHBOUR, OTHER, None, None):
            self.master(master)
        steps = [(each[0], getattr(each[1], "neighbour", each[1])) for each in self.log]
        wanted = [
            ("want", NEIGHBOUR),
            ("release", NEIGHBOUR),
            ("want", OTHER),
            ("release", OTHER),
        ]
        self.assertEqual((steps, self.fact(), self.pursuit.line), (wanted, None, None))

    def test_same(self) -> None:
        """The same master again: nothing."""
        self.master(NEIGHBOUR)
        self.pursuit._new_master("master:VI_1", NEIGHBOUR)
        self.assertEqual(len(self.log), 1)

    def test_told(self) -> None:
        """What is found out about the path is the fact."""
        self.master(NEIGHBOUR)
        path = Path(NEIGHBOUR, "DOWN", True, 0.05, "silence")
        self.pursuit.tell(path, "silence")
        fact = self.facts.snapshot()["fast_failover:VI_1"]
        self.assertEqual((fact.value, fact.why), (path, "silence"))

    def test_without(self) -> None:
        """Without fast_failover nothing is wanted."""
        self.pursuit.stop()
        self.pursue(fast_failover=None)
        self.master(NEIGHBOUR)
        self.assertEqual((self.log, self.fact()), ([], None))

    def test_link_local(self) -> None:
        """A link-local master needs an interface."""
        self.pursuit.stop()
        self.pursue(interface="", source=None)
        self.master(NEIGHBOUR6)
        self.assertEqual(self.log, [])
        self.master(ip_address("fd00::2"))
        self.assertEqual(self.log[0][1], BfdRoute(ip_address("fd00::2")))

    def test_stop(self) -> None:
        """At the end the session is let go, and masters are not followed."""
        self.master(NEIGHBOUR)
        self.pursuit.stop()
        self.pursuit.stop()
        self.master(OTHER)
        self.assertEqual([each[0] for each in self.log], ["want", "release"])
        self.assertIsNone(self.fact())
