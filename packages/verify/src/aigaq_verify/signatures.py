"""Signatures, each judged one way only: strict Ed25519 (RFC 8032), ML-DSA-44 (FIPS 204), ECDSA on P-256 (FIPS 186-5).

Libraries disagree about Ed25519 keys of small order, other encodings of a point, and keys with a component of small
order: some accept a signature that nobody made. Here a public key must be canonical and in the prime-order group, R
canonical and not of small order, S below the group's order. ECDSA has two signatures for one: only the low s counts.
"""

from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from nacl.bindings import crypto_core_ed25519_is_valid_point, crypto_sign_open
from nacl.exceptions import BadSignatureError

_P: Final = 2**255 - 19
_L: Final = 2**252 + 27742317777372353535851937790883648493
_Y8: Final = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL_ORDER_Y: Final = frozenset({0, 1, _P - 1, _Y8, _P - _Y8})
_N256: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@lru_cache(maxsize=16_384)
def is_public_key(public: bytes) -> bool:
    """Whether these 32 bytes are an Ed25519 key that may be trusted: canonical, on the curve, of prime order."""
    return len(public) == 32 and crypto_core_ed25519_is_valid_point(public)


def verify_signature(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the holder of the Ed25519 key signed the message."""
    y, s = int.from_bytes(signature[:32], "little") & (1 << 255) - 1, int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or not is_public_key(public) or y >= _P or y in _SMALL_ORDER_Y or s >= _L:
        return False
    try:
        return crypto_sign_open(signature + message, public) == message
    except BadSignatureError:
        return False


def verify_mldsa44(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the holder of the ML-DSA-44 key signed the message, with an empty context string."""
    try:
        return MLDSA44PublicKey.from_public_bytes(public).verify(signature, message) is None
    except (InvalidSignature, ValueError):
        return False


def verify_p256(point: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the holder of the P-256 key signed the message with SHA-256; the signature is r ‖ s, 32 bytes each."""
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    key = _p256_key(point)
    if key is None or len(signature) != 64 or not 0 < r < _N256 or not 0 < s <= _N256 // 2:
        return False
    try:
        return key.verify(encode_dss_signature(r, s), message, ECDSA(SHA256())) is None
    except InvalidSignature:
        return False


def is_p256_key(point: bytes) -> bool:
    """Whether these are the 65 bytes of an uncompressed point of the curve, whose order is prime (SEC 1 §2.3.4)."""
    return _p256_key(point) is not None


@lru_cache(maxsize=16_384)
def _p256_key(point: bytes) -> EllipticCurvePublicKey | None:
    try:
        return EllipticCurvePublicKey.from_encoded_point(SECP256R1(), point) if len(point) == 65 else None
    except ValueError:
        return None
