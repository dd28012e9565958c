"""rtnetlink messages that make, change and remove virtual links (linux/if_link.h)."""

from __future__ import annotations

from struct import Struct

from hanode.config.vmac_model import VirtualLink
from hanode.dataplanes.netlink.message import (
    IFLA_ADDRESS,
    IFLA_GROUP,
    IFLA_IFALIAS,
    IFLA_IFNAME,
    IFLA_INFO_DATA,
    IFLA_INFO_KIND,
    IFLA_LINK,
    IFLA_LINKINFO,
    IFLA_MASTER,
    IFLA_MTU,
    NLM_F_CREATE,
    NLM_F_EXCL,
    NLM_F_REQUEST,
    RTM_DELLINK,
    RTM_GETLINK,
    RTM_NEWLINK,
    attribute,
    message,
)

IFF_UP = 0x1
IFLA_AF_SPEC, IFLA_INET6_ADDR_GEN_MODE = 26, 8
IN6_ADDR_GEN_MODE_NONE = 1
IFLA_MACVLAN_MODE, MACVLAN_MODE_PRIVATE = 1, 1
IFLA_IPVLAN_MODE, IFLA_IPVLAN_FLAGS, IPVLAN_MODE_L2 = 1, 2, 0
AF_INET6 = 10

_LINK = Struct("=BxHiII")  # family, hardware type, index, flags, changed flags
_UINT, _USHORT = Struct("=I"), Struct("=H")


def create(link: VirtualLink, parent: int, group: int, master: int = 0) -> bytes:
    """RTM_NEWLINK for C{link} on the interface with index C{parent}; it stays down.

    C{master} is the index of the VRF that it belongs to, 0 for none.
    """
    kind = attribute(IFLA_INFO_KIND, link.kind.encode())
    body = _LINK.pack(0, 0, 0, 0, 0)
    body += attribute(IFLA_LINK, _UINT.pack(parent))
    body += attribute(IFLA_IFNAME, link.name.encode() + b"\0")
    if link.mac:
        body += attribute(IFLA_ADDRESS, link.mac)
    body += attribute(IFLA_GROUP, _UINT.pack(group))
    body += attribute(IFLA_LINKINFO, kind + attribute(IFLA_INFO_DATA, _data(link)))
    if master:
        body += attribute(IFLA_MASTER, _UINT.pack(master))
    return message(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL, body)


def _data(link: VirtualLink) -> bytes:
    if link.kind == "macvlan":
        return attribute(IFLA_MACVLAN_MODE, _UINT.pack(MACVLAN_MODE_PRIVATE))
    mode = attribute(IFLA_IPVLAN_MODE, _USHORT.pack(IPVLAN_MODE_L2))
    return mode + attribute(IFLA_IPVLAN_FLAGS, _USHORT.pack(link.flags))


def mark(index: int, alias: str) -> bytes:
    """Write who made it where ip-link(8) shows it."""
    return _set(index, attribute(IFLA_IFALIAS, alias.encode()))


def no_link_local(index: int) -> bytes:
    """The kernel is to make no link-local address of its own."""
    mode = attribute(IFLA_INET6_ADDR_GEN_MODE, bytes((IN6_ADDR_GEN_MODE_NONE,)))
    return _set(index, attribute(IFLA_AF_SPEC, attribute(AF_INET6, mode)))


def set_mtu(index: int, mtu: int) -> bytes:
    """Set the MTU in bytes."""
    return _set(index, attribute(IFLA_MTU, _UINT.pack(mtu)))


def set_master(index: int, master: int) -> bytes:
    """Make it part of a VRF; C{master} 0 takes it out."""
    return _set(index, attribute(IFLA_MASTER, _UINT.pack(master)))


def set_up(index: int) -> bytes:
    """Switch it on."""
    return message(RTM_NEWLINK, NLM_F_REQUEST, _LINK.pack(0, 0, index, IFF_UP, IFF_UP))


def set_group(index: int, group: int) -> bytes:
    """Put it into a link group."""
    return _set(index, attribute(IFLA_GROUP, _UINT.pack(group)))


def remove_group(group: int) -> bytes:
    """RTM_DELLINK for all interfaces of a link group."""
    body = _LINK.pack(0, 0, 0, 0, 0) + attribute(IFLA_GROUP, _UINT.pack(group))
    return message(RTM_DELLINK, NLM_F_REQUEST, body)


def remove(index: int) -> bytes:
    """RTM_DELLINK."""
    return message(RTM_DELLINK, NLM_F_REQUEST, _LINK.pack(0, 0, index, 0, 0))


def ask(name: str) -> bytes:
    """RTM_GETLINK for one interface."""
    body = _LINK.pack(0, 0, 0, 0, 0) + attribute(IFLA_IFNAME, name.encode() + b"\0")
    return message(RTM_GETLINK, NLM_F_REQUEST, body)


def _set(index: int, attributes: bytes) -> bytes:
    body = _LINK.pack(0, 0, index, 0, 0) + attributes
    return message(RTM_NEWLINK, NLM_F_REQUEST, body)
