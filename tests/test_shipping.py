"""Readings as bytes."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from ipaddress import ip_address

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.balance_model import (
    Check,
    RealServer,
    Schedule,
    Target,
    VirtualAddress,
    VirtualServer,
)
from hanode.config.model import Model
from hanode.config.problems import Place, Problem, Severity
from hanode.shipping import PIECE, load, write

PLACE = Place("a.conf", 3, 5, "    real_server", 11)


def real(number, **settings):
    """A real server of its own address."""
    address = ip_address(f"192.0.2.{number}")
    target = Target(address, 80, timeout=3.0)
    checks = (Check("TCP_CHECK", (), target, Schedule(5.0)),)
    return RealServer(address, 80, checks=checks, place=PLACE, **settings)


def virtual(name, *reals, **settings):
    """A virtual server."""
    addresses = (VirtualAddress(ip_address("198.51.100.1"), 80),)
    return VirtualServer(name, addresses, real_servers=reals, **settings)


def model(*servers):
    """A model of these virtual servers."""
    return Model(virtual_servers={each.name: each for each in servers})


def shipped(reading, present=None):
    """What comes out of the bytes of a reading, and in how many steps."""
    file = BytesIO()
    write(reading, file)
    file.seek(0)
    found = []
    steps = sum(1 for _ in load(file, present or Model(), found))
    return found[0], steps


class ShippingTests(SynchronousTestCase):
    """What goes in comes out."""

    def test_same(self):
        """Everything comes out as it was, in its order, with its places."""
        six = RealServer(ip_address("2001:db8::1"), 0, 5, "TUN", upper=9)
        zone = RealServer(ip_address("fe80::1%eth0"), 0)
        servers = virtual("b", real(1), six, zone), virtual("a", real(1), sorry=six)
        reading = model(*servers), [Problem(Severity.WARNING, PLACE, "odd")]
        found, _ = shipped(reading)
        self.assertEqual(found, reading)
        after = found[0].virtual_servers
        self.assertEqual(list(after), ["b", "a"])
        self.assertEqual(after["b"].real_servers[0].place, PLACE)
        self.assertEqual(repr(after["b"].real_servers), repr(servers[0].real_servers))

    def test_steps(self):
        """No step loads more than so many real servers, however many one has."""
        many = tuple(real(1, weight=n) for n in range(2 * PIECE + 1))
        reading = model(virtual("a", *many), virtual("b", real(1))), []
        self.assertEqual(shipped(reading), (reading, 4))
        self.assertEqual(shipped((Model(), [])), ((Model(), []), 0))

    def test_present(self):
        """What is equal is the object in force: virtual servers, and real ones."""
        before = model(
            virtual("same", real(1), real(2)),
            virtual("other", real(1), real(2), real(3)),
            virtual("settings", real(1)),
            virtual("gone", real(1)),
        )
        old = before.virtual_servers
        after = model(
            virtual("other", real(1), real(2, weight=7), real(3), real(4)),
            virtual("new", real(1)),
            virtual("same", real(1), real(2)),
            replace(old["settings"], quorum=2),
        )
        (found, _), _ = shipped((after, []), before)
        self.assertEqual(found, after)
        new = found.virtual_servers
        self.assertIs(new["same"], old["same"])
        self.assertIs(new["settings"].real_servers[0], old["settings"].real_servers[0])
        kept = [
            one is other
            for one, other in zip(
                new["other"].real_servers, old["other"].real_servers, strict=False
            )
        ]
        self.assertEqual(kept, [True, False, True])

    def test_fewer(self):
        """One that has lost real servers is another one."""
        before = model(virtual("a", real(1), real(2)), virtual("b", real(1)))
        after = model(virtual("a", real(1)), virtual("b"))
        self.assertEqual(shipped((after, []), before)[0][0], after)
