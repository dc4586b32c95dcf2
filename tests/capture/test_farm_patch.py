"""A screen that blinks in a farm's camera: what is sent decodes to the bits that were to be shown, at their time."""

import av
import pytest

from aigaq.base import ManualClock
from aigaq.capture.farm import Farm, FarmFaultError, FarmVideoError, Patch, film_patch, load_video
from aigaq.capture.farm.player import Camera, Player
from aigaq.capture.patch import Box, bright_at, expected_bits, find_and_decode, wrong_bits

MINUTE = 30_000_001
SECOND = 1_000_000_000
BOX = Box(500, 40, 24, 40)


@pytest.fixture(scope="module")
def twins(made_once, small_video):
    def write(lit):
        film_patch(small_video, lit.with_name("patch-dark.mp4"), lit, BOX)

    lit = made_once("patch-lit.mp4", write)
    return load_video(lit.with_name("patch-dark.mp4")), load_video(lit)


def pictures(chunks):
    """Decoded pictures of one 50 ms tick each, from RTP over TCP (RFC 2326 §10.12, RFC 6184 §5.6-5.8)."""
    decoder = av.CodecContext.create("h264", "r")
    unit = b""
    for utc_ms, chunk in chunks:
        for payload, marker in packets(chunk):
            kind, at = payload[0] & 0x1F, 1
            if kind == 28:
                start = bytes([payload[0] & 0xE0 | payload[1] & 0x1F]) if payload[1] & 0x80 else b""
                unit += (b"\0\0\0\1" + start if start else b"") + payload[2:]
            elif kind == 24:
                while at < len(payload):
                    size = int.from_bytes(payload[at : at + 2])
                    unit += b"\0\0\0\1" + payload[at + 2 : at + 2 + size]
                    at += 2 + size
            else:
                unit += b"\0\0\0\1" + payload
            if marker:
                for frame in decoder.decode(av.Packet(unit)):
                    yield utc_ms, frame.to_ndarray(format="gray")
                unit = b""


def packets(chunk):
    """Payloads of video packets and their markers; reports are passed over."""
    at = 0
    while at < len(chunk):
        size = int.from_bytes(chunk[at + 2 : at + 4])
        packet = chunk[at + 4 : at + 4 + size]
        if packet[1] & 0x7F == 96:
            yield packet[12:], packet[1] & 0x80
        at += 4 + size


def test_what_is_sent_says_the_bits_of_the_minute(twins):
    dark, lit = twins
    assert [f.key for f in dark.tracks[0].frames] == [n % 5 == 0 for n in range(len(dark.tracks[0].frames))]
    frame = expected_bits(bytes(32), "log.example/e1/s/s1", MINUTE)
    patch = Patch(lit, lambda utc_ms: utc_ms // 60_000 == MINUTE and bright_at(frame, utc_ms))
    camera = Camera("cam", dark, "", "", 0, True, patch=patch)
    utc, now = (MINUTE * 60 - 2) * SECOND + 123_456_789, 77 * SECOND
    camera.wake(now, utc)
    player = Player(camera, {0: 0}, monotonic_ns=now)

    def sent():
        for n in range(65 * 20):
            at = n * SECOND // 20
            yield (utc + at) // 1_000_000, b"".join(player.take(now + at, utc + at))

    (reading,) = find_and_decode(pictures(sent()))
    assert wrong_bits(reading.bits, frame) == 0
    assert reading.errors == 0
    assert abs(reading.delay_ms) <= 125
    assert abs(reading.box.left - BOX.left) <= 6
    assert abs(reading.box.width - BOX.width) <= 12


async def test_what_does_not_fit_is_refused(twins, small_video, hevc_video, tmp_path):
    farm = Farm(clock=ManualClock())
    with pytest.raises(FarmFaultError, match="patch"):
        farm.add("cam", load_video(small_video), patch=Patch(load_video(hevc_video), bool))
    with pytest.raises(FarmVideoError):
        film_patch(tmp_path / "nothing.mp4", tmp_path / "a.mp4", tmp_path / "b.mp4", BOX)


def test_a_rate_without_half_seconds_is_refused(made_once, tmp_path):
    def write(path):
        with av.open(str(path), "w") as out:
            stream = out.add_stream("libx264", rate=7)
            stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
            for _ in range(8):
                out.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
            out.mux(stream.encode(None))

    with pytest.raises(FarmVideoError, match="half a second"):
        film_patch(made_once("seven.mp4", write), tmp_path / "a.mp4", tmp_path / "b.mp4", BOX)
