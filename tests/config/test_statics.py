"""static_ipaddress and its like, track_group and garp_group."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.build import build
from hanode.config.model import Address, Model
from hanode.config.static_model import GarpGroup, Statics
from tests.config.reading import BASIC, messages, tree

INSTANCE = f"vrrp_instance VI_1 {{\n{BASIC}\n}}\n"


def read(text: str) -> tuple[Model, list[str]]:
    """The model of C{text} and an instance VI_1, and what is said."""
    model, problems = build(tree(text + "\n" + INSTANCE))
    return model, messages(problems)


class StaticTests(SynchronousTestCase):
    def test_all(self) -> None:
        """Addresses, routes and rules with their groups."""
        model, problems = read(
            """
            track_group G {
                group {
                    VI_1
                }
            }
            static_ipaddress {
                198.51.100.1/24 dev eth1 track_group G
            }
            static_routes {
                10.0.0.0/8 dev eth1 track_group G
            }
            static_rules {
                from 10.0.0.0/8 table 5 preference 7 track_group G
            }
            """
        )
        self.assertEqual(problems, [])
        statics = model.statics
        self.assertEqual(
            [str(each) for each in statics.addresses], ["198.51.100.1/24 dev eth1"]
        )
        self.assertEqual(str(statics.routes[0]), "10.0.0.0/8 dev eth1")
        self.assertEqual(str(statics.rules[0]), "7: from 10.0.0.0/8 table 5")
        self.assertEqual((statics.groups, bool(statics)), (("G",), True))
        self.assertEqual(model.instances["VI_1"].track_groups, ("G",))

    def test_none(self) -> None:
        """Without any there is nothing."""
        model, _ = read("")
        self.assertEqual((model.statics, bool(model.statics)), (Statics(), False))
        self.assertEqual(model.instances["VI_1"].track_groups, ())

    def test_default_interface(self) -> None:
        """An address without dev goes to default_interface."""
        model, problems = read(
            "global_defs {\ndefault_interface lan0\n}\n"
            "static_ipaddress {\n198.51.100.1\n198.51.100.1 dev lan0\n}"
        )
        wanted = (Address(ip_address("198.51.100.1"), 32, "lan0"),)
        self.assertEqual(model.statics.addresses, wanted)
        self.assertIn("is there already", problems[0])

    def test_doubts(self) -> None:
        """Groups that are not there, members that are not there, empty groups."""
        _, problems = read(
            """
            track_group G {
                group {
                    VI_1 VI_9
                }
            }
            track_group H {
            }
            static_routes {
                blackhole 10.0.0.0/8 track_group X
            }
            """
        )
        self.assertEqual(
            problems,
            [
                "dropped: (H) track_group H has no members - ignoring",
                "warning: track_group X not found",
                "warning: track_group G: there is no vrrp_instance VI_9",
            ],
        )

    def test_names_of_iproute2(self) -> None:
        """iproute_etc_dir tells where the names are."""
        folder = self.mktemp()
        Path(folder).mkdir()
        (Path(folder) / "rt_tables").write_text("77 mine\n")
        model, problems = read(
            f"global_defs {{\niproute_etc_dir {folder}\n}}\n"
            "static_routes {\nblackhole 10.0.0.0/8 table mine\n}"
        )
        self.assertEqual((model.statics.routes[0].table, problems), (77, []))

    def test_routes_of_an_instance(self) -> None:
        """virtual_routes and virtual_rules; the numbers go on from the static rules."""
        text = """
            static_rules {
                from 10.0.0.0/8 table 1
            }
            vrrp_instance VI_2 {
                interface eth0
                virtual_router_id 52
                virtual_ipaddress {
                    192.0.2.11
                }
                virtual_routes {
                    blackhole 10.0.0.0/8
                }
                virtual_rules {
                    to 10.0.0.0/8 table 1
                }
            }
        """
        instance = read(text)[0].instances["VI_2"]
        self.assertEqual(str(instance.routes[0]), "blackhole 10.0.0.0/8")
        self.assertEqual(instance.rules[0].preference, 16383)


class GarpGroupTests(SynchronousTestCase):
    def test_groups(self) -> None:
        """Interfaces share a pace, which is the global one where none is given."""
        model, problems = read(
            """
            global_defs {
                vrrp_garp_interval 0.5
            }
            garp_group {
                gna_interval 0.25
                interfaces {
                    eth0 eth1
                }
            }
            garp_group {
                interface eth2
                garp_interval 0.1
            }
            garp_group {
                interface eth1
            }
            """
        )
        self.assertEqual(
            model.garp_groups,
            (
                GarpGroup(frozenset({"eth0", "eth1"}), 0.5, 0.25),
                GarpGroup(frozenset({"eth2"}), 0.1, 0.0),
            ),
        )
        self.assertEqual(
            problems,
            [
                "warning: garp_group: interface eth1 already in another group"
                " - ignoring",
                "warning: garp_group has no interfaces - ignoring",
            ],
        )

    def test_extra(self) -> None:
        """garp_extra_if is about addresses on other interfaces than the instance's."""
        text = """
            vrrp_instance VI_2 {
                interface eth0
                virtual_router_id 52
                garp_extra_if all 30
                virtual_ipaddress {
                    192.0.2.11
                    192.0.2.12 dev eth1
                }
            }
        """
        instance = read(text)[0].instances["VI_2"]
        self.assertEqual(instance.garp.extra_interval, 30.0)
        extra = [str(each.address) for each in instance.extra_addresses]
        self.assertEqual(extra, ["192.0.2.12"])

    def test_extra_without_all(self) -> None:
        """Without all only virtual MACs count; the old word is named as old."""
        text = """
            global_defs {
                vrrp_vmac_garp_intvl 30
                vrrp_garp_extra_if
            }
        """
        model, problems = read(text)
        garp = model.instances["VI_1"].garp
        self.assertEqual((garp.extra_interval, garp.extra_all), (30.0, False))
        self.assertIn("is deprecated - please use garp_extra_if", problems[0])
        self.assertIn("missing a parameter", problems[1])
