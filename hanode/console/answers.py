"""What is answered at which path, and to which method."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Any

from twisted.web.server import Request

from hanode.console.admission import Admission, body
from hanode.console.families import Sample
from hanode.console.metrics import CONTENT_TYPE, exposition
from hanode.console.openapi import document
from hanode.console.refusal import Refusal, unknown
from hanode.console.stream import EVENT_STREAM, EventStream
from hanode.console.verbs import Verbs
from hanode.console.view import View

LISTENS = object()  # the answer goes on as long as somebody listens
ANY = "*"  # any one segment of a path
Path = tuple[str, ...]
Answer = Callable[[Request, Path], Any]
Routes = Mapping[Path, Mapping[str, Answer]]


class Answers:
    """The answers of one service: plain data, JSON in pieces, or a coroutine of them.

    Each of them raises L{Refusal} when it comes to nothing.
    """

    def __init__(
        self, view: View, verbs: Verbs, stream: EventStream, admission: Admission
    ) -> None:
        self._view, self._verbs = view, verbs
        self._stream, self._admission = stream, admission

    def routes(self) -> Routes:
        """What there is; L{ANY} stands for a name."""
        view = self._view
        api: Mapping[Path, Mapping[str, Answer]] = {
            ("status",): {"GET": lambda request, path: view.status_pieces()},
            ("vrrp",): {"GET": lambda request, path: view.vrrp_pieces()},
            ("vrrp", ANY): {"GET": self._vrrp, "POST": self._send_away},
            ("why", ANY): {"GET": self._why},
            ("bfd",): {"GET": lambda request, path: view.bfd()},
            ("bfd", ANY): {"GET": self._bfd, "POST": self._bfd_admin},
            ("lateness",): {"GET": lambda request, path: view.lateness()},
            ("lvs",): {"GET": lambda request, path: view.lvs()},
            ("lvs", ANY): {"GET": self._lvs, "POST": self._lvs_admin},
            ("facts",): {"GET": lambda request, path: view.facts_pieces()},
            ("events",): {"GET": self._events},
            ("reactor",): {"GET": lambda request, path: view.reactor()},
            ("reload",): {"POST": self._reload},
            ("compare",): {"POST": self._compare},
            ("openapi.json",): {"GET": lambda request, path: document()},
        }
        return {
            ("healthz",): {"GET": lambda request, path: {"status": "ok"}},
            ("readyz",): {"GET": self._ready},
            ("metrics",): {"GET": self._metrics},
            **{("api", "v1", *path): route for path, route in api.items()},
        }

    # -- the whole node

    def _reload(self, request: Request, path: Path) -> Any:
        self._admission.writer(request)
        if not isinstance(body(request), dict):
            raise Refusal(400, "wanted: {}")
        return self._verbs.reload()

    def _compare(self, request: Request, path: Path) -> Any:
        self._admission.writer(request)
        wish = body(request)
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

    # -- one session, one instance, one server

    def _bfd(self, request: Request, path: Path) -> Any:
        session = self._view.session(path[-1])
        if session is None:
            raise unknown("BFD session", path[-1], self._verbs.bfd_names())
        return session

    def _why(self, request: Request, path: Path) -> Any:
        text = self._view.why(path[-1])
        if text is None:
            raise unknown("VRRP instance", path[-1], self._verbs.instance_names())
        return {"name": path[-1], "why": text}

    def _vrrp(self, request: Request, path: Path) -> Any:
        instance = self._view.instance(path[-1])
        if instance is None:
            raise unknown("VRRP instance", path[-1], self._verbs.instance_names())
        return instance

    def _send_away(self, request: Request, path: Path) -> Any:
        wish = self._wish(request, "drain", "undrain")
        try:
            names = self._verbs.send_away(path[-1], wish == "drain")
        except LookupError:
            known = self._verbs.instance_names()
            raise unknown("VRRP instance", path[-1], known) from None
        return {"names": names, "admin": wish}

    async def _lvs(self, request: Request, path: Path) -> Any:
        server = await self._view.virtual_server(path[-1])
        if server is None:
            known = self._view.virtual_server_names()
            raise unknown("virtual server", path[-1], known)
        return server

    def _lvs_admin(self, request: Request, path: Path) -> Any:
        wish, name = self._wish(request, "drain", "undrain"), path[-1]
        try:
            self._verbs.drain(name, wish == "drain")
        except LookupError:
            known = self._verbs.real_names()
            raise unknown("real server", name, known) from None
        return {"name": name, "admin": wish}

    def _bfd_admin(self, request: Request, path: Path) -> Any:
        wish, name = self._wish(request, "up", "down"), path[-1]
        try:
            self._verbs.bfd_admin(name, wish == "up")
        except LookupError:
            known = self._verbs.bfd_names()
            raise unknown("BFD session", name, known) from None
        return {"name": name, "admin": wish}

    def _wish(self, request: Request, *wishes: str) -> str:
        """What the operator wants, one of C{wishes}."""
        self._admission.writer(request)
        told = body(request)
        wish = told.get("admin") if isinstance(told, dict) else None
        if wish not in wishes:
            wanted = " or ".join(f'{{"admin": "{each}"}}' for each in wishes)
            raise Refusal(400, f"wanted: {wanted}")
        return str(wish)
