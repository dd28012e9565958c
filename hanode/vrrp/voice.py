"""What one instance says and hears: its socket, what it sends, what it refuses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import chain
from typing import Any

from twisted.logger import Logger

from hanode.config.model import IpAddress, VrrpInstance
from hanode.link import Link
from hanode.vrrp.acceptance import verify
from hanode.vrrp.arrival import Arrival
from hanode.vrrp.credentials import Credentials
from hanode.vrrp.instance import Instance
from hanode.vrrp.packet import Advert, BadPacket, Checksum, append, encode
from hanode.vrrp.wire import Wire, Wires, route

COMPLAINTS = 100  # kinds of them that one instance remembers
PATIENCE = 60.0  # seconds until a good packet lets a complaint be made again
DROPPED = "({name}) dropped an advertisement from {source}: {problem}"

#: reason -> the words in which keepalived's users look for it
QUOTED = {
    "authentication data": "({name}) received an invalid passwd! from {source}",
    "advertisement interval": "({name}) advertisement interval mismatch"
    " mine={mine:.0f} milli-sec rcved={theirs:.0f} milli-sec from {source}",
    "unicast packet on multicast instance": "({name}) discarding unicast packet on"
    " multicast instance from {source}",
    "multicast packet on unicast instance": "({name}) discarding multicast packet on"
    " unicast instance from {source}",
}


Message = tuple[IpAddress, bytes]
PEERS = 16  # of those who were heard


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
        world: Any,
    ) -> None:
        self._machine, self._wires, self._heard = machine, wires, heard
        self._now, self._wall = world.clock.seconds, world.wall
        self.counters: Counter[str] = Counter()
        self._peers: dict[IpAddress, int] = {}  # who was heard, the latest last
        self._wire: Wire | None = None
        # What was good and gave no cause for a remark, and for which settings.
        self._familiar: Arrival | None = None
        self._familiar_to: VrrpInstance | None = None
        self._said: tuple[object, ...] = (None,) * 4
        self._messages_said: list[Message] = []
        self._complained: dict[tuple[object, ...], float] = {}
        self._old_checksum = False  # a peer of ours sends the old one, so we do
        settings = machine.settings
        self._credentials = Credentials(settings, self._wall(), self._now())

    @property
    def authentication(self) -> str:
        """How packets are authenticated, for those who look in."""
        return self._credentials.describe()

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
        own = [each.addresses for each in (below, virtual) if each is not None]
        if settings.track_source and own and source not in chain(*own):
            self.close()
            return "src address not configured"
        through = virtual if settings.virtual.device else below
        way = route(settings, source, 0 if through is None else through.index)
        if self._wire is None or self._wire.route != way:
            self.close()
            self._wire = self._wires.join(way, settings.vrid, self)
            self._machine.source = source
        if settings.receive_buffer:
            self._wire.enlarge(settings.receive_buffer)
        return ""

    def reconfigure(self, settings: VrrpInstance) -> None:
        """The machine is to have C{settings}: complain anew, use the new secrets."""
        self.forgive()
        self._old_checksum = False
        self._credentials.reconfigure(settings, self._wall(), self._now())

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

    def received(self, arrival: Arrival) -> None:
        """See L{hanode.vrrp.wire.Listener}."""
        advert, source = arrival.advert, arrival.source
        settings = self._machine.settings
        if arrival is self._familiar and settings is self._familiar_to:
            self.counters["received"] += 1
            self._heard(advert, source)
            return
        if settings.unicast and source == self._machine.source:
            self.counters["own packets"] += 1  # we are among our own peers
            return
        try:
            if arrival.checksum is Checksum.OLD_UNICAST:
                self._bear_old_checksum()
            remark = verify(arrival, settings, self._prove)
        except BadPacket as problem:
            self.rejected(problem, source)
            return
        self.counters["received"] += 1
        if advert.priority == 0:
            self.counters["priority zero received"] += 1
        self._note(source, advert.priority)
        self._make_up(source)
        if remark is not None:
            self._remark(remark, source)
        self._compare(advert, arrival.checksum, source)
        if self._is_unremarkable(arrival):
            self._familiar, self._familiar_to = arrival, settings
        self._heard(advert, source)

    def _note(self, source: IpAddress, priority: int) -> None:
        self._peers.pop(source, None)
        self._peers[source] = priority
        if len(self._peers) > PEERS:
            del self._peers[next(iter(self._peers))]

    def peers(self) -> list[dict[str, Any]]:
        """The other routers: who was heard, with its last priority, or is named."""
        named = {each.address: None for each in self._machine.settings.unicast_peers}
        found: dict[IpAddress, int | None] = {**named, **self._peers}
        return [
            {"address": str(address), "priority": priority}
            for address, priority in found.items()
        ]

    def _is_unremarkable(self, arrival: Arrival) -> bool:
        """Whether the same packet need not be looked at again.

        It is not when there is something to say about it, when it is good only once,
        or when it depends on who sent it what was looked at.
        """
        settings = self._machine.settings
        proof = settings.auth_hmac is not None or arrival.envelope is not None
        odd = self._complained or settings.skip_check_adv_addr
        return not (proof or odd) and arrival.advert.priority > 0

    def rejected(self, problem: BadPacket, source: IpAddress) -> None:
        """See L{hanode.vrrp.wire.Listener}."""
        self.counters[f"dropped: {problem.reason}"] += 1
        interval = self._machine.settings.advert_int
        theirs = problem.value if isinstance(problem.value, float) else 0.0
        self._complain(
            ("dropped", source, problem.reason),
            QUOTED.get(problem.reason, DROPPED),
            source=source,
            problem=problem,
            mine=interval * 1000,
            theirs=theirs * 1000,
        )

    def _prove(self, arrival: Arrival) -> BadPacket | None:
        return self._credentials.verify(arrival, wall=self._wall(), now=self._now())

    def _remark(self, remark: BadPacket, source: IpAddress) -> None:
        """It was taken, but will be dropped once auth_hmac is enforced."""
        self.counters[f"taken without proof: {remark.reason}"] += 1
        self._complain(
            ("remark", source, remark.reason),
            "({name}) auth_hmac: accepted from {source} all the same: {problem}",
            source=source,
            problem=remark,
        )

    def _bear_old_checksum(self) -> None:
        """A peer sums as keepalived up to 1.3.6 did: do likewise, if allowed."""
        wanted = self._machine.settings.old_checksum
        if wanted is False:
            raise BadPacket("checksum", Checksum.OLD_UNICAST.value)
        if wanted is None and not self._old_checksum:
            self._old_checksum = True
            name = self._machine.settings.name
            text = "({name}) Setting unicast VRRPv3 checksum to old version"
            self.log.info(text, name=name)

    def _compare(self, advert: Advert, checksum: Checksum, source: IpAddress) -> None:
        """Note what differs between us and a peer without being a reason to drop."""
        settings = self._machine.settings
        wanted = self._checksum_kind()
        if settings.family == 4 and advert.version == 3 and checksum is not wanted:
            self._complain(
                ("checksum", source),
                "({name}) {source} sends its checksum {theirs}, we send it {ours}:"
                " see v3_checksum_as_v2 and old_unicast_checksum",
                source=source,
                theirs=checksum.value,
                ours=wanted.value,
            )
        if settings.skip_check_adv_addr and source == self._machine.master:
            return
        ours = tuple(each.address for each in settings.addresses)
        if not advert.priority or advert.addresses == ours:
            return
        if set(advert.addresses) != set(ours):
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
        self._familiar = None

    def _make_up(self, source: IpAddress) -> None:
        """A good packet: what was dropped from there a while ago may be told again."""
        if not self._complained:
            return
        since = self._now() - PATIENCE
        for key, at in tuple(self._complained.items()):
            if key[:2] == ("dropped", source) and at < since:
                del self._complained[key]

    def _complain(self, key: tuple[object, ...], text: str, **fields: Any) -> None:
        """Log once per peer and reason, until the state changes."""
        if key not in self._complained and len(self._complained) < COMPLAINTS:
            self._complained[key] = self._now()
            self._familiar = None
            self.log.warn(text, name=self._machine.settings.name, **fields)

    # -- what is sent

    def advertise(self, priority: int) -> None:
        """Send one advertisement to everyone who is to hear it."""
        if self._wire is None:
            return  # the interface has gone, and its socket with it
        source = self._wire.route.source
        self.counters["advertisements"] += 1  # one, to however many peers
        for destination, message in self._messages(priority, source):
            self._send(message, source, destination)
        if priority == 0:
            self.counters["priority zero sent"] += 1

    def _messages(self, priority: int, source: IpAddress) -> list[Message]:
        """What goes where, encoded when something in it has changed."""
        settings, credentials = self._machine.settings, self._credentials
        kind, said = self._checksum_kind(), self._said
        same = said[0] is settings and said[1] is source
        if same and said[2] == priority and said[3] is kind:
            return self._messages_said
        advert = Advert(
            settings.version,
            settings.vrid,
            priority,
            settings.advert_int,
            tuple(each.address for each in settings.addresses),
            credentials.auth_type,
            credentials.auth_data,
        )
        peers = [each.address for each in settings.unicast_peers]
        self._said = (settings, source, priority, kind)
        self._messages_said = [
            (destination, encode(advert, source, destination, kind))
            for destination in peers or [settings.multicast_group]
            if destination != source
        ]
        return self._messages_said

    def _send(self, message: bytes, source: IpAddress, destination: IpAddress) -> None:
        assert self._wire is not None
        trailer = self._credentials.sign(message, source, now=self._now())
        data = self._credentials.seal(
            append(message, trailer, source, destination),
            source,
            destination,
            self._wire.route.ttl,
        )
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

    def _checksum_kind(self) -> Checksum:
        settings = self._machine.settings
        if settings.unicast and (self._old_checksum or settings.old_checksum):
            return Checksum.OLD_UNICAST
        return Checksum.PLAIN if settings.checksum_as_v2 else Checksum.PSEUDO
