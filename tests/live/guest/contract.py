"""The kernel's balancer passes the tests that the remembering one passes."""

from __future__ import annotations

from hanode.lvs import Service, Timeouts
from tests.dataplanes.balancer_contract import BalancerContract
from tests.live.guest import kernel


class IpvsContractTests(kernel.KernelCase, BalancerContract):
    def kernel(self) -> list[str]:
        return kernel.save()

    def someone_sets(self, service: Service) -> None:
        kernel.set_service(service)

    def someone_removes(self, *services: Service) -> None:
        if not services:
            kernel.ipvsadm("-C")
        for each in services:
            kernel.remove_service(each)

    def daemons(self) -> list[tuple[str, str, int]]:
        return kernel.daemons()

    def limits(self) -> Timeouts:
        return kernel.limits()
