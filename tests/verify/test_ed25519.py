"""Ed25519 where libraries disagree: every doubtful key and signature is refused. The curve is computed here anew."""

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from aigaq_verify import NoteError, VerifierKey, verify_signature
from aigaq_verify.signatures import is_public_key

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
Point = tuple[int, int]
BASE_Y = 4 * pow(5, -1, P) % P


def x_of(y: int, sign: int) -> int | None:
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if x * x % P != square:
        return None
    return P - x if x & 1 != sign else x


def add(a: Point, b: Point) -> Point:
    t = D * a[0] * b[0] * a[1] * b[1] % P
    x = (a[0] * b[1] + a[1] * b[0]) * pow(1 + t, -1, P) % P
    return x, (a[1] * b[1] + a[0] * b[0]) * pow(1 - t, -1, P) % P


def times(n: int, a: Point) -> Point:
    result = (0, 1)
    for bit in f"{n:b}":
        result = add(result, result)
        if bit == "1":
            result = add(result, a)
    return result


def encode(y: int, sign: int) -> bytes:
    return (y | sign << 255).to_bytes(32, "little")


def encoded(a: Point) -> bytes:
    return encode(a[1], a[0] & 1)


def generator_of_order_8() -> Point:
    for y in range(2, 100):
        x = x_of(y, 0)
        if x is not None:
            small = times(L, (x, y))
            if times(4, small) != (0, 1):
                return small
    raise AssertionError


BASE = (x_of(BASE_Y, 0), BASE_Y)
TORSION = [times(i, generator_of_order_8()) for i in range(8)]
SMALL_KEYS = sorted(
    {encode(y, sign) for _, y in TORSION for sign in (0, 1)} | {encode(y, s) for y in (P, P + 1) for s in (0, 1)}
)


def honest(message: bytes, seed: bytes = b"\7" * 32) -> tuple[bytes, bytes]:
    key = Ed25519PrivateKey.from_private_bytes(seed)
    return key.public_key().public_bytes_raw(), key.sign(message)


def challenge(r: bytes, public: bytes, message: bytes) -> int:
    return int.from_bytes(hashlib.sha512(r + public + message).digest(), "little") % L


def test_there_are_eight_points_of_small_order():
    assert len(set(TORSION)) == 8
    assert len(SMALL_KEYS) == 14


@pytest.mark.parametrize("public", SMALL_KEYS, ids=bytes.hex)
def test_keys_of_small_order_are_refused_in_every_encoding(public):
    assert not is_public_key(public)
    with pytest.raises(NoteError):
        VerifierKey("name", public)


def test_the_signature_that_nobody_made_is_refused():
    """A = R = the identity and S = 0 verify for any message where small order is not refused."""
    identity = encode(1, 0)
    forged = identity + bytes(32)
    Ed25519PublicKey.from_public_bytes(identity).verify(forged, b"any message")
    assert not verify_signature(identity, b"any message", forged)


@pytest.mark.parametrize("torsion", TORSION[1:], ids=str)
def test_keys_with_a_part_of_small_order_are_refused(torsion):
    """Such a key verifies or not depending on the formula; searched is a message where ours would say yes."""
    secret, nonce = 123_456_789, 987_654_321
    public = encoded(add(times(secret, BASE), torsion))
    r = encoded(times(nonce, BASE))
    for n in range(64):
        message = b"message %d" % n
        k = challenge(r, public, message)
        if times(k, torsion) == (0, 1):
            break
    s = (nonce + k * secret) % L
    signature = r + s.to_bytes(32, "little")
    Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    assert not is_public_key(public)
    assert not verify_signature(public, message, signature)


@pytest.mark.parametrize("small", SMALL_KEYS, ids=bytes.hex)
def test_r_of_small_order_is_refused(small):
    public, _ = honest(b"")
    secret = int.from_bytes(hashlib.sha512(b"\7" * 32).digest()[:32], "little") & ((1 << 254) - 8) | 1 << 254
    s = challenge(small, public, b"message") * secret % L
    assert not verify_signature(public, b"message", small + s.to_bytes(32, "little"))


def test_a_larger_s_is_refused():
    public, signature = honest(b"message")
    s = int.from_bytes(signature[32:], "little") + L
    assert verify_signature(public, b"message", signature)
    assert not verify_signature(public, b"message", signature[:32] + s.to_bytes(32, "little"))


def test_points_that_are_not_on_the_curve_are_refused():
    off = next(y for y in range(2, 100) if x_of(y, 0) is None)
    assert not is_public_key(encode(off, 0))
    for size in (0, 31, 33):
        assert not is_public_key(bytes(size))


@given(st.binary(max_size=64), st.binary(min_size=32, max_size=32))
def test_what_openssl_signs_is_accepted(message, seed):
    public, signature = honest(message, seed)
    assert verify_signature(public, message, signature)


@given(st.data())
def test_no_bit_of_key_message_or_signature_can_change(data):
    public, signature = honest(b"the message")
    parts = [public, b"the message", signature]
    which = data.draw(st.integers(0, 2))
    changed = bytearray(parts[which])
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    parts[which] = bytes(changed)
    assert not verify_signature(*parts)


@pytest.mark.parametrize("size", [0, 63, 65])
def test_signatures_of_another_size_are_refused(size):
    assert not verify_signature(honest(b"")[0], b"", bytes(size))
