"""A kernel's IPVS in memory: takes the requests as bytes, answers with errnos."""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from hanode.dataplanes import ipvs_message as ipvs
from hanode.dataplanes.netlink.message import BadMessage, attributes
from hanode.lvs import Destination, Identity, Service, SyncDaemon, Timeouts

HEAD = bytes(4)


class IpvsInMemory:
    """Stands in for L{hanode.dataplanes.ipvs_kernel.IpvsKernel}.

    C{services} can be changed by a test as somebody else would. C{refused} maps a
    scheduler, an address or an interface to the errno that it causes. C{failure} is
    raised instead of any answer. C{batches} has the commands of each send.
    """

    def __init__(
        self,
        reactor: Any,
        answered: Callable[[Sequence[Any], dict[int, int]], object],
        overrun: Callable[[], object],
    ) -> None:
        self.answered, self.overrun = answered, overrun
        self.is_open = False
        self.services_: dict[Identity, Service] = {}
        self.daemons_: list[SyncDaemon] = []
        self.limits = Timeouts(900, 120, 300)
        self.refused: dict[str, int] = {}
        self.failure: OSError | BadMessage | None = None
        self.batches: list[list[int]] = []
        self.forgotten = 0

    def open(self) -> None:
        if isinstance(self.failure, OSError):
            raise self.failure
        self.is_open = True

    def close(self) -> None:
        self.is_open = False

    def forget(self) -> None:
        self.forgotten += 1

    # -- what it says

    def services(self) -> list[bytes]:
        self._fail()
        return [HEAD + ipvs.service_body(each) for each in self.services_.values()]

    def service(self, identity: Identity) -> Service | None:
        self._fail()
        found = self.services_.get(identity)
        return None if found is None else replace(found, destinations=())

    def destinations(self, identity: Identity) -> list[bytes]:
        self._fail()
        found = self.services_.get(identity)
        name = ipvs.service_key(identity)
        below = () if found is None else found.destinations
        return [HEAD + ipvs.destination_body(name, each) for each in below]

    def daemons(self) -> list[SyncDaemon]:
        self._fail()
        return list(self.daemons_)

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure

    # -- what it does

    def request(self, command: int, body: bytes = b"") -> bytes:
        return bytes((command,)) + body

    def send(self, requests: Sequence[bytes], tags: Sequence[Any]) -> None:
        self.batches.append([each[0] for each in requests])
        codes = [self._do(each[0], HEAD + each[1:]) for each in requests]
        errors = {place: code for place, code in enumerate(codes) if code}
        self.answered(tags, errors)

    def _do(self, command: int, body: bytes) -> int:
        if command == ipvs.FLUSH:
            self.services_.clear()
            return 0
        if command == ipvs.SET_CONFIG:
            found = attributes(body, len(HEAD), len(body))
            names = {4: "tcp", 5: "tcp_fin", 6: "udp"}
            given = {names[k]: ipvs._integer(body, at) for k, at in found.items()}
            self.limits = replace(self.limits, **given)
            return 0
        if command in (ipvs.NEW_DAEMON, ipvs.DEL_DAEMON):
            return self._do_daemon(command, ipvs.read_daemon(body))
        if command in (ipvs.NEW_DEST, ipvs.SET_DEST, ipvs.DEL_DEST):
            return self._do_destination(command, body)
        return self._do_service(command, body)

    def _do_service(self, command: int, body: bytes) -> int:
        identity = _identity(body)
        there = self.services_.get(identity)
        if (there is None) == (command != ipvs.NEW_SERVICE):
            return errno.EEXIST if there else errno.ESRCH
        if command == ipvs.DEL_SERVICE:
            if str(identity) in self.refused:
                return self.refused[str(identity)]
            del self.services_[identity]
            return 0
        service = ipvs.read_service(body)
        if service.scheduler in self.refused:
            return self.refused[service.scheduler]
        below = () if there is None else there.destinations
        self.services_[identity] = replace(service, destinations=below)
        return 0

    def _do_destination(self, command: int, body: bytes) -> int:
        service = self.services_.get(_identity(body))
        if service is None:
            return errno.ESRCH
        given = _destination(body, service.identity.family)
        below = {each.key: each for each in service.destinations}
        if (given.key in below) == (command == ipvs.NEW_DEST):
            return errno.EEXIST if given.key in below else errno.ENOENT
        if str(given.address) in self.refused:
            return self.refused[str(given.address)]
        if command == ipvs.DEL_DEST:
            del below[given.key]
        else:
            below[given.key] = given
        changed = replace(service, destinations=tuple(below.values()))
        self.services_[service.identity] = changed
        return 0

    def _do_daemon(self, command: int, daemon: SyncDaemon) -> int:
        running = [each.state for each in self.daemons_]
        if command == ipvs.DEL_DAEMON:
            if daemon.state not in running:
                return errno.ESRCH
            self.daemons_ = [d for d in self.daemons_ if d.state != daemon.state]
            return 0
        if daemon.interface in self.refused:
            return self.refused[daemon.interface]
        if daemon.state in running:
            return errno.EEXIST
        self.daemons_.append(daemon)
        return 0


def _identity(body: bytes) -> Identity:
    """Of a request that may say nothing else about its service."""
    found = ipvs._inside(body, 1)
    zeros = {6: (0, 0), 7: (0, 0)}
    return ipvs._read_service(body, {**zeros, **found}).identity


def _destination(body: bytes, family: int) -> Destination:
    found = ipvs._inside(body, 2)
    if 3 in found:
        return ipvs.read_destination(body, family)
    version = {2: 4, 10: 6}[ipvs._integer(body, found[11])]
    address = ipvs._address(body, found[1], ipvs.FAMILIES[version])
    return Destination(address, ipvs._port(body, found[2]))
