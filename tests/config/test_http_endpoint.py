"""Endpoints at which the daemon lets itself be looked into."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.build import build
from tests.config.reading import said, tree

DEFAULT = "unix:/run/hanode/hanode.sock"


def read(text: str) -> tuple[str, list[str]]:
    """The endpoint of C{http TEXT}, and what is said about it."""
    model, problems = build(tree(f"hanode {{\nhttp {text}\n}}"))
    return model.node.http, said(problems)


class EndpointTests(SynchronousTestCase):
    def test_taken_as_written(self) -> None:
        """A socket in the file system, or a port on a loopback address."""
        endpoints = [
            "unix:/run/x.sock",
            "unix:address=/run/x.sock:mode=600",
            "tcp:8080:interface=127.0.0.1",
            "tcp:port=65535:interface=localhost",
            "tcp:0:interface=\\:\\:1",
        ]
        self.assertEqual(
            [read(text) for text in endpoints], [(t, []) for t in endpoints]
        )

    def test_off(self) -> None:
        """off is no endpoint at all."""
        self.assertEqual(read("off"), ("", []))

    def test_default(self) -> None:
        """Without a word it is a socket under /run."""
        model, problems = build(tree("hanode {\n}"))
        self.assertEqual((model.node.http, problems), (DEFAULT, []))

    def test_open_to_others(self) -> None:
        """A port that others reach is worth a warning, and is opened."""
        for text in ("tcp:80", "tcp:80:interface=0.0.0.0", "tcp:80:interface=node"):
            self.assertEqual(
                read(text),
                (
                    text,
                    [
                        f"2 warning: http {text}: others than this machine reach the "
                        "port, and nobody is asked for a password "
                        "(add :interface=127.0.0.1)"
                    ],
                ),
            )

    def test_no_endpoint(self) -> None:
        """What Twisted could not open here is ignored."""
        for text in (
            "8080",
            "ssl:443",
            "unix:",
            "tcp:http:interface=127.0.0.1",
            "tcp:65536",
            "tcp:000000080",
            "tcp",
        ):
            self.assertEqual(
                read(text),
                (
                    DEFAULT,
                    [
                        f"2 warning: '{text}' is no endpoint for http "
                        "(write unix:PATH, tcp:PORT:interface=127.0.0.1 or off; "
                        f"ignored; the default is {DEFAULT})"
                    ],
                ),
            )

    def test_missing(self) -> None:
        """The endpoint must be there."""
        self.assertEqual(
            read(""),
            (
                DEFAULT,
                [
                    "2 error: *** Configuration line starting `http` is missing a "
                    "parameter after keyword `http` at word position 2 "
                    "(write a value behind http)"
                ],
            ),
        )
