"""IPVS: the tests of tests/live/guest, all in one kernel that has it.

That is this machine's own where it can be used (in a network namespace of its own), and
otherwise a guest (tests/live/ipvs_guest.py).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from hanode.dataplanes.ipvs_kernel import absence
from tests.live.case import need
from tests.live.ipvs_guest import CHECKOUT, PATH, Guest, NoGuest

TIMEOUT = 1200.0  # seconds, on a busy machine
OWN = "ip link set lo up && exec "  # in a network namespace that is new


def modules() -> list[str]:
    """All of tests/live/guest that has tests."""
    found = sorted((CHECKOUT / "tests/live/guest").glob("*.py"))
    return [
        f"tests.live.guest.{each.stem}"
        for each in found
        if re.search(r"^class \w+Tests\(", each.read_text(), re.M)
    ]


def run(argv: list[str], timeout: float = TIMEOUT) -> tuple[int | None, str]:
    """Run C{argv} where IPVS is ours alone; return its status and its output.

    Raises L{SkipTest} with the reason where there is no such place.
    """
    need("ipvsadm", "ip")
    if os.geteuid() == 0 and not absence():
        return run_here(argv, timeout)
    try:
        return Guest().run(argv, timeout, {"HANODE_GUEST": "uml"})
    except NoGuest as reason:
        raise SkipTest(str(reason)) from reason


def run_here(argv: list[str], timeout: float) -> tuple[int | None, str]:
    """The same on this machine's own kernel."""
    environment = dict(os.environ, PATH=PATH, HANODE_GUEST="namespace")
    inside = ["unshare", "--net", "--mount", "sh", "-c", OWN + '"$@"', "sh", *argv]
    done = subprocess.run(
        inside,
        cwd=CHECKOUT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
    )
    return done.returncode, done.stdout


class IpvsTests(SynchronousTestCase):
    def test_all(self) -> None:
        """Every test of tests/live/guest passes in a kernel with IPVS."""
        folder = f"{tempfile.gettempdir()}/_trial_guest"
        trial = [sys.executable, "-m", "twisted.trial", f"--temp-directory={folder}"]
        names = os.environ.get("HANODE_GUEST_TESTS", "").split() or modules()
        status, output = run([*trial, *names])
        Path("guest.log").write_text(output)
        if status != 0:
            self.fail(report(status, output))
        self.assertRegex(output, r"PASSED \((skips=\d+, )?successes=\d+\)")


def report(status: int | None, output: str) -> str:
    """What went wrong, in the words of the trial inside."""
    start = output.find("\n====")
    said = output[start:] if start >= 0 else output[-6000:]
    return f"in the kernel with IPVS, status {status}:\n{said}"
