"""The keyword table: complete, and able to correct."""

from __future__ import annotations

import re
from dataclasses import fields
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from hanode.config import future, keywords
from hanode.config.balance_model import (
    BalanceDefs,
    RealServer,
    Schedule,
    Target,
    TrackedFile,
    VirtualServer,
)
from hanode.config.bfd_model import BfdParameters, BfdRoute, BfdUnsolicited
from hanode.config.bfd_parameters import FAST
from hanode.config.blocks import READERS
from hanode.config.checker_keywords import CONNECT, SCHEDULE, table
from hanode.config.checker_words import CheckerWords, nothing
from hanode.config.model import (
    Garp,
    GlobalDefs,
    NodeDefs,
    Notify,
    Script,
    VrrpInstance,
)
from hanode.config.notify_model import Release
from hanode.config.row import BLOCK_TYPES, Keyword
from hanode.config.tracker_words import WITHOUT_PLUGINS, inside


class TableTests(SynchronousTestCase):
    def test_every_word_of_keepalived_is_known(self) -> None:
        """All 531 keyword paths of keepalived 2.4 are in the table, beside ours."""
        ours = [
            row
            for rows in keywords.SUPPORTED.values()
            for row in rows.values()
            if row.only_hanode
        ]
        self.assertEqual(sum(map(len, keywords.KNOWN.values())) - len(ours), 531)

    def test_only_hanode(self) -> None:
        """The words that keepalived does not have, block by block."""
        ours = {
            path: words
            for path, rows in keywords.SUPPORTED.items()
            if (words := [word for word, row in rows.items() if row.only_hanode])
        }
        self.assertEqual(
            ours,
            {
                (): ["bfd_unsolicited", "hanode"],
                ("vrrp_instance",): [
                    "fast_failover",
                    "release_script",
                    "release_timeout",
                ],
                ("vrrp_instance", "fast_failover"): [
                    "min_rx",
                    "min_tx",
                    "multiplier",
                    "authentication",
                ],
                ("bfd_instance",): [
                    "interface",
                    "vrf",
                    "min_ttl",
                    "demand",
                    "echo_tx",
                    "echo_rx",
                    "authentication",
                ],
                ("bfd_instance", "authentication"): ["type", "key"],
                ("bfd_unsolicited",): [
                    "allow",
                    "limit",
                    "min_rx",
                    "min_tx",
                    "multiplier",
                    "echo_rx",
                    "authentication",
                ],
                ("hanode",): [
                    "http",
                    "http_token_file",
                    "console",
                    "console_keys",
                    "console_view_keys",
                    "console_host_key",
                    "conflict_detection",
                    "dataplane",
                    "wait_for_checks",
                    "keep_services",
                    "fifo_replay",
                    "mail",
                ],
                ("hanode", "mail"): [
                    "starttls",
                    "ca",
                    "username",
                    "password_file",
                    "spool",
                    "most",
                ],
                ("virtual_server",): ["drain"],
                ("virtual_server", "real_server"): ["drain"],
            },
        )

    def test_no_word_is_both_supported_and_not(self) -> None:
        """A keyword that hanode acts on is not listed as missing."""
        both = {
            (path, word)
            for path, rows in keywords.SUPPORTED.items()
            for word in rows
            if word in future.WORDS.get(path, ())
        }
        self.assertEqual(both, set())

    def test_every_type_has_a_reader(self) -> None:
        """Each row of the table names a reader that exists."""
        types = {
            row.type for rows in keywords.SUPPORTED.values() for row in rows.values()
        }
        types |= {row.type for row in inside(WITHOUT_PLUGINS).values()}
        self.assertEqual(types - READERS.keys(), set())
        self.assertEqual(BLOCK_TYPES - types, set())

    def test_blocks_are_words_of_their_parents(self) -> None:
        """Every block whose words are listed can be opened."""
        opened = set(future.BLOCKS)
        for path, rows in keywords.SUPPORTED.items():
            opened |= {(*path, w) for w, r in rows.items() if r.type in BLOCK_TYPES}
        self.assertEqual({path for path in keywords.KNOWN if path} - opened, set())

    def test_defaults_are_those_of_the_model(self) -> None:
        """A default in the table equals the default of the field it fills."""
        records: dict[str, Any] = {
            "": VrrpInstance("x", 1, "eth0", 4),
            "garp": Garp(),
            "notify": Notify(),
            "release": Release(Script(("/r",))),
            "instance": VrrpInstance("x", 1, "eth0", 4),
        }
        wrong = []
        for row in keywords.SUPPORTED["vrrp_instance",].values():
            record, _, field = row.field.rpartition(".")
            known = {each.name for each in fields(records[record])}
            if row.default is None or field not in known:
                continue
            if getattr(records[record], field) != row.default:
                wrong.append(row.word)
        self.assertEqual(wrong, [])

    def test_global_defaults_are_those_of_the_model(self) -> None:
        """The defaults of global_defs equal those of GlobalDefs."""
        defs = GlobalDefs()
        known = {each.name for each in fields(defs)}
        wrong = [
            row.word
            for row in keywords.SUPPORTED["global_defs",].values()
            if row.field in known
            and row.default is not None
            and getattr(defs, row.field) != row.default
        ]
        self.assertEqual(wrong, [])

    def test_bfd_defaults_are_those_of_the_model(self) -> None:
        """Defaults of BFD are those of its records: milliseconds are microseconds."""
        route = BfdRoute(ip_address("192.0.2.1"))
        records: dict[tuple[str, ...], tuple[Any, ...]] = {
            ("bfd_instance",): (BfdParameters(), route),
            ("bfd_unsolicited",): (BfdParameters(), BfdUnsolicited("eth0")),
            ("vrrp_instance", "fast_failover"): (FAST,),
            ("hanode",): (NodeDefs(),),
        }
        compared, wrong = 0, []
        for path, having in records.items():
            for row in keywords.SUPPORTED[path].values():
                record = next((r for r in having if hasattr(r, row.field)), None)
                if record is None or row.default is None:
                    continue
                unit = 1000 if row.unit == "ms" else 1
                compared += 1
                if getattr(record, row.field) != row.default * unit:
                    wrong.append((path, row.word))
        self.assertEqual((compared, wrong), (19, []))

    def test_balance_defaults_are_those_of_the_model(self) -> None:
        """Defaults of servers, checks and files are those of their records."""
        here = ip_address("192.0.2.1")
        records: dict[tuple[str, ...], tuple[Any, ...]] = {
            ("virtual_server",): (VirtualServer("x", ()), Schedule()),
            ("virtual_server", "real_server"): (RealServer(here, 1), Schedule()),
            ("track_file",): (TrackedFile("x", "y"),),
            ("global_defs",): (BalanceDefs(),),
            ("hanode",): (BalanceDefs(),),
        }
        compared, wrong = 0, []
        for path, having in records.items():
            for row in keywords.SUPPORTED[path].values():
                field = row.field.removeprefix("balance.")
                record = next((r for r in having if hasattr(r, field)), None)
                if record is None or row.default is None:
                    continue
                compared += 1
                if getattr(record, field) != row.default:
                    wrong.append((path, row.word))
        self.assertEqual((compared, wrong), (23, []))
        self.assertEqual(
            {
                row.word: row.default
                for row in (*CONNECT, *SCHEDULE)
                if row.default is not None
            },
            {
                "fwmark": Target(here).mark,
                "connect_timeout": Target(here).timeout,
                "delay_loop": Schedule().delay_loop,
                "alpha": Schedule().alpha,
                "log_all_failures": Schedule().log_all_failures,
            },
        )

    def test_default_text(self) -> None:
        """A default is shown as the configuration would write it."""
        texts = [
            Keyword("k", "f", "integer", default=default).default_text
            for default in (None, True, False, 5.0, 0.5, 3, "eth0")
        ]
        self.assertEqual(texts, ["", "on", "off", "5", "0.5", "3", "eth0"])
        self.assertEqual(Keyword("k", "f", "integer", fallback=100).default_text, "100")


class ManualTests(SynchronousTestCase):
    def test_every_keyword_is_in_the_manual(self) -> None:
        """docs/configuration.md names each keyword that hanode acts on."""
        manual = Path(__file__).parents[2] / "docs" / "configuration.md"
        written = set(re.findall(r"[A-Za-z0-9_-]+", manual.read_text("utf-8")))
        words = {word for rows in keywords.SUPPORTED.values() for word in rows}
        self.assertEqual(words - written, set())


class RemedyTests(SynchronousTestCase):
    def test_typing_error(self) -> None:
        """A word close to a known one brings up that one."""
        self.assertEqual(
            keywords.remedy(("vrrp_instance",), "virtual_ipadress"),
            "did you mean 'virtual_ipaddress'?",
        )

    def test_misplaced_word(self) -> None:
        """A word of another block is told where it belongs."""
        self.assertEqual(
            [
                keywords.remedy((), "priority"),
                keywords.remedy(("vrrp_instance",), "virtual_server"),
                keywords.remedy((), "auth_pass"),
                keywords.remedy((), "init_file"),
                keywords.remedy((), "connect_port"),
            ],
            [
                "'priority' belongs in vrrp_instance",
                "'virtual_server' belongs at the top level",
                "'auth_pass' belongs in vrrp_instance / authentication",
                "'init_file' belongs in track_file or in vrrp_track_file",
                "'connect_port' belongs in virtual_server / real_server / DNS_CHECK "
                "or in virtual_server / real_server / HTTP_GET "
                "or in virtual_server / real_server / PING_CHECK",
            ],
        )

    def test_removed_word(self) -> None:
        """A word that keepalived once had gets the word of today."""
        self.assertEqual(
            keywords.remedy(("global_defs",), "lvs_id"),
            "its name is router_id since keepalived 1.1",
        )

    def test_nonsense(self) -> None:
        """A word that resembles nothing is to be removed."""
        self.assertEqual(
            keywords.remedy((), "..."), "keepalived has no such keyword: remove it"
        )

    def test_checkers(self) -> None:
        """A word in capitals may have been one of the checkers."""
        rows = {"X_CHECK": Keyword("X_CHECK", "x", "blocks"), "w": Keyword("w", "", "")}
        self.assertEqual(
            [keywords.offer(*each) for each in (("A", rows), ("a", rows), ("A", {}))],
            ["the checkers here are X_CHECK", "", ""],
        )


class CheckerTests(SynchronousTestCase):
    def test_tables(self) -> None:
        """A checker has the words of all checkers that it wants, and its own."""
        own = (Keyword("retry", "tries", "integer"), Keyword("path", "path", "word"))
        words = [
            CheckerWords("A", own, nothing),
            CheckerWords("B", own, nothing, connects=False),
            CheckerWords("C", (), nothing, scheduled=False),
            CheckerWords("D", (), nothing, connects=False, scheduled=False),
        ]
        connect = {row.word for row in CONNECT}
        schedule = {row.word for row in SCHEDULE}
        self.assertEqual(
            [table(each).keys() for each in words],
            [connect | schedule | {"path"}, schedule | {"path"}, connect, set()],
        )
        self.assertEqual(table(words[0])["retry"].field, "tries")
