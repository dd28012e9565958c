"""The firewall where the kernel does not do as it is told.

What it does with a kernel that does is in tests/live/test_firewall.py.
"""

from __future__ import annotations

import errno
import os
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from hanode.config.model import Address
from hanode.config.vmac_model import FirewallDefs
from hanode.dataplanes import firewall
from hanode.dataplanes.firewall import LATER, RETRY, Firewall
from hanode.dataplanes.kernel import Kernel
from hanode.dataplanes.netlink.message import HEADER, messages

VIP = Address(ip_address("192.0.2.1"), 24, "eth0")


class Port:
    """Answers each transaction with the next of C{codes}, 0 when none is left."""

    def __init__(self, test: FirewallTests) -> None:
        self._test = test

    def close(self) -> None:
        pass

    def getsockname(self) -> tuple[int, int]:
        return 4711, 0

    def settimeout(self, seconds: float) -> None:
        pass

    def send(self, data: bytes) -> None:
        self._test.sent.append(data)
        self._sequence = HEADER.unpack_from(data)[3]

    def recv(self, size: int) -> bytes:
        codes = self._test.codes
        code = codes.pop(0) if codes else 0
        body = (-code).to_bytes(4, "little", signed=True) + bytes(16)
        head = HEADER.pack(HEADER.size + len(body), 2, 0, self._sequence, 0)
        old = HEADER.pack(HEADER.size + len(body), 2, 0, 0, 0) + body
        return old + head + body  # an answer that came too late is skipped


class NoWatch:
    """Nobody else changes anything."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def close(self) -> None:
        pass


class FirewallTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.sent: list[bytes] = []
        self.codes: list[int] = []
        self.log: list[str] = []
        self.clock = Clock()
        self.patch(firewall, "open_netfilter", lambda: Port(self))
        self.patch(firewall, "Watch", NoWatch)
        globalLogPublisher.addObserver(self._observe)
        self.addCleanup(globalLogPublisher.removeObserver, self._observe)
        self.firewall = Firewall(self.clock, Kernel())
        self.firewall.configure(FirewallDefs(f"test{os.getpid()}"))
        self.firewall.start()
        self.addCleanup(self.firewall.stop)
        self.sent.clear()

    def _observe(self, event: Any) -> None:
        if event.get("log_namespace", "").endswith("firewall.Firewall"):
            self.log.append(event["log_format"].format(**event))

    def test_no_nf_tables(self) -> None:
        """It is said once, and tried again; VRRP is not told."""
        self.codes = [errno.EOPNOTSUPP] * 9
        self.firewall.refuse("VI_1", (VIP,))
        self.firewall.refuse("VI_2", (VIP,))
        self.clock.advance(RETRY)
        self.assertEqual(
            self.log,
            [
                f"cannot set the firewall rules (table test{os.getpid()}): the kernel"
                " has no nf_tables; VRRP goes on, virtual addresses accept what arrives"
            ],
        )
        self.codes.clear()
        self.sent.clear()
        self.clock.advance(RETRY)
        self.assertEqual(len(self.sent), 1)

    def test_no_copies(self) -> None:
        """A kernel without nft_dup gets the other rules."""
        self.codes = [errno.ENOENT]
        self.firewall.refuse("VI_1", (VIP,))
        self.assertEqual([b"dup\0" in each for each in self.sent], [True, False])
        self.assertEqual(
            self.log,
            [
                "the kernel cannot copy packets (nft_dup): membership reports of"
                " virtual MACs are dropped"
            ],
        )

    def test_add_at_once_remove_later(self) -> None:
        """What is new goes in now; what is over goes out together, a moment later."""
        self.firewall.refuse("VI_1", (VIP,))
        self.firewall.refuse("VI_1", (VIP,))
        self.assertEqual(len(self.sent), 1)
        for name in ("VI_1", "VI_2", "VI_1"):
            self.firewall.refuse(name, ())
        self.assertEqual(len(self.sent), 1)
        self.clock.advance(LATER)
        self.assertEqual(len(self.sent), 2)
        self.clock.advance(LATER)
        self.assertEqual((len(self.sent), self.log), (2, []))

    def test_comes_back_in_the_meantime(self) -> None:
        """What is wanted again before it has gone stays."""
        self.firewall.refuse("VI_1", (VIP,))
        self.firewall.refuse("VI_1", ())
        self.firewall.refuse("VI_1", (VIP,))
        self.clock.advance(LATER)
        self.assertEqual(len(self.sent), 1)

    def test_removal_refused(self) -> None:
        """If something cannot be taken out, all is made anew."""
        self.firewall.refuse("VI_1", (VIP,))
        self.firewall.refuse("VI_2", (Address(ip_address("192.0.2.2"), 24, "eth0"),))
        self.codes = [errno.ENOENT]
        self.firewall.refuse("VI_1", ())
        self.clock.advance(LATER)
        self.assertEqual(len(self.sent), 4)
        self.assertIn(b"filter\0", self.sent[-1])

    def test_nothing_loaded(self) -> None:
        """Without need nothing is said that would load a module; later all is anew."""
        self.firewall.stop()
        self.sent.clear()
        self.patch(firewall, "may_have_tables", lambda: False)
        self.firewall.start()
        self.firewall.settle(())
        self.assertEqual(self.sent, [])
        self.firewall.refuse("VI_1", (VIP,))
        kinds = [kind & 0xFF for kind, *_ in messages(self.sent[0], len(self.sent[0]))]
        self.assertEqual(kinds[1:6], [0, 2, 0, 2, 0])

    def test_modules(self) -> None:
        """Loaded or built in; where nobody knows, it is looked for."""
        root = Path(self.mktemp())
        (root / "proc").mkdir(parents=True)
        builtin = root / "lib/modules" / os.uname().release / "modules.builtin"
        seen = [firewall.may_have_tables(root)]
        for loaded, built in (
            ("", ""),
            ("veth 1 0\nnf_tables 2 0\n", ""),
            ("veth 1 0\n", None),
            ("veth 1 0\n", "kernel/net/core/x.ko\n"),
            ("nf_tables_set 1 0\n", "kernel/net/netfilter/nf_tables.ko\n"),
        ):
            (root / "proc/modules").write_text(loaded)
            if built is not None:
                builtin.parent.mkdir(parents=True, exist_ok=True)
                builtin.write_text(built)
            elif builtin.exists():
                builtin.unlink()
            seen.append(firewall.may_have_tables(root))
        self.assertEqual(seen, [True, True, True, True, False, True])

    def test_nothing_wanted(self) -> None:
        """Without a wish nothing is said to the kernel."""
        self.firewall.settle(())
        self.firewall.refuse("VI_1", ())
        self.assertEqual(self.sent, [])
