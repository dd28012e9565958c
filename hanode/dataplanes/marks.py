"""Who made it: a name for each running daemon, that ends with it whatever happens.

What we make in the kernel outlives a kill. A mark on it names its maker, and whether
that one still runs is told by a socket in the abstract name space, which belongs to the
network namespace as the mark does and goes with its process (unix(7)).
"""

from __future__ import annotations

import os
import socket

WORD = "hanode"
_KIND = "link"


class Reservation:
    """A name that one daemon has at a time, in this network namespace.

    Raises L{OSError} (EADDRINUSE) while another one has it.
    """

    def __init__(self, name: str, kind: str) -> None:
        self.name = name
        kinds = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC
        self._socket = socket.socket(socket.AF_UNIX, kinds)
        try:
            self._socket.bind(f"\0{WORD} {kind} {name}")
        except OSError:
            self._socket.close()
            raise

    def close(self) -> None:
        """Anybody may have it from now on."""
        self._socket.close()


class Mark(Reservation):
    """The mark of this daemon, C{hanode TOKEN}, while it is open."""

    def __init__(self) -> None:
        super().__init__(os.urandom(6).hex(), _KIND)

    def write(self, note: str = "") -> str:
        """The mark for something of ours, with a C{note} for a later daemon."""
        return " ".join(each for each in (WORD, self.name, note) if each)

    def owns(self, text: str) -> bool:
        """Whether what is marked with C{text} was made by us."""
        return maker(text) == self.name


def maker(text: str) -> str:
    """The token in a mark, "" where C{text} is none."""
    words = text.split()
    return words[1] if len(words) > 1 and words[0] == WORD else ""


def note(text: str) -> str:
    """What the maker noted in a mark."""
    return " ".join(text.split()[2:]) if maker(text) else ""


def is_orphan(text: str) -> bool:
    """Whether C{text} is the mark of a daemon that does not run any more."""
    token = maker(text)
    if not token:
        return False
    try:
        Reservation(token, _KIND).close()
    except OSError:
        return False
    return True
