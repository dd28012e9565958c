"""What it costs to prove who sends: one advertisement out and in, in microseconds.

    python -m benchmarks.authentication

From the decision to send to the bytes for the kernel, and from the bytes of the kernel
to the state machine, with five addresses in the packet; no socket is involved, so root
is not needed. Each figure is the best of some runs.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_address
from random import Random
from typing import Any

from twisted.internet.task import Clock

from benchmarks import machine
from hanode.config.auth_model import AuthHmac, HmacKey
from hanode.config.model import Address, Authentication, Secret, VrrpInstance
from hanode.link import Link
from hanode.rehearsal.lan import Lan, Station
from hanode.vrrp.instance import Instance
from hanode.vrrp.voice import Voice
from hanode.vrrp.wire import Wires
from hanode.world import World

PACKETS, RUNS = 5000, 5
ADDRESSES = tuple(Address(ip_address(f"192.0.2.{n}"), 24, "eth0") for n in range(5))
PLAIN = VrrpInstance("VI_1", 51, "eth0", 4, addresses=ADDRESSES)
SECRET = Secret("orchard7")
HMAC = AuthHmac((HmacKey(1, Secret("ab" * 32)),), 1, 5.0)
WAYS = {
    "none": PLAIN,
    "auth_type PASS": replace(PLAIN, authentication=Authentication("PASS", SECRET)),
    "auth_type AH": replace(PLAIN, authentication=Authentication("AH", SECRET)),
    "auth_hmac": replace(PLAIN, auth_hmac=HMAC),
    "version 3, none": replace(PLAIN, version=3),
    "version 3, auth_hmac": replace(PLAIN, version=3, auth_hmac=HMAC),
}


class Port:
    """Keeps what is sent, and hands it to a receiver when told."""

    def __init__(self, receiver: Any) -> None:
        self.receiver = receiver
        self.packets: list[bytes] = []

    def send(self, data: bytes, destination: object) -> None:
        """See L{hanode.interfaces.IRawPort.send}."""
        self.packets.append(data)


class Paper(Station):
    """A network of such ports."""

    port: Port

    def raw(self, protocol: int, family: int, interface: str, receiver: Any, **_: Any):
        """See L{hanode.interfaces.INetwork.raw}."""
        self.port = Port(receiver)
        return self.port


def end(settings: VrrpInstance, number: int) -> tuple[Voice, Port, list[object]]:
    """One node, its port, and what its state machine would be told."""
    clock = Clock()
    address = ip_address(f"10.0.0.{number}")
    station = Paper(Lan(clock, Random(1)), f"n{number}", (address,))
    world = World(clock, Random(1), station, Any, Any)
    heard: list[object] = []
    voice = Voice(
        Instance(settings), Wires(station), lambda *told: heard.append(told), world
    )
    voice.open(Link("eth0", 2, True, addresses=(address,)))
    return voice, station.port, heard


def measure(settings: VrrpInstance) -> tuple[float, float]:
    """Microseconds for one packet out, and for one packet in."""
    best_out = best_in = float("inf")
    for _ in range(RUNS):
        voice, port, _ = end(settings, 1)
        _, other, heard = end(settings, 2)
        began = time.process_time()
        for _ in range(PACKETS):
            voice.advertise(100)
        best_out = min(best_out, time.process_time() - began)
        best_in = min(best_in, _deliver(port.packets, other))
        assert len(heard) == PACKETS, "some were dropped"
    return best_out / PACKETS * 1e6, best_in / PACKETS * 1e6


def _deliver(packets: Sequence[bytes], port: Port) -> float:
    source, group = ip_address("10.0.0.1"), PLAIN.multicast_group
    began = time.process_time()
    for packet in packets:
        port.receiver(packet, source, group, 255)
    return time.process_time() - began


def main() -> None:
    """Measure and print."""
    print(machine.describe())
    print(f"\n{'':22}{'out, us':>10}{'ratio':>8}{'in, us':>10}{'ratio':>8}")
    base: tuple[float, float] | None = None
    for name, settings in WAYS.items():
        out, into = measure(settings)
        base = (out, into) if base is None or name.endswith("none") else base
        print(
            f"{name:22}{out:10.2f}{out / base[0]:8.2f}{into:10.2f}{into / base[1]:8.2f}"
        )


if __name__ == "__main__":
    main()
