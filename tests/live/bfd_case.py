"""What live tests of BFD share: hosts, loss in one direction, a look at the wire."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

from hanode.rehearsal.namespaces import Bridge, Host
from tests.live import bfd_configs
from tests.live.bfd_configs import AUTHENTICATED
from tests.live.bfd_wire import ADMIN_DOWN, ADMINISTRATIVE, EXPIRED, SIGNALLED, Wire
from tests.live.case import LiveCase, need, until
from tests.live.routers import BfdHanode

SLACK = 1.0  # seconds that a busy machine may add to a time limit
STALL = 2.0  # seconds
READ = "bfd and not icmp and not icmpv6"  # errors quote packets
EXPIRED_HERE = "Local diagnostic - Control Detection Time Expired, Remote diagnostic - "
SIGNALLED_HERE = (
    "Local diagnostic - Neighbor Signaled Session Down, Remote diagnostic - "
)


class BfdCase(LiveCase):
    """hanode on host a, the peer on host b."""

    def setUp(self):
        need("nft")
        super().setUp()
        self.flood()
        self.wire = Wire(self.observer)
        for number, name in enumerate(self.hosts, 1):
            host = getattr(self, name)
            # Each card answers for its own addresses only, though all share one LAN.
            host.write("net/ipv4/conf/all/arp_ignore", "1")
            host.write("net/ipv4/conf/all/rp_filter", "0")
            host.add_address(f"fe80::{number}/64", "eth0")

    # -- the network

    def far_side(self, peer):
        """A router between L{FAR}'s ends: it takes one from the TTL."""
        far, router = Bridge("far"), Host("router")
        self.addCleanup(far.close)
        self.addCleanup(router.close)
        router.write("net/ipv4/ip_forward", "1")
        router.write("net/ipv4/conf/all/rp_filter", "0")
        self.bridge.connect(router, "eth0", "192.0.2.254/24")
        far.connect(router, "eth1", "198.51.100.254/24")
        far.connect(peer, "far0", "198.51.100.2/24")
        self.a.add_address("10.9.9.1/32", "lo")
        for host, target, gateway in (
            (self.a, "198.51.100.0/24", "192.0.2.254"),
            (router, "10.9.9.1/32", "192.0.2.1"),
            (peer, "10.9.9.1/32", "198.51.100.254"),
        ):
            host.route(
                lambda ipr, to=target, via=gateway: ipr.route(
                    "add", dst=to, gateway=via
                )
            )

    def cards(self, peer):
        """A card for each type of authentication, at both ends."""
        for link in AUTHENTICATED:
            self.bridge.connect(self.a, link.device, f"{link.ours}/24")
            self.bridge.connect(peer, link.device, f"{link.theirs}/24")

    def deaf(self, host):
        """All BFD control packets for C{host} are lost; what it sends arrives."""
        hook = "hook input priority -300"
        return self.dropping(host, "inet", hook, "udp dport { 3784, 4784 }")

    @contextlib.contextmanager
    def dropping(self, host, family, hook, packets):
        """C{host}'s kernel drops some C{packets}, in the words of nft(8)."""
        self._nft(
            host,
            f"table {family} deaf {{\n chain early {{\n"
            f"  type filter {hook}; policy accept;\n  {packets} drop\n }}\n}}\n",
        )
        try:
            yield time.monotonic()
        finally:
            self._nft(host, f"delete table {family} deaf\n")

    def _nft(self, host, text):
        done = host.call(
            subprocess.run,
            ["nft", "-f", "-"],
            input=text,
            capture_output=True,
            text=True,
        )
        self.assertEqual(done.returncode, 0, done.stderr)

    # -- daemons

    def hanode(self, links, host=None, kind=BfdHanode, **settings):
        """Our daemon with these sessions; it is C{self.ours} from now on."""
        self.links, self.settings = links, settings
        text = bfd_configs.hanode(links, **settings)
        self.ours = kind(host or self.a, self.folder, text)
        self.daemons.append(self.ours)
        return self.ours

    def router(self, kind, text, host=None):
        """A peer; it is C{self.peer} from now on."""
        self.peer = kind(host or self.b, self.folder, text)
        self.daemons.append(self.peer)
        return self.peer

    # -- what happens

    def mark(self):
        """What logs and wire say from now on counts."""
        self.begin = self.ours.log.mark() if self.ours.log else 0
        self.since = time.monotonic()

    def up(self, since_mark=True):
        """Wait until all sessions are Up at both ends."""
        for link in self.links:
            if since_mark:
                self.told(link, "Entering Up state")
            for end in (self.ours, self.peer):
                until(
                    lambda e=end, ln=link: e.state(ln) == "up",
                    what=f"{link.name} Up at {end.kind}",
                )

    def begin_both(self):
        """Start both ends, and wait until all is Up."""
        self.peer.start()
        self.ours.start()
        self.mark()
        self.begin = 0
        self.up()

    def told(self, link, words, regex=False):
        """When our log said this of a session since the mark."""
        words = words if regex else re.escape(words)
        name = re.escape(f"({link.name}) ")
        return self.ours.log.wait_for(name + words, start=self.begin)[0]

    def falls(self, reason):
        """Our log says of all sessions that they went Down like this."""
        return [
            self.told(link, f"Entering Down state ({reason}") for link in self.links
        ]

    def says(self, link, diagnostic, ours=False, states=None):
        """Wait until an end has said with C{diagnostic} that it is not Up."""
        source = link.ours if ours else link.theirs

        def heard():
            return [
                each
                for each in self.wire.fallen(self.since, source)
                if each.diagnostic == diagnostic
                and (states is None or each.state in states)
            ]

        what = f"{source} says diagnostic {diagnostic}"
        return self.wait(heard, what)

    def steady(self, seconds):
        """No end says anything but Up for so long, and packets keep coming."""
        since = time.monotonic()
        begin = self.ours.log.mark()
        until(lambda: time.monotonic() > since + seconds, timeout=seconds + 5)
        self.assertEqual(self.wire.fallen(since), [], self.account())
        self.assertEqual(self.ours.log.count("Entering Down", begin), 0)
        for link in self.links:
            for source in (link.ours, link.theirs):
                # every 100 ms, 75 % of it at least with jitter
                self.assertGreater(len(self.wire.said(since, source)), seconds * 7)

    def wait(self, condition, what):
        """L{until}, with all that was said since the mark when it does not happen."""
        try:
            return until(condition, what=what)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.account()}") from error

    def account(self):
        """What was said and logged."""
        logs = "\n\n".join(f"{d.kind}:\n{d.log}" for d in self.daemons)
        return f"{self.wire.story(self.since)}\n\n{logs}"

    # -- stories

    def lose_what_we_hear(self, answer=SIGNALLED):
        """The way to us is cut, and mended.

        @param answer: the diagnostic with which the peer goes Down. Ours says Down
            with Your Discriminator 0, as RFC 5880, section 6.8.1, wants it.
        """
        self.mark()
        with self.deaf(self.ours.host) as cut:
            for at in self.falls(EXPIRED_HERE):
                self.assertLess(at - cut, 0.3 + SLACK)
            for link in self.links:
                self.says(link, EXPIRED, ours=True)
                self.says(link, answer)
        self.up()

    def lose_what_they_hear(self):
        """The way to the peer is cut, and mended."""
        self.mark()
        with self.deaf(self.peer.host):
            self.falls(SIGNALLED_HERE + "Control Detection Time Expired")
            for link in self.links:
                self.says(link, EXPIRED)
                self.says(link, SIGNALLED, ours=True)
        self.up()

    def lose_a_passive_end(self):
        """The way to us is cut, and mended; a passive end that hears nothing is silent.

        RFC 5880, section 6.8.7: it must not send once it has forgotten the other's
        discriminator. So the other end has its own detection time expire.
        """
        self.mark()
        with self.deaf(self.ours.host):
            self.falls(EXPIRED_HERE)
            for link in self.links:
                until(lambda ln=link: self.peer.state(ln) != "up", what="peer sees it")
        self.up()

    def take_ours_down(self):
        """Our operator takes every session down, and lets it run again."""
        self.mark()
        for link in self.links:
            self.ours.cli("disable", link.name)
        for link in self.links:
            self.says(link, ADMINISTRATIVE, ours=True, states=[ADMIN_DOWN])
            until(lambda ln=link: self.peer.state(ln) != "up", what="peer sees it")
            self.assertEqual(self.ours.state(link), "admin_down")
            self.says(link, SIGNALLED)
        for link in self.links:
            self.ours.cli("enable", link.name)
        self.up()

    def stop_ours(self):
        """SIGTERM: the peer hears AdminDown and does not wait for a timeout."""
        self.mark()
        self.ours.stop()
        for link in self.links:
            self.says(link, ADMINISTRATIVE, ours=True, states=[ADMIN_DOWN])
            self.says(link, SIGNALLED)
            self.assertNotIn(
                EXPIRED,
                [each.diagnostic for each in self.wire.fallen(self.since, link.theirs)],
            )
        self.ours.start()
        self.mark()
        self.begin = 0
        self.up()

    def kill_peer(self):
        """SIGKILL of the peer, and a new start."""
        children = _family(self.peer.process.pid)[1:]
        self.mark()
        self.peer.kill()
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            until(lambda p=pid: not Path(f"/proc/{p}").exists(), what="its end")
        self.falls(EXPIRED_HERE)
        self.peer.start()
        self.up()
        self.steady(1.5)

    def kill_ours(self):
        """SIGKILL of hanode, and a new start: new discriminators are believed."""
        self.mark()
        self.ours.kill()
        for link in self.links:
            until(lambda ln=link: self.peer.state(ln) != "up", what="peer sees it")
        self.ours.start()
        self.mark()
        self.begin = 0
        self.up()
        self.steady(1.5)

    def freeze(self, *daemons):
        """SIGSTOP for 2 s."""
        family = [pid for each in daemons for pid in _family(each.process.pid)]
        self.mark()
        for pid in family:
            os.kill(pid, signal.SIGSTOP)
        until(lambda: time.monotonic() > self.since + STALL)
        for pid in family:
            os.kill(pid, signal.SIGCONT)

    def freeze_peer(self):
        """The peer stands still for 2 s: that is a failure, and it comes back."""
        self.freeze(self.peer)
        self.falls(EXPIRED_HERE)
        self.up()
        self.steady(1.5)

    def freeze_ours(self):
        """We stand still for 2 s: the peer gave us up, and nobody says that it died."""
        self.freeze(self.ours)
        self.falls(SIGNALLED_HERE + "Control Detection Time Expired")
        self.ours.log.wait_for(r"held up for [12]\.\d+ s", start=self.begin)
        self.up()
        self.assertEqual(self.ours.log.count(EXPIRED_HERE, self.begin), 0)
        stalls = self.ours.page()["stalls"]
        self.assertGreater(stalls["worst"], STALL * 0.9)
        self.steady(1.5)

    def read_by_tshark(self):
        """tshark finds nothing wrong with what we sent; return what it read."""
        need("tshark")
        file = self.folder / "seen.pcap"
        self.observer.pcap(file)
        told = subprocess.run(
            ["tshark", "-r", str(file), "-Y", READ, "-T", "json"],
            capture_output=True, check=True,
        ).stdout  # fmt: skip
        packets = [each["_source"]["layers"] for each in json.loads(told)]
        ours = {link.ours for link in self.links}
        sent = [
            layers
            for layers in packets
            if (layers.get("ip", {}).get("ip.src") or layers["ipv6"]["ipv6.src"])
            in ours
        ]
        for layers in sent:
            text = json.dumps(layers)
            self.assertNotIn("_ws.malformed", text)
            self.assertNotIn("_ws.expert", text)
        return sent


def _family(pid):
    """A process and its children: keepalived has one for BFD."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]
