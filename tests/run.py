"""Run all tests, in a process for each package or live module, and add up.

Two of them run at a time (HANODE_JOBS says how many), because most live tests only wait
for daemons. What one prints is shown when it has ended. An ordinary user's live tests
enter a user namespace, which holds for the rest of their process, and so no other test
notices. With HANODE_NO_SKIPS=1 a skipped test is a failure.
"""

from __future__ import annotations

import compileall
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

TESTS = Path(__file__).resolve().parent
COUNTS = re.compile(r"(failures|errors|skips|successes|expectedFailures|todos)=(\d+)")
JOBS = 2
FIRST = ("tests.live.test_ipvs", "tests.stories")  # what takes longest


@dataclass
class Outcome:
    """What came of one process; C{skipped} are the names of the tests it skipped."""

    name: str
    seconds: float
    output: str
    counts: dict[str, int] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)


def packages() -> list[str]:
    """The names of all test packages and live modules, the longest first."""
    names, alone = [], []
    for path in sorted(TESTS.iterdir()):
        if path.is_dir() and (path / "__init__.py").exists() and path.name != "live":
            names.append(f"tests.{path.name}")
        elif path.name.startswith("test_") and path.suffix == ".py":
            alone.append(f"tests.{path.stem}")
    live = [f"tests.live.{path.stem}" for path in sorted(TESTS.glob("live/test_*.py"))]
    ranked = [*names, *live, " ".join(alone)]
    return sorted(ranked, key=lambda name: name not in FIRST)


def trial(name: str) -> Outcome:
    """Run trial on the packages or modules C{name}."""
    folder = mkdtemp(prefix="trial-")
    argv = [sys.executable, "-m", "twisted.trial", f"--temp-directory={folder}/t"]
    began = time.monotonic()
    done = subprocess.run(
        [*argv, *name.split()],
        cwd=TESTS.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    rmtree(folder, ignore_errors=True)
    outcome = Outcome(name.split()[0], time.monotonic() - began, done.stdout)
    last, group = "", ""
    for text in map(str.rstrip, done.stdout.splitlines()):
        if text.startswith("["):
            group = text
        elif group == "[SKIPPED]" and text.startswith("tests."):
            outcome.skipped.append(text)
        last = text or last
    counts = {key: int(number) for key, number in COUNTS.findall(last)}
    if done.returncode != 0 and not counts.get("failures") and not counts.get("errors"):
        counts["errors"] = counts.get("errors", 0) + 1  # it did not even finish
    outcome.counts = counts
    return outcome


def main() -> int:
    """Run everything; the last line is the sum. Status 1 unless all is well."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"  # where Debian keeps the daemons
    # Daemons are started by the hundred, some in a kernel that runs much slower: to
    # compile everything each time would take longer than all the tests.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    for folder in ("hanode", "tests", "twisted"):
        compileall.compile_dir(TESTS.parent / folder, quiet=2, workers=JOBS)
    total: dict[str, int] = {}
    skipped: list[str] = []
    with ThreadPoolExecutor(int(os.environ.get("HANODE_JOBS", JOBS))) as pool:
        for outcome in pool.map(trial, packages()):
            sys.stdout.write(outcome.output)
            print(f"=== {outcome.name}: {outcome.seconds:.0f} s", flush=True)
            skipped += outcome.skipped
            for name, number in outcome.counts.items():
                total[name] = total.get(name, 0) + number
    failed = total.get("failures", 0) + total.get("errors", 0)
    passed = total.get("successes", 0) + total.get("expectedFailures", 0)
    strict = os.environ.get("HANODE_NO_SKIPS") == "1" and total.get("skips", 0) > 0
    if strict:
        print("\nskipped, which HANODE_NO_SKIPS=1 forbids:")
        print("\n".join(f"  {name}" for name in skipped))
    print(f"\n{passed} passed, {failed} failed, {total.get('skips', 0)} skipped")
    return 1 if failed or strict or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
