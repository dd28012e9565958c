"""Thousands of seeds: loss, cuts, crashes; afterwards one master, the best."""

from __future__ import annotations

from random import Random

from twisted.trial.unittest import SynchronousTestCase

from hanode.rehearsal.cluster import Cluster
from tests.stories.texts import VIP, instance

PRIORITIES = (150, 120, 100)
SEEDS = 2000
NAMES = tuple(f"n{number}" for number in range(1, len(PRIORITIES) + 1))


class Chaos:
    """A cluster of three, and a sequence of bad events drawn from one seed."""

    def __init__(self, seed, **mode):
        self.random = Random(seed)
        self.cluster = Cluster(
            [instance(n, p, **mode) for n, p in enumerate(PRIORITIES, 1)],
            seed=seed,
            delay=0.0005,
            loss=self.random.choice((0.0, 0.1, 0.3)),
        )
        self.running, self.plugged = set(NAMES), set(NAMES)
        self.deeds = []

    def events(self, count, pause):
        """So many bad events, with up to C{pause} seconds between them."""
        for _ in range(count):
            deed = self.random.choice(
                (self.cut, self.one_way, self.heal, self.crash, self.cable, self.start)
            )
            name = self.random.choice(NAMES)
            self.deeds.append((deed.__name__, name))
            deed(name)
            self.cluster.run(self.random.uniform(0.0, pause))

    def cut(self, name):
        self.cluster.cut(name)

    def one_way(self, name):
        self.cluster.lan.cut(name, self.random.choice(NAMES))

    def heal(self, name):
        self.cluster.heal()

    def crash(self, name):
        if name in self.running:
            self.random.choice((self.cluster.kill, self.cluster.stop))(name)
            self.running.discard(name)

    def start(self, name):
        if name not in self.running:
            self.cluster.start(name)
            self.running.add(name)

    def cable(self, name):
        if name in self.plugged:
            self.cluster.unplug(name)
            self.plugged.discard(name)
        else:
            self.cluster.plug(name)
            self.plugged.add(name)

    def mend(self):
        """Everything is well again."""
        self.cluster.heal()
        self.cluster.lan.loss = 0.0
        for name in NAMES:
            self.start(name)
            if name not in self.plugged:
                self.cable(name)


class SeedTests(SynchronousTestCase):
    def agree(self, chaos):
        """What a running node says and what its kernel has are the same."""
        cluster = chaos.cluster
        holders = cluster.holders(VIP[4])
        for name in chaos.running:
            is_master = cluster.state(name, "VI_1") == "MASTER"
            self.assertEqual(is_master, name in holders, (name, chaos.deeds))
            if name not in chaos.plugged:
                self.assertFalse(is_master, (name, chaos.deeds))

    def survive(self, seed, **mode):
        """Live through one seed; return what every node came to."""
        chaos = Chaos(seed, **mode)
        interval = mode.get("interval", 0.1)
        for _ in range(4):
            chaos.events(2, 6 * interval)
            self.agree(chaos)
        chaos.mend()
        chaos.cluster.run(12 * interval)
        self.agree(chaos)
        return chaos

    def test_best(self):
        """Whatever was lost, cut or killed: healed, the best node alone is master."""
        for seed in range(SEEDS):
            chaos = self.survive(seed)
            self.assertEqual(
                (chaos.cluster.masters("VI_1"), chaos.cluster.holders(VIP[4])),
                (["n1"], ["n1"]),
                f"seed {seed}: {chaos.deeds}",
            )

    def test_otherModes(self):
        """The same in version 2, by unicast, and over IPv6."""
        for seed in range(200):
            for mode in ({"version": 2, "interval": 1}, {"peers": 3}):
                chaos = self.survive(seed, **mode)
                self.assertEqual(
                    chaos.cluster.masters("VI_1"), ["n1"], f"{seed} {chaos.deeds}"
                )

    def test_nopreempt(self):
        """With nopreempt it is one of them, and only one."""
        for seed in range(300):
            chaos = self.survive(seed, extra="nopreempt")
            masters = chaos.cluster.masters("VI_1")
            self.assertEqual(len(masters), 1, f"seed {seed}: {chaos.deeds}")
            self.assertEqual(chaos.cluster.holders(VIP[4]), masters)
