"""Claims about DNS_CHECK, with name servers on loopback that misbehave."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from twisted.names import dns
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

import hanode.checkers
from hanode.checkers.dns import DnsOptions, dnsChecker, query
from hanode.interfaces import IChecker
from hanode.plugins import find
from hanode.probe import MOST_STRAYS, PER_READ
from hanode.result import Result
from tests.checkers import datagrams
from tests.checkers.datagrams import Answer, Served, Server, told, world

ROOT = DnsOptions()
RECORDS: dict[str, Any] = {
    "A": dns.Record_A("192.0.2.7"),
    "AAAA": dns.Record_AAAA("2001:db8::7"),
    "NS": dns.Record_NS("NS1.example.org"),
    "CNAME": dns.Record_CNAME("alias.example.org"),
    "MX": dns.Record_MX(10, "mail.example.org"),
    "SOA": dns.Record_SOA("ns1.example.org", "root.example.org"),
    "TXT": dns.Record_TXT(b"v=spf1", b" -all"),
}
VALUES = {
    "A": "192.0.2.7",
    "AAAA": "2001:db8::7",
    "NS": "ns1.example.org",
    "CNAME": "alias.example.org",
    "MX": "mail.example.org",
    "SOA": "ns1.example.org",
    "TXT": "v=spf1 -all",
}


def respond(
    *records: Any, change: Callable[[dns.Message], object] = lambda message: None
) -> Answer:
    """A name server that answers with C{records}, changed in some way."""

    def answer(data: bytes) -> list[bytes]:
        message = dns.Message()
        message.fromStr(data)
        message.answer = 1
        for record in records:
            name = message.queries[0].name.name
            message.answers.append(dns.RRHeader(name, record.TYPE, payload=record))
        change(message)
        encoded: bytes = message.toStr()
        return [encoded]

    return answer


def set_field(**fields: int) -> Callable[[dns.Message], object]:
    """Change fields of the header."""
    return lambda message: message.__dict__.update(fields)


def wanted(*values: str, kind: str = "A") -> DnsOptions:
    """Options that look at the answer."""
    return DnsOptions("www.example.org", kind, frozenset(values))


class OptionsTests(SynchronousTestCase):
    """What the words make."""

    def read(self, text: str) -> Any:
        """The options of a block with C{text}, and what is said."""
        return datagrams.read(dnsChecker.words, text)

    def test_defaults(self) -> None:
        """Without words it asks for the SOA of the root, and looks at the rcode."""
        self.assertEqual(self.read(""), (DnsOptions("", "SOA", None), []))

    def test_words(self) -> None:
        """Type and name are taken in any case of letters and with a last dot."""
        made = self.read("type aaaa\nname www.example.org.")
        self.assertEqual(made, (DnsOptions("www.example.org", "AAAA"), []))

    def test_unknown_type(self) -> None:
        """An unknown type is said, and SOA remains."""
        made, problems = self.read("type FOO")
        self.assertEqual(made, DnsOptions())
        self.assertEqual(
            problems,
            [
                "2 warning: Unknown DNS check type 'FOO' (write one of A, NS, CNAME, "
                "SOA, MX, TXT, AAAA, RRSIG, DNSKEY)"
            ],
        )

    def test_bad_name(self) -> None:
        """A name that cannot be sent is said, and the root remains."""
        for name in ("a..b", "x" * 64, ".".join(["x" * 60] * 5), "caf\u00e9"):
            made, problems = self.read(f"name {name}")
            self.assertEqual(made, DnsOptions())
            self.assertEqual(
                problems, [f"2 warning: name: '{name}' is not a domain name (ignored)"]
            )

    def test_answers(self) -> None:
        """Addresses and names are compared in one form, and words may be repeated."""
        made, _ = self.read("type AAAA\nanswer 2001:DB8::0:1\nanswer ::2")
        self.assertEqual(made.answer, {"2001:db8::1", "::2"})
        made, _ = self.read("type MX\nanswer Mail.Example.Org.")
        self.assertEqual(made.answer, {"mail.example.org"})
        made, _ = self.read('type TXT\nanswer "v=spf1 -all"')
        self.assertEqual(made.answer, {"v=spf1 -all"})
        made, _ = self.read("answer")
        self.assertEqual(made.answer, frozenset())

    def test_impossible_answers(self) -> None:
        """A value that no such record can have is said and left out."""
        for kind, value in (("A", "::1"), ("AAAA", "x"), ("RRSIG", "x")):
            made, problems = self.read(f"type {kind}\nanswer {value}")
            self.assertEqual(made.answer, frozenset())
            self.assertEqual(
                problems,
                [
                    f"1 warning: answer {value} cannot be one to a query for {kind} "
                    "(ignored)"
                ],
            )

    def test_schedule(self) -> None:
        """Three retries, delay_loop apart."""
        words = dnsChecker.words
        self.assertEqual((words.retry, words.delay_before_retry), (3, None))

    def test_query(self) -> None:
        """One question, recursion desired; the root is one zero byte."""
        header = struct.pack("!5H", 0x0100, 1, 0, 0, 0)
        self.assertEqual(query("", "SOA"), header + b"\0" + struct.pack("!HH", 6, 1))
        self.assertEqual(
            query("a.bc", "DNSKEY"), header + b"\1a\2bc\0" + struct.pack("!HH", 48, 1)
        )

    def test_found(self) -> None:
        """It is found by its keyword, and keeps the promises of its kind."""
        self.assertIs(find(IChecker, hanode.checkers)["DNS_CHECK"], dnsChecker)
        verifyObject(IChecker, dnsChecker)


class DnsTests(Served):
    """IPv4."""

    async def probe(
        self, server: Server | int, options: DnsOptions, timeout: float = 1.0
    ) -> Result:
        """What a probe finds."""
        return await dnsChecker.probe(world(), self.check(server, options, timeout))

    async def outcome(
        self, answer: Answer, options: DnsOptions = ROOT, timeout: float = 1.0
    ) -> tuple[bool, str, str]:
        """What a probe of a server finds, with the detail."""
        result = await self.probe(self.serve(answer), options, timeout)
        return result.ok, result.reason, result.detail

    async def test_well(self) -> None:
        """An answer without error is success, whatever is in it."""
        self.assertEqual(await self.outcome(respond()), (True, "answer", ""))

    async def test_silence(self) -> None:
        """Silence is failure."""
        got = await self.outcome(lambda data: (), timeout=0.1)
        self.assertEqual(got, (False, "timeout", ""))

    async def test_closed_port(self) -> None:
        """Where nobody listens ICMP says so, long before the time is over."""
        result = await self.probe(self.closed_port(), DnsOptions(), 60)
        self.assertEqual(told(result), (False, "refused"))

    async def test_rcodes(self) -> None:
        """Every other rcode is failure, with its name if it has one."""
        for number, name in ((2, " (SERVFAIL)"), (5, " (REFUSED)"), (9, "")):
            answer = respond(change=set_field(rCode=number))
            got = await self.outcome(answer)
            self.assertEqual(got, (False, f"rcode {number}{name}", ""))

    async def test_skipped(self) -> None:
        """What does not match is skipped: the answer behind it counts."""

        def answer(data: bytes) -> list[bytes]:
            (right,) = respond()(data)
            other_identifier = bytes([data[0] ^ 1]) + right[1:]
            refused = bytes([data[0], data[1] ^ 1]) + right[2:3] + b"\5" + right[4:]
            return [other_identifier, refused, data, b"", b"\0", right[:11], right]

        self.assertEqual(await self.outcome(answer), (True, "answer", ""))

    async def test_nothing_matches(self) -> None:
        """When nothing else comes, the time runs out, and their number is told."""
        got = await self.outcome(lambda data: [data, b"garbage"], timeout=0.1)
        self.assertEqual(got, (False, "timeout", "2 datagrams did not match"))

    async def test_flood(self) -> None:
        """Who floods us with what is no answer fails before the time is over."""

        def answer(data: bytes) -> list[bytes]:
            return [data] * 20

        server = self.serve(answer)
        check = self.check(server, DnsOptions(), 60)
        done = dnsChecker.probe(world(), check)
        await server.first
        source = server.heard[0][1]
        while not done.called:
            for _ in range(PER_READ):
                server.transport.write(b"x", source)
            await turn()
        result = await done
        self.assertEqual(told(result), (False, "flooded"))
        self.assertEqual(result.detail, f"{MOST_STRAYS} datagrams, none the answer")

    async def test_other_port(self) -> None:
        """An answer that comes from another port is none."""
        server = self.serve_elsewhere(respond())
        result = await self.probe(server, DnsOptions(), 0.1)
        self.assertEqual(told(result), (False, "timeout"))

    async def test_truncated(self) -> None:
        """TC is noted, and is no failure."""
        got = await self.outcome(respond(change=set_field(trunc=1)))
        self.assertEqual(got, (True, "answer", "truncated"))

    async def test_values(self) -> None:
        """The right value is success for each type, in whatever case of letters."""
        for kind, record in RECORDS.items():
            options = wanted(VALUES[kind], kind=kind)
            got = await self.outcome(respond(record), options)
            self.assertEqual(got, (True, "answer", VALUES[kind]))

    async def test_more_records(self) -> None:
        """Others may be among the records, and records of other types do not count."""
        several = respond(RECORDS["CNAME"], RECORDS["A"], dns.Record_A("192.0.2.8"))
        got = await self.outcome(several, wanted("192.0.2.8"))
        self.assertEqual(got, (True, "answer", "192.0.2.7, 192.0.2.8"))

    async def test_wrong_answer(self) -> None:
        """A value that is missing is failure."""
        got = await self.outcome(
            respond(RECORDS["A"]), wanted("192.0.2.7", "192.0.2.9")
        )
        self.assertEqual(got, (False, "wrong answer", "192.0.2.7 and not 192.0.2.9"))

    async def test_any_answer(self) -> None:
        """Without values any record of the type is enough, and one is needed."""
        got = await self.outcome(respond(RECORDS["A"]), wanted())
        self.assertEqual(got, (True, "answer", "192.0.2.7"))
        got = await self.outcome(respond(RECORDS["CNAME"]), wanted())
        self.assertEqual(got, (False, "no such record", "no A record"))

    async def test_truncated_answer(self) -> None:
        """A value that is missing where TC is set has a reason of its own."""
        answer = respond(RECORDS["A"], change=set_field(trunc=1))
        got = await self.outcome(answer, wanted("192.0.2.9"))
        self.assertEqual(got, (False, "truncated answer", "192.0.2.7"))
        got = await self.outcome(answer, wanted("192.0.2.7"))
        self.assertEqual(got, (True, "answer", "192.0.2.7"))

    async def test_cut_off(self) -> None:
        """An answer that ends too soon is failure when it is looked into."""

        def answer(data: bytes) -> list[bytes]:
            return [respond(RECORDS["A"])(data)[0][:-2]]

        got = await self.outcome(answer, wanted("192.0.2.7"))
        detail = "EOFError: 0 of 1 records"
        self.assertEqual(got, (False, "garbled answer", detail))

    async def test_endless_name(self) -> None:
        """So is one whose name points to itself."""

        def answer(data: bytes) -> list[bytes]:
            header = data[:2] + struct.pack("!5H", 0x8180, 0, 1, 0, 0)
            return [header + b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 0, 4) + b"abcd"]

        got = await self.outcome(answer, wanted("192.0.2.7"))
        self.assertEqual(got[:2], (False, "garbled answer"))

    async def test_huge(self) -> None:
        """So is one that is larger than any that we asked for; it is not decoded."""

        def answer(data: bytes) -> list[bytes]:
            return [respond(RECORDS["A"])(data)[0] + bytes(60000)]

        got = await self.outcome(answer, wanted("192.0.2.7"))
        self.assertEqual(got[:2], (False, "garbled answer"))
        self.assertEqual(await self.outcome(answer), (True, "answer", ""))

    async def test_unknown_types(self) -> None:
        """RRSIG and DNSKEY can be asked for; what is in them is not compared."""
        for kind, number in (("RRSIG", 46), ("DNSKEY", 48)):
            record = dns.UnknownRecord(b"something")
            record.TYPE = number
            result = await self.probe(self.serve(respond(record)), wanted(kind=kind))
            self.assertEqual(told(result), (True, "answer"))


class Dns6Tests(DnsTests):
    """IPv6."""

    address = "::1"


def turn() -> Any:
    """The next turn of the reactor."""
    from twisted.internet import reactor
    from twisted.internet.task import deferLater

    return deferLater(reactor, 0)
