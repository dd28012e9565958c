"""The resources of the http service: JSON in, JSON out.

This module loads twisted.web; nothing imports it before the node has started.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from twisted.internet.address import UNIXAddress
from twisted.internet.defer import Deferred
from twisted.internet.task import Cooperator, TaskStopped
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from hanode.console.families import Sample
from hanode.console.metrics import CONTENT_TYPE, exposition
from hanode.console.pages import POLICY, Page, pages
from hanode.console.stream import EVENT_STREAM, EventStream
from hanode.console.verbs import Verbs
from hanode.console.view import View
from hanode.taking_turns import after

BODY_LIMIT = 4096  # octets of a request's body that we look at
SLICE = 0.001  # seconds of writing before others get their turn
PATIENCE = 1 << 20  # octets of it after which we hang up
READING = (b"GET", b"HEAD")
LISTENS = object()  # the answer goes on as long as somebody listens
Path = tuple[str, ...]
Answer = Callable[[Request, Path], Any]


class Refusal(Exception):
    """A request that is answered with an error; C{more} are further JSON members."""

    def __init__(self, status: int, text: str, **more: Any) -> None:
        super().__init__(text)
        self.status, self.text, self.more = status, text, more


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

    def __init__(self, view: View, verbs: Verbs, stream: EventStream) -> None:
        super().__init__()
        self._view, self._verbs, self._stream = view, verbs, stream
        self._pages = pages()
        self._cooperator = Cooperator(terminationPredicateFactory=after(SLICE))
        #: "*" stands for any one segment
        self._routes: Mapping[Path, Mapping[str, Answer]] = {
            ("healthz",): {"GET": lambda request, path: {"status": "ok"}},
            ("api", "v1", "bfd"): {"GET": lambda request, path: self._view.bfd()},
            ("api", "v1", "bfd", "*"): {"GET": self._bfd, "POST": self._bfd_admin},
            ("api", "v1", "lateness"): {
                "GET": lambda request, path: self._view.lateness()
            },
            ("api", "v1", "status"): {"GET": lambda request, path: self._view.status()},
            ("api", "v1", "why", "*"): {"GET": self._why},
            ("api", "v1", "vrrp"): {"GET": lambda request, path: self._view.vrrp()},
            ("api", "v1", "vrrp", "*"): {"GET": self._vrrp, "POST": self._send_away},
            ("api", "v1", "lvs"): {"GET": lambda request, path: self._view.lvs()},
            ("api", "v1", "lvs", "*"): {"GET": self._lvs, "POST": self._lvs_admin},
            ("api", "v1", "facts"): {"GET": lambda request, path: self._view.facts()},
            ("api", "v1", "events"): {"GET": self._events},
            ("api", "v1", "reactor"): {
                "GET": lambda request, path: self._view.reactor()
            },
            ("api", "v1", "reload"): {"POST": self._reload},
            ("api", "v1", "compare"): {"POST": self._compare},
            ("readyz",): {"GET": self._ready},
            ("metrics",): {"GET": self._metrics},
        }

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
        if "allow" in refusal.more:
            request.setHeader("allow", ", ".join(refusal.more["allow"]))
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
            request.finish()

        task = self._cooperator.cooperate(write())
        # Who hangs up gets no more; a task that has ended cannot be stopped.
        request.notifyFinish().addErrback(lambda _: task.stop())
        task.whenDone().addErrback(lambda failure: failure.trap(TaskStopped))

    # -- routing

    def _answer(self, request: Request) -> Any:
        path = _path(request)
        page = self._pages.get(path[0] if path else "")
        if page is not None and len(path) < 2 and request.method in READING:
            return page
        route = self._route(path)
        method = request.method.decode("ascii", "replace")
        answer = route.get("GET" if method == "HEAD" else method)
        if answer is None:
            allow = sorted({*route, "HEAD"})
            raise Refusal(405, f"{method} is not possible here", allow=allow)
        return answer(request, path)

    def _route(self, path: Path) -> Mapping[str, Answer]:
        for pattern, route in self._routes.items():
            if len(pattern) == len(path) and all(
                word in ("*", segment)
                for word, segment in zip(pattern, path, strict=True)
            ):
                return route
        raise Refusal(
            404,
            f"there is no /{'/'.join(path)}",
            known=["/" + "/".join(each).replace("*", "NAME") for each in self._routes],
        )

    def _reload(self, request: Request, path: Path) -> Any:
        _from_this_machine(request)
        return self._verbs.reload()

    def _compare(self, request: Request, path: Path) -> Any:
        _from_this_machine(request)
        wish = _body(request)
        file = wish.get("path") if isinstance(wish, dict) else 0
        if file is not None and not isinstance(file, str):
            raise Refusal(400, 'wanted: {} or {"path": "/etc/hanode/new.conf"}')
        return self._verbs.compare(file)

    def _ready(self, request: Request, path: Path) -> Any:
        """Whether this node does its work yet."""
        waiting = self._view.readiness()
        if waiting:
            raise Refusal(503, "not ready", waiting=waiting)
        return {"status": "ready"}

    async def _metrics(self, request: Request, path: Path) -> Iterator[str]:
        samples = await self._view.samples()
        request.setHeader("content-type", CONTENT_TYPE)
        stream: list[Sample] = [
            ("hanode_event_listeners", {}, len(self._stream)),
            ("hanode_event_listeners_dropped", {}, self._stream.dropped),
        ]
        return exposition(chain(samples, stream))

    def _events(self, request: Request, path: Path) -> Any:
        """The latest events, or for who asks so all that will come."""
        wanted = request.getHeader("accept") or ""
        if request.method != b"GET" or EVENT_STREAM not in wanted:
            return self._view.events()
        if not self._stream.join(request):
            raise Refusal(503, "there are too many listeners")
        return LISTENS

    # -- one session, one instance

    def _bfd(self, request: Request, path: Path) -> Any:
        session = self._view.session(path[-1])
        if session is None:
            raise _unknown("BFD session", path[-1], self._verbs.bfd_names())
        return session

    def _why(self, request: Request, path: Path) -> Any:
        text = self._view.why(path[-1])
        if text is None:
            names = [each["name"] for each in self._view.instances()]
            raise _unknown("VRRP instance", path[-1], names)
        return {"name": path[-1], "why": text}

    def _vrrp(self, request: Request, path: Path) -> Any:
        return _named("VRRP instance", path[-1], self._view.vrrp()["instances"])

    def _send_away(self, request: Request, path: Path) -> Any:
        wish = _wish(request, "drain", "undrain")
        try:
            names = self._verbs.send_away(path[-1], wish == "drain")
        except LookupError:
            known = self._verbs.instance_names()
            raise _unknown("VRRP instance", path[-1], known) from None
        return {"names": names, "admin": wish}

    async def _lvs(self, request: Request, path: Path) -> Any:
        server = await self._view.virtual_server(path[-1])
        if server is None:
            known = self._view.virtual_server_names()
            raise _unknown("virtual server", path[-1], known)
        return server

    def _lvs_admin(self, request: Request, path: Path) -> Any:
        wish, name = _wish(request, "drain", "undrain"), path[-1]
        try:
            self._verbs.drain(name, wish == "drain")
        except LookupError:
            known = self._verbs.real_names()
            raise _unknown("real server", name, known) from None
        return {"name": name, "admin": wish}

    def _bfd_admin(self, request: Request, path: Path) -> Any:
        wish, name = _wish(request, "up", "down"), path[-1]
        try:
            self._verbs.bfd_admin(name, wish == "up")
        except LookupError:
            known = self._verbs.bfd_names()
            raise _unknown("BFD session", name, known) from None
        return {"name": name, "admin": wish}


def make_site(view: View, verbs: Verbs, reactor: Any) -> Site:
    """The site to listen with."""
    stream = EventStream(view.board, view.times, reactor)
    return QuietSite(Api(view, verbs, stream), stream)


def _named(what: str, name: str, records: list[Any]) -> Any:
    for record in records:
        if record["name"] == name:
            return record
    raise _unknown(what, name, (each["name"] for each in records))


def _unknown(what: str, name: str, known: Iterable[str]) -> Refusal:
    return Refusal(404, f"there is no {what} {name!r}", known=sorted(known))


def _path(request: Request) -> Path:
    words = [each.decode("utf-8", "replace") for each in request.postpath or ()]
    return tuple(words[:-1] if words and not words[-1] else words)


def _from_this_machine(request: Request) -> None:
    """Who may open the unix socket may write; a port has no such guard."""
    if not isinstance(request.getHost(), UNIXAddress):
        raise Refusal(403, "this is possible only over the unix socket")


def _wish(request: Request, *wishes: str) -> str:
    """What the operator on this machine wants, one of C{wishes}."""
    _from_this_machine(request)
    body = _body(request)
    wish = body.get("admin") if isinstance(body, dict) else None
    if wish not in wishes:
        wanted = " or ".join(f'{{"admin": "{each}"}}' for each in wishes)
        raise Refusal(400, f"wanted: {wanted}")
    return str(wish)


def _body(request: Request) -> Any:
    data = request.content.read(BODY_LIMIT + 1) if request.content else b""
    if len(data) > BODY_LIMIT:
        raise Refusal(413, f"the body has more than {BODY_LIMIT} octets")
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as problem:
        raise Refusal(400, f"the body is not JSON: {problem}") from None
