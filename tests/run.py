"""Run all tests, the live ones in a process of their own, and add up.

An ordinary user's live tests enter a user namespace, which holds for the rest of the
process: the other tests must not notice. With HANODE_NO_SKIPS=1 a skipped test is a
failure.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parent
COUNTS = re.compile(r"(failures|errors|skips|successes|expectedFailures|todos)=(\d+)")


def packages() -> list[str]:
    """The names of all test packages and modules beside the live ones."""
    names = []
    for path in sorted(TESTS.iterdir()):
        if path.is_dir() and (path / "__init__.py").exists() and path.name != "live":
            names.append(f"tests.{path.name}")
        elif path.name.startswith("test_") and path.suffix == ".py":
            names.append(f"tests.{path.stem}")
    return names


def trial(folder: str, names: list[str]) -> tuple[dict[str, int], list[str]]:
    """Run trial, show what it prints; return its counts and the tests it skipped."""
    argv = [sys.executable, "-m", "twisted.trial", f"--temp-directory={folder}"]
    child = subprocess.Popen(
        [*argv, *names], cwd=TESTS.parent, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    last, skipped, group = "", [], ""
    for line in child.stdout:
        sys.stdout.write(line)
        sys.stdout.flush()
        text = line.rstrip()
        if text.startswith("["):
            group = text
        elif group == "[SKIPPED]" and text.startswith("tests."):
            skipped.append(text)
        last = text or last
    counts = {name: int(number) for name, number in COUNTS.findall(last)}
    if child.wait() != 0 and not counts.get("failures") and not counts.get("errors"):
        counts["errors"] = counts.get("errors", 0) + 1  # it did not even finish
    return counts, skipped


def main() -> int:
    """Run both halves; the last line is the sum. Status 1 unless all is well."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"  # where Debian keeps the daemons
    total: dict[str, int] = {}
    skipped: list[str] = []
    for folder, names in (
        ("_trial_temp", packages()),
        ("_trial_temp_live", ["tests.live"]),
    ):
        counts, left_out = trial(folder, names)
        skipped += left_out
        for name, number in counts.items():
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
