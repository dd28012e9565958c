"""An authority and certificates, made for one test run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from OpenSSL import SSL, crypto
from twisted.internet.interfaces import IOpenSSLContextFactory
from zope.interface import implementer

NOW = datetime.now(UTC)


@dataclass(frozen=True)
class Pair:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        """The certificate."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def key_pem(self, password: str = "") -> bytes:
        """The key."""
        cipher: serialization.KeySerializationEncryption
        cipher = serialization.NoEncryption()
        if password:
            cipher = serialization.BestAvailableEncryption(password.encode())
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            cipher,
        )

    def write(self, folder: Path, name: str, password: str = "") -> tuple[str, str]:
        """The paths of certificate and key, written into C{folder}."""
        folder.mkdir(parents=True, exist_ok=True)
        certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
        certificate.write_bytes(self.pem)
        key.write_bytes(self.key_pem(password))
        return str(certificate), str(key)


@lru_cache
def authority(name: str = "authority") -> Pair:
    """One that signs itself."""
    return _made(name, None, (), 1)


@lru_cache
def issued(*names: str, days: int = 1) -> Pair:
    """A certificate for host names and addresses, from the authority."""
    return _made(names[0], authority(), names, days)


def _made(name: str, issuer: Pair | None, names: tuple[str, ...], days: int) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signer = issuer.key if issuer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=30))
        .not_valid_after(NOW + timedelta(days=days))
        .add_extension(x509.BasicConstraints(issuer is None, None), critical=True)
    )
    if names:
        alternatives = x509.SubjectAlternativeName([_general(each) for each in names])
        builder = builder.add_extension(alternatives, critical=False)
    return Pair(builder.sign(signer, hashes.SHA256()), key)


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


@implementer(IOpenSSLContextFactory)
class ServerContext:
    """What listenSSL takes; C{asked} are the names that clients asked for."""

    def __init__(self, pair: Pair, client_authority: Pair | None = None) -> None:
        self.asked: list[str] = []
        self._context = SSL.Context(SSL.TLS_SERVER_METHOD)
        self._context.use_certificate(pair.certificate)
        self._context.use_privatekey(pair.key)
        self._context.set_tlsext_servername_callback(self._asked)
        if client_authority is not None:
            store = self._context.get_cert_store()
            assert store is not None
            store.add_cert(crypto.X509.from_cryptography(client_authority.certificate))
            mode = SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT
            self._context.set_verify(mode, lambda *found: bool(found[-1]))

    def getContext(self) -> SSL.Context:
        """The context."""
        return self._context

    def _asked(self, connection: SSL.Connection) -> None:
        name = connection.get_servername()
        self.asked.append("" if name is None else name.decode())
