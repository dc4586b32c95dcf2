"""Identity and session keys: made once, delegated for a day and a half, forgotten after, whatever the clock does."""

import subprocess

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP384R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st
from tests.ledger.enrol_lab import LOG, Lab

from aigaq.ledger import KeyFileError, SigningKey
from aigaq.ledger.enrolment import IdentityKey, NotEnrolledError, SessionKeys, fingerprint
from aigaq.ledger.enrolment.identity import raw_signature
from aigaq.ledger.key_files import write_private_key
from aigaq_verify import decode_leaf, leaf_hash, verify_delegation
from aigaq_verify.signatures import verify_p256

HOUR = 3_600_000
DAY = 24 * HOUR
MIDNIGHT = 1_799_971_200_000


@pytest.fixture(scope="module")
def lab() -> Lab:
    return Lab()


@pytest.fixture(scope="module")
def device(lab):
    return lab.box()


@pytest.fixture(scope="module")
def enrolment(device):
    return device.enrolment()


def test_an_identity_is_the_same_when_loaded_again(tmp_path):
    made = IdentityKey.create(tmp_path / "identity.key")
    loaded = IdentityKey.load(tmp_path / "identity.key")
    assert loaded.point == made.point
    assert len(made.point) == 65
    assert made.point[0] == 4
    assert (tmp_path / "identity.key").stat().st_mode & 0o777 == 0o600
    assert fingerprint(made.point) == fingerprint(loaded.point)
    with pytest.raises(KeyFileError, match="exists already"):
        IdentityKey.create(tmp_path / "identity.key")


def test_files_that_hold_no_p256_key_are_refused(tmp_path):
    SigningKey.create(tmp_path / "ed25519")
    write_private_key(tmp_path / "p384", generate_private_key(SECP384R1()))
    IdentityKey.create(tmp_path / "open")
    (tmp_path / "open").chmod(0o644)
    for name, reason in (("ed25519", "P-256"), ("p384", "P-256"), ("open", "others"), ("none", "no such")):
        with pytest.raises(KeyFileError, match=reason):
            IdentityKey.load(tmp_path / name)


def test_openssl_agrees_on_the_public_key(tmp_path):
    made = IdentityKey.create(tmp_path / "identity.key")
    words = ["openssl", "pkey", "-in", str(tmp_path / "identity.key"), "-pubout", "-outform", "DER"]
    assert subprocess.run(words, capture_output=True, check=True).stdout.endswith(made.point)


@given(message=st.binary(max_size=200))
def test_signatures_have_low_s_and_verify(device, message):
    signature = device.identity.sign(message)
    assert len(signature) == 64
    assert verify_p256(device.identity.point, message, signature)
    assert signature == device.identity.sign(message)
    assert not verify_p256(device.identity.point, message + b"!", signature)


def test_the_higher_s_verifies_nowhere(device):
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    signature = device.identity.sign(b"x")
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    high = encode_dss_signature(r, order - s)
    try:
        device.identity.private.public_key().verify(high, b"x", ECDSA(SHA256()))  # by itself ECDSA takes both
    except InvalidSignature:
        pytest.fail("the test made no signature")
    assert not verify_p256(device.identity.point, b"x", r.to_bytes(32) + (order - s).to_bytes(32))
    assert raw_signature(high) == signature


def test_a_day_has_one_key_and_one_leaf(device, enrolment, tmp_path):
    keys = device.session(enrolment, tmp_path)
    key, leaf = keys.current(MIDNIGHT)
    for later in (1, HOUR, DAY - 1):
        assert keys.current(MIDNIGHT + later) == (key, leaf)
    again = device.session(enrolment, tmp_path).current(MIDNIGHT + HOUR)
    assert (again[0].public, again[1]) == (key.public, leaf)
    assert keys.current(MIDNIGHT + DAY)[0].public != key.public


def test_the_delegation_is_the_identity_s_word(device, enrolment):
    key, leaf = device.session(enrolment).current(MIDNIGHT + 5 * HOUR)
    found = decode_leaf(leaf)
    assert found["session_key"] == key.public
    assert found["enrolment"] == leaf_hash(enrolment)
    assert (found["not_before_ms"], found["not_after_ms"]) == (MIDNIGHT, MIDNIGHT + 36 * HOUR)
    assert verify_delegation(found, decode_leaf(enrolment))


def test_without_an_enrolment_the_box_signs_and_the_leaf_comes_later(device, enrolment, tmp_path):
    key, leaf = device.session(None, tmp_path).current(MIDNIGHT)
    assert leaf is None
    later, leaf = device.session(enrolment, tmp_path).current(MIDNIGHT + HOUR)
    assert later.public == key.public
    assert decode_leaf(leaf)["session_key"] == key.public


def test_a_renewed_enrolment_has_its_own_leaf_for_the_same_key(lab, device, enrolment, tmp_path):
    first = device.session(enrolment, tmp_path).current(MIDNIGHT)
    lab.clock.advance(60)
    second = device.session(device.enrolment(), tmp_path).current(MIDNIGHT)
    assert first[0].public == second[0].public
    assert first[1] != second[1]


def test_expired_private_keys_are_gone_and_public_ones_stay(device, enrolment, tmp_path):
    keys = device.session(enrolment, tmp_path)
    made = [keys.current(MIDNIGHT + day * DAY)[0].public for day in range(4)]
    assert [key.public for key in keys.all()] == made
    assert {key.name for key in keys.all()} == {f"{LOG}/s/s-101"}
    assert sorted(path.stem for path in tmp_path.glob("*.key")) == ["20270117", "20270118"]


def test_a_clock_that_jumps_far_and_returns_costs_a_key_and_no_more(device, enrolment, tmp_path):
    keys = device.session(enrolment, tmp_path)
    first = keys.current(MIDNIGHT)[0].public
    keys.current(MIDNIGHT + 400 * DAY)
    back, leaf = keys.current(MIDNIGHT + HOUR)
    assert back.public != first
    assert decode_leaf(leaf)["session_key"] == back.public
    assert {first, back.public} < {key.public for key in keys.all()}


def test_a_clock_set_back_by_a_day_finds_the_key_of_that_day(device, enrolment, tmp_path):
    keys = device.session(enrolment, tmp_path)
    first = keys.current(MIDNIGHT + DAY - 1)[0].public
    keys.current(MIDNIGHT + DAY)
    assert keys.current(MIDNIGHT + DAY - 1)[0].public == first


def test_a_power_failure_while_a_key_is_made_loses_no_key_that_signed(lab, tmp_path, box):
    mine = lab.box()
    enrolled = mine.enrolment()
    for step in range(20):
        folder, known = tmp_path / str(step), set[bytes]()
        try:
            with box.power_failing_at(step):
                keys = SessionKeys(folder, mine.identity, mine.origin, enrolment=enrolled)
                known.add(keys.current(MIDNIGHT)[0].public)
                break
        except box.PowerFailure:
            pass
        keys = SessionKeys(folder, mine.identity, mine.origin, enrolment=enrolled)
        key, leaf = keys.current(MIDNIGHT)
        assert {key.public, *known} <= {found.public for found in keys.all()}
        assert decode_leaf(leaf)["session_key"] == key.public
    assert 5 < step < 19


def test_a_disk_that_refuses_is_told_at_every_step(device, enrolment, tmp_path, box):
    for step in range(20):
        folder = tmp_path / str(step)
        keys = device.session(enrolment, folder)
        try:
            with box.power_failing_at(step, lambda: OSError(28, "No space left on device")):
                keys.current(MIDNIGHT)
                break
        except KeyFileError:
            pass
        assert keys.current(MIDNIGHT)[1] is not None
    assert 4 < step < 19


@pytest.mark.parametrize("wrong", ["station", "identity", "rubbish", "kind", "election"])
def test_another_s_enrolment_is_refused(lab, device, enrolment, wrong, tmp_path):
    leaf = {
        "station": lambda: lab.box("s-102", device.identity).enrolment(),
        "identity": lambda: lab.box("s-101").enrolment(),
        "rubbish": lambda: b"no leaf",
        "kind": lambda: device.delegation(enrolment),
        "election": lambda: enrolment,
    }[wrong]()
    origin = "log.example/other/s/s-101" if wrong == "election" else device.origin
    with pytest.raises(NotEnrolledError):
        SessionKeys(tmp_path, device.identity, origin, enrolment=leaf)
