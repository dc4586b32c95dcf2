"""What moves before the camera, and where paper has come that was not there: looked for in a very small picture.

It learns the room by itself: what has not changed for some seconds is the room. It knows no ballot.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Doubles = NDArray[np.float64]
WIDTH: Final = 240
_SAME: Final = 14
"""Grey levels that a still place may flicker."""
_NEW: Final = 22
"""Grey levels by which a place differs from the room, or by which something really moves."""
_SETTLED: Final = 40
"""Pictures after which what does not change belongs to the room."""
_PALE: Final = 0.5
"""Paper's darkest channel, as a share of the brightest in the picture."""
_SHARE: Final = 0.008
"""Of the picture: smaller paper is none that is shown."""
_FULL: Final = 0.8
"""Share of its outline's hull that a sheet fills: fingers and prints leave dents."""


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """Paper that was not there before. Places are shares of the picture's width and height."""

    left: float
    top: float
    right: float
    bottom: float
    area: float
    """Of the picture."""
    moving: float
    """How much of it moves."""
    quad: Doubles | None
    """(4, 2), clockwise, the first corner nearest to the picture's top left; None where it has no four corners."""


class Scene:
    """Follows one camera's room."""

    def __init__(self) -> None:
        self._now: Bytes | None = None
        self._room: Bytes
        self._calm: Bytes
        self._moving: Bytes
        self._since: Bytes
        self.motion = 0.0
        """Share of the picture that moves."""

    def look(self, small: Bytes) -> None:
        """Take the next picture, RGB."""
        tall = max(1, round(small.shape[0] * WIDTH / small.shape[1]))
        now = cv2.resize(small, (WIDTH, tall), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        if self._now is None or self._now.shape != now.shape:
            self._now = now
            self._room, self._calm = now.copy(), now.copy()
            self._since = np.zeros(now.shape[:2], np.uint8)
            self._moving = self._since.copy()
            return
        away = _away(now, self._now)
        self._moving = _above(away, _SAME)
        self.motion = cv2.countNonZero(_above(away, _NEW)) / away.size
        changed = _above(_away(now, self._calm), _SAME)
        cv2.copyTo(now, changed, self._calm)
        self._since += self._since < _SETTLED
        self._since[changed > 0] = 0
        cv2.copyTo(self._calm, _above(self._since, _SETTLED - 1), self._room)
        self._now = now

    def hold(self, corners: Doubles) -> None:
        """A sheet is here: it never becomes part of the room. Corners in shares of the picture."""
        cv2.fillConvexPoly(self._since, self._pixels(corners), (0,))

    def papers(self) -> list[Patch]:
        """Places of new paper, largest first."""
        if self._now is None:
            return []
        red, green, blue = cv2.split(self._now)
        pale = cv2.min(cv2.min(red, green), blue)
        paper = _above(pale, int(_PALE * _high(pale)))
        mask = cv2.bitwise_and(_above(_away(self._now, self._room), _NEW), paper)
        mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        large = [line for line in outlines if cv2.contourArea(line) >= _SHARE * mask.size]
        return sorted((self._patch(line) for line in large), key=lambda patch: -patch.area)

    def changed(self, corners: Doubles) -> float:
        """Share of a place that differs from the room."""
        if self._now is None:
            return 0.0
        mask = np.zeros(self._now.shape[:2], np.uint8)
        cv2.fillConvexPoly(mask, self._pixels(corners), (1,))
        new = cv2.bitwise_and(_above(_away(self._now, self._room), _NEW), mask)
        return cv2.countNonZero(new) / max(1, cv2.countNonZero(mask))

    def _pixels(self, shares: Doubles) -> NDArray[np.int32]:
        return np.rint(shares * self._since.shape[::-1] - 0.5).astype(np.int32)

    def _patch(self, outline: cv2.typing.MatLike) -> Patch:
        x, y, w, h = cv2.boundingRect(outline)
        tall, wide = self._moving.shape
        inside = np.zeros((h, w), np.uint8)
        cv2.drawContours(inside, [outline], -1, (1,), cv2.FILLED, offset=(-x, -y))
        area = cv2.countNonZero(inside)
        moving = cv2.countNonZero(cv2.bitwise_and(inside, self._moving[y : y + h, x : x + w])) / max(1, area)
        quad = _quad(outline, area)
        shares = None if quad is None else (quad + 0.5) / (wide, tall)
        return Patch(x / wide, y / tall, (x + w) / wide, (y + h) / tall, area / (tall * wide), moving, shares)


def _quad(outline: cv2.typing.MatLike, area: float) -> Doubles | None:
    """Four corners of an outline's hull, if it is nearly a quadrangle."""
    hull = cv2.convexHull(outline)
    full = cv2.contourArea(hull)
    if area < _FULL * full:
        return None
    length = cv2.arcLength(hull, closed=True)
    for share in (0.03, 0.045, 0.06, 0.08, 0.1):
        corners = cv2.approxPolyDP(hull, share * length, closed=True).reshape(-1, 2).astype(np.float64)
        if len(corners) <= 4:
            break
    if len(corners) != 4 or cv2.contourArea(corners.astype(np.float32)) < 0.85 * full:
        return None
    middle = corners.mean(axis=0)
    around = np.argsort(np.arctan2(*(corners - middle).T[::-1]))
    corners = corners[around]
    # The hull runs through pixel centres: half a pixel more on each side.
    corners += np.sign(corners - middle) * 0.5
    return np.roll(corners, -int(np.argmin(corners.sum(axis=1))), axis=0)


def _away(a: Bytes, b: Bytes) -> Bytes:
    red, green, blue = cv2.split(cv2.absdiff(a, b))
    return cv2.max(cv2.max(red, green), blue).astype(np.uint8, copy=False)


def _above(values: cv2.typing.MatLike, limit: int) -> Bytes:
    """1 where it is more."""
    return cv2.threshold(values, limit, 1, cv2.THRESH_BINARY)[1].astype(np.uint8, copy=False)


def _high(values: cv2.typing.MatLike) -> float:
    """The 99th percentile."""
    counts = np.bincount(values.ravel(), minlength=256).cumsum()
    return float(np.searchsorted(counts, 0.99 * counts[-1]))


def overlap(a: Patch, b: Patch) -> float:
    """Of two patches' boxes: what they share of what they cover together."""
    both = _both(a, b)
    return both / max(1e-9, _box(a) + _box(b) - both)


def covered(a: Patch, b: Patch) -> float:
    """Share of the first box that the second covers."""
    return _both(a, b) / max(1e-9, _box(a))


def _both(a: Patch, b: Patch) -> float:
    wide = min(a.right, b.right) - max(a.left, b.left)
    tall = min(a.bottom, b.bottom) - max(a.top, b.top)
    return max(0.0, wide) * max(0.0, tall)


def _box(a: Patch) -> float:
    return (a.right - a.left) * (a.bottom - a.top)
