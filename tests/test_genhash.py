"""hanode genhash."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from hashlib import md5
from io import StringIO
from ipaddress import ip_address
from threading import Thread

from twisted.trial.unittest import SynchronousTestCase

from hanode import genhash

PAGE = b"It works\n"
RUN = "import sys; from hanode.genhash import main; sys.exit(main(sys.argv[1:]))"
HEAD = b"HTTP/1.0 503 Busy\r\nServer: x\r\n\r\n"


class GenhashTests(SynchronousTestCase):
    """A process of its own for each, because a reactor runs only once."""

    def run_it(self, *words: str, answer: bytes = HEAD + PAGE) -> tuple[int, str, str]:
        """Exit status, output and errors, with one server that answers so."""
        with socket.create_server(("127.0.0.1", 0)) as listening:
            port = listening.getsockname()[1]
            server = Thread(target=self.serve, args=(listening, answer), daemon=True)
            server.start()
            found = subprocess.run(
                [sys.executable, "-c", RUN, "-p", str(port), *words],
                capture_output=True,
                text=True,
                timeout=60,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
                check=False,
            )
        return found.returncode, found.stdout, found.stderr

    def serve(self, listening: socket.socket, answer: bytes) -> None:
        """Answer one request."""
        connection, _name = listening.accept()
        with connection:
            self.heard = connection.recv(4096)
            connection.sendall(answer)

    def test_digest(self) -> None:
        """The digest of the page, whatever its status; the address may have a name."""
        found = self.run_it("-s", "localhost", "-u", "/x", "-V", "v", "-P", "1.1")
        self.assertEqual(found, (0, f"MD5SUM = {md5(PAGE).hexdigest()}\n", ""))
        lines = self.heard.decode().splitlines()
        self.assertEqual(lines[0], "GET /x HTTP/1.1")
        self.assertIn("Connection: close", lines)

    def test_verbose(self) -> None:
        """Header and page are shown, too."""
        status, output, _errors = self.run_it("-s", "127.0.0.1", "-u", "/", "-v")
        self.assertEqual(status, 0)
        self.assertIn("48 54 54 50 2f 31 2e 30 20 35 30 33 20 42 75 73", output)
        self.assertIn("49 74 20 77 6f 72 6b 73 0a", output)
        last, digest = output.splitlines()[-2:]
        self.assertTrue(
            re.fullmatch(r"Global response time for \[/\] = \d+ usecs", last), last
        )
        self.assertEqual(digest, f"MD5SUM = {md5(PAGE).hexdigest()}")

    def test_failure(self) -> None:
        """Without a page there is no digest, but a reason."""
        found = self.run_it("-s", "127.0.0.1", "-u", "/", answer=b"220 mail\r\n")
        self.assertEqual(found[:2], (1, ""))
        self.assertIn("hanode genhash: not HTTP", found[2])


class OptionsTests(SynchronousTestCase):
    def test_mistakes(self) -> None:
        """Options that make no sense end with 2."""
        good = ["-s", "127.0.0.1", "-p", "80", "-u", "/"]
        for more in (
            ["-p", "0"],
            ["-P", "2.0"],
            ["-t", "x"],
            ["-m", "-1"],
            ["-t", "0"],
        ):
            self.patch(sys, "stderr", StringIO())
            left = self.assertRaises(SystemExit, genhash.main, good + more)
            self.assertEqual(left.code, 2)

    def test_defaults(self) -> None:
        """What is not said."""
        found = genhash.parser().parse_args(["-s", "::1", "-p", "80", "-u", "/"])
        self.assertEqual(
            (found.protocol, found.fwmark, found.timeout, found.use_ssl, found.verbose),
            ("1.0", 0, 5.0, False, False),
        )

    def test_address(self) -> None:
        """An address is an address."""
        self.assertEqual(genhash.address_of("::1"), ip_address("::1"))

    def test_unknown_server(self) -> None:
        """A name that does not exist is named."""
        output = StringIO()
        self.patch(sys, "stderr", output)
        words = ["-s", "none.invalid", "-p", "80", "-u", "/"]
        self.assertEqual(genhash.main(words), 1)
        self.assertIn("hanode genhash: none.invalid: ", output.getvalue())

    def test_dump(self) -> None:
        """Sixteen bytes in a line, what cannot be shown as a dot."""
        self.assertEqual(
            list(genhash.dump(b"0123456789abcdef\x00z")),
            [
                "0000  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66"
                "  0123456789abcdef\n",
                "0010  00 7a" + " " * 42 + "  .z\n",
            ],
        )
