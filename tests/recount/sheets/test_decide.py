"""The decision, as a playbook and as properties: no doubt of any box ever becomes automatic."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aigaq.recount.model import MIN_VISIBLE, Outcome, Why
from aigaq.recount.reading.decide import decide
from aigaq.recount.reading.sheets import BoxSight, SheetReading

BLANK = np.full((48, 48), 220, np.uint8)
EMPTY = BoxSight("", BLANK, BLANK, visible=1, ink=0, peak=0.03, shade=0.02, label=0.8)
MARKED = replace(EMPTY, ink=0.12, peak=0.6)
NO, YES, UNSURE = (0.99, 0.01, 0.0), (0.01, 0.99, 0.0), (0.5, 0.45, 0.05)


def sheet(*boxes: BoxSight, **facts) -> SheetReading:
    named = tuple(replace(box, choice=f"choice-{n}") for n, box in enumerate(boxes, 1))
    plain = SheetReading(
        style="s", px_per_mm=2.5, fused=BLANK, visible=BLANK, boxes=named, needs_endorsement=True, endorsed=True,
        outside=0, form_ok=True, sheets=1, registered=0.3, used=5, box_px=35, contrast=1, frames=(),
    )  # fmt: skip
    return replace(plain, **facts)


def second(*rows: tuple[float, float, float]) -> np.ndarray:
    return np.array(rows, np.float32).reshape(-1, 3)


ONE = (EMPTY, MARKED, EMPTY)
SAID = second(NO, YES, NO)


def test_one_mark_that_both_see_is_automatic():
    assert decide(sheet(*ONE), SAID) == (Outcome.AUTOMATIC, "choice-2", ())


@pytest.mark.parametrize(
    ("boxes", "said", "facts", "outcome", "why"),
    [
        ((EMPTY, EMPTY), (NO, NO), {}, "flagged", ["none"]),
        ((EMPTY, EMPTY), (NO, NO), {"outside": 20}, "flagged", ["outside"]),
        ((MARKED, MARKED), (YES, YES), {}, "flagged", ["several"]),
        (ONE, SAID, {"form_ok": False}, "flagged", ["form"]),
        (ONE, SAID, {"endorsed": False}, "flagged", ["endorsement"]),
        (ONE, SAID, {"form_ok": None}, "human", ["form"]),
        (ONE, SAID, {"endorsed": None}, "human", ["endorsement"]),
        (ONE, SAID, {"sheets": 2}, "human", ["second_sheet"]),
        ((MARKED, MARKED), (YES, YES), {"sheets": 2}, "human", ["second_sheet", "several"]),
        (ONE, SAID, {"used": 2}, "human", ["few_frames"]),
        (ONE, SAID, {"box_px": 12}, "human", ["small"]),
        (ONE, SAID, {"contrast": 0.2}, "human", ["blurred"]),
        (ONE, SAID, {"registered": 5}, "human", ["unregistered"]),
        ((replace(EMPTY, label=0.3), MARKED, EMPTY), SAID, {}, "human", ["unregistered"]),
        ((replace(EMPTY, visible=0.79), MARKED, EMPTY), SAID, {}, "human", ["hidden"]),
        ((replace(EMPTY, peak=0.1), MARKED, EMPTY), SAID, {}, "human", ["faint"]),
        ((replace(EMPTY, shade=0.2, peak=0.08), MARKED, EMPTY), SAID, {}, "human", ["faint"]),
        (ONE, (UNSURE, YES, NO), {}, "human", ["faint"]),
        (ONE, (YES, YES, NO), {}, "human", ["readers_disagree"]),
        (ONE, (NO, NO, NO), {}, "human", ["readers_disagree"]),
        ((MARKED, MARKED, replace(EMPTY, visible=0.1)), (YES, YES, NO), {}, "flagged", ["several", "hidden"]),
    ],
)  # fmt: skip
def test_what_is_doubtful_goes_to_people_and_what_is_surely_no_vote_is_flagged(boxes, said, facts, outcome, why):
    decision = decide(sheet(*boxes, **facts), second(*said))
    assert (decision.outcome, decision.choice, [w.value for w in decision.why]) == (outcome, None, why)


def test_without_endorsements_none_is_asked_for():
    assert decide(sheet(*ONE, needs_endorsement=False, endorsed=None), SAID).outcome is Outcome.AUTOMATIC


def test_one_scan_is_enough():
    assert decide(sheet(*ONE, used=1, px_per_mm=4.0), SAID).outcome is Outcome.AUTOMATIC


def test_a_sheet_that_fits_nowhere_is_a_persons():
    assert decide(sheet(), second()) == (Outcome.HUMAN, None, (Why.UNREGISTERED,))


def test_an_answer_about_other_boxes_is_refused():
    with pytest.raises(ValueError, match="3 boxes"):
        decide(sheet(*ONE), second(NO, YES))


share = st.floats(0, 1)
rows = st.tuples(share, share, share)
sights = st.builds(BoxSight, st.just(""), st.just(BLANK), st.just(BLANK), share, share, share, share, st.floats(-1, 1))


@given(
    st.lists(st.tuples(sights, rows), min_size=1, max_size=6), st.integers(0, 7), st.sampled_from([None, True, False])
)
def test_automatic_means_one_sure_mark_and_all_else_surely_empty(pairs, used, told):
    reading = sheet(*(box for box, _ in pairs), used=used, form_ok=told)
    decision = decide(reading, second(*(row for _, row in pairs)))
    assert (decision.choice is not None) == (decision.outcome is Outcome.AUTOMATIC)
    assert bool(decision.why) == (decision.outcome is not Outcome.AUTOMATIC)
    assert list(decision.why) == [why for why in Why if why in decision.why]
    if decision.outcome is Outcome.AUTOMATIC:
        assert told is True
        assert used >= 3
        for box, (_, (empty, marked, _)) in zip(reading.boxes, pairs, strict=True):
            assert box.visible >= MIN_VISIBLE
            assert (marked if box.choice == decision.choice else empty) >= 0.9


@given(st.lists(st.tuples(sights, rows), min_size=2, max_size=6), st.data())
def test_to_hide_a_box_never_makes_a_reading_automatic(pairs, data):
    hidden = data.draw(st.integers(0, len(pairs) - 1))
    boxes = [replace(box, visible=0.5) if n == hidden else box for n, (box, _) in enumerate(pairs)]
    assert decide(sheet(*boxes), second(*(row for _, row in pairs))).outcome is not Outcome.AUTOMATIC
