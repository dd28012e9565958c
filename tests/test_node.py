"""The node with a load balancer that works, fails, or is not there."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from tempfile import NamedTemporaryFile
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

import hanode.checkers
from hanode.config.balance_model import BalanceDefs, TrackedFile
from hanode.config.model import Model
from hanode.config.track_model import Description
from hanode.dataplanes.memory import MemoryDataplane
from hanode.node import Node, installed_checkers
from hanode.rehearsal.cluster import NoProcesses, parse
from hanode.rehearsal.lan import Lan, Station
from hanode.world import World
from tests.balance.checkers import Kind, Moody, Prober
from tests.balance.servers import ILL, NAME, check, real, rs, virtual
from tests.stories.texts import instance


class Case(SynchronousTestCase):
    def start(self, model: Model, kind: Kind | None = None) -> Node:
        clock = self.clock = Clock()
        self.processes = NoProcesses([], clock)
        station = Station(Lan(clock, Random(1)), "n1", ())
        dataplane = MemoryDataplane(clock)
        world = World(clock, Random(1), station, self.processes, dataplane)
        self.prober = Prober()
        kinds = {} if kind is None else {kind.keyword: kind}
        node = Node(model, world, checkers={"TCP_CHECK": self.prober}, balancers=kinds)
        node.startService()
        self.addCleanup(node.stopService)
        return node

    def model(self, text: str = "", **defs: object) -> Model:
        """Virtual servers, and whatever VRRP there is in C{text}."""
        web = virtual(real(1, checks=(check(1),)))
        found = parse(text) if text else Model()
        return replace(found, virtual_servers={NAME: web}, balance=BalanceDefs(**defs))


class Nodes(Case):
    def test_balances(self) -> None:
        """The load balancer runs as soon as there are virtual servers."""
        kernel = Moody()
        node = self.start(Model(), Kind(kernel))
        self.assertEqual(kernel.calls, [])
        node.reload(self.model())
        self.clock.advance(0)
        self.assertEqual(len(kernel.services), 1)
        node.stopService()
        self.assertEqual(kernel.services, {})

    def test_scripts(self) -> None:
        """What a server's change wants to be run is run."""
        self.start(self.model(), Kind(Moody()))
        self.clock.advance(1)
        self.prober.answer(ILL)
        ran = [argv for _, argv in self.processes.ran]
        self.assertEqual(ran, [("/bin/down",), ("/bin/quorum-down",)])

    def test_nothingWorks(self) -> None:
        """Without a way to balance, VRRP runs and the checks are made."""
        node = self.start(self.model(instance(1, 150)), Kind(None, problem="none"))
        self.clock.advance(1)
        self.prober.answer(ILL)
        self.clock.advance(0)
        self.assertFalse(node.facts.get(f"real:{NAME}/{rs(1)}").up)
        self.assertEqual(node.facts.get("vrrp:VI_1"), "FAULT")  # no such interface

    def bookends(self) -> Node:
        """A node with a first and a last script."""
        script = "global_defs {\n startup_script /first\n shutdown_script /last\n}\n"
        node = self.start(parse(script + instance(1, 100)))
        return node

    def test_bookends(self) -> None:
        """The first script runs before anything else, the last one after all."""
        node = self.bookends()
        self.assertEqual([argv for _, argv in self.processes.ran], [("/first",)])
        self.assertEqual(len(list(node.facts.snapshot())) > 0, True)
        node.stopService()
        self.assertEqual([argv for _, argv in self.processes.ran][1:], [("/last",)])

    def test_stoppedWhileStarting(self) -> None:
        """Nothing begins when the end comes while the first script runs."""
        waiting: list[Deferred[Any]] = []

        def run(*_: object) -> Deferred[Any]:
            waiting.append(Deferred())
            return waiting[-1]

        self.patch(NoProcesses, "run", run)
        node = self.bookends()
        self.assertEqual((len(waiting), node.running), (1, 0))
        self.successResultOf(node.stopService())
        self.assertEqual((node.running, node.facts.snapshot()), (0, {}))

    def test_everythingFails(self) -> None:
        """A plug-in that fails wherever it can stops nothing else."""
        names = ("start", "balance", "refusal", "sync", "stop True")
        for failing in (names, names[1:]):
            node = self.start(self.model(instance(1, 150)), Kind(Moody(*failing)))
            self.clock.advance(10)
            self.assertEqual(node.facts.get("vrrp:VI_1"), "FAULT")
            node.stopService()
            self.flushLoggedErrors()

    def test_files(self) -> None:
        """What FILE_CHECK looks at is watched, from the start and after a reload."""
        with NamedTemporaryFile("w") as file:
            file.write("7\n")
            file.flush()
            node = self.start(Model(), Kind(Moody()))
            load = TrackedFile("load", file.name)
            files = {"file": {"load": Description("file", "load", options=load)}}
            node.reload(replace(self.model(), trackers=files))
            self.assertEqual(node.facts.get("file:load"), 7)

    def test_installed(self) -> None:
        """All checkers that are installed are found, of both kinds."""
        found = installed_checkers()
        self.assertLessEqual({"TCP_CHECK", "BFD_CHECK", "FILE_CHECK"}, set(found))
        self.assertTrue(hanode.checkers.__path__)
