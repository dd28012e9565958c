"""A client, directors and two real servers, each in a network namespace of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from hanode.rehearsal.namespaces import Bridge, Host
from hanode.rehearsal.permission import NotPermitted
from tests.live.case import until
from tests.live.daemons import Hanode
from tests.live.guest import kernel
from tests.live.guest.farm import nursery
from tests.live.named_server import NamedServer, ask

VIP, PORT = "192.0.2.10", 80
CLIENT = "192.0.2.101"
EVEN = {"rs1": 5, "rs2": 5}  # of ten requests
START = 60.0  # seconds; the first daemon imports everything
SERVER = "real_server {} {} {{\nTCP_CHECK {{\nconnect_timeout 2\n}}\n}}\n"
TIMES = "delay_loop 0.3\nwarmup 0\nretry 1\ndelay_before_retry 0.2\nprotocol TCP\n"


class Place:
    """One host, where hanode is born quickly."""

    def __init__(self, host: Host) -> None:
        self.host, self.name = host, host.name

    def popen(self, argv: list[str], **given: Any) -> Any:
        network = self.host.call(os.open, "/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            return nursery().start(argv[3:], network)
        finally:
            os.close(network)


def service(method: str, *addresses: str) -> str:
    """The virtual server, by turns over these real servers."""
    below = "".join(SERVER.format(each, PORT) for each in addresses)
    head = f"virtual_server {VIP} {PORT} {{\n{TIMES}lvs_sched rr\n"
    return f"{head}lvs_method {method}\n{below}}}\n"


class HostCase(SynchronousTestCase):
    """What tests with such hosts share."""

    skip = getattr(kernel.KernelCase, "skip", None)

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="hanode-hosts-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.reals: dict[str, Host] = {}
        self.servers: dict[str, NamedServer] = {}
        try:
            self.lan = self.opened(Bridge("lan"))
            self.client = self.opened(Host("client"))
            self.build()
        except NotPermitted as missing:
            raise SkipTest(str(missing)) from missing

    def build(self) -> None:
        """Connect the hosts."""
        raise NotImplementedError

    def opened(self, namespace: Any) -> Any:
        """The same; it is closed after the test."""
        self.addCleanup(namespace.close)
        return namespace

    def real(self, number: int, bridge: Bridge, address: str) -> Host:
        """The real server of that number, which answers with its name."""
        host: Host = self.opened(Host(f"rs{number}"))
        bridge.connect(host, "eth0", address)
        self.reals[host.name] = host
        self.servers[host.name] = NamedServer(host, PORT)
        self.addCleanup(lambda: self.servers[host.name].close())
        return host

    def hide_vip(self, host: Host) -> None:
        """Let a real server have the VIP, and say nothing of it to the network."""
        for name, value in (("arp_ignore", "1"), ("arp_announce", "2")):
            for card in ("all", "eth0"):
                self.assertTrue(host.write(f"net/ipv4/conf/{card}/{name}", value))
        host.add_address(f"{VIP}/32", "lo")

    def ip(self, host: Host, *words: str) -> None:
        """Run C{ip} there; the test is skipped where the kernel cannot do it."""
        done = host.call(
            subprocess.run, ["ip", *words], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise SkipTest(f"ip {' '.join(words)}: {done.stderr.strip()}")

    def director(self, host: Host, config: str) -> Any:
        """hanode there, started."""
        daemon = Hanode(Place(host), self.folder, config)
        daemon.start()
        self.addCleanup(daemon.end)
        return daemon

    def wait(self, condition: Any, *daemons: Any) -> None:
        """Until it is true; what the daemons said when that takes too long."""
        try:
            until(condition, START)
        except AssertionError as late:
            said = "\n--\n".join(str(each.log) for each in daemons)
            raise AssertionError(f"{late}\n{said}") from late

    def balances(self, host: Host, count: int = 2) -> bool:
        """Whether the kernel there has the service with so many real servers."""
        return len(host.call(kernel.save)) == 1 + count

    def requests(self, count: int = 10) -> Counter[str]:
        """How many of them each real server answered."""
        return Counter(self.client.call(ask, VIP, PORT) for _ in range(count))
