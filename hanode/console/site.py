"""The resources of the http service: JSON in, JSON out.

This module loads twisted.web; nothing imports it before the node has started.
"""

from __future__ import annotations

import json
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import suppress
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.internet.task import CooperativeTask, Cooperator, TaskFinished, TaskStopped
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site
from zope.interface import implementer

from hanode.console.admission import BODY_LIMIT, Admission
from hanode.console.answers import ANY, LISTENS, Answer, Answers, Path
from hanode.console.pages import POLICY, Page, pages
from hanode.console.refusal import Refusal
from hanode.console.stream import EventStream
from hanode.console.token import TokenFile
from hanode.console.verbs import Verbs
from hanode.console.view import View
from hanode.taking_turns import after

SLICE = 0.001  # seconds of writing before others get their turn
PATIENCE = 1 << 20  # octets of a request's body after which we hang up
READING_TIME = 30.0  # seconds in which somebody must read what was sent
READING = (b"GET", b"HEAD")


class BoundedRequest(Request):
    """A request that keeps no more of its body than we would ever read."""

    taken = 0

    def handleContentChunk(self, data: bytes) -> None:
        """Keep the beginning; hang up on somebody who never ends."""
        before, self.taken = self.taken, self.taken + len(data)
        if before <= BODY_LIMIT:
            super().handleContentChunk(data[: BODY_LIMIT + 1 - before])
        if self.taken > PATIENCE:
            transport: Any = self.transport
            transport.abortConnection()


class QuietSite(Site):
    """A site without an access log: a daemon is polled all day."""

    noisy = False
    requestFactory = BoundedRequest

    def __init__(self, resource: Resource, stream: EventStream) -> None:
        super().__init__(resource)
        self._stream = stream

    def logPrefix(self) -> str:
        """Who we are in Twisted's own lines."""
        return "http"

    def startFactory(self) -> None:
        """Open no log, and have no clock tick each second for its time stamps."""

    def stopFactory(self) -> None:
        """Nobody listens to events any more."""
        self._stream.stop()

    def log(self, request: Any) -> None:
        """Write nothing."""


class Api(Resource):
    """Everything below C{/}."""

    isLeaf = True
    log = Logger()

    def __init__(self, answers: Answers, admission: Admission, reactor: Any) -> None:
        super().__init__()
        self._admission, self._reactor = admission, reactor
        self._pages = pages()
        self._cooperator = Cooperator(terminationPredicateFactory=after(SLICE))
        self._routes = answers.routes()

    def render(self, request: Request) -> bytes | int:
        """Answer; an exception becomes status 500 and a line in the log."""
        answer = None
        try:
            answer = self._answer(request)
        except Exception:
            answer = self._refuse(request, Failure())
        for name, value in (
            ("content-type", "application/json"),
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("server", "hanode"),
        ):
            request.setHeader(name, value)
        if answer is LISTENS:
            return NOT_DONE_YET
        if isinstance(answer, Page):
            request.setHeader("content-type", answer.type)
            request.setHeader("content-security-policy", POLICY)
            request.setHeader("referrer-policy", "no-referrer")
            return answer.data
        if isinstance(answer, Coroutine):
            self._await(request, answer)
            return NOT_DONE_YET
        if isinstance(answer, Iterator):
            self._tell(request, answer)
            return NOT_DONE_YET
        return json.dumps(answer, allow_nan=False).encode() + b"\n"

    def _refuse(self, request: Request, failure: Failure) -> dict[str, Any]:
        """What somebody is told whose request came to nothing."""
        refusal = failure.value
        if not isinstance(refusal, Refusal):
            self.log.failure("http: {path} failed", failure, path=request.uri)
            request.setResponseCode(500)
            return {"error": "this failed; the log says why"}
        request.setResponseCode(refusal.status)
        for name, value in refusal.headers.items():
            request.setHeader(name, value)
        return {"error": refusal.text, **refusal.more}

    def _await(self, request: Request, answer: Coroutine[Any, Any, Any]) -> None:
        """Tell what C{answer} comes to, unless nobody waits for it any more."""
        gone: list[object] = []
        request.notifyFinish().addErrback(gone.append)
        waiting = Deferred.fromCoroutine(answer)
        waiting.addErrback(lambda failure: self._refuse(request, failure))

        def tell(found: Any) -> None:
            if gone:
                return
            if not isinstance(found, Iterator):
                found = iter([json.dumps(found, allow_nan=False)])
            self._tell(request, found)

        waiting.addCallback(tell)

    def _tell(self, request: Request, pieces: Iterator[str]) -> None:
        """Write a long answer, a thousandth of a second's worth at a time."""

        def write() -> Iterator[None]:
            for piece in pieces:
                if piece:
                    request.write(piece.encode())
                yield
            request.write(b"\n")
            request.unregisterProducer()
            request.finish()

        task = self._cooperator.cooperate(write())
        request.registerProducer(Telling(task, request, self._reactor), True)
        # Who hangs up gets no more; a task that has ended cannot be stopped.
        request.notifyFinish().addErrback(lambda _: _stop(task))
        ended = task.whenDone()
        ended.addErrback(lambda failure: self._break_off(request, failure))

    def _break_off(self, request: Request, failure: Failure) -> None:
        """What was being told came to nothing in the middle."""
        if failure.check(TaskStopped):
            return
        request.unregisterProducer()
        if request.startedWriting:
            # Its status was 200: that it is not whole must be seen by its end.
            self.log.failure("http: {path} failed", failure, path=request.uri)
            transport: Any = request.transport
            transport.abortConnection()
            return
        told = json.dumps(self._refuse(request, failure)).encode()
        request.write(told + b"\n")
        request.finish()

    # -- routing

    def _answer(self, request: Request) -> Any:
        self._admission.reader(request)
        path = _path(request)
        page = self._pages.get(path[0] if path else "")
        if page is not None and len(path) < 2 and request.method in READING:
            return page
        route = self._route(path)
        method = request.method.decode("ascii", "replace")
        answer = route.get("GET" if method == "HEAD" else method)
        if answer is None:
            allow = sorted({*route, "HEAD"})
            headers = {"allow": ", ".join(allow)}
            text = f"{method} is not possible here"
            raise Refusal(405, text, headers, allow=allow)
        return answer(request, path)

    def _route(self, path: Path) -> Mapping[str, Answer]:
        for pattern, route in self._routes.items():
            if len(pattern) == len(path) and all(
                word in (ANY, segment)
                for word, segment in zip(pattern, path, strict=True)
            ):
                return route
        raise Refusal(
            404,
            f"there is no /{'/'.join(path)}",
            known=["/" + "/".join(each).replace(ANY, "NAME") for each in self._routes],
        )


@implementer(IPushProducer)
class Telling:
    """A long answer that waits while its reader does not read, but not for ever."""

    def __init__(
        self, task: CooperativeTask[Any], request: Request, reactor: Any
    ) -> None:
        self._task, self._request, self._reactor = task, request, reactor
        self._call: Any = None

    def pauseProducing(self) -> None:
        """It does not read as fast as we write."""
        if self._call is None:
            self._task.pause()
            self._call = self._reactor.callLater(READING_TIME, self._give_up)

    def resumeProducing(self) -> None:
        """It has read what was sent."""
        if self._call is not None:
            self._call.cancel()
            self._call = None
            self._task.resume()

    def stopProducing(self) -> None:
        """It has gone; the task is stopped by who waits for the request's end."""
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _give_up(self) -> None:
        self._call = None
        transport: Any = self._request.transport
        if transport is not None:
            transport.abortConnection()


def make_site(view: View, verbs: Verbs, reactor: Any, token: TokenFile) -> Site:
    """The site to listen with."""
    admission = Admission(token, reactor.seconds)
    stream = EventStream(view.board, view.times, reactor)
    answers = Answers(view, verbs, stream, admission)
    return QuietSite(Api(answers, admission, reactor), stream)


def _stop(task: CooperativeTask[Any]) -> None:
    with suppress(TaskFinished):
        task.stop()


def _path(request: Request) -> Path:
    words = [each.decode("utf-8", "replace") for each in request.postpath or ()]
    return tuple(words[:-1] if words and not words[-1] else words)
