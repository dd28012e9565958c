"""Programs whose input and output are in memory."""

from __future__ import annotations

import os

from twisted.internet import reactor
from twisted.trial.unittest import SynchronousTestCase, TestCase

from hanode.dataplanes.nftables_process import Answer, Nft


class AnswerTests(SynchronousTestCase):
    """Why nft failed."""

    def test_complaints(self):
        """Each refused command with its line."""
        answer = Answer(
            1,
            "",
            "/dev/stdin:24:61-73: Error: Value 5 exceeds valid range 0-0\n"
            "add rule inet\n         ^^^^\n"
            "-:3:1-2: Error: File exists\n",
        )
        self.assertEqual(
            answer.complaints(),
            [(24, "Value 5 exceeds valid range 0-0"), (3, "File exists")],
        )
        self.assertEqual(answer.reason, "Value 5 exceeds valid range 0-0")

    def test_reason(self):
        """Without one: the first line that it wrote, or how it ended."""
        self.assertEqual(Answer(1, "", "\n  netlink: no\nmore").reason, "netlink: no")
        self.assertEqual(Answer(-9).reason, "nft was killed by signal 9")
        self.assertEqual(Answer(3).reason, "nft exited with status 3")


class RunTests(TestCase):
    """A real program."""

    def test_input_and_output(self):
        """It reads the text, and what it writes and its status are told."""
        script = "cat; echo wrong >&2; exit 3"
        run = Nft(reactor, "/bin/sh", ("-c", script), "täxt\n" * 20000)
        self.assertEqual(run.logPrefix(), f"nft {run.pid}")
        return run.done.addCallback(
            self.assertEqual, Answer(3, "täxt\n" * 20000, "wrong\n")
        )

    def test_limit(self):
        """Whoever takes too long is killed."""
        run = Nft(reactor, "/bin/sleep", ("60",), limit=0.01)
        return run.done.addCallback(self.assertEqual, Answer(-9))

    def test_kill(self):
        """A run that is killed is gone, and tells nothing."""
        run = Nft(reactor, "/bin/sleep", ("60",))
        told = []
        run.done.addCallback(told.append)
        run.kill()
        self.assertRaises(ProcessLookupError, os.kill, run.pid, 0)
        self.assertEqual(told, [])

    def test_not_there(self):
        """A program that cannot be started raises, and leaves nothing open."""
        before = os.listdir("/proc/self/fd")
        self.assertRaises(OSError, Nft, reactor, "/nowhere/nft", ())
        self.assertEqual(os.listdir("/proc/self/fd"), before)
