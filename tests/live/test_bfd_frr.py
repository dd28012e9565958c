"""BFD with Debian's FRR: its bfdd, with zebra for the interfaces."""

from __future__ import annotations

import json

from tests.live import bfd_configs
from tests.live.bfd_case import SIGNALLED_HERE, BfdCase
from tests.live.bfd_configs import FAR, LOCAL, V4, V6, Timing
from tests.live.bfd_wire import ADMIN_DOWN, ECHO_FAILED, EXPIRED
from tests.live.case import need
from tests.live.routers import Frr

ECHO_FAILED_HERE = "Local diagnostic - Echo Function Failed, Remote diagnostic - "


class FrrCase(BfdCase):
    """hanode on host a, FRR on host b."""

    links = (V4, V6, LOCAL, FAR)

    def setUp(self):
        need("vtysh", "/usr/lib/frr/bfdd")
        super().setUp()
        self.far_side(self.b)

    def pair(self, links, ours=(), theirs=()):
        """Both daemons, with settings of their own."""
        self.hanode(links, **dict(ours))
        self.router(Frr, bfd_configs.frr(links, **dict(theirs)))


class Life(FrrCase):
    """IPv4, IPv6, link-local and multihop at once."""

    def test_life(self):
        """Sessions rise, fall with the right diagnostics on both ends, and return."""
        self.pair(self.links)
        self.begin_both()
        # FRR ignores a Down that does not name its discriminator; it has its own
        # detection time expire.
        self.lose_what_we_hear(answer=EXPIRED)
        self.lose_what_they_hear()
        self.take_ours_down()
        self.stop_ours()
        self.take_theirs_down()

    def take_theirs_down(self):
        """FRR's operator shuts every session down: AdminDown, no timeout."""
        self.mark()
        for link in self.links:
            self.peer.disable(link)
        self.falls(SIGNALLED_HERE)
        for link in self.links:
            states = {e.state for e in self.wire.fallen(self.since, link.theirs)}
            self.assertIn(ADMIN_DOWN, states)
            self.assertEqual(self.ours.state(link), "down")
        for link in self.links:
            self.peer.enable(link)
        self.up()


class Roles(FrrCase):
    """Who speaks first."""

    def test_wePassive(self):
        """FRR initiates; a passive hanode answers, and is found again after a loss."""
        self.pair(self.links, ours={"passive": True})
        self.begin_both()
        self.lose_a_passive_end()

    def test_theyPassive(self):
        """hanode initiates; a passive FRR answers."""
        self.pair(self.links, theirs={"passive": True})
        self.begin_both()


class Intervals(FrrCase):
    """Intervals that change while a session is Up."""

    def test_negotiation(self):
        """Both ends use what was negotiated, at once, and nothing flaps."""
        self.pair(self.links)
        self.begin_both()
        self.mark()
        for link in self.links:
            self.peer.tell(link, "transmit-interval 200", "receive-interval 150")
        self.agree(Timing(100, 100), Timing(200, 150))
        ours = Timing(300, 250, 4)
        self.ours.configure(bfd_configs.hanode(self.links, ours))
        self.ours.reload()
        self.agree(ours, Timing(200, 150))
        self.assertEqual(self.wire.fallen(self.since), [], self.account())

    def agree(self, ours, theirs):
        """Each end shows what the other wants; ours shows what comes of it."""
        wants = (ours.tx, ours.rx, ours.multiplier)
        remote = tuple(
            f"remote-{name}"
            for name in ("transmit-interval", "receive-interval", "detect-multiplier")
        )
        we_send, they_send = max(ours.tx, theirs.rx), max(theirs.tx, ours.rx)
        for link in self.links:
            self.wait(
                lambda ln=link: (
                    tuple(self.peer.sessions()[ln.ours][name] for name in remote)
                    == wants
                ),
                what=f"FRR shows {wants}",
            )
            self.wait(
                lambda ln=link: (
                    self.ours.intervals(ln) == (we_send, they_send, 3 * they_send)
                ),
                what=f"we send each {we_send} ms, they each {they_send} ms",
            )


class Trouble(FrrCase):
    """Ends that die and ends that stand still."""

    def test_trouble(self):
        """Either end may be killed, or stand still, and it comes back."""
        self.pair(self.links)
        self.begin_both()
        self.kill_peer()
        self.kill_ours()
        self.freeze_peer()
        self.freeze_ours()


class Echo(FrrCase):
    """The echo function, single hop."""

    links = (V4,)

    def test_echo(self):
        """Each end's echo packets come back, and their loss takes the session down."""
        self.hanode(self.links, extra=("echo_tx 50", "echo_rx 50"))
        words = ("echo-mode", "echo transmit-interval 50", "echo receive-interval 50")
        self.router(Frr, bfd_configs.frr(self.links, extra=words))
        self.b.write("net/ipv4/ip_forward", "1")  # its kernel turns our packets round
        self.begin_both()
        self.both_echo()
        # Echo packets watch the path, so that control packets need not come often.
        self.assertEqual(self.ours.sessions()["four"]["rx_interval"], 1.0)
        self.lose_ours()
        self.both_echo()
        self.lose_theirs()

    def both_echo(self):
        """Wait until many packets of each end have come back."""
        before = self.counters()
        self.wait(
            lambda: all(
                now > then + 20
                for now, then in zip(self.counters(), before, strict=True)
            ),
            what="echo packets come back to both",
        )

    def counters(self):
        """How many came back: to us, to FRR."""
        echo = self.ours.sessions()["four"]["echo"] or {"returned": 0}
        shown = json.loads(self.peer.ctl("show bfd peers counters json"))
        return echo["returned"], shown[0]["echo-packet-input"]

    def lose_ours(self):
        """FRR's host turns nothing round any more: only our echo packets are lost."""
        self.mark()
        self.b.write("net/ipv4/ip_forward", "0")
        self.falls(ECHO_FAILED_HERE)
        self.says(V4, ECHO_FAILED, ours=True)
        self.b.write("net/ipv4/ip_forward", "1")
        self.up()

    def lose_theirs(self):
        """FRR does not see its own echo packets any more."""
        self.mark()
        # Its socket is one for frames: they must be lost before they get there.
        hook = 'hook ingress device "eth0" priority 0'
        own = f"ip saddr {V4.theirs} udp dport 3785"
        with self.dropping(self.b, "netdev", hook, own):
            self.falls(SIGNALLED_HERE + "Echo Function Failed")
        self.up()
