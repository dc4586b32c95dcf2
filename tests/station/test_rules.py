"""The tiling rule: playbooks first, then any schedule of faults."""

import random

from hypothesis import given
from hypothesis import strategies as st

from aigaq.station.rules import Footage, Gap, Position, Tile, Tiler, tiling_faults
from aigaq_verify import GapCause

T = 1_800_000_000_000


def play(tiler: Tiler, *steps: tuple) -> list[Tile]:
    rows: list[Tile] = []
    for name, *args in steps:
        made = getattr(tiler, name)(*args)
        rows += made if isinstance(made, list) else [made]
    return rows


def test_contiguous_segments_need_no_gap():
    rows = play(Tiler(), ("resumed", T), ("sealed", T + 2000), ("resumed", T + 2000), ("sealed", T + 4000))
    assert rows == [Footage(T, T + 2000), Footage(T + 2000, T + 4000)]


def test_gap_starts_where_footage_ended_and_ends_where_it_resumes():
    tiler = Tiler(Position(T))
    rows = play(tiler, ("stopped", T + 2100, GapCause.NO_RTP, "silent"), ("resumed", T + 9000))
    assert rows == [Gap(T, None, GapCause.NO_RTP, "silent"), Gap(T, T + 9000, GapCause.NO_RTP, "silent")]
    assert tiler.position == Position(T + 9000)


def test_cause_change_splits_the_gap_and_the_same_cause_again_does_not():
    rows = play(
        Tiler(Position(T)),
        ("stopped", T + 2000, GapCause.NO_RTP),
        ("stopped", T + 3000, GapCause.NO_RTP, "again"),
        ("stopped", T + 5000, GapCause.NO_CONNECT),
    )
    assert rows == [
        Gap(T, None, GapCause.NO_RTP),
        Gap(T, T + 5000, GapCause.NO_RTP),
        Gap(T + 5000, None, GapCause.NO_CONNECT),
    ]


def test_unannounced_hole_is_signed_too():
    rows = play(Tiler(Position(T)), ("resumed", T + 1), ("sealed", T + 2001))
    assert [type(row) for row in rows] == [Gap, Footage]
    assert rows[0] == Gap(T, T + 1, GapCause.NO_RTP, rows[0].detail)


def test_small_overlap_shortens_the_segment():
    assert play(Tiler(Position(T)), ("resumed", T - 500), ("sealed", T + 1500)) == [Footage(T, T + 1500)]
    assert play(Tiler(Position(T)), ("resumed", T - 400), ("sealed", T - 100)) == [Footage(T, T + 1)]


def test_large_overlap_is_a_clock_step():
    rows = play(Tiler(Position(T)), ("resumed", T - 501), ("sealed", T + 1499))
    assert rows[0] == Gap(T, T - 501, GapCause.CLOCK_STEP, rows[0].detail)
    assert rows[1] == Footage(T - 501, T + 1499)


def test_announced_clock_step_shows_both_times():
    for after in (T - 3_600_000, T + 3_600_000, T - 100):
        rows = play(Tiler(Position(T)), ("stopped", after, GapCause.CLOCK_STEP), ("resumed", after + 40))
        assert rows[1] == Gap(T, after + 40, GapCause.CLOCK_STEP)


def test_clock_set_back_inside_another_gap():
    rows = play(Tiler(Position(T)), ("stopped", T, GapCause.NO_CONNECT), ("resumed", T - 60_000))
    assert [(row.from_ms, row.to_ms, row.cause) for row in rows] == [
        (T, None, GapCause.NO_CONNECT),
        (T, T, GapCause.NO_CONNECT),
        (T, T - 60_000, GapCause.CLOCK_STEP),
    ]


def test_duty_starts_with_a_gap_and_ends_off_duty():
    rows = play(
        Tiler(),
        ("stopped", T, GapCause.NO_CONNECT),
        ("resumed", T + 700),
        ("sealed", T + 2700),
        ("off_duty", T + 2900),
        ("stopped", T + 9000, GapCause.NO_CONNECT),
    )
    assert [row.to_ms if isinstance(row, Gap) else row.end_ms for row in rows] == [
        None, T + 700, T + 2700, None, T + 9000, None,
    ]  # fmt: skip
    assert not list(tiling_faults(rows))


def test_duty_end_keeps_what_was_missing_before_it():
    rows = play(Tiler(Position(T)), ("off_duty", T + 4000))
    assert [(row.from_ms, row.to_ms, row.cause) for row in rows] == [
        (T, T + 4000, GapCause.NO_RTP),
        (T + 4000, None, GapCause.OFF_DUTY),
    ]


def test_restart_after_a_crash_opens_a_gap_from_the_last_row():
    assert play(Tiler(Position(T)), ("restarted", T + 9000, T)) == [Gap(T, None, GapCause.RESTART)]


def test_restart_splits_an_open_gap_at_the_last_sign_of_life():
    rows = play(Tiler(Position(gap=Gap(T, None, GapCause.NO_RTP))), ("restarted", T + 90_000, T + 30_000))
    assert rows == [Gap(T, T + 30_000, GapCause.NO_RTP), Gap(T + 30_000, None, GapCause.RESTART)]


def test_restart_leaves_announced_stops_alone():
    for cause in (GapCause.OPERATOR, GapCause.OFF_DUTY, GapCause.RESTART):
        assert play(Tiler(Position(gap=Gap(T, None, cause))), ("restarted", T + 9000, T)) == []


def test_restart_with_the_clock_behind_the_rows():
    rows = play(Tiler(Position(T)), ("restarted", T - 86_400_000, T), ("resumed", T - 86_390_000))
    assert [(row.from_ms, row.to_ms, row.cause) for row in rows] == [
        (T, T - 86_400_000, GapCause.CLOCK_STEP),
        (T - 86_400_000, None, GapCause.RESTART),
        (T - 86_400_000, T - 86_390_000, GapCause.RESTART),
    ]


def test_restart_with_the_clock_behind_an_open_gap():
    for cause, after in ((GapCause.OPERATOR, GapCause.OPERATOR), (GapCause.NO_RTP, GapCause.RESTART)):
        rows = play(Tiler(Position(gap=Gap(T, None, cause))), ("restarted", T - 9000, T))
        assert [(row.from_ms, row.to_ms, row.cause) for row in rows] == [
            (T, T, cause),
            (T, T - 9000, GapCause.CLOCK_STEP),
            (T - 9000, None, after),
        ]
    rows = play(Tiler(Position(gap=Gap(T, None, GapCause.CLOCK_STEP))), ("restarted", T - 9000, T))
    assert [(row.from_ms, row.to_ms) for row in rows] == [(T, T - 9000), (T - 9000, None)]


def test_first_start_writes_nothing_before_duty():
    assert play(Tiler(), ("restarted", T, 0)) == []


def test_checker_sees_each_kind_of_fault():
    gap = Gap(T, None, GapCause.NO_RTP)
    bad: list[list[Tile]] = [
        [Footage(T, T + 1), Footage(T + 2, T + 3)],
        [Footage(T, T + 2), Footage(T + 1, T + 3)],
        [Footage(T, T)],
        [gap, Footage(T, T + 1)],
        [gap, Gap(T + 1, T + 2, GapCause.NO_RTP)],
        [gap, Gap(T, T + 2, GapCause.RESTART)],
        [Gap(T, T - 1, GapCause.NO_RTP)],
    ]
    for rows in bad:
        assert list(tiling_faults(rows)), rows


def random_schedule(draw_int, steps: int) -> list[Tile]:
    """A world with a clock that steps, a camera that comes and goes and a box that restarts."""
    tiler, rows, now, alive, recording = Tiler(), [], T, T, None
    for _ in range(steps):
        event = draw_int(0, 9)
        if event <= 3:
            start = now + draw_int(-700, 700) if recording is None or draw_int(0, 3) == 0 else recording
            rows += tiler.resumed(start)
            recording = start + draw_int(1, 6000)
            rows.append(tiler.sealed(recording))
            now = recording + draw_int(0, 300)
        elif event <= 5:
            rows += tiler.stopped(now, draw_cause(draw_int), "x")
            recording = None
        elif event == 6:
            now += draw_int(-7_200_000, 7_200_000)
            if draw_int(0, 1):
                rows += tiler.stopped(now, GapCause.CLOCK_STEP)
                recording = None
        elif event == 7:
            tiler = Tiler(tiler.position)
            rows += tiler.restarted(now, alive)
            recording = None
        elif event == 8:
            rows += tiler.off_duty(now)
            recording = None
        else:
            alive = now
        now += draw_int(0, 5000)
    return rows


def draw_cause(draw_int) -> GapCause:
    causes = [GapCause.NO_CONNECT, GapCause.NO_RTP, GapCause.NO_IDR, GapCause.DISK_FULL, GapCause.OPERATOR]
    return causes[draw_int(0, len(causes) - 1)]


@given(st.data())
def test_any_schedule_tiles(data):
    rows = random_schedule(lambda low, high: data.draw(st.integers(low, high)), 25)
    assert list(tiling_faults(rows)) == []


def test_a_million_random_events_leave_no_millisecond_unaccounted():
    for seed in range(40):
        rows = random_schedule(random.Random(seed).randint, 2_500)
        assert list(tiling_faults(rows)) == []


@given(st.integers(0, 2**40), st.lists(st.integers(1, 10**6), max_size=50))
def test_whole_ticks_round_to_contiguous_milliseconds(start, durations):
    """Two segments that meet on the 90 kHz clock meet in milliseconds, whatever the rounding."""
    tiler, tick = Tiler(), start
    for duration in durations:
        assert tiler.resumed(round(tick / 90)) == []
        tick += duration
        tiler.sealed(round(tick / 90))
