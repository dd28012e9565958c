"""Claims about the ports that BFD listens on."""

from __future__ import annotations

import errno
from ipaddress import ip_address
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hanode.bfd.reception import REOPEN, Entrance, Reception
from hanode.config.bfd_model import BfdRoute
from hanode.interfaces import Datagram
from tests.bfd.logs import Logs
from tests.bfd.networks import NEIGHBOUR, US, Network, problem

ETH0 = Entrance(4, "eth0")
ETH1 = Entrance(4, "eth1")
FAR = Entrance(6, "", True)


class ReceptionTests(SynchronousTestCase):
    """A reception on a network that remembers."""

    def setUp(self) -> None:
        """Nothing is open."""
        self.clock, self.network = Clock(), Network()
        self.known: list[bytes] = []
        self.strangers: list[tuple[Entrance, Datagram]] = []
        self.reception = Reception(
            self.clock, self.network, self.known.extend, self.stranger
        )
        self.logs = Logs(self)

    def stranger(self, entrance: Entrance, datagram: Datagram) -> None:
        """A packet that names no session."""
        self.strangers.append((entrance, datagram))

    def ttls(self) -> dict[str, int]:
        """The least TTL of each device."""
        return {each.where[2]: each.ttl for each in self.network.listeners}

    def test_entrance(self) -> None:
        """Sessions share a port by family, device and number of hops."""
        near = BfdRoute(ip_address("fe80::2"), device="eth0")
        far = BfdRoute(ip_address("10.9.9.9"), multihop=True, least_ttl=250)
        self.assertEqual(Entrance.of(near), Entrance(6, "eth0", False))
        self.assertEqual(Entrance.of(far), Entrance(4, "", True))

    def test_ports(self) -> None:
        """Single hops come in at 3784, marked by discriminator; others at 4784."""
        self.reception.join(ETH0, "a", 255)
        self.reception.join(FAR, "b", 250)
        opened = [(e.where, e.mark, e.ttl) for e in self.network.listeners]
        self.assertEqual(
            opened, [((3784, 4, "eth0"), 8, 255), ((4784, 6, ""), -1, 250)]
        )

    def test_opened_once(self) -> None:
        """The first user opens the port, the last one closes it."""
        for user in "ab":
            self.reception.join(ETH0, user, 255)
        self.reception.leave(ETH0, "a")
        self.assertEqual(self.network.log, [("open", 3784, 4, "eth0")])
        self.reception.leave(ETH0, "b")
        self.reception.leave(ETH0, "b")
        self.reception.leave(ETH1, "b")
        self.assertEqual(self.network.log[1:], [("closed", 3784, 4, "eth0")])

    def test_least_ttl(self) -> None:
        """The least TTL is that of the most generous user, whoever comes or goes."""
        seen = []
        for user, ttl in (("a", 255), ("b", 250), ("c", 200), ("b", 255)):
            self.reception.join(ETH0, user, ttl)
            seen.append(self.ttls()["eth0"])
        for user in "cab":
            self.reception.leave(ETH0, user)
            seen += self.ttls().values()
        self.assertEqual(seen, [255, 250, 200, 200, 255, 255])

    @given(
        st.lists(
            st.tuples(
                st.sampled_from((ETH0, ETH1, FAR)),
                st.integers(0, 3),
                st.none() | st.integers(1, 255),
            )
        )
    )
    @settings(max_examples=100, deadline=None)
    def test_any_users(self, moves: list[tuple[Entrance, int, int | None]]) -> None:
        """After any joining and leaving: one port for each entrance that is used."""
        self.setUp()
        users: dict[Entrance, dict[int, int]] = {}
        for entrance, user, ttl in moves:
            if ttl is None:
                self.reception.leave(entrance, user)
                users.get(entrance, {}).pop(user, None)
            else:
                self.reception.join(entrance, user, ttl)
                users.setdefault(entrance, {})[user] = ttl
        wanted = {
            (4784 if e.multihop else 3784, e.family, e.device): min(ttls.values())
            for e, ttls in users.items()
            if ttls
        }
        found = [(each.where, each.ttl) for each in self.network.listeners]
        self.assertEqual(sorted(found), sorted(wanted.items()))

    def test_who_is_told(self) -> None:
        """Known packets come as bytes, strangers with the entrance they came in by."""
        self.reception.join(ETH0, "a", 255)
        known = Datagram(bytes(8) + b"\1234" + bytes(12), NEIGHBOUR, 1, US, 255, "eth0")
        other = Datagram(b"?", NEIGHBOUR, 1, US, 255, "eth0")
        for each in (known, other):
            self.network.listener(device="eth0").put(each)
        self.assertEqual(self.known, [known.data])
        self.assertEqual(self.strangers, [(ETH0, other)])

    def refuse(self) -> None:
        """Nothing can be opened."""
        self.network.deaf = problem(errno.EADDRINUSE)

    def test_retry(self) -> None:
        """A port that cannot be opened is tried again each second, and logged once."""
        self.refuse()
        self.reception.join(ETH0, "a", 255)
        self.reception.join(ETH0, "b", 250)
        for _ in range(5):
            self.clock.advance(REOPEN)
        self.assertEqual(self.network.log, [("refused", 3784, 4, "eth0")] * 7)
        self.assertEqual(
            self.logs.lines(),
            ["cannot listen for BFD: [Errno 98] Address already in use"],
        )
        self.network.deaf = None
        self.clock.advance(REOPEN)
        self.assertEqual(self.ttls(), {"eth0": 250})
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_another_problem(self) -> None:
        """Another reason is logged, too."""
        self.refuse()
        self.reception.join(ETH0, "a", 255)
        self.network.deaf = problem(errno.ENODEV)
        self.clock.advance(REOPEN)
        self.assertEqual(len(self.logs.lines()), 2)

    def test_retry_others(self) -> None:
        """While one port is waiting to be opened, others are open."""
        self.reception.join(ETH0, "a", 255)
        self.refuse()
        self.reception.join(ETH1, "b", 255)
        self.network.deaf = None
        self.clock.advance(REOPEN)
        self.assertEqual(self.network.open(), [(3784, 4, "eth0"), (3784, 4, "eth1")])
        self.assertEqual(len([e for e in self.network.log if e[0] == "open"]), 2)

    def test_left_before(self) -> None:
        """A port that nobody wants any more is not opened later."""
        self.refuse()
        self.reception.join(ETH0, "a", 255)
        self.reception.leave(ETH0, "a")
        self.network.deaf = None
        self.clock.advance(REOPEN)
        self.assertEqual((self.network.open(), self.clock.getDelayedCalls()), ([], []))

    def test_rest(self) -> None:
        """Resting is told to the ports that are open and to those that open later."""
        self.reception.join(ETH0, "a", 255)
        self.reception.rest(True)
        self.reception.join(ETH1, "a", 255)
        self.assertEqual([e.resting for e in self.network.listeners], [True, True])
        self.reception.rest(False)
        self.assertEqual([e.resting for e in self.network.listeners], [False, False])

    def test_drain(self) -> None:
        """Each port is read until it is empty, at most three times."""
        self.reception.join(ETH0, "a", 255)
        self.reception.join(ETH1, "a", 255)
        self.reception.join(FAR, "a", 255)
        for rounds, listener in zip((0, 1, 99), self.network.listeners, strict=True):
            listener.rounds = rounds
        self.reception.drain()
        self.assertEqual([e.drains for e in self.network.listeners], [1, 2, 3])

    def test_closed_by_drain(self) -> None:
        """Who reads a packet may close the port, and others."""
        reception = self.reception

        def known(batch: list[bytes]) -> None:
            reception.leave(ETH0, "a")
            reception.leave(ETH1, "a")

        reception = Reception(self.clock, self.network, known, self.stranger)
        for entrance in (ETH0, ETH1):
            reception.join(entrance, "a", 255)
        self.network.held_up = True
        data = bytes(8) + b"\1234" + bytes(12)
        for each in tuple(self.network.listeners):
            each.put(Datagram(data, NEIGHBOUR, 1, US, 255, "eth0"))
        reception.drain()
        self.assertEqual(self.network.open(), [])

    def test_reopen(self) -> None:
        """Reopening closes and opens the ports of that device, and no others."""
        for entrance in (ETH0, ETH1, Entrance(4, "eth0", True)):
            self.reception.join(entrance, "a", 251)
        self.network.log.clear()
        self.reception.rest(True)
        self.reception.reopen("eth0")
        where: list[tuple[Any, ...]] = [(3784, 4, "eth0"), (4784, 4, "eth0")]
        wanted = [(what, *each) for each in where for what in ("closed", "open")]
        self.assertEqual(self.network.log, wanted)
        self.assertEqual(self.ttls(), {"eth0": 251, "eth1": 251})
        self.assertEqual({e.resting for e in self.network.listeners}, {True})

    def test_close(self) -> None:
        """At the end nothing is open and nothing is tried any more."""
        self.reception.join(ETH0, "a", 255)
        self.refuse()
        self.reception.join(ETH1, "a", 255)
        self.reception.close()
        self.assertEqual((self.network.open(), self.clock.getDelayedCalls()), ([], []))
