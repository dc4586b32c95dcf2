"""Blanks: every layout fits, the printed boxes lie where the style says, and the folder is read back."""

import hashlib
import re
import tomllib
from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aigaq.election import style_toml
from aigaq.simulator.ballots import (
    CONTESTS,
    DAY,
    PAPER,
    PX_PER_MM,
    day_styles,
    draw_back,
    draw_ballot,
    make_style,
    write_style,
)

LETTERS = "АӘБВГҒДЕЁЖЗИЙКҚЛМНҢОӨПРСТУҰҮФХҺЦЧШЩЪЫІЬЭЮЯ"
anything = st.sampled_from([c for c in CONTESTS if c != "referendum"])


@given(anything, st.integers(2, 20))
def test_every_layout_fits_its_sheet(contest, count):
    style = make_style(contest, choices=count)
    wide, tall = style.size_mm
    assert len(style.choices) == len({c.id for c in style.choices}) == len({c.names for c in style.choices}) == count
    assert style.choices[-1].names.ru == "Против всех"
    assert re.fullmatch(r"[a-z0-9-]+", style.id)
    for choice in style.choices:
        box, row = choice.box, choice.row
        assert box.w == box.h >= 11
        assert box.x + box.w <= row.x + row.w <= wide
        assert box.x > wide * 0.75
        assert row.y < box.y
        assert box.y + box.h < row.y + row.h
    for above, below in pairwise(style.choices):
        assert above.row.y + above.row.h <= below.row.y + 0.02
    last = style.choices[-1].row
    assert last.y + last.h <= style.endorsement_area.y
    assert style.endorsement_area.y + style.endorsement_area.h < tall


@pytest.mark.parametrize(("contest", "count"), [("party-list", 1), ("party-list", 21), ("referendum", 3)])
def test_what_is_no_ballot_is_refused(contest, count):
    with pytest.raises(ValueError, match=contest):
        make_style(contest, choices=count)


def test_the_day_has_four_papers_of_different_colours():
    styles = day_styles()
    assert [style.contest for style in styles] == list(DAY)
    tints = [draw_back(style).reshape(-1, 3).mean(axis=0) for style in styles]
    for n, tint in enumerate(tints):
        assert all(np.abs(tint - other).max() > 12 for other in tints[n + 1 :])
        assert np.abs(tint - PAPER[styles[n].colour]).max() < 25


def test_boxes_are_printed_where_the_style_says_and_are_empty():
    style = make_style("maslikhat-city")
    blank = draw_ballot(style)
    assert blank.shape == (297 * PX_PER_MM, 210 * PX_PER_MM, 3)
    assert not blank.flags.writeable
    luma = cv2.cvtColor(blank, cv2.COLOR_RGB2GRAY)
    for choice in style.choices:
        x, y, w, h = (round(v * PX_PER_MM) for v in choice.box)
        edge = luma[y : y + h, x : x + w].copy()
        edge[5:-5, 5:-5] = 0
        assert edge[2].max() < 60
        assert edge[-3].max() < 60
        assert edge[:, 2].max() < 60
        assert edge[:, -3].max() < 60
        assert luma[y + 8 : y + h - 8, x + 8 : x + w - 8].min() > 140
        assert luma[y - 16 : y - 4, x : x + w].min() > 140


def test_the_back_has_no_print_but_its_guilloche():
    style = make_style("maslikhat-city")
    back = cv2.cvtColor(draw_back(style), cv2.COLOR_RGB2GRAY)
    assert back.min() > 120
    assert back.std() > 2


def test_every_letter_of_the_alphabet_is_in_the_font():
    face = cv2.FontFace("sans")
    shapes = set()
    for letter in LETTERS + LETTERS.lower():
        image = np.zeros((80, 100), np.uint8)
        cv2.putText(image, letter, (20, 60), (255,), face, 40, 400)
        shapes.add(image.tobytes())
    assert len(shapes) >= len(set(LETTERS + LETTERS.lower())) - 1, "some letters are drawn as the same empty box"


def test_the_folder_of_a_style_is_read_back(tmp_path):
    style = make_style("party-list", choices=3)
    home = write_style(style, tmp_path)
    read = tomllib.loads((home / "style.toml").read_text(encoding="utf-8"))
    png = (home / "blank.png").read_bytes()
    assert home.name == read["id"] == "party-list-3"
    assert read["blank_sha256"] == hashlib.sha256(png).hexdigest()
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert np.array_equal(picture, draw_ballot(style))
    assert [tuple(c["box_mm"]) for c in read["choices"]] == [c.box for c in style.choices]
    assert [c["names"]["kk"] for c in read["choices"]] == [c.names.kk for c in style.choices]
    assert read["size_mm"] == list(style.size_mm)
    assert (read["format"], read["endorsements"], read["colour"]) == (1, 1, "light-blue")


@given(anything, st.integers(2, 20))
def test_the_text_of_any_style_is_toml(contest, count):
    style = make_style(contest, choices=count)
    read = tomllib.loads(style_toml(style, "00"))
    assert [tuple(c["row_mm"]) for c in read["choices"]] == [c.row for c in style.choices]
