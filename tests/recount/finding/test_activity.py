"""Every second of movement belongs to a presentation or to a gap, and to no two."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from aigaq.recount.model import Gap, GapKind
from aigaq.recount.reading.finding.activity import Activity

MUCH, LITTLE = 0.1, 0.001


def moved(activity: Activity, from_s: float, to_s: float) -> None:
    for n in range(round((to_s - from_s) * 10)):
        activity.move(from_s + n / 10, from_s + (n + 1) / 10, MUCH)


def rounded(gaps: list[Gap]) -> list[tuple[float, float]]:
    assert all(g.kind is GapKind.ACTIVITY for g in gaps)
    return [(round(g.from_s, 1), round(g.to_s, 1)) for g in gaps]


def test_raising_and_lowering_belong_to_the_presentation() -> None:
    activity = Activity()
    moved(activity, 1.0, 4.0)
    assert activity.shown(2.0, 3.0) == []
    assert activity.end(10.0) == []


def test_movement_between_two_presentations_is_told() -> None:
    activity = Activity()
    moved(activity, 1.0, 20.0)
    assert activity.shown(2.0, 3.0) == []
    assert rounded(activity.shown(15.0, 16.0)) == [(4.2, 13.8)]
    assert rounded(activity.end(20.0)) == [(17.2, 20.0)]


def test_a_fast_count_leaves_less_room_so_that_no_ballot_slips_through() -> None:
    activity = Activity()
    moved(activity, 0.0, 30.0)
    told = list[Gap]()
    for n in range(10):
        told += activity.shown(2 + n, 2.5 + n)
    assert rounded(told) == [(0.0, 0.8)]
    assert rounded(activity.shown(13.0, 13.5)) == [(11.8, 12.7)]


def test_little_movement_and_short_movement_are_not_told() -> None:
    activity = Activity()
    activity.move(1.0, 9.0, LITTLE)
    moved(activity, 20.0, 20.3)
    assert activity.end(30.0) == []


def test_movement_that_waits_for_no_ballot_is_told_while_the_film_runs() -> None:
    activity = Activity()
    moved(activity, 0.0, 30.0)
    assert rounded(activity.late(19.0)) == []
    assert rounded(activity.late(30.0)) == [(0.0, 28.0)]
    assert rounded(activity.end(30.0)) == [(28.0, 30.0)]


@given(st.lists(st.tuples(st.floats(0.2, 9), st.floats(0.2, 4)), max_size=20))
def test_gaps_never_overlap_and_never_reach_into_a_presentation(steps: list[tuple[float, float]]) -> None:
    activity, at, told, shown = Activity(), 0.0, list[Gap](), list[tuple[float, float]]()
    for pause, length in steps:
        start, end = at + pause, at + pause + length
        activity.move(at, end, MUCH)
        told += activity.shown(start, end)
        shown.append((start, end))
        at = end
    told += activity.end(at)
    assert all(a.to_s <= b.from_s for a, b in pairwise(told))
    assert all(g.to_s <= a or g.from_s >= b for g in told for a, b in shown)
    covered = sorted([(a - 1.2, b + 1.2) for a, b in shown] + [(g.from_s, g.to_s) for g in told])
    assert all(b[0] - max(x[1] for x in covered[: n + 1]) < 0.5 for n, b in enumerate(covered[1:]))
