"""Claims about mail that waits, with real folders."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hanode import spool as module
from hanode.letter import Letter
from hanode.spool import Spool, _parsed, _text


def letter(number: int) -> Letter:
    """One of many."""
    return Letter("s@x", ("a@x", "B <b@x>"), 1.7e9 + number, b"mail %d\n" % number)


class SpoolTests(SynchronousTestCase):
    """A folder, and the log."""

    def setUp(self) -> None:
        """Nothing waits."""
        self.folder = Path(self.mktemp()) / "sub" / "mail"
        self.lines: list[str] = []
        lines = self.lines

        class Log:
            def error(self, text: str, **fields: Any) -> None:
                lines.append(text.format(**fields))

            def debug(self, text: str, **fields: Any) -> None:
                text.format(**fields)

        self.patch(Spool, "log", Log())

    def spool(self, most: int = 10) -> Spool:
        """One that has taken the folder."""
        spool = Spool(str(self.folder), most)
        spool.open()
        self.addCleanup(spool.close)
        return spool

    def all(self, spool: Spool) -> list[Letter]:
        """Take out all."""
        found = []
        while (first := spool.first()) is not None:
            found.append(first)
            spool.drop()
        return found

    def test_order(self) -> None:
        """What was put first comes first; the folder is for us alone."""
        spool = self.spool()
        for number in range(3):
            spool.put(letter(number))
        self.assertEqual(len(spool), 3)
        modes = {stat.S_IMODE(each.stat().st_mode) for each in self.folder.iterdir()}
        self.assertEqual(modes, {0o600})
        self.assertEqual(stat.S_IMODE(self.folder.stat().st_mode), 0o700)
        self.assertEqual(self.all(spool), [letter(n) for n in range(3)])
        self.assertEqual((list(self.folder.iterdir()), self.lines), ([], []))

    def test_restart(self) -> None:
        """Another process finds them, in their order; half a file is nothing."""
        spool = self.spool()
        for number in range(12):
            spool.put(letter(number))
        spool.close()
        (self.folder / "1.draft").write_text("half")
        (self.folder / "README").write_text("not ours")
        self.lines.clear()
        spool = self.spool()
        self.assertEqual(self.all(spool), [letter(n) for n in range(2, 12)])
        self.assertEqual([each.name for each in self.folder.iterdir()], ["README"])

    def test_too_many(self) -> None:
        """The oldest goes, and that is said."""
        spool = self.spool(2)
        for number in range(4):
            spool.put(letter(number))
        said = "more than 2 mails wait: the oldest is dropped, {} so far"
        self.assertEqual(self.lines, [said.format(1), said.format(2)])
        self.assertEqual(self.all(spool), [letter(2), letter(3)])

    def test_two_processes(self) -> None:
        """The second one keeps its mail in memory."""
        first, second = self.spool(), self.spool()
        first.put(letter(1))
        second.put(letter(2))
        text = f"mail waits in memory, because {self.folder} cannot be used:"
        self.assertEqual(self.lines, [f"{text} another process has it"])
        self.assertEqual(self.all(second), [letter(2)])
        self.assertEqual(self.all(first), [letter(1)])

    def test_no_folder(self) -> None:
        """Without a folder they wait in memory, and are lost at the end."""
        self.folder.parent.parent.mkdir()
        self.folder.parent.write_text("a file")
        spool = self.spool()
        spool.put(letter(1))
        spool.put(letter(2))
        self.assertEqual(spool.first(), letter(1))
        spool.drop()
        spool.close()
        self.assertEqual(
            self.lines,
            [
                f"mail waits in memory, because {self.folder} cannot be used:"
                " Not a directory",
                "1 mails that waited in memory are lost",
            ],
        )

    def test_full_disk(self) -> None:
        """What does not fit waits in memory, what fits again on disk; in order."""
        spool = self.spool()
        spool.put(letter(0))
        write, room = os.write, [10]
        self.patch(module.os, "write", lambda fd, data: write(fd, data[: room[0]]))
        spool.put(letter(1))
        spool.put(letter(2))
        room[0] = 10000
        spool.put(letter(3))
        self.assertEqual(len(list(self.folder.iterdir())), 2)
        text = f"mail waits in memory, because {self.folder} cannot be used:"
        self.assertEqual(self.lines, [f"{text} No space left on device"])
        self.assertEqual(self.all(spool), [letter(n) for n in range(4)])

    def test_spoiled(self) -> None:
        """A file that is not a mail is dropped, and the next one comes."""
        spool = self.spool()
        for number in range(5):
            spool.put(letter(number))
        files = sorted(self.folder.iterdir())
        for file, content in zip(files, ("", "x\ny", "{}\n", "[]\n"), strict=False):
            file.write_text(content)
        self.assertEqual(spool.first(), letter(4))
        self.assertEqual(len(self.lines), 4)
        files[4].unlink()
        self.assertIsNone(spool.first())
        self.assertEqual(len(spool), 0)

    @settings(max_examples=50)
    @given(
        st.builds(
            Letter,
            st.text(),
            st.lists(st.text(), max_size=3).map(tuple),
            st.floats(0, 1e10),
            st.binary(),
        )
    )
    def test_round_trip(self, written: Letter) -> None:
        """What is written is read."""
        self.assertEqual(_parsed(_text(written)), written)
