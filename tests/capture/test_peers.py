"""Real footage over real servers: GStreamer's and the farm's, recorded and judged by ffmpeg."""

import asyncio
import contextlib
import json
from itertools import pairwise

import pytest
from tests.capture.keeping import KeepingSink

from aigaq.base import SystemClock
from aigaq.capture import Recorder, Source
from aigaq.capture.farm import load_video

pytestmark = pytest.mark.peer


async def record(url, segments):
    sink = KeepingSink()
    task = asyncio.create_task(Recorder(Source(url), sink, clock=SystemClock()).run())
    try:
        async with asyncio.timeout(30):
            while len(sink.segments) < segments:
                await asyncio.sleep(0.05)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    return sink


def judged(sink, path, ffprobe, ffmpeg):
    path.write_bytes(sink.file())
    shown = json.loads(ffprobe("-count_frames", "-show_streams", "-of", "json", path))["streams"][0]
    assert int(shown["nb_read_frames"]) == sum(s.end.frames for s in sink.segments)
    assert ffmpeg("-i", path, "-f", "null", "-") == ""
    assert abs(float(shown["start_time"]) - sink.segments[0].end.start / 90_000) < 0.001
    ends = [s.end for s in sink.segments]
    assert all(a.start + a.duration == b.start for a, b in pairwise(ends))
    return shown


@pytest.mark.parametrize("name", ["person_video", "street_video"])
async def test_gstreamer_serves_real_footage(name, request, gst_rtsp, ffprobe, ffmpeg, tmp_path):
    url = gst_rtsp({"cam": request.getfixturevalue(name)})["cam"]
    shown = judged(await record(url, 2), tmp_path / "out.mp4", ffprobe, ffmpeg)
    assert shown["codec_name"] == "h264"


async def test_gstreamer_serves_h265(hevc_video, gst_rtsp, ffprobe, ffmpeg, tmp_path):
    url = gst_rtsp({"cam": hevc_video}, codec="h265")["cam"]
    shown = judged(await record(url, 1), tmp_path / "out.mp4", ffprobe, ffmpeg)
    assert shown["codec_name"] == "hevc"


@pytest.mark.parametrize("name", ["street_video", "bframe_video"])
async def test_the_farm_serves_real_footage_and_b_frames(name, request, farm, ffprobe, ffmpeg, tmp_path):
    farm.add("cam", load_video(request.getfixturevalue(name)))
    sink = await record(farm.url("cam"), 2)
    path = tmp_path / "out.mp4"
    path.write_bytes(sink.file())
    shown = json.loads(ffprobe("-count_frames", "-show_streams", "-of", "json", path))["streams"][0]
    assert int(shown["nb_read_frames"]) == sum(s.end.frames for s in sink.segments)
    assert ffmpeg("-i", path, "-f", "null", "-") == ""
