"""A blank is laid onto a picture of itself: moved, turned, lit unevenly and partly hidden."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aigaq.recount.reading.finding.align import align, judge, make_template, resemblance, trace
from aigaq.recount.reading.finding.search import faces
from aigaq.simulator.ballots import draw_ballot, make_style

STYLE = make_style("single-mandate")
BLANK = cv2.cvtColor(draw_ballot(STYLE), cv2.COLOR_RGB2GRAY).astype(np.uint8)
TEMPLATE = make_template(BLANK, STYLE.size_mm)
TRUE = np.array([(190.0, 40.0), (290.0, 47.0), (284.0, 190.0), (184.0, 182.0)])


def picture(*, light: float = 0.0, hidden: int = 0) -> np.ndarray:
    """A sheet before a dark room, small; the light falls off to the right; a bar of so many pixels lies across."""
    tall, wide = BLANK.shape
    source = np.array([(-0.5, -0.5), (wide - 0.5, -0.5), (wide - 0.5, tall - 0.5), (-0.5, tall - 0.5)], np.float32)
    fine = cv2.getPerspectiveTransform(source, (4 * TRUE + 1.5).astype(np.float32))
    large = cv2.warpPerspective(BLANK, fine, (1920, 1080), flags=cv2.INTER_AREA, borderValue=(60.0,))
    small = cv2.resize(large, (480, 270), interpolation=cv2.INTER_AREA).astype(np.float32)
    small *= 1 - light * np.linspace(0, 1, 480, dtype=np.float32)
    small[90 : 90 + hidden] = 90
    return small.astype(np.uint8)


@given(st.lists(st.floats(-1.5, 1.5), min_size=8, max_size=8), st.floats(0, 0.6), st.integers(0, 30))
def test_it_finds_its_place_again(off: list[float], light: float, hidden: int) -> None:
    start = TRUE + np.array(off).reshape(4, 2)
    fit = align(picture(light=light, hidden=hidden), TEMPLATE, start)
    assert np.abs(fit.corners - TRUE).max() < 1.2
    assert fit.likeness > 0.5
    assert fit.seen > 0.6


def test_another_place_and_a_flat_picture_are_not_alike() -> None:
    assert judge(picture(), TEMPLATE, TRUE).likeness > 0.85
    assert judge(picture(), TEMPLATE, TRUE + np.array([0.0, 12.0])).likeness < 0.3
    assert judge(picture(), TEMPLATE, np.roll(TRUE, 2, axis=0)).likeness < 0.3
    assert align(np.full((270, 480), 128, np.uint8), TEMPLATE, TRUE).likeness < 0.1


@given(st.lists(st.floats(-500, 900), min_size=8, max_size=8))
def test_no_corners_break_it(raw: list[float]) -> None:
    fit = align(picture(), TEMPLATE, np.array(raw).reshape(4, 2))
    assert -1 <= fit.likeness <= 1.01
    assert 0 <= fit.seen <= 1


def test_what_a_sheet_bears_tells_it_from_another() -> None:
    def marked(x: int, y: int) -> np.ndarray:
        drawn = picture()
        cv2.circle(drawn, (x, y), 6, (20,), -1)
        cv2.line(drawn, (x - 20, y + 30), (x + 20, y + 34), (20,), 2)
        return drawn

    one, again, other = (trace(marked(*at), TEMPLATE, TRUE) for at in ((230, 100), (230, 100), (260, 130)))
    assert resemblance(one, again) > 0.95
    assert resemblance(one, other) < 0.55


@pytest.mark.parametrize(
    ("corners", "held"),
    [
        (TRUE, True),
        (TRUE[::-1], False),
        (TRUE * (1, 0.3), False),
        (TRUE * (0.3, 1), False),
        (TRUE * np.nan, False),
        (np.zeros((4, 2)), False),
        (TRUE[[0, 2, 1, 3]], False),
        (np.roll(TRUE, 2, axis=0), True),
    ],
)
def test_only_a_sheet_towards_the_camera_is_held(corners: np.ndarray, held: bool) -> None:
    assert faces(corners, STYLE.size_mm) is held
