"""The copy of the kernel's tables follows its messages."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from twisted.trial.unittest import SynchronousTestCase

from hanode.dataplanes.kernel import Kernel
from hanode.dataplanes.netlink.message import (
    RTM_DELADDR,
    RTM_DELLINK,
    RTM_NEWADDR,
    RTM_NEWLINK,
)
from hanode.link import Link

MAC = b"\2\0\0\0\0\1"


def body(message: Any, attrs: list[tuple[str, Any]], **fields: Any) -> bytes:
    for name, value in fields.items():
        message[name] = value
    message["attrs"] = attrs
    message.encode()
    return bytes(message.data)[16:]


def link(index: int, name: str, flags: int = 0x41) -> bytes:
    attrs = [
        ("IFLA_IFNAME", name),
        ("IFLA_MTU", 1500),
        ("IFLA_ADDRESS", "02:00:00:00:00:01"),
    ]
    return body(ifinfmsg(), attrs, index=index, flags=flags)


def address(text: str, index: int = 2, flags: int = 0x80) -> bytes:
    family = 10 if ":" in text else 2
    attrs = [("IFA_ADDRESS", text), ("IFA_FLAGS", flags)]
    return body(
        ifaddrmsg(), attrs, family=family, prefixlen=24, flags=flags, index=index
    )


class KernelTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.kernel = Kernel()
        self.kernel.replace([link(2, "eth0")], [address("10.0.0.1")])

    def take(self, kind: int, data: bytes) -> Any:
        return self.kernel.apply(kind, data, 0, len(data))

    def seen(self, name: str = "eth0", claimed: Any = ()) -> list[str] | None:
        found = self.kernel.link(name, claimed)
        return None if found is None else [str(each) for each in found.addresses]

    def test_dump(self) -> None:
        """A dump is the truth, whatever was known before."""
        self.kernel.replace([link(3, "eth1", 0x1)], [address("10.0.0.2", 3)])
        self.assertEqual(
            (self.kernel.link("eth0", ()), self.kernel.link("eth1", ())),
            (None, Link("eth1", 3, False, MAC, 1500, (ip_address("10.0.0.2"),))),
        )
        self.assertEqual(
            [self.kernel.is_up("eth1"), self.kernel.mac("eth1")], [True, b""]
        )

    def test_addresses_in_order(self) -> None:
        """New ones stand behind; one that is told again keeps its place."""
        for text in ("10.0.0.2", "10.0.0.1", "fe80::1"):
            self.take(RTM_NEWADDR, address(text))
        self.assertEqual(self.seen(), ["10.0.0.1", "10.0.0.2", "fe80::1"])
        gone = self.take(RTM_DELADDR, address("10.0.0.1"))
        self.assertEqual(self.seen(), ["10.0.0.2", "fe80::1"])
        self.assertEqual(self.kernel.find(gone.key), None)

    def test_what_is_no_address_to_use(self) -> None:
        """Tentative and duplicate IPv6 addresses do not show, nor claimed ones."""
        self.take(RTM_NEWADDR, address("fe80::1", flags=0x40))
        self.take(RTM_NEWADDR, address("fe80::2", flags=0x08))
        claimed = self.take(RTM_NEWADDR, address("10.0.0.9"))
        self.assertEqual(self.seen(claimed={claimed.key}), ["10.0.0.1"])
        self.take(RTM_NEWADDR, address("fe80::1", flags=0x80))
        self.assertEqual(self.seen(claimed={claimed.key}), ["10.0.0.1", "fe80::1"])

    def test_secondary(self) -> None:
        """A secondary IPv4 address of the interface's own is noticed."""
        seen = [self.kernel.has_secondary("eth0", ())]
        stored = self.take(RTM_NEWADDR, address("10.0.0.2", flags=0x81))
        seen.append(self.kernel.has_secondary("eth0", ()))
        seen.append(self.kernel.has_secondary("eth0", {stored.key}))
        self.assertEqual(seen, [False, True, False])

    def test_rename(self) -> None:
        """A renamed interface is known by its new name alone."""
        self.take(RTM_NEWLINK, link(2, "wan"))
        self.assertEqual((self.seen("eth0"), self.seen("wan")), (None, ["10.0.0.1"]))

    def test_gone(self) -> None:
        """A deleted interface takes its addresses with it."""
        self.take(RTM_DELLINK, link(2, "eth0"))
        self.take(RTM_NEWLINK, link(2, "eth0"))
        self.assertEqual((self.seen(), self.kernel.mac("eth0")), ([], MAC))

    def test_other_messages(self) -> None:
        """Routes and bridge ports are none of our business."""
        port = body(ifinfmsg(), [], family=7, index=2)
        self.assertEqual(
            [self.take(24, b""), self.take(RTM_DELLINK, port), self.seen()],
            [None, None, ["10.0.0.1"]],
        )
