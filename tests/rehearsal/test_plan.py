"""Where the hosts of a lab stand, and what addresses they get."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.bfd_model import BfdParameters
from hanode.rehearsal.cluster import parse
from hanode.rehearsal.plan import Member, Plan, Unplayable, plan
from hanode.rehearsal.timing import loss_time

TEXT = """
vrrp_instance VI {{
    interface {interface}
    virtual_router_id {vrid}
    priority {priority}
    {more}
    virtual_ipaddress {{
        {vip}
    }}
}}
"""


def member(
    name: str,
    interface: str = "eth0",
    vrid: int = 1,
    priority: int = 100,
    vip: str = "10.0.0.1/24",
    more: str = "",
) -> Member:
    """A node with one instance."""
    text = TEXT.format(
        interface=interface, vrid=vrid, priority=priority, vip=vip, more=more
    )
    return Member(name, f"{name}.conf", parse(text))


class PlanTests(SynchronousTestCase):
    def addresses(self, *members: Member) -> dict[tuple[str, str], list[str]]:
        return plan(members).addresses

    def test_free(self) -> None:
        """Each host and the client get a free address of the virtual one's network."""
        made = plan([member("a"), member("b")])
        self.assertEqual(
            made.addresses,
            {("a", "eth0"): ["10.0.0.2/24"], ("b", "eth0"): ["10.0.0.3/24"]},
        )
        self.assertEqual(made.client, ["10.0.0.4/24"])

    def test_host_prefix(self) -> None:
        """A virtual address without a network has one of /24 around it."""
        vip = "10.0.0.200"
        self.assertEqual(
            self.addresses(member("a", vip=vip), member("b", vip=vip)),
            {("a", "eth0"): ["10.0.0.1/24"], ("b", "eth0"): ["10.0.0.2/24"]},
        )

    def test_bfd(self) -> None:
        """source_ip is the host's address; without one, what its neighbour says."""
        text = (
            "bfd_instance peer {{ neighbor_ip 10.0.0.{0}\n {1} }}\n"
            "vrrp_instance VI {{ interface eth0\n virtual_router_id 1\n priority {2}\n"
            " virtual_ipaddress {{ 10.0.0.1/24 }} track_bfd {{ peer weight 20 }} }}\n"
        )
        for there in ("source_ip 10.0.0.52", ""):
            made = self.addresses(
                Member("a", "a.conf", parse(text.format(52, "", 100))),
                Member("b", "b.conf", parse(text.format(51, there, 90))),
            )
            self.assertEqual(
                made,
                {
                    ("a", "eth0"): ["10.0.0.51/24"],
                    ("b", "eth0"): ["10.0.0.52/24"],
                },
            )

    def test_watches(self) -> None:
        """fast_failover and a weighted track_bfd tell of the master's loss at once."""
        text = (
            "bfd_instance peer {{ neighbor_ip 10.0.0.9\n multiplier 3 }}\n"
            "vrrp_instance VI {{ interface eth0\n virtual_router_id 1\n"
            " virtual_ipaddress {{ 10.0.0.1/24 }} {0} }}\n"
        )
        for words, wanted in (
            ("", []),
            ("track_bfd { peer }", []),
            ("track_bfd { peer weight 20 }", [3]),
            ("fast_failover { multiplier 4 }", [4]),
        ):
            members = [
                Member("a", "a.conf", parse(text.format(words))),
                Member("b", "b.conf", parse(text.format(""))),
            ]
            found = plan(members).watches("a")
            self.assertEqual([each.multiplier for each in found], wanted, words)
        self.assertEqual(plan(members).watches("nobody"), [])
        ten = BfdParameters(multiplier=3)
        settings = members[0].model.instances["VI"]
        self.assertAlmostEqual(loss_time(settings, [ten]), 0.03 + 0.01 * 156 / 256)
        self.assertAlmostEqual(loss_time(settings), 3 + 156 / 256)

    def test_unicast_source(self) -> None:
        """unicast_src_ip is the host's address."""
        a = "unicast_src_ip 10.0.0.11\nunicast_peer {\n10.0.0.12\n}"
        b = "unicast_src_ip 10.0.0.12\nunicast_peer {\n10.0.0.11\n}"
        self.assertEqual(
            self.addresses(member("a", more=a), member("b", more=b)),
            {("a", "eth0"): ["10.0.0.11/24"], ("b", "eth0"): ["10.0.0.12/24"]},
        )

    def test_unicast_peers(self) -> None:
        """Without unicast_src_ip a host has the address that its peer names."""
        a = "unicast_peer {\n10.0.0.12\n}"
        b = "unicast_peer {\n10.0.0.11\n}"
        self.assertEqual(
            self.addresses(member("a", more=a), member("b", more=b)),
            {("a", "eth0"): ["10.0.0.11/24"], ("b", "eth0"): ["10.0.0.12/24"]},
        )

    def test_names_differ(self) -> None:
        """Interfaces of one virtual router are on one wire, whatever their names."""
        made = plan([member("a", "ens3"), member("b", "eth1")])
        self.assertEqual(made.wires, [{("a", "ens3"), ("b", "eth1")}])

    def test_best(self) -> None:
        """The best is who has the highest priority, then the highest address."""
        made: Plan = plan([member("a"), member("b"), member("c", priority=90)])
        self.assertEqual(made.best(["a", "b", "c"]), "b")
        self.assertEqual(made.best(["a", "c"]), "a")
        self.assertIs(made.best([]), None)

    def test_nothing_in_common(self) -> None:
        """Nodes that share no virtual router cannot be played."""
        error = self.assertRaises(Unplayable, plan, [member("a"), member("b", vrid=2)])
        self.assertIn("a.conf", str(error))
