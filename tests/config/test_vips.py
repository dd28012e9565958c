"""The virtual addresses of an instance."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.build import build
from hanode.config.vips import room
from tests.config.reading import good, instance, messages, tree

HEAD = "interface eth0\nvirtual_router_id 1\n"


def held(text: str) -> tuple[list[str], list[str], list[str]]:
    """The advertised and the excluded addresses, and what is said."""
    found, said = instance(text, basic=HEAD)
    assert found is not None, said
    return [str(a) for a in found.addresses], [str(a) for a in found.excluded], said


class DeviceTests(SynchronousTestCase):
    def test_device(self) -> None:
        """The instance's interface, unless the address names another."""
        self.assertEqual(
            held("virtual_ipaddress {\n192.0.2.1\n192.0.2.2 dev eth1\n}"),
            (["192.0.2.1/32 dev eth0", "192.0.2.2/32 dev eth1"], [], []),
        )

    def test_without_interface(self) -> None:
        """An instance without an interface uses default_interface."""
        basic = """
            virtual_router_id 1
            unicast_src_ip 192.0.2.1
            unicast_peer {
                192.0.2.2
            }
            virtual_ipaddress {
                192.0.2.3
            }
        """
        devices = []
        for shared in ("", "default_interface eth9"):
            found, said = instance("", shared, basic)
            assert found is not None
            devices.append((found.addresses[0].device, said))
        self.assertEqual(
            devices,
            [
                (name, [f"warning: (VI_1) no interface for 192.0.2.3: using {name}"])
                for name in ("eth0", "eth9")
            ],
        )


class FamilyTests(SynchronousTestCase):
    def test_other_family(self) -> None:
        """Only virtual_ipaddress_excluded takes addresses of the other family."""
        self.assertEqual(
            held(
                "virtual_ipaddress {\n192.0.2.1\n2001:db8::1\n}\n"
                "virtual_ipaddress_excluded {\n2001:db8::2\n192.0.2.2\n}"
            ),
            (
                ["192.0.2.1/32 dev eth0"],
                ["2001:db8::2/128 dev eth0", "192.0.2.2/32 dev eth0"],
                [
                    "warning: (VI_1) address family must match VRRP instance "
                    "[2001:db8::1] - ignoring"
                ],
            ),
        )


class DuplicateTests(SynchronousTestCase):
    def test_in_one_instance(self) -> None:
        """An address is held once, advertised rather than excluded."""
        self.assertEqual(
            held(
                "virtual_ipaddress {\n192.0.2.1\n192.0.2.1/24 label a\n"
                "192.0.2.1 dev eth1\n}\nvirtual_ipaddress_excluded {\n192.0.2.1\n}"
            ),
            (
                ["192.0.2.1/32 dev eth0", "192.0.2.1/32 dev eth1"],
                [],
                [
                    "warning: (VI_1) VIP 192.0.2.1 is already configured in VI_1"
                    " - ignoring"
                ]
                * 2,
            ),
        )

    def test_in_two_instances(self) -> None:
        """The first instance that runs keeps it."""
        body = "interface eth0\nvirtual_ipaddress {\n192.0.2.1\n}\n"
        text = "".join(
            f"vrrp_instance {name} {{\n{body}{more}\n}}\n"
            for name, more in (
                ("refused", ""),
                ("a", "virtual_router_id 1"),
                ("b", "virtual_router_id 2\nno_virtual_ipaddress"),
            )
        )
        model, problems = build(tree(text))
        self.assertEqual(
            {name: len(each.addresses) for name, each in model.instances.items()},
            {"a": 1, "b": 0},
        )
        self.assertEqual(
            messages(problems),
            [
                "dropped: (refused) the virtual router id must be set",
                "warning: (b) VIP 192.0.2.1 is already configured in a - ignoring",
            ],
        )


class RoomTests(SynchronousTestCase):
    def test_room(self) -> None:
        """One octet counts them; IPv6 addresses fill an MTU before that."""
        self.assertEqual((room(4, 0), room(6, 0)), (255, 90))

    def test_authentication(self) -> None:
        """An authentication that needs room of its own leaves less for addresses."""
        self.assertEqual((room(4, 28), room(6, 28), room(4, 600)), (255, 89, 216))

    def test_too_many(self) -> None:
        """What does not fit is held, but not advertised."""
        lines = "\n".join(f"2001:db8::{n:x}/64" for n in range(1, 93))
        advertised, excluded, said = held(
            f"virtual_ipaddress {{\n{lines}\n}}\n"
            "virtual_ipaddress_excluded {\n192.0.2.1\n}"
        )
        self.assertEqual(len(advertised), 90)
        self.assertEqual(
            excluded,
            [
                "2001:db8::5b/64 dev eth0",
                "2001:db8::5c/64 dev eth0",
                "192.0.2.1/32 dev eth0",
            ],
        )
        self.assertEqual(
            said,
            [
                "warning: (VI_1) Number of VIPs (92) exceeds maximum/space available "
                "in packet (max 90 addresses) - excess moved to eVIPs"
            ],
        )

    def test_exactly_full(self) -> None:
        """255 IPv4 addresses fit."""
        lines = "\n".join(f"10.0.0.{n}" for n in range(1, 256))
        found = good("", basic=f"{HEAD}virtual_ipaddress {{\n{lines}\n}}")
        self.assertEqual((len(found.addresses), found.excluded), (255, ()))
