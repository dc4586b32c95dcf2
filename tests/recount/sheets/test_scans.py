"""Real scans: the published totals of an American school election, and answer sheets of other hands."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from aigaq.election import Names
from aigaq.recount.reading.sheets import read_sheet
from aigaq.recount.reading.sheets.pattern import pattern_of
from aigaq.recount.reading.sheets.register import register
from aigaq.recount.reading.sighting import Sighting
from aigaq.recount.styles import LoadedStyle, Wish, make_style

SHARED = Path(os.environ.get("AIGAQ_SHARED", Path(__file__).parents[4] / "shared"))
DURANT = SHARED / "data/ballots/opencount/test-ballots/1side_1template/simple_durant"
OMR = SHARED / "data/ballots/omrchecker/samples/sample6"
INKED = 0.3


def style_from(blank: Path, size_mm: tuple[float, float]) -> LoadedStyle:
    wish = Wish("scan", "scan", Names("a", "b", "c"), size_mm=size_mm, endorsements=0)
    made = make_style(blank.read_bytes(), wish, where=blank.name)
    return LoadedStyle(made.style, made.blank, blank.name)


def scanned(path: Path) -> Sighting:
    grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    assert grey is not None
    tall, wide = grey.shape
    corners = np.array([(0, 0), (wide, 0), (wide, tall), (0, tall)]) - 0.5
    return Sighting(grey.astype(np.uint8), cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), (0, 0), corners, 1.0, 0.0)


@pytest.fixture(scope="module")
def durant() -> LoadedStyle:
    return style_from(DURANT / "blankballots/blank.tif", (215.9, 279.4))


def test_the_totals_of_scanned_ballots_are_those_published(durant):
    director, college = np.zeros(7, int), np.zeros(2, int)
    for path in sorted((DURANT / "votedballots").glob("*.tif")):
        boxes = read_sheet(durant, [scanned(path)]).boxes
        marked = np.array([box.ink > INKED for box in boxes])
        assert max(box.ink for box, mark in zip(boxes, marked, strict=True) if not mark) < 0.06
        director += marked[:7] if marked[:7].sum() <= 3 else 0  # vote for no more than three
        college += marked[7:] if marked[7:].sum() <= 1 else 0
    assert director.tolist() == [6, 4, 1, 1, 0, 0, 0]
    assert college.tolist() == [6, 1]


def test_answer_sheets_are_made_straight():
    style = style_from(OMR / "reference.png", (210, 297))
    for path in sorted((OMR / "doc-scans").glob("*.jpg")):
        assert register(pattern_of(style, 4.0), scanned(path)).agreed > 0.8
