"""What every network must do with UDP: the tests that the real and the rehearsed share.

Two hosts C{a} and C{b} are joined by two wires, which both call eth0 and eth1.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

from hanode.config.model import IpAddress
from hanode.interfaces import Datagram, INetwork

ADDRESSES = {
    "a": ("10.9.0.1/24", "2001:db8::1/64", "fe80::a/64"),
    "b": ("10.9.0.2/24", "2001:db8::2/64", "fe80::b/64"),
}
OTHER_WIRE = {
    "a": ("10.9.1.1/24", "fe80::a/64"),
    "b": ("10.9.1.2/24", "fe80::b/64"),
}
A4, B4 = ip_address("10.9.0.1"), ip_address("10.9.0.2")
A6, B6 = ip_address("2001:db8::1"), ip_address("2001:db8::2")
A_LOCAL, B_LOCAL = ip_address("fe80::a"), ip_address("fe80::b")
A_OTHER, B_OTHER = ip_address("10.9.1.1"), ip_address("10.9.1.2")
PORT = 3784
MARKED = b"12345678" + b"\0\0\0\1"
MARKED_HIGH = b"12345678" + b"\x80\0\0\0" + b"more"
UNMARKED = b"12345678" + b"\0\0\0\0" + b"more"
SHORT = b"12345678" + b"\1\1\1"  # the mark is cut off
FIRST, LAST = 49152, 65535


class UdpContract:
    """Mix it into a test case that gives it a world."""

    a: INetwork
    b: INetwork

    # What the world has to offer.

    def settle(self) -> None:
        """Let what was sent arrive, and let the reactor read."""
        raise NotImplementedError

    def arrive(self) -> None:
        """Let what was sent arrive, without the reactor."""
        raise NotImplementedError

    # The claims.

    def same(self, first: object, second: object) -> None:
        self.assertEqual(first, second)  # type: ignore[attr-defined]

    def listen(self, family: int = 4, device: str = "", **named: Any) -> Any:
        """A listener of C{b}; what it hands over is in C{known} and C{strangers}."""
        self.known: list[bytes] = []
        self.strangers: list[Datagram] = []
        named.setdefault("mark", 8)
        named.setdefault("known", self.known.extend)
        named.setdefault("strangers", self.strangers.append)
        listener = self.b.listen(PORT, family, device, **named)
        self.addCleanup(listener.close)  # type: ignore[attr-defined]
        return listener

    def sender(self, destination: IpAddress, **named: Any) -> Any:
        sender = self.a.sender(destination, PORT, **named)
        self.addCleanup(sender.close)  # type: ignore[attr-defined]
        return sender

    def heard(self, sender: Any, *packets: bytes) -> list[bytes]:
        """Send C{packets}; which of them came as known."""
        self.known.clear()
        for each in packets:
            sender.send(each)
        self.settle()
        return list(self.known)

    def test_known_and_strangers(self) -> None:
        """Marked packets come as bytes, the others with all that is known of them."""
        for family, source, to in ((4, A4, B4), (6, A6, B6), (6, A_LOCAL, B_LOCAL)):
            listener = self.listen(family)
            sender = self.sender(to, device="eth0", source=source)
            for each in (MARKED, UNMARKED, MARKED_HIGH, SHORT, b""):
                sender.send(each)
            self.settle()
            self.same(self.known, [MARKED, MARKED_HIGH])
            rest = (source, sender.port, to, 255, "eth0")
            self.same(
                self.strangers,
                [Datagram(each, *rest) for each in (UNMARKED, SHORT, b"")],
            )
            sender.close()
            listener.close()

    def test_lower_ttl(self) -> None:
        """With a lower TTL that is let through even a marked one is a stranger."""
        for family, to in ((4, B4), (6, B6), (6, B_LOCAL)):
            listener = self.listen(family, ttl=200)
            for ttl in (255, 254, 200, 199):
                sender = self.sender(to, device="eth0", ttl=ttl)
                sender.send(MARKED)
                sender.close()
            self.settle()
            self.same(self.known, [MARKED])
            self.same([each.ttl for each in self.strangers], [254, 200])
            listener.close()

    def test_ttl_255(self) -> None:
        """Nothing with a TTL of 254 arrives unless it was asked for."""
        for family, to in ((4, B4), (6, B6), (6, B_LOCAL)):
            listener = self.listen(family)
            sender = self.sender(to, device="eth0", ttl=254)
            self.same(self.heard(sender, MARKED, UNMARKED), [])
            self.same(self.strangers, [])
            listener.close()

    def test_least_ttl(self) -> None:
        """The least TTL can be changed while the port is open, both ways."""
        for family, to in ((4, B4), (6, B6)):
            listener = self.listen(family)
            sender = self.sender(to, ttl=64)

            def ttls(sender: Any = sender) -> list[int]:
                self.strangers.clear()
                self.heard(sender, MARKED)
                return [each.ttl for each in self.strangers]

            self.same(ttls(), [])
            listener.least_ttl(64)
            self.same(ttls(), [64])
            listener.least_ttl(65)
            self.same(ttls(), [])
            listener.close()

    def test_no_mark(self) -> None:
        """Without a mark everything is a stranger."""
        self.listen(4, mark=-1)
        self.same(self.heard(self.sender(B4), MARKED, UNMARKED), [])
        self.same([each.data for each in self.strangers], [MARKED, UNMARKED])

    def test_device(self) -> None:
        """A listener of one device hears nothing of another one."""
        self.listen(4, "eth0")
        one = self.sender(B4, device="eth0")
        two = self.sender(B_OTHER, device="eth1")
        two.send(MARKED)
        self.same(self.heard(one, MARKED_HIGH), [MARKED_HIGH])

    def test_any_device(self) -> None:
        """A listener of no device hears all, and is told where it came in."""
        self.listen(4)
        for to, device in ((B4, "eth0"), (B_OTHER, "eth1")):
            self.heard(self.sender(to, device=device), UNMARKED)
        self.same([each.device for each in self.strangers], ["eth0", "eth1"])

    def test_two_listeners(self) -> None:
        """The listener of a device gets its packets, that of no device the others."""
        for family, one, two in ((4, B4, B_OTHER), (6, B6, B_LOCAL)):
            for devices in (("", "eth1"), ("eth1", "")):
                heard: dict[str, list[bytes]] = {"": [], "eth1": []}
                listeners = [
                    self.listen(family, device, known=heard[device].extend)
                    for device in devices
                ]
                senders = (
                    self.sender(one, device="eth0"),
                    self.sender(two, device="eth1"),
                )
                senders[0].send(MARKED)
                senders[1].send(MARKED_HIGH)
                self.settle()
                self.same(heard, {"": [MARKED], "eth1": [MARKED_HIGH]})
                for each in listeners:
                    each.close()

    def test_beside_another(self) -> None:
        """Another listener beside it changes nothing: what waits, its TTL, its rest."""
        for family, to, first, second in ((4, B4, "eth0", ""), (6, B6, "", "eth1")):
            listener = self.listen(family, first)
            known, strangers = self.known, self.strangers
            listener.least_ttl(200)
            senders = [
                self.sender(to, device="eth0", ttl=ttl) for ttl in (255, 200, 199)
            ]
            for each in senders:
                each.send(MARKED)
            self.arrive()
            other = self.listen(family, second)
            listener.rest(True)
            for each in senders:
                each.send(MARKED_HIGH)
            self.arrive()
            third = self.listen(family, "lo")
            listener.drain()
            self.same(known, [MARKED, MARKED_HIGH])
            data = [(each.data, each.ttl) for each in strangers]
            self.same(data, [(MARKED, 200), (MARKED_HIGH, 200)])
            for port in (other, third, listener):
                port.close()

    def test_both_families(self) -> None:
        """IPv4 and IPv6 have the port beside each other."""
        self.listen(4)
        four = self.known
        self.listen(6)
        self.heard(self.sender(B6), MARKED)
        six = list(self.known)
        self.heard(self.sender(B4), MARKED_HIGH)
        self.same((four, six), ([MARKED_HIGH], [MARKED]))

    def test_rest(self) -> None:
        """A resting listener keeps what arrives until it is drained."""
        listener = self.listen(4)
        sender = self.sender(B4)
        listener.rest(True)
        self.same(self.heard(sender, MARKED, UNMARKED), [])
        self.same(self.strangers, [])
        self.same(listener.drain(), True)
        self.same(self.known, [MARKED])
        self.same([each.data for each in self.strangers], [UNMARKED])
        listener.rest(True)
        listener.rest(False)
        self.same(self.heard(sender, MARKED_HIGH), [MARKED_HIGH])

    def test_rest_ends(self) -> None:
        """What arrived during a rest is read by the reactor after it."""
        listener = self.listen(4)
        listener.rest(True)
        self.heard(self.sender(B4), MARKED)
        listener.rest(False)
        self.settle()
        self.same(self.known, [MARKED])

    def test_many_in_one_call(self) -> None:
        """What waits comes in one call."""
        calls: list[list[bytes]] = []
        listener = self.listen(4, known=calls.append)
        listener.rest(True)
        sender = self.sender(B4)
        sender.send(MARKED)
        sender.send(MARKED_HIGH)
        self.arrive()
        listener.drain()
        self.same(calls, [[MARKED, MARKED_HIGH]])

    def test_failing_receivers(self) -> None:
        """A receiver that raises is logged, and what comes next is handed over."""
        got: list[object] = []

        def receiver(what: object) -> None:
            got.append(what)
            raise ValueError("on purpose")

        self.listen(4, known=receiver, strangers=receiver)
        sender = self.sender(B4)
        for each in (MARKED, UNMARKED, UNMARKED):
            sender.send(each)
            self.settle()
        self.same(len(got), 3)
        logged = self.flushLoggedErrors(ValueError)  # type: ignore[attr-defined]
        self.same(len(logged), 3)

    def test_closed_by_a_receiver(self) -> None:
        """A receiver may close the listener; nothing is handed over afterwards."""

        def receiver(datagram: Datagram) -> None:
            self.strangers.append(datagram)
            listener.close()

        listener = self.listen(4, strangers=receiver)
        listener.rest(True)
        self.heard(self.sender(B4), UNMARKED, UNMARKED)
        listener.drain()
        self.same(len(self.strangers), 1)
        listener.rest(False)
        self.settle()
        self.same(len(self.strangers), 1)

    def test_closed(self) -> None:
        """A port can be closed twice, and then be opened again."""
        self.strangers = []
        for _ in range(2):
            listener = self.listen(4)
            listener.close()
            listener.close()
            self.same(listener.drain(), True)
        self.listen(4)
        self.same(self.heard(self.sender(B4), MARKED), [MARKED])

    def test_in_use(self) -> None:
        """A port that is open already is refused, by its name."""
        self.listen(4)
        self.listen(4, "eth0")
        for device, text in (("", "(IPv4): "), ("eth0", "(IPv4) on eth0: ")):
            error = self.error(lambda device=device: self.listen(4, device))
            self.same(
                str(error),
                f"[Errno 98] UDP port 3784 {text}Address already in use",
            )

    def test_sender(self) -> None:
        """A sender knows its source, and has a port that no other one has."""
        senders = [
            self.sender(B4),
            self.sender(B4, source=A4),
            self.sender(B6, source=A6, device="eth0"),
            self.sender(B_LOCAL, device="eth0"),
        ]
        self.same([each.source for each in senders], [A4, A4, A6, A_LOCAL])
        ports = {each.port for each in senders}
        self.same(len(ports), 4)
        self.same([each for each in ports if not FIRST <= each <= LAST], [])

    def test_no_such_source(self) -> None:
        """A source that the host does not have is an error that names the neighbour."""
        error = self.error(lambda: self.sender(B4, source=ip_address("10.9.0.77")))
        self.same(
            str(error),
            "[Errno 99] UDP to 10.9.0.2 port 3784: Cannot assign requested address",
        )

    def test_closed_sender(self) -> None:
        """A closed sender sends nothing, and says so."""
        self.listen(4)
        sender = self.sender(B4)
        sender.close()
        sender.close()
        self.error(lambda: sender.send(MARKED))
        self.settle()
        self.same(self.known, [])

    def error(self, function: Callable[[], object]) -> OSError:
        raised: OSError = self.assertRaises(  # type: ignore[attr-defined]
            OSError, function
        )
        return raised
