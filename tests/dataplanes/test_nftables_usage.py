"""Counters of nftables as usages."""

from __future__ import annotations

from ipaddress import ip_address

from twisted.trial.unittest import SynchronousTestCase

from hanode.dataplanes.nftables_usage import Meter, read_counters
from hanode.lvs import Destination, Endpoint, Service, Usage

WEB = Endpoint(ip_address("192.0.2.10"), 80, "TCP")
ONE = Destination(ip_address("10.0.0.1"), 80)
TWO = Destination(ip_address("10.0.0.2"), 80)
TABLE = {WEB: Service(WEB, "rr", destinations=(ONE, TWO))}
W = "tcp_192.0.2.10_80"


def counters(connections, packets, size):
    """Those of the service and of its first real server; half of it comes back."""
    return {
        W: (connections, 0),
        f"{W}/10.0.0.1_80": (connections, 0),
        f"{W}/10.0.0.1_80/in": (packets, size),
        f"{W}/10.0.0.1_80/out": (packets // 2, size // 2),
    }


class MeterTests(SynchronousTestCase):
    """Sums and rates."""

    def test_sums(self):
        """A service has the packets of its real servers."""
        counts = {(WEB, ONE.key): (3, 1)}
        whole = Usage(9, 40, 20, 4000, 2000)
        part = Usage(9, 40, 20, 4000, 2000, active=3, inactive=1)
        self.assertEqual(
            Meter().read(TABLE, counters(9, 40, 4000), counts, 5.0),
            {WEB: (whole, {ONE.key: part, TWO.key: Usage()})},
        )

    def rates(self, meter, values, now):
        usage, _ = meter.read(TABLE, counters(*values), {}, now)[WEB]
        return usage.connection_rate, usage.byte_rate_in, usage.byte_rate_out

    def test_rates(self):
        """Rates are means since the last look; one that is too soon repeats them."""
        meter = Meter()
        self.assertEqual(self.rates(meter, (10, 0, 1000), 5.0), (0, 0, 0))
        self.assertEqual(self.rates(meter, (30, 0, 5000), 7.0), (10, 2000, 1000))
        self.assertEqual(self.rates(meter, (40, 0, 9000), 7.5), (10, 2000, 1000))
        self.assertEqual(self.rates(meter, (40, 0, 9000), 9.0), (5, 2000, 1000))
        self.assertEqual(self.rates(meter, (0, 0, 0), 12.0), (0, 0, 0))


class ReadTests(SynchronousTestCase):
    """What nft lists."""

    def test_read(self):
        """Packets and bytes by name; an empty answer has none."""
        text = """table inet hanode_lvs {
	counter tcp_192.0.2.10_80 {
		packets 2 bytes 120
	}

	counter tcp_192.0.2.10_80/10.0.0.1_80/in {
		packets 20 bytes 1200
	}
}
"""
        self.assertEqual(
            read_counters(text), {W: (2, 120), f"{W}/10.0.0.1_80/in": (20, 1200)}
        )
        self.assertEqual(read_counters(""), {})
