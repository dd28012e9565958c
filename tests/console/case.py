"""A console on a real unix socket, under the real reactor."""

from __future__ import annotations

import json
import os
from pathlib import Path
from tempfile import mkdtemp
from time import time

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from hanode.console.client import UnixConnection
from hanode.console.http import HttpService
from hanode.console.verbs import Verbs
from hanode.console.view import View
from tests.console.node import Node, Reloader


class ConsoleCase(TestCase):
    """Starts services that are stopped after the test."""

    def setUp(self):
        self.folder = Path(mkdtemp())
        self.path = str(self.folder / "h.sock")
        self.node = Node(reactor)
        self.reloader = Reloader()
        self.view = View(self.node, reactor.seconds, time)
        self.verbs = Verbs(self.node, self.reloader)

    async def serve(self, endpoint=None):
        """A service that listens, or has failed to."""
        opened = Deferred()

        def tell():
            if not opened.called:
                opened.callback(None)

        service = HttpService(
            f"unix:{self.path}" if endpoint is None else endpoint,
            *(self.view, self.verbs, reactor, tell),
        )
        service.startService()
        self.addCleanup(lambda: service.stopService() if service.running else None)
        await opened
        return service

    async def ask(self, method, target, body=None, headers=()):
        """Status, headers and JSON of an answer over the unix socket."""
        return await deferToThread(
            asked, UnixConnection(self.path), method, target, body, dict(headers)
        )

    def said(self, service=HttpService):
        """The lines that the service has logged, with their levels."""
        observed = [
            (event["log_level"].name, event["log_format"].format(**event))
            for event in self.logged
            if event.get("log_namespace") == "hanode.console.http.HttpService"
        ]
        return observed

    def listen_to_log(self):
        """Keep what is logged from now on for L{said}."""
        from twisted.logger import globalLogPublisher

        self.logged = []
        globalLogPublisher.addObserver(self.logged.append)
        self.addCleanup(globalLogPublisher.removeObserver, self.logged.append)

    def files(self):
        """What is in the directory of the socket."""
        return sorted(os.listdir(self.folder))


def asked(connection, method, target, body=None, headers=()):
    """Ask, blocking: status, headers and JSON."""
    try:
        sent = {"content-type": "application/json"} if body is not None else {}
        connection.request(method, target, body, {**sent, **dict(headers)})
        response = connection.getresponse()
        data = response.read()
        answer = json.loads(data) if data else None
        return response.status, dict(response.getheaders()), answer
    finally:
        connection.close()
