"""`aigaq station optical read`: the bits out of a clip.zip, of loose segments, of any video; and what is no video."""

import hashlib
import io
import json
import struct
import zipfile
from fractions import Fraction

import av
import numpy as np
import pytest
from station_bench import call_station

from aigaq.capture import MINUTE_MS, expected_bits
from aigaq.capture.patch import NotReadableError, bright_at
from aigaq_verify import SegmentRecord
from aigaq_verify.manifest import init_file, segment_file

ORIGIN = "log.example/e1/s/s1"
MINUTE = 30_000_000
BEGIN = MINUTE * MINUTE_MS
NOTE = b"a witnessed note"
BITS = expected_bits(hashlib.sha256(NOTE).digest(), ORIGIN, MINUTE)


def film(path):
    """A minute and a bit with a patch, in fragments of 2 s."""
    dice = np.random.default_rng(1)
    room = np.kron(dice.integers(40, 200, (9, 16)), np.ones((20, 20)))
    options = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "use_editlist": "0"}
    with av.open(str(path), "w", format="mp4", options=options) as out:
        stream = out.add_stream(
            "libx264", rate=8, options={"preset": "ultrafast", "x264-params": "keyint=16:bframes=0"}
        )
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 90_000)
        for n in range(8 * 63):
            ms = BEGIN - 1000 + n * 125
            room[60:70, 90:100] = 150 if ms // MINUTE_MS == MINUTE and bright_at(BITS, ms) else 110
            gray = av.VideoFrame.from_ndarray((room + dice.normal(0, 2, room.shape)).astype(np.uint8), format="gray")
            frame = gray.reformat(format="yuv420p")
            frame.pts, frame.time_base = n * 11_250, Fraction(1, 90_000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


@pytest.fixture(scope="module")
def parts(made_once):
    """The initialisation segment and the segments."""
    data = bytearray(made_once("utc-patch.mp4", film).read_bytes())
    at = data.find(b"tfdt")
    while at > 0:  # ISO/IEC 14496-12 §8.8.12, version 1: the muxer counts from 0, a box of ours by UTC
        (ticks,) = struct.unpack_from(">Q", data, at + 8)
        struct.pack_into(">Q", data, at + 8, ticks + (BEGIN - 1000) * 90)
        at = data.find(b"tfdt", at + 1)
    boxes, at = [], 0
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        boxes.append((kind, data[at : at + size]))
        at += size
    starts = [n for n, (kind, _) in enumerate(boxes) if kind == b"moof"]
    init = b"".join(body for _, body in boxes[: starts[0]])
    return bytes(init), [b"".join(body for _, body in boxes[n : n + 2]) for n in starts]


def clip_of(parts, *, method=zipfile.ZIP_STORED, root=""):
    init, segments = parts
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr(f"{root}clip.json", json.dumps({"origin": ORIGIN}))
        archive.writestr(root + init_file(hashlib.sha256(init).digest()), init)
        archive.writestr(f"{root}beacons/9-00.note", b"another note")
        archive.writestr(f"{root}beacons/7-00.note", NOTE)
        for n, data in enumerate(segments):
            sha256, start = hashlib.sha256(data).digest(), BEGIN - 1000 + 2000 * n
            record = SegmentRecord(
                "e1", "s1", "c0", "sub", n, start, 2000, len(data), sha256, hashlib.sha256(init).digest()
            )
            archive.writestr(root + segment_file(record), data)
            archive.writestr(f"{root}records/{n}.cbor", record.encode())
    return out.getvalue()


@pytest.mark.parametrize("root", ["", "data/clips/c0-sub/"])
def test_a_clip_brings_what_it_is_compared_with(parts, tmp_path, root):
    (tmp_path / "clip.zip").write_bytes(clip_of(parts, root=root))
    done = call_station("optical", "read", tmp_path / "clip.zip", "--json")
    (reading,) = json.loads(done.stdout)["readings"]
    assert (reading["bits"], reading["wrong_bits"], reading["errors"]) == (BITS.hex(), 0, 0)
    assert reading["utc"] == "2027-01-15T08:00Z"
    assert abs(reading["box"][0] - 90) < 6


def test_loose_segments_and_a_note(parts, tmp_path):
    init, segments = parts
    for n, data in enumerate([init, *segments]):
        (tmp_path / f"{n:03}").write_bytes(data)
    (tmp_path / "x.note").write_bytes(NOTE)
    files = sorted(tmp_path.glob("[0-9]*"))
    done = call_station("optical", "read", *files, "--note", tmp_path / "x.note", "--origin", ORIGIN)
    assert done.exit_code == 0
    assert f"{BITS.hex()}  0 of 120 slots doubtful" in done.stdout
    assert "0 of 60 bits differ" in done.stdout
    shifted = call_station("optical", "read", *files, "--start", "2027-01-15T08:04:59")
    assert "2027-01-15T08:05Z" in shifted.stdout
    assert call_station("optical", "read", *files, "--note", tmp_path / "x.note").exit_code == 2


def test_a_video_without_a_patch(small_video):
    done = call_station("optical", "read", small_video)
    assert done.exit_code == 1
    assert "No blinking patch" in done.stdout


def test_what_is_no_clip(parts, tmp_path):
    whole = clip_of(parts)
    cases = {
        "empty": b"",
        "text": b"hello" * 1000,
        "cut": whole[: len(whole) // 2],
        "packed": clip_of(parts, method=zipfile.ZIP_DEFLATED),
        "damaged": whole.replace(parts[0][:200], b"\0" * 200),
        "other": whole.replace(b'"origin"', b'"nothin"'),
    }
    with zipfile.ZipFile(tmp_path / "none.zip", "w") as archive:
        archive.writestr("a.txt", "a")
    for name, data in cases.items():
        (tmp_path / f"{name}.zip").write_bytes(data)
    for name in [*cases, "none"]:
        assert isinstance(call_station("optical", "read", tmp_path / f"{name}.zip").exception, NotReadableError), name
