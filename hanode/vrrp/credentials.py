"""What proves to others who an instance is, and to it who the others are.

Three ways, at most one at a time: the password of version 2 (RFC 2338, 5.3.6.1), the IP
authentication header (L{hanode.vrrp.ah}) and the trailer of L{hanode.vrrp.auth_hmac}.
"""

from __future__ import annotations

from hmac import compare_digest

from hanode.badpacket import BadPacket
from hanode.config.auth_model import HmacMode
from hanode.config.model import IpAddress, VrrpInstance
from hanode.vrrp import ah, auth_hmac
from hanode.vrrp.arrival import Arrival
from hanode.vrrp.packet import AUTH_AH, AUTH_LENGTH, AUTH_NONE, AUTH_PASS

MISSING = "authentication missing"


def password(settings: VrrpInstance) -> bytes:
    """The eight bytes of the secret of C{settings} in version 2, none without one."""
    if settings.authentication is None or settings.version != 2:
        return b""
    secret = settings.authentication.secret.encode("utf-8", "surrogateescape")
    return secret[:AUTH_LENGTH].ljust(AUTH_LENGTH, b"\0")


class Credentials:
    """Those of one instance, with what it remembers of the others.

    C{wall} and C{now} are the wall clock and the monotonic one, in seconds.
    """

    def __init__(self, settings: VrrpInstance, wall: float, now: float) -> None:
        self._sequence = ah.Sequence()
        self._hmac: auth_hmac.Authenticator | None = None
        self.reconfigure(settings, wall, now)

    def reconfigure(self, settings: VrrpInstance, wall: float, now: float) -> None:
        """Use other secrets from now on; what was seen stays seen."""
        self._settings, self._secret = settings, password(settings)
        if settings.auth_hmac is None:
            self._hmac = None
        elif self._hmac is None:
            self._hmac = auth_hmac.Authenticator(settings.auth_hmac, wall, now)
        else:
            self._hmac.reconfigure(settings.auth_hmac)

    def describe(self) -> str:
        """Our way in words, without a secret."""
        if self._hmac is not None:
            settings = self._hmac.settings
            return f"auth_hmac, {settings.mode.value}, key {settings.active}"
        return {AUTH_NONE: "none", AUTH_PASS: "PASS", AUTH_AH: "AH"}[self.auth_type]

    # -- what is sent

    @property
    def auth_type(self) -> int:
        """What version 2 calls our way (RFC 2338, section 5.3.6)."""
        if not self._secret:
            return AUTH_NONE
        return AUTH_AH if self._settings.authenticated_header else AUTH_PASS

    @property
    def auth_data(self) -> bytes:
        """What an advertisement itself carries."""
        return self._secret if self.auth_type == AUTH_PASS else b""

    def sign(self, message: bytes, source: IpAddress, *, now: float) -> bytes:
        """What is put behind a C{message} that leaves now."""
        if self._hmac is None or not self._hmac.sends:
            return b""
        return self._hmac.sign(message, source, now=now)

    def seal(
        self, message: bytes, source: IpAddress, destination: IpAddress, ttl: int
    ) -> bytes:
        """The C{message} as the socket takes it, in AH a whole packet."""
        if not self._settings.authenticated_header:
            return message
        sequence = self._sequence.following()
        return ah.seal(message, source, destination, ttl, sequence, self._secret)

    # -- what arrives

    def verify(self, arrival: Arrival, *, wall: float, now: float) -> BadPacket | None:
        """Believe the advertisement, or raise L{BadPacket}.

        What is returned would have been raised in another mode of auth_hmac.
        """
        if arrival.advert.version == 2:
            self._verify_version_2(arrival)
        if self._hmac is None:
            return None
        mode = self._hmac.settings.mode
        if len(arrival.trailer) != auth_hmac.LENGTH:
            if mode is HmacMode.ENFORCE:
                raise BadPacket(MISSING)
            return BadPacket(MISSING) if mode is HmacMode.PERMISSIVE else None
        try:
            self._hmac.verify(
                arrival.message, arrival.trailer, arrival.source, wall=wall, now=now
            )
        except BadPacket as problem:
            if mode is not HmacMode.RECEIVE_ONLY:
                raise
            return problem
        return None

    def _verify_version_2(self, arrival: Arrival) -> None:
        advert, wanted = arrival.advert, self.auth_type
        if advert.auth_type not in (AUTH_NONE, AUTH_PASS, AUTH_AH):
            raise BadPacket("unknown authentication type", advert.auth_type)
        if advert.auth_type != wanted:
            raise BadPacket("authentication type", advert.auth_type)
        if wanted == AUTH_PASS and not compare_digest(advert.auth_data, self._secret):
            raise BadPacket("authentication data")  # never show what was received
        if wanted == AUTH_AH:
            envelope = arrival.envelope
            if envelope is None:
                raise BadPacket("authentication header missing")
            ah.verify(envelope, self._secret)
            self._sequence.verify(envelope.sequence)
            self._sequence.believe(envelope.sequence)
