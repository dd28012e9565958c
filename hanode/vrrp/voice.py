"""What one instance says and hears: its socket, what it sends, what it refuses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from twisted.logger import Logger

from hanode.config.model import IpAddress
from hanode.link import Link
from hanode.vrrp.acceptance import password, verify
from hanode.vrrp.instance import Instance
from hanode.vrrp.packet import (
    AUTH_NONE,
    AUTH_PASS,
    Advert,
    BadPacket,
    Checksum,
    encode,
)
from hanode.vrrp.wire import Wire, Wires, route

COMPLAINTS = 100  # kinds of them that one instance remembers


class Voice:
    """The mouth and the ears of C{machine}.

    @param heard: called with each advertisement that the instance must act on, and
        with the address it came from.
    """

    log = Logger()

    def __init__(
        self,
        machine: Instance,
        wires: Wires,
        heard: Callable[[Advert, IpAddress], object],
    ) -> None:
        self._machine, self._wires, self._heard = machine, wires, heard
        self.counters: Counter[str] = Counter()
        self._wire: Wire | None = None
        self._complained: set[tuple[object, ...]] = set()

    # -- the socket

    def open(self, link: Link | None, virtual: Link | None = None) -> str:
        """Have the right socket open; return the fault when there is none to have.

        C{link} is the instance's own interface, C{virtual} that of its virtual MAC or
        ipvlan when advertisements go through it.

        Raises L{OSError} when the kernel refuses it.
        """
        settings = self._machine.settings
        source = settings.source
        main, below = settings.virtual.main, link
        if main is not None and (settings.family == 6 or main.kind == "ipvlan"):
            # RFC 9568, section 5.1.2.1: IPv6 from its own link-local address
            link = virtual if settings.virtual.device else link
        if source is None and link is not None:
            source = link.address(settings.family)
        if source is None:
            self.close()
            return f"no IPv{settings.family} address for interface"
        through = virtual if settings.virtual.device else below
        way = route(settings, source, 0 if through is None else through.index)
        if self._wire is None or self._wire.route != way:
            self.close()
            self._wire = self._wires.join(way, settings.vrid, self)
            self._machine.source = source
        return ""

    def close(self) -> None:
        """Give the socket back."""
        if self._wire is not None:
            self._wires.leave(self._wire, self._machine.settings.vrid, self)
            self._wire = None

    # -- what arrives

    def expects(self, source: IpAddress) -> bool:
        """See L{hanode.vrrp.wire.Listener}."""
        peers = self._machine.settings.unicast_peers
        return not peers or any(peer.address == source for peer in peers)

    def received(
        self,
        advert: Advert,
        checksum: Checksum,
        source: IpAddress,
        destination: IpAddress,
        ttl: int,
    ) -> None:
        """See L{hanode.vrrp.wire.Listener}."""
        try:
            verify(advert, self._machine.settings, source, destination, ttl)
        except BadPacket as problem:
            self.rejected(problem, source)
            return
        self.counters["received"] += 1
        if advert.priority == 0:
            self.counters["priority zero received"] += 1
        self._compare(advert, checksum, source)
        self._heard(advert, source)

    def rejected(self, problem: BadPacket, source: IpAddress) -> None:
        """See L{hanode.vrrp.wire.Listener}."""
        self.counters[f"dropped: {problem.reason}"] += 1
        self._complain(
            (problem.reason, source),
            "({name}) dropped an advertisement from {source}: {problem}",
            source=source,
            problem=problem,
        )

    def _compare(self, advert: Advert, checksum: Checksum, source: IpAddress) -> None:
        """Note what differs between us and a peer without being a reason to drop."""
        settings = self._machine.settings
        wanted = self._checksum_kind()
        if settings.family == 4 and advert.version == 3 and checksum is not wanted:
            self._complain(
                ("checksum", source),
                "({name}) {source} sends its checksum {theirs}, we send it {ours}:"
                " see v3_checksum_as_v2",
                source=source,
                theirs=checksum.value,
                ours=wanted.value,
            )
        if settings.skip_check_adv_addr and source == self._machine.master:
            return
        ours = {each.address for each in settings.addresses}
        if advert.priority and set(advert.addresses) != ours:
            self.counters["address list differs"] += 1
            self._complain(
                ("addresses", source),
                "({name}) {source} advertises other addresses than ours: {addresses}",
                source=source,
                addresses=", ".join(map(str, advert.addresses)) or "none",
            )

    def forgive(self) -> None:
        """What was complained about may be complained about again."""
        self._complained.clear()

    def _complain(self, key: tuple[object, ...], text: str, **fields: Any) -> None:
        """Log once per peer and reason, until the state changes."""
        if key not in self._complained and len(self._complained) < COMPLAINTS:
            self._complained.add(key)
            self.log.warn(text, name=self._machine.settings.name, **fields)

    # -- what is sent

    def advertise(self, priority: int) -> None:
        """Send one advertisement to everyone who is to hear it."""
        if self._wire is None:
            return  # the interface has gone, and its socket with it
        settings, source = self._machine.settings, self._wire.route.source
        secret = password(settings)
        advert = Advert(
            settings.version,
            settings.vrid,
            priority,
            settings.advert_int,
            tuple(each.address for each in settings.addresses),
            AUTH_PASS if secret else AUTH_NONE,
            secret,
        )
        peers = [each.address for each in settings.unicast_peers]
        for destination in peers or [settings.multicast_group]:
            data = encode(advert, source, destination, self._checksum_kind())
            try:
                self._wire.send(data, destination)
            except OSError as problem:
                self.counters["send errors"] += 1
                self._complain(
                    ("send", destination, problem.errno),
                    "({name}) cannot send to {destination}: {problem}",
                    destination=destination,
                    problem=problem,
                )
            else:
                self.counters["sent"] += 1
        if priority == 0:
            self.counters["priority zero sent"] += 1

    def _checksum_kind(self) -> Checksum:
        plain = self._machine.settings.checksum_as_v2
        return Checksum.PLAIN if plain else Checksum.PSEUDO
