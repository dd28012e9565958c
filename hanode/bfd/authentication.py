"""Who may speak in a session: authentication of control packets (RFC 5880, 6.7).

::

    Simple password (4.2)              Keyed and meticulous MD5, SHA1 (4.3, 4.4)
    +--------+--------+--------+       +--------+--------+--------+--------+
    | Type 1 | Length | Key ID |       |Type 2-5| 24, 28 | Key ID |Reserved|
    +--------+--------+--------+       +--------+--------+--------+--------+
    | password, 1 to 16 octets |       |          Sequence Number          |
    +--------------------------+       +-----------------------------------+
                                       |  digest of 16 (MD5) or 20 octets  |
                                       +-----------------------------------+

The digest covers the whole packet with the key, padded with zeros, in its place.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from dataclasses import dataclass
from hmac import compare_digest

from hanode.bfd.packet import LENGTH, BadPacket, Control, encode
from hanode.config.bfd_model import AuthType, BfdAuthentication, BfdKey
from hanode.config.scalars import Secret

MOST_PASSWORD = 16  # section 4.2
LENGTH_FIELD = 3  # offset of the packet's Length

_PASSWORD = struct.Struct("!BBB")
_KEYED = struct.Struct("!BBBxI")
_SEQUENCES = 1 << 32


@dataclass(frozen=True, slots=True)
class _Digest:
    """How a keyed type reckons: C{size} octets of key and of digest."""

    size: int
    reckon: Callable[[bytes], bytes]
    meticulous: bool


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data).digest()


def _sha1(data: bytes) -> bytes:
    return hashlib.sha1(data).digest()


_DIGESTS = {
    AuthType.KEYED_MD5: _Digest(16, _md5, False),
    AuthType.METICULOUS_MD5: _Digest(16, _md5, True),
    AuthType.KEYED_SHA1: _Digest(20, _sha1, False),
    AuthType.METICULOUS_SHA1: _Digest(20, _sha1, True),
}


def authenticate(
    authenticator: Authenticator | None,
    data: bytes,
    control: Control,
    section: bytes,
    now: float,
    detection_time: float,
) -> None:
    """Accept a packet with or without a C{section}, or raise L{BadPacket}.

    Section 6.8.6: authentication is in use on both ends or on none.
    """
    if authenticator is None:
        if section:
            raise BadPacket("authentication not in use", section[0])
    elif not section:
        raise BadPacket("authentication missing")
    else:
        authenticator.verify(data, control, section, now, detection_time)


class Authenticator:
    """Signs and verifies the packets of one session.

    C{sequence}, 0 to 2**32 - 1 and random (section 6.8.1), is that of the first packet
    sent. Secrets are kept as L{Secret} and turned into octets at use only, so that
    nothing here shows one. Raises L{ValueError} for keys that cannot be used.
    """

    def __init__(self, settings: BfdAuthentication, sequence: int) -> None:
        self._sequence = sequence % _SEQUENCES  # bfd.XmitAuthSeq
        self._sent: tuple[BfdAuthentication, Control] | None = None
        self._received: int | None = None  # bfd.RcvAuthSeq, None: not AuthSeqKnown
        self._heard = 0.0
        self.reconfigure(settings)

    def reconfigure(self, settings: BfdAuthentication) -> None:
        """Use other keys or another type from now on; the sequence numbers go on."""
        digest = _DIGESTS.get(settings.type)
        most = digest.size if digest else MOST_PASSWORD
        if not settings.keys:
            raise ValueError("no key")
        for key in settings.keys:
            if not 0 <= key.id <= 255 or not 0 < len(_octets(key.secret)) <= most:
                raise ValueError(f"key {key.id} needs 1 to {most} octets, id 0 to 255")
        self._settings = settings
        self._digest = digest
        self._keys: dict[int, Secret] = {key.id: key.secret for key in settings.keys}

    @property
    def steady(self) -> bool:
        """Whether a packet that says the same as the one before has the same bytes.

        Bytes may be kept and sent again until something else is signed: from then on
        they carry an old sequence number, which the neighbour refuses.
        """
        return self._digest is None or not self._digest.meticulous

    def sign(self, control: Control) -> bytes:
        """The whole packet to be sent now, with the first key."""
        key = self._settings.keys[0]
        if self._digest is None:
            return encode(control, self._password_section(key))
        self._advance(control, self._digest)
        size = self._digest.size
        head = _KEYED.pack(
            self._settings.type, _KEYED.size + size, key.id, self._sequence
        )
        keyed = encode(control, head + _octets(key.secret).ljust(size, b"\0"))
        return keyed[:-size] + self._digest.reckon(keyed)

    def _advance(self, control: Control, digest: _Digest) -> None:
        """Go on to the next sequence number when this packet needs one.

        Section 6.7.3: meticulous with each packet, else when its contents change.
        """
        saying = (self._settings, control)
        if self._sent is not None and (digest.meticulous or saying != self._sent):
            self._sequence = (self._sequence + 1) % _SEQUENCES
        self._sent = saying

    def _password_section(self, key: BfdKey) -> bytes:
        secret = _octets(key.secret)
        size = _PASSWORD.size + len(secret)
        return _PASSWORD.pack(AuthType.SIMPLE, size, key.id) + secret

    def verify(
        self,
        data: bytes,
        control: Control,
        section: bytes,
        now: float,
        detection_time: float,
    ) -> None:
        """Return if C{data}, decoded to C{control} and C{section}, is the neighbour's.

        C{now} and C{detection_time} are in seconds. Raises L{BadPacket}, which never
        holds a secret; then nothing has changed.
        """
        if section[0] != self._settings.type:
            raise BadPacket("authentication type", section[0])
        if len(section) <= _PASSWORD.size:
            raise BadPacket("authentication length", len(section))
        secret = self._keys.get(section[2])
        if secret is None:
            raise BadPacket("authentication key", section[2])
        if self._digest is None:
            self._verify_password(section, _octets(secret))
        else:
            packet = data[: data[LENGTH_FIELD]]
            known = now - self._heard < 2 * detection_time
            sequence = self._verify_keyed(self._digest, control, section, known=known)
            self._verify_digest(self._digest, packet, section, _octets(secret))
            # Section 6.7.3 notes the first sequence number before the digest is
            # looked at; then one forged packet could lock the neighbour out.
            self._received = sequence
        self._heard = now

    def heard(self, now: float) -> None:
        """Note a packet equal to the last good one, which needs no second look.

        Only for a L{steady} type: with a meticulous one that would be a replay.
        """
        self._heard = now

    def _verify_password(self, section: bytes, secret: bytes) -> None:
        if len(section) != _PASSWORD.size + len(secret):
            raise BadPacket("authentication length", len(section))
        if not compare_digest(section[_PASSWORD.size :], secret):
            raise BadPacket("authentication password")

    def _verify_keyed(
        self, digest: _Digest, control: Control, section: bytes, known: bool
    ) -> int:
        """The section's sequence number, if it is one that may come now.

        C{known} False: nothing was received for twice the detection time, so what was
        received before does not count (section 6.8.1, bfd.AuthSeqKnown).
        """
        if len(section) != _KEYED.size + digest.size:
            raise BadPacket("authentication length", len(section))
        sequence: int = _KEYED.unpack_from(section)[3]
        if self._received is not None and known:
            # Detect Mult is the packet's field; bfd.DetectMult would be our own.
            ahead = (sequence - self._received) % _SEQUENCES
            least = 1 if digest.meticulous else 0
            if not least <= ahead <= 3 * control.multiplier:
                raise BadPacket("authentication sequence", sequence)
        return sequence

    def _verify_digest(
        self, digest: _Digest, packet: bytes, section: bytes, secret: bytes
    ) -> None:
        start = LENGTH + _KEYED.size
        end = start + digest.size
        keyed = packet[:start] + secret.ljust(digest.size, b"\0") + packet[end:]
        if not compare_digest(digest.reckon(keyed), section[_KEYED.size :]):
            raise BadPacket("authentication digest")


def _octets(secret: Secret) -> bytes:
    return secret.encode("utf-8", "surrogateescape")
