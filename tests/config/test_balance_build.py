"""What concerns all virtual servers, and the files that checkers look at."""

from __future__ import annotations

import pickle
from pathlib import Path
from random import Random

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.balance_model import BalanceDefs, TrackedFile
from hanode.config.build import load
from hanode.config.model import Model
from hanode.config.problems import Severity
from tests.config.balancing import CHECKERS, REAL, model
from tests.config.reading import messages

DATA = Path(__file__).parent.parent / "data"


def files(model: Model) -> tuple[object, ...]:
    """The files that can be tracked."""
    return tuple(each.options for each in model.trackers.get("file", {}).values())


class DefsTests(SynchronousTestCase):
    def test_nothing(self) -> None:
        """Without a word nothing is set, flushed or kept."""
        found, problems = model("global_defs {\n}\n")
        self.assertEqual((found.balance, problems), (BalanceDefs(), []))

    def test_all(self) -> None:
        """The words of global_defs and of hanode."""
        found, problems = model(
            "global_defs {\nlvs_timeouts tcp 7200 tcpfin 30 udp 60\nlvs_flush\n"
            "lvs_flush_on_stop VS\nrs_init_notifies\n}\n"
            "hanode {\ndataplane memory\nwait_for_checks\nkeep_services\n}\n"
        )
        self.assertEqual(
            (found.balance, problems),
            (
                BalanceDefs(
                    "memory",
                    None,
                    (7200, 30, 60),
                    True,
                    "VS",
                    True,
                    True,
                    "keep",
                ),
                [],
            ),
        )


class FileTests(SynchronousTestCase):
    def test_good(self) -> None:
        """Both words for a tracked file; reverse changes the sign."""
        found, problems = model(
            "track_file a {\nfile /a\n}\n"
            "vrrp_track_file b {\nfile /b\nweight 3 reverse\ninit_file 7 overwrite\n}\n"
        )
        self.assertEqual(
            (files(found), problems),
            ((TrackedFile("a", "/a"), TrackedFile("b", "/b", -3, 7, True)), []),
        )

    def test_bad(self) -> None:
        """A file needs a name of its own and a path."""
        found, problems = model(
            "track_file a {\nweight 2\n}\ntrack_file {\n}\n"
            "track_file b {\nfile /b\n}\nvrrp_track_file b {\nfile /c\n}\n"
        )
        self.assertEqual(files(found), (TrackedFile("b", "/b"),))
        self.assertEqual(
            problems,
            [
                "1 dropped: (a) no file specified for track_file a - ignoring "
                "(add file PATH)",
                "4 error: *** Configuration line starting `track_file` is missing a "
                "parameter after keyword `track_file` at word position 2 "
                "(give the file a name)",
                "9 dropped: (b) track file b already defined - ignoring this one "
                "(give it another name)",
            ],
        )


class SecretTests(SynchronousTestCase):
    def test_password(self) -> None:
        """No problem in SSL shows the line that it is in."""
        text = 'SSL {\npassword "geheim\npassword geheim too\nkey geheim x\n}\n'
        path = Path(self.mktemp())
        path.write_text(text)
        _, problems = load([str(path)], config_id="", environ={}, random=Random(0))
        self.assertEqual(len(problems), 5)
        self.assertNotIn("geheim", "".join(each.drawing() for each in problems))


class WholeFileTests(SynchronousTestCase):
    def test_file(self) -> None:
        """A file as a person writes it, with everything that is not VRRP."""
        found, problems = load(
            [str(DATA / "balance.conf")],
            config_id="a",
            environ={},
            random=Random(0),
            checkers=CHECKERS,
        )
        self.assertEqual(messages(problems), [])
        self.assertEqual(
            {
                name: [str(real) for real in each.real_servers]
                for name, each in found.virtual_servers.items()
            },
            {
                "[192.0.2.10]:tcp:80": ["[198.51.100.1]:80", "[198.51.100.2]:8080"],
                "[dns]:0": ["[198.51.100.3]:53", "[198.51.100.4]:53"],
                "[dns]:tcp:0": ["[198.51.100.3]:53"],
                "FWM 5": ["[2001:db8::7]:0"],
            },
        )
        sync = found.balance.sync
        assert sync is not None
        self.assertEqual((sync.interface, sync.instance, sync.sync_id), ("eth1", "", 5))
        self.assertEqual(pickle.loads(pickle.dumps(found)), found)

    def test_many(self) -> None:
        """Thousands of equal lines, each read once, give as many servers."""
        lines = ["virtual_server 192.0.2.1 80 {", "lvs_sched rr", "lvs_method DR"]
        lines.append("protocol TCP")
        for number in range(3000):
            address = f"10.0.{number // 250}.{number % 250}"
            lines += [f"real_server {address} 80 {{", "TCP_CHECK {", "retry 2", "}"]
            lines.append("}")
        found, problems = model("\n".join([*lines, "}\n"]))
        self.assertEqual(problems, [])
        (server,) = found.virtual_servers.values()
        checks = [real.checks[0] for real in server.real_servers]
        self.assertEqual(len({check.target.address for check in checks}), 3000)
        self.assertEqual(len({id(check.schedule) for check in checks}), 1)

    def test_severities(self) -> None:
        """What keepalived would run, too, does not keep the node from starting."""
        text = "virtual_server 192.0.2.1 80 {\n" + REAL + "}\n"
        path = Path(self.mktemp())
        path.write_text(text)
        _, problems = load([str(path)], config_id="", environ={}, random=Random(0))
        self.assertEqual({each.severity for each in problems}, {Severity.WARNING})
