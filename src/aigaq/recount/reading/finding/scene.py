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
"""Grey levels by which a place differs from the room."""
_SETTLED: Final = 40
"""Pictures after which what does not change belongs to the room."""
_PALE: Final = 0.5
"""Paper's darkest channel, as a share of the brightest in the picture."""
_SHARE: Final = 0.01
"""Of the picture: smaller paper is none that is shown."""


@dataclass(frozen=True, slots=True)
class Patch:
    """Paper that was not there before: a box in shares of the picture's width and height, and how much of it moves."""

    left: float
    top: float
    right: float
    bottom: float
    area: float
    """Of the picture."""
    moving: float


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
            self._now = self._room = self._calm = now
            self._since = np.zeros(now.shape[:2], np.uint8)
            self._moving = self._since.copy()
            return
        self._moving = _differs(now, self._now, _SAME)
        self.motion = float(np.count_nonzero(self._moving)) / self._moving.size
        changed = _differs(now, self._calm, _SAME)
        self._calm = np.where(changed[..., None] > 0, now, self._calm)
        self._since = np.where(changed > 0, 0, np.minimum(self._since, 254) + 1).astype(np.uint8)
        self._room = np.where((self._since >= _SETTLED)[..., None], self._calm, self._room)
        self._now = now

    def hold(self, corners: Doubles) -> None:
        """A sheet is here: it never becomes part of the room. Corners in shares of the picture."""
        tall, wide = self._since.shape
        cv2.fillConvexPoly(self._since, np.rint(corners * (wide, tall)).astype(np.int32), (0,))

    def papers(self, known: list[Doubles]) -> list[Patch]:
        """Places of new paper, largest first, but for the sheets that are known already."""
        if self._now is None:
            return []
        pale = self._now.min(axis=2)
        bright = float(np.percentile(pale, 99))
        new = (_differs(self._now, self._room, _NEW) > 0) & (pale > _PALE * bright)
        mask = new.astype(np.uint8)
        tall, wide = mask.shape
        for corners in known:
            cv2.fillConvexPoly(mask, np.rint(corners * (wide, tall)).astype(np.int32), (0,))
        mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        _, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
        found = [self._patch(labels, stats, n) for n in range(1, len(stats)) if stats[n][4] >= _SHARE * mask.size]
        return sorted(found, key=lambda patch: -patch.area)

    def _patch(self, labels: cv2.typing.MatLike, stats: cv2.typing.MatLike, number: int) -> Patch:
        x, y, w, h, area = (int(v) for v in stats[number])
        tall, wide = self._moving.shape
        place = (slice(y, y + h), slice(x, x + w))
        moving = np.count_nonzero(self._moving[place][labels[place] == number]) / area
        return Patch(x / wide, y / tall, (x + w) / wide, (y + h) / tall, area / (tall * wide), float(moving))


def _differs(a: Bytes, b: Bytes, by: int) -> Bytes:
    return (cv2.absdiff(a, b).max(axis=2) > by).astype(np.uint8)
