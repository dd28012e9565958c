"""The real kernel passes the shared tests, in a network namespace of its own."""

from __future__ import annotations

import re
import socket
import time
from ipaddress import ip_address
from typing import Any

from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase, TestCase

from hanode.config.model import Address
from hanode.dataplanes.announcer import LATER
from hanode.dataplanes.linux import LinuxDataplane
from hanode.dataplanes.netlink.message import (
    RTM_GETADDR,
    RTM_GETLINK,
    StoredAddress,
    StoredLink,
    parse_address,
    parse_link,
)
from hanode.dataplanes.netlink.message import message as message_of
from hanode.dataplanes.netlink.socket import dump
from tests.dataplanes.contract import (
    DEVICE,
    OWN,
    SINGLE,
    SIX,
    A,
    B,
    DataplaneContract,
    text,
)
from tests.live.veth import (
    PEER,
    Ear,
    Namespace,
    Turns,
    addresses,
    create_interface,
    ip,
    reason_to_skip,
)


class Live:
    """A namespace with one veth pair, and a dataplane that is not started."""

    skip = reason_to_skip()

    def setUp(self) -> None:
        self.namespace = Namespace()
        self.addCleanup(self.namespace.leave)  # type: ignore[attr-defined]
        create_interface()
        ip("addr", "add", OWN, "dev", DEVICE)
        self.ear = Ear()
        self.addCleanup(self.ear.close)  # type: ignore[attr-defined]
        self.turns = Turns()
        self.turns.advance(1000)
        self.dataplane = LinuxDataplane(self.turns)
        self.addCleanup(self.dataplane.stop)  # type: ignore[attr-defined]
        self.log: list[str] = []

    def settle(self) -> None:
        self.turns.settle()


class LinuxContractTests(Live, DataplaneContract, SynchronousTestCase):
    def kernel(self) -> list[str]:
        return addresses()

    def someone_adds(self, text: str) -> None:
        ip("addr", "add", text, "dev", DEVICE)

    def someone_removes(self, text: str) -> None:
        ip("addr", "del", text, "dev", DEVICE)

    def set_up(self, up: bool) -> None:
        ip("link", "set", DEVICE, "up" if up else "down")

    def delete_interface(self) -> None:
        ip("link", "del", DEVICE)

    def create_interface(self) -> None:
        create_interface()

    def announced(self) -> list[str]:
        self.turns.advance(LATER)  # the rounds after the first one
        return self.ear.hear()

    def is_promoting(self) -> bool:
        path = f"/proc/sys/net/ipv4/conf/{DEVICE}/promote_secondaries"
        with open(path) as value:
            return value.read().strip() == "1"

    def add_link_local(self) -> None:
        ip("addr", "replace", "fe80::5/64", "dev", DEVICE, "nodad")
        self.settle()

    def virtual_links(self) -> list[str]:
        return [line for line in ip("-o", "link").splitlines() if f"@{DEVICE}" in line][
            1:
        ]


class LinuxTests(Live, SynchronousTestCase):
    """What only the real kernel can show."""

    def setUp(self) -> None:
        super().setUp()
        globalLogPublisher.addObserver(self._observe)
        self.addCleanup(globalLogPublisher.removeObserver, self._observe)

    def _observe(self, event: Any) -> None:
        if "log_format" in event and "hanode" in event.get("log_namespace", ""):
            self.log.append(event["log_format"].format(**event))

    def hold(self, *wanted: Address) -> None:
        self.dataplane.start(lambda name, link: None)
        self.dataplane.claim("VI_1", wanted)
        self.dataplane.hold("VI_1", wanted)
        self.settle()
        self.log.clear()

    def test_attributes(self) -> None:
        """Label, broadcast, scope, peer and lifetime reach the kernel."""
        four = Address(
            ip_address("10.1.0.1"),
            30,
            DEVICE,
            broadcast=ip_address("10.1.0.3"),
            label="wan0:vip",
            scope=253,
        )
        peer = Address(ip_address("10.2.0.1"), 32, DEVICE, peer=ip_address("10.2.0.9"))
        six = Address(
            ip_address("2001:db8::9"),
            128,
            DEVICE,
            flags=frozenset({"nodad", "home", "noprefixroute"}),
            preferred_lft=0,
        )
        self.hold(four, peer, six)
        shown = ip("addr", "show", "dev", DEVICE)
        found = [
            re.sub(r"\s+", " ", line).strip()
            for line in re.findall(r"inet6? .*(?:10\.[12]\.|db8).*", shown)
        ]
        self.assertEqual(
            sorted(found),
            [
                "inet 10.1.0.1/30 brd 10.1.0.3 scope link wan0:vip",
                "inet 10.2.0.1 peer 10.2.0.9/32 scope global wan0",
                "inet6 2001:db8::9/128 scope global nodad home deprecated "
                "noprefixroute",
            ],
        )

    def test_removal_is_said(self) -> None:
        """The log names what was removed and who holds it."""
        self.hold(A)
        ip("addr", "del", text(A), "dev", DEVICE)
        self.settle()
        self.assertEqual(
            self.log,
            [
                "192.0.2.1/24 dev wan0 was removed by someone else while VI_1 holds "
                "it: put back"
            ],
        )

    def test_foreign_secondaries_are_spared(self) -> None:
        """Removing the first address of a subnet leaves others' addresses in it."""
        self.hold(A)
        ip("addr", "add", "192.0.2.99/24", "dev", DEVICE)
        self.settle()
        self.dataplane.hold("VI_1", ())
        self.settle()
        self.assertEqual(addresses(), [OWN, "192.0.2.99/24"])
        path = f"/proc/sys/net/ipv4/conf/{DEVICE}/promote_secondaries"
        with open(path) as value:
            self.assertEqual(value.read(), "0\n")

    def test_flush(self) -> None:
        """After ip addr flush all that is held is there, and what others had is not."""
        self.hold(A, B, SINGLE, SIX)
        ip("addr", "flush", "dev", DEVICE)
        self.settle()
        self.assertEqual(
            sorted(addresses()), sorted(text(each) for each in (A, B, SINGLE, SIX))
        )

    def test_secondaries_go_with_the_first(self) -> None:
        """Releasing the first address of a subnet costs another owner nothing."""
        self.hold(A)
        self.dataplane.hold("VI_2", (B,))
        self.dataplane.hold("VI_1", ())
        self.settle()
        self.assertEqual(addresses(), [OWN, text(B)])
        self.assertIn("removed with the first address of its subnet", self.log[0])

    def test_rate_limit(self) -> None:
        """Who removes it all the time wins after ten times, for a second at first."""
        self.hold(SINGLE)
        for _ in range(10):
            ip("addr", "del", text(SINGLE), "dev", DEVICE)
            self.settle()
            self.turns.advance(0.2)
        self.assertEqual(addresses(), [OWN, text(SINGLE)])
        self.log.clear()
        for pause in (1.0, 2.0, 4.0):
            ip("addr", "del", text(SINGLE), "dev", DEVICE)
            self.settle()
            self.assertEqual(addresses(), [OWN])
            self.turns.advance(pause - 0.01)
            self.assertEqual(addresses(), [OWN])
            self.turns.advance(0.02)
            self.assertEqual(addresses(), [OWN, text(SINGLE)])
        self.assertEqual(len(self.log), 1, self.log)
        self.assertIn("put back only after a while", self.log[0])

    def test_flushing_is_let(self) -> None:
        """ip addr flush goes on until nothing is left: at the second time it is let."""
        self.hold(SINGLE)
        for _ in range(2):
            ip("addr", "del", text(SINGLE), "dev", DEVICE)
            self.settle()
        self.assertEqual(addresses(), [OWN])
        self.turns.advance(0.021)
        self.assertEqual(addresses(), [OWN, text(SINGLE)])

    def test_refused(self) -> None:
        """What the kernel refuses is said with the reason, and tried until it works."""
        with open(f"/proc/sys/net/ipv6/conf/{DEVICE}/disable_ipv6", "w") as off:
            off.write("1")
        self.dataplane.start(lambda name, link: None)
        self.dataplane.hold("VI_1", (A, SIX, B))
        self.settle()
        self.assertEqual(addresses(), [OWN, text(A), text(B)])
        self.assertEqual(
            self.log,
            [
                "cannot set 2001:db8::7/64 dev wan0: Permission denied; trying again "
                "until it works"
            ],
        )
        with open(f"/proc/sys/net/ipv6/conf/{DEVICE}/disable_ipv6", "w") as off:
            off.write("0")
        self.turns.advance(1.01)
        self.settle()
        self.assertEqual(sorted(addresses()), sorted([OWN, *map(text, (A, B, SIX))]))
        self.assertEqual(self.log[1:], ["2001:db8::7/64 dev wan0 is set at last"])

    def test_refused_and_released(self) -> None:
        """An address that is no longer held is not tried again."""
        bad = Address(ip_address("10.9.9.9"), 24, DEVICE, label="eth77:far-too-long")
        self.hold(bad)
        self.dataplane.hold("VI_1", ())
        self.assertEqual(self.turns.getDelayedCalls(), [])

    def test_another_ipv6_prefix(self) -> None:
        """A left-over IPv6 address with another prefix length is replaced."""
        ip("addr", "add", "2001:db8::7/128", "dev", DEVICE)
        self.hold(SIX)
        self.assertEqual(sorted(addresses()), sorted([OWN, text(SIX)]))

    def test_changed_attributes(self) -> None:
        """Claiming and holding an address with another label changes it."""
        self.hold(A)
        labelled = Address(A.address, A.prefix, DEVICE, label="wan0:1")
        self.dataplane.claim("VI_1", (labelled,))
        self.dataplane.hold("VI_1", (labelled,))
        self.settle()
        self.assertIn("scope global wan0:1", ip("addr", "show", "dev", DEVICE))
        self.assertEqual((addresses(), self.log), ([OWN, text(A)], []))

    def test_renamed_interface(self) -> None:
        """Addresses follow the name that the configuration speaks of."""
        self.hold(A)
        ip("link", "set", DEVICE, "down")
        ip("link", "set", DEVICE, "name", "old0")
        ip("link", "set", PEER, "down")
        ip("link", "set", PEER, "name", DEVICE)
        for name in ("old0", DEVICE):
            ip("link", "set", name, "up")
        self.settle()
        self.assertEqual(addresses(), [text(A)])

    def test_news_lost(self) -> None:
        """When the kernel had to drop notifications, a dump makes good for them."""
        self.hold(A)
        news = self.dataplane._news
        news._port.setsockopt(socket.SOL_SOCKET, 33, 2048)
        for _ in range(20):
            ip("addr", "add", "192.0.2.99/24", "dev", DEVICE)
            ip("addr", "del", "192.0.2.99/24", "dev", DEVICE)
        ip("addr", "del", text(A), "dev", DEVICE)
        self.settle()
        self.assertEqual(addresses(), [OWN, text(A)])
        self.assertIn("more news than we could read", self.log[0])

    def test_dumps_as_pyroute2_reads_them(self) -> None:
        """What this kernel says of its links and addresses, pyroute2 reads alike."""
        self.hold(A, SINGLE, SIX)
        links, found = [], []
        for each in dump(RTM_GETLINK):
            message = ifinfmsg(message_of(16, 0, each))
            message.decode()
            links.append(
                StoredLink(
                    message["index"],
                    message["flags"],
                    message.get_attr("IFLA_IFNAME"),
                    bytes.fromhex(message.get_attr("IFLA_ADDRESS").replace(":", "")),
                    message.get_attr("IFLA_MTU"),
                    message.get_attr("IFLA_LINK") or 0,
                    message.get_attr("IFLA_MASTER") or 0,
                    message.get_attr("IFLA_GROUP") or 0,
                    _kind(message),
                )
            )
            self.assertEqual(parse_link(each, 0, len(each)), links[-1])
        for each in dump(RTM_GETADDR):
            message = ifaddrmsg(message_of(20, 0, each))
            message.decode()
            peer = ip_address(message.get_attr("IFA_ADDRESS")).packed
            local = message.get_attr("IFA_LOCAL")
            key = (message["index"], peer, 0, b"")
            if message["family"] == socket.AF_INET:
                packed = ip_address(local).packed
                key = (message["index"], packed, message["prefixlen"], peer)
            flags = message.get_attr("IFA_FLAGS")
            found.append(StoredAddress(key, flags, message["prefixlen"]))
            self.assertEqual(parse_address(each, 0, len(each)), found[-1])
        self.assertEqual(len(links), 3)
        self.assertGreaterEqual(len(found), 4)

    def test_many_at_once(self) -> None:
        """A thousand addresses are held and released, each in one call."""
        many = tuple(
            Address(ip_address(f"10.{i // 250}.0.{i % 250 + 1}"), 32, DEVICE)
            for i in range(1000)
        )
        self.hold(*many)
        self.assertEqual(len(addresses()), 1001)
        self.dataplane.hold("VI_1", ())
        self.settle()
        self.assertEqual((addresses(), self.log), ([OWN], []))

    def test_gaps(self) -> None:
        """With an interval frames go out one by one, and not for what was released."""
        self.hold(A, B)
        self.ear.hear()
        self.dataplane.announce((A, B), repeat=2, arp_interval=0.5)
        heard = [self.ear.hear()]
        for _ in range(2):
            self.turns.advance(0.5)
            heard.append(self.ear.hear())
        self.dataplane.hold("VI_1", (A,))
        self.turns.advance(0.5)
        self.turns.advance(0.5)
        heard.append(self.ear.hear())
        first, second = str(A.address), str(B.address)
        self.assertEqual(heard, [[first], [second], [first], []])

    def test_router_flag(self) -> None:
        """An interface that forwards IPv6 announces itself as a router."""
        self.hold(SIX)
        self.dataplane.announce((SIX,))
        with open(f"/proc/sys/net/ipv6/conf/{DEVICE}/forwarding", "w") as forwarding:
            forwarding.write("1")
        self.turns.advance(1)
        self.dataplane.announce((SIX,))
        self.ear.hear()
        flags = [f[58] for f in self.ear.frames if f[20] == 58 and f[54] == 136]
        self.assertEqual(flags[-2:], [0x20, 0xA0])


class ReactorTests(Live, TestCase):
    """On the real reactor."""

    def setUp(self) -> None:
        super().setUp()
        self.real = LinuxDataplane(reactor)
        self.addCleanup(self.real.stop)

    def test_back_within_50_ms(self) -> None:
        """A removed address is back long before 50 ms have passed."""
        self.real.start(lambda name, link: None)
        self.real.hold("VI_1", (A,))
        self.assertEqual(addresses(), [OWN, text(A)])
        ip("addr", "del", text(A), "dev", DEVICE)
        begin = time.monotonic()

        def look(_: object = None) -> Any:
            if text(A) in addresses():
                took = time.monotonic() - begin
                self.assertLess(took, 0.05 * 4)  # ip(8) itself takes some of it
                return None
            return deferLater(reactor, 0, look)

        return deferLater(reactor, 0, look)


def _kind(message: Any) -> str:
    information = message.get_attr("IFLA_LINKINFO")
    return "" if information is None else str(information.get_attr("IFLA_INFO_KIND"))
