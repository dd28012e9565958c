"""Arguments that only BFD's keywords have."""

from __future__ import annotations

from ipaddress import ip_network

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.bfd_entries import authentication_type, key, networks, weight
from hanode.config.bfd_model import AuthType, BfdKey
from hanode.config.findings import Findings
from hanode.config.row import Keyword
from hanode.config.scalars import Secret
from hanode.config.values import Reader
from tests.config.reading import said, tree

ROW = Keyword("weight", "weight", "bfd weight", low=-253, high=253)


def read(reader: Reader, text: str) -> tuple[object, list[str]]:
    """What C{reader} makes of C{text}, and what it says."""
    findings = Findings()
    return reader(ROW, tree(text)[0], findings), said(findings.problems)


class WeightTests(SynchronousTestCase):
    def test_weights(self) -> None:
        """A weight, and whether it is reversed."""
        self.assertEqual(
            [read(weight, f"weight {t}") for t in ("10", "-253 reverse", "0 reverse")],
            [((10, False), []), ((-253, True), []), ((0, True), [])],
        )

    def test_mistakes(self) -> None:
        """What is no weight, no option, or too much."""
        self.assertEqual(
            [
                read(weight, f"weight {text}")
                for text in ("254", "5 noreverse", "5 reverse x", "")
            ],
            [
                (
                    None,
                    [
                        "1 warning: number '254' outside range [-253, 253]: "
                        "weight '254' is invalid (ignored; the default is 0)"
                    ],
                ),
                (
                    (5, False),
                    [
                        "1 warning: unknown weight option noreverse "
                        "(reverse is the only one)"
                    ],
                ),
                (
                    (5, True),
                    ["1 warning: weight has surplus words from 'x' on (ignored)"],
                ),
                (
                    None,
                    [
                        "1 error: *** Configuration line starting `weight` is missing "
                        "a parameter after keyword `weight` at word position 2 "
                        "(write a value behind weight)"
                    ],
                ),
            ],
        )


class TypeTests(SynchronousTestCase):
    def test_types(self) -> None:
        """The five types of RFC 5880."""
        words = (
            "simple",
            "keyed_md5",
            "meticulous_md5",
            "keyed_sha1",
            "meticulous_sha1",
        )
        self.assertEqual(
            [read(authentication_type, f"type {word}") for word in words],
            [([each], []) for each in AuthType],
        )

    def test_unknown(self) -> None:
        """Any other word is not even shown: it may be a secret out of its place."""
        for text in ("type hunter2", "type simple hunter2", "type"):
            self.assertEqual(
                read(authentication_type, text),
                (
                    [None],
                    [
                        "1 dropped: unknown authentication type: "
                        "BFD would run unauthenticated (write type and one of simple, "
                        "keyed_md5, meticulous_md5, keyed_sha1, meticulous_sha1)"
                    ],
                ),
            )


class KeyTests(SynchronousTestCase):
    def keys(self, text: str) -> tuple[list[BfdKey | None], list[str]]:
        findings = Findings()
        found = key(ROW, tree(text)[0], findings)
        values = [None if entry is None else entry.value for entry in found]
        return values, said(findings.problems)

    def test_keys(self) -> None:
        """An ID, and a secret that may have blanks in it."""
        self.assertEqual(
            [self.keys("key 0 x"), self.keys('key 255 "two words"')],
            [
                ([BfdKey(0, Secret("x"))], []),
                ([BfdKey(255, Secret("two words"))], []),
            ],
        )

    def test_unusable(self) -> None:
        """An ID that is none, and a secret that is not there."""
        for text in ("key 256 s", "key s 1", "key -1 s", "key s", 'key 1 ""', "key"):
            self.assertEqual(
                self.keys(text),
                (
                    [None],
                    [
                        "1 dropped: unusable key: BFD would run unauthenticated "
                        "(write key ID SECRET, ID a number from 0 to 255)"
                    ],
                ),
            )

    def test_surplus(self) -> None:
        """Words behind the secret are not shown."""
        self.assertEqual(
            self.keys("key 1 correct horse"),
            (
                [BfdKey(1, Secret("correct"))],
                [
                    "1 warning: key has surplus words: only the first two count "
                    "(put a secret with blanks in double quotes)"
                ],
            ),
        )


class NetworkTests(SynchronousTestCase):
    def test_networks(self) -> None:
        """Several on a line; an address is a network of one, host bits are cleared."""
        self.assertEqual(
            read(networks, "allow 192.0.2.1/24 2001:db8::/64 198.51.100.7"),
            (
                [
                    ip_network("192.0.2.0/24"),
                    ip_network("2001:db8::/64"),
                    ip_network("198.51.100.7/32"),
                ],
                [],
            ),
        )

    def test_mistakes(self) -> None:
        """What is no network is left out; nothing at all is an error."""
        self.assertEqual(
            [read(networks, "allow 192.0.2.0/33 ::/0"), read(networks, "allow")],
            [
                (
                    [ip_network("::/0")],
                    [
                        "1 warning: allow: '192.0.2.0/33' is not a network "
                        "(ignored; write ADDRESS/PREFIX)"
                    ],
                ),
                (
                    [],
                    [
                        "1 error: *** Configuration line starting `allow` is missing a "
                        "parameter after keyword `allow` at word position 2 "
                        "(write a value behind allow)"
                    ],
                ),
            ],
        )
