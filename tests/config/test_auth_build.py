"""authentication and auth_hmac: what an instance gets, and when it must not run."""

from __future__ import annotations

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.auth_model import (
    AntiReplay,
    Authentication,
    AuthHmac,
    HmacKey,
    HmacMode,
)
from hanode.config.build import build
from hanode.config.scalars import Secret
from tests.config.reading import good, instance, tree

AH = "authentication {\nauth_type AH\nauth_pass x\n}"
PASS = AH.replace("AH", "PASS")
KEYS = f"key 1 hex:{'ab' * 32}\nkey 2 hex:{'cd' * 32}\n"
ONE, TWO = (HmacKey(n, Secret(c * 32)) for n, c in ((1, "ab"), (2, "cd")))
SIX = "interface eth0\nvirtual_router_id 51\nvirtual_ipaddress {\nfe80::1\n}"
ALONE = "the instance would run unauthenticated"


def hmac(lines: str) -> str:
    """A block with both keys."""
    return f"auth_hmac {{\n{KEYS}{lines}\n}}"


class HeaderTests(SynchronousTestCase):
    """auth_type AH."""

    def test_ah(self) -> None:
        """Version 2 has an authentication header."""
        found = good(AH)
        self.assertEqual(found.authentication, Authentication("AH", Secret("x")))
        self.assertTrue(found.authenticated_header)
        self.assertFalse(good(PASS).authenticated_header)

    def test_state(self) -> None:
        """It starts as BACKUP, to hear the sequence number of the others first."""
        said = (
            "warning: (VI_1) Initial state master is incompatible with AH "
            "authentication - clearing"
        )
        for lines in ("state MASTER\npriority 9", "priority 255"):
            found, messages = instance(f"{AH}\n{lines}")
            assert found is not None
            self.assertEqual((found.state, messages), ("BACKUP", [said]))

    def test_pass_keeps_the_state(self) -> None:
        """With a password it starts as it likes."""
        self.assertEqual(good(f"{PASS}\nstate MASTER\npriority 9").state, "MASTER")

    def test_ipv6(self) -> None:
        """There is none for IPv6."""
        found, said = instance(f"version 2\n{AH}", basic=SIX)
        self.assertIsNone(found)
        text = f"dropped: (VI_1) auth_type AH does not exist for IPv6: {ALONE}"
        self.assertEqual(said, [text])

    def test_unusable(self) -> None:
        """An unknown type, or AH without a password: it would run without either."""
        for block, told in (
            (
                "authentication {\nauth_type AHH\nauth_pass x\n}",
                [
                    "warning: (VI_1) unknown authentication type 'AHH'",
                    f"dropped: (VI_1) authentication of an unknown type: {ALONE}",
                ],
            ),
            (
                "authentication {\nauth_type AH\n}",
                [f"dropped: (VI_1) auth_type AH without auth_pass: {ALONE}"],
            ),
        ):
            self.assertEqual(instance(f"version 2\n{block}"), (None, told))


class HmacTests(SynchronousTestCase):
    """auth_hmac."""

    def test_least(self) -> None:
        """Keys and the active one are enough."""
        wanted = AuthHmac((ONE, TWO), 2, 5.0)
        self.assertEqual(good(hmac("active_key 2")).auth_hmac, wanted)

    def test_all(self) -> None:
        """Every word counts."""
        lines = "active_key 1\ntime_window 300\nanti_replay monotonic\nmode permissive"
        wanted = AuthHmac(
            (ONE, TWO), 1, 300.0, AntiReplay.MONOTONIC, HmacMode.PERMISSIVE
        )
        self.assertEqual(good(hmac(lines)).auth_hmac, wanted)

    def test_window(self) -> None:
        """Without a word it is three intervals, five seconds at least."""
        found = good(hmac("active_key 1") + "\nadvert_int 4").auth_hmac
        assert found is not None
        self.assertEqual(found.window, 12.0)

    def test_unknown_words(self) -> None:
        """Of two ways to look at time the stricter one; of modes none is a guess."""
        found, said = instance(hmac("active_key 1\nanti_replay never"))
        assert found is not None
        self.assertEqual(found.auth_hmac, AuthHmac((ONE, TWO), 1, 5.0))
        text = "warning: (VI_1) unknown anti_replay 'never', defaulting to time"
        self.assertEqual(said, [text])
        self.assertEqual(
            instance(hmac("active_key 1\nmode receive_only")),
            (
                None,
                [
                    "warning: (VI_1) unknown auth_hmac mode 'receive_only'",
                    "dropped: (VI_1) auth_hmac in an unknown mode: who understands"
                    " whom is not known",
                ],
            ),
        )

    def test_refused(self) -> None:
        """An instance whose keys cannot be used does not run."""
        active = f"auth_hmac: active_key is none of the keys: {ALONE}"
        wanted = {
            "auth_hmac {\nactive_key 1\n}": f"auth_hmac without a key: {ALONE}",
            hmac(""): active,
            hmac("active_key 3"): active,
            hmac(f"active_key 1\nkey 1 hex:{'ef' * 32}"): (
                f"auth_hmac: key 1 is there twice: {ALONE}"
            ),
        }
        for text, reason in wanted.items():
            self.assertEqual(instance(text), (None, [f"dropped: (VI_1) {reason}"]))

    def test_unusable_key(self) -> None:
        """Neither does one with a key that is none, and nothing of it is shown."""
        found, said = instance(hmac("active_key 1\nkey 3 tooshort"))
        self.assertEqual(
            (found, said),
            (
                None,
                [
                    "dropped: (VI_1) auth_hmac: key 3 has 8 octets",
                    f"dropped: (VI_1) auth_hmac with an unusable key: {ALONE}",
                ],
            ),
        )

    def test_source_lines(self) -> None:
        """The lines of the block stand in no message."""
        text = f"vrrp_instance VI_1 {{\n{hmac('key 3 tooshort more')}\n}}\n"
        _, problems = build(tree(text))
        self.assertNotIn("tooshort", "".join(map(str, problems)))

    def test_instead_of_a_password(self) -> None:
        """It excludes the authentication of version 2."""
        said = "warning: (VI_1) auth_hmac excludes authentication. Ignoring"
        for block in (PASS, AH):
            found, messages = instance(f"{block}\n{hmac('active_key 1')}")
            assert found is not None
            self.assertEqual(found.authentication, None)
            self.assertEqual(messages, [f"{said} authentication."])

    def test_strict(self) -> None:
        """Strict mode enforces it."""
        found, said = instance(
            hmac("active_key 1\nmode permissive") + "\naccept\nversion 3\nstrict_mode"
        )
        assert found is not None and found.auth_hmac is not None
        self.assertIs(found.auth_hmac.mode, HmacMode.ENFORCE)
        self.assertIn(
            "warning: (VI_1) auth_hmac mode permissive is incompatible with strict "
            "mode - resetting",
            said,
        )

    def test_room(self) -> None:
        """The trailer takes room from the addresses of a packet."""
        lines = "\n".join(f"2001:db8::{n:x}" for n in range(1, 91))
        basic = SIX.replace("fe80::1", lines)
        for block, count in (("", 90), (hmac("active_key 1"), 89)):
            found, _ = instance(block, basic=basic)
            assert found is not None
            self.assertEqual(len(found.addresses), count)

    def test_equal(self) -> None:
        """A reload sees when a key has changed."""
        first = good(hmac("active_key 1"))
        self.assertEqual(first, good(hmac("active_key 1")))
        self.assertNotEqual(first, good(hmac("active_key 1").replace("ab", "ac")))
        self.assertNotEqual(first, replace(first, auth_hmac=None))
