"""Which of several styles of one shape a held sheet is: its print decides, its colour helps."""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aigaq.recount.reading.finding.align import align
from aigaq.recount.reading.finding.glimpse import Glimpse
from aigaq.recount.reading.finding.search import Known
from aigaq.recount.reading.finding.stranger import paper_colour, tint
from aigaq.recount.reading.finding.track import Track

Doubles = NDArray[np.float64]
_COLOUR: Final = 0.1
"""What the paper's colour weighs beside the likeness of the print. A plain copy is white."""
_NEAR: Final = 0.06
"""Distance of colours at which their likeness is 0.6."""
_LOOKS: Final = 2
"""Pictures that are asked."""


def which(track: Track, known: Sequence[Known]) -> Known:
    """The style that fits best over the sheet's best pictures."""
    found = track.known
    alike = [k for k in known if abs(k.size_mm[0] * found.size_mm[1] / (k.size_mm[1] * found.size_mm[0]) - 1) < 0.05]
    if len(alike) < 2:
        return found
    looks = sorted(track.glimpses, key=lambda g: -g.worth)[:_LOOKS]
    scores = np.sum([_scores(one, alike) for one in looks], axis=0)
    return alike[int(np.argmax(scores))]


def _scores(one: Glimpse, alike: Sequence[Known]) -> Doubles:
    half = cv2.resize(one.picture.grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    corners = (one.corners + 0.5) / 2 - 0.5
    print_ = [align(half, k.fine, corners, rounds=4).likeness for k in alike]
    low, high = one.corners.min(axis=0), one.corners.max(axis=0)
    inset = (high - low) * 0.2
    (x0, y0), (x1, y1) = np.maximum(low + inset, 0).astype(int) // 2 * 2, (high - inset).astype(int) // 2 * 2
    piece = one.picture.half(int(x0), int(y0), max(int(x0) + 2, int(x1)), max(int(y0) + 2, int(y1)))
    seen = paper_colour(piece)
    away = [float(np.hypot(*(seen - tint(k.paper)))) for k in alike]
    return np.array(print_) + _COLOUR * np.exp(-((np.array(away) / _NEAR) ** 2) / 2)
