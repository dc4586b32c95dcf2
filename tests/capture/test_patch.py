"""The blinking patch: found in compressed video among people and noise without being told where."""

import hashlib
import io

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aigaq.capture.patch import (
    BITS,
    SLOT_MS,
    NotReadableError,
    PatchReading,
    bright_at,
    expected_bits,
    find_and_decode,
    frames_of,
    judge,
    slots_of,
    wrong_bits,
)
from aigaq.capture.patch_code import SYNC, Box

MINUTE = 30_000_000
FRAME = expected_bits(hashlib.sha256(b"note").digest(), "log.example/e1/s/s1", MINUTE)
W, H = 320, 180
SIDE = 6


def room(seed: int, n: int, fps: float) -> np.ndarray:
    """A drawn room: furniture, two people who walk, exposure that breathes, sensor noise."""
    dice = np.random.default_rng([seed, n])
    steady = np.random.default_rng(seed)
    picture = np.kron(steady.integers(40, 200, (H // 20, W // 20)), np.ones((20, 20)))
    seconds = n / fps
    for person in range(2):
        x = round(W / 2 + W / 3 * np.sin(seconds / (3 + person)))
        picture[100:170, max(0, x - 10) : x + 10] = 70 + 50 * person
    return picture * (1 + 0.08 * np.sin(seconds / 4)) + dice.normal(0, 2, picture.shape)


def film(seed=0, *, fps=10, seconds=62.0, delay_ms=200, start_ms=0, amplitude=12, frame=FRAME, at=(90, 60)) -> bytes:
    """An H.264 film of the room at 250 kb/s; its time begins at `start_ms` of the minute."""
    out = io.BytesIO()
    left, top = at
    with av.open(out, "w", format="mp4", options={"movflags": "frag_keyframe+empty_moov"}) as container:
        rules = {
            "preset": "veryfast",
            "maxrate": "250k",
            "bufsize": "250k",
            "x264-params": f"keyint={2 * fps}:bframes=0",
        }
        stream = container.add_stream("libx264", rate=fps, options=rules)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = W, H, "yuv420p", 250_000
        stream.codec_context.thread_count = 1
        for n in range(round(seconds * fps)):
            picture = room(seed, n, fps)
            shown_ms = MINUTE * 60_000 + start_ms + n * 1000 // fps - delay_ms
            if frame is not None:
                bright = shown_ms // 60_000 == MINUTE and bright_at(frame, shown_ms)
                picture[top : top + SIDE, left : left + SIDE] = 110 + (amplitude if bright else -amplitude)
            gray = av.VideoFrame.from_ndarray(np.clip(picture, 0, 255).astype(np.uint8), format="gray")
            container.mux(stream.encode(gray.reformat(format="yuv420p")))
        container.mux(stream.encode(None))
    return out.getvalue()


def seen(film: bytes, start_ms: int = 0) -> list[PatchReading]:
    begin = MINUTE * 60_000 + start_ms
    return find_and_decode((begin + ms, picture) for ms, picture in frames_of(io.BytesIO(film)))


@pytest.mark.parametrize(("seed", "fps", "delay_ms"), [(1, 10, 200), (2, 8, 700), (3, 25, 0)])
def test_a_patch_of_six_pixels_is_found_and_read(seed, fps, delay_ms):
    (reading,) = seen(film(seed, fps=fps, delay_ms=delay_ms, at=(40 + 31 * seed, 20 + 17 * seed)))
    assert reading.minute == MINUTE
    assert wrong_bits(reading.bits, FRAME) <= 1
    assert abs(reading.delay_ms - delay_ms) <= 250
    box = reading.box
    assert abs(box.left - (40 + 31 * seed)) <= 4
    assert abs(box.top - (20 + 17 * seed)) <= 4
    assert max(box.width, box.height) <= 12


def test_a_room_without_a_patch_says_nothing():
    assert seen(film(4, frame=None)) == []


def test_a_loop_shows_the_bits_of_another_time():
    other = expected_bits(hashlib.sha256(b"yesterday's note").digest(), "log.example/e1/s/s1", MINUTE)
    judged = judge(seen(film(5, frame=other)), FRAME, MINUTE)
    assert judged.reading is not None
    assert judged.wrong > 15
    assert not judged.matched


def test_a_minute_of_which_a_little_lacks():
    whole = list(frames_of(io.BytesIO(film(6))))
    begin = MINUTE * 60_000
    (reading,) = find_and_decode((begin + ms, picture) for ms, picture in whole if ms > 6_000)
    assert wrong_bits(reading.bits, FRAME) <= 1
    (reading,) = find_and_decode((begin + ms, picture) for ms, picture in whole if not 36_000 < ms < 40_000)
    assert wrong_bits(reading.bits, FRAME) <= 1
    assert find_and_decode((begin + ms, picture) for ms, picture in whole if ms > 20_000) == []


def test_bytes_that_are_no_video():
    with pytest.raises(NotReadableError):
        list(frames_of(io.BytesIO(b"no video at all")))


def test_no_frames_and_odd_frames():
    assert find_and_decode([]) == []
    tiny = np.zeros((2, 2), np.uint8)
    black = np.zeros((H, W), np.uint8)
    start = MINUTE * 60_000
    assert find_and_decode((start + 100 * n, tiny if n % 3 else black) for n in range(700)) == []
    assert find_and_decode((start + 100 * n, black) for n in range(700)) == []
    assert find_and_decode((start - 100 * n, black) for n in range(700)) == []
    assert find_and_decode((start + 600_000 * n, black) for n in range(20)) == []


@given(st.binary(min_size=32, max_size=32), st.integers(0, 10**8))
def test_the_frame_is_its_own_opposite_later(note_hash, minute):
    frame = expected_bits(note_hash, "log.example/e1/s/s1", minute)
    slots = slots_of(frame)
    assert len(frame) == 8
    assert slots[:4] == SYNC
    assert len(slots) * SLOT_MS == 60_000
    assert all(a != b for a, b in zip(slots[:56], slots[64:], strict=True))
    digest = hashlib.sha256(b"aigaq/optical/v1\n" + note_hash + b"log.example/e1/s/s1" + str(minute).encode()).digest()
    assert "".join(map(str, slots[4:64])) == f"{int.from_bytes(digest):0256b}"[:BITS]


def test_frozen_bits():
    """What the page of a box shows and what a reader expects must never drift apart."""
    assert expected_bits(bytes(32), "log.example/e1/s/s1", 30_000_000).hex() == FROZEN


FROZEN = "d7a1e27c98087cd1"


@settings(max_examples=50)
@given(st.binary(min_size=8, max_size=8), st.binary(min_size=8, max_size=8))
def test_judgement(a, b):
    reading = PatchReading(7, a, 0, Box(0, 0, 3, 3), 0)
    judged = judge([reading, PatchReading(8, b, 0, Box(0, 0, 3, 3), 0)], b, 7)
    assert judged.wrong == wrong_bits(a, b) == sum((x ^ y).bit_count() for x, y in zip(a, b, strict=True))
    assert judged.matched == (judged.wrong <= 6)
    assert judge([], b, 7).wrong == BITS
    assert not judge([], b, 7).matched
