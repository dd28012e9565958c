"""nf_tables messages: what the rules of a virtual router are made of.

linux/netfilter/nf_tables.h and nfnetlink.h. Numbers are in network order, except what
is compared with a number of this machine, such as the index of an interface.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from struct import Struct

from hanode.dataplanes.netlink.message import NLM_F_CREATE, NLM_F_REQUEST, message
from hanode.dataplanes.nftables_netlink import NFNL_SUBSYS_NFTABLES, attribute

NEWTABLE, DELTABLE, NEWCHAIN, NEWRULE = 0, 2, 3, 6  # NFT_MSG_*
NEWSET, NEWSETELEM, DELSETELEM = 9, 12, 14
NLM_F_APPEND = 0x800
BATCH_BEGIN, BATCH_END = 0x10, 0x11
IPV4, IPV6 = 2, 10  # NFPROTO_*
HOOK_IN, HOOK_OUT = 1, 3
CONSTANT, MAP = 2, 8  # NFT_SET_*
#: what nft(8) calls the types of keys; a concatenation is one behind the other
IPV4_ADDR, IPV6_ADDR, IFINDEX, ICMPV6_TYPE, IFNAME = 7, 8, 20, 29, 41
NETWORK, TRANSPORT = 1, 2  # headers
OIF, IIF, IIFNAME, OIFNAME, L4PROTO = 5, 4, 6, 7, 16  # NFT_META_*
DROP, ACCEPT = 0, 1
REG_VERDICT, REG_1, REG_2, REG_3 = 0, 1, 2, 3  # of 16 bytes
NAME_SIZE = 16  # bytes of an interface name in a register
ELEMENTS = 500  # in one message
_HOST_ORDER, _NETWORK_ORDER = 1, 2  # enum byteorder of nft(8)

Member = tuple[bytes, bytes]

_FAMILY = Struct("=BBH")
_UINT = Struct(">I")
_HOST_UINT = Struct("=I")


def table(kind: int, family: int, name: str) -> bytes:
    """NEWTABLE or DELTABLE."""
    return _message(kind, family, _string(1, name))


def chain(family: int, name: str, chain: str, hook: int, priority: int) -> bytes:
    """A base chain of type filter that accepts what no rule drops."""
    place = _uint(1, hook) + attribute(2, Struct(">i").pack(priority))
    body = _string(1, name) + _string(3, chain) + attribute(4, place)
    return _message(NEWCHAIN, family, body + _uint(5, ACCEPT) + _string(7, "filter"))


def new_set(
    family: int,
    name: str,
    called: str,
    key: tuple[int, int],
    data: tuple[int, int] | None = None,
    number: int = 1,
    constant: bool = False,
) -> bytes:
    """A set, or with C{data} a map; C{key} and C{data} are type and size in bytes."""
    flags = (CONSTANT if constant else 0) | (0 if data is None else MAP)
    body = _string(1, name) + _string(2, called) + _uint(3, flags)
    body += _uint(4, key[0]) + _uint(5, key[1])
    orders = [(0, _order(key[0]))]
    if data is not None:
        body += _uint(6, data[0]) + _uint(7, data[1])
        orders.append((1, _order(data[0])))
    body += _uint(10, number)
    told = b"".join(bytes((kind, 4)) + _HOST_UINT.pack(order) for kind, order in orders)
    return _message(NEWSET, family, body + attribute(13, told))


def elements(
    kind: int, family: int, name: str, called: str, members: Sequence[Member]
) -> list[bytes]:
    """NEWSETELEM or DELSETELEM for members, each with its data (b"" in a set)."""
    encoded = []
    for key, data in members:
        element = attribute(1, attribute(1, key))
        if data:
            element += attribute(2, attribute(1, data))
        encoded.append(attribute(1, element))
    return [
        _message(
            kind,
            family,
            _string(1, name)
            + _string(2, called)
            + attribute(3, b"".join(encoded[first : first + ELEMENTS])),
        )
        for first in range(0, len(encoded), ELEMENTS)
    ]


def rule(family: int, name: str, chain: str, *expressions: bytes) -> bytes:
    """A rule at the end of C{chain}."""
    body = _string(1, name) + _string(2, chain)
    return _message(
        NEWRULE, family, body + attribute(4, b"".join(expressions)), NLM_F_APPEND
    )


# -- expressions


def load(header: int, offset: int, size: int, register: int = REG_1) -> bytes:
    """C{size} bytes of the packet into a register."""
    where = _uint(2, header) + _uint(3, offset) + _uint(4, size)
    return _expression("payload", _uint(1, register) + where)


def meta(key: int, register: int = REG_1) -> bytes:
    """What the kernel knows of the packet into a register."""
    return _expression("meta", _uint(1, register) + _uint(2, key))


def equals(value: bytes, register: int = REG_1) -> bytes:
    """Go on only if the register has this value."""
    body = _uint(1, register) + _uint(2, 0) + attribute(3, attribute(1, value))
    return _expression("cmp", body)


def among(called: str, register: int = REG_1) -> bytes:
    """Go on only if the register is a member of the set."""
    return _expression("lookup", _string(1, called) + _uint(2, register))


def mapped(called: str, register: int, into: int) -> bytes:
    """Go on only if the map has the register; its data goes C{into} another one."""
    body = _string(1, called) + _uint(2, register) + _uint(3, into)
    return _expression("lookup", body)


def duplicate(address: int, device: int) -> bytes:
    """Send a copy to the address in a register, through the device in another."""
    return _expression("dup", _uint(1, address) + _uint(2, device))


def counter() -> bytes:
    """Count what comes here."""
    return _expression("counter", b"")


def verdict(code: int) -> bytes:
    """L{DROP} or L{ACCEPT}."""
    data = attribute(2, _uint(1, code))
    return _expression("immediate", _uint(1, REG_VERDICT) + attribute(2, data))


def interface_name(name: str) -> bytes:
    """An interface name as it is in a register."""
    return name.encode()[: NAME_SIZE - 1].ljust(NAME_SIZE, b"\0")


def batch(messages: Iterable[bytes]) -> list[bytes]:
    """What begins and ends a transaction around C{messages}."""
    ends = b"\0\0" + NFNL_SUBSYS_NFTABLES.to_bytes(2, "big")
    first = message(BATCH_BEGIN, NLM_F_REQUEST, ends)
    return [first, *messages, message(BATCH_END, NLM_F_REQUEST, ends)]


def _message(kind: int, family: int, body: bytes, flags: int = 0) -> bytes:
    removal = kind in (DELTABLE, DELSETELEM)
    flags |= NLM_F_REQUEST | (0 if removal else NLM_F_CREATE)
    head = _FAMILY.pack(family, 0, 0)
    return message(NFNL_SUBSYS_NFTABLES << 8 | kind, flags, head + body)


def _expression(name: str, data: bytes) -> bytes:
    return attribute(1, _string(1, name) + attribute(2, data))


def _order(kind: int) -> int:
    """In which order nft(8) is to read a value of this type."""
    return _HOST_ORDER if kind in (IFINDEX, IFNAME) else _NETWORK_ORDER


def _string(kind: int, text: str) -> bytes:
    return attribute(kind, text.encode() + b"\0")


def _uint(kind: int, number: int) -> bytes:
    return attribute(kind, _UINT.pack(number))
