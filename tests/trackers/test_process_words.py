"""Claims about which processes are meant."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

import hanode.trackers
from hanode.config.build import build
from hanode.config.track_model import Description, Tracked
from hanode.interfaces import ITracker
from hanode.plugins import find
from hanode.proc import Process
from hanode.trackers.process_words import ProcessOptions
from hanode.trackers.quorum import Bounds
from tests.config.reading import BASIC, said, tree


def read(lines: str) -> tuple[Any, list[str]]:
    """The description of vrrp_track_process p, and what is said."""
    text = f"vrrp_track_process p {{\n{lines}\n}}\n"
    text += f"vrrp_instance VI_1 {{\n{BASIC}\ntrack_process {{\np weight 254\n}}\n}}\n"
    words = find(ITracker, hanode.trackers)["track_process"].words
    model, problems = build(tree(text), trackers={"track_process": words})
    found = model.trackers.get("process", {}).get("p")
    if found is not None:
        tracked = model.instances["VI_1"].track
        assert tracked == (Tracked("process", "p", 254, found.reverse),), tracked
    return found, said(problems)


def made(lines: str) -> Any:
    """The options of a block of which nothing is said."""
    found, problems = read(lines)
    assert problems == [], problems
    return found.options


def process(name: str, *command: str) -> Process:
    """A process as /proc shows it."""
    words = "".join(word + "\0" for word in command)
    return Process(name.encode(), words.encode())


class WordTests(SynchronousTestCase):
    """keepalived.conf(5), vrrp_track_process."""

    def test_all(self) -> None:
        """Every word."""
        self.assertEqual(
            read(
                """process /usr/sbin/nginx -g "daemon off;"
                param_match initial
                weight -20 reverse
                quorum 2
                quorum_max 8
                delay 1.5
                terminate_delay 0.25
                full_command"""
            ),
            (
                Description(
                    "process",
                    "p",
                    -20,
                    True,
                    ProcessOptions(
                        ("/usr/sbin/nginx", "-g", "daemon off;"),
                        "initial",
                        Bounds(2, 8, 1.5, 0.25),
                    ),
                ),
                [],
            ),
        )

    def test_defaults(self) -> None:
        """One process of that name, without delay."""
        self.assertEqual(made("process nginx"), ProcessOptions(("nginx",)))

    def test_modes(self) -> None:
        """What is compared follows from parameters, param_match and full_command."""
        self.assertEqual(
            [
                made(lines).match
                for lines in (
                    "process a",
                    "process a\nfull_command",
                    "process a\nparam_match initial",
                    "process a b",
                    "process a b\nfull_command",
                    "process a b\nparam_match partial",
                )
            ],
            ["", "partial", "exact", "exact", "exact", "partial"],
        )

    def test_bounds(self) -> None:
        """None at all with quorum_max 0; a quorum above quorum_max is a mistake."""
        self.assertEqual(made("process a\nquorum_max 0").bounds, Bounds(0, 0))
        found, problems = read("process a\nquorum 3\nquorum_max 2")
        self.assertEqual(
            (found.options.bounds, problems),
            (
                Bounds(3),
                [
                    "1 warning: (p) quorum 3 exceeds quorum_max 2: ignoring quorum_max "
                    "(make quorum_max at least as large)"
                ],
            ),
        )

    def test_no_process(self) -> None:
        """Without a process there is nothing to look for."""
        self.assertEqual(
            read("quorum 2")[1][0],
            "1 dropped: (p) No process set for vrrp_track_process p - removing "
            "(add process NAME, or process PATH PARAMETER ...)",
        )


class MatchTests(SynchronousTestCase):
    def test_name(self) -> None:
        """The name, as far as the kernel keeps it; a path's last part."""
        long = process("a-very-long-nam")
        self.assertEqual(
            [
                ProcessOptions((words,)).concerns(each)
                for words, each in (
                    ("nginx", process("nginx", "nginx: worker")),
                    ("/usr/sbin/nginx", process("nginx")),
                    ("nginx", process("nginx2")),
                    ("a-very-long-name-indeed", long),
                    ("a-very-long-nam", long),
                )
            ],
            [True, True, False, True, True],
        )

    def matched(self, match: str, *words: str) -> list[str]:
        """Which command lines are meant."""
        lines = (
            "/bin/x",
            "/bin/x -a",
            "/bin/x -a -b",
            "/bin/x -a -bc",
            "/bin/x -a -b -c",
            "/opt/bin/x -a -b",
            "x -a -b",
        )
        options = ProcessOptions(words, match)
        found = [
            line for line in lines if options.concerns(process("?", *line.split()))
        ]
        return found

    def test_exact(self) -> None:
        """All parameters, no more and no fewer."""
        self.assertEqual(
            [
                self.matched("exact", "/bin/x", "-a", "-b"),
                self.matched("exact", "/bin/x"),
                self.matched("exact", "x", "-a", "-b"),
            ],
            [
                ["/bin/x -a -b"],
                ["/bin/x"],
                ["/bin/x -a -b", "/opt/bin/x -a -b", "x -a -b"],
            ],
        )

    def test_partial(self) -> None:
        """The first parameters are these."""
        self.assertEqual(
            self.matched("partial", "/bin/x", "-a", "-b"),
            ["/bin/x -a -b", "/bin/x -a -b -c"],
        )
        self.assertEqual(len(self.matched("partial", "/bin/x")), 5)

    def test_initial(self) -> None:
        """The last parameter may go on."""
        self.assertEqual(
            self.matched("initial", "/bin/x", "-a", "-b"),
            ["/bin/x -a -b", "/bin/x -a -bc", "/bin/x -a -b -c"],
        )
