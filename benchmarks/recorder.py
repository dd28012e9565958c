"""When packets arrive at a host, noted by its kernel."""

from __future__ import annotations

import mmap
import socket
import struct
from itertools import pairwise

from benchmarks.cable import CARD
from hanode.rehearsal.namespaces import Host


class Recorder:
    """Notes when each UDP packet arrives at a host, in a buffer that the kernel fills.

    packet(7), PACKET_RX_RING with TPACKET_V2 (linux/if_packet.h): nobody runs for it
    until L{gaps} is called. It notes the first C{room} packets.
    """

    SOL_PACKET = 263  # linux/socket.h
    FRAME = 128  # bytes of a slot: headers of packet, IP and UDP
    BLOCK = 1 << 16
    PACKET_RX_RING, PACKET_VERSION, TPACKET_V2 = 5, 10, 1
    HEADER = struct.Struct("=IIIHHII")  # status, len, snaplen, mac, net, sec, nsec
    IN_USER_SPACE = 1

    def __init__(self, host: Host, room: int) -> None:
        self._blocks = -(-room * self.FRAME // self.BLOCK)
        self._socket = host.call(self._open)
        self._ring = mmap.mmap(self._socket.fileno(), self._blocks * self.BLOCK)

    def _open(self) -> socket.socket:
        opened = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        opened.setsockopt(self.SOL_PACKET, self.PACKET_VERSION, self.TPACKET_V2)
        frames = self._blocks * self.BLOCK // self.FRAME
        ring = struct.pack("=IIII", self.BLOCK, self._blocks, self.FRAME, frames)
        opened.setsockopt(self.SOL_PACKET, self.PACKET_RX_RING, ring)
        opened.bind((CARD, 0x0800))
        return opened

    def close(self) -> None:
        """Give the buffer back."""
        self._ring.close()
        self._socket.close()

    def gaps(self) -> list[float]:
        """Seconds between two packets from one source port, of all ports."""
        moments: dict[bytes, list[float]] = {}
        for at in range(0, len(self._ring), self.FRAME):
            status, _, _, _, net, sec, nsec = self.HEADER.unpack_from(self._ring, at)
            if not status & self.IN_USER_SPACE:
                break
            start = at + net
            if self._ring[start + 9] != socket.IPPROTO_UDP or self._outgoing(at):
                continue
            port = self._ring[start + 20 : start + 22]
            moments.setdefault(port, []).append(sec + nsec * 1e-9)
        return [b - a for each in moments.values() for a, b in pairwise(each)]

    def _outgoing(self, at: int) -> bool:
        """Whether the frame at that place is one that the host sent: sockaddr_ll."""
        kind = self._ring[at + 32 + 10]  # behind the header, aligned to 16
        return bool(kind == socket.PACKET_OUTGOING)
