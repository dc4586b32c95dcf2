"""The commissioning check: rules as a table, and real streams."""

import asyncio
from dataclasses import replace

import pytest

from aigaq.base import LANGUAGES, SystemClock
from aigaq.capture import MAIN, SUB, Contract, Severity, Source, StreamFacts, inspect
from aigaq.capture.farm import Faults, load_video
from aigaq.capture.inspection import judge

CLOCK = SystemClock()
SMALL = Contract(640, 360, (8, 12), 500, live=True)
GOOD = StreamFacts(
    seconds=60, codec="avc3.4d001f", width=1920, height=1080, fps=25, kbps=4000, frames=1500, longest_gop=2.0,
    clock_offset_ms=100, packets=20_000, in_band=True, described=True,
)  # fmt: skip
WARNING, REFUSAL = Severity.WARNING, Severity.REFUSAL


def test_a_good_camera_has_no_findings():
    assert list(judge(GOOD, MAIN)) == []


@pytest.mark.parametrize(
    ("facts", "code", "severity"),
    [
        ({"reordered": 700}, "capture.b_frames", REFUSAL),
        ({"longest_gop": 4.0}, "capture.long_gop", WARNING),
        ({"longest_gop": 10.0}, "capture.long_gop", REFUSAL),
        ({"slope_ppm": -40_000.0}, "capture.rate_lie", WARNING),
        ({"clock_offset_ms": -7_200_000}, "capture.camera_clock", WARNING),
        ({"lost": 3}, "capture.packets_lost", WARNING),
        ({"lost": 300}, "capture.packets_lost", REFUSAL),
        ({"audio": ("PCMA",)}, "capture.audio_ignored", WARNING),
        ({"in_band": False, "described": False}, "capture.no_parameter_sets", WARNING),
        ({"codec": "hev1.1.6.L93.90"}, "capture.hevc", WARNING),
        ({"width": 640, "height": 360}, "capture.picture", WARNING),
        ({"fps": 8.0}, "capture.picture", WARNING),
        ({"kbps": 300}, "capture.bit_rate", WARNING),
        ({"kbps": 12_000}, "capture.bit_rate", WARNING),
    ],
)
def test_each_fault_is_one_finding_in_every_language(facts, code, severity):
    (finding,) = judge(replace(GOOD, **facts), MAIN)
    assert (finding.code, finding.severity) == (code, severity)
    told = [finding.explain(language) for language in LANGUAGES]
    assert len({t.why for t in told}) == len({t.hint for t in told}) == len(LANGUAGES)
    assert not any("{" in t.why + t.hint for t in told)


def test_the_public_cannot_watch_h265():
    found = judge(replace(GOOD, codec="hev1.1.6.L93.90", width=640, height=360, fps=8, kbps=300), SUB)
    assert [(f.code, f.severity) for f in found] == [("capture.hevc", REFUSAL)]


def test_without_a_contract_size_and_rate_are_free():
    assert list(judge(replace(GOOD, width=100, height=100, fps=1, kbps=5), None)) == []


async def test_a_good_stream_is_fit(farm, small_video):
    farm.add("cam", load_video(small_video))
    seen = []
    report = await inspect(Source(farm.url("cam")), seconds=4, clock=CLOCK, progress=seen.append, contract=SMALL)
    assert report.findings == ()
    assert report.fit
    assert (report.facts.width, report.facts.height, report.facts.in_band) == (640, 360, True)
    assert report.facts.fps == pytest.approx(10, abs=0.5)
    assert report.facts.longest_gop == pytest.approx(1, abs=0.01)
    assert report.facts.packets > 0
    assert seen == sorted(seen)
    assert seen[-1] == 1


async def test_a_stream_with_many_faults(farm, bframe_video):
    faults = Faults(stamp_rate=0.9, ntp_offset=7200, loss=0.02, report_every=0.5)
    farm.add("cam", load_video(bframe_video), faults=faults)
    report = await inspect(Source(farm.url("cam")), seconds=7, clock=CLOCK, contract=SMALL)
    codes = {f.code for f in report.findings}
    assert {"capture.b_frames", "capture.rate_lie", "capture.camera_clock", "capture.packets_lost"} <= codes
    assert not report.fit


async def test_sound_is_found_and_does_no_harm(farm, g711_video):
    farm.add("cam", load_video(g711_video, audio=True))
    report = await inspect(Source(farm.url("cam")), seconds=2, clock=CLOCK, contract=SMALL)
    assert [f.code for f in report.findings] == ["capture.audio_ignored"]
    assert report.facts.audio == ("PCMA",)
    assert report.fit


async def test_a_smart_codec(farm, long_gop_video):
    farm.add("cam", load_video(long_gop_video))
    report = await inspect(Source(farm.url("cam")), seconds=7, clock=CLOCK)
    assert [(f.code, f.severity) for f in report.findings] == [("capture.long_gop", REFUSAL)]


UNFIT = {
    "capture.unauthorized": Faults(refuse=401),
    "capture.stream_not_found": Faults(refuse=404),
    "capture.no_video": Faults(sdp="audio_only"),
    "capture.unsupported_codec": Faults(sdp="unknown_codec"),
    "capture.silent": Faults(freeze=True),
    "capture.no_key_frame": Faults(no_idr_for=60),
    "capture.closed": Faults(drop_after=1),
}


async def test_unfit_streams(farm, small_video):
    video = load_video(small_video)
    for number, faults in enumerate(UNFIT.values()):
        farm.add(f"cam-{number}", video, faults=faults)
    sources = [Source(farm.url(f"cam-{number}")) for number in range(len(UNFIT))]
    reports = await asyncio.gather(*(inspect(source, seconds=6, clock=CLOCK) for source in sources))
    assert [r.findings[0].code for r in reports] == list(UNFIT)
    assert not any(r.fit for r in reports)


async def test_nobody_there(unused_tcp_port):
    report = await inspect(Source(f"rtsp://127.0.0.1:{unused_tcp_port}/"), seconds=1, clock=CLOCK)
    assert [f.code for f in report.findings] == ["capture.unreachable"]


async def test_a_file_may_be_shorter_than_the_check(hevc_video):
    report = await inspect(Source(str(hevc_video)), seconds=30, clock=CLOCK)
    assert [f.code for f in report.findings] == ["capture.hevc"]
    assert report.facts.frames == 40
