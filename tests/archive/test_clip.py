"""Exported clips are judged by the standalone verifier, as a court would."""

import asyncio
import io
import json
import subprocess
import sys
import zipfile

import pytest
from archive_box import START, cut

from aigaq.archive import StreamKey, trust_file
from aigaq.archive.zipstream import ZipStream
from aigaq_verify import GapCause, StoredZip, Verdict, parse_policy, verify_clip

CLIP = "/api/v1/clip.zip"


@pytest.fixture
async def ready(uplink):
    await uplink.init()
    return uplink


def words(start, end, **more):
    return {"station": "example-001", "camera": "desk", "from": START + start, "to": START + end} | more


async def judged(ready, tmp_path, start, end, **more):
    """The clip, as `python -m aigaq_verify` judges it."""
    answer = await ready.http.get(CLIP, params=words(start, end, **more))
    assert answer.status_code == 200, answer.text
    (tmp_path / "clip.zip").write_bytes(answer.content)
    (tmp_path / "policy.txt").write_text((await ready.http.get("/trust/policy.txt")).text)
    command = [
        sys.executable,
        "-m",
        "aigaq_verify",
        tmp_path / "clip.zip",
        "--trust",
        tmp_path / "policy.txt",
        "--json",
    ]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert done.returncode in {0, 3, 4}, done.stdout + done.stderr
    return done.returncode, json.loads(done.stdout)


async def test_a_clip_verifies(ready, tmp_path):
    await ready.send_all(ready.box.segments(START, 6))
    await ready.checkpoint()
    code, report = await judged(ready, tmp_path, 1000, 9000)
    assert code == 0, report
    with zipfile.ZipFile(tmp_path / "clip.zip") as package:
        assert package.testzip() is None
        names = package.namelist()
        text = package.read("README.txt").decode()
    assert sum(n.startswith("segments/") for n in names) == 5
    for language in ("(қазақша)", "(на русском)", "(in English)"):
        assert language in text


async def test_a_clip_of_minute_objects_verifies(ready, center, tmp_path):
    await ready.send_all(ready.box.segments(START + 40_000, 11))
    await ready.checkpoint()
    center.clock.advance(100)
    assert await center.archive.compactor.run() == 1
    code, report = await judged(ready, tmp_path, 51_000, 62_000)
    assert code == 0, report


async def test_a_clip_tells_its_signed_gaps(ready, tmp_path):
    box = ready.box
    rows = [
        *box.segments(START, 2),
        box.gap(START + 4000, None, GapCause.NO_RTP),
        box.gap(START + 4000, START + 7000, GapCause.NO_RTP),
        *box.segments(START + 7000, 2),
    ]
    await ready.send_all(rows)
    await ready.checkpoint()
    code, report = await judged(ready, tmp_path, 0, 11_000)
    assert code == 3, report
    assert "no_rtp" in json.dumps(report)


async def test_a_clip_can_end_in_an_open_gap(ready, tmp_path):
    await ready.send_all([*ready.box.segments(START, 2), ready.box.gap(START + 4000, None)])
    await ready.checkpoint()
    code, _ = await judged(ready, tmp_path, 0, 9000)
    assert code == 3


async def test_all_proofs_rest_on_one_checkpoint_while_the_log_grows(ready, center, tmp_path):
    await ready.send_all(ready.box.segments(START, 6))
    await ready.checkpoint()
    more = ready.box.segments(START + 12_000, 3)
    key = StreamKey("example-001", "desk", "sub")
    clip = await center.archive.plan_clip(key, START, START + 12_000)
    pieces = center.archive.clip_zip(clip)
    first = await anext(pieces)
    await ready.send_all(more)
    assert (await ready.checkpoint()).json() == {"size": 9}
    data = first + b"".join([piece async for piece in pieces])
    report = verify_clip(io.BytesIO(data), parse_policy(trust_file(center.archive.enrolment.keys).encode()))
    assert report.verdict is Verdict.VERIFIED


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
    await ready.checkpoint()
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
