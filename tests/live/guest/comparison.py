"""hanode and keepalived with the same file, one after the other, in the same kernel."""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from hanode.dataplanes.ipvs_kernel import IpvsKernel
from hanode.dataplanes.ipvs_message import read_destination, read_service
from tests.live.case import need
from tests.live.guest import kernel
from tests.live.guest.farm import KINDS, Farm, Here, written
from tests.live.guest.scenarios import SCENARIOS, Scenario, Step
from tests.live.veth import Turns

PATIENCE = 60.0  # seconds for one step; a start takes most of it on a busy machine


class Performance:
    """One daemon that plays one scenario."""

    def __init__(self, kind: Any, farm: Farm, scenario: Scenario, folder: Path) -> None:
        self.farm, self.scenario, self.folder = farm, scenario, folder
        config = written(scenario.config, folder)
        self.daemon = kind(Here(), folder, config)
        self.kernel = IpvsKernel(Turns(), lambda tags, errors: None, lambda: None)

    def play(self) -> list[tuple[str, list[str]]]:
        """What the kernel has after each step, by the name of the step."""
        self.farm.up()
        kernel.clear()
        self.kernel.open()
        try:
            return [
                (f"{number}. {' '.join((step.verb, *step.words))}", self._do(step))
                for number, step in enumerate(self.scenario.steps, 1)
            ]
        finally:
            self.daemon.end()
            self.kernel.close()
            kernel.clear()

    def _do(self, step: Step) -> list[str]:
        verb = getattr(self, f"_{step.verb}")
        verb(*step.words)
        wanted = sorted(step.pool.split())
        end = time.monotonic() + PATIENCE
        while self.look() != wanted:
            if time.monotonic() > end:
                raise AssertionError(
                    f"{self.daemon.kind}: {step.verb} {step.words}: not {step.pool!r}"
                    f" but {kernel.save()}\n{self.daemon.log}"
                )
            time.sleep(0.05)
        return kernel.save() + thresholds()

    def look(self) -> list[str]:
        """1=3 for 10.0.0.1 with weight 3, and so on; quicker than C{ipvsadm}."""
        found = []
        for body in self.kernel.services():
            identity = read_service(body).identity
            for below in self.kernel.destinations(identity):
                each = read_destination(below, identity.family)
                address = str(each.address).removeprefix("10.0.0.")
                found.append(f"{address}={each.weight}")
        return sorted(found)

    def _start(self) -> None:
        self.daemon.start()

    def _stop(self) -> None:
        self.daemon.stop()

    def _reload(self, config: str) -> None:
        self.daemon.configure(written(config, self.folder))
        self.daemon.reload()

    def _up(self, short: str) -> None:
        self.farm.server(short).up()

    def _down(self, short: str) -> None:
        self.farm.server(short).down()

    def _write(self, name: str, text: str) -> None:
        whole = self.folder / f"{name}.new"
        whole.write_text(text + "\n")
        whole.rename(self.folder / name)

    def _page(self, status: str, text: str) -> None:
        server = self.farm.server("1")
        server.status, server.page = status, text


def thresholds() -> list[str]:
    """Those that are not 0, which C{ipvsadm-save} leaves out."""
    shown = kernel.ipvsadm("-ln", "--thresholds").splitlines()
    found = [line.split()[1:4] for line in shown if line.startswith("  -> ")]
    return sorted(" ".join(each) for each in found[1:] if each[1:] != ["0", "0"])


@cache
def farm() -> Farm:
    """One for all tests."""
    return Farm()


class ComparisonTests(SynchronousTestCase):
    """One test for each scenario."""

    skip = getattr(kernel.KernelCase, "skip", None)

    def setUp(self) -> None:
        need("keepalived")
        self.farm = farm()
        self.addCleanup(self.farm.down)

    def _compare(self, scenario: Scenario) -> None:
        found = []
        for kind in KINDS:
            folder = Path(tempfile.mkdtemp(prefix="hanode-scenario-"))
            self.addCleanup(shutil.rmtree, folder)
            folder.chmod(0o755)
            found.append(Performance(kind, self.farm, scenario, folder).play())
        self.assertEqual(found[0], found[1])


def _add(scenario: Scenario) -> None:
    def test(self: ComparisonTests) -> None:
        self._compare(scenario)

    test.__doc__ = f"Equal after each step: {scenario.name}."
    name = re.sub(r"\W+", "_", scenario.name)
    test.__name__ = f"test_{name}"
    setattr(ComparisonTests, test.__name__, test)


for each in SCENARIOS:
    _add(each)
