"""Hints are told once."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from hanode.dataplanes.nftables_hints import Hints


class ForwardingTests(SynchronousTestCase):
    """net.ipv4.ip_forward and its like."""

    def setUp(self):
        self.proc = Path(self.mktemp())
        (self.proc / "ipv4").mkdir(parents=True)
        self.file = self.proc / "ipv4/ip_forward"
        self.lines = []
        self.hints = Hints(self.proc)
        self.hints.log = self

    def warn(self, format, **fields):
        self.lines.append(format.format(**fields))

    def test_off(self):
        """Forwarding that is off is told once; a family that is not there is not."""
        self.file.write_text("0\n")
        self.hints.forwarding([4, 6, 4])
        self.hints.forwarding([4])
        self.assertEqual(
            self.lines,
            [
                "IPv4 forwarding is off: no packet gets from a client to a real server"
                f" before {self.file} is 1"
            ],
        )

    def test_on(self):
        """Nothing is said when it is on."""
        self.file.write_text("1\n")
        self.hints.forwarding([4])
        self.assertEqual(self.lines, [])
