"""A server in a private host that answers its name, by TCP and UDP, IPv4 and IPv6."""

from __future__ import annotations

import os
import selectors
import socket
import threading


class NamedServer:
    """Listens on C{port}; whoever connects, or sends anything, is told C{host.name}."""

    def __init__(self, host, port):
        self.name = host.name.encode()
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = os.pipe()
        self._selector.register(self._wake, selectors.EVENT_READ, None)
        stream = host.call(self._open, socket.SOCK_STREAM, port)
        stream.listen(64)
        self._register(stream, self._accept)
        self._register(host.call(self._open, socket.SOCK_DGRAM, port), self._answer)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @staticmethod
    def _open(kind, port):
        opened = socket.socket(socket.AF_INET6, kind)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        opened.bind(("::", port))
        return opened

    def _register(self, opened, action):
        opened.setblocking(False)
        self._selector.register(opened, selectors.EVENT_READ, action)

    def _serve(self):
        while True:
            for key, _ in self._selector.select():
                if key.data is None:
                    return
                key.data(key.fileobj)

    def _accept(self, port):
        connection, _ = port.accept()
        connection.send(self.name)
        self._register(connection, self._talk)

    def _talk(self, connection):
        try:
            heard = connection.recv(100)
        except OSError:
            heard = b""
        if heard:
            connection.send(self.name)
        else:
            self._selector.unregister(connection)
            connection.close()

    def _answer(self, port):
        _, sender = port.recvfrom(100)
        port.sendto(self.name, sender)

    def close(self):
        os.write(self._woken, b"x")
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            if key.data is not None:
                key.fileobj.close()
        self._selector.close()
        os.close(self._wake)
        os.close(self._woken)


def open_connection(address, port, source=None, kind=socket.SOCK_STREAM):
    """A connected socket; call it inside the client's host."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    opened = socket.socket(family, kind)
    opened.settimeout(3.0)
    try:
        if source is not None:
            opened.bind((source, 0))
        opened.connect((address, port))
    except OSError:
        opened.close()
        raise
    return opened


def talk(opened):
    """Say something; the name that answers. Raises L{OSError}."""
    opened.send(b"?")
    return opened.recv(100).decode()


def ask(address, port, source=None):
    """Connect by TCP; the name that answers."""
    with open_connection(address, port, source) as opened:
        return opened.recv(100).decode()


def ask_udp(address, port, source=None):
    """Send a datagram from a new port; the name that answers."""
    with open_connection(address, port, source, socket.SOCK_DGRAM) as opened:
        return talk(opened)
