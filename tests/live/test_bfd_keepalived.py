"""BFD with Debian's keepalived, as two nodes of one pair would run it."""

from __future__ import annotations

from tests.live import bfd_configs
from tests.live.bfd_case import BfdCase
from tests.live.bfd_configs import V4, V6
from tests.live.case import need
from tests.live.routers import BfdKeepalived

LINKS = (V4, V6)


class KeepalivedCase(BfdCase):
    """hanode on host a, keepalived on host b."""

    def setUp(self):
        need("keepalived")
        super().setUp()

    def pair(self, ours=(), theirs=()):
        """Both daemons, with settings of their own."""
        self.hanode(LINKS, **dict(ours))
        self.router(BfdKeepalived, bfd_configs.keepalived(LINKS, **dict(theirs)))


class Life(KeepalivedCase):
    """IPv4 and IPv6 at once."""

    def test_life(self):
        """Sessions rise, fall with the right diagnostics on both ends, and return."""
        self.pair()
        self.begin_both()
        self.lose_what_we_hear()
        self.lose_what_they_hear()
        self.take_ours_down()
        self.stop_ours()


class Roles(KeepalivedCase):
    """Who speaks first."""

    def test_wePassive(self):
        """keepalived initiates; a passive hanode answers, and is found after a loss."""
        self.pair(ours={"passive": True})
        self.begin_both()
        self.lose_a_passive_end()

    def test_theyPassive(self):
        """hanode initiates; a passive keepalived answers."""
        self.pair(theirs={"passive": True})
        self.begin_both()
        self.lose_a_passive_end()


class Trouble(KeepalivedCase):
    """Ends that die and ends that stand still."""

    def test_trouble(self):
        """Either end may be killed, or stand still, and it comes back."""
        self.pair()
        self.begin_both()
        self.kill_peer()
        self.kill_ours()
        self.freeze_peer()
        self.freeze_ours()
