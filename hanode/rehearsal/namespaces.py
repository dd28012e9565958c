"""Private hosts on this machine: real kernel networks, joined by bridges.

    bridge = Bridge()
    a, b = Host("a"), Host("b")
    bridge.connect(a, "eth0", "10.0.0.1/24")
    bridge.connect(b, "eth0", "10.0.0.2/24")
    daemon = a.popen([...], stdout=PIPE)
    bridge.cut(a)

Each namespace belongs to a thread that lives in it: what is called or started there
sees that network, a private empty /run, and nothing else of the machine's network.
Nothing outlives the process: a namespace ends with its last descriptor, and what was
started in it gets SIGKILL when its thread ends, also when we are killed.
"""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from ipaddress import ip_interface
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from hanode.rehearsal import syscalls
from hanode.rehearsal.permission import NotPermitted, become_root, refused

T = TypeVar("T")
IFA_F_NODAD = 0x02
_Job = tuple[Callable[[], Any], Future[Any]]


class Namespace:
    """A network of its own, with nothing in it but the loopback interface.

    Raises L{NotPermitted} when this machine does not let us have one.
    """

    def __init__(self, name: str) -> None:
        become_root()
        self.name = name
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._children: list[subprocess.Popen[Any]] = []
        self._thread = threading.Thread(
            target=self._live, name=f"namespace {name}", daemon=True
        )
        self._thread.start()
        try:
            self.call(self._enter)
        except OSError as error:
            self.close()
            raise refused(error, f"a network namespace for {name}") from error

    def call(self, function: Callable[..., T], *args: Any, **named: Any) -> T:
        """Run C{function} in here and return what it returns; raise what it raises.

        A socket that it opens stays in this network, whoever uses it afterwards.
        """
        done: Future[T] = Future()
        self._jobs.put((lambda: function(*args, **named), done))
        return done.result()

    def popen(self, argv: Sequence[str], **named: Any) -> subprocess.Popen[Any]:
        """Start a program in here; the arguments are L{subprocess.Popen}'s."""
        named.setdefault("preexec_fn", _end_with_us)
        child: subprocess.Popen[Any] = self.call(subprocess.Popen, argv, **named)
        self._children.append(child)
        return child

    def route(self, function: Callable[[IPRoute], T]) -> T:
        """Call C{function} with an open L{IPRoute} of this network."""

        def work() -> T:
            with IPRoute() as ipr:
                return function(ipr)

        return self.call(work)

    def write(self, path: str, value: str) -> bool:
        """Set a sysctl of this network; tell whether it exists and may be set."""
        try:
            self.call(Path("/proc/sys", path).write_text, value)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.EROFS, errno.EACCES):
                raise
            return False
        return True

    def close(self) -> None:
        """End what runs in here, then the network itself."""
        for child in self._children:
            if child.poll() is None:
                child.kill()
            child.wait()
        if self._thread.is_alive():
            self._jobs.put(None)
            self._thread.join()

    def _live(self) -> None:
        while (job := self._jobs.get()) is not None:
            function, done = job
            try:
                done.set_result(function())
            except BaseException as error:  # it belongs to the caller of call()
                done.set_exception(error)

    def _enter(self) -> None:
        syscalls.unshare(syscalls.CLONE_NEWNET | syscalls.CLONE_NEWNS)
        private = syscalls.MS_REC | syscalls.MS_PRIVATE
        syscalls.mount("none", "/", "", private)
        quiet = syscalls.MS_NOSUID | syscalls.MS_NODEV
        syscalls.mount("tmpfs", "/run", "tmpfs", quiet, "mode=755")
        try:  # so that /sys/class/net shows this network
            syscalls.mount("sysfs", "/sys", "sysfs", quiet | syscalls.MS_NOEXEC)
        except OSError as error:  # containers do not always allow it; few programs look
            if error.errno not in (errno.EPERM, errno.EBUSY):
                raise
        for each in ("all", "default"):  # addresses are to be usable at once
            for name in ("accept_dad", "dad_transmits"):
                path = Path("/proc/sys/net/ipv6/conf", each, name)
                if os.access(path, os.W_OK):
                    path.write_text("0")
        with IPRoute() as ipr:
            ipr.link("set", index=1, state="up")


def _end_with_us() -> None:
    syscalls.die_with_parent(signal.SIGKILL)


class Host(Namespace):
    """A machine with network cards, which bridges connect."""

    def add_address(self, address: str, interface: str) -> None:
        """Add an address like C{10.0.0.1/24}."""
        parsed = ip_interface(address)
        flags = IFA_F_NODAD if parsed.version == 6 else 0

        def add(ipr: IPRoute) -> None:
            ipr.addr(
                "add",
                index=_index(ipr, interface),
                address=str(parsed.ip),
                prefixlen=parsed.network.prefixlen,
                flags=flags,
            )

        self.route(add)

    def remove_address(self, address: str, interface: str) -> None:
        """Take an address away. Raises L{NetlinkError} when it is not there."""
        parsed = ip_interface(address)
        self.route(
            lambda ipr: ipr.addr(
                "del",
                index=_index(ipr, interface),
                address=str(parsed.ip),
                prefixlen=parsed.network.prefixlen,
            )
        )

    def addresses(self, interface: str) -> list[str]:
        """The addresses of one interface, with their prefix, in the kernel's order."""

        def read(ipr: IPRoute) -> list[str]:
            found = ipr.get_addr(index=_index(ipr, interface))
            return [
                f"{each.get('local') or each.get('address')}/{each['prefixlen']}"
                for each in found
            ]

        return self.route(read)

    def mac(self, interface: str) -> str:
        """The hardware address of one interface."""

        def read(ipr: IPRoute) -> str:
            link = ipr.get_links(_index(ipr, interface))[0]
            return str(link.get("address"))

        return self.route(read)

    def set_link(self, interface: str, state: str) -> None:
        """Switch an interface "up" or "down", as the host's own administrator."""
        self.route(
            lambda ipr: ipr.link("set", index=_index(ipr, interface), state=state)
        )


class Bridge(Namespace):
    """A switch: hosts that are connected to it share one Ethernet."""

    def __init__(self, name: str = "lan") -> None:
        super().__init__(name)
        self._ports: dict[tuple[str, str], str] = {}
        self.write("net/ipv6/conf/default/disable_ipv6", "1")

        def build(ipr: IPRoute) -> None:
            ipr.link(
                "add",
                ifname="br0",
                kind="bridge",
                br_stp_state=0,
                br_forward_delay=0,
                br_mcast_snooping=0,
            )
            ipr.link("set", index=_index(ipr, "br0"), state="up")

        self._build(build, "a bridge (kernel module bridge)")

    def connect(self, host: Host, interface: str, *addresses: str) -> None:
        """Give C{host} a card C{interface}, up, with C{addresses}, and plug it in.

        Raises L{NotPermitted} when the kernel has no veth.
        """
        port = f"p{len(self._ports)}"
        there = host.call(os.open, "/proc/thread-self/ns/net", os.O_RDONLY)

        def build(ipr: IPRoute) -> None:
            peer = {"ifname": interface, "net_ns_fd": there}
            ipr.link("add", ifname=port, kind="veth", peer=peer)
            index, master = _index(ipr, port), _index(ipr, "br0")
            ipr.link("set", index=index, master=master, state="up")

        try:
            self._build(build, "a pair of virtual cards (kernel module veth)")
        finally:
            os.close(there)
        self._ports[host.name, interface] = port
        host.set_link(interface, "up")
        for address in addresses:
            host.add_address(address, interface)

    def cut(self, host: Host, interface: str | None = None) -> None:
        """Let nothing pass to or from C{host}, while its own link stays up.

        For the others it is as if its power had been cut.
        """
        self._change(host, interface, lambda ipr: {"master": 0})

    def join(self, host: Host, interface: str | None = None) -> None:
        """End a L{cut}."""
        self._change(host, interface, lambda ipr: {"master": _index(ipr, "br0")})

    def unplug(self, host: Host, interface: str | None = None) -> None:
        """Pull the cable: the host's own link goes down."""
        self._change(host, interface, lambda ipr: {"state": "down"})

    def plug(self, host: Host, interface: str | None = None) -> None:
        """Put the cable back."""
        self._change(host, interface, lambda ipr: {"state": "up"})

    def _change(
        self,
        host: Host,
        interface: str | None,
        change: Callable[[IPRoute], dict[str, Any]],
    ) -> None:
        ports = [
            port
            for (name, card), port in self._ports.items()
            if name == host.name and interface in (None, card)
        ]
        if not ports:
            raise LookupError(f"{host.name} {interface or ''} is not on {self.name}")

        def work(ipr: IPRoute) -> None:
            wanted = change(ipr)
            for port in ports:
                ipr.link("set", index=_index(ipr, port), **wanted)

        self.route(work)

    def _build(self, function: Callable[[IPRoute], None], what: str) -> None:
        try:
            self.route(function)
        except NetlinkError as error:
            number = error.code
            if number in (errno.EOPNOTSUPP, errno.EPERM, errno.EACCES):
                self.close()
                raise NotPermitted(f"{what}: {os.strerror(number)}") from error
            raise


def _index(ipr: IPRoute, name: str) -> int:
    found = ipr.link_lookup(ifname=name)
    if not found:
        raise LookupError(f"no interface {name}")
    index: int = found[0]
    return index
