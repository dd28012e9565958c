"""Claims about tracked processes: a /proc of our own, and news that we make up."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.python.filepath import FilePath
from twisted.trial.unittest import SynchronousTestCase

from hanode.config.track_model import NOTHING, Description, Share, Tracked
from hanode.facts import Facts
from hanode.trackers.process import Census, processTracker
from hanode.trackers.process_words import ProcessOptions
from hanode.trackers.quorum import Bounds
from tests.trackers.test_interface import Reactor


class Case(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Reactor()
        self.facts = Facts(self.clock)
        self.root = FilePath(self.mktemp())
        self.root.makedirs()
        self.refusal: OSError | None = None
        self.connected: list[str] = []
        self.census = Census(self.clock, self.facts, self.connect, self.root.path)
        self.addCleanup(self.census.close)

    def connect(self, reactor: Any, listener: Census) -> Any:
        """The kernel's door."""
        if self.refusal is not None:
            raise self.refusal
        self.connected.append("open")
        return SimpleNamespace(close=lambda: self.connected.append("close"))

    def put(self, pid: int, name: str, *command: str, state: str = "S") -> None:
        """There is such a process."""
        place = self.root.child(str(pid))
        if not place.exists():
            place.makedirs()
        place.child("stat").setContent(f"{pid} ({name}) {state} 1".encode())
        words = "".join(word + "\0" for word in command)
        place.child("cmdline").setContent(words.encode())

    def remove(self, pid: int) -> None:
        """There is not."""
        self.root.child(str(pid)).remove()

    def expect(self, **groups: ProcessOptions) -> None:
        self.census.expect(
            {
                name: Description("process", name, options=options)
                for name, options in groups.items()
            }
        )

    def settle(self) -> None:
        """Let what is due now happen."""
        for _ in range(20):
            self.clock.advance(0)

    def values(self) -> dict[str, Any]:
        """What the facts say."""
        return {
            name.removeprefix("process:"): fact.value
            for name, fact in self.facts.snapshot().items()
        }


NGINX = ProcessOptions(("nginx",))
TWO = ProcessOptions(("nginx",), bounds=Bounds(2))


class ToldTests(Case):
    """The kernel tells of processes."""

    def test_first_look(self) -> None:
        """Before all were looked at nobody knows; then those that run count."""
        self.put(1, "init")
        self.put(7, "nginx")
        self.put(8, "nginx", state="Z")
        self.expect(one=NGINX, two=TWO)
        self.assertEqual((self.values(), self.connected), ({}, ["open"]))
        with capturedLogs() as logs:
            self.settle()
        self.assertEqual(self.values(), {"one": True, "two": False})
        self.assertEqual(
            [formatEvent(each) for each in logs],
            ["Quorum lost for tracked process two (1 running)"],
        )

    def test_events(self) -> None:
        """A fork is like its parent, a new program or name may be another."""
        self.put(7, "nginx")
        self.expect(two=TWO)
        self.settle()
        seen = []

        def note() -> None:
            self.census.drained()
            seen.append(self.values()["two"])

        self.census.forked(7, 9)
        note()
        self.put(9, "other")
        self.census.changed(9)
        note()
        self.census.forked(1, 10)
        self.put(10, "nginx")
        self.census.changed(10)
        note()
        self.census.ended(7)
        note()
        self.census.ended(99)
        note()
        self.assertEqual(seen, [True, False, True, False, False])

    def test_one_drain(self) -> None:
        """What comes and goes within one drain changes nothing."""
        self.put(7, "nginx")
        self.expect(one=NGINX)
        self.settle()
        self.census.ended(7)
        self.put(8, "nginx")
        self.census.changed(8)
        with capturedLogs() as logs:
            self.census.drained()
        self.assertEqual(([*logs], self.values()), ([], {"one": True}))

    def test_delays(self) -> None:
        """A change counts when it has lasted."""
        self.put(7, "nginx")
        self.expect(p=ProcessOptions(("nginx",), bounds=Bounds(1, None, 1.0, 2.0)))
        self.settle()
        self.census.ended(7)
        self.census.drained()
        self.clock.advance(1.9)
        self.assertEqual(self.values(), {"p": True})
        self.clock.advance(0.2)
        self.assertEqual(self.values(), {"p": False})
        self.put(8, "nginx")
        self.census.changed(8)
        self.census.drained()
        self.clock.advance(0.5)
        self.census.drained()
        self.clock.advance(0.6)
        self.assertEqual(self.values(), {"p": True})

    def test_lost(self) -> None:
        """After lost events all are looked at again: who has gone is noticed."""
        self.put(7, "nginx")
        self.expect(one=NGINX)
        self.settle()
        self.remove(7)
        with capturedLogs() as logs:
            self.census.lost()
            self.census.lost()
            self.settle()
        self.assertEqual(self.values(), {"one": False})
        self.assertEqual(
            formatEvent(logs[0]),
            "track_process: the kernel's news were lost: looking at all",
        )

    def test_during_a_look(self) -> None:
        """What is told while all are looked at is not lost."""
        for pid in range(1, 6):
            self.put(pid, "nginx")
        self.expect(p=ProcessOptions(("nginx",), bounds=Bounds(6, 6)))
        self.census._look_at_all()
        next(steps := self.census._steps())
        self.census.forked(1, 50)
        self.put(51, "nginx")
        self.census.changed(51)
        self.census.ended(50)
        self.census.drained()
        self.assertEqual(self.values(), {})
        for _ in steps:
            pass
        self.assertEqual(self.values(), {"p": True})

    def test_commands(self) -> None:
        """Command lines are read where a group needs them."""
        self.put(7, "python3", "/usr/bin/python3", "/opt/a.py")
        self.put(8, "python3", "/usr/bin/python3", "/opt/b.py")
        self.expect(
            a=ProcessOptions(("/usr/bin/python3", "/opt/a.py"), "exact"),
            c=ProcessOptions(("/usr/bin/python3", "/opt/c.py"), "exact"),
        )
        self.settle()
        self.assertEqual(self.values(), {"a": True, "c": False})


class LookingTests(Case):
    """The kernel does not."""

    def test_describe(self) -> None:
        """What there is to see of a group of processes."""
        self.put(7, "nginx", "nginx", "-x")
        self.expect(web=TWO)
        self.settle()
        self.assertEqual(
            self.census.describe(),
            {
                "web": {
                    "words": ["nginx"],
                    "match": "",
                    "least": 2,
                    "most": None,
                    "count": 1,
                    "up": False,
                    "fork_delay": 0.0,
                    "terminate_delay": 0.0,
                    "waiting": False,
                }
            },
        )

    def test_every_second(self) -> None:
        """All are looked at once a second; the reason is told once."""
        self.refusal = OSError(111, "Connection refused")
        with capturedLogs() as logs:
            self.expect(one=NGINX)
            self.settle()
            self.put(7, "nginx")
            self.clock.advance(1)
            self.settle()
            self.assertEqual(self.values(), {"one": True})
            self.remove(7)
            self.clock.advance(1)
            self.settle()
        self.assertEqual(self.values(), {"one": False})
        self.assertEqual(
            [formatEvent(each) for each in logs],
            [
                "track_process: the kernel does not tell of processes (Connection "
                "refused): looking at all of them every 1 s",
                "Quorum lost for tracked process one (0 running)",
                "Quorum gained for tracked process one (1 running)",
                "Quorum lost for tracked process one (0 running)",
            ],
        )

    def test_no_proc(self) -> None:
        """Where /proc cannot be read it is tried again."""
        self.remove_root()
        self.expect(one=NGINX)
        self.settle()
        self.assertEqual(len(self.flushLoggedErrors(FileNotFoundError)), 1)
        self.root.makedirs()
        self.clock.advance(1)
        self.settle()
        self.assertEqual(self.values(), {"one": False})

    def remove_root(self) -> None:
        self.root.remove()


class ReloadTests(Case):
    def test_unchanged(self) -> None:
        """What is equal keeps its state; nobody is looked at again."""
        self.put(7, "nginx")
        self.expect(one=NGINX)
        self.settle()
        self.remove(7)
        self.expect(one=NGINX)
        self.settle()
        self.assertEqual(self.values(), {"one": True})

    def test_changed(self) -> None:
        """A changed one keeps its state until all were looked at."""
        self.put(7, "nginx")
        self.expect(one=NGINX)
        self.settle()
        self.expect(one=TWO, new=NGINX)
        self.assertEqual(self.values(), {"one": True})
        self.settle()
        self.assertEqual(self.values(), {"one": False, "new": True})

    def test_gone(self) -> None:
        """Without groups nobody is listened to, and nothing is left."""
        self.expect(one=NGINX, two=TWO)
        self.settle()
        self.expect(one=NGINX)
        self.assertEqual(self.values(), {"one": False})
        self.expect()
        self.assertEqual((self.values(), self.connected), ({}, ["open", "close"]))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_close(self) -> None:
        """Closed in the middle of a look, it leaves no timer."""
        self.expect(p=ProcessOptions(("x",), bounds=Bounds(1, None, 5, 5)))
        self.census.close()
        self.clock.advance(1)
        self.assertEqual(self.clock.getDelayedCalls(), [])


class PluginTests(SynchronousTestCase):
    def test_rehearsal(self) -> None:
        """On a clock alone there are no processes: they are assumed to run."""
        clock = Clock()
        facts = Facts(clock)
        census = processTracker.make(SimpleNamespace(clock=clock), facts, {})
        census.expect({"p": Description("process", "p", options=NGINX)})
        self.assertEqual(facts.get("process:p"), True)

    def test_weigh(self) -> None:
        """Too few are a fault in keepalived's words; reversed, enough are."""
        fault = "tracked process p quorum {} achieved"
        self.assertEqual(
            [
                [processTracker.weigh(tracked, value) for value in (None, True, False)]
                for tracked in (
                    Tracked("process", "p"),
                    Tracked("process", "p", reverse=True),
                    Tracked("process", "p", 254),
                )
            ],
            [
                [Share(pending=True), NOTHING, Share(fault=fault.format("not"))],
                [Share(pending=True), Share(fault=fault.format("is")), NOTHING],
                [NOTHING, Share(254), NOTHING],
            ],
        )
