"""What a sheet shows besides its boxes: the signature, ink elsewhere, whether it is the right paper, a second sheet."""

from typing import Final

import cv2
import numpy as np

from aigaq.election import Box
from aigaq.recount.reading.sheets.light import Light
from aigaq.recount.reading.sheets.pattern import Bytes, Floats, Pattern
from aigaq.recount.reading.sheets.register import Registered
from aigaq.recount.reading.sighting import Sighting

_INK: Final = 0.16
_SIGNED_MM2: Final = 8.0
_BARE_MM2: Final = 1.5
_LEAST_SEEN: Final = 0.9
_AROUND_BOX_MM: Final = 3.0
_NEAR_PRINT_MM: Final = 0.9
_EDGE_MM: Final = 6.0


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
    """Whether the paper is the style's own."""
    return None


def sheets_seen(pattern: Pattern, views: list[tuple[Sighting, Registered]]) -> int:
    """2 where a second sheet looks out behind the first."""
    return 1


def _wider(box: Box, mm: float) -> Box:
    return Box(box.x - mm, box.y - mm, box.w + 2 * mm, box.h + 2 * mm)


def _slices(pattern: Pattern, box: Box) -> tuple[slice, slice]:
    left, top, right, bottom = (max(0, round(v)) for v in pattern.pixels(box).tolist())
    return slice(top, bottom + 1), slice(left, right + 1)
