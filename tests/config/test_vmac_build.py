"""Which virtual links an instance has, and which address is on which."""

from __future__ import annotations

from ipaddress import ip_address

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.build import build
from hanode.config.model import VrrpInstance
from hanode.config.vmac_model import FirewallDefs, Virtual, VirtualLink
from tests.config.reading import good, instance, messages, tree

MAC4, MAC6 = bytes.fromhex("00005e000133"), bytes.fromhex("00005e000233")
MAIN = VirtualLink("vrrp.51", "eth0", mac=MAC4, prefix="vrrp")
SIX = """
    interface eth0
    virtual_router_id 51
    virtual_ipaddress {
        fe80::100/64
    }
"""


def seen(found: VrrpInstance | None) -> tuple[str, list[str], Virtual]:
    """Where advertisements go through, the addresses, and the links."""
    assert found is not None
    return found.device, [str(each) for each in found.all_addresses], found.virtual


class MainTests(SynchronousTestCase):
    def test_none(self) -> None:
        """Without a word about it there is none."""
        self.assertEqual(
            seen(good("")), ("eth0", ["192.0.2.10/24 dev eth0"], Virtual())
        )

    def test_ipv4(self) -> None:
        """RFC 9568, section 7.3: 00-00-5E-00-01 and the VRID."""
        self.assertEqual(
            seen(good("use_vmac")),
            ("vrrp.51", ["192.0.2.10/24 dev vrrp.51"], Virtual(MAIN)),
        )

    def test_ipv6(self) -> None:
        """00-00-5E-00-02 and the VRID, and an address to send from."""
        link = VirtualLink(
            *("vrrp.51", "eth0"),
            mac=MAC6,
            ipv4=False,
            ipv6=True,
            link_local=True,
            prefix="vrrp",
        )
        self.assertEqual(
            seen(good("use_vmac", basic=SIX)),
            ("vrrp.51", ["fe80::100/64 dev vrrp.51"], Virtual(link)),
        )

    def test_everything_said(self) -> None:
        """Name, address and group are taken; five octets are completed."""
        found = good("use_vmac vx 02:00:00:00:01 group 4")
        mac = bytes.fromhex("020000000133")
        self.assertEqual(
            found.virtual, Virtual(VirtualLink("vx", "eth0", mac=mac, group=4))
        )
        mac = bytes.fromhex("020000000102")
        found = good("use_vmac 02:00:00:00:01:02")
        assert found.virtual.main is not None
        self.assertEqual(found.virtual.main.mac, mac)

    def test_source(self) -> None:
        """IPv6 sends from a link-local address only where it is."""
        found = good("use_vmac\nmcast_src_ip fe80::7", basic=SIX).virtual.main
        assert found is not None
        self.assertEqual((str(found.address), found.length), ("fe80::7", 64))

    def test_transmit_base(self) -> None:
        """The addresses are on it, the advertisements are not."""
        self.assertEqual(
            seen(good("use_vmac\nvmac_xmit_base")),
            ("eth0", ["192.0.2.10/24 dev vrrp.51"], Virtual(MAIN, (), True)),
        )
        found = good("use_vmac\nvmac_xmit_base", basic=SIX)
        assert found.virtual.main is not None
        self.assertEqual(found.virtual.main.link_local, False)

    def test_transmit_base_alone(self) -> None:
        """It needs a virtual MAC."""
        found, said = instance("vmac_xmit_base")
        assert found is not None
        self.assertEqual(
            (found.virtual, said),
            (Virtual(), ["warning: (VI_1) vmac_xmit_base is only valid with a vmac"]),
        )

    def test_unicast(self) -> None:
        """Unicast goes from the base interface, with a word about it."""
        found, said = instance("use_vmac\nunicast_peer {\n192.0.2.2\n}")
        assert found is not None
        self.assertEqual(
            (found.device, said),
            (
                "eth0",
                [
                    "warning: (VI_1) unicast peers with use_vmac or use_ipvlan:"
                    " vmac_xmit_base is used"
                ],
            ),
        )

    def test_without_interface(self) -> None:
        """There is nothing that it could sit on."""
        basic = """
            virtual_router_id 51
            unicast_src_ip 192.0.2.1
            unicast_peer {
                192.0.2.2
            }
            virtual_ipaddress {
                192.0.2.10/24 dev eth1
            }
        """
        found, said = instance("use_vmac", basic=basic)
        assert found is not None
        self.assertEqual(
            (found.virtual, said),
            (
                Virtual(),
                [
                    "warning: (VI_1) use_vmac and use_ipvlan need an interface"
                    " - ignoring"
                ],
            ),
        )


class IpvlanTests(SynchronousTestCase):
    def test_ipv4(self) -> None:
        """It has its parent's MAC and an address of its own."""
        link = VirtualLink(
            "vrrp.51",
            "eth0",
            "ipvlan",
            flags=2,
            address=ip_address("192.0.2.7"),
            length=24,
            prefix="vrrp",
        )
        self.assertEqual(good("use_ipvlan 192.0.2.7/24 vepa").virtual, Virtual(link))

    def test_ipv4_without_address(self) -> None:
        """It cannot send then, unless it sends from its base interface."""
        found, said = instance("use_ipvlan")
        self.assertEqual(
            (seen(found)[0], said),
            (
                "vrrp.51",
                ["warning: (VI_1) use_ipvlan with IPv4 needs an address to send from"],
            ),
        )
        self.assertEqual(good("use_ipvlan\nvmac_xmit_base").device, "eth0")

    def test_address_of_the_other_family(self) -> None:
        """It is left out."""
        found, said = instance("use_ipvlan 192.0.2.7", basic=SIX)
        assert found is not None
        assert found.virtual.main is not None
        self.assertEqual(
            (found.virtual.main.address, found.virtual.main.length, said),
            (
                None,
                0,
                ["warning: (VI_1) ipvlan address 192.0.2.7 is not IPv6 - ignoring"],
            ),
        )

    def test_both(self) -> None:
        """The virtual MAC wins."""
        found, said = instance("use_vmac\nuse_ipvlan")
        self.assertEqual(
            (seen(found)[2], said),
            (
                Virtual(MAIN),
                [
                    "warning: (VI_1) Cannot use ipvlan with use_vmac"
                    " - ignoring use_ipvlan"
                ],
            ),
        )


class AddressTests(SynchronousTestCase):
    BASIC = """
        interface eth0
        virtual_router_id 51
        virtual_ipaddress {
            192.0.2.10/24
            192.0.2.11/24 dev eth0
            192.0.2.12/24 dev eth1
            192.0.2.13/24 dev eth1 use_vmac
        }
        virtual_ipaddress_excluded {
            2001:db8::10/64
            2001:db8::11/64 dev eth1
        }
    """
    ON_ETH1 = VirtualLink("vrrp1.51", "eth1", mac=MAC4, prefix="vrrp")

    def test_use_vmac_of_an_address(self) -> None:
        """Only where it is asked for; the other family stays on the main link."""
        both = VirtualLink("vrrp.51", "eth0", mac=MAC4, ipv6=True, prefix="vrrp")
        self.assertEqual(
            seen(good("use_vmac", basic=self.BASIC)),
            (
                "vrrp.51",
                [
                    "192.0.2.10/24 dev vrrp.51",
                    "192.0.2.11/24 dev eth0",
                    "192.0.2.12/24 dev eth1",
                    "192.0.2.13/24 dev vrrp1.51",
                    "2001:db8::10/64 dev vrrp.51",
                    "2001:db8::11/64 dev eth1",
                ],
                Virtual(both, (self.ON_ETH1,)),
            ),
        )

    def test_use_vmac_addr(self) -> None:
        """All addresses, each family on a link of its own."""
        six = {"mac": MAC6, "ipv4": False, "ipv6": True, "prefix": "vrrp"}
        six["link_local"] = True
        links = (
            self.ON_ETH1,
            VirtualLink("vrrp6.51", "eth0", **six),  # type: ignore[arg-type]
            VirtualLink("vrrp2.51", "eth1", **six),  # type: ignore[arg-type]
        )
        self.assertEqual(
            seen(good("use_vmac\nuse_vmac_addr", basic=self.BASIC)),
            (
                "vrrp.51",
                [
                    "192.0.2.10/24 dev vrrp.51",
                    "192.0.2.11/24 dev vrrp.51",
                    "192.0.2.12/24 dev vrrp1.51",
                    "192.0.2.13/24 dev vrrp1.51",
                    "2001:db8::10/64 dev vrrp6.51",
                    "2001:db8::11/64 dev vrrp2.51",
                ],
                Virtual(MAIN, links),
            ),
        )

    def test_without_main(self) -> None:
        """Addresses may have a virtual MAC although advertisements have none."""
        found = good(
            "",
            basic="interface eth0\nvirtual_router_id 51\n"
            "virtual_ipaddress {\n192.0.2.10/24 use_vmac\n}",
        )
        self.assertEqual(
            seen(found),
            ("eth0", ["192.0.2.10/24 dev vrrp.51"], Virtual(None, (MAIN,))),
        )


class NameTests(SynchronousTestCase):
    def test_taken(self) -> None:
        """Another instance has the name: generated ones avoid it, others are told."""
        text = "\n".join(
            f"vrrp_instance VI_{number} {{\ninterface eth{number}\n"
            f"virtual_router_id 51\nuse_vmac {name}\n"
            f"virtual_ipaddress {{\n192.0.2.{number}\n}}\n}}"
            for number, name in enumerate(("", "", "vrrp.51", "eth3"))
        )
        model, problems = build(tree(text))
        self.assertEqual(
            [each.device for each in model.instances.values()],
            ["vrrp.51", "vrrp1.51", "vrrp2.51", "vrrp3.51"],
        )
        self.assertEqual(
            messages(problems),
            [
                f"warning: (VI_{number}) interface name {name} is already in use"
                " - ignoring the name"
                for number, name in ((2, "vrrp.51"), (3, "eth3"))
            ],
        )

    def test_prefixes(self) -> None:
        """vmac_prefix is for both unless vmac_addr_prefix says otherwise."""
        basic = AddressTests.BASIC
        for shared, expected in (
            ("vmac_prefix lan", ["lan.51", "lan1.51"]),
            ("vmac_addr_prefix ip", ["vrrp.51", "ip.51"]),
        ):
            links = good("use_vmac", shared, basic).virtual.links
            self.assertEqual([each.name for each in links], expected)


class OtherTests(SynchronousTestCase):
    def test_vrf(self) -> None:
        """Where a unicast instance without interface sends."""
        basic = """
            virtual_router_id 51
            unicast_src_ip 192.0.2.1
            unicast_peer {
                192.0.2.2
            }
            virtual_ipaddress {
                192.0.2.10/24 dev eth1
            }
        """
        found = good("vrf red", basic=basic)
        self.assertEqual((found.interface, found.vrf, found.device), ("", "red", "red"))
        found_too, said = instance("vrf red")
        assert found_too is not None
        self.assertEqual(
            (found_too.device, said),
            (
                "eth0",
                ["warning: (VI_1) vrf red is ignored: interface eth0 tells the VRF"],
            ),
        )

    def test_accept(self) -> None:
        """A master answers on its addresses unless it must not."""
        self.assertEqual(
            [good(line).accept for line in ("", "accept", "no_accept")],
            [True, True, False],
        )

    def test_firewall(self) -> None:
        """global_defs say how the rules are written."""
        text = (
            "global_defs {\nnftables fw\nnftables_priority -5\nnftables_ifindex\n"
            "nftables_counters\ndisable_local_igmp\n}"
        )
        model, _ = build(tree(text))
        self.assertEqual(
            model.global_defs.firewall, FirewallDefs("fw", -5, True, True, False)
        )
