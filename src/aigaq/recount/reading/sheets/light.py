"""What lies over the paper and how it is lit, in one rectified sighting. Coarse: fingers and shadows are large."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aigaq.recount.reading.sheets.pattern import Bytes, Floats, Pattern

COARSE: Final = 0.625
"""Pixels per mm that light and covers are looked at."""
_PEN_MM: Final = 3.2
"""Strokes thinner than this do not darken the paper around them."""
_LARGE_MM: Final = 26.0
_EDGE_MM: Final = 4.0
_GROWN_MM: Final = 1.6
_OTHER_COLOUR: Final = 0.085
"""Natural logarithm of the ratio of two colour channels, against that of the paper."""
_DARK: Final = 0.55
_DEEPEST: Final = 0.72
"""Of the light around: what is darker is no shadow but ink, and stays dark."""
_LARGE_MM2: Final = 1500.0


@dataclass(frozen=True, slots=True, eq=False)
class Light:
    """One sighting's light and covers, each (h, w) at `COARSE`."""

    gain: Floats
    """What to multiply a rectified grey picture by to bring its paper to the blank's."""
    shade: Floats
    """How much darker than its wider surroundings the paper is, 0 to 1."""
    covered: Bytes
    """255 where something lies over the paper."""
    tint: tuple[float, float]
    """How much redder and bluer, against green, the paper looks than the blank: natural logarithms."""


@dataclass(frozen=True, slots=True, eq=False)
class _Blank:
    """What the blank looks like here."""

    grey: Bytes
    paper: Bytes
    wide: Bytes
    colour: Floats
    plain: NDArray[np.bool_]


def coarse_size(pattern: Pattern) -> tuple[int, int]:
    """Width and height of the pictures here."""
    wide, tall = (max(1, round(side / pattern.px_per_mm * COARSE)) for side in pattern.size)
    return wide, tall


@lru_cache(maxsize=32)
def _blank(pattern: Pattern) -> _Blank:
    size = coarse_size(pattern)
    grey = _resized(pattern.grey, size)
    paper = _unwritten(grey)
    colour = _colour(_unwritten(_resized(pattern.rgb, size)))
    return _Blank(grey, paper, _wide(paper), colour, _resized(pattern.plain, size) > 200)


def light_of(pattern: Pattern, grey: Bytes, rgb: Bytes) -> Light:
    """From a rectified picture: grey (any size), RGB (coarse size)."""
    blank = _blank(pattern)
    small = _resized(grey, coarse_size(pattern))
    paper = _unwritten(small)
    wide = _wide(paper)
    covered, tint = _covered(blank, rgb, paper, wide)
    shade = 1 - (paper / np.maximum(blank.paper, 1)) / np.maximum(wide / np.maximum(blank.wide, 1), 1e-3)
    lit = cv2.blur(np.maximum(paper, wide * np.float32(_DEEPEST)), (3, 3))
    gain = blank.paper.astype(np.float32) / np.maximum(lit, 8)
    free = blank.plain & (covered == 0)
    if free.any():
        even = small[free] * gain[free] / np.maximum(blank.grey[free], 1)
        gain = gain / np.float32(np.clip(np.median(even), 0.8, 1.25))
    return Light(gain.astype(np.float32), np.clip(shade, 0, 1).astype(np.float32), covered, tint)


def _resized(picture: Bytes, size: tuple[int, int]) -> Bytes:
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _disc(mm: float) -> Bytes:
    side = max(3, int(mm * COARSE) | 1)
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)).astype(np.uint8, copy=False)


def _unwritten(grey: Bytes) -> Bytes:
    """The paper without print and strokes: what is dark and thin is filled from around it."""
    return cv2.morphologyEx(grey, cv2.MORPH_CLOSE, _disc(_PEN_MM)).astype(np.uint8, copy=False)


def _wide(paper: Bytes) -> Bytes:
    """The light of the wider surroundings: fills and fingers are filled too."""
    side = int(_LARGE_MM * COARSE) | 1
    closed = cv2.morphologyEx(paper, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8))
    return cv2.blur(closed, (9, 9)).astype(np.uint8, copy=False)


def _covered(blank: _Blank, rgb: Bytes, paper: Bytes, wide: Bytes) -> tuple[Bytes, tuple[float, float]]:
    """Where skin, sleeves or other things lie over the paper: of another colour or dark, and in from the edge."""
    off = _colour(_unwritten(rgb)) - blank.colour
    tint = np.median(off[blank.plain], axis=0) if blank.plain.any() else np.zeros(2)
    other = np.abs(off - tint.astype(np.float32)).max(axis=2) > _OTHER_COLOUR
    dark = paper < wide * _DARK
    mask = cv2.morphologyEx((other | dark).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    grown = cv2.dilate(_from_edge(mask.astype(np.uint8, copy=False)), _disc(2 * _GROWN_MM))
    return grown.astype(np.uint8, copy=False), (float(tint[0]), float(tint[1]))


def _colour(rgb: Bytes) -> Floats:
    """Logarithms of red and blue against green."""
    logs = np.log(np.maximum(cv2.blur(rgb, (3, 3)), 6).astype(np.float32))
    return np.stack([logs[..., 0] - logs[..., 1], logs[..., 2] - logs[..., 1]], axis=-1)


def _from_edge(mask: Bytes) -> Bytes:
    """Of the patches in a mask those that reach the sheet's edge, or are larger than any mark; 255 where they are."""
    count, named, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    labels = named.astype(np.intp)
    edge = max(1, round(_EDGE_MM * COARSE))
    inner = np.zeros_like(mask)
    inner[edge:-edge, edge:-edge] = 1
    kept = np.zeros(count, np.uint8)
    kept[np.unique(labels[inner == 0])] = 255
    kept[stats[:, cv2.CC_STAT_AREA] > _LARGE_MM2 * COARSE**2] = 255
    kept[0] = 0
    return kept[labels]
