"""The farm's schedule as playbooks: time goes in, packets come out; no sockets, so hours pass at once."""

from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aigaq.capture.farm.faults import NO_FAULTS, Faults
from aigaq.capture.farm.nal import read_extradata
from aigaq.capture.farm.packets import MTU, frame_packets, video_payloads
from aigaq.capture.farm.player import Camera, Player
from aigaq.capture.farm.video import Frame, Track, Video

SECOND = 1_000_000_000
NTP_EPOCH = 2_208_988_800


def frame(number: int, *, gop: int = 10, fps: int = 10, body: bytes = b"") -> Frame:
    key = number % gop == 0
    picture = bytes([0x65 if key else 0x41]) + (body or bytes([number % 256])) * 900
    bare = frame_packets(video_payloads("h264", [picture]), 96)
    full = frame_packets(video_payloads("h264", [b"\x67sps" + body, b"\x68pps", picture]), 96) if key else bare
    at = number * 90_000 // fps
    return Frame(at, at, key, full, bare)


def loop(seconds: int = 4, *, gop: int = 10, body: bytes = b"") -> Video:
    frames = tuple(frame(n, gop=gop, body=body) for n in range(seconds * 10))
    track = Track("video", 90_000, 96, "H264/90000", "", "", frames)
    return Video("h264", 64, 64, seconds * 90_000, (track,))


@dataclass
class Rtp:
    second: float
    sequence: int
    stamp: int
    marker: bool
    payload: bytes


def unwrap(second: float, chunks: list[bytes | bytearray]) -> tuple[list[Rtp], list[bytes]]:
    """RTP packets and RTCP reports in what a player sent."""
    packets, reports = [], []
    data = b"".join(chunks)
    while data:
        assert data[0] == 0x24
        size = int.from_bytes(data[2:4], "big")
        body, data = data[4 : 4 + size], data[4 + size :]
        if body[1] == 200:
            reports.append(body)
            continue
        number = int.from_bytes(body[2:4], "big")
        packets.append(Rtp(second, number, int.from_bytes(body[4:8], "big"), bool(body[1] & 0x80), body[12:]))
    return packets, reports


class Scene:
    """One camera, one client, and a clock moved by hand."""

    def __init__(
        self, faults: Faults = NO_FAULTS, *, video: Video | None = None, aligned: bool = False, utc: float = 0
    ):
        self.now, self.utc = 5 * SECOND, round(utc * SECOND)
        self.camera = Camera("cam", video or loop(), "", "", 0, aligned, faults)
        self.camera.wake(self.now, self.utc)
        self.player = Player(self.camera, {0: 0}, monotonic_ns=self.now)
        self.packets: list[Rtp] = []
        self.reports: list[bytes] = []

    def run(self, seconds: float, *, step: float = 0.05) -> "Scene":
        for _ in range(round(seconds / step)):
            self.now += round(step * SECOND)
            self.utc += round(step * SECOND)
            packets, reports = unwrap(self.now / 1e9 - 5, self.player.take(self.now, self.utc))
            self.packets += packets
            self.reports += reports
        return self

    def change(self, faults: Faults) -> "Scene":
        self.camera.clock.set_rate(faults.stamp_rate, self.camera.media_time(self.now))
        self.camera.faults = faults
        return self

    @property
    def frames(self) -> list[Rtp]:
        return [p for p in self.packets if p.marker]


def steps(values: list[int], size: int) -> list[int]:
    return [(b - a) % size for a, b in pairwise(values)]


def test_frames_come_when_they_are_due_and_the_loop_has_no_seam():
    scene = Scene().run(12)
    assert len(scene.frames) == 121
    assert set(steps([p.stamp for p in scene.frames], 2**32)) == {9000}
    assert set(steps([p.sequence for p in scene.packets], 2**16)) == {1}


def test_time_stamps_and_sequence_numbers_wrap():
    scene = Scene(Faults(first_timestamp=2**32 - 20_000, first_sequence=2**16 - 5)).run(3)
    assert scene.packets[0].stamp == 2**32 - 20_000
    assert scene.packets[0].sequence == 2**16 - 5
    assert min(p.stamp for p in scene.frames) < 2**31
    assert set(steps([p.stamp for p in scene.frames], 2**32)) == {9000}
    assert set(steps([p.sequence for p in scene.packets], 2**16)) == {1}


def test_a_camera_that_stamps_25_and_sends_24():
    scene = Scene(Faults(stamp_rate=24 / 25, first_timestamp=0)).run(3600, step=0.1)
    assert scene.frames[-1].second == pytest.approx(3600, abs=0.2)
    assert scene.frames[-1].stamp / 90_000 == pytest.approx(3600 * 24 / 25, abs=0.2)


def test_changing_the_rate_makes_no_jump():
    scene = Scene(Faults(first_timestamp=0)).run(2)
    scene.change(Faults(stamp_rate=1.2)).run(2)
    scene.change(Faults(stamp_rate=0.5)).run(2)
    assert set(steps([p.stamp for p in scene.frames], 2**32)) <= set(range(4_499, 10_802))


def test_sender_reports_tie_the_cameras_clock_to_its_stamps():
    scene = Scene(Faults(first_timestamp=1000, ntp_offset=-7200), utc=1_800_000_000.25).run(10)
    assert len(scene.reports) == 4
    seconds = int.from_bytes(scene.reports[-1][8:12], "big") - NTP_EPOCH
    fraction = int.from_bytes(scene.reports[-1][12:16], "big") / 2**32
    stamp = int.from_bytes(scene.reports[-1][16:20], "big")
    media = (stamp - 1000) / 90_000
    assert seconds + fraction == pytest.approx(1_800_000_000.25 - 7200 + media, abs=0.001)
    assert int.from_bytes(scene.reports[-1][20:24], "big") == sum(p.second < 9.1 for p in scene.packets)


def test_a_camera_that_sends_no_reports():
    assert Scene(Faults(report_every=0)).run(10).reports == []


def test_single_frames_are_stamped_hours_away():
    scene = Scene(Faults(outlier_every=20, outlier_by=18_000, first_timestamp=0)).run(8)
    far = [p for p in scene.frames if p.stamp > 10_000 * 90_000]
    assert len(far) == 4
    assert set(steps([p.stamp for p in scene.frames if p not in far], 2**32)) == {9000, 18_000}


def test_a_frozen_camera_is_silent_and_goes_on_from_now():
    scene = Scene(Faults(first_timestamp=0)).run(2)
    before = len(scene.packets)
    scene.change(Faults(freeze=True)).run(3)
    assert len(scene.packets) == before
    scene.change(Faults()).run(1)
    after = [p for p in scene.frames if p.second > 5]
    assert after[0].stamp == pytest.approx(5.05 * 90_000, abs=9000)
    assert len(after) == 10
    assert steps([p.sequence for p in scene.packets], 2**16).count(1) == len(scene.packets) - 1


def test_a_schedule_that_was_suspended_does_not_catch_up():
    scene = Scene().run(1)
    scene.now += 3600 * SECOND
    scene.run(1)
    assert 8 <= len([p for p in scene.frames if p.second > 3600]) <= 12


def test_lost_packets_are_numbered_counted_and_the_same_each_time():
    runs = [Scene(Faults(loss=0.1, seed=4, first_sequence=0)).run(60) for _ in range(2)]
    missing = sum(s - 1 for s in steps([p.sequence for p in runs[0].packets], 2**16))
    assert 40 < missing <= runs[0].camera.counts["lost"] <= missing + 3
    assert [p.sequence for p in runs[0].packets] == [p.sequence for p in runs[1].packets]


def test_garbage_comes_between_frames():
    scene = Scene(Faults(garbage=1.0))
    scene.now += SECOND
    chunks = scene.player.take(scene.now, 0)
    assert len([c for c in chunks if isinstance(c, bytearray)]) == len(
        [c for c in chunks if len(c) <= 64 and c[:1] != b"$"]
    )


def test_key_frames_are_withheld():
    scene = Scene(Faults(no_idr_for=3.5)).run(6)
    kinds = [(p.payload[0] & 0x1F, p.second) for p in scene.packets]
    assert kinds[0][1] < 0.2
    assert min(second for kind, second in kinds if kind == 24) > 3.5


def test_parameter_sets_may_stay_out_of_the_stream():
    kinds = {p.payload[0] & 0x1F for p in Scene(Faults(in_band=False)).run(3).packets}
    assert 24 not in kinds
    assert 5 in kinds or 28 in kinds


def test_parameter_sets_flap():
    scene = Scene(Faults(alternate=loop(body=b"other"), alternate_gops=2)).run(8)
    names = [b"other" in p.payload for p in scene.packets if p.payload[0] & 0x1F == 24]
    assert names[:8] == [False, False, True, True, False, False, True, True]


def test_an_aligned_camera_shows_the_frame_of_the_wall_clock():
    scene = Scene(Faults(first_timestamp=0), aligned=True, utc=1_800_000_002.3).run(4)
    first = scene.packets[0]
    assert first.payload[0] & 0x1F == 24
    assert first.second == pytest.approx(0.7, abs=0.06)
    shown = {round(p.second, 2): p.payload[-1] for p in scene.frames}
    for second, value in shown.items():
        assert value / 10 == pytest.approx((2.3 + second) % 4, abs=0.11)


@given(st.lists(st.binary(min_size=1, max_size=6000), min_size=1, max_size=6), st.sampled_from(["h264", "h265"]))
@settings(max_examples=60, deadline=None)
def test_any_nal_comes_back_from_its_packets(bodies, codec):
    head = b"\x65" if codec == "h264" else b"\x26\x01"
    nals = [head + body for body in bodies]
    payloads = video_payloads(codec, nals)
    assert max(map(len, payloads)) <= MTU
    assert joined(codec, payloads) == nals


@given(st.sampled_from(["h264", "h265"]), st.binary(max_size=80))
def test_no_extradata_breaks_the_reader(codec, data):
    length_size, sets = read_extradata(codec, data)
    assert 0 <= length_size <= 4
    assert all(sets)


def joined(codec: str, payloads: list[bytes]) -> list[bytes]:
    """Reassembly written from the RFCs, apart from the product's."""
    nals: list[bytes] = []
    for p in payloads:
        kind = p[0] & 0x1F if codec == "h264" else p[0] >> 1 & 0x3F
        if kind not in (28, 49):
            nals.append(p)
        elif codec == "h264":
            start = bytes([p[0] & 0xE0 | p[1] & 0x1F])
            nals.append(start + p[2:]) if p[1] & 0x80 else nals.append(nals.pop() + p[2:])
        else:
            start = bytes([p[0] & 0x81 | (p[2] & 0x3F) << 1, p[1]])
            nals.append(start + p[3:]) if p[2] & 0x80 else nals.append(nals.pop() + p[3:])
    return nals
