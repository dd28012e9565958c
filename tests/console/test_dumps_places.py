"""Where the files are."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.dump_model import DumpDefs
from hanode.console.dumps_places import places

OWN = "/run/hanode"


class PlacesTests(SynchronousTestCase):
    def test_default(self):
        """Without a word they are in the daemon's own directory."""
        self.assertEqual(
            places(DumpDefs(), "", OWN),
            {
                "data": "/run/hanode/keepalived.data",
                "check": "/run/hanode/keepalived_check.data",
                "bfd": "/run/hanode/keepalived_bfd.data",
                "stats": "/run/hanode/keepalived.stats",
                "json": "/run/hanode/keepalived.json",
            },
        )

    def test_given(self):
        """A word names the file; the others keep their place."""
        found = places(DumpDefs(state="/tmp/s.txt", json="/tmp/j"), "", OWN)
        self.assertEqual(
            list(found.values()),
            [
                "/tmp/s.txt",
                "/tmp/s_check.txt",
                "/tmp/s_bfd.txt",
                "/run/hanode/keepalived.stats",
                "/tmp/j",
            ],
        )

    def test_directory(self):
        """One that ends in "/" is a directory for a file of the usual name."""
        found = places(DumpDefs("/tmp/", "/tmp/", "/tmp/"), "", OWN)
        self.assertEqual(found["check"], "/tmp/keepalived_check.data")
        self.assertEqual(found["stats"], "/tmp/keepalived.stats")
        self.assertEqual(found["json"], "/tmp/keepalived.json")

    def test_instance(self):
        """With data_use_instance names tell daemons apart, as keepalived's do."""
        defs = DumpDefs("/tmp/keepalived.data", use_instance=True)
        found = places(defs, "_red_blue", OWN)
        self.assertEqual(found["data"], "/tmp/keepalived.red_blue.data")
        self.assertEqual(found["bfd"], "/tmp/keepalived_bfd.red_blue.data")

    def test_ownDirectory(self):
        """In the own directory they always do; a name that was given stays as it is."""
        found = places(DumpDefs(json="/tmp/keepalived.json"), "_blue", OWN)
        self.assertEqual(found["data"], "/run/hanode/keepalived.blue.data")
        self.assertEqual(found["json"], "/tmp/keepalived.json")
