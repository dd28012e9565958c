"""The hanode command, as far as it does not need a network."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from tempfile import mkdtemp

from twisted.trial.unittest import SynchronousTestCase

from hanode import cli
from hanode.cli import COMMANDS, main

DATA = Path(__file__).parent / "data"
ETC = Path(__file__).parents[1] / "etc"


def typed(*words):
    """Status, standard output and standard error of a command line."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = main([str(word) for word in words])
        except SystemExit as end:
            status = end.code
    return status, out.getvalue(), err.getvalue()


class CheckTests(SynchronousTestCase):
    def test_good(self):
        """The files of etc/ have no problem at all."""
        for file in (ETC / "node.conf", ETC / "pair/a.conf", ETC / "pair/b.conf"):
            self.assertEqual(
                typed("check", file),
                (0, f"{file}: would run: 1 vrrp_instance, 0 problems\n", ""),
            )

    def test_guides(self):
        """Files as people paste them would run, whatever warnings they give."""
        for name in (
            "multicast-master.conf",
            "multicast-backup.conf",
            "unicast-a.conf",
            "unicast-b.conf",
            "sync-slashes.conf",
            "two-nodes-nopreempt.conf",
            "nat-balancer.conf",
            "mail-only.conf",
        ):
            status, out, err = typed("check", DATA / name)
            self.assertEqual((status, err), (0, ""), out)
            self.assertIn("would run:", out)

    def test_mistake(self):
        """A mistyped keyword: place, word underlined, suggestion; it would run."""
        file = Path(mkdtemp()) / "node.conf"
        text = (ETC / "node.conf").read_text()
        file.write_text(text.replace(" priority ", " prioritty ", 1))
        line = 1 + text[: text.index(" priority ")].count("\n")
        status, out, _ = typed("check", file)
        self.assertEqual(status, 0)
        self.assertIn(f"{file}:{line}:", out)
        self.assertIn("Unknown keyword 'prioritty'", out)
        self.assertIn("did you mean 'priority'", out)
        self.assertIn("^~~~~~~~~", out)

    def test_json(self):
        """The same as JSON: what there is in each file, and each problem."""
        good, bad = Path(mkdtemp()) / "good.conf", Path(mkdtemp()) / "bad.conf"
        text = (ETC / "node.conf").read_text()
        good.write_text(text)
        bad.write_text("vrrp_instance A {\n}\n")
        status, out, err = typed("check", "--json", good, bad)
        self.assertEqual((status, err), (1, ""))
        first, second = json.loads(out)["files"]
        self.assertEqual(
            first,
            {
                "file": str(good),
                "would_run": True,
                "vrrp_instance": 1,
                "virtual_server": 0,
                "bfd_instance": 0,
                "problems": [],
                "unknown_to_keepalived": [],
            },
        )
        self.assertFalse(second["would_run"])
        found = second["problems"][0]
        self.assertEqual((found["file"], found["line"]), (str(bad), 1))
        self.assertEqual(found["severity"], "dropped")

    def test_keepalived(self):
        """On request the words that only hanode has are listed, with their place."""
        file = Path(mkdtemp()) / "node.conf"
        text = (ETC / "node.conf").read_text()
        file.write_text(text + "bfd_unsolicited eth0 {\n    allow 10.0.0.0/8\n}\n")
        _, plain, _ = typed("check", file)
        _, out, _ = typed("check", "--keepalived", file)
        self.assertNotIn("keepalived does not know", plain)
        self.assertIn(
            f"{file}:{text.count(chr(10)) + 1}:1: warning: keepalived does not know "
            "'bfd_unsolicited' (keepalived skips it with its block)\n",
            out,
        )

    def test_refused(self):
        """A file of which a part would not run: status 1."""
        status, out, _ = typed("check", DATA / "fragment.conf", ETC / "node.conf")
        self.assertEqual(status, 1)
        self.assertIn("would not run as written", out)

    def test_missing(self):
        """A file that is not there: status 1, and its name."""
        status, out, _ = typed("check", "/nowhere/node.conf")
        self.assertEqual(status, 1)
        self.assertIn("/nowhere/node.conf", out)

    def test_configId(self):
        """@ID lines compare with the id that is given."""
        file = Path(mkdtemp()) / "node.conf"
        file.write_text("@one " + "nonsense\n" + "@two otherwise\n")
        _, out, _ = typed("check", "-i", "two", file)
        self.assertIn("otherwise", out)
        self.assertNotIn("nonsense", out)

    def test_order(self):
        """Options may stand behind the file."""
        file = ETC / "node.conf"
        self.assertEqual(
            typed("check", file, "-i", "two"), typed("check", "-i", "two", file)
        )

    def test_foreignBytes(self):
        """Bytes that are not UTF-8 do not end the command."""
        file = Path(mkdtemp()) / "node.conf"
        file.write_bytes(b"gl\xf6bal_defs\n")
        status, out, _ = typed("check", file)
        self.assertEqual(status, 0)
        self.assertIn("Unknown keyword", out)


class UsageTests(SynchronousTestCase):
    def test_json(self):
        """Every command that shows something can show it as JSON; those that print
        one word, or run, cannot."""
        for command in set(COMMANDS) - {"run", "keepalived", "signum", "genhash"}:
            _, out, _ = typed(command, "--help")
            self.assertIn("--json", out, command)

    def test_help(self):
        """Without a command, or with an unknown one, the commands are listed."""
        for words, status in ((), 2), (("nonsense",), 2), (("--help",), 0):
            code, out, _ = typed(*words)
            self.assertEqual(code, status)
            for command in ("run", "check", "lab", "vrrp", "bfd"):
                self.assertIn(f"hanode {command}", out)

    def test_unknown(self):
        """A command that does not exist is named, with the likely one."""
        self.assertEqual(
            typed("statsu")[2],
            "hanode: there is no command 'statsu' (did you mean 'status'?)\n",
        )
        self.assertEqual(typed("xyz")[2], "hanode: there is no command 'xyz'\n")
        self.assertEqual([typed()[2], typed("--help")[2]], ["", ""])

    def test_version(self):
        """Ours, not Twisted's; from the source there is none."""
        self.patch(cli, "version", lambda name: "1.2")
        self.assertEqual(typed("--version"), (0, "hanode 1.2\n", ""))

        def missing(name):
            raise PackageNotFoundError(name)

        self.patch(cli, "version", missing)
        self.assertEqual(typed("--version"), (0, "hanode, not installed\n", ""))

    def test_cutShort(self):
        """A reader that has seen enough ends the command without a traceback."""
        words = [sys.executable, "-m", "hanode.cli", "check", str(ETC / "node.conf")]
        reader, writer = os.pipe()
        os.close(reader)
        try:
            ended = subprocess.run(
                words, stdout=writer, stderr=subprocess.PIPE, cwd=ETC.parent
            )
        finally:
            os.close(writer)
        self.assertEqual((ended.returncode, ended.stderr), (141, b""))

    def test_noFile(self):
        """check without a file makes no sense."""
        status, _, err = typed("check")
        self.assertEqual(status, 2)
        self.assertIn("which file?", err)

    def test_runRefuses(self):
        """run with a file that cannot be read: status 2, and why."""
        status, _, err = typed("run", "-c", "/nowhere/node.conf")
        self.assertEqual(status, 2)
        self.assertIn("/nowhere/node.conf", err)
