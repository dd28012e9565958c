"""What a reload has to do."""

from __future__ import annotations

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.diff import Difference, diff
from hanode.config.model import GlobalDefs, Model, VrrpInstance
from hanode.config.problems import Place

A = VrrpInstance("a", 1, "eth0", 4)
B = VrrpInstance("b", 2, "eth0", 4)
C = VrrpInstance("c", 3, "eth0", 4)


def model(*instances: VrrpInstance) -> Model:
    """A model with these instances."""
    return Model(instances={each.name: each for each in instances})


class DiffTests(SynchronousTestCase):
    def test_each_kind(self) -> None:
        """Added, removed, changed and unchanged instances are told apart."""
        new = model(replace(B, priority=7), C, replace(A, place=Place("x", 9, 9)))
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

    def test_global_defs(self) -> None:
        """A change of global_defs alone is a difference."""
        self.assertEqual(
            diff(model(A), replace(model(A), global_defs=GlobalDefs(router_id="x"))),
            Difference(unchanged=("a",), global_defs=True),
        )
