"""nftables balances real connections between private hosts."""

from __future__ import annotations

import socket
from collections import Counter

from scapy.layers.inet import IP
from scapy.layers.sctp import SCTP, SCTPChunkInit

from hanode.lvs import Fwmark, Service
from tests.live.case import until
from tests.live.named_server import ask, open_connection, talk
from tests.live.nftables_case import (
    CLIENTS,
    CLIENTS6,
    PORT,
    VIP,
    VIP6,
    NftablesCase,
    destination,
    service,
)

SCTP_PROTOCOL = 132


class SchedulerTests(NftablesCase):
    """Who gets the next connection."""

    def test_rr(self):
        """Round robin gives each real server exactly its share, over TCP and UDP."""
        three = [destination(each) for each in (1, 2, 3)]
        self.balance(service(*three), service(*three, protocol="UDP"))
        self.assertEqual(Counter(self.ask(9)), {"rs1": 3, "rs2": 3, "rs3": 3})
        self.assertEqual(Counter(self.ask_udp(6)), {"rs1": 2, "rs2": 2, "rs3": 2})

    def test_rr_ipv6(self):
        """The same for IPv6."""
        three = [destination(each, six=True) for each in (1, 2, 3)]
        self.balance(
            service(*three, vip=VIP6), service(*three, vip=VIP6, protocol="UDP")
        )
        self.assertEqual(Counter(self.ask(6, VIP6)), {"rs1": 2, "rs2": 2, "rs3": 2})
        self.assertEqual(Counter(self.ask_udp(3, VIP6)), {"rs1": 1, "rs2": 1, "rs3": 1})

    def test_wrr(self):
        """Weighted round robin follows the weights exactly, well mixed."""
        self.balance(
            service(
                destination(1, 3), destination(2, 1), destination(3, 2), scheduler="wrr"
            )
        )
        names = self.ask(12)
        self.assertEqual(Counter(names), {"rs1": 6, "rs2": 2, "rs3": 4})
        self.assertEqual(Counter(names[:6]), {"rs1": 3, "rs2": 1, "rs3": 2})

    def test_sh(self):
        """Source hashing keeps each client at one server, and uses them all."""
        three = [destination(each) for each in (1, 2, 3)]
        self.balance(service(*three, scheduler="sh"))
        places = {}
        for client in CLIENTS:
            names = set(self.ask(3, source=client))
            self.assertEqual(len(names), 1)
            places[client] = names
        self.assertGreater(len(set().union(*places.values())), 1)

    def test_local_client(self):
        """The director itself is a client like others."""
        self.balance(service(destination(1), destination(2)))
        names = [self.director.call(ask, VIP, PORT) for _ in range(4)]
        self.assertEqual(Counter(names), {"rs1": 2, "rs2": 2})

    def test_another_port(self):
        """A service may have another port than its real servers."""
        self.balance(service(destination(1), destination(2), port=8080))
        self.assertEqual(Counter(self.ask(4, port=8080)), {"rs1": 2, "rs2": 2})

    def test_any_port(self):
        """A persistent service of port 0 takes every port and leaves it as it is."""
        two = [destination(each, port=0) for each in (1, 2)]
        self.balance(service(*two, port=0, persistence=60))
        self.assertEqual(len(set(self.ask(4))), 1)

    def test_sctp(self):
        """The first packet of an SCTP association gets to a real server."""
        self.balance(service(destination(1, port=81), protocol="SCTP"))
        ends = [
            host.call(socket.socket, socket.AF_INET, socket.SOCK_RAW, SCTP_PROTOCOL)
            for host in (self.client, self.reals[0])
        ]
        for each in ends:
            self.addCleanup(each.close)
            each.settimeout(3.0)
        client, real = ends
        init = SCTP(sport=4711, dport=PORT, tag=0) / SCTPChunkInit(init_tag=1)
        client.sendto(bytes(init), (VIP, 0))
        packet = IP(real.recv(2000))
        self.assertEqual((packet.dst, packet[SCTP].dport), ("10.0.0.1", 81))

    def test_fwmark(self):
        """Packets with a mark are balanced wherever they go."""
        self.nft("add", "table", "ip", "marks")
        hook = "{ type filter hook prerouting priority -150; }"
        self.nft("add", "chain", "ip", "marks", "pre", hook)
        self.nft("add", "rule", "ip", "marks", "pre", "tcp dport 81 meta mark set 7")
        two = (destination(1), destination(2))
        self.balance(Service(Fwmark(7), "rr", destinations=two))
        self.assertEqual(Counter(self.ask(4, port=81)), {"rs1": 2, "rs2": 2})


class PersistenceTests(NftablesCase):
    """Clients that come back."""

    def test_sticky(self):
        """A client stays; a change of another server and a restart do not matter."""
        two = [destination(1), destination(2)]
        self.balance(service(*two, persistence=60))
        first = {each: self.ask(1, source=each)[0] for each in CLIENTS[:4]}
        self.assertEqual(Counter(first.values()), {"rs1": 2, "rs2": 2})
        self.balance(service(*two, destination(3), persistence=60))
        again = {each: self.ask(1, source=each)[0] for each in CLIENTS[:4]}
        self.assertEqual(again, first)
        self.end(remove=False)
        self.balancer = self.begin()
        self.balance(service(*two, destination(3), persistence=120))
        again = {each: self.ask(1, source=each)[0] for each in CLIENTS[:4]}
        self.assertEqual(again, first)

    def test_granularity(self):
        """With a granularity a whole network is one client."""
        two = [destination(1), destination(2)]
        six = [destination(1, six=True), destination(2, six=True)]
        self.balance(
            service(*two, persistence=60, granularity=24),
            service(*six, vip=VIP6, persistence=60, granularity=64),
        )
        names = {self.ask(1, source=each)[0] for each in CLIENTS[:4]}
        self.assertEqual(len(names), 1)
        names = {self.ask(1, VIP6, source=each)[0] for each in CLIENTS6}
        self.assertEqual(len(names), 1)

    def test_weight_0_moves(self):
        """Clients of a server that gets weight 0 are moved, and not back again."""
        self.balance(service(destination(1), destination(2), persistence=60))
        (name,) = self.ask(1)
        mine, other = (1, 2) if name == "rs1" else (2, 1)
        self.balance(service(destination(mine, 0), destination(other), persistence=60))
        self.assertEqual(set(self.ask(3)), {f"rs{other}"})
        self.balance(service(destination(mine), destination(other), persistence=60))
        self.assertEqual(set(self.ask(3)), {f"rs{other}"})


class RemovalTests(NftablesCase):
    """Servers that go."""

    def test_weight_0(self):
        """Weight 0: established connections go on, there are no new ones."""
        self.balance(service(destination(1), destination(2)))
        with self.client.call(open_connection, VIP, PORT) as opened:
            name = opened.recv(100).decode()
            mine, other = (1, 2) if name == "rs1" else (2, 1)
            self.balance(service(destination(mine, 0), destination(other)))
            self.assertEqual(set(self.ask(4)), {f"rs{other}"})
            self.assertEqual(talk(opened), name)

    def test_removed(self):
        """Connections to a removed server are reset instead of hanging."""
        self.balance(service(destination(1), destination(2)))
        with (
            self.client.call(open_connection, VIP, PORT) as one,
            self.client.call(open_connection, VIP, PORT) as two,
        ):
            names = {each.recv(100).decode(): each for each in (one, two)}
            self.balance(service(destination(2)))
            self.assertEqual(set(self.ask(4)), {"rs2"})
            self.assertRaises(ConnectionResetError, talk, names["rs1"])
            self.assertEqual(talk(names["rs2"]), "rs2")

    def test_removed_ipv6(self):
        """The same for IPv6."""
        both = [destination(1, six=True), destination(2, six=True)]
        self.balance(service(*both, vip=VIP6))
        with self.client.call(open_connection, VIP6, PORT) as opened:
            name = opened.recv(100).decode()
            self.balance(service(both[1 if name == "rs1" else 0], vip=VIP6))
            self.assertRaises(ConnectionResetError, talk, opened)

    def test_removed_udp(self):
        """A UDP source that goes on sending gets another server."""
        three = [destination(each) for each in (1, 2)]
        self.balance(service(*three, protocol="UDP"))
        with self.client.call(
            open_connection, VIP, PORT, None, socket.SOCK_DGRAM
        ) as opened:
            name = talk(opened)
            self.assertEqual(talk(opened), name)
            other = 2 if name == "rs1" else 1
            self.balance(service(destination(other), protocol="UDP"))
            self.assertEqual(talk(opened), f"rs{other}")

    def test_nobody_left(self):
        """Without a usable server clients are refused at once, in both families."""
        self.balance(
            service(destination(1, 0)), service(vip=VIP6), service(protocol="UDP")
        )
        self.assertRaises(ConnectionRefusedError, self.ask, 1)
        self.assertRaises(ConnectionRefusedError, self.ask, 1, VIP6)
        self.assertRaises(ConnectionRefusedError, self.ask_udp, 1)

    def test_restart(self):
        """A connection outlives the daemon; what it left behind becomes ours."""
        self.balance(service(destination(1)), service(destination(1), port=81))
        with self.client.call(open_connection, VIP, PORT) as opened:
            opened.recv(100)
            self.end(remove=False)
            self.balancer = self.begin()
            self.balance(service(destination(1), destination(2)))
            self.assertEqual(talk(opened), "rs1")
        self.assertEqual(Counter(self.ask(4)), {"rs1": 2, "rs2": 2})
        self.assertRaises(ConnectionRefusedError, self.ask, 1, VIP, 81)

    def test_stop(self):
        """At the end our table is gone and those of others are not."""
        self.nft("add", "table", "inet", "other")
        self.balance(service(destination(1)))
        self.end()
        self.assertEqual(self.nft("list", "tables"), "table inet other\n")


class RepairTests(NftablesCase):
    """Others who touch our table."""

    def assert_repaired(self, *words):
        self.nft(*words)
        until(lambda: self.reactor.settle() or "tcp_" in self.nft("list", "ruleset"))
        self.settle()
        self.assertEqual(Counter(self.ask(4)), {"rs1": 2, "rs2": 2})

    def test_flush_ruleset(self):
        """The ruleset is flushed: ours is back, and the log says who did it."""
        self.balance(service(destination(1), destination(2)))
        self.assert_repaired("flush", "ruleset")
        self.assert_repaired("delete", "table", "inet", "hanode_lvs")
        self.assert_repaired("flush", "chain", "inet", "hanode_lvs", "dispatch")
        self.assert_repaired("flush", "table", "inet", "hanode_lvs")

    def test_own_changes(self):
        """What we do ourselves is not taken for somebody else's."""
        told = []
        self.balancer.log = Recorder(told)
        self.balance(service(destination(1), destination(2)))
        self.balance(service(destination(1)))
        self.nft("add", "table", "inet", "other")
        self.settle()
        self.assertEqual(told, [])


class Recorder:
    """A log that remembers what is worth a warning."""

    def __init__(self, told):
        self._told = told

    def warn(self, format, **fields):
        self._told.append(format.format(**fields))

    error = warn

    def debug(self, format, **fields):
        pass

    info = debug


class UsageTests(NftablesCase):
    """What is counted."""

    def test_usages(self):
        """Connections, packets and bytes of each server, and those that are open."""
        one = service(destination(1), destination(2))
        self.balance(one)
        with self.client.call(open_connection, VIP, PORT) as opened:
            opened.recv(100)
            self.ask(3)
            got = []
            self.director.call(self.balancer.usages).addCallback(got.append)
            self.settle()
            whole, parts = got[0][one.identity]
        self.assertEqual(whole.connections, 4)
        self.assertEqual([each.connections for each in parts.values()], [2, 2])
        self.assertEqual([each.active for each in parts.values()], [1, 0])
        self.assertEqual([each.inactive for each in parts.values()], [1, 2])
        for each in parts.values():
            self.assertGreater(each.packets_in, 5)
            self.assertGreater(each.packets_out, 3)
            self.assertGreater(each.bytes_in, each.packets_in * 40)
            self.assertGreater(each.bytes_out, each.packets_out * 40)
