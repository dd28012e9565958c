"""What every balancer must do: the tests that the real one and the fake one share."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from typing import Any

from hanode.lvs import (
    Destination,
    Endpoint,
    Fwmark,
    Identity,
    Method,
    Service,
    SyncDaemon,
    Timeouts,
    Usage,
)
from tests.dataplanes.ipvs_save import saved

ONE = Destination(ip_address("10.1.0.1"), 80)
TWO = Destination(ip_address("10.1.0.2"), 8080, 3)
WEB = Service(
    Endpoint(ip_address("192.0.2.10"), 80, "TCP"), "rr", destinations=(ONE, TWO)
)
MARKED = Service(
    Fwmark(7),
    "wlc",
    persistence=300,
    granularity=24,
    destinations=(Destination(ip_address("10.1.0.3"), 0, 5, Method("DR")),),
)
SIX = Service(
    Endpoint(ip_address("2001:db8::10"), 53, "UDP"),
    "wrr",
    one_packet=True,
    destinations=(Destination(ip_address("2001:db8::1"), 53, 0),),
)
FOREIGN = Service(
    Endpoint(ip_address("192.0.2.99"), 25, "TCP"),
    "lc",
    destinations=(Destination(ip_address("10.1.0.9"), 25),),
)
DAEMON = SyncDaemon("master", "lo", 51)


def table(*services: Service) -> dict[Identity, Service]:
    return {each.identity: each for each in services}


class BalancerContract:
    """Mix it into a test case; C{balancer} is made and not started."""

    balancer: Any

    # What the world has to offer; "settle" lets the balancer notice and react.

    def settle(self) -> None:
        raise NotImplementedError

    def kernel(self) -> list[str]:
        """What the kernel has, as L{saved} writes it."""
        raise NotImplementedError

    def someone_sets(self, service: Service) -> None:
        """Another program makes a service so, with just these destinations."""
        raise NotImplementedError

    def someone_removes(self, *services: Service) -> None:
        """Another program removes these, or all."""
        raise NotImplementedError

    def daemons(self) -> list[tuple[str, str, int]]:
        """State, interface and id of those that run."""
        raise NotImplementedError

    def limits(self) -> Timeouts:
        """The timeouts that hold."""
        raise NotImplementedError

    # The claims.

    def same(self, first: object, second: object) -> None:
        self.assertEqual(first, second)  # type: ignore[attr-defined]

    def holds(self, *services: Service) -> None:
        self.same(self.kernel(), saved(services))

    def test_there_when_the_call_returns(self) -> None:
        """A small table is in the kernel when the call returns."""
        self.balancer.start()
        self.balancer.balance(table(WEB, MARKED, SIX))
        self.holds(WEB, MARKED, SIX)

    def test_whole_tables(self) -> None:
        """Another table adds what is new, changes what differs, removes the rest."""
        self.balancer.start()
        self.balancer.balance(table(WEB, MARKED))
        three = Destination(ip_address("10.1.0.3"), 80)
        other = replace(
            WEB, scheduler="wlc", destinations=(replace(TWO, weight=9), three)
        )
        self.balancer.balance(table(other, SIX))
        self.holds(other, SIX)

    def test_empty(self) -> None:
        """An empty table leaves nothing of ours."""
        self.balancer.start()
        self.balancer.balance(table(WEB, MARKED))
        self.balancer.balance({})
        self.holds()

    def test_before_start(self) -> None:
        """What was wanted before the start is there after it."""
        self.balancer.balance(table(WEB))
        self.holds()
        self.balancer.start()
        self.holds(WEB)

    def test_adoption(self) -> None:
        """A service that is there already becomes ours, and is put right."""
        wrong = Destination(ip_address("10.1.0.77"), 80)
        found = (wrong, replace(TWO, weight=77), ONE)
        self.someone_sets(
            replace(WEB, scheduler="sed", persistence=60, destinations=found)
        )
        self.balancer.start()
        self.balancer.balance(table(WEB))
        self.holds(WEB)
        self.balancer.balance({})
        self.holds()

    def test_foreign_services(self) -> None:
        """What others have is left alone, to the end."""
        self.someone_sets(FOREIGN)
        self.balancer.start()
        self.balancer.balance(table(WEB))
        self.holds(WEB, FOREIGN)
        self.settle()
        self.balancer.balance({})
        self.holds(FOREIGN)
        self.balancer.stop(remove=True)
        self.holds(FOREIGN)

    def test_all_removed_by_others(self) -> None:
        """After ipvsadm -C ours come back, and only ours."""
        self.someone_sets(FOREIGN)
        self.balancer.start()
        self.balancer.balance(table(WEB, MARKED, SIX))
        self.someone_removes()
        self.settle()
        self.holds(WEB, MARKED, SIX)

    def test_changed_by_others(self) -> None:
        """Settings and destinations that others changed are put back."""
        self.balancer.start()
        self.balancer.balance(table(WEB, MARKED))
        self.someone_sets(replace(WEB, scheduler="sed"))
        self.someone_sets(replace(MARKED, destinations=(ONE,)))
        self.settle()
        self.holds(WEB, MARKED)

    def test_stop_and_remove(self) -> None:
        """Stopping removes ours when it is told to, and nothing comes back."""
        self.balancer.start()
        self.balancer.balance(table(WEB, SIX))
        self.balancer.sync([DAEMON])
        self.balancer.sync([])
        self.balancer.stop(remove=True)
        self.balancer.stop(remove=True)
        self.settle()
        self.same((self.kernel(), self.daemons()), ([], []))

    def test_stop_and_keep(self) -> None:
        """Stopping leaves everything working when it is told to."""
        self.balancer.start()
        self.balancer.balance(table(WEB, SIX))
        self.balancer.sync([DAEMON])
        self.balancer.stop(remove=False)
        self.holds(WEB, SIX)
        self.same(self.daemons(), [("master", "lo", 51)])

    def test_flush(self) -> None:
        """Flushing removes everybody's services; the next table counts again."""
        self.someone_sets(FOREIGN)
        self.balancer.start()
        self.balancer.balance(table(WEB))
        self.balancer.flush()
        self.settle()
        self.holds()
        self.balancer.balance(table(WEB))
        self.holds(WEB)

    def test_usages(self) -> None:
        """Counters are told of ours, with their destinations."""
        self.someone_sets(FOREIGN)
        self.balancer.start()
        self.balancer.balance(table(WEB, SIX))
        found: list[Any] = []
        self.balancer.usages().addCallback(found.append)
        self.same(
            found,
            [
                {
                    each.identity: (
                        Usage(),
                        {below.key: Usage() for below in each.destinations},
                    )
                    for each in (WEB, SIX)
                }
            ],
        )

    def test_timeouts(self) -> None:
        """Timeouts are set; a 0 leaves one as it is."""
        self.balancer.start()
        self.balancer.timeouts(Timeouts(777, 66, 55))
        self.balancer.timeouts(Timeouts(0, 44, 0))
        self.same(self.limits(), Timeouts(777, 44, 55))

    def test_daemons(self) -> None:
        """Exactly the daemons that are wanted run."""
        self.balancer.start()
        backup = SyncDaemon("backup", "lo", 52)
        self.balancer.sync([DAEMON, backup])
        self.same(self.daemons(), [("backup", "lo", 52), ("master", "lo", 51)])
        self.balancer.sync([backup])
        self.same(self.daemons(), [("backup", "lo", 52)])
        self.balancer.sync([])
        self.same(self.daemons(), [])
