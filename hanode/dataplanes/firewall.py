"""The firewall of virtual routers: stated as a whole, changed in one transaction.

The tables C{ip hanode} and C{ip6 hanode} (or as global_defs call them) hold nothing
else. They exist while they are needed. Who changes or removes them gets them back.

The kernel takes 0.1 ms to add members to a set and 8 to 16 ms to remove some, because
it waits until nobody reads them any more. So a master that takes over adds at once, and
what is left over goes a moment later, all together.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from struct import pack, pack_into
from typing import Any

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from hanode.config.model import Address
from hanode.config.vmac_model import FirewallDefs, VirtualLink
from hanode.dataplanes import firewall_message as nft
from hanode.dataplanes.firewall_rules import (
    FAMILIES,
    LOCAL,
    PARENTS,
    VIPS,
    VMACS,
    Member,
    Members,
    Place,
    Rules,
    conflicts,
    families,
    joined,
    without,
)
from hanode.dataplanes.kernel import Kernel
from hanode.dataplanes.losses import Losses
from hanode.dataplanes.marks import Reservation
from hanode.dataplanes.netlink.message import (
    ERROR,
    NLM_F_ACK,
    NLMSG_ERROR,
    messages,
)
from hanode.dataplanes.nftables_netlink import (
    TIMEOUT,
    Watch,
    open_netfilter,
    reason,
)

LATER = 0.1  # seconds until what is not wanted any more is removed
RETRY = 30.0  # seconds until a firewall that could not be set is tried again
SEQUENCE = 8  # where it stands in a message
LIMIT = 100  # names that are tried for a table
CANNOT_COPY = {errno.ENOENT, errno.EOPNOTSUPP, errno.EINVAL, errno.EPROTONOSUPPORT}


class Firewall:
    """The rules that the virtual routers of one node need."""

    log = Logger()

    def __init__(self, reactor: Any, kernel: Kernel) -> None:
        self._reactor, self._kernel = reactor, kernel
        self._rules = Rules("", FirewallDefs())
        self._refused: dict[str, tuple[Address, ...]] = {}
        self._links: tuple[VirtualLink, ...] = ()
        self._there: dict[Place, set[Member]] = {}
        self._known = True  # whether the kernel has what C{_there} says
        self._reserved: Reservation | None = None
        self._watch: Watch | None = None
        self._port: Any = None
        self._sequence = 0
        self._complaint = ""
        self._losses = Losses()
        self._again: IDelayedCall | None = None
        self._trim: IDelayedCall | None = None

    # -- what is wanted

    def configure(self, defs: FirewallDefs) -> None:
        """How the rules are to be written from now on."""
        if defs == self._rules.defs:
            return
        if self._reserved is None:
            self._rules = Rules("", defs)
            return
        self._clear()
        self._rules = Rules("", defs)
        self._reserve()
        self.settle(self._links)

    def refuse(self, owner: str, addresses: Sequence[Address]) -> None:
        """Packets to and from exactly these addresses of C{owner} are dropped."""
        before = self._refused.pop(owner, ())
        if addresses:
            self._refused[owner] = tuple(addresses)
        if self._reserved is None or _is_active(self._again):
            return
        # Hundreds of instances may take over at once: look at this one only.
        self._have(joined(self._addresses(addresses)))
        if before:
            self._remove_soon()

    def settle(self, links: Iterable[VirtualLink]) -> None:
        """Have the kernel do what is wanted, with these virtual links."""
        self._links = tuple(links)
        if self._reserved is None or _is_active(self._again):
            return
        wanted = self._wanted()
        self._have(wanted)
        if without(self._there, wanted):
            self._remove_soon()

    def _wanted(self) -> Members:
        refused = (each for held in self._refused.values() for each in held)
        return joined([*self._addresses(refused), *self._virtual()])

    def _have(self, members: Members) -> None:
        """Add what is missing of these."""
        if not self._known:
            members = self._wanted()
            if not members and not self._there:
                return
        elif not without(members, self._there):
            return
        self._listen(True)
        if self._add(members):
            self._complaint = ""
        elif not _is_active(self._again):
            self._again = self._reactor.callLater(RETRY, self._restore)

    def _addresses(
        self, addresses: Iterable[Address]
    ) -> Iterator[tuple[Place, Member]]:
        by_index, indices = self._rules.defs.by_index, self._kernel.indices
        for address in addresses:
            packed, device = address.address.packed, address.device
            if len(packed) == 4:
                yield (nft.IPV4, VIPS), (packed, b"")
            elif not address.address.is_link_local:
                yield (nft.IPV6, VIPS), (packed, b"")
            elif not by_index:
                key = packed + nft.interface_name(device)
                yield (nft.IPV6, LOCAL), (key, b"")
            elif device in indices:
                key = packed + pack("=I", indices[device])
                yield (nft.IPV6, LOCAL), (key, b"")

    def _virtual(self) -> Iterator[tuple[Place, Member]]:
        for link in self._links:
            index = self._kernel.indices.get(link.parent)
            if not link.mac or index is None:
                continue
            name, parent = nft.interface_name(link.name), pack("=I", index)
            if link.ipv4 and self._rules.defs.local_igmp:
                yield (nft.IPV4, PARENTS), (name, parent)
            if link.ipv6:
                yield (nft.IPV6, PARENTS), (name, parent)
                yield (nft.IPV6, VMACS), (name, b"")

    # -- life

    def start(self) -> None:
        """From now on the kernel is changed; what a killed daemon left is removed."""
        self._reserve()

    def stop(self) -> None:
        """Remove the tables."""
        if self._reserved is None:
            return
        self._clear()
        self._refused.clear()
        self._links = ()

    def _reserve(self) -> None:
        """Take the name of the table, or a further one that no other daemon has."""
        called = self._rules.defs.table
        for number in range(LIMIT):
            name = f"{called}_{number}" if number else called
            try:
                self._reserved = Reservation(name, "table")
            except OSError:
                continue
            break
        else:
            self.log.error("no name is free for a table {name}", name=called)
            return
        self._rules = Rules(name, self._rules.defs)
        if not may_have_tables():
            self._known = False
            return
        try:
            self._transact(self._rules_of_nothing(FAMILIES))
        except OSError as error:
            self.log.debug("no leftovers to remove: {error}", error=error)

    def _clear(self) -> None:
        assert self._reserved is not None
        for call in (self._again, self._trim):
            if call is not None and call.active():
                call.cancel()
        self._listen(False)
        try:
            self._transact(self._rules_of_nothing(families(self._there)))
        except OSError as error:
            self._complain(error)
        self._there, self._known = {}, True
        self._reserved.close()
        self._reserved = None
        if self._port is not None:
            self._port.close()
            self._port = None

    # -- the kernel

    def _add(self, members: Members) -> bool:
        """Have C{members} in the kernel, and take nothing out, if it is known."""
        try:
            self._transact(self._additions(members))
        except OSError as error:
            if error.errno not in CANNOT_COPY or not self._rules.copies:
                self._failed(error)
                return False
            copying = self._rules
            self._rules = Rules(copying.table, copying.defs, copies=False)
            try:  # the rest is possible perhaps
                self._transact(self._additions(members))
            except OSError:
                self._rules = copying
                self._failed(error)
                return False
            self.log.warn(
                "the kernel cannot copy packets (nft_dup): membership reports of"
                " virtual MACs are dropped"
            )
        if not self._known:
            self._there = {}
        for place, inside in members.items():
            keys = {key for key, _ in inside}
            others = {m for m in self._there.get(place, ()) if m[0] not in keys}
            self._there[place] = others | inside
        self._known = True
        return True

    def _additions(self, members: Members) -> list[bytes]:
        rules, wanted = self._rules, families(members)
        there = families(self._there) if self._known else set[int]()
        found = [] if self._known else self._rules_of_nothing(FAMILIES)
        for family in wanted - there:
            found += rules.made(family, members)
        added = {
            place: each
            for place, each in without(members, self._there).items()
            if place[0] in there
        }
        found += rules.changed(nft.DELSETELEM, conflicts(added, self._there))
        return found + rules.changed(nft.NEWSETELEM, added)

    def _rules_of_nothing(self, some: Iterable[int]) -> list[bytes]:
        return [each for family in some for each in self._rules.removed(family)]

    def _remove_soon(self) -> None:
        if not _is_active(self._trim):
            self._trim = self._reactor.callLater(LATER, self._remove)

    def _remove(self) -> None:
        """Take out what is wanted no more."""
        self._trim = None
        if not self._known:
            return
        wanted = self._wanted()
        still = families(wanted)
        gone = without(self._there, wanted)
        parts = self._rules_of_nothing(families(self._there) - still)
        parts += self._rules.changed(
            nft.DELSETELEM, {place: m for place, m in gone.items() if place[0] in still}
        )
        try:
            self._transact(parts)
        except OSError as error:
            self._failed(error)
            self._restore()
            return
        self._there = {
            place: set(inside & self._there.get(place, set()))
            for place, inside in wanted.items()
        }
        if not wanted:
            self._listen(False)

    def _failed(self, error: OSError) -> None:
        self._known = False
        self._complain(error)

    def _complain(self, error: OSError) -> None:
        why = reason(error)
        if why != self._complaint:
            self._complaint = why
            self.log.error(
                "cannot set the firewall rules (table {table}): {reason}; VRRP goes on,"
                " virtual addresses accept what arrives",
                table=self._rules.table,
                reason=why,
            )

    def _transact(self, parts: Sequence[bytes]) -> None:
        """Do it all or nothing. Raises L{OSError}."""
        if not parts:
            return
        if self._port is None:
            # Always the same one: its number tells our changes from those of others.
            self._port = open_netfilter()
            self._port.settimeout(TIMEOUT)
        self._sequence = self._sequence % 0x7FFFFFFF + 1
        batch = [bytearray(each) for each in nft.batch(parts)]
        for each in batch:
            pack_into("=I", each, SEQUENCE, self._sequence)
        batch[-2][6] |= NLM_F_ACK
        self._port.send(b"".join(batch))
        code = self._outcome()
        if code:
            raise OSError(code, os.strerror(code))

    def _outcome(self) -> int:
        """The errno of the transaction, 0 when it was done."""
        while True:
            data = self._port.recv(65536)
            for kind, _, sequence, _, start, _ in messages(data, len(data)):
                if kind == NLMSG_ERROR and sequence == self._sequence:
                    return int(-ERROR.unpack_from(data, start)[0])

    # -- somebody else

    def _listen(self, wanted: bool) -> None:
        if wanted and self._watch is None:
            try:
                self._watch = Watch(
                    self._reactor,
                    self._rules.table,
                    self._changed,
                    self._restore,
                    families=FAMILIES,
                )
            except OSError as error:
                self._complain(error)
        elif not wanted and self._watch is not None:
            self._watch.close()
            self._watch = None

    def _changed(self, pid: int, port: int, name: str) -> None:
        if self._port is not None and port == self._port.getsockname()[0]:
            return  # that was us
        pause = self._losses.add(self._reactor.seconds())
        self.log.warn(
            "table {table} was changed by {name} (pid {pid}): {outcome}",
            table=self._rules.table,
            name=name or "someone else",
            pid=pid,
            outcome="set again in a while" if pause else "set again",
        )
        self._known = False
        if not pause:
            self._restore()
        elif not _is_active(self._again):
            self._again = self._reactor.callLater(pause, self._restore)

    def _restore(self) -> None:
        if _is_active(self._again):
            return
        self._again, self._known = None, False
        self.settle(self._links)


def may_have_tables(root: Path = Path("/")) -> bool:
    """Whether nf_tables is there already: only to look must not load the module."""
    try:
        loaded = (root / "proc/modules").read_text()
        if not loaded or re.search(r"^nf_tables ", loaded, re.MULTILINE):
            return True
        modules = root / "lib/modules" / os.uname().release
        return "/nf_tables.ko" in (modules / "modules.builtin").read_text()
    except OSError:
        return True


def _is_active(call: IDelayedCall | None) -> bool:
    return call is not None and bool(call.active())
