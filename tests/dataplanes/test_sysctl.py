"""promote_secondaries, on a directory that looks like /proc/sys/net."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from hanode.dataplanes.sysctl import PromoteSecondaries, is_forwarding


class SysctlTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.conf = Path(self.mktemp())
        self.value = self.conf / "ipv4/conf/eth0.7/promote_secondaries"
        self.value.parent.mkdir(parents=True)
        self.value.write_text("0\n")
        self.promotion = PromoteSecondaries(self.conf)

    def test_last_owner_restores(self) -> None:
        """The old value is back when the last owner wants it no more."""
        seen = []
        for owner, wanted in (("a", True), ("b", True), ("a", False), ("b", False)):
            self.promotion.want(owner, "eth0.7", wanted)
            seen.append(self.value.read_text().strip())
        self.assertEqual(seen, ["1", "1", "1", "0"])

    def test_already_set(self) -> None:
        """A value that was set before us stays set after us."""
        self.value.write_text("1\n")
        self.promotion.want("a", "eth0.7", True)
        self.promotion.restore()
        self.assertEqual(self.value.read_text(), "1\n")

    def test_later_interface(self) -> None:
        """An interface that comes late, or again, gets it when it comes."""
        self.value.unlink()
        self.promotion.want("a", "eth0.7", True)
        self.value.write_text("0")
        self.promotion.appeared("eth0.7")
        self.assertEqual(self.value.read_text(), "1")
        self.promotion.vanished("eth0.7")
        self.value.write_text("0")
        self.promotion.appeared("eth0.7")
        self.assertEqual(self.value.read_text(), "1")

    def test_not_writable(self) -> None:
        """What cannot be read or restored is no reason to fail."""
        self.promotion.want("a", "eth0.7", True)
        self.value.unlink()
        self.value.mkdir()
        self.promotion.want("a", "eth0.7", False)
        self.promotion.want("a", "eth0.7", True)
        self.assertEqual(self.value.is_dir(), True)

    def test_forwarding(self) -> None:
        """An interface that forwards is a router; an absent one is not."""
        path = self.conf / "ipv6/conf/eth0/forwarding"
        path.parent.mkdir(parents=True)
        seen = []
        for value in ("1\n", "0\n"):
            path.write_text(value)
            seen.append(is_forwarding("eth0", self.conf))
        seen.append(is_forwarding("eth9", self.conf))
        self.assertEqual(seen, [True, False, False])
