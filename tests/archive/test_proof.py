"""What the log serves, and where things are said to stand: by hash, by number, by station and time."""

import asyncio
import base64
import json

import pytest
from archive_box import DOMAIN, START, Center
from tests.proof_lab import proven

from aigaq.ledger import node_hash
from aigaq_verify import Checkpoint, Proof, decode_leaf, decode_record, leaf_hash, parse_policy


@pytest.fixture
def center(watched):
    return watched


@pytest.fixture
async def ready(uplink, center):
    """Four sealed and witnessed segments, and one that nobody has sealed."""
    await uplink.init()
    await center.feed()
    await uplink.witnessed()
    await uplink.send_all(uplink.box.segments(START, 4))
    center.clock.advance(10)
    await uplink.checkpoint()
    await center.feed()
    await uplink.send_all([uplink.box.segment(START + 8000)])
    return uplink


@pytest.fixture
def trust(center):
    return parse_policy(center.policy)


async def get(ready, path, kind=None, **params):
    answer = await ready.http.get(path, params=params)
    assert answer.status_code == 200, answer.text
    assert kind is None or answer.headers["content-type"] == kind
    return answer


async def test_the_log_is_served_as_tiles(ready, center, trust):
    note = (await get(ready, "/log/checkpoint", "text/plain; charset=utf-8")).content
    checkpoint, key = Checkpoint.open(note, trust.logs)
    assert (checkpoint.origin, key.kind) == (f"{DOMAIN}/example-2027", 1)
    tile = await get(ready, f"/log/tile/0/000.p/{checkpoint.size}", "application/octet-stream")
    assert "immutable" in tile.headers["cache-control"]
    assert tile.headers["access-control-allow-origin"] == "*"
    entries = (await get(ready, f"/log/tile/entries/000.p/{checkpoint.size}")).content
    leaves = []
    while entries:
        size = int.from_bytes(entries[:2], "big")
        leaves.append(entries[2 : 2 + size])
        entries = entries[2 + size :]
    assert b"".join(map(leaf_hash, leaves)) == tile.content
    hashes = [leaf_hash(leaf) for leaf in leaves]
    assert node_hash(node_hash(*hashes[:2]), hashes[2]) == checkpoint.root
    assert (await ready.http.head("/log/checkpoint")).content == b""


async def test_witnessed_notes_are_served_and_never_change(ready, trust):
    newest = await get(ready, "/log/witnessed")
    size = int(newest.content.split(b"\n")[1])
    again = await get(ready, f"/log/witnessed/{size}")
    assert again.content == newest.content
    assert "immutable" in again.headers["cache-control"]
    assert "immutable" not in newest.headers["cache-control"]
    assert trust.witnessed(newest.content).checkpoint.size == size


async def test_a_stations_log_is_served_too(ready):
    checkpoint = (await get(ready, "/log/s/example-001/checkpoint")).content
    assert Checkpoint.open(checkpoint, [ready.box.log_key])[0].size == 4
    tile = (await get(ready, "/log/s/example-001/tile/0/000.p/4")).content
    assert tile == b"".join(ready.box.log.leaf_hashes(0, 4))


async def test_status_tells_of_the_witness(ready):
    told = (await get(ready, "/log/status.json", "application/json")).json()
    assert (told["size"], told["witnessed"]["size"], told["stopped"]) == (3, 3, False)
    assert [w["state"] for w in told["witnesses"]] == ["cosigned"]


async def test_what_is_not_there_is_not_found(ready):
    for path in (
        "", "tile/0/001", "tile/0/000.p/0", "tile/9/000", "tile/entries/%2e%2e/checkpoint", "witnessed/999",
        "witnessed/01", "s/example-002/checkpoint", "s/nobody/tile/0/000", "logs.sqlite", "checkpoint/", "%00",
    ):  # fmt: skip
        answer = await ready.http.get(f"/log/{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "archive.not_found"), path
    assert (await ready.http.post("/log/checkpoint")).status_code == 404


async def test_a_segment_is_found_by_its_hash_and_by_that_of_its_record(ready, trust):
    sealed = ready.box.segment(START + 10_000)
    await ready.send_all([sealed])
    told = (await get(ready, f"/api/v1/proof/{sealed.record.sha256.hex()}")).json()
    assert told == (await get(ready, f"/api/v1/proof/{leaf_hash(sealed.encoded).hex()}")).json()
    assert (told["checkpoint_size"], told["not_after_ms"], told["log_index"]) == (None, None, None)
    assert set(told["files"]) == {"record"}
    answer = await ready.http.get(f"/api/v1/proof/{sealed.record.sha256.hex()}/row.tlog-proof")
    assert (answer.status_code, answer.json()["code"]) == (409, "archive.not_sealed_yet")


async def test_the_files_of_a_proof_prove_it(ready, center, trust):
    row = (await center.archive.search.by_time("example-001", START + 1000))[0]
    told = (await get(ready, f"/api/v1/proof/{row.leaf.hex()}")).json()
    assert (told["checkpoint_size"], told["national_index"], told["national_size"]) == (4, 2, 3)
    assert (told["not_before_ms"], told["not_after_ms"]) == (START, START + 10_999)
    record = (await get(ready, told["files"]["record"], "application/cbor")).content
    assert decode_record(record).start_ms == START
    proof = Proof.parse((await get(ready, told["files"]["row_proof"])).content)
    assert proven(proof, leaf_hash(record), [ready.box.log_key]).size == 4
    national = Proof.parse((await get(ready, told["files"]["checkpoint_proof"])).content)
    leaf = (await get(ready, f"/api/v1/leaf/{told['national_index']}/leaf.cbor")).content
    assert proven(national, leaf_hash(leaf), trust.logs).size == 3
    assert decode_leaf(leaf)["note"] == proof.checkpoint


async def test_leaves_by_number(ready, trust):
    told = (await get(ready, "/api/v1/leaf/0")).json()
    assert (told["kind"], told["items"]["station"], told["rows"]) == ("enrolment", "example-001", None)
    told = (await get(ready, "/api/v1/leaf/2")).json()
    assert (told["kind"], told["rows"]) == ("station_checkpoint", 4)
    data = (await get(ready, told["files"]["leaf"])).content
    assert base64.b64decode(told["items"]["note"]) == decode_leaf(data)["note"]
    proof = Proof.parse((await get(ready, told["files"]["proof"])).content)
    assert proven(proof, leaf_hash(data), trust.logs)


async def test_bad_questions(ready):
    for path, status, code in [
        ("/api/v1/proof/" + "0" * 64, 404, "archive.not_found"),
        ("/api/v1/proof/xyz", 400, "archive.bad_request"),
        ("/api/v1/proof/" + "0" * 62, 400, "archive.bad_request"),
        ("/api/v1/leaf/999", 404, "archive.not_found"),
        ("/api/v1/leaf/999/leaf.tlog-proof", 404, "archive.not_found"),
        ("/api/v1/leaf/-1", 404, "archive.not_found"),
        (f"/api/v1/leaf/{1 << 53}", 404, "archive.not_found"),
    ]:
        answer = await ready.http.get(path)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert (await ready.http.get(f"/api/v1/leaf/{1 << 70}")).status_code == 422


async def test_rows_by_time(ready, center):
    search = center.archive.search
    assert [r.seq for r in await search.by_time("example-001", START + 3000)] == [1]
    assert await search.by_time("example-001", START - 1) == []


async def test_the_trust_file_and_the_verifier_are_served(ready, center):
    assert (await get(ready, "/policy.txt", "text/plain; charset=utf-8")).content == center.policy
    page = await get(ready, "/verifier.html", "text/html; charset=utf-8")
    assert b"<html" in page.content
    assert (await ready.http.head("/verifier.html")).content == b""
    assert (await ready.http.post("/verifier.html")).status_code == 404
    assert json.loads((await ready.http.get("/api/v1/alarms")).content) == []


async def test_the_log_is_copied_to_a_mirror(tmp_path):
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    copied = Center(tmp_path / "copied", witness=True, mirror=mirror)
    async with copied.open() as archive:
        await archive.logs.act("export", "example-001", {})
        await copied.feed()
        await archive.logs.start()
        async with asyncio.timeout(20):
            while not (mirror / "checkpoint").exists():
                await asyncio.sleep(0.01)
        size = int((mirror / "checkpoint").read_bytes().split(b"\n")[1])
        assert (mirror / "checkpoint").read_bytes() == (await archive.logs.public.file(f"witnessed/{size}"))[0]
        assert (mirror / "tile/entries/000.p/1").exists()
