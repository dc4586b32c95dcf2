"""Finds a sheet anywhere in a piece of a picture: the homography that most features of a blank agree on (SIFT, RANSAC).

Costs some 40 ms, so it is asked only where paper has come to rest; from then on `align` follows the sheet.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aigaq.recount.reading.finding.align import Template, make_template
from aigaq.recount.styles import LoadedStyle

Bytes = NDArray[np.uint8]
Doubles = NDArray[np.float64]
_PIXELS: Final = 100_000
"""A piece is scaled down to so many."""
_FEATURES: Final = 500
_RATIO: Final = 0.8
"""Lowe's: the best match must be so much nearer than the second."""
_LEAST: Final = 10
"""Features that agree."""
_OFF: Final = 4.0
"""Millimetres that an agreeing feature may lie beside its place: paper curls."""
_FLAT: Final = 0.35
"""A sheet is held towards the camera where its sides are at least so much of their true ratio."""


@dataclass(frozen=True, slots=True)
class Known:
    """One style prepared for finding."""

    id: str
    size_mm: tuple[float, float]
    template: Template
    points: NDArray[np.float32]
    """(n, 2) in mm."""
    features: NDArray[np.float32]
    fine: NDArray[np.float32]
    """The blank at 1 px/mm without lighting."""
    paper: NDArray[np.float64]
    """Colour of its paper, RGB."""


@dataclass(frozen=True, slots=True)
class Found:
    """A sheet at a place."""

    known: Known
    corners: Doubles
    """(4, 2) in the film's pixels, clockwise from the sheet's own top left."""
    agreeing: int


class Searcher:
    """Knows all blanks of a count."""

    def __init__(self, styles: Mapping[str, LoadedStyle]) -> None:
        self._sift = cv2.SIFT.create(nfeatures=_FEATURES)
        self._matcher = cv2.BFMatcher(cv2.NORM_L2)
        self.known = [self._prepare(name, loaded) for name, loaded in styles.items()]

    def _prepare(self, name: str, loaded: LoadedStyle) -> Known:
        size = loaded.style.size_mm
        grey = cv2.cvtColor(loaded.blank, cv2.COLOR_RGB2GRAY)
        fine = cv2.resize(grey, (round(size[0]), round(size[1])), interpolation=cv2.INTER_AREA)
        points, features = self._describe(fine.astype(np.uint8, copy=False))
        return Known(
            name,
            size,
            make_template(grey.astype(np.uint8, copy=False), size),
            points + np.float32(0.5),
            features,
            make_template(grey.astype(np.uint8, copy=False), size, 1.0).look,
            np.percentile(loaded.blank[::8, ::8].reshape(-1, 3), 70, axis=0).astype(np.float64),
        )

    def _describe(self, grey: Bytes) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        points, features = self._sift.detectAndCompute(grey, None)
        if not points:
            return np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32)
        return np.array([p.pt for p in points], np.float32), features.astype(np.float32, copy=False)

    def search(self, grey: Bytes, box: tuple[int, int, int, int]) -> Found | None:
        """The sheet within a box (left, top, right, bottom, pixels), if most features of a blank agree on one."""
        left, top, right, bottom = box
        piece = grey[top:bottom, left:right]
        scale = min(1.0, (_PIXELS / max(1, piece.size)) ** 0.5)
        small = cv2.resize(piece, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        points, features = self._describe(small.astype(np.uint8, copy=False))
        if len(points) < _LEAST:
            return None
        points = (points + np.float32(0.5)) / np.float32(scale) + np.array([left - 0.5, top - 0.5], np.float32)
        candidates = [(self._pairs(known, features), known) for known in self.known]
        found = [self._place(known, pairs, points) for pairs, known in sorted(candidates, key=lambda c: -len(c[0]))[:3]]
        return max((f for f in found if f is not None), key=lambda f: f.agreeing, default=None)

    def _pairs(self, known: Known, features: NDArray[np.float32]) -> list[tuple[int, int]]:
        if len(known.features) < 2:
            return []
        matches = self._matcher.knnMatch(features, known.features, k=2)
        return [(m[0].queryIdx, m[0].trainIdx) for m in matches if m[0].distance < _RATIO * m[1].distance]

    def _place(self, known: Known, pairs: list[tuple[int, int]], points: NDArray[np.float32]) -> Found | None:
        if len(pairs) < _LEAST:
            return None
        here = points[[query for query, _ in pairs]]
        there = known.points[[train for _, train in pairs]]
        to_sheet, agree = cv2.findHomography(here, there, cv2.RANSAC, _OFF, maxIters=500)
        if np.shape(to_sheet) != (3, 3) or int(agree.sum()) < _LEAST or abs(np.linalg.det(to_sheet)) < 1e-12:
            return None
        wide, tall = known.size_mm
        frame = np.array([(0, 0), (wide, 0), (wide, tall), (0, tall)], np.float64)
        corners = cv2.perspectiveTransform(frame[None], np.linalg.inv(to_sheet))[0].astype(np.float64)
        return Found(known, corners, int(agree.sum())) if faces(corners, known.size_mm) else None


def faces(corners: Doubles, size_mm: tuple[float, float]) -> bool:
    """Whether a quadrangle may be a sheet held towards the camera: convex, not mirrored, not lying flat."""
    sides = np.roll(corners, -1, axis=0) - corners
    after = np.roll(sides, -1, axis=0)
    turns = sides[:, 0] * after[:, 1] - sides[:, 1] * after[:, 0]
    if not np.isfinite(corners).all() or turns.min() <= 0:
        return False
    lengths = np.hypot(sides[:, 0], sides[:, 1])
    wide, tall = (lengths[0] + lengths[2]) / 2 / size_mm[0], (lengths[1] + lengths[3]) / 2 / size_mm[1]
    return bool(min(wide, tall) >= _FLAT * max(wide, tall) and lengths.min() >= 0.4 * lengths.max() * _FLAT)
