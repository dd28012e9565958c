"""Whom the http service lets in: who may ask at all, and who may write.

Who may open the unix socket may write. A TCP port has no such guard: there it takes a
bearer token (RFC 6750), and a browser that was led to a port of this machine by a
foreign page (DNS rebinding) is turned away by the name that it asks for.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

from twisted.internet.address import UNIXAddress
from twisted.logger import Logger
from twisted.web.server import Request

from hanode.console.refusal import Refusal
from hanode.console.token import TokenFile

BODY_LIMIT = 4096  # octets of a request's body that we look at
QUIET = 10.0  # seconds between two lines about wrong tokens
JSON = "application/json"
SCHEME = "bearer"
CHALLENGE = 'Bearer realm="hanode"'


class Admission:
    """The rules of one service; C{seconds} is a clock."""

    log = Logger()

    def __init__(self, token: TokenFile, seconds: Callable[[], float]) -> None:
        self._token, self._seconds = token, seconds
        self._told = seconds() - QUIET
        self._wrong = 0  # tokens since then

    def reader(self, request: Request) -> None:
        """Raises L{Refusal} when C{request} asks a port of this machine for a host of
        another name: that is what a page of that name makes a browser do."""
        if not _loopback(getattr(request.getHost(), "host", None)):
            return
        asked = request.getHeader("host")
        if asked is not None and not _is_here(asked):
            text = "over loopback this answers to localhost and to addresses only"
            raise Refusal(421, text)

    def writer(self, request: Request) -> None:
        """Raises L{Refusal} when C{request} may not write."""
        if not isinstance(request.getHost(), UNIXAddress):
            self._bearer(request)
        # A foreign page can make a browser send anything but this type.
        kind = (request.getHeader("content-type") or "").partition(";")[0]
        if kind.strip().lower() != JSON:
            raise Refusal(415, f"wanted: Content-Type: {JSON}", {"accept": JSON})

    def _bearer(self, request: Request) -> None:
        if not self._token.path:
            raise Refusal(403, "this is possible only over the unix socket")
        scheme, _, given = (request.getHeader("authorization") or "").partition(" ")
        if scheme.lower() != SCHEME:
            text = "this is possible over the unix socket, or with a token"
            raise Refusal(401, text, {"www-authenticate": CHALLENGE})
        right = self._token.matches(given.strip().encode())
        if right is None:
            raise Refusal(403, "no token can be used here; the log says why")
        if not right:
            self._note(request)
            challenge = f'{CHALLENGE}, error="invalid_token"'
            raise Refusal(401, "wrong token", {"www-authenticate": challenge})

    def _note(self, request: Request) -> None:
        self._wrong += 1
        if self._seconds() - self._told >= QUIET:
            text = "http: wrong token, {count} times, the last from {who}"
            peer: Any = request.getClientAddress()
            who = getattr(peer, "host", "?")
            self.log.warn(text, count=self._wrong, who=who)
            self._told, self._wrong = self._seconds(), 0


def body(request: Request) -> Any:
    """What C{request} has in its body. Raises L{Refusal}."""
    data = request.content.read(BODY_LIMIT + 1) if request.content else b""
    if len(data) > BODY_LIMIT:
        raise Refusal(413, f"the body has more than {BODY_LIMIT} octets")
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as problem:
        raise Refusal(400, f"the body is not JSON: {problem}") from None


def _loopback(address: str | None) -> bool:
    """Whether it is an address (not a path) that only this machine has."""
    try:
        found = ip_address((address or "").partition("%")[0])
    except ValueError:
        return False
    inner = getattr(found, "ipv4_mapped", None)
    return bool((inner or found).is_loopback)


def _is_here(host: str) -> bool:
    """Whether a Host header names this machine, or any address: no name, no trick."""
    name = host.strip().lower()
    if name.startswith("["):
        name = name[1:].partition("]")[0]
    else:
        name = name.partition(":")[0]
    if name.rstrip(".") == "localhost":
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
