"""The names of virtual links: keepalived's order, and what to do when one is taken."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from hanode.config.model import Model, VrrpInstance
from hanode.config.vmac_model import VirtualLink


def names(prefix: str, vrid: int, family: int) -> Iterator[str]:
    """The names that a link may get.

    C{vrrp.51}, for IPv6 then C{vrrp6.51}, then C{vrrp1.51} and so on.
    """
    yield f"{prefix}.{vrid}"
    if family == 6:
        yield f"{prefix}6.{vrid}"
    number = 0
    while True:
        number += 1
        if number != 6:
            yield f"{prefix}{number}.{vrid}"


def renamed(model: Model, strangers: Collection[str]) -> Model:
    """C{model} without the names in C{strangers}, which other interfaces have.

    A name that the configuration has given stays.
    """
    used = {*strangers, *(each.name for each in links(model))}
    instances = {}
    for name, instance in model.instances.items():
        changes: dict[str, str] = {}
        for link in instance.virtual.links:
            if link.name in strangers and link.prefix:
                changes[link.name] = _free(link, instance.vrid, used)
                used.add(changes[link.name])
        instances[name] = _with(instance, changes) if changes else instance
    return replace(model, instances=instances)


def links(model: Model) -> list[VirtualLink]:
    """All virtual links of a model."""
    return [each for one in model.instances.values() for each in one.virtual.links]


def _free(link: VirtualLink, vrid: int, used: Collection[str]) -> str:
    candidates = names(link.prefix, vrid, 4 if link.ipv4 else 6)
    return next(each for each in candidates if each not in used)


def _with(instance: VrrpInstance, changes: dict[str, str]) -> VrrpInstance:
    """The instance with other names for its links."""
    virtual, main = instance.virtual, instance.virtual.main
    if main is not None:
        main = replace(main, name=changes.get(main.name, main.name))
    others = tuple(
        replace(each, name=changes.get(each.name, each.name)) for each in virtual.others
    )
    addresses, excluded = (
        tuple(
            replace(each, device=changes.get(each.device, each.device)) for each in held
        )
        for held in (instance.addresses, instance.excluded)
    )
    return replace(
        instance,
        virtual=replace(virtual, main=main, others=others),
        addresses=addresses,
        excluded=excluded,
    )
