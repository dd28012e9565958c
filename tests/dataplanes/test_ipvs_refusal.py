"""Why IPVS will not have something."""

from __future__ import annotations

import errno
from dataclasses import replace
from ipaddress import ip_address

from twisted.trial.unittest import SynchronousTestCase

from hanode.dataplanes.ipvs_refusal import (
    daemon_meaning,
    destination_meaning,
    refusal,
    service_meaning,
)
from hanode.lvs import Destination, Fwmark, Method, Service, SyncDaemon
from tests.dataplanes.balancer_contract import ONE, SIX, WEB


class RefusalTests(SynchronousTestCase):
    def test_possible(self) -> None:
        """What the kernel does is not refused."""
        across = replace(ONE, method=Method("TUN"))
        for each in (
            WEB,
            SIX,
            Service(Fwmark(1), one_packet=True, engine="sip"),
            replace(SIX, destinations=(across,)),
            replace(WEB, identity=replace(WEB.identity, port=0), persistence=9),
            replace(WEB, engine="sip"),
            replace(WEB, engine="rtp", persistence=9),
            replace(SIX, one_packet=False, engine="sip", persistence=9),
        ):
            self.assertEqual(refusal(each), "")

    def test_impossible(self) -> None:
        """What it does not is refused, with what is possible."""
        anything = replace(WEB, identity=replace(WEB.identity, port=0))
        cases = {
            "unmarked packets": Service(Fwmark(0)),
            "no scheduler can have": replace(WEB, scheduler="x" * 16),
            "one-packet scheduling": replace(WEB, one_packet=True),
            "engine sip is for UDP only: the kernel": replace(
                WEB, engine="sip", persistence=9
            ),
            "set persistence_timeout": anything,
            "[10.1.0.1]:80 is of the other": replace(SIX, destinations=(ONE,)),
        }
        self.assertEqual(
            [words in refusal(each) for words, each in cases.items()], [True] * 6
        )

    def test_services(self) -> None:
        """An errno means what it means for a service."""
        sip = replace(WEB, engine="sip")
        self.assertEqual(
            [
                service_meaning(WEB, errno.ENOENT),
                service_meaning(sip, errno.ENOENT),
                service_meaning(WEB, errno.EAFNOSUPPORT),
                service_meaning(WEB, errno.EPROTONOSUPPORT),
                service_meaning(WEB, errno.EINVAL),
                service_meaning(WEB, errno.EPERM),
                service_meaning(WEB, errno.ENOMEM),
            ],
            [
                "no scheduler rr in this kernel: see the module ip_vs_rr",
                "no scheduler rr or no persistence engine sip in this kernel: see the"
                " modules ip_vs_rr and ip_vs_pe_sip",
                "this kernel's IPVS was built without IPv6 (CONFIG_IP_VS_IPV6)",
                "this kernel's IPVS was built without this protocol",
                "the scheduler does not take these settings, or the granularity is"
                " wrong",
                "not permitted: CAP_NET_ADMIN is needed",
                "Cannot allocate memory",
            ],
        )

    def test_destinations(self) -> None:
        """And for a destination."""
        six = Destination(ip_address("fd00::1"), 80)
        self.assertEqual(
            [
                destination_meaning(WEB, ONE, errno.ERANGE)[:8],
                destination_meaning(WEB, ONE, errno.EINVAL)[:13],
                destination_meaning(WEB, six, errno.EINVAL)[:18],
                destination_meaning(WEB, six, errno.EAFNOSUPPORT)[-19:],
                destination_meaning(WEB, ONE, errno.ENOMEM),
            ],
            [
                "a weight",
                "not a unicast",
                "the kernel tunnels",
                "(CONFIG_IP_VS_IPV6)",
                "Cannot allocate memory",
            ],
        )

    def test_daemons(self) -> None:
        """And for a synchronisation daemon."""
        daemon = SyncDaemon("master", "eth9", 1)
        self.assertEqual(
            [daemon_meaning(daemon, code)[:17] for code in (19, 22, 12)],
            ["no interface eth9", "services of mixed", "Cannot allocate m"],
        )
