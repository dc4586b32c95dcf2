"""The identity of a box: a P-256 key that makes its CSR and delegates its session keys. It signs no video.

The private key is in a file that its owner alone may read, or in a TPM, and then the file names it.
"""

import hashlib
from pathlib import Path
from typing import Final, Protocol, Self

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from aigaq.base import N_
from aigaq.ledger.enrolment.tpm import TpmKey
from aigaq.ledger.errors import KeyFileError
from aigaq.ledger.key_files import read_private_key, read_secret, write_private_key

_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class Identity(Protocol):
    """What can sign for a box. The private key need not be in this process."""

    @property
    def point(self) -> bytes:
        """The public key: 65 bytes, an uncompressed point of P-256."""
        ...

    @property
    def private(self) -> EllipticCurvePrivateKey:
        """What X.509 signs a CSR with; for a key in hardware, an object that hands the digest on."""
        ...

    def sign(self, message: bytes) -> bytes:
        """ECDSA with SHA-256: r ‖ s, 64 bytes, low s."""
        ...


class IdentityKey:
    """An identity in a PKCS#8 PEM file or in a TPM; either file has mode 600."""

    def __init__(self, private: EllipticCurvePrivateKey) -> None:
        self.private = private
        self.point = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    @classmethod
    def create(cls, path: Path) -> Self:
        """Make a key in a new file; an existing file is never touched.

        Raises:
            KeyFileError: the file exists, or cannot be written.
        """
        private = generate_private_key(SECP256R1())
        write_private_key(path, private)
        return cls(private)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a key file.

        Raises:
            KeyFileError: missing, not a P-256 key, or readable by others.
        """
        return cls(load_p256(path))

    def sign(self, message: bytes) -> bytes:
        """ECDSA with SHA-256: r ‖ s, 64 bytes, low s; of a key in a file always the same (RFC 6979)."""
        return raw_signature(self.private.sign(message, ECDSA(SHA256(), deterministic_signing=True)))


def load_p256(path: Path) -> EllipticCurvePrivateKey:
    """Read a P-256 private key from its file, which may name one in a TPM.

    Raises:
        KeyFileError: missing, not a P-256 key, or readable by others.
    """
    private = TpmKey.parse(read_secret(path)) or read_private_key(path)
    if not isinstance(private, EllipticCurvePrivateKey) or not isinstance(private.curve, SECP256R1):
        raise KeyFileError(str(path), problem=N_("it is not a P-256 key"))
    return private


def raw_signature(der: bytes) -> bytes:
    """A DER signature (RFC 3279 §2.2.3) as r ‖ s; of the two values of s that verify, the lower."""
    r, s = decode_dss_signature(der)
    return r.to_bytes(32, "big") + min(s, _ORDER - s).to_bytes(32, "big")


def fingerprint(point: bytes) -> str:
    """SHA-256 over the public key, in hexadecimal: what officers compare by telephone."""
    return hashlib.sha256(point).hexdigest()
