"""vrrp_instance: what its words make of it, and when it is refused."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.model import (
    Address,
    Authentication,
    Garp,
    Notify,
    Script,
    Secret,
    VrrpInstance,
)
from hanode.config.track_model import Tracked
from tests.config.reading import good, instance

PLAIN = VrrpInstance(
    "VI_1",
    51,
    "eth0",
    4,
    addresses=(Address(ip_address("192.0.2.10"), 24, "eth0"),),
)
SIX = """
    interface eth0
    virtual_router_id 51
    virtual_ipaddress {
        fe80::10
        2001:db8::10/64
    }
"""
PASSWORD = "authentication {\nauth_type PASS\nauth_pass x\n}"
AH = "authentication {\nauth_type AH\nauth_pass x\n}"


class DefaultTests(SynchronousTestCase):
    def test_smallest(self) -> None:
        """Interface, VRID and one address are enough."""
        self.assertEqual(good(""), PLAIN)

    def test_place(self) -> None:
        """An instance knows where it stands."""
        place = good("").place
        self.assertEqual(str(place), "test.conf:1:1")

    def test_plain_fields(self) -> None:
        """Keywords that only set a field set it."""
        lines = """
            unicast_fault_no_peer
            track_src_ip
            old_unicast_checksum
            kernel_rx_buf_size 4096
            check_unicast_src
            down_timer_adverts 4
            v3_checksum_as_v2
            lower_prio_no_advert
            higher_prio_send_advert off
            owner_ignore_adverts
            skip_check_adv_addr
            promote_secondaries
            dont_track_primary
            notify_priority_changes
            accept
        """
        self.assertEqual(
            good(lines),
            replace(
                PLAIN,
                unicast_fault_no_peer=True,
                track_source=True,
                old_checksum=True,
                receive_buffer=4096,
                check_unicast_src=True,
                down_timer_adverts=4,
                checksum_as_v2=True,
                lower_prio_no_advert=True,
                higher_prio_send_advert=False,
                owner_ignore_adverts=True,
                skip_check_adv_addr=True,
                promote_secondaries=True,
                track_primary=False,
                notify_priority_changes=True,
            ),
        )

    def test_global_defaults(self) -> None:
        """global_defs gives the defaults, the instance has the last word."""
        shared = """
            vrrp_version 3
            vrrp_down_timer_adverts 5
            vrrp_skip_check_adv_addr
            vrrp_lower_prio_no_advert
            vrrp_mcast_group4 224.0.0.99
            vrrp_garp_interval 0.5
            vrrp_gna_interval 0.25
        """
        self.assertEqual(
            good("down_timer_adverts 2\nlower_prio_no_advert off", shared),
            replace(
                PLAIN,
                version=3,
                down_timer_adverts=2,
                skip_check_adv_addr=True,
                multicast_group=ip_address("224.0.0.99"),
                garp=Garp(arp_interval=0.5, na_interval=0.25),
            ),
        )


class VersionTests(SynchronousTestCase):
    def test_ipv6_is_version_3(self) -> None:
        """IPv6 addresses make version 3, whatever vrrp_version says."""
        found = good("", "vrrp_version 2", SIX)
        self.assertEqual((found.family, found.version), (6, 3))
        self.assertEqual(str(found.multicast_group), "ff02::12")

    def test_ipv6_version_2_on_request(self) -> None:
        """The instance itself may ask for version 2."""
        self.assertEqual(good("version 2", "", SIX).version, 2)

    def test_native_ipv6(self) -> None:
        """native_ipv6 decides before any address."""
        found, said = instance("native_ipv6")
        self.assertEqual(found, None)
        self.assertEqual(
            said,
            [
                "warning: (VI_1) address family must match VRRP instance "
                "[192.0.2.10] - ignoring",
                "dropped: (VI_1) No VIP specified; at least one is required",
            ],
        )

    def test_version_on_the_instance(self) -> None:
        """version 3 on an IPv4 instance."""
        self.assertEqual(good("version 3"), replace(PLAIN, version=3))


class RefusalTests(SynchronousTestCase):
    def test_no_vrid(self) -> None:
        """Without a VRID there is no instance."""
        self.assertEqual(
            instance("", basic="interface eth0"),
            (None, ["dropped: (VI_1) the virtual router id must be set"]),
        )

    def test_bad_vrid(self) -> None:
        """A VRID out of range is none."""
        self.assertEqual(
            instance("", basic="interface eth0\nvirtual_router_id 256"),
            (
                None,
                [
                    "warning: (VI_1) number '256' outside range [1, 255]: "
                    "virtual_router_id '256' is invalid",
                    "dropped: (VI_1) the virtual router id must be set",
                ],
            ),
        )

    def test_no_interface(self) -> None:
        """Multicast needs an interface."""
        for lines in ("", "unicast_peer {\n192.0.2.9\n}"):
            self.assertEqual(
                instance(lines, basic="virtual_router_id 1"),
                (None, ["dropped: (VI_1) no interface specified"]),
            )

    def test_unicast_without_interface(self) -> None:
        """Unicast with a source address needs none."""
        lines = """
            virtual_router_id 1
            unicast_src_ip 192.0.2.1
            unicast_peer {
                192.0.2.2
            }
            virtual_ipaddress {
                192.0.2.3 dev eth7
            }
        """
        found = good("", basic=lines)
        self.assertEqual((found.interface, found.addresses[0].device), ("", "eth7"))

    def test_no_addresses(self) -> None:
        """Version 2 runs without addresses, version 3 does not."""
        basic = "interface eth0\nvirtual_router_id 51"
        empty = replace(PLAIN, addresses=())
        self.assertEqual(
            [
                instance("", basic=basic),
                instance("no_virtual_ipaddress", basic=basic),
                instance("version 3", basic=basic),
            ],
            [
                (
                    empty,
                    ["warning: (VI_1) No VIP specified; at least one is sensible"],
                ),
                (empty, []),
                (
                    None,
                    ["dropped: (VI_1) No VIP specified; at least one is required"],
                ),
            ],
        )


class TimerTests(SynchronousTestCase):
    def interval(self, lines: str) -> tuple[float, list[str]]:
        """advert_int and what is said."""
        found, said = instance(lines)
        assert found is not None
        return found.advert_int, said

    def test_version_2_is_whole_seconds(self) -> None:
        """A fraction is rounded, and never to nothing."""
        text = (
            "warning: (VI_1) VRRPv2 advertisement interval {}s must be an integer. "
            "rounding"
        )
        self.assertEqual(
            [self.interval(f"advert_int {text}") for text in ("3", "1.5", "0.1")],
            [(3.0, []), (2.0, [text.format("1.5")]), (1.0, [text.format("0.1")])],
        )

    def test_version_3_is_centiseconds(self) -> None:
        """A part of a centisecond is rounded, 40.95 s is the longest."""
        text = (
            "warning: (VI_1) VRRPv3 advertisement interval 0.125s must be "
            "in units of 10ms - rounding"
        )
        self.assertEqual(
            [
                self.interval(f"version 3\nadvert_int {text}")
                for text in ("0.01", "0.29", "0.125", "40.95", "41")
            ],
            [
                (0.01, []),
                (0.29, []),
                (0.13, [text]),
                (40.95, []),
                (
                    40.95,
                    [
                        "warning: (VI_1) VRRPv3 advertisement interval 41s is out of "
                        "range. Must be less than 40.96s. Setting to 40.95s"
                    ],
                ),
            ],
        )


class AuthenticationTests(SynchronousTestCase):
    def test_pass(self) -> None:
        """A password of version 2."""
        self.assertEqual(
            good(PASSWORD),
            replace(PLAIN, authentication=Authentication("PASS", Secret("x"))),
        )

    def test_version_3(self) -> None:
        """Version 3 has no authentication, not even AH."""
        text = (
            "warning: (VI_1) VRRP version 3 does not support authentication. Ignoring."
        )
        for block in (PASSWORD, AH):
            self.assertEqual(
                instance(f"version 3\n{block}"), (replace(PLAIN, version=3), [text])
            )

    def test_incomplete(self) -> None:
        """A type without a password and a password without a type are none."""
        self.assertEqual(
            [
                instance("authentication {\nauth_type PASS\n}"),
                instance('authentication {\nauth_type PASS\nauth_pass ""\n}'),
                instance("authentication {\nauth_pass x\n}"),
            ],
            [
                (
                    PLAIN,
                    [
                        "warning: (VI_1) Authentication specified but "
                        f"no {what}. Ignoring"
                    ],
                )
                for what in ("password given", "password given", "auth_type PASS")
            ],
        )


class GarpTests(SynchronousTestCase):
    def test_everything(self) -> None:
        """Each keyword fills its field."""
        lines = """
            garp_master_delay 1
            garp_master_repeat 2
            garp_master_refresh 3
            garp_master_refresh_repeat 4
            garp_lower_prio_delay 5
            garp_lower_prio_repeat 6
        """
        self.assertEqual(good(lines).garp, Garp(1.0, 2, 3.0, 4, 5.0, 6))

    def test_lower_prio_follows_global_master(self) -> None:
        """Without values of their own they are the master values of global_defs."""
        own = "garp_master_delay 7\ngarp_master_repeat 8"
        self.assertEqual(
            [
                good(own).garp,
                good(own, "vrrp_garp_master_delay 3\nvrrp_garp_master_repeat 2").garp,
            ],
            [
                Garp(7.0, 8, lower_prio_delay=5.0, lower_prio_repeat=5),
                Garp(7.0, 8, lower_prio_delay=3.0, lower_prio_repeat=2),
            ],
        )

    def test_global_lower_prio(self) -> None:
        """vrrp_garp_lower_prio_delay comes before vrrp_garp_master_delay."""
        self.assertEqual(
            good("", "vrrp_garp_lower_prio_delay 2\nvrrp_garp_master_delay 7").garp,
            Garp(7.0, lower_prio_delay=2.0),
        )

    def test_no_repeat_after_lower_priority(self) -> None:
        """0 repeats are allowed there: no frames."""
        self.assertEqual(
            good("garp_lower_prio_repeat 0").garp, Garp(lower_prio_repeat=0)
        )

    def test_min_garp(self) -> None:
        """vrrp_min_garp: one frame, no second batch, where nothing else is said."""
        self.assertEqual(
            [good("", "vrrp_min_garp").garp, good("", "vrrp_min_garp off").garp],
            [Garp(0.0, 1, 0.0, 0, 0.0, 1), Garp()],
        )
        self.assertEqual(
            good(
                "garp_master_repeat 3", "vrrp_min_garp\nvrrp_garp_master_delay 4"
            ).garp,
            Garp(4.0, 3, 0.0, 0, 4.0, 1),
        )


class TrackingTests(SynchronousTestCase):
    def test_interfaces(self) -> None:
        """Other interfaces are tracked, each once."""
        found, said = instance(
            "track_interface {\neth1\neth2 weight -5\neth1 weight 3\n}"
        )
        self.assertEqual(
            (found, said),
            (
                replace(
                    PLAIN,
                    track=(
                        Tracked("interface", "eth1"),
                        Tracked("interface", "eth2", -5),
                    ),
                ),
                ["warning: (VI_1) duplicate track_interface eth1 - ignoring"],
            ),
        )

    def test_own_interface(self) -> None:
        """The instance's own interface needs no tracking, or is not to be tracked."""
        text = "warning: (VI_1) Ignoring track_interface eth0 since own interface"
        tracked = "track_interface {\neth0\n}"
        self.assertEqual(instance(tracked), (PLAIN, [text]))
        self.assertEqual(
            instance(f"dont_track_primary\n{tracked}"),
            (replace(PLAIN, track_primary=False), [text]),
        )


class NotifyTests(SynchronousTestCase):
    def test_scripts(self) -> None:
        """Each event has its script."""
        lines = """
            notify /n
            notify_master "/m --now" bob
            notify_backup /b
            notify_fault /f
            notify_stop /s
            notify_deleted /d
            notify_master_rx_lower_pri /l
        """
        self.assertEqual(
            good(lines).notify,
            Notify(
                always=Script(("/n",)),
                master=Script(("/m", "--now"), "bob"),
                backup=Script(("/b",)),
                fault=Script(("/f",)),
                stop=Script(("/s",)),
                deleted=Script(("/d",)),
                master_rx_lower_pri=Script(("/l",)),
                report_deleted=True,
            ),
        )

    def test_deleted_alone(self) -> None:
        """notify_deleted without a script changes what is reported."""
        self.assertEqual(good("notify_deleted").notify, Notify(report_deleted=True))
