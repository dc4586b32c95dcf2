"""The farm against real clients, and the peers that other tests stand on."""

import asyncio
import json

import pytest

from aigaq.capture.farm import Faults, load_video

pytestmark = pytest.mark.peer


async def pull(run, url, path, *words, seconds=2):
    quick = ["-analyzeduration", "300000", "-rtsp_transport", "tcp"]
    await asyncio.to_thread(run, *quick, "-i", url, "-t", seconds, *words, "-c", "copy", "-y", path)


def tracks(ffprobe, path):
    streams = json.loads(ffprobe("-show_streams", "-of", "json", path))["streams"]
    return {s["codec_name"]: s for s in streams}


@pytest.mark.parametrize("auth", ["md5", "md5-qop", "basic", "any"])
async def test_ffmpeg_plays_behind_each_kind_of_password(farm, small_video, ffmpeg, ffprobe, tmp_path, auth):
    farm.add("cam", load_video(small_video), faults=Faults(auth=auth), username="admin", password="s p:c")
    url = farm.url("cam").replace("://", "://admin:s%20p%3Ac@")
    await pull(ffmpeg, url, tmp_path / "got.mp4", seconds=1)
    assert tracks(ffprobe, tmp_path / "got.mp4")["h264"]["width"] == 640


async def test_ffmpeg_copies_the_very_frames_of_the_file(farm, small_video, ffmpeg, tmp_path):
    farm.add("cam", load_video(small_video))
    await pull(ffmpeg, farm.url("cam"), tmp_path / "got.mp4", seconds=3)
    pictures = ["-map", "0:v", "-frames:v", "30", "-f", "framehash", "-"]
    got, sent = (ffmpeg("-i", p, *pictures).splitlines() for p in (tmp_path / "got.mp4", small_video))
    hashes = [[line.split(",")[-1].strip() for line in lines if line[:1] != "#"] for lines in (got, sent)]
    assert len(hashes[0]) == 30
    assert hashes[0] == hashes[1]


async def test_ffmpeg_plays_h265(farm, hevc_video, ffmpeg, ffprobe, tmp_path):
    farm.add("cam", load_video(hevc_video))
    await pull(ffmpeg, farm.url("cam"), tmp_path / "got.mp4")
    assert int(tracks(ffprobe, tmp_path / "got.mp4")["hevc"]["nb_frames"]) >= 19


async def test_ffmpeg_plays_b_frames_in_display_order(farm, bframe_video, ffmpeg, tmp_path):
    farm.add("cam", load_video(bframe_video))
    await pull(ffmpeg, farm.url("cam"), tmp_path / "got.mp4", seconds=2)
    ffmpeg("-i", tmp_path / "got.mp4", "-f", "null", "-")


@pytest.mark.parametrize(("source", "codec"), [("aac_video", "aac"), ("g711_video", "pcm_alaw")])
async def test_ffmpeg_hears_the_audio_track(farm, ffmpeg, ffprobe, tmp_path, request, source, codec):
    farm.add("cam", load_video(request.getfixturevalue(source), audio=True))
    await pull(ffmpeg, farm.url("cam"), tmp_path / "got.mkv", seconds=2)
    assert set(tracks(ffprobe, tmp_path / "got.mkv")) == {"h264", codec}


async def test_the_real_footage_plays(farm, person_video, street_video, ffmpeg, ffprobe, tmp_path):
    for name, path in (("person", person_video), ("street", street_video)):
        farm.add(name, load_video(path))
        await pull(ffmpeg, farm.url(name), tmp_path / f"{name}.mp4", seconds=1)
        assert tracks(ffprobe, tmp_path / f"{name}.mp4")["h264"]["width"] == 768


def test_gstreamer_serves_a_file(gst_rtsp, small_video, ffmpeg, ffprobe, tmp_path):
    url = gst_rtsp({"cam": small_video})["cam"]
    ffmpeg("-rtsp_transport", "tcp", "-i", url, "-t", "1", "-c", "copy", "-y", tmp_path / "got.mp4")
    assert tracks(ffprobe, tmp_path / "got.mp4")["h264"]["height"] == 360


def test_chromium_is_there(chromium):
    assert chromium
