"""Records: one fact, one encoding, one hash; anything else is refused with a reason."""

import json
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aigaq_verify import (
    MAX_DURATION_MS,
    MAX_MS,
    MAX_RECORD,
    MAX_SEGMENT,
    Flag,
    GapCause,
    GapRecord,
    RecordError,
    SegmentRecord,
    decode_record,
    leaf_hash,
)

VECTORS = json.loads((Path(__file__).parent / "vectors/records.json").read_text())

ids = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?", fullmatch=True)
hashes = st.binary(min_size=32, max_size=32)
counts = st.integers(0, 2**53 - 1)
times = st.integers(0, MAX_MS - MAX_DURATION_MS)
common = {
    "election": ids, "station": ids, "camera": ids, "stream": st.sampled_from(["main", "sub"]), "seq": counts,
    "prev": hashes, "beacon_size": counts, "beacon_hash16": st.binary(min_size=16, max_size=16),
}  # fmt: skip
segments = st.builds(
    SegmentRecord, **common, start_ms=times, duration_ms=st.integers(1, MAX_DURATION_MS),
    size=st.integers(1, MAX_SEGMENT), sha256=hashes, init_sha256=hashes, flags=st.integers(0, sum(Flag)).map(Flag),
)  # fmt: skip


@st.composite
def gaps(draw: st.DrawFn) -> GapRecord:
    cause = draw(st.sampled_from(GapCause))
    start = draw(times)
    ends = st.integers(0 if cause is GapCause.CLOCK_STEP else start, MAX_MS)
    known = {name: draw(s) for name, s in common.items()}
    return GapRecord(**known, from_ms=start, to_ms=draw(st.none() | ends), cause=cause, detail_hash=draw(hashes))


records = segments | gaps()


@given(records)
def test_decoding_gives_back_the_record(record):
    data = record.encode()
    assert decode_record(data) == record
    assert len(data) <= 265 < MAX_RECORD


@given(records, st.data())
def test_no_bit_can_change_unseen(record, data):
    encoded = bytearray(record.encode())
    encoded[data.draw(st.integers(0, len(encoded) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        changed = decode_record(bytes(encoded))
    except RecordError:
        return
    assert changed != record
    assert leaf_hash(changed.encode()) != leaf_hash(record.encode())


@given(st.binary(max_size=600))
def test_any_bytes_give_a_record_or_a_reason(data):
    with suppress(RecordError):
        assert decode_record(data).encode() == data


anything = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40) | st.binary(max_size=40)


@given(st.sampled_from([1, 4, 1.0, True, 2]), st.lists(anything | st.lists(anything, max_size=2), max_size=15))
def test_any_array_gives_a_record_or_a_reason(kind, items):
    with pytest.raises(RecordError):
        decode_record(cbor2.dumps([kind, *items]))


@given(records, st.data())
def test_a_value_of_another_type_is_refused(record, data):
    items = cbor2.loads(record.encode())
    place = data.draw(st.integers(1, len(items) - 1))
    value = data.draw(anything.filter(lambda v: type(v) is not type(items[place])))
    if items[0] == 4 and place == 7:  # null or an integer are both right there
        value = "soon"
    items[place] = value
    with pytest.raises(RecordError):
        decode_record(cbor2.dumps(items, canonical=True))


@given(records)
def test_other_encodings_of_the_same_record_are_refused(record):
    data = record.encode()
    items = cbor2.loads(data)
    indefinite = b"\x9f" + b"".join(cbor2.dumps(item) for item in items) + b"\xff"
    long_head = b"\x98" + bytes([len(items)]) + data[1:]
    long_type = data[:1] + b"\x18" + data[1:]
    for other in (indefinite, long_head, long_type, data + b"\0", b"\xd9\xd9\xf7" + data):
        with pytest.raises(RecordError):
            decode_record(other)


@pytest.mark.parametrize("vector", VECTORS["valid"], ids=lambda v: v["name"])
def test_frozen_vectors_decode(vector):
    record = decode_record(bytes.fromhex(vector["record"]))
    said = {f.name: getattr(record, f.name) for f in fields(record)}
    assert {k: v.hex() if isinstance(v, bytes) else v for k, v in said.items()} == vector["fields"]
    assert leaf_hash(bytes.fromhex(vector["record"])).hex() == vector["leaf_hash"]
    assert record.encode().hex() == vector["record"]
    if isinstance(record, SegmentRecord):
        assert record.object_name == vector["object_name"]


@pytest.mark.parametrize("vector", VECTORS["invalid"], ids=lambda v: v["name"])
def test_frozen_vectors_are_refused(vector):
    with pytest.raises(RecordError):
        decode_record(bytes.fromhex(vector["record"]))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("election", "Vote"), ("station", ""), ("camera", "a" * 33), ("camera", "-a"), ("camera", "a\n"),
        ("stream", "third"), ("seq", -1), ("seq", 2**53), ("seq", True), ("start_ms", -1), ("start_ms", MAX_MS),
        ("duration_ms", 0), ("duration_ms", MAX_DURATION_MS + 1), ("size", 0), ("size", MAX_SEGMENT + 1),
        ("sha256", bytes(31)), ("init_sha256", bytes(33)), ("prev", bytearray(32)), ("beacon_size", -1),
        ("beacon_hash16", bytes(32)), ("flags", Flag(32)), ("flags", Flag(0) | 64),
    ],
)  # fmt: skip
def test_a_wrong_value_cannot_become_a_record(field, value):
    right = SegmentRecord("e", "s", "c", "main", 0, 1, 2, 3, bytes(32), bytes(32))
    with pytest.raises(RecordError, match=field):
        replace(right, **{field: value})


def test_only_a_clock_step_may_end_before_it_starts():
    assert GapRecord("e", "s", "c", "sub", 0, 10, 5, GapCause.CLOCK_STEP).to_ms == 5
    with pytest.raises(RecordError, match="to_ms"):
        GapRecord("e", "s", "c", "sub", 0, 10, 9, GapCause.RESTART)


def test_an_object_name_says_where_when_and_what():
    record = SegmentRecord("e", "s-1", "c", "sub", 7, 1_795_000_000_123, 2_000, 3, bytes([0xAB]) * 32, bytes(32))
    assert record.object_name == "e/s-1/c/sub/20261118/11/1795000000123-7-abababababababab.m4s"
