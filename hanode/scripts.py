"""Runs the commands of a configuration: as which user, and whether that is safe."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
from collections.abc import Iterable, Iterator, Mapping
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
        defs = self.global_defs
        user, group = identity(script, defs)
        path = program(script, defs)
        if defs.enable_script_security and _as_root(user):
            try:
                problem = untrusted(path)
            except OSError:
                return fail()
            if problem is not None:
                return fail(PermissionError(f"unsafe permissions: {problem}"))
        argv = [path, *script.argv[1:]]

        def start(argv: list[str]) -> Deferred[Exit]:
            return self._processes.run(argv, user, group, timeout, environment)

        def without_interpreter(failure: Failure) -> Any:
            # A script without a #! line: keepalived lets the shell read it too.
            problem = failure.value
            if not isinstance(problem, OSError) or problem.errno != ENOEXEC:
                return failure
            return start(["/bin/sh", *argv])

        return start(argv).addErrback(without_interpreter)


def program(script: Script, defs: GlobalDefs) -> str:
    """The path of what is run: searched in PATH, behind links where that is wanted."""
    path = shutil.which(script.argv[0]) or script.argv[0]
    return path if defs.use_symlink_paths else os.path.realpath(path)


def identity(script: Script, defs: GlobalDefs) -> tuple[str | None, str | None]:
    """The user and the group that it runs as, as L{IProcesses.run} takes them."""
    user, group = script.user, script.group
    if user is None and defs.script_user is not None:
        user, group = defs.script_user, defs.script_group
    elif user is None:
        user, group = default_user(), None
    if defs.set_supplementary_groups and not (group or "").startswith(":"):
        group = f":{group or ''}"
    return user, group


def complaints(scripts: Iterable[Script], defs: GlobalDefs) -> Iterator[str]:
    """Which of C{scripts} will not run, or not as written; each thing once."""
    told: set[str] = set()
    for script in scripts:
        for text in _complaints(script, defs):
            if text not in told:
                told.add(text)
                yield text


def _complaints(script: Script, defs: GlobalDefs) -> Iterator[str]:
    name, path = script.argv[0], program(script, defs)
    user, group = identity(script, defs)
    if not os.path.isabs(name) and os.path.isabs(path):
        yield f"{name} resolved by path search to {path}. Please specify full path."
    unknown = _unknown(user, group)
    if unknown:
        yield f"{unknown}: script {name} is not run"
        return
    problem: str | None = None
    try:
        if defs.enable_script_security and _as_root(user):
            problem = untrusted(path)
        else:
            os.stat(path)
    except OSError as error:
        text = os.strerror(error.errno) if error.errno else str(error)
        yield f"script {name} cannot be run: {text}"
        return
    if problem is not None:
        yield f"Unsafe permissions found for script '{name}' - disabling: {problem}"
    nobody = script.user is None and defs.script_user is None
    if nobody and defs.enable_script_security and _as_root(user):
        yield (
            f"WARNING - default user '{DEFAULT_USER}' for script execution does not"
            " exist - please create."
        )


def _unknown(user: str | None, group: str | None) -> str:
    """What there is not: the user or the group; "" when there are both."""
    name = (group or "").removeprefix(":")
    try:
        if user is not None:
            pwd.getpwnam(user)
    except KeyError:
        return f"there is no user {user}"
    try:
        if name:
            grp.getgrnam(name)
    except KeyError:
        return f"there is no group {name}"
    return ""


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
