"""Films with known truth: every ballot that is shown is told once, and what is no ballot is told as such."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
from tests.recount.finding.conftest import Filmed
from tests.recount.finding.scoring import PERFECT, score

from aigaq.recount.model import Gap, GapKind
from aigaq.recount.reading.film import Picture
from aigaq.recount.reading.finding import Shown, presentations
from aigaq.recount.styles import LoadedStyle


def find(pictures: Iterable[Picture | Gap], styles: dict[str, LoadedStyle]) -> tuple[list[Shown], list[Gap]]:
    told = list(presentations(pictures, styles))
    return [t for t in told if isinstance(t, Shown)], [t for t in told if isinstance(t, Gap)]


def turned(picture: Picture) -> Picture:
    grey, u, v = (np.ascontiguousarray(p[::-1, ::-1]) for p in (picture.grey, picture.u, picture.v))
    return Picture(picture.at_s, grey, u, v, picture.matrix)


def test_every_ballot_is_found_with_its_style_and_its_corners(plain: Filmed) -> None:
    shown, gaps = find(plain.pictures, plain.styles)
    assert score(shown, plain.truth) == PERFECT
    assert not [g for g in gaps if g.to_s - g.from_s > 1.5]
    for one, truth in zip(shown, plain.truth["presentations"], strict=True):
        assert 3 <= len(one.sightings) <= 7
        assert truth["from_s"] <= one.from_s < one.to_s <= truth["to_s"]
        best = truth["best"]
        nearest = min(one.sightings, key=lambda s: abs(s.at_s - best["at_s"]))
        height = best["corners_px"][3][1] - best["corners_px"][0][1]
        assert np.abs(nearest.corners - np.array(best["corners_px"])).max() < 0.1 * height
        for sighting in one.sightings:
            tall, wide = sighting.grey.shape
            assert sighting.rgb.shape == (tall // 2, wide // 2, 3)
            inside = sighting.corners - np.array(sighting.origin_px)
            assert inside.min() > -0.05 * height
            assert (inside < np.array([wide, tall]) + 0.05 * height).all()


def test_what_is_out_of_the_ordinary_is_told(odd: Filmed) -> None:
    shown, _ = find(odd.pictures, odd.styles)
    assert score(shown, odd.truth) == PERFECT
    backs = [p for p in odd.truth["presentations"] if p["shown"] == "back"]
    assert backs
    for back in backs:
        told = [s for s in shown if min(s.to_s, back["held_to_s"]) > max(s.from_s, back["held_from_s"])]
        assert [s.style for s in told] == [None]
        assert told[0].sightings
    assert any(s.back_only for s in shown)
    assert not any(s.back_only for s in shown if s.style is not None)


def test_a_camera_on_its_head_finds_the_same(plain: Filmed) -> None:
    shown, _ = find((turned(p) for p in plain.pictures if isinstance(p, Picture)), plain.styles)
    found = score(shown, plain.truth)
    assert found == replace(PERFECT, wrong_way=tuple(p["n"] for p in plain.truth["presentations"]))


def test_a_hole_in_the_film_ends_what_is_held(plain: Filmed) -> None:
    held = plain.truth["presentations"][1]
    middle = (held["held_from_s"] + held["held_to_s"]) / 2
    hole = Gap(middle - 0.3, middle + 0.3, GapKind.MISSING)
    pictures = [p for p in plain.pictures if isinstance(p, Picture)]
    before = [p for p in pictures if p.at_s <= hole.from_s]
    after = [p for p in pictures if p.at_s >= hole.to_s]
    shown, gaps = find([*before, hole, *after], plain.styles)
    assert score(shown, plain.truth) == replace(PERFECT, split=(held["n"],))
    assert hole in gaps
    assert not [s for s in shown if s.from_s < hole.from_s and s.to_s > hole.to_s]


def test_without_ballots_nothing_is_found(plain: Filmed) -> None:
    first = plain.truth["presentations"][0]["from_s"]
    still = [p for p in plain.pictures if isinstance(p, Picture) and p.at_s < first]
    pictures = [Picture(n * 0.16, p.grey, p.u, p.v, p.matrix) for n, p in enumerate(still * 8)]
    shown, _ = find(pictures, plain.styles)
    assert shown == []


def test_movement_without_a_ballot_is_a_gap(plain: Filmed) -> None:
    """An arm as large as a sheet but dark moves for five seconds before a still room."""
    room = next(p for p in plain.pictures if isinstance(p, Picture))
    pictures = list[Picture]()
    for n in range(100):
        grey = room.grey.copy()
        if 30 <= n < 70:
            left = 200 + 12 * (n - 30)
            grey[200:500, left : left + 200] = 30
        pictures.append(Picture(n * 0.12, grey, room.u, room.v, room.matrix))
    shown, gaps = find(pictures, plain.styles)
    assert shown == []
    assert [g.kind for g in gaps] == [GapKind.ACTIVITY]
    assert gaps[0].from_s == pytest.approx(3.5, abs=0.3)
    assert gaps[0].to_s == pytest.approx(8.4, abs=0.3)


def test_the_same_film_gives_the_same(plain: Filmed) -> None:
    once, again = (find(plain.pictures, plain.styles)[0] for _ in range(2))
    for a, b in zip(once, again, strict=True):
        assert (a.from_s, a.to_s, a.style) == (b.from_s, b.to_s, b.style)
        assert all(np.array_equal(x.corners, y.corners) for x, y in zip(a.sightings, b.sightings, strict=True))


def test_noise_and_flat_pictures_hold_no_ballot(plain: Filmed) -> None:
    rng = np.random.default_rng(1)
    room = next(p for p in plain.pictures if isinstance(p, Picture))
    noise = [
        Picture(n * 0.1, rng.integers(0, 256, room.grey.shape, np.uint8), room.u, room.v, room.matrix) for n in range(6)
    ]
    flat = [Picture(1 + n * 0.1, np.full_like(room.grey, 40 * n), room.u, room.v, room.matrix) for n in range(6)]
    shown, _ = find([*noise, *flat], plain.styles)
    assert shown == []


def test_a_picture_of_another_size_starts_anew(plain: Filmed) -> None:
    pictures = [p for p in plain.pictures if isinstance(p, Picture)]
    cut = [
        p if p.at_s < 5 else Picture(p.at_s, p.grey[:600, :1000], p.u[:300, :500], p.v[:300, :500], p.matrix)
        for p in pictures
    ]
    shown, _ = find(cut, plain.styles)
    assert shown
    assert all(s.from_s >= 5 or s.to_s < 5 for s in shown)
