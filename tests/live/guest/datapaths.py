"""NAT, direct routing and tunnels, with each machine in a network of its own."""

from __future__ import annotations

from hanode.rehearsal.namespaces import Bridge, Host
from tests.live.guest import kernel
from tests.live.guest.hosts import CLIENT, EVEN, PORT, VIP, HostCase, service
from tests.live.named_server import NamedServer


class NatTests(HostCase):
    """The director is the gateway between the client and the real servers."""

    def build(self) -> None:
        self.host = self.opened(Host("director"))
        back = self.opened(Bridge("back"))
        self.lan.connect(self.client, "eth0", f"{CLIENT}/24")
        self.lan.connect(self.host, "eth0", "192.0.2.1/24", f"{VIP}/32")
        back.connect(self.host, "eth1", "10.0.0.254/24")
        self.host.write("net/ipv4/ip_forward", "1")
        for number in (1, 2):
            real = self.real(number, back, f"10.0.0.{number}/24")
            real.route(lambda ipr: ipr.route("add", gateway="10.0.0.254"))

    def test_turns(self) -> None:
        """Each gets half; one that dies gets none until it is back."""
        config = service("NAT", "10.0.0.1", "10.0.0.2")
        daemon = self.director(self.host, config)
        self.wait(lambda: self.balances(self.host), daemon)
        self.assertEqual(methods(self.host), ["-m", "-m"])
        self.assertEqual(self.requests(), EVEN)
        self.servers["rs2"].close()
        self.wait(lambda: self.balances(self.host, 1), daemon)
        self.assertEqual(self.requests(), {"rs1": 10})
        self.servers["rs2"] = NamedServer(self.reals["rs2"], PORT)
        self.wait(lambda: self.balances(self.host), daemon)
        self.assertEqual(self.requests(), EVEN)


class DirectTests(HostCase):
    """All on one Ethernet; the real servers answer the client past the director."""

    def build(self) -> None:
        self.host = self.opened(Host("director"))
        self.lan.connect(self.client, "eth0", f"{CLIENT}/24")
        self.lan.connect(self.host, "eth0", "192.0.2.1/24", f"{VIP}/32")
        for number in (1, 2):
            real = self.real(number, self.lan, f"192.0.2.1{number}/24")
            self.hide_vip(real)

    def balanced(self, method: str) -> None:
        """Start the director, and ask ten times."""
        config = service(method, "192.0.2.11", "192.0.2.12")
        daemon = self.director(self.host, config)
        self.wait(lambda: self.balances(self.host), daemon)
        self.assertEqual(self.requests(), EVEN)

    def test_direct_routing(self) -> None:
        """Each real server, with the VIP on its loopback interface, gets half."""
        self.balanced("DR")
        self.assertEqual(methods(self.host), ["-g", "-g"])

    def test_tunnel(self) -> None:
        """The same through IP in IP."""
        for name, real in self.reals.items():
            local = f"192.0.2.1{name[-1]}"
            self.ip(real, *f"link add ipip0 type ipip local {local}".split())
            self.ip(real, "link", "set", "ipip0", "up")
            for card in ("all", "ipip0"):
                real.write(f"net/ipv4/conf/{card}/rp_filter", "0")
        self.balanced("TUN")
        self.assertEqual(methods(self.host), ["-i", "-i"])
        for name, real in self.reals.items():
            self.assertGreater(received(real, "ipip0"), 0, name)


def methods(host: Host) -> list[str]:
    """How each real server is reached, as C{ipvsadm-save} writes it."""
    lines = host.call(kernel.save)
    return [line.split()[5] for line in lines if line.startswith("-a")]


def received(host: Host, interface: str) -> int:
    """Packets that came in through this interface."""

    def read() -> int:
        with open("/proc/thread-self/net/dev") as table:
            for line in table:
                name, _, numbers = line.strip().partition(":")
                if name == interface:
                    return int(numbers.split()[1])
        raise LookupError(interface)

    return host.call(read)
