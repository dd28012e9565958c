"""Notify scripts: command, user and group."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.findings import Findings
from hanode.config.model import Script
from hanode.config.problems import Place
from hanode.config.row import Keyword
from hanode.config.scripts import script, script_or_nothing
from hanode.config.tree import Block, Word
from tests.config.reading import said, tree

ROW = Keyword("notify", "notify.always", "script")


def read(line: str) -> tuple[object, list[str]]:
    """The script of a line, and what is said about it."""
    findings = Findings()
    return script(ROW, tree(line)[0], findings), said(findings.problems)


class ScriptTests(SynchronousTestCase):
    def test_plain(self) -> None:
        """A path alone; a user; a user and a group."""
        self.assertEqual(
            [read("notify /a"), read("notify /a bob"), read("notify /a bob staff")],
            [
                (Script(("/a",)), []),
                (Script(("/a",), "bob"), []),
                (Script(("/a",), "bob", "staff"), []),
            ],
        )

    def test_arguments(self) -> None:
        """A quoted command has arguments, which may be quoted and escaped again."""
        self.assertEqual(
            read("notify \"/a 'b c' \\x41\" bob"),
            (Script(("/a", "b c", "A"), "bob"), []),
        )

    def test_without_raw_text(self) -> None:
        """Where the text as written is not known, the words are used."""
        here = Place("t", 1, 1)
        words = (Word("notify", here), Word("/a b", here, True))
        self.assertEqual(
            script(ROW, Block(words), Findings()), Script(("/a", "b"), None)
        )

    def test_text_without_arguments(self) -> None:
        """A text that holds less than the words is an empty command."""
        here = Place("t", 1, 1)
        block = Block((Word("notify", here), Word("x", here)), None, "notify")
        self.assertEqual(script(ROW, block, Findings()), None)

    def test_nothing(self) -> None:
        """Without a command: an error, or for notify_deleted a meaning."""
        self.assertEqual(
            read("notify"),
            (
                None,
                [
                    "1 error: *** Configuration line starting `notify` is missing a "
                    "parameter after keyword `notify` at word position 2 "
                    "(write a value behind notify)"
                ],
            ),
        )
        deleted = tree("notify_deleted\nnotify_deleted /a")
        self.assertEqual(
            [script_or_nothing(ROW, block, Findings()) for block in deleted],
            [True, Script(("/a",))],
        )

    def test_bad_commands(self) -> None:
        """An empty command and an open quote leave the option out."""
        self.assertEqual(
            [read('notify "" bob'), read("notify '/a")],
            [
                (
                    None,
                    [
                        "1 warning: notify: the command is empty "
                        "(write the path of a script)"
                    ],
                ),
                (
                    None,
                    [
                        "1 warning: String 'notify '/a': missing terminating ' "
                        "(notify is ignored until its quotes are mended)"
                    ],
                ),
            ],
        )

    def test_groups(self) -> None:
        """A colon before the group is kept; surplus words are named."""
        self.assertEqual(
            [
                read("notify /a bob :staff"),
                read("notify /a bob :"),
                read("notify /a b c d"),
            ],
            [
                (Script(("/a",), "bob", ":staff"), []),
                (Script(("/a",), "bob", ":"), []),
                (
                    Script(("/a",), "b", "c"),
                    [
                        "1 warning: notify has surplus words from 'd' on "
                        "(put a command with arguments in double quotes)"
                    ],
                ),
            ],
        )
