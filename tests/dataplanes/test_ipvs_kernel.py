"""The kernel's IPVS over netlink, on ports that answer from a list."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from hanode.dataplanes import ipvs_kernel as module
from hanode.dataplanes import ipvs_message as ipvs
from hanode.dataplanes.ipvs_held import as_kernel
from hanode.dataplanes.ipvs_kernel import IpvsKernel, absence, is_loadable, modprobe
from hanode.dataplanes.netlink.generic import Questions
from hanode.dataplanes.netlink.message import attribute, messages
from hanode.lvs import Destination, SyncDaemon
from tests.dataplanes.balancer_contract import MARKED
from tests.dataplanes.netlink.test_generic import ended, reply
from tests.dataplanes.netlink.test_socket import Port, Readers, answer

HEAD = bytes(4)
FAMILY = HEAD + attribute(1, b"\x25\0")
FOUND = [reply(1, FAMILY) + ended(1, kind=2), ended(2, kind=2)]  # the family, GET_INFO


def questions(*answers: Any) -> tuple[Port, Callable[[], Questions]]:
    port = Port(*answers)
    return port, lambda: Questions(lambda: port)


class KernelTests(SynchronousTestCase):
    def kernel(self, *answers: Any) -> IpvsKernel:
        """Open, and with these answers to what comes next (sequence 3)."""
        self.asking, asked = questions(*FOUND, *answers)
        self.doing = Port()
        self.answered: list[Any] = []
        self.reactor = Readers()
        kernel = IpvsKernel(
            self.reactor,
            lambda tags, errors: self.answered.append((tags, errors)),
            lambda: None,
            asked,
            lambda: self.doing,
        )
        kernel.open()
        return kernel

    def test_open_and_close(self) -> None:
        """It is open between the two, and may be closed twice."""
        kernel = self.kernel()
        self.assertEqual((kernel.is_open, len(self.reactor)), (True, 1))
        kernel.close()
        kernel.close()
        self.assertEqual((kernel.is_open, len(self.reactor)), (False, 0))
        self.assertEqual((self.asking.closed, self.doing.closed), (True, True))
        kernel.send([kernel.request(ipvs.FLUSH)], ["lost"])
        kernel.forget()
        self.assertEqual(self.doing.sent, [])

    def test_not_there(self) -> None:
        """Without the family it cannot be opened, and nothing stays open."""
        port, asked = questions(ended(1, errno.ENOENT, 2))
        kernel = IpvsKernel(Readers(), mock.Mock(), mock.Mock(), asked)
        error = self.assertRaises(OSError, kernel.open)
        self.assertEqual(
            (error.errno, port.closed, kernel.is_open), (errno.ENOENT, True, False)
        )

    def test_what_there_is(self) -> None:
        """Services, one of them, destinations and daemons."""
        service = as_kernel(MARKED)
        bare = HEAD + ipvs.service_body(service)
        below = HEAD + ipvs.destination_body(b"", service.destinations[0])
        daemon = SyncDaemon("backup", "eth0", 5, ip_address("224.0.0.81"), 8848, 1, 9)
        kernel = self.kernel(
            reply(3, bare) + ended(3),
            reply(4, below) + ended(4),
            reply(5, bare) + ended(5, kind=2),
            ended(6, errno.ESRCH, 2),
            reply(7, HEAD + ipvs.daemon_body(daemon)) + ended(7),
            ended(8, errno.EPERM, 2),
        )
        self.assertEqual(kernel.services(), [bare])
        self.assertEqual(kernel.destinations(service.identity), [below])
        found = kernel.service(service.identity)
        assert found is not None
        self.assertEqual((found.identity, found.destinations), (service.identity, ()))
        self.assertEqual(kernel.service(service.identity), None)
        self.assertEqual(kernel.daemons(), [daemon])
        self.assertRaises(OSError, kernel.service, service.identity)
        read = ipvs.read_destination(below, 4)
        self.assertEqual(
            read, Destination(*service.destinations[0].key, 5, read.method)
        )

    def test_done_and_answered(self) -> None:
        """Requests go to the family, and are answered when the send returns."""
        kernel = self.kernel()
        self.doing.answers = [answer(1, errno.ENOENT), answer(2)]
        kernel.send([kernel.request(ipvs.FLUSH), kernel.request(ipvs.FLUSH)], "ab")
        self.assertEqual(self.answered, [("ab", {0: errno.ENOENT})])
        (sent,) = self.doing.sent
        kinds = [
            (kind, sent[start]) for kind, *_, start, _ in messages(sent, len(sent))
        ]
        self.assertEqual(kinds, [(0x25, ipvs.FLUSH)] * 2)
        kernel.forget()


class AbsenceTests(SynchronousTestCase):
    def absence(self, *answers: Any) -> str:
        port, asked = questions(*answers)
        found = absence(asked)
        self.assertEqual(port.closed, True)
        return found

    def test_there(self) -> None:
        """Nothing is missing where the family is and we may ask."""
        self.assertEqual(self.absence(*FOUND), "")

    def test_not_there(self) -> None:
        """Without the family it depends on whether the module can be loaded."""
        self.patch(module, "is_loadable", lambda: False)
        gone = ended(1, errno.ENOENT, 2)
        self.assertEqual(self.absence(gone), "this kernel has no IPVS (module ip_vs)")
        self.patch(module, "is_loadable", lambda: True)
        self.assertEqual(self.absence(gone), "")

    def test_not_permitted(self) -> None:
        """Ordinary users may not."""
        self.assertIn("CAP_NET_ADMIN", self.absence(FOUND[0], ended(2, errno.EPERM, 2)))

    def test_broken(self) -> None:
        """Anything else is told."""
        self.assertEqual(
            self.absence(ended(1, errno.ENOMEM, 2)),
            "IPVS does not answer: ENOMEM",
        )

    def test_no_netlink(self) -> None:
        """There may be no generic netlink at all."""

        def none() -> Questions:
            raise OSError(errno.EPROTONOSUPPORT, "Protocol not supported")

        self.assertEqual(absence(none), "no generic netlink: Protocol not supported")


class LoadableTests(SynchronousTestCase):
    def test_loadable(self) -> None:
        """The module must be there, and we must have the capability."""
        folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        listed = folder / os.uname().release / "modules.dep"
        self.assertEqual(is_loadable(folder), False)
        listed.parent.mkdir()
        listed.write_text("kernel/net/netfilter/ipvs/ip_vs_rr.ko.xz: ...\n")
        self.assertEqual(is_loadable(folder), False)
        listed.write_text("kernel/net/netfilter/ipvs/ip_vs.ko.xz: ...\n")
        status = Path("/proc/self/status").read_text()
        mask = int(status.split("CapEff:")[1].split()[0], 16)
        self.assertEqual(is_loadable(folder), bool(mask >> 16 & 1))

    def test_modprobe(self) -> None:
        """The kernel knows the program, or it is where it always was."""
        self.assertTrue(modprobe().startswith("/"))
        self.patch(module, "Path", mock.Mock(side_effect=FileNotFoundError))
        self.assertEqual(modprobe(), "/sbin/modprobe")
