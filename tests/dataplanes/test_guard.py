"""The watch over one address: who is believed, asked again, told of."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode.dataplanes.guard import (
    AGAIN,
    ANSWER,
    CONFIRM,
    DEFEND_INTERVAL,
    PROBE_GAP,
    UNANSWERED,
    Conflict,
    Defend,
    Guard,
    Probe,
)

MAC, OTHER = b"\2\0\0\0\0\7", b"\2\0\0\0\0\10"


class GuardTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.guard = Guard(100.0, 0.5)

    def test_probes(self) -> None:
        """Three probes, 1.5 s apart, and one a minute after that."""
        times = []
        for _ in range(5):
            now = self.guard.deadline
            times.append(now)
            self.assertEqual(self.guard.expire(now=now), [Probe()])
        gaps = [b - a for a, b in zip(times, times[1:], strict=False)]
        self.assertEqual(times[0], 100.5)
        quiet = AGAIN + 0.5
        self.assertEqual(gaps, [PROBE_GAP, PROBE_GAP, quiet, quiet])

    def test_last_words(self) -> None:
        """Who claims the address once and does not answer is not in conflict."""
        self.assertEqual(self.guard.seen(MAC, now=101.0), [Defend()])
        self.assertEqual(self.guard.deadline, 101.0 + CONFIRM)
        self.assertEqual(self.guard.expire(now=102.0), [Probe()])
        self.assertEqual(self.guard.deadline, 102.0 + ANSWER)
        self.assertEqual(self.guard.expire(now=103.0), [Probe()])
        self.assertEqual(self.guard.mac, b"")

    def test_a_burst_is_one_claim(self) -> None:
        """Claims within a second count as one: gratuitous ARPs come in fives."""
        self.guard.seen(MAC, now=101.0)
        self.assertEqual(self.guard.seen(MAC, now=101.1), [])
        self.assertEqual(self.guard.mac, b"")

    def conflict(self) -> None:
        self.guard.seen(MAC, now=101.0)
        self.guard.expire(now=102.0)
        self.assertEqual(self.guard.seen(MAC, now=102.1), [Conflict(MAC)])

    def test_conflict(self) -> None:
        """Who answers when he is asked again has our address, too."""
        self.conflict()
        self.assertEqual(self.guard.mac, MAC)
        self.assertEqual(self.guard.deadline, 102.1 + PROBE_GAP)

    def test_defence(self) -> None:
        """The address is defended at most every DEFEND_INTERVAL."""
        self.conflict()
        self.assertEqual(self.guard.seen(MAC, now=103.0), [])
        later = 101.0 + DEFEND_INTERVAL
        self.assertEqual(self.guard.seen(MAC, now=later), [Defend()])
        self.assertEqual(self.guard.seen(MAC, now=later + 1), [])

    def test_another_one(self) -> None:
        """Another host in conflict is told, too."""
        self.conflict()
        self.assertEqual(self.guard.seen(OTHER, now=103.0), [Conflict(OTHER)])

    def test_over(self) -> None:
        """After three probes without an answer it is over; an answer starts anew."""
        self.conflict()
        self.assertEqual(self.guard.expire(now=104.0), [Probe()])
        self.guard.seen(MAC, now=104.1)
        for now in range(UNANSWERED):
            self.assertEqual(self.guard.expire(now=105.0 + now), [Probe()])
        self.assertEqual(self.guard.expire(now=110.0), [Conflict(b"")])
        self.assertEqual((self.guard.mac, self.guard.deadline), (b"", 170.5))
