"""hanode lab --balance: a client, a director, real servers, one of which dies.

Everything real: connections through the kernel of a private director that runs hanode,
to servers in private hosts behind it.
"""

from __future__ import annotations

import re
import selectors
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from pyroute2 import IPRoute

from hanode.rehearsal.daemon import Daemon
from hanode.rehearsal.namespaces import Bridge, Host
from hanode.rehearsal.requests import Requester, shares
from hanode.rehearsal.servers import Server
from hanode.rehearsal.stage import Mark

ADDRESS, PORT = "198.51.100.10", 80
INTERVAL = 0.02  # seconds between two requests
CALM = 1.5  # seconds of requests that tell how they are spread
PATIENCE = 8.0  # seconds for each scene
STARTING = 15.0  # seconds more for the first: a busy machine starts daemons slowly
REAL = (
    "    real_server {address} 80 {{\n        TCP_CHECK {{ connect_timeout 1 }}\n    }}"
)
DIRECTOR = """\
virtual_server {address} {port} {{
    delay_loop 0.5
    warmup 0
    lb_algo rr
    lb_kind NAT
    protocol TCP
    retry 1
    delay_before_retry 0.2
    sorry_server 192.0.2.99 80
{reals}
}}
"""
TOLD = re.compile(r"(Adding|Removing|Gained|Lost) ")  # of what the director says
NAMES = ("s1", "s2", "s3")


@dataclass(frozen=True)
class Scene:
    """What one scene showed: who answered how often, and how many got no answer.

    C{seconds}: from the deed to the last request that was not answered as it should.
    """

    title: str
    ok: bool
    shares: Counter[str]
    failed: int
    seconds: float


class Pool:
    """The network, the servers and the director; C{tell} hears what happens."""

    def __init__(self, folder: Path, tell: Callable[[Mark], object]) -> None:
        self._tell, self._folder = tell, folder
        self._selector = selectors.DefaultSelector()
        self._hosts: list[Host] = []
        self._bridges: list[Bridge] = []
        self.servers: dict[str, Server] = {}
        self.daemon: Daemon | None = None
        self.requester: Requester | None = None
        self.scenes: list[Scene] = []
        self.marks: list[Mark] = []

    # -- what there is

    def build(self) -> None:
        """Make the hosts and join them. Raises L{NotPermitted}."""
        front, back = Bridge("front"), Bridge("back")
        self._bridges += [front, back]
        client, director = Host("client"), Host("director")
        self._hosts += [client, director]
        front.connect(client, "eth0", "198.51.100.2/24")
        front.connect(director, "eth0", "198.51.100.1/24", f"{ADDRESS}/24")
        back.connect(director, "eth1", "192.0.2.1/24")
        director.write("net/ipv4/ip_forward", "1")
        for name, number in (*zip(NAMES, (11, 12, 13), strict=True), ("sorry", 99)):
            host = Host(name)
            self._hosts.append(host)
            back.connect(host, "eth0", f"192.0.2.{number}/24")
            host.route(_by_way_of_the_director)
            self.servers[name] = Server(host, PORT, self._selector)
        path = self._folder / "director.conf"
        reals = "\n".join(REAL.format(address=f"192.0.2.{n}") for n in (11, 12, 13))
        path.write_text(DIRECTOR.format(address=ADDRESS, port=PORT, reals=reals))
        self.daemon = Daemon(director, str(path), self._said)
        self.requester = Requester(client, (ADDRESS, PORT), INTERVAL, self._selector)

    def close(self) -> None:
        """End everything."""
        if self.daemon is not None:
            self.daemon.ask_to_end()
            self.daemon.end()
        if self.requester is not None:
            self.requester.close()
        for server in self.servers.values():
            server.close()
        self._selector.close()
        for each in (*self._hosts, *self._bridges):
            each.close()

    # -- the story

    def play(self) -> bool:
        """All scenes; False as soon as one fails."""
        for server in self.servers.values():
            server.open()
        s1, s2, s3 = (self.servers[name] for name in NAMES)
        return (
            self._scene("start", "the director is started", self._start, NAMES)
            and self._scene(
                "death", "s2 dies: its port is closed", s2.close, ("s1", "s3")
            )
            and self._scene("return", "s2 is back", s2.open, NAMES)
            and self._scene(
                "all die", "all three die", lambda: _all(s1, s2, s3), ("sorry",)
            )
            and self._scene("relief", "s1 is back", s1.open, ("s1",))
        )

    def _start(self) -> None:
        daemon = self.daemon
        assert daemon is not None
        descriptor = daemon.start()

        def read() -> None:
            if not daemon.read():
                self._selector.unregister(descriptor)

        self._selector.register(descriptor, selectors.EVENT_READ, read)

    def _scene(
        self, title: str, text: str, deed: Callable[[], object], wanted: tuple[str, ...]
    ) -> bool:
        """Do the deed, and wait until exactly C{wanted} share the requests evenly."""
        assert self.requester is not None
        self._note("", f"{title.capitalize()}: {text}")
        began = monotonic()
        deed()
        limit = began + PATIENCE + (STARTING if title == "start" else 0.0)
        ok = False
        while not ok and monotonic() < limit:
            self._turn()
            ok = monotonic() - began > CALM and self._even(wanted)
        answers = self.requester.since(began)
        wrong = [each for each in answers if each.who not in wanted]
        last = max((each.began for each in wrong), default=began)
        calm = shares(self.requester.since(last + INTERVAL if wrong else began))
        failed = sum(not each.who for each in answers) if title != "start" else 0
        self.scenes.append(Scene(title, ok, calm, failed, last - began))
        spread = ", ".join(f"{who} {calm[who]}" for who in wanted)
        self._note("client", f"{spread}; {failed} requests without an answer")
        return ok

    def _even(self, wanted: tuple[str, ...]) -> bool:
        assert self.requester is not None
        found = shares(self.requester.since(monotonic() - CALM))
        counts = [found[who] for who in wanted]
        # Two requests that are still on their way may make a difference.
        return set(found) == set(wanted) and max(counts) - min(counts) <= 2

    # -- the loop

    def _turn(self) -> None:
        assert self.requester is not None
        self.requester.ask()
        wait = max(0.0, self.requester.due - monotonic())
        for key, _ in self._selector.select(wait):
            key.data()

    def _said(self, daemon: Daemon, at: float, line: str) -> None:
        found = TOLD.search(line)
        if found is not None:
            self._note("director", line[found.start() :], at)

    def _note(self, who: str, text: str, at: float | None = None) -> None:
        mark = Mark(monotonic() if at is None else at, who, text)
        self.marks.append(mark)
        self._tell(mark)


def _all(*servers: Server) -> None:
    for server in servers:
        server.close()


def _by_way_of_the_director(ipr: IPRoute) -> None:
    ipr.route("add", dst="default", gateway="192.0.2.1")


def summary(pool: Pool) -> str:
    """The scenes as a table; when one failed, what the director said."""
    lines = [f"{'':12}{'settled after':>15}{'unanswered':>12}   answered by"]
    for scene in pool.scenes:
        spread = ", ".join(f"{who} {n}" for who, n in sorted(scene.shares.items()))
        lines.append(
            f"{scene.title:12}{scene.seconds:>13.2f} s{scene.failed:>12}   {spread}"
        )
    if pool.scenes and pool.scenes[-1].ok:
        return "\n".join([*lines, "", "The requests always found who can answer them."])
    lines += ["", f"FAILED: {pool.scenes[-1].title if pool.scenes else 'start'}"]
    if pool.daemon is not None:
        lines += ["", "director said last:"]
        lines += [f"  {line}" for line in list(pool.daemon.lines)[-8:]]
    return "\n".join(lines)


def record(pool: Pool, ok: bool) -> dict[str, Any]:
    """The same as plain values."""
    return {
        "ok": ok,
        "address": f"{ADDRESS}:{PORT}",
        "scenes": [
            {
                "title": each.title,
                "ok": each.ok,
                "shares": dict(each.shares),
                "unanswered": each.failed,
                "settled_after": round(each.seconds, 3),
            }
            for each in pool.scenes
        ],
    }
