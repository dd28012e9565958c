"""Claims about what is doubtful in a sync group."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.build import build
from hanode.config.check import all_scripts, check
from tests.config.reading import messages, tree


class DoubtTests(SynchronousTestCase):
    def doubts(self, one: str, other: str, group: str = "") -> list[str]:
        """What is said of a group of two instances with these lines."""
        text = f"vrrp_sync_group G {{\ngroup {{\nA\nB\n}}\n{group}\n}}\n"
        for vrid, lines in ((1, one), (2, other)):
            text += (
                f"vrrp_instance {'AB'[vrid - 1]} {{\ninterface eth0\n{lines}\n"
                f"virtual_router_id {vrid}\n"
                f"virtual_ipaddress {{\n192.0.2.{vrid}\n}}\n}}\n"
            )
        self.model, problems = build(tree(text))
        self.assertEqual(problems, [])
        return messages(check(self.model))

    def test_good(self) -> None:
        """Members that agree are no reason for doubt."""
        self.assertEqual(self.doubts("", ""), [])
        lines = "priority 150\nnopreempt"
        self.assertEqual(self.doubts(lines, lines), [])

    def test_priorities(self) -> None:
        """Members with different priorities."""
        self.assertEqual(
            self.doubts("priority 150", "priority 100"),
            [
                "warning: (G) the priorities of its members differ (A 150, B 100):"
                " against a node that is better in one and worse in another, chance"
                " decides"
            ],
        )

    def test_preemption(self) -> None:
        """Only some members with nopreempt."""
        self.assertEqual(
            self.doubts("nopreempt", ""),
            [
                "warning: (G) only A with nopreempt: the group does not preempt either,"
                " but those without it never follow a lower master"
            ],
        )

    def test_patience(self) -> None:
        """A member that needs three times as long as another one."""
        self.assertEqual(self.doubts("advert_int 2", "advert_int 1"), [])
        self.assertEqual(
            self.doubts("advert_int 3", "advert_int 1"),
            [
                "warning: (G) its members notice at very different times that their"
                " master has gone (advert_int A 3, B 1): the group waits for the"
                " slowest"
            ],
        )

    def test_scripts(self) -> None:
        """The scripts of a group are looked at like those of an instance."""
        told = self.doubts("", "", "notify_master up nobody")
        self.assertEqual(
            told,
            [
                "warning: (G) script 'up' is not an absolute path: it is searched in"
                " PATH"
            ],
        )
        found = [script.argv for _, script in all_scripts(self.model)]
        self.assertEqual(found, [("up",)])
