"""Parameter sets: real encoders', written ones, and those that lie."""

import json

import av
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.capture.bits import Bits, Sps, Sps265

from aigaq.capture.adapter import _from_avcc, _from_hvcc
from aigaq.capture.errors import BadParameterSetsError
from aigaq.capture.parameters import ParameterSets, codec_string, picture

SIDES = st.integers(1, 120)


@pytest.mark.parametrize("name", ["small_video", "main_video", "bframe_video", "person_video", "hevc_video"])
def test_real_encoders_against_ffprobe(name, request, ffprobe):
    path = request.getfixturevalue(name)
    shown = json.loads(ffprobe("-show_entries", "stream=width,height,has_b_frames", "-of", "json", path))["streams"][0]
    with av.open(str(path)) as opened:
        context = opened.streams.video[0].codec_context
        read, codec = (_from_hvcc, "h265") if context.name == "hevc" else (_from_avcc, "h264")
        length, sets = read(bytes(context.extradata))
    assert length == 4
    assert sets.complete
    found = picture(codec, sets.sps[0])
    assert (found.width, found.height) == (shown["width"], shown["height"])
    assert found.reorder == shown["has_b_frames"] or found.reorder is None or not shown["has_b_frames"]


@given(
    st.builds(
        Sps,
        profile=st.sampled_from([66, 77, 100]),
        mbs=st.tuples(SIDES, SIDES),
        frames_only=st.integers(0, 1),
        order=st.integers(0, 2),
        chroma=st.integers(0, 3),
        scaling=st.booleans(),
        crop=st.tuples(*[st.integers(0, 1)] * 4),
        reorder=st.none() | st.integers(0, 4),
        tick=st.none() | st.just((1, 50)),
        hrd=st.booleans(),
        identity=st.integers(0, 31),
    )
)
def test_every_field_is_where_the_standard_puts_it(sps):
    found = picture("h264", sps.nal())
    chroma = sps.chroma if sps.profile == 100 else 1
    across = 2 if chroma in {1, 2} else 1
    down = (2 - sps.frames_only) * (2 if chroma == 1 else 1)
    left, right, top, bottom = sps.crop
    assert found.width == 16 * sps.mbs[0] - across * (left + right)
    assert found.height == 16 * sps.mbs[1] * (2 - sps.frames_only) - down * (top + bottom)
    assert found.reorder == (0 if sps.profile == 66 or sps.order == 2 else sps.reorder)
    assert found.chroma == chroma


@given(
    st.builds(
        Sps265,
        width=st.integers(16, 4000),
        height=st.integers(16, 4000),
        crop=st.tuples(*[st.integers(0, 3)] * 4),
        sublayers=st.integers(0, 6),
        present=st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), max_size=6).map(tuple),
        reorder=st.integers(0, 4),
        bits=st.sampled_from([(0, 0), (2, 2)]),
    )
)
def test_h265(sps):
    found = picture("h265", sps.nal())
    left, right, top, bottom = sps.crop
    assert (found.width, found.height) == (sps.width - 2 * (left + right), sps.height - 2 * (top + bottom))
    assert (found.reorder, found.luma_bits, found.sublayers) == (sps.reorder, 8 + sps.bits[0], sps.sublayers + 1)


def test_codec_names():
    sps = Sps(profile=100).nal()
    assert codec_string(ParameterSets("h264", (sps,), in_band=True)) == "avc3.64001f"
    assert codec_string(ParameterSets("h264", (sps,))) == "avc1.64001f"
    # ISO/IEC 14496-15 §E.3: the flags reversed, trailing zero bytes left out
    assert codec_string(ParameterSets("h265", (Sps265().nal(),))) == "hvc1.1.6.L93.90"


@pytest.mark.parametrize(
    "sps",
    [
        Sps(mbs=(10**9, 10**9)).nal(),
        Sps(mbs=(1, 1), crop=(500, 500, 0, 0)).nal(),
        Sps(mbs=(1025, 2)).nal(),
        b"\x67" + Bits().u(24, 0).payload(),
        b"\x67" + bytes(3000),
        b"\x67" + b"\xff" * 5000,
        b"\x67",
        b"",
        b"\x67" + Bits().u(24, 0x4D001F).ue(0, 0, 1).u(1, 0).se(0, 0).ue(2**31).payload(),
    ],
)
def test_lies_are_refused(sps):
    with pytest.raises(BadParameterSetsError):
        picture("h264", sps)


def test_a_broken_vui_says_nothing():
    whole = Sps(reorder=2, tick=(1, 50)).nal()
    found = picture("h264", whole[:-6])
    assert (found.width, found.reorder) == (640, None)


@given(st.sampled_from(["h264", "h265"]), st.binary(max_size=300))
@example("h264", b"\x67\x4d\0\x1f" + b"\0" * 30)
def test_any_bytes_are_a_picture_or_refused(codec, data):
    try:
        found = picture(codec, data)
    except BadParameterSetsError:
        return
    assert 0 < found.width <= 16_384
    assert 0 < found.height <= 16_384
