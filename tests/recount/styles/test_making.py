"""From scans, photos and PDFs to styles whose truth is known; and real blanks of other countries."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from tests.conftest import SHARED
from tests.recount.styles.pdf import pdf_of
from tests.recount.styles.sights import coded, on_lid, photographed, scanned

from aigaq.election import BallotStyle, Box, Names
from aigaq.recount.errors import BlankSizeError, BoxesNotFoundError, ChoicesError, SheetsError, StyleMissingError
from aigaq.recount.styles import Wish, load_styles, load_version, make_style, read_choices, save_style
from aigaq.recount.styles.layout import NO_LINE, UNEVEN, find_layout
from aigaq.recount.styles.making import TURNED, UNNAMED, contact_picture, style_of, upright
from aigaq.recount.styles.opening import open_blank
from aigaq.recount.styles.straight import straighten
from aigaq.simulator.ballots import draw_ballot
from aigaq.simulator.ballots import make_style as simulated

WISH = Wish("party-list", "party-list", Names("Тізім", "Список"))
OPENCOUNT = SHARED / "data/ballots/opencount/test-ballots/1side_1template/simple_durant"
OMR = SHARED / "data/ballots/omrchecker/samples"


def off(made: BallotStyle, truth: BallotStyle) -> tuple[float, float]:
    """The largest error of a box and of a row, mm."""
    assert len(made.choices) == len(truth.choices)
    pairs = list(zip(made.choices, truth.choices, strict=True))
    box = max(float(abs(np.array(a.box) - np.array(b.box)).max()) for a, b in pairs)
    row = max(float(abs(np.array(a.row) - np.array(b.row)).max()) for a, b in pairs)
    return box, row


@pytest.mark.parametrize(
    ("contest", "choices", "colour"),
    [
        ("referendum", 2, "white"), ("maslikhat-city", 4, "orange"), ("maslikhat-region", 5, "purple"),
        ("single-mandate", 6, "green"), ("party-list", 8, "light-blue"), ("party-list", 12, "pink"),
        ("single-mandate", 16, "yellow"), ("party-list", 20, "light-blue"),
    ],
)  # fmt: skip
def test_every_blank_of_the_simulator_is_found_as_it_was_drawn(contest, choices, colour):
    truth = simulated(contest, choices=choices, colour=colour)
    layout = find_layout(draw_ballot(truth))
    made = style_of(layout, WISH, truth.size_mm)
    box, row = off(made, truth)
    assert box <= 0.1
    assert row <= 0.15
    assert layout.colour == colour
    assert abs(np.array(layout.signature) - np.array(truth.endorsement_area)).max() <= 1.1
    assert layout.notes == ()


TRUTH = simulated("single-mandate", choices=5)
SHEET = draw_ballot(TRUTH)


@pytest.mark.parametrize(
    ("seen", "turned"),
    [
        (lambda: scanned(SHEET, angle=2.7), 0),
        (lambda: scanned(SHEET[::-1, ::-1], angle=-1.3, dpi=150), 180),
        (lambda: np.ascontiguousarray(np.rot90(scanned(SHEET, angle=0.4))), 90),
        (lambda: on_lid(SHEET, angle=3.1), 0),
        (lambda: on_lid(SHEET, angle=-2, lid=(238, 238, 236)), 0),
        (lambda: photographed(SHEET, seed=1), 0),
        (lambda: photographed(SHEET, seed=2, tilt=0.09), 0),
        (lambda: np.ascontiguousarray(np.rot90(photographed(SHEET, seed=3), -1)), 270),
    ],
    ids=["askew", "on its head", "lying", "dark lid", "white lid", "photo", "photo at an angle", "photo, lying"],
)
def test_scans_and_photos_give_the_same_boxes(seen, turned):
    made = make_style(coded(seen()), replace(WISH, size_mm=TRUTH.size_mm), where="blank")
    box, row = off(made.style, TRUTH)
    assert box <= 0.4
    assert row <= 0.5
    assert made.style.colour == TRUTH.colour
    assert made.turned == turned
    assert made.notes == ((TURNED, UNNAMED) if turned in {180, 270} else (UNNAMED,))


def test_a_turn_that_was_asked_for_is_kept():
    upside_down = coded(SHEET[::-1, ::-1].copy(), ".png")
    wish = replace(WISH, size_mm=TRUTH.size_mm)
    assert off(make_style(upside_down, replace(wish, turn=180), where="").style, TRUTH)[0] < 0.2
    left = make_style(upside_down, replace(wish, turn=0), where="").style
    assert all(choice.box.x < 40 for choice in left.choices)


def test_uneven_light_is_taken_out_of_a_photo():
    made = make_style(coded(photographed(SHEET, seed=1)), replace(WISH, size_mm=TRUTH.size_mm), where="")
    paper = cv2.cvtColor(made.blank, cv2.COLOR_RGB2GRAY)
    corners = [np.median(paper[y : y + 80, x : x + 80]) for y in (60, -140) for x in (60, -140)]
    assert max(corners) - min(corners) < 14


def test_boxes_of_a_pdf():
    """Its square of 20 mm is solid, so there is nothing to mark."""
    with pytest.raises(BoxesNotFoundError):
        make_style(pdf_of([(210, 297)]), WISH, where="blank.pdf")
    made = make_style(pdf_of([(210, 297)]), replace(WISH, draw=3), where="blank.pdf")
    assert made.style.size_mm == (210.0, 297.0)
    assert len(made.style.choices) == 3


def lines(boxes: list[tuple[int, int, int, int]], *, round_: bool = False) -> np.ndarray:
    """An empty sheet of A5 with these boxes, mm."""
    sheet = np.full((1680, 1184, 3), 250, np.uint8)
    for x, y, w, h in (tuple(v * 8 for v in box) for box in boxes):
        if round_:
            cv2.ellipse(sheet, (x + w // 2, y + h // 2), (w // 2, h // 2), 0, 0, 360, (30, 30, 30), 4)
        else:
            cv2.rectangle(sheet, (x, y), (x + w, y + h), (30, 30, 30), 4)
    return sheet


def test_round_and_oval_boxes_and_several_columns():
    ovals = [(x, y, 9, 5) for x in (20, 90) for y in (60, 80, 100)]
    sheet = lines(ovals, round_=True)
    for x, y, _, _ in ovals:
        cv2.putText(sheet, "Choice", ((x + 14) * 8, (y + 4) * 8), cv2.FONT_HERSHEY_SIMPLEX, 1.4, (30, 30, 30), 3)
    layout = find_layout(sheet)
    assert [(round(b.x), round(b.y)) for b in layout.boxes] == [(x, y) for x, y, _, _ in ovals]
    assert all(abs(b.w - 9.5) < 0.4 and abs(b.h - 5.5) < 0.4 for b in layout.boxes)
    assert all(row.x + row.w < 90 for row in layout.rows[:3])
    assert all(row.x > 80 for row in layout.rows[3:])


def test_a_table_whose_last_cells_are_the_boxes():
    sheet = lines([(10, 60 + 20 * n, 120, 20) for n in range(4)] + [(110, 60 + 20 * n, 20, 20) for n in range(4)])
    for n in range(4):
        cv2.putText(sheet, f"Choice {n}", (160, (73 + 20 * n) * 8), cv2.FONT_HERSHEY_SIMPLEX, 2, (30, 30, 30), 4)
    layout = find_layout(sheet)
    assert [(round(b.x), round(b.y)) for b in layout.boxes] == [(110, 60 + 20 * n) for n in range(4)]


def test_a_coloured_part_of_a_sheet_is_not_taken_for_the_sheet():
    sheet = lines([(110, y, 15, 15) for y in (40, 60, 80, 100)])
    tinted = sheet.copy()
    tinted[30 * 8 : 120 * 8, 10 * 8 : 138 * 8] = np.minimum(sheet[30 * 8 : 120 * 8, 10 * 8 : 138 * 8], (190, 215, 240))
    made = make_style(coded(tinted, ".png"), replace(WISH, size_mm=(148, 210)), where="")
    assert [round(c.box.y) for c in made.style.choices] == [40, 60, 80, 100]
    assert all(abs(c.box.w - 15.5) < 0.4 for c in made.style.choices)


def test_a_box_that_may_have_been_missed_is_told():
    assert UNEVEN in find_layout(lines([(110, y, 15, 15) for y in (30, 50, 90, 110)])).notes
    assert find_layout(lines([(110, y, 15, 15) for y in (30, 50, 70, 90)])).notes == (NO_LINE,)


@pytest.mark.parametrize("boxes", [[], [(110, 50, 15, 15)]], ids=["none", "one"])
def test_a_blank_without_boxes_makes_no_style(boxes):
    with pytest.raises(BoxesNotFoundError):
        make_style(coded(lines(boxes), ".png"), replace(WISH, size_mm=(148, 210)), where="")


def test_two_sheets_on_one_scan():
    scan = np.full((3000, 4200, 3), 45, np.uint8)
    for x in (200, 2300):
        scan[300:2676, x : x + 1680] = SHEET
    with pytest.raises(SheetsError, match="2 sheets"):
        make_style(coded(scan), replace(WISH, size_mm=(210, 297)), where="")


def test_paper_of_another_size():
    with pytest.raises(BlankSizeError):
        make_style(coded(SHEET, ".png"), replace(WISH, size_mm=(215.9, 279.4)), where="")
    with pytest.raises(BlankSizeError):
        make_style(coded(SHEET, ".png"), WISH, where="")


def test_names_go_to_the_boxes_in_their_order():
    sheet = coded(lines([(110, y, 15, 15) for y in range(30, 130, 20)]), ".png")
    rows = "".join(f"Ә{n};Я{n};Z{n}\n" for n in range(5))
    named = read_choices(f"\ufeffKK;RU;EN\n{rows}".encode(), where="n.csv")
    wish = replace(WISH, size_mm=(148, 210), choices=named)
    made = make_style(sheet, wish, where="")
    assert [c.names for c in made.style.choices] == [Names(f"Ә{n}", f"Я{n}", f"Z{n}") for n in range(5)]
    assert UNNAMED not in made.notes
    with pytest.raises(ChoicesError):
        make_style(sheet, replace(wish, choices=named[:4]), where="")
    kept = make_style(sheet, replace(wish, choices=named[:2], keep=(2, 4)), where="").style
    assert [round(c.box.y) for c in kept.choices] == [50, 90]


@pytest.mark.parametrize(
    "data", [b"", b"\xff", b"kk,ru\n", b"kk,ru\na,b\n", b"kk,ru,xx\na,b,c\nd,e,f\n", b'kk,ru\n"a,b\nc,d\n',
             b"kk,ru\na,\nc,d\n", b"id,kk,ru\nx,a,b\nx,c,d\n", b"id,kk,ru\nX!,a,b\ny,c,d\n", b"kk,ru\na\x00,b\nc,d\n"]
)  # fmt: skip
def test_a_list_of_choices_that_cannot_be_used(data):
    with pytest.raises(ChoicesError) as caught:
        read_choices(data, where="names.csv")
    assert "{" not in str(caught.value.explain("kk"))


def test_the_picture_shows_what_was_found():
    picture = contact_picture(SHEET, TRUTH)
    assert picture.shape == (1188, 840, 3)
    x, y = round(TRUTH.choices[0].box.x * 4), round(TRUTH.choices[0].box.y * 4)
    assert picture[y + 20, x].tolist() == [214, 40, 40]


# The registry


def test_what_was_saved_once_is_kept(tmp_path):
    first = save_style(TRUTH, SHEET, tmp_path)
    assert save_style(TRUTH, SHEET, tmp_path).sha256 == first.sha256
    assert not (tmp_path / "former").exists()
    moved = replace(TRUTH, choices=(replace(TRUTH.choices[0], box=Box(170, 90, 15, 15)), *TRUTH.choices[1:]))
    second = save_style(moved, SHEET, tmp_path)
    assert list(load_styles(tmp_path)) == [TRUTH.id]
    assert load_styles(tmp_path)[TRUTH.id].style == moved
    assert load_version(tmp_path, TRUTH.id, first.sha256).style == TRUTH
    assert load_version(tmp_path, TRUTH.id, second.sha256).style == moved
    save_style(TRUTH, SHEET, tmp_path)
    save_style(moved, SHEET, tmp_path)
    assert sorted(p.name for p in (tmp_path / "former").iterdir()) == sorted([first.sha256, second.sha256])
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([TRUTH.id, "former"])
    with pytest.raises(StyleMissingError):
        load_version(tmp_path, TRUTH.id, "f" * 64)


# Real blanks


def test_the_real_blank_of_an_election():
    blank = (OPENCOUNT / "blankballots/blank.tif").read_bytes()
    made = make_style(blank, replace(WISH, size_mm=(215.9, 279.4)), where="blank.tif")
    assert (len(made.style.choices), made.turned) == (9, 0)
    assert all(abs(c.box.w - 5) < 0.5 and abs(c.box.h - 3) < 0.3 for c in made.style.choices)
    assert all(abs(c.box.x - 17.4) < 0.8 for c in made.style.choices)
    assert UNEVEN in made.notes
    contest = make_style(blank, replace(WISH, size_mm=(215.9, 279.4), keep=tuple(range(1, 8))), where="blank.tif")
    assert len(contest.style.choices) == 7


def test_a_reference_sheet_with_round_targets():
    made = make_style((OMR / "sample6/reference.png").read_bytes(), replace(WISH, size_mm=(210, 297)), where="")
    assert len(made.style.choices) == 3
    assert max(c.box.w for c in made.style.choices) - min(c.box.w for c in made.style.choices) < 0.3


def test_a_photo_of_a_marked_sheet_is_made_straight():
    photo = OMR / "sample1/MobileCamera/sheet1.jpg"
    found = straighten(open_blank(photo.read_bytes(), where=""), where="", size_mm=(210, 297), turn=0)
    grey = cv2.GaussianBlur(cv2.cvtColor(found.sheet, cv2.COLOR_RGB2GRAY), (0, 0), 2)
    edge = grey[400:1450, 40:120]  # a ladder of timing marks stands along the left edge
    at = [(y, int(edge[y].argmin())) for y in range(0, 1050, 4) if edge[y].min() < 140]
    assert len(at) > 40
    lean = np.polyfit(*np.array(at).T, 1)[0]
    assert abs(lean) < 0.015


def test_marked_and_empty_are_alike_for_the_eye_that_finds_boxes():
    """A blank must be unmarked: a marked box is no empty one, so it is missed, and that is told."""
    marked = SHEET.copy()
    box = TRUTH.choices[2].box
    cv2.line(
        marked, (round(box.x * 8), round(box.y * 8)), (round((box.x + box.w) * 8), round((box.y + box.h) * 8)), 0, 9
    )
    layout = find_layout(marked)
    assert len(layout.boxes) == 4
    assert UNEVEN in layout.notes


def test_upright_is_left_alone():
    for contest in ("referendum", "party-list"):
        assert not upright(draw_ballot(simulated(contest)))[2]
