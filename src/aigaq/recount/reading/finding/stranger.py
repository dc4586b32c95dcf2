"""Paper that is held up and fits no style: the back of a ballot, or another sheet. It is told, never guessed."""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aigaq.recount.reading.film import Picture
from aigaq.recount.reading.finding.glimpse import plain_glimpse
from aigaq.recount.reading.finding.scene import Patch, overlap
from aigaq.recount.reading.finding.search import Known

Bytes = NDArray[np.uint8]
Doubles = NDArray[np.float64]
_SAME: Final = 0.6
"""Overlap from one picture to the next of paper that is held still."""
_LEAST: Final = 3
"""Pictures in which it must be held."""
_NEAR: Final = 0.09
"""Distance of two papers' colours below which they may be the same."""
_DARKER: Final = 0.85
_INKED: Final = 0.05
"""Share of a page that is darker than its paper where it is printed: the guilloche of a back is not."""


class Stranger:
    """One such sheet."""

    def __init__(self, patch: Patch, picture: Picture) -> None:
        self.from_s = self.to_s = picture.at_s
        self.gone = 0
        self._patch = patch
        self._count = 1
        self.glimpses = [plain_glimpse(picture, _corners(patch, picture))]

    @property
    def held(self) -> bool:
        """Long enough to have been shown."""
        return self._count >= _LEAST

    def follow(self, patches: Sequence[Patch], picture: Picture) -> bool:
        """Whether it is still there."""
        near = max(patches, key=lambda p: overlap(p, self._patch), default=None)
        if near is None or overlap(near, self._patch) < _SAME:
            self.gone += 1
            return False
        self.gone, self.to_s, self._patch = 0, picture.at_s, near
        self._count += 1
        if len(self.glimpses) < 7:
            self.glimpses.append(plain_glimpse(picture, _corners(near, picture)))
        return True

    def is_back(self, known: Sequence[Known]) -> bool:
        """Paper of a ballot's colour with next to nothing on it."""
        page = max(self.glimpses, key=lambda g: g.sharpness)
        low, high = page.corners.min(axis=0), page.corners.max(axis=0)
        inset = (high - low) * 0.25
        (x0, y0), (x1, y1) = (low + inset).astype(int) // 2 * 2, (high - inset).astype(int) // 2 * 2
        if x1 - x0 < 8 or y1 - y0 < 8:
            return False
        piece = page.picture.half(int(x0), int(y0), int(x1), int(y1))
        light = cv2.cvtColor(piece, cv2.COLOR_RGB2GRAY)
        inked = float(np.mean(light < _DARKER * np.percentile(light, 70)))
        colour = paper_colour(piece)
        return inked < _INKED and any(float(np.hypot(*(colour - tint(k.paper)))) < _NEAR for k in known)


def paper_colour(piece: Bytes) -> Doubles:
    """Tint of most of a picture of paper."""
    return tint(np.percentile(piece.reshape(-1, 3), 70, axis=0).astype(np.float64))


def tint(rgb: Doubles) -> Doubles:
    """Colour without brightness: logarithms of red and blue over green."""
    red, green, blue = np.log(np.maximum(rgb, 1.0))
    return np.array([red - green, blue - green])


def _corners(patch: Patch, picture: Picture) -> Doubles:
    tall, wide = picture.grey.shape
    box = np.array(
        [(patch.left, patch.top), (patch.right, patch.top), (patch.right, patch.bottom), (patch.left, patch.bottom)]
    )
    return (box if patch.quad is None else patch.quad) * (wide, tall) - 0.5
