"""The kernel's IPVS as ipvsadm shows it: the referee of these tests."""

from __future__ import annotations

import os
import re
import subprocess
from typing import Any

from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from hanode.dataplanes.ipvs import IpvsBalancer
from hanode.dataplanes.ipvs_watch import EVERY
from hanode.lvs import Service, Timeouts
from tests.dataplanes.ipvs_save import destination_line, saved, service_line
from tests.live.veth import Turns

DAEMON = re.compile(r"(\w+) sync daemon \(mcast=(\w+), syncid=(\d+)")
TIMEOUTS = re.compile(r"Timeout \(tcp tcpfin udp\): (\d+) (\d+) (\d+)")


def ipvsadm(*words: str, given: str | None = None) -> str:
    """Run it; return what it prints."""
    done = subprocess.run(
        ["ipvsadm", *words], input=given, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (words, done.stderr)
    return done.stdout


def save() -> list[str]:
    """What C{ipvsadm-save -n} prints, sorted."""
    done = subprocess.run(["ipvsadm-save", "-n"], capture_output=True, text=True)
    return sorted(line.strip() for line in done.stdout.splitlines() if line.strip())


def clear() -> None:
    """No services, no daemons."""
    ipvsadm("-C")
    for state, *_ in daemons():
        ipvsadm("--stop-daemon", state)


def set_service(service: Service) -> None:
    """Make it so, with just these destinations, as a person would."""
    name = service_line(service).split(" ")[1:3]
    line = service_line(service)
    if line not in save():
        exists = any(each.startswith(" ".join(["-A", *name, ""])) for each in save())
        ipvsadm(*line.replace("-A", "-E" if exists else "-A", 1).split())
    wanted = {destination_line(service, each) for each in service.destinations}
    for each in [one for one in save() if one.startswith(" ".join(["-a", *name, ""]))]:
        words = each.split()
        if each not in wanted:
            ipvsadm("-d", *words[1:5])
    for each in wanted - set(save()):
        ipvsadm(*each.split())


def remove_service(service: Service) -> None:
    """ipvsadm -D."""
    ipvsadm("-D", *service_line(service).split(" ")[1:3])


def daemons() -> list[tuple[str, str, int]]:
    """State, interface and id of those that run."""
    found = DAEMON.findall(ipvsadm("-ln", "--daemon"))
    return sorted((state, device, int(number)) for state, device, number in found)


def limits() -> Timeouts:
    """The timeouts that hold."""
    match = TIMEOUTS.search(ipvsadm("-ln", "--timeout"))
    assert match is not None
    return Timeouts(*map(int, match.groups()))


class KernelCase(SynchronousTestCase):
    """An empty IPVS, and a balancer on time that only moves when it is told to."""

    if "HANODE_GUEST" not in os.environ:
        skip = "only in a kernel with IPVS that is ours alone: tests/live/test_ipvs.py"

    balancer: IpvsBalancer

    def setUp(self) -> None:
        clear()
        self.addCleanup(clear)
        self.turns = Turns()
        self.log: list[str] = []
        globalLogPublisher.addObserver(self._note)
        self.addCleanup(globalLogPublisher.removeObserver, self._note)
        self.balancer = self.another()

    def another(self) -> IpvsBalancer:
        """One more balancer on the same kernel."""
        balancer = IpvsBalancer(self.turns)
        self.addCleanup(balancer.stop, False)
        return balancer

    def _note(self, event: Any) -> None:
        if event["log_namespace"].startswith("hanode."):
            self.log.append(event["log_format"].format(**event))

    def settle(self) -> None:
        """Let the balancer look at the kernel, and put back."""
        self.turns.advance(EVERY)
        self.turns.settle(0)

    def holds(self, *services: Service) -> None:
        """The kernel has exactly these."""
        self.assertEqual(save(), saved(services))
