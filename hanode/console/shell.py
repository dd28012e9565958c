"""What answers behind the ssh port: a Python prompt, or verbs only.

This module loads twisted.conch; nothing imports it before the node has started.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from rlcompleter import Completer
from typing import Any

from twisted.conch.insults.insults import ServerProtocol
from twisted.conch.manhole import ColoredManhole, ManholeInterpreter
from twisted.conch.recvline import HistoricRecvLine
from twisted.internet.defer import Deferred
from twisted.internet.protocol import connectionDone
from twisted.logger import (
    ILogObserver,
    LogEvent,
    Logger,
    formatEvent,
    globalLogPublisher,
)
from twisted.python.failure import Failure
from zope.interface import implementer

from hanode.console.limit import TookTooLong, limited
from hanode.console.prompt import Prompt, Text, Verb, help_of
from hanode.console.table import printable

FILE = "<console>"  # what the typed code calls its file
OFFERS = 60  # completions shown at once
KEYS, PAUSE = 32, 0.002  # so many at a time, with a pause of so many seconds
MOST_TYPED = 1 << 16  # octets that wait; more is no typing
COLOURED = 200  # characters of a line; what is longer takes too long to look at
BURST = 100  # lines of the log that one terminal gets in a second
TAB, CTRL_C, CTRL_D = b"\t", b"\x03", b"\x04"
_NAME = re.compile(rb"[A-Za-z_][\w.]*\Z")

log = Logger()


def run(verbs: Mapping[str, Verb], words: Iterable[str]) -> Any:
    """What the verb C{words[0]} shows for the rest of them.

    Raises L{LookupError} with what to type instead.
    """
    name, *rest = words
    verb = verbs.get(name)
    if verb is None:
        raise LookupError(f"there is no {name!r}; there are: {', '.join(verbs)}")
    if name == "help" and not rest:
        return help_of(verbs, in_words=True)
    try:
        return verb(*(int(each) if each.isdecimal() else each for each in rest))
    except TypeError:
        raise LookupError(f"type {verb.in_words}") from None


@implementer(ILogObserver)
class Tail:
    """The log on a terminal, as it is written, until it is stopped."""

    def __init__(self, write: Callable[[str], object], reactor: Any) -> None:
        self._write, self._reactor = write, reactor
        self._left, self._lost = BURST, 0
        self._call: Any = None

    @property
    def running(self) -> bool:
        """Whether lines are written."""
        return self._call is not None

    def start(self) -> None:
        """From now on."""
        if not self.running:
            globalLogPublisher.addObserver(self)
            self._refill()

    def stop(self) -> None:
        """No more."""
        if self.running:
            self._call.cancel()
            self._call = None
            globalLogPublisher.removeObserver(self)

    def __call__(self, event: LogEvent) -> None:
        """One line of the log."""
        if self._left == 0:
            self._lost += 1
            return
        self._left -= 1
        text = formatEvent(event)
        # In a later turn: a line that is logged while we write must not come back.
        self._reactor.callLater(0, self._tell, text)

    def _tell(self, text: str) -> None:
        if self.running:
            self._write(printable(text))

    def _refill(self) -> None:
        self._call = self._reactor.callLater(1.0, self._refill)
        lost, self._lost, self._left = self._lost, 0, BURST
        if lost:
            self._write(f"... and {lost} more lines")


class Interpreter(ManholeInterpreter):
    """Python that shows text as it is, and is ended when it takes too long."""

    def runcode(self, *args: Any, **named: Any) -> None:
        """Run what was typed."""
        try:
            with limited(FILE):
                super().runcode(*args, **named)
        except SystemExit:
            self.handler.terminal.loseConnection()

    def excepthook(self, kind: Any, value: Any, trace: Any) -> None:
        """Show what went wrong; note what was ended."""
        if isinstance(value, TookTooLong):
            log.warn("console: what was typed was {problem}", problem=value)
            self.write(f"TookTooLong: {value}")
            return
        super().excepthook(kind, value, trace)

    def displayhook(self, value: Any) -> None:
        """Show a value; what must be waited for is shown when it is there."""
        if isinstance(value, Deferred) and not hasattr(value, "result"):
            value.addCallbacks(self._came, self._failed)
            return
        if isinstance(value, Deferred) and isinstance(value.result, Text):
            value = value.result
        super().displayhook(value)

    def _came(self, result: Any) -> Any:
        self.write(str(result) if isinstance(result, Text) else repr(result), True)
        return result

    def _failed(self, failure: Failure) -> None:
        self.write(failure.getErrorMessage(), True)


class Terminal(HistoricRecvLine):
    """What both kinds of prompt have in common: the log, and the way out."""

    tail: Tail

    def connectionLost(self, reason: Any) -> None:
        """The terminal has gone."""
        self.tail.stop()
        super().connectionLost(reason)

    def _deliverBuffer(self, buf: Any) -> None:
        """Type what C{buf} holds, octets or a list of them."""
        super()._deliverBuffer(buf if isinstance(buf, bytes) else b"".join(buf))

    def terminalSize(self, width: int, height: int) -> None:
        """Remember it; the screen is left as it is, unlike a full-screen program's."""
        self.width, self.height = width, height


class OperatorPrompt(Terminal, ColoredManhole):
    """A Python prompt inside the daemon, with the verbs as names."""

    def __init__(self, prompt: Prompt, names: Mapping[str, Any], reactor: Any) -> None:
        verbs = prompt.words()
        self.tail = Tail(self._told, reactor)
        text = "the log as it is written, until tail() again"
        verbs["tail"] = Verb(self._tail, "tail()", text)
        ColoredManhole.__init__(self, {**names, **verbs})

    def connectionMade(self) -> None:
        """Greet, and take lines."""
        super().connectionMade()
        self.interpreter = Interpreter(self, self.namespace, FILE)
        self.namespace = self.interpreter.locals
        self.keyHandlers[TAB] = self.handle_TAB

    def initializeScreen(self) -> None:
        """Leave what is on the screen."""
        self.terminal.write(b"hanode: help() lists the verbs, Ctrl-D leaves")
        self.terminal.nextLine()
        self.terminal.write(self.ps[self.pn])
        self.setInsertMode()

    def characterReceived(self, ch: bytes, moreCharactersComing: bool) -> None:
        """Show it, in colours while the line is of a length that people read."""
        long = len(self.lineBuffer) >= COLOURED
        kind = HistoricRecvLine if long else ColoredManhole
        kind.characterReceived(self, ch, moreCharactersComing)

    def _told(self, text: str) -> None:
        self.addOutput(text, True)

    def _tail(self) -> Text:
        (self.tail.stop if self.tail.running else self.tail.start)()
        return Text("the log follows" if self.tail.running else "the log has stopped")

    def handle_TAB(self) -> None:
        """Complete the name before the cursor, or show what it could be."""
        before = b"".join(self.lineBuffer[: self.lineBufferIndex])
        match = _NAME.search(before)
        if match is None:
            for each in (b" ",) * 4:
                self.characterReceived(each, False)
            return
        word = match.group().decode()
        offers = self._offers(word)
        common = os.path.commonprefix(offers)
        if len(common) > len(word):
            self._deliverBuffer(common[len(word) :].encode())
        elif len(offers) > 1:
            self._show(offers)

    def _offers(self, word: str) -> list[str]:
        completer = Completer(self.namespace)
        found: list[str] = []
        # Looking for attributes runs code of whatever they belong to.
        source = "while len(found) < most and (each := complete(word, len(found))):\n"
        source += "    found.append(each)\n"
        names = {"found": found, "most": OFFERS, "word": word}
        names["complete"] = completer.complete
        try:
            with limited(FILE):
                exec(compile(source, FILE, "exec"), names)
        except (Exception, TookTooLong) as problem:
            log.debug("console: no completion of {word}: {p}", word=word, p=problem)
        return [each.rstrip("( ") for each in found]

    def _show(self, offers: list[str]) -> None:
        self.addOutput("\n" + "  ".join(offers) + "\n")
        line, self.lineBuffer = self.lineBuffer, []
        self.lineBufferIndex = 0
        self.terminal.write(self.ps[self.pn])
        self._deliverBuffer(line)


class ViewerPrompt(Terminal):
    """Verbs only, as words: C{vrrp VI_1}."""

    ps = (b"hanode> ", b"hanode> ")

    def __init__(self, prompt: Prompt, reactor: Any) -> None:
        self.tail = Tail(self._told, reactor)
        self._verbs = prompt.words()
        text = "the log as it is written, until tail again"
        self._verbs["tail"] = Verb(self._tail, "tail", text)

    def connectionMade(self) -> None:
        """Take lines."""
        super().connectionMade()
        self.keyHandlers[CTRL_C] = self._forget
        self.keyHandlers[CTRL_D] = self.terminal.loseConnection

    def initializeScreen(self) -> None:
        """Leave what is on the screen."""
        self.terminal.write(b"hanode: help lists the verbs, Ctrl-D leaves")
        self.terminal.nextLine()
        self.terminal.write(self.ps[self.pn])
        self.setInsertMode()

    def lineReceived(self, line: bytes) -> None:
        """Do what it says."""
        try:
            words = shlex.split(line.decode("utf-8", "replace"))
            if words[:1] in (["exit"], ["quit"]):
                self.terminal.loseConnection()
                return
            shown = run(self._verbs, words) if words else Text()
        except (LookupError, ValueError) as problem:
            shown = Text(problem)
        if isinstance(shown, Deferred):
            shown.addErrback(lambda failure: Text(failure.getErrorMessage()))
            shown.addCallback(self._told)
            return
        self._say(str(shown))

    def _forget(self) -> None:
        self.lineBuffer, self.lineBufferIndex = [], 0
        self._say("")

    def _tail(self) -> Text:
        (self.tail.stop if self.tail.running else self.tail.start)()
        return Text("the log follows" if self.tail.running else "the log has stopped")

    def _told(self, text: str) -> None:
        self.terminal.nextLine()
        self._say(text)

    def _say(self, text: str) -> None:
        for each in text.split("\n") if text else ():
            self.terminal.write(each.encode())
            self.terminal.nextLine()
        self.terminal.write(self.ps[0] + b"".join(self.lineBuffer))


class Screen(ServerProtocol):
    """The terminal of somebody else: whatever is on it stays when we go.

    What is typed is taken a few keys at a time, and a line at a time: a page that is
    pasted, or ten loops one after the other, must not hold up the packets of others.
    """

    def __init__(self, terminal: Terminal, reactor: Any) -> None:
        super().__init__(lambda: terminal)
        self._reactor = reactor
        self._typed = b""
        self._next: Any = None

    def dataReceived(self, data: bytes) -> None:
        """Take what is typed, or keep it for a later turn."""
        self._typed += data
        if len(self._typed) > MOST_TYPED:
            self.loseConnection()
        elif self._next is None:
            self._take()

    def _take(self) -> None:
        end = self._typed.find(b"\r", 0, KEYS) + 1 or KEYS
        keys, self._typed = self._typed[:end], self._typed[end:]
        self._next = self._reactor.callLater(PAUSE, self._go_on)
        super().dataReceived(keys)

    def _go_on(self) -> None:
        self._next = None
        if self._typed:
            self._take()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Nobody types any more."""
        if self._next is not None:
            self._next.cancel()
            self._next = None
        super().connectionLost(reason)

    def loseConnection(self) -> None:
        """Go."""
        transport: Any = self.transport
        transport.loseConnection()
