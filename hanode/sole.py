"""One daemon of a name in one network: two would take the addresses off each other.

The lock is on one byte of a file in C{/run/hanode}, the one whose number is that of
the network namespace: daemons that were started with C{ip netns exec} share C{/run} and
do not meet. The kernel lifts it when the process ends, however that happens
(F_OFD_SETLK in fcntl(2); a lock of this kind survives the fork of C{twistd}).
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct

from twisted.logger import Logger

FOLDER = "/run/hanode"
NETWORK = "/proc/thread-self/ns/net"
FLOCK = "hhqqi0q"  # struct flock with 64 bit offsets
FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC

log = Logger()


class Taken(Exception):
    """Another process has the lock."""


def lock(suffix: str, folder: str = FOLDER) -> None:
    """Keep others whose files end in C{suffix} out of this network until we end.

    Raises L{Taken} when one is here. Where no such file can be made we run without:
    a full disk is no reason to have no addresses.
    """
    path = f"{folder}/hanode{suffix}.lock"
    number = os.stat(NETWORK).st_ino
    wanted = struct.pack(FLOCK, fcntl.F_WRLCK, os.SEEK_SET, number, 1, 0)
    try:
        os.makedirs(folder, 0o755, exist_ok=True)
        # It stays open, and with it the lock.
        descriptor = os.open(path, FLAGS, 0o600)
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, wanted)
    except OSError as problem:
        if problem.errno in (errno.EAGAIN, errno.EACCES) and problem.filename is None:
            os.close(descriptor)
            raise Taken(path) from None
        log.info("no lock: {problem}", problem=problem)
