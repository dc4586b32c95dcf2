"""The bytes of init and media segments, judged by ffprobe, ffmpeg and PyAV."""

import hashlib
import io
import json
from dataclasses import replace

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.capture.bits import Sps, Sps265
from tests.capture.boxes import boxes, fragments, payload, reference_time, top_level

from aigaq.capture.adapter import _Reader
from aigaq.capture.errors import BadParameterSetsError
from aigaq.capture.fmp4 import NTP_OF_CAMERA, Sample, fragment, init_segment, segment_head
from aigaq.capture.parameters import ParameterSets
from aigaq.capture.timeline import DecodeOrder

S = 90_000
START = 1_800_000_000 * S + 12_345
H264 = ParameterSets("h264", (Sps(profile=100).nal(),), (b"\x68\xce\x38\x80",))
H265 = ParameterSets("h265", (Sps265().nal(),), (b"\x44\x01\xc1",), (b"\x40\x01\x0c",))


def units_of(path):
    with av.open(str(path)) as opened:
        reader = _Reader(opened)
        return [u for packet in opened.demux(reader.stream) for u in reader.units(packet)]


def samples_of(path):
    units = units_of(path)
    order = DecodeOrder()
    order.depth = 2
    settled = [item for u in units for item in order.push(u.timestamp, u)] + order.drain()
    init = init_segment(units[0].sets)
    ends = [d for d, _, _ in settled[1:]] + [settled[-1][0] + 9000]
    rows = zip(settled, ends, strict=True)
    return init, [Sample(START + d, e - d, p - d, u.data, u.key, 0, False, None, init) for (d, p, u), e in rows]


def file_of(path):
    init, samples = samples_of(path)
    parts = [b"".join(fragment(n + 1, samples[n * 5 : n * 5 + 5])) for n in range(len(samples) // 5)]
    return init, samples, init.data + segment_head(START, 5 << 32, NTP_OF_CAMERA) + b"".join(parts)


@pytest.mark.parametrize("name", ["small_video", "bframe_video", "hevc_video", "person_video"])
def test_real_video_is_clean_for_ffprobe_and_decodes_whole(name, request, ffprobe, ffmpeg, tmp_path):
    source = request.getfixturevalue(name)
    init, samples, data = file_of(source)
    path = tmp_path / "out.mp4"
    path.write_bytes(data)
    shown = json.loads(ffprobe("-count_frames", "-show_streams", "-of", "json", path))["streams"][0]
    assert (shown["width"], shown["height"]) == (init.width, init.height)
    assert int(shown["nb_read_frames"]) == len(samples) // 5 * 5
    # FFmpeg shifts a track with negative composition offsets by the most negative one, here a frame
    late = max(0, -min(x.offset for x in samples)) / S
    assert float(shown["start_time"]) == pytest.approx(START / S + late, abs=0.001)
    assert ffmpeg("-i", path, "-f", "null", "-") == ""
    with av.open(io.BytesIO(data)) as opened:
        frames = list(opened.decode(video=0))
    with av.open(str(source)) as opened:
        originals = list(opened.decode(video=0))[: len(frames)]
    assert [bytes(f.planes[0]) for f in frames] == [bytes(f.planes[0]) for f in originals]
    assert [f.pts for f in frames] == sorted(f.pts for f in frames)


def test_every_nal_unit_is_kept(small_video):
    init, samples, data = file_of(small_video)
    assert sum(b - a for k, a, b in boxes(data) if k == b"mdat") == sum(len(s.data) for s in samples)
    assert hashlib.sha256(init.data).digest() == init.sha256


@pytest.mark.parametrize(
    ("sets", "entry", "configuration"),
    [
        (H264, b"avc1", b"avcC"),
        (replace(H264, in_band=True), b"avc3", b"avcC"),
        (H265, b"hvc1", b"hvcC"),
        (replace(H265, in_band=True), b"hev1", b"hvcC"),
    ],
)
def test_sample_entries(sets, entry, configuration):
    init = init_segment(sets)
    assert top_level(init.data) == [b"ftyp", b"moov"]
    described = payload(init.data, b"stsd")
    assert described[12:16] == entry
    assert configuration in described
    assert all(nal in described for nal in (*sets.sps, *sets.pps, *sets.vps))
    assert init.codec.startswith(entry.decode())


def test_the_same_sets_give_the_same_bytes():
    assert init_segment(H264) == init_segment(replace(H264))
    assert init_segment(H264).sha256 != init_segment(replace(H264, in_band=True)).sha256


@pytest.mark.parametrize(
    "sets",
    [
        ParameterSets("h264"),
        replace(H264, pps=()),
        replace(H265, vps=()),
        replace(H264, sps=(b"\x67",)),
        replace(H265, sps=(b"\x42\x01\x01",)),
    ],
)
def test_incomplete_sets_give_no_init(sets):
    with pytest.raises(BadParameterSetsError):
        init_segment(sets)


@given(
    st.lists(
        st.tuples(
            st.integers(1, 2**31),
            st.integers(-(2**30), 2**30) | st.just(0),
            st.binary(min_size=1, max_size=50),
            st.booleans(),
        ),
        min_size=1,
        max_size=20,
    ),
    st.integers(0, 2**62),
)
def test_a_fragment_reads_back(rows, start):
    samples = [Sample(start, d, o, data, key, 0, False, None, init_segment(H264)) for d, o, data, key in rows]
    data = b"".join(fragment(7, samples))
    ((time, found),) = fragments(data)
    assert time == start
    assert [(d, size, offset) for d, size, _, offset in found] == [(d, len(x), o) for d, o, x, _ in rows]
    assert [f == 0x02000000 for _, _, f, _ in found] == [key for *_, key in rows]
    assert payload(data, b"mdat") == b"".join(x for _, _, x, _ in rows)
    moof = next(b for k, _, b in boxes(data) if k == b"moof")
    offset = int.from_bytes(payload(data, b"trun")[8:12], "big")
    assert data[offset : offset + len(rows[0][2])] == rows[0][2]
    assert offset == moof + 8


def test_reference_time():
    assert reference_time(segment_head(START, 9 << 32, 4)) == (4, 9 << 32, START)
