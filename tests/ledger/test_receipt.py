"""Receipts: what the centre promised, for exactly one record, in exactly one form."""

import json
from contextlib import suppress
from pathlib import Path

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from aigaq.ledger import BadReceiptError, Receipt, SigningKey, make_receipt, open_receipt, parse_vkey
from aigaq_verify import leaf_hash

VECTORS = json.loads((Path(__file__).parent / "vectors/receipts.json").read_text())
KEY = SigningKey(Ed25519PrivateKey.from_private_bytes(b"\5" * 32))
CENTER = parse_vkey(KEY.vkey("center.example"))
LEAF = leaf_hash(b"a record")
NOW = 1_795_000_000_000
stations = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?", fullmatch=True)


@given(stations, st.binary(min_size=32, max_size=32), st.integers(0, 2**47 - 1))
def test_what_was_made_is_opened(station, leaf, now):
    data = make_receipt(KEY, station, leaf, now)
    assert open_receipt(data, CENTER, station=station, leaf_hash=leaf) == Receipt(station, leaf, now)
    assert len(data) <= 145


@given(st.data())
def test_no_bit_can_change(data):
    changed = bytearray(make_receipt(KEY, "s-101", LEAF, NOW))
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(BadReceiptError):
        open_receipt(bytes(changed), CENTER, station="s-101", leaf_hash=LEAF)


@given(st.binary(max_size=300))
def test_any_bytes_give_a_reason(data):
    with suppress(BadReceiptError):
        raise AssertionError(open_receipt(data, CENTER, station="s-101", leaf_hash=LEAF))


def test_a_receipt_is_for_one_record_of_one_station_by_one_centre():
    data = make_receipt(KEY, "s-101", LEAF, NOW)
    other = parse_vkey(SigningKey(Ed25519PrivateKey.from_private_bytes(b"\6" * 32)).vkey("center.example"))
    for center, station, leaf, reason in (
        (CENTER, "s-102", LEAF, "another record"), (CENTER, "s-101", leaf_hash(b"other"), "another record"),
        (other, "s-101", LEAF, "did not sign"),
    ):  # fmt: skip
        with pytest.raises(BadReceiptError, match=reason):
            open_receipt(data, center, station=station, leaf_hash=leaf)


def test_other_forms_are_refused():
    items = cbor2.loads(make_receipt(KEY, "s-101", LEAF, NOW))
    indefinite = b"\x9f" + b"".join(cbor2.dumps(i) for i in items) + b"\xff"
    for data in (
        indefinite, cbor2.dumps([2, *items[1:]]), cbor2.dumps([True, *items[1:]]), cbor2.dumps([*items, 0]),
        cbor2.dumps(items[:-1]),
        cbor2.dumps(items) + b"\0", cbor2.dumps([*items[:3], float(NOW), items[4]]),
        cbor2.dumps([*items[:3], -1, items[4]]),
        cbor2.dumps([*items[:3], True, items[4]]), cbor2.dumps({}), cbor2.dumps([1, "S!", *items[2:]]),
        b"\x85" + b"\x1b" + bytes(7) + b"\1",
    ):  # fmt: skip
        with pytest.raises(BadReceiptError):
            open_receipt(data, CENTER, station="s-101", leaf_hash=LEAF)


@pytest.mark.parametrize("vector", VECTORS["receipts"], ids=lambda v: v["name"])
def test_frozen_vectors(vector):
    data, center, leaf = (
        bytes.fromhex(vector["receipt"]),
        parse_vkey(vector["vkey"]),
        bytes.fromhex(vector["leaf_hash"]),
    )
    if vector["valid"]:
        receipt = open_receipt(data, center, station=vector["station"], leaf_hash=leaf)
        assert receipt.received_ms == vector["received_ms"]
    else:
        with pytest.raises(BadReceiptError):
            open_receipt(data, center, station=vector["station"], leaf_hash=leaf)
