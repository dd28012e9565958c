"""The blocking client."""

import socket
import threading

from twisted.internet.threads import deferToThread

from hanode.console.client import Client, Refused, Unreachable
from tests.console.case import ConsoleCase
from tests.console.samples import SESSION


class ClientTests(ConsoleCase):
    async def test_get(self):
        """A page, with a name that needs quoting."""
        await self.serve()
        self.node.bfd.sessions["a/b?"] = {**SESSION, "name": "a/b?"}
        answer = await deferToThread(Client(self.path).get, "bfd", "a/b?")
        self.assertEqual(answer["name"], "a/b?")

    async def test_post(self):
        """A wish."""
        await self.serve()
        client = Client(self.path)
        await deferToThread(client.post, "bfd", "peer", body={"admin": "down"})
        self.assertEqual(self.node.bfd.wishes, [("admin:bfd:peer", "down")])

    async def test_refused(self):
        """The daemon's own words, and what there is instead."""
        await self.serve()
        with self.assertRaises(Refused) as raised:
            await deferToThread(Client(self.path).get, "bfd", "x")
        self.assertEqual(
            str(raised.exception), "there is no BFD session 'x'; there are: far, peer"
        )

    def test_unreachable(self):
        """Nothing there, and something there that is no socket."""
        for path, why in (
            (self.path, "No such file or directory"),
            (__file__, "Connection refused"),
            ("x" * 200, "AF_UNIX path too long"),
        ):
            with self.assertRaises(Unreachable) as raised:
                Client(path).get("bfd")
            self.assertEqual(str(raised.exception), why)

    def test_somebodyElse(self):
        """Somebody else answers there."""
        for words in (
            *(b"SSH-2.0-x\r\n", b"HTTP/1.1 200 OK\r\n\r\nhello", b""),
            b"HTTP/1.1 500 No\r\n\r\n[]",
        ):
            with self.assertRaises((Unreachable, Refused)) as raised:
                self.answered(words)
            self.assertIn(
                str(raised.exception),
                (
                    "what answers there is not hanode",
                    "Remote end closed connection without response",
                    "status 500",
                ),
            )

    def answered(self, words):
        """Ask somebody who answers C{words}."""
        path = f"{self.path}{len(words)}"
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(path)
            listener.listen(1)

            def answer():
                connection, _ = listener.accept()
                with connection:
                    connection.recv(4096)
                    connection.sendall(words)

            thread = threading.Thread(target=answer)
            thread.start()
            try:
                Client(path).get("bfd")
            finally:
                thread.join()
