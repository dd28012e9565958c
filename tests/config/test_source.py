"""Files, patterns and the policy of includes."""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hanode.config.source import (
    MAX_ALTERNATIVES,
    Miss,
    Policy,
    change_policy,
    decode,
    expand_braces,
    find,
    matches,
    pattern_end,
    read_file,
    split_lines,
    unreadable,
)


class Braces(SynchronousTestCase):
    def test_alternatives(self) -> None:
        """Alternatives come in order, nested ones too; {} and a lone brace stay."""
        cases = {
            "a": ["a"],
            "{a,b}": ["a", "b"],
            "x{a,b{1,2},}y": ["xay", "xb1y", "xb2y", "xy"],
            "{a,b}{c,d}": ["ac", "ad", "bc", "bd"],
            "{a}": ["a"],
            "{}": ["{}"],
            "{a,b": ["{a,b"],
            "a}": ["a}"],
            "a,b": ["a,b"],
            "\\{a,b}": ["\\{a,b}"],
            "{{a,b}": ["{a", "{b"],
        }
        self.assertEqual({text: expand_braces(text) for text in cases}, cases)

    def test_too_many(self) -> None:
        """A pattern cannot fill the memory."""
        self.assertRaises(ValueError, expand_braces, "{a,b}" * 20)
        many = "{" + "," * (MAX_ALTERNATIVES - 1) + "}"
        self.assertEqual(len(expand_braces(many)), MAX_ALTERNATIVES)

    @given(st.text("{},\\ab", max_size=12))
    def test_any_pattern(self, pattern: str) -> None:
        """Whatever the braces, there is at least one alternative."""
        self.assertNotEqual(expand_braces(pattern), [])

    def test_end_of_pattern(self) -> None:
        """A closing brace that the pattern did not open is not part of it."""
        self.assertEqual(
            [pattern_end(text) for text in ("a", "{a} }", "a }", "")], [1, 4, 2, 0]
        )


class Files(SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = self.mktemp()
        os.makedirs(os.path.join(self.directory, "sub.conf"))
        for name in ("b.conf", "a.conf", "a*.conf", ".hidden.conf", "run.conf"):
            path = Path(self.directory, name)
            path.write_text(name)
            path.chmod(0o755 if name == "run.conf" else 0o644)

    def at(self, *names: str) -> list[str]:
        return [os.path.join(self.directory, name) for name in names]

    def test_matches(self) -> None:
        """Wildcards give sorted paths; a backslash makes a character literal."""
        cases = {
            "[ab].conf": self.at("a.conf", "b.conf"),
            "[^a].conf": self.at("b.conf"),
            "a\\*.conf": self.at("a*.conf"),
            "?\\*.conf": self.at("a*.conf"),
            "x": [],
            "x*": [],
            "a.conf": self.at("a.conf"),
        }
        found = {text: matches(text, self.directory) for text in cases}
        self.assertEqual(found, cases)
        self.assertEqual(
            matches(self.at("[ab].conf")[0], ""), self.at("a.conf", "b.conf")
        )

    def test_find(self) -> None:
        """Directories are skipped; a file that can be executed is reported."""
        (run,) = self.at("run.conf")
        paths, misses = find("*.conf", self.directory)
        self.assertEqual(paths, self.at("a*.conf", "a.conf", "b.conf"))
        self.assertEqual(
            [(m.broken, m.silent, m.remedy) for m in misses],
            [(Policy.READABLE, False, f"chmod a-x {run}"), (Policy.NONE, True, "")],
        )
        self.assertEqual(
            misses[0].message,
            f"Configuration file '{run}' is not a regular non-executable file",
        )

    def test_absent(self) -> None:
        """What is absent breaks the policy of how it was named."""
        cases = {
            "x": (0, Policy.MATCH, False),
            "x*": (0, Policy.WILDCARD, False),
            "{a,x}.conf": (1, Policy.BRACE, True),
            "{x,y}": (0, Policy.BRACE | Policy.MATCH, False),
            "{x,y*}": (0, Policy.BRACE | Policy.WILDCARD, False),
        }
        found = {}
        for pattern in cases:
            paths, (miss,) = find(pattern, self.directory)
            self.assertEqual(miss.message, f"Config files missing '{pattern}'.")
            found[pattern] = (len(paths), miss.broken, miss.silent)
        self.assertEqual(found, cases)

    def test_unsuitable(self) -> None:
        """A named directory and a link to nothing cannot be read."""
        (nothing,) = self.at("nothing")
        os.symlink("gone", nothing)
        self.assertEqual(
            [
                [m.message for m in find(p, self.directory)[1]]
                for p in ("sub.conf", "nothing")
            ],
            [
                [
                    f"Configuration file '{self.at('sub.conf')[0]}' is not a regular "
                    "non-executable file"
                ],
                [
                    f"Unable to open configuration file '{nothing}': "
                    "No such file or directory"
                ],
            ],
        )

    def test_read(self) -> None:
        """All bytes of a file."""
        self.assertEqual(read_file(self.at("b.conf")[0]), b"b.conf")

    def test_unreadable(self) -> None:
        """An error without a number is told by its text."""
        self.assertEqual(
            unreadable("f", ValueError("why")),
            Miss(Policy.READABLE, "Unable to open configuration file 'f': why"),
        )


class Lines(SynchronousTestCase):
    def test_ends(self) -> None:
        """LF and CR LF end a line, the last one may lack it; nothing else does."""
        self.assertEqual(split_lines("a\r\nb\n\nc"), ["a", "b", "", "c"])
        self.assertEqual(split_lines("a\x0bb\u2028c\n"), ["a\x0bb\u2028c"])
        self.assertEqual(split_lines(""), [])

    def test_bytes(self) -> None:
        """Wrong UTF-8 survives as it is; a byte order mark goes."""
        self.assertEqual(decode(b"\xef\xbb\xbfa\xff\n"), ["a\udcff"])


class Policies(SynchronousTestCase):
    def test_words(self) -> None:
        """Words replace the policy, with a sign they change it."""
        both = Policy.MATCH | Policy.BRACE
        cases = {
            "": Policy.MATCH,
            "readable": Policy.READABLE,
            "read brace_match": Policy.READABLE | Policy.BRACE,
            "+brace_match": both,
            "+ brace_match": both,
            "- match wildcard_match": Policy.NONE,
            "-match +readable": Policy.READABLE,
        }
        found = {text: change_policy(Policy.MATCH, text.split()) for text in cases}
        self.assertEqual(found, cases)
        self.assertRaises(KeyError, change_policy, Policy.NONE, ["x"])
