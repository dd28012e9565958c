"""Two directors: the virtual address, the table and the connections move together."""

from __future__ import annotations

from subprocess import check_output
from typing import Any

from hanode.rehearsal.namespaces import Host
from tests.live.guest import kernel
from tests.live.guest.hosts import CLIENT, EVEN, PORT, VIP, HostCase, service
from tests.live.named_server import open_connection, talk

SYNC = "global_defs {\nlvs_sync_daemon eth0 inst VI_1 id 7\n}\n"
INSTANCE = """
vrrp_instance VI_1 {{
    interface eth0
    version 3
    virtual_router_id 51
    priority {}
    advert_int 0.2
    virtual_ipaddress {{
        {}/24
    }}
}}
"""
MASTER, BACKUP = [("master", "eth0", 7)], [("backup", "eth0", 7)]


class FailoverTests(HostCase):
    """Direct routing, so that the real servers need not know who the director is."""

    daemons: list[Any]

    def build(self) -> None:
        self.lan.connect(self.client, "eth0", f"{CLIENT}/24")
        for number in (1, 2):
            self.hide_vip(self.real(number, self.lan, f"192.0.2.1{number}/24"))
        self.hosts = [self.opened(Host(f"d{number}")) for number in (1, 2)]
        for number, host in enumerate(self.hosts, 1):
            self.lan.connect(host, "eth0", f"192.0.2.{number}/24")

    def start(self, number: int) -> None:
        """The director with index C{number}, its priority the less the later."""
        below = service("DR", "192.0.2.11", "192.0.2.12")
        instance = INSTANCE.format(200 - 50 * number, VIP)
        daemon = self.director(self.hosts[number], SYNC + instance + below)
        self.daemons.append(daemon)

    def begin(self) -> None:
        """Both run, the first is master, and ten requests are answered."""
        self.daemons = []
        for number in (0, 1):
            self.start(number)
        self.becomes(0, MASTER)
        self.becomes(1, BACKUP)
        self.assertEqual(self.requests(), EVEN)

    def becomes(self, number: int, daemons: list[tuple[str, str, int]]) -> None:
        """Wait until that director has its table, and is master or backup."""
        host, held = self.hosts[number], daemons == MASTER
        vip = f"{VIP}/24"
        self.wait(lambda: (vip in host.addresses("eth0")) == held, *self.daemons)
        self.wait(lambda: host.call(kernel.daemons) == daemons, *self.daemons)
        self.wait(lambda: self.balances(host), *self.daemons)

    def moves(self, number: int) -> None:
        """Wait until that director is master, and the client has heard its ARP."""
        self.becomes(number, MASTER)
        mac = self.hosts[number].mac("eth0")
        words = ["ip", "neigh", "show", VIP]

        def heard() -> bool:
            return mac in self.client.call(check_output, words, text=True)

        self.wait(heard, *self.daemons)

    def knows(self, host: Host, port: int) -> bool:
        """Whether the kernel there has the client's connection from this port."""
        return f"{CLIENT}:{port} " in host.call(kernel.ipvsadm, "-Lnc")

    def test_master_dies(self) -> None:
        """The other one has VIP and table, and an open connection goes on."""
        self.begin()
        first, second = self.hosts
        with self.client.call(open_connection, VIP, PORT) as opened:
            port = opened.getsockname()[1]
            name = opened.recv(100).decode()

            def copied() -> bool:
                self.assertEqual(talk(opened), name)
                return self.knows(second, port)

            self.wait(copied, *self.daemons)
            self.lan.cut(first)
            self.daemons[0].kill()
            self.moves(1)
            opened.settimeout(10)
            self.assertEqual(talk(opened), name)
        self.assertEqual(self.requests(), EVEN)

    def test_master_ends_and_returns(self) -> None:
        """SIGTERM hands over, and the next start takes back, daemon and all."""
        self.begin()
        self.daemons[0].stop()
        self.moves(1)
        self.assertEqual(self.requests(), EVEN)
        self.daemons[0].start()
        self.moves(0)
        self.becomes(1, BACKUP)
        self.assertEqual(self.requests(), EVEN)
