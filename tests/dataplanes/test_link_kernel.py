"""Single links, with a kernel that answers as it is told."""

from __future__ import annotations

import errno
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from hanode.config.vmac_model import VirtualLink
from hanode.dataplanes.kernel import Kernel
from hanode.dataplanes.link_kernel import GROUP, LinkKernel, fits, link_local
from hanode.dataplanes.netlink import link_message
from hanode.dataplanes.netlink.message import (
    IFA_F_TENTATIVE,
    Key,
    StoredAddress,
    StoredLink,
)

FOUR = VirtualLink("v", "eth0", mac=bytes.fromhex("00005e000133"))
SIX = replace(FOUR, ipv4=False, ipv6=True, link_local=True)
ETH0 = StoredLink(2, 1, "eth0", bytes.fromhex("020000000007"), 1500)
RED = StoredLink(9, 1, "red", b"", 1500, kind="vrf")
HAVE = StoredLink(
    3, 1, "v", FOUR.mac, 1500, parent=2, kind="macvlan", mode=1, alias="x"
)


class Netlink:
    """Answers with the next of C{codes}, 0 when none is left; C{asked} is all."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.codes: list[int] = []

    def perform(self, request: bytes) -> tuple[int, list[bytes]]:
        self.asked.append(request)
        return (self.codes.pop(0) if self.codes else 0), []

    def close(self) -> None:
        self.asked.append(b"closed")


class LinkKernelTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.netlink: Any = Netlink()
        self.tables = Kernel()
        self.claimed: set[Key] = set()
        self.kernel = LinkKernel(self.tables, self.claimed, self.netlink)
        for link in (ETH0, RED, HAVE):
            self.put(link)
        self.log: list[str] = []
        globalLogPublisher.addObserver(self._observe)
        self.addCleanup(globalLogPublisher.removeObserver, self._observe)

    def _observe(self, event: Any) -> None:
        if event.get("log_namespace", "").endswith("LinkKernel"):
            self.log.append(event["log_format"].format(**event))

    def put(self, link: StoredLink) -> None:
        self.tables.links[link.ifindex] = link
        self.tables.indices[link.name] = link.ifindex

    def have(self, index: int, address: str, flags: int = 0) -> Key:
        """An IPv6 address of an interface."""
        key = (index, ip_address(address).packed, 0, b"")
        self.tables.add(StoredAddress(key, flags, 64))
        return key

    def test_refusals(self) -> None:
        """They are logged with their meaning; who is gone cannot be changed."""
        self.netlink.codes = [errno.EPERM, errno.ENODEV, errno.EBUSY]
        done = [self.kernel.ask(b"", "v") for _ in range(2)]
        self.kernel.remove(HAVE)
        self.assertEqual((done, self.kernel.find("v")), ([False, False], HAVE))
        self.assertEqual(
            self.log,
            [
                "cannot set up v: Operation not permitted",
                "cannot remove v: Device or resource busy",
            ],
        )

    def test_gone(self) -> None:
        """Of what is not there the kernel says nothing."""
        self.assertEqual(self.kernel.look("v"), None)

    def test_removed_together(self) -> None:
        """Several go by a group that nobody else is in."""
        other = HAVE._replace(ifindex=4, name="w", group=GROUP)
        self.put(other)
        self.kernel.remove_all([HAVE, other])
        self.assertEqual(
            self.netlink.asked,
            [
                link_message.set_group(3, GROUP + 1),
                link_message.set_group(4, GROUP + 1),
                link_message.remove_group(GROUP + 1),
            ],
        )
        self.assertEqual(sorted(self.tables.indices), ["eth0", "red"])

    def test_not_together(self) -> None:
        """If that is not possible they go one by one."""
        other = HAVE._replace(ifindex=4, name="w")
        self.put(other)
        self.netlink.codes = [0, errno.EINVAL]
        self.kernel.remove_all([HAVE, other])
        self.assertEqual(
            self.netlink.asked[-2:], [link_message.remove(3), link_message.remove(4)]
        )
        self.assertEqual(sorted(self.tables.indices), ["eth0", "red"])

    def test_differences(self) -> None:
        """MTU, VRF and whether it is on; a master that is no VRF does not count."""
        self.assertEqual(self.kernel.differences(HAVE, ETH0), [])
        parent = ETH0._replace(mtu=1400, master=9)
        down = HAVE._replace(flags=0)
        self.assertEqual(
            self.kernel.differences(down, parent),
            [
                link_message.set_mtu(3, 1400),
                link_message.set_master(3, 9),
                link_message.set_up(3),
            ],
        )
        bridged = ETH0._replace(master=2)
        self.assertEqual(self.kernel.differences(HAVE, bridged), [])

    def test_source(self) -> None:
        """Its own one, that of its parent, or one that its parent might have."""
        seen = [self.source(FOUR), self.source(SIX)]
        self.have(2, "fe80::1", IFA_F_TENTATIVE)
        seen.append(self.source(SIX))
        self.have(2, "2001:db8::1")
        self.have(2, "fe80::2")
        seen.append(self.source(SIX))
        self.claimed.add(self.have(3, "fe80::100"))
        self.have(3, "fe80::3")
        seen.append(self.source(SIX))
        seen.append(self.source(replace(SIX, address=ip_address("fe80::7"), length=64)))
        own = replace(FOUR, kind="ipvlan", address=ip_address("192.0.2.7"), length=24)
        seen.append(self.source(own))
        self.assertEqual(
            seen,
            [
                "None",
                "fe80::ff:fe00:7/64 dev v",
                "fe80::1/64 dev v",
                "fe80::2/64 dev v",
                "fe80::3/64 dev v",
                "fe80::7/64 dev v",
                "192.0.2.7/24 dev v",
            ],
        )

    def source(self, link: VirtualLink) -> str:
        return str(self.kernel.address_of(link, ETH0))

    def test_no_source(self) -> None:
        """A parent without MAC address gives none."""
        bare = ETH0._replace(mac=b"")
        self.assertEqual(self.kernel.address_of(SIX, bare), None)

    def test_address_refused(self) -> None:
        """Then it is not there."""
        wanted = self.kernel.address_of(SIX, ETH0)
        assert wanted is not None
        self.netlink.codes = [errno.EACCES]
        self.assertEqual(
            (self.kernel.add(wanted, 3), self.kernel.has(wanted, 3)), (False, False)
        )
        self.assertEqual(
            (self.kernel.add(wanted, 3), self.kernel.has(wanted, 3)), (True, True)
        )


class FitTests(SynchronousTestCase):
    def test_fits(self) -> None:
        """Kind, parent, mode, and the MAC address of a macvlan."""
        ipvlan = replace(FOUR, kind="ipvlan", mac=b"")
        have = HAVE._replace(kind="ipvlan", mode=0)
        self.assertEqual(
            [
                fits(HAVE, FOUR, ETH0),
                fits(HAVE._replace(mode=4), FOUR, ETH0),
                fits(HAVE._replace(mac=bytes(6)), FOUR, ETH0),
                fits(HAVE._replace(parent=7), FOUR, ETH0),
                fits(have, ipvlan, ETH0),
                fits(have._replace(mode=1), ipvlan, ETH0),
                fits(HAVE, ipvlan, ETH0),
            ],
            [True, False, False, False, True, False, False],
        )

    def test_link_local(self) -> None:
        """RFC 4291, appendix A: its example."""
        found = link_local(bytes.fromhex("34567890abcd"))
        self.assertEqual(str(found), "fe80::3656:78ff:fe90:abcd")
