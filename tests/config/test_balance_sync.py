"""lvs_sync_daemon as it is written, old and new."""

from __future__ import annotations

from ipaddress import ip_address

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.balance_model import SyncDefs
from tests.config.balancing import model
from tests.config.reading import BASIC


def read(words: str) -> tuple[SyncDefs | None, list[str]]:
    """What the line gives beside an instance VI_1 with VRID 51."""
    found, problems = model(
        f"global_defs {{\nlvs_sync_daemon {words}\n}}\n"
        f"vrrp_instance VI_1 {{\n{BASIC}}}\n"
    )
    return found.balance.sync, problems


class SyncTests(SynchronousTestCase):
    def test_good(self) -> None:
        """The interface, whose state decides, and what the kernel is told."""
        group = ip_address("224.0.0.99")
        for words, wanted in {
            "eth1": SyncDefs("eth1"),
            "eth1 VI_1": SyncDefs("eth1", "VI_1", 51),
            "eth1 inst VI_1 id 7": SyncDefs("eth1", "VI_1", 7),
            "eth1 VI_1 9": SyncDefs("eth1", "VI_1", 9),
            "eth1 id 3 maxlen 1400 port 8849 ttl 2 group 224.0.0.99": SyncDefs(
                "eth1", "", 3, group, 8849, 2, 1400
            ),
        }.items():
            self.assertEqual(read(words), (wanted, []), words)

    def test_bad(self) -> None:
        """What cannot be understood is left out; the daemons start nevertheless."""
        for words, wanted, problem in (
            (
                "eth1 VI_1 seven",
                SyncDefs("eth1", "VI_1", 51),
                "2 warning: Unknown option 'seven' for lvs_sync_daemon - ignoring "
                "(the options are id, maxlen, port, ttl, inst, group)",
            ),
            (
                "eth1 group 192.0.2.1",
                SyncDefs("eth1"),
                "2 warning: lvs_sync_daemon group '192.0.2.1' is not a multicast "
                "address (ignored; the kernel takes 224.0.0.81)",
            ),
            (
                "eth1 group here",
                SyncDefs("eth1"),
                "2 warning: lvs_sync_daemon group 'here' is not a multicast "
                "address (ignored; the kernel takes 224.0.0.81)",
            ),
            (
                "eth1 ttl 256",
                SyncDefs("eth1"),
                "2 warning: number '256' outside range [1, 255]: lvs_sync_daemon ttl "
                "'256' is invalid (ignored)",
            ),
            (
                "eth1 VI_2",
                None,
                "2 dropped: lvs_sync_daemon: vrrp_instance VI_2 not found - ignoring "
                "(add vrrp_instance VI_2, or mend the one that is dropped)",
            ),
            (
                "eth1 id",
                None,
                "2 error: *** Configuration line starting `lvs_sync_daemon` is missing "
                "a parameter after keyword `id` at word position 4 "
                "(write a value behind id)",
            ),
            (
                "",
                None,
                "2 error: *** Configuration line starting `lvs_sync_daemon` is missing "
                "a parameter after keyword `lvs_sync_daemon` at word position 2 "
                "(name the interface)",
            ),
        ):
            self.assertEqual(read(words), (wanted, [problem]), words)


class OldFormTests(SynchronousTestCase):
    """lvs_sync_daemon_interface, inside an instance."""

    def test_instance(self) -> None:
        """The instance that has it decides; of two the first one counts."""
        found, problems = model(
            f"vrrp_instance VI_1 {{\nlvs_sync_daemon_interface eth1\n{BASIC}}}\n"
            "vrrp_instance VI_2 {\nlvs_sync_daemon_interface eth2\n"
            "interface eth0\nvirtual_router_id 52\nvirtual_ipaddress {\n"
            "192.0.2.52\n}\n}\n"
        )
        self.assertEqual(found.balance.sync, SyncDefs("eth1", "VI_1", 51))
        self.assertEqual(
            [problem.partition(" ")[2] for problem in problems],
            [
                f"warning: ({name}) Specifying lvs_sync_daemon_interface against a "
                "vrrp is deprecated. Please use global lvs_sync_daemon (write "
                "lvs_sync_daemon INTERFACE INSTANCE in global_defs)"
                for name in ("VI_1", "VI_2")
            ],
        )

    def test_global_counts(self) -> None:
        """The line of global_defs is the one that counts."""
        found, _ = model(
            "global_defs {\nlvs_sync_daemon eth3\n}\n"
            f"vrrp_instance VI_1 {{\nlvs_sync_daemon_interface eth1\n{BASIC}}}\n"
        )
        self.assertEqual(found.balance.sync, SyncDefs("eth3"))

    def test_nothing_said(self) -> None:
        """A line without an interface starts nothing."""
        found, _ = model(
            f"vrrp_instance VI_1 {{\nlvs_sync_daemon_interface\n{BASIC}}}\n"
        )
        self.assertIsNone(found.balance.sync)
