"""Why an instance is in its state, in words."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from hanode.console.why import why
from tests.console.samples import INSTANCE


def tracked(**more: Any) -> dict[str, Any]:
    """A script with a weight that has failed."""
    return {
        "kind": "script",
        "name": "chk",
        "weight": 20,
        "reverse": False,
        "points": 0,
        "fault": "",
        "state": "failed",
        **more,
    }


def instance(**more: Any) -> dict[str, Any]:
    """A backup of priority 100."""
    return {
        **INSTANCE,
        "priority": 100,
        "master_down": 3.6,
        "preempt": True,
        "tracked": [],
        **more,
    }


class WhyTests(SynchronousTestCase):
    """Claims about L{why}."""

    def test_backup(self) -> None:
        """Who is master, what our priority is, and what it would take."""
        self.assertEqual(
            why(instance()).split("\n"),
            [
                "VI_1 has been BACKUP for 1m 1s: a better master. The master is"
                " 192.0.2.2 with priority 150.",
                "Its priority is 100.",
                "It becomes MASTER after 3.6s without an advertisement.",
                "With a priority above 150 it would take over: 51 more than now, and"
                " nothing that it tracks can give that.",
            ],
        )

    def test_sample(self) -> None:
        """Weights are added up, each with what it comes from."""
        self.assertIn(
            "Its priority is 90 = 100 (configured) - 20 (script chk: failed (exited"
            " with status 1)) + 10 (file load: -10 in the file).",
            why(INSTANCE),
        )
        self.assertIn("It goes to FAULT when bfd peer is up.", why(INSTANCE))
        self.assertIn("It goes to FAULT when interface eth1 is down.", why(INSTANCE))

    def test_gain(self) -> None:
        """What trackers could give is held against what is missing."""
        for weight, text in ((60, "60, which is enough"), (20, "20, which is not")):
            lines = why(instance(tracked=[tracked(weight=weight)]))
            self.assertIn(f"what it tracks can give {text}.", lines)
            self.assertIn(
                f"Nothing comes from script chk: failed, whose weight is {weight}.",
                lines,
            )

    def test_loss(self) -> None:
        """A weight that cannot raise the priority gives nothing; reversed it may."""
        for more, gain in (
            ({"weight": -20}, False),
            ({"weight": -20, "points": -20}, True),
            ({"weight": 20, "points": 20}, False),
            ({"weight": -60, "reverse": True}, True),
        ):
            lines = why(instance(tracked=[tracked(**more)]))
            self.assertEqual("can give " in lines.replace("give that", ""), gain, more)

    def test_bounds(self) -> None:
        """A sum beyond the range says so; one from elsewhere is not explained away."""
        low = instance(priority=1, tracked=[tracked(weight=-200, points=-200)])
        self.assertIn("- 200 (script chk: failed), kept within 1 and 254.", why(low))
        self.assertIn("Its priority is 7, 100 configured.", why(instance(priority=7)))

    def test_nopreempt(self) -> None:
        """With nopreempt priority alone changes nothing."""
        self.assertIn("It has nopreempt", why(instance(preempt=False)))

    def test_better(self) -> None:
        """A backup that waits to preempt says so."""
        self.assertIn("It is better than the master", why(instance(priority=200)))

    def test_fallen(self) -> None:
        """A master that has become worse counts as what it says it is now."""
        peers = [
            {"address": "192.0.2.3", "priority": 120},
            {"address": "192.0.2.2", "priority": 80},
        ]
        lines = why(instance(peers=peers)).split("\n")
        self.assertTrue(lines[0].endswith("is 192.0.2.2 with priority 80."), lines)
        self.assertEqual(
            lines[-1],
            "It is better than the master, and takes over when the time has come.",
        )
        silent = [{"address": "192.0.2.2", "priority": None}]
        self.assertIn("with priority 150.", why(instance(peers=silent)))

    def test_doubts(self) -> None:
        """Two masters: who else answers, and why nothing of it is heard."""
        lines = why(
            instance(
                state="MASTER",
                conflicts={"192.0.2.10": "02:00:00:00:00:07"},
                counters={"dropped: authentication missing": 8, "received": 3},
            )
        ).split("\n")
        self.assertEqual(
            lines[-2:],
            [
                "02:00:00:00:00:07 answers for 192.0.2.10, too: there may be a second"
                " master.",
                "Advertisements dropped so far: 8 (authentication missing).",
            ],
        )

    def test_alone(self) -> None:
        """Without a master there is none to compare with."""
        lines = why(instance(master=None, master_priority=0))
        self.assertIn("No master has been heard.", lines)
        self.assertNotIn("would take over", lines)

    def test_master(self) -> None:
        """To whom a master gives way."""
        lines = why(instance(state="MASTER", reason="no advertisement"))
        self.assertIn(
            "It gives way to a priority above 100, and to 100 itself from a higher"
            " address than 192.0.2.1.",
            lines,
        )

    def test_owner(self) -> None:
        """The address owner's priority never changes, and it gives way to nobody."""
        lines = why(instance(state="MASTER", priority=255, base_priority=255))
        self.assertIn("which never changes", lines)
        self.assertNotIn("gives way", lines)

    def test_fault(self) -> None:
        """Every fault, and what comes after them."""
        lines = why(instance(state="FAULT", faults=["interface eth0 down"]))
        self.assertIn("It may not run: interface eth0 down.", lines)
        self.assertIn("becomes BACKUP, and MASTER after 3.6s", lines)

    def test_init(self) -> None:
        """An instance that has not begun waits for something."""
        self.assertIn("VI_1 has not begun", why(instance(state="INIT")))

    def test_group(self) -> None:
        """Whom it moves together with."""
        group = {"name": "G", "state": "BACKUP", "members": ["VI_1", "VI_2"]}
        other = {"name": "H", "state": "BACKUP", "members": ["VI_3"]}
        self.assertIn(
            "It moves together with VI_2 (group G, which is BACKUP).",
            why(instance(), [other, group]),
        )
