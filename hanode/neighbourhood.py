"""What the kernel knows about one interface and its neighbours: three questions.

rtnetlink(7). The kernel answers within the call, so nothing waits. A netlink socket
stays in the network in which it was opened, which files below /proc/sys would not.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Callable
from typing import TypeVar

from hanode.config.model import IpAddress
from hanode.sockets import device_index, family_of

KEPT = 10.0  # seconds that an answer is believed
ANSWERS_KEPT = 1024
LARGEST = 8192  # bytes of an answer
NLM_F_REQUEST = 1  # linux/netlink.h and linux/rtnetlink.h
NLMSG_ERROR = 2
RTM_GETNEIGH, RTM_GETROUTE, RTM_GETNETCONF = 30, 26, 82
NDA_DST, NDA_LLADDR = 1, 2
NUD_REACHABLE, NUD_STALE, NUD_DELAY, NUD_PROBE = 0x02, 0x04, 0x08, 0x10
NUD_NOARP, NUD_PERMANENT = 0x40, 0x80
NUD_VALID = (
    NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_NOARP | NUD_PERMANENT
)
RTA_DST, RTA_OIF = 1, 4
RTN_LOCAL = 2
NETCONFA_IFINDEX, NETCONFA_FORWARDING = 1, 2
NETCONFA_IFINDEX_ALL = -1

T = TypeVar("T")


class Neighbourhood:
    """The neighbourhood of C{device}; C{seconds} tells the time.

    Raises L{OSError} when there is no such interface.
    """

    def __init__(self, device: str, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._answers: dict[tuple[str, object], tuple[float, object]] = {}
        kind = socket.SOCK_RAW | socket.SOCK_NONBLOCK
        self._socket = socket.socket(socket.AF_NETLINK, kind, socket.NETLINK_ROUTE)
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
                self.index = device_index(any_socket, device)
        except OSError:
            self._socket.close()
            raise

    def hardware_address(self, neighbour: IpAddress) -> bytes:
        """The hardware address of a neighbour.

        Raises L{OSError} with EHOSTUNREACH when the kernel does not know it (it finds
        out when something is sent to the neighbour in the ordinary way).
        """
        return self._kept("hardware", neighbour, lambda: self._ask_for(neighbour))

    def is_own(self, address: IpAddress) -> bool:
        """Whether the kernel takes packets to C{address} for its own."""
        return self._kept("own", address, lambda: self._ask_whether_own(address))

    def forwards(self, version: int) -> bool:
        """Whether the kernel forwards packets that arrive on the interface."""
        return self._kept("forwards", version, lambda: self._ask_forwarding(version))

    def close(self) -> None:
        """Ask nothing any more."""
        self._socket.close()

    def _kept(self, kind: str, about: object, ask: Callable[[], T]) -> T:
        now = self._seconds()
        until, answer = self._answers.get((kind, about), (0.0, None))
        if answer is not None and now < until:
            return answer  # type: ignore[return-value]
        found = ask()
        if len(self._answers) >= ANSWERS_KEPT:  # somebody is sending from everywhere
            self._answers.clear()
        self._answers[kind, about] = now + KEPT, found
        return found

    def _ask_for(self, neighbour: IpAddress) -> bytes:
        family = family_of(neighbour.version)
        head = struct.pack("BxxxiHBB", family, self.index, 0, 0, 0)
        try:
            body = self._ask(RTM_GETNEIGH, head + _attribute(NDA_DST, neighbour.packed))
        except FileNotFoundError:
            body = b""
        (state,) = struct.unpack_from("H", body, 8) if body else (0,)
        address = _attributes(body[12:]).get(NDA_LLADDR)
        if address is None or not state & NUD_VALID:
            text = f"the hardware address of {neighbour} is not known"
            raise OSError(errno.EHOSTUNREACH, text)
        return address

    def _ask_whether_own(self, address: IpAddress) -> bool:
        family, bits = family_of(address.version), address.max_prefixlen
        head = struct.pack("BBBBBBBBI", family, bits, 0, 0, 0, 0, 0, 0, 0)
        to = _attribute(RTA_DST, address.packed)
        out = _attribute(RTA_OIF, struct.pack("i", self.index))
        try:
            return self._ask(RTM_GETROUTE, head + to + out)[7] == RTN_LOCAL
        except OSError:  # no route at all
            return False

    def _ask_forwarding(self, version: int) -> bool:
        # IPv6 forwards on all interfaces or none (ip-sysctl.rst).
        index = self.index if version == 4 else NETCONFA_IFINDEX_ALL
        head = struct.pack("Bxxx", family_of(version))
        about = _attribute(NETCONFA_IFINDEX, struct.pack("i", index))
        found = _attributes(self._ask(RTM_GETNETCONF, head + about)[4:])
        return any(found.get(NETCONFA_FORWARDING, b""))

    def _ask(self, kind: int, body: bytes) -> bytes:
        """The body of the answer to one question. Raises L{OSError}."""
        header = struct.pack("IHHII", 16 + len(body), kind, NLM_F_REQUEST, 0, 0)
        self._socket.send(header + body)
        answer = self._socket.recv(LARGEST)
        length, kind = struct.unpack_from("IH", answer)
        if kind == NLMSG_ERROR:
            (number,) = struct.unpack_from("i", answer, 16)
            raise OSError(-number, "the kernel does not answer")
        return answer[16:length]


def _attribute(kind: int, value: bytes) -> bytes:
    """One attribute, padded: all of ours have a multiple of four bytes."""
    return struct.pack("HH", 4 + len(value), kind) + value


def _attributes(data: bytes) -> dict[int, bytes]:
    found = {}
    while len(data) >= 4:
        length, kind = struct.unpack_from("HH", data)
        found[kind] = data[4:length]
        data = data[max(4, length + 3 & ~3) :]
    return found
