"""The root authority, whose key exists only in shares, and the issuing authority that it signs."""

from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    derive_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from aigaq.ledger.ceremony.errors import WrongRootError
from aigaq.ledger.enrolment.certificates import base_certificate, key_usage

ROOT_YEARS: Final = 5
"""Complaints, courts and archives: longer than the term that the election is for."""
ISSUING_DAYS: Final = 100
"""From the first station enrolled to the last complaint decided."""
EARLY: Final = timedelta(hours=1)
"""Certificates begin an hour before they are made: clocks differ."""


def root_key(secret: bytes) -> EllipticCurvePrivateKey:
    """The root's private key from its 32 bytes.

    Raises:
        WrongRootError: no private key is these bytes.
    """
    try:
        return derive_private_key(int.from_bytes(secret, "big"), SECP256R1())
    except ValueError:
        raise WrongRootError from None


def secret_of(private: EllipticCurvePrivateKey) -> bytes:
    """The 32 bytes of a private key, to be split."""
    return private.private_numbers().private_value.to_bytes(32, "big")


def root_certificate(private: EllipticCurvePrivateKey, name: str, start: datetime) -> x509.Certificate:
    """The root's own certificate."""
    subject = _name(name)
    end = start + timedelta(days=365 * ROOT_YEARS)
    builder = _authority(private.public_key(), subject, start, end).issuer_name(subject)
    return builder.add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True).sign(private, SHA256())


def issuing_certificate(
    root: EllipticCurvePrivateKey,
    certificate: x509.Certificate,
    public: EllipticCurvePublicKey,
    name: str,
    *,
    start: datetime,
) -> x509.Certificate:
    """The certificate of an issuing authority, signed by the root; never longer than the root's own.

    Raises:
        WrongRootError: the key is not the one of the root's certificate.
    """
    if root.public_key() != certificate.public_key():
        raise WrongRootError
    start = max(start, certificate.not_valid_before_utc + EARLY)
    end = min(start + timedelta(days=ISSUING_DAYS), certificate.not_valid_after_utc)
    identifier = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return (
        _authority(public, _name(name), start, end)
        .issuer_name(certificate.subject)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .sign(root, SHA256())
    )


def _authority(
    public: EllipticCurvePublicKey, subject: x509.Name, start: datetime, end: datetime
) -> x509.CertificateBuilder:
    usage = key_usage(signs_certificates=True)
    return base_certificate(public, subject, start=start - EARLY, end=end).add_extension(usage, critical=True)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
