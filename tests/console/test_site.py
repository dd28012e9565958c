"""The resources."""

import json
import socket
from urllib.parse import quote

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from hanode.console import site
from tests.console.case import ConsoleCase
from tests.console.samples import LATENESS, REAL, SESSION, VIRTUAL

KNOWN = [
    "/healthz",
    "/readyz",
    "/metrics",
    "/api/v1/status",
    "/api/v1/vrrp",
    "/api/v1/vrrp/NAME",
    "/api/v1/why/NAME",
    "/api/v1/bfd",
    "/api/v1/bfd/NAME",
    "/api/v1/lateness",
    "/api/v1/lvs",
    "/api/v1/lvs/NAME",
    "/api/v1/facts",
    "/api/v1/events",
    "/api/v1/reactor",
    "/api/v1/reload",
    "/api/v1/compare",
    "/api/v1/openapi.json",
]


class ReadTests(ConsoleCase):
    async def setUp(self):
        super().setUp()
        await self.serve()

    async def test_pages(self):
        """Each page is what the view gives."""
        for target, wanted in (
            ("/api/v1/bfd", json.loads("".join(self.view.bfd()))),
            ("/api/v1/bfd/", json.loads("".join(self.view.bfd()))),
            ("/api/v1/bfd/peer", SESSION),
            ("/api/v1/vrrp", self.view.vrrp()),
            ("/api/v1/vrrp/VI_1", self.view.vrrp()["instances"][0]),
            ("/api/v1/lateness", LATENESS),
            (
                "/api/v1/lvs",
                {"virtual_servers": [VIRTUAL], "dataplane": "memory", "problem": ""},
            ),
            (f"/api/v1/lvs/{VIRTUAL['name']}", VIRTUAL),
            ("/healthz", {"status": "ok"}),
        ):
            status, _, answer = await self.ask("GET", target)
            self.assertEqual((status, answer), (200, wanted), target)

    async def test_facts(self):
        """The board of facts; a secret on it is not shown."""
        status, _, answer = await self.ask("GET", "/api/v1/facts")
        self.assertEqual(status, 200)
        names = [each["name"] for each in answer["facts"]]
        self.assertEqual(names, ["interface:eth0", "key"])
        self.assertNotIn("opensesame", json.dumps(answer))

    async def test_headers(self):
        """JSON, to be kept by nobody, and no word about what we are made of."""
        _, headers, _ = await self.ask("GET", "/api/v1/vrrp/VI_1")
        headers.pop("Date")
        headers.pop("Content-Length")
        self.assertEqual(
            headers,
            {
                "Content-Type": "application/json",
                "Cache-Control": "no-store",
                "X-Content-Type-Options": "nosniff",
                "Server": "hanode",
            },
        )

    async def test_head(self):
        """HEAD is GET without its body."""
        status, headers, answer = await self.ask("HEAD", "/api/v1/vrrp/VI_1")
        self.assertEqual((status, answer), (200, None))
        self.assertGreater(int(headers["Content-Length"]), 100)

    async def test_oddName(self):
        """A name may have spaces, slashes and letters of any script."""
        self.node.bfd.sessions["a/b é"] = {**SESSION, "name": "a/b é"}
        status, _, answer = await self.ask("GET", "/api/v1/bfd/a%2Fb%20%C3%A9")
        self.assertEqual((status, answer["name"]), (200, "a/b é"))

    async def test_missing(self):
        """What is not there: 404, and what is."""
        for target, wanted in (
            ("/api/v2/bfd", {"error": "there is no /api/v2/bfd", "known": KNOWN}),
            (
                "/api/v1/bfd/nobody",
                {
                    "error": "there is no BFD session 'nobody'",
                    "known": ["far", "peer"],
                },
            ),
            (
                "/api/v1/vrrp/x",
                {"error": "there is no VRRP instance 'x'", "known": ["VI_1"]},
            ),
        ):
            status, _, answer = await self.ask("GET", target)
            self.assertEqual((status, answer), (404, wanted))

    async def test_failure(self):
        """A service that cannot describe itself: 500, a line in the log, no detail."""
        self.patch(self.node.bfd, "describe_one", lambda name: 1 / 0)
        status, _, answer = await self.ask("GET", "/api/v1/bfd/peer")
        self.assertEqual(
            (status, answer), (500, {"error": "this failed; the log says why"})
        )
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    async def test_virtual_server(self):
        """A virtual server that does not exist: 404, and those that do."""
        status, _, answer = await self.ask("GET", "/api/v1/lvs/nobody")
        self.assertEqual((status, answer["known"]), (404, [VIRTUAL["name"]]))

    async def test_usage_fails(self):
        """What fails later is a failure all the same, and the log says why."""
        self.node.balance.describe_each = lambda usages: 1 / 0
        status, _, answer = await self.ask("GET", "/api/v1/lvs")
        self.assertEqual(
            (status, answer), (500, {"error": "this failed; the log says why"})
        )
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    async def test_gone_meanwhile(self):
        """Who hangs up before the kernel has counted is told nothing."""
        counted, asked = Deferred(), Deferred()

        async def usages():
            asked.callback(None)
            return await counted

        self.node.balance.usages = usages
        client = socket.socket(socket.AF_UNIX)
        client.connect(self.path)
        client.send(b"GET /api/v1/lvs HTTP/1.1\r\nHost: x\r\n\r\n")
        await asked
        client.close()
        self.assertEqual((await self.ask("GET", "/healthz"))[0], 200)
        counted.callback({})
        self.assertEqual((await self.ask("GET", "/healthz"))[0], 200)


class WriteTests(ConsoleCase):
    async def setUp(self):
        super().setUp()
        await self.serve()

    async def test_admin(self):
        """A session is disabled and enabled again."""
        for wish in ("down", "up"):
            status, _, answer = await self.ask(
                "POST", "/api/v1/bfd/peer", json.dumps({"admin": wish})
            )
            self.assertEqual((status, answer), (200, {"name": "peer", "admin": wish}))
        self.assertEqual(
            self.node.bfd.wishes,
            [("admin:bfd:peer", "down"), ("admin:bfd:peer", "up")],
        )

    async def test_drain(self):
        """A real server is drained, by its full name or everywhere, and used again."""
        full = f"{VIRTUAL['name']}/{REAL['name']}"
        wishes = []
        for name in (full, REAL["name"]):
            fact = f"admin:real:{name}"
            self.node.facts.watch(fact, lambda fact, value: wishes.append(value))
            for wish in ("drain", "undrain"):
                status, _, answer = await self.ask(
                    *("POST", f"/api/v1/lvs/{quote(name, safe='')}"),
                    json.dumps({"admin": wish}),
                )
                self.assertEqual((status, answer), (200, {"name": name, "admin": wish}))
            self.assertIsNone(self.node.facts.get(fact))
        self.assertEqual(wishes, ["drain", "up"] * 2)

    async def test_not_drained(self):
        """An unknown real server is 404, anything but a wish 400."""
        for name, body, wanted in (
            ("nobody", '{"admin": "drain"}', 404),
            (REAL["name"], '{"admin": "down"}', 400),
        ):
            status, _, _ = await self.ask("POST", f"/api/v1/lvs/{name}", body)
            self.assertEqual(status, wanted)

    async def test_unknown(self):
        """A session that does not exist: 404, and those that do."""
        status, _, answer = await self.ask(
            "POST", "/api/v1/bfd/nobody", '{"admin": "up"}'
        )
        self.assertEqual((status, answer["known"]), (404, ["far", "peer"]))

    async def test_bad(self):
        """Whatever is no wish: 400, and nothing happens."""
        for body in (
            *("", "{", "[]", "null", "{}", '{"admin": 1}', '{"admin": ["up"]}'),
            *('{"admin": "Up"}', b"\xff\xfe", "[" * 4000),
        ):
            status, _, answer = await self.ask("POST", "/api/v1/bfd/peer", body)
            self.assertEqual(status, 400, body)
            self.assertEqual(list(answer), ["error"])
        self.assertEqual(self.node.bfd.wishes, [])

    async def test_method(self):
        """A method that makes no sense: 405, and those that do."""
        for method, target, allow in (
            ("POST", "/api/v1/bfd", "GET, HEAD"),
            ("DELETE", "/api/v1/bfd/peer", "GET, HEAD, POST"),
            ("OPTIONS", "/healthz", "GET, HEAD"),
        ):
            status, headers, answer = await self.ask(method, target)
            self.assertEqual((status, headers["Allow"]), (405, allow))
            self.assertEqual(answer["allow"], allow.split(", "))

    async def test_form(self):
        """A body of any other type is refused, whatever is in it: a page of
        somebody else can make a browser send that."""
        for kind in ("application/x-www-form-urlencoded", "text/plain", ""):
            status, headers, _ = await self.ask(
                *("POST", "/api/v1/bfd/peer", '{"admin": "down"}'),
                {"content-type": kind},
            )
            self.assertEqual((status, headers["Accept"]), (415, "application/json"))
        self.assertEqual(self.node.bfd.wishes, [])

    async def test_reload(self):
        """A reload wants an object, and nothing in it."""
        for body, wanted in (("{}", 200), ("[]", 400), ("null", 400), ("", 400)):
            status, _, _ = await self.ask("POST", "/api/v1/reload", body)
            self.assertEqual(status, wanted, body)
        self.assertEqual(self.reloader.asked, ["reload"])

    async def test_large(self):
        """A body longer than any wish: 413, in one piece or in many."""
        body = json.dumps({"admin": "down", "why": "x" * 5000})
        for sent, headers in (
            (body, {}),
            (iter([body[:100].encode(), body[100:].encode()]), {}),
        ):
            status, _, answer = await self.ask(
                "POST", "/api/v1/bfd/peer", sent, headers
            )
            self.assertEqual(status, 413)
            self.assertIn("4096", answer["error"])
        self.assertEqual(self.node.bfd.wishes, [])

    async def test_endless(self):
        """Who never ends is hung up on."""
        count = await deferToThread(pour, self.path)
        self.assertLess(count, 8 << 20)
        self.assertEqual((await self.ask("GET", "/healthz"))[0], 200)


def pour(path):
    """Send a body without end until the other side has had enough; how much it took."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as out:
        out.settimeout(5)
        out.connect(path)
        out.sendall(
            b"POST /api/v1/bfd/peer HTTP/1.1\r\nHost: x\r\n"
            b"Content-Length: 1000000000\r\n\r\n"
        )
        count = 0
        while count < 64 << 20:
            try:
                count += out.send(b"x" * 65536)
            except (BrokenPipeError, ConnectionResetError):
                break
        return count


class LongTests(ConsoleCase):
    """Answers that are told in pieces."""

    async def setUp(self):
        super().setUp()
        await self.serve()

    async def test_failsAtOnce(self):
        """What fails before anything was told is answered as a failure."""
        self.patch(self.view, "_rest", lambda: 1 / 0)
        self.patch(self.view, "_lists", dict)
        status, _, answer = await self.ask("GET", "/api/v1/status")
        self.assertEqual(
            (status, answer), (500, {"error": "this failed; the log says why"})
        )
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    async def test_failsInTheMiddle(self):
        """What fails later is broken off: nobody takes a part for the whole."""
        self.patch(self.view, "_rest", lambda: 1 / 0)
        with self.assertRaises(OSError):
            await self.ask_raw("/api/v1/status")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual((await self.ask("GET", "/healthz"))[0], 200)

    async def ask_raw(self, target):
        """The same as C{ask}, where the end may be missing."""

        def get():
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(5)
                client.connect(self.path)
                client.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                found = b""
                while not found.endswith(b"0\r\n\r\n"):
                    more = client.recv(65536)
                    if not more:
                        raise ConnectionResetError("it is not whole")
                    found += more
                return found

        return await deferToThread(get)

    async def test_slow(self):
        """Who does not read is told no more until they do: memory is not for them."""
        described = []

        def records():
            for number in range(2000):
                described.append(number)
                yield {"name": "x" * 10_000, "n": number}

        self.patch(self.view, "_lists", lambda: {"instances": records(), "groups": []})
        client = socket.socket(socket.AF_UNIX)
        self.addCleanup(client.close)
        client.connect(self.path)
        client.sendall(b"GET /api/v1/vrrp HTTP/1.1\r\nHost: x\r\n\r\n")
        client.settimeout(5)
        await deferToThread(client.recv, 10)
        self.assertEqual((await self.ask("GET", "/healthz"))[0], 200)
        told = len(described)
        self.assertEqual((await self.ask("GET", "/healthz"))[0], 200)
        self.assertEqual(len(described), told)
        self.assertLess(told, 1000)

        def read():
            found = b""
            while not found.endswith(b"0\r\n\r\n"):
                found = (found + client.recv(1 << 20))[-10:]

        await deferToThread(read)
        self.assertEqual(len(described), 2000)

    async def test_deaf(self):
        """Who does not read for too long is hung up on."""
        self.patch(site, "READING_TIME", 0.05)
        rows = [{"name": "x" * 10_000, "n": number} for number in range(2000)]
        self.patch(self.view, "_lists", lambda: {"instances": rows, "groups": []})
        client = socket.socket(socket.AF_UNIX)
        self.addCleanup(client.close)
        client.connect(self.path)
        client.sendall(b"GET /api/v1/vrrp HTTP/1.1\r\nHost: x\r\n\r\n")
        await deferLater(reactor, 0.2)

        def read():
            count = 0
            while True:
                more = client.recv(1 << 20)
                if not more:
                    return count
                count += len(more)

        client.settimeout(5)
        self.assertLess(await deferToThread(read), 10_000_000)
