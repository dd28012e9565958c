"""Reloads: read here or aside, taken as a whole or refused."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from hanode.config.build import build
from hanode.config.diff import Difference, diff
from hanode.config.model import Model, NodeDefs
from hanode.config.problems import Problem, Severity
from hanode.config.process_model import ProcessDefs
from hanode.reload import Outcome, Reloading
from tests.config.reading import BASIC, tree

WARNING = Problem(Severity.WARNING, None, "odd")
DROPPED = Problem(Severity.DROPPED, None, "no")


class Source:
    """Gives what a test wants; C{asked} are the readings by another process."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.found: Any = (Model(), [])
        self.asked: list[Deferred[Any]] = []
        self.paths: list[str | None] = []

    def load(self) -> Any:
        """Here and now."""
        if isinstance(self.found, Exception):
            raise self.found
        return self.found

    def load_aside(self, processes: Any, present: Model, path: Any = None) -> Any:
        """Later."""
        self.asked.append(Deferred())
        self.paths.append(path)
        return self.asked[-1]


class ReloadCase(SynchronousTestCase):
    """A node that only remembers."""

    def setUp(self) -> None:
        """Its reloads, and when they began and ended."""
        self.source = Source()
        self.node: Any = SimpleNamespace(
            model=Model(), world=SimpleNamespace(processes=None)
        )
        self.applied: list[Model] = []
        self.told: list[str] = []
        self.reloading = Reloading(
            self.source,
            self.node,
            self.apply,
            lambda: self.told.append("began"),
            lambda: self.told.append("ended"),
        )

    def apply(self, model: Model) -> Difference:
        """Take it."""
        found = diff(self.node.model, model)
        self.applied.append(model)
        self.node.model = model
        return found


class ReloadTests(ReloadCase):
    """Claims about L{Reloading.reload}."""

    def test_short(self) -> None:
        """What takes no time is read here."""
        model = Model(node=NodeDefs(""))
        self.source.found = (model, [WARNING])
        outcome = self.successResultOf(self.reloading.reload())
        self.assertEqual(
            outcome,
            Outcome(False, ("warning: odd",), str(diff(Model(), model)), True),
        )
        self.assertEqual((self.applied, self.source.asked), ([model], []))
        self.assertEqual(self.told, ["began", "ended"])

    def test_long(self) -> None:
        """What takes its time is applied when the other process has read it."""
        self.source.seconds = 1.0
        asked = self.reloading.reload()
        self.assertNoResult(asked)
        self.assertEqual((self.applied, self.told), ([], ["began"]))
        self.source.asked[0].callback((Model(), []))
        self.assertFalse(self.successResultOf(asked).changes)
        self.assertEqual(self.applied, [Model()])

    def test_again(self) -> None:
        """Whoever asks meanwhile is answered by one more reading afterwards."""
        self.source.seconds = 1.0
        first, *others = [self.reloading.reload() for _ in range(3)]
        self.assertEqual(len(self.source.asked), 1)
        self.source.asked[0].callback((Model(), [DROPPED]))
        self.assertTrue(self.successResultOf(first).refused)
        for each in others:
            self.assertNoResult(each)
        self.assertEqual(len(self.source.asked), 2)
        self.source.asked[1].callback((Model(), []))
        for each in others:
            self.assertFalse(self.successResultOf(each).refused)
        self.assertEqual((len(self.source.asked), self.applied), (2, [Model()]))

    def test_refused(self) -> None:
        """A broken configuration changes nothing, and every problem is told."""
        self.source.found = (Model(), [WARNING, DROPPED])
        outcome = self.successResultOf(self.reloading.reload())
        self.assertEqual(outcome, Outcome(True, ("warning: odd", "dropped: no")))
        self.assertEqual(self.applied, [])

    def test_logged(self) -> None:
        """Each problem is a line of the log at its level, which is not said twice."""
        logged: list[Any] = []
        globalLogPublisher.addObserver(logged.append)
        self.addCleanup(globalLogPublisher.removeObserver, logged.append)
        self.source.found = (Model(), [WARNING, DROPPED])
        self.successResultOf(self.reloading.reload())
        lines = [(each["log_level"].name, formatEvent(each)) for each in logged]
        self.assertIn(("warn", "odd"), lines)
        self.assertIn(("error", "no"), lines)

    def test_failed(self) -> None:
        """A reading that fails is told, and the next one is tried."""
        self.source.found = OSError("no")
        outcome = self.successResultOf(self.reloading.reload())
        self.assertEqual(outcome, Outcome(True, ("reload failed: no",)))
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
        self.source.found = (Model(), [])
        self.assertFalse(self.successResultOf(self.reloading.reload()).refused)

    def test_process(self) -> None:
        """What needs a restart is taken, with a line that says so."""
        model = Model(process=ProcessDefs(instance="one"))
        self.source.found = (model, [])
        self.successResultOf(self.reloading.reload())
        self.assertEqual(self.applied, [model])


class CompareTests(ReloadCase):
    """Claims about L{Reloading.compare}."""

    def test_difference(self) -> None:
        """What would change is told, and nothing is done."""
        asked = self.reloading.compare("/x.conf")
        self.assertEqual(self.source.paths, ["/x.conf"])
        model, _ = build(tree(f"vrrp_instance VI_1 {{{BASIC}}}"))
        self.source.asked[0].callback((model, []))
        outcome = self.successResultOf(asked)
        self.assertEqual((outcome.refused, outcome.changes), (False, True))
        self.assertIn("1 added (VI_1)", outcome.difference)
        self.assertEqual((self.applied, self.told), ([], []))

    def test_refused(self) -> None:
        """A configuration that would be refused has no difference."""
        asked = self.reloading.compare()
        self.source.asked[0].callback((Model(), [DROPPED]))
        self.assertEqual(self.successResultOf(asked), Outcome(True, ("dropped: no",)))
