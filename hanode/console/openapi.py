"""The description of the http service for machines: OpenAPI 3.1."""

from __future__ import annotations

from functools import cache
from typing import Any

from hanode.console.schemas import (
    SCHEMAS,
    TEXT,
    Schema,
    counts,
    listed,
    one_of,
    record,
    ref,
)

JSON = "application/json"
OPENMETRICS = "application/openmetrics-text"
STREAM = "text/event-stream"

#: by status: what an error means
_ERRORS = {
    400: "The body is not what is wanted",
    401: "A token is wanted, or it is wrong",
    403: "Not over TCP: no token is configured, or its file cannot be used",
    404: "There is no such thing; `known` is what there is",
    405: "Not with this method",
    413: "The body is too long",
    415: "The body is to be JSON",
    421: "Over loopback only localhost and addresses are answered for",
    500: "This failed; the log says why",
    503: "Not now",
}
#: what any request may come to, whatever it asks for
_ALWAYS = (421,)
_WRITING = (400, 401, 403, 413, 415)
_NAME = {
    "name": "name",
    "in": "path",
    "required": True,
    "description": "as the configuration has it",
    "schema": {"type": "string", "minLength": 1},
}


@cache
def document() -> dict[str, Any]:
    """The whole document; nobody may change it."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "hanode",
            "version": "1",
            "description": (
                "How a node stands, and a few wishes of its operator. Whoever may open"
                " the unix socket may write; over TCP that takes a bearer token."
            ),
            "license": {"name": "GPL-2.0-or-later", "identifier": "GPL-2.0-or-later"},
        },
        "servers": [{"url": "/"}],
        "paths": {
            path: {
                method: _operation(path, method, *each) for method, each in it.items()
            }
            for path, it in _paths().items()
        },
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


_TOLD = record(name=TEXT, admin=TEXT)


def _paths() -> dict[str, dict[str, tuple[Any, ...]]]:
    """By path and method: what it is for, its answer, and further arguments."""
    return {**_of_node(), **_of_vrrp(), **_of_bfd(), **_of_balance(), **_of_daemon()}


def _of_node() -> dict[str, dict[str, tuple[Any, ...]]]:
    healthy = record(status=one_of("ok"))
    ready = record(status=one_of("ready"))
    return {
        "/healthz": {"get": ("The daemon lives", healthy)},
        "/readyz": {"get": ("Every instance has begun", ready, (503,))},
        "/metrics": {"get": ("Metrics for Prometheus", None)},
        "/api/v1/status": {"get": ("This node in one screen", ref("Status"))},
    }


def _of_vrrp() -> dict[str, dict[str, tuple[Any, ...]]]:
    vrrp = record(instances=listed(ref("Instance")), groups=listed(ref("Group")))
    return {
        "/api/v1/vrrp": {"get": ("VRRP instances and sync groups", vrrp)},
        "/api/v1/vrrp/{name}": {
            "get": ("One VRRP instance", ref("Instance"), (404,)),
            "post": (
                "Let another node be master, or take it back",
                record(names=listed(TEXT), admin=one_of("drain", "undrain")),
                (404,),
                _wish("drain", "undrain"),
            ),
        },
        "/api/v1/why/{name}": {
            "get": (
                "Why a VRRP instance is in its state, in words",
                record(name=TEXT, why=TEXT),
                (404,),
            )
        },
    }


def _of_bfd() -> dict[str, dict[str, tuple[Any, ...]]]:
    return {
        "/api/v1/bfd": {"get": ("BFD sessions", _sessions())},
        "/api/v1/bfd/{name}": {
            "get": ("One BFD session", ref("Session"), (404,)),
            "post": ("Disable or enable it", _TOLD, (404,), _wish("up", "down")),
        },
        "/api/v1/lateness": {
            "get": ("How late our own BFD packets were", ref("Lateness"))
        },
    }


def _of_balance() -> dict[str, dict[str, tuple[Any, ...]]]:
    return {
        "/api/v1/lvs": {"get": ("Virtual servers and their pools", _servers())},
        "/api/v1/lvs/{name}": {
            "get": (
                "One virtual server",
                ref("VirtualServer"),
                (404,),
            ),
            "post": (
                "Let a real server rest (VIRTUAL/REAL, or REAL everywhere)",
                _TOLD,
                (404,),
                _wish("drain", "undrain"),
            ),
        },
    }


def _of_daemon() -> dict[str, dict[str, tuple[Any, ...]]]:
    return {
        "/api/v1/facts": {
            "get": ("Everything that is known", record(facts=listed(ref("Fact"))))
        },
        "/api/v1/events": {"get": ("What has happened", _events(), (503,))},
        "/api/v1/reactor": {"get": ("How promptly it comes round", ref("Reactor"))},
        "/api/v1/reload": {
            "post": ("Read the configuration again", ref("Outcome"), (), None)
        },
        "/api/v1/compare": {
            "post": ("What a reload would do", ref("Outcome"), (), _file())
        },
        "/api/v1/openapi.json": {
            "get": ("This document", {"type": "object", "required": ["openapi"]})
        },
    }


def _operation(
    path: str,
    method: str,
    summary: str,
    answer: Schema | None,
    errors: tuple[int, ...] = (),
    *body: Schema | None,
) -> dict[str, Any]:
    found: dict[str, Any] = {"summary": summary, "operationId": _id(path, method)}
    if "{name}" in path:
        found["parameters"] = [_NAME]
    if path.endswith("/events"):
        found["parameters"] = [_last()]
    statuses = {*errors, *_ALWAYS}
    if method == "post":
        statuses |= set(_WRITING)
        found["security"] = [{}, {"token": []}]
        found["requestBody"] = _body(body[0])
    answers = {"200": _answer(path, answer)}
    answers |= {str(status): _error(status) for status in sorted(statuses)}
    return {**found, "responses": answers}


def _id(path: str, method: str) -> str:
    words = path.removeprefix("/api/v1").replace("{name}", "one").split("/")
    return "_".join([method, *filter(None, words)]).replace(".", "_")


def _answer(path: str, schema: Schema | None) -> dict[str, Any]:
    if schema is None:
        return {
            "description": "OpenMetrics",
            "content": {OPENMETRICS: {"schema": TEXT}},
        }
    content: dict[str, Any] = {JSON: {"schema": schema}}
    if path.endswith("/events"):
        content[STREAM] = {"schema": TEXT}
    return {"description": "As asked", "content": content}


def _error(status: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "description": _ERRORS[status],
        "content": {JSON: {"schema": ref("Error")}},
    }
    if status == 401:
        found["headers"] = {"WWW-Authenticate": {"required": True, "schema": TEXT}}
    return found


def _body(schema: Schema | None) -> dict[str, Any]:
    wanted: Schema = {"type": "object"} if schema is None else schema
    return {"required": True, "content": {JSON: {"schema": wanted}}}


def _wish(*words: str) -> Schema:
    return record(admin=one_of(*words))


def _file() -> Schema:
    path = {"type": ["string", "null"], "description": "another file than its own"}
    return record(path_opt=path)


def _sessions() -> Schema:
    return record(
        sessions=listed(ref("Session")),
        states=counts("sessions by state"),
        stalls=record(
            count=SCHEMAS["Session"]["properties"]["sent"],
            latest={"type": "number"},
            worst={"type": "number"},
        ),
        rejected=counts("packets that belong to no session, by reason"),
        lateness=ref("Lateness"),
    )


def _servers() -> Schema:
    return record(
        virtual_servers=listed(ref("VirtualServer")),
        dataplane=TEXT,
        problem=TEXT,
    )


def _events() -> Schema:
    count = SCHEMAS["Event"]["properties"]["id"]
    return record(id=count, events=listed(ref("Event")))


def _last() -> dict[str, Any]:
    return {
        "name": "Last-Event-ID",
        "in": "header",
        "required": False,
        "description": f"{STREAM} only: go on behind that event, if it is one",
        "schema": {"type": "string"},
    }
