"""Reading files by another process, and taking over what it found."""

from __future__ import annotations

import gc
from pathlib import Path
from tempfile import mkdtemp

from twisted.internet import reactor
from twisted.internet.defer import succeed
from twisted.trial.unittest import SynchronousTestCase, TestCase

from hanode.aside import read_aside
from hanode.processes import Exit, Processes
from hanode.reading import read

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

SERVER = """\
virtual_server 198.51.100.{0} 80 {{
    protocol TCP
    lb_algo rr
    real_server 192.0.2.1{0} 80 {{
        TCP_CHECK {{ connect_timeout 3 }}
    }}
}}
"""
SERVERS = SERVER.format(1) + SERVER.format(2)


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

    async def test_servers(self):
        """What is in force already stays the same object; the collector goes on."""
        self.file.write_text(SERVERS)
        before, _ = read([str(self.file)], "n1")
        self.file.write_text(SERVERS.replace("192.0.2.12", "192.0.2.13"))
        after, problems = await read_aside(
            Processes(reactor), [str(self.file)], "n1", before
        )
        self.assertEqual((after, problems), read([str(self.file)], "n1"))
        same = [
            after.virtual_servers[name] is each
            for name, each in before.virtual_servers.items()
        ]
        self.assertEqual((same, gc.isenabled()), ([True, False], True))


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
