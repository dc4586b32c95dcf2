"""Who voted how: valid is what the law calls valid, shares are kept, the same seed casts the same votes."""

from collections import Counter
from dataclasses import fields, replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aigaq.election import Box
from aigaq.simulator.ballots import CONTESTS, make_style
from aigaq.simulator.count import PRESETS, Conditions, CountPlan, CountPlanError, Mark, Shares, cast, content
from aigaq.simulator.count.cast import Ballot
from aigaq.simulator.count.marks import INKS, MARK_KINDS, ink
from aigaq.simulator.count.sheet import back, box_share, front

STYLE = make_style("maslikhat-city")
NOTHING = Shares(**{f.name: 0.0 for f in fields(Shares)})


def mark(choice, kind="tick"):
    box = STYLE.choice(choice).box if choice else Box(60, 100, 18, 18)
    return Mark(choice, kind, "blue", 0.9, box.x + box.w / 2, box.y + box.h / 2, 10.0, 7)


@pytest.mark.parametrize(
    ("marks", "endorsed", "form", "invalid", "choice"),
    [
        (("choice-2",), True, "established", None, "choice-2"),
        (("choice-2", "choice-2"), True, "established", None, "choice-2"),
        (("choice-2", None), True, "established", None, "choice-2"),
        (("choice-2", "choice-3"), True, "established", "several", None),
        ((), True, "established", "none", None),
        ((None,), True, "established", "outside", None),
        (("choice-2",), False, "established", "endorsement", None),
        (("choice-2",), True, "copy", "form", None),
        ((), False, "other", "form", None),
    ],
)
def test_what_counts(marks, endorsed, form, invalid, choice):
    ballot = Ballot(STYLE, tuple(mark(m) for m in marks), endorsed, form, 1)
    assert (ballot.invalid, ballot.valid_choice) == (invalid, choice)
    said = content(ballot)
    assert (said["invalid"], said["valid_choice"], len(said["marks"])) == (invalid, choice, len(marks))


def test_a_clean_count_has_only_valid_ballots():
    shown = cast(CountPlan(3, 150, shares=NOTHING))
    assert len(shown) == 150
    assert [p.n for p in shown] == list(range(150))
    assert all(p.ballot.valid_choice and p.shown == "front" and p.same_as is None and not p.beneath for p in shown)
    assert {p.ballot.style.id for p in shown} == {"party-list", "single-mandate", "maslikhat-region", "maslikhat-city"}
    kinds = Counter(m.kind for p in shown for m in p.ballot.marks)
    assert len(kinds) >= 8


@given(st.integers(0, 10_000), st.integers(1, 40))
def test_repeated_ballots_point_to_their_first_showing(seed, ballots):
    shown = cast(CountPlan(seed, ballots, shares=Shares(again=0.4, double=0.3, form=0.2)))
    assert [p.n for p in shown] == list(range(len(shown)))
    firsts = [p for p in shown if p.same_as is None]
    assert len(firsts) == ballots
    for p in shown:
        if p.same_as is not None:
            first = shown[p.same_as]
            assert first.same_as is None
            assert p.same_as < p.n
            assert first.ballot == p.ballot
    assert len({p.same_as for p in shown if p.same_as is not None}) == len(shown) - ballots


def test_shares_are_kept_and_the_seed_decides():
    plan = CountPlan(9, 3000)
    shown = cast(plan)
    assert shown == cast(plan)
    assert shown != cast(replace(plan, seed=10))
    why = Counter(p.ballot.invalid for p in shown)
    for name in ("none", "several", "outside", "form"):
        expected = getattr(plan.shares, name) * 3000
        assert 0.5 * expected < why[name] < 1.8 * expected
    upside = sum(p.upside_down for p in shown)
    assert 80 < upside < 170
    assert 20 < sum(p.same_as is not None for p in shown) < 80


@pytest.mark.parametrize("kind", MARK_KINDS)
@pytest.mark.parametrize("pen", INKS)
def test_every_mark_leaves_ink_in_its_box(kind, pen):
    drawn = replace(mark("choice-1", kind), ink=pen)
    inked = ink(drawn, 8.0)
    assert inked.cover.max() > 0.3
    assert inked.cover[0].max() == inked.cover[:, 0].max() == inked.cover[-1].max() == 0
    assert 0.9 < box_share(drawn, STYLE.choice("choice-1").box) <= 1
    assert box_share(drawn, STYLE.choice("choice-3").box) == 0


def test_a_mark_that_overflows_says_so():
    box = STYLE.choice("choice-1").box
    wide = replace(mark("choice-1", "cross"), size=26.0)
    assert 0.4 < box_share(wide, box) < 0.95
    at_edge = replace(mark("choice-1", "fill"), x=box.x)
    assert 0.3 < box_share(at_edge, box) < 0.7


def test_a_sheet_shows_its_marks_and_signature_and_a_shadow_of_them_behind():
    signed = Ballot(STYLE, (mark("choice-1", "fill"),), True, "established", 5)
    blank = replace(signed, marks=(), endorsed=False)
    page, empty = (front(b, 3.0).astype(int) for b in (signed, blank))
    box, area = STYLE.choice("choice-1").box, STYLE.endorsement_area

    def darker(zone, mirrored=False):
        one, two = (p[:, ::-1] if mirrored else p for p in ((behind, clear) if mirrored else (page, empty)))
        x, y, w, h = (round(v * 3) for v in zone)
        return float((two - one)[y : y + h, x : x + w].mean())

    behind, clear = (back(b, 3.0).astype(int) for b in (signed, blank))
    assert darker(box) > 20
    assert darker(area) > 2
    assert darker(STYLE.choice("choice-3").box) == 0
    assert 0.3 < darker(box, mirrored=True) < 12


@pytest.mark.parametrize("form", ["copy", "other"])
def test_what_is_not_of_the_form_is_white(form):
    odd = Ballot(STYLE, (), False, form, 5)
    page = front(odd, 2.0).reshape(-1, 3).astype(int)
    assert np.median(np.ptp(page, axis=1)) <= 2
    assert np.median(page) > 225


@pytest.mark.parametrize(
    "change",
    [
        {"ballots": 0},
        {"ballots": 20_001},
        {"styles": ()},
        {"styles": (STYLE, STYLE)},
        {"cameras": 3},
        {"width": 1919},
        {"height": 200},
        {"shares": Shares(none=1.2)},
        {"conditions": Conditions(ballot_px=20)},
        {"conditions": Conditions(ballot_px=1080)},
        {"conditions": Conditions(fps=Fraction(1))},
        {"conditions": Conditions(seconds=0.1)},
        {"conditions": Conditions(skew=80)},
        {"conditions": Conditions(kbit_s=1)},
        {"conditions": Conditions(thumb=-0.1)},
    ],
)
def test_an_impossible_plan_is_explained(change):
    with pytest.raises(CountPlanError) as refused:
        replace(CountPlan(1, 5), **change)
    assert refused.value.facts["problem"] in refused.value.explain("en").why
    assert len({refused.value.explain(language).why for language in ("kk", "ru", "en")}) == 3


def test_presets_are_the_rows_of_the_table():
    assert set(PRESETS) == {"560", "420", "320", "240", "300kbit", "dark", "thumb", "skew", "fast", "defocus"}
    for conditions in PRESETS.values():
        CountPlan(1, 1, conditions)


def test_every_contest_can_be_cast():
    for contest in CONTESTS:
        shown = cast(CountPlan(2, 20, styles=(make_style(contest),)))
        assert {p.ballot.style.contest for p in shown} == {contest}
