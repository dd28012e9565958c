"""Linkbeat: ask network interfaces for their carrier, where nobody tells of it.

keepalived.conf(5), linkbeat_interfaces. Some old drivers do not tell the kernel when a
cable is pulled; they can be asked, once a second. linux/mii.h, linux/ethtool.h and
netdevice(7) have the numbers. No answer takes longer than a register of the hardware.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import socket
import struct
from collections.abc import Callable, Mapping

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from hanode.config.link_model import ETHTOOL, IOCTL, MII

EVERY = 1.0  # seconds
SIOCGIFFLAGS, SIOCETHTOOL = 0x8913, 0x8946
SIOCGMIIPHY, SIOCGMIIREG = 0x8947, 0x8948
ETHTOOL_GLINK = 0x0A
IFF_RUNNING = 0x40
MII_BMSR, BMSR_LINK = 1, 0x0004  # basic mode status register; it is latched low
NAME = 16  # bytes of an interface's name, with the 0 behind it

_MII = struct.Struct("HHHH")  # PHY, register, value in, value out
_UNSUPPORTED = {errno.EOPNOTSUPP, errno.EINVAL, errno.ENOTTY, errno.EPERM}


def carrier(name: str, method: str) -> tuple[bool, str]:
    """Whether the interface has its link, and by which method that was found out.

    C{method} is tried first, the others where the driver does not have it. Raises
    L{OSError} when there is no such interface.
    """
    order = [method, *(each for each in _ASK if each != method)] if method else _ASK
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        for each in order:
            try:
                return _ASK[each](door, name), each
            except OSError as error:
                if error.errno not in _UNSUPPORTED or each == IOCTL:
                    raise
    raise OSError(errno.EOPNOTSUPP, "no way to ask for the carrier", name)


def _mii(door: socket.socket, name: str) -> bool:
    request = bytearray(_ifreq(name, _MII.pack(0, 0, 0, 0)))
    fcntl.ioctl(door, SIOCGMIIPHY, request)
    phy = _MII.unpack_from(request, NAME)[0]
    for _ in range(2):  # the first reading tells of the past
        _MII.pack_into(request, NAME, phy, MII_BMSR, 0, 0)
        fcntl.ioctl(door, SIOCGMIIREG, request)
    return bool(_MII.unpack_from(request, NAME)[3] & BMSR_LINK)


def _ethtool(door: socket.socket, name: str) -> bool:
    value = (ctypes.c_uint32 * 2)(ETHTOOL_GLINK, 0)
    pointer = struct.pack("P", ctypes.addressof(value))
    fcntl.ioctl(door, SIOCETHTOOL, bytearray(_ifreq(name, pointer)))
    return bool(value[1])


def _ioctl(door: socket.socket, name: str) -> bool:
    request = bytearray(_ifreq(name, b""))
    fcntl.ioctl(door, SIOCGIFFLAGS, request)
    flags: int = struct.unpack_from("H", request, NAME)[0]
    return bool(flags & IFF_RUNNING)


def _ifreq(name: str, data: bytes) -> bytes:
    """struct ifreq of netdevice(7): 40 bytes on 64-bit machines."""
    return struct.pack("16s24s", name.encode()[: NAME - 1], data)


_ASK: dict[str, Callable[[socket.socket, str], bool]] = {
    MII: _mii,
    ETHTOOL: _ethtool,
    IOCTL: _ioctl,
}

Look = Callable[[str, str], tuple[bool, str]]


class Linkbeat:
    """The interfaces that are polled. One that cannot be asked has its carrier.

    @param changed: called with the name of an interface whose carrier has changed.
    @param look: see L{carrier}.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        changed: Callable[[str], object],
        look: Look = carrier,
    ) -> None:
        self._clock, self._changed, self._look = clock, changed, look
        self._polled: dict[str, str] = {}
        self._seen: dict[str, bool] = {}
        self._complained: set[str] = set()
        self._call: IDelayedCall | None = None

    def poll(self, polled: Mapping[str, str]) -> None:
        """From now on these are asked, each by its method ("" for any)."""
        self.close()
        self._polled = dict(polled)
        self._seen = {name: up for name, up in self._seen.items() if name in polled}
        if polled:
            self._look_at_all()

    def up(self, name: str) -> bool:
        """Whether the interface has its carrier, as far as it is polled."""
        return self._seen.get(name, True)

    def close(self) -> None:
        """Ask no more."""
        if self._call is not None and self._call.active():
            self._call.cancel()
        self._call = None

    def _look_at_all(self) -> None:
        self._call = self._clock.callLater(EVERY, self._look_at_all)
        for name, method in self._polled.items():
            try:
                up, used = self._look(name, method)
            except OSError as error:
                self._complain(name, error)
                up = True  # whether it is there at all, others tell
            else:
                self._complained.discard(name)
                self._polled[name] = used
                if method and used != method:
                    text = "linkbeat: {name} has no {method}: using {used}"
                    self.log.warn(text, name=name, method=method, used=used)
            if self._seen.get(name, True) is not up:
                self._seen[name] = up
                self._changed(name)

    def _complain(self, name: str, error: OSError) -> None:
        if name not in self._complained:
            self._complained.add(name)
            text = "linkbeat: {name} cannot be asked: {reason}"
            self.log.warn(text, name=name, reason=error.strerror or str(error))
