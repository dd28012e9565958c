"""The pre-parser, line by line."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hanode.config.lexer import Lexer
from hanode.config.problems import Severity


class Case(SynchronousTestCase):
    def lexer(self, config_id: str = "id") -> Lexer:
        return Lexer(config_id=config_id, environ={"E": "env"}, random=Random(1))

    def check(self, text: str, pieces: list[str], *problems: tuple[str, str]) -> None:
        """The pieces of a text, and where there are which problems."""
        lexer = self.lexer()
        self.assertEqual([p.text for p in lexer.text(text, "f")], pieces)
        told = [(str(p.place), p.message) for p in lexer.report.problems]
        self.assertEqual(told, list(problems))

    def places(self, text: str) -> list[str]:
        """Each word with its place, as word@line:column+length."""
        return [
            f"{w.text}@{w.place.line}:{w.place.column}+{w.place.length}"
            for piece in self.lexer().text(text, "f")
            for w in piece.words()
        ]


class Conditions(Case):
    def test_equal(self) -> None:
        """@id keeps a line for this id only, @^id for all others."""
        self.check("@id a\n@ID b\n@i c\n@^id d\n@^x e\n@\tf\n@^ g", ["a", "e", "g"])

    def test_nothing_behind(self) -> None:
        """A condition alone drops the line."""
        self.check("@id\n@id \nx", ["x"])

    def test_one_each(self) -> None:
        """A second condition is a word, unless a value put it there."""
        self.check("@id @id x", ["@id x"])
        self.check("$C=@id\n$N=@no\n$C a\n$N b\n@id $C c", ["a", "c"])

    def test_anything(self) -> None:
        """It goes before definitions, braces and what stands behind a brace."""
        self.check("@no $A=1\n@id $A=2\n$A", ["2"])
        self.check("a {\n@id }", ["a", "{", "}"])
        self.check("a { @id b\n@no c\n}", ["a", "{", "b", "}"])
        self.check("a { @no b }", ["a", "{"])

    def test_dropped_definition(self) -> None:
        """A multi-line definition is dropped whole."""
        self.check("@no $A=1 \\\n 2 \\\n 3\nx", ["x"])


class Definitions(Case):
    def test_redefined(self) -> None:
        """A later definition holds from there on."""
        self.check("$A=1\nx $A\n$A = 3\n$A=2\nx $A", ["x 1", "1 = 3", "x 2"])

    def test_multi_line(self) -> None:
        """Lines with nothing but a backslash go; an empty line ends it."""
        self.check("$M=a \\\n \\\n b # c\\\nd\nx $M", ["d", "x a", "b"])
        self.check("$M= \\\n a\\\n b \\\n\n c\nx $M", ["c", "x a", "b"])
        self.check("$M=a \\\n# x\n b\n$M", ["b", "a"])
        self.check("$M=\\\n\nx${M}y", ["xy"])

    def test_multi_line_use(self) -> None:
        """It must be the last thing on the line; else it is left as it is."""
        self.check("$M=a \\\n b\nx $M y\nx ${M}", ["x $M y", "x a", "b"])

    def test_like_lines_of_the_file(self) -> None:
        """Conditions, definitions, loops and uses work in a multi-line value."""
        text = (
            "$N=p \\\n q\n"
            "$M=one \\\n @no two \\\n $A=3 \\\n x$A \\\n ~SEQ(i, 2) s$i \\\n n $N\n"
            "$M\nend $A"
        )
        self.check(text, ["one", "x3", "s1", "s2", "n p", "q", "end 3"])

    def test_behind_a_brace(self) -> None:
        """A definition takes the rest of its line, also behind a brace."""
        self.check("g { $A=x\nk$A {$M=1 \\\n 2\n$M", ["g", "{", "kx", "{", "1", "2"])

    def test_end_of_file(self) -> None:
        """A definition that the file does not end ends with the file."""
        self.check("$M=1 \\\n 2 \\", [])

    def test_braces(self) -> None:
        """A value can hold whole blocks."""
        self.check("$B=b { c }\na { $B\n}", ["a", "{", "b", "{", "c", "}", "}"])


class Loops(Case):
    def test_sequence(self) -> None:
        """The text is read for each value, the last value stays."""
        pieces = [*("a1", "{", "b1", "}"), *("a2", "{", "b2", "}"), "2"]
        self.check("~SEQ(i, 2) a$i { b${i} }\n$i", pieces)

    def test_nested(self) -> None:
        """The rightmost loop is the fastest."""
        text = "~SEQ(i, 2) ~LST({A, B}, {x, y}, {z}) ${i}${A}-${B}"
        self.check(text, ["1x-y", "1z-", "2x-y", "2z-"])

    def test_multi_line(self) -> None:
        """The text of a loop can be a multi-line value."""
        self.check("$M=a$i \\\n b${i}\n~SEQ(i, 2) $M", ["a1", "b1", "a2", "b2"])

    def test_definition(self) -> None:
        """A definition in a loop does not take the next round for its next line."""
        self.check("~SEQ(i, 2) $A${i}=x \\\ny $A1 $A2", ["y x x"])
        self.check("~SEQ(i, 2) $A=$i \\\ny $A", ["y 2"])

    def test_from_value(self) -> None:
        """A loop may come out of a value; then its text is read later."""
        self.check("$i=9\n$S=~SEQ(i, 2) x$i\n$S", ["x1", "x2"])
        self.check("$S=~x\na $S b $S", ["a ~x b ~x"])

    def test_wrong(self) -> None:
        """What is no loop is a statement; a wrong loop is dropped with a warning."""
        self.check("~x y", ["~x y"])
        self.check(
            "~SEQ(i, 3 k\n~LST(A, b c) k",
            [],
            ("f:1:1", "Invalid ~SEQ specification '~SEQ(i, 3 k'"),
            ("f:2:1", "Invalid ~LST specification '~LST(A, b c) k'"),
        )


class Limits(Case):
    def endless(self, text: str) -> int:
        """How many pieces there are before the only problem, an endless line."""
        lexer = self.lexer()
        count = sum(piece.text != "next" for piece in lexer.text(f"{text}\nnext", "f"))
        self.assertEqual(
            [p.severity for p in lexer.report.problems], [Severity.DROPPED]
        )
        self.assertIn(
            "would exceed maximum line length", lexer.report.problems[0].message
        )
        return count

    def test_values(self) -> None:
        """A value in itself, or too long, is reported, and the next line is read."""
        self.assertEqual(self.endless("$A=$A\nk $A"), 0)
        self.assertEqual(self.endless("$A=a${A}\nk ${A}"), 0)
        self.assertEqual(self.endless("$A=~${A}\n$A"), 0)
        long = "x" * 40_000
        self.assertEqual(self.endless(f"$B=~{long} ${{A}}\n$A=~{long}\n$B"), 0)

    def test_lines(self) -> None:
        """A multi-line value in itself, or loops in loops, end too."""
        with patch("hanode.config.lexer.MAX_LINES", 100):
            self.assertEqual(self.endless("$A=k \\\n$A\n$A"), 101)
            self.assertEqual(self.endless("~SEQ(i, 50) ~SEQ(j, 60) x"), 98)
        with patch("hanode.config.lexer.MAX_USES", 10):
            self.assertEqual(self.endless("~SEQ(i, 20) $i"), 10)

    def test_long_lines(self) -> None:
        """A line may be long, and may have many braces, in reasonable time."""
        self.check("a" * 200_000, ["a" * 200_000])
        self.check("{}" * 50_000, ["{", "}"] * 50_000)
        with patch("hanode.config.lexer.MAX_CHARACTERS", 1_000_000):
            self.endless("{$a" * 20_000)


class Includes(Case):
    def setUp(self) -> None:
        self.directory = self.mktemp()
        os.makedirs(os.path.join(self.directory, "d"))
        self.write("d/x", "x\n$V=new\n")
        self.write("d/y", "include x\ny ${_PWD}\n")
        self.write("loop", "a\ninclude d/../loop\nb\n")

    def write(self, name: str, text: str) -> None:
        Path(self.directory, name).write_text(text)

    def read(self, text: str) -> tuple[list[str], list[tuple[str, str]]]:
        self.write("main", text)
        lexer = self.lexer()
        pieces = [p.text for p in lexer.files([os.path.join(self.directory, "main")])]
        problems = [(p.severity.name, p.message) for p in lexer.report.problems]
        return pieces, problems

    def test_relative(self) -> None:
        """Patterns start at the directory of the file that has the include."""
        where = os.path.realpath(os.path.join(self.directory, "d"))
        self.assertEqual(
            self.read("include d/y # c\n$V\n"), (["x", f"y {where}", "new"], [])
        )

    def test_forms(self) -> None:
        """It works behind conditions, in values, in loops, behind braces."""
        for text, pieces in (
            ("@id include d/x", ["x"]),
            ("@no include d/x", []),
            ("$F=d/x\ninclude $F", ["x"]),
            ("~LST(F, x, x) include d/$F", ["x", "x"]),
            ("a { include d/x }\nb", ["a", "{", "x", "}", "b"]),
            ("include d/{x,x}", ["x", "x"]),
            ("include d/?", ["x", "x", f"y {os.path.realpath(self.directory)}/d"]),
        ):
            self.assertEqual(self.read(text), (pieces, []))

    def test_no_include(self) -> None:
        """Other words that begin so, and an include of nothing, are statements."""
        self.assertEqual(
            self.read("include\ninclude_check\nincluded x\ninclude_x y"),
            (["include", "include_check", "included x", "include_x y"], []),
        )

    def test_policies(self) -> None:
        """Each variant makes its own failures errors."""
        cases = {
            "no": "mwa",
            "no*": "wa",
            "{d/x,no}": "ba",
            "d": "rmwba",
        }
        # Without a policy whatever matches nothing at all is a warning.
        mild = {"no": "WARNING", "no*": "WARNING", "d": "WARNING"}
        for pattern, strict in cases.items():
            for variant in ("", *"rmwba"):
                _, problems = self.read(f"include{variant} {pattern}\n")
                expected = (
                    "ERROR" if variant and variant in strict else mild.get(pattern)
                )
                self.assertEqual(
                    [severity for severity, _ in problems],
                    [expected] if expected else [],
                    (variant, pattern),
                )

    def test_cycle(self) -> None:
        """A file that includes itself is read once."""
        pieces, ((severity, message),) = self.read("include loop\nend")
        self.assertEqual((pieces, severity), (["a", "b", "end"], "ERROR"))
        names = [os.path.join(self.directory, n) for n in ("main", "loop", "d/../loop")]
        self.assertEqual(message, f"Include cycle: {' -> '.join(names)}")

    def test_main_file(self) -> None:
        """A main file that is missing is an error, without a place."""
        lexer = self.lexer()
        self.assertEqual(list(lexer.files(["/no/such/file"])), [])
        (problem,) = lexer.report.problems
        self.assertEqual(
            (problem.severity, problem.place, problem.message),
            (Severity.ERROR, None, "Config files missing '/no/such/file'."),
        )

    def test_slashes_once(self) -> None:
        """// is warned about once in a file."""
        self.write("z", "// 1\n// 2\n")
        pieces, problems = self.read("// a\ninclude z\n// b\nhttp://x")
        message = "'//' is not a comment in keepalived, here it is taken as one"
        self.assertEqual((pieces, problems), (["http://x"], [("WARNING", message)] * 2))


class Places(Case):
    def test_exact(self) -> None:
        """Words of the file keep their columns whatever was cut before them."""
        self.assertEqual(
            self.places("\t@id  a\\#b { c # d\n@^x } e"),
            ["a#b@1:7+4", "{@1:12+1", "c@1:14+1", "}@2:5+1", "e@2:7+1"],
        )

    def test_values(self) -> None:
        """Words of values point to the use that gave them, in all its lines."""
        self.assertEqual(
            self.places("$V=one two\n$M=a \\\n b c\nx $V y\nz $M"),
            ["x@4:1+1", "one@4:3+2", "two@4:3+2", "y@4:6+1"]
            + ["z@5:1+1", "a@5:3+2", "b@5:3+2", "c@5:3+2"],
        )

    def test_loops(self) -> None:
        """The text of a loop stands where it was written."""
        self.assertEqual(
            self.places("~SEQ(i, 2) a $i"),
            ["a@1:12+1", "1@1:14+2", "a@1:12+1", "2@1:14+2"],
        )


class Cuts(Case):
    """Lines without anything special."""

    def test_equal_lines(self) -> None:
        """A line that is there twice has its own place each time."""
        self.assertEqual(
            self.places(" a { b 1 }\n a { b 1 }\n}x"),
            [
                *("a@1:2+1", "{@1:4+1", "b@1:6+1", "1@1:8+1", "}@1:10+1"),
                *("a@2:2+1", "{@2:4+1", "b@2:6+1", "1@2:8+1", "}@2:10+1"),
                *("}@3:1+1", "x@3:2+1"),
            ],
        )

    @given(st.text(" \t\r\f\vab-{}"))
    def test_any(self, text: str) -> None:
        """Braces are pieces, and so is all between them without blanks at its ends.

        What makes a line special, as the quotes in a second one, changes nothing.
        """
        text = text.rstrip("\r")  # no part of the line
        pieces = [(each.text, each.first) for each in self.lexer().text(text, "f")]
        for piece, first in pieces:
            self.assertEqual(text[first - 1 :][: len(piece)], piece)
        blanks = str.maketrans("", "", " \t\r\f\v")
        self.assertEqual(
            "".join(p for p, _ in pieces).translate(blanks), text.translate(blanks)
        )
        special = self.lexer().text(f'{text} {{ "" }}', "f")
        same = [(each.text, each.place().column) for each in special]
        self.assertEqual(same[:-3], pieces)


class Comments(Case):
    def test_odd(self) -> None:
        """What is odd is told with its place, once."""
        quote = "Unterminated quote 'a \"b $P'"
        value = "'#' out of a parameter begins a comment here"
        backslash = "A backslash at the end of a line continues only definitions"
        self.check(
            "$P=x\\#y\npass $P\n~SEQ(i, 2) c \\\nd { e \\\n",
            ["pass x", "c\\", "c\\", "d", "{", "e\\"],
            ("f:2:6", value),
            ("f:3:14", backslash),
            ("f:4:7", backslash),
        )
        self.check('a "b $P', ['a "b $P'], ("f:1:3", quote))

    def test_whole_value(self) -> None:
        """A value that is a comment is no surprise: it switches lines off."""
        self.check("$OFF=\\#\n$OFF a\nb $OFF c", ["b"])
        self.check('${_HASH} a\nb "${_BANG}" ${_ENV E}', ['b "!" env'])
