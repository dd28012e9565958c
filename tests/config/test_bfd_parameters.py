"""How a session behaves, and that it never runs unauthenticated by mistake."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.bfd_model import (
    AuthType,
    BfdAuthentication,
    BfdKey,
    BfdParameters,
)
from hanode.config.build import build
from hanode.config.parser import parse_text
from hanode.config.scalars import Secret
from tests.config.reading import bfd, good, instance

SIMPLE = BfdAuthentication(AuthType.SIMPLE, (BfdKey(1, Secret("x")),))


def parameters(lines: str) -> BfdParameters:
    """The parameters of a bfd_instance that must be taken without a word."""
    found, problems = bfd(lines)
    assert found is not None, problems
    assert problems == [], problems
    return found.parameters


def secured(*lines: str) -> tuple[BfdAuthentication | None, list[str]]:
    """The authentication of a bfd_instance, None when it was dropped."""
    block = "\n".join(("authentication {", *lines, "}"))
    found, problems = bfd(block)
    return None if found is None else found.parameters.authentication, problems


class ParameterTests(SynchronousTestCase):
    def test_defaults(self) -> None:
        """Without a word the parameters are those of keepalived."""
        self.assertEqual(parameters(""), BfdParameters())

    def test_all(self) -> None:
        """Every keyword, in microseconds."""
        self.assertEqual(
            parameters(
                "min_rx 50\nmin_tx 20.5\nidle_tx 2000\nmultiplier 3\npassive\n"
                "demand\necho_tx 5\necho_rx 6.125"
            ),
            BfdParameters(
                min_tx=20_500,
                min_rx=50_000,
                idle_tx=2_000_000,
                multiplier=3,
                passive=True,
                demand=1_000_000,
                echo_tx=5_000,
                echo_rx=6_125,
            ),
        )
        self.assertEqual(parameters("demand 300").demand, 300_000)

    def test_ranges(self) -> None:
        """Numbers outside of keepalived's ranges leave the default alone."""
        found, problems = bfd("min_rx 0\nmin_tx 0.5\nidle_tx 10\nmultiplier 256")
        assert found is not None
        self.assertEqual(found.parameters, BfdParameters())
        self.assertEqual(
            problems,
            [
                f"{n} warning: (a) number '{number}' outside range {reach}: {word} "
                f"'{number}' is invalid (ignored; the default is {default})"
                for n, word, number, reach, default in (
                    (3, "min_rx", "0", "[1, 4294967]", 10),
                    (4, "min_tx", "0.5", "[1, 4294967]", 10),
                    (5, "idle_tx", "10", "[1000, 4294967]", 1000),
                    (6, "multiplier", "256", "[1, 255]", 5),
                )
            ],
        )


class AuthenticationTests(SynchronousTestCase):
    def test_keys(self) -> None:
        """All keys in their order; the type may stand behind them."""
        self.assertEqual(
            secured("key 7 a", 'key 1 "b c"', "type meticulous_sha1"),
            (
                BfdAuthentication(
                    AuthType.METICULOUS_SHA1,
                    (BfdKey(7, Secret("a")), BfdKey(1, Secret("b c"))),
                ),
                [],
            ),
        )

    def test_longest(self) -> None:
        """16 octets with a simple password and MD5, 20 with SHA1."""
        for name, most in (
            ("simple", 16),
            ("keyed_md5", 16),
            ("meticulous_md5", 16),
            ("keyed_sha1", 20),
            ("meticulous_sha1", 20),
        ):
            found, problems = secured(f"type {name}", f"key 3 {'x' * most}")
            assert found is not None
            self.assertEqual((len(found.keys[0].secret), problems), (most, []))
            self.assertEqual(
                secured(f"type {name}", f"key 3 {'x' * most}y"),
                (
                    None,
                    [
                        f"5 dropped: (a) the secret of key 3 has more than {most} "
                        f"octets, the most that {name} carries "
                        "(shorten it on both ends)"
                    ],
                ),
            )

    def test_octets_count(self) -> None:
        """It is octets that are counted, not characters."""
        found, _ = secured("type simple", f"key 1 {'ä' * 9}")
        self.assertEqual(found, None)

    def test_never_without(self) -> None:
        """A block that cannot be used drops the session, and says why."""
        types = "simple, keyed_md5, meticulous_md5, keyed_sha1, meticulous_sha1"
        no_type = (
            "1 dropped: (a) authentication without a type: BFD would run "
            f"unauthenticated (write type and one of {types})"
        )
        no_key = (
            "1 dropped: (a) authentication without a key: BFD would run "
            "unauthenticated (write key ID SECRET, ID a number from 0 to 255)"
        )
        bad_type = (
            "4 dropped: (a) unknown authentication type: BFD would run "
            f"unauthenticated (write type and one of {types})"
        )
        bad_key = (
            "5 dropped: (a) unusable key: BFD would run unauthenticated "
            "(write key ID SECRET, ID a number from 0 to 255)"
        )
        twice = "6 dropped: (a) key 1 is there twice (give each key its own ID)"
        self.assertEqual(
            [
                secured(*lines)
                for lines in (
                    (),
                    ("key 1 x",),
                    ("type simple",),
                    ("type md5", "key 1 x"),
                    ("type simple", "key x", "key 1 x"),
                    ("type simple", "key 1 x", "key 1 y"),
                )
            ],
            [
                (None, [no_type]),
                (None, [no_type]),
                (None, [no_key]),
                (None, [bad_type]),
                (None, [bad_key]),
                (None, [twice]),
            ],
        )

    def test_no_braces(self) -> None:
        """authentication without its block drops the session, too."""
        found, problems = bfd("authentication simple 1 x")
        self.assertEqual(found, None)
        self.assertEqual(
            problems[0],
            "3 warning: (a) Missing '{' at beginning of configuration block "
            "(write authentication ... { on one line)",
        )

    def test_secrets_are_not_shown(self) -> None:
        """Whatever is wrong with a key, neither word nor line gets into a problem."""
        for line in (
            "key 1 hunter2hunter2hunter2",
            "key 1 hunter2 hunter2",
            "key hunter2 1",
            "key hunter2",
            "type hunter2",
            "type simple hunter2",
            "key 1 hunter2\nkey 1 hunter2",
        ):
            text = (
                "bfd_instance a {\nneighbor_ip 192.0.2.2\nauthentication {\n"
                f"type simple\n{line}\n}}\n}}"
            )
            tree, problems = parse_text(text)
            model, found = build(tree)
            shown = [each.drawing() for each in (*problems, *found)]
            self.assertTrue(shown)
            self.assertNotIn("hunter2", "".join(shown) + repr(model))


class FastFailoverTests(SynchronousTestCase):
    def test_not_asked_for(self) -> None:
        """Without the keyword there is none."""
        self.assertEqual(good("").fast_failover, None)

    def test_without_block(self) -> None:
        """The keyword alone: 10 ms, three times."""
        wanted = BfdParameters(min_tx=10_000, min_rx=10_000, multiplier=3)
        self.assertEqual(
            [good(f"fast_failover{block}").fast_failover for block in ("", " {\n}")],
            [wanted, wanted],
        )

    def test_block(self) -> None:
        """Intervals, multiplier and authentication."""
        self.assertEqual(
            good(
                "fast_failover {\nmin_rx 20\nmin_tx 30\nmultiplier 4\n"
                "authentication {\ntype simple\nkey 1 x\n}\n}"
            ).fast_failover,
            BfdParameters(
                min_tx=30_000, min_rx=20_000, multiplier=4, authentication=SIMPLE
            ),
        )

    def test_no_authentication_no_session(self) -> None:
        """With an authentication that cannot be used the instance runs without it."""
        found, problems = instance(
            "fast_failover {\nauthentication {\ntype simple\n}\n}"
        )
        assert found is not None
        self.assertEqual(
            (found.fast_failover, problems),
            (
                None,
                [
                    "dropped: (VI_1) authentication without a key: "
                    "BFD would run unauthenticated"
                ],
            ),
        )

    def test_surplus(self) -> None:
        """It takes no words, and no keywords of a bfd_instance but its own."""
        found, problems = instance("fast_failover on {\nidle_tx 5\n}")
        assert found is not None
        self.assertEqual(
            (found.fast_failover, problems),
            (
                BfdParameters(multiplier=3),
                [
                    "warning: (VI_1) fast_failover has surplus words from 'on' on",
                    "warning: (VI_1) Unknown keyword 'idle_tx'",
                ],
            ),
        )
