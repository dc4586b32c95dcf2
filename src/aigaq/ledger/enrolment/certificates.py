"""The authority that issues short-lived certificates to boxes, for courts that read X.509 and nothing else.

A certificate repeats what the enrolment leaf says, no more: key, election, station, from when to when. Who believes the
log need not look at it.
"""

from datetime import datetime
from pathlib import Path
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from aigaq.base import N_, from_ms
from aigaq.ledger.enrolment.csr import UNREADABLE, is_plain, station_name
from aigaq.ledger.enrolment.errors import BadCertificateError
from aigaq.ledger.enrolment.identity import load_p256
from aigaq.ledger.key_files import told

MAX_CERTIFICATE: Final = 64 << 10


class IssuingAuthority:
    """The issuing authority's key and certificate."""

    def __init__(self, private: EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        self._private = private
        self.certificate = certificate

    @classmethod
    def load(cls, key: Path, certificate: Path) -> Self:
        """Read both files.

        Raises:
            KeyFileError: the key is missing, no P-256 key, or readable by others.
            BadCertificateError: the certificate is not of an authority, or for another key.
        """
        private, authority = load_p256(key), load_authority(certificate)
        if private.public_key() != authority.public_key():
            raise BadCertificateError(str(certificate), problem=N_("the authority's certificate is for another key"))
        return cls(private, authority)

    def issue(self, point: bytes, election: str, station: str, *, not_before_ms: int, not_after_ms: int) -> bytes:
        """A certificate in DER form.

        Raises:
            BadCertificateError: the authority's own certificate does not last as long.
        """
        start, end = from_ms(not_before_ms), from_ms(not_after_ms)
        if start < self.certificate.not_valid_before_utc or end > self.certificate.not_valid_after_utc:
            raise BadCertificateError(station, problem=N_("the authority's own certificate does not last as long"))
        public = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), point)
        return (
            base_certificate(public, station_name(election, station), start=start, end=end)
            .issuer_name(self.certificate.subject)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(key_usage(signs_certificates=False), critical=True)
            .add_extension(_issuer_key(self.certificate), critical=False)
            .sign(self._private, SHA256())
            .public_bytes(Encoding.DER)
        )


def base_certificate(
    public: EllipticCurvePublicKey, subject: x509.Name, *, start: datetime, end: datetime
) -> x509.CertificateBuilder:
    """What every certificate of ours begins with; its serial number is random (RFC 5280 §4.1.2.2)."""
    builder = x509.CertificateBuilder().subject_name(subject).public_key(public)
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(end)
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)


def key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    """Either signs certificates and revocation lists, or other things; never both."""
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


def load_authority(path: Path) -> x509.Certificate:
    """Read the certificate of an authority with a P-256 key.

    Raises:
        BadCertificateError: missing, unreadable, or not of an authority.
    """
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes()[:MAX_CERTIFICATE])
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        key = certificate.public_key()
    except OSError as error:
        raise BadCertificateError(str(path), problem=told(error)) from error
    except UNREADABLE as error:
        raise BadCertificateError(str(path), problem=N_("it is not the certificate of an authority")) from error
    if not constraints.ca or not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise BadCertificateError(str(path), problem=N_("it is not the certificate of an authority"))
    return certificate


def check_certificate(
    der: bytes,
    point: bytes,
    subject: x509.Name,
    *,
    not_before_ms: int,
    not_after_ms: int,
    authority: x509.Certificate | None,
) -> None:
    """Hold a certificate against the leaf that carries it, and against its issuer where that is known.

    Raises:
        BadCertificateError: unreadable, or it says something else than the leaf, or another signed it.
    """
    try:  # the library reads most parts only when they are asked for
        certificate = x509.load_der_x509_certificate(der)
        key, named = certificate.public_key(), certificate.subject
        window = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        canonical = certificate.public_bytes(Encoding.DER) == der and is_plain(certificate)
    except UNREADABLE as error:
        raise BadCertificateError(problem=N_("it cannot be read")) from error
    if not canonical or not _is_point(key, point) or named != subject:
        raise BadCertificateError(problem=N_("it is for another key or station"))
    if window != (from_ms(not_before_ms), from_ms(not_after_ms)):
        raise BadCertificateError(problem=N_("it is for another time"))
    if authority is not None:
        _check_issuer(certificate, authority)


def _is_point(key: object, point: bytes) -> bool:
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        return False
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint) == point


def _check_issuer(certificate: x509.Certificate, authority: x509.Certificate) -> None:
    try:
        certificate.verify_directly_issued_by(authority)
    except (*UNREADABLE, TypeError) as error:
        raise BadCertificateError(problem=N_("the issuing authority of this election did not sign it")) from error


def _issuer_key(authority: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    found = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(found)


def whole_second(ms: int) -> int:
    """The time without its milliseconds: X.509 has none."""
    return ms - ms % 1000
