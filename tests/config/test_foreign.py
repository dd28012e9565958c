"""What keepalived would not understand."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.foreign import foreign
from hanode.reading import checker_words, tracker_words
from tests.config.reading import said, tree

OURS = """
hanode {
    http unix:/run/x.sock
}
vrrp_instance VI_1 {
    fast_failover {
        min_rx 10
    }
    interface eth0
    nonsense
}
virtual_server 192.0.2.1 80 {
    drain 10
    real_server 192.0.2.2 80 {
        HTTP_GET {
            url {
                path /
            }
        }
        SSL_GET {
            verify on
        }
    }
}
"""


class ForeignTests(SynchronousTestCase):
    """Words that only hanode has."""

    def test_ours(self):
        """Each is named once, with where it stands; blocks are not looked into."""
        self.assertEqual(
            said(foreign(tree(OURS), checker_words())),
            [
                "2 warning: keepalived does not know 'hanode'"
                " (keepalived skips it with its block)",
                "6 warning: keepalived does not know 'fast_failover' in vrrp_instance"
                " (keepalived takes its '}' for that of vrrp_instance: write it last"
                " there)",
                "13 warning: keepalived does not know 'drain' in virtual_server"
                " (keepalived skips it)",
                "21 warning: keepalived does not know 'verify' in virtual_server /"
                " real_server / SSL_GET (keepalived skips it)",
            ],
        )

    def test_thirdParty(self):
        """A checker from elsewhere is one of them."""
        text = (
            "virtual_server 192.0.2.1 80 {\nreal_server 192.0.2.2 80 {\nMY_CHECK\n}\n}"
        )
        words = {"MY_CHECK": checker_words()["TCP_CHECK"]}
        self.assertEqual(
            said(foreign(tree(text), words)),
            [
                "3 warning: keepalived does not know 'MY_CHECK' in virtual_server /"
                " real_server (keepalived skips it)",
            ],
        )

    def test_theirs(self):
        """What keepalived has too, and what nobody knows, is not among them."""
        self.assertEqual(
            foreign(tree("vrrp_instance A {\nstate MASTER\nxyzzy {\n}\n}")), []
        )

    def test_trackers(self):
        """Trackers of keepalived are known, blocks that describe them, too."""
        text = (
            "vrrp_script chk {\nscript /bin/chk\n}\n"
            "vrrp_instance VI_1 {\ntrack_script {\nchk\n}\n"
            "track_check {\nTCP_CHECK {\n}\n}\n}\n"
        )
        self.assertEqual(
            said(foreign(tree(text), checker_words(), tracker_words())),
            [
                "8 warning: keepalived does not know 'track_check' in vrrp_instance"
                " (keepalived takes its '}' for that of vrrp_instance: write it last"
                " there)",
            ],
        )
