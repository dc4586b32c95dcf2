"""Parts and segments: what the sink is promised, for any row of frames."""

from hypothesis import example, given
from hypothesis import strategies as st
from tests.capture.bits import Sps
from tests.capture.boxes import fragments, reference_time, top_level
from tests.capture.keeping import KeepingSink

from aigaq.capture.fmp4 import NTP_OF_CAMERA, NTP_OF_WRITER, Sample, init_segment
from aigaq.capture.intake import BEAT_SECONDS
from aigaq.capture.model import CameraClock
from aigaq.capture.parameters import ParameterSets
from aigaq.capture.rtp import ns_to_ntp
from aigaq.capture.segmenter import LONGEST, MAX_PART_BYTES, PART, SEGMENT, Segmenter
from aigaq_verify import Flag

S = 90_000
START = 1_800_000_000 * S
INIT = init_segment(ParameterSets("h264", (Sps().nal(),), (b"\x68\xce",)))
OTHER = init_segment(ParameterSets("h264", (Sps(mbs=(20, 12)).nal(),), (b"\x68\xce",)))
NOW = 1_800_000_001_000_000_000


def sample(start, duration=3600, *, key=False, size=10, lost=0, timed=False, ntp=None, init=INIT):
    return Sample(start, duration, 0, bytes(size), key, lost, timed, ntp, init)


def row(*, fps=25, gop=25, seconds=10.0, start=START, **facts):
    step = S // fps
    return [sample(start + i * step, step, key=i % gop == 0, **facts) for i in range(round(seconds * fps))]


def cut(samples, *, stop=True, phase=0.0):
    sink = KeepingSink()
    segmenter = Segmenter(sink, phase=phase)
    for s in samples:
        segmenter.push(s, NOW)
    if stop:
        segmenter.stop()
    return sink


def test_whole_gops_of_two_seconds():
    sink = cut(row())
    assert [s.end.duration for s in sink.segments] == [SEGMENT] * 5
    assert all(s.parts[0].independent and s.end.flags == Flag.NONE for s in sink.segments)
    assert [p.duration for p in sink.segments[0].parts] == [36_000] * 5
    assert top_level(sink.segments[0].data) == [b"styp", b"prft", *[b"moof", b"mdat"] * 5]


def test_slewing_does_not_change_how_many_frames_a_part_has():
    for tick in (3599, 3601):
        frames = [sample(START + i * tick, tick, key=i % 50 == 0) for i in range(100)]
        assert [len(fragments(p.data)[0][1]) for p in cut(frames).segments[0].parts] == [10] * 5


def test_a_killed_process_loses_half_a_second_at_most():
    """What lies in memory: a part that lacks a frame, the frame whose duration the next one tells, a beat."""
    longest = max(p.duration for s in cut(row()).segments for p in s.parts) / S
    assert longest + 1 / 25 + BEAT_SECONDS <= 0.5 + 1e-9


def test_a_gop_that_slewing_made_shorter_is_whole():
    frames = [sample(START + i * 3599, 3599, key=i % 50 == 0) for i in range(150)]
    assert [s.end.frames for s in cut(frames).segments] == [50, 50, 50]


def test_a_part_is_told_as_soon_as_the_next_frame_cannot_fit():
    assert len(cut(row(seconds=0.4), stop=False).open.parts) == 1
    assert cut(row(seconds=0.36), stop=False).open is None


def test_long_gops_up_to_six_seconds_stay_whole():
    assert [s.end.duration for s in cut(row(gop=125, seconds=15)).segments] == [5 * S] * 3


def test_without_key_frames_it_is_cut_at_six_seconds_and_flagged():
    sink = cut(row(gop=250, seconds=20))
    assert [s.end.duration for s in sink.segments] == [LONGEST, 4 * S] * 2
    assert all(Flag.NO_IDR in s.end.flags for s in sink.segments)
    assert [s.parts[0].independent for s in sink.segments] == [True, False, True, False]


def test_a_run_begins_with_a_key_frame():
    frames = row(seconds=3)[3:]
    sink = cut(frames)
    assert sink.segments[0].end.start == START + S
    assert cut(frames[:10]).events == []


def test_new_parameter_sets_begin_a_segment():
    frames = row(seconds=5)
    for frame in frames[25:50]:
        frame.init = OTHER
    sink = cut(frames)
    assert [i.sha256 for i in sink.inits] == [INIT.sha256, OTHER.sha256, INIT.sha256]
    assert [s.end.duration for s in sink.segments] == [S, S, 2 * S, S]
    assert [s.init.width for s in sink.segments] == [640, 320, 640, 640]


def test_loss_and_arrival_timing_are_facts_of_their_segment():
    frames = row(seconds=6)
    frames[60].lost = 3
    frames[70].lost = 2
    frames[110].arrival_timed = True
    first, second, third = (s.end for s in cut(frames).segments)
    assert (first.lost_packets, first.flags) == (0, Flag.NONE)
    assert (second.lost_packets, second.flags) == (5, Flag.RTP_LOSS)
    assert (third.lost_packets, third.flags) == (0, Flag.ARRIVAL_TIMING)


def test_reference_time_of_the_camera_or_the_box():
    frames = row(seconds=4)
    frames[50].ntp = 77 << 32
    first, second = cut(frames).segments
    assert reference_time(first.data) == (NTP_OF_WRITER, ns_to_ntp(NOW), first.end.start)
    assert reference_time(second.data) == (NTP_OF_CAMERA, 77 << 32, second.end.start)


def test_the_cameras_clock_goes_into_the_end():
    sink = KeepingSink()
    segmenter = Segmenter(sink)
    segmenter.camera_clock = CameraClock(1, 2)
    segmenter.slope_ppm = -40_000.0
    for s in row(seconds=1):
        segmenter.push(s, NOW)
    segmenter.stop()
    assert (sink.segments[0].end.camera_clock, sink.segments[0].end.slope_ppm) == (CameraClock(1, 2), -40_000.0)


def test_phase_makes_only_the_first_segment_shorter():
    assert [s.end.duration for s in cut(row(), phase=0.5).segments] == [S, 2 * S, 2 * S, 2 * S, 2 * S, S]


def test_a_giant_part_is_cut_by_size():
    frames = row(fps=50, seconds=0.5, size=MAX_PART_BYTES // 8)
    assert max(len(p.data) for p in cut(frames).segments[0].parts) < MAX_PART_BYTES * 1.2


@given(
    st.lists(st.tuples(st.integers(1, 2 * S), st.integers(0, 9), st.booleans()), min_size=1, max_size=150),
    st.sets(st.integers(0, 150)),
    st.floats(0, 0.999),
)
@example([(S // 25, 0, False)] + [(S // 25, 5, False)] * 149, set(), 0.0)
def test_any_frames_are_tiled_without_a_hole(frames, stops, phase):
    sink = KeepingSink()
    segmenter = Segmenter(sink, phase=phase)
    at, taken = START, []
    for i, (duration, dice, other) in enumerate(frames):
        if i in stops:
            segmenter.stop()
        s = sample(at, duration, key=dice == 0, size=1 + dice, init=OTHER if other else INIT)
        if segmenter.running or s.key:
            taken.append(s)
        else:
            assert not s.key
        if not s.key and segmenter.running:
            s.init = segmenter._init
        segmenter.push(s, NOW)
        at += duration
    segmenter.stop()
    assert sink.open is None
    rows = [(t, r) for segment in sink.segments for t, r in fragments(segment.data)]
    assert [r[1] for _, part in rows for r in part] == [len(s.data) for s in taken]
    times = [t for t, _ in rows]
    assert times == sorted(set(times))
    by_start = {s.start: s for s in taken}
    for segment in sink.segments:
        end = segment.end
        assert by_start[end.start].key or Flag.NO_IDR in end.flags
        for part in segment.parts:
            samples = fragments(part.data)[0][1]
            assert part.duration == sum(r[0] for r in samples)
            assert part.duration <= PART or len(samples) == 1
        longest = max(r[0] for _, part in fragments(segment.data) for r in part)
        assert end.duration <= LONGEST + longest
        assert end.frames == sum(len(part) for _, part in fragments(segment.data))
