"""Claims about log lines and where they go."""

from __future__ import annotations

import io
import os
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

from twisted.logger import ILogObserver, LogEvent, Logger, LogLevel, globalLogBeginner
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from hanode import logs
from hanode.logs import Stream, Syslog, Unhurried


def event(
    level: Any = LogLevel.info, format: str = "({name}) said", **fields: Any
) -> LogEvent:
    """One event as Twisted's logger makes them."""
    return {
        "log_level": level,
        "log_format": format,
        "log_time": 1700000000.0625,
        "name": "VI_1",
        **fields,
    }


def failure() -> Failure:
    """Something that went wrong."""
    try:
        raise ZeroDivisionError("nothing to share")
    except ZeroDivisionError:
        return Failure()


class LineTests(SynchronousTestCase):
    """Formats."""

    def setUp(self) -> None:
        """In a place with a clock of its own."""
        zone = os.environ.pop("TZ", None)
        self.addCleanup(time.tzset)
        if zone is not None:
            self.addCleanup(os.environ.__setitem__, "TZ", zone)
        self.addCleanup(os.environ.pop, "TZ")
        os.environ["TZ"] = "UTC-5:30"
        time.tzset()

    def test_stamped(self) -> None:
        """People get the local time to the millisecond, and no word for info."""
        self.assertEqual(logs.stamped(event()), "2023-11-15T03:43:20.062 (VI_1) said\n")

    def test_level(self) -> None:
        """What is worse than info is marked; details are not."""
        marks = {
            LogLevel.debug: " (VI_1) said\n",
            LogLevel.warn: " warn: (VI_1) said\n",
            LogLevel.error: " error: (VI_1) said\n",
            LogLevel.critical: " critical: (VI_1) said\n",
        }
        for level, ending in marks.items():
            self.assertEqual(
                logs.stamped(event(level)), "2023-11-15T03:43:20.062" + ending
            )

    def test_no_level(self) -> None:
        """An event without level is told as info."""
        bare = event()
        del bare["log_level"]
        self.assertEqual(logs.severity(bare), 6)
        self.assertEqual(logs.stamped(bare), logs.stamped(event()))

    def test_journal(self) -> None:
        """The journal gets a level in front of each line, and no time."""
        severities = [
            logs.journal(event(level))
            for level in (
                LogLevel.debug,
                LogLevel.info,
                LogLevel.warn,
                LogLevel.error,
                LogLevel.critical,
            )
        ]
        self.assertEqual(severities, [f"<{n}>(VI_1) said\n" for n in (7, 6, 4, 3, 2)])

    def test_several_lines(self) -> None:
        """Each line of one event carries the level in the journal."""
        self.assertEqual(
            logs.journal(event(LogLevel.warn, "one\ntwo")), "<4>one\n<4>two\n"
        )

    def test_failure(self) -> None:
        """A failure comes with its traceback."""
        told = event(LogLevel.critical, "it broke", log_failure=failure())
        lines = logs.journal(told).splitlines()
        self.assertEqual(lines[0], "<2>it broke")
        self.assertEqual(lines[1], "<2>Traceback (most recent call last):")
        self.assertIn("ZeroDivisionError: nothing to share", lines[-1])
        self.assertTrue(all(line.startswith("<2>") for line in lines))

    def test_format_that_does_not_fit(self) -> None:
        """A format whose field is missing still makes a line."""
        self.assertIn("missing", logs.text(event(format="{missing}")))

    def test_nothing_to_say(self) -> None:
        """An event without words makes no line in the journal."""
        self.assertEqual(logs.journal({"log_level": LogLevel.info}), "")


class StreamTests(SynchronousTestCase):
    """Standard output."""

    def test_written_and_flushed(self) -> None:
        """Each event is out before the next one comes."""

        class Out(io.StringIO):
            seen: list[str] = []

            def flush(self) -> None:
                self.seen.append(self.getvalue())

        out = Out()
        stream = Stream(out, logs.journal)
        stream(event())
        stream(event(LogLevel.error))
        self.assertEqual(
            out.seen, ["<6>(VI_1) said\n", "<6>(VI_1) said\n<3>(VI_1) said\n"]
        )


class SyslogTests(SynchronousTestCase):
    """Datagrams to a socket of the test."""

    def setUp(self) -> None:
        """A short path: that of a socket has at most 107 bytes."""
        self.path = f"\0hanode-test-{os.getpid()}-{id(self)}"
        self.syslog = Syslog("hanode", self.path)
        self.addCleanup(self.syslog._socket.close)

    def listen(self) -> socket.socket:
        """The system log, as it were."""
        receiver = socket.socket(
            socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK
        )
        self.addCleanup(receiver.close)
        receiver.bind(self.path)
        return receiver

    def head(self, priority: int) -> str:
        """How each datagram begins."""
        return f"<{priority}>hanode[{os.getpid()}]: "

    def test_datagram(self) -> None:
        """Facility daemon, the severity, name and process; then the text."""
        receiver = self.listen()
        self.syslog(event())
        self.assertEqual(receiver.recv(999).decode(), self.head(30) + "(VI_1) said")
        self.syslog(event(LogLevel.warn))
        self.assertEqual(receiver.recv(999).decode(), self.head(28) + "(VI_1) said")

    def test_facility(self) -> None:
        """Another facility, where one was asked for."""
        receiver = self.listen()
        local = Syslog("hanode", self.path, 18)
        self.addCleanup(local._socket.close)
        local(event())
        self.assertEqual(receiver.recv(999).decode(), self.head(150) + "(VI_1) said")

    def test_one_datagram_per_line(self) -> None:
        """A text of several lines becomes as many datagrams."""
        receiver = self.listen()
        self.syslog(event(LogLevel.error, "one\ntwo"))
        self.assertEqual(
            [receiver.recv(999).decode() for _ in range(2)],
            [self.head(27) + "one", self.head(27) + "two"],
        )

    def test_bytes_of_the_configuration(self) -> None:
        """Names with bytes that are not UTF-8 are written as they were read."""
        receiver = self.listen()
        self.syslog(event(name=b"caf\xe9".decode("utf-8", "surrogateescape")))
        self.assertIn(b"(caf\xe9) said", receiver.recv(999))

    def test_absent(self) -> None:
        """Without a system log every line is counted as lost, and none raises."""
        self.syslog(event(format="one\ntwo"))
        self.assertEqual(self.syslog.lost, 2)

    def test_comes_back(self) -> None:
        """A system log that comes back is written to again."""
        self.syslog(event())
        receiver = self.listen()
        self.syslog(event())
        self.assertEqual(receiver.recv(999).decode(), self.head(30) + "(VI_1) said")
        self.assertEqual(self.syslog.lost, 1)

    def test_full(self) -> None:
        """A system log that takes nothing more never holds us up."""
        self.listen()
        for _ in range(5000):
            self.syslog(event())
        self.assertGreater(self.syslog.lost, 0)


class Turns:
    """A reactor whose turns the test takes."""

    def __init__(self) -> None:
        self.running = True
        self.calls: list[Callable[[], None]] = []
        self.at_the_end: list[Callable[[], None]] = []

    def callLater(self, delay: float, call: Callable[[], None]) -> None:
        """As L{twisted.internet.interfaces.IReactorTime.callLater}."""
        self.calls.append(call)

    def addSystemEventTrigger(
        self, phase: str, event: str, call: Callable[[], None]
    ) -> None:
        """As L{twisted.internet.interfaces.IReactorCore.addSystemEventTrigger}."""
        self.at_the_end.append(call)

    def turn(self) -> None:
        """Do what is due."""
        calls, self.calls = self.calls, []
        for call in calls:
            call()


class UnhurriedTests(SynchronousTestCase):
    """First we act, then we tell."""

    def setUp(self) -> None:
        """An observer that remembers the formats of the events."""
        self.reactor = Turns()
        self.told: list[Any] = []
        self.in_the_reactor(True)
        self.unhurried = Unhurried(self.reactor, self.tell)

    def in_the_reactor(self, answer: bool) -> None:
        """Whether we seem to be in the reactor's own thread."""
        self.patch(logs, "isInIOThread", lambda: answer)

    def tell(self, told: LogEvent) -> None:
        """Remember; an event of level error makes us fail."""
        self.told.append(told["log_format"])
        if told["log_level"] is LogLevel.error:
            raise OSError("no space left on device")

    def test_next_turn(self) -> None:
        """While the reactor runs, events are told in its next turn, in order."""
        for name in "abc":
            self.unhurried(event(format=name))
        self.assertEqual((self.told, len(self.reactor.calls)), ([], 1))
        self.reactor.turn()
        self.assertEqual(self.told, ["a", "b", "c"])
        self.unhurried(event(format="d"))
        self.reactor.turn()
        self.assertEqual(self.told, ["a", "b", "c", "d"])

    def test_before_and_after(self) -> None:
        """While the reactor does not run, nothing waits for its turn."""
        self.reactor.running = False
        self.unhurried(event(format="a"))
        self.assertEqual(self.told, ["a"])

    def test_other_thread(self) -> None:
        """In another thread nothing waits either: it has no turns to wait for."""
        self.in_the_reactor(False)
        self.unhurried(event(format="a"))
        self.assertEqual((self.told, self.reactor.calls), (["a"], []))

    def test_last_words(self) -> None:
        """What is still waiting when the reactor ends is told then."""
        self.unhurried(event(format="a"))
        for call in self.reactor.at_the_end:
            call()
        self.assertEqual(self.told, ["a"])
        self.reactor.turn()
        self.assertEqual(self.told, ["a"])

    def test_failing_observer(self) -> None:
        """A line that cannot be written costs no other line, now or later."""
        self.unhurried(event(LogLevel.error, "a"))
        for name in "bc":
            self.unhurried(event(format=name))
        self.reactor.turn()
        self.assertEqual((self.told, self.unhurried.lost), (["a", "b", "c"], 1))
        self.unhurried(event(format="d"))
        self.reactor.turn()
        self.assertEqual(self.told, ["a", "b", "c", "d"])


class BeginTests(SynchronousTestCase):
    """What the command line asks for."""

    def begun(self, **wanted: Any) -> ILogObserver:
        """The observer that logging begins with."""
        begun: list[Any] = []
        self.patch(
            globalLogBeginner,
            "beginLoggingTo",
            lambda observers, redirectStandardIO: begun.extend(observers),
        )
        reactor = Turns()
        reactor.running = False
        logs.begin(reactor, **wanted)
        observer: ILogObserver = begun[0]
        return observer

    def lines(self, **wanted: Any) -> list[str]:
        """What one event of each level writes to standard output."""
        out = io.StringIO()
        self.patch(sys, "stdout", out)
        observer = self.begun(**wanted)
        for name in ("debug", "info", "warn", "error", "critical"):
            Logger(observer=observer).emit(LogLevel.lookupByName(name), name)
        return [line.split()[-1] for line in out.getvalue().splitlines()]

    def without_journal(self) -> None:
        """Not under systemd."""
        environment = {k: v for k, v in os.environ.items() if k != "JOURNAL_STREAM"}
        self.patch(os, "environ", environment)

    def test_level(self) -> None:
        """Details are written only for those who ask for them."""
        self.without_journal()
        self.assertEqual(self.lines(), ["info", "warn", "error", "critical"])
        self.assertEqual(
            self.lines(detail=True), ["debug", "info", "warn", "error", "critical"]
        )

    def test_journal_is_recognised(self) -> None:
        """Under systemd the lines are those of the journal."""
        self.patch(os, "environ", {**os.environ, "JOURNAL_STREAM": "8:1"})
        self.assertEqual(
            self.lines(), ["<6>info", "<4>warn", "<3>error", "<2>critical"]
        )

    def test_syslog(self) -> None:
        """The system log, where it is asked for."""
        where = logs.destination(syslog=True)
        self.assertIsInstance(where, Syslog)
        assert isinstance(where, Syslog)
        where._socket.close()

    def test_standard_output(self) -> None:
        """Standard output otherwise, with the time."""
        self.without_journal()
        out = io.StringIO()
        self.patch(sys, "stdout", out)
        logs.destination()(event())
        self.assertRegex(out.getvalue(), r"^20\d\d-\d\d-\d\dT.* \(VI_1\) said\n$")
