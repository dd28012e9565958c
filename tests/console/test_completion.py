"""Completion for bash and zsh, by bash and zsh."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SkipTest

from hanode.cli import COMMANDS
from hanode.signum import NUMBERS
from tests.console.case import ConsoleCase
from tests.console.samples import DEAD, REAL, VIRTUAL
from tests.test_cli import typed

CHECKOUT = Path(__file__).parents[2]
FOLDER = CHECKOUT / "etc" / "completion"
BASH = """
. "$1"
COMP_LINE=$2 COMP_POINT=${#2} COMP_WORDBREAKS=${3-}
_hanode
printf '%s\\n' "${COMPREPLY[@]}"
"""
ZSH = """
compdef() { }
compadd() { print -l -- ${(P)2} }
_files() { print -l FILES }
. "$1"
words=("${(z)2}")
[[ $2 == *' ' ]] && words+=('')
CURRENT=$#words
_hanode
"""


def options(command):
    """What the command's own help says of its options."""
    _, out, _ = typed(command, "--help")
    lines = "\n".join(re.findall(r"^ +(-.*)", out, re.M))
    return set(re.findall(r"(?<![\w-])(--[\w-]+=?|-[A-Za-z])(?=[\s,=[])", lines + " "))


class CompletionCase(ConsoleCase):
    shell = "bash"

    async def setUp(self):
        super().setUp()
        if shutil.which(self.shell) is None:
            raise SkipTest(f"{self.shell} is not installed")
        program = self.folder / "hanode"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m hanode.cli "$@"\n')
        program.chmod(0o755)
        await self.serve()

    def completed(self, line, breaks=""):
        """What the shell proposes behind C{line}; blocking."""
        name = "hanode" if self.shell == "bash" else "_hanode"
        script = BASH if self.shell == "bash" else ZSH
        argv = [self.shell, "-c", script, self.shell, str(FOLDER / name), line, breaks]
        done = subprocess.run(
            argv,
            capture_output=True,
            text=True,
            timeout=60,
            cwd=self.folder,
            env={
                "PATH": f"{self.folder}:/usr/bin:/bin",
                "PYTHONPATH": str(CHECKOUT),
                "LC_ALL": "C.UTF-8",
            },
        )
        self.assertEqual(done.stderr, "", line)
        return [each for each in done.stdout.splitlines() if each]

    async def proposed(self, line, breaks=""):
        """The same, sorted, while the daemon can answer."""
        found = await deferToThread(self.completed, line, breaks)
        return sorted(found)


class Claims:
    """What both shells propose."""

    async def test_commands(self):
        """All commands there are."""
        self.assertEqual(await self.proposed("hanode "), sorted(COMMANDS))

    async def test_options(self):
        """All options that a command has by its own help, and no other."""
        for command in set(COMMANDS) - {"signum"}:
            found = set(await self.proposed(f"hanode {command} -"))
            wanted = options(command)
            plain = {each.rstrip("=") for each in wanted}
            self.assertEqual({each.rstrip("=") for each in found}, plain, command)

    async def test_names(self):
        """The names that the running daemon knows, where one is wanted."""
        which = f"-S {self.path}"
        reals = [REAL["name"], DEAD["name"]]
        virtual = VIRTUAL["name"]
        for line, wanted in (
            (f"hanode vrrp {which} ", ["VI_1"]),
            (f"hanode why {which} ", ["VI_1"]),
            (f"hanode why VI_1 {which} ", []),
            (f"hanode bfd {which} ", ["disable", "enable", "far", "peer"]),
            (f"hanode bfd disable {which} ", ["far", "peer"]),
            (f"hanode lvs {which} ", ["drain", "undrain", virtual]),
            (f"hanode lvs drain {which} ", reals),
            (f"hanode drain {which} VI_1 ", ["VI_1", *reals]),
            (f"hanode status {which} ", []),
            ("hanode signum ", list(NUMBERS)),
        ):
            self.assertEqual(await self.proposed(line), sorted(wanted), line)

    async def test_nobody(self):
        """Where no daemon answers there are no names, and no complaint."""
        line = f"hanode vrrp -S {self.folder}/none "
        self.assertEqual(await self.proposed(line), [])


class BashTests(Claims, CompletionCase):
    """bash."""

    async def test_begun(self):
        """Only what begins as the word does; behind a colon only the rest."""
        which = f"-S {self.path}"
        for line, breaks, wanted in (
            ("hanode st", "", ["status"]),
            ("hanode check --k", "", ["--keepalived"]),
            (f"hanode bfd {which} p", "", ["peer"]),
            (f"hanode lvs {which} [198", "", [VIRTUAL["name"]]),
            (f"hanode lvs {which} [198.51.100.10]:t", " :", ["tcp:80"]),
            (f"hanode vrrp {which} x", "", []),
        ):
            self.assertEqual(await self.proposed(line, breaks), wanted, line)

    async def test_files(self):
        """Files, where one is wanted."""
        for line in ("hanode check ha", "hanode run -c ha", "hanode lab -p ha"):
            self.assertEqual(await self.proposed(line), ["hanode"], line)


class ZshTests(Claims, CompletionCase):
    """zsh, which itself looks how a word begins."""

    shell = "zsh"

    async def test_files(self):
        """Files, where one is wanted."""
        for line in ("hanode check ", "hanode run -c ", "hanode vrrp -S "):
            self.assertEqual(await self.proposed(line), ["FILES"], line)
