"""The same sheet again: by rendered ballots shown twice, by drawn ink, and what lies beside the readings."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from aigaq.recount.reading.repeats import (
    Likeness,
    Trace,
    first_showings,
    is_repeat,
    parse_trace,
    same_sheet,
    trace_of,
    trace_text,
)


def test_ballots_that_are_shown_again_are_named(usual):
    traces = [trace_of(ballot.read, ballot.style) for ballot in usual]
    places = {ballot.presented.n: place for place, ballot in enumerate(usual)}
    again = [ballot.presented.same_as for ballot in usual]
    assert sum(n is not None for n in again) == 2
    wanted = [None if n is None else places[n] for n in again]
    alike = {place: same_sheet(traces[place], traces[n]) for place, n in enumerate(wanted) if n is not None}
    assert first_showings(traces) == wanted, alike


def drawn(seed: int, boxes=("choice-1",), sign=True) -> Trace:
    rng = np.random.default_rng(seed)
    marks = np.zeros((len(boxes), 40, 40), np.uint8)
    for mark in marks:
        for x, y in rng.integers(5, 30, (6, 2)):
            mark[y : y + 6, x : x + 3] = 150
    name = np.zeros((20, 110), np.uint8)
    for x, y in rng.integers((10, 4), (90, 12), (20, 2)):
        name[y : y + 4, x : x + 6] = 140
    return Trace("s", boxes, marks, name if sign else None)


def test_the_first_of_three_showings_is_named_for_all():
    a, b = drawn(1), drawn(2)
    assert first_showings([a, b, a, None, b, a]) == [None, None, 0, None, 1, 0]


def test_marks_in_other_boxes_are_other_sheets():
    assert same_sheet(drawn(1), drawn(1, boxes=("choice-2",))).mark == -1


def test_a_sheet_without_ink_is_not_known_again(usual):
    assert first_showings([None, None]) == [None, None]


@pytest.mark.parametrize(
    ("mark", "sign", "apart", "same"),
    [
        (0.99, 0.9, 1, True), (0.99, None, 1, True), (0.99, 0.1, 1, False), (0.9, 0.85, 2, True), (0.9, 0.6, 2, False),
        (0.99, None, 100, False), (0.99, 0.7, 100, False), (0.98, 0.95, 700, True), (0.8, 0.96, 1, True),
        (0.4, 0.99, 1, False),
    ],
)  # fmt: skip
def test_what_is_far_apart_must_be_told_more_surely(mark, sign, apart, same):
    assert is_repeat(Likeness(mark, sign), apart) is same


pictures = arrays(np.uint8, (20, 50))


@given(st.lists(arrays(np.uint8, (40, 40)), min_size=1, max_size=3), st.none() | pictures)
def test_a_trace_comes_back_from_its_text(marks, sign):
    trace = Trace("s", tuple(f"choice-{n}" for n in range(len(marks))), np.stack(marks), sign)
    again = parse_trace(trace_text(trace))
    assert (again.style, again.boxes) == (trace.style, trace.boxes)
    assert again.marks.tobytes() == trace.marks.tobytes()
    assert (again.sign is None) == (sign is None)
    assert sign is None or (again.sign.shape, again.sign.tobytes()) == (sign.shape, sign.tobytes())


GOOD = json.loads(trace_text(drawn(1)))


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", "{}", json.dumps({**GOOD, "marks": "AAAA"}), json.dumps({**GOOD, "marks": 3}),
     json.dumps({**GOOD, "boxes": ["a", "b"]}), json.dumps({**GOOD, "sign_width": 0}),
     json.dumps({**GOOD, "sign_width": "x"}), json.dumps({**GOOD, "boxes": None})],
)  # fmt: skip
def test_what_is_no_trace_is_refused(text):
    with pytest.raises(ValueError, match=r".+"):
        parse_trace(text)
