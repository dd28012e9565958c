"""Claims about virtual servers as text."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode.console.lvs_report import lvs_details, lvs_table
from tests.console.samples import CHECK, REAL, VIRTUAL


class TableTests(SynchronousTestCase):
    """hanode lvs."""

    def test_nothing(self) -> None:
        """Without virtual servers there is a sentence."""
        self.assertEqual(lvs_table([]), "no virtual servers")

    def test_rows(self) -> None:
        """A virtual server, then its real servers, then the one that stands in."""
        found = [line.split() for line in lvs_table([VIRTUAL]).splitlines()]
        self.assertEqual(
            found,
            [
                [
                    *("SERVER", "HOW", "STATE", "SINCE", "WEIGHT", "ACTIVE", "INACT"),
                    *("CONN/S", "IN/S", "OUT/S", "REASON"),
                ],
                [
                    *("[198.51.100.10]:tcp:80", "rr", "UP", "1h", "1m", "2/1"),
                    *("12", "900B", "1.23M", "quorum"),
                ],
                [
                    *("[192.0.2.11]:tcp:80", "NAT", "UP", "1m", "1s", "2", "3", "40"),
                    *("12", "900B", "1.23M", "connected"),
                ],
                ["[192.0.2.12]:tcp:80", "NAT", "DOWN", "1m", "1s", "-", "refused"],
                ["[192.0.2.99]:tcp:80", "sorry", "spare"],
            ],
        )

    def test_states(self) -> None:
        """Suspended, draining, refused by the dataplane, sorry server in use."""
        shown = {
            **VIRTUAL,
            "suspended": True,
            "refused": {"[::1]:tcp:80": "rr only"},
            "real_servers": [{**REAL, "drain": "draining"}],
            "sorry_server": {"name": "spare", "active": True},
        }
        rows = lvs_table([shown]).splitlines()[1:]
        self.assertEqual(
            [("suspended" in rows[0], "rr only" in rows[0]), "draining" in rows[1]],
            [(True, True), True],
        )
        self.assertEqual(rows[2].split(), ["spare", "sorry", "in", "use"])

    def test_refused(self) -> None:
        """What the dataplane refuses does not look healthy."""
        for balanced in ("refused", "partly refused"):
            shown = {**VIRTUAL, "balanced": balanced, "real_servers": []}
            self.assertIn(f"  {balanced}  ", lvs_table([shown]))
            self.assertNotIn(" UP ", lvs_table([shown]))
            wanted = f"{balanced} by the dataplane"
            self.assertIn(wanted, lvs_details(shown))
        off = {**VIRTUAL, "balanced": "off", "real_servers": []}
        self.assertIn(" UP ", lvs_table([off]))
        self.assertIn("no dataplane can be used", lvs_details(off))
        self.assertNotIn("dataplane", lvs_details({**VIRTUAL, "balanced": "yes"}))

    def test_leaving(self) -> None:
        """A server that is only there until it is drained is not counted."""
        leaving = {**REAL, "leaving": True}
        shown = {**VIRTUAL, "real_servers": [REAL, leaving]}
        self.assertIn("2, 1 of 1 servers up", lvs_details(shown))

    def test_unknown(self) -> None:
        """What an older daemon does not tell is shown as unknown."""
        lines = lvs_table([{"real_servers": [{}]}]).splitlines()
        self.assertEqual(lines[1].split()[:4], ["-"] * 4)

    def test_huge(self) -> None:
        """Gigabytes."""
        big = {**VIRTUAL, "real_servers": [], "usage": {"byte_rate_in": 5 * 10**12}}
        self.assertIn("5e+03G", lvs_table([big]))


class DetailsTests(SynchronousTestCase):
    """hanode lvs NAME."""

    def test_all(self) -> None:
        """One sheet for the virtual server, one for each real server."""
        first, alive, dead = lvs_details(VIRTUAL).split("\n\n")
        self.assertEqual(
            first.splitlines(),
            [
                "[198.51.100.10]:tcp:80: UP for 1h 1m",
                "  reason        quorum",
                "  services      [198.51.100.10]:tcp:80",
                "  scheduler     rr",
                "  weight        2, 1 of 2 servers up; quorum 1, hysteresis 0",
                "  sorry server  [192.0.2.99]:tcp:80, spare",
            ],
        )
        self.assertEqual(
            alive.splitlines(),
            [
                "[192.0.2.11]:tcp:80: UP for 1m 1s",
                "  reason       connected",
                "  weight       2, configured 1, in use 2",
                "  method       NAT",
                "  connections  3 active, 40 inactive, 1200 in all",
                "  TCP_CHECK    192.0.2.11 port 80: UP for 1m 1s; 2s ago: connected,"
                " took 400us",
            ],
        )
        self.assertEqual(
            dead.splitlines()[2:],
            [
                "  weight     2, configured 1, not in use",
                "  method     NAT",
                "  TCP_CHECK  192.0.2.11 port 80: DOWN for 1m 1s; not yet tried",
            ],
        )

    def test_exceptions(self) -> None:
        """Persistence, suspension, what is not possible here, and a result's detail."""
        result = {**CHECK["result"], "detail": "status 503"}  # type: ignore[dict-item]
        shown = {
            **VIRTUAL,
            "persistence": 50,
            "suspended": True,
            "refused": {"FWM 1": "needs IPVS"},
            "sorry_server": {"name": "spare", "active": True},
            "real_servers": [{**REAL, "checks": [{**CHECK, "result": result}]}],
        }
        text = lvs_details(shown)
        for wanted in (
            "50 s",
            "no address of it is local",
            "not possible: FWM 1",
            "spare, in use",
            "connected (status 503), took",
        ):
            self.assertIn(wanted, text)
        self.assertNotIn("sorry", lvs_details({**VIRTUAL, "sorry_server": None}))
