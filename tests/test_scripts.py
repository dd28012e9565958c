"""Claims about running scripts that need more than the notifiers' tests."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from hanode.config.model import GlobalDefs, Script
from hanode.interfaces import IProcesses
from hanode.processes import Exit
from hanode.scripts import ScriptRunner, complaints


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

    def test_links(self) -> None:
        """What is run is the path as written; without use_symlink_paths its target."""
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        link = folder / "link"
        link.symlink_to("/bin/true")
        for follow, path in ((True, str(link)), (False, os.path.realpath("/bin/true"))):
            self.runner.global_defs = GlobalDefs(use_symlink_paths=follow)
            self.runner.run(Script((str(link), "x")))
            self.assertEqual(self.processes.calls[-1][0], (path, "x"))

    def test_other_groups(self) -> None:
        """set_supplementary_groups is a colon before every group."""
        self.runner.global_defs = GlobalDefs(
            script_user="nobody", set_supplementary_groups=True
        )
        given = ((None, None), ("games", "users"), ("games", ":users"))
        for user, group in given:
            self.runner.run(Script(("/bin/true",), user, group))
        self.assertEqual(
            [call[1:3] for call in self.processes.calls],
            [("nobody", ":"), ("games", ":users"), ("games", ":users")],
        )

    def test_search(self) -> None:
        """A command without a path is searched in PATH."""
        self.patch(os, "environ", {"PATH": "/usr/bin"})
        self.runner.run(Script(("true",)))
        self.assertEqual(self.processes.calls[0][0], ("/usr/bin/true",))


class ComplaintTests(SynchronousTestCase):
    """What is said before a script is needed."""

    def said(self, *words: str, **defs: Any) -> list[str]:
        """The complaints about a script."""
        given = {"script_user": "root"} | defs
        user, group = (*words[1:], None, None)[:2]
        script = Script((words[0],), user, group)
        return list(complaints([script, script], GlobalDefs(**given)))

    def test_well(self) -> None:
        """Nothing, when all is well."""
        self.assertEqual(self.said("/bin/sh"), [])
        self.assertEqual(self.said("/bin/sh", "nobody", ":daemon"), [])

    def test_search(self) -> None:
        """A path that was searched is told, once for all scripts."""
        self.patch(os, "environ", {"PATH": "/usr/bin"})
        text = (
            "true resolved by path search to /usr/bin/true. Please specify full path."
        )
        self.assertEqual(self.said("true"), [text])

    def test_missing(self) -> None:
        """A script that is not there."""
        text = "script /no/such cannot be run: No such file or directory"
        self.assertEqual(self.said("/no/such"), [text])

    def test_unknown(self) -> None:
        """A user or group that is not there."""
        self.assertEqual(
            self.said("/bin/sh", "no-such"),
            ["there is no user no-such: script /bin/sh is not run"],
        )
        self.assertEqual(
            self.said("/bin/sh", "nobody", ":no-such"),
            ["there is no group no-such: script /bin/sh is not run"],
        )

    def test_unsafe(self) -> None:
        """The component, its mode and its owner are named."""
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        script = folder / "script"
        script.write_text("")
        script.chmod(0o666)
        self.patch(os, "geteuid", lambda: 0)
        (text,) = self.said(str(script), enable_script_security=True)
        start = f"Unsafe permissions found for script '{script}' - disabling: "
        self.assertTrue(text.startswith(start), text)
        self.assertRegex(text, r" is [d-][rwx-]{9}, owner \w+$")

    def test_default_user(self) -> None:
        """With script security, root as the default user is doubtful."""
        self.patch(os, "geteuid", lambda: 0)
        self.assertEqual(
            self.said("/bin/sh", script_user=None, enable_script_security=True),
            [
                "WARNING - default user 'keepalived_script' for script execution does"
                " not exist - please create."
            ],
        )
