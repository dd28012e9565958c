"""Notices foreign hosts that answer for held addresses, on packet sockets.

Frames of ARP and neighbour advertisements from all interfaces come here; nearly all of
them speak of addresses that are not ours and are dropped at the first look. Nothing
here is done in the moment of a take-over: what is held is looked over L{REST} later.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IReadDescriptor
from twisted.logger import Logger
from zope.interface import implementer

from hanode.bpf import ALL, EQUAL, LOAD_BYTE, RETURN, SO_ATTACH_FILTER, Program, attach
from hanode.config.model import Address
from hanode.dataplanes.frames import Frames
from hanode.dataplanes.guard import Conflict, Defend, Guard
from hanode.dataplanes.kernel import Kernel
from hanode.dataplanes.wanted import Slot, Wanted

REST = 3.0  # seconds after a change of what is held
SPREAD = 1.0  # seconds over which the first probes are spread
AT_ONCE = 256  # frames read in one turn of the reactor
ETH_P_ARP, ETH_P_IPV6 = 0x0806, 0x86DD
ARP_MAC, ARP_SENDER = slice(22, 28), slice(28, 32)
NA_TYPE, NA_TARGET, NA_OPTIONS = 54, slice(62, 78), 78
NEIGHBOUR_ADVERTISEMENT, TARGET_ADDRESS = 136, 2  # RFC 4861
VIRTUAL = bytes.fromhex("00005e0001"), bytes.fromhex("00005e0002")  # RFC 9568, 7.3

#: keeps neighbour advertisements: next header ICMPv6, type 136
ADVERTISEMENTS: Program = (
    (LOAD_BYTE, 0, 0, 20),
    (EQUAL, 0, 3, 58),
    (LOAD_BYTE, 0, 0, NA_TYPE),
    (EQUAL, 0, 1, NEIGHBOUR_ADVERTISEMENT),
    (RETURN, 0, 0, ALL),
    (RETURN, 0, 0, 0),
)

#: address, its holders, the MAC address of the other host ("" when it is over)
Told = Callable[[Address, Sequence[str], str], object]


def open_listener(protocol: int) -> socket.socket:
    """A packet socket that hears one protocol on all interfaces (packet(7))."""
    kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
    opened = socket.socket(socket.AF_PACKET, kind, socket.htons(protocol))
    if protocol == ETH_P_IPV6:
        attach(opened, SO_ATTACH_FILTER, ADVERTISEMENTS)
    return opened


def claim_of(frame: bytes) -> tuple[bytes, bytes]:
    """The address that a frame claims and the MAC address it claims it for.

    Both are empty for a frame that claims nothing.
    """
    if frame[12:14] == b"\x08\x06":
        return (frame[ARP_SENDER], frame[ARP_MAC]) if len(frame) >= 42 else (b"", b"")
    if len(frame) < NA_OPTIONS or frame[NA_TYPE] != NEIGHBOUR_ADVERTISEMENT:
        return b"", b""
    mac = frame[6:12]
    options = frame[NA_OPTIONS:]
    if len(options) >= 8 and options[:2] == bytes((TARGET_ADDRESS, 1)):
        mac = options[2:8]
    return frame[NA_TARGET], mac


@implementer(IReadDescriptor)
class _Ear:
    """One packet socket on the reactor."""

    def __init__(self, port: Any, heard: Callable[[bytes, str], object]) -> None:
        self.port, self._heard = port, heard

    def fileno(self) -> int:
        return int(self.port.fileno())

    def logPrefix(self) -> str:
        return "conflicts"

    def connectionLost(self, reason: Any) -> None:
        self.port.close()

    def doRead(self) -> None:
        """Read what waits; an interface that goes down is told as an error, once."""
        for _ in range(AT_ONCE):
            try:
                frame, where = self.port.recvfrom(128)
            except BlockingIOError:
                return
            except OSError:
                continue
            self._heard(frame, where[0])


class Conflicts:
    """All guards; C{told} is None while nobody wants to know."""

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        kernel: Kernel,
        wanted: Wanted,
        announce: Callable[[Sequence[Address]], object],
        opener: Callable[[int], Any] = open_listener,
    ) -> None:
        self._reactor, self._kernel, self._wanted = reactor, kernel, wanted
        self._announce, self._opener = announce, opener
        self._told: Told | None = None
        self._frames, self._random = Frames(), Random()
        self._guards: dict[tuple[int, bytes], tuple[Slot, Guard]] = {}
        self._ears: list[_Ear] = []
        self._survey: IDelayedCall | None = None
        self._due: IDelayedCall | None = None
        self._running = self._disabled = False

    def start(self) -> None:
        """From now on there is a network."""
        self._running = True
        self.changed()

    def stop(self) -> None:
        """Watch nothing any more."""
        self._running = False
        for call in (self._survey, self._due):
            if call is not None and call.active():
                call.cancel()
        self._survey = self._due = None
        self._guards.clear()
        self._close()

    def detect(self, told: Told | None) -> None:
        """Tell C{told} about conflicts; None: do not look for any."""
        self._told = told
        if told is None:
            self._guards.clear()
            self._close()
        self.changed()

    def changed(self) -> None:
        """What is held has changed: look it over when things have settled."""
        if self._running and self._told is not None and self._survey is None:
            self._survey = self._reactor.callLater(REST, self._look_over)

    def forgo(self, owner: str) -> None:
        """What C{owner} holds is another host's from now on: nobody is told off."""
        for place, (slot, guard) in tuple(self._guards.items()):
            if owner in slot.holders:
                del self._guards[place]
                if guard.mac:
                    self._tell(slot, b"", "is another's from now on")
        self._plan()

    def _look_over(self) -> None:
        self._survey = None
        held = {} if self._told is None or self._disabled else self._held()
        for place in self._guards.keys() - held.keys():
            slot, guard = self._guards.pop(place)
            if guard.mac:
                self._tell(slot, b"", "is not held any more")
        now = self._reactor.seconds()
        for place in held.keys() - self._guards.keys():
            guard = Guard(now, self._random.uniform(0, SPREAD))
            self._guards[place] = held[place], guard
        if self._guards and not self._ears:
            self._open()
        elif not self._guards:
            self._close()
        self._plan()

    def _held(self) -> dict[tuple[int, bytes], Slot]:
        return {
            (slot.key[0], slot.key[1]): slot
            for slot in self._wanted
            if slot.holders and slot.key is not None and not slot.address.is_host_only
        }

    def _open(self) -> None:
        try:
            for protocol in (ETH_P_ARP, ETH_P_IPV6):
                ear = _Ear(self._opener(protocol), self._heard)
                self._ears.append(ear)
                self._reactor.addReader(ear)
        except OSError as error:
            self.log.error("cannot look for address conflicts: {error}", error=error)
            self._disabled = True
            self._guards.clear()
            self._close()

    def _close(self) -> None:
        for ear in self._ears:
            self._reactor.removeReader(ear)
            ear.port.close()
        self._ears.clear()

    # -- what is heard, what is done

    def _heard(self, frame: bytes, device: str) -> None:
        address, mac = claim_of(frame)
        found = self._guards.get((self._kernel.indices.get(device, 0), address))
        if found is None or mac[:5] in VIRTUAL or not found[0].holders:
            return
        if any(link.mac == mac for link in self._kernel.links.values()):
            return  # one of our own, on another interface of the same network
        slot, guard = found
        self._perform(slot, guard, guard.seen(mac, now=self._reactor.seconds()))
        self._plan()

    def _expire(self) -> None:
        self._due = None
        now = self._reactor.seconds()
        for slot, guard in tuple(self._guards.values()):
            if guard.deadline <= now:
                self._perform(slot, guard, guard.expire(now=now))
        self._plan()

    def _plan(self) -> None:
        due = min((g.deadline for _, g in self._guards.values()), default=None)
        if self._due is not None and self._due.active():
            if due is not None and self._due.getTime() <= due:
                return
            self._due.cancel()
        self._due = None
        if due is not None:
            wait = max(0.0, due - self._reactor.seconds())
            self._due = self._reactor.callLater(wait, self._expire)

    def _perform(self, slot: Slot, guard: Guard, acts: Sequence[object]) -> None:
        if not slot.holders:
            return  # given back, and not looked over yet
        for act in acts:
            if isinstance(act, Conflict):
                self._tell(slot, act.mac)
            elif isinstance(act, Defend):
                self._announce([slot.address])
            else:
                self._probe(slot.address)

    def _probe(self, address: Address) -> None:
        mac = self._kernel.mac(address.device)
        if len(mac) != 6 or not self._ears or not address.is_probed:
            return
        try:
            frame = self._frames.probe(mac, address.address)
            self._ears[0].port.sendto(frame, (address.device, 0))
        except OSError as error:
            self.log.debug(
                "cannot probe for {address}: {error}", address=str(address), error=error
            )

    def _tell(self, slot: Slot, mac: bytes, over: str = "is ours alone") -> None:
        owners, text = sorted(slot.holders), mac.hex(":")
        if mac:
            self.log.error(
                "address conflict: {mac} answers for {address}, which {owner} holds",
                mac=text,
                address=str(slot.address),
                owner=", ".join(owners),
            )
        else:
            what = "address conflict over: {address} {over}"
            self.log.info(what, address=str(slot.address), over=over)
        if self._told is not None:
            self._told(slot.address, owners, text)
