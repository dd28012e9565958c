"""Two tables -> what has to be done to get from one to the other, in order.

Nothing is taken away before what replaces it is there: first new services, then the
settings of changed ones, then destinations (new ones, those that gain weight, those
that lose it, those that go), and at last the services that go.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hanode.lvs import Destination, Identity, Service, Table


@dataclass(frozen=True, slots=True)
class Destinations:
    """What changes below one service that is there, or was just added.

    C{edited} are as they are to be; those that gain weight come first.
    """

    identity: Identity
    added: tuple[Destination, ...] = ()
    edited: tuple[Destination, ...] = ()
    removed: tuple[Destination, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return bool(self.added or self.edited or self.removed)


@dataclass(frozen=True, slots=True)
class Difference:
    """To be done in the order of the fields.

    C{edited} are services whose own settings differ. C{destinations} has one entry for
    each service below which something changes, those in C{added} too. The
    destinations of a service in C{removed} go with it.
    """

    added: tuple[Service, ...] = ()
    edited: tuple[Service, ...] = ()
    destinations: tuple[Destinations, ...] = ()
    removed: tuple[Service, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return bool(self.added or self.edited or self.destinations or self.removed)


def difference(old: Table, new: Table) -> Difference:
    """What leads from C{old} to C{new}; services in the order of their table.

    A service that is one object in both costs nothing.
    """
    added: list[Service] = []
    edited: list[Service] = []
    changes: list[Destinations] = []
    for identity, service in new.items():
        before = old.get(identity)
        if before is service:
            continue
        if before is None:
            added.append(service)
            before = Service(identity)
        elif settings(before) != settings(service):
            edited.append(service)
        change = destinations(before, service)
        if change:
            changes.append(change)
    removed = tuple(each for identity, each in old.items() if identity not in new)
    return Difference(tuple(added), tuple(edited), tuple(changes), removed)


def settings(service: Service) -> Service:
    """The service without its destinations."""
    return replace(service, destinations=())


def destinations(old: Service, new: Service) -> Destinations:
    """What leads from the destinations of C{old} to those of C{new}."""
    before = {each.key: each for each in old.destinations}
    after = {each.key: each for each in new.destinations}
    gaining: list[Destination] = []
    losing: list[Destination] = []
    for key, each in after.items():
        was = before.get(key)
        if was is not None and was != each:
            (gaining if each.weight > was.weight else losing).append(each)
    return Destinations(
        new.identity,
        tuple(each for key, each in after.items() if key not in before),
        (*gaining, *losing),
        tuple(each for key, each in before.items() if key not in after),
    )
