"""What an instance tracks."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.build import build
from hanode.config.model import TrackedBfd, TrackedInterface
from tests.config.reading import BASIC, instance, messages, tree

SESSIONS = """
bfd_instance plain {
    neighbor_ip 192.0.2.2
}
bfd_instance heavy {
    neighbor_ip 192.0.2.3
    weight 10 reverse
    vrrp
}
bfd_instance probe {
    neighbor_ip 192.0.2.4
    checker
}
bfd_instance both {
    neighbor_ip 192.0.2.5
    vrrp
    checker
}
"""


def bfds(lines: str) -> tuple[tuple[TrackedBfd, ...], list[str]]:
    """What is tracked of L{SESSIONS}, which stand behind the instance."""
    text = f"vrrp_instance VI_1 {{\n{BASIC}\ntrack_bfd {{\n{lines}\n}}\n}}\n{SESSIONS}"
    model, problems = build(tree(text))
    return model.instances["VI_1"].track_bfds, messages(problems)


class BfdTests(SynchronousTestCase):
    def test_defaults_of_the_session(self) -> None:
        """Weight and reverse are the session's where the line does not say."""
        self.assertEqual(
            bfds("plain\nheavy\nboth weight -5"),
            (
                (
                    TrackedBfd("plain"),
                    TrackedBfd("heavy", 10, True),
                    TrackedBfd("both", -5),
                ),
                [],
            ),
        )

    def test_own_words(self) -> None:
        """Weight and reverse of the line count, each for itself."""
        self.assertEqual(
            [
                bfds(f"heavy {line}")[0]
                for line in ("weight 0", "noreverse", "weight 7 noreverse")
            ],
            [
                (TrackedBfd("heavy", 0, True),),
                (TrackedBfd("heavy", 10, False),),
                (TrackedBfd("heavy", 7, False),),
            ],
        )

    def test_ignored(self) -> None:
        """Strangers, sessions for checkers and repetitions are ignored."""
        self.assertEqual(
            bfds("nobody\nprobe\nplain\nplain weight 5"),
            (
                (TrackedBfd("plain"),),
                [
                    "warning: (VI_1) track bfd nobody not found, ignoring...",
                    "warning: (VI_1) track bfd probe is for checkers only, ignoring...",
                    "warning: (VI_1) duplicate track_bfd plain - ignoring",
                ],
            ),
        )


class InterfaceTests(SynchronousTestCase):
    def test_ignored(self) -> None:
        """The instance's own interface and repetitions are ignored."""
        found, problems = instance(
            "track_interface {\neth0\neth1\neth1 weight 5\n}\ndont_track_primary"
        )
        assert found is not None
        self.assertEqual(
            (found.track_interfaces, problems),
            (
                (TrackedInterface("eth1"),),
                [
                    "warning: (VI_1) Ignoring track_interface eth0 since own interface",
                    "warning: (VI_1) duplicate track_interface eth1 - ignoring",
                ],
            ),
        )
