"""Where advertisements come from: addresses that go and come, and no interface."""

from __future__ import annotations

from tests.live.case import until
from tests.live.configs import instance
from tests.live.test_interop import FAST, PairCase, both_ways

VIP = "192.0.2.100/24"


class SourceTests(PairCase):
    """One node; its addresses are taken away and given back."""

    def run_one(self, extra=""):
        """hanode alone, until it is master; return its log."""
        config = instance(1, 100, version=3, interval=FAST, extra=extra)
        daemon = self.daemon("hanode", self.a, config).start()
        daemon.log.wait_for("Entering MASTER STATE")
        return daemon.log

    def said_from(self, source, since):
        """Wait until an advertisement comes from C{source}."""
        until(
            lambda: any(
                str(seen.source) == source for seen in self.observer.adverts(since)
            ),
            what=f"an advertisement from {source}",
        )

    def test_next_address(self):
        """Another address is taken when the first one goes; without any it is FAULT."""
        self.a.add_address("192.0.2.77/24", "eth0")
        log = self.run_one()
        self.said_from("192.0.2.1", 0)
        since = self.observer.now()
        self.a.write("net/ipv4/conf/eth0/promote_secondaries", "1")
        self.a.remove_address("192.0.2.1/24", "eth0")
        self.said_from("192.0.2.77", since)
        self.a.remove_address("192.0.2.77/24", "eth0")
        _, line = log.wait_for(
            r"entering FAULT state \(no IPv4 address for interface\)"
        )
        until(lambda: not self.holds(self.a, VIP))
        self.a.add_address("192.0.2.1/24", "eth0")
        log.wait_for("Entering MASTER STATE", start=line)
        until(lambda: self.holds(self.a, VIP))
        self.assertEqual(log.count("entering FAULT state"), 1, str(log))

    def test_tracked(self):
        """track_src_ip: FAULT while the configured address is not there."""
        self.a.add_address("192.0.2.77/24", "eth0")
        log = self.run_one("  mcast_src_ip 192.0.2.77\n  track_src_ip")
        self.a.remove_address("192.0.2.77/24", "eth0")
        _, line = log.wait_for(r"entering FAULT state \(src address not configured\)")
        self.a.add_address("192.0.2.77/24", "eth0")
        log.wait_for("Entering MASTER STATE", start=line)


class BesideTests(PairCase):
    """What a pair bears of which only hanode has it."""

    def no_interface(self, high, low):
        """Unicast without an interface: the addresses say where to go."""
        self.pair(high, low, version=3, interval=FAST, unicast=True)
        ours = self.high if high == "hanode" else self.low
        config = ours.file.read_text().replace("  interface eth0\n", "")
        ours.configure(config.replace(VIP, f"{VIP} dev eth0"))
        self.fails_over()

    def receive_only(self, high, low):
        """auth_hmac, receive-only: nothing changes for a node that has none."""
        key = "ab" * 32
        block = f"auth_hmac {{\nkey 1 hex:{key}\nactive_key 1\nmode receive-only\n}}"
        extras = [block if kind == "hanode" else "" for kind in (high, low)]
        self.pair(high, low, version=3, interval=FAST, extras=extras)
        self.fails_over()
        ours = self.high if high == "hanode" else self.low
        self.assertEqual(ours.log.count("dropped|all the same|abab"), 0, str(ours.log))

    def fails_over(self):
        """Start, goodbye, return."""
        self.start(self.low, self.high)
        self.settled(self.high, self.low)
        self.high.stop()
        self.settled(self.low, self.high)
        self.high.start()
        self.settled(self.high, self.low)


for _name in ("no_interface", "receive_only"):
    _high, _low = both_ways(getattr(BesideTests, _name))
    setattr(BesideTests, f"test_{_name}_hanode", _high)
    setattr(BesideTests, f"test_{_name}_keepalived", _low)
