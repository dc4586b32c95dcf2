"""Strict Ed25519 (RFC 8032): one signature, one answer, in every verifier.

Libraries disagree about keys of small order, other encodings of a point, and keys with a component of small order:
some accept a signature that nobody made. Here a public key must be canonical and in the prime-order group, R must be
canonical and not of small order, and S must be below the group's order.
"""

from functools import lru_cache
from typing import Final

from nacl.bindings import crypto_core_ed25519_is_valid_point, crypto_sign_open
from nacl.exceptions import BadSignatureError

_P: Final = 2**255 - 19
_L: Final = 2**252 + 27742317777372353535851937790883648493
_Y8: Final = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL_ORDER_Y: Final = frozenset({0, 1, _P - 1, _Y8, _P - _Y8})


@lru_cache(maxsize=16_384)
def is_public_key(public: bytes) -> bool:
    """Whether these 32 bytes are a key that may be trusted: canonical, on the curve, of prime order."""
    return len(public) == 32 and crypto_core_ed25519_is_valid_point(public)


def verify_signature(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the holder of the key signed the message."""
    if len(signature) != 64 or not is_public_key(public) or not _is_canonical(signature):
        return False
    try:
        crypto_sign_open(signature + message, public)
    except BadSignatureError:
        return False
    return True


def _is_canonical(signature: bytes) -> bool:
    y = int.from_bytes(signature[:32], "little") & (1 << 255) - 1
    return y < _P and y not in _SMALL_ORDER_Y and int.from_bytes(signature[32:], "little") < _L
