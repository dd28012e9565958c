"""The dataplane that remembers passes the tests of the real one."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_interface

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

import hanode.dataplanes
from hanode.config.route_model import Route, Rule
from hanode.dataplanes.memory import Announcement, MemoryDataplane
from hanode.interfaces import IDataplaneKind
from hanode.link import Link
from hanode.plugins import find
from tests.dataplanes.contract import DEVICE, OWN, A, DataplaneContract, text
from tests.dataplanes.contract_routes import ROUTES, RULES, RoutesContract

MAC = b"\2\0\0\0\0\1"


class MemoryContractTests(DataplaneContract, SynchronousTestCase):
    def setUp(self) -> None:
        self.dataplane = MemoryDataplane(Clock())
        self.index = 7
        self.dataplane.set_link(Link(DEVICE, self.index, True, MAC))
        self.someone_adds(OWN)

    def settle(self) -> None:
        pass

    def kernel(self) -> list[str]:
        found = self.dataplane.addresses[DEVICE]
        return [f"{address}/{prefix}" for address, prefix in found]

    def someone_adds(self, text: str) -> None:
        wanted = ip_interface(text)
        self.dataplane.someone_adds(DEVICE, wanted.ip, wanted.network.prefixlen)

    def someone_removes(self, text: str) -> None:
        wanted = ip_interface(text)
        self.dataplane.someone_removes(DEVICE, wanted.ip, wanted.network.prefixlen)

    def set_up(self, up: bool) -> None:
        self.dataplane.set_link(Link(DEVICE, self.index, up, MAC))

    def delete_interface(self) -> None:
        self.dataplane.remove_link(DEVICE)

    def create_interface(self) -> None:
        self.index += 1
        self.set_up(True)

    def announced(self) -> list[str]:
        frames = [str(each.address.address) for each in self.dataplane.announced]
        self.dataplane.announced.clear()
        return frames

    def is_promoting(self) -> bool:
        return DEVICE in self.dataplane.promoted

    def add_link_local(self) -> None:
        own = (IPv6Address("fe80::5"),)
        self.dataplane.set_link(Link(DEVICE, self.index, True, MAC, addresses=own))

    def virtual_links(self) -> list[str]:
        return [name for name in self.dataplane.links() if name != DEVICE]


class MemoryTests(SynchronousTestCase):
    def test_time_of_announcements(self) -> None:
        """Each announcement is noted with the time of the clock."""
        clock = Clock()
        dataplane = MemoryDataplane(clock)
        dataplane.set_link(Link(DEVICE, 1, True, MAC))
        dataplane.start(lambda name, link: None)
        dataplane.announce([A])
        clock.advance(2.5)
        dataplane.announce([A])
        self.assertEqual(
            dataplane.announced, [Announcement(0.0, A), Announcement(2.5, A)]
        )

    def test_own_addresses_of_a_link(self) -> None:
        """The addresses that a link is given are its own."""
        dataplane = MemoryDataplane()
        link = Link(DEVICE, 1, True, MAC, addresses=(IPv4Address("10.0.0.1"),))
        dataplane.set_link(link)
        self.assertEqual(dataplane.links(), {DEVICE: link})

    def test_held_is_remembered(self) -> None:
        """A test can ask who holds what."""
        dataplane = MemoryDataplane()
        dataplane.claim("VI_1", [A])
        dataplane.hold("VI_1", [A])
        self.assertEqual((dataplane.held("VI_1"), text(A)), ((A,), "192.0.2.1/24"))

    def test_plugins(self) -> None:
        """Both dataplanes are found by their keywords, and make what they promise."""
        kinds = find(IDataplaneKind, hanode.dataplanes)
        self.assertEqual(sorted(kinds), ["linux", "memory"])
        made = [kinds[keyword].make(Clock()).keyword for keyword in sorted(kinds)]
        self.assertEqual(made, ["linux", "memory"])


class MemoryRoutesContractTests(RoutesContract, SynchronousTestCase):
    def setUp(self) -> None:
        self.dataplane = MemoryDataplane(Clock())
        self.index = 7
        self.dataplane.set_link(Link(DEVICE, self.index, True, MAC))

    settle = MemoryContractTests.settle
    set_up = MemoryContractTests.set_up
    delete_interface = MemoryContractTests.delete_interface
    create_interface = MemoryContractTests.create_interface

    def routes(self) -> list[Route]:
        return [each for each in ROUTES if each in self.dataplane.routes.present]

    def rules(self) -> list[Rule]:
        return [each for each in RULES if each in self.dataplane.rules.present]

    def someone_sets(self, *records: Route | Rule) -> None:
        for record in records:
            if isinstance(record, Route):
                self.dataplane.routes.present.append(record)
            else:
                self.dataplane.rules.present.append(record)

    def someone_takes(self, record: Route | Rule) -> None:
        if isinstance(record, Route):
            self.dataplane.routes.someone_removes(record)
        else:
            self.dataplane.rules.someone_removes(record)
