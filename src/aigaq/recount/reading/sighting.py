"""One picture of one held ballot: what finding hands to reading. A value only."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """A crop of the film around a held sheet."""

    grey: NDArray[np.uint8]
    """(h, w), full resolution."""
    rgb: NDArray[np.uint8]
    """(h, w, 3) of the same place; its size may be smaller by a whole factor."""
    origin_px: tuple[int, int]
    """x, y of the crop's first pixel in the film."""
    corners: NDArray[np.float64]
    """(4, 2), x then y in the film's pixels, clockwise from the sheet's own top left corner, within some 10 pixels."""
    sharpness: float
    """Higher is sharper; comparable within one film."""
    at_s: float
    """Seconds of the film."""
