"""Sync groups of hanode and of keepalived, on one pair of networks, in both roles."""

from __future__ import annotations

import os

from hanode.rehearsal.namespaces import Bridge
from tests.live.case import LiveCase, need, until
from tests.live.configs import instance

INTERVAL = 0.2  # seconds
VIPS = (("eth0", "192.0.2.100/24"), ("eth1", "198.51.100.100/24"))

#: what keepalived 2.2.7 tells of the node with the higher priority in the story below
HIGHER = ["BACKUP", "MASTER", "FAULT", "BACKUP", "MASTER", "FAULT", "BACKUP", "MASTER"]
#: and of the other one
LOWER = ["BACKUP", "MASTER", "BACKUP", "MASTER", "BACKUP", "MASTER", "BACKUP", "MASTER"]


class GroupCase(LiveCase):
    """Two hosts with a leg in each of two networks."""

    def setUp(self):
        need("keepalived")
        super().setUp()
        self.other = Bridge("other")
        self.addCleanup(self.other.close)
        for number, host in enumerate((self.a, self.b), 1):
            self.other.connect(host, "eth1", f"198.51.100.{number}/24")
        self.fifos = {}
        self.note = self.folder / "note"
        self.note.write_text('#!/bin/sh\nfile="$1"\nshift\necho "$@" >> "$file"\n')
        self.note.chmod(0o755)

    def config(self, number, priority, extra=""):
        """A group of an instance in each network; every change is noted."""
        notes = f'  notify "{self.note} {self.folder}/told{number}"\n'
        members = ""
        for index, (device, vip) in enumerate(VIPS):
            text = instance(
                number,
                priority,
                version=3,
                interval=INTERVAL,
                name="AB"[index],
                vrid=51 + index,
                vips=(vip,),
                extra=notes + extra,
            )
            members += text.replace("interface eth0", f"interface {device}")
        group = f"vrrp_sync_group G {{\n  group {{\n    A\n    B\n  }}\n{notes}}}\n"
        return (
            "global_defs {\n enable_script_security\n script_user root\n"
            f" vrrp_notify_fifo {self.fifo(number)}\n}}\n{group}{members}"
        )

    def fifo(self, number):
        """A FIFO of node C{number} that is read from before the node starts."""
        path = self.folder / f"fifo{number}"
        if number not in self.fifos:
            os.mkfifo(path, 0o600)
            self.fifos[number] = os.open(path, os.O_RDWR | os.O_NONBLOCK)
            self.addCleanup(os.close, self.fifos[number])
        return path

    def written(self, number):
        """What a FIFO was written, in rounds of one line for each of A, B and G.

        A better master that returns hears the last advertisement of the lower one.
        """
        text = os.read(self.fifos[number], 65536).decode()
        lines = [each for each in text.splitlines() if "RX_LOWER_PRI" not in each]
        return [lines[at : at + 3] for at in range(0, len(lines), 3)]

    def pair(self, high, low):
        """A daemon of the kind C{high} on host a, one of the kind C{low} on b."""
        self.high = self.daemon(high, self.a, self.config(1, 150))
        self.low = self.daemon(low, self.b, self.config(2, 100))
        self.low.start()
        self.moved(self.low, self.high)
        self.high.start()

    def held(self, host):
        """The virtual addresses that a host has."""
        return [vip for device, vip in VIPS if self.holds(host, vip, device)]

    def moved(self, to, of):
        """Wait until C{to} has all addresses and C{of} none."""
        everything = [vip for _, vip in VIPS]
        until(
            lambda: self.held(to.host) == everything and not self.held(of.host),
            what=f"{to.kind} on {to.host.name} has both addresses",
        )

    def told(self, number, name):
        """The states of one object, as its notify scripts were told them."""
        file = self.folder / f"told{number}"
        lines = [line.split() for line in file.read_text().splitlines()]
        return [words[2] for words in lines if words[1] == name]


class MoveTests(GroupCase):
    def story(self, high, low):
        """One leg of the master fails, then the other, then it stops."""
        self.pair(high, low)
        self.moved(self.high, self.low)
        for device in ("eth1", "eth0"):
            self.a.set_link(device, "down")
            self.moved(self.low, self.high)
            self.a.set_link(device, "up")
            self.moved(self.high, self.low)
        self.high.stop()
        self.moved(self.low, self.high)
        for name in ("A", "B", "G"):
            until(
                lambda name=name: len(self.told(2, name)) == len(LOWER),
                what=f"the last script of {name}",
            )
            self.assertEqual(self.told(1, name)[: len(HIGHER)], HIGHER, name)
            self.assertEqual(self.told(1, name)[len(HIGHER) :], ["STOP"], name)
            self.assertEqual(self.told(2, name), LOWER, name)
        self.in_order(self.written(1), [*HIGHER, "STOP"], 150)
        self.in_order(self.written(2), LOWER, 100)

    def in_order(self, rounds, states, priority):
        """The group is told of first at the start, and then after its members."""
        self.assertEqual(len(rounds), len(states), rounds)
        for number, (lines, state) in enumerate(zip(rounds, states, strict=True)):
            of_group = lines.pop(0 if number == 0 else 2)
            self.assertEqual(of_group, f'GROUP "G" {state} 0')
            members = [f'INSTANCE "{name}" {state} {priority}' for name in "AB"]
            self.assertEqual(sorted(lines), members)

    def test_hanodeHigher(self):
        """hanode's group moves to keepalived's and back, in keepalived's states."""
        self.story("hanode", "keepalived")

    def test_keepalivedHigher(self):
        """The other way round."""
        self.story("keepalived", "hanode")
