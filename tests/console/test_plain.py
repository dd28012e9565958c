"""Values as JSON has them."""

import json
from dataclasses import dataclass
from enum import Enum, IntEnum
from ipaddress import IPv4Address

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hanode.config.model import Authentication, VrrpInstance
from hanode.config.scalars import Secret
from hanode.console.plain import plain
from hanode.link import Link


class Colour(Enum):
    """An enumeration of texts."""

    RED = "red"


class Level(IntEnum):
    """An enumeration of numbers."""

    HIGH = 3


@dataclass(frozen=True)
class Pair:
    """A record."""

    left: object
    right: object


class PlainTests(SynchronousTestCase):
    def test_itself(self):
        """What JSON knows stays what it is."""
        value = {"a": [1, 2.5, True, None, "text"], "b": {}}
        self.assertEqual(plain(value), value)

    def test_records(self):
        """Records, enumerations, addresses, tuples and sets."""
        self.assertEqual(
            plain(Pair(Colour.RED, (IPv4Address("192.0.2.1"), frozenset({2, 1})))),
            {"left": "RED", "right": ["192.0.2.1", [1, 2]]},
        )
        self.assertEqual(plain(Level.HIGH), "HIGH")
        self.assertEqual(plain({Colour.RED: Pair}), {"RED": str(Pair)})

    def test_numbersWithoutWord(self):
        """JSON has no infinity and no "not a number"."""
        self.assertEqual(plain([float("inf"), float("nan")]), [None, None])

    def test_octets(self):
        """Octets might be a key: they are only counted."""
        self.assertEqual(plain(b"secret"), "6 octets")

    def test_mac(self):
        """A MAC address is none, and is shown as everybody writes it."""
        shown = plain(Link("eth0", 2, True, bytes.fromhex("020000000007")))
        self.assertEqual(shown["mac"], "02:00:00:00:00:07")
        self.assertEqual(plain(Link("lo", 1, True))["mac"], "")

    def test_secret(self):
        """A secret is hidden wherever it stands, as a key too."""
        secret = Secret("opensesame")
        instance = VrrpInstance(
            "VI_1", 1, "eth0", 4, authentication=Authentication("PASS", secret)
        )
        for value in (secret, [secret], {secret: secret}, {secret}, instance):
            self.assertNotIn("opensesame", json.dumps(plain(value)))
        self.assertEqual(plain(instance)["authentication"]["secret"], "***")

    @given(
        st.recursive(
            st.none() | st.integers() | st.floats() | st.binary() | st.text(),
            lambda inner: (
                st.lists(inner)
                | st.dictionaries(st.text(), inner)
                | st.builds(Pair, inner, inner)
            ),
        )
    )
    def test_anything(self, value):
        """Whatever goes in, JSON can say what comes out."""
        json.dumps(plain(value), allow_nan=False)
