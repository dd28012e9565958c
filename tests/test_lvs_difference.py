"""What leads from one table to another."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hanode.lvs import Destination, Endpoint, Fwmark, Identity, Service, Table
from hanode.lvs_difference import Destinations, Difference, difference

WEB = Endpoint(ip_address("192.0.2.1"), 80, "TCP")
MARK = Fwmark(7)


def server(number: int, weight: int = 1) -> Destination:
    return Destination(ip_address(f"10.0.0.{number}"), 80, weight)


def table(*services: Service) -> Table:
    return {each.identity: each for each in services}


def applied(old: Table, change: Difference) -> dict[Identity, Service]:
    """What a kernel would have after C{change}."""
    kernel = dict(old)
    for service in change.added:
        assert service.identity not in kernel
        kernel[service.identity] = replace(service, destinations=())
    for service in change.edited:
        kept = kernel[service.identity].destinations
        kernel[service.identity] = replace(service, destinations=kept)
    for each in change.destinations:
        have = {one.key: one for one in kernel[each.identity].destinations}
        for one in each.added:
            assert one.key not in have
            have[one.key] = one
        for one in each.edited:
            assert one.key in have
            have[one.key] = one
        for one in each.removed:
            del have[one.key]
        service = kernel[each.identity]
        kernel[each.identity] = replace(service, destinations=tuple(have.values()))
    for service in change.removed:
        del kernel[service.identity]
    return kernel


def sets(given_table: Table) -> dict[Identity, tuple[Service, frozenset[Destination]]]:
    return {
        identity: (replace(each, destinations=()), frozenset(each.destinations))
        for identity, each in given_table.items()
    }


SERVERS = st.lists(
    st.builds(server, st.integers(1, 5), st.integers(0, 2)),
    unique_by=lambda each: each.key,
).map(tuple)
SERVICES = st.builds(
    Service,
    st.sampled_from([WEB, MARK, Fwmark(7, 6)]),
    scheduler=st.sampled_from(["rr", "wlc"]),
    destinations=SERVERS,
)
TABLES = st.lists(SERVICES).map(lambda services: table(*services))


class DifferenceTests(SynchronousTestCase):
    def test_nothing(self) -> None:
        """Equal tables have no difference, and so have the same objects."""
        service = Service(WEB, destinations=(server(1),))
        equal = Service(WEB, destinations=(server(1),))
        self.assertFalse(difference(table(service), table(service)))
        self.assertFalse(difference(table(service), table(equal)))
        self.assertEqual(difference({}, {}), Difference())

    def test_addedService(self) -> None:
        """The destinations of a new service are listed as added to it."""
        service = Service(WEB, destinations=(server(1), server(2)))
        self.assertEqual(
            difference({}, table(service)),
            Difference(
                added=(service,),
                destinations=(Destinations(WEB, added=(server(1), server(2))),),
            ),
        )

    def test_emptyService(self) -> None:
        """A new service without destinations has nothing below it."""
        self.assertEqual(
            difference({}, table(Service(WEB))), Difference(added=(Service(WEB),))
        )

    def test_removedService(self) -> None:
        """Of a service that goes, the destinations are not named one by one."""
        service = Service(WEB, destinations=(server(1),))
        self.assertEqual(difference(table(service), {}), Difference(removed=(service,)))

    def test_editedService(self) -> None:
        """Another scheduler is an edit of the service, not of its destinations."""
        old = Service(WEB, "rr", destinations=(server(1),))
        new = Service(WEB, "wlc", destinations=(server(1),))
        self.assertEqual(difference(table(old), table(new)), Difference(edited=(new,)))

    def test_order(self) -> None:
        """Who gains weight comes before who loses it; the rest is untouched."""
        old = Service(
            WEB, destinations=(server(1, 5), server(2, 0), server(3), server(4))
        )
        new = Service(
            WEB, destinations=(server(1, 0), server(2, 5), server(3), server(5))
        )
        self.assertEqual(
            difference(table(old), table(new)),
            Difference(
                destinations=(
                    Destinations(
                        WEB,
                        added=(server(5),),
                        edited=(server(2, 5), server(1, 0)),
                        removed=(server(4),),
                    ),
                )
            ),
        )

    @given(TABLES, TABLES)
    def test_leadsThere(self, old: Table, new: Table) -> None:
        """Whatever the two tables are, the difference leads from one to the other."""
        change = difference(old, new)
        self.assertEqual(sets(applied(old, change)), sets(new))
        self.assertEqual(bool(change), sets(old) != sets(new))
