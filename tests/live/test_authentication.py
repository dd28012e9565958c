"""Authentication on the wire, hanode and Debian's keepalived as one pair."""

from __future__ import annotations

import subprocess

from tests.live.case import need, until
from tests.live.configs import password
from tests.live.test_interop import PairCase, both_ways

SECRET = "e^Ho6HWa"
AH = password(SECRET).replace("auth_type PASS", "auth_type AH")
TTL = "  unicast_ttl 64\n  unicast_peer {{\n 192.0.2.{} min_ttl 60 max_ttl 64\n }}"


class HeaderTests(PairCase):
    """auth_type AH, both ways round."""

    def goes_back(self, high, low, **settings):
        """Start, stop, start: as without authentication."""
        self.pair(high, low, version=2, **settings)
        self.start(self.low, self.high)
        self.settled(self.high, self.low)
        at = self.mark()
        self.high.stop()
        self.low.log.wait_for("priority 0 adv", start=self.marks[self.low])
        self.takes_over(self.low, at, self.interval)
        self.settled(self.low, self.high)
        self.high.start()
        self.settled(self.high, self.low)
        for log in (self.high.log, self.low.log):
            self.assertNotIn(SECRET, str(log))
            for line in ("invalid", "dropped", "already processed"):
                self.assertEqual(log.count(line), 0, str(log))

    def multicast(self, high, low):
        """AH to the group; tshark reads the header."""
        need("tshark")
        self.goes_back(high, low, extras=(AH, AH))
        at = self.mark()
        self.bridge.cut(self.a)
        self.takes_over(self.low, at, self.master_down(100))
        self.bridge.join(self.a)
        self.settled(self.high, self.low)
        path = self.folder / "ah.pcap"
        self.observer.pcap(path)
        done = subprocess.run(
            ["tshark", "-r", path, "-Y", "ah", "-T", "fields", *CHECKED]
            + [f"-e{field}" for field in FIELDS],
            capture_output=True,
            text=True,
            check=True,
        )
        read = {tuple(line.split("\t")) for line in done.stdout.splitlines()}
        for source in ("192.0.2.1", "192.0.2.2"):
            index = "0x" + bytes(map(int, source.split("."))).hex()
            self.assertIn((source, "255", index, "51", "2", "1", "1"), read)
        self.assertEqual({line[4:] for line in read}, {("2", "1", "1")})

    def unicast(self, high, low):
        """AH between peers, of whom each insists on the other's TTL."""
        extras = tuple(f"{AH}\n{TTL.format(peer)}" for peer in (2, 1))
        self.goes_back(high, low, extras=extras)

    def secrets(self, high, low):
        """Who has another secret is not believed, and it is shown nowhere."""
        other = AH.replace(SECRET, "e^Ho6HWb")
        self.pair(high, low, version=2, extras=(AH, other))
        self.start(self.high, self.low)
        until(lambda: self.holds(self.a, self.vip) and self.holds(self.b, self.vip))
        for daemon in self.daemons:
            daemon.log.wait_for("invalid")
            self.assertNotIn("e^Ho6", str(daemon.log))


FIELDS = ("ip.src", "ip.ttl", "ah.spi", "vrrp.virt_rtr_id", "vrrp.auth_type")
FIELDS += ("vrrp.checksum.status", "ip.checksum.status")
CHECKED = ("-o", "ip.check_checksum:TRUE")

for _name in ("multicast", "unicast"):
    _high, _low = both_ways(getattr(HeaderTests, _name))
    setattr(HeaderTests, f"test_{_name}_hanode", _high)
    setattr(HeaderTests, f"test_{_name}_keepalived", _low)

# Both become master, so one way round shows both.
HeaderTests.test_secrets = both_ways(HeaderTests.secrets)[0]
