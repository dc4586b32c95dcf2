"""From rendered stills to sheets: the boxes' places, their ink, what is hidden, and what else a sheet tells."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from aigaq.recount.model import MIN_VISIBLE, Outcome
from aigaq.recount.reading.decide import EMPTY_PEAK, LEAST_LABEL, MARKED_PEAK, OUTSIDE_MM2, decide
from aigaq.recount.reading.sheets import read_sheet
from aigaq.recount.reading.sheets.pattern import FINE, pattern_of
from aigaq.recount.reading.sheets.register import register, resolution
from aigaq.recount.reading.sheets.sheet import CROP
from aigaq.recount.reading.sighting import Sighting

ORIGIN = np.array([200, 100])


def off_px(ballot, sighting, still):
    """How far each seen corner of each box is from where the map puts it, pixels of the picture."""
    pattern = pattern_of(ballot.style, FINE[0])
    found = register(pattern, sighting)
    corners = [(x + i * w, y + j * h) for x, y, w, h in (c.box for c in ballot.style.style.choices)
               for i, j in ((0, 0), (1, 0), (1, 1), (0, 1))]  # fmt: skip
    at = (np.array(corners, np.float32) * FINE[0] - 0.5).reshape(-1, 1, 2)
    x, y = (cv2.remap(m, at[..., 0], at[..., 1], cv2.INTER_LINEAR)[:, 0] for m in found.at(pattern.size))
    truth = still.boxes.reshape(-1, 2)
    return np.hypot(x - truth[:, 0], y - truth[:, 1])[np.repeat(still.visible, 4) > 0.9]


def test_boxes_of_curled_paper_are_found_where_a_homography_misses_them(usual):
    pairs = [(h, s, still) for h in usual[:6] for s, still in zip(h.sightings[:1], h.stills, strict=False)]
    off = np.concatenate([off_px(*pair) for pair in pairs])
    assert np.median(off) < 0.8
    assert np.percentile(off, 95) < 2
    flat = []
    for ballot, sighting, still in pairs:
        wide, tall = ballot.style.style.size_mm
        corners = (sighting.corners - sighting.origin_px).astype(np.float32)
        lens = cv2.getPerspectiveTransform(np.array([(0, 0), (wide, 0), (wide, tall), (0, tall)], np.float32), corners)
        boxes = np.array([(c.box.x, c.box.y) for c in ballot.style.style.choices], np.float32)[None]
        flat.append(np.hypot(*(cv2.perspectiveTransform(boxes, lens)[0] - still.boxes[:, 0]).T))
    assert np.median(np.concatenate(flat)) > 2 * np.median(off)


def test_ink_tells_marked_boxes_from_empty_ones(usual):
    empty, marked = [], []
    for ballot in usual:
        with_mark = {mark.choice for mark in ballot.presented.ballot.marks}
        for box in ballot.read.boxes:
            if min(box.visible, ballot.seen[box.choice]) >= MIN_VISIBLE:
                (marked if box.choice in with_mark else empty).append(box.peak)
    assert len(empty) > 20
    assert len(marked) >= 6
    assert np.percentile(empty, 95) < EMPTY_PEAK < MARKED_PEAK < min(marked)


def test_what_a_finger_covers_is_not_called_visible(usual, odd):
    for ballot in (*usual, *odd):
        for box in ballot.read.boxes:
            if ballot.seen[box.choice] < 0.7:
                assert box.visible < MIN_VISIBLE
    frank = [b.visible for h in usual for b in h.read.boxes if h.seen[b.choice] == 1]
    assert np.mean(np.array(frank) >= MIN_VISIBLE) > 0.97


def test_rows_are_recognised_by_their_print(usual):
    assert min(box.label for ballot in usual for box in ballot.read.boxes) > 0.6


def test_crops_and_sheets_have_the_sizes_that_others_count_on(usual):
    read = usual[0].read
    wide, tall = usual[0].style.style.size_mm
    assert read.fused.shape == read.visible.shape == (round(tall * 2.5), round(wide * 2.5))
    assert {box.crop.shape for box in read.boxes} == {box.blank.shape for box in read.boxes} == {(CROP, CROP)}
    assert [box.choice for box in read.boxes] == [choice.id for choice in usual[0].style.style.choices]
    assert 30 < read.box_px < 40
    assert len(read.frames) == read.used == len(usual[0].sightings)


def test_frames_tell_where_the_sheet_is_in_the_film(usual):
    off = [
        np.hypot(*(np.array(frame.corners) - ORIGIN - still.corners).T)
        for ballot in usual
        for frame, still in zip(ballot.read.frames, ballot.stills, strict=True)
    ]
    assert np.median(off) < 3
    assert np.percentile(off, 90) < 10


def test_a_copy_is_not_the_form(odd):
    told = {(h.presented.ballot.form, h.read.form_ok) for h in odd if h.read.boxes}
    assert ("copy", False) in told
    assert ("established", True) in told
    assert ("copy", True) not in told
    assert ("established", False) not in told


def test_another_paper_has_no_boxes_or_no_labels(odd):
    others = [h for h in odd if h.presented.ballot.form == "other"]
    assert others
    for ballot in others:
        assert not ballot.read.boxes or min(box.label for box in ballot.read.boxes) < LEAST_LABEL


def test_signatures_are_seen_and_missed(odd, usual):
    told = [
        (h.presented.ballot.endorsed, h.read.endorsed)
        for h in (*odd, *usual)
        if h.presented.ballot.form == "established" and h.read.endorsed is not None
    ]
    assert all(truth == seen for truth, seen in told)
    assert {True, False} <= {seen for _, seen in told}


def test_a_second_sheet_behind_is_seen(odd, usual):
    for ballot in (*odd, *usual):
        if ballot.read.boxes and ballot.presented.ballot.form == "established":
            assert ballot.read.sheets == (2 if ballot.presented.beneath else 1)


def test_marks_beside_the_boxes_are_seen(odd):
    outside = [h.read.outside for h in odd if h.presented.ballot.invalid == "outside" and h.read.boxes]
    assert outside
    assert min(outside) > OUTSIDE_MM2


def test_the_same_sightings_are_read_the_same(usual):
    ballot = usual[1]
    again = read_sheet(ballot.style, ballot.sightings)
    assert again.fused.tobytes() == ballot.read.fused.tobytes()
    assert [b.crop.tobytes() for b in again.boxes] == [b.crop.tobytes() for b in ballot.read.boxes]


def test_another_style_is_never_read_automatically(usual):
    for one in usual[:3]:
        for other in {h.style.style.id: h.style for h in usual if h.style.style.id != one.style.style.id}.values():
            read = read_sheet(other, one.sightings)
            sure = np.tile(np.array([1, 0, 0], np.float32), (len(read.boxes), 1))
            if read.boxes:
                sure[int(np.argmax([box.ink for box in read.boxes]))] = 0, 1, 0
            assert decide(read, sure).outcome is not Outcome.AUTOMATIC


SQUARE = np.array([(50, 50), (450, 50), (450, 620), (50, 620)], np.float64)
NOISE = np.random.default_rng(1).integers(0, 255, (700, 600)).astype(np.uint8)


@pytest.mark.parametrize(
    ("grey", "corners"),
    [
        (np.zeros((700, 600), np.uint8), SQUARE),
        (np.full((700, 600), 255, np.uint8), SQUARE),
        (NOISE, SQUARE),
        (NOISE, SQUARE[::-1]),
        (NOISE, SQUARE[[0, 2, 1, 3]]),
        (NOISE, np.zeros((4, 2))),
        (NOISE, np.array([(0, 0), (100, 0), (200, 0), (300, 0)], np.float64)),
        (NOISE, SQUARE * np.nan),
        (NOISE, SQUARE * np.inf),
        (NOISE, SQUARE + 1e6),
        (NOISE, SQUARE * 1000),
        (NOISE[:1, :1], SQUARE),
    ],
    ids=["black", "white", "noise", "mirrored", "crossed", "a point", "a line", "nan", "inf", "far", "vast", "tiny"],
)
def test_what_is_no_sheet_has_no_boxes(usual, grey, corners):
    sighting = Sighting(grey, cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), (0, 0), corners, 1.0, 0.0)
    read = read_sheet(usual[0].style, [sighting])
    assert read.boxes == ()
    assert read.used == 0


def test_no_sightings_no_boxes(usual):
    assert read_sheet(usual[0].style, []).boxes == ()


def test_wrong_sightings_are_left_out_and_the_others_read(usual):
    ballot = next(h for h in usual if min(h.seen.values()) == 1)
    wrong = replace(ballot.sightings[0], grey=np.full_like(ballot.sightings[0].grey, 90))
    read = read_sheet(ballot.style, [wrong, *ballot.sightings])
    assert read.used == len(ballot.sightings)
    marked = {box.choice for box in read.boxes if box.peak > MARKED_PEAK}
    assert marked == {mark.choice for mark in ballot.presented.ballot.marks if mark.choice}


def test_resolution_is_of_the_area():
    assert resolution(SQUARE, (200, 285)) == pytest.approx(2)
