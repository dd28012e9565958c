"""The doors to the outside world: sockets and programs.

Every collaborator is named by one of these, so that a real one, a remembered one
and a rehearsed one are interchangeable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface

from hanode.config.scalars import IpAddress

Receiver = Callable[[bytes, IpAddress, IpAddress, int], object]


class IRawPort(Interface):
    """An open raw IP socket, bound to one interface."""

    def send(data: bytes, destination: IpAddress) -> None:
        """Send C{data} (bytes) to C{destination} (an ipaddress object) now.

        Raises L{OSError} when the kernel refuses.
        """

    def enlarge(size: int) -> None:
        """Have a receive buffer of C{size} bytes at least.

        Raises L{OSError} when the kernel refuses.
        """

    def close() -> None:
        """Give the socket back; nothing is received afterwards."""


class IUdpListener(Interface):
    """An open UDP port that is listened to."""

    def drain() -> bool:
        """Read and hand over what waits, now; False when even more waits than that."""

    def rest(resting: bool) -> None:
        """While C{resting}, the reactor does not wake us: only C{drain} reads."""

    def least_ttl(ttl: int) -> None:
        """From now on the kernel drops what arrives with a TTL below C{ttl}."""

    def close() -> None:
        """Give the port back; nothing is received afterwards."""


class IUdpSender(Interface):
    """A connected UDP socket with a source port of its own; nothing is received."""

    port = Attribute("its source port, 49152 to 65535")
    source = Attribute("the ipaddress object that it sends from")
    send = Attribute(
        "C{send(data)} sends now; a builtin where there is one, because it is hot."
        " Raises L{OSError} when the kernel refuses; ConnectionRefusedError tells of"
        " an ICMP port unreachable, and that C{data} was not sent."
    )

    def close() -> None:
        """Give the socket back."""


@dataclass(frozen=True)
class Datagram:
    """A UDP packet with all that is known about it; C{device} is where it came in."""

    data: bytes
    source: IpAddress
    port: int  # source port
    destination: IpAddress
    ttl: int
    device: str


class IEchoPort(Interface):
    """BFD's echo port on one interface: packets that the neighbour's kernel turns."""

    def send(data: bytes, source: IpAddress, neighbour: IpAddress) -> None:
        """Send an echo packet from and to C{source}, by way of C{neighbour}.

        It is UDP port 3785 with TTL 255 to the neighbour's hardware address, so that
        the neighbour forwards it back (RFC 5881, section 4). Raises L{OSError} while
        the hardware address is not known.
        """

    def drain() -> None:
        """Read and hand over what waits, now, up to a bound."""

    def close() -> None:
        """Give it back."""


class INetwork(Interface):
    """The door to the wire: knows sockets, knows no protocol."""

    def raw(
        protocol: int,
        family: int,
        interface: str,
        receiver: Receiver,
        source: IpAddress | None = None,
        group: IpAddress | None = None,
        ttl: int = 255,
        header: bool = False,
    ) -> IRawPort:
        """Open a raw IP socket and return an L{IRawPort}.

        @param protocol: IP protocol number, 112 for VRRP.
        @param family: 4 or 6.
        @param interface: name of the interface it is bound to; "" for none.
        @param receiver: called with C{(data, source, destination, ttl)} for
            each packet: the payload without IP header, two ipaddress objects, the
            TTL or hop limit as received.
        @param source: the address to send from; None leaves it to the kernel.
        @param group: the multicast group to join, None for unicast.
        @param ttl: TTL or hop limit of what is sent.
        @param header: data in both directions is a whole IPv4 packet with its header,
            of which the kernel only fills in length and checksum.

        Raises L{OSError} with the name of the interface in it when the socket
        cannot be opened.
        """

    def listen(
        port: int,
        family: int,
        device: str,
        known: Callable[[list[bytes]], object],
        strangers: Callable[[Datagram], object],
        mark: int = -1,
        ttl: int = 255,
    ) -> IUdpListener:
        """Open a UDP port and return an L{IUdpListener}.

        @param device: the interface or VRF that it is bound to; "" for none.
        @param known: called with the payloads of the packets that arrived with TTL
            255 and are not zero in the four bytes from C{mark} on: many in one call,
            nothing but their bytes, because this is hot. Never when C{mark} is -1.
        @param strangers: called with each other packet, as a L{Datagram}.
        @param ttl: the kernel drops packets that arrive with less.

        Raises L{OSError} naming the port when it cannot be opened.
        """

    def sender(
        destination: IpAddress,
        port: int,
        source: IpAddress | None = None,
        device: str = "",
        ttl: int = 255,
    ) -> IUdpSender:
        """Open a UDP socket to C{destination} and return an L{IUdpSender}.

        Raises L{OSError}, for example when there is no route.
        """

    def echo(
        family: int,
        device: str,
        returned: Callable[[bytes], object],
        reflect: bool = False,
    ) -> IEchoPort:
        """Open the echo port on an interface and return an L{IEchoPort}.

        @param returned: called with the payload of each of our own packets that
            came back.
        @param reflect: also send back what neighbours want back from us.

        Raises L{OSError} when it cannot be opened.
        """


class IProcesses(Interface):
    """The door to other programs."""

    def run(
        argv: Sequence[str],
        user: str | None = None,
        group: str | None = None,
        timeout: float | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Deferred[Any]:
        """Run a command without waiting for it.

        @param argv: absolute path and arguments; no shell is involved.
        @param user: name of the user to run as; None for our own.
        @param group: name of the group; None for the user's own. With a colon before
            it the user's other groups come too; a colon alone is the user's own
            group and these.
        @param timeout: seconds, then its whole process group gets SIGTERM and,
            2 s later, SIGKILL.
        @return: a Deferred that fires with an L{hanode.processes.Exit}; it fails
            with L{OSError} when the command cannot be started and with
            L{LookupError} for an unknown user or group. Cancelled, it ends the
            process group as at the time limit.
        """
