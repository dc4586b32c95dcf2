"""Coverage tiles every interval exactly, and says of each moment what is known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aigaq.archive.coverage import camera_state, tile
from aigaq.archive.model import CameraState, Kind, Row, Span, SpanState
from aigaq.archive.rows import Island
from aigaq_verify import GapCause

NOW = 1000


def gap(start, end, cause=GapCause.NO_RTP, *, sealed=True):
    return Row(
        "s", "c", "sub", 0, Kind.GAP, start, end, cause, b"", b"", 0, 0, None, None, None, 0, 0, b"",
        1 if sealed else None,
    )  # fmt: skip


def island(start, end, *, sealed=True):
    return Island("c", start, end, sealed)


def states(spans):
    return [(s.from_ms, s.to_ms, str(s.state)) for s in spans]


def test_recorded_then_gap_then_recorded_then_the_future():
    found = tile([island(0, 400), island(500, 900)], [gap(400, 500)], (0, 1200), NOW)
    assert states(found) == [
        (0, 400, "recorded"),
        (400, 500, "gap"),
        (500, 900, "recorded"),
        (900, 1000, "missing"),
        (1000, 1200, "future"),
    ]
    assert found[1].cause is GapCause.NO_RTP


def test_an_open_gap_reaches_to_now_and_no_further():
    found = tile([island(0, 400)], [gap(400, None)], (0, 1200), NOW)
    assert states(found) == [(0, 400, "recorded"), (400, 1000, "gap"), (1000, 1200, "future")]


def test_nothing_is_missing_outside_duty():
    found = tile([island(300, 400)], [], (0, 900), NOW, duty=(200, 700))
    assert states(found) == [
        (0, 200, "off_duty"),
        (200, 300, "missing"),
        (300, 400, "recorded"),
        (400, 700, "missing"),
        (700, 900, "off_duty"),
    ]


def test_off_duty_by_the_stations_word():
    found = tile([], [gap(0, 900, GapCause.OFF_DUTY)], (0, 900), NOW)
    assert found == (Span(0, 900, SpanState.OFF_DUTY, GapCause.OFF_DUTY, sealed=True),)


def test_a_clock_that_was_set_back_tells_time_twice_and_footage_counts():
    found = tile([island(0, 500), island(450, 800)], [gap(500, 450, GapCause.CLOCK_STEP)], (0, 800), NOW)
    assert states(found) == [(0, 800, "recorded")]


def test_footage_goes_before_a_gap():
    assert states(tile([island(100, 300)], [gap(0, 400)], (0, 400), NOW)) == [
        (0, 100, "gap"),
        (100, 300, "recorded"),
        (300, 400, "gap"),
    ]


def test_sealed_and_unsealed_stay_apart():
    found = tile([island(0, 100), island(100, 200, sealed=False)], [], (0, 200), NOW)
    assert [(s.to_ms, s.sealed) for s in found] == [(100, True), (200, False)]


def test_an_empty_window_has_no_spans():
    assert tile([island(0, 10)], [], (5, 5), NOW) == ()


times = st.integers(-100, 1500)
islands = st.lists(
    st.builds(lambda a, b, s: island(min(a, b), max(a, b), sealed=s), times, times, st.booleans()), max_size=12
)
gaps = st.lists(
    st.builds(
        lambda a, b, cause, s: gap(a, b, cause, sealed=s),
        times,
        times | st.none(),
        st.sampled_from(GapCause),
        st.booleans(),
    ),
    max_size=12,
)


@given(islands, gaps, times, times, st.tuples(times, times).map(sorted) | st.none(), times)
def test_every_answer_tiles_its_window(islands, gaps, a, b, duty, now):
    start, end = min(a, b), max(a, b)
    found = tile(islands, gaps, (start, end), now, duty=tuple(duty) if duty else None)
    assert sum(s.to_ms - s.from_ms for s in found) == end - start
    at = start
    for span in found:
        assert span.from_ms == at < span.to_ms
        at = span.to_ms
    for moment in range(start, end, max(1, (end - start) // 37)):
        span = next(s for s in found if s.from_ms <= moment < s.to_ms)
        assert span.state is expected(islands, gaps, moment, now, duty)


def expected(islands, gaps, moment, now, duty):
    """The same answer, moment by moment."""
    if any(i.from_ms <= moment < i.to_ms for i in islands):
        return SpanState.RECORDED
    covering = [g for g in gaps if g.start_ms <= moment < (max(g.start_ms, now) if g.end_ms is None else g.end_ms)]
    if covering:
        off = {g.cause is GapCause.OFF_DUTY for g in covering}
        return {True: SpanState.OFF_DUTY, False: SpanState.GAP}[
            first_of(gaps, moment, now) if len(off) > 1 else off.pop()
        ]
    if moment >= now:
        return SpanState.FUTURE
    if duty and not duty[0] <= moment < duty[1]:
        return SpanState.OFF_DUTY
    return SpanState.MISSING


def first_of(gaps, moment, now):
    """Among overlapping gaps the one that begins first (then ends first) keeps the time."""
    spans = sorted((g.start_ms, max(g.start_ms, now) if g.end_ms is None else g.end_ms, n) for n, g in enumerate(gaps))
    at = None
    for low, high, number in spans:
        if (low if at is None else max(low, at)) <= moment < high:
            return gaps[number].cause is GapCause.OFF_DUTY
        at = max(high, at if at is not None else high)
    raise AssertionError


@pytest.mark.parametrize(
    ("end", "cause", "state"),
    [
        (None, None, CameraState.NEVER),
        (990, None, CameraState.LIVE),
        (-20_000, None, CameraState.STALE),
        (990, GapCause.NO_RTP, CameraState.GAP),
        (None, GapCause.NO_CONNECT, CameraState.GAP),
        (990, GapCause.OFF_DUTY, CameraState.OFF),
        (990, GapCause.OPERATOR, CameraState.OFF),
    ],
)
def test_one_word_for_a_camera(end, cause, state):
    assert camera_state(end, cause, NOW) is state
