"""A thousand listeners to the event stream, most of whom never read."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from hanode.console import stream
from hanode.console.stream import EventStream
from hanode.console.timeline import Timeline
from hanode.rehearsal.cluster import EPOCH, Cluster
from tests.stories.texts import VIP, instance

INTERVAL = 0.1
FULL = 65536  # octets that a connection takes before it says that it is full


class Connection:
    """Stands for a request and its transport; a deaf one takes only so much."""

    def __init__(self, deaf):
        self.deaf, self.data, self.pending, self.aborted = deaf, b"", 0, False
        self.transport, self.producer = self, None
        self.finished = Deferred()

    def getHeader(self, name):
        """It has none."""

    def setHeader(self, name, value):
        """It does not care."""

    def notifyFinish(self):
        """When it is over."""
        return self.finished

    def registerProducer(self, producer, streaming):
        """Who is told when it is full."""
        self.producer = producer

    def write(self, data):
        """It comes, or waits."""
        if not self.deaf:
            self.data += data
            return
        self.pending += len(data)
        if self.pending > FULL and self.producer is not None:
            self.producer.pauseProducing()

    def abortConnection(self):
        """It is hung up on."""
        self.aborted = True


class ListenerTests(SynchronousTestCase):
    """Two nodes; the listeners are at the master."""

    def setUp(self):
        texts = [
            instance(number, priority, version=3, interval=INTERVAL)
            for number, priority in ((1, 150), (2, 100))
        ]
        self.cluster = Cluster(texts, delay=0.0005)
        self.cluster.run(1)
        self.assertEqual(self.cluster.holders(VIP[4]), ["n1"])
        self.facts = self.cluster.boxes["n1"].node.facts
        clock = self.cluster.clock
        times = Timeline(clock.seconds, lambda: EPOCH + clock.seconds())
        self.stream = EventStream(self.facts, times, clock)

    def join(self, count, deaf):
        """So many listeners."""
        found = [Connection(deaf) for _ in range(count)]
        for each in found:
            self.assertTrue(self.stream.join(each))
        return found

    def happen(self, seconds, each_turn):
        """Let much happen for a while; what the backup entered meanwhile."""
        entered = []
        other = self.cluster.boxes["n2"].node.facts
        end = other.watch("vrrp:VI_1", lambda fact, state: entered.append(state))
        for turn in range(round(seconds / 0.05)):
            for number in range(each_turn):
                self.facts.set(f"x:{number}", turn, "y" * 200)
            self.cluster.run(0.05)
        end()
        return entered

    def test_deaf(self):
        """The backup hears every advertisement, readers hear everything, and those
        who do not read are let go."""
        deaf, reading = self.join(990, True), self.join(10, False)
        self.assertEqual(self.happen(15, 10), ["BACKUP"])
        self.assertEqual(self.cluster.holders(VIP[4]), ["n1"])
        self.assertTrue(all(each.aborted for each in deaf))
        self.assertEqual((len(self.stream), self.stream.dropped), (10, 990))
        for each in reading:
            self.assertFalse(each.aborted)
            self.assertEqual(each.data.count(b"event: fact"), 15 * 20 * 10)

    def test_memory(self):
        """What they owe together is bounded: the worst go first, who reads stays."""
        self.patch(stream, "MOST_BY_ALL", 4 << 20)
        deaf, reading = self.join(100, True), self.join(10, False)
        self.assertEqual(self.happen(4, 40), ["BACKUP"])
        self.assertFalse(any(each.aborted for each in reading))
        self.assertGreater(sum(each.aborted for each in deaf), 50)
        owed = sum(each.pending for each in deaf if not each.aborted)
        self.assertLess(owed, (4 << 20) + 100 * FULL)
