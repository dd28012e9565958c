"""Blocks of keywords: supported, not yet, unknown; and passwords."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.blocks import body, known, settings
from hanode.config.findings import Findings
from hanode.config.model import Script, Secret
from hanode.config.tree import Block
from tests.config.reading import said, tree

INSTANCE = ("vrrp_instance",)


def read(text: str) -> tuple[dict[str, object], list[str]]:
    """The settings of the lines of an instance, and what is said about them."""
    findings = Findings()
    return settings(tree(text), INSTANCE, findings), said(findings.problems)


class WordTests(SynchronousTestCase):
    def test_not_yet(self) -> None:
        """A keyword that hanode lacks is named once per block, not looked into."""
        self.assertEqual(
            read(
                "track_file {\nx\n}\ntrack_file {\nx\n}\n"
                "track_script {\nwhatever { x }\n}"
            ),
            (
                {},
                [
                    "1 warning: track_file: not yet supported: ignored",
                    "7 warning: track_script: not yet supported: ignored",
                ],
            ),
        )

    def test_unknown(self) -> None:
        """An unknown word gets advice; an unknown block is skipped as a block."""
        self.assertEqual(
            read("prioriti 100\nfoo {\npriority 3\n}\npriority 7"),
            (
                {"priority": 7},
                [
                    "1 warning: Unknown keyword 'prioriti' (did you mean 'priority'?)",
                    "2 warning: Unknown keyword 'foo' and its block "
                    "(keepalived has no such keyword: remove it)",
                ],
            ),
        )

    def test_brace_behind_a_line(self) -> None:
        """A keyword without a block loses the braces behind it."""
        self.assertEqual(
            read("priority 7 {\nfoo\n}"),
            (
                {"priority": 7},
                [
                    "1 warning: Unexpected '{' behind priority - ignoring "
                    "(priority has no block)"
                ],
            ),
        )

    def test_block_without_words(self) -> None:
        """Braces without a keyword say nothing here."""
        findings = Findings()
        self.assertEqual(list(known((Block((), ()),), INSTANCE, findings)), [])
        self.assertEqual(findings.problems, [])

    def test_missing_brace(self) -> None:
        """A block needs its braces."""
        findings = Findings()
        self.assertEqual(body(tree("authentication")[0], findings), ())
        self.assertEqual(
            said(findings.problems),
            [
                "1 warning: Missing '{' at beginning of configuration block "
                "(write authentication ... { on one line)"
            ],
        )


class RepetitionTests(SynchronousTestCase):
    def test_last_wins(self) -> None:
        """Of two lines with one keyword the last one counts, also when it is bad."""
        self.assertEqual(read("priority 7\npriority 8")[0], {"priority": 8})
        self.assertEqual(read("priority 7\npriority x")[0], {"priority": 100})
        self.assertEqual(read("nopreempt\npreempt")[0], {"preempt": True})

    def test_lists_grow(self) -> None:
        """A second virtual_ipaddress adds to the first."""
        found, _ = read("virtual_ipaddress {\n192.0.2.1\n}\n" * 2)
        self.assertEqual(len(found["addresses"]), 2)  # type: ignore[arg-type]

    def test_first_script_wins(self) -> None:
        """Of two scripts for one event the first one counts."""
        self.assertEqual(
            read("notify_master /a\nnotify_master /b"),
            (
                {"notify.master": Script(("/a",))},
                [
                    "2 warning: notify_master script already specified "
                    "- ignoring /b (remove one of the two)"
                ],
            ),
        )

    def test_bad_value_leaves_the_option_alone(self) -> None:
        """An option without a fallback stays as it was."""
        self.assertEqual(
            read("virtual_router_id 7\nvirtual_router_id x")[0], {"vrid": 7}
        )


class PasswordTests(SynchronousTestCase):
    def test_short(self) -> None:
        """A password of up to 8 octets is taken as it is."""
        self.assertEqual(
            read("authentication {\nauth_type PASS\nauth_pass q^7Lm2xA\n}"),
            ({"authentication": {"type": "PASS", "secret": Secret("q^7Lm2xA")}}, []),
        )

    def test_long(self) -> None:
        """A longer one is truncated, by octets, and not shown."""
        findings = Findings()
        block = tree("authentication {\nauth_pass 123456\u00e9\u00e9\n}")
        found = settings(block, INSTANCE, findings)["authentication"]["secret"]
        self.assertEqual(
            found.encode("utf-8", "surrogateescape"), "123456\u00e9".encode()
        )
        self.assertEqual(
            said(findings.problems),
            [
                "2 warning: Truncating auth_pass to 8 characters (keepalived "
                "truncates it too; the other nodes must agree on these 8)"
            ],
        )
        self.assertNotIn("123456", findings.problems[0].drawing())

    def test_no_problem_shows_a_password(self) -> None:
        """No message about an authentication block draws its lines."""
        findings = Findings()
        lines = "auth_pas tulip\nauth_pass tulip tulip\nauth_pass tulip2345"
        settings(tree(f"authentication {{\n{lines}\n}}"), INSTANCE, findings)
        self.assertEqual(
            [
                problem.message
                for problem in findings.problems
                if "tulip" not in problem.drawing()
            ],
            [
                "Unknown keyword 'auth_pas'",
                "auth_pass has surplus words: only the first one counts",
                "Truncating auth_pass to 8 characters",
            ],
        )

    def test_no_message_names_a_stray_word(self) -> None:
        """A word that makes no sense there may be the password: it is not named."""
        lines = "auth_pass\ntulip\nauth_type PASS tulip\npriority 5\nauth_pas x"
        self.assertEqual(
            read(f"authentication {{\n{lines}\n}}")[1][1:],
            [
                "3 warning: Unknown keyword '...' (it is not shown, because it may be"
                " a secret)",
                "4 warning: auth_type has surplus words (ignored)",
                "5 warning: Unknown keyword 'priority' ('priority' belongs in"
                " vrrp_instance)",
                "6 warning: Unknown keyword 'auth_pas' (did you mean 'auth_pass'?)",
            ],
        )

    def test_missing(self) -> None:
        """auth_pass without a password is an error."""
        self.assertEqual(
            read("authentication {\nauth_pass\n}")[1],
            [
                "2 error: *** Configuration line starting `auth_pass` is missing a "
                "parameter after keyword `auth_pass` at word position 2 "
                "(write a value behind auth_pass)"
            ],
        )

    def test_bad_type(self) -> None:
        """An unknown type is kept as such: the instance must not run without."""
        self.assertEqual(
            read("authentication {\nauth_type MD5\nauth_pass x\n}"),
            (
                {"authentication": {"type": "unknown", "secret": Secret("x")}},
                ["2 warning: unknown authentication type 'MD5' (write PASS or AH)"],
            ),
        )
