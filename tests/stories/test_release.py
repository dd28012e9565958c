"""Two nodes in memory: the service stops before the address leaves."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from hanode.config.model import Model
from hanode.processes import Exit
from hanode.rehearsal.cluster import Cluster, NoProcesses
from tests.stories.texts import VIP, instance

EXTRA = "release_script '/release now'\nrelease_timeout 3"


class ReleaseTests(SynchronousTestCase):
    """n1 is master and has a release script, which runs until the test ends it."""

    def setUp(self) -> None:
        """All is settled."""
        self.ends: list[Deferred[Any]] = []
        self.argvs: list[tuple[str, ...]] = []

        def run(_: object, argv: Any, *more: object) -> Deferred[Any]:
            self.argvs.append(tuple(argv))
            self.ends.append(Deferred())
            return self.ends[-1]

        self.patch(NoProcesses, "run", run)
        self.cluster = Cluster([instance(1, 150, extra=EXTRA), instance(2, 100)])
        self.cluster.run(5)
        self.assertEqual(self.cluster.masters("VI_1"), ["n1"])

    def stop(self) -> Deferred[Any]:
        """SIGTERM reaches n1."""
        node = self.cluster.boxes["n1"].node
        assert node is not None
        return node.stopService()

    def where(self) -> list[str]:
        """Who holds the address."""
        return self.cluster.holders(VIP[4])

    def test_stop(self) -> None:
        """The address stays until the script has ended, and then moves at once."""
        done = self.stop()
        self.cluster.run(2)
        self.assertNoResult(done)
        self.assertEqual((self.argvs, self.where()), ([("/release", "now")], ["n1"]))
        node: Any = self.cluster.boxes["n1"].node
        self.assertTrue(node.instance("VI_1").describe()["releasing"])
        self.ends[0].callback(Exit(0))
        self.successResultOf(done)
        self.cluster.run(0.2)
        self.assertEqual(self.where(), ["n2"])

    def test_too_long(self) -> None:
        """It is not waited for longer than that; and it may end, or fail, later."""
        done = self.stop()
        self.cluster.run(2.9)
        self.assertEqual(self.where(), ["n1"])
        self.cluster.run(0.3)
        self.successResultOf(done)
        self.assertEqual(self.where(), ["n2"])
        self.ends[0].errback(OSError("too late"))

    def test_better_master(self) -> None:
        """When another one takes over meanwhile, the address goes to it."""
        done = self.stop()
        self.cluster.run(0.5)
        self.cluster.reload("n2", instance(2, 200))
        self.cluster.run(1)
        self.successResultOf(done)
        self.assertEqual(self.where(), ["n2"])

    def test_unplugged(self) -> None:
        """Without a cable there is nothing to wait for; the script runs."""
        self.cluster.unplug("n1")
        self.cluster.run(0.01)
        self.assertEqual(self.where(), [])
        self.assertEqual(self.argvs, [("/release", "now")])

    def test_removed(self) -> None:
        """What a reload removes lets go at once, and the script runs beside."""
        self.cluster.reload("n1", Model())
        self.assertEqual(self.where(), [])
        self.assertEqual(self.argvs, [("/release", "now")])
        self.ends[0].callback(Exit(1))

    def test_again(self) -> None:
        """An earlier run that ends late does not end a later one."""
        self.cluster.unplug("n1")
        self.cluster.run(0.01)
        self.cluster.plug("n1")
        self.cluster.run(5)
        self.assertEqual(self.where(), ["n1"])
        done = self.stop()
        self.ends[0].callback(Exit(0))
        self.cluster.run(1)
        self.assertNoResult(done)
        self.ends[1].callback(Exit(0))
        self.successResultOf(done)
