"""Every kind of service and destination, as ipvsadm shows what came of it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from ipaddress import ip_address
from itertools import combinations
from pathlib import Path

from twisted.trial.unittest import SkipTest

from hanode.dataplanes.ipvs import ipvsBalancer
from hanode.dataplanes.ipvs_kernel import absence
from hanode.lvs import Destination, Endpoint, Fwmark, Method, Service, SyncDaemon, Usage
from tests.dataplanes.balancer_contract import FOREIGN, ONE, TWO, WEB, table
from tests.dataplanes.ipvs_save import saved
from tests.live.case import until
from tests.live.guest import kernel

SCHEDULERS = ("rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq")
NEWER = ("fo", "ovf", "mh")
HERE = ip_address("127.0.0.2")
ADOPTER = """
import sys, time
from hanode.dataplanes.ipvs import IpvsBalancer
from tests.dataplanes.balancer_contract import MARKED, WEB, table
from tests.live.veth import Turns
balancer = IpvsBalancer(Turns())
balancer.start()
balancer.balance(table(WEB, MARKED))
print("ready", flush=True)
time.sleep(60)
"""


def service(number: int = 1, scheduler: str = "wlc", **fields: object) -> Service:
    identity = Endpoint(ip_address(f"192.0.2.{number}"), 80, "TCP")
    given = {"destinations": (ONE, TWO), **fields}
    return Service(identity, scheduler, **given)  # type: ignore[arg-type]


def six(number: int = 1, **fields: object) -> Service:
    identity = Endpoint(ip_address(f"2001:db8::{number}"), 80, "TCP")
    below = Destination(ip_address("fd00::1"), 8080, 7)
    given = {"destinations": (below,), **fields}
    return Service(identity, "rr", **given)  # type: ignore[arg-type]


class ServiceTests(kernel.KernelCase):
    def check(self, *services: Service) -> None:
        """Balance them: the kernel has them so, and they stay without another word."""
        self.balancer.start()
        self.balancer.balance(table(*services))
        self.holds(*services)
        self.settle()
        self.settle()
        self.holds(*services)
        self.assertEqual(self.log, [])

    def test_missing(self) -> None:
        """A kernel with IPVS says that nothing is missing."""
        self.assertEqual((absence(), ipvsBalancer.missing()), ("", ""))

    def test_schedulers(self) -> None:
        """Each scheduler is loaded when it is asked for."""
        names = enumerate(SCHEDULERS + NEWER, 1)
        self.check(*(service(number, name) for number, name in names))

    def test_scheduler_flags(self) -> None:
        """Flags in all combinations, with the schedulers that have some and others."""
        flags = ("flag-1", "flag-2", "flag-3")
        some = [each for count in (1, 2, 3) for each in combinations(flags, count)]
        plain = [
            service(number, "rr", flags=frozenset(each))
            for number, each in enumerate(some, 1)
        ]
        hashed = [
            service(20, "sh", flags=frozenset(flags[:2])),
            service(21, "mh", flags=frozenset(flags[:1])),
            service(22, "sh", flags=frozenset(flags[1:2])),
        ]
        self.check(*plain, *hashed)

    def test_protocols(self) -> None:
        """TCP, UDP and SCTP on one address and port are three services."""
        self.check(
            *(
                replace(service(), identity=replace(service().identity, protocol=name))
                for name in ("TCP", "UDP", "SCTP")
            )
        )

    def test_ipv6(self) -> None:
        """IPv6 services and real servers."""
        self.check(six(), six(2, persistence=100, granularity=64), six(3))

    def test_marks(self) -> None:
        """The same mark for both families."""
        below = Destination(ip_address("fd00::1"), 0)
        self.check(
            Service(Fwmark(5), "rr", destinations=(replace(ONE, port=0),)),
            Service(Fwmark(5, 6), "rr", destinations=(below,)),
            Service(Fwmark(2**31 - 1), "rr"),
        )

    def test_persistence(self) -> None:
        """Timeouts and granularities, on a port and on any port."""
        anything = Endpoint(ip_address("192.0.2.7"), 0, "TCP")
        self.check(
            service(1, persistence=360),
            service(2, persistence=1, granularity=24),
            service(3, persistence=2**22, granularity=1),
            Service(anything, "rr", persistence=50),
        )

    def test_granularity_without_persistence(self) -> None:
        """A granularity that nothing uses is not looked at."""
        self.balancer.start()
        self.balancer.balance(table(service(granularity=24)))
        self.settle()
        self.holds(service())
        self.assertEqual(self.log, [])

    def test_one_packet_and_engine(self) -> None:
        """One-packet scheduling, and SIP persistence."""
        names = Endpoint(ip_address("192.0.2.1"), 53, "UDP")
        calls = Endpoint(ip_address("192.0.2.1"), 5060, "UDP")
        self.check(
            Service(names, "rr", one_packet=True),
            Service(calls, "rr", persistence=30, engine="sip"),
        )

    def test_engine_without_udp(self) -> None:
        """What we refuse is what the kernel takes and then drops: SIP over TCP."""
        vip = ip_address("192.0.2.50")
        subprocess.run(["ip", "addr", "replace", f"{vip}/32", "dev", "lo"], check=True)
        below = (Destination(HERE, 5060),)
        services = [
            Service(Endpoint(vip, port, "TCP"), "rr", destinations=below, **fields)
            for port, fields in (
                (5060, {"persistence": 30, "engine": "sip"}),
                (5061, {"engine": "sip"}),
                (5062, {"persistence": 30}),
            )
        ]
        self.check(*services)
        refused = [bool(self.balancer.refusal(each)) for each in services]
        self.assertEqual(refused, [True, False, False])
        dropped = [self.drops(port) for port in (5060, 5061, 5062)]
        self.assertEqual(dropped, refused)

    def drops(self, port: int) -> bool:
        """Whether a first packet of TCP makes no connection in the kernel."""
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
            client.setblocking(False)
            client.connect_ex(("192.0.2.50", port))  # it is sent when this returns
        return f" 192.0.2.50:{port} " not in kernel.ipvsadm("-Lnc")

    def test_methods(self) -> None:
        """NAT, direct routing and every tunnel, IPv6 below IPv4 and the other way."""
        methods = [
            Method(),
            Method("DR"),
            Method("TUN"),
            Method("TUN", "gre"),
            Method("TUN", "gre", checksum="csum"),
            Method("TUN", "gue", 6080),
            Method("TUN", "gue", 6080, "csum"),
            Method("TUN", "gue", 6080, "remcsum"),
        ]
        below = tuple(
            Destination(ip_address(f"10.1.0.{number}"), 80, method=each)
            for number, each in enumerate(methods, 1)
        )
        across = Destination(ip_address("fd00::9"), 80, method=Method("TUN"))
        back = Destination(ip_address("10.1.0.9"), 80, method=Method("TUN"))
        self.check(service(destinations=(*below, across)), six(destinations=(back,)))

    def test_weights_and_thresholds(self) -> None:
        """The largest weight, and thresholds, which ipvsadm-save leaves out."""
        below = (
            Destination(ip_address("10.1.0.1"), 80, 2**31 - 1, upper=500, lower=5),
            Destination(ip_address("10.1.0.2"), 80, 0, upper=7),
        )
        self.check(service(destinations=below))
        shown = kernel.ipvsadm("-ln", "--thresholds")
        found = [line.split()[1:4] for line in shown.splitlines() if "->" in line]
        self.assertEqual(
            sorted(found[1:]), [["10.1.0.1:80", "500", "5"], ["10.1.0.2:80", "7", "0"]]
        )

    def test_every_change(self) -> None:
        """Each setting can be changed in place, and the connections stay."""
        first = service(persistence=10)
        self.balancer.start()
        self.balancer.balance(table(first))
        for change in (
            {"scheduler": "sh"},
            {"flags": frozenset({"flag-2"})},
            {"persistence": 0},
            {"persistence": 9, "granularity": 20},
            {"destinations": (replace(ONE, weight=50, upper=3), TWO)},
            {"destinations": (replace(ONE, method=Method("TUN", "gue", 9)), TWO)},
            {"destinations": (replace(ONE, method=Method("TUN")), TWO)},
            {"destinations": ()},
        ):
            first = replace(first, **change)  # type: ignore[arg-type]
            self.balancer.balance(table(first))
            self.holds(first)
        self.settle()
        self.assertEqual(self.log, [])


class RefusalTests(kernel.KernelCase):
    def test_unknown_scheduler(self) -> None:
        """It is said once which module is missing; the rest is done; later it works."""
        self.balancer.start()
        self.balancer.balance(table(service(1, "nosuch"), service(2)))
        self.holds(service(2))
        for _ in range(5):
            self.settle()
        self.assertEqual(
            self.log,
            [
                "the kernel refuses to set virtual service [192.0.2.1]:tcp:80: no"
                " scheduler nosuch in this kernel: see the module ip_vs_nosuch (ENOENT)"
            ],
        )
        self.balancer.balance(table(service(1, "rr"), service(2)))
        self.holds(service(1, "rr"), service(2))

    def test_refused_destination(self) -> None:
        """A real server that is refused does not keep the others out."""
        bad = Destination(ip_address("224.0.0.1"), 80)
        self.balancer.start()
        self.balancer.balance(table(service(destinations=(ONE, bad, TWO))))
        self.holds(service())
        self.assertEqual(len(self.log), 1)
        self.assertIn(
            "[224.0.0.1]:80 of [192.0.2.1]:tcp:80: not a unicast", self.log[0]
        )

    def test_works_at_last(self) -> None:
        """What was refused is tried again, and it is said when it works."""
        daemon = SyncDaemon("master", "lo", 1)
        mixed = Destination(ip_address("fd00::9"), 80, method=Method("TUN"))
        kernel.ipvsadm("--start-daemon", "master", "--mcast-interface", "lo")
        self.balancer.start()
        self.balancer.balance(table(service(destinations=(ONE, mixed))))
        self.holds(service(destinations=(ONE,)))
        self.assertIn("not while a synchronisation daemon runs", self.log[0])
        kernel.ipvsadm("--stop-daemon", daemon.state)
        self.settle()
        self.holds(service(destinations=(ONE, mixed)))
        self.assertEqual(
            self.log[1:],
            ["real server [fd00::9]:80 of [192.0.2.1]:tcp:80 is set at last"],
        )


class OthersTests(kernel.KernelCase):
    def test_restart_after_kill(self) -> None:
        """After kill -9 the next start takes over what is there, wrong or right."""
        words = [sys.executable, "-c", ADOPTER]
        first = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        assert first.stdout is not None
        self.assertEqual(first.stdout.readline(), "ready\n")
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        first.stdout.close()
        kernel.set_service(replace(WEB, destinations=(ONE,)))
        self.balancer.start()
        self.balancer.balance(table(WEB))
        self.settle()
        lines = kernel.save()
        self.assertEqual([each for each in lines if "192.0.2" in each], saved([WEB]))
        self.assertEqual(
            self.log,
            [
                "taking over [192.0.2.10]:tcp:80 with 1 real servers,"
                " and its connections"
            ],
        )

    def test_connections_stay(self) -> None:
        """Taking over touches neither connections nor counters."""
        subprocess.run(
            ["ip", "addr", "replace", "192.0.2.50/32", "dev", "lo"], check=True
        )
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind((str(HERE), 0))
            server.settimeout(5)
            port = server.getsockname()[1]
            echo = Service(
                Endpoint(ip_address("192.0.2.50"), 7, "UDP"),
                "rr",
                destinations=(Destination(HERE, port),),
            )
            first = self.another()
            first.start()
            first.balance(table(echo))
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.sendto(b"x", ("192.0.2.50", 7))
                self.assertEqual(server.recv(9), b"x")
            first.stop(remove=False)
            self.balancer.start()
            self.balancer.balance(table(echo))
            of_service, below = until(lambda: self.counted(echo), what="the count")
            self.assertEqual((of_service.connections, of_service.packets_in), (1, 1))
            self.assertEqual(below[HERE, port].inactive, 1)

    def counted(self, of: Service) -> tuple[Usage, dict[object, Usage]] | None:
        """The usages, once there is something; the kernel adds up every 2 s."""
        usages = self.successResultOf(self.balancer.usages())[of.identity]
        return usages if usages[0].connections else None

    def test_put_back_with_restraint(self) -> None:
        """Whoever clears the table again and again has it cleared for a while."""
        self.balancer.start()
        self.balancer.balance(table(service(1), service(2)))
        for _ in range(5):
            kernel.ipvsadm("-C")
            self.settle()
            self.holds(service(1), service(2))
        kernel.ipvsadm("-C")
        self.settle()
        self.holds()
        self.turns.advance(1.0)
        self.holds(service(1), service(2))
        removed = "2 of our services were removed by someone else: "
        names = "[192.0.2.1]:tcp:80, [192.0.2.2]:tcp:80"
        self.assertEqual(
            self.log,
            [f"{removed}put back: {names}"] * 5
            + [f"{removed}that often that some wait a while: {names}"],
        )

    def test_changed_destinations(self) -> None:
        """A weight that was changed, a server removed, one added: all put right."""
        self.balancer.start()
        self.balancer.balance(table(WEB, service(3)))
        other = Destination(ip_address("10.1.0.200"), 80)
        kernel.set_service(replace(WEB, destinations=(replace(ONE, weight=9), other)))
        self.settle()
        self.holds(WEB, service(3))
        self.assertEqual(
            self.log,
            [
                "1 of our services had their real servers changed by someone else:"
                " put back: [192.0.2.10]:tcp:80"
            ],
        )

    def test_quicker_than_the_look(self) -> None:
        """What others did since the last look is found out from the refusals."""
        self.balancer.start()
        self.balancer.balance(table(WEB))
        kernel.ipvsadm("-C")
        kernel.set_service(replace(service(2), scheduler="sed"))
        changed = replace(WEB, destinations=(replace(ONE, weight=5), TWO))
        self.balancer.balance(table(changed, service(2)))
        self.holds(changed, service(2))

    def test_foreign_service_wanted_later(self) -> None:
        """A foreign service becomes ours when a table names it."""
        self.balancer.start()
        kernel.set_service(FOREIGN)
        mine = replace(FOREIGN, destinations=(ONE,))
        self.balancer.balance(table(mine))
        self.holds(mine)

    def test_module_unloaded(self) -> None:
        """When IPVS went away and came back, everything is set anew."""
        self.balancer.start()
        self.balancer.balance(table(service(1, "rr")))
        kernel.ipvsadm("-C")
        listed = Path("/proc/modules").read_text().splitlines()
        loaded = [line.split()[0] for line in listed if line.startswith("ip_vs")]
        if not loaded:
            raise SkipTest("IPVS is no module here")
        loaded.sort(key=len, reverse=True)  # ip_vs_rr before ip_vs
        subprocess.run(["modprobe", "-r", *loaded], check=True)
        self.settle()
        self.holds(service(1, "rr"))
        self.assertEqual(
            [line.split(":")[0] for line in self.log],
            ["IPVS cannot be used", "IPVS can be used again"],
        )


class DaemonTests(kernel.KernelCase):
    def test_parameters(self) -> None:
        """Group, port, TTL and size are what ipvsadm shows."""
        daemon = SyncDaemon("master", "lo", 9, ip_address("239.1.2.3"), 8850, 3, 1000)
        self.balancer.start()
        self.balancer.sync([daemon])
        shown = kernel.ipvsadm("-ln", "--daemon")
        self.assertIn(
            "master sync daemon (mcast=lo, syncid=9, maxlen=1000, group=239.1.2.3,"
            " port=8850, ttl=3)",
            shown,
        )

    def test_same_is_not_touched(self) -> None:
        """A daemon that runs as it should is left running."""
        kernel.ipvsadm(
            "--start-daemon", "backup", "--mcast-interface", "lo", "--syncid", "4"
        )
        self.balancer.start()
        before = self.balancer._program.sent
        self.balancer.sync([SyncDaemon("backup", "lo", 4)])
        self.assertEqual(self.balancer._program.sent, before)

    def test_started_again(self) -> None:
        """A daemon that someone stopped is started again."""
        self.balancer.start()
        self.balancer.sync([SyncDaemon("master", "lo", 4)])
        kernel.ipvsadm("--stop-daemon", "master")
        self.settle()
        self.assertEqual(kernel.daemons(), [("master", "lo", 4)])

    def test_refused(self) -> None:
        """No such interface: it is said once, and tried again."""
        self.balancer.start()
        self.balancer.sync([SyncDaemon("master", "nosuch0", 4)])
        self.settle()
        self.settle()
        self.assertEqual(
            self.log,
            [
                "the kernel refuses the master synchronisation daemon: no interface"
                " nosuch0"
            ],
        )
