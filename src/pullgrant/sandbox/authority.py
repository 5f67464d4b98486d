"""A throwaway certificate authority, made at each start, so that fakes answer under the real names of the clouds."""

from __future__ import annotations

import os
import ssl
import tempfile
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pullgrant.kit.files import replace_private

_LIFE = timedelta(days=397)  # longer leaves are refused by some clients


class Authority:
    """Issues a certificate for any host. Its own key stays in memory; `file` holds its certificate as PEM."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._making = threading.RLock()
        self._leaves: dict[str, tuple[bytes, bytes]] = {}
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._certificate = _own(self._key)
        self.file = folder / "ca.pem"
        replace_private(self.file, _pem(self._certificate))

    def leaf(self, host: str) -> tuple[bytes, bytes]:
        """Return the certificate of a host and its private key, both PEM; made once per host."""
        with self._making:
            if host not in self._leaves:
                key = ec.generate_private_key(ec.SECP256R1())
                certificate = _leaf(host, key.public_key(), self._certificate, self._key)
                self._leaves[host] = (_pem(certificate), _private_pem(key))
            return self._leaves[host]

    def context(self, host: str) -> ssl.SSLContext:
        """Return a server's TLS context for a host, HTTP/1.1 only; made once per host."""
        with self._making:
            if host not in self._contexts:
                self._contexts[host] = self._new_context(host)
            return self._contexts[host]

    def _new_context(self, host: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        # The ssl module takes a key only from a file.
        descriptor, name = tempfile.mkstemp(dir=self._folder, suffix=".pem")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(b"".join(self.leaf(host)))
            context.load_cert_chain(name)
        finally:
            Path(name).unlink()
        return context


def _own(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = _name("pullgrant sandbox")
    builder = _dated(name, name, key.public_key())
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
    return builder.sign(key, hashes.SHA256())


def _leaf(
    host: str, public: ec.EllipticCurvePublicKey, issuer: x509.Certificate, issuer_key: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    builder = _dated(_name(host), issuer.subject, public)
    issuer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    return builder.add_extension(issuer_id, critical=False).sign(issuer_key, hashes.SHA256())


def _dated(subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now - timedelta(hours=1) + _LIFE)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common[:64])])  # 64: the limit of X.520


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
