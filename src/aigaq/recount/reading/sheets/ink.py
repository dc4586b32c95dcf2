"""The first reader: how much ink is inside a box. Shadows and folds are no ink; a dot without area is a mark."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aigaq.recount.reading.sheets.patches import SIDE, Grid
from aigaq.recount.reading.sheets.pattern import Bytes, Floats

_INSET_MM: Final = 1.3
"""From the box's outer edge: the printed line and its blur."""
_INSET_SHARE: Final = 0.16
"""At most so much of the box, where boxes are small."""
_DARK: Final = 0.11
"""Against the blank; what is less is noise, guilloche or shadow."""
_PLAY: Final = 5
_GRAZE_SHARE: Final = 0.3
_GRAZE_DEEP: Final = 0.3
"""Of a box: as much of a neighbour's mark, and as far in, is that mark's overflow."""
_FOLD: Final = 0.08
"""What a fold darkens at most; a line that is darker is drawn."""


@dataclass(frozen=True, slots=True)
class Ink:
    """Of one box."""

    share: float
    peak: float


def inks(grid: Grid, fused: Bytes, seen: Bytes) -> list[Ink]:
    """The ink of every box in fused patches (boxes, SIDE, SIDE); pixels that are not seen do not count."""
    dark = _darkness(grid, fused)
    return [_ink(grid, n, dark[n], seen[n]) for n in range(grid.boxes)]


def inside(grid: Grid, n: int) -> tuple[slice, slice]:
    """Rows and columns of a box's inside in its patch."""
    left, top, right, bottom = grid.sides[n].tolist()
    inset = min(_INSET_MM * float(grid.px_per_mm[n]), _INSET_SHARE * min(right - left, bottom - top))
    return (
        slice(round(top + inset), round(bottom - inset) + 1),
        slice(round(left + inset), round(right - inset) + 1),
    )


def _darkness(grid: Grid, fused: Bytes) -> Floats:
    """Against the blank, whose print is given some play: a round target has its line inside its box."""
    blank = np.stack([cv2.erode(patch, np.ones((_PLAY, _PLAY), np.uint8)) for patch in grid.blank])
    return (1 - fused.astype(np.float32) / np.maximum(blank, 8)).astype(np.float32)


def _ink(grid: Grid, n: int, dark: Floats, seen: Bytes) -> Ink:
    rows, columns = inside(grid, n)
    clear = dark - _folds(dark, rows)
    visible = seen[rows, columns] > 0
    inner = clear[rows, columns]
    if not visible.any():
        return Ink(0.0, 0.0)
    level = float(np.clip(np.median(inner[visible]), -0.05, 0.05))
    own = clear.copy()
    own[_passing(grid, n, clear - level > _DARK)] = 0
    inner = np.where(visible, own[rows, columns] - level, 0)
    share = float((inner > _DARK).sum()) / float(visible.sum())
    spot = cv2.blur(inner.astype(np.float32), (3, 3))
    return Ink(share, float(np.clip(spot.max(), 0, 1)))


def _passing(grid: Grid, n: int, dark: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Ink of a mark that belongs to a neighbour and only grazes this box.

    It comes in over an edge, most of it is outside, and it does not go deep. What lies inside alone is never taken off.
    """
    left, top, right, bottom = (round(v) for v in grid.sides[n].tolist())
    count, names, stats, _ = cv2.connectedComponentsWithStats(dark.astype(np.uint8), connectivity=8)
    box = np.zeros(dark.shape, np.bool_)
    box[top : bottom + 1, left : right + 1] = True
    inset = np.zeros(dark.shape, np.bool_)
    deep = round((bottom - top) * _GRAZE_DEEP)
    inset[top + deep : bottom + 1 - deep, left + deep : right + 1 - deep] = True
    within = np.bincount(names[box], minlength=count)
    far = np.bincount(names[inset], minlength=count) > 0
    passing = (within < stats[:, cv2.CC_STAT_AREA] * _GRAZE_SHARE) & ~far
    passing[0] = False
    return passing[names.astype(np.intp)]


def _folds(dark: Floats, rows: slice) -> Floats:
    """Lines of shadow that go on beyond the box on both sides (SIDE, SIDE)."""
    gap = (SIDE - (rows.stop - rows.start)) // 4
    left, right = (np.median(strip, axis=1) for strip in (dark[:, 1:gap], dark[:, -gap:-1]))
    above, below = (np.median(strip, axis=0) for strip in (dark[1:gap], dark[-gap:-1]))
    level = np.clip(np.minimum(left, right), 0, _FOLD)
    upright = np.clip(np.minimum(above, below), 0, _FOLD)
    return np.maximum(_thin(level)[:, None], _thin(upright)[None, :]).astype(np.float32)


def _thin(line: Floats) -> Floats:
    """Narrow ridges only: what is broad is light, and has been divided out."""
    return np.clip(line - np.median(line), 0, _FOLD).astype(np.float32)
