"""The node as plain data."""

import json

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hanode.console.view import View
from tests.console.node import Node
from tests.console.samples import INSTANCE, SESSION, YOUNG


class ViewTests(SynchronousTestCase):
    def setUp(self):
        self.clock = Clock()
        self.clock.advance(100)
        self.node = Node(self.clock)
        self.view = View(self.node, self.clock.seconds, lambda: 1_000_000_000.0)

    def test_bfd(self):
        """What the BFD service describes."""
        self.assertEqual(
            json.loads("".join(self.view.bfd())),
            {
                "sessions": [SESSION, YOUNG],
                "states": {"UP": 1, "ADMIN_DOWN": 1},
                "stalls": {"count": 1, "latest": 0.02, "worst": 0.02},
            },
        )

    def test_vrrp(self):
        """What each instance describes, and from its fact since when and why."""
        self.node.facts.set("group:G", "MASTER", "all can")
        self.node.facts.set("vrrp:VI_1", "BACKUP", "a better master")
        self.clock.advance(61)
        group = {
            "name": "G",
            "state": "MASTER",
            "members": ["VI_1", "VI_2"],
            "since": 61.0,
            "reason": "all can",
        }
        self.assertEqual(self.view.vrrp(), {"instances": [INSTANCE], "groups": [group]})

    def test_vrrpWithoutFact(self):
        """An instance that has not started yet has no time."""
        instance = {**INSTANCE, "since": None, "reason": None}
        self.assertEqual(self.view.vrrp()["instances"], [instance])

    def test_facts(self):
        """All facts by name, with their age; a secret among them stays one."""
        self.clock.advance(5)
        self.node.facts.set("script:a", True, "exit status 0")
        shown = self.view.facts()
        self.assertEqual(
            [(f["name"], f["value"], f["since"], f["why"]) for f in shown["facts"]],
            [
                ("interface:eth0", {"up": True}, 5.0, "up"),
                ("key", "***", 5.0, "a mistake"),
                ("script:a", True, 0.0, "exit status 0"),
            ],
        )
        self.assertNotIn("opensesame", json.dumps(shown))
