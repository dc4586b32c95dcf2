"""What the archive takes from boxes, and what it refuses, over real HTTP."""

import asyncio
import base64
import hashlib
import os
from dataclasses import replace

import pytest
from archive_box import START, Box, Center, Sealed, Uplink, changed

from aigaq.archive import store
from aigaq.archive.model import StreamKey
from aigaq.archive.rows import find
from aigaq.ledger import open_receipt
from aigaq_verify import GapCause, VerifierKey, leaf_hash

DESK = StreamKey("example-001", "desk", "sub")


def refused(answer, status, code):
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.json()["why"]
    assert answer.json()["hint"]


def stored(center):
    return center.archive.database.read_now(lambda c: c.execute(store.rows.select()).all())


def objects(center):
    return sorted(name for name, _ in center.archive.blobs.list() if not name.startswith("init/"))


@pytest.fixture
async def ready(uplink):
    assert (await uplink.init()).status_code == 204
    return uplink


async def test_a_segment_is_kept_and_acknowledged_with_a_signed_receipt(ready, center):
    sealed = ready.box.segment(START)
    answer = await ready.send(sealed)
    assert answer.status_code == 200, answer.text
    key = VerifierKey("center", center.key.public)
    receipt = open_receipt(answer.content, key, station="example-001", leaf_hash=leaf_hash(sealed.encoded))
    assert receipt.received_ms == START
    assert (center.archive.blobs.folder / sealed.record.object_name).read_bytes() == sealed.data


async def test_the_same_request_again_gets_the_same_receipt(ready, center):
    sealed, gap = ready.box.segment(START), ready.box.gap(START + 2000, START + 5000)
    for one in (sealed, gap):
        first = await ready.send(one)
        center.clock.advance(60)
        assert (await ready.send(one)).content == first.content
    assert len(stored(center)) == 2


async def test_rows_arrive_in_any_order(ready, center):
    made = [*ready.box.segments(START, 3), ready.box.gap(START + 6000, None), ready.box.gap(START + 6000, START + 8000)]
    await ready.send_all([made[i] for i in (4, 2, 0, 3, 1)])
    assert [r.seq for r in sorted(stored(center), key=lambda r: r.seq)] == [0, 1, 2, 3, 4]


async def test_uploads_at_the_same_time_share_commits_and_all_arrive(ready, center):
    made = ready.box.segments(START, 24)
    answers = await asyncio.gather(*(ready.send(one) for one in [*made, *made]))
    assert {a.status_code for a in answers} == {200}
    assert len(stored(center)) == 24


async def test_another_box_key_is_refused(ready, make_box):
    thief = await make_box(name="thief", enrol=False)
    sealed = thief.segment(START)
    refused(await Uplink(ready.http, thief).send(sealed), 401, "archive.wrong_signature")


async def test_a_changed_record_is_refused_because_its_signature_does_not_hold(ready, center):
    sealed = ready.box.segment(START)
    headers = ready.box.segment_headers(sealed)
    forged = changed(sealed, start_ms=START + 1)
    headers["Aigaq-Record"] = base64.urlsafe_b64encode(forged.encoded).decode()
    answer = await ready.http.put("/ingest/v1/segment", content=sealed.data, headers=headers)
    refused(answer, 401, "archive.wrong_signature")
    assert not stored(center)


async def test_a_signature_for_another_verb_is_refused(ready):
    gap = ready.box.gap(START, START + 1000)
    headers = ready.box.signed("segment", gap.encoded)
    refused(
        await ready.http.post("/ingest/v1/gap", content=gap.encoded, headers=headers), 401, "archive.wrong_signature"
    )


async def test_station_without_key_and_station_without_register(ready, make_box):
    quiet = await make_box("example-002", enrol=False)
    refused(await Uplink(ready.http, quiet).send(quiet.segment(START)), 403, "archive.not_enrolled")
    ghost = await make_box("nobody", enrol=False)
    refused(await Uplink(ready.http, ghost).send(ghost.segment(START)), 404, "archive.unknown_station")


async def test_unknown_camera_and_record_of_another_station(ready, make_box):
    refused(await ready.send(ready.box.segment(START, camera="garage")), 404, "archive.unknown_camera")
    other = await make_box("example-002")
    foreign = other.segment(START)
    refused(await ready.send(foreign), 422, "archive.wrong_election")


@pytest.mark.parametrize("damage", ["flip", "swap"])
async def test_damaged_bytes_are_refused_and_nothing_is_kept(ready, center, damage):
    sealed = ready.box.segment(START)
    data = bytearray(sealed.data)
    data[-1] ^= 1
    bad = bytes(data) if damage == "flip" else os.urandom(len(data))
    refused(await ready.send(Sealed(sealed.record, bad)), 422, "archive.hash_mismatch")
    assert not stored(center)
    assert not objects(center)
    assert (await ready.send(sealed)).status_code == 200


async def test_truncated_and_oversized_bodies(ready, center):
    sealed = ready.box.segment(START)
    refused(await ready.send(Sealed(sealed.record, sealed.data[:-5])), 400, "archive.truncated")
    refused(await ready.send(Sealed(sealed.record, sealed.data + b"more")), 413, "archive.oversize")
    refused(await ready.init(bytes(100_000)), 413, "archive.oversize")
    headers = ready.box.signed("gap", b"")
    refused(await ready.http.post("/ingest/v1/gap", content=bytes(9999), headers=headers), 413, "archive.oversize")
    assert not stored(center)


async def test_an_oversized_body_without_length_is_cut_off(ready):
    sealed = ready.box.segment(START)

    async def endless():
        for _ in range(40):
            yield bytes(1 << 16)

    headers = ready.box.segment_headers(sealed)
    answer = await ready.http.put("/ingest/v1/segment", content=endless(), headers=headers)
    refused(answer, 413, "archive.oversize")


async def test_a_connection_cut_in_mid_body_leaves_nothing(ready, center):
    sealed = ready.box.segment(START)
    host, port = ready.http.base_url.host, ready.http.base_url.port
    head = "".join(f"{k}: {v}\r\n" for k, v in ready.box.segment_headers(sealed).items())
    _, writer = await asyncio.open_connection(host, port)
    start = f"PUT /ingest/v1/segment HTTP/1.1\r\nHost: x\r\nContent-Length: {len(sealed.data)}\r\n{head}\r\n"
    writer.write(start.encode() + sealed.data[: len(sealed.data) // 2])
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert (await ready.send(sealed)).status_code == 200
    assert len(stored(center)) == 1


@pytest.mark.parametrize("record", [b"", b"\x00", b"\x8f" + b"\x01" * 15, os.urandom(170)])
async def test_bytes_that_are_no_record(ready, record):
    headers = ready.box.signed("gap", record)
    refused(await ready.http.post("/ingest/v1/gap", content=record, headers=headers), 422, "archive.not_a_record")


async def test_a_gap_is_no_segment_and_a_segment_no_gap(ready):
    gap, segment = ready.box.gap(START, START + 1000), ready.box.segment(START + 1000)
    answer = await ready.http.put("/ingest/v1/segment", content=b"x", headers=ready.box.segment_headers(gap))
    refused(answer, 422, "archive.not_a_record")
    headers = ready.box.signed("gap", segment.encoded)
    refused(
        await ready.http.post("/ingest/v1/gap", content=segment.encoded, headers=headers), 422, "archive.not_a_record"
    )


async def test_sealed_rubbish_and_sealed_wrong_time_are_no_segments(ready):
    def sealed(data, **facts):
        made = ready.box.segment(START)
        values = {"sha256": hashlib.sha256(data).digest(), "size": len(data)} | facts
        return Sealed(replace(made.record, **values), data)

    refused(await ready.send(sealed(b"no video at all")), 422, "archive.not_a_segment")
    moved = b"".join(ready.box.reel.parts(START + 5000))
    refused(await ready.send(sealed(moved)), 422, "archive.not_a_segment")


async def test_a_segment_before_its_init(uplink, center):
    sealed = uplink.box.segment(START)
    refused(await uplink.send(sealed), 428, "archive.init_unknown")
    assert (await uplink.init()).status_code == 204
    assert (await uplink.send(sealed)).status_code == 200


async def test_init_must_be_one_and_have_its_name(uplink):
    refused(await uplink.init(b"not an init"), 422, "archive.not_an_init")
    data = uplink.box.reel.init
    path = f"/ingest/v1/init/{'0' * 64}"
    headers = uplink.box.signed("init", data)
    refused(await uplink.http.put(path, content=data, headers=headers), 422, "archive.hash_mismatch")
    refused(await uplink.http.put("/ingest/v1/init/XYZ", content=data, headers=headers), 400, "archive.bad_request")


async def test_another_record_in_the_same_place_is_a_conflict_and_an_alarm(ready, center, make_box, tmp_path):
    first = ready.box.segment(START)
    await ready.send_all([first])
    twin = Box(ready.box.election, "example-001", tmp_path / "twin", ready.box.reel)
    twin.key = ready.box.key
    refused(await Uplink(ready.http, twin).send(twin.segment(START, halves=2)), 409, "archive.conflict")
    kept = center.archive.database.read_now(lambda c: find(c, DESK, 0))
    assert kept.record == first.encoded
    assert await center.archive.count_alarms("example-001") == 1
    refused(await Uplink(ready.http, twin).send(twin.gap(START + 1000, START + 2000)), 409, "archive.broken_chain")
    assert [a.code for a in await center.archive.alarms("example-001")] == ["archive.broken_chain", "archive.conflict"]


async def test_the_first_row_of_a_stream_follows_none(ready):
    made = ready.box.segment(START)
    refused(await ready.send(changed(made, prev=bytes(31) + b"x")), 409, "archive.broken_chain")


async def test_missing_headers_and_unknown_paths(ready):
    refused(await ready.http.put("/ingest/v1/segment", content=b"x"), 400, "archive.bad_request")
    headers = {"Aigaq-Station": "example-001", "Aigaq-Signature": "!!"}
    refused(await ready.http.post("/ingest/v1/health", content=b"{}", headers=headers), 400, "archive.bad_request")
    refused(await ready.http.get("/ingest/v1/nothing"), 404, "archive.not_found")
    refused(await ready.http.get("/ingest/v1/segment"), 404, "archive.not_found")


async def test_refusals_speak_the_readers_language(ready):
    texts = set()
    for language in ("kk", "ru", "en"):
        answer = await ready.http.get("/ingest/v1/nothing", headers={"Accept-Language": language})
        texts.add(answer.json()["why"])
    assert len(texts) == 3


async def test_checkpoint_seals_rows_that_came_before_and_after_it(ready, center):
    early, late = ready.box.segments(START, 2)
    await ready.send_all([early])
    assert (await ready.checkpoint()).json() == {"size": 2}
    rows = {r.seq: r.log_index for r in stored(center)}
    assert rows == {0: 0}
    await ready.send_all([late])
    assert {r.seq: r.log_index for r in stored(center)} == {0: 0, 1: 1}


async def test_checkpoint_replay_and_wrong_size(ready):
    ready.box.segments(START, 3)
    assert (await ready.checkpoint()).status_code == 200
    assert (await ready.checkpoint(held=0)).json() == {"size": 3}
    ready.box.segments(START + 6000, 2)
    answer = await ready.checkpoint(held=4)
    refused(answer, 409, "ledger.wrong_size")
    assert answer.json()["size"] == 3
    refused(await ready.http.post("/ingest/v1/checkpoint", content=b"nonsense"), 422, "ledger.bad_note")
    assert (await ready.checkpoint()).json() == {"size": 5}


async def test_a_checkpoint_needs_no_header_and_no_other_signature_than_its_own(ready, make_box):
    ready.box.segments(START, 2)
    body = ready.box.log.checkpoint() + b"".join(ready.box.log.leaf_hashes(0, 2))
    forged = body[:60] + bytes([body[60] ^ 1]) + body[61:]
    answer = await ready.http.post("/ingest/v1/checkpoint", content=forged)
    assert answer.status_code in {403, 422}, answer.text
    assert (await ready.http.post("/ingest/v1/checkpoint", content=body)).json() == {"size": 2}
    stranger = Uplink(ready.http, await make_box("example-002", enrol=False))
    stranger.box.segments(START, 1)
    refused(await stranger.checkpoint(), 403, "ledger.wrong_key")


async def test_a_station_that_forks_its_log_is_caught_and_the_proof_is_kept(ready, center, tmp_path):
    ready.box.segments(START, 3)
    assert (await ready.checkpoint()).status_code == 200
    twin = Box(ready.box.election, "example-001", tmp_path / "twin", ready.box.reel)
    twin.log = type(twin.log).open(tmp_path / "twin-log", twin.origin, ready.box.key)
    twin.segments(START + 500, 4)
    for _ in range(2):
        refused(await Uplink(ready.http, twin).checkpoint(held=3), 409, "ledger.root_mismatch")
    told = (await ready.http.get("/api/v1/alarms", params={"station": "example-001"})).json()
    assert [(a["station"], a["code"]) for a in told] == [("example-001", "ledger.root_mismatch")]
    assert list((center.archive.folder / "log" / "forks" / "example-001").iterdir())


async def test_seal_survives_a_crash_between_log_and_tables(center, make_box, monkeypatch):
    async with center.serving() as http:
        ready = Uplink(http, await make_box())
        await ready.init()
        await ready.send_all(ready.box.segments(START, 2))
        monkeypatch.setattr(center.archive.logs.public, "on_sealed", lambda *_: None)
        body = ready.box.log.checkpoint() + b"".join(ready.box.log.leaf_hashes(0, 2))
        assert (await http.post("/ingest/v1/checkpoint", content=body)).json() == {"size": 2}
        assert [r.log_index for r in stored(center)] == [None, None]
    again = Center(center.folder, center.clock)
    async with again.open():
        assert [r.log_index for r in stored(again)] == [0, 1]
        assert [k.public for k in again.archive.logs.keys("example-001")] == [ready.box.key.public]


async def test_health_is_kept_and_must_be_an_object(ready, center):
    assert (await ready.health({"disk_hours": 9})).status_code == 200
    assert await center.archive.health("example-001") == {"disk_hours": 9, "received_ms": START}
    deep = b'{"a":' * 40 + b"1" + b"}" * 40
    for body in (b"[1, 2]", b"{", b'{"a": NaN}', b'{"a": "\\ud800"}', b'{"a":' * 20_000, deep, b"\xff"):
        answer = await ready.http.post("/ingest/v1/health", content=body, headers=ready.box.signed("health", body))
        refused(
            answer,
            413 if len(body) > 65536 else 400,
            "archive.oversize" if len(body) > 65536 else "archive.bad_request",
        )
    assert await center.archive.health("example-002") is None


async def test_full_disk_is_told_as_retryable_and_loses_nothing(ready, center):
    center.archive.blobs.min_free = 1 << 60
    sealed, gap = ready.box.segment(START), ready.box.gap(START + 2000, START + 3000, GapCause.DISK_FULL)
    for one in (sealed, gap):
        answer = await ready.send(one)
        refused(answer, 507, "archive.disk_full")
        assert answer.headers["retry-after"]
    assert not objects(center)
    center.archive.blobs.min_free = 0
    await ready.send_all([sealed, gap])


async def test_a_disk_that_fails_is_told_as_retryable(ready, center, monkeypatch):
    def broken(fd, data):
        raise OSError(5, "Input/output error")

    sealed = ready.box.segment(START)
    with monkeypatch.context() as patch:
        patch.setattr("aigaq.archive.blobs._write_all", broken)
        refused(await ready.send(sealed), 503, "archive.store_failed")
    assert not list(center.archive.blobs.folder.rglob(".*"))
    await ready.send_all([sealed])


async def test_leaves_that_carry_their_own_authority(ready, center, make_box):
    box = await make_box("example-002", enrol=False)
    uplink = Uplink(ready.http, box)
    refused(await uplink.init(), 403, "archive.not_enrolled")
    enrolment = center.officers.enrolment(box.csr)
    early = box.delegation(enrolment, START)
    refused(await uplink.leaf(early), 409, "enrol.unknown_target")
    first = await uplink.leaf(enrolment)
    assert first.status_code == 200, first.text
    assert (await uplink.leaf(enrolment)).json() == first.json()
    assert (await uplink.leaf(early)).json()["index"] > first.json()["index"]
    assert (await uplink.init()).status_code == 204
    assert (await uplink.leaf(center.officers.revocation(enrolment))).status_code == 200
    center.clock.advance(1)
    refused(await uplink.init(), 403, "archive.not_enrolled")
    refused(await uplink.leaf(box.delegation(enrolment, START + 1)), 409, "enrol.revoked")
    forged = early[:-1] + bytes([early[-1] ^ 1])
    refused(await uplink.leaf(forged), 422, "enrol.bad_leaf")


async def test_bad_leaves_are_refused_and_leave_nothing(ready, center, make_box):
    size = center.archive.logs.public.size
    box = await make_box("example-002", enrol=False)
    enrolment = center.officers.enrolment(box.csr)
    nobody = center.officers.enrolment((await make_box("nobody", enrol=False)).csr)
    for leaf, status, code in [
        (b"", 422, "enrol.bad_leaf"),
        (os.urandom(100), 422, "enrol.bad_leaf"),
        (enrolment[:-1], 422, "enrol.bad_leaf"),
        (enrolment[:-1] + bytes([enrolment[-1] ^ 1]), 422, "enrol.bad_certificate"),
        (enrolment + bytes(9000), 413, "archive.oversize"),
        (nobody, 404, "archive.unknown_station"),
    ]:
        refused(await ready.http.post("/ingest/v1/leaf", content=leaf), status, code)
    assert center.archive.logs.public.size == size


async def test_one_session_key_on_two_stations_is_refused_even_at_the_same_moment(ready, center, make_box):
    boxes = [await make_box(station, enrol=False) for station in ("example-002", "example-003")]
    enrolments = [center.officers.enrolment(box.csr) for box in boxes]
    for leaf in enrolments:
        assert (await ready.http.post("/ingest/v1/leaf", content=leaf)).status_code == 200
    leaves = [b.delegation(e, START, public=boxes[0].key.public) for b, e in zip(boxes, enrolments, strict=True)]
    answers = await asyncio.gather(*(ready.http.post("/ingest/v1/leaf", content=leaf) for leaf in leaves))
    assert sorted(a.status_code for a in answers) == [200, 409], [a.text for a in answers]
    refused(next(a for a in answers if a.status_code == 409), 409, "enrol.equal_keys")
