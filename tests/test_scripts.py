"""Claims about running scripts that need more than the notifiers' tests."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from hanode.config.model import GlobalDefs, Script
from hanode.interfaces import IProcesses
from hanode.processes import Exit
from hanode.scripts import ScriptRunner


@implementer(IProcesses)
class Processes:
    """Notes what is to be run."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def run(
        self,
        argv: Sequence[str],
        user: str | None = None,
        group: str | None = None,
        timeout: float | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Deferred[Any]:
        """See L{IProcesses.run}."""
        self.calls.append((tuple(argv), user, group, timeout, environment))
        return succeed(Exit(0))


class ScriptRunnerTests(SynchronousTestCase):
    """What reaches the processes."""

    def setUp(self) -> None:
        """Nothing was run."""
        self.processes = Processes()
        self.runner = ScriptRunner(self.processes, GlobalDefs(script_user="nobody"))

    def test_limits(self) -> None:
        """A time limit and an environment are handed on; script_user is the user."""
        done = self.runner.run(Script(("/bin/true", "x")), 3.0, {"A": "b"})
        self.assertTrue(self.successResultOf(done).ok)
        wanted = (("/bin/true", "x"), "nobody", None, 3.0, {"A": "b"})
        self.assertEqual(self.processes.calls, [wanted])

    def test_own_user(self) -> None:
        """A script's own user wins."""
        self.runner.run(Script(("/bin/true",), "games", "users"))
        self.assertEqual(self.processes.calls[0][1:3], ("games", "users"))

    def test_unsafe(self) -> None:
        """What others may change is not run as root."""
        folder = self.mktemp()
        os.mkdir(folder)
        os.chmod(folder, 0o777)
        path = os.path.join(os.path.abspath(folder), "script")
        with open(path, "w") as script:
            script.write("#!/bin/sh\n")
        os.chmod(path, 0o777)
        self.patch(os, "geteuid", lambda: 0)
        self.runner.global_defs = GlobalDefs(
            script_user="root", enable_script_security=True
        )
        failure = self.failureResultOf(self.runner.run(Script((path,))))
        self.assertIn("unsafe permissions", failure.getErrorMessage())
        self.assertEqual(self.processes.calls, [])
