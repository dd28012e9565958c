"""Parameters, their use, and the loops ~SEQ and ~LST."""

from __future__ import annotations

import os
from random import Random

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.line import Line
from hanode.config.parameters import (
    EndlessError,
    LoopError,
    Parameters,
    definition,
)


def line(text: str) -> Line:
    return Line(text, "f.conf", 1, text)


class Using(SynchronousTestCase):
    def setUp(self) -> None:
        self.notes: list[str] = []
        self.parameters = Parameters(
            config_id="node1", environ={"A": "x\ny"}, random=Random(1)
        )

    def note(self, message: str, remedy: str) -> None:
        self.notes.append(message)

    def put(self, text: str) -> str:
        return self.parameters.substitute(line(text), self.note).line.text

    def test_forms(self) -> None:
        """${X} is replaced anywhere; $X before a blank, comma, ) or the end."""
        self.parameters.define("X", ("v",))
        cases = {
            "a${X}b": "avb",
            '"${X}"': '"v"',
            "$X": "v",
            "$X a\t$X\t$X,($X)": "v a\tv\tv,(v)",
            "$Xa $X} $X/ $": "$Xa $X} $X/ $",
            "${Y} $Y ${X ${ X} ${X }": "${Y} $Y ${X ${ X} ${X }",
        }
        self.assertEqual({text: self.put(text) for text in cases}, cases)

    def test_lazy(self) -> None:
        """A value is looked at again when it is used, with what holds then."""
        self.parameters.define("A", ("${B}c",))
        self.parameters.define("B", ("1",))
        before = self.put("$A")
        self.parameters.define("B", ("",))
        self.assertEqual((before, self.put("$A")), ("1c", "c"))

    def test_multi_line(self) -> None:
        """Only the last thing on a line can be a multi-line value."""
        self.parameters.define("M", ("one", "two", "three"))
        done = self.parameters.substitute(line("${M} a $M"), self.note)
        self.assertEqual(done.line.text, "${M} a one")
        self.assertEqual(
            [[more.text for more in r] for r in done.rest], [["two", "three"]]
        )
        self.assertEqual(done.uses, 1)

    def test_endless(self) -> None:
        """A parameter that contains itself raises EndlessError."""
        for value in ("$A", "a${A}", "${A}${A}", "${B}"):
            self.parameters.define("A", (value,))
            self.parameters.define("B", ("x" * 70_000,))
            self.assertRaises(EndlessError, self.put, "${A}")

    def test_loop_first(self) -> None:
        """A value that begins with ~ stops: the loop sets parameters first."""
        self.parameters.define("S", ("~SEQ(i, 2) x${i}",))
        self.parameters.define("i", ("9",))
        self.assertEqual(self.put("$S"), "~SEQ(i, 2) x${i}")

    def test_predefined(self) -> None:
        """The predefined parameters, and that they can be overridden."""
        self.parameters.directory = "/"
        text = "${_PWD} ${_INSTANCE} ${_HASH}${_BANG} ${_ENV A}|${_ENV B} $_HASH"
        self.assertEqual(self.put(text), "/ node1 #! x y| #")
        self.parameters.directory = ""
        self.assertEqual(self.put("$_PWD"), os.path.realpath("."))
        self.parameters.define("_HASH", ("h",))
        self.assertEqual(self.put("${_HASH}"), "h")

    def test_random(self) -> None:
        """_RANDOM draws within its bounds, a new number at each use."""
        first = [int(w) for w in self.put("${_RANDOM} ${_RANDOM 5 6} $_RANDOM").split()]
        again = Random(1)
        expected = [
            again.randint(0, 32767),
            again.randint(5, 6),
            again.randint(0, 32767),
        ]
        self.assertEqual(first, expected)
        self.assertEqual(self.put("${_RANDOM 9 3}"), "9")
        self.assertEqual(self.put("${_RANDOM x}"), "0")
        self.assertEqual(
            self.notes,
            [
                "_RANDOM minimum 9 is greater than maximum 3",
                "invalid number 'x' for _RANDOM",
            ],
        )

    def test_argument_count(self) -> None:
        """A wrong number of arguments is reported, and nothing is put in."""
        self.parameters.define("X", ("v",))
        text = "${_ENV} ${X 1 2} ${_RANDOM 1 2 3} ${Y 1}"
        self.assertEqual(self.put(text), text)
        self.assertEqual(
            self.notes,
            [
                "Definition _ENV requires between 1 and 1 parameters, 0 specified.",
                "Definition X requires between 0 and 0 parameters, 2 specified.",
                "Definition _RANDOM requires between 0 and 2 parameters, 3 specified.",
            ],
        )

    def test_definition(self) -> None:
        """Nothing may stand between the name and the =."""
        found = {}
        for text in ("$A=  b c", "$_1=", "$A =b", "$1=b", "$A b"):
            taken = definition(line(text))
            found[text] = taken and (taken[0], taken[1].text)
        self.assertEqual(
            found,
            {
                "$A=  b c": ("A", "b c"),
                "$_1=": ("_1", ""),
                "$A =b": None,
                "$1=b": None,
                "$A b": None,
            },
        )


class Loops(SynchronousTestCase):
    def setUp(self) -> None:
        self.parameters = Parameters(config_id="", environ={}, random=Random(1))

    def values(self, text: str) -> object:
        try:
            loop = self.parameters.loop(line(text), lambda message, remedy: None)
        except LoopError as error:
            return str(error)
        return loop and (loop.names, list(loop.values), loop.body.text)

    def sequence(self, inside: str, kind: str = "SEQ") -> object:
        found = self.values(f"~{kind}({inside}) t")
        return " ".join(v for (v,) in found[1]) if isinstance(found, tuple) else found

    def test_sequences(self) -> None:
        """Start and step default; the end is included when it is hit."""
        self.parameters.define("N", ("3",))
        cases = {
            "i,3": "1 2 3",
            "i, 0": "1 0",
            "i,-2": "-1 -2",
            "i, 2, 4": "2 3 4",
            "i, 4, 2": "4 3 2",
            "i, 1, 2, 6": "1 3 5",
            "i, 5, -2, 1": "5 3 1",
            "i, 0x10, 0x11": "16 17",
            "i, 010, +9": "8 9",
            "i, $N": "1 2 3",
            "i, 4, 0, 6": "Invalid ~SEQ values",
            "i, 4, -1, 6": "Invalid ~SEQ values",
            "i, a": "Invalid ~SEQ number 'a'",
            "i, 08": "Invalid ~SEQ number '08'",
            "i": "Invalid ~SEQ parameters",
            "1i, 2": "Invalid ~SEQ parameters",
            "i, 1, 2, 3, 4": "Invalid ~SEQ parameters",
            "i, 100001": "~SEQ has more than 100000 values",
        }
        self.assertEqual({text: self.sequence(text) for text in cases}, cases)

    def test_hexadecimal(self) -> None:
        """~SEQx gives lower case digits and takes nothing negative."""
        self.assertEqual(self.sequence("i, 9, 11", "SEQx"), "9 a b")
        self.assertEqual(
            self.sequence("i, -1", "SEQx"),
            "Invalid ~SEQ values: ~SEQx cannot be negative",
        )

    def test_lists(self) -> None:
        """Values of one or of several parameters; what is missing is empty."""
        cases = {
            "~LST(A, p, ${q}) t": (("A",), [("p",), ("${q}",)], "t"),
            "~LST(A) t": (("A",), [], "t"),
            "~LST ( {A, B} , {1,2}, { 3 } ) t": (
                ("A", "B"),
                [("1", "2"), ("3", "")],
                "t",
            ),
            "~LST({A}, {1,2}) t": "~LST specification has too many values",
            "~LST(A, a b) t": "Invalid ~LST values",
            "~LST({A,B}, 1) t": "Invalid ~LST values",
            "~LST(1, 2) t": "Invalid ~LST parameter name",
            "~LST({A, 2": "~LST missing terminating ')'",
            "~LST({A, 2) t": "Invalid ~LST parameter name",
        }
        self.assertEqual({text: self.values(text) for text in cases}, cases)

    def test_no_loop(self) -> None:
        """Only ~SEQ, ~SEQx and ~LST are loops; they need their parentheses."""
        self.assertEqual(self.values("~SEQUENCE(i, 2)"), None)
        self.assertEqual(self.values("~ x"), None)
        self.assertEqual(self.values("~SEQ i"), "~SEQ missing '('")
        self.assertEqual(self.values("~SEQ(i, 2"), "~SEQ missing terminating ')'")
