"""BFD with three peers at once, for longer, and under a wall clock that jumps."""

from __future__ import annotations

import json
import time
from dataclasses import replace

from tests.live import bfd_configs
from tests.live.bfd_case import BfdCase
from tests.live.bfd_configs import AUTHENTICATED, FAR, LOCAL, V4, V6
from tests.live.case import need
from tests.live.clock_jump import BACK, FORWARD
from tests.live.routers import BfdHanode, BfdKeepalived, Bird, Frr

HOLD = 20.0  # seconds
DIRECT = (V4, V6, LOCAL)
BIRD = (*DIRECT, replace(FAR, least_ttl=63), *AUTHENTICATED)
PEERS = (
    ("b", Bird, bfd_configs.bird, BIRD),
    ("c", Frr, bfd_configs.frr, DIRECT),
    ("d", BfdKeepalived, bfd_configs.keepalived, (V4, V6)),
)


class Hold(BfdCase):
    """hanode on host a, BIRD on b, FRR on c, keepalived on d."""

    hosts = ("a", "b", "c", "d")

    def setUp(self):
        need("bird", "birdc", "/usr/lib/frr/bfdd", "vtysh", "keepalived")
        super().setUp()

    def test_hold(self):
        """Nobody flaps in 20 s: not on the wire, not in our log, not in counters."""
        self.far_side(self.b)
        self.cards(self.b)
        peers, links = [], []
        for number, (name, kind, configuration, kinds) in enumerate(PEERS, 2):
            own = [_of(link, name, number) for link in kinds]
            text = configuration(own)
            peers.append((self.router(kind, text, getattr(self, name)), own))
            links += own
        self.hanode(links)
        for peer, _ in peers:
            peer.start()
        self.ours.start()
        self.mark()
        self.begin = 0
        for self.peer, self.links in peers:
            self.up()
        self.links = links
        before = self.ours.sessions()
        self.steady(HOLD)
        after = self.ours.sessions()
        self.assertEqual(
            {name: session["flaps"] for name, session in after.items()},
            {link.name: before[link.name]["flaps"] for link in links},
        )
        for link in links:
            got = after[link.name]["received"] - before[link.name]["received"]
            self.assertGreater(got, HOLD * 9, link.name)
        frr = json.loads(peers[1][0].ctl("show bfd peers counters json"))
        self.assertEqual({each["session-down"] for each in frr}, {0})


def _of(link, host, number):
    """C{link} as it is to another host than b; its name says which."""
    end = link.theirs[:-1] + str(number) if number > 2 else link.theirs
    return replace(link, name=f"{link.name}_{host}", theirs=end)


class JumpingHanode(BfdHanode):
    """hanode with a wall clock that jumps as it is told."""

    def argv(self):
        """The command line."""
        python, _, _, *words = super().argv()
        return [python, "-m", "tests.live.clock_jump", *words]

    def jump(self, number, offset):
        """Let the clock jump; return when it has."""
        self.process.send_signal(number)
        self.log.wait_for(f"wall clock: {offset} s")


class Clock(BfdCase):
    """hanode on host a, BIRD on host b."""

    def test_jumps(self):
        """A wall clock that is set an hour forward, and two back, changes nothing."""
        need("bird", "birdc")
        links = (V4, V6)
        self.hanode(links, kind=JumpingHanode)
        self.router(Bird, bfd_configs.bird(links))
        self.begin_both()
        for number, offset in (
            (FORWARD, r"\+3600"),
            (BACK, r"\+0"),
            (BACK, "-3600"),
        ):
            self.ours.jump(number, offset)
            self.steady(1.0)
        self.assertLess(self.ours.sessions()["four"]["since"], 60)
        self.mark()
        self.peer.kill()
        self.falls("Local diagnostic - Control Detection Time Expired")
        self.assertIn(
            time.strftime("%FT%H", time.gmtime(time.time() - 3600)),
            str(self.ours.log).splitlines()[-1],
        )
        self.assertLess(time.monotonic() - self.since, 2)
