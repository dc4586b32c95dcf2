"""Follows one held sheet from picture to picture, and keeps its best sightings. Decides only if it is still there."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aigaq.recount.reading.film import Picture
from aigaq.recount.reading.finding.align import Fit, align
from aigaq.recount.reading.finding.search import Known, faces
from aigaq.recount.reading.sighting import Sighting

Bytes = NDArray[np.uint8]
Doubles = NDArray[np.float64]
LIKE: Final = 0.3
"""Likeness from which a sheet is taken for the blank."""
SEEN: Final = 0.3
"""Share of its blocks that must look like it."""
MOST: Final = 7
"""Sightings that are handed on."""
_KEPT: Final = 11
"""Pictures that are kept while the sheet is held."""
_REACH: Final = 10
"""Small pixels that a held sheet may move from one picture to the next."""


@dataclass(frozen=True, slots=True, eq=False)
class Glimpse:
    """One picture of the sheet, and what it is worth."""

    picture: Picture
    corners: Doubles
    """(4, 2), the film's pixels."""
    fit: Fit
    sharpness: float

    @property
    def worth(self) -> float:
        """Sharp and little hidden."""
        return self.sharpness * self.fit.seen**2


class Track:
    """One sheet, from where it was found on."""

    def __init__(self, known: Known, start: Glimpse, small: Bytes) -> None:
        self.known = known
        self.from_s = self.to_s = start.picture.at_s
        self.corners = start.fit.corners
        """(4, 2), pixels of the small picture."""
        self.gone = 0
        """Pictures in a row in which it was not seen."""
        self.glimpses = [start]
        self.seen = 1
        self._small = small

    def follow(self, picture: Picture, small: Bytes) -> bool:
        """Look for it in the next picture; `small` is grey."""
        fit = align(small, self.known.template, self._moved(small), rounds=6)
        if not holds(fit, self.known):
            self.gone += 1
            return False
        self.gone, self.to_s, self.corners, self._small = 0, picture.at_s, fit.corners, small
        self.keep(glimpse(picture, fit, small))
        return True

    def keep(self, one: Glimpse) -> None:
        """Remember a picture; of too many, the worst of those that stand close in time is let go."""
        self.seen += 1
        self.from_s = min(self.from_s, one.picture.at_s)
        self.glimpses.append(one)
        self.glimpses.sort(key=lambda g: g.picture.at_s)
        if len(self.glimpses) > _KEPT:
            self.glimpses.remove(min(self.glimpses, key=lambda g: g.worth * self._alone(g)))

    def sightings(self) -> tuple[Sighting, ...]:
        """The best, best first, spread over the time."""
        left = list(self.glimpses)
        taken = list[Glimpse]()
        while left and len(taken) < MOST:
            best = max(left, key=lambda g: g.worth * _apart(g, taken))
            left.remove(best)
            taken.append(best)
        return tuple(_sighting(g) for g in sorted(taken, key=lambda g: -g.worth))

    def _alone(self, one: Glimpse) -> float:
        return _apart(one, [g for g in self.glimpses if g is not one])

    def _moved(self, small: Bytes) -> Doubles:
        """The corners, moved as the picture of the sheet has moved since it was last seen."""
        tall, wide = small.shape
        low = np.clip(np.floor(self.corners.min(axis=0)).astype(int), 0, (wide - 9, tall - 9))
        high = np.clip(np.ceil(self.corners.max(axis=0)).astype(int), low + 8, (wide, tall))
        x0, y0, x1, y1 = int(low[0]), int(low[1]), int(high[0]), int(high[1])
        piece = self._small[y0:y1, x0:x1]
        around = cv2.copyMakeBorder(small, _REACH, _REACH, _REACH, _REACH, cv2.BORDER_REPLICATE)
        field = around[y0 : y1 + 2 * _REACH, x0 : x1 + 2 * _REACH]
        _, best, _, at = cv2.minMaxLoc(cv2.matchTemplate(field, piece, cv2.TM_CCOEFF_NORMED))
        return self.corners + (np.array(at) - _REACH if best > 0.5 else 0.0)


def holds(fit: Fit, known: Known) -> bool:
    """Whether the blank lies on a sheet there."""
    return fit.likeness >= LIKE and fit.seen >= SEEN and faces(fit.corners, known.size_mm)


def glimpse(picture: Picture, fit: Fit, small: Bytes) -> Glimpse:
    """What the picture is worth, and the corners in the film's pixels."""
    scale = picture.grey.shape[1] / small.shape[1]
    corners = (fit.corners + 0.5) * scale - 0.5
    return Glimpse(picture, corners, fit, _sharpness(picture.grey, corners))


def _sharpness(grey: Bytes, corners: Doubles) -> float:
    x0, y0, x1, y1 = _around(grey, corners, 0.0)
    piece = cv2.resize(grey[y0:y1, x0:x1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return float(cv2.Laplacian(piece, cv2.CV_32F).std())


def _sighting(one: Glimpse) -> Sighting:
    x0, y0, x1, y1 = _around(one.picture.grey, one.corners, 0.08)
    grey = one.picture.grey[y0:y1, x0:x1].copy()
    rgb = one.picture.half(x0, y0, x1, y1)
    return Sighting(grey, rgb, (x0, y0), one.corners, one.sharpness, one.picture.at_s)


def _around(grey: Bytes, corners: Doubles, more: float) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of a box around the sheet, even numbers within the picture."""
    tall, wide = grey.shape[0] // 2 * 2, grey.shape[1] // 2 * 2
    room = float(np.ptp(corners[:, 1])) * more
    low = np.clip(np.floor((corners.min(axis=0) - room) / 2) * 2, 0, (wide - 4, tall - 4))
    high = np.clip(np.ceil((corners.max(axis=0) + room) / 2) * 2, low + 4, (wide, tall))
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _apart(one: Glimpse, others: list[Glimpse]) -> float:
    """1 where no other picture is near in time, 0.5 for neighbours."""
    nearest = min((abs(one.picture.at_s - g.picture.at_s) for g in others), default=1.0)
    return 0.5 + 0.5 * min(1.0, nearest / 0.5)
