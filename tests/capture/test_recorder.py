"""The recorder on real sockets: the farm's cameras with their faults, and peers that are no cameras at all."""

import asyncio
import contextlib
import json
import random

import pytest
import uvloop
from tests.capture.boxes import fragments
from tests.capture.keeping import KeepingSink

from aigaq.base import SystemClock
from aigaq.capture import Recorder, Source, StreamState
from aigaq.capture.farm import Farm, Faults, load_video
from aigaq_verify import Flag, GapCause

S = 90_000
CLOCK = SystemClock()


@pytest.fixture(scope="module")
def video(small_video):
    return load_video(small_video)


@contextlib.asynccontextmanager
async def recording(url, username="", password=""):
    """A recorder at work; leaves when the test is done."""
    sink = KeepingSink()
    recorder = Recorder(Source(url, username, password), sink, clock=CLOCK, rng=random.Random(1))
    task = asyncio.create_task(recorder.run())
    try:
        yield recorder, sink
        assert not task.done(), "a recorder never ends by itself"
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(condition, seconds=20):
    """Wait for what must come."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


def parts(sink):
    return sum(len(s.parts) for s in sink.segments) + (len(sink.open.parts) if sink.open else 0)


def tiled(sink):
    return all(
        a.end.start + a.end.duration == b.end.start for a, b in zip(sink.segments, sink.segments[1:], strict=False)
    )


async def test_a_camera_with_a_password(farm, video, ffprobe, ffmpeg, tmp_path):
    farm.add("cam", video, username="admin", password='p"w', faults=Faults(auth="sha256", nonce_uses=2))
    before = CLOCK.utc_ns() / 1e9
    async with recording(farm.url("cam"), "admin", 'p"w') as (recorder, sink):
        await until(lambda: len(sink.segments) >= 2)
        health = recorder.health
    assert (health.state, health.width, health.height, health.rtp_lost) == (StreamState.RECORDING, 640, 360, 0)
    assert health.codec.startswith("avc3.")
    assert health.fps == pytest.approx(10, abs=4)
    assert health.bit_rate > 0
    assert sink.stops == []
    assert tiled(sink)
    assert sink.open is None, "what was open is closed when the recorder leaves"
    first = sink.segments[0].end
    assert before - 3 < first.start / S < before + 3
    assert first.camera_clock is None or abs(first.camera_clock.ntp_ms - first.camera_clock.box_ms) < 1000
    path = tmp_path / "out.mp4"
    path.write_bytes(sink.file())
    shown = json.loads(ffprobe("-count_frames", "-show_streams", "-of", "json", path))["streams"][0]
    assert int(shown["nb_read_frames"]) == sum(s.end.frames for s in sink.segments)
    assert ffmpeg("-i", path, "-f", "null", "-") == ""


@pytest.mark.parametrize("auth", ["md5", "md5-qop", "basic", "any"])
async def test_every_kind_of_password(farm, video, auth):
    farm.add("cam", video, username="u", password="p", faults=Faults(auth=auth))
    async with recording(farm.url("cam"), "u", "p") as (_, sink):
        await until(lambda: parts(sink))


async def test_a_wrong_password(farm, video):
    farm.add("cam", video, username="u", password="p")
    async with recording(farm.url("cam"), "u", "wrong") as (recorder, sink):
        await until(lambda: sink.stops)
        assert recorder.health.state is StreamState.STOPPED
    ((cause, detail),) = sink.stops
    assert (cause, detail.split(":")[0]) == (GapCause.NO_CONNECT, "capture.unauthorized")
    assert "wrong" not in detail
    assert farm.counts("cam")["DESCRIBE"] <= 2, "accounts must not be locked by our trying"


@pytest.mark.parametrize(
    ("faults", "code"),
    [
        (Faults(refuse=404), "capture.stream_not_found"),
        (Faults(refuse=503), "capture.refused"),
        (Faults(sdp="audio_only"), "capture.no_video"),
        (Faults(sdp="unknown_codec"), "capture.unsupported_codec"),
        (Faults(sdp="garbage"), "capture.unsupported_codec"),
    ],
)
async def test_a_camera_that_cannot_be_recorded(farm, video, faults, code):
    farm.add("cam", video, faults=faults)
    async with recording(farm.url("cam")) as (recorder, sink):
        await until(lambda: sink.stops)
        assert recorder.health.last_error == code
    assert (sink.stops[0][0], sink.stops[0][1].split(":")[0]) == (GapCause.NO_CONNECT, code)
    assert parts(sink) == 0


async def test_nobody_there_and_then_somebody(farm, video, unused_tcp_port):
    async with recording(f"rtsp://127.0.0.1:{unused_tcp_port}/cam") as (_, sink):
        await until(lambda: sink.stops)
        assert sink.stops[0][1].startswith("capture.unreachable")
        server = await asyncio.start_server(lambda _, w: w.close(), "127.0.0.1", unused_tcp_port)
        async with server:
            await until(lambda: True)
    assert [c for c, _ in sink.stops] == [GapCause.NO_CONNECT]


async def test_a_dropped_connection_is_a_gap_and_comes_back(farm, video):
    farm.add("cam", video)
    async with recording(farm.url("cam")) as (recorder, sink):
        await until(lambda: parts(sink))
        farm.hang_up("cam")
        await until(lambda: sink.stops)
        assert recorder.health.last_error == "capture.closed"
        kept = len(sink.segments)
        await until(lambda: len(sink.segments) > kept)
    assert [c for c, _ in sink.stops] == [GapCause.NO_CONNECT]
    assert sink.segments[kept].end.start >= sink.segments[kept - 1].end.start + sink.segments[kept - 1].end.duration


@pytest.mark.parametrize("fault", ["freeze", "stall"])
async def test_silence_opens_a_gap_and_then_a_new_connection_is_tried(farm, video, fault):
    farm.add("cam", video)
    async with recording(farm.url("cam")) as (recorder, sink):
        await until(lambda: parts(sink))
        farm.change_faults("cam", **{fault: True})
        await until(lambda: sink.stops)
        assert sink.stops[0][0] is GapCause.NO_RTP
        assert sink.open is None
        assert recorder.health.last_frame_age_ms > 1900
        sessions = farm.counts("cam")["sessions"]
        if fault == "freeze":
            await until(lambda: farm.counts("cam")["sessions"] > sessions)
        kept = len(sink.segments)
        farm.change_faults("cam", **{fault: False})
        await until(lambda: len(sink.segments) > kept)
    assert {c for c, _ in sink.stops} <= {GapCause.NO_RTP, GapCause.NO_CONNECT}


async def test_loss_is_counted_and_nothing_is_concealed(farm, video, tmp_path):
    farm.add("cam", video, faults=Faults(loss=0.05, seed=3))
    async with recording(farm.url("cam")) as (recorder, sink):
        await until(lambda: len(sink.segments) >= 2 and recorder.health.rtp_lost > 5)
        lost = recorder.health.rtp_lost
        # the farm counts packets that it has yet to number past
        assert lost <= farm.counts("cam")["lost"]
    assert sum(s.end.lost_packets for s in sink.segments) <= farm.counts("cam")["lost"]
    assert any(Flag.RTP_LOSS in s.end.flags for s in sink.segments)
    assert tiled(sink)


HARMLESS = {
    "wraps": Faults(first_timestamp=2**32 - 2 * S, first_sequence=65_500),
    "frames stamped hours away": Faults(outlier_every=7),
    "garbage between packets": Faults(garbage=0.2, seed=5),
    "sets only in the description": Faults(in_band=False),
    "sets only in the stream": Faults(sprop=False),
    "454 to GET_PARAMETER": Faults(session_timeout=2, get_parameter=454),
    "wrong CSeq": Faults(session_timeout=2, cseq_offset=7),
    "stray replies": Faults(session_timeout=2, stray_reply_every=0.3),
}


async def test_what_must_not_break_a_recording(farm, video):
    """Side by side, because each takes as long as its video."""
    async with contextlib.AsyncExitStack() as stack:
        seen = {}
        for number, (name, faults) in enumerate(HARMLESS.items()):
            farm.add(f"cam-{number}", video, faults=faults)
            seen[name] = await stack.enter_async_context(recording(farm.url(f"cam-{number}")))
        await until(lambda: all(len(sink.segments) >= 2 for _, sink in seen.values()))
        for number, (name, (recorder, sink)) in enumerate(seen.items()):
            counts = farm.counts(f"cam-{number}")
            assert sink.stops == [], name
            assert tiled(sink), name
            assert counts["sessions"] == 1, name
            if HARMLESS[name].session_timeout == 2:
                assert counts["GET_PARAMETER"] + counts["OPTIONS"] > 3, name
            if HARMLESS[name].garbage == 0:
                assert recorder.health.rtp_lost == 0, name
                durations = [r[0] for s in sink.segments for _, rows in fragments(s.data) for r in rows]
                assert max(durations) < 3 * S // 10, name
    assert seen["sets only in the description"][1].inits[0].codec.startswith("avc1")
    assert seen["sets only in the stream"][1].inits[0].codec.startswith("avc3")


async def test_changing_parameter_sets(farm, video, other_size_video):
    farm.add("cam", video, faults=Faults(alternate=load_video(other_size_video)))
    async with recording(farm.url("cam")) as (_, sink):
        await until(lambda: len(sink.segments) >= 4)
    assert {i.width for i in sink.inits} == {640, 480}
    assert len({i.sha256 for i in sink.inits}) == 2
    assert tiled(sink)
    assert sink.stops == []


async def test_no_key_frame(farm, video):
    farm.add("cam", video, faults=Faults(no_idr_for=7.5))
    async with recording(farm.url("cam")) as (recorder, sink):
        await until(lambda: sink.stops)
        assert recorder.health.state is StreamState.WAITING
        await until(lambda: parts(sink))
    assert [c for c, _ in sink.stops] == [GapCause.NO_IDR]


async def test_many_cameras_share_one_loop(farm, video):
    for n in range(12):
        farm.add(f"cam-{n}", video, phase=n / 12)
    async with contextlib.AsyncExitStack() as stack:
        sinks = [(await stack.enter_async_context(recording(farm.url(f"cam-{n}"))))[1] for n in range(12)]
        farm.change_faults("cam-5", freeze=True)
        await until(lambda: all(s.segments for i, s in enumerate(sinks) if i != 5))
    assert all(not s.stops for i, s in enumerate(sinks) if i != 5)


# -- peers that are no cameras


@contextlib.asynccontextmanager
async def peer(*says, then_close=False):
    """Answers each request with the next of `says`; keeps silent when there is none."""

    async def talk(reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            for words in says:
                request = (await reader.readuntil(b"\r\n\r\n")).decode()
                cseq = request.partition("CSeq: ")[2].partition("\r\n")[0]
                writer.write(words.replace(b"CSEQ", cseq.encode()))
                await writer.drain()
            if not then_close:
                await reader.read()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def stop_of(port):
    async with recording(f"rtsp://127.0.0.1:{port}/x") as (_, sink):
        await until(lambda: sink.stops)
    return sink.stops[0][1].split(":")[0]


@pytest.mark.parametrize(
    ("says", "code"),
    [
        ([b"HTTP/1.1 400 Bad Request\r\n\r\n"], "capture.malformed"),
        ([b"\x15\x03\x01\x00\x02\x02\x46 this is TLS"], "capture.malformed"),
        ([b"RTSP/1.0 200 OK\r\nContent-Length: 4000000000\r\n\r\n"], "capture.malformed"),
        ([b"RTSP/1.0 200 OK\r\n" + b"X-Endless: 1\r\n" * 200_000], "capture.malformed"),
    ],
)
async def test_peers_that_are_no_cameras(says, code):
    async with peer(*says) as port:
        assert await stop_of(port) == code


async def test_a_peer_that_hangs_up():
    async with peer(b"RTSP/1.0 200 OK\r\nCSeq: CSEQ\r\n\r\n", then_close=True) as port:
        assert await stop_of(port) == "capture.closed"


async def test_redirects_without_end():
    server_port = 0

    async def talk(reader, writer):
        for status in ("200 OK", "302 Moved"):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(f"RTSP/1.0 {status}\r\nLocation: rtsp://127.0.0.1:{server_port}/again\r\n\r\n".encode())
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        server_port = server.sockets[0].getsockname()[1]
        assert await stop_of(server_port) == "capture.redirect_loop"


async def test_a_redirect_to_the_real_camera_keeps_the_password_at_home(farm, video):
    farm.add("cam", video, username="u", password="p")
    target = farm.url("cam").encode()
    async with (
        peer(b"RTSP/1.0 200 OK\r\nCSeq: CSEQ\r\n\r\n", b"RTSP/1.0 302 x\r\nLocation: " + target + b"\r\n\r\n") as port,
        recording(f"rtsp://127.0.0.1:{port}/x", "u", "p") as (_, sink),
    ):
        await until(lambda: parts(sink))
    async with (
        peer(b"RTSP/1.0 200 OK\r\nCSeq: CSEQ\r\n\r\n", b"RTSP/1.0 302 x\r\nLocation: " + target + b"\r\n\r\n") as port,
        recording(f"rtsp://localhost:{port}/x", "u", "p") as (_, sink),
    ):
        await until(lambda: sink.stops)
    assert sink.stops[0][1].startswith("capture.unauthorized")


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "rtsp://127.0.0.1:99999/", "rtsp://", "ftp://x/y"])
async def test_addresses_that_cannot_be(url):
    async with recording(url) as (_, sink):
        await until(lambda: sink.stops)
    assert sink.stops[0][1].startswith("capture.bad_address")


def test_the_same_on_the_loop_of_the_product(video):
    async def work():
        async with Farm(clock=CLOCK) as farm:
            farm.add("cam", video)
            async with recording(farm.url("cam")) as (_, sink):
                await until(lambda: sink.segments)
                farm.hang_up("cam")
                await until(lambda: sink.stops and sink.open)
            return sink

    sink = uvloop.run(work())
    assert [c for c, _ in sink.stops] == [GapCause.NO_CONNECT]
    assert sink.segments[0].end.duration >= 1.8 * S
