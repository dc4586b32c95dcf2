"""Vectors frozen for every verifier of ours: leaves, signatures, cosignatures. Other languages read the same files."""

import json
from pathlib import Path
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.proof_lab import T0, Identity, Lab, Signer, flipped

from aigaq_verify import (
    MAX_LEAF,
    MAX_MS,
    Kind,
    Leaf,
    Note,
    NoteError,
    NoteSignature,
    RecordError,
    VerifierKey,
    cosign_message,
    decode_leaf,
    encode_leaf,
    leaf_hash,
    signed_part,
    verify_delegation,
    verify_signature,
)
from aigaq_verify.records import MAX_COUNT
from aigaq_verify.signatures import verify_mldsa44, verify_p256

FOLDER = Path(__file__).parent / "vectors"
LEAVES, ED25519, P256, COSIGNATURES = (
    json.loads((FOLDER / f"{name}.json").read_text()) for name in ("leaves", "ed25519", "p256", "cosignatures")
)


def as_said(value: object) -> object:
    """Bytes as hexadecimal digits, wherever they are."""
    if isinstance(value, bytes):
        return value.hex()
    return [as_said(item) for item in value] if isinstance(value, list) else value


def parts(vector: dict[str, str]) -> tuple[bytes, bytes, bytes]:
    public, message, signature = (bytes.fromhex(vector[name]) for name in ("public", "message", "signature"))
    return public, message, signature


@pytest.mark.parametrize("vector", LEAVES["valid"], ids=lambda v: v["name"])
def test_frozen_leaves(vector):
    data = bytes.fromhex(vector["leaf"])
    leaf = decode_leaf(data)
    assert leaf.kind.name.lower() == vector["name"]
    assert {name: as_said(value) for name, value in leaf.values.items()} == vector["items"]
    assert encode_leaf(leaf) == data
    assert leaf_hash(data).hex() == vector["leaf_hash"]
    if "signed_part" in vector:
        assert signed_part(leaf.kind, leaf.values).hex() == vector["signed_part"]


@pytest.mark.parametrize("vector", LEAVES["invalid"], ids=lambda v: v["name"])
def test_frozen_leaves_that_are_none(vector):
    with pytest.raises(RecordError):
        decode_leaf(bytes.fromhex(vector["leaf"]))


def test_every_kind_of_leaf_is_frozen():
    assert {vector["name"] for vector in LEAVES["valid"]} == {kind.name.lower() for kind in Kind} - {"segment", "gap"}


@pytest.mark.parametrize("vector", ED25519["valid"] + ED25519["invalid"], ids=lambda v: v["name"])
def test_ed25519(vector):
    assert verify_signature(*parts(vector)) == (vector in ED25519["valid"]), vector.get("why")


@pytest.mark.parametrize("vector", P256["valid"] + P256["invalid"], ids=lambda v: v["name"])
def test_p256(vector):
    assert verify_p256(*parts(vector)) == (vector in P256["valid"]), vector.get("why")


@pytest.mark.parametrize("vector", COSIGNATURES["cosignatures"], ids=lambda v: v["vkey"][:20])
def test_cosignatures(vector):
    key, text = VerifierKey.parse(vector["vkey"]), vector["text"]
    assert cosign_message(key, text, vector["time"]).hex() == vector["message"]
    line = NoteSignature.parse(vector["line"].removesuffix("\n"))
    assert Note(text, (line,)).cosigners([key]) == {key: vector["time"]}
    later = NoteSignature(line.name, line.key_id, (vector["time"] + 1).to_bytes(8, "big") + line.value[8:])
    for false in (later, NoteSignature(line.name, line.key_id, line.value[:-1])):
        with pytest.raises(NoteError):
            Note(text, (false,)).cosigners([key])
    with pytest.raises(NoteError):
        Note(text.replace("vote-26", "vote-27"), (line,)).cosigners([key])
    assert Note(text, (NoteSignature("w", line.key_id, line.value),)).cosigners([key]) == {}


def test_the_frozen_note_carries_them_all():
    note = Note.parse(COSIGNATURES["note"].encode())
    keys = [VerifierKey.parse(vector["vkey"]) for vector in COSIGNATURES["cosignatures"]]
    log = VerifierKey.parse(COSIGNATURES["log"])
    assert note.signers([log, *keys]) == {log: 0} | dict.fromkeys(keys, T0 // 1000)


def test_the_message_of_the_specification():
    """c2sp.org/tlog-cosignature, "Ed25519 signed message" and "ML-DSA-44 signed message", field by field."""
    text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    ed25519, pq = Signer(1, "w", 4).vkey, Signer(1, "w", 6).vkey
    assert cosign_message(ed25519, text, 1679315147).decode() == "cosignature/v1\ntime 1679315147\n" + text
    root = bytes.fromhex("0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62")
    said = [b"subtree/v1\n\0", b"\1w", (1679315147).to_bytes(8, "big"), b"\x1bexample.com/behind-the-sofa"]
    assert cosign_message(pq, text + "extension\n", 1679315147) == b"".join(
        [*said, bytes(8), (20852163).to_bytes(8, "big"), root]
    )
    for wrong in (Signer(1, "w").vkey, Signer(1, "w" * 256, 6).vkey):
        with pytest.raises(NoteError):
            cosign_message(wrong, text, 1)


def test_a_cosignature_without_time_is_none():
    lab = Lab(witnesses=1)
    for time in (0, 2**62):
        with pytest.raises(NoteError, match="gives no time"):
            Note(lab.text, (lab.witnesses[0].line(lab.text, time),)).cosigners([lab.witnesses[0].vkey])
    with pytest.raises(NoteError, match="gives no time"):
        Note(lab.text, (lab.key.line(lab.text),)).cosigners([lab.key.vkey])


def test_delegations_by_the_enrolled_key_alone():
    enrolment, delegation = (decode_leaf(bytes.fromhex(vector["leaf"])) for vector in LEAVES["valid"][:2])
    assert verify_delegation(delegation, enrolment)
    for name in ("not_before_ms", "not_after_ms"):
        assert not verify_delegation(changed(delegation, **{name: delegation[name] + 1}), enrolment)
    for name in ("enrolment", "signature"):
        assert not verify_delegation(changed(delegation, **{name: flipped(delegation[name])}), enrolment)
    other = changed(enrolment, identity=Identity(8).point)
    assert not verify_delegation(delegation, other)
    assert not verify_delegation(changed(delegation, enrolment=leaf_hash(encode_leaf(other))), other)
    assert not verify_delegation(changed(delegation, station="s-102"), enrolment)


def changed(leaf: Leaf, **values: object) -> Leaf:
    return Leaf(leaf.kind, {**leaf.values, **values})


def test_a_signed_part_needs_its_items_and_no_more():
    values = dict(decode_leaf(bytes.fromhex(LEAVES["valid"][1]["leaf"])).values)
    whole = signed_part(Kind.DELEGATION, values)
    del values["signature"]
    assert signed_part(Kind.DELEGATION, values) == whole
    del values["enrolment"]
    with pytest.raises(RecordError, match="enrolment"):
        signed_part(Kind.DELEGATION, values)


def test_a_leaf_too_long_is_not_made():
    approvals = [[f"r{i}/{'a' * 32}", bytes(64)] for i in range(10, 74)]
    leaf = decode_leaf(bytes.fromhex(LEAVES["valid"][0]["leaf"]))
    with pytest.raises(RecordError, match=str(MAX_LEAF)):
        encode_leaf(changed(leaf, approvals=approvals, certificate=bytes(4096)))


@pytest.mark.parametrize("size", [0, 1, 2419, 2421])
def test_post_quantum_signatures_of_another_size_are_refused(size):
    key = Signer(1, "w", 6)
    assert not verify_mldsa44(key.vkey.public, b"message", bytes(size))
    assert not verify_mldsa44(key.vkey.public[:-1], b"message", bytes(2420))
    assert verify_mldsa44(key.vkey.public, b"message", key.private.sign(b"message"))


# Any leaf

ids = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?", fullmatch=True)
lines = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=40)
times, counts, hashes = st.integers(0, MAX_MS), st.integers(0, MAX_COUNT), st.binary(min_size=32, max_size=32)
station: dict[str, Any] = {"election": ids, "station": ids}
officer: dict[str, Any] = {"election": ids, "at_ms": times, "role": st.just("it/centre")}
shapes: dict[Kind, dict[str, Any]] = {
    Kind.STATION_CHECKPOINT: {**station, "note": st.binary(min_size=1, max_size=4096)},
    Kind.DERIVATION: {
        "election": ids, "kind": lines, "derived": hashes, "inputs": st.lists(hashes, min_size=1, max_size=64),
        "code": lines, "parameters": hashes,
    },
    Kind.OPERATOR_ACTION: {**officer, "action": lines, "subject": lines, "detail_hash": hashes},
    Kind.PURGE: {**officer, "what": lines, "count": counts, "list_hash": hashes, "reason": lines},
    Kind.CHALLENGE: {
        **station, "camera": ids, "from_ms": times, "beacon_size": counts,
        "beacon_hash16": st.binary(min_size=16, max_size=16), "challenge": st.binary(min_size=8, max_size=8),
        "response": st.none() | st.binary(min_size=8, max_size=8), "wrong_bits": st.integers(0, 64),
    },
    Kind.CLOSE: {**station, "at_ms": times, "size": counts, "root": hashes},
}  # fmt: skip
leaves = st.one_of(*(st.builds(Leaf, st.just(kind), st.fixed_dictionaries(shape)) for kind, shape in shapes.items()))


@given(leaves)
def test_decoding_gives_back_the_leaf(leaf):
    assert decode_leaf(encode_leaf(leaf)) == leaf


@given(leaves, st.data())
def test_no_bit_of_a_leaf_can_change_unseen(leaf, data):
    encoded = encode_leaf(leaf)
    place, bit = data.draw(st.integers(0, len(encoded) - 1)), data.draw(st.integers(0, 7))
    other = encoded[:place] + bytes([encoded[place] ^ 1 << bit]) + encoded[place + 1 :]
    try:
        assert decode_leaf(other) != leaf
    except RecordError:
        return
    assert encode_leaf(decode_leaf(other)) == other


@given(leaves, st.data())
def test_an_item_of_another_type_is_refused(leaf, data):
    items = cbor2.loads(encode_leaf(leaf))
    place = data.draw(st.integers(1, len(items) - 1))
    items[place] = data.draw(st.sampled_from([True, 1.5, {}, [[]], [1], "\n", -1, 2**60]))
    with pytest.raises(RecordError):
        decode_leaf(cbor2.dumps(items, canonical=True))
