"""Network namespaces by name, tried in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from hanode.namespace import enter, inside

CHECKOUT = Path(__file__).resolve().parents[1]
TOUR = """
import os, sys
from hanode import namespace
namespace.FOLDER = sys.argv[1]
def here():
    return os.readlink("/proc/thread-self/ns/net")
began = here()
with namespace.inside("there"):
    inside = here()
back = here()
with namespace.inside(""), namespace.inside(None):
    same = here()
namespace.enter("there")
namespace.enter("there")
with namespace.inside(""):
    first = here()
print(inside != began, back == began, same == began, here() == inside, first == began)
"""


class NamespaceTests(SynchronousTestCase):
    """Going there, and coming back."""

    def test_tour(self) -> None:
        """Inside for a moment, back again, away for good, and home for a moment."""
        if os.geteuid() != 0:
            raise SkipTest("only root may move to another network namespace")
        folder = Path(self.mktemp()).resolve()
        folder.mkdir()
        with subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "echo ready; read line"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as other:
            assert other.stdin is not None and other.stdout is not None
            other.stdout.readline()
            (folder / "there").symlink_to(f"/proc/{other.pid}/ns/net")
            done = subprocess.run(
                [sys.executable, "-c", TOUR, str(folder)],
                cwd=CHECKOUT,
                capture_output=True,
                text=True,
                timeout=30,
            )
            other.stdin.close()
        self.assertEqual((done.stdout, done.stderr), ("True True True True True\n", ""))

    def test_missing(self) -> None:
        """One that does not exist is an error that says so, and nothing has changed."""
        before = os.readlink("/proc/thread-self/ns/net")
        self.assertRaises(FileNotFoundError, enter, "no-such-namespace")
        with self.assertRaises(FileNotFoundError), inside("no-such-namespace"):
            self.fail("not reached")
        self.assertEqual(os.readlink("/proc/thread-self/ns/net"), before)

    def test_noNamespace(self) -> None:
        """A file that is no namespace is refused."""
        self.assertRaises(OSError, enter, "../../dev/null")
