"""Who may open a session with us: unsolicited BFD (RFC 9468)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from hanode.bfd.line import Line
from hanode.bfd.packet import BadPacket
from hanode.bfd.reception import Entrance, Reception
from hanode.bfd.table import Table
from hanode.config.bfd_model import SINGLE_HOP_TTL, BfdParameters
from hanode.config.model import IpAddress, Model, VrrpInstance

LIMIT = 16  # sessions that one fast_failover accepts


@dataclass(frozen=True)
class Rule:
    """Sessions from C{allow} on C{device} are accepted, C{limit} of them at once.

    Without C{allow}, whoever is on the link: a TTL of 255 proves that. C{family} is 4
    or 6, 0 for both.
    """

    name: str
    device: str
    family: int
    allow: tuple[IPv4Network | IPv6Network, ...]
    limit: int
    parameters: BfdParameters

    @property
    def entrances(self) -> tuple[Entrance, ...]:
        """Where it listens."""
        families = (self.family,) if self.family else (4, 6)
        return tuple(Entrance(family, self.device) for family in families)

    def admits(self, source: IpAddress, entrance: Entrance) -> bool:
        """Whether a packet from C{source} that came in there may open a session."""
        if entrance not in self.entrances:
            return False
        return not self.allow or any(source in each for each in self.allow)


def rules(model: Model) -> Iterator[Rule]:
    """The rules of a configuration: those written, and those of fast_failover."""
    for each in model.bfd_unsolicited:
        name = f"bfd_unsolicited {each.device}"
        yield Rule(name, each.device, 0, each.allow, each.limit, each.parameters)
    for instance in model.instances.values():
        if instance.fast_failover is not None:
            yield _of_instance(instance, instance.fast_failover)


def _of_instance(instance: VrrpInstance, parameters: BfdParameters) -> Rule:
    """A master accepts its peers; without unicast peers, whoever is on the link."""
    return Rule(
        f"fast_failover {instance.name}",
        instance.interface,
        instance.family,
        tuple(ip_network(peer.address) for peer in instance.unicast_peers),
        LIMIT,
        parameters,
    )


class Acceptance:
    """The rules in force, and the ports that are open because of them.

    @param dismissed: called with each line whose rule is gone, or has changed.
    """

    def __init__(
        self, reception: Reception, table: Table, dismissed: Callable[[Line], object]
    ) -> None:
        self._reception, self._table, self._dismissed = reception, table, dismissed
        self._rules: dict[str, Rule] = {}
        self._open = False

    def start(self) -> None:
        """Listen."""
        self._open = True
        for rule in self._rules.values():
            self._admit(rule)

    def configure(self, model: Model) -> None:
        """Have the rules of C{model}; what is equal stays."""
        before, self._rules = self._rules, {each.name: each for each in rules(model)}
        if self._open:
            for rule in self._rules.values():
                self._admit(rule)
        for name, rule in before.items():
            if self._rules.get(name) != rule:
                self._dismiss(rule, self._rules.get(name))

    def devices(self) -> set[str]:
        """The interfaces that rules speak of."""
        return {rule.device for rule in self._rules.values()} - {""}

    def rule(self, name: str) -> Rule | None:
        """The rule of that name."""
        return self._rules.get(name)

    def admission(self, source: IpAddress, entrance: Entrance) -> Rule | None:
        """The rule that lets C{source} in, None when there is none.

        Raises L{BadPacket} when its limit is reached.
        """
        for rule in self._rules.values():
            if rule.admits(source, entrance):
                inside = sum(line.rule == rule.name for line in self._table)
                if inside >= rule.limit:
                    raise BadPacket("too many unsolicited sessions", rule.limit)
                return rule
        return None

    def keeps(self, line: Line) -> bool:
        """Whether a line that nobody wants any more may stay, under some rule."""
        if line.rule in self._rules:
            return True
        try:
            rule = self.admission(line.route.neighbour, Entrance.of(line.route))
        except BadPacket:
            return False
        line.rule = "" if rule is None else rule.name
        return rule is not None

    def _admit(self, rule: Rule) -> None:
        for entrance in rule.entrances:
            self._reception.join(entrance, rule.name, SINGLE_HOP_TTL)

    def _dismiss(self, rule: Rule, following: Rule | None) -> None:
        """C{rule} is no more, C{following} has its name; who may stay, stays."""
        entrances = following.entrances if following else ()
        for entrance in rule.entrances:
            if entrance not in entrances:
                self._reception.leave(entrance, rule.name)
        for line in self._table:
            if line.rule == rule.name:
                here = Entrance.of(line.route)
                if not following or not following.admits(line.route.neighbour, here):
                    line.rule = ""
                self._dismissed(line)
