"""Where sheets of paper lie in a picture: four corners each, as exact as their edges allow. Reads nothing printed."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

WORK_PX: Final = 1200
"""Long side of the picture that is searched."""
LEAST_AREA: Final = 0.12
"""Of the picture; smaller sheets have too few pixels for a blank."""
STEP: Final = 6.0
"""Difference of colour, CIE 1976, between paper and what it lies on; print has none across a sheet's edge."""
SUPPORT: Final = 0.75
SAME: Final = 0.6
_ALONG: Final = np.linspace(0.06, 0.94, 60).astype(np.float32)
_OFF: Final = 0.012


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """A sheet in a picture."""

    corners: Floats
    """(4, 2) pixels, clockwise as seen, from the one nearest to the picture's top left."""
    area: float
    """Share of the picture."""


def find_outlines(rgb: NDArray[np.uint8]) -> list[Outline]:
    """Sheets that differ from what they lie on, largest first; none where one sheet fills the picture."""
    scale = WORK_PX / max(rgb.shape[:2])
    small = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    lab = _lab(cv2.medianBlur(small, 11))
    found: list[Outline] = []
    for mask in _masks(lab):
        for corners in _quads(mask):
            outline = Outline(corners, cv2.contourArea(corners) / mask.size)
            if outline.area >= LEAST_AREA and _stands_out(corners, lab):
                _keep(found, outline)
    exact = [Outline(_exact(o.corners, _lab(cv2.medianBlur(small, 3))) / scale, o.area) for o in found]
    return sorted(exact, key=lambda o: -o.area)


def _lab(rgb: cv2.typing.MatLike) -> Floats:
    return cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2Lab).astype(np.float32, copy=False)


def _masks(lab: Floats) -> list[NDArray[np.uint8]]:
    """What may be paper: unlike the picture's rim, bright, coloured."""
    rim = max(2, round(min(lab.shape[:2]) * 0.015))
    edge = np.concatenate([s.reshape(-1, 3) for s in (lab[:rim], lab[-rim:], lab[:, :rim], lab[:, -rim:])])
    unlike = np.linalg.norm(lab - np.median(edge, axis=0), axis=2)
    coloured = np.linalg.norm(lab[:, :, 1:], axis=2)
    return [_split(np.clip(plane, 0, 100)) for plane in (unlike, lab[:, :, 0], coloured)]


def _split(plane: NDArray[np.floating]) -> NDArray[np.uint8]:
    scaled = (plane * 2.55).astype(np.uint8)
    _, mask = cv2.threshold(scaled, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((15, 15), np.uint8))
    return cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((9, 9), np.uint8)).astype(np.uint8, copy=False)


def _quads(mask: NDArray[np.uint8]) -> list[Floats]:
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    large = [cv2.convexHull(c) for c in contours if cv2.contourArea(c) >= LEAST_AREA * mask.size]
    return [_four(hull) for hull in large]


def _four(hull: cv2.typing.MatLike) -> Floats:
    """The four corners of a hull, however ragged its edge is."""
    around = cv2.arcLength(hull, closed=True)
    for share in np.arange(0.01, 0.09, 0.01):
        found = cv2.approxPolyDP(hull, share * around, closed=True)
        if len(found) == 4:
            return _clockwise(found.reshape(4, 2))
    return _clockwise(cv2.boxPoints(cv2.minAreaRect(hull)))


def _clockwise(corners: cv2.typing.MatLike) -> Floats:
    points = corners.astype(np.float32)
    middle = points.mean(axis=0)
    points = points[np.argsort(np.arctan2(points[:, 1] - middle[1], points[:, 0] - middle[0]))]
    return np.roll(points, -int(np.argmin(points.sum(axis=1))), axis=0)


def _sides(corners: Floats) -> list[tuple[Floats, Floats]]:
    """Of each side: points along it, and the direction out of the sheet."""
    sides: list[tuple[Floats, Floats]] = []
    for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        out = np.array([b[1] - a[1], a[0] - b[0]], np.float32)  # clockwise on a screen: out is to the left of the way
        sides.append((a + (b - a) * _ALONG[:, None], out / max(float(np.linalg.norm(out)), 1e-6)))
    return sides


def _stands_out(corners: Floats, lab: Floats) -> bool:
    """Whether the colour steps all along the sides. A side on the picture's rim says nothing; one side must."""
    off = _OFF * WORK_PX
    shares: list[float] = []
    for points, out in _sides(corners):
        step = (out * off).astype(np.float32)
        inside, known_in = _colours(points - step, lab)
        outside, known_out = _colours(points + step, lab)
        known = known_in & known_out
        if known.mean() >= 0.5:
            apart = np.linalg.norm(inside - outside, axis=1)[known]
            shares.append(float((apart > STEP).mean()))
    return bool(shares) and min(shares) >= SUPPORT


def _colours(points: Floats, lab: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    high, wide = lab.shape[:2]
    x, y = np.rint(points).astype(np.intp).T
    known = (x >= 0) & (x < wide) & (y >= 0) & (y < high)
    return lab[np.clip(y, 0, high - 1), np.clip(x, 0, wide - 1)], known


def _keep(found: list[Outline], outline: Outline) -> None:
    """Once for each sheet: two masks find the same one."""
    for n, other in enumerate(found):
        shared, _ = cv2.intersectConvexConvex(outline.corners, other.corners)
        both = shared / (WORK_PX * WORK_PX)
        least = min(cv2.contourArea(outline.corners), cv2.contourArea(other.corners)) / (WORK_PX * WORK_PX)
        if both > SAME * least:
            if outline.area > other.area:
                found[n] = outline
            return
    found.append(outline)


def _exact(corners: Floats, lab: Floats) -> Floats:
    """Corners where the lines meet that are fitted to the steepest step across each side."""
    lines = [_fitted(points, out, lab) for points, out in _sides(corners)]
    met = [_crossing(before, line) for before, line in zip([lines[-1], *lines[:-1]], lines, strict=True)]
    moved = np.array(met, np.float32)
    return moved if float(np.abs(moved - corners).max()) < 0.05 * WORK_PX else corners


def _fitted(points: Floats, out: Floats, lab: Floats) -> NDArray[np.float64]:
    """Direction and a point of the side's line."""
    reach = np.arange(-14, 14.5, 0.5, dtype=np.float32)
    grid = points[:, None] + reach[None, :, None] * out
    profile = cv2.remap(lab, grid[:, :, 0], grid[:, :, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    step = np.linalg.norm(profile[:, 6:].astype(np.float32) - profile[:, :-6], axis=2)
    best = step.argmax(axis=1)
    sure = step[np.arange(len(best)), best] > STEP
    if sure.mean() < 0.4:
        return cv2.fitLine(points, cv2.DIST_L2, 0, 0.01, 0.01).ravel().astype(np.float64)
    edge = points + (reach[best + 3])[:, None] * out
    return cv2.fitLine(edge[sure], cv2.DIST_HUBER, 0, 0.01, 0.01).ravel().astype(np.float64)


def _crossing(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    ways = np.array([[one[0], -other[0]], [one[1], -other[1]]])
    if abs(float(np.linalg.det(ways))) < 0.1:
        return other[2:]
    along = np.linalg.solve(ways, other[2:] - one[2:])
    return one[2:] + along[0] * one[:2]
