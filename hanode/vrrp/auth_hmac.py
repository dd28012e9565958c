"""The proof that keepalived 2.4 appends to an advertisement: auth_hmac.

::

    +---------------+---------------+-------------------------------+
    |    Type 1     |    Key ID     |          reserved, 0          |
    +---------------+---------------+-------------------------------+
    |               seconds since 1970, modulo 2**32                |
    +-------------------------------+-------------------------------+
    |       1/65536 of seconds      |            counter            |
    +-------------------------------+-------------------------------+
    |         the first 128 bits of an HMAC with SHA-256 ...        |
    +---------------------------------------------------------------+

It covers a pseudo header (IP version, VRRP version, virtual router id, 0, source
address in 16 octets), the message with a zero checksum, and itself with zeros for the
digest. Seconds, fraction and counter are one number of 64 bits here, the I{stamp}: of
two packets of one sender the later one has the greater stamp.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from hmac import compare_digest, digest

from hanode.badpacket import BadPacket
from hanode.config.auth_model import AntiReplay, AuthHmac, HmacKey, HmacMode
from hanode.config.model import IpAddress

LENGTH, DIGEST_LENGTH = 28, 16
TYPE = 1
SENDERS = 256  # whose stamps are remembered: as many as can have a priority
TICKS = 1 << 32  # of a stamp in a second
_STAMPS = 1 << 64

_HEAD = struct.Struct("!BBHQ")


@dataclass(frozen=True, slots=True)
class Proof:
    """The trailer of a received packet, as it says; nothing is proved by that."""

    key_id: int
    stamp: int
    head: bytes
    digest: bytes


def read(trailer: bytes) -> Proof:
    """Take the trailer apart. Raises L{BadPacket} when it is none."""
    if len(trailer) != LENGTH:
        raise BadPacket("malformed authentication trailer", len(trailer))
    kind, key_id, reserved, stamp = _HEAD.unpack_from(trailer)
    if kind != TYPE or reserved:
        raise BadPacket("malformed authentication trailer", trailer[:4].hex())
    head = trailer[: _HEAD.size]
    return Proof(key_id, stamp, head, trailer[_HEAD.size :])


def sign(message: bytes, source: IpAddress, key: HmacKey, stamp: int) -> bytes:
    """The trailer for C{message} when it is sent from C{source}."""
    head = _HEAD.pack(TYPE, key.id, 0, stamp)
    return head + _reckon(message, source, key, head)


def verify(message: bytes, source: IpAddress, key: HmacKey, proof: Proof) -> None:
    """Believe that C{message} was signed with C{key}, or raise L{BadPacket}."""
    if not compare_digest(proof.digest, _reckon(message, source, key, proof.head)):
        raise BadPacket("authentication digest")


def _reckon(message: bytes, source: IpAddress, key: HmacKey, head: bytes) -> bytes:
    pseudo = bytes((source.version, message[0] >> 4, message[1], 0))
    covered = (
        pseudo,
        source.packed.ljust(16, b"\0"),
        message[:6],
        b"\0\0",  # checksum
        message[8:],
        head,
        bytes(DIGEST_LENGTH),
    )
    return digest(key.octets, b"".join(covered), "sha256")[:DIGEST_LENGTH]


def stamp_of(seconds: float) -> int:
    """The stamp of a moment, in seconds since 1970, with counter 0."""
    return (int(seconds * 65536) << 16) % _STAMPS


def seconds_between(stamp: int, seconds: float) -> float:
    """How far C{stamp} is ahead of a moment; the shorter way round the 136 years."""
    ahead = (stamp - stamp_of(seconds)) % _STAMPS
    return (ahead - _STAMPS if ahead >= _STAMPS // 2 else ahead) / TICKS


class SteadyTime:
    """Wall time that does not follow when somebody sets the clock.

    It is the wall clock of the start and goes on with the monotonic clock, so a clock
    that is set wrong afterwards is not noticed. One that was wrong at the start, and
    is set right, has to be: L{adopt}.
    """

    def __init__(self, wall: float, now: float) -> None:
        self._offset = wall - now

    def at(self, now: float) -> float:
        """Seconds since 1970."""
        return self._offset + now

    def adopt(self, wall: float, now: float) -> None:
        """The wall clock is right after all."""
        self._offset = wall - now


class Stamps:
    """What was believed last of each sender, and what was sent last.

    The packet that another sender's replaces is the one that came longest ago.
    """

    def __init__(self) -> None:
        self._believed: dict[IpAddress, int] = {}
        self._sent: int | None = None

    def following(self, seconds: float, settings: AuthHmac) -> int:
        """The stamp of the packet that is sent now, greater than that before it.

        Time that goes back by more than the window is followed, because what is that
        far ahead would be refused; without a window it is not.
        """
        stamp, sent = stamp_of(seconds), self._sent
        if sent is not None:
            ahead = seconds_between(sent, seconds)
            timeless = settings.anti_replay is AntiReplay.MONOTONIC
            if ahead >= 0 and (timeless or ahead <= settings.window):
                stamp = (sent + 1) % _STAMPS
        self._sent = stamp
        return stamp

    def verify(
        self, source: IpAddress, stamp: int, seconds: float, settings: AuthHmac
    ) -> None:
        """Raise L{BadPacket} unless C{stamp} is later than all that were believed.

        One that lies beyond the window is no measure: it was believed before our
        own idea of the time went back.
        """
        last = self._believed.get(source)
        if last is None or 0 < (stamp - last) % _STAMPS < _STAMPS // 2:
            return
        timed = settings.anti_replay is AntiReplay.TIME
        if timed and seconds_between(last, seconds) > settings.window:
            return
        raise BadPacket("replayed advertisement")

    def believe(self, source: IpAddress, stamp: int) -> None:
        """A packet of C{source} with this stamp has proved to be genuine."""
        self._believed.pop(source, None)
        if len(self._believed) >= SENDERS:
            del self._believed[next(iter(self._believed))]
        self._believed[source] = stamp


class Authenticator:
    """Signs and verifies the packets of one instance.

    C{now} is the monotonic clock, C{wall} the wall clock, both in seconds. Keys are
    kept as L{Secret<hanode.config.scalars.Secret>} and turned into octets at use.
    """

    def __init__(self, settings: AuthHmac, wall: float, now: float) -> None:
        self._stamps = Stamps()
        self._time = SteadyTime(wall, now)
        self.reconfigure(settings)

    def reconfigure(self, settings: AuthHmac) -> None:
        """Use other keys or another mode from now on; what was seen stays seen."""
        self.settings = settings
        self._keys = {key.id: key for key in settings.keys}

    @property
    def sends(self) -> bool:
        """Whether what is sent is signed."""
        return self.settings.mode is not HmacMode.RECEIVE_ONLY

    def sign(self, message: bytes, source: IpAddress, *, now: float) -> bytes:
        """The trailer of a C{message} that is sent now."""
        stamp = self._stamps.following(self._time.at(now), self.settings)
        return sign(message, source, self._keys[self.settings.active], stamp)

    def verify(
        self,
        message: bytes,
        trailer: bytes,
        source: IpAddress,
        *,
        wall: float,
        now: float,
    ) -> None:
        """Believe the C{message}, or raise L{BadPacket}."""
        proof = read(trailer)
        key = self._keys.get(proof.key_id)
        if key is None:
            raise BadPacket("unknown authentication key", proof.key_id)
        seconds = self._time_of(proof, wall, now)
        verify(message, source, key, proof)
        self._stamps.verify(source, proof.stamp, seconds, self.settings)
        self._stamps.believe(source, proof.stamp)
        if seconds == wall:  # it was set, and others agree with it
            self._time.adopt(wall, now)

    def _time_of(self, proof: Proof, wall: float, now: float) -> float:
        """What time it is, our own steady time, or the wall clock when that fits.

        Raises L{BadPacket}, with the seconds that the packet is ahead, when it is of
        now by neither.
        """
        steady = self._time.at(now)
        if self.settings.anti_replay is AntiReplay.MONOTONIC:
            return steady
        ahead = seconds_between(proof.stamp, steady)
        if abs(ahead) <= self.settings.window:
            return steady
        if abs(seconds_between(proof.stamp, wall)) <= self.settings.window:
            return wall
        raise BadPacket("stale advertisement, seconds ahead", round(ahead, 1))
