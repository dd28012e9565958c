"""Virtual MACs, accept mode: hanode and keepalived as one pair, and side by side."""

from __future__ import annotations

import json
import re
import subprocess

from tests.live.case import LiveCase, need, until
from tests.live.configs import instance
from tests.live.sysctls import sysctls

MAC4, MAC6 = "00:00:5e:00:01:33", "00:00:5e:00:02:33"
VIP4, VIP6 = "192.0.2.100", "fd00::100"
WAYS = (("hanode", "keepalived"), ("keepalived", "hanode"))
FAST = 0.2  # seconds
ANNOUNCE = "net/ipv4/conf/eth0/arp_announce"
LINK_FIELDS = ("ifname", "link", "mtu", "group", "operstate", "address", "linkinfo")


def pair_of(me, priority, extra):
    """One instance of each family, with one VRID."""
    settings = {"version": 3, "interval": FAST}
    four = instance(me, priority, vips=(f"{VIP4}/24",), extra=extra, **settings)
    six = instance(
        me,
        priority,
        family=6,
        name="VI_6",
        vips=("fe80::100/64", f"{VIP6}/64"),
        extra=extra,
        **settings,
    )
    return four + six


class VirtualCase(LiveCase):
    """Hosts a and b have the virtual router, c is a client of it."""

    hosts = ("a", "b", "c")

    def run_on(self, host, *argv):
        """What a program prints there; its exit status does not matter."""
        process = host.popen(
            argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        return process.communicate(timeout=20)[0]

    def answers(self, address):
        """Whether the client gets an answer to a ping within 0.3 s."""
        argv = ("ping", "-n", "-c1", "-W0.3", address)
        return " 0% packet loss" in self.run_on(self.c, *argv)

    def neighbour(self, address):
        """The MAC address that the client has for C{address}."""
        found = json.loads(
            self.run_on(self.c, "ip", "-j", "neighbour", "show", "to", address)
        )
        return [each.get("lladdr") for each in found]

    def links(self, host):
        """What ip(8) says of the links, without what differs from run to run."""
        found = json.loads(self.run_on(host, "ip", "-j", "-d", "link"))
        return sorted(
            (
                {
                    field: each[field]
                    for field in (*LINK_FIELDS, "inet6_addr_gen_mode")
                    if field in each
                }
                for each in found
                if each["ifname"] not in ("lo", "eth0")
            ),
            key=lambda each: each["ifname"],
        )

    def addresses_of(self, host):
        """All addresses of a host, each with its interface."""
        found = json.loads(self.run_on(host, "ip", "-j", "address"))
        return sorted(
            (link["ifname"], each["local"], each["prefixlen"], each["scope"])
            for link in found
            for each in link["addr_info"]
        )


class PairTests(VirtualCase):
    """Both families at once."""

    def advertised(self, since):
        """Who has advertised: (family, source MAC address) of each frame."""
        found = set()
        for at, frame in list(self.observer.frames):
            if at < since:
                continue
            if frame[12:14] == b"\x08\x00" and frame[23] == 112:
                found.add((4, frame[6:12].hex(":")))
            elif frame[12:14] == b"\x86\xdd" and frame[20] == 112:
                found.add((6, frame[6:12].hex(":")))
        return found

    def fail_over(self, high, low, extra):
        """Start both, cut the master's cable; tell the client's entries before, after.

        Afterwards the one of higher priority is back, and master.
        """
        need("keepalived", "ping")
        one = self.daemon(high, self.a, pair_of(1, 150, extra))
        other = self.daemon(low, self.b, pair_of(2, 100, extra))
        # hanode sees to that itself; keepalived's users have to.
        theirs = self.a if high == "keepalived" else self.b
        theirs.write(ANNOUNCE, "2")
        theirs.write("net/ipv4/conf/default/arp_ignore", "1")
        for daemon in (one, other):
            daemon.start()
            for name in ("VI_1", "VI_6"):
                daemon.log.wait_for(rf"\({name}\) Entering BACKUP STATE")
        for name in ("VI_1", "VI_6"):
            one.log.wait_for(rf"\({name}\) Entering MASTER STATE")
        until(lambda: self.answers(VIP4) and self.answers(VIP6), what="an answer")
        before = self.neighbour(VIP4) + self.neighbour(VIP6)
        self.bridge.cut(self.a)
        for name in ("VI_1", "VI_6"):
            other.log.wait_for(rf"\({name}\) Entering MASTER STATE")
        until(lambda: self.answers(VIP4) and self.answers(VIP6), what="an answer")
        after = self.neighbour(VIP4) + self.neighbour(VIP6)
        mark = other.log.mark()
        self.bridge.join(self.a)
        for name in ("VI_1", "VI_6"):
            other.log.wait_for(rf"\({name}\) Entering BACKUP STATE", start=mark)
        return before, after

    def virtual(self, high, low):
        started = self.observer.now()
        before, after = self.fail_over(high, low, "use_vmac")
        self.assertEqual((before, after), ([MAC4, MAC6], [MAC4, MAC6]))
        self.assertEqual(self.advertised(started), {(4, MAC4), (6, MAC6)})
        self.read_by_tshark()

    def read_by_tshark(self):
        """Advertisements decode, and come from the virtual MAC addresses alone."""
        need("tshark")
        file = self.folder / "seen.pcap"
        self.observer.pcap(file)
        told = subprocess.run(
            ["tshark", "-r", str(file), "-Y", "vrrp and not icmp and not icmpv6"]
            + ["-T", "fields", "-e", "eth.src", "-e", "vrrp.checksum.status"],
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        expected = {f"{MAC4}\t1", f"{MAC6}\t1"}
        self.assertEqual(set(told.splitlines()), expected)

    def test_hanode_higher(self):
        """No neighbour's entry changes, whoever is master. Higher: hanode."""
        self.virtual("hanode", "keepalived")

    def test_keepalived_higher(self):
        """No neighbour's entry changes, whoever is master. Higher: keepalived."""
        self.virtual("keepalived", "hanode")

    def test_transmit_base(self):
        """Advertisements come from the interfaces' own MAC addresses."""
        started = self.observer.now()
        need("keepalived", "ping")
        # keepalived 2.2.7 cannot send IPv6 so ("send advert error 22").
        config = [
            instance(
                me,
                priority,
                version=3,
                interval=FAST,
                vips=(f"{VIP4}/24",),
                extra="use_vmac\nvmac_xmit_base",
            )
            for me, priority in ((1, 150), (2, 100))
        ]
        self.b.write(ANNOUNCE, "2")
        one = self.daemon("hanode", self.a, config[0]).start()
        other = self.daemon("keepalived", self.b, config[1]).start()
        one.log.wait_for("Entering MASTER STATE")
        until(lambda: self.answers(VIP4), what="an answer")
        macs = {(4, self.a.mac("eth0")), (4, self.b.mac("eth0"))}
        self.assertEqual(self.neighbour(VIP4), [MAC4])
        mark = other.log.mark()
        self.bridge.cut(self.a)
        other.log.wait_for("Entering MASTER STATE", start=mark)
        until(lambda: self.answers(VIP4), what="an answer")
        self.assertEqual(self.neighbour(VIP4), [MAC4])
        self.assertLessEqual(self.advertised(started), macs)
        self.assertIn((4, self.b.mac("eth0")), self.advertised(started))
        sent = {mac for _, mac in self.observer.announcements(VIP4, started)}
        self.assertEqual(sent, {MAC4})


class InterferenceTests(VirtualCase):
    """Others disturb a master; what was there is there again, and it stays master."""

    def test_all_at_once(self):
        """Links deleted, addresses and rules flushed, MTU and MAC address changed."""
        need("ping", "nft")
        text = pair_of(1, 150, "use_vmac\nno_accept").replace("no_accept", "", 1)
        daemon = self.daemon("hanode", self.a, text).start()
        for name in ("VI_1", "VI_6"):
            daemon.log.wait_for(rf"\({name}\) Entering MASTER STATE")
        until(lambda: self.answers(VIP4), what="an answer")
        addresses, mark = self.addresses_of(self.a), daemon.log.mark()
        self.run_on(self.a, "ip", "link", "set", "eth0", "mtu", "1400")
        for deed in (
            ("ip", "link", "del", "vrrp.51"),
            ("ip", "link", "del", "vrrp6.51"),
            ("ip", "addr", "flush", "dev", "vrrp6.51"),
            ("ip", "link", "set", "vrrp.51", "down"),
            ("ip", "link", "set", "vrrp6.51", "down"),
            ("nft", "flush", "ruleset"),
        ):
            self.run_on(self.a, *deed)
            until(
                lambda: self.addresses_of(self.a) == addresses and self.answers(VIP4),
                what=f"recovery from {' '.join(deed)}",
            )
        until(lambda: "vips" in self.run_on(self.a, "nft", "list", "ruleset"))
        self.assertEqual({each["mtu"] for each in self.links(self.a)}, {1400})
        self.assertFalse(self.answers(VIP6))
        self.assertEqual(daemon.log.count("Entering", start=mark), 0, str(daemon.log))

    def test_interface_comes_and_goes(self):
        """The interface below is renamed, and comes back: FAULT meanwhile."""
        daemon = self.daemon("hanode", self.a, pair_of(1, 150, "use_vmac")).start()
        for name in ("VI_1", "VI_6"):
            daemon.log.wait_for(rf"\({name}\) Entering MASTER STATE")
        before = self.links(self.a), self.addresses_of(self.a)
        for _ in range(2):
            mark = daemon.log.mark()
            for words in (("down",), ("name", "other"), ("up",)):
                self.run_on(self.a, "ip", "link", "set", "eth0", *words)
                if words[0] == "name":
                    break
            for name in ("VI_1", "VI_6"):
                daemon.log.wait_for(rf"\({name}\) Entering FAULT STATE", start=mark)
            self.run_on(self.a, "ip", "link", "set", "other", "name", "eth0")
            self.run_on(self.a, "ip", "link", "set", "eth0", "up")
            for name in ("VI_1", "VI_6"):
                daemon.log.wait_for(rf"\({name}\) Entering MASTER STATE", start=mark)
            until(
                lambda: (self.links(self.a), self.addresses_of(self.a))[0] == before[0],
                what="all as before",
            )


class AcceptTests(VirtualCase):
    def config(self, extra):
        return pair_of(1, 150, f"use_vmac\n{extra}")

    def test_no_accept(self):
        """Who must not answer does not, but neighbours find it; a reload changes it."""
        need("ping")
        daemon = self.daemon("hanode", self.a, self.config("no_accept")).start()
        for name in ("VI_1", "VI_6"):
            daemon.log.wait_for(rf"\({name}\) Entering MASTER STATE")
        self.assertEqual([self.answers(each) for each in (VIP4, VIP6)], [False] * 2)
        self.assertEqual(self.neighbour(VIP4) + self.neighbour(VIP6), [MAC4, MAC6])
        self.assertTrue(self.answers("192.0.2.1"))
        daemon.configure(self.config("accept"))
        mark = daemon.log.mark()
        daemon.reload()
        daemon.log.wait_for("Reload complete", timeout=45.0, start=mark)
        self.assertEqual([self.answers(each) for each in (VIP4, VIP6)], [True] * 2)
        self.assertEqual(daemon.log.count("Entering BACKUP STATE", start=mark), 0)

    def test_strict(self):
        """Strict mode without accept: the famous trap."""
        need("ping")
        text = "global_defs {\nvrrp_strict\n}\n" + instance(
            1, 150, vips=(f"{VIP4}/24",), version=3, interval=FAST
        )
        daemon = self.daemon("hanode", self.a, text).start()
        daemon.log.wait_for("Entering MASTER STATE")
        self.assertFalse(self.answers(VIP4))
        self.assertEqual(self.neighbour(VIP4), [self.a.mac("eth0")])


class TraceTests(VirtualCase):
    """What is left in the kernel."""

    def state(self, host):
        """Everything that virtual routers change."""
        return (
            self.links(host),
            self.addresses_of(host),
            host.call(sysctls),
            self.run_on(host, "nft", "list", "ruleset"),
        )

    def config(self, name="VI_1", vrid=51):
        text = pair_of(1, 150, "use_vmac\nno_accept")
        return text.replace("VI_1", name).replace("_id 51", f"_id {vrid}")

    def up(self, daemon):
        daemon.start()
        for _ in range(2):
            daemon.log.wait_for("Entering MASTER STATE")
        until(
            lambda: (
                "VI_6) Entering MASTER" in str(daemon.log)
                and re.search(r"(VI_1|other)\) Entering MASTER", str(daemon.log))
            ),
            what="both masters",
        )

    def test_stop(self):
        """Nothing is left at the end."""
        need("nft")
        self.a.write("net/ipv4/conf/all/rp_filter", "1")
        before = self.state(self.a)
        daemon = self.daemon("hanode", self.a, self.config())
        self.up(daemon)
        self.assertNotEqual(self.state(self.a), before)
        daemon.stop()
        self.assertEqual(self.state(self.a), before)

    def test_kill(self):
        """After a kill the next start adopts what it wants, removes the rest."""
        need("nft")
        self.a.write("net/ipv4/conf/all/rp_filter", "1")
        before = self.state(self.a)
        daemon = self.daemon("hanode", self.a, self.config())
        self.up(daemon)
        first = self.links(self.a)
        daemon.kill()
        self.assertEqual(self.links(self.a), first)
        self.up(daemon)
        self.assertEqual(
            daemon.log.count("Found matching interface vrrp6?.51"), 2, str(daemon.log)
        )
        self.assertEqual(self.links(self.a), first)
        daemon.kill()
        daemon.configure(self.config("other", 52))
        self.up(daemon)
        self.assertEqual(
            [each["ifname"] for each in self.links(self.a)], ["vrrp.52", "vrrp6.52"]
        )
        daemon.stop()
        self.assertEqual(self.state(self.a), before)

    def test_as_keepalived(self):
        """One file: the same links, addresses, sysctls and rules as keepalived makes.

        Known differences: on an IPv6 virtual MAC keepalived leaves accept_ra, autoconf
        and arp_ignore alone, and arp_announce on the interface below; the mark in the
        alias; empty sets.
        """
        need("keepalived", "nft")
        text = pair_of(1, 150, "use_vmac\nno_accept")
        found = []
        for host, kind in ((self.a, "hanode"), (self.b, "keepalived")):
            text = text.replace("192.0.2.1\n", "192.0.2.2\n")
            daemon = self.daemon(kind, host, text)
            self.bridge.cut(host)
            self.up(daemon)
            until(
                lambda host=host: self.holds(host, f"{VIP4}/24", "vrrp.51"),
                what="the address",
            )
            links = self.links(host)
            addresses = [
                each[:1] + each[2:] if each[1].startswith("fe80") else each
                for each in self.addresses_of(host)
                if each[0] not in ("lo", "eth0")
            ]
            found.append((links, addresses, self.changed(host), self.rules(host)))
        ours, theirs = found
        self.assertEqual(ours[0], theirs[0])
        self.assertEqual(ours[1], theirs[1])
        more = {f"ipv6/conf/vrrp6.51/{name}" for name in ("accept_ra", "autoconf")}
        more |= {"ipv4/conf/vrrp6.51/arp_ignore", "ipv4/conf/eth0/arp_announce"}
        self.assertEqual(
            {name: value for name, value in ours[2].items() if name not in more},
            {name: value for name, value in theirs[2].items() if name not in more},
        )
        self.assertEqual(ours[3], theirs[3])

    def changed(self, host):
        """The sysctls of the interface and of what is on it."""
        return {
            name: value
            for name, value in host.call(sysctls).items()
            if re.search(r"conf/(eth0|vrrp6?\.51|all|default)/", name)
        }

    def rules(self, host):
        """Elements of the sets, and rules in short, as both write them."""
        text = self.run_on(host, "nft", "list", "ruleset")
        verdicts = re.findall(
            r"(igmp|ip6? [sd]addr|icmpv6 type nd-router-solicit).*(drop)", text
        )
        addresses = re.findall(r"192\.0\.2\.100|fd00::100|fe80::100", text)
        moved = re.findall(r'"(vrrp6?\.51)" : "(eth0)"', text)
        chains = re.findall(r"type filter hook .* priority [^;]*", text)
        return (
            sorted(set(verdicts)),
            sorted(set(addresses)),
            sorted(set(moved)),
            sorted(chains),
        )
