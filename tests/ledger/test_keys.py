"""Keys: made once, kept from others, refused when unsound; a signature is good for one purpose only."""

import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from aigaq.ledger import BadKeyError, KeyFileError, SigningKey, parse_vkey, verify_request
from aigaq_verify import Note, VerifierKey

NAME = "log.example/vote-26/s/s-101"


@pytest.fixture(scope="module")
def key(tmp_path_factory) -> SigningKey:
    return SigningKey.create(tmp_path_factory.mktemp("keys") / "station.key")


def test_a_key_is_the_same_when_loaded_again(tmp_path):
    made = SigningKey.create(tmp_path / "key")
    assert SigningKey.load(tmp_path / "key").vkey(NAME) == made.vkey(NAME)
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


def test_openssl_reads_the_file_and_agrees_on_the_public_key(tmp_path):
    made = SigningKey.create(tmp_path / "key")
    words = ["openssl", "pkey", "-in", str(tmp_path / "key"), "-pubout", "-outform", "DER"]
    done = subprocess.run(words, capture_output=True, check=True)
    assert done.stdout.endswith(made.public)


def test_an_existing_file_is_never_touched(tmp_path):
    path = tmp_path / "key"
    SigningKey.create(path)
    before = path.read_bytes()
    with pytest.raises(KeyFileError, match="exists already"):
        SigningKey.create(path)
    assert path.read_bytes() == before
    with pytest.raises(KeyFileError, match="no such"):
        SigningKey.create(tmp_path / "no folder/key")


def test_a_key_that_others_may_read_is_refused(tmp_path):
    path = tmp_path / "key"
    SigningKey.create(path)
    for mode in (0o640, 0o604, 0o602, 0o777):
        path.chmod(mode)
        with pytest.raises(KeyFileError, match="others"):
            SigningKey.load(path)


def test_files_that_hold_no_ed25519_key_are_refused(tmp_path):
    def refused(data: bytes, reason: str) -> None:
        path = tmp_path / "key"
        path.write_bytes(data)
        path.chmod(0o600)
        with pytest.raises(KeyFileError, match=reason):
            SigningKey.load(path)

    pem = (Encoding.PEM, PrivateFormat.PKCS8)
    refused(b"", "PEM")
    refused(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "PEM")
    refused(Ed25519PrivateKey.generate().private_bytes(*pem, BestAvailableEncryption(b"secret")), "PEM")
    refused(generate_private_key(SECP256R1()).private_bytes(*pem, NoEncryption()), "Ed25519")
    with pytest.raises(KeyFileError, match="no such"):
        SigningKey.load(tmp_path / "none")


def test_the_private_key_shows_nowhere(key):
    seed = key._private.private_bytes_raw()
    assert seed.hex() not in f"{key} {key!r} {vars(key)}"


@given(payload=st.binary(max_size=99), other=st.binary(max_size=99))
def test_a_request_is_signed_for_one_verb_and_payload(key, payload, other):
    signature = key.sign("segment", payload)
    assert verify_request(key.public, "segment", payload, signature)
    assert not verify_request(key.public, "gap", payload, signature)
    assert verify_request(key.public, "segment", other, signature) == (other == payload)
    assert not verify_request(key.public, "segment", payload, signature[:-1])
    assert not verify_request(key.public, "segment", payload, b"")


def test_no_verb_can_imitate_another(key):
    for verb in ("", "a/v1\nb", "Segment", "a" * 17):
        with pytest.raises(ValueError, match="not a verb"):
            key.sign(verb, b"")


def test_a_note_is_no_request(key):
    note = Note.parse(key.sign_note("aigaq/segment/v2\n", NAME))
    assert not verify_request(key.public, "segment", b"", note.signatures[0].value)


def test_a_public_key_is_parsed_with_white_space_around(key):
    assert parse_vkey(f"  {key.vkey(NAME)}\n").public == key.public


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "form"), ("name", "form"), ("x+00000000+AAAA", "form"),
        ("x+bb2a7bfa+AQEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "point"),  # the identity, of small order
    ],
)  # fmt: skip
def test_unsound_public_keys_are_refused(text, reason):
    with pytest.raises(BadKeyError, match=reason) as caught:
        parse_vkey(text, "enrolment line 3")
    assert caught.value.explain("kk").where == "enrolment line 3"


def test_a_cosigner_s_key_is_not_a_station_s(key):
    with pytest.raises(BadKeyError, match="another type"):
        parse_vkey(str(VerifierKey(NAME, key.public, 4)))


def test_a_name_with_a_space_is_no_name(key):
    with pytest.raises(BadKeyError, match="name"):
        key.vkey("station one")
