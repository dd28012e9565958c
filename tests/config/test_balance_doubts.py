"""What is legal in load balancing but will not do what it looks like."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.balance_doubts import doubts, scripts
from hanode.config.balance_model import (
    Check,
    RealServer,
    Target,
    VirtualAddress,
    VirtualServer,
)
from hanode.config.model import Model
from hanode.config.scalars import Script
from tests.config.reading import messages

SEVEN = ip_address("192.0.2.7")
REAL = RealServer(SEVEN, 80)
GOOD = VirtualServer(
    "[192.0.2.1]:udp:80",
    (VirtualAddress(ip_address("192.0.2.1"), 80),),
    real_servers=(REAL,),
)


def doubted(server: VirtualServer) -> list[str]:
    """What is said about C{server}, without its name."""
    found = messages(doubts(Model(virtual_servers={server.name: server})))
    start = f"warning: Virtual server {server.name}: "
    assert all(each.startswith(start) for each in found)
    return [each.removeprefix(start) for each in found]


class DoubtTests(SynchronousTestCase):
    def test_good(self) -> None:
        """Nothing is wrong with a plain one."""
        self.assertEqual(doubted(GOOD), [])

    def test_weights(self) -> None:
        """Nobody with a weight serves nobody, unless a check gives one."""
        idle = replace(REAL, weight=0)
        checked = replace(idle, checks=(Check("FILE_CHECK", (), Target(SEVEN)),))
        self.assertEqual(
            [doubted(replace(GOOD, real_servers=(each,))) for each in (idle, checked)],
            [["all real servers have weight 0: none gets a connection"], []],
        )

    def test_engine(self) -> None:
        """A persistence engine needs persistence, and sip is a matter of UDP."""
        sip = replace(GOOD, engine="sip", persistence=60)
        marked = (VirtualAddress(mark=1),)
        self.assertEqual(
            [
                doubted(each)
                for each in (
                    sip,
                    replace(sip, persistence=0),
                    replace(sip, protocol="TCP"),
                    replace(sip, protocol="TCP", persistence=0),
                    replace(sip, protocol="TCP", addresses=marked),
                )
            ],
            [
                [],
                ["persistence_engine sip has no effect without persistence"],
                ["persistence_engine sip is for UDP only: TCP is not balanced"],
                ["persistence_engine sip has no effect without persistence"],
                [],
            ],
        )

    def test_sorry(self) -> None:
        """Who says sorry is not who has just failed."""
        self.assertEqual(
            [
                doubted(replace(GOOD, sorry=each))
                for each in (RealServer(SEVEN, 80), RealServer(SEVEN, 81))
            ],
            [["sorry_server [192.0.2.7]:80 is also a real server"], []],
        )

    def test_scripts(self) -> None:
        """Commands are named by their path; each is told once."""
        relative, absolute = Script(("up",)), Script(("/up",))
        server = replace(
            GOOD,
            quorum_up=relative,
            quorum_down=absolute,
            real_servers=(
                replace(REAL, notify_up=absolute, notify_down=relative),
                REAL,
            ),
        )
        self.assertEqual(
            list(scripts(server)), [relative, absolute, absolute, relative]
        )
        self.assertEqual(
            doubted(server),
            ["script 'up' is not an absolute path: it is searched in PATH"],
        )
