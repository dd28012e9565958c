"""hanode and Debian's keepalived as one pair, both ways round, in every mode.

Each test runs twice: with hanode as the node of higher priority, and with keepalived.
"""

from __future__ import annotations

import json
import subprocess
import time

from hanode.logs import LATER
from tests.live.case import LiveCase, need, until
from tests.live.configs import VIPS, instance, password
from tests.live.observer import longest_double

WAYS = (("hanode", "keepalived"), ("keepalived", "hanode"))
FAST = 0.2  # seconds; version 2 counts in whole ones
SLACK = 1.0  # seconds that a busy machine may add to a time limit


def both_ways(story):
    """Two test methods of one story: hanode higher, keepalived higher."""

    def make(high, low):
        def test(self):
            story(self, high, low)

        test.__doc__ = f"{story.__doc__} Higher: {high}."
        return test

    return [make(*way) for way in WAYS]


class PairCase(LiveCase):
    """Two daemons, C{high} on host a and C{low} on host b."""

    def pair(self, high, low, **settings):
        """Write both configurations; C{priorities} are 150 and 100 unless given."""
        need("keepalived")
        self.flood()
        one, other = settings.pop("priorities", (150, 100))
        extra = settings.pop("extras", ("", ""))
        self.family = settings.get("family", 4)
        self.interval = settings.get("interval", 1)
        self.vip = settings.get("vips", (VIPS[self.family],))[0]
        self.high = self.daemon(
            high, self.a, instance(1, one, extra=extra[0], **settings)
        )
        self.low = self.daemon(
            low, self.b, instance(2, other, extra=extra[1], **settings)
        )

    def start(self, *daemons):
        """Start them, one after the other, each when the one before has begun."""
        for daemon in daemons:
            daemon.start()
            daemon.log.wait_for("Entering BACKUP STATE")

    def settled(self, master, backup):
        """Wait until C{master} alone holds the address."""
        until(
            lambda: (
                self.holds(master.host, self.vip)
                and not self.holds(backup.host, self.vip)
            ),
            what=f"{master.kind} on {master.host.name} alone holds {self.vip}",
        )

    def takes_over(self, daemon, since, within):
        """C{daemon} enters MASTER no later than C{within} seconds after C{since}."""
        start = self.marks[daemon]
        at, _ = daemon.log.wait_for("Entering MASTER STATE", start=start)
        self.assertLess(at - since, within + SLACK)

    def mark(self):
        """What the logs say from now on counts; returns the moment."""
        time.sleep(2 * LATER)  # a daemon writes what it said that much later
        self.marks = {d: d.log.mark() for d in self.daemons if d.log is not None}
        return self.observer.now()

    def master_down(self, priority):
        """The master-down interval of a node, in seconds."""
        unit = self.interval if self.interval < 1 else 1
        return 3 * self.interval + (256 - priority) / 256 * unit


class Modes(PairCase):
    """The whole life of a pair, in one mode of the protocol."""

    def life(self, high, low, **mode):
        """Start, power cut, return, stop, start: the address is where it should be."""
        self.pair(high, low, **mode)
        self.start(self.low, self.high)
        self.settled(self.high, self.low)
        at = self.mark()
        self.bridge.cut(self.a)
        self.takes_over(self.low, at, self.master_down(100))
        self.mark()
        self.bridge.join(self.a)
        self.low.log.wait_for(
            "Master received advert .* higher priority 150, ours 100",
            start=self.marks[self.low],
        )
        self.settled(self.high, self.low)
        at = self.mark()
        self.high.stop()
        self.low.log.wait_for("priority 0 adv", start=self.marks[self.low])
        self.takes_over(self.low, at, self.interval)
        self.settled(self.low, self.high)
        self.start(self.high)
        self.settled(self.high, self.low)
        double = longest_double(self.observer.adverts(), self.interval)
        self.assertLessEqual(double, self.interval * 1.1)
        self.read_by_tshark()

    def read_by_tshark(self):
        """Every advertisement decodes, its checksum is good, nothing is malformed."""
        need("tshark")
        file = self.folder / "seen.pcap"
        self.observer.pcap(file)
        command = [
            "tshark",
            "-r",
            str(file),
            "-Y",
            "vrrp and not icmp and not icmpv6",
            "-T",
            "json",
        ]
        told = subprocess.run(command, capture_output=True, check=True).stdout
        packets = [each["_source"]["layers"] for each in json.loads(told)]
        self.assertGreater(len(packets), 7)
        for layers in packets:
            text = json.dumps(layers)
            self.assertNotIn("_ws.malformed", text)
            self.assertNotIn("_ws.expert", json.dumps(layers["vrrp"]), text)
            self.assertEqual(layers["vrrp"]["vrrp.checksum.status"], "1", text)


def add(case, name, story):
    """Give C{case} the two tests of C{story}."""
    for (high, _), test in zip(WAYS, both_ways(story), strict=True):
        setattr(case, f"test_{name}_{high}Higher", test)


MODES = {
    "version2Multicast": {"version": 2},
    "version2Unicast": {"version": 2, "unicast": True},
    "version3Multicast": {"version": 3, "interval": FAST},
    "version3Unicast": {"version": 3, "interval": FAST, "unicast": True},
    "ipv6Multicast": {"version": 3, "interval": FAST, "family": 6},
    "ipv6Unicast": {"version": 3, "interval": FAST, "family": 6, "unicast": True},
    "version2Password": {
        "version": 2,
        "extras": (password("e^Ho6HWa"), password("e^Ho6HWa")),
    },
}
for _name, _mode in MODES.items():

    def _story(self, high, low, mode=_mode):
        """The pair fails over and back."""
        self.life(high, low, **mode)

    add(Modes, _name, _story)


class Elections(PairCase):
    """Who wins, in the less usual cases."""

    fast = {"version": 3, "interval": FAST}

    def nopreempt(self, high, low):
        """With nopreempt the higher node follows the lower master that it finds."""
        self.pair(high, low, extras=("  state BACKUP\n  nopreempt", ""), **self.fast)
        self.start(self.low)
        until(lambda: self.holds(self.b, self.vip))
        self.start(self.high)
        at = self.observer.now()
        until(lambda: self.observer.now() > at + 2 * self.master_down(150))
        self.settled(self.low, self.high)
        self.assertEqual(self.high.log.count("Entering MASTER STATE"), 0)

    def equal(self, high, low):
        """Between equals the higher source address wins; it is host b's."""
        self.pair(high, low, priorities=(100, 100), **self.fast)
        self.bridge.cut(self.a)
        self.start(self.high, self.low)
        until(lambda: self.holds(self.a, self.vip) and self.holds(self.b, self.vip))
        self.mark()
        self.bridge.join(self.a)
        self.settled(self.low, self.high)
        self.high.log.wait_for(
            "same priority 100 but higher IP address", start=self.marks[self.high]
        )

    def split(self, high, low):
        """After a split the survivor asserts itself and announces its address again."""
        self.pair(high, low, **self.fast)
        self.start(self.high, self.low)
        self.settled(self.high, self.low)
        self.bridge.cut(self.a)
        until(lambda: self.holds(self.b, self.vip))
        self.mark()
        # Both masters advertise once an interval. The split is healed in the moment
        # in which the lower one is about to speak, so that the higher hears it.
        self.heal_before_low_speaks()
        self.high.log.wait_for(
            "lower priority 100, ours 150", start=self.marks[self.high]
        )
        self.settled(self.high, self.low)
        frames = self.observer.announcements("192.0.2.100", self.healed)
        self.assertIn(self.a.mac("eth0"), [mac for _, mac in frames])

    def heal_before_low_speaks(self):
        """Join host a, cut it again, until the higher node has heard the lower one."""
        start = self.marks[self.high]
        for _ in range(50):
            seen = len(self.observer.adverts())
            until(lambda n=seen: len(self.observer.adverts()) > n)
            self.healed = self.observer.now()
            until(lambda: self.observer.now() > self.healed + FAST * 0.6)
            self.bridge.join(self.a)
            until(lambda: self.observer.now() > self.healed + FAST * 1.1)
            if self.high.log.count("lower priority 100, ours 150", start):
                return
            self.bridge.cut(self.a)
            until(lambda: self.holds(self.b, self.vip))
        self.fail("the higher master never heard the lower one")

    def passwords(self, high, low):
        """Nodes with different passwords do not believe each other."""
        extras = (password("e^Ho6HWa"), password("e^Ho6HWb"))
        self.pair(high, low, version=2, extras=extras)
        self.start(self.high, self.low)
        until(lambda: self.holds(self.a, self.vip) and self.holds(self.b, self.vip))
        ours = self.high if high == "hanode" else self.low
        ours.log.wait_for("received an invalid passwd!")
        self.assertNotIn("e^Ho6", str(ours.log))


for _name in ("nopreempt", "equal", "split", "passwords"):
    add(Elections, _name, getattr(Elections, _name))
