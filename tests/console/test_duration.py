"""Seconds as words."""

from twisted.trial.unittest import SynchronousTestCase

from hanode.console.duration import elapsed, interval


class ElapsedTests(SynchronousTestCase):
    def test_twoUnits(self):
        """The two largest units, rounded down."""
        moments = (0.0, 59.9, 60, 192.7, 3599, 3600, 7500, 86399, 86400, 270000)
        self.assertEqual(
            [elapsed(each) for each in moments],
            [
                *("0s", "59s", "1m 0s", "3m 12s", "59m 59s", "1h 0m", "2h 5m"),
                *("23h 59m", "1d 0h", "3d 3h"),
            ],
        )

    def test_unknown(self):
        """What is not known is a dash; nothing lasts less than no time."""
        self.assertEqual((elapsed(None), elapsed(-0.001)), ("-", "0s"))


class IntervalTests(SynchronousTestCase):
    def test_naturalUnit(self):
        """Seconds, milliseconds, microseconds, whichever gives a number from 1 on."""
        moments = (0, 0.0000001, 0.0003, 0.001, 0.0333333, 0.05, 1, 1.5, 4294.967295)
        self.assertEqual(
            [interval(each) for each in moments],
            ["0s", "0s", "300us", "1ms", "33.333ms", "50ms", "1s", "1.5s", "4294.97s"],
        )

    def test_unknown(self):
        """What is not known is a dash."""
        self.assertEqual(interval(None), "-")
