"""Reader of the keys of C{auth_hmac}: no word of such a line is ever shown."""

from __future__ import annotations

import os
import stat

from hanode.config.auth_model import HmacKey
from hanode.config.entries import Entry
from hanode.config.findings import Findings
from hanode.config.row import Keyword
from hanode.config.scalars import Secret
from hanode.config.tree import Block

LEAST, MOST = 32, 64  # octets of a key
_IDS = [str(number) for number in range(1, 256)]
_USAGE = "write key ID SECRET, key ID hex:DIGITS or key ID file:PATH, ID from 1 to 255"


def key(
    keyword: Keyword, block: Block, findings: Findings
) -> list[Entry[HmacKey] | None]:
    """C{ID VALUE}; [None] when it cannot be used, and what is wrong was said."""
    given = [word.text for word in block.arguments]
    if len(given) < 2 or given[0] not in _IDS:
        findings.dropped(block, "auth_hmac: unusable key", _USAGE)
        return [None]
    if len(given) > 2:
        findings.warning(
            block,
            "key has surplus words: only the first two count",
            "put a secret with blanks in double quotes",
        )
    octets = _octets(given[0], given[1], block, findings)
    if octets is None:
        return [None]
    if not LEAST <= len(octets) <= MOST:
        findings.dropped(
            block,
            f"auth_hmac: key {given[0]} has {len(octets)} octets",
            f"a key has {LEAST} to {MOST} octets, as openssl rand -hex 32 makes them",
        )
        return [None]
    secret = Secret(octets.hex())
    return [Entry(HmacKey(int(given[0]), secret), block.keyword.place)]


def _octets(id: str, value: str, block: Block, findings: Findings) -> bytes | None:
    if value.startswith("file:"):
        return _content(id, value.removeprefix("file:"), block, findings)
    if not value.startswith("hex:"):
        return value.encode("utf-8", "surrogateescape")
    try:
        return bytes.fromhex(value.removeprefix("hex:"))
    except ValueError:
        findings.dropped(
            block,
            f"auth_hmac: key {id} is not hexadecimal",
            "write hex: and two digits 0-9 or a-f for each octet",
        )
        return None


def _content(id: str, path: str, block: Block, findings: Findings) -> bytes | None:
    """What is in the file of a key; a line feed at its end is not part of the key.

    The file may contain C{hex:} and digits, too. It must be no one's but its owner's.
    """
    try:
        # Not blocking: a FIFO in place of the file must not hold up the start.
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            mode = os.fstat(file).st_mode
            content = os.read(file, 4 * MOST) if stat.S_ISREG(mode) else b""
        finally:
            os.close(file)
    except OSError as problem:
        findings.dropped(
            block,
            f"auth_hmac: cannot read the file of key {id}: {path}: {problem.strerror}",
            "name a file that the user of hanode can read",
        )
        return None
    wrong = _mode_problem(id, path, mode)
    if wrong is not None:
        findings.dropped(block, *wrong)
        return None
    content = content.removesuffix(b"\n").removesuffix(b"\r")
    if content.startswith(b"hex:"):
        return _octets(id, content.decode("ascii", "replace"), block, findings)
    return content


def _mode_problem(id: str, path: str, mode: int) -> tuple[str, str] | None:
    """What is wrong with the file of a key, and what to do about it."""
    if not stat.S_ISREG(mode):
        remedy = "name a file with the key in it"
        return f"auth_hmac: {path} is not a regular file", remedy
    if stat.S_IMODE(mode) & (stat.S_IRWXG | stat.S_IRWXO):
        return (
            f"SECURITY VIOLATION - auth_hmac: the file of key {id} is open to others"
            f" than its owner: {path} has mode {stat.S_IMODE(mode):04o}",
            f"chmod 600 {path}",
        )
    return None
