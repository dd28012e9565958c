"""Claims about ICMP echo: the loopback's real answers, and packets that are not."""

from __future__ import annotations

import errno
import os
import socket
from ipaddress import ip_address
from random import Random
from typing import Any

from hypothesis import given
from hypothesis.strategies import binary
from twisted.internet import reactor
from twisted.trial.unittest import SynchronousTestCase, TestCase

from hanode import icmp
from hanode.config.balance_model import Target
from hanode.icmp import Echo, internet_checksum, open_icmp, ping
from hanode.result import Result


def loopback(version: int, **more: Any) -> Target:
    """The loopback address of IP version 4 or 6."""
    return Target(ip_address("127.0.0.1" if version == 4 else "::1"), **more)


def answer(request: bytes, kind: int) -> bytes:
    """The right reply; the checksum is the kernel's business."""
    return bytes([kind]) + request[1:]


def header(length: int = 20) -> bytes:
    """An IP header of C{length} bytes."""
    return bytes([0x40 | length // 4]) + bytes(length - 1)


class PingTests(TestCase):
    """The kernel answers, whatever kind of socket asks."""

    async def test_reply(self) -> None:
        """The loopback answers over IPv4 and IPv6."""
        for version in (4, 6):
            result = await ping(reactor, Random(), loopback(version, timeout=1))
            self.assertEqual((result.ok, result.reason), (True, "reply"))
            self.assertTrue(0 < result.seconds < 1)

    async def test_many(self) -> None:
        """Each of many at once, to one address, hears its own answer."""
        random = Random(1)
        target = loopback(4, timeout=2)
        pings = [ping(reactor, random, target) for _ in range(100)]
        self.assertEqual({(await each).reason for each in pings}, {"reply"})

    async def test_from_where(self) -> None:
        """It goes out from the address and interface that it is told."""
        for version in (4, 6):
            own = loopback(version).address
            target = loopback(
                version, timeout=1, bind_address=own, device="lo", bind_port=7, port=9
            )
            result = await ping(reactor, Random(), target)
            self.assertEqual((result.ok, result.reason), (True, "reply"))

    async def test_no_interface(self) -> None:
        """An interface that is not there is failure at once."""
        for version in (4, 6):
            result = await ping(reactor, Random(), loopback(version, device="nosuch0"))
            self.assertEqual((result.ok, result.reason), (False, "no such interface"))

    async def test_no_permission(self) -> None:
        """Without any permission it says so."""

        def refuse(*words: Any) -> None:
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

        self.patch(icmp.socket, "socket", refuse)
        result = await ping(reactor, Random(), loopback(4))
        self.assertEqual(
            result, Result(False, "not permitted", "Operation not permitted")
        )

    async def test_no_descriptors(self) -> None:
        """Without descriptors it is our fault."""

        def refuse(*words: Any) -> None:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

        self.patch(icmp.socket, "socket", refuse)
        result = await ping(reactor, Random(), loopback(4))
        detail = "Too many open files"
        self.assertEqual(
            result, Result(False, "too many open files", detail, ours=True)
        )

    def test_nothing_is_left(self) -> None:
        """A socket that cannot be prepared is closed."""
        before = sorted(os.listdir("/proc/self/fd"))
        self.assertRaises(OSError, open_icmp, loopback(4, device="nosuch0"))
        self.assertEqual(sorted(os.listdir("/proc/self/fd")), before)

    if os.geteuid() != 0:
        skip = "needs root, or a wide net.ipv4.ping_group_range"


class EchoTests(SynchronousTestCase):
    """What counts as the answer."""

    def test_request(self) -> None:
        """The request has its type, a right checksum, and random numbers and bytes."""
        for version, kind in ((4, 8), (6, 128)):
            request = Echo(Random(1), version, True).request
            self.assertEqual(request[:2], bytes([kind, 0]))
            self.assertEqual((len(request), internet_checksum(request)), (32, 0))
            self.assertNotEqual(Echo(Random(2), version, True).request, request)

    def test_checksum(self) -> None:
        """The example of RFC 1071, section 3: the sum is ddf2."""
        data = bytes.fromhex("0001f203f4f5f6f7")
        self.assertEqual(internet_checksum(data), 0xFFFF ^ 0xDDF2)

    def test_right(self) -> None:
        """The reply with all that was sent, behind a header of any length or none."""
        yes = Result(True, "reply")
        four = Echo(Random(1), 4, True)
        for length in (20, 60):
            packet = header(length) + answer(four.request, 0)
            self.assertEqual(four.heard(packet), yes)
        six = Echo(Random(1), 6, True)
        self.assertEqual(six.heard(answer(six.request, 129)), yes)

    def test_kernel_identifier(self) -> None:
        """On a datagram socket the kernel chooses the identifier; no header."""
        echo = Echo(Random(1), 4, False)
        reply = answer(echo.request, 0)
        changed = reply[:4] + b"\xab\xcd" + reply[6:]
        self.assertEqual(echo.heard(changed), Result(True, "reply"))

    def test_wrong(self) -> None:
        """Wrong type, numbers or bytes, too short, too long: none is ours."""
        echo = Echo(Random(1), 6, True)
        right = answer(echo.request, 129)
        wrong = [echo.request, b"", b"\x81", right[:8], right[:-1], right + b"x"]
        for at in (4, 5, 6, 7, 8, 31):
            wrong.append(right[:at] + bytes([right[at] ^ 1]) + right[at + 1 :])
        self.assertEqual([echo.heard(each) for each in wrong], [None] * len(wrong))
        text = f"{len(wrong)} other packets"
        self.assertEqual(echo.silence(), Result(False, "timeout", text))

    def test_silence(self) -> None:
        """Nothing at all is a timeout."""
        self.assertEqual(Echo(Random(1), 4, True).silence(), Result(False, "timeout"))

    def test_errors(self) -> None:
        """An ICMP error is ours when it quotes our numbers."""
        echo = Echo(Random(1), 4, True)
        self.assertEqual(echo.concerns(echo.request), True)
        self.assertEqual(echo.concerns(echo.request[:8]), True)
        for other in (b"", echo.request[:7], Echo(Random(2), 4, True).request):
            self.assertEqual(echo.concerns(other), False)

    @given(binary(max_size=80))
    def test_garbage(self, data: bytes) -> None:
        """Whatever arrives, nothing is raised, and it is not the answer."""
        for version in (4, 6):
            self.assertIsNone(Echo(Random(1), version, True).heard(data))


class FilterTests(SynchronousTestCase):
    """What a raw socket lets in."""

    def test_only_replies(self) -> None:
        """Requests, of which our own are some, do not even reach us."""
        for version, family in ((4, socket.AF_INET), (6, socket.AF_INET6)):
            protocol = socket.IPPROTO_ICMP if version == 4 else socket.IPPROTO_ICMPV6
            opened = socket.socket(family, socket.SOCK_RAW, protocol)
            self.addCleanup(opened.close)
            opened.settimeout(1)
            icmp._only_replies(opened, version)
            opened.connect((str(loopback(version).address), 0))
            opened.send(Echo(Random(1), version, True).request)
            data = opened.recv(100)
            self.assertEqual(data[20 if version == 4 else 0], icmp.REPLY[version])
            opened.setblocking(False)
            self.assertRaises(BlockingIOError, opened.recv, 100)

    if os.geteuid() != 0:
        skip = "needs root"
