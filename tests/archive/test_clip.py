"""Exported clips are judged by the standalone verifier, as a court would."""

import asyncio
import io
import json
import subprocess
import sys
import zipfile

import pytest
from archive_box import START, cut

from aigaq.archive import StreamKey
from aigaq.archive.zipstream import ZipStream
from aigaq_verify import GapCause, StoredZip

CLIP = "/api/v1/clip.zip"


@pytest.fixture
def center(watched):
    """Clips are about witnesses too."""
    return watched


@pytest.fixture
async def ready(uplink, center):
    """A box whose records name a witnessed checkpoint."""
    await uplink.init()
    await center.feed()
    await uplink.witnessed()
    return uplink


def words(start, end, **more):
    return {"station": "example-001", "camera": "desk", "from": START + start, "to": START + end} | more


async def seal(ready, center, until_ms):
    """What was recorded until then is sealed and witnessed two seconds later."""
    center.clock.advance((START + until_ms + 2000) / 1000 - center.clock.utc_ns() / 1e9)
    assert (await ready.checkpoint()).status_code == 200
    await center.feed()


async def judged(ready, tmp_path, start, end, **more):
    """The clip, as `python -m aigaq_verify` judges it."""
    answer = await ready.http.get(CLIP, params=words(start, end, **more))
    assert answer.status_code == 200, answer.text
    (tmp_path / "clip.zip").write_bytes(answer.content)
    return await verdict(ready, tmp_path, tmp_path / "clip.zip")


async def verdict(ready, tmp_path, path):
    (tmp_path / "policy.txt").write_text((await ready.http.get("/policy.txt")).text)
    command = [sys.executable, "-m", "aigaq_verify", path, "--trust", tmp_path / "policy.txt", "--json"]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert done.returncode in {0, 3, 4, 9, 10}, done.stdout + done.stderr
    return done.returncode, json.loads(done.stdout)


async def test_a_clip_verifies_between_two_words_of_the_witness(ready, center, tmp_path):
    await ready.send_all(ready.box.segments(START, 6))
    await seal(ready, center, 12_000)
    code, report = await judged(ready, tmp_path, 1000, 9000)
    assert code == 0, report
    assert (report["not_before_ms"], report["not_after_ms"]) == (START, START + 14_999)
    with zipfile.ZipFile(tmp_path / "clip.zip") as package:
        assert package.testzip() is None
        names = package.namelist()
        text = package.read("README.txt").decode()
        manifest = json.loads(package.read("clip.json"))
    assert (manifest["format"], manifest["log"]) == (2, center.origin)
    counts = [sum(n.startswith(f) for n in names) for f in ("segments/", "proofs/", "checkpoints/", "beacons/")]
    assert counts == [5, 5, 1, 1]
    assert sum(n.startswith("leaves/") for n in names) == 4
    for language in ("(қазақша)", "(на русском)", "(in English)"):
        assert language in text


async def test_each_row_has_the_first_checkpoint_over_it(ready, center, tmp_path):
    for start in (0, 10_000):
        await ready.send_all(ready.box.segments(START + start, 5))
        await seal(ready, center, start + 10_000)
        await ready.witnessed()
    code, report = await judged(ready, tmp_path, 0, 8000)
    assert code == 0, report
    assert report["not_after_ms"] == START + 12_999
    code, report = await judged(ready, tmp_path, 0, 20_000)
    assert code == 0, report
    with zipfile.ZipFile(tmp_path / "clip.zip") as package:
        names = package.namelist()
    assert {"checkpoints/5.tlog-proof", "checkpoints/10.tlog-proof"} <= set(names)
    assert sum(n.startswith("beacons/") for n in names) == 2


async def test_a_clip_that_waits_for_its_witnesses_says_so(ready, center, tmp_path):
    await ready.send_all(ready.box.segments(START, 4))
    center.clock.advance(10)
    await ready.checkpoint()
    key = StreamKey("example-001", "desk", "sub")
    clip = await center.archive.plan_clip(key, START, START + 8000)
    assert not await center.archive.is_witnessed(clip)
    assert (await judged(ready, tmp_path, 0, 8000))[0] == 9
    await center.feed()
    assert await center.archive.is_witnessed(clip)
    assert (await judged(ready, tmp_path, 0, 8000))[0] == 0


async def test_what_came_late_to_the_witnesses_is_late(ready, center, tmp_path):
    await ready.send_all(ready.box.segments(START, 4))
    await seal(ready, center, 100_000)
    assert (await judged(ready, tmp_path, 0, 8000))[0] == 10


async def test_a_silence_that_the_centre_signed_is_in_the_clip(ready, center, tmp_path):
    box = ready.box
    await ready.send_all(box.segments(START, 4))
    await seal(ready, center, 8000)
    center.clock.advance(31)
    await center.archive.logs.public.commit()
    late = [box.segment(START + 8000 + 2000 * i) for i in range(16)]
    told = (await ready.http.get("/api/v1/stations/example-001/coverage", params=words(0, 40_000))).json()
    spans = [(s["state"], s["from_ms"] - START, s["sealed"]) for s in told["cameras"]["desk"]]
    assert spans[:3] == [("recorded", 0, True), ("missing", 8000, False), ("absence", 10_000, True)]
    await ready.send_all(late)
    await seal(ready, center, 40_000)
    code, report = await judged(ready, tmp_path, 0, 36_000)
    assert code == 3, report
    assert [s["cause"] for s in report["stretches"]] == ["absence"]
    told = (await ready.http.get("/api/v1/stations/example-001/coverage", params=words(0, 40_000))).json()
    assert [s["state"] for s in told["cameras"]["desk"]] == ["recorded"]


async def test_a_clip_of_minute_objects_verifies(ready, center, tmp_path):
    await ready.send_all(ready.box.segments(START + 40_000, 11))
    center.clock.advance(45)
    await center.archive.logs.public.commit()  # nobody has heard a checkpoint for so long
    await seal(ready, center, 62_000)
    center.clock.advance(100)
    assert await center.archive.compactor.run() == 1
    code, report = await judged(ready, tmp_path, 51_000, 62_000)
    assert (code, [s["cause"] for s in report["stretches"]]) == (3, ["absence"])


async def test_a_clip_tells_its_signed_gaps(ready, center, tmp_path):
    box = ready.box
    rows = [
        *box.segments(START, 2),
        box.gap(START + 4000, None, GapCause.NO_RTP),
        box.gap(START + 4000, START + 7000, GapCause.NO_RTP),
        *box.segments(START + 7000, 2),
    ]
    await ready.send_all(rows)
    await seal(ready, center, 11_000)
    code, report = await judged(ready, tmp_path, 0, 11_000)
    assert code == 3, report
    assert "no_rtp" in json.dumps(report)


async def test_a_clip_can_end_in_an_open_gap(ready, center, tmp_path):
    await ready.send_all([*ready.box.segments(START, 2), ready.box.gap(START + 4000, None)])
    await seal(ready, center, 9000)
    code, _ = await judged(ready, tmp_path, 0, 9000)
    assert code == 3


async def test_a_clip_is_whole_while_the_log_grows(ready, center, tmp_path):
    await ready.send_all(ready.box.segments(START, 6))
    await seal(ready, center, 12_000)
    more = ready.box.segments(START + 12_000, 3)
    key = StreamKey("example-001", "desk", "sub")
    clip = await center.archive.plan_clip(key, START, START + 12_000)
    pieces = center.archive.clip_zip(clip)
    first = await anext(pieces)
    await ready.send_all(more)
    assert (await ready.checkpoint()).json() == {"size": 9}
    (tmp_path / "clip.zip").write_bytes(first + b"".join([piece async for piece in pieces]))
    assert (await verdict(ready, tmp_path, tmp_path / "clip.zip"))[0] == 0


async def test_a_stolen_key_is_no_use_after_its_revocation(ready, center, tmp_path):
    await ready.send_all(ready.box.segments(START, 2))
    await seal(ready, center, 4000)
    enrolment = center.archive.logs.directory.enrolments("example-001")[0]
    leaf, _ = await center.archive.logs.public.leaf_proof(enrolment.index)
    center.clock.advance(60)
    assert (await ready.leaf(center.officers.revocation(leaf))).status_code == 200
    code, report = await judged(ready, tmp_path, 0, 4000)
    assert code == 0, report
    with zipfile.ZipFile(tmp_path / "clip.zip") as package:
        assert sum(n.startswith("leaves/") for n in package.namelist()) == 6
    ready.box.segments(START + 4000, 1)
    answer = await ready.checkpoint()
    assert (answer.status_code, answer.json()["code"]) == (403, "ledger.wrong_key")


async def refused(ready, start, end, status, code, **more):
    answer = await ready.http.get(CLIP, params=words(start, end, **more))
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    return answer.json()


async def test_refusals_say_what_to_do(ready, center):
    await refused(ready, 0, 4000, 404, "archive.nothing_received")
    made = ready.box.segments(START, 6)
    await ready.send_all([*made[:2], *made[3:]])
    await refused(ready, 0, 8000, 409, "archive.not_received_yet")
    await ready.send_all([made[2]])
    told = await refused(ready, 0, 8000, 409, "archive.not_sealed_yet")
    assert "4 of 4" in told["why"]
    await ready.checkpoint()
    await refused(ready, 0, 20_000, 409, "archive.not_received_yet")
    await refused(ready, -9000, 4000, 400, "archive.before_beginning")
    await refused(ready, 4000, 4000, 400, "archive.bad_interval")
    await refused(ready, 0, 9_000_000, 413, "archive.too_long")
    await refused(ready, 0, 4000, 404, "archive.unknown_camera", camera="garage")
    await refused(ready, 0, 4000, 404, "archive.unknown_station", station="nobody")


async def test_the_plain_mp4_plays_and_says_what_it_is(ready, center, tmp_path, ffprobe, ffmpeg):
    await ready.send_all(ready.box.segments(START, 2))
    await ready.send_all([ready.box.gap(START + 4000, START + 7000), *ready.box.segments(START + 7000, 2)])
    await ready.checkpoint()
    answer = await ready.http.get("/api/v1/clip.mp4", params=words(0, 11_000))
    assert answer.status_code == 200, answer.text
    path = tmp_path / "clip.mp4"
    path.write_bytes(answer.content)
    told = json.loads(ffprobe("-show_format", "-show_streams", "-of", "json", path))
    assert "Derived copy without proof" in told["format"]["tags"]["comment"]
    assert float(told["format"]["duration"]) == pytest.approx(11, abs=0.2)
    assert told["streams"][0]["nb_frames"] == "80"
    assert ffmpeg("-i", path, "-f", "null", "-") == ""
    assert not list((center.archive.folder / "derived").iterdir())


async def test_a_change_of_picture_cannot_be_one_mp4_but_one_clip(ready, center, other_size_video, tmp_path):
    await ready.send_all(ready.box.segments(START, 2))
    ready.box.reel = cut(other_size_video)
    await ready.init()
    await ready.send_all(ready.box.segments(START + 4000, 2))
    await seal(ready, center, 8000)
    answer = await ready.http.get("/api/v1/clip.mp4", params=words(0, 8000))
    assert (answer.status_code, answer.json()["code"]) == (409, "archive.mixed_codecs")
    assert not list((center.archive.folder / "derived").iterdir())
    assert (await judged(ready, tmp_path, 0, 8000))[0] == 0
    text = (await ready.http.get("/media/example-001/desk/sub/live.m3u8")).text
    assert text.count("#EXT-X-DISCONTINUITY\n") == 1
    assert text.count("#EXT-X-MAP") == 2


def test_a_zip_stream_is_read_by_others_and_by_the_strict_reader():
    zipped = ZipStream()
    files = {"a.txt": b"", "b/c.bin": bytes(range(256)) * 9}
    data = b"".join([zipped.file(name, body) for name, body in files.items()]) + zipped.end()
    strict = StoredZip(io.BytesIO(data))
    assert {name: strict.read(name) for name in strict.sizes} == files
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        assert package.testzip() is None
        assert {i.filename: package.read(i) for i in package.infolist()} == files
