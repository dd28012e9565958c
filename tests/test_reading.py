"""Reading files as this machine would, here or by another process."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from tempfile import mkdtemp

from twisted.internet import reactor
from twisted.internet.defer import succeed
from twisted.trial.unittest import SynchronousTestCase, TestCase

from hanode import plugins
from hanode.processes import Exit, Processes
from hanode.reading import checker_words, read, read_aside

TEXT = """\
vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    priority 300
    virtual_ipaddress {
        192.0.2.10/24
    }
}
bfd_instance peer {
    neighbor_ip 192.0.2.2
    authentication {
        type keyed_sha1
        key 1 geheim
    }
}
"""


class AsideTests(TestCase):
    """The other process tells what we would have read ourselves."""

    def setUp(self):
        self.file = Path(mkdtemp()) / "node.conf"
        self.file.write_text(TEXT)

    async def test_same(self):
        """The model and the problems are equal, secrets included."""
        aside = await read_aside(Processes(reactor), [str(self.file)], "n1")
        self.assertEqual(aside, read([str(self.file)], "n1"))
        self.assertEqual(len(aside[1]), 1)

    async def test_missing(self):
        """A file that is not there is a problem like any other."""
        self.file.unlink()
        aside = await read_aside(Processes(reactor), [str(self.file)])
        self.assertEqual(aside, read([str(self.file)]))


class Ended:
    """Processes that all end in one way, without having run."""

    def __init__(self, end):
        self.end = end

    def run(self, argv, **options):
        return succeed(self.end)


class FailureTests(SynchronousTestCase):
    """The other process may fail, and then nothing has been read."""

    def test_status(self):
        """It says how the process ended."""
        for end in (Exit(1), Exit(None, 9), Exit(None, 15, True)):
            failure = self.failureResultOf(read_aside(Ended(end), ["x"]), OSError)
            self.assertEqual(
                str(failure.value),
                f"the process that reads the configuration: {end}",
            )


class CheckerTests(SynchronousTestCase):
    """The checkers of the configuration are the plug-ins that are installed."""

    def test_words(self):
        """Each plug-in's words stand under its keyword."""
        found = checker_words()
        self.assertEqual(
            [(keyword, words.keyword) for keyword, words in found.items()],
            [(keyword, keyword) for keyword in found],
        )
        self.assertIn("PING_CHECK", found)

    def test_twice(self):
        """A keyword of both kinds of checker has two owners, and that is refused."""
        both = {"X": Namespace(words=None)}
        self.patch(plugins, "find", lambda kind, package: both)
        self.assertRaises(ValueError, checker_words)
