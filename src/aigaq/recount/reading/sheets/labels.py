"""Whether each row's print is where the map says: a box read as its neighbour's would be a wrong vote."""

from typing import Final

import cv2
import numpy as np

from aigaq.election import BallotChoice
from aigaq.recount.reading.sheets.pattern import Bytes, Pattern, levelled

_LEAST_SEEN: Final = 0.5
_NUDGE: Final = 2


def labels(pattern: Pattern, fused: Bytes, seen: Bytes) -> list[float]:
    """How well the print of each row is recognised, -1 to 1; 0 where most of it is covered."""
    here, wanted = levelled(fused, pattern.px_per_mm), levelled(pattern.grey, pattern.px_per_mm)
    return [_label(pattern, choice, (here, wanted, seen)) for choice in pattern.style.style.choices]


def _label(pattern: Pattern, choice: BallotChoice, pictures: tuple[Bytes, Bytes, Bytes]) -> float:
    here, wanted, seen = pictures
    left, top, right, bottom = (round(v) for v in pattern.pixels(choice.row).tolist())
    box_left, _, box_right, _ = (round(v) for v in pattern.pixels(choice.box).tolist())
    left, right = (left, box_left) if box_left - left >= right - box_right else (box_right, right)
    left, top = max(left, _NUDGE), max(top, _NUDGE)
    rows, columns = slice(top, bottom), slice(left, right)
    visible = seen[rows, columns] > 0
    if visible.size == 0 or visible.mean() < _LEAST_SEEN:
        return 0.0
    free = np.flatnonzero(visible.mean(axis=0) > 0.9)
    if len(free) == 0:
        return 0.0
    columns = slice(left + int(free[0]), left + int(free[-1]) + 1)
    block = wanted[rows, columns]
    around = here[top - _NUDGE : bottom + _NUDGE, columns.start - _NUDGE : columns.stop + _NUDGE]
    if block.var() < 1 or around.shape[0] < block.shape[0] or around.shape[1] < block.shape[1]:
        return 0.0
    return float(cv2.matchTemplate(around, block, cv2.TM_CCOEFF_NORMED).max())
