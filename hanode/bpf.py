"""Classic BPF: small programs with which the kernel sorts packets for a socket.

filter.rst of the kernel's documentation describes the machine. A load beyond the end
of the packet ends a program with the answer 0, which here always is the safe one.
"""

from __future__ import annotations

import ctypes
import socket
import struct
from collections.abc import Sequence

SO_ATTACH_FILTER = 26  # asm-generic/socket.h; Python has no names for these
SO_ATTACH_REUSEPORT_CBPF = 51
NETWORK = 0xFFF00000  # SKF_NET_OFF: offsets from here on count from the IP header
TTL_AT = {4: 8, 6: 7}  # offset of TTL or hop limit in the header of each family
PACKET_TYPE = 0xFFFFF004  # SKF_AD_OFF + SKF_AD_PKTTYPE
PACKET_OUTGOING = 4  # linux/if_packet.h
UDP = 17
LOAD_BYTE, LOAD_HALF, LOAD_WORD = 0x30, 0x28, 0x20  # absolute, into the accumulator
LOAD_HALF_X = 0x48  # the same, relative to the index register
HEADER_TO_X = 0xB1  # index register: length of the IPv4 header at this offset
EQUAL, AT_LEAST, SHARED_BITS = 0x15, 0x35, 0x45  # jumps that compare the accumulator
RETURN = 0x06
ALL = 0xFFFFFFFF  # as an answer: keep the whole packet

Instruction = tuple[int, int, int, int]  # code, jump if true, jump if false, value
Program = Sequence[Instruction]

NOTHING: Program = ((RETURN, 0, 0, 0),)


def least_ttl(family: int, ttl: int) -> Program:
    """For a UDP socket: keep what came with a TTL of C{ttl} or more."""
    return (
        (LOAD_BYTE, 0, 0, NETWORK + TTL_AT[family]),
        (AT_LEAST, 0, 1, ttl),
        (RETURN, 0, 0, ALL),
        (RETURN, 0, 0, 0),
    )


def marked(family: int, mark: int) -> Program:
    """For two UDP sockets on one port: which of them gets a packet.

    Socket 1 when it came with TTL 255 and its payload is not zero in the four bytes
    from C{mark} on, else (also when it is shorter) socket 0.
    """
    return (
        (LOAD_BYTE, 0, 0, NETWORK + TTL_AT[family]),
        (EQUAL, 0, 3, 255),
        (LOAD_WORD, 0, 0, mark),  # here data begins at the payload
        (EQUAL, 1, 0, 0),
        (RETURN, 0, 0, 1),
        (RETURN, 0, 0, 0),
    )


def udp_port(family: int, port: int, ttl: int) -> Program:
    """For a packet socket without Ethernet headers: keep what came in to a UDP port.

    Whole packets with a TTL of C{ttl} or more, and none that this host sends.
    """
    protocol_at, start = (9, ((HEADER_TO_X, 0, 0, 0),)) if family == 4 else (6, ())
    whole = ((LOAD_HALF, 0, 0, 6), (SHARED_BITS, -1, 0, 0x3FFF)) if family == 4 else ()
    port_at = (LOAD_HALF_X, 0, 0, 2) if family == 4 else (LOAD_HALF, 0, 0, 42)
    tests = (
        (LOAD_WORD, 0, 0, PACKET_TYPE),
        (EQUAL, -1, 0, PACKET_OUTGOING),
        (LOAD_BYTE, 0, 0, protocol_at),
        (EQUAL, 0, -1, UDP),
        (LOAD_BYTE, 0, 0, TTL_AT[family]),
        (AT_LEAST, 0, -1, ttl),
        *whole,
        *start,
        port_at,
        (EQUAL, 0, -1, port),
    )
    keep = len(tests)  # where RETURN ALL stands; the other one follows it
    program = [
        (code, *(keep - at if to < 0 else to for to in (yes, no)), value)
        for at, (code, yes, no, value) in enumerate(tests)
    ]
    return (*program, (RETURN, 0, 0, ALL), (RETURN, 0, 0, 0))


def attach(port: socket.socket, option: int, program: Program) -> None:
    """Give C{program} to the kernel; the one before it ends in the same moment."""
    code = b"".join(struct.pack("HBBI", *each) for each in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    fprog = struct.pack("HP", len(program), ctypes.addressof(buffer))
    port.setsockopt(socket.SOL_SOCKET, option, fprog)
