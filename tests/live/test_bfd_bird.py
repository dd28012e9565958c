"""BFD with Debian's BIRD 2, in every mode that both of us have."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from tests.live import bfd_configs
from tests.live.bfd_case import EXPIRED_HERE, BfdCase
from tests.live.bfd_configs import AUTHENTICATED, LOCAL, V4, V6, Timing
from tests.live.bfd_configs import FAR as ROUTED
from tests.live.case import need, until
from tests.live.routers import Bird

FAR = replace(ROUTED, least_ttl=63)  # BIRD sends multihop packets with TTL 64
ALL = (V4, V6, LOCAL, FAR, *AUTHENTICATED)


class BirdCase(BfdCase):
    """hanode on host a, BIRD on host b."""

    def setUp(self):
        need("bird", "birdc")
        super().setUp()

    def wires(self):
        """Everything that C{ALL} needs: a router, and a card for each type."""
        self.far_side(self.b)
        self.cards(self.b)

    def pair(self, links, ours=(), theirs=()):
        """Both daemons, with settings of their own."""
        self.hanode(links, **dict(ours))
        self.router(Bird, bfd_configs.bird(links, **dict(theirs)))


class Life(BirdCase):
    """IPv4, IPv6, link-local, multihop and every authentication type, all at once."""

    def test_life(self):
        """Sessions rise, fall with the right diagnostics on both ends, and return."""
        self.wires()
        self.pair(ALL)
        self.begin_both()
        self.lose_what_we_hear()
        self.lose_what_they_hear()
        self.take_ours_down()
        self.stop_ours()
        self.mark()
        self.peer.disable()
        self.falls(EXPIRED_HERE)
        self.peer.enable()
        self.up()
        self.hops()
        self.ports()
        self.types()

    def hops(self):
        """The multihop session has passed the router, both ways."""
        heard = {
            (each.source, each.ttl)
            for each in self.wire.said(self.since)
            if FAR.ours in (each.source, each.destination)
        }
        self.assertIn((FAR.theirs, FAR.least_ttl), heard)
        self.assertIn((FAR.ours, 255), heard)

    def types(self):
        """tshark reads all our packets, and every type of authentication in them."""
        found = re.findall(r"'bfd.auth.type': '(\d)'", str(self.read_by_tshark()))
        self.assertEqual(set(found), {"1", "2", "3", "4", "5"})

    def ports(self):
        """Each session sends from a port of its own, with TTL 255."""
        used = {
            (each.source, each.destination): (each.source_port, each.ttl)
            for each in self.wire.said(self.since)
            if each.source in {link.ours for link in ALL}
        }
        self.assertEqual(len(used), len(ALL))
        self.assertEqual(len({port for port, _ in used.values()}), len(ALL))
        self.assertTrue(all(port >= 49152 for port, _ in used.values()), used)
        self.assertEqual({ttl for _, ttl in used.values()}, {255})


class Roles(BirdCase):
    """Who speaks first."""

    links = (V4, V6, FAR, AUTHENTICATED[4])

    def test_wePassive(self):
        """BIRD initiates; a passive hanode answers, and is found again after a loss."""
        self.wires()
        self.pair(self.links, ours={"passive": True})
        self.ours.start()
        self.ours.log.wait_for("hanode is ready")
        self.assertEqual(self.wire.said(), [])
        self.mark()
        self.peer.start()
        self.up()
        self.lose_a_passive_end()

    def test_theyPassive(self):
        """hanode initiates; a passive BIRD answers."""
        self.wires()
        self.pair(self.links, theirs={"passive": True})
        self.begin_both()
        self.lose_a_passive_end()


class Refusals(BirdCase):
    """What must not be believed."""

    def test_strangers(self):
        """No session with who is too far away, or does not know the secret."""
        self.wires()
        distant = replace(FAR, least_ttl=FAR.least_ttl + 1)
        links = (V4, distant, *AUTHENTICATED)
        self.pair(links, theirs={"secret": "Swordfish-8"})
        self.peer.start()
        self.ours.start()
        self.links = (V4,)
        self.mark()
        self.begin = 0
        self.up()
        self.mark()
        strangers = [link for link in links if link is not V4]
        for link in strangers:
            self.wait(
                lambda ln=link: len(self.wire.said(self.since, ln.theirs)) > 2,
                what=f"BIRD says something on {link.name}",
            )
        shown = self.ours.sessions()
        self.assertEqual({shown[each.name]["state"] for each in strangers}, {"DOWN"})
        self.assertEqual({shown[each.name]["received"] for each in strangers}, {0})
        for link in AUTHENTICATED:
            self.assertGreater(sum(shown[link.name]["dropped"].values()), 1)
        self.assertNotIn("Swordfish", f"{self.ours.log} {self.ours.page()}")


class Trouble(BirdCase):
    """Ends that die and ends that stand still."""

    links = (V4, V6, AUTHENTICATED[4])

    def test_restarts(self):
        """Either end may be killed and come back with new discriminators."""
        self.wires()
        self.pair(self.links)
        self.begin_both()
        self.kill_peer()
        self.kill_ours()

    def test_stalls(self):
        """Either end may stand still for 2 s; only who stood still is blamed."""
        self.wires()
        self.pair(self.links)
        self.begin_both()
        self.freeze_peer()
        self.freeze_ours()


class Intervals(BirdCase):
    """Intervals that change while a session is Up."""

    def test_negotiation(self):
        """Both ends use what was negotiated, at once, and nothing flaps."""
        self.pair((V4, V6))
        self.begin_both()
        self.agree(Timing(100, 100), Timing(100, 100))
        self.mark()
        self.theirs(Timing(250, 200))
        self.agree(Timing(100, 100), Timing(250, 200))
        self.mine(Timing(400, 300, 4))
        self.agree(Timing(400, 300, 4), Timing(250, 200))
        self.theirs(Timing(50, 60))
        self.agree(Timing(400, 300, 4), Timing(50, 60))
        self.mine(Timing(50, 50))
        self.agree(Timing(50, 50), Timing(50, 60))
        self.assertEqual(self.wire.fallen(self.since), [])
        self.assertEqual(self.ours.log.count("Entering Down", self.begin), 0)
        printed = json.loads(self.ours.cli("--json"))["sessions"]
        self.assertEqual(
            [(each["name"], each["tx_interval"], each["flaps"]) for each in printed],
            [(link.name, 0.06, 0) for link in self.links],
        )

    def theirs(self, timing):
        """Change BIRD's configuration while it runs."""
        self.peer.configure(bfd_configs.bird(self.links, timing))
        self.peer.reload()

    def mine(self, timing):
        """Change ours."""
        self.ours.configure(bfd_configs.hanode(self.links, timing))
        self.ours.reload()

    def agree(self, ours, theirs):
        """Both ends show what RFC 5880, sections 6.8.4 and 6.8.7, makes of it."""
        we_send, they_send = max(ours.tx, theirs.rx), max(theirs.tx, ours.rx)
        bird = ("up", they_send, ours.multiplier * we_send)
        hanode = (we_send, they_send, theirs.multiplier * they_send)
        for link in self.links:
            until(
                lambda ln=link: self.peer.sessions()[ln.ours] == bird,
                what=f"BIRD shows {bird}",
            )
            until(
                lambda ln=link: self.ours.intervals(ln) == hanode,
                what=f"we show {hanode}",
            )
