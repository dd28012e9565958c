"""Claims about the checker in docs/checkers.md, which is in nobody's package."""

from __future__ import annotations

import importlib
import os
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from twisted.internet.utils import getProcessOutputAndValue
from twisted.python.filepath import FilePath

import hanode.checkers
from hanode.config.blocks import READERS
from hanode.interfaces import IChecker, IFactChecker
from hanode.plugins import find
from hanode.result import Result
from tests.checkers import datagrams
from tests.checkers.datagrams import Answer, Served, told, world

MANUAL = Path(__file__).parents[2] / "docs" / "checkers.md"
NAME = "hanode.checkers.ntp"
CONFIG = """
virtual_server 192.0.2.10 123 {
    protocol UDP
    lb_kind NAT
    real_server 10.0.0.9 123 {
        NTP_CHECK {
            max_stratum 3
            connect_timeout 1
        }
    }
}
"""


def manual() -> str:
    """The text of the manual."""
    return MANUAL.read_text()


def packet(
    query: bytes, first: int = 0x24, stratum: int = 2, cookie: bytes = b""
) -> bytes:
    """The answer of a time server: version 4, mode 4, its stratum, our timestamp."""
    return bytes([first, stratum]) + bytes(22) + (cookie or query[40:48]) + bytes(16)


class ExampleTests(Served):
    """The file of the manual, in a folder outside of the package."""

    def setUp(self) -> None:
        """Put it there, and look for it."""
        (code,) = re.findall(r"```python\n(.*?)```", manual(), re.DOTALL)
        self.folder = folder = FilePath(os.path.abspath(self.mktemp()))
        place = folder.child("hanode").child("checkers")
        place.makedirs()
        place.child("ntp.py").setContent(code.encode())
        self.patch(sys, "path", [*sys.path, folder.path])
        self.patch(hanode.checkers, "__path__", list(hanode.checkers.__path__))
        importlib.invalidate_caches()
        self.addCleanup(self.forget)
        # What the package does when it is imported with the folder on sys.path.
        package: Any = hanode.checkers
        package.__path__.extend(
            each
            for each in package.pluginPackagePaths(package.__name__)
            if each not in package.__path__
        )
        self.checker = find(IChecker, hanode.checkers)["NTP_CHECK"]
        self.module: ModuleType = sys.modules[NAME]

    def forget(self) -> None:
        """Take the module out of memory."""
        sys.modules.pop(NAME, None)
        if hasattr(hanode.checkers, "ntp"):
            del hanode.checkers.ntp
        importlib.invalidate_caches()

    async def outcome(
        self, answer: Answer, most: int = 15, limit: float = 1.0
    ) -> tuple[bool, str]:
        """What a probe of a server finds."""
        check = self.check(self.serve(answer), self.module.NtpOptions(most), limit)
        return told(await self.checker.probe(world(), check))

    def test_found(self) -> None:
        """It is found beside the others, which are all there."""
        found = find(IChecker, hanode.checkers)
        self.assertLessEqual(
            {"NTP_CHECK", "UDP_CHECK", "DNS_CHECK", "PING_CHECK", "MISC_CHECK"},
            set(found),
        )

    def test_words(self) -> None:
        """Its words are read, and what is wrong with them is said."""
        words = self.checker.words
        made = datagrams.read(words, "max_stratum 3")
        self.assertEqual(made, (self.module.NtpOptions(3), []))
        made, problems = datagrams.read(words, "max_stratum 99")
        self.assertEqual((made, len(problems)), (self.module.NtpOptions(15), 1))
        self.assertIn("the default is 15", problems[0])

    async def test_from_the_environment(self) -> None:
        """PYTHONPATH is all that hanode needs to take a file with this checker."""
        config = FilePath(self.mktemp())
        config.setContent(CONFIG.encode())
        config.chmod(0o644)
        root = str(MANUAL.parents[1])
        argv = ("-m", "hanode.cli", "check", config.path)
        outcomes = []
        for places in ((root, self.folder.path), (root,)):
            output, errors, code = await getProcessOutputAndValue(
                sys.executable, argv, {"PYTHONPATH": os.pathsep.join(places)}
            )
            outcomes.append((code, errors, b"NTP_CHECK" in output))
        self.assertEqual(outcomes, [(0, b"", False), (0, b"", True)])

    async def test_synchronised(self) -> None:
        """A server that has the time is well."""
        got = await self.outcome(lambda data: [packet(data)])
        self.assertEqual(got, (True, "synchronised"))

    async def test_not_synchronised(self) -> None:
        """One that says that it has not is not, nor one whose stratum is too high."""
        for first, stratum in ((0xE4, 2), (0x24, 0)):
            got = await self.outcome(
                lambda data, first=first, stratum=stratum: [
                    packet(data, first, stratum)
                ]
            )
            self.assertEqual(got, (False, "not synchronised"))
        got = await self.outcome(lambda data: [packet(data, stratum=5)], most=4)
        self.assertEqual(got, (False, "stratum too high"))

    async def test_strays(self) -> None:
        """Garbage, other modes, other timestamps and cut packets are skipped."""

        def wrong(data: bytes) -> list[bytes]:
            other = packet(data, cookie=b"otherone")
            return [b"", data, packet(data)[:-1], other]

        self.assertEqual(await self.outcome(wrong, limit=0.1), (False, "timeout"))
        got = await self.outcome(lambda data: [*wrong(data), packet(data)])
        self.assertEqual(got, (True, "synchronised"))

    async def test_refused(self) -> None:
        """Where nobody listens ICMP says so; an interface that is not there, too."""
        options = self.module.NtpOptions(15)
        check = self.check(self.closed_port(), options, 60)
        got = told(await self.checker.probe(world(), check))
        self.assertEqual(got, (False, "refused"))
        check = self.check(1, options, device="nosuch0")
        got = told(await self.checker.probe(world(), check))
        self.assertEqual(got, (False, "no such interface"))

    async def test_cancel(self) -> None:
        """Cancelled, it has a result and leaves nothing."""
        check = self.check(self.serve(lambda data: ()), self.module.NtpOptions(15), 60)
        done = self.checker.probe(world(), check)
        done.cancel()
        self.assertEqual(self.successResultOf(done), Result(False, "cancelled"))


class ManualTests(Served):
    """What the manual says of hanode's own checkers."""

    def section(self, keyword: str) -> str:
        """The part about one checker."""
        found = re.search(rf"\n## {keyword}\n(.*?)\n## ", manual(), re.DOTALL)
        assert found is not None, keyword
        return " ".join(found[1].split())

    def test_all(self) -> None:
        """Each checker has a section, which names each of its words."""
        for kind in (IChecker, IFactChecker):
            for keyword, checker in find(kind, hanode.checkers).items():
                text = self.section(keyword)
                if keyword == "SSL_GET":
                    text += self.section("HTTP_GET")
                if keyword == "SMTP_CHECK":  # whose old block has the common words
                    text += self.section("Words that several have")
                own = checker.words.rows
                inside = [each for row in own for each in row.inside]
                for row in (*own, *inside):
                    self.assertIn(f"`{row.word}", text, (keyword, row.word))
                    self.assertIn(row.type, READERS)

    def test_reasons(self) -> None:
        """Each reason in the docstring of a checker is in its section."""
        common = " ".join(manual().split("### Reasons")[1].split("\n## ")[0].split())
        for keyword in ("DNS", "UDP", "PING", "MISC", "FILE", "BFD", "TCP", "SMTP"):
            module = importlib.import_module(f"hanode.checkers.{keyword.lower()}")
            text = " ".join((module.__doc__ or "").split())
            reasons = re.findall(r"C\{([a-z][^}]*)\}", text.partition("Reasons:")[2])
            self.assertTrue(reasons, keyword)
            for reason in reasons:
                section = self.section(f"{keyword}_CHECK")
                self.assertIn(f"`{reason}", section + common, keyword)
