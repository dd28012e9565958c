"""Probes by datagrams in a private network: absent hosts, routes, marks, devices."""

from __future__ import annotations

import socket
from ipaddress import ip_address
from random import Random
from types import SimpleNamespace
from typing import Any

from twisted.internet import reactor
from twisted.trial.unittest import SkipTest, TestCase

from hanode.checkers.ping import pingChecker
from hanode.checkers.udp import UdpOptions, udpChecker
from hanode.config.balance_model import Check, Target
from hanode.icmp import open_icmp
from hanode.result import Result
from tests.dataplanes.contract import DEVICE
from tests.live.veth import PEER, Namespace, create_interface, ip, reason_to_skip

ABSENT = ("10.9.0.99", "2001:db8::99")  # on the wire, and nobody has them


class ProbeTests(TestCase):
    """In a namespace with one wire."""

    def setUp(self) -> None:
        reason = reason_to_skip()
        if reason is not None:
            raise SkipTest(reason)
        self.addCleanup(Namespace().leave)
        create_interface()
        ip("link", "set", "lo", "up")
        ip("addr", "add", "10.9.0.1/24", "dev", DEVICE)
        ip("addr", "add", "2001:db8::1/64", "dev", DEVICE, "nodad")
        for family in ("ipv4", "ipv6"):
            self.tune(f"{family}/neigh/{DEVICE}/retrans_time_ms", "50")
        self.world = SimpleNamespace(clock=reactor, random=Random(1))

    def tune(self, name: str, value: str) -> None:
        """Set a value of this namespace."""
        with open(f"/proc/sys/net/{name}", "w") as setting:
            setting.write(value)

    async def probe(self, checker: Any, address: str, **more: Any) -> Result:
        """What a probe of C{address} finds; it has 5 seconds."""
        target = Target(ip_address(address), 9, **more)
        options = UdpOptions() if checker is udpChecker else ()
        result: Result = await checker.probe(
            self.world, Check(checker.keyword, options, target)
        )
        return result

    async def test_absent_host(self) -> None:
        """A host that does not answer ARP or ND is unreachable, not merely silent."""
        for checker in (udpChecker, pingChecker):
            for address in ABSENT:
                result = await self.probe(checker, address)
                got = result.ok, result.reason
                self.assertEqual(got, (False, "host unreachable"), address)
                self.assertLess(result.seconds, 4)

    async def test_routes(self) -> None:
        """Routes that lead nowhere have their names, and no packet is waited for."""
        ip("route", "add", "unreachable", "10.9.1.0/24")
        ip("route", "add", "prohibit", "10.9.2.0/24")
        for address, reason in (
            ("10.9.1.1", "host unreachable"),
            ("10.9.2.1", "not permitted"),
            ("10.9.3.1", "network unreachable"),
        ):
            for checker in (udpChecker, pingChecker):
                result = await self.probe(checker, address)
                self.assertEqual((result.ok, result.reason), (False, reason))

    async def test_mark(self) -> None:
        """The mark is on the packets: a rule can choose another route for them."""
        ip("rule", "add", "fwmark", "0xffffff07", "prohibit")
        for checker in (udpChecker, pingChecker):
            result = await self.probe(checker, ABSENT[0], mark=0xFFFFFF07)
            self.assertEqual((result.ok, result.reason), (False, "not permitted"))
            result = await self.probe(checker, ABSENT[0], mark=0xFFFFFF08)
            self.assertEqual((result.ok, result.reason), (False, "host unreachable"))

    async def test_both_kinds_of_socket(self) -> None:
        """With and without permission for datagram sockets, hosts answer pings."""
        for allowed, kind in (("1 0", socket.SOCK_RAW), ("0 0", socket.SOCK_DGRAM)):
            self.tune("ipv4/ping_group_range", allowed)
            for address in ("10.9.0.1", "2001:db8::1"):
                with open_icmp(Target(ip_address(address))) as opened:
                    self.assertEqual(opened.type, kind)
                result = await self.probe(pingChecker, address)
                self.assertEqual((result.ok, result.reason), (True, "reply"))
                result = await self.probe(pingChecker, ABSENT[0])
                self.assertEqual(result.reason, "host unreachable")

    async def test_setting_is_left_alone(self) -> None:
        """net.ipv4.ping_group_range is what it was."""
        self.tune("ipv4/ping_group_range", "1 0")
        await self.probe(pingChecker, "10.9.0.1")
        with open("/proc/sys/net/ipv4/ping_group_range") as setting:
            self.assertEqual(setting.read().split(), ["1", "0"])

    async def test_device(self) -> None:
        """With bind_if a link-local address is one of that interface."""
        ip("addr", "add", "fe80::a/64", "dev", DEVICE, "nodad")
        result = await self.probe(pingChecker, "fe80::a", device=DEVICE)
        self.assertEqual((result.ok, result.reason), (True, "reply"))
        result = await self.probe(pingChecker, "fe80::a", device=PEER, timeout=0.1)
        self.assertEqual(result.ok, False)
        own = ip_address("fe80::a")
        result = await self.probe(
            udpChecker, "fe80::a", device=DEVICE, bind_address=own
        )
        self.assertEqual((result.ok, result.reason), (False, "refused"))
