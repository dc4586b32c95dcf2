"""Finds the empty boxes of a straight blank: square, round or oval, in one column or several. Knows nothing of rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aigaq.election import Box

Mask = NDArray[np.uint8]

PX_PER_MM: Final = 8
SIDE_MM: Final = (2.0, 45.0)
ASPECT: Final = (0.5, 2.5)
FILL: Final = 0.72
"""Of its frame that a box's inside fills: a square nearly all, an oval 0.785, a letter's counter less."""
LINE_MM: Final = 2.0
"""The thickest line around a box."""
ALIGN_MM: Final = 1.5
"""How far boxes of one column may stand out of line."""
RIM_MM: Final = 2.0
"""Along the sheet's edges nothing is print: a photo keeps a sliver of what the sheet lay on."""
_INKED: Final = 0.02
_SHARES: Final = (0.25, 0.4, 0.55)
_SPECK: Final = 12.0


@dataclass(frozen=True, slots=True, eq=False)
class Ink:
    """What is printed on a sheet, without its ground."""

    strength: Mask
    """How much darker than the paper around."""
    full: float
    """The strength of solid print."""

    def mask(self, share: float = 0.4) -> Mask:
        """Where print is at least this share of solid."""
        return (self.strength > share * self.full).astype(np.uint8)


def ink_of(sheet: NDArray[np.uint8]) -> Ink:
    """The print of a sheet at 8 px/mm; lines, letters and frames, not areas wider than 4 mm."""
    grey = cv2.cvtColor(sheet, cv2.COLOR_RGB2GRAY)
    around = cv2.morphologyEx(grey, cv2.MORPH_CLOSE, np.ones((33, 33), np.uint8))
    strength = cv2.subtract(around, grey).astype(np.uint8, copy=False)
    rim = round(RIM_MM * PX_PER_MM)
    strength[:rim] = strength[-rim:] = 0
    strength[:, :rim] = strength[:, -rim:] = 0
    strong = strength[strength > _SPECK * 2]
    full = float(np.percentile(strong, 90)) if strong.size > 200 else 255.0
    return Ink(strength, full)


def find_columns(ink: Ink) -> list[list[Box]]:
    """The boxes to mark: the size that fills columns best, column by column from the left, each from the top."""
    found = _merged([box for share in _SHARES for box in _holes(ink.mask(share))])
    best: list[list[Box]] = []
    for seed in found:
        columns = _columns([box for box in found if _alike(box, seed)])
        if _worth(columns) > _worth(best):
            best = columns
    return best


def _worth(columns: Sequence[Sequence[Box]]) -> float:
    return sum(len(c) * min(box.w * box.h for box in c) ** 0.5 for c in columns)


def _alike(box: Box, seed: Box) -> bool:
    near = (max(0.8, 0.15 * seed.w), max(0.8, 0.15 * seed.h))
    return abs(box.w - seed.w) <= near[0] and abs(box.h - seed.h) <= near[1]


def _columns(boxes: Sequence[Box]) -> list[list[Box]]:
    columns: list[list[Box]] = []
    for box in sorted(boxes, key=lambda b: b.y):
        home = next((c for c in columns if abs(_middle(c[-1]) - _middle(box)) <= ALIGN_MM), None)
        if home is None:
            columns.append([box])
        else:
            home.append(box)
    return sorted((c for c in columns if len(c) > 1), key=lambda c: c[0].x)


def _middle(box: Box) -> float:
    return box.x + box.w / 2


def _merged(boxes: Sequence[Box]) -> list[Box]:
    """Once for each box: several thresholds find the same one. A box within a box is the one to mark."""
    kept: list[Box] = []
    for box in sorted(boxes, key=lambda b: b.w * b.h):
        if not any(_share_over(box, other) > 0.5 for other in kept):
            kept.append(box)
    return kept


def _share_over(box: Box, other: Box) -> float:
    wide = min(box.x + box.w, other.x + other.w) - max(box.x, other.x)
    high = min(box.y + box.h, other.y + other.h) - max(box.y, other.y)
    return max(0.0, wide) * max(0.0, high) / (other.w * other.h)


def _holes(ink: Mask) -> Iterator[Box]:
    """Areas without print that print encloses."""
    closed = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    contours, tree = cv2.findContours(closed, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return
    for contour, links in zip(contours, tree[0], strict=True):
        if links[3] >= 0:  # it lies in another: a hole
            x, y, w, h = cv2.boundingRect(contour)
            # a hole's contour runs on the ink around it
            inner = (x + 1, y + 1, w - 2, h - 2)
            if _may_be_box(inner, cv2.contourArea(contour), ink):
                yield _outer(inner, ink)


def _may_be_box(inner: tuple[int, int, int, int], area: float, ink: Mask) -> bool:
    x, y, w, h = inner
    low, high = (side * PX_PER_MM for side in SIDE_MM)
    if not (low <= min(w, h) and max(w, h) <= high and ASPECT[0] <= w / h <= ASPECT[1]):
        return False
    if area < FILL * w * h:
        return False
    off_x, off_y = round(w * 0.15), round(h * 0.15)
    return float(ink[y + off_y : y + h - off_y, x + off_x : x + w - off_x].mean()) <= _INKED


def _outer(inner: tuple[int, int, int, int], ink: Mask) -> Box:
    """The box with its line: each side as far out as print goes at most places along it."""
    x, y, w, h = inner
    reach = round(LINE_MM * PX_PER_MM)
    above = _line(ink[max(0, y - reach) : y, _core(x, w)][::-1])
    below = _line(ink[y + h : y + h + reach, _core(x, w)])
    left = _line(ink[_core(y, h), max(0, x - reach) : x].T[::-1])
    right = _line(ink[_core(y, h), x + w : x + w + reach].T)
    sides = (x - left, y - above, w + left + right, h + above + below)
    return Box(*(round(side / PX_PER_MM, 2) for side in sides))


def _core(start: int, length: int) -> slice:
    return slice(start + length * 2 // 5, start + length * 3 // 5 + 1)


def _line(strip: Mask) -> int:
    """How many rows of the strip, from its first, are print; 0 where the print does not end within it."""
    blank = strip.mean(axis=1) < 0.5 if strip.size else np.array([True])
    first = int(blank.argmax())
    return first if blank.any() else 0
