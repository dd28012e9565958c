"""What the kernel has of ours, as far as we know, and the steps that change it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from hanode.config.scalars import IpAddress
from hanode.dataplanes.ipvs_message import (
    DEL_DEST,
    DEL_SERVICE,
    NEW_DEST,
    NEW_SERVICE,
    SET_DEST,
    SET_SERVICE,
    destination_body,
    destination_key,
    service_body,
    service_key,
)
from hanode.lvs import Destination, Identity, Method, Service
from hanode.lvs_difference import destinations

Key = tuple[IpAddress, int]


class Step(NamedTuple):
    """One request: C{command} is of L{hanode.dataplanes.ipvs_message}.

    C{service} is as it is to be, without destinations; C{old} is what the kernel had
    before of the service or destination, None if nothing.
    """

    command: int
    service: Service
    destination: Destination | None = None
    old: Service | Destination | None = None

    @property
    def identity(self) -> Identity:
        return self.service.identity

    @property
    def subject(self) -> tuple[Identity, Key | None]:
        """What it is about."""
        destination = self.destination
        return self.identity, None if destination is None else destination.key


class Held:
    """One service in the kernel: C{settings} without destinations, and those.

    C{settled} is the wanted service that it was brought to, None while something of
    it is to be done or was refused. C{name} is the service's part of a request.
    """

    def __init__(self, settings: Service, found: dict[Key, Destination]) -> None:
        self.settings = settings
        self.destinations = found
        self.settled: Service | None = None
        self.name = service_key(settings.identity)

    @property
    def service(self) -> Service:
        """All of it."""
        return replace(self.settings, destinations=tuple(self.destinations.values()))

    def steps(self, wanted: Service) -> Iterator[Step]:
        """What leads to C{wanted}, in order; apply each when it is sent."""
        settings = replace(wanted, destinations=())
        if settings != self.settings:
            yield Step(SET_SERVICE, settings, None, self.settings)
        change, before = destinations(self.service, wanted), self.destinations
        for each in change.added:
            yield Step(NEW_DEST, settings, each)
        for each in change.edited:
            yield Step(SET_DEST, settings, each, before.get(each.key))
        for each in change.removed:
            yield Step(DEL_DEST, settings, each, each)

    def apply(self, step: Step) -> None:
        """The kernel was asked to."""
        if step.command == DEL_DEST:
            self.destinations.pop(step.subject[1], None)  # type: ignore[arg-type]
        elif step.destination is not None:
            self.destinations[step.destination.key] = step.destination
        else:
            self.settings = step.service

    def undo(self, step: Step) -> None:
        """The kernel refused to."""
        self.settled = None
        if step.destination is None:
            if isinstance(step.old, Service):
                self.settings = step.old
        elif isinstance(step.old, Destination):
            self.destinations[step.old.key] = step.old
        else:
            self.destinations.pop(step.destination.key, None)

    def body(self, step: Step) -> bytes:
        """The request's body."""
        return body(step, self.name)


def body(step: Step, name: bytes) -> bytes:
    """The body of a request; C{name} is what C{service_key} gives."""
    if step.command in (NEW_SERVICE, SET_SERVICE):
        return service_body(step.service)
    if step.command == DEL_SERVICE or step.destination is None:
        return name
    if step.command == DEL_DEST:
        return destination_key(name, step.destination)
    return destination_body(name, step.destination)


def as_kernel(service: Service) -> Service:
    """The service as the kernel will show it: without what says nothing there."""
    default = 32 if service.identity.family == 4 else 128
    if not service.persistence and service.granularity != default:
        service = replace(service, granularity=default)
    if any(not _is_plain(each.method) for each in service.destinations):
        plain = tuple(
            each
            if _is_plain(each.method)
            else replace(each, method=Method(each.method.kind))
            for each in service.destinations
        )
        service = replace(service, destinations=plain)
    return service


def _is_plain(method: Method) -> bool:
    return method.kind == "TUN" or method == Method(method.kind)
