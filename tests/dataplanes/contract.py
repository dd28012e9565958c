"""What every dataplane must do: the tests that the real one and the fake one share."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from typing import Any

from hanode.config.model import Address
from hanode.config.vmac_model import VirtualLink
from hanode.link import Link

DEVICE = "wan0"
A = Address(ip_address("192.0.2.1"), 24, DEVICE)
B = Address(ip_address("192.0.2.2"), 24, DEVICE)
SINGLE = Address(ip_address("198.51.100.7"), 32, DEVICE)
SIX = Address(ip_address("2001:db8::7"), 64, DEVICE, flags=frozenset({"nodad"}))
ALL = (A, B, SINGLE, SIX)
OWN = "203.0.113.5/24"
VIRTUAL = VirtualLink("vrrp.51", DEVICE, mac=bytes.fromhex("00005e000133"))


class DataplaneContract:
    """Mix it into a test case that gives it a world.

    Interface C{wan0} exists and is up when a test begins, with the address
    203.0.113.5/24 of its own. C{dataplane} is made and not started.
    """

    dataplane: Any
    told: list[tuple[str, Link | None]]

    # What the world has to offer; "settle" lets the dataplane react to it.

    def settle(self) -> None:
        raise NotImplementedError

    def kernel(self) -> list[str]:
        """The addresses of wan0 as text; IPv6 link-local ones are left out."""
        raise NotImplementedError

    def someone_adds(self, text: str) -> None:
        raise NotImplementedError

    def someone_removes(self, text: str) -> None:
        raise NotImplementedError

    def set_up(self, up: bool) -> None:
        raise NotImplementedError

    def delete_interface(self) -> None:
        raise NotImplementedError

    def create_interface(self) -> None:
        """Once more, up, without any address of its own."""
        raise NotImplementedError

    def announced(self) -> list[str]:
        """The addresses in the frames that were sent since the last call."""
        raise NotImplementedError

    def is_promoting(self) -> bool:
        raise NotImplementedError

    def add_link_local(self) -> None:
        """wan0 gets an IPv6 link-local address unless it has one."""
        raise NotImplementedError

    def virtual_links(self) -> list[str]:
        """The names of the interfaces that are on wan0."""
        raise NotImplementedError

    # The claims.

    def start(self) -> None:
        self.told = []
        self.dataplane.start(lambda name, link: self.told.append((name, link)))
        self.settle()

    def held(self) -> list[str]:
        return sorted(each for each in self.kernel() if each != OWN)

    def last(self) -> Link | None:
        return [link for name, link in self.told if name == DEVICE][-1]

    def same(self, first: object, second: object) -> None:
        self.assertEqual(first, second)  # type: ignore[attr-defined]

    def test_held_when_the_call_returns(self) -> None:
        """hold puts all addresses into the kernel before it returns."""
        self.start()
        self.dataplane.claim("VI_1", ALL)
        self.dataplane.hold("VI_1", ALL)
        self.same(self.held(), sorted(text(each) for each in ALL))

    def test_whole_sets(self) -> None:
        """Holding another set adds what is new and removes what is left out."""
        self.start()
        self.dataplane.claim("VI_1", ALL)
        self.dataplane.hold("VI_1", (A, SIX))
        self.dataplane.hold("VI_1", (SIX, SINGLE))
        self.settle()
        self.same(self.held(), sorted([text(SIX), text(SINGLE)]))

    def test_release(self) -> None:
        """Holding nothing removes ours and nobody else's."""
        self.start()
        self.dataplane.claim("VI_1", ALL)
        self.dataplane.hold("VI_1", ALL)
        self.dataplane.hold("VI_1", ())
        self.settle()
        self.same(self.kernel(), [OWN])

    def test_hold_before_start(self) -> None:
        """What was held before the start is set by the start."""
        self.dataplane.claim("VI_1", (A,))
        self.dataplane.hold("VI_1", (A,))
        self.same(self.held(), [])
        self.start()
        self.same(self.held(), [text(A)])

    def test_hold_of_something_unclaimed(self) -> None:
        """Holding an address claims it."""
        self.start()
        self.dataplane.hold("VI_1", (A,))
        self.same(self.held(), [text(A)])
        self.dataplane.claim("VI_1", ())
        self.same(self.held(), [])

    def test_claim_cleans_up(self) -> None:
        """An address left behind goes when it is claimed, before anybody is told."""
        self.someone_adds(text(A))
        self.someone_adds("192.0.2.99/24")
        self.dataplane.claim("VI_1", (A, SIX))
        self.start()
        self.same(self.held(), ["192.0.2.99/24"])
        link = self.told[-1][1]
        addresses = [str(each) for each in link.addresses if each.version == 4]
        self.same(sorted(addresses), ["192.0.2.99", "203.0.113.5"])

    def test_claim_cleans_up_later(self) -> None:
        """A claim after the start cleans up too, and the interface changes with it."""
        self.someone_adds(text(SINGLE))
        self.start()
        self.dataplane.claim("VI_1", (SINGLE,))
        self.settle()
        self.same(self.held(), [])
        link = self.last()
        addresses = [str(each) for each in link.addresses if each.version == 4]
        self.same(addresses, ["203.0.113.5"])

    def test_claim_keeps_what_is_held(self) -> None:
        """A new claim releases what it leaves out and keeps the rest."""
        self.start()
        self.dataplane.claim("VI_1", (A, B))
        self.dataplane.hold("VI_1", (A, B))
        self.dataplane.claim("VI_1", (A, SINGLE))
        self.settle()
        self.same(self.held(), [text(A)])

    def test_two_owners(self) -> None:
        """An address that two owners hold stays until the second lets go."""
        self.start()
        for owner in ("VI_1", "VI_2"):
            self.dataplane.claim(owner, (A,))
            self.dataplane.hold(owner, (A,))
        self.dataplane.hold("VI_1", ())
        self.same(self.held(), [text(A)])
        self.dataplane.claim("VI_2", ())
        self.same(self.held(), [])

    def test_claimed_addresses_are_not_the_links_own(self) -> None:
        """A link's addresses are without those that somebody claims."""
        self.start()
        self.dataplane.claim("VI_1", (A,))
        self.dataplane.hold("VI_1", (A,))
        self.settle()
        link = self.dataplane.links()[DEVICE]
        addresses = [str(each) for each in link.addresses if each.version == 4]
        self.same(addresses, ["203.0.113.5"])

    def test_put_back(self) -> None:
        """A held address that someone removes is back, and announced once."""
        self.start()
        self.dataplane.claim("VI_1", (SINGLE, SIX))
        self.dataplane.hold("VI_1", (SINGLE, SIX))
        self.settle()
        self.announced()
        self.someone_removes(text(SINGLE))
        self.someone_removes(text(SIX))
        self.settle()
        self.same(self.held(), sorted([text(SIX), text(SINGLE)]))
        self.same(self.announced(), [str(SINGLE.address), str(SIX.address)])

    def test_untracked_stays_away(self) -> None:
        """An address with no_track is not put back."""
        address = Address(ip_address("192.0.2.44"), 24, DEVICE, track=False)
        self.start()
        self.dataplane.claim("VI_1", (address,))
        self.dataplane.hold("VI_1", (address,))
        self.settle()
        self.someone_removes(text(address))
        self.settle()
        self.same(self.held(), [])

    def test_others_may_do_as_they_like(self) -> None:
        """Addresses of others come and go; the link follows, nothing is put back."""
        self.start()
        self.someone_adds("192.0.2.99/24")
        self.settle()
        self.same("192.0.2.99" in map(str, self.last().addresses), True)
        self.someone_removes("192.0.2.99/24")
        self.settle()
        self.same("192.0.2.99" in map(str, self.last().addresses), False)
        self.same(self.kernel(), [OWN])

    def test_links_are_told(self) -> None:
        """Down and up are told once each; None is told when the interface is gone."""
        self.start()
        self.same([name for name, _ in self.told].count(DEVICE), 1)
        self.set_up(False)
        self.settle()
        self.same(self.last().up, False)
        self.set_up(True)
        self.settle()
        self.same(self.last().up, True)
        self.delete_interface()
        self.settle()
        self.same((self.last(), DEVICE in self.dataplane.links()), (None, False))

    def test_down_and_up(self) -> None:
        """All held addresses are there again when the interface is up again."""
        self.start()
        self.dataplane.claim("VI_1", ALL)
        self.dataplane.hold("VI_1", ALL)
        self.settle()
        self.set_up(False)
        self.settle()
        self.set_up(True)
        self.settle()
        self.same(self.held(), sorted(text(each) for each in ALL))

    def test_another_index(self) -> None:
        """An interface that is made anew gets the held addresses."""
        self.start()
        self.dataplane.claim("VI_1", ALL)
        self.dataplane.hold("VI_1", ALL)
        before = self.dataplane.links()[DEVICE].index
        self.delete_interface()
        self.settle()
        self.create_interface()
        self.settle()
        self.same(self.kernel() and self.held(), sorted(text(each) for each in ALL))
        self.same(self.dataplane.links()[DEVICE].index == before, False)

    def test_hold_without_interface(self) -> None:
        """What is held on an absent interface is set as soon as it exists."""
        self.delete_interface()
        self.start()
        self.dataplane.claim("VI_1", (A,))
        self.dataplane.hold("VI_1", (A,))
        self.create_interface()
        self.settle()
        self.same(self.held(), [text(A)])

    def test_announce(self) -> None:
        """Every address is announced in each round, in order."""
        self.start()
        self.announced()
        self.dataplane.announce((A, SIX), repeat=2)
        self.settle()
        expected = [str(each.address) for each in (A, SIX, A, SIX)]
        self.same(self.announced(), expected)

    def test_nothing_is_announced_on_a_dead_interface(self) -> None:
        """An interface that is down is skipped."""
        self.start()
        self.set_up(False)
        self.settle()
        self.announced()
        self.dataplane.announce((A,))
        self.set_up(True)
        self.settle()
        self.same(self.announced(), [])

    def test_promote_secondaries(self) -> None:
        """It is set while one of its owners wants it, and put back afterwards."""
        self.start()
        self.dataplane.promote_secondaries("VI_1", DEVICE, True)
        self.dataplane.promote_secondaries("VI_2", DEVICE, True)
        self.dataplane.promote_secondaries("VI_1", DEVICE, False)
        self.same(self.is_promoting(), True)
        self.dataplane.promote_secondaries("VI_2", DEVICE, False)
        self.same(self.is_promoting(), False)

    def test_virtual_link(self) -> None:
        """It is there with its MAC address when the call returns, and goes so, too."""
        self.start()
        self.dataplane.virtual_links("VI_1", (VIRTUAL,))
        link = self.dataplane.links()[VIRTUAL.name]
        self.same((link.up, link.mac), (True, VIRTUAL.mac))
        self.same(self.told[-1], (VIRTUAL.name, link))
        self.dataplane.virtual_links("VI_1", ())
        self.settle()
        self.same(VIRTUAL.name in self.dataplane.links(), False)
        self.same(self.told[-1], (VIRTUAL.name, None))

    def test_virtual_link_follows_its_parent(self) -> None:
        """It is as up as its parent, and goes and comes with it; so do addresses."""
        held = Address(ip_address("192.0.2.1"), 24, VIRTUAL.name)
        self.dataplane.virtual_links("VI_1", (VIRTUAL,))
        self.start()
        self.dataplane.hold("VI_1", (held,))
        self.set_up(False)
        self.settle()
        self.same(self.dataplane.links()[VIRTUAL.name].up, False)
        self.set_up(True)
        self.settle()
        self.same(self.dataplane.links()[VIRTUAL.name].up, True)
        self.delete_interface()
        self.settle()
        self.same(VIRTUAL.name in self.dataplane.links(), False)
        self.create_interface()
        self.settle()
        self.same(self.dataplane.links()[VIRTUAL.name].up, True)

    def test_virtual_link_of_ipv6(self) -> None:
        """It has a link-local address, which is no address of an instance."""
        six = replace(VIRTUAL, ipv4=False, ipv6=True, link_local=True)
        self.start()
        self.add_link_local()
        self.dataplane.virtual_links("VI_1", (six,))
        link = self.dataplane.links()[VIRTUAL.name]
        self.same(link.address(6), self.dataplane.links()[DEVICE].address(6))
        self.same(link.address(6) is None, False)

    def test_strangers(self) -> None:
        """Which names are taken by interfaces that are not ours."""
        own = replace(VIRTUAL, name=DEVICE)
        self.start()
        self.dataplane.virtual_links("VI_1", (VIRTUAL,))
        self.same(self.dataplane.strangers((VIRTUAL, own)), {DEVICE})

    def test_stop_removes_virtual_links(self) -> None:
        """After stop they are gone."""
        self.dataplane.virtual_links("VI_1", (VIRTUAL,))
        self.start()
        self.dataplane.stop()
        self.same(self.virtual_links(), [])

    def test_stop(self) -> None:
        """After stop there is nothing of ours left, and nothing comes back."""
        self.start()
        self.dataplane.claim("VI_1", ALL)
        self.dataplane.hold("VI_1", ALL)
        self.dataplane.promote_secondaries("VI_1", DEVICE, True)
        self.dataplane.stop()
        self.dataplane.stop()
        self.same((self.kernel(), self.is_promoting()), ([OWN], False))


def text(address: Address) -> str:
    return f"{address.address}/{address.prefix}"
