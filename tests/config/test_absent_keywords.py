"""keepalived's words that mean nothing here: each is understood, and says why."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.absent_keywords import (
    ABSENT_GLOBAL,
    ABSENT_INSTANCE,
    ABSENT_SERVER,
)
from tests.config.balancing import model
from tests.config.reading import BASIC


class AbsentTests(SynchronousTestCase):
    """One line for each word, wherever it may stand."""

    def test_global(self) -> None:
        """In global_defs each word is one warning, and nothing else happens."""
        words = [row.word for row in ABSENT_GLOBAL]
        found, problems = model("global_defs {\n" + "\n".join(words) + "\n}\n")
        self.assertEqual(found, model("global_defs {\n}\n")[0])
        self.assertEqual(
            [problem for problem in problems if "no configuration" not in problem],
            [
                f"{number} warning: {row.word}: "
                f"{'no effect' if row.type == 'needless' else 'not supported'}: "
                f"{row.title}"
                for number, row in enumerate(ABSENT_GLOBAL, start=2)
            ],
        )

    def test_arguments(self) -> None:
        """What stands behind such a word is not looked at."""
        _, problems = model("global_defs {\nsnmp_socket udp:192.0.2.1:705 x\n}\n")
        self.assertEqual(
            problems[0],
            "2 warning: snmp_socket: not supported: hanode does not speak SNMP: "
            "GET /metrics has the figures",
        )

    def test_servers_and_instances(self) -> None:
        """The same words of a virtual server, a real server and an instance."""
        _, problems = model(
            "virtual_server 192.0.2.1 80 {\nprotocol TCP\nsnmp_name web\n"
            "real_server 192.0.2.2 80 {\nsnmp_name one\n}\n}\n"
            f"vrrp_instance VI_1 {{\ndebug 3\n{BASIC}}}\n"
        )
        self.assertEqual(
            [each for each in problems if "snmp_name" in each or "debug" in each],
            [
                f"9 warning: (VI_1) debug: no effect: {ABSENT_INSTANCE[0].title}",
                "3 warning: (virtual_server 192.0.2.1 80) snmp_name: not supported: "
                f"{ABSENT_SERVER[0].title}",
                "5 warning: (real_server 192.0.2.2 80) snmp_name: not supported: "
                f"{ABSENT_SERVER[0].title}",
            ],
        )
