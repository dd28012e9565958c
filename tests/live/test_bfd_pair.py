"""BFD between two hanodes: what none of the other peers has."""

from __future__ import annotations

from dataclasses import replace

from tests.live import bfd_configs
from tests.live.bfd_case import EXPIRED_HERE, BfdCase
from tests.live.bfd_configs import LOCAL, V4, V6
from tests.live.routers import BfdHanode

DIRECT = (V4, V6, LOCAL)
KEYS = "authentication {{\n  type meticulous_sha1\n  key {}\n  key {}\n  }}"
OLD, NEW = "1 Swordfish-7", "2 Shibboleth-8"


def mirrored(links):
    """The same sessions as the other end sees them."""
    return [replace(link, ours=link.theirs, theirs=link.ours) for link in links]


class Pair(BfdCase):
    """hanode on host a, and on host b."""

    def pair(self, links, ours=(), theirs=()):
        """Both daemons; C{ours} and C{theirs} are lines for each bfd_instance."""
        self.hanode(links, extra=ours)
        self.router(BfdHanode, bfd_configs.hanode(mirrored(links), extra=theirs))

    def test_echo(self):
        """Echo packets come back, IPv6 and link-local too, and notice a loss first."""
        echo = ("echo_tx 50", "echo_rx 50")
        self.pair(DIRECT, echo, echo)
        self.begin_both()
        for daemon in self.daemons:
            for link in DIRECT:
                self.wait(
                    lambda d=daemon, ln=link: self.returned(d, ln) > 20,
                    what=f"20 echo packets of {link.name} come back",
                )
                # 3 s would pass until control packets are missed.
                self.assertEqual(daemon.sessions()[link.name]["detection_time"], 3.0)
        self.freeze(self.peer)
        for at in self.falls("Local diagnostic - Echo Function Failed, "):
            self.assertLess(at - self.since, 1.0)
        self.up()

    @staticmethod
    def returned(daemon, link):
        """How many echo packets of one session have come back."""
        echo = daemon.sessions()[link.name]["echo"]
        return echo["returned"] if echo else 0

    def test_demand(self):
        """In demand mode there is silence but for polls, and they notice a loss."""
        demand = ("demand 500",)
        self.pair(DIRECT, demand, demand)
        self.begin_both()
        for link in DIRECT:
            for daemon in self.daemons:
                self.wait(
                    lambda d=daemon, ln=link: d.sessions()[ln.name]["demand"],
                    what=f"demand mode of {link.name}",
                )
        self.mark()
        self.wait(
            lambda: self.polls(V4.ours) > 3 and self.polls(V4.theirs) > 3, "some polls"
        )
        for link in DIRECT:
            said = self.wire.said(self.since, link.ours)
            self.assertEqual([each for each in said if not each.flags & 48], [])
        self.assertEqual(self.wire.fallen(self.since), [])
        self.mark()
        with self.deaf(self.a):
            self.falls(EXPIRED_HERE)
        self.up()

    def polls(self, source):
        """How many packets with the poll bit C{source} has sent since the mark."""
        return sum(1 for e in self.wire.said(self.since, source) if e.flags & 32)

    def test_keys(self):
        """Keys are rotated one end after the other, and no session flaps."""
        old, new = KEYS.format(OLD, NEW), KEYS.format(NEW, OLD)
        self.pair(DIRECT, (old,), (old,))
        self.begin_both()
        self.mark()
        for daemon, links in ((self.ours, DIRECT), (self.peer, mirrored(DIRECT))):
            daemon.configure(bfd_configs.hanode(links, extra=(new,)))
            daemon.reload()
            daemon.log.wait_for("[Rr]eload")
            for link in links:
                self.wait(
                    lambda src=link.ours: self.wire.said(source=src)[-1].key == 2,
                    what=f"{link.ours} sends with the new key",
                )
            since = self.wire.said()[-1].at
            self.steady(1.5)
            keys = {each.key for each in self.wire.said(since, links[0].ours)}
            self.assertEqual(keys, {2})
        self.assertEqual(self.wire.fallen(self.since), [], self.account())

    def test_pause(self):
        """A machine that stands still for 2 s as a whole loses no session."""
        self.pair(DIRECT)
        self.begin_both()
        self.freeze(self.ours, self.peer)
        for daemon in self.daemons:
            daemon.log.wait_for(r"held up for [12]\.\d+ s")
        self.steady(1.5)
        self.assertEqual(self.wire.fallen(self.since), [], self.account())

    def test_unsolicited(self):
        """Who asks from an allowed network gets a session, everyone else does not."""
        self.hanode(())
        self.ours.configure(
            "bfd_unsolicited eth0 {\n  allow 192.0.2.0/24\n  min_rx 100\n"
            "  min_tx 100\n  multiplier 3\n}\n"
        )
        self.router(BfdHanode, bfd_configs.hanode(mirrored((V4, V6))))
        self.mark()
        self.ours.start()
        self.peer.start()
        self.peer.log.wait_for(r"\(four\) Entering Up state")
        self.wait(
            lambda: len(self.wire.said(self.since, V6.theirs)) > 2,
            what="the other one asks, too",
        )
        self.assertEqual(self.peer.state(V6), "down")
        self.assertEqual(
            [
                (each["neighbour"], each["state"], each["role"])
                for each in self.ours.page()["sessions"]
            ],
            [(V4.theirs, "UP", "unsolicited")],
        )
        self.peer.stop()
        self.ours.log.wait_for("Entering Down state .* - Administratively Down")
