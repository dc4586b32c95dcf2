"""What a sheet shows besides its boxes: the signature, ink elsewhere, whether it is the right paper."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aigaq.election import Box
from aigaq.recount.reading.sheets.light import Light
from aigaq.recount.reading.sheets.pattern import Bytes, Floats, Pattern

_INK: Final = 0.16
_SIGNED_MM2: Final = 8.0
_BARE_MM2: Final = 1.5
_LEAST_SEEN: Final = 0.9
_AROUND_BOX_MM: Final = 3.0
_NEAR_PRINT_MM: Final = 0.9
_EDGE_MM: Final = 10.0
_OTHER_PAPER: Final = 0.075
"""Natural logarithm of a ratio of colour channels; papers of one colour differ by 0.03, other colours by 0.1."""
_FROM_PRINT_MM: Final = 2.8
_FINE_LIMIT: Final = 12
_LEAST_BACKGROUND: Final = 0.5
_BARE: Final = 0.1
_PRINTED: Final = 0.13
_SURELY_PRINTED: Final = 0.2
"""Shares of the background's contrast: plain copies show up to 0.08, the paper itself from 0.2."""


def darkness(pattern: Pattern, fused: Bytes) -> Floats:
    """How much darker than the blank, 0 to 1, with a little play for print that is not quite in its place."""
    play = np.ones((3, 3), np.uint8)
    lowest = cv2.erode(pattern.grey, play)
    return np.clip(1 - fused / np.maximum(lowest, 8).astype(np.float32), 0, 1).astype(np.float32)


def endorsed(pattern: Pattern, fused: Bytes, seen: Bytes) -> bool | None:
    """Whether there is ink where a member of the commission signs; None where that cannot be told or is not asked."""
    style = pattern.style.style
    if style.endorsements == 0:
        return None
    rows, columns = _slices(pattern, style.endorsement_area)
    ink = (darkness(pattern, fused)[rows, columns] > _INK) & (seen[rows, columns] > 0)
    area = float(ink.sum()) / pattern.px_per_mm**2
    if area >= _SIGNED_MM2:
        return True
    return False if area < _BARE_MM2 and (seen[rows, columns] > 0).mean() > _LEAST_SEEN else None


def outside(pattern: Pattern, fused: Bytes, seen: Bytes) -> float:
    """The area of the largest ink that is in no box and not the signature, mm²."""
    ink = (darkness(pattern, fused) > _INK) & (seen > 0)
    style = pattern.style.style
    for box in (choice.box for choice in style.choices):
        ink[_slices(pattern, _wider(box, max(_AROUND_BOX_MM, box.w * 0.35)))] = False
    ink[_slices(pattern, _wider(style.endorsement_area, 3.0))] = False
    edge = round(_EDGE_MM * pattern.px_per_mm)
    ink[:edge] = ink[-edge:] = ink[:, :edge] = ink[:, -edge:] = False
    near = cv2.dilate((seen == 0).astype(np.uint8), np.ones((edge, edge), np.uint8))
    mask = (ink & (near == 0)).astype(np.uint8)
    joined = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(joined.astype(np.uint8, copy=False), connectivity=8)
    return float(stats[1:, cv2.CC_STAT_AREA].max()) / pattern.px_per_mm**2 if count > 1 else 0.0


def form(pattern: Pattern, fused: Bytes, seen: Bytes, lights: list[Light]) -> bool | None:
    """Whether the paper is the style's own: its colour, and the fine print of its background in its place.

    None where that cannot be told: a picture too coarse for the background, or light of another colour.
    """
    background = _background(pattern)
    tint = np.abs(np.median(np.array([light.tint for light in lights]), axis=0)).max()
    alike = float(tint) < _OTHER_PAPER
    if background.strength < _LEAST_BACKGROUND:
        return True if alike else None
    share = _background_seen(background, fused, seen, pattern.px_per_mm)
    if share > _SURELY_PRINTED or (share > _PRINTED and alike):
        return True
    return False if share < _BARE or (share < _PRINTED and not alike) else None


@dataclass(frozen=True, slots=True, eq=False)
class _Background:
    """The fine print of a blank where nothing else is printed."""

    fine: Floats
    far: NDArray[np.bool_]
    strength: float
    """Standard deviation, grey levels."""


@lru_cache(maxsize=32)
def _background(pattern: Pattern) -> _Background:
    away = round(_FROM_PRINT_MM * pattern.px_per_mm) * 2 + 1
    far = cv2.erode(pattern.plain, np.ones((away, away), np.uint8)) > 0
    fine = _fine(pattern.grey, pattern.px_per_mm)
    return _Background(fine, far, float(fine[far].std()) if far.any() else 0.0)


def _fine(grey: Bytes, px_per_mm: float) -> Floats:
    small, large = (cv2.GaussianBlur(grey, (0, 0), mm * px_per_mm).astype(np.float32) for mm in (0.6, 1.6))
    return np.clip(small - large, -_FINE_LIMIT, _FINE_LIMIT).astype(np.float32)


def _background_seen(background: _Background, fused: Bytes, seen: Bytes, px_per_mm: float) -> float:
    """How much of the background's contrast is found again in its place, 0 to 1."""
    here = background.far & (seen > 0)
    if not here.any():
        return 0.0
    found, wanted = _fine(fused, px_per_mm)[here], background.fine[here]
    found, wanted = found - found.mean(), wanted - wanted.mean()
    return float((found * wanted).sum() / max(float((wanted**2).sum()), 1e-6))


def _wider(box: Box, mm: float) -> Box:
    return Box(box.x - mm, box.y - mm, box.w + 2 * mm, box.h + 2 * mm)


def _slices(pattern: Pattern, box: Box) -> tuple[slice, slice]:
    left, top, right, bottom = (max(0, round(v)) for v in pattern.pixels(box).tolist())
    return slice(top, bottom + 1), slice(left, right + 1)
