"""Two nodes that both say they own the address: hanode and keepalived."""

from __future__ import annotations

from tests.live.case import until
from tests.live.test_interop import PairCase

OWNER = "  state MASTER"


class OwnerTests(PairCase):
    def one_master(self, high, low):
        """One of both stays master, for good, and the other one says what is wrong."""
        self.pair(
            high,
            low,
            priorities=(255, 255),
            version=3,
            interval=0.2,
            extras=(OWNER, OWNER),
        )
        ours, theirs = sorted((self.high, self.low), key=lambda each: each.kind)
        for daemon in (self.high, self.low):
            daemon.start()
        theirs.log.wait_for("CONFIGURATION ERROR")
        self.settled(ours, theirs)
        at = self.observer.now()
        until(lambda: self.observer.now() > at + 1.5)
        senders = {str(seen.source) for seen in self.observer.adverts(at)}
        self.assertEqual(senders, {f"192.0.2.{1 + (ours.host is self.b)}"})
        self.settled(ours, theirs)

    def test_hanodeLower(self):
        """hanode has the lower source address."""
        self.one_master("hanode", "keepalived")

    def test_hanodeHigher(self):
        """hanode has the higher source address."""
        self.one_master("keepalived", "hanode")
