"""Strict mode."""

from __future__ import annotations

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.model import Garp
from tests.config.reading import instance
from tests.config.test_instances import PLAIN

TRAP = (
    "warning: (VI_1) strict mode: unless its priority is 255, a master drops what is"
    " sent to its virtual addresses, ping too"
)
STRICT = replace(
    PLAIN,
    strict=True,
    accept=False,
    lower_prio_no_advert=True,
    higher_prio_send_advert=False,
    owner_ignore_adverts=True,
    garp=Garp(lower_prio_delay=0.0, lower_prio_repeat=0),
)


class StrictTests(SynchronousTestCase):
    def test_plain(self) -> None:
        """vrrp_strict and strict_mode do the same."""
        self.assertEqual(instance("strict_mode"), (STRICT, [TRAP]))
        self.assertEqual(instance("", "vrrp_strict"), (STRICT, [TRAP]))

    def test_off(self) -> None:
        """An instance can opt out."""
        self.assertEqual(instance("strict_mode off", "vrrp_strict"), (PLAIN, []))

    def test_what_it_resets(self) -> None:
        """What strict mode does not allow is reset, with a message for each."""
        found, said = instance(
            "strict_mode\nstate MASTER\npriority 100\naccept\npreempt_delay 3\n"
            "down_timer_adverts 5\nlower_prio_no_advert off\n"
            "authentication {\nauth_type AH\nauth_pass x\n}"
        )
        self.assertEqual(found, STRICT)
        self.assertEqual(
            said,
            [
                "warning: (VI_1) preempt_delay is incompatible with strict mode"
                " - resetting",
                "warning: (VI_1) down_timer_adverts is incompatible with strict mode"
                " - resetting",
                "warning: (VI_1) lower_prio_no_advert is incompatible with strict "
                "mode - resetting",
                "warning: (VI_1) Strict mode does not support authentication. "
                "Ignoring.",
                "warning: (VI_1) warning - accept mode for VRRP version 2 does not "
                "comply with RFC3768 - resetting",
                "warning: (VI_1) State MASTER must match being address owner",
            ],
        )

    def test_owner(self) -> None:
        """MASTER with priority 255 is what strict mode wants."""
        self.assertEqual(
            instance("strict_mode\nstate MASTER\npriority 255"),
            (replace(STRICT, state="MASTER", priority=255), []),
        )

    def test_accept_in_version_3(self) -> None:
        """Version 3 may accept; who does not wants it to be said."""
        self.assertEqual(
            instance("strict_mode\nversion 3\naccept"),
            (replace(STRICT, version=3, accept=True), []),
        )
        self.assertEqual(
            instance("strict_mode\nversion 3"), (replace(STRICT, version=3), [TRAP])
        )
        self.assertEqual(
            instance("strict_mode\nversion 3\nno_accept"),
            (replace(STRICT, version=3), []),
        )

    def test_virtual_mac(self) -> None:
        """Advertisements of a strict router come from its standard MAC address."""
        found, said = instance(
            "strict_mode\nno_accept\nuse_vmac 02:00:00:00:00:01\nvmac_xmit_base"
        )
        assert found is not None
        assert found.virtual.main is not None
        self.assertEqual(
            (found.device, found.virtual.main.mac.hex(), said),
            (
                "vrrp.51",
                "00005e000133",
                [
                    "warning: (VI_1) xmit_base is incompatible with strict mode"
                    " - resetting",
                    "warning: (VI_1) a MAC address of one's own is incompatible with"
                    " strict mode - resetting",
                ],
            ),
        )

    def test_unicast(self) -> None:
        """Unicast is not strict, and runs as it does in keepalived 2.2."""
        found, said = instance("strict_mode\nunicast_peer {\n192.0.2.2\n}")
        assert found is not None
        self.assertEqual(
            (found.strict, found.unicast, said),
            (
                True,
                True,
                [
                    "warning: (VI_1) Strict mode does not support unicast peers: "
                    "used all the same",
                    TRAP,
                ],
            ),
        )

    def test_no_addresses(self) -> None:
        """Nor instances without addresses."""
        self.assertEqual(
            instance("strict_mode", basic="interface eth0\nvirtual_router_id 1"),
            (
                None,
                [
                    TRAP,
                    "dropped: (VI_1) No VIP specified; at least one is required",
                ],
            ),
        )

    def test_ipv6(self) -> None:
        """IPv6 is version 3, with a link-local address first."""
        basic = "interface eth0\nvirtual_router_id 1\nversion 2\naccept\nstrict_mode\n"
        found, said = instance("virtual_ipaddress {\n2001:db8::1\n}", basic=basic)
        assert found is not None
        self.assertEqual(found.version, 3)
        self.assertEqual(
            said,
            [
                "warning: (VI_1) Strict mode: IPv6 needs VRRP version 3"
                " - resetting version",
                "warning: (VI_1) the first IPv6 VIP address must be link local: "
                "2001:db8::1",
            ],
        )
        self.assertEqual(
            instance("virtual_ipaddress {\nfe80::1\n}", basic=basic)[1], said[:1]
        )
