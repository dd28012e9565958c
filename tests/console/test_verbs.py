"""What the node can be told."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hanode.console.verbs import Verbs
from tests.console.node import Node, Reloader


class BfdAdminTests(SynchronousTestCase):
    def setUp(self):
        self.node = Node(Clock())
        self.verbs = Verbs(self.node, Reloader())

    def test_downAndUp(self):
        """The wish is a fact as long as it is one; its end is told too."""
        fact = "admin:bfd:peer"
        self.verbs.bfd_admin("peer", up=False)
        self.assertEqual(self.node.facts.get(fact), "down")
        self.verbs.bfd_admin("peer", up=True)
        self.assertIsNone(self.node.facts.get(fact))
        self.verbs.bfd_admin("peer", up=False)
        self.assertEqual(
            self.node.bfd.wishes, [(fact, "down"), (fact, "up"), (fact, "down")]
        )

    def test_upWithoutWish(self):
        """A session that nobody disabled is left alone."""
        self.verbs.bfd_admin("peer", up=True)
        self.assertEqual(self.node.bfd.wishes, [])

    def test_unknown(self):
        """A session that does not exist is a LookupError, and no fact."""
        with self.assertRaises(LookupError):
            self.verbs.bfd_admin("nobody", up=False)
        self.assertIsNone(self.node.facts.get("admin:bfd:nobody"))
        self.assertEqual(self.verbs.bfd_names(), ["far", "peer"])
