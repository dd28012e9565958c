"""The service: where it listens, and what happens when it cannot."""

import os
import socket
import stat
import sys
from http.client import HTTPConnection
from pathlib import Path
from subprocess import run

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from hanode.console.http import HttpService
from tests.console.case import ConsoleCase, asked

CHECKOUT = Path(__file__).parents[2]


class LifeTests(ConsoleCase):
    async def test_socket(self):
        """The socket is for owner and group, and gone after the stop."""
        service = await self.serve()
        mode = os.stat(self.path).st_mode
        self.assertEqual((stat.S_ISSOCK(mode), stat.S_IMODE(mode)), (True, 0o660))
        self.assertEqual(self.files(), ["h.sock"])
        status, _, answer = await self.ask("GET", "/healthz")
        self.assertEqual((status, answer), (200, {"status": "ok"}))
        await service.stopService()
        self.assertEqual((self.files(), service.listening), ([], False))

    async def test_off(self):
        """Switched off it opens nothing, and can be moved to somewhere."""
        for endpoint in ("", "off"):
            service = HttpService(endpoint, self.view, self.verbs, reactor)
            service.startService()
            self.assertFalse(service.listening)
            await service.stopService()

    async def test_stoppedAtOnce(self):
        """A service that is stopped while it still loads leaves nothing behind."""
        opened = Deferred()
        service = HttpService(
            f"unix:{self.path}",
            *(self.view, self.verbs, reactor, lambda: opened.callback(None)),
        )
        await deferLater(reactor, 0)  # the reactor runs
        service.startService()
        await service.stopService()
        await opened
        self.assertEqual((self.files(), service.listening), ([], False))

    async def test_fileGone(self):
        """Somebody removed the socket: the stop is as quick and as quiet as ever."""
        service = await self.serve()
        os.unlink(self.path)
        await service.stopService()

    def test_late(self):
        """Nothing loads twisted.web before the service is started."""
        for module in ("hanode.console.http", "hanode.tap", "hanode.console.commands"):
            code = f"import sys, {module}; sys.exit('twisted.web' in sys.modules)"
            ended = run([sys.executable, "-c", code], cwd=CHECKOUT)
            self.assertEqual(ended.returncode, 0, module)


class MoveTests(ConsoleCase):
    async def test_elsewhere(self):
        """The old socket goes, the new one comes."""
        service = await self.serve()
        moved = Deferred()
        service._opened = lambda: moved.callback(None)
        await service.move(f"unix:{self.folder}/new.sock")
        await moved
        self.assertEqual((self.files(), service.listening), (["new.sock"], True))

    async def test_same(self):
        """A move to where it is touches nothing."""
        service = await self.serve()
        before = os.stat(self.path).st_ino
        await service.move(f"unix:{self.path}")
        self.assertEqual(os.stat(self.path).st_ino, before)

    async def test_away(self):
        """Off means gone."""
        service = await self.serve()
        await service.move("")
        self.assertEqual((self.files(), service.listening), ([], False))

    async def test_beforeStart(self):
        """A move before the start only changes where it will begin."""
        service = HttpService("", self.view, self.verbs, reactor)
        await service.move(f"unix:{self.path}")
        self.assertFalse(service.listening)


class FailureTests(ConsoleCase):
    def setUp(self):
        super().setUp()
        self.listen_to_log()

    async def test_stale(self):
        """The socket of a process that died is replaced."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as left:
            left.bind(self.path)
        await self.serve()
        self.assertEqual((await self.ask("GET", "/healthz"))[0], 200)
        self.assertEqual(self.said(), [])

    async def test_twoDaemons(self):
        """The second says so in one line; the first goes on."""
        await self.serve()
        second = await self.serve()
        self.assertEqual(
            self.said(),
            [
                (
                    "error",
                    f"http: cannot listen on unix:{self.path}:"
                    f" another process listens on {self.path}",
                )
            ],
        )
        await second.stopService()
        self.assertEqual((await self.ask("GET", "/healthz"))[0], 200)

    async def test_again(self):
        """What failed is tried again at the next reload, though nothing has changed."""
        first = await self.serve()
        second = await self.serve()
        await first.stopService()
        opened = Deferred()
        second._opened = lambda: opened.callback(None)
        await second.move(f"unix:{self.path}")
        await opened
        self.assertTrue(second.listening)

    async def test_impossible(self):
        """Whatever else is in the way is one line each."""
        (self.folder / "file").write_text("precious")
        for endpoint, problem in (
            (f"unix:{self.folder}/a/b/h.sock", "No such file or directory"),
            (f"unix:{self.folder}/file", "not a socket"),
            (f"unix:{self.folder}/file/h.sock", "exists"),
            ("unix:" + "x" * 200, "too long"),
            ("unix:", "which socket?"),
            ("nonsense:1", "nonsense"),
            ("tcp:no-number", "no-number"),
            ("unix:/tmp/x.sock:mode=rw", "rw"),
        ):
            self.logged.clear()
            service = await self.serve(endpoint)
            self.assertFalse(service.listening)
            [(level, line)] = self.said()
            self.assertEqual(level, "error")
            self.assertIn(f"http: cannot listen on {endpoint}: ", line)
            self.assertIn(problem, line)
            self.assertNotIn("\n", line)

    async def test_noModule(self):
        """twisted.web cannot be loaded: one line."""
        name = "hanode.console.site"
        before = sys.modules.get(name)
        sys.modules[name] = None
        self.addCleanup(
            lambda: (
                sys.modules.__setitem__(name, before)
                if before
                else sys.modules.pop(name)
            )
        )
        service = await self.serve()
        self.assertFalse(service.listening)
        [(level, line)] = self.said()
        self.assertEqual(level, "error")
        self.assertIn("hanode.console.site", line)


class TcpTests(ConsoleCase):
    def setUp(self):
        super().setUp()
        self.listen_to_log()

    async def over_tcp(self, service, method, target, body=None, headers=()):
        """Ask over TCP."""
        port = service._port.getHost().port
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        return await deferToThread(asked, connection, method, target, body, headers)

    def token(self, text="opensesame-opensesame\n", mode=0o600):
        """A file with that token; its path."""
        path = self.folder / "token"
        path.write_text(text)
        path.chmod(mode)
        return str(path)

    async def test_readOnly(self):
        """Over a port one can look, and touch nothing."""
        service = await self.serve("tcp:0:interface=127.0.0.1")
        status, _, answer = await self.over_tcp(service, "GET", "/api/v1/bfd/peer")
        self.assertEqual((status, answer["state"]), (200, "UP"))
        status, _, answer = await self.over_tcp(
            service, "POST", "/api/v1/bfd/peer", '{"admin": "down"}'
        )
        self.assertEqual(
            (status, answer),
            (403, {"error": "this is possible only over the unix socket"}),
        )
        self.assertEqual(self.node.bfd.wishes, [])
        self.assertEqual(self.said(), [])

    async def test_everywhere(self):
        """A port that others can reach is worth a warning."""
        await self.serve("tcp:0")
        self.assertEqual(
            self.said(),
            [("warn", "http: everyone who reaches tcp:0 can look in")],
        )

    async def test_token(self):
        """Who has the token may write; nobody else, and the log has no token."""
        service = await self.serve("tcp:0:interface=127.0.0.1")
        service.token.path = self.token()
        for given, wanted, challenge in (
            (None, 401, 'Bearer realm="hanode"'),
            ("Basic b3BlbnNlc2FtZQ==", 401, 'Bearer realm="hanode"'),
            ("Bearer wrong", 401, 'Bearer realm="hanode", error="invalid_token"'),
            ("Bearer", 401, 'Bearer realm="hanode", error="invalid_token"'),
            ("bearer opensesame-opensesame", 200, None),
        ):
            status, headers, _ = await self.over_tcp(
                *(service, "POST", "/api/v1/bfd/peer", '{"admin": "down"}'),
                {"authorization": given} if given else {},
            )
            told = headers.get("WWW-Authenticate")
            self.assertEqual((status, told), (wanted, challenge), given)
        self.assertEqual(self.node.bfd.wishes, [("admin:bfd:peer", "down")])
        self.assertNotIn("opensesame", str(self.logged))
        told = [each["log_format"] for each in self.logged if "count" in each]
        self.assertEqual(
            told, ["http: wrong token, {count} times, the last from {who}"]
        )

    async def test_tokenFile(self):
        """A file that others can read is as good as none, and the log says why."""
        service = await self.serve("tcp:0:interface=127.0.0.1")
        service.token.path = self.token(mode=0o640)
        status, _, answer = await self.over_tcp(
            *(service, "POST", "/api/v1/reload", "{}"),
            {"authorization": "Bearer opensesame-opensesame"},
        )
        self.assertEqual((status, "log says why" in answer["error"]), (403, True))
        self.assertEqual(self.reloader.asked, [])

    async def test_rebinding(self):
        """A browser that was led here by a foreign name is told nothing."""
        service = await self.serve("tcp:0:interface=127.0.0.1")
        for host, wanted in (
            ("evil.example", 421),
            ("evil.example:8080", 421),
            ("localhost.evil.example", 421),
            ("[::1", 200),
            ("localhost:8080", 200),
            ("LOCALHOST", 200),
            ("192.0.2.1:80", 200),
            ("[::1]:8080", 200),
        ):
            for target in ("/healthz", "/", "/nowhere"):
                status, _, answer = await self.over_tcp(
                    service, "HEAD", target, None, {"host": host}
                )
                found = 404 if (wanted, target) == (200, "/nowhere") else wanted
                self.assertEqual((status, answer), (found, None), (host, target))
