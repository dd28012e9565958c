"""What a reload has to do."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.balance_model import BalanceDefs, VirtualServer
from hanode.config.bfd_model import BfdInstance, BfdRoute, BfdUnsolicited
from hanode.config.diff import Difference, diff
from hanode.config.model import GlobalDefs, Model, NodeDefs, VrrpInstance
from hanode.config.problems import Place
from hanode.config.track_model import Description

HERE = Place("x", 9, 9)
A = VrrpInstance("a", 1, "eth0", 4)
B = VrrpInstance("b", 2, "eth0", 4)
C = VrrpInstance("c", 3, "eth0", 4)


def model(*instances: VrrpInstance) -> Model:
    """A model with these instances."""
    return Model(instances={each.name: each for each in instances})


class DiffTests(SynchronousTestCase):
    def test_each_kind(self) -> None:
        """Added, removed, changed and unchanged instances are told apart."""
        new = model(replace(B, priority=7), C, replace(A, place=HERE))
        difference = diff(model(A, B, VrrpInstance("d", 4, "eth0", 4)), new)
        self.assertEqual(difference, Difference(("c",), ("d",), ("b",), ("a",)))
        self.assertTrue(difference)
        self.assertEqual(
            str(difference), "1 added (c), 1 removed (d), 1 changed (b), 1 unchanged"
        )

    def test_nothing(self) -> None:
        """The same model again is no difference."""
        difference = diff(model(A, B), model(A, B))
        self.assertFalse(difference)
        self.assertEqual(str(difference), "0 added, 0 removed, 0 changed, 2 unchanged")

    def test_bfd(self) -> None:
        """Sessions are compared by name, too, and shown only where they differ."""
        routes = [BfdRoute(ip_address(f"192.0.2.{n}")) for n in range(4)]
        p, q, r, s = (BfdInstance(n, to) for n, to in zip("pqrs", routes, strict=True))
        old = Model(bfd_instances={each.name: each for each in (p, q, r)})
        new = Model(
            bfd_instances={
                each.name: each
                for each in (s, replace(q, weight=5), replace(r, place=HERE))
            },
        )
        difference = diff(old, new)
        self.assertEqual(
            difference,
            Difference(bfd_added=("s",), bfd_removed=("p",), bfd_changed=("q",)),
        )
        self.assertTrue(difference)
        self.assertEqual(
            str(difference),
            "0 added, 0 removed, 0 changed, 0 unchanged, "
            "1 BFD added (s), 1 BFD removed (p), 1 BFD changed (q)",
        )

    def test_unsolicited_and_node(self) -> None:
        """Who may ask for a session, and how to look in."""
        new = Model(bfd_unsolicited=(BfdUnsolicited("eth0"),), node=NodeDefs(""))
        difference = diff(Model(), new)
        self.assertEqual(difference, Difference(bfd_unsolicited=True, node=True))
        self.assertEqual(
            str(difference),
            "0 added, 0 removed, 0 changed, 0 unchanged, "
            "bfd_unsolicited changed, hanode block changed",
        )
        moved = replace(new, bfd_unsolicited=(BfdUnsolicited("eth0", place=HERE),))
        self.assertFalse(diff(new, moved))

    def test_virtual_servers(self) -> None:
        """Virtual servers by their names, and what concerns them all."""
        p, q, r, s = (VirtualServer(name, ()) for name in "pqrs")
        old = Model(virtual_servers={each.name: each for each in (p, q, r)})
        new = Model(
            virtual_servers={
                each.name: each
                for each in (s, replace(q, quorum=5), replace(r, place=HERE))
            },
            balance=BalanceDefs(flush=True),
        )
        difference = diff(old, new)
        self.assertEqual(
            difference,
            Difference(
                virtual_added=("s",),
                virtual_removed=("p",),
                virtual_changed=("q",),
                balance=True,
            ),
        )
        self.assertTrue(difference)
        self.assertEqual(
            str(difference),
            "0 added, 0 removed, 0 changed, 0 unchanged, "
            "1 virtual server added (s), 1 virtual server removed (p), "
            "1 virtual server changed (q), load balancing settings changed",
        )

    def test_trackers(self) -> None:
        """What can be tracked, described otherwise."""
        files = {"file": {"load": Description("file", "load", 5)}}
        difference = diff(model(A), replace(model(A), trackers=files))
        self.assertEqual(difference, Difference(unchanged=("a",), trackers=True))
        self.assertTrue(str(difference).endswith("1 unchanged, trackers changed"))

    def test_hundreds(self) -> None:
        """Of many names only the first are shown."""
        names = [f"v{number}" for number in range(22)]
        new = Model(virtual_servers={each: VirtualServer(each, ()) for each in names})
        self.assertTrue(
            str(diff(Model(), new)).endswith(
                "22 virtual servers added (v0, v1, v2, v3, v4, v5, v6, v7, v8, v9, "
                "v10, v11, v12, v13, v14, v15, v16, v17, v18, v19 and 2 more)"
            )
        )

    def test_global_defs(self) -> None:
        """A change of global_defs alone is a difference."""
        self.assertEqual(
            diff(model(A), replace(model(A), global_defs=GlobalDefs(router_id="x"))),
            Difference(unchanged=("a",), global_defs=True),
        )
