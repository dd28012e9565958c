"""Real servers of a lab: TCP ports in private hosts that answer with their name."""

from __future__ import annotations

import selectors
import socket

from hanode.rehearsal.namespaces import Host

BACKLOG = 128


class Server:
    """A server in C{host}; whoever connects is told its name, and that is all.

    It lives in the loop of C{selector}, whose keys carry what is to be called.
    """

    def __init__(self, host: Host, port: int, selector: selectors.BaseSelector) -> None:
        self.host, self.name = host, host.name
        self.served = 0
        self._port, self._selector = port, selector
        self._listener: socket.socket | None = None

    def open(self) -> None:
        """Begin to answer."""
        listener = self.host.call(self._listen)
        self._listener = listener
        self._selector.register(listener, selectors.EVENT_READ, self._accept)

    def close(self) -> None:
        """Answer no more: connections are refused from now on."""
        if self._listener is not None:
            self._selector.unregister(self._listener)
            self._listener.close()
            self._listener = None

    def _listen(self) -> socket.socket:
        listener = socket.create_server(
            ("", self._port), backlog=BACKLOG, reuse_port=False
        )
        listener.setblocking(False)
        return listener

    def _accept(self) -> None:
        assert self._listener is not None
        while True:
            try:
                connection, _ = self._listener.accept()
            except BlockingIOError:
                return
            except OSError:
                continue  # it was given up before we came to it
            with connection:
                try:
                    sent = connection.send(self.name.encode())
                except OSError:
                    continue  # a check: it connects and goes
                self.served += bool(sent)
