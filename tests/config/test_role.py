"""State, priority and preemption of an instance."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.config.reading import instance


class RoleTests(SynchronousTestCase):
    def role(self, lines: str) -> tuple[str, int, bool, float, list[str]]:
        """State, priority, preempt, preempt_delay and what is said."""
        found, said = instance(lines)
        assert found is not None
        return found.state, found.priority, found.preempt, found.preempt_delay, said

    def test_state_and_priority(self) -> None:
        """Each is the default of the other."""
        self.assertEqual(
            [
                self.role("state MASTER\npriority 101"),
                self.role("state BACKUP"),
                self.role("priority 255"),
                self.role("state BACKUP\npriority 255"),
                self.role("state MASTER"),
            ],
            [
                ("MASTER", 101, True, 0.0, []),
                ("BACKUP", 100, True, 0.0, []),
                ("MASTER", 255, True, 0.0, []),
                ("BACKUP", 255, True, 0.0, []),
                (
                    "MASTER",
                    255,
                    True,
                    0.0,
                    [
                        "warning: (VI_1) state MASTER without priority means "
                        "priority 255, address owner"
                    ],
                ),
            ],
        )

    def test_bad_values(self) -> None:
        """An unknown state is BACKUP, an invalid priority 100."""
        self.assertEqual(
            [self.role("state FAULT"), self.role("state MASTER\npriority 0")],
            [
                (
                    "BACKUP",
                    100,
                    True,
                    0.0,
                    ["warning: (VI_1) unknown state 'FAULT', defaulting to BACKUP"],
                ),
                (
                    "MASTER",
                    100,
                    True,
                    0.0,
                    [
                        "warning: (VI_1) number '0' outside range [1, 255]: "
                        "priority '0' is invalid"
                    ],
                ),
            ],
        )

    def test_nopreempt(self) -> None:
        """nopreempt is cleared for MASTER and for the owner."""
        clears = "warning: (VI_1) Warning - nopreempt will not work with {} - clearing"
        self.assertEqual(
            [
                self.role("nopreempt"),
                self.role("nopreempt\nstate MASTER\npriority 9"),
                self.role("nopreempt\nstate BACKUP\npriority 255"),
            ],
            [
                ("BACKUP", 100, False, 0.0, []),
                ("MASTER", 9, True, 0.0, [clears.format("initial state MASTER")]),
                (
                    "BACKUP",
                    255,
                    True,
                    0.0,
                    [
                        "warning: (VI_1) nopreempt is incompatible with priority "
                        "255. resetting nopreempt"
                    ],
                ),
            ],
        )

    def test_preempt_delay(self) -> None:
        """preempt_delay is cleared for MASTER and with nopreempt."""
        clears = (
            "warning: (VI_1) Warning - preempt delay will not work with {} - clearing"
        )
        self.assertEqual(
            [
                self.role("preempt_delay 2.5"),
                self.role("preempt_delay 2.5\nstate MASTER\npriority 9"),
                self.role("preempt_delay 2.5\nnopreempt"),
            ],
            [
                ("BACKUP", 100, True, 2.5, []),
                ("MASTER", 9, True, 0.0, [clears.format("initial state MASTER")]),
                (
                    "BACKUP",
                    100,
                    False,
                    0.0,
                    [
                        "warning: (VI_1) preempt_delay is incompatible with nopreempt "
                        "mode - resetting"
                    ],
                ),
            ],
        )
