"""VRRP machines in each state, for the tests of L{hanode.vrrp.instance}.

Times are in seconds; the machines start at 1000. Log lines stand in the lists as the
text that a reader sees; those for debugging begin with "D ".
"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.model import Address, VrrpInstance
from hanode.vrrp.actions import Say, State
from hanode.vrrp.instance import Instance
from hanode.vrrp.packet import Advert

LOW, OURS, HIGH = (IPv4Address(f"10.0.0.{n}") for n in (1, 5, 9))
VIP = Address(IPv4Address("10.0.0.100"), 24, "eth0")
EXTRA = Address(IPv4Address("10.0.0.101"), 24, "eth0")
NEW = Address(IPv4Address("10.0.0.102"), 24, "eth0")
SETTINGS = VrrpInstance(
    "VI",
    51,
    "eth0",
    4,
    source=OURS,
    addresses=(VIP,),
    excluded=(EXTRA,),
)
START = 1000.0
SKEW = 156 / 256  # of priority 100, in version 2


def shown(actions: list[Any]) -> list[Any]:
    """The actions, with each log line as its reader sees it."""
    return [
        ("D " if each.detail else "") + each.format.format(**dict(each.fields))
        if isinstance(each, Say)
        else each
        for each in actions
    ]


def advert(priority: int, interval: float = 1.0, version: int = 2) -> Advert:
    """What a neighbour with this priority sends."""
    return Advert(version, 51, priority, interval, (VIP.address,))


class InstanceTestCase(SynchronousTestCase):
    """Makes machines in each state."""

    kind = Instance

    def machine(self, **changes: Any) -> Instance:
        """A machine in INIT."""
        return self.kind(replace(SETTINGS, **changes))

    def backup(self, **changes: Any) -> Instance:
        """A machine that became BACKUP at 1000."""
        machine = self.machine(**changes)
        machine.start(now=START)
        self.assertIs(machine.state, State.BACKUP)
        return machine

    def master(self, **changes: Any) -> Instance:
        """A machine that became MASTER at 1000."""
        machine = self.machine(**changes)
        machine.start(now=START - 100)
        if machine.state is not State.MASTER:
            machine.expire(now=START)
        else:
            machine = self.machine(**changes)
            machine.start(now=START)
        self.assertIs(machine.state, State.MASTER)
        return machine

    def fault(self, **changes: Any) -> Instance:
        """A machine that started with a fault at 1000."""
        machine = self.machine(**changes)
        machine.judge(machine.priority, ("interface eth0 down",), now=START)
        machine.start(now=START)
        self.assertIs(machine.state, State.FAULT)
        return machine

    def due(self, machine: Instance, at: float | None) -> None:
        """The deadline is C{at}, to the microsecond."""
        deadline = machine.deadline
        if at is None or deadline is None:
            self.assertEqual(deadline, at)
        else:
            self.assertEqual(round(deadline, 6), round(at, 6))
