"""The pure middle as playbooks: when a run begins, why it ceases, what a clock step does."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.capture.bits import Sps
from tests.capture.boxes import reference_time
from tests.capture.keeping import KeepingSink

from aigaq.base import ManualClock
from aigaq.capture.depay import AccessUnit
from aigaq.capture.errors import SilentError
from aigaq.capture.fmp4 import NTP_OF_CAMERA, NTP_OF_WRITER
from aigaq.capture.parameters import ParameterSets
from aigaq.capture.pipeline import Pipeline
from aigaq.capture.rtp import SenderReport, ns_to_ntp, ntp_to_ms
from aigaq_verify import Flag, GapCause

S = 90_000
SETS = ParameterSets("h264", (Sps(reorder=0).nal(),), (b"\x68\xce",))
OTHER = ParameterSets("h264", (Sps(reorder=0, mbs=(20, 12)).nal(),), (b"\x68\xce",))
BROKEN = ParameterSets("h264", (b"\x67\xff",), (b"\x68\xce",))


class Camera:
    """Feeds a pipeline as a camera and the recorder's ticks would."""

    def __init__(self, *, gop=25, fps=25, stamp=1000):
        self.clock, self.sink = ManualClock(), KeepingSink()
        self.pipeline = Pipeline(self.sink)
        self.gop, self.fps, self.stamp, self.number = gop, fps, stamp, 0
        self.sets = SETS
        self.lost = 0

    def now(self):
        return self.clock.utc_ns(), self.clock.monotonic_ns()

    def wall(self):
        return self.clock.utc_ns() * 9 // 100_000

    def play(self, seconds, *, key=None):
        for _ in range(round(seconds * self.fps)):
            self.clock.advance(1 / self.fps)
            self.stamp += S // self.fps
            is_key = self.number % self.gop == 0 if key is None else key
            unit = AccessUnit(self.stamp % 2**32, bytearray(b"\0\0\0\2\x41a"), is_key, self.lost, self.sets)
            self.lost = 0
            self.number += 1
            self.pipeline.unit(unit, *self.now())
            if self.number % 10 == 0:
                self.pipeline.tick(*self.now())
        return self

    def pause(self, seconds):
        for _ in range(round(seconds * 2)):
            self.clock.advance(0.5)
            self.stamp += S // 2
            self.pipeline.tick(*self.now())
        return self

    def goes_silent(self):
        self.pipeline.stop(GapCause.NO_RTP, SilentError(seconds=2))
        return self

    def jumps(self, seconds):
        self.stamp += round(seconds * S)

    def changes(self):
        self.sets = replace(OTHER if self.sets.sps == SETS.sps else SETS)

    def ends(self):
        return [s.end for s in self.sink.segments]


def contiguous(ends):
    return all(a.start + a.duration == b.start for a, b in itertools.pairwise(ends))


def test_segments_of_a_run_touch_exactly():
    camera = Camera().play(60).goes_silent()
    assert len(camera.ends()) == 30
    assert contiguous(camera.ends())
    assert camera.sink.stops == [(GapCause.NO_RTP, "capture.silent: " + SilentError(seconds=2).explain().why)]


def test_the_first_frame_is_placed_where_it_arrived():
    camera = Camera()
    began = camera.wall()
    camera.play(5).goes_silent()
    assert camera.ends()[0].start == pytest.approx(began + S // 25, abs=90)
    assert camera.ends()[-1].start + camera.ends()[-1].duration == pytest.approx(camera.wall() + S // 25, abs=90)


def test_a_burst_of_old_frames_is_placed_before_its_arrival():
    camera = Camera()
    for i in range(50):
        unit = AccessUnit(camera.stamp + i * 3600, bytearray(b"x"), i == 0, 0, SETS)
        camera.pipeline.unit(unit, *camera.now())
    camera.stamp += 49 * 3600
    camera.number = 50
    arrived = camera.wall()
    camera.play(4).goes_silent()
    assert camera.ends()[0].start == pytest.approx(arrived - 49 * 3600, abs=90)


def test_silence_closes_what_is_there_and_video_goes_on_with_a_key_frame():
    camera = Camera().play(3.2).goes_silent().pause(3)
    camera.number = 5
    camera.play(4).goes_silent()
    first, second, third, fourth = camera.ends()
    assert first.duration + second.duration == pytest.approx(3.2 * S, abs=10)
    gap = third.start - second.start - second.duration
    # 3 s of silence and 20 frames until the key frame
    assert gap == pytest.approx(3 * S + 20 * 3600, abs=10)
    assert fourth.start == third.start + third.duration
    assert camera.sink.events[-1] == "no_rtp"
    assert [c for c, _ in camera.sink.stops] == [GapCause.NO_RTP] * 2


def test_the_same_cause_is_told_once_and_a_new_one_at_once():
    camera = Camera()
    for cause in (GapCause.NO_CONNECT, GapCause.NO_CONNECT, GapCause.NO_RTP, GapCause.NO_CONNECT):
        camera.pipeline.stop(cause, SilentError(seconds=2))
    assert [c for c, _ in camera.sink.stops] == [GapCause.NO_CONNECT, GapCause.NO_RTP, GapCause.NO_CONNECT]


def test_no_key_frame_is_a_cause():
    camera = Camera().play(5, key=False)
    assert camera.sink.stops == []
    camera.play(2, key=False)
    ((cause, detail),) = camera.sink.stops
    assert (cause, detail.split(":")[0]) == (GapCause.NO_IDR, "capture.no_key_frame")
    camera.play(2, key=None).goes_silent()
    assert len(camera.ends()) == 1


def test_unusable_parameter_sets_say_so():
    camera = Camera()
    camera.sets = BROKEN
    camera.play(8)
    ((cause, detail),) = camera.sink.stops
    assert (cause, detail.split(":")[0]) == (GapCause.NO_IDR, "capture.bad_parameter_sets")


def test_broken_sets_in_a_running_stream_do_not_stop_it():
    camera = Camera().play(4)
    camera.sets = BROKEN
    camera.play(4).goes_silent()
    assert contiguous(camera.ends())
    assert len(camera.sink.inits) == 1
    assert camera.pipeline.frames == 200


def test_flapping_parameter_sets_cost_no_frame():
    camera = Camera()
    for turn in range(12):
        camera.sets = OTHER if turn % 2 else SETS
        camera.play(1)
    camera.goes_silent()
    assert len(camera.sink.inits) == 12
    assert len({i.sha256 for i in camera.sink.inits}) == 2
    assert contiguous(camera.ends())
    assert sum(e.frames for e in camera.ends()) == 300


@pytest.mark.parametrize("seconds", [1.0, 3600.0, -1.0, -3600.0])
def test_a_clock_step_ends_the_run_with_both_times(seconds):
    camera = Camera().play(10)
    before = camera.wall()
    camera.clock.step(seconds)
    camera.play(10).goes_silent()
    ((cause, detail), _) = camera.sink.stops
    assert (cause, detail.split(":")[0]) == (GapCause.CLOCK_STEP, "capture.clock_stepped")
    assert f"{seconds * 1000:.0f} ms" in detail
    stop = camera.sink.events.index("clock_step")
    ended = camera.sink.events[:stop].count("end")
    old, new = camera.ends()[ended - 1], camera.ends()[ended]
    # ticks come twice a second, and the new run waits for a key frame
    assert old.start + old.duration == pytest.approx(before + 0.3 * S, abs=0.4 * S)
    assert new.start == pytest.approx(before + seconds * S + S, abs=1.1 * S)
    assert contiguous(camera.ends()[:ended])
    assert contiguous(camera.ends()[ended:])


def test_a_clock_step_while_there_is_no_footage_is_told_too():
    camera = Camera().play(4).goes_silent().pause(1)
    camera.clock.step(-100)
    camera.pause(1)
    assert [c for c, _ in camera.sink.stops] == [GapCause.NO_RTP, GapCause.CLOCK_STEP]
    camera.number = 0
    camera.play(4).goes_silent()
    assert camera.ends()[-1].start < camera.ends()[0].start


def test_a_small_correction_of_the_clock_is_no_step():
    camera = Camera().play(10)
    camera.clock.step(0.4)
    camera.play(10).goes_silent()
    assert [c for c, _ in camera.sink.stops] == [GapCause.NO_RTP]
    assert contiguous(camera.ends())


def test_a_new_run_never_overlaps_the_old_one():
    camera = Camera().play(4).goes_silent()
    end = camera.ends()[-1]
    camera.pipeline.begin(S)
    # after a reconnect the camera sends its last two seconds again at once
    for i in range(75):
        unit = AccessUnit(camera.stamp + i * 3600, bytearray(b"x"), i % 25 == 0, 0, SETS)
        camera.pipeline.unit(unit, *camera.now())
    camera.stamp += 74 * 3600
    camera.number = 75
    camera.play(4).goes_silent()
    following = [e for e in camera.ends() if e.start > end.start]
    assert following[0].start >= end.start + end.duration
    assert contiguous(following)


def test_a_timestamp_jump_loses_nothing():
    camera = Camera().play(4)
    camera.stamp += 5 * 3600 * S
    camera.play(4).goes_silent()
    assert contiguous(camera.ends())
    assert sum(e.frames for e in camera.ends()) == 200
    assert sum(e.duration for e in camera.ends()) == pytest.approx(8 * S, abs=100)
    assert [Flag.ARRIVAL_TIMING in e.flags for e in camera.ends()] == [False, False, True, False]


def test_lost_packets_are_counted_in_their_segment():
    camera = Camera().play(3)
    camera.lost = 7
    camera.play(3).goes_silent()
    assert [e.lost_packets for e in camera.ends()] == [0, 7, 0]


def test_the_cameras_clock_is_carried_on_to_the_key_frame():
    camera = Camera().play(1)
    utc = camera.clock.utc_ns() + 3_600_000_000_000
    camera.pipeline.report(SenderReport(ns_to_ntp(utc), camera.stamp), camera.clock.utc_ns())
    camera.play(4).goes_silent()
    first, second, *_ = camera.sink.segments
    assert reference_time(first.data)[0] == NTP_OF_WRITER
    kind, ntp, media = reference_time(second.data)
    assert (kind, media) == (NTP_OF_CAMERA, second.end.start)
    assert ntp_to_ms(ntp) - media // 90 == pytest.approx(3_600_000, abs=2)
    assert second.end.camera_clock.ntp_ms - second.end.camera_clock.box_ms == 3_600_000


def test_a_report_from_nowhere_is_only_remembered():
    camera = Camera().play(1)
    camera.pipeline.report(SenderReport(ns_to_ntp(5), (camera.stamp + 2**31 - 5) % 2**32), camera.clock.utc_ns())
    camera.play(4).goes_silent()
    assert {reference_time(s.data)[0] for s in camera.sink.segments} == {NTP_OF_WRITER}


def test_a_stream_shorter_than_the_settling_time_is_kept():
    camera = Camera().play(0.2).goes_silent()
    assert [e.frames for e in camera.ends()] == [5]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["play", "play", "play", "pause", "silent", "step", "back", "jump", "begin", "sets"]),
            st.floats(0.1, 3),
        ),
        max_size=12,
    )
)
def test_any_day_keeps_the_promises_of_the_sink(day):
    camera = Camera(gop=10, fps=10)
    happenings = {
        "play": camera.play,
        "pause": camera.pause,
        "silent": lambda _: camera.goes_silent(),
        "step": lambda amount: camera.clock.step(amount * 100),
        "back": lambda amount: camera.clock.step(-amount),
        "jump": lambda amount: camera.jumps(amount * 1000),
        "begin": lambda _: camera.pipeline.begin(S),
        "sets": lambda _: camera.changes(),
    }
    for what, amount in day:
        happenings[what](amount)
    camera.goes_silent()
    assert camera.sink.open is None
    place = 0
    last = None
    for event in camera.sink.events:
        if event == "end":
            end = camera.sink.segments[place].end
            assert last is None or end.start >= last
            last = end.start + end.duration
            place += 1
        elif event == "clock_step":
            last = None
