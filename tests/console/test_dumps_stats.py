"""keepalived.stats, held against one that keepalived 2.2.7 wrote."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode.console import dumps_stats
from tests.console.dumped import FOLDER, KEEPALIVED, model, seen


class StatsTests(SynchronousTestCase):
    def test_equal(self):
        """With the same counts the file is the same, to the last byte."""
        text = (FOLDER / "keepalived.stats").read_text()
        sent = [int(line.split()[1]) for line in text.splitlines() if "Sent:" in line]
        found = [
            seen(
                settings,
                record["data"],
                {
                    "advertisements": sent[2 * at],
                    "entered MASTER": record["stats"]["become_master"],
                },
            )
            for at, (settings, record) in enumerate(
                zip(model().instances.values(), KEEPALIVED, strict=True)
            )
        ]
        self.assertEqual("".join(dumps_stats.pieces(found)), text)
