"""Time: unwrapping, outliers, reordering, the box's clock, and cameras that lie about their rate for hours."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aigaq.base import ManualClock
from aigaq.capture.timeline import REORDER_SPAN, BoxClock, DecodeOrder, MediaClock, Timeline

S = 90_000
HOUR = 3600 * S


def run_clock(stamps, arrivals, *, span=0, rate=S):
    clock = MediaClock(rate)
    return clock, [clock.push(t % 2**32, a, span=span) for t, a in zip(stamps, arrivals, strict=True)]


def test_wrap_near_two_to_the_32():
    stamps = [2**32 - 9000 + 3600 * n for n in range(20)]
    clock, media = run_clock(stamps, [3600 * n for n in range(20)])
    assert media == [3600 * n for n in range(20)]
    assert clock.jumps == 0


def test_a_day_of_video_wraps_without_a_trace():
    clock = MediaClock()
    for n in range(0, 30 * HOUR, 4 * S):
        assert clock.push((n + 12345) % 2**32, n, span=0) == n
    assert clock.jumps == 0


@pytest.mark.parametrize("off", [5 * HOUR, -5 * HOUR, 6 * S, -S])
def test_a_single_frame_stamped_elsewhere_is_restamped(off):
    stamps = [3600 * n for n in range(20)]
    stamps[7] += off
    clock, media = run_clock(stamps, [3600 * n for n in range(20)])
    assert media == [3600 * n for n in range(20)]
    assert clock.jumps == 0


@pytest.mark.parametrize("off", [5 * HOUR, -5 * HOUR, -2 * S])
def test_a_clock_that_jumps_goes_on_without_a_break(off):
    stamps = [3600 * n + (off if n >= 7 else 0) for n in range(20)]
    clock, media = run_clock(stamps, [3600 * n for n in range(20)])
    assert media == [3600 * n for n in range(20)]
    assert clock.jumps == 1


def test_random_stamps_fall_back_to_arrival():
    rng = random.Random(4)
    _clock, media = run_clock([rng.randrange(2**32) for _ in range(500)], [3600 * n for n in range(500)])
    assert media == sorted(set(media))
    assert abs(media[-1] - 3600 * 499) < 2 * S


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1) | st.just(-1), st.integers(1, 10 * S)), min_size=2, max_size=60))
def test_whatever_a_camera_stamps_media_time_stays_near_arrival(frames):
    clock, arrival, good, last = MediaClock(), 0, 0, -1
    for stamp, wait in frames:
        arrival += wait
        good += wait
        media = clock.push((good if stamp < 0 else stamp) % 2**32, arrival, span=0)
        # a stamp is believed if it is no more than 5 s off since the last one
        assert abs(media - arrival) <= 7 * S * (1 + len(frames))
        if clock.restamped:
            assert media > last
        last = media


def test_another_clock_rate():
    _clock, media = run_clock([1000 * n for n in range(5)], [S * n for n in range(5)], rate=1000)
    assert media == [S * n for n in range(5)]


def test_reports_near_and_far():
    clock = MediaClock()
    assert clock.at(5) is None
    clock.push(1000, 0, span=0)
    assert clock.at(1000 + S) == S
    assert clock.at((1000 - S) % 2**32) == -S
    assert clock.at(1000 + HOUR) is None


# -- decode order


def decode(presentations, depth=0):
    order = DecodeOrder()
    order.depth = depth
    out = [item for p in presentations for item in order.push(p, None)]
    return order, [(d, p) for d, p, _ in out + order.drain()]


def test_no_reordering_costs_no_delay():
    order = DecodeOrder()
    assert [order.push(n, None)[0][0] for n in range(5)] == [0, 1, 2, 3, 4]
    assert order.reordered == 0


def test_b_frames_get_rising_decode_times_over_the_same_interval():
    _, out = decode([0, 3, 1, 2, 6, 4, 5], depth=2)
    assert [d for d, _ in out] == [0, 1, 2, 3, 4, 5, 6]
    assert [p for _, p in out] == [0, 3, 1, 2, 6, 4, 5]


def test_the_depth_is_learned():
    order, out = decode([0, 3, 1, 2, 6, 4, 5, 9, 7, 8, 12, 10, 11])
    assert order.reordered == 4 + 4
    assert [p for _, p in out] == [0, 3, 1, 2, 6, 4, 5, 9, 7, 8, 12, 10, 11]
    late = [d for d, _ in out][6:]
    assert late == sorted(set(late))


@given(st.lists(st.integers(-100, 100)))
def test_every_frame_comes_out_once_and_in_its_place(presentations):
    _, out = decode(presentations)
    assert [p for _, p in out] == presentations
    assert sorted(d for d, _ in out) == sorted(presentations)


# -- the box's clock


def both(clock):
    return clock.utc_ns(), clock.monotonic_ns()


@pytest.mark.parametrize("seconds", [0.6, -0.6, 3600, -3600])
def test_a_step_is_told_until_it_is_taken_over(seconds):
    clock, box = ManualClock(), BoxClock()
    box.follow(*both(clock))
    before = box.offset_ns
    clock.step(seconds)
    clock.advance(1)
    assert box.follow(*both(clock)) == round(seconds * 1e9)
    assert box.offset_ns == before
    box.reset(*both(clock))
    assert box.follow(*both(clock)) == 0
    assert box.offset_ns == before + round(seconds * 1e9)


def test_a_small_correction_is_slewed():
    clock, box = ManualClock(), BoxClock()
    box.follow(*both(clock))
    before = box.offset_ns
    clock.step(0.3)
    for _ in range(60):
        clock.advance(10)
        assert box.follow(*both(clock)) == 0
    assert box.offset_ns == pytest.approx(before + 300_000_000, abs=1_000_000)


def test_many_small_steps_are_one_step():
    clock, box = ManualClock(), BoxClock()
    box.follow(*both(clock))
    found = 0
    for _ in range(10):
        clock.step(0.1)
        clock.advance(0.5)
        found = found or box.follow(*both(clock))
    assert found > 500_000_000


# -- media time on the box's clock


class Simulation:
    """A camera that captures, stamps and delivers; the error is wall time given minus moment of capture, seconds."""

    def __init__(self, *, fps=25.0, stamped=25.0, jitter=0.0, delay=lambda t: 0.0, seed=1):
        self.clock, self.rng = ManualClock(), random.Random(seed)
        self.fps, self.stamped, self.jitter, self.delay = fps, stamped, jitter, delay
        self.box = BoxClock()
        self.box.reset(*both(self.clock))
        self.timeline = Timeline(self.box)
        self.errors, self.walls = [], []
        self.media = 0.0
        self.utc = self.clock.utc_ns() / 1e9
        self.arrived = 0.0
        self.flags = 0

    def run(self, seconds):
        t = self.clock.monotonic_ns() / 1e9
        end = t + seconds
        while t < end:
            t += 1 / self.fps
            self.media += 1 / self.stamped
            self.clock.advance(t - self.clock.monotonic_ns() / 1e9)
            self.arrived = max(self.arrived, t + self.delay(t) + abs(self.rng.gauss(0, self.jitter)))
            self.frame(t, round(self.media * S), int(self.arrived * 1e9))
        return self

    def frame(self, t, media, arrived_ns):
        if t < 0.5:
            self.timeline.watch(media, arrived_ns)
            self.timeline.anchor()
            return
        self.timeline.observe(media, arrived_ns)
        wall = self.timeline.wall(media)
        self.walls.append(wall)
        self.errors.append(wall / S - (self.utc + t))
        self.flags += self.timeline.arrival_timed

    def worst(self, after=0.0):
        return max(abs(e) for e in self.errors[int(after * self.fps) :])

    @property
    def flagged(self):
        return self.flags / len(self.errors)


def rising(walls):
    return all(b > a for a, b in itertools.pairwise(walls))


def test_an_honest_camera_is_exact_and_unflagged():
    sim = Simulation(jitter=0.02).run(600)
    assert sim.worst() < 0.01
    assert sim.flagged == 0
    assert rising(sim.walls)


@pytest.mark.parametrize("fps", [24.0, 26.0])
def test_a_four_per_cent_lie_for_hours_stays_within_a_tenth_of_a_second(fps):
    sim = Simulation(fps=fps, jitter=0.01).run(2 * 3600)
    assert sim.worst(after=10) < 0.1
    assert sim.worst() < 0.3
    assert sim.flagged > 0.99
    assert sim.timeline.slope_ppm == pytest.approx(1e6 * (fps / 25 - 1), abs=500)
    assert rising(sim.walls)


def test_a_camera_that_slows_down_at_night():
    sim = Simulation().run(300)
    assert sim.flagged == 0
    sim.fps = 21.0
    sim.run(60)
    assert sim.worst() < 0.7
    assert abs(sim.errors[-1]) < 0.02
    sim.fps = 25.0
    sim.run(300)
    assert abs(sim.errors[-1]) < 0.02
    assert not sim.timeline.arrival_timed


@pytest.mark.parametrize("ppm", [-450, 100, 450])
def test_an_honest_crystal_is_followed(ppm):
    sim = Simulation(stamped=25 / (1 + ppm / 1e6)).run(1200)
    assert sim.worst() < 0.03
    assert sim.flagged == 0


@pytest.mark.parametrize(("height", "length"), [(0.3, 30), (1.0, 3), (2.0, 1)])
def test_a_network_that_slows_down_for_a_while_moves_nothing(height, length):
    sim = Simulation(delay=lambda t: height if 300 < t < 300 + length else 0.0).run(600)
    assert sim.worst() < 0.1
    assert sim.flagged == 0


def test_frames_of_an_old_burst_do_not_set_the_time():
    sim = Simulation(delay=lambda t: max(0.0, 0.4 - t)).run(30)
    assert sim.worst() < 0.01


def test_a_lasting_delay_is_followed_in_the_end():
    sim = Simulation(delay=lambda t: 1.0 if t > 100 else 0.0).run(300)
    assert abs(sim.errors[-1] - 1.0) < 0.05
    assert rising(sim.walls)


@given(
    st.lists(st.tuples(st.integers(-3 * S, 6 * S), st.floats(0, 3)), min_size=1, max_size=80),
    st.lists(st.floats(-0.4, 0.4), max_size=80),
)
def test_time_always_rises_and_is_never_far_in_the_future(frames, steps):
    clock, box = ManualClock(), BoxClock()
    box.follow(*both(clock))
    timeline, media_clock, stamp, last = Timeline(box), MediaClock(), 0, 0
    for i, (delta, wait) in enumerate(frames):
        clock.advance(wait)
        clock.step(steps[i] if i < len(steps) else 0)
        if box.follow(*both(clock)):
            box.reset(*both(clock))
            timeline, last = Timeline(box), 0
        now = clock.monotonic_ns()
        stamp += delta
        media = media_clock.push(stamp % 2**32, now * 9 // 100_000, span=REORDER_SPAN)
        if last == 0:
            timeline.watch(media, now)
            timeline.anchor()
        else:
            timeline.observe(media, now)
        wall = timeline.wall(media)
        assert wall > last
        ahead = wall - (now + box.offset_ns) * 9 // 100_000
        assert ahead <= S // 4 + i + 1 or wall == last + 1
        last = wall
