"""What is left of keepalived's words when all plug-ins are there."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from random import Random

from twisted.trial.unittest import SynchronousTestCase

from hanode.config import checker_keywords, future, keywords, tracker_words
from hanode.config.balance_model import SyncDefs
from hanode.config.build import load
from hanode.config.row import Keyword
from hanode.reading import checker_words
from hanode.reading import tracker_words as installed_trackers

Block = tuple[str, ...]

OLD = Path(__file__).parents[1] / "data" / "old-words.conf"
REAL = ("virtual_server", "real_server")

#: files that keepalived writes at a signal
DUMPS = {
    "data_use_instance",
    "json_version",
    "state_dump_file",
    "stats_dump_file",
    "json_dump_file",
}


def table() -> dict[Block, set[str]]:
    """block -> the words that the installed plug-ins read in it"""
    checkers, trackers = checker_words(), installed_trackers()
    tracking = set(tracker_words.inside(trackers))
    found: dict[Block, set[str]] = {
        (): set(tracker_words.top(trackers.values())),
        ("vrrp_instance",): tracking,
        ("vrrp_sync_group",): tracking,
        REAL: set(checkers),
    }
    for words in trackers.values():
        for block in words.blocks:
            found[block,] = set(tracker_words.table(words))
    for name in checkers:
        _note(found, (*REAL, name), checker_keywords.table(checkers[name]).values())
    return found


def _note(found: dict[Block, set[str]], path: Block, rows: Iterable[Keyword]) -> None:
    found[path] = {row.word for row in rows}
    for row in rows:
        if row.inside:
            _note(found, (*path, row.word), row.inside)


class FutureTests(SynchronousTestCase):
    """hanode.config.future"""

    def test_left(self) -> None:
        """Plug-ins read everything that is listed there, but for the dumps."""
        read = table()
        left = {
            (*path, word)
            for path, words in future.WORDS.items()
            for word in words - read.get(path, set())
        }
        self.assertEqual(left - {("global_defs", word) for word in DUMPS}, set())

    def test_explained(self) -> None:
        """Each word without a use says why, in a few words of its own."""
        unused: list[Keyword] = [
            row
            for rows in keywords.SUPPORTED.values()
            for row in rows.values()
            if row.type in ("needless", "absent")
        ]
        self.assertEqual([row.word for row in unused if len(row.title) < 20], [])
        self.assertGreater(len(unused), 30)

    def test_old_words(self) -> None:
        """A file with old words runs; each says what to write, or what there is."""
        model, problems = load(
            [str(OLD)],
            config_id="node",
            environ={},
            random=Random(1),
            checkers=checker_words(),
            trackers=installed_trackers(),
        )
        self.assertEqual(list(model.instances), ["OUTSIDE", "INSIDE"])
        self.assertEqual(len(model.virtual_servers), 1)
        self.assertEqual(model.balance.sync, SyncDefs("eth2", "OUTSIDE", 31))
        snmp = "snmp_name: not supported: hanode does not speak SNMP"
        self.assertEqual(
            [
                f"{line} {remedy or message.partition(': GET')[0]}"
                for line, message, remedy in sorted(
                    (each.place.line, each.message, each.remedy)
                    for each in problems
                    if each.place is not None
                )
            ],
            [
                "4 enable_snmp_vrrp: not supported: hanode does not speak SNMP",
                "5 enable_dbus: not supported: hanode is not on D-Bus",
                "6 reload_check_config: no effect: a configuration is always checked "
                "before it replaces the old one",
                "7 its name is router_id since keepalived 1.1",
                "10 name its instances in group { ... }",
                "11 the members' names belong inside group { ... }",
                "12 the members' names belong inside group { ... }",
                "17 write lvs_sync_daemon INTERFACE INSTANCE in global_defs",
                f"33 (virtual_server 203.0.113.31 443) {snmp}",
                f"38 (real_server 192.0.2.41 443) {snmp}",
            ],
        )
