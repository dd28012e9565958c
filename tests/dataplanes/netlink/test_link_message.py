"""Messages about virtual links, as pyroute2 reads them."""

from __future__ import annotations

from dataclasses import replace
from struct import pack
from typing import Any

from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from twisted.trial.unittest import SynchronousTestCase

from hanode.config.vmac_model import VirtualLink
from hanode.dataplanes.netlink import link_message

FOUR = VirtualLink("vrrp.51", "eth0", mac=bytes.fromhex("00005e000133"))
CREATE = 0x1 | 0x400 | 0x200  # request, create, exclusively


def decoded(data: bytes) -> Any:
    message = ifinfmsg(data)
    message.decode()
    return message


def seen(data: bytes) -> dict[str, Any]:
    """Type, flags, index and all attributes."""
    message = decoded(data)
    attributes: dict[str, Any] = {}
    for name, value in message["attrs"]:
        attributes[name] = dict(value["attrs"]) if name == "IFLA_LINKINFO" else value
    if "IFLA_LINKINFO" in attributes:
        inside = attributes["IFLA_LINKINFO"]
        inside["IFLA_INFO_DATA"] = dict(inside["IFLA_INFO_DATA"]["attrs"])
        inside["IFLA_INFO_DATA"].pop("UNKNOWN", None)  # pyroute2 lacks ipvlan's flags
    header = message["header"]
    return {
        "type": header["type"],
        "flags": header["flags"],
        "index": message["index"],
        **attributes,
    }


class LinkMessageTests(SynchronousTestCase):
    def test_macvlan(self) -> None:
        """Everything that is said when a macvlan is made."""
        self.assertEqual(
            seen(link_message.create(FOUR, 7, 3, 9)),
            {
                "type": 16,
                "flags": CREATE,
                "index": 0,
                "IFLA_LINK": 7,
                "IFLA_IFNAME": "vrrp.51",
                "IFLA_ADDRESS": "00:00:5e:00:01:33",
                "IFLA_GROUP": 3,
                "IFLA_LINKINFO": {
                    "IFLA_INFO_KIND": "macvlan",
                    "IFLA_INFO_DATA": {"IFLA_MACVLAN_MODE": "private"},
                },
                "IFLA_MASTER": 9,
            },
        )

    def test_ipvlan(self) -> None:
        """An ipvlan has no address of its own, and belongs to no VRF here."""
        link = replace(FOUR, kind="ipvlan", mac=b"", flags=2)
        flags = pack("=HHHxx", 6, 2, 2)  # length, IFLA_IPVLAN_FLAGS, value
        self.assertIn(flags, link_message.create(link, 7, 0))
        self.assertEqual(
            seen(link_message.create(link, 7, 0)),
            {
                "type": 16,
                "flags": CREATE,
                "index": 0,
                "IFLA_LINK": 7,
                "IFLA_IFNAME": "vrrp.51",
                "IFLA_GROUP": 0,
                "IFLA_LINKINFO": {
                    "IFLA_INFO_KIND": "ipvlan",
                    "IFLA_INFO_DATA": {"IFLA_IPVLAN_MODE": 0},
                },
            },
        )

    def test_changes(self) -> None:
        """Each changes one thing of the interface with that index."""
        head = {"type": 16, "flags": 1, "index": 7}
        self.assertEqual(
            [
                seen(each)
                for each in (
                    link_message.mark(7, "hanode x"),
                    link_message.set_mtu(7, 1400),
                    link_message.set_master(7, 0),
                    link_message.set_group(7, 5),
                )
            ],
            [
                {**head, "IFLA_IFALIAS": "hanode x"},
                {**head, "IFLA_MTU": 1400},
                {**head, "IFLA_MASTER": 0},
                {**head, "IFLA_GROUP": 5},
            ],
        )

    def test_up(self) -> None:
        """Only the one flag is changed."""
        message = decoded(link_message.set_up(7))
        self.assertEqual(
            (message["index"], message["flags"], message["change"]), (7, 1, 1)
        )

    def test_no_link_local(self) -> None:
        """IN6_ADDR_GEN_MODE_NONE inside of AF_INET6 inside of IFLA_AF_SPEC."""
        data = link_message.no_link_local(7)
        self.assertTrue(
            data.endswith(bytes.fromhex("10001a000c000a000500080001000000"))
        )

    def test_removal_and_question(self) -> None:
        """By index, by group, and by name."""
        removals = [link_message.remove(7), link_message.remove_group(5)]
        self.assertEqual(
            [seen(each) for each in (*removals, link_message.ask("eth0"))],
            [
                {"type": 17, "flags": 1, "index": 7},
                {"type": 17, "flags": 1, "index": 0, "IFLA_GROUP": 5},
                {"type": 18, "flags": 1, "index": 0, "IFLA_IFNAME": "eth0"},
            ],
        )
