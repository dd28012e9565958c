"""Other programs meddle with a master's kernel while a client pings its address.

At the end of each kind of interference the kernel has exactly what it had before. The
outage that the client saw is printed.
"""

from __future__ import annotations

import select
import sys
import threading
import time
from ipaddress import ip_address

from hanode.rehearsal.ping import Pinger
from tests.live.case import LiveCase, need, until
from tests.live.configs import instance
from tests.live.kernel_state import seen, shell

EXTRA = """
  mcast_src_ip 192.0.2.1
  virtual_ipaddress_excluded {
    2001:db8::100/64
  }
  virtual_routes {
    10.1.0.0/16 via 192.0.2.200 dev eth0
    10.2.0.0/16 dev eth0 src 192.0.2.100 table 100
    2001:db8:1::/48 via 2001:db8::200 dev eth0
    10.3.0.0/16 nexthop via 192.0.2.201 dev eth0 nexthop via 192.0.2.202 dev eth0
    blackhole 10.4.0.0/16
  }
  virtual_rules {
    from 192.0.2.100 table 100 preference 100
    inet6 iif eth0 prohibit preference 101
  }
"""
BACK = ("ip addr replace 192.0.2.1/24 dev eth0", "ip addr replace fd00::1/64 dev eth0")
#: what is done -> the shell commands; none of these moves the instance
QUIET = {
    "ip addr flush": ("ip addr flush dev eth0 scope global", *BACK),
    "ip route flush": ("ip route flush table main", "ip -6 route flush table main"),
    "ip route and rule flush of ours": (
        "ip route flush table all proto 18",
        "ip -6 route flush table all proto 18",
        "ip rule flush protocol 18",
        "ip -6 rule flush protocol 18",
    ),
    "MTU change": ("ip link set eth0 mtu 1400", "ip link set eth0 mtu 1500"),
}
#: these are faults of the interface
LOUD = {
    "link down and up": ("ip link set eth0 down", "ip link set eth0 up", *BACK),
    "rename": ("ip link set eth0 name lan9", "ip link set lan9 name eth0"),
}


class Client:
    """Pings the address from the watcher, in a thread of its own."""

    def __init__(self, host):
        self.pinger = Pinger(host, "eth0", ip_address("192.0.2.100"), 0.005)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._ended.is_set():
            self.pinger.send()
            wait = max(0.0, self.pinger.due - time.monotonic())
            if select.select([self.pinger.socket], [], [], wait)[0]:
                self.pinger.receive()

    def close(self):
        self._ended.set()
        self._thread.join()
        self.pinger.close()

    def is_answered(self, since):
        """Whether an answer came after C{since}."""
        answers = self.pinger.answers
        return bool(answers) and answers[-1].at > since

    def outage(self, since):
        """The longest silence since then, in seconds."""
        gaps = self.pinger.gaps(since, time.monotonic())
        return max((gap.seconds for gap in gaps), default=0.0)


class InterferenceTests(LiveCase):
    def setUp(self):
        need("ip", "sh")
        super().setUp()
        body = instance(1, 200, version=3, interval=0.2, extra=EXTRA)
        self.ours = self.daemon("hanode", self.a, body)
        self.ours.start()
        self.ours.log.wait_for("Entering MASTER STATE")
        until(lambda: any("10.3.0.0" in line for line in seen(self.a)))
        self.wanted = seen(self.a)
        self.client = Client(self.watcher)
        self.addCleanup(self.client.close)
        until(lambda: self.client.is_answered(0))

    def meddle(self, what, act):
        """Do it; wait until all is as before and the client is answered."""
        began = time.monotonic()
        act()
        done = time.monotonic()
        try:
            until(lambda: seen(self.a) == self.wanted, timeout=10)
        except AssertionError:
            self.assertEqual(seen(self.a), self.wanted, f"{what}\n{self.ours.log}")
        until(lambda: self.client.is_answered(done + 0.02), what=f"answers: {what}")
        took = self.client.outage(began)
        sys.stderr.write(f"\n  {what}: {took * 1000:.0f} ms without an answer ")
        return took

    def test_quiet(self):
        """Flushes and a new MTU: it stays MASTER and is back within a moment."""
        for what, lines in QUIET.items():
            took = self.meddle(what, lambda lines=lines: shell(self.a, *lines))
            self.assertLess(took, 0.5, f"{what}\n{self.ours.log}")
        self.assertEqual(self.ours.log.count("Entering .* STATE"), 2)

    def test_loud(self):
        """Down, renamed, deleted: when the interface is back, all is."""
        for what, lines in LOUD.items():
            self.meddle(what, lambda lines=lines: shell(self.a, *lines))
        self.meddle("delete and create", self.make_anew)

    def make_anew(self):
        """Delete the card, and plug in another one of the same name."""
        shell(self.a, "ip link del eth0")
        self.bridge.connect(self.a, "eth0", "192.0.2.1/24", "fd00::1/64")

    def test_news(self):
        """200 netlink events a second move nothing."""

        def storm():
            lines = ["link add spare0 type veth peer name spare1"]
            for number in range(200):
                lines.append(f"addr add 10.77.{number}.1/24 dev eth0")
                lines.append(f"addr del 10.77.{number}.1/24 dev eth0")
                lines.append(f"link set spare0 mtu {1400 + number % 50}")
            lines.append("link del spare0")
            batch = "\n".join(lines)
            shell(self.a, f"ip -batch - <<'END'\n{batch}\nEND")

        took = self.meddle("600 changes at once", storm)
        self.assertLess(took, 0.5)
        self.assertEqual(self.ours.log.count("Entering .* STATE"), 2)
