"""Files, pushed streams and odd cameras through PyAV, end to end."""

import asyncio
import contextlib
import io
import shutil

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.capture.boxes import fragments
from tests.capture.keeping import KeepingSink

from aigaq.base import SystemClock
from aigaq.capture import Recorder, Source
from aigaq.capture.adapter import _from_avcc, _from_hvcc, input_for, nal_units
from aigaq.capture.errors import BadAddressError
from aigaq.capture.farm import load_video
from aigaq_verify import GapCause

CLOCK = SystemClock()


async def record(url, enough, seconds=25, username="", password=""):
    """Record until `enough(sink)`, then leave."""
    sink = KeepingSink()
    task = asyncio.create_task(Recorder(Source(url, username, password), sink, clock=CLOCK).run())
    try:
        async with asyncio.timeout(seconds):
            while not enough(sink):
                await asyncio.sleep(0.05)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    return sink


@pytest.mark.parametrize("name", ["hevc_video", "bframe_video", "person_video"])
async def test_a_file_is_played_at_its_own_pace(name, request):
    sink = await record(str(request.getfixturevalue(name)), lambda s: s.segments)
    segment = sink.segments[0]
    assert segment.end.duration >= 1.8 * 90_000
    with av.open(io.BytesIO(segment.init.data + segment.data)) as opened:
        assert sum(1 for _ in opened.decode(video=0)) == segment.end.frames
    assert sink.stops == []
    rows = [r for _, part in fragments(segment.data) for r in part]
    assert any(r[3] for r in rows) == (name == "bframe_video")


async def test_the_end_of_a_file_is_a_gap_and_it_begins_again(hevc_video):
    sink = await record(str(hevc_video), lambda s: s.stops and s.open)
    ((cause, detail),) = sink.stops
    assert (cause, detail.split(":")[0]) == (GapCause.NO_CONNECT, "capture.source_ended")
    assert sum(s.end.frames for s in sink.segments[:2]) == 40, "nothing of the file is lost"


async def test_a_pushed_stream(small_video, unused_tcp_port):
    url = f"rtmp://127.0.0.1:{unused_tcp_port}/live/cam"

    async def push():
        await asyncio.sleep(0.7)
        words = ["-v", "error", "-re", "-i", str(small_video), "-c", "copy", "-f", "flv", url]
        process = await asyncio.create_subprocess_exec(shutil.which("ffmpeg"), *words, stdin=asyncio.subprocess.DEVNULL)
        try:
            await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    pusher = asyncio.create_task(push())
    try:
        sink = await record(url, lambda s: s.segments)
    finally:
        pusher.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await pusher
    assert (sink.inits[0].width, sink.inits[0].height) == (640, 360)


async def test_an_odd_camera_through_ffmpeg(farm, small_video):
    farm.add("cam", load_video(small_video), username="u", password="p@")
    url = farm.url("cam").replace("rtsp://", "rtsp+av://")
    sink = await record(url, lambda s: s.segments, username="u", password="p@")
    assert sink.inits[0].width == 640


@pytest.mark.parametrize(("words", "code"), [("nothing.mp4", "source_failed"), ("text.mp4", "source_failed")])
async def test_what_cannot_be_read(words, code, tmp_path):
    (tmp_path / "text.mp4").write_text("this is no video")
    sink = await record(str(tmp_path / words), lambda s: s.stops)
    assert sink.stops[0][1].startswith(f"capture.{code}")


async def test_a_file_without_usable_video(tmp_path):
    for codec, name, code in (("mpeg4", "old.mp4", "unsupported_codec"), ("pcm_s16le", "sound.wav", "no_video")):
        with av.open(str(tmp_path / name), "w") as out:
            if codec == "mpeg4":
                stream = out.add_stream(codec, rate=5)
                stream.width, stream.height = 64, 48
                out.mux(stream.encode(av.VideoFrame(64, 48, "yuv420p")))
            else:
                stream = out.add_stream(codec, rate=8000)
                frame = av.AudioFrame("s16", "mono", 160)
                frame.sample_rate = 8000
                out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
        sink = await record(str(tmp_path / name), lambda s: s.stops)
        assert sink.stops[0][1].startswith(f"capture.{code}")


async def test_a_list_of_files_opens_nothing_else(tmp_path, small_video):
    path = tmp_path / "list.m3u8"
    path.write_text(
        f"#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\nhttp://127.0.0.1:1/{small_video.name}\n#EXT-X-ENDLIST\n"
    )
    sink = await record(str(path), lambda s: s.stops)
    assert sink.inits == []


def test_passwords_go_into_the_address_only_for_ffmpeg():
    given_ = input_for(Source("rtsp+av://cam/x", "u@", "p:/"))
    assert given_.address == "rtsp://u%40:p%3A%2F@cam/x"
    with pytest.raises(BadAddressError) as caught:
        input_for(Source("gopher://u:secret@cam/x"))
    assert "secret" not in str(caught.value)


def test_nal_units_after_lengths_and_start_codes():
    nals = [b"\x67abc", b"\x65" + b"x" * 300]
    for size in (1, 2, 4):
        short = nals[:1] if size == 1 else nals
        assert list(nal_units(b"".join(len(n).to_bytes(size, "big") + n for n in short), size)) == short
    assert list(nal_units(b"\0\0\0\1" + nals[0] + b"\0\0\1" + nals[1], 0)) == nals


@given(st.binary(max_size=200), st.sampled_from([0, 1, 2, 4]))
def test_any_packet_and_extradata_are_read(data, size):
    assert all(nal_units(data, size))
    for read in (_from_avcc, _from_hvcc):
        for extra in (data, b"\1" + data):
            length, _ = read(extra)
            assert 0 <= length <= 4
