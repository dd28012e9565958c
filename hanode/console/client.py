"""Asking a running daemon over its unix socket; blocking, for the command line."""

from __future__ import annotations

import json
import socket
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import quote

PATIENCE = 5.0  # seconds for one answer


class Unreachable(Exception):
    """No daemon answers at that socket."""


class Refused(Exception):
    """The daemon answered, and does not want to."""


class UnixConnection(HTTPConnection):
    """HTTP over the unix socket C{path}."""

    def __init__(self, path: str, patience: float = PATIENCE) -> None:
        super().__init__("localhost", timeout=patience)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket instead of a host."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Client:
    """The daemon that listens on the unix socket C{path}."""

    def __init__(self, path: str) -> None:
        self.path = path

    def get(self, *words: str) -> Any:
        """Read C{/api/v1/WORDS}. Raises L{Unreachable} and L{Refused}."""
        return self._ask("GET", words)

    def post(
        self, *words: str, body: dict[str, Any], patience: float = PATIENCE
    ) -> Any:
        """Write C{body} to C{/api/v1/WORDS}; wait C{patience} seconds for the answer.

        Raises L{Unreachable} and L{Refused}.
        """
        return self._ask("POST", words, json.dumps(body), patience)

    def _ask(
        self,
        method: str,
        words: tuple[str, ...],
        body: str | None = None,
        patience: float = PATIENCE,
    ) -> Any:
        target = "/".join(("", "api", "v1", *(quote(word, safe="") for word in words)))
        headers = {"Content-Type": "application/json"}
        connection = UnixConnection(self.path, patience)
        try:
            connection.request(method, target, body, headers if body else {})
            response = connection.getresponse()
            status, data = response.status, response.read()
            answer = json.loads(data)
        except OSError as problem:
            raise Unreachable(problem.strerror or str(problem)) from None
        except (HTTPException, ValueError):
            raise Unreachable("what answers there is not hanode") from None
        finally:
            connection.close()
        if status >= 400:
            raise Refused(_why(answer, status))
        return answer


def _why(answer: Any, status: int) -> str:
    if not isinstance(answer, dict) or "error" not in answer:
        return f"status {status}"
    text = str(answer["error"])
    if "known" in answer:
        text += f"; there are: {', '.join(map(str, answer['known'])) or 'none'}"
    return text
