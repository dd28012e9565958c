"""Runs the commands of a configuration: as which user, and whether that is safe."""

from __future__ import annotations

import os
import pwd
import shutil
from collections.abc import Mapping
from errno import ENOEXEC
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure

from hanode.config.model import GlobalDefs, Script
from hanode.interfaces import IProcesses
from hanode.processes import Exit
from hanode.trust import untrusted

DEFAULT_USER = "keepalived_script"  # keepalived.conf(5), script_user


class ScriptRunner:
    """Runs scripts as C{global_defs} says: script_user, enable_script_security."""

    def __init__(self, processes: IProcesses, global_defs: GlobalDefs) -> None:
        self._processes = processes
        self.global_defs = global_defs

    def run(
        self,
        script: Script,
        timeout: float | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Deferred[Exit]:
        """Run it, see L{IProcesses.run}; also fails with L{PermissionError}.

        That is when enable_script_security is on, it would run as root, and somebody
        else could have changed it.
        """
        user, group = self._identity(script)
        argv = [shutil.which(script.argv[0]) or script.argv[0], *script.argv[1:]]
        if self.global_defs.enable_script_security and _as_root(user):
            try:
                problem = untrusted(argv[0])
            except OSError:
                return fail()
            if problem is not None:
                return fail(PermissionError(f"unsafe permissions: {problem}"))

        def start(argv: list[str]) -> Deferred[Exit]:
            return self._processes.run(argv, user, group, timeout, environment)

        def without_interpreter(failure: Failure) -> Any:
            # A script without a #! line: keepalived lets the shell read it too.
            problem = failure.value
            if not isinstance(problem, OSError) or problem.errno != ENOEXEC:
                return failure
            return start(["/bin/sh", *argv])

        return start(argv).addErrback(without_interpreter)

    def _identity(self, script: Script) -> tuple[str | None, str | None]:
        if script.user is not None:
            return script.user, script.group
        if self.global_defs.script_user is not None:
            return self.global_defs.script_user, self.global_defs.script_group
        return default_user(), None


def _as_root(user: str | None) -> bool:
    if user is None:
        return os.geteuid() == 0
    try:
        return pwd.getpwnam(user).pw_uid == 0
    except KeyError:
        return False  # the start of the script will say so


def default_user() -> str | None:
    """keepalived_script where root runs us and that user exists, else ourselves."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(DEFAULT_USER).pw_name
    except KeyError:
        return None
