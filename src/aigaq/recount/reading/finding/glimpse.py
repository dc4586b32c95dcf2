"""One picture of a held sheet while it is still followed, and the choice of the best for reading."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aigaq.recount.reading.film import Picture
from aigaq.recount.reading.finding.align import Fit
from aigaq.recount.reading.sighting import Sighting

Bytes = NDArray[np.uint8]
Doubles = NDArray[np.float64]
MOST: Final = 7
"""Sightings that are handed on."""
_MARGIN: Final = 0.08
"""Of the sheet's height: what is kept around it."""


@dataclass(frozen=True, slots=True, eq=False)
class Glimpse:
    """A sheet in one picture."""

    picture: Picture
    corners: Doubles
    """(4, 2), the film's pixels, clockwise from the sheet's own top left."""
    seen: float
    """Share of the sheet that is not hidden."""
    sharpness: float

    @property
    def worth(self) -> float:
        """Sharp and little hidden."""
        return self.sharpness * self.seen**2


def fitted_glimpse(picture: Picture, fit: Fit, small_wide: int) -> Glimpse:
    """Of a blank that was laid onto the small picture."""
    corners = (fit.corners + 0.5) * (picture.grey.shape[1] / small_wide) - 0.5
    return Glimpse(picture, corners, fit.seen, _sharpness(picture.grey, corners))


def plain_glimpse(picture: Picture, corners: Doubles) -> Glimpse:
    """Of paper that is no known blank."""
    return Glimpse(picture, corners, 1.0, _sharpness(picture.grey, corners))


def best(glimpses: Sequence[Glimpse]) -> tuple[Sighting, ...]:
    """The best, best first, spread over the time."""
    left, taken = list(glimpses), list[Glimpse]()
    while left and len(taken) < MOST:
        one = max(left, key=lambda g: g.worth * apart(g, taken))
        left.remove(one)
        taken.append(one)
    return tuple(_sighting(g) for g in sorted(taken, key=lambda g: -g.worth))


def apart(one: Glimpse, others: Sequence[Glimpse]) -> float:
    """1 where no other picture is near in time, 0.5 where one is the same moment."""
    nearest = min((abs(one.picture.at_s - g.picture.at_s) for g in others if g is not one), default=1.0)
    return 0.5 + min(0.5, nearest)


def _sharpness(grey: Bytes, corners: Doubles) -> float:
    x0, y0, x1, y1 = _around(grey, corners, 0.0)
    piece = cv2.resize(grey[y0:y1, x0:x1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return float(cv2.meanStdDev(cv2.Laplacian(piece, cv2.CV_16S))[1][0][0])


def _sighting(one: Glimpse) -> Sighting:
    x0, y0, x1, y1 = _around(one.picture.grey, one.corners, _MARGIN)
    grey = one.picture.grey[y0:y1, x0:x1].copy()
    return Sighting(grey, one.picture.half(x0, y0, x1, y1), (x0, y0), one.corners, one.sharpness, one.picture.at_s)


def _around(grey: Bytes, corners: Doubles, more: float) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of a box around the sheet, even numbers within the picture."""
    tall, wide = grey.shape[0] // 2 * 2, grey.shape[1] // 2 * 2
    room = float(np.ptp(corners[:, 1])) * more
    low = np.clip(np.floor((corners.min(axis=0) - room) / 2) * 2, 0, (wide - 4, tall - 4))
    high = np.clip(np.ceil((corners.max(axis=0) + room) / 2) * 2, low + 4, (wide, tall))
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])
