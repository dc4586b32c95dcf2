"""The request of a box to be enrolled: a PKCS #10 CSR (RFC 2986), signed by the identity key over everything in it.

Subject: O = election, CN = station. The facts about the box stand in one extension of our own.
"""

from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from aigaq.base import N_
from aigaq.ledger.enrolment.errors import BadRequestError
from aigaq.ledger.enrolment.facts import Facts
from aigaq.ledger.enrolment.identity import Identity
from aigaq_verify import ID

FACTS_OID: Final = x509.ObjectIdentifier("2.25.283749200351730465983211640738145870161")
"""An arc of its own, by Rec. ITU-T X.667: nobody else has it."""
MAX_CSR: Final = 64 << 10
"""Bytes of a CSR in PEM form."""
UNREADABLE: Final = (
    ValueError,
    InvalidSignature,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.ExtensionNotFound,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What the library raises for X.509 that it cannot read; they have no root of their own."""


@dataclass(frozen=True, slots=True)
class SigningRequest:
    """What a CSR asks for; its signature held."""

    election: str
    station: str
    identity: bytes
    facts: Facts


def is_plain(signed: x509.CertificateSigningRequest | x509.Certificate) -> bool:
    """Whether the BIT STRING of the signature is written in the one way of DER (X.690 §11.2.1).

    The library takes last bits that are zero for unused ones too; then two files would say the same.
    """
    return signed.public_bytes(Encoding.DER).endswith(b"\0" + signed.signature)


def station_name(election: str, station: str) -> x509.Name:
    """The subject of a box's CSR and certificate."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, election),
            x509.NameAttribute(NameOID.COMMON_NAME, station),
        ]
    )


def make_csr(identity: Identity, election: str, station: str, facts: Facts) -> str:
    """A CSR in PEM form.

    Raises:
        BadRequestError: election or station is not an identifier.
    """
    if not ID.fullmatch(election) or not ID.fullmatch(station):
        raise BadRequestError(problem=N_("election or station is not an identifier"))
    extension = x509.UnrecognizedExtension(FACTS_OID, facts.encode())
    builder = x509.CertificateSigningRequestBuilder(station_name(election, station))
    signed = builder.add_extension(extension, critical=False).sign(identity.private, SHA256())
    return signed.public_bytes(Encoding.PEM).decode()


def read_csr(pem: str, where: str = "") -> SigningRequest:
    """Read a CSR and check that the holder of its key made it.

    Raises:
        BadRequestError: not a CSR, not P-256, a false signature, or another subject or extension than ours.
        BadFactsError: the facts in it are not in their form.
    """
    if len(pem) > MAX_CSR:
        raise BadRequestError(where, problem=N_("the CSR is too long"))
    try:
        csr = x509.load_pem_x509_csr(pem.encode())
        key, signed = csr.public_key(), csr.is_signature_valid and is_plain(csr)
        facts = csr.extensions.get_extension_for_oid(FACTS_OID).value
        names = [(a.oid, a.value) for a in csr.subject]
    except UNREADABLE as error:
        raise BadRequestError(where, problem=N_("it is not a CSR that `aigaq station init` made")) from error
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise BadRequestError(where, problem=N_("its key is not a P-256 key"))
    if not signed:
        raise BadRequestError(where, problem=N_("it is not signed by its own key"))
    match names:
        case [(NameOID.ORGANIZATION_NAME, str(election)), (NameOID.COMMON_NAME, str(station))] if (
            ID.fullmatch(election) and ID.fullmatch(station) and isinstance(facts, x509.UnrecognizedExtension)
        ):
            point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
            return SigningRequest(election, station, point, Facts.decode(facts.value))
        case _:
            raise BadRequestError(where, problem=N_("its subject is not an election and a station"))
