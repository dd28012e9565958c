"""Generic netlink: families by name, questions with their answers (genetlink).

Numbers are from linux/genetlink.h. Like rtnetlink it works inside of sendmsg, so that
L{hanode.dataplanes.netlink.socket.Requests} carries requests in batches over a port
from L{open_generic}, and a question never waits for anybody but the kernel.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from struct import Struct, pack_into
from typing import Any

from hanode.dataplanes.netlink.message import (
    NLM_F_ACK,
    NLM_F_DUMP,
    NLM_F_REQUEST,
    NLMSG_DONE,
    NLMSG_ERROR,
    BadMessage,
    attribute,
    attributes,
    message,
    messages,
)
from hanode.dataplanes.netlink.socket import DUMP_TIMEOUT, LARGEST, open_netlink
from hanode.namespace import inside

NETLINK_GENERIC = 16
GENL_ID_CTRL, CTRL_CMD_GETFAMILY = 16, 3
CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME = 1, 2

GENERIC = Struct("=BBxx")  # command, version
_SHORT = Struct("=H")
_NUMBER = Struct("=i")


def open_generic(namespace: str | None = None) -> socket.socket:
    """A generic netlink socket; C{namespace} is as for L{hanode.namespace.inside}.

    Raises L{OSError}, also when there is no such namespace.
    """
    with inside(namespace):
        return open_netlink(protocol=NETLINK_GENERIC)


def request(family: int, command: int, body: bytes = b"", version: int = 1) -> bytes:
    """A message that asks C{family} (its number) to do C{command}; no answer wanted."""
    return message(family, NLM_F_REQUEST, GENERIC.pack(command, version) + body)


class Questions:
    """A socket for questions that are answered at once: dumps, and single objects.

    @param opened: opens the socket, now, and again after a failure.
    """

    def __init__(self, opened: Callable[[], Any] = open_generic) -> None:
        self._opened = opened
        self._sequence = 0
        self._buffer = bytearray(LARGEST)
        self._port = self._open()

    def _open(self) -> Any:
        port = self._opened()
        port.settimeout(DUMP_TIMEOUT)
        return port

    def close(self) -> None:
        """Give the socket back."""
        self._port.close()

    def family(self, name: str) -> int:
        """The number of the family called C{name}.

        The kernel loads the module when it knows which one has the family (Linux 5.13
        for IPVS). Raises L{OSError} with ENOENT when there is no such family.
        """
        named = attribute(CTRL_ATTR_FAMILY_NAME, name.encode() + b"\0")
        for body in self.ask(request(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, named)):
            found = attributes(body, GENERIC.size, len(body))
            start, _ = found[CTRL_ATTR_FAMILY_ID]
            number: int = _SHORT.unpack_from(body, start)[0]
            return number
        raise OSError(errno.ENOENT, f"no answer about the family {name}")

    def ask(self, question: bytes) -> list[bytes]:
        """The bodies, generic header first, that answer L{request}'s C{question}.

        Raises L{OSError} with the kernel's errno.
        """
        return self._ask(question, NLM_F_ACK)

    def dump(self, question: bytes) -> list[bytes]:
        """All bodies, generic header first. Raises L{OSError}."""
        return self._ask(question, NLM_F_DUMP)

    def _ask(self, question: bytes, flags: int) -> list[bytes]:
        self._sequence = self._sequence + 1 & 0xFFFFFFFF
        data = bytearray(question)
        pack_into("=H", data, 6, NLM_F_REQUEST | flags)
        pack_into("=I", data, 8, self._sequence)
        try:
            self._port.send(data)
            return self._receive()
        except (TimeoutError, BadMessage) as error:
            self._port.close()  # what else comes there is no answer to anything
            self._port = self._open()
            raise OSError(errno.EIO, f"the kernel did not answer: {error}") from error

    def _receive(self) -> list[bytes]:
        found: list[bytes] = []
        while True:
            size = self._port.recv_into(self._buffer)
            for kind, _, sequence, _, start, end in messages(self._buffer, size):
                if sequence != self._sequence:
                    continue
                if kind in (NLMSG_DONE, NLMSG_ERROR):
                    # Both begin with an errno; that of an acknowledgement is 0.
                    code = -_NUMBER.unpack_from(self._buffer, start)[0]
                    if code:
                        raise OSError(code, errno.errorcode.get(code, "unknown"))
                    return found
                found.append(bytes(self._buffer[start:end]))
