"""What the client makes of the answers it got."""

from __future__ import annotations

from unittest.mock import patch

from twisted.trial.unittest import SynchronousTestCase

from hanode.rehearsal import ping
from hanode.rehearsal.ping import Answer, Gap, Pinger


def client(answered: dict[int, str]) -> Pinger:
    """A client that asked every 10 ms from 0 to 1 s; who answered which ping."""
    made = Pinger.__new__(Pinger)
    made.interval = 0.01
    made.sent = [number / 100 for number in range(100)]
    made.answers = [Answer(n, n / 100 + 0.001, mac) for n, mac in answered.items()]
    return made


class PingerTests(SynchronousTestCase):
    def test_gaps(self) -> None:
        """A silence is from answer to answer, with the pings that got none."""
        made = client({n: "a" for n in range(100) if not 20 < n < 60})
        self.assertEqual(made.gaps(0.0, 0.995), [Gap(0.201, 0.601, 39)])

    def test_open_gap(self) -> None:
        """A silence that lasts counts up to now."""
        made = client({n: "a" for n in range(50)})
        self.assertEqual(made.gaps(0.0, 0.99), [Gap(0.491, 0.99, 49)])

    def test_lazy_client(self) -> None:
        """When nothing was asked, nothing is missing."""
        made = client({n: "a" for n in range(50)})
        del made.sent[50:]
        self.assertEqual(made.gaps(0.0, 0.99), [])

    def test_no_answer(self) -> None:
        """Before the first answer there is no outage."""
        self.assertEqual(client({}).gaps(0.0, 1.0), [])

    def test_calm(self) -> None:
        """Calm is one answerer, without a gap, for the whole time, until now."""
        one = {n: "a" for n in range(100)}
        for answered, seconds, expected in (
            (one, 0.5, "a"),
            (one, 2.0, None),
            (one | {80: "b"}, 0.5, None),
            (one | {20: "b"}, 0.5, "a"),
            ({n: "a" for n in range(80)}, 0.5, None),
            ({n: "a" for n in range(100) if not 60 < n < 70}, 0.5, None),
            ({}, 0.5, None),
        ):
            with patch.object(ping, "monotonic", lambda: 0.995):
                self.assertEqual(client(answered).calm(seconds), expected)

    def test_checksum(self) -> None:
        """RFC 1071's sum: a packet with its checksum adds up to nothing."""
        packet = b"\x08\x00\x00\x00HA\x00\x01\x00\x00\x00\x01"
        whole = packet[:2] + ping._checksum(packet) + packet[4:]
        self.assertEqual(ping._checksum(whole), b"\0\0")
