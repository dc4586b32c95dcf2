"""Finds a sheet anywhere in a piece of a picture: the homography that most features of a blank agree on (RANSAC).

SIFT bears turned sheets, ORB bears noise and blur; they are asked in turn. Both cost tens of milliseconds, so they are
asked only where paper has come to rest; from then on `align` follows the sheet.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from aigaq.recount.reading.finding.align import Template, make_template
from aigaq.recount.styles import LoadedStyle

Bytes = NDArray[np.uint8]
Doubles = NDArray[np.float64]
Kind = Literal["sift", "orb"]
PIXELS: Final = 100_000
"""A piece is scaled down to so many."""
_RATIO: Final[Mapping[Kind, float]] = {"sift": 0.8, "orb": 0.85}
"""Lowe's: the best match must be so much nearer than the second."""
_LEAST: Final = 10
"""Features that agree."""
_OFF: Final = 4.0
"""Millimetres that an agreeing feature may lie beside its place: paper curls."""
_LEANING: Final = 0.35
"""A sheet is held towards the camera where its sides are at least so much of their true ratio."""


@dataclass(frozen=True, slots=True)
class Features:
    """Places and what they look like."""

    points: NDArray[np.float32]
    """(n, 2)."""
    looks: cv2.typing.MatLike


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """One style prepared for finding."""

    id: str
    size_mm: tuple[float, float]
    template: Template
    coarse: Template
    fine: Template
    features: Mapping[Kind, Features]
    """Points in mm."""
    paper: Doubles
    """Colour of its paper, RGB."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A sheet at a place."""

    known: Known
    corners: Doubles
    """(4, 2) in the film's pixels, clockwise from the sheet's own top left."""
    agreeing: int


class Searcher:
    """Knows all blanks of a count."""

    def __init__(self, styles: Mapping[str, LoadedStyle]) -> None:
        self._sift = cv2.SIFT.create(nfeatures=500)
        self._orb = cv2.ORB.create(nfeatures=700, scaleFactor=1.3, nlevels=6, fastThreshold=8)
        self.known = [self._prepare(name, loaded) for name, loaded in styles.items()]

    def _prepare(self, name: str, loaded: LoadedStyle) -> Known:
        size = loaded.style.size_mm
        grey = cv2.cvtColor(loaded.blank, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)
        at_1 = cv2.resize(grey, (round(size[0]), round(size[1])), interpolation=cv2.INTER_AREA)
        return Known(
            name,
            size,
            make_template(grey, size),
            make_template(grey, size, 0.18),
            make_template(grey, size, 0.6),
            {kind: self._describe(at_1, kind, 1.0) for kind in ("sift", "orb")},
            np.percentile(loaded.blank[::8, ::8].reshape(-1, 3), 70, axis=0).astype(np.float64),
        )

    def _describe(self, grey: cv2.typing.MatLike, kind: Kind, scale: float) -> Features:
        finder = self._sift if kind == "sift" else self._orb
        points, looks = finder.detectAndCompute(grey, None)
        if not points:
            return Features(np.zeros((0, 2), np.float32), np.zeros((0, 1), np.uint8))
        return Features((np.array([p.pt for p in points], np.float32) + np.float32(0.5)) / np.float32(scale), looks)

    def search(self, grey: Bytes, box: tuple[int, int, int, int], kind: Kind, pixels: int = PIXELS) -> Found | None:
        """The sheet within a box (left, top, right, bottom, pixels), if enough features of a blank agree on one."""
        left, top, right, bottom = box
        piece = grey[top:bottom, left:right]
        if min(piece.shape) < 16:
            return None
        scale = min(1.0, (pixels / piece.size) ** 0.5)
        small = cv2.resize(piece, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        seen = self._describe(small, kind, scale)
        if len(seen.points) < _LEAST:
            return None
        candidates = [(_pairs(known.features[kind], seen, kind), known) for known in self.known]
        likely = sorted(candidates, key=lambda c: -len(c[0]))[:2]
        found = [_place(known, pairs, seen.points, (left, top), kind) for pairs, known in likely]
        return max((f for f in found if f is not None), key=lambda f: f.agreeing, default=None)


def _pairs(known: Features, seen: Features, kind: Kind) -> list[tuple[int, int]]:
    if len(known.points) < 2:
        return []
    matcher = cv2.BFMatcher(cv2.NORM_L2 if kind == "sift" else cv2.NORM_HAMMING)
    matches = matcher.knnMatch(seen.looks, known.looks, k=2)
    return [(m[0].queryIdx, m[0].trainIdx) for m in matches if m[0].distance < _RATIO[kind] * m[1].distance]


def _place(
    known: Known, pairs: list[tuple[int, int]], points: NDArray[np.float32], origin: tuple[int, int], kind: Kind
) -> Found | None:
    if len(pairs) < _LEAST:
        return None
    here = points[[query for query, _ in pairs]]
    there = known.features[kind].points[[train for _, train in pairs]]
    to_sheet, agree = cv2.findHomography(here, there, cv2.RANSAC, _OFF, maxIters=500)
    if np.shape(to_sheet) != (3, 3) or int(agree.sum()) < _LEAST or abs(np.linalg.det(to_sheet)) < 1e-12:
        return None
    wide, tall = known.size_mm
    frame = np.array([(0, 0), (wide, 0), (wide, tall), (0, tall)], np.float64)
    corners = cv2.perspectiveTransform(frame[None], np.linalg.inv(to_sheet))[0].astype(np.float64)
    corners += np.array(origin) - 0.5
    return Found(known, corners, int(agree.sum())) if faces(corners, known.size_mm) else None


def faces(corners: Doubles, size_mm: tuple[float, float], least: float = _LEANING) -> bool:
    """Whether a quadrangle may be a sheet held towards the camera: convex, not mirrored, not lying flat."""
    sides = np.roll(corners, -1, axis=0) - corners
    after = np.roll(sides, -1, axis=0)
    turns = sides[:, 0] * after[:, 1] - sides[:, 1] * after[:, 0]
    if not np.isfinite(corners).all() or turns.min() <= 0:
        return False
    lengths = np.hypot(sides[:, 0], sides[:, 1])
    wide, tall = (lengths[0] + lengths[2]) / 2 / size_mm[0], (lengths[1] + lengths[3]) / 2 / size_mm[1]
    return bool(min(wide, tall) >= least * max(wide, tall) and lengths.min() >= 0.4 * lengths.max() * _LEANING)
