"""Cameras with a blinking patch are asked each minute; a loop and a screen that goes dark raise their alarms."""

import hashlib

import av
import numpy as np
import pytest
from archive_box import START, Center, Uplink, cut

from aigaq.archive.errors import UnknownCameraError
from aigaq.archive.model import StreamKey
from aigaq.capture import MINUTE_MS, expected_bits
from aigaq.capture.patch import bright_at
from aigaq_verify.records import Kind, decode_leaf

KEY = StreamKey("example-001", "observers", "sub")
MINUTE = START // MINUTE_MS
FPS = 8


@pytest.fixture
def center(tmp_path):
    return Center(tmp_path / "watched", witness=True, optical=["example-001/observers"])


def film(path, bits):
    """A minute of a room in which a small screen shows these bits, or stays dark."""
    dice = np.random.default_rng(1)
    room = np.kron(dice.integers(40, 200, (9, 16)), np.ones((20, 20)))
    rules = {"preset": "ultrafast", "x264-params": f"keyint={FPS}:min-keyint={FPS}:scenecut=0:bframes=0"}
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=FPS, options=rules)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        stream.codec_context.thread_count = 1
        for n in range(60 * FPS):
            room[60:72, 90:102] = 150 if bits and bright_at(bits, START + n * 1000 // FPS) else 110
            gray = np.clip(room + dice.normal(0, 2, room.shape), 0, 255).astype(np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(gray, format="gray").reformat(format="yuv420p")))
        out.mux(stream.encode(None))
    return cut(path)


async def record(uplink, center, minute, seconds=60):
    """A minute of that camera, sealed half a minute after its end."""
    await uplink.init()
    starts = range(START + minute * 60_000, START + minute * 60_000 + seconds * 1000, 6000)
    await uplink.send_all([uplink.box.segment(start, "observers", halves=12) for start in starts])
    center.clock.advance(60)
    assert (await uplink.checkpoint()).status_code == 200


async def asked(center, minute):
    """The answer of that minute, written down."""
    answer = await center.archive.optical.ask(KEY, MINUTE + minute)
    if answer:
        await center.archive.optical.tell(KEY, answer)
    return answer


async def test_a_live_camera_answers_a_loop_and_a_dark_screen_do_not(uplink, center, tmp_path):
    await center.feed()
    note = await uplink.witnessed()
    bits = expected_bits(hashlib.sha256(note).digest(), uplink.box.origin, MINUTE)
    uplink.box.reel = film(tmp_path / "patch.mp4", bits)
    await record(uplink, center, 0)
    answer = await asked(center, 0)
    assert (answer.matched, answer.wrong_bits, answer.response) == (True, 0, bits)
    assert await center.archive.alarms() == []

    await record(uplink, center, 1)  # the same minute of film again
    answer = await asked(center, 1)
    assert not answer.matched
    assert answer.response == bits
    assert [(a.station, a.code) for a in await center.archive.alarms()] == [("example-001", "archive.patch_wrong")]

    uplink.box.reel = film(
        tmp_path / "next.mp4", expected_bits(hashlib.sha256(note).digest(), uplink.box.origin, MINUTE + 2)
    )
    await record(uplink, center, 2)
    assert (await asked(center, 2)).matched

    uplink.box.reel = film(tmp_path / "dark.mp4", None)
    await record(uplink, center, 3)
    answer = await asked(center, 3)
    assert (answer.matched, answer.response, answer.wrong_bits) == (False, None, 60)
    codes = [a.code for a in await center.archive.alarms("example-001")]
    assert codes[0] == "archive.patch_silent"

    public = center.archive.logs.public
    leaves = [decode_leaf((await public.leaf_proof(i))[0]) for i in public.leaves_of("example-001", [Kind.CHALLENGE])]
    assert [(leaf["from_ms"] - START, leaf["wrong_bits"] <= 6) for leaf in leaves] == [
        (0, True), (60_000, False), (120_000, True), (180_000, False),
    ]  # fmt: skip
    assert {leaf["beacon_hash16"] for leaf in leaves} == {hashlib.sha256(note).digest()[:16]}


async def test_a_minute_with_little_footage_or_no_beacon_is_not_asked(uplink, center):
    await record(uplink, center, 0)
    assert await asked(center, 0) is None, "the box knew no witnessed checkpoint"
    await center.feed()
    await uplink.witnessed()
    await record(uplink, center, 1, seconds=18)
    assert await asked(center, 1) is None
    assert await asked(center, 5) is None


async def test_the_last_answers_are_known_again_after_a_start(center, make_box, tmp_path):
    async with center.serving() as http:
        uplink = Uplink(http, await make_box())
        await center.feed()
        await uplink.witnessed()
        await record(uplink, center, 0)
        answer = await asked(center, 0)
    again = Center(center.folder, center.clock, witness=True, optical=center.optical)
    async with again.open() as archive:
        await archive.optical.recall()
        assert archive.optical.answers == {("example-001", "observers"): answer}


def test_a_camera_that_is_not_in_the_register_is_a_mistake(tmp_path):
    with pytest.raises(UnknownCameraError):
        Center(tmp_path / "other", optical=["example-001/garage"])
