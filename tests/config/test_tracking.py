"""What an instance tracks."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.balance_checks import Site
from hanode.config.build import build
from hanode.config.draft import Written
from hanode.config.findings import Findings
from hanode.config.model import GlobalDefs
from hanode.config.row import Keyword
from hanode.config.track_model import Description, Tracked
from hanode.config.tracker_words import WITHOUT_PLUGINS, TrackerWords
from hanode.config.tracking import merged
from hanode.config.tree import Block
from tests.config.reading import BASIC, instance, messages, said, tree

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


@dataclass(frozen=True)
class Options:
    """What a tracker of these tests has made of its words."""

    script: Hashable = None


def sensor(written: Written, global_defs: GlobalDefs) -> Options | None:
    """The options of a C{sensor} block; None without a port."""
    if "port" not in written.own:
        written.dropped("no port", "add port")
        return None
    return Options((written.own["port"], global_defs.router_id))


def look(block: Block, site: Site) -> Description | None:
    """A C{track_look} block: its first argument is what is looked at."""
    if not block.arguments:
        site.findings.warning(block, "nothing to look at")
        return None
    what = block.arguments[0].text
    return Description("look", what[:1], len(what), options=what)


TRACKERS = {
    **WITHOUT_PLUGINS,
    "track_sensor": TrackerWords(
        "track_sensor",
        "sensor",
        "sensor",
        most=100,
        blocks=("sensor", "old_sensor"),
        rows=(Keyword("port", "port", "integer", high=9),),
        options=sensor,
    ),
    "track_look": TrackerWords("track_look", "look", "look", inline=look),
}


def read(lines: str, others: str) -> tuple[tuple[Tracked, ...], list[str]]:
    """What VI_1 with C{lines} tracks; C{others} stand behind it."""
    text = f"vrrp_instance VI_1 {{\n{BASIC}\n{lines}\n}}\n{others}"
    model, problems = build(tree(text), trackers=TRACKERS)
    return model.instances["VI_1"].track, messages(problems)


def bfds(lines: str) -> tuple[tuple[Tracked, ...], list[str]]:
    """What is tracked of L{SESSIONS}."""
    return read(f"track_bfd {{\n{lines}\n}}", SESSIONS)


class BfdTests(SynchronousTestCase):
    def test_defaults(self) -> None:
        """A line without weight has that of its bfd_instance, and its reverse."""
        self.assertEqual(
            bfds("plain\nheavy\nboth weight -5"),
            (
                (
                    Tracked("bfd", "plain"),
                    Tracked("bfd", "heavy", 10, True),
                    Tracked("bfd", "both", -5),
                ),
                [],
            ),
        )

    def test_overridden(self) -> None:
        """What the line says counts, weight and reverse each for itself."""
        self.assertEqual(
            [
                bfds(line)[0]
                for line in ("heavy weight 0", "heavy noreverse", "heavy weight 7")
            ],
            [
                (Tracked("bfd", "heavy", 0, True),),
                (Tracked("bfd", "heavy", 10, False),),
                (Tracked("bfd", "heavy", 7, True),),
            ],
        )

    def test_ignored(self) -> None:
        """Strangers, sessions for checkers and repetitions are ignored."""
        self.assertEqual(
            bfds("nobody\nprobe\nplain\nplain weight 5"),
            (
                (Tracked("bfd", "plain"),),
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
            (found.track, problems),
            (
                (Tracked("interface", "eth1"),),
                [
                    "warning: (VI_1) Ignoring track_interface eth0 since own interface",
                    "warning: (VI_1) duplicate track_interface eth1 - ignoring",
                ],
            ),
        )


class FileTests(SynchronousTestCase):
    def test_weights(self) -> None:
        """A file has weight 1 unless it, or the line, has another; any name order."""
        self.assertEqual(
            read(
                "track_file {\none\ntwo\nthree weight -254 reverse\nfour\n}",
                "track_file one {\nfile /a\n}\n"
                "vrrp_track_file two {\nfile /b\nweight 5 reverse\n}\n"
                "track_file three {\nfile /c\n}\n",
            ),
            (
                (
                    Tracked("file", "one", 1),
                    Tracked("file", "two", -5),
                    Tracked("file", "three", -254, True),
                ),
                ["warning: (VI_1) track file four not found, ignoring..."],
            ),
        )


class PluginTests(SynchronousTestCase):
    """Kinds that only a plug-in knows."""

    def test_described(self) -> None:
        """Its blocks are read with its words, weight among them, in any order."""
        text = """
        vrrp_instance VI_1 {
            interface eth0
            virtual_router_id 51
            virtual_ipaddress {
                192.0.2.10/24
            }
            track_sensor {
                a
                b weight 7
                c
            }
        }
        sensor a {
            port 3
            weight -20 reverse
        }
        old_sensor b {
            port 4
        }
        sensor c {
            weight 101
        }
        sensor {
        }
        global_defs {
            router_id me
        }
        """
        model, problems = build(tree(text), trackers=TRACKERS)
        self.assertEqual(
            (model.instances["VI_1"].track, model.trackers["sensor"], said(problems)),
            (
                (Tracked("sensor", "a", -20, True), Tracked("sensor", "b", 7)),
                {
                    "a": Description("sensor", "a", -20, True, Options((3, "me"))),
                    "b": Description("sensor", "b", options=Options((4, "me"))),
                },
                [
                    "22 warning: (c) number '101' outside range [-100, 100]: weight "
                    "'101' is invalid (ignored)",
                    "21 dropped: (c) no port (add port)",
                    "24 error: *** Configuration line starting `sensor` is missing a "
                    "parameter after keyword `sensor` at word position 2 (give it a "
                    "name)",
                    "11 warning: (VI_1) track sensor c not found, ignoring... "
                    "(add sensor c, or mend the one that is dropped)",
                ],
            ),
        )

    def test_unknown(self) -> None:
        """Without the plug-in its words are unknown, and nothing is tracked."""
        _, problems = instance("track_sensor {\na\n}")
        self.assertEqual(
            problems, ["warning: (VI_1) Unknown keyword 'track_sensor' and its block"]
        )

    def test_inline(self) -> None:
        """What describes itself gets a name of its own; equal ones share it."""
        text = f"vrrp_instance VI_1 {{\n{BASIC}\n"
        text += "".join(
            f"track_look {each} {{\n}}\n"
            for each in ("abc", "ax", "abc", "", "ax", "b")
        )
        model, problems = build(tree(text + "}\n"), trackers=TRACKERS)
        self.assertEqual(
            (
                model.instances["VI_1"].track,
                [(name, each.options) for name, each in model.trackers["look"].items()],
                messages(problems),
            ),
            (
                (
                    Tracked("look", "a", 3),
                    Tracked("look", "a #2", 2),
                    Tracked("look", "b", 1),
                ),
                [("a", "abc"), ("a #2", "ax"), ("b", "b")],
                [
                    "warning: (VI_1) duplicate track_look a - ignoring",
                    "warning: nothing to look at",
                    "warning: (VI_1) duplicate track_look a #2 - ignoring",
                ],
            ),
        )


class MergedTests(SynchronousTestCase):
    """Members of a sync group."""

    def merged(self, weights: bool) -> tuple[tuple[Tracked, ...], list[str]]:
        findings = Findings()
        member = Written("VI_1", tree("vrrp_instance VI_1")[0], {}, findings)
        own = (
            Tracked("script", "twice"),
            Tracked("script", "own"),
            Tracked("file", "weighted", 5),
        )
        shared = (Tracked("script", "twice", 3), Tracked("bfd", "twice"))
        return (
            merged(own, shared, member, "G", weights),
            messages(findings.problems),
        )

    def test_weightless(self) -> None:
        """The group's lines are its members' too; own weights are ignored."""
        self.assertEqual(
            self.merged(False),
            (
                (
                    Tracked("script", "twice", 3),
                    Tracked("bfd", "twice"),
                    Tracked("script", "own"),
                ),
                [
                    "warning: ignoring tracked script twice: its group G tracks it too",
                    "warning: ignoring tracked file weighted with weight 5: members of "
                    "group G have no weights",
                ],
            ),
        )

    def test_weights(self) -> None:
        """With sync_group_tracking_weight members keep their weights."""
        self.assertEqual(
            self.merged(True),
            (
                (
                    Tracked("script", "twice", 3),
                    Tracked("bfd", "twice"),
                    Tracked("script", "own"),
                    Tracked("file", "weighted", 5),
                ),
                ["warning: ignoring tracked script twice: its group G tracks it too"],
            ),
        )
