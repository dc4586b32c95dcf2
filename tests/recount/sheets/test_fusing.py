"""Fusing against NumPy's own sorting, and the ink of drawn boxes."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from aigaq.recount.reading.decide import EMPTY_INK, EMPTY_PEAK, MARKED_INK, MARKED_PEAK
from aigaq.recount.reading.sheets.fuse import fuse
from aigaq.recount.reading.sheets.ink import inks, inside
from aigaq.recount.reading.sheets.patches import SIDE, grid_of
from aigaq.recount.reading.sheets.pattern import pattern_of
from aigaq.recount.styles import LoadedStyle
from aigaq.simulator.ballots import draw_ballot, make_style


@given(st.integers(1, 7).flatmap(lambda n: st.tuples(
    arrays(np.uint8, (n, 3, 4)), arrays(np.uint8, (n, 3, 4), elements=st.sampled_from([0, 255]))
)))  # fmt: skip
def test_the_middle_of_what_is_seen(stacks):
    pictures, hidden = stacks
    fused, seen = fuse(list(pictures), list(hidden))
    assert (seen == (hidden == 0).sum(axis=0)).all()
    for place in np.ndindex(3, 4):
        values = np.sort(pictures[:, *place][hidden[:, *place] == 0] if seen[place] else pictures[:, *place])
        half = len(values) // 2
        middle = values[half - 1 : half + 1] if len(values) % 2 == 0 else values[half : half + 1]
        if len(values) % 2 == 1 and len(values) >= 5:
            middle = values[half - 1 : half + 2]
        assert abs(float(fused[place]) - middle.astype(float).mean()) <= 1


@pytest.fixture(scope="module")
def grid():
    style = make_style("party-list")
    return grid_of(pattern_of(LoadedStyle(style, draw_ballot(style), "party-list"), 2.5))


def read(grid, draw):
    """The ink of the fourth box after drawing on its patch; every box is seen."""
    patches = grid.blank.copy()
    draw(patches[3])
    return inks(grid, patches, np.ones_like(patches))[3]


def line(start, end, level, width=2):
    def draw(patch):
        over = patch.copy()
        cv2.line(over, start, end, level, width, cv2.LINE_AA)
        patch[:] = over

    return draw


def dot(patch):
    cv2.circle(patch, (SIDE // 2 + 6, SIDE // 2 - 4), 2, 60, -1, cv2.LINE_AA)


def test_a_blank_has_no_ink(grid):
    ink = read(grid, lambda patch: None)
    assert (ink.share, ink.peak) == (0, pytest.approx(0, abs=0.02))


@pytest.mark.parametrize("draw", [line((30, 30), (66, 66), 120), line((30, 60), (60, 34), 160, 3), dot],
                         ids=["cross stroke", "faint stroke", "dot"])  # fmt: skip
def test_strokes_and_dots_are_ink(grid, draw):
    ink = read(grid, draw)
    assert ink.share > EMPTY_INK
    assert ink.peak > MARKED_PEAK


def fold(patch):
    """A crease darkens a line over the whole patch by 6 %."""
    patch[:, SIDE // 2 : SIDE // 2 + 2] = (patch[:, SIDE // 2 : SIDE // 2 + 2] * 0.94).astype(np.uint8)


def test_a_fold_is_no_ink(grid):
    ink = read(grid, fold)
    assert ink.share < EMPTY_INK
    assert ink.peak < EMPTY_PEAK


def test_a_line_drawn_across_and_beyond_the_box_is_ink(grid):
    ink = read(grid, line((2, SIDE // 2), (SIDE - 3, SIDE // 2), 70, 3))
    assert ink.share > MARKED_INK
    assert ink.peak > MARKED_PEAK


def test_a_neighbours_overflow_that_grazes_a_box_is_not_its_mark(grid):
    ink = read(grid, lambda patch: cv2.rectangle(patch, (30, 0), (66, 26), 60, -1))
    assert ink.share < EMPTY_INK


def test_ink_that_goes_deep_is_a_mark_wherever_it_comes_from(grid):
    ink = read(grid, lambda patch: cv2.rectangle(patch, (30, 0), (66, 50), 60, -1))
    assert ink.share > MARKED_INK


def test_what_is_not_seen_is_not_ink(grid):
    patches = grid.blank.copy()
    dot(patches[3])
    seen = np.ones_like(patches)
    seen[3][inside(grid, 3)] = 0
    assert inks(grid, patches, seen)[3].share == 0
