"""rtnetlink requests whose outcome decides what is asked next.

The kernel does them inside of send(2) and has answered when it returns, so reading
the answers waits for nothing.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from struct import pack_into
from typing import Any

from hanode.dataplanes.netlink.message import (
    ERROR,
    NLM_F_ACK,
    NLMSG_ERROR,
    messages,
)
from hanode.dataplanes.netlink.socket import DUMP_TIMEOUT, LARGEST, open_netlink


class AtOnce:
    """One netlink socket for such requests, opened when it is needed."""

    def __init__(self, opened: Callable[[], Any] = open_netlink) -> None:
        self._opened = opened
        self._port: Any = None
        self._sequence = 0

    def perform(self, request: bytes) -> tuple[int, list[bytes]]:
        """The errno of C{request} (0 when it was done), and what it brought.

        Raises L{OSError} when there is no netlink.
        """
        if self._port is None:
            self._port = self._opened()
            self._port.settimeout(DUMP_TIMEOUT)
        self._sequence = self._sequence % 0x7FFFFFFF + 1
        data = bytearray(request)
        pack_into("=I", data, 8, self._sequence)
        data[6] |= NLM_F_ACK
        self._port.send(data)
        brought: list[bytes] = []
        while True:
            answer = self._port.recv(LARGEST)
            for kind, _, sequence, _, start, end in messages(answer, len(answer)):
                if sequence != self._sequence:
                    continue  # of a request whose answer came too late
                if kind == NLMSG_ERROR:
                    return -ERROR.unpack_from(answer, start)[0], brought
                brought.append(answer[start:end])

    def close(self) -> None:
        """Give the socket back; it is opened again when it is needed again."""
        if self._port is not None:
            self._port.close()
            self._port = None


def meaning(code: int) -> str:
    """What the errno means where somebody makes interfaces."""
    if code in (errno.EOPNOTSUPP, errno.EPROTONOSUPPORT):
        return "the kernel has no such kind of interface"
    return os.strerror(code)
