"""The reader that stands for exporters reads what a real keepalived wrote."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.console.dumped import FOLDER
from tests.exporters import COUNTS, read_data, read_json, read_scripts, read_stats


class ExporterTests(SynchronousTestCase):
    def text(self, name):
        """What keepalived 2.2.7 wrote."""
        return (FOLDER / name).read_text()

    def test_data(self):
        """Its instances and scripts."""
        text = self.text("keepalived.data")
        found = read_data(text)
        self.assertEqual(list(found), [f"VI_{n}" for n in range(1, 6)])
        self.assertEqual(
            found["VI_1"],
            {
                "vips": [
                    ("192.0.2.10/24", "v0"),
                    ("192.0.2.11", "v0"),
                    ("198.51.100.7/24", "v1"),
                ],
                "state": 2,
                "wantstate": 2,
                "interface": "v0",
                "garp_delay": 5,
                "vrid": 51,
                "last_transition": 1795272946.286899,
            },
        )
        self.assertEqual(read_scripts(text), {"chk": (1, 1), "bad": (0, 1)})

    def test_counts(self):
        """Its counts, in both files."""
        stats = read_stats(self.text("keepalived.stats"))
        self.assertEqual(stats["VI_1"]["advert_sent"], 17)
        found = read_json(self.text("keepalived.json"))
        for name, counts in stats.items():
            self.assertEqual(set(counts), set(COUNTS.values()))
            self.assertEqual(set(counts), set(found[name][1]))
