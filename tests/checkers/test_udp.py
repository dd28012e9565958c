"""Claims about UDP_CHECK, with servers on loopback that misbehave."""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

import hanode.checkers
from hanode.checkers.udp import UdpOptions, udpChecker
from hanode.config.probe_entries import Pattern
from hanode.interfaces import IChecker
from hanode.plugins import find
from hanode.result import Result
from tests.checkers import datagrams
from tests.checkers.datagrams import Served, Server, port_of, told, world

ANY = Pattern()
PONG = Pattern(b"po\x0eg", b"\xff\xff\x0f\xff")


def read(text: str) -> Any:
    """The options of a UDP_CHECK block with C{text}, and what is said."""
    return datagrams.read(udpChecker.words, text)


class OptionsTests(SynchronousTestCase):
    """What the words make."""

    def test_defaults(self) -> None:
        """Without words: random bytes, no reply needed, any length right."""
        self.assertEqual(read(""), (UdpOptions(most=65535), []))

    def test_all(self) -> None:
        """Every word has its place."""
        words = "payload 00 ff\nrequire_reply Xb\n"
        words += "min_reply_length 1\nmax_reply_length 9"
        wanted = UdpOptions(b"\0\xff", Pattern(b"\x0b", b"\x0f"), 1, 9)
        self.assertEqual(read(words), (wanted, []))

    def test_default_length(self) -> None:
        """A required reply has 255 bytes at most unless another length is named."""
        self.assertEqual(read("require_reply"), (UdpOptions(reply=ANY, most=255), []))

    def test_no_length(self) -> None:
        """A least length above the most is doubted."""
        made, problems = read("min_reply_length 9\nmax_reply_length 8")
        self.assertEqual((made.least, made.most), (9, 8))
        self.assertEqual(
            problems,
            [
                "1 warning: max_reply_length 8 is less than min_reply_length 9 "
                "(no reply can be right)"
            ],
        )

    def test_found(self) -> None:
        """It is found by its keyword, and keeps the promises of its kind."""
        self.assertIs(find(IChecker, hanode.checkers)["UDP_CHECK"], udpChecker)
        verifyObject(IChecker, udpChecker)


class UdpTests(Served):
    """IPv4."""

    async def probe(
        self,
        server: Server | int,
        options: UdpOptions,
        timeout: float = 1.0,
        **more: Any,
    ) -> Result:
        """What a probe finds."""
        check = self.check(server, options, timeout, **more)
        return await udpChecker.probe(world(), check)

    async def test_silence(self) -> None:
        """Silence is success when no reply is required."""
        server = self.serve(lambda data: ())
        result = await self.probe(server, UdpOptions(b"hello"), 0.1)
        self.assertEqual(told(result), (True, "no error"))
        self.assertEqual([data for data, _ in server.heard], [b"hello"])
        self.assertTrue(0.1 <= result.seconds < 1)

    async def test_silence_with_reply(self) -> None:
        """Silence is failure when a reply is required."""
        server = self.serve(lambda data: ())
        result = await self.probe(server, UdpOptions(reply=ANY), 0.1)
        self.assertEqual(told(result), (False, "timeout"))

    async def test_random_payload(self) -> None:
        """Without a payload it is 32 bytes, other ones each time."""
        server = self.serve(lambda data: [data])
        place = world()
        for _ in range(2):
            check = self.check(server, UdpOptions())
            self.assertEqual(
                told(await udpChecker.probe(place, check)), (True, "reply")
            )
        first, second = (data for data, _ in server.heard)
        self.assertEqual((len(first), len(second)), (32, 32))
        self.assertNotEqual(first, second)

    async def test_closed_port(self) -> None:
        """Where nobody listens ICMP says so, long before the time is over."""
        result = await self.probe(self.closed_port(), UdpOptions(), 60)
        self.assertEqual(told(result), (False, "refused"))
        self.assertEqual(result.detail, f"Connection refused, says {self.address}")

    async def test_reply_wanted(self) -> None:
        """A reply that matches is success, with any digit where X stands."""
        for text in (b"pong", b"po~g", b"pong and more", b"po"):
            server = self.serve(lambda data, text=text: [text])
            result = await self.probe(server, UdpOptions(reply=PONG))
            self.assertEqual(told(result), (True, "reply"), text)

    async def test_other_reply(self) -> None:
        """A reply that does not match is failure, and is shown in part."""
        server = self.serve(lambda data: [b"pang" * 10])
        result = await self.probe(server, UdpOptions(reply=PONG))
        self.assertEqual(told(result), (False, "reply differs"))
        self.assertEqual(result.detail, "70 61 6e 67 " * 3 + "70 61 6e 67...")

    async def test_lengths(self) -> None:
        """A reply that is too short or too long is failure, pattern or none."""
        for pattern in (None, ANY, PONG):
            given = UdpOptions(b"?", pattern, 4, 8)
            short = self.serve(lambda data: [b"pon"])
            result = await self.probe(short, given)
            self.assertEqual(told(result), (False, "reply too short"))
            self.assertEqual(result.detail, "3 bytes, at least 4 wanted")
            huge = self.serve(lambda data: [b"pong" * 16000])
            result = await self.probe(huge, given)
            self.assertEqual(told(result), (False, "reply too long"))
            self.assertEqual(result.detail, "64000 bytes, at most 8 wanted")

    async def test_empty_reply(self) -> None:
        """An empty datagram is a reply."""
        server = self.serve(lambda data: [b""])
        result = await self.probe(server, UdpOptions(reply=ANY))
        self.assertEqual(told(result), (True, "reply"))

    async def test_other_port(self) -> None:
        """A reply that comes from another port is none."""
        server = self.serve_elsewhere(lambda data: [b"pong"])
        result = await self.probe(server, UdpOptions(reply=PONG), 0.1)
        self.assertEqual(told(result), (False, "timeout"))

    async def test_late(self) -> None:
        """A reply that comes too late harms nobody: not even the next probe."""
        server = self.serve(lambda data: ())
        place, given = world(), UdpOptions(b"first", PONG)
        await udpChecker.probe(place, self.check(server, given, 0.05))
        (_, source) = server.heard[0]
        server.answer = lambda data: [b"pong"]
        done = udpChecker.probe(place, self.check(server, given))
        server.transport.write(b"late", source)
        self.assertEqual(told(await done), (True, "reply"))

    async def test_same_source_port(self) -> None:
        """Two probes from one source port at once do not mix up their replies."""
        free = self.closed_port()
        right = self.serve(lambda data: [b"pong"])
        wrong = self.serve(lambda data: [b"pang"])
        given = UdpOptions(b"?", PONG)
        checks = [self.check(each, given, bind_port=free) for each in (right, wrong)]
        probes = [udpChecker.probe(world(), check) for check in checks]
        self.assertEqual(
            [told(await each) for each in probes],
            [(True, "reply"), (False, "reply differs")],
        )
        sources = {each.heard[0][1][1] for each in (right, wrong)}
        self.assertEqual(sources, {free})

    async def test_cancel(self) -> None:
        """A cancelled probe leaves neither a timer nor a reader."""
        server = self.serve(lambda data: ())
        before = set(reactor.getReaders())
        done = udpChecker.probe(world(), self.check(server, UdpOptions(), 60))
        self.assertEqual(len(set(reactor.getReaders()) - before), 1)
        done.cancel()
        self.assertEqual(self.successResultOf(done), Result(False, "cancelled"))
        self.assertEqual(set(reactor.getReaders()), before)

    async def test_no_interface(self) -> None:
        """An interface that is not there is failure at once, with its reason."""
        result = await self.probe(1, UdpOptions(), device="nosuch0")
        self.assertEqual(told(result), (False, "no such interface"))
        self.assertEqual(result.ours, False)

    async def test_foreign_address(self) -> None:
        """So is a source address that this machine does not have."""
        own = {4: "192.0.2.99", 6: "2001:db8::99"}
        check = self.check(1, UdpOptions())
        foreign = type(check.target.address)(own[check.target.address.version])
        result = await self.probe(1, UdpOptions(), bind_address=foreign)
        self.assertEqual(told(result), (False, "address not available"))

    async def test_from_where(self) -> None:
        """It comes from the address, port and interface that it is told."""
        free = self.closed_port()
        server = self.serve(lambda data: [data])
        own = self.check(1, ()).target.address
        result = await self.probe(
            server, UdpOptions(), bind_address=own, bind_port=free, device="lo"
        )
        self.assertEqual(told(result), (True, "reply"))
        self.assertEqual(server.heard[0][1][:2], (self.address, free))

    async def test_many(self) -> None:
        """Many probes at once of one server are answered, each for itself."""
        server = self.serve(lambda data: [data])
        place = world()
        check = self.check(server, UdpOptions(b"x", Pattern(b"x", b"\xff")), 5)
        done = [udpChecker.probe(place, check) for _ in range(150)]
        self.assertEqual({told(await each) for each in done}, {(True, "reply")})
        self.assertEqual(len(server.heard), 150)
        self.assertEqual(len({port for _, (_, port, *_) in server.heard}), 150)
        self.assertTrue(port_of(server))


class Udp6Tests(UdpTests):
    """IPv6."""

    address = "::1"
