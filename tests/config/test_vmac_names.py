"""Names of virtual links that are not free."""

from __future__ import annotations

from itertools import islice

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.build import build
from hanode.config.vmac_names import links, names, renamed
from tests.config.reading import tree

TEXT = """
vrrp_instance A {
    interface eth0
    virtual_router_id 7
    use_vmac
    use_vmac_addr
    virtual_ipaddress {
        192.0.2.1
        192.0.2.2 dev eth1
    }
    virtual_ipaddress_excluded {
        2001:db8::1
        192.0.2.3 dev eth2
    }
}
vrrp_instance B {
    interface eth0
    virtual_router_id 8
    use_vmac vx
    virtual_ipaddress {
        192.0.2.4
    }
}
vrrp_instance C {
    interface eth0
    virtual_router_id 9
    virtual_ipaddress {
        192.0.2.5 use_vmac
    }
}
"""


class NameTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.model, _ = build(tree(TEXT))

    def seen(self, *strangers: str) -> tuple[list[str], list[str]]:
        """The links and the addresses when these names are taken."""
        found = renamed(self.model, strangers)
        addresses = [
            f"{each.address} {each.device}"
            for one in found.instances.values()
            for each in one.all_addresses
        ]
        return [each.name for each in links(found)], addresses

    def test_candidates(self) -> None:
        """In keepalived's order."""
        self.assertEqual(
            [list(islice(names("vrrp", 7, family), 8)) for family in (4, 6)],
            [
                [f"vrrp{n}.7" for n in ("", 1, 2, 3, 4, 5, 7, 8)],
                [f"vrrp{n}.7" for n in ("", 6, 1, 2, 3, 4, 5, 7)],
            ],
        )

    def test_free(self) -> None:
        """Nothing is changed without need."""
        self.assertEqual(renamed(self.model, {"eth0"}), self.model)
        self.assertEqual(
            self.seen(),
            (
                ["vrrp.7", "vrrp1.7", "vrrp6.7", "vrrp2.7", "vx", "vrrp.9"],
                [
                    "192.0.2.1 vrrp.7",
                    "192.0.2.2 vrrp1.7",
                    "2001:db8::1 vrrp6.7",
                    "192.0.2.3 vrrp2.7",
                    "192.0.2.4 vx",
                    "192.0.2.5 vrrp.9",
                ],
            ),
        )

    def test_taken(self) -> None:
        """The next free one, and the addresses with it; a given name stays."""
        self.assertEqual(
            self.seen("vrrp.7", "vrrp6.7", "vx", "vrrp.9"),
            (
                ["vrrp3.7", "vrrp1.7", "vrrp4.7", "vrrp2.7", "vx", "vrrp1.9"],
                [
                    "192.0.2.1 vrrp3.7",
                    "192.0.2.2 vrrp1.7",
                    "2001:db8::1 vrrp4.7",
                    "192.0.2.3 vrrp2.7",
                    "192.0.2.4 vx",
                    "192.0.2.5 vrrp1.9",
                ],
            ),
        )
