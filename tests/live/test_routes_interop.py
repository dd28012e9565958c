"""keepalived and hanode read one file and leave the same in the kernel, step by step.

Each daemon has a host of its own, cut off from the other, and becomes master there.
What ip(8) says of addresses, routes and rules is compared after each step.
"""

from __future__ import annotations

from tests.live.case import LiveCase, need, until
from tests.live.configs import instance
from tests.live.kernel_state import seen

#: name -> (block, lines): every option set is written by both, in files of several
SETS = {
    "label and scope": ("address", "192.0.2.11/24 label eth0:one scope link"),
    "broadcast": ("address", "192.0.2.12/28 brd +"),
    "both families": ("address", "2001:db8::14/64 home"),
    "deprecated host": ("address", "2001:db8::15"),
    "lasting host": ("address", "2001:db8::16/128 preferred_lft forever -nodad"),
    "noprefixroute": ("address", "10.9.9.9/24 noprefixroute"),
    "gateway": ("route", "10.1.0.0/24 via 192.0.2.200 dev eth0"),
    "direct": ("route", "10.2.0.0/24 dev eth0 metric 7 scope link"),
    "source": ("route", "10.3.0.0/24 dev eth0 src 192.0.2.100"),
    "blackhole": ("route", "blackhole 10.4.0.0/24"),
    "prohibit": ("route", "prohibit 10.5.0.0/24 priority 9 table 100"),
    "several": (
        "route",
        "10.6.0.0/24 nexthop via 192.0.2.201 dev eth0 weight 2"
        " nexthop via 192.0.2.202 dev eth0 weight 5",
    ),
    "metrics": (
        "route",
        "10.7.0.0/24 dev eth0 table 6909 tos 0x04 mtu 1000 hoplimit 100 advmss 101"
        " rtt 300ms rttvar 900 reordering 104 window 105 cwnd 106 ssthresh lock 107"
        " rto_min 500 initcwnd 109 initrwnd 110 features ecn quickack 1",
    ),
    "onlink": ("route", "10.8.0.0/24 via 172.16.0.1 dev eth0 onlink realms 0x14"),
    "host": ("route", "10.9.0.5 dev eth0 congctl cubic"),
    "six": ("route", "2001:db8:2::/64 via fd00::200 dev eth0"),
    "six with preference": (
        "route",
        "2001:db8:3::/64 dev eth0 metric 55 mtu 1400 pref high",
    ),
    "six several": (
        "route",
        "2001:db8:5::/64 nexthop via fd00::201 dev eth0 weight 1"
        " nexthop via fd00::202 dev eth0 weight 3",
    ),
    "six unreachable": ("route", "unreachable 2001:db8:4::/64"),
    "from": ("rule", "from 192.0.2.0/24 table 1 preference 90"),
    "unnumbered": ("rule", "to 10.0.0.0/8 table 2"),
    "everything": (
        "rule",
        "from 192.0.2.0/24 to 10.0.0.0/26 table 50 iif eth0 oif lo tos 0x10"
        " fwmark 24/12 preference 39 realms 30/20",
    ),
    "users": (
        "rule",
        "to 1:2:3:4:5:6:7:0/112 table 6908 uidrange 10000-19999 preference 101",
    ),
    "ports": (
        "rule",
        "to 1:2:3:4:6:6:7:0/112 table 3 ipproto UDP sport 10-20 dport 20-30"
        " preference 102",
    ),
    "goto": ("rule", "from 10.0.0.0/8 goto 200 preference 103"),
    "nop": ("rule", "from 10.2.0.0/16 nop preference 200"),
    "suppress": ("rule", "from all table main suppress_prefixlength 0 preference 104"),
    "not": ("rule", "not from 10.0.0.0/8 blackhole preference 105"),
    "mark": ("rule", "fwmark 5 prohibit preference 107"),
}
BLOCKS = {
    "address": "virtual_ipaddress_excluded",
    "route": "virtual_routes",
    "rule": "virtual_rules",
}
STATIC = """
static_ipaddress {
  198.51.100.1/24 dev eth0
}
static_routes {
  10.200.0.0/16 via 198.51.100.254 dev eth0
  10.201.0.0/16 dev eth0 table 7
}
static_rules {
  from 198.51.100.0/24 table 7 preference 80
}
"""


def config(names, static=True):
    """A file with the option sets of these names."""
    lines = {kind: [] for kind in BLOCKS}
    for name in names:
        kind, line = SETS[name]
        lines[kind].append(line)
    extra = "\n".join(
        f"  {BLOCKS[kind]} {{\n    " + "\n    ".join(written) + "\n  }"
        for kind, written in lines.items()
        if written
    )
    body = instance(1, 200, version=3, interval=0.2, extra=extra)
    return (STATIC if static else "") + body


class SameTests(LiveCase):
    """Two daemons, one file."""

    def setUp(self):
        need("keepalived", "ip")
        super().setUp()
        for host in (self.a, self.b):
            self.bridge.cut(host)

    def compare(self, what):
        """Wait until both hosts show the same, and C{what} of keepalived's is there."""

        def same():
            first, second = seen(self.a), seen(self.b)
            return first == second and all(any(w in x for x in first) for w in what)

        try:
            until(same, timeout=8.0)
        except AssertionError:
            self.assertEqual(seen(self.a), seen(self.b))
            self.assertEqual(what, seen(self.a))

    def live(self, names, later):
        """Start, reload with other sets, stop: equal after each step."""
        ours = self.daemon("hanode", self.b, config(names))
        theirs = self.daemon("keepalived", self.a, config(names))
        for daemon in (ours, theirs):
            daemon.start()
        for daemon in (ours, theirs):
            daemon.log.wait_for("Entering MASTER STATE")
        self.compare(["192.0.2.100/24", "10.200.0.0/16"])
        for daemon in (ours, theirs):
            daemon.configure(config(later, static=False))
            daemon.reload()
        for daemon in (ours, theirs):
            daemon.log.wait_for("[Rr]eload (complete|finished)|Reloading")
        until(lambda: not any("10.200." in each for each in seen(self.b)))
        self.compare(["192.0.2.100/24"])
        for daemon in (ours, theirs):
            daemon.stop()
        left = seen(self.b)
        self.assertFalse([each for each in left if "keepalived" in each], left)
        self.assertFalse([each for each in left if each.startswith("inet")], left)

    def test_addresses_and_rules(self):
        """Options of addresses and rules end alike."""
        names = [name for name, (kind, _) in SETS.items() if kind != "route"]
        self.live(names, names[::2])

    def test_routes(self):
        """Options of routes end alike."""
        names = [name for name, (kind, _) in SETS.items() if kind == "route"]
        self.live(names, names[1::2])
