"""Claims about the lines on what is held; the others stand in the machine's tests."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode.vrrp.actions import Hold
from hanode.vrrp.log_lines import held
from tests.vrrp.machines import EXTRA, NEW, SETTINGS, VIP, shown


class HeldTests(SynchronousTestCase):
    def said(self, old: Hold, new: Hold) -> list[str]:
        """What is said when C{new} is held instead of C{old}."""
        return shown(held(SETTINGS, old, new))

    def test_parts(self) -> None:
        """Each part is named when it begins to be held and when it ends."""
        nothing, everything = Hold(()), Hold((VIP, EXTRA))
        self.assertEqual(
            self.said(nothing, everything),
            ["D (VI) setting VIPs.", "D (VI) setting E-VIPs."],
        )
        self.assertEqual(
            self.said(everything, nothing),
            ["D (VI) removing VIPs.", "D (VI) removing E-VIPs."],
        )

    def test_routes_and_rules(self) -> None:
        """Routes and rules are parts, too."""
        more = Hold((), (object(),), (object(),))  # type: ignore[arg-type]
        self.assertEqual(
            self.said(Hold(()), more),
            ["D (VI) setting Virtual Routes", "D (VI) setting Virtual Rules"],
        )

    def test_a_change(self) -> None:
        """Another address of the same part is no news."""
        self.assertEqual(self.said(Hold((VIP,)), Hold((VIP, NEW))), [])
        self.assertEqual(self.said(Hold(()), Hold(())), [])
