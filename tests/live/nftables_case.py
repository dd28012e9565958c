"""A client, a director and three real servers in private hosts, and a real balancer."""

from __future__ import annotations

import os
import subprocess
from ipaddress import ip_address

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from hanode.dataplanes.nftables import NftablesBalancer
from hanode.dataplanes.nftables_connections import Connections
from hanode.dataplanes.nftables_conntrack import Walk, cut
from hanode.dataplanes.nftables_netlink import Watch
from hanode.dataplanes.nftables_process import Nft
from hanode.lvs import Destination, Endpoint, Service
from hanode.rehearsal.namespaces import Bridge, Host
from hanode.rehearsal.permission import NotPermitted
from tests.live.case import need, until
from tests.live.named_server import NamedServer, ask, ask_udp
from tests.live.veth import Turns

VIP, VIP6 = "192.0.2.10", "fd00:1::10"
PORT = 80
CLIENTS = [f"192.0.2.{number}" for number in range(101, 109)]
CLIENTS6 = ["fd00:1::65", "fd00:1::66"]


def destination(number, weight=1, port=PORT, six=False):
    """The real server of that number."""
    address = f"fd00:2::{number}" if six else f"10.0.0.{number}"
    return Destination(ip_address(address), port, weight)


def service(*destinations, vip=VIP, port=PORT, protocol="TCP", **more):
    """A service in front of these."""
    more.setdefault("scheduler", "rr")
    identity = Endpoint(ip_address(vip), port, protocol)
    return Service(identity, destinations=destinations, **more)


def table(*services):
    return {each.identity: each for each in services}


class NftablesCase(SynchronousTestCase):
    """The balancer runs in host C{director}; the reactor turns when the test waits."""

    servers = 3

    def setUp(self):
        need("nft")
        try:
            self._build()
        except NotPermitted as missing:
            raise SkipTest(str(missing)) from missing
        self.reactor = Turns()
        self.balancer = self.begin()
        self.addCleanup(self.end)

    def _build(self):
        front, back = Bridge("front"), Bridge("back")
        self.client, self.director = Host("client"), Host("director")
        here = "/proc/thread-self/ns/net"
        self.director_network = self.director.call(os.readlink, here)
        self.reals = reals = [
            Host(f"rs{number}") for number in range(1, self.servers + 1)
        ]
        for each in (front, back, self.client, self.director, *reals):
            self.addCleanup(each.close)
        own = [f"{each}/24" for each in CLIENTS] + [f"{each}/64" for each in CLIENTS6]
        front.connect(self.client, "eth0", *own)
        front.connect(self.director, "eth0", f"{VIP}/24", f"{VIP6}/64")
        back.connect(self.director, "eth1", "10.0.0.254/24", "fd00:2::fe/64")
        self.director.write("net/ipv4/ip_forward", "1")
        self.director.write("net/ipv6/conf/all/forwarding", "1")
        for number, host in enumerate(reals, 1):
            back.connect(host, "eth0", f"10.0.0.{number}/24", f"fd00:2::{number}/64")
            host.route(lambda ipr: ipr.route("add", gateway="10.0.0.254"))
            host.route(lambda ipr: ipr.route("add", gateway="fd00:2::fe", family=10))
            self.addCleanup(NamedServer(host, PORT).close)

    def begin(self):
        """A new balancer, started."""
        inside = self.inside
        connections = Connections(
            self.reactor,
            lambda *given: inside(Walk, *given),
            lambda *given: inside(cut, *given),
        )
        balancer = NftablesBalancer(
            self.reactor,
            lambda *given: inside(Nft, *given),
            lambda *given: inside(Watch, *given),
            connections,
        )
        balancer.start()
        return balancer

    def inside(self, function, *arguments):
        """Call it inside the director, also when we are there already."""
        here = "/proc/thread-self/ns/net"
        if os.readlink(here) == self.director_network:
            return function(*arguments)
        return self.director.call(function, *arguments)

    def end(self, remove=True):
        """The end of the present balancer."""
        self.director.call(self.balancer.stop, remove)

    def balance(self, *services):
        """Want these services, and wait until the kernel has them."""
        self.director.call(self.balancer.balance, table(*services))
        self.settle()

    def settle(self):
        """Turn the reactor until nothing waits: no program runs, all news is read."""

        def turned():
            self.reactor.settle(0.001)
            left = [each for each in self.reactor.readers if not is_watch(each)]
            return not left

        until(turned, what="the end of the transactions")

    def nft(self, *words):
        """Run nft on the director, as somebody else; what it prints."""
        return self.director.call(
            subprocess.run, ["nft", *words], check=True, capture_output=True, text=True
        ).stdout

    def ask(self, times, vip=VIP, port=PORT, source=None):
        """Who answers so many TCP connections."""
        return [self.client.call(ask, vip, port, source) for _ in range(times)]

    def ask_udp(self, times, vip=VIP, port=PORT, source=None):
        """Who answers so many datagrams, each from a new port."""
        return [self.client.call(ask_udp, vip, port, source) for _ in range(times)]


def is_watch(reader):
    return type(reader).__name__ == "Notifications"
