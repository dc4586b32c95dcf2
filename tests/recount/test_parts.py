"""Films in parts: whatever is shown comes out once, wherever the borders fall."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aigaq.recount.model import Gap, GapKind, Outcome, Reading, Why
from aigaq.recount.reading.parts import OVERLAP_S, PartReading, beside_gaps, cuts, joined_gaps, own, plan


def shown(start: float, end: float) -> Reading:
    return Reading(1, start, end, None, Outcome.HUMAN, why=(Why.UNKNOWN_SHEET,))


@pytest.mark.parametrize(("seconds", "many"), [(0, 1), (20, 1), (449, 1), (451, 2), (7200, 24), (36000, 24)])
def test_parts_tile_the_film(seconds: float, many: int) -> None:
    parts = plan(seconds)
    assert len(parts) == many
    assert parts[0].from_s == parts[0].read_from_s == 0
    assert parts[-1].to_s == math.inf
    assert all(a.to_s == b.from_s for a, b in pairwise(parts))
    assert all(p.read_from_s == p.from_s - OVERLAP_S and p.read_to_s == p.to_s + OVERLAP_S for p in parts[1:])


spans = st.lists(st.tuples(st.floats(0.3, 6), st.floats(0.1, 3)), max_size=400)


@given(spans, st.floats(460, 1900), st.randoms(use_true_random=False))
def test_every_presentation_comes_out_once(steps: list[tuple[float, float]], seconds: float, random: object) -> None:
    """Parts see the same presentations some tenths of a second apart, and pieces of them at their very ends."""
    at, truth = 0.0, list[tuple[float, float]]()
    for length, pause in steps:
        truth.append((at + pause, at + pause + length))
        at += pause + length
    truth = [t for t in truth if t[1] < seconds]
    parts = plan(seconds)
    found = [
        PartReading(
            tuple(
                shown(max(a + jitter(random), p.read_from_s), min(b - jitter(random), p.read_to_s))
                for a, b in truth
                if a < p.read_to_s - 0.2 and b > p.read_from_s + 0.2
            ),
            (),
        )
        for p in parts
    ]
    borders = cuts(parts, found)
    kept = [
        one.readings[place]
        for one, start, end in zip(found, borders, borders[1:], strict=False)
        for place in own(one.readings, start, end)
    ]
    assert borders == sorted(borders)
    assert len(kept) == len(truth)
    assert all(abs(k.from_s - a) < 0.1 and abs(k.to_s - b) < 0.1 for k, (a, b) in zip(kept, truth, strict=True))


def jitter(random: object) -> float:
    return random.uniform(0, 0.04)  # type: ignore[attr-defined]


gap_lists = st.lists(st.tuples(st.floats(0, 900), st.floats(0.01, 200), st.sampled_from(GapKind)), max_size=5)


@given(gap_lists)
def test_gaps_across_borders_stay_whole(raw: list[tuple[float, float, GapKind]]) -> None:
    gaps = [Gap(start, start + length, kind) for start, length, kind in raw]
    parts = plan(900.0)
    found = [
        PartReading(
            (),
            tuple(
                Gap(max(g.from_s, p.read_from_s), min(g.to_s, p.read_to_s), g.kind)
                for g in gaps
                if g.from_s < p.read_to_s and g.to_s > p.read_from_s
            ),
        )
        for p in parts
    ]
    joined = joined_gaps(found, cuts(parts, found))
    for kind in GapKind:
        for at in [g.from_s for g in gaps] + [g.to_s - 0.005 for g in gaps] + [5.0 * n for n in range(200)]:
            inside = any(g.from_s <= at < g.to_s for g in gaps if g.kind is kind)
            near = min((abs(at - t) for g in gaps for t in (g.from_s, g.to_s)), default=1.0) < 0.02
            assert near or inside == any(g.from_s <= at < g.to_s for g in joined if g.kind is kind)
    alone = [g for g in joined if sum(o.kind is g.kind for o in joined) == 1]
    assert len([g for g in alone if sum(o.kind is g.kind for o in gaps) == 1]) == len(
        [k for k in GapKind if sum(o.kind is k for o in gaps) == 1]
    )


AUTOMATIC = replace(shown(10, 12), outcome=Outcome.AUTOMATIC, choice="choice-1", why=())


@pytest.mark.parametrize(
    ("gap", "near"),
    [
        (Gap(10.5, 11, GapKind.MISSING), True),
        (Gap(12.4, 20, GapKind.DAMAGED), True),
        (Gap(5, 9.6, GapKind.LOOPED), True),
        (Gap(12.51, 20, GapKind.MISSING), False),
        (Gap(5, 9.49, GapKind.MISSING), False),
        (Gap(10.5, 11, GapKind.ACTIVITY), False),
    ],
)
def test_footage_that_is_missing_nearby_leaves_it_to_people(gap: Gap, near: bool) -> None:
    (one,) = beside_gaps([AUTOMATIC], [gap])
    assert (one.outcome is Outcome.HUMAN) == near
    assert (one.choice, one.why) == ((None, (Why.NEAR_GAP,)) if near else ("choice-1", ()))
