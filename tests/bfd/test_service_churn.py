"""Claims about many sessions that come and go: nothing is lost, nothing stays."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from dataclasses import replace
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hanode.bfd.packet import State
from hanode.config.bfd_model import BfdUnsolicited
from hanode.config.model import VrrpInstance
from hanode.link import Link
from tests.bfd.networks import FAST, NEIGHBOUR, US, Neighbour, instance, problem
from tests.bfd.services import NOTHING_LEFT, ServiceTestCase

DEVICES = ("", "eth0", "eth1")


class Churn:
    """Random events at one node; all follow from the seed."""

    def __init__(self, case: ServiceTestCase, seed: int, sessions: int) -> None:
        self.case, self.random, self.sessions = case, Random(seed), sessions
        self.peers: dict[tuple[int, str], Neighbour] = {}

    def configuration(self) -> list[Any]:
        """Any instances, rules and followers."""
        random, entries = self.random, list[Any]()
        for number in random.sample(range(self.sessions), self.sessions // 2):
            device = random.choice(DEVICES)
            echo = random.choice((0, 0, 20_000))
            parameters = replace(
                FAST,
                min_tx=random.choice((20_000, 50_000, 200_000)),
                echo_tx=echo,
                demand=random.choice((0, 0, 0, 500_000)),
            )
            where = number if random.random() < 0.9 else number // 2
            route = {"neighbour": NEIGHBOUR + where, "device": device}
            name = f"n{number}"
            entries.append(instance(name, parameters=parameters, **route))
        if random.random() < 0.7:
            limit = random.choice((1, 16, 1000))
            entries.append(BfdUnsolicited("eth0", limit=limit, parameters=FAST))
        for name in ("a", "b"):
            if random.random() < 0.7:
                follower = VrrpInstance(
                    name, 1, "eth0", 4, source=US, fast_failover=FAST
                )
                entries.append(follower)
        return entries

    def step(self) -> None:
        """Something happens."""
        case, random = self.case, self.random
        what = random.random()
        if what < 0.1:
            case.configure(*self.configuration())
        elif what < 0.2:
            link = Link("eth0", random.randrange(1, 4), True)
            case.facts.set("interface:eth0", random.choice((link, None)))
        elif what < 0.3:
            master = random.choice((None, NEIGHBOUR + random.randrange(self.sessions)))
            case.facts.set(f"master:{random.choice('ab')}", master)
        elif what < 0.4:
            names = case.service.names() or ["nobody"]
            wish = random.choice(("up", "down"))
            case.facts.set(f"admin:bfd:{random.choice(names)}", wish)
        elif what < 0.5:
            bad = random.choice((None, None, problem(101)))
            case.network.mute = case.network.echoless = bad
            case.network.deaf = random.choice((None, None, bad))
        elif what < 0.6:
            case.run_for(random.choice((0.01, 0.1, 2.0)))
        else:
            for _ in range(20):
                self.speak()

    def speak(self) -> None:
        """A neighbour says something, sometimes what makes the session come Up."""
        case, random = self.case, self.random
        number, device = random.randrange(self.sessions), random.choice(DEVICES)
        peer = self.peers.get((number, device))
        if peer is None:
            address = NEIGHBOUR + number
            peer = Neighbour(case.network, address, device=device, mine=number + 1)
            self.peers[number, device] = peer
        if (3784, 4, device) not in case.network.open():
            return
        peer.says["min_echo_rx"] = random.choice((0, 20_000))
        peer.say(State.DOWN, yours=0)
        for line in case.service.table:
            if line.session.remote_discriminator == peer.mine:
                peer.yours = line.session.discriminator
        state = random.choice((State.INIT, State.UP, State.ADMIN_DOWN, State.DOWN))
        if peer.yours:
            peer.say(state)
            peer.say(State.UP, final=random.random() < 0.7)


class ChurnTests(ServiceTestCase):
    """Whatever happened, in the end nothing is left."""

    def check(self) -> None:
        """What holds at any time."""
        lines = list(self.service.table)
        discriminators = {line.session.discriminator for line in lines}
        self.assertEqual(len(discriminators), len(lines))
        self.assertNotIn(0, discriminators)
        sessions = {line.session for line in lines}
        self.assertTrue(set(self.service.table.expected.values()) <= sessions)
        self.assertTrue(len(self.network.senders) <= len(lines))
        facts = {each for each in self.facts.snapshot() if each.startswith("bfd:")}
        self.assertEqual(facts, {f"bfd:{line.name}" for line in lines})
        for line in lines:
            self.assertEqual(self.state(line.name), line.session.state.name)
            due = line.session.deadline
            self.assertEqual(line.slot < 0, due is None, line.name)

    def finish(self, by_stop: bool) -> None:
        """All is closed, in one of two ways."""
        if not by_stop:
            self.configure()
            self.run_for(61.0)
            self.assertEqual(self.left(), NOTHING_LEFT)
        self.service.stopService()
        self.assertEqual(self.left(), NOTHING_LEFT)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertAlmostEqual(self.service._pace._packets, 0.0)
        self.assertEqual(self.flushLoggedErrors(), [])

    @given(st.integers(0, 2**32), st.booleans())
    @settings(max_examples=40, deadline=None)
    def test_few(self, seed: int, by_stop: bool) -> None:
        """A few sessions, and much that happens to them."""
        self.setUp()
        churn = Churn(self, seed, 6)
        for _ in range(40):
            churn.step()
            self.check()
        self.finish(by_stop)

    def test_many(self) -> None:
        """Three hundred sessions."""
        churn = Churn(self, 4711, 300)
        most = 0
        for _ in range(60):
            churn.step()
            most = max(most, len(self.service.table))
        self.check()
        self.assertGreater(most, 100)
        self.finish(by_stop=False)


class MemoryTests(ServiceTestCase):
    """What a session costs."""

    COUNT = 1000

    def test_bytes(self) -> None:
        """A session that is Up takes 8 KiB or less, all included but its socket."""
        slow = replace(FAST, min_tx=10_000_000, min_rx=10_000_000)
        entries = [
            instance(f"n{n}", neighbour=NEIGHBOUR + n, parameters=slow)
            for n in range(self.COUNT)
        ]
        gc.collect()
        tracemalloc.start()
        try:
            self.configure(*entries)
            lines = list(self.service.table)
            for number, line in enumerate(lines):
                peer = Neighbour(self.network, line.route.neighbour, mine=number + 1)
                peer.yours = line.session.discriminator
                peer.says.update(min_tx=10_000_000, min_rx=10_000_000)
                peer.come_up()
            self.network.sent.clear()
            self.facts.events.clear()
            self.logs.clear()
            self.run_for(0.1)
            self.network.sent.clear()
            gc.collect()
            found = tracemalloc.take_snapshot().statistics("lineno")
        finally:
            tracemalloc.stop()
        ours = [each for each in found if "/hanode/" in each.traceback[0].filename]
        size = sum(each.size for each in ours) / self.COUNT
        print(f"\n{size:.0f} bytes for each of {self.COUNT} sessions", file=sys.stderr)
        for each in ours[:10]:
            where = each.traceback[0]
            name = where.filename.rpartition("/")[2]
            share = each.size / self.COUNT
            print(f"{share:6.0f}  {name}:{where.lineno}", file=sys.stderr)
        self.assertLess(size, 8192)
        self.assertEqual({line.up for line in lines}, {True})
