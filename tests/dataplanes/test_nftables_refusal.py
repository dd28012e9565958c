"""What nftables cannot do is said, with what it can."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from twisted.trial.unittest import SynchronousTestCase

from hanode.dataplanes.nftables_refusal import refusal
from hanode.lvs import Destination, Endpoint, Fwmark, Method, Service

ONE = Destination(ip_address("10.0.0.1"), 80)
WEB = Service(Endpoint(ip_address("192.0.2.10"), 80, "TCP"), "rr", destinations=(ONE,))


class RefusalTests(SynchronousTestCase):
    """One sentence for each."""

    def assert_refused(self, reason, destination=None, **changes):
        if destination is not None:
            changes["destinations"] = (ONE, destination)
        self.assertEqual(refusal(replace(WEB, **changes)), reason)

    def test_possible(self):
        """NAT by rr, wrr and sh, for addresses and marks, is possible."""
        for scheduler in ("rr", "wrr", "sh"):
            self.assert_refused("", scheduler=scheduler)
        self.assert_refused("", identity=Fwmark(3))
        self.assert_refused("", destinations=())

    def test_scheduler(self):
        """A scheduler that looks at connections needs IPVS."""
        self.assert_refused(
            "scheduler wlc needs IPVS: rr, wrr and sh are possible with nftables",
            scheduler="wlc",
        )

    def test_one_packet(self):
        """One-packet scheduling needs IPVS."""
        self.assert_refused(
            "one-packet scheduling needs IPVS: without ops nftables keeps each UDP"
            " source on its server for as long as it sends",
            one_packet=True,
        )

    def test_engine(self):
        """A persistence engine needs IPVS."""
        self.assert_refused(
            "persistence engine sip needs IPVS: nftables tells clients apart by their"
            " source address (persistence_timeout alone)",
            engine="sip",
        )

    def test_method(self):
        """DR and TUN need IPVS."""
        for kind in ("DR", "TUN"):
            self.assert_refused(
                f"10.0.0.2 port 80: {kind} needs IPVS: NAT is possible with nftables",
                Destination(ip_address("10.0.0.2"), 80, method=Method(kind)),
            )

    def test_family(self):
        """Another family than the service's needs a tunnel."""
        self.assert_refused(
            "fd00::1 port 80: IPv6 behind an IPv4 address needs IPVS with TUN:"
            " nftables has NAT inside one family only",
            Destination(ip_address("fd00::1"), 80),
        )

    def test_link_local(self):
        """A link-local address means nothing without its interface."""
        self.assert_refused(
            "fe80::1%eth0 port 80: nftables cannot lead to a link-local address: use"
            " another one",
            identity=Fwmark(3, 6),
            destinations=(Destination(ip_address("fe80::1%eth0"), 80),),
        )

    def test_thresholds(self):
        """Thresholds need IPVS."""
        for limits in ({"upper": 5}, {"lower": 3}):
            self.assert_refused(
                "10.0.0.2 port 80: connection thresholds need IPVS: nftables does"
                " without uthreshold and lthreshold; use wrr and weights",
                Destination(ip_address("10.0.0.2"), 80, **limits),
            )
