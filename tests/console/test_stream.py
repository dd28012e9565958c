"""The event stream."""

import json
import socket
from collections import deque

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol
from twisted.internet.task import deferLater

from hanode.console import stream
from tests.console.case import ConsoleCase

ASK = b"GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n"


class Ear(Protocol):
    """Listens; C{events} are the records that came, C{text} all of it."""

    def __init__(self, more):
        self.more, self.text = more, b""
        self.waiting, self.ended = deque(), Deferred()

    def connectionMade(self):
        """Ask for the stream."""
        self.transport.write(ASK + self.more + b"\r\n")

    def dataReceived(self, data):
        """Something came."""
        self.text += data
        for condition, come in tuple(self.waiting):
            if condition():
                self.waiting.remove((condition, come))
                come.callback(None)

    def connectionLost(self, reason):
        """It is over."""
        self.ended.callback(None)

    @property
    def events(self):
        """The records."""
        lines = self.text.replace(b"\r\n", b"\n").split(b"\n")
        return [json.loads(each[6:]) for each in lines if each.startswith(b"data: ")]

    def until(self, condition):
        """Wait for it."""
        come = Deferred()
        if condition():
            come.callback(None)
        else:
            self.waiting.append((condition, come))
        return come.addTimeout(10, reactor)

    def heard(self, count):
        """Wait for so many events."""
        return self.until(lambda: len(self.events) >= count)


class StreamCase(ConsoleCase):
    async def setUp(self):
        super().setUp()
        self.service = await self.serve()

    async def listen(self, more=b""):
        """One more listener, which has been greeted."""
        from twisted.internet.endpoints import UNIXClientEndpoint, connectProtocol

        endpoint = UNIXClientEndpoint(reactor, self.path)
        ear = await connectProtocol(endpoint, Ear(more))
        self.addCleanup(ear.transport.abortConnection)
        await ear.until(lambda: b"\n" in ear.text)
        return ear

    @property
    def stream(self):
        """The stream of the service."""
        return self.service._port.factory._stream


class StreamTests(StreamCase):
    async def test_events(self):
        """Every change comes to everybody, with its number, in order."""
        one, other = await self.listen(), await self.listen()
        before = self.node.facts.count
        for state in ("MASTER", "BACKUP"):
            self.node.facts.set("vrrp:VI_1", state, "because")
        for ear in (one, other):
            await ear.heard(2)
            found = [{**each, "time": 0} for each in ear.events]
            self.assertEqual(
                found,
                [
                    {
                        "id": before + number,
                        "time": 0,
                        "fact": "vrrp:VI_1",
                        "value": state,
                        "why": "because",
                    }
                    for number, state in ((1, "MASTER"), (2, "BACKUP"))
                ],
            )
        self.assertIn(b"text/event-stream", one.text)

    async def test_secret(self):
        """A secret does not come."""
        from hanode.config.scalars import Secret

        ear = await self.listen()
        self.node.facts.set("other key", Secret("opensesame"), "a mistake")
        await ear.heard(1)
        self.assertEqual(ear.events[0]["value"], "***")
        self.assertNotIn(b"opensesame", ear.text)

    async def test_away(self):
        """Who was away for a moment is told what happened meanwhile, once."""
        facts = self.node.facts
        last = facts.count
        for number in range(3):
            facts.set("x", number)
        ear = await self.listen(b"Last-Event-ID: %d\r\n" % last)
        await ear.heard(3)
        facts.set("x", 3)
        await ear.heard(4)
        self.assertEqual([each["value"] for each in ear.events], [0, 1, 2, 3])

    async def test_strangeIds(self):
        """A number from another life, or none at all, is as good as nothing."""
        for number in (b"999999", b"-1", b"x", b"now"):
            if number == b"now":
                number = b"%d" % self.node.facts.count
            ear = await self.listen(b"Last-Event-ID: " + number + b"\r\n")
            self.node.facts.set("x", number.decode())
            await ear.heard(1)
            self.assertEqual(len(ear.events), 1)

    async def test_silence(self):
        """When nothing happens there is a sign of life."""
        self.patch(stream, "PULSE", 0.02)
        ear = await self.listen()
        await ear.until(lambda: b": here" in ear.text)

    async def test_gone(self):
        """When the last listener has gone nothing is followed any more."""
        ear = await self.listen()
        self.assertEqual(len(self.stream), 1)
        ear.transport.abortConnection()
        await ear.ended
        while len(self.stream):
            await deferLater(reactor, 0.005)
        self.assertEqual(self.node.facts._followers, [])

    async def test_stop(self):
        """When the service stops everyone is let go."""
        ears = [await self.listen() for _ in range(3)]
        await self.service.stopService()
        for ear in ears:
            await ear.ended

    async def test_tooMany(self):
        """There is a bound; the next one is told."""
        self.patch(stream, "MOST", 1)
        await self.listen()
        ear = await self.listen()
        self.assertIn(b"503", ear.text)
        self.assertIn(b"too many listeners", ear.text)

    async def test_json(self):
        """Who does not ask for the stream gets what has happened as JSON."""
        status, _, answer = await self.ask("GET", "/api/v1/events")
        self.assertEqual((status, answer["id"]), (200, self.node.facts.count))
        names = [each["fact"] for each in answer["events"]]
        self.assertEqual(names, ["interface:eth0", "key"])

    async def test_burst(self):
        """What cannot be sent in time is cut short, and the last event comes."""
        self.patch(stream, "MOST_WAITING", 10)
        ear = await self.listen()
        for number in range(25):
            self.node.facts.set("x", number)
        await ear.until(lambda: ear.events and ear.events[-1]["value"] == 24)
        self.assertLess(len(ear.events), 25)


class SlowTests(StreamCase):
    async def test_dropped(self):
        """Who does not read is let go; the others hear everything."""
        self.patch(stream, "MOST_OWED", 10_000)
        deaf = socket.socket(socket.AF_UNIX)
        self.addCleanup(deaf.close)
        deaf.connect(self.path)
        deaf.sendall(ASK + b"\r\n")
        ear = await self.listen()
        while len(self.stream) < 2:
            await deferLater(reactor, 0.005)
        for number in range(2000):
            self.node.facts.set("x", f"{number} " + "x" * 500)
            if number % 50 == 0:
                await ear.heard(number + 1)
            if self.stream.dropped:
                break
        self.assertEqual((self.stream.dropped, len(self.stream)), (1, 1))
        await ear.heard(number + 1)

    async def test_late(self):
        """So is who has not read for too long, however little that was."""
        self.patch(stream, "PATIENCE", -1.0)
        ear = await self.listen()
        listener = self.stream._listeners[0]
        listener.pauseProducing()
        listener.pauseProducing()
        self.node.facts.set("x", 1)
        await ear.ended
        self.assertEqual(self.stream.dropped, 1)

    async def test_resumed(self):
        """Who reads again is not."""
        self.patch(stream, "PATIENCE", -1.0)
        ear = await self.listen()
        listener = self.stream._listeners[0]
        listener.pauseProducing()
        listener.resumeProducing()
        self.node.facts.set("x", 1)
        await ear.heard(1)
