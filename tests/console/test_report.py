"""What is shown, letter by letter."""

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from hanode.console.report import (
    bfd_details,
    bfd_table,
    stalls,
    vrrp_details,
    vrrp_page,
    vrrp_table,
)
from tests.console.samples import INSTANCE, SESSION, YOUNG

DATA = Path(__file__).parents[1] / "data" / "console"


def golden(name):
    """The text as it was once read by a person and found right."""
    return (DATA / f"{name}.txt").read_text().removesuffix("\n")


class BfdTests(SynchronousTestCase):
    maxDiff = None

    def test_table(self):
        """One line for each session."""
        self.assertEqual(bfd_table([SESSION, YOUNG]), golden("bfd_table"))

    def test_empty(self):
        """No session is said in words."""
        self.assertEqual(bfd_table([]), "no BFD sessions")

    def test_details(self):
        """Everything about a session that is Up."""
        self.assertEqual(bfd_details(SESSION), golden("bfd_details"))

    def test_young(self):
        """Everything about one that has heard nothing yet."""
        self.assertEqual(bfd_details(YOUNG), golden("bfd_young"))

    def test_unknown(self):
        """A daemon of another version may say less: dashes, and no failure."""
        self.assertIn("-", bfd_table([{}]))
        self.assertTrue(bfd_details({}).startswith("-: - for -\n"))

    def test_stalls(self):
        """Stalls are worth a line only when there were any."""
        self.assertEqual(stalls({"count": 0, "latest": 0.0, "worst": 0.0}), "")
        self.assertEqual(stalls({}), "")
        self.assertEqual(
            stalls({"count": 2, "latest": 0.02, "worst": 1.9}),
            "held up 2 times, the worst for 1.9s, the latest for 20ms",
        )


class VrrpTests(SynchronousTestCase):
    maxDiff = None

    def test_table(self):
        """One line for each instance."""
        master = {**INSTANCE, "name": "VI_2", "state": "MASTER", "since": None}
        fault = {**INSTANCE, "state": "FAULT", "master": None, "addresses": []}
        self.assertEqual(vrrp_table([INSTANCE, master, fault]), golden("vrrp_table"))

    def test_groups(self):
        """The sync groups stand behind the instances, where there are some."""
        group = {"name": "G", "state": "MASTER", "since": 61, "reason": "all can"}
        page = vrrp_page(
            {"instances": [], "groups": [{**group, "members": ["A", "B"]}]}
        )
        self.assertEqual(
            page,
            "no VRRP instances\n\n"
            "GROUP  STATE   SINCE  REASON   MEMBERS\n"
            "G      MASTER  1m 1s  all can  A, B",
        )
        self.assertEqual(vrrp_page({"instances": []}), "no VRRP instances")

    def test_empty(self):
        """No instance is said in words."""
        self.assertEqual(vrrp_table([]), "no VRRP instances")

    def test_details(self):
        """Everything about one."""
        self.assertEqual(vrrp_details(INSTANCE), golden("vrrp_details"))

    def test_what_else_it_holds(self):
        """Routes and rules, what the kernel lacks, and who answers for an address."""
        shown = vrrp_details(
            {
                **INSTANCE,
                "routes": ["10.0.0.0/8 dev eth0"],
                "rules": ["5: from all table 7"],
                "missing": ["10.0.0.0/8 dev eth0"],
                "conflicts": {"192.0.2.1": "02:00:00:00:00:07"},
            }
        )
        words = [line.split() for line in shown.splitlines()]
        for line in (
            "route 10.0.0.0/8 dev eth0",
            "rule 5: from all table 7",
            "missing 10.0.0.0/8 dev eth0",
            "conflict 192.0.2.1: 02:00:00:00:00:07",
        ):
            self.assertIn(line.split(), words)

    def test_unknown(self):
        """A daemon of another version may say less."""
        self.assertIn("-", vrrp_table([{}]))
        self.assertTrue(vrrp_details({}).startswith("-: - for -\n"))
