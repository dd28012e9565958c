"""Claims about tracked scripts, on a clock with programs that do as they are told."""

from __future__ import annotations

import errno
from types import SimpleNamespace
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

import hanode.trackers
from hanode.config.build import build
from hanode.config.model import GlobalDefs, Script
from hanode.config.track_model import NOTHING, Description, Share, Tracked
from hanode.facts import Facts
from hanode.interfaces import ITracker
from hanode.plugins import find
from hanode.processes import Exit
from hanode.trackers.script import (
    DISABLED,
    GAP,
    ScriptOptions,
    Scripts,
    scriptTracker,
)
from tests.config.reading import BASIC, said, tree

WELL, ILL = Exit(0), Exit(1)
HUNG = Exit(None, 15, timed_out=True)


class Programs:
    """Programs that run until they are told how to end; C{broken} cannot be started."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.ran: list[tuple[float, str, float]] = []
        self.running: dict[str, Deferred[Exit]] = {}
        self.broken: dict[str, Exception] = {}
        self.ended: list[str] = []

    def run(
        self,
        argv: Any,
        user: Any = None,
        group: Any = None,
        timeout: float = 0.0,
        environment: Any = None,
    ) -> Deferred[Exit]:
        """See L{IProcesses.run}."""
        name = argv[0]
        if name in self.broken:
            return fail(self.broken[name])
        self.ran.append((round(self.clock.seconds(), 3), name, timeout))
        done: Deferred[Exit] = Deferred(lambda _: self.ended.append(name))
        self.running[name] = done
        return done

    def end(self, name: str, how: Exit) -> None:
        """The program ends so."""
        self.running.pop(name).callback(how)


class Case(SynchronousTestCase):
    def setUp(self) -> None:
        self.begin()

    def begin(self) -> None:
        """A new node."""
        self.clock = Clock()
        self.facts = Facts(self.clock)
        self.programs = Programs(self.clock)
        world = SimpleNamespace(clock=self.clock, processes=self.programs)
        self.scripts = Scripts(world, self.facts)
        self.addCleanup(self.scripts.close)

    def script(self, name: str = "a", **options: Any) -> Description:
        options.setdefault("timeout", options.get("interval", 1.0))
        made = ScriptOptions(Script((f"/bin/{name}", "x")), **options)
        return Description("script", name, options=made)

    def expect(self, *scripts: Description) -> None:
        self.scripts.expect({each.name: each for each in scripts})

    def run_to(self, moment: float) -> None:
        """Let time pass, from one thing that is due to the next."""
        while self.clock.calls and self.clock.calls[0].getTime() <= moment:
            due: float = self.clock.calls[0].getTime()
            self.clock.advance(max(0.0, due - self.clock.seconds()))
        self.clock.advance(moment - self.clock.seconds())

    def value(self, name: str = "a") -> Any:
        return self.facts.get(f"script:{name}", "unknown")

    def why(self, name: str = "a") -> str:
        fact = self.facts.find(f"script:{name}")
        assert fact is not None
        return fact.why


class RunTests(Case):
    def test_first_result(self) -> None:
        """It runs at once; until it has ended nobody knows, then the result counts."""
        self.expect(self.script(rise=3, fall=3))
        self.clock.advance(0)
        self.assertEqual(self.programs.ran, [(0.0, "/bin/a", 1.0)])
        self.assertEqual(self.value(), "unknown")
        self.programs.end("/bin/a", WELL)
        self.assertEqual((self.value(), self.why()), (True, "succeeded"))

    def test_describe(self) -> None:
        """What there is to see of a script, while it runs and afterwards."""
        self.expect(self.script(rise=3, fall=2, interval=2.0))
        self.clock.advance(0)
        wanted = {
            "command": ["/bin/a", "x"],
            "user": None,
            "interval": 2.0,
            "timeout": 2.0,
            "rise": 3,
            "fall": 2,
            "up": None,
            "running": True,
        }
        self.assertEqual(self.scripts.describe(), {"a": wanted})
        self.programs.end("/bin/a", WELL)
        self.assertEqual(
            self.scripts.describe(), {"a": {**wanted, "up": True, "running": False}}
        )

    def test_interval(self) -> None:
        """Runs begin one interval apart, however long each of them takes."""
        self.expect(self.script(interval=2.0))
        self.clock.advance(0)
        for moment in (1.9, 2.1, 4.3):
            self.run_to(moment)
            self.programs.end("/bin/a", WELL)
        self.run_to(6.1)
        self.assertEqual([at for at, *_ in self.programs.ran], [0.0, 2.0, 4.0, 6.0])

    def test_still_running(self) -> None:
        """A run that has not ended when the next is due is not doubled, and told of."""
        self.expect(self.script(timeout=10.0))
        with capturedLogs() as logs:
            self.run_to(2.5)
        self.assertEqual(len(self.programs.ran), 1)
        self.assertEqual(
            [formatEvent(each) for each in logs],
            ["Track script a is running, expect idle - skipping run"] * 2,
        )
        self.programs.end("/bin/a", WELL)
        self.run_to(3.1)
        self.assertEqual(len(self.programs.ran), 2)

    def test_outcomes(self) -> None:
        """Each way to end has its words, in the log and in the fact."""
        self.expect(self.script())
        self.clock.advance(0)
        told = []
        with capturedLogs() as logs:
            for number, how in enumerate((ILL, WELL, Exit(None, 9), WELL, HUNG), 1):
                self.programs.end("/bin/a", how)
                told.append((self.value(), self.why()))
                self.run_to(number + 0.01)
        self.assertEqual(
            told,
            [
                (False, "failed (exited with status 1)"),
                (True, "succeeded"),
                (False, "failed (due to signal 9)"),
                (True, "succeeded"),
                (False, "timed_out"),
            ],
        )
        self.assertEqual(
            [formatEvent(each) for each in logs],
            [
                "VRRP_Script(a) failed (exited with status 1)",
                "Script `a` now returning 0",
                "VRRP_Script(a) succeeded",
                "Script `a` now returning failed (due to signal 9)",
                "VRRP_Script(a) failed (due to signal 9)",
                "Script `a` now returning 0",
                "VRRP_Script(a) succeeded",
                "Script `a` now returning timed_out",
                "VRRP_Script(a) timed_out",
            ],
        )

    def test_hung(self) -> None:
        """It has failed at its time limit, even if it cannot be ended; once."""
        self.expect(self.script(timeout=0.5, fall=2))
        self.clock.advance(0)
        self.programs.end("/bin/a", WELL)
        self.run_to(1.8)
        self.assertEqual(self.value(), True)
        self.run_to(3.2)
        self.programs.end("/bin/a", HUNG)
        self.assertEqual(self.value(), True)
        self.run_to(4.8)
        self.assertEqual((self.value(), len(self.programs.ran)), (False, 3))

    def test_rise_and_fall(self) -> None:
        """Later results count in rows."""
        self.expect(self.script(rise=2, fall=2))
        self.clock.advance(0)
        seen = []
        for number, how in enumerate((WELL, ILL, ILL, WELL, WELL), 1):
            self.programs.end("/bin/a", how)
            seen.append(self.value())
            self.run_to(number + 0.01)
        self.assertEqual(seen, [True, True, False, False, True])

    def test_init_fail(self) -> None:
        """It has failed before its first run, and until rise successes."""
        self.expect(self.script(init_fail=True, rise=2))
        self.assertEqual((self.value(), self.why()), (False, "init_fail"))
        self.clock.advance(0)
        self.programs.end("/bin/a", WELL)
        self.assertEqual(self.value(), False)
        self.run_to(1.01)
        self.programs.end("/bin/a", WELL)
        self.assertEqual(self.value(), True)

    def test_staggered(self) -> None:
        """Few scripts begin a moment apart, many within the shortest interval."""
        names = [f"s{number}" for number in range(5)]
        self.expect(*(self.script(name) for name in names))
        self.run_to(0.2)
        self.assertEqual(
            [at for at, *_ in self.programs.ran],
            [round(number * GAP, 3) for number in range(5)],
        )
        self.expect()
        self.programs.ran.clear()
        self.expect(*(self.script(f"t{n}", interval=0.5) for n in range(200)))
        self.run_to(0.7)
        moments = [at for at, *_ in self.programs.ran]
        self.assertEqual((len(moments), min(moments)), (200, 0.2))
        self.assertLess(max(moments), 0.71)
        most = max(moments.count(at) for at in set(moments))
        self.assertLessEqual(most, 5)


class TroubleTests(Case):
    def test_missing(self) -> None:
        """What cannot be started the first time is out of the game, and told of."""
        for problem, text in (
            (
                FileNotFoundError(errno.ENOENT, "x", "/bin/a"),
                "there is no such file (/bin/a)",
            ),
            (PermissionError(errno.EACCES, "x", "/bin/a"), "not executable (/bin/a)"),
            (OSError(errno.ELOOP, "loop"), "loop"),
            (
                PermissionError("unsafe permissions: / is drwxrwxrwx"),
                "unsafe permissions: / is drwxrwxrwx",
            ),
            (KeyError("nobody2"), "unknown user or group: 'nobody2'"),
        ):
            self.begin()
            self.programs.broken["/bin/a"] = problem
            with capturedLogs() as logs:
                self.expect(self.script())
                self.run_to(3)
            reason = f"cannot be started: {text}"
            self.assertEqual(
                (self.value(), self.why(), [formatEvent(each) for each in logs]),
                (
                    DISABLED,
                    f"disabled: {reason}",
                    [f"VRRP_Script(a) {reason} - disabling: it counts for nothing"],
                ),
            )

    def test_vanished(self) -> None:
        """A script that has run before, and is not there any more, has failed."""
        self.expect(self.script())
        self.clock.advance(0)
        self.programs.end("/bin/a", WELL)
        self.programs.broken["/bin/a"] = FileNotFoundError(errno.ENOENT, "x", "/bin/a")
        self.run_to(1.01)
        self.assertEqual(
            (self.value(), self.why()),
            (False, "failed (cannot be started: there is no such file (/bin/a))"),
        )
        del self.programs.broken["/bin/a"]
        self.run_to(2.01)
        self.programs.end("/bin/a", WELL)
        self.assertEqual(self.value(), True)

    def test_our_fault(self) -> None:
        """A machine without memory says nothing about the script; told once."""
        self.programs.broken["/bin/a"] = OSError(errno.ENOMEM, "no memory")
        with capturedLogs() as logs:
            self.expect(self.script())
            self.run_to(3.01)
        self.assertEqual(
            (self.value(), [formatEvent(each) for each in logs]),
            ("unknown", ["VRRP_Script(a) cannot be started: no memory"]),
        )
        del self.programs.broken["/bin/a"]
        self.run_to(4.01)
        self.programs.end("/bin/a", WELL)
        self.assertEqual(self.value(), True)


class ReloadTests(Case):
    def settle(self, how: Exit = WELL) -> None:
        self.clock.advance(0)
        self.programs.end("/bin/a", how)

    def test_unchanged(self) -> None:
        """What is equal goes on: no run more, none less; its weight is not its own."""
        self.expect(self.script())
        self.settle(ILL)
        self.run_to(0.5)
        script = self.script()
        self.expect(Description("script", "a", 20, True, script.options))
        self.run_to(1.01)
        self.assertEqual([at for at, *_ in self.programs.ran], [0.0, 1.0])
        self.assertEqual(self.value(), False)

    def test_new(self) -> None:
        """A new one is taken for good until its first result, which counts at once."""
        self.expect(self.script())
        self.settle()
        with capturedLogs() as logs:
            self.expect(self.script(), self.script("b", fall=3))
        self.assertEqual(
            (self.value("b"), self.why("b")), (True, formatEvent(logs[0])[15:])
        )
        self.assertEqual(
            [formatEvent(each) for each in logs],
            ["VRRP_Script(b) considered successful on reload"],
        )
        self.clock.advance(0)
        self.programs.end("/bin/b", ILL)
        self.assertEqual(self.value("b"), False)

    def test_new_init_fail(self) -> None:
        """A new one with init_fail has failed, at a reload too."""
        self.expect()
        self.expect(self.script(init_fail=True))
        self.assertEqual(self.value(), False)

    def test_changed(self) -> None:
        """A changed one keeps its verdict and is run at once; the old run is ended."""
        self.expect(self.script())
        self.settle(ILL)
        self.run_to(1.01)
        self.expect(self.script(rise=2))
        self.assertEqual((self.programs.ended, self.value()), (["/bin/a"], False))
        self.settle(WELL)
        self.assertEqual(self.value(), False)
        self.run_to(2.1)
        self.programs.end("/bin/a", WELL)
        self.assertEqual(self.value(), True)

    def test_gone(self) -> None:
        """A removed one is ended and forgotten; what it says later is not heard."""
        self.expect(self.script())
        self.clock.advance(0)
        running = self.programs.running["/bin/a"]
        self.expect()
        self.assertEqual((self.programs.ended, self.value()), (["/bin/a"], "unknown"))
        self.assertTrue(running.called)
        self.run_to(5)
        self.assertEqual(len(self.programs.ran), 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_close(self) -> None:
        """Closed, it leaves nothing running and no timer."""
        self.expect(self.script(), self.script("b"))
        self.run_to(0.1)
        self.scripts.close()
        self.assertEqual(self.programs.ended, ["/bin/a", "/bin/b"])
        self.assertEqual(self.clock.getDelayedCalls(), [])


class PluginTests(SynchronousTestCase):
    def read(self, lines: str, defs: str = "") -> tuple[Any, list[str]]:
        """The description of vrrp_script chk, and what is said."""
        text = f"global_defs {{\n{defs}\n}}\nvrrp_script chk {{\n{lines}\n}}\n"
        text += f"vrrp_instance VI_1 {{\n{BASIC}\ntrack_script {{\nchk\n}}\n}}\n"
        words = find(ITracker, hanode.trackers)["track_script"].words
        model, problems = build(tree(text), trackers={"track_script": words})
        return model.trackers.get("script", {}).get("chk"), said(problems)

    def test_words(self) -> None:
        """Every word, and what is there without it."""
        rules = GlobalDefs(script_user="bob", enable_script_security=True)
        defs = "script_user bob\nenable_script_security\nrouter_id x"
        full = """script "/bin/chk --port 80" nobody
            interval 0.5
            timeout 3
            weight -30 reverse
            rise 2
            fall 4
            user alice staff
            init_fail"""
        self.assertEqual(
            [self.read(full, defs)],
            [
                (
                    Description(
                        "script",
                        "chk",
                        -30,
                        True,
                        ScriptOptions(
                            Script(("/bin/chk", "--port", "80"), "alice", "staff"),
                            0.5,
                            3.0,
                            2,
                            4,
                            True,
                            rules,
                        ),
                    ),
                    [],
                ),
            ],
        )
        timeout = self.read("script /bin/chk\ninterval 7")[0].options.timeout
        self.assertEqual(timeout, 7.0)

    def test_no_script(self) -> None:
        """Without a command there is no such script."""
        self.assertEqual(
            self.read("interval 5"),
            (
                None,
                [
                    "4 dropped: (chk) No script set for vrrp_script chk - removing "
                    "(add script COMMAND)",
                    "16 warning: (VI_1) track script chk not found, ignoring... "
                    "(add vrrp_script chk, or mend the one that is dropped)",
                ],
            ),
        )

    def test_weigh(self) -> None:
        """A failure is a fault or changes the priority; a disabled one does neither."""
        plain, weighted = Tracked("script", "chk"), Tracked("script", "chk", -5)
        self.assertEqual(
            [
                [scriptTracker.weigh(each, value) for each in (plain, weighted)]
                for value in (None, True, False, DISABLED)
            ],
            [
                [Share(pending=True), NOTHING],
                [NOTHING, NOTHING],
                [Share(fault="due to script chk"), Share(-5)],
                [NOTHING, NOTHING],
            ],
        )

    def test_make(self) -> None:
        """It makes the scripts of one node."""
        world = SimpleNamespace(clock=Clock(), processes=None)
        made = scriptTracker.make(world, Facts(Clock()), {})
        self.assertIsInstance(made, Scripts)
