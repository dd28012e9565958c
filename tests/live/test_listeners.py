"""A thousand connections to the event stream of a real daemon, most of them deaf."""

from __future__ import annotations

import re
import resource
import selectors
import socket
import threading

from hanode.console.client import Client, UnixConnection
from tests.live.case import LiveCase, until
from tests.live.configs import instance
from tests.live.daemons import Hanode

INTERVAL = 0.1
DEAF, READING = 980, 20
NUMBER = re.compile(rb'data: {"id": (\d+),')
FILES = 4096
ASK = b"GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n"
SESSIONS = "".join(
    f"bfd_instance peer{n} {{\n    neighbor_ip 192.0.2.{n}\n    passive\n}}\n"
    for n in range(100, 120)
)


class Ears:
    """Connections that are read, in a thread of their own."""

    def __init__(self, sockets):
        self.heard = {each: bytearray() for each in sockets}
        self._selector = selectors.DefaultSelector()
        for each in sockets:
            self._selector.register(each, selectors.EVENT_READ)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        while not self._ending.is_set():
            for key, _ in self._selector.select(0.05):
                data = key.fileobj.recv(1 << 18)
                self.heard[key.fileobj] += data
                if not data:
                    self._selector.unregister(key.fileobj)

    def numbers(self):
        """The numbers of the events that each of them has heard."""
        return [
            [int(each) for each in NUMBER.findall(data)]
            for data in list(self.heard.values())
        ]

    def last(self, number):
        """Whether all of them have heard the event of that number."""
        wanted = b'data: {"id": %d,' % number
        return all(wanted in data for data in self.heard.values())

    def end(self):
        """Read no more."""
        self._ending.set()
        self._thread.join()
        self._selector.close()


class ListenerTests(LiveCase):
    """A master with listeners, and a backup that waits."""

    def setUp(self):
        super().setUp()
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = FILES if limits[1] == resource.RLIM_INFINITY else min(limits[1], FILES)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(limits[0], most), limits[1]))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, limits)
        fast = {"version": 3, "interval": INTERVAL}
        for host, text in (
            (self.a, instance(1, 150, **fast) + SESSIONS),
            (self.b, instance(2, 100, **fast)),
        ):
            daemon = Hanode(host, self.folder / host.name, text)
            daemon.detail = False
            self.daemons.append(daemon)
            daemon.start()
            state = "MASTER" if host is self.a else "BACKUP"
            daemon.log.wait_for(f"Entering {state} STATE")
        until(self.daemons[0].socket.exists, what="the socket")

    def connect(self, count):
        """So many connections that have asked."""
        found = []
        for _ in range(count):
            each = socket.socket(socket.AF_UNIX)
            self.addCleanup(each.close)
            each.connect(str(self.daemons[0].socket))
            each.sendall(ASK)
            found.append(each)
        return found

    def test_thousand(self):
        """Advertisements are on time, the backup stays one, who reads hears all of it,
        and who does not is let go."""
        client = Client(str(self.daemons[0].socket))
        began = self.observer.now()
        mark = self.daemons[1].log.mark()
        self.connect(DEAF)
        reading = self.connect(READING)
        ears = Ears(reading)
        self.addCleanup(ears.end)
        until(lambda: all(ears.heard.values()), what="all greetings")
        first = client.get("events")["id"]

        def told():
            for wish in ("down", "up"):
                for n in range(100, 120):
                    client.post("bfd", f"peer{n}", body={"admin": wish})
            return self.dropped(client) >= DEAF

        until(told, 30, "the end of those who do not read")
        last = client.get("events")["id"]
        until(lambda: ears.last(last), what="the last event")
        for each in ears.numbers():
            self.assertEqual(each[: last - first], list(range(first + 1, last + 1)))
        self.assertEqual(self.dropped(client), DEAF)
        self.assertEqual(self.daemons[1].log.count("Entering MASTER", mark), 0)
        moments = [each.at for each in self.observer.adverts(began)]
        gaps = [b - a for a, b in zip(moments, moments[1:], strict=False)]
        self.assertLess(max(gaps), 2 * INTERVAL)

    def dropped(self, client):
        """How many listeners were let go."""
        connection = UnixConnection(client.path)
        try:
            connection.request("GET", "/metrics")
            text = connection.getresponse().read().decode()
        finally:
            connection.close()
        name = "hanode_event_listeners_dropped_total "
        return float(text.partition(name)[2].partition("\n")[0])
