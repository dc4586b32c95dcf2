"""Follows one held sheet from picture to picture. Decides only whether it is still there, and which style it is."""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aigaq.recount.reading.film import Picture
from aigaq.recount.reading.finding.align import Fit, align, resemblance, trace
from aigaq.recount.reading.finding.glimpse import Glimpse, apart, fitted_glimpse
from aigaq.recount.reading.finding.search import Known, faces

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
_LIKE: Final = 0.3
"""Likeness from which a sheet is taken for the blank."""
SURE: Final = 0.45
"""Below this likeness it is looked for again, lest it be laid wrongly onto the sheet."""
_SEEN: Final = 0.3
"""Share of its blocks that must look like it."""
_KEPT: Final = 11
"""Pictures that are kept while the sheet is held."""
_REACH: Final = 10
"""Small pixels that a held sheet may move from one picture to the next."""
_SAME: Final = 0.55
"""Resemblance of two looks at one sheet; two sheets of a style were seen to have at most 0.51."""
_CLOSE: Final = 0.1
"""Of a sheet's height: corners that are nearer than this are those of one sheet."""


class Track:
    """One sheet, from where it was found on."""

    def __init__(self, known: Known, fit: Fit, picture: Picture, small: Bytes) -> None:
        self.known = known
        self.from_s = self.to_s = picture.at_s
        self.corners = fit.corners
        """(4, 2), pixels of the small picture."""
        self.likeness = fit.likeness
        """When it was last seen."""
        self.gone = 0
        """Pictures in a row in which it was not seen."""
        self.glimpses = [fitted_glimpse(picture, fit, small.shape[1])]
        self._small = small

    def follow(self, picture: Picture, small: Bytes) -> bool:
        """Look for it in the next picture; `small` is grey."""
        fit = align(small, self.known.template, self._moved(small), rounds=6)
        if not holds(fit, self.known):
            self.gone += 1
            return False
        self.at(fit, picture, small)
        return True

    def at(self, fit: Fit, picture: Picture, small: Bytes) -> None:
        """It is here now."""
        self.gone, self.likeness, self.to_s, self.corners, self._small = (
            0,
            fit.likeness,
            picture.at_s,
            fit.corners,
            small,
        )
        self.keep(fitted_glimpse(picture, fit, small.shape[1]))

    def keep(self, one: Glimpse) -> None:
        """Remember a picture; of too many, the worst of those that stand close in time is let go."""
        self.from_s = min(self.from_s, one.picture.at_s)
        self.glimpses.append(one)
        if len(self.glimpses) > _KEPT:
            self.glimpses.remove(min(self.glimpses, key=lambda g: g.worth * apart(g, self.glimpses)))

    def trace_back(self, before: Sequence[tuple[Picture, Bytes]]) -> tuple[float, Doubles]:
        """Look for it in the pictures before, newest first: since when it was there, and where then."""
        corners = self.corners
        for picture, small in before:
            fit = align(small, self.known.template, corners, rounds=6)
            if not holds(fit, self.known):
                break
            corners = fit.corners
            self.keep(fitted_glimpse(picture, fit, small.shape[1]))
        return self.from_s, corners

    def is_sheet(self, other: "Track") -> bool:
        """Whether both bear the same marks, folds and signature."""
        return resemblance(self.trace(), other.trace()) > _SAME

    def trace(self) -> Floats:
        """What it bears beside its blank, in its newest picture."""
        one = self.glimpses[-1]
        half = cv2.resize(one.picture.grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        return trace(half.astype(np.uint8, copy=False), self.known.fine, (one.corners + 0.5) / 2 - 0.5)

    def is_at(self, corners: Doubles) -> bool:
        """Whether these corners (small pixels) are its own."""
        height = float(np.hypot(*(self.corners[3] - self.corners[0])))
        return float(np.hypot(*(corners - self.corners).T).mean()) < _CLOSE * height

    def _moved(self, small: Bytes) -> Doubles:
        """The corners, moved as the picture of the sheet has moved since it was last seen."""
        tall, wide = small.shape
        low = np.clip(np.floor(self.corners.min(axis=0)).astype(int), 0, (wide - 9, tall - 9))
        high = np.clip(np.ceil(self.corners.max(axis=0)).astype(int), low + 8, (wide, tall))
        (x0, y0), (x1, y1) = low // 2, high // 2
        before, now = (
            cv2.resize(s, (wide // 2, tall // 2), interpolation=cv2.INTER_AREA) for s in (self._small, small)
        )
        reach = _REACH // 2
        around = cv2.copyMakeBorder(now, reach, reach, reach, reach, cv2.BORDER_REPLICATE)
        field = around[y0 : y1 + 2 * reach, x0 : x1 + 2 * reach]
        _, best, _, at = cv2.minMaxLoc(cv2.matchTemplate(field, before[y0:y1, x0:x1], cv2.TM_CCOEFF_NORMED))
        return self.corners + ((np.array(at) - reach) * 2 if best > 0.5 else 0.0)


def holds(fit: Fit, known: Known) -> bool:
    """Whether the blank lies on a sheet there."""
    return fit.likeness >= _LIKE and fit.seen >= _SEEN and faces(fit.corners, known.size_mm)
