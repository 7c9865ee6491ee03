"""Certificates that the operator names: roots that no system has, and keys that notices are signed with."""

from __future__ import annotations

import ssl
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from core.errors import KvitokError


class CertificateFileError(KvitokError):
    """A file of certificates that the configuration names cannot be used."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path


def certificates_in(path: str) -> list[x509.Certificate]:
    """The certificates of a PEM file. Raises CertificateFileError."""
    try:
        return x509.load_pem_x509_certificates(Path(path).read_bytes())
    except OSError as error:
        raise CertificateFileError(path, f"cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise CertificateFileError(path, "holds no certificate in PEM form") from error


def trusting(path: str) -> ssl.SSLContext:
    """What a server is checked by: the system's roots and those in *path*. Raises CertificateFileError.

    It is for the one host that needs them: nobody else is believed because of a root named here.
    """
    certificates_in(path)
    context = ssl.create_default_context()
    context.load_verify_locations(cafile=path)
    return context


def expired(path: str, *, now: datetime) -> list[str]:
    """The names of the certificates in *path* that are not valid *now*. Raises CertificateFileError."""
    return [
        certificate.subject.rfc4514_string()
        for certificate in certificates_in(path)
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc
    ]


def told_of_roots(name: str, path: str, *, now: datetime) -> tuple[bool, str]:
    """Whether the roots in *path*, which *name* is believed by, are valid *now*, in words for an operator.

    Raises CertificateFileError.
    """
    if over := expired(path, now=now):
        return False, f"{name} ca_file: not valid now: {'; '.join(over)}"
    until = min(certificate.not_valid_after_utc for certificate in certificates_in(path))
    return True, f"{name} ca_file: {path}, valid until {until:%Y-%m-%d}"


def signer_in(path: str) -> RSAPublicKey:
    """The public key of the first certificate in *path*. Raises CertificateFileError where it is not RSA."""
    key = certificates_in(path)[0].public_key()
    if not isinstance(key, RSAPublicKey):
        raise CertificateFileError(path, "its key is not an RSA key")
    return key
