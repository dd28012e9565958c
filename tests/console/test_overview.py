"""One screen about the whole node."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode.console.overview import INSTANCES, TROUBLES, status, troubles
from tests.console.samples import INSTANCE

RECORD = {
    "host": "lb1",
    "pid": 4711,
    "uptime": 3700.0,
    "instances": [INSTANCE],
    "groups": [],
    "bfd": {},
    "virtual_servers": {"count": 0, "down": []},
    "reactor": {},
    "events": [],
}


class StatusTests(SynchronousTestCase):
    """Claims about L{status}."""

    def test_little(self) -> None:
        """What a node does not have is not shown."""
        head, instances, events = status(RECORD).split("\n\n")
        self.assertEqual(head, "hanode on lb1, process 4711, up for 1h 1m")
        self.assertIn("VI_1", instances)
        self.assertEqual(events, "nothing has happened")

    def test_all(self) -> None:
        """Counts of sessions and servers, those that are not up, and stalls."""
        shown = status(
            {
                **RECORD,
                "bfd": {"UP": 3, "DOWN": 1},
                "virtual_servers": {"count": 5, "down": ["web", "mail"]},
                "reactor": {"stalls": 2, "longest": 0.31, "held_by": "a.py:3 (f)"},
            }
        )
        for line in (
            "BFD sessions: 3 Up, 1 Down",
            "virtual servers: 5, without their quorum: web, mail",
            "held up 2 times, for 310ms by a.py:3 (f)",
        ):
            self.assertIn(f"\n\n{line}\n\n", shown)

    def test_static(self) -> None:
        """What is static is counted, and what is missing of it is named."""
        held = {"addresses": [], "routes": ["a", "b"], "rules": ["c"], "lacking": []}
        shown = status({**RECORD, "static": held})
        self.assertIn("\n\nstatic: 2 routes, 1 rules\n\n", shown)
        shown = status({**RECORD, "static": {**held, "lacking": ["b"]}})
        self.assertIn("static: 2 routes, 1 rules; missing: b\n", shown)

    def test_troubles(self) -> None:
        """What is wrong although the state does not tell comes first, not all of it."""
        one = {**INSTANCE, "conflicts": {"192.0.2.100": "02:00:00:00:00:01"}}
        lines = status({**RECORD, "instances": [one]}).split("\n\n")[1]
        self.assertEqual(
            lines, "! VI_1: 02:00:00:00:00:01 answers for 192.0.2.100, too"
        )
        many = {**INSTANCE, "missing": [f"route {n}" for n in range(TROUBLES + 3)]}
        lines = troubles([many])
        self.assertEqual(lines[0], "! VI_1: not set in the kernel: route 0")
        self.assertEqual(lines[-1], "! ... and 3 more")
        self.assertEqual(len(lines), TROUBLES + 1)

    def test_allUp(self) -> None:
        """Servers that all have their quorum are one line."""
        shown = status({**RECORD, "virtual_servers": {"count": 5, "down": []}})
        self.assertIn("virtual servers: 5, all with their quorum", shown)

    def test_many(self) -> None:
        """Of many instances those that are not BACKUP, and how many there are more."""
        many = [{**INSTANCE, "name": f"VI_{n}"} for n in range(INSTANCES + 10)]
        many[7] = {**many[7], "state": "MASTER"}
        shown = status({**RECORD, "instances": many})
        self.assertIn("VI_7 ", shown)
        self.assertNotIn("VI_8 ", shown)
        self.assertIn(f"... and {INSTANCES + 9} more", shown)
