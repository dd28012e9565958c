"""Where advertisements come from and go to."""

from __future__ import annotations

from ipaddress import ip_address

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.model import UnicastPeer
from tests.config.reading import good, instance

PEER = "unicast_peer {\n192.0.2.2\n}"


class FamilyTests(SynchronousTestCase):
    def family(self, lines: str) -> int:
        """The family of an instance whose own words are C{lines} only."""
        basic = f"interface eth0\nvirtual_router_id 1\n{lines}"
        found, _ = instance("version 2\nno_virtual_ipaddress", basic=basic)
        assert found is not None
        return found.family

    def test_first_address_decides(self) -> None:
        """Peers, source, group or virtual addresses: what comes first."""
        self.assertEqual(
            [
                self.family(lines)
                for lines in (
                    "",
                    "virtual_ipaddress {\n}\nunicast_src_ip ::1",
                    "unicast_peer {\n::1\n}\nvirtual_ipaddress {\n192.0.2.1\n}",
                    "mcast_dst_ip ff02::13\nmcast_src_ip 192.0.2.1",
                    "virtual_ipaddress {\n192.0.2.1\n}\nmcast_src_ip ::1",
                )
            ],
            [4, 6, 6, 6, 4],
        )


class SourceTests(SynchronousTestCase):
    def test_source(self) -> None:
        """unicast_src_ip and mcast_src_ip are the same setting."""
        for keyword in ("unicast_src_ip", "mcast_src_ip"):
            self.assertEqual(
                good(f"{keyword} 192.0.2.1").source, ip_address("192.0.2.1")
            )

    def test_other_family(self) -> None:
        """A source of the other family is ignored."""
        found, said = instance("unicast_src_ip 2001:db8::1")
        assert found is not None
        self.assertEqual(
            (found.source, said),
            (
                None,
                ["warning: (VI_1) source address 2001:db8::1 is not IPv4 - ignoring"],
            ),
        )


class GroupTests(SynchronousTestCase):
    def test_group(self) -> None:
        """mcast_dst_ip comes before vrrp_mcast_group4."""
        self.assertEqual(
            str(
                good(
                    "mcast_dst_ip 224.0.0.7", "vrrp_mcast_group4 224.0.0.8"
                ).multicast_group
            ),
            "224.0.0.7",
        )

    def test_other_family(self) -> None:
        """A group of the other family is ignored."""
        found, said = instance("mcast_dst_ip ff02::13")
        assert found is not None
        self.assertEqual(
            (str(found.multicast_group), said),
            (
                "224.0.0.18",
                ["warning: (VI_1) mcast_dst_ip ff02::13 is not IPv4 - ignoring"],
            ),
        )


class PeerTests(SynchronousTestCase):
    def test_unicast(self) -> None:
        """Peers make the instance unicast."""
        found = good(f"{PEER}\nunicast_ttl 64")
        self.assertEqual(
            (found.unicast, found.unicast_peers, found.unicast_ttl),
            (True, (UnicastPeer(ip_address("192.0.2.2")),), 64),
        )

    def test_ttls_check_the_source(self) -> None:
        """A TTL limit of a peer makes its address count, too."""
        for limit in ("min_ttl 254", "max_ttl 255"):
            self.assertTrue(
                good(f"unicast_peer {{\n192.0.2.2 {limit}\n}}").check_unicast_src
            )
        self.assertFalse(good(PEER).check_unicast_src)

    def test_useless_peers(self) -> None:
        """Strangers, this node and duplicates are left out."""
        found, said = instance(
            "unicast_src_ip 192.0.2.1\n"
            "unicast_peer {\n::1\n192.0.2.1\n192.0.2.2\n192.0.2.2\n}"
        )
        assert found is not None
        self.assertEqual(found.unicast_peers, (UnicastPeer(ip_address("192.0.2.2")),))
        self.assertEqual(
            said,
            [
                "warning: (VI_1) unicast peer address[::1] MUST be of the same family "
                "!!! Skipping...",
                "warning: (VI_1) unicast peer address[192.0.2.1] is this node's own "
                "unicast_src_ip - ignoring",
                "warning: (VI_1) unicast peer address[192.0.2.2] is a duplicate "
                "- ignoring",
            ],
        )

    def test_empty_list(self) -> None:
        """Without a peer it is multicast, or FAULT where that was asked for."""
        self.assertEqual(
            [
                instance("unicast_peer {\n}")[1],
                instance("unicast_fault_no_peer\nunicast_peer {\n}")[1],
            ],
            [
                [
                    "warning: (VI_1) A unicast keyword has been specified without any "
                    "unicast peers. Defaulting to multicast."
                ],
                [
                    "warning: (VI_1) unicast_peer list is empty and "
                    "unicast_fault_no_peer is set"
                ],
            ],
        )

    def test_ttl_without_peers(self) -> None:
        """unicast_ttl means nothing without peers."""
        self.assertEqual(
            instance("unicast_ttl 3")[1],
            [
                "warning: (VI_1) Cannot use unicast_ttl without unicast peers "
                "- resetting"
            ],
        )
