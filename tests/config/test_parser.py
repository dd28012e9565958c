"""From text to a tree of blocks."""

from __future__ import annotations

import gc
import os
from pathlib import Path
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hanode.config import lexer
from hanode.config.line import BLANKS
from hanode.config.parser import MAX_DEPTH, parse, parse_text
from hanode.config.problems import Problem, Severity
from hanode.config.tree import Block

DATA = os.path.join(os.path.dirname(os.path.dirname(__file__)), "data", "syntax")


def outline(blocks: tuple[Block, ...] | None) -> object:
    """Words of statements as strings; a block is a pair with its children."""
    if blocks is None:
        return None
    found: list[object] = []
    for block in blocks:
        words = " ".join(word.text for word in block.words)
        inside = outline(block.children)
        found.append(words if inside is None else (words, inside))
    return found


def told(problems: list[Problem]) -> list[tuple[str, str, str]]:
    return [(p.severity.name, str(p.place).split("/")[-1], p.message) for p in problems]


class Trees(SynchronousTestCase):
    def check(self, text: str, tree: object, *problems: tuple[str, str, str]) -> None:
        blocks, found = parse_text(text, "f")
        self.assertEqual((outline(blocks), told(found)), (tree, list(problems)))

    def test_forms(self) -> None:
        """Blocks on one line, the brace on the next line, braces within words."""
        self.check("a b { c d }", [("a b", ["c d"])])
        self.check("a\n\n# x\n{\nb\n}\nc", [("a", ["b"]), "c"])
        self.check("a{b{c}d}e", [("a", [("b", ["c"]), "d"]), "e"])
        self.check("a { }\nb {} c", [("a", []), ("b", []), "c"])
        self.check("a {\n b }\n", [("a", ["b"])])
        self.check(
            "a { {b}\n",
            [("a", ["b"])],
            ("WARNING", "f:1:5", "Unexpected '{' - ignoring"),
        )

    def test_quoted_brace(self) -> None:
        """A brace in double quotes is text, in single quotes it is a brace."""
        self.check('a "{" "b }" {\n}', [("a { b }", [])])
        self.check("a '{' }", [("a '", ["'"])])

    def test_quoted_only(self) -> None:
        """A quoted brace alone on a line is a statement."""
        self.check('"{"', ["{"])

    def test_missing_brace(self) -> None:
        """What is open at the end is closed there, and the problem names it."""
        blocks, problems = parse_text("a {\n b c {\n", "f")
        self.assertEqual(outline(blocks), [("a", [("b c", [])])])
        self.assertEqual(
            [(p.severity, str(p.place), p.message, p.remedy) for p in problems],
            [
                (
                    Severity.DROPPED,
                    "f:1:1",
                    "There are 2 missing '}'s or extra '{'s",
                    "not closed: 'a' at f:1:1, 'b c' at f:2:2",
                )
            ],
        )
        self.assertEqual(blocks[0].end, None)

    def test_extra_brace(self) -> None:
        """A closing brace too many is reported, what follows is read."""
        self.check(
            "a {\n}\n }\nb", [("a", []), "b"], ("DROPPED", "f:3:2", "Extra '}' found")
        )

    def test_too_deep(self) -> None:
        """Blocks nested beyond all reason are left out, and counted correctly."""
        text = "a {\n" * (MAX_DEPTH + 3) + "}\n" * (MAX_DEPTH + 3) + "b"
        blocks, problems = parse_text(text, "f")
        self.assertEqual(blocks[1].keyword.text, "b")
        message = f"Blocks are nested more than {MAX_DEPTH} deep - ignoring"
        self.assertEqual(told(problems), [("DROPPED", f"f:{MAX_DEPTH + 1}:3", message)])
        _, problems = parse_text("a {\n" * (MAX_DEPTH + 3), "f")
        self.assertEqual(
            problems[-1].message,
            f"There are {MAX_DEPTH + 3} missing '}}'s or extra '{{'s",
        )

    def test_quote(self) -> None:
        """A missing quote is a warning; the words before it stay."""
        problem = ("WARNING", "f:1:3", "Unterminated quote 'a \"b'")
        self.check('a "b', ["a"], problem)
        self.check('"b\nc', ["c"], ("WARNING", "f:1:1", "Unterminated quote '\"b'"))

    def test_raw(self) -> None:
        """The raw text keeps quotes and blanks, without the comment."""
        (block,), _ = parse_text("s  \"a 'b'\"   c { # x\n}")
        self.assertEqual(block.raw, "s  \"a 'b'\"   c")

    def test_places(self) -> None:
        """Keyword, arguments and closing brace stand where they were written."""
        (block,), _ = parse_text("x { y  zz }\n", "f")
        assert block.children is not None
        inner = block.children[0]
        places = [str(w.place) for w in (*block.words, *inner.words)]
        self.assertEqual(
            [*places, str(block.end)], ["f:1:1", "f:1:5", "f:1:8", "f:1:11"]
        )
        self.assertEqual(inner.words[1].place.length, 2)
        self.assertEqual(inner.words[1].place.source, "x { y  zz }")

    def test_plain_places(self) -> None:
        """Lines that need no attention have exact places too."""
        (block,), _ = parse_text("\n\t a  b {\n  c\n  }", "f")
        assert block.children is not None
        places = [str(w.place) for w in (*block.words, *block.children[0].words)]
        self.assertEqual(
            [*places, str(block.end)], ["f:2:3", "f:2:6", "f:3:3", "f:4:3"]
        )

    def test_collector(self) -> None:
        """Reading leaves the garbage collector as it was."""
        was = gc.isenabled()
        self.addCleanup(gc.enable if was else gc.disable)
        for wanted in (False, True):
            (gc.enable if wanted else gc.disable)()
            parse_text("a")
            self.assertEqual(gc.isenabled(), wanted)


class Followed(SynchronousTestCase):
    def test_include_check(self) -> None:
        """It makes a missing file an error from there on, in global_defs only."""
        text = "include no\n{}global_defs {{\n include_check match\n}}\ninclude no2\n"
        for before, severity in (("", "ERROR"), ("x {\n}\n", "ERROR")):
            _, problems = parse_text(text.format(before), "f")
            self.assertEqual([p[0] for p in told(problems)], ["WARNING", severity])
        _, problems = parse_text("x {\n include_check match\n}\ninclude no", "f")
        self.assertEqual([p[0] for p in told(problems)], ["WARNING"])

    def test_unknown_option(self) -> None:
        """An unknown option is a warning and changes nothing."""
        _, problems = parse_text(
            "global_defs {\n include_check match x\n}\ninclude no", "f"
        )
        self.assertEqual(
            told(problems),
            [
                ("WARNING", "f:2:22", "Unknown include_check option 'x'"),
                ("WARNING", "f:4:9", "Config files missing 'no'."),
            ],
        )

    def test_random_seed(self) -> None:
        """It decides the numbers that are drawn after it."""
        text = "global_defs {\n random_seed 7\n}\nx ${_RANDOM}\n"
        blocks, _ = parse_text(text, random=Random(3))
        self.assertEqual(blocks[1].words[1].text, str(Random(7).randint(0, 32767)))
        blocks, _ = parse_text(text.replace("7", "x"), random=Random(3))
        self.assertEqual(blocks[1].words[1].text, str(Random(3).randint(0, 32767)))
        blocks, _ = parse_text(text.replace("7", ""), random=Random(3))
        self.assertEqual(blocks[1].words[1].text, str(Random(3).randint(0, 32767)))


class Everything(SynchronousTestCase):
    def test_one_file(self) -> None:
        """A file with every feature gives the tree that keepalived would see."""
        path = os.path.join(DATA, "everything.conf")
        blocks, problems = parse([path], config_id="main", environ={}, random=Random(1))
        self.assertEqual(
            outline(blocks),
            [
                ("global_defs", [r"router_id node \# 1", "include_check match"]),
                (
                    "vrrp_script chk",
                    ["script /usr/bin/test -e '/tmp/a b'", "weight 10"],
                ),
                (
                    "vrrp_instance VI_1",
                    [
                        "virtual_router_id 51",
                        "priority 100",
                        ("authentication", ["auth_pass e^H#o6"]),
                        (
                            "virtual_ipaddress",
                            [
                                "192.0.2.10/24",
                                "192.0.2.11/24",
                                "192.0.2.20 dev eth0",
                                "192.0.2.21 dev eth0",
                                "192.0.2.22 dev eth0",
                            ],
                        ),
                    ],
                ),
                ("vrrp_sync_group G", [("group", ["VI_1 VI_2"])]),
                ("static_ipaddress", ["10.0.0.1 label main"]),
                ("vrrp_instance VI_2", ["state BACKUP"]),
            ],
        )
        message = "'//' is not a comment in keepalived, here it is taken as one"
        self.assertEqual(
            told(problems), [("WARNING", "everything.conf:14:42", message)]
        )

    def test_several_paths(self) -> None:
        """Paths are read one after the other; definitions and blocks go on."""
        directory = self.mktemp()
        os.makedirs(directory)
        Path(directory, "1.conf").write_text("$A=x\nb {\n")
        Path(directory, "2.conf").write_text("$A\n}\n")
        for paths in (["*.conf"], ["1.conf", "2.conf"]):
            blocks, problems = parse(
                [os.path.join(directory, path) for path in paths],
                config_id="",
                environ={},
                random=Random(1),
            )
            self.assertEqual((outline(blocks), problems), ([("b", ["x"])], []))


TOKENS = st.sampled_from(
    [
        "{",
        "}",
        '"',
        "'",
        "$A",
        "${A}",
        "${B}",
        "$A=",
        "$B=",
        "~SEQ(A, 3)",
        "~LST(B, x, y)",
    ]
    + [
        "@id ",
        "@^id ",
        "@",
        "~",
        "\\",
        "#",
        "!",
        "//",
        "\n",
        "\r\n",
        " ",
        "\0",
        "a",
        "b c",
    ]
)
NAMES = st.text(st.sampled_from("abc_.:/0123^'é"), min_size=1, max_size=6).filter(
    lambda name: "//" not in name and name != "include"
)
WORDS = st.lists(NAMES, min_size=1, max_size=3).map(" ".join)
TREES = st.recursive(
    st.lists(WORDS, max_size=4),
    lambda inner: st.lists(st.one_of(WORDS, st.tuples(WORDS, inner)), max_size=4),
    max_leaves=20,
)


def printed(tree: object) -> str:
    assert isinstance(tree, list)
    text = ""
    for item in tree:
        if isinstance(item, tuple):
            text += f"{item[0]} {{\n{printed(item[1])}}}\n"
        else:
            text += f"{item}\n"
    return text


class Properties(SynchronousTestCase):
    def setUp(self) -> None:
        self.patch(lexer, "MAX_LINES", 1000)  # many texts are endless

    def places_are_right(self, blocks: tuple[Block, ...], lines: list[str]) -> None:
        """Every place stands within its line."""
        for block in blocks:
            for word in block.words:
                source = lines[word.place.line - 1]
                self.assertEqual(word.place.source, source)
                self.assertLessEqual(1, word.place.column)
                end = word.place.column + word.place.length - 1
                self.assertLessEqual(end, len(source))
            self.places_are_right(block.children or (), lines)

    @given(st.text().filter(lambda text: "include" not in text))
    def test_any_text(self, text: str) -> None:
        """Any text gives a tree and problems."""
        blocks, _ = parse_text(text)
        lines = [line.rstrip("\r") for line in text.removeprefix("\ufeff").split("\n")]
        self.places_are_right(blocks, lines)

    @settings(deadline=None)
    @given(st.lists(TOKENS, max_size=30).map("".join))
    def test_any_tokens(self, text: str) -> None:
        """So does any order of the tokens of the language."""
        blocks, _ = parse_text(text, config_id="id")
        self.places_are_right(blocks, [line.rstrip("\r") for line in text.split("\n")])

    @settings(deadline=None)
    @given(st.lists(TOKENS, max_size=30).map("".join))
    def test_line_ends(self, text: str) -> None:
        """CR LF means what LF means."""
        text = text.replace("\r", "")
        plain = parse_text(text, config_id="id")
        self.assertEqual(parse_text(text.replace("\n", "\r\n"), config_id="id"), plain)

    @given(TREES)
    def test_round_trip(self, tree: object) -> None:
        """A tree that is printed and read again is the same tree."""
        blocks, problems = parse_text(printed(tree))
        self.assertEqual((outline(blocks), problems), (tree, []))

    @given(st.lists(NAMES, min_size=1), st.text(BLANKS, min_size=1))
    def test_plain_and_thorough(self, names: list[str], blank: str) -> None:
        """A comment makes no difference to words and places before it."""
        text = blank.join(names).replace("\r", "\t")
        plain, _ = parse_text(text)
        commented, _ = parse_text(f"{text} #")
        self.assertEqual(
            [[(w.text, str(w.place)) for w in b.words] for b in commented],
            [[(w.text, str(w.place)) for w in b.words] for b in plain],
        )
