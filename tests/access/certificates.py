"""Certificates for a test: an authority, and what it signs for servers and clients."""

import datetime as dt
import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from services.settings.tls import TlsFiles

PASSWORD = "of-the-stores"
LIFE = dt.timedelta(days=1)


@dataclass(frozen=True)
class Signed:
    """A certificate with its key, and the folder that has both in PEM."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    folder: Path
    name: str

    @property
    def certificate_file(self) -> str:
        return str(self.folder / f"{self.name}.crt")

    @property
    def key_file(self) -> str:
        return str(self.folder / f"{self.name}.key")

    @property
    def both_file(self) -> str:
        """Key and certificate in one, as Kafka takes them."""
        return str(self.folder / f"{self.name}.pem")

    def keystore(self) -> Path:
        """Both in PKCS #12, as Java takes them."""
        path = self.folder / f"{self.name}.p12"
        path.write_bytes(
            pkcs12.serialize_key_and_certificates(
                self.name.encode(), self.key, self.certificate, None, _encryption()
            )
        )
        return path

    def write(self) -> Self:
        pem = serialization.Encoding.PEM
        key = self.key.private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        certificate = self.certificate.public_bytes(pem)
        Path(self.certificate_file).write_bytes(certificate)
        Path(self.key_file).write_bytes(key)
        Path(self.both_file).write_bytes(key + certificate)
        return self


class Authority:
    """Signs what it is asked to; its own certificate is in `folder`, too."""

    def __init__(self, folder: Path, name: str) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _subject(name)
        builder = _builder(subject, subject, key).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        self._own = Signed(builder.sign(key, hashes.SHA256()), key, folder, name).write()

    @property
    def file(self) -> str:
        return self._own.certificate_file

    def truststore(self) -> Path:
        """For Java: what this authority has signed is trusted."""
        path = self._own.folder / f"{self._own.name}-trust.p12"
        trusted = pkcs12.PKCS12Certificate(self._own.certificate, b"authority")
        path.write_bytes(pkcs12.serialize_java_truststore([trusted], _encryption()))
        return path

    def sign(self, name: str, *hosts: str) -> Signed:
        """For these host names and addresses; none for a client."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_subject(name), self._own.certificate.subject, key)
        if hosts:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([_host(each) for each in hosts]), critical=False
            )
        certificate = builder.sign(self._own.key, hashes.SHA256())
        return Signed(certificate, key, self._own.folder, name).write()

    def files(self, shown: Signed | None = None) -> TlsFiles:
        """For a client that trusts this authority, and shows a certificate where one is given."""
        if shown is None:
            return TlsFiles(self.file)
        return TlsFiles(self.file, shown.certificate_file, shown.key_file)


def _builder(subject: x509.Name, issuer: x509.Name, key: Any) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - LIFE)
        .not_valid_after(now + LIFE)
    )


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _host(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _encryption() -> serialization.KeySerializationEncryption:
    return serialization.BestAvailableEncryption(PASSWORD.encode())
