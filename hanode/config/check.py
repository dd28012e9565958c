"""Cross checks of a whole model: what is legal but will not do what it looks like.

Nearly all are warnings: keepalived runs such a configuration too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from hanode.config import balance_doubts, bfd_check, group_check
from hanode.config.model import Model, Script, SyncGroup, VrrpInstance
from hanode.config.problems import Place, Problem, Severity
from hanode.config.tracker_words import BFD, FILE

_SLOW = 30.0  # seconds without service that nobody means to configure
_OWNER = 255


def check(model: Model) -> list[Problem]:
    """Every doubt about C{model}, instance by instance."""
    found = []
    if not (
        model.instances
        or model.bfd_instances
        or model.bfd_unsolicited
        or model.virtual_servers
    ):
        found.append(
            Problem(
                Severity.WARNING,
                None,
                "there is no configuration to run",
                "add a vrrp_instance or a virtual_server",
            )
        )
    for instance in model.instances.values():
        for doubt in (_timing, _weights, _addresses, _scripts):
            for message, remedy in doubt(instance):
                found.append(
                    Problem(
                        Severity.WARNING,
                        instance.place,
                        f"({instance.name}) {message}",
                        remedy,
                    )
                )
    for group in model.groups.values():
        for message, remedy in _scripts(group):
            text = f"({group.name}) {message}"
            found.append(Problem(Severity.WARNING, group.place, text, remedy))
    found.extend(group_check.doubts(model))
    found.extend(bfd_check.doubts(model))
    found.extend(balance_doubts.doubts(model))
    found.extend(_idle(model))
    found.extend(_security(model))
    return found


def same_router(one: VrrpInstance, other: VrrpInstance) -> bool:
    """Whether both would be one virtual router, so that only one of them can run.

    Allowed twice are a VRID of the other family, on another interface, in another
    multicast group, or with other unicast peers.
    """
    if (one.interface, one.family, one.vrid) != (
        other.interface,
        other.family,
        other.vrid,
    ):
        return False
    if one.unicast and other.unicast:
        mine = {peer.address for peer in one.unicast_peers}
        return any(peer.address in mine for peer in other.unicast_peers)
    if one.unicast or other.unicast:
        return False
    return one.multicast_group == other.multicast_group


Doubts = Iterator[tuple[str, str]]


def _timing(instance: VrrpInstance) -> Doubts:
    wait = instance.advert_int * instance.down_timer_adverts
    if wait > _SLOW:
        yield (
            f"a backup takes over only after {wait:g} s without advertisements",
            "lower advert_int or down_timer_adverts",
        )
    if instance.down_timer_adverts == 1:
        yield (
            "down_timer_adverts 1: one lost advertisement makes a second master",
            "use at least 2, better 3",
        )
    if instance.preempt_delay and instance.priority == 1:
        yield (
            "preempt_delay with priority 1: no master has a lower priority",
            "raise the priority, or remove preempt_delay",
        )


def _weights(instance: VrrpInstance) -> Doubts:
    """Trackers whose weight can never move the addresses."""
    weighted = [each for each in instance.track if each.weight]
    # Sessions have their fast failover, which nopreempt does not concern.
    others = [each.name for each in weighted if each.kind != BFD.kind]
    if not weighted:
        return
    names = ", ".join(each.name for each in weighted)
    if instance.priority == _OWNER:
        yield (
            f"the weight of {names} has no effect: priority 255 never changes",
            "use a priority below 255",
        )
        return
    if not instance.preempt and others:
        yield (
            f"the weight of {', '.join(others)} moves no address away while "
            "the other nodes have nopreempt too",
            "track without weight, or without nopreempt",
        )
    low, high = _reach(instance)
    if low == high:
        yield (
            f"the weight of {names} has no effect: the priority is {low} "
            "whether they are up or down",
            "priorities end at 1 and 254: choose one further inside",
        )


def _reach(instance: VrrpInstance) -> tuple[int, int]:
    """The lowest and the highest effective priority that the weights can make."""
    low = high = instance.priority
    for each in instance.track:
        if each.kind == FILE.kind and each.weight:  # times any number
            return 1, 254
        # Reversed or not, a weight adds itself or its opposite, or nothing.
        points = -each.weight if each.reverse else each.weight
        low, high = low + min(points, 0), high + max(points, 0)
    return max(1, min(low, 254)), max(1, min(high, 254))


def _addresses(instance: VrrpInstance) -> Doubts:
    held = {each.address for each in instance.all_addresses}
    if instance.source in held:
        yield (
            f"the source address {instance.source} is also a virtual address: "
            "a backup has no address to send from",
            "use an address that belongs to this node alone",
        )
    for peer in instance.unicast_peers:
        if peer.address in held:
            yield (
                f"unicast_peer {peer.address} is also a virtual address: "
                "it leads to whoever is master",
                "name the neighbour's own address",
            )
        if peer.address == instance.source:
            yield (
                f"unicast_peer {peer.address} is this node's own source address",
                "name the neighbour's address",
            )


def scripts(instance: VrrpInstance | SyncGroup) -> Iterator[Script]:
    """The scripts that an instance or a group has."""
    if isinstance(instance, VrrpInstance) and instance.release is not None:
        yield instance.release.script
    for field in fields(instance.notify):
        script = getattr(instance.notify, field.name)
        if isinstance(script, Script):
            yield script


def _scripts(instance: VrrpInstance | SyncGroup) -> Doubts:
    for script in scripts(instance):
        if not script.argv[0].startswith("/"):
            yield (
                f"script '{script.argv[0]}' is not an absolute path: "
                "it is searched in PATH",
                "Please specify full path",
            )


def _idle(model: Model) -> Iterator[Problem]:
    """What could be tracked, and is not. Files are looked at by checkers, too."""
    tracked = {each.fact for one in model.instances.values() for each in one.track}
    for kind, named in model.trackers.items():
        for name, described in named.items():
            if kind != FILE.kind and f"{kind}:{name}" not in tracked:
                yield Problem(
                    Severity.WARNING,
                    described.place,
                    f"{kind} {name} is not tracked by anybody: it is not looked at",
                    f"name it in track_{kind} of an instance or a group",
                )


def _security(model: Model) -> Iterator[Problem]:
    defs = model.global_defs
    if defs.enable_script_security:
        return
    for place, script in all_scripts(model):
        if (script.user or defs.script_user) in (None, "root"):
            yield Problem(
                Severity.WARNING,
                place,
                "SECURITY VIOLATION - scripts are being executed but "
                "script_security not enabled.",
                "add enable_script_security and script_user USER to global_defs",
            )
            return


def all_scripts(model: Model) -> Iterator[tuple[Place | None, Script]]:
    """All scripts but those of checks, and where what they belong to stands."""
    for script in model.global_defs.notify.scripts():
        yield None, script
    entries: list[VrrpInstance | SyncGroup] = [*model.instances.values()]
    entries += model.groups.values()
    for entry in entries:
        for script in scripts(entry):
            yield entry.place, script
    for server in model.virtual_servers.values():
        for script in balance_doubts.scripts(server):
            yield server.place, script
    yield from _tracker_scripts(model)


def _tracker_scripts(model: Model) -> Iterator[tuple[Place | None, Script]]:
    for named in model.trackers.values():
        for described in named.values():
            if described.script is not None:
                yield described.place, described.script
