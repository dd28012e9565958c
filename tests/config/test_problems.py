"""Problems as people see them."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.parser import parse_text
from hanode.config.problems import Place, Problem, Severity, secret, worst

HERE = Place("a.conf", 3, 10, "\tpriority 300", 3)


class ProblemTests(SynchronousTestCase):
    def test_sentence(self) -> None:
        """Place, severity, message and remedy on one line."""
        self.assertEqual(
            [
                str(Problem(Severity.WARNING, HERE, "too much", "use less")),
                str(Problem(Severity.ERROR, None, "nothing there")),
            ],
            [
                "a.conf:3:10: warning: too much (use less)",
                "error: nothing there",
            ],
        )

    def test_drawing(self) -> None:
        """The word is underlined below its line; tabs count as one column."""
        self.assertEqual(
            Problem(Severity.WARNING, HERE, "too much").drawing(),
            "a.conf:3:10: warning: too much\n     priority 300\n             ^~~",
        )

    def test_nothing_to_draw(self) -> None:
        """Without a source line there is the sentence alone."""
        self.assertEqual(
            [
                Problem(Severity.DROPPED, Place("a", 1, 1), "x").drawing(),
                Problem(Severity.DROPPED, None, "x").drawing(),
            ],
            ["a:1:1: dropped: x", "dropped: x"],
        )

    def test_secret(self) -> None:
        """A line with a password is never shown, whoever complains about it."""
        _, problems = parse_text('authentication { auth_pass "e^Ho6HWa }')
        place = Place("a", 1, 1, "  auth_pass e^Ho6HWa extra", 9)
        drawings = [each.drawing() for each in problems]
        drawings.append(Problem(Severity.WARNING, place, "surplus word").drawing())
        self.assertIn("Unterminated quote", drawings[0])
        self.assertNotIn("Ho6", "".join(drawings))

    def test_lines_with_secrets(self) -> None:
        """Passwords and keys, however they are written; a word like key is none."""
        lines = (
            "auth_pass x",
            "  key 1 x",
            "authentication { key 1 x }",
            '"key" 1 x',
            "$K=key 1 x",
            "password x",
            'SSL { password "x y" }',
        )
        self.assertEqual([line for line in lines if not secret(line)], [])
        harmless = ("active_key 1", "keys", "passwords x", "key_file x", "monkey 1")
        self.assertEqual([line for line in harmless if secret(line)], [])

    def test_secret_of_an_open_block(self) -> None:
        """A statement with a password is not named in full when its brace is open."""
        _, problems = parse_text("authentication {\nkey 1 e^Ho6HWa {\n")
        self.assertEqual(
            [problem.remedy for problem in problems],
            [
                "not closed: 'authentication' at <text>:1:1, 'key' at <text>:2:1",
            ],
        )
        self.assertNotIn("Ho6", "".join(each.drawing() for each in problems))

    def test_worst(self) -> None:
        """The gravest severity of all, or none."""
        problems = [
            Problem(severity, None, "")
            for severity in (Severity.WARNING, Severity.ERROR, Severity.DROPPED)
        ]
        self.assertEqual(
            [worst(problems), worst(problems[:1]), worst([])],
            [Severity.ERROR, Severity.WARNING, None],
        )
