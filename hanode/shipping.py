"""Readings as bytes, to be taken over in small pieces.

Thousands of real servers are tens of thousands of records. As pickle treats dataclasses
with slots, and addresses, each of them takes long: both ends would do so in Python,
field by field. Here a record is its class and its values.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from ipaddress import IPv4Address, IPv6Address
from operator import attrgetter
from typing import Any, BinaryIO

from hanode.config.balance_model import (
    Check,
    RealServer,
    Schedule,
    Target,
    VirtualServer,
)
from hanode.config.model import Model
from hanode.reading import Reading

Reduced = tuple[type, tuple[Any, ...]]

PIECE = 100  # real servers that are loaded in one go: a millisecond


def _values(record: type) -> Callable[[Any], Reduced]:
    """How to make a dataclass again: call it with the values of all its fields."""
    values = attrgetter(*(each.name for each in fields(record)))
    return lambda each: (record, values(each))


def _number(address: IPv4Address | IPv6Address) -> Reduced:
    """An address is made of its number faster than of its text."""
    zone = isinstance(address, IPv6Address) and address.scope_id
    return type(address), (str(address) if zone else int(address),)


class _Pickler(pickle.Pickler):
    dispatch_table = {
        **{each: _values(each) for each in (RealServer, Check, Target, Schedule)},
        IPv4Address: _number,
        IPv6Address: _number,
    }


def write(reading: Reading, file: BinaryIO) -> None:
    """Leave a reading in C{file}, the real servers a few at a time."""
    model, problems = reading
    servers = model.virtual_servers.values()
    first = replace(model, virtual_servers={}), problems, len(servers)
    _Pickler(file).dump(first)
    for server in servers:
        reals = server.real_servers
        _Pickler(file).dump((replace(server, real_servers=()), len(reals)))
        for start in range(0, len(reals), PIECE):
            _Pickler(file).dump(reals[start : start + PIECE])


def load(file: BinaryIO, present: Model, found: list[Reading]) -> Iterator[None]:
    """Each step loads a few records; the last one puts the reading into C{found}.

    @param present: the model in force; what is equal in both becomes the same object.
    """
    servers: dict[str, VirtualServer] = {}
    rest, problems, count = pickle.load(file)
    for _ in range(count):
        server, size = pickle.load(file)
        same = present.virtual_servers.get(server.name)
        known = () if same is None else same.real_servers
        reals: list[RealServer] = []
        while len(reals) < size:
            reals += _known(pickle.load(file), known[len(reals) : len(reals) + PIECE])
            yield
        server = replace(server, real_servers=tuple(reals))
        # quickly done: the real servers are the same objects
        servers[server.name] = same if same is not None and same == server else server
    found.append((replace(rest, virtual_servers=servers), problems))


def _known(
    loaded: tuple[RealServer, ...], known: tuple[RealServer, ...]
) -> Iterator[RealServer]:
    """The real servers that were loaded, the known one for each that is equal."""
    for number, each in enumerate(loaded):
        old = known[number] if number < len(known) else None
        yield old if old is not None and old == each else each
