"""From a picture of a blank to the sheet itself: straight, upright where that can be told, 8 px/mm, evenly lit."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aigaq.base import N_
from aigaq.recount.errors import BlankSizeError, SheetsError
from aigaq.recount.styles.opening import Picture
from aigaq.recount.styles.outline import Outline, find_outlines

Sheet8 = NDArray[np.uint8]
PX_PER_MM: Final = 8
SKEW: Final = 10.0
"""Degrees that a sheet may lie askew on a scanner."""
SCAN_RATIO: Final = 1.05
PHOTO_RATIO: Final = 1.35
"""How far the shape of what is seen may be from that of the paper."""
_WHOLE: Final = 0.97
_PANEL: Final = 0.6
_SAME_SHAPE: Final = 0.02
_PAPER_LIGHT: Final = 240.0
"""The brightest channel of paper on a scan."""


@dataclass(frozen=True, slots=True, eq=False)
class Straight:
    """A sheet made straight."""

    sheet: Sheet8
    """RGB, 8 px/mm."""
    size_mm: tuple[float, float]
    turned: int
    """Degrees clockwise that the picture was turned."""


def straighten(picture: Picture, *, where: str, size_mm: tuple[float, float] | None, turn: int) -> Straight:
    """The sheet of a picture.

    Args:
        picture: As it came.
        where: Its name, for errors.
        size_mm: Of the paper; may be None where the file tells.
        turn: Degrees clockwise to turn the picture by, a multiple of 90, before a lying sheet is set upright.

    Raises:
        SheetsError: several sheets.
        BlankSizeError: the size is not known, or is not that of what is seen.
    """
    rgb = np.ascontiguousarray(np.rot90(picture.rgb, -turn // 90))
    if size_mm is None and picture.size_mm is not None:
        wide, high = picture.size_mm
        told = (wide, high) if turn % 180 == 0 else (high, wide)
        return Straight(_resized(rgb, told), told, turn)
    if size_mm is None:
        raise BlankSizeError(where, problem=N_("the file does not tell it"))
    outlines = find_outlines(rgb)
    if len(outlines) == 1 and _is_panel(outlines[0], rgb, size_mm):
        outlines = []
    sheets = [o for o in outlines if o.area > 0.4 * outlines[0].area]
    if len(sheets) > 1:
        raise SheetsError(where, sheets=len(sheets))
    if not outlines or outlines[0].area > _WHOLE:
        return _from_scan(rgb, size_mm, where, turn)
    return _from_photo(rgb, outlines[0], size_mm, where, turn)


def _is_panel(outline: Outline, rgb: Sheet8, size_mm: tuple[float, float]) -> bool:
    """Whether it is a coloured part of a sheet that fills the picture: then the picture has the shape of the paper."""
    seen, paper = max(rgb.shape[:2]) / min(rgb.shape[:2]), max(size_mm) / min(size_mm)
    return outline.area < _PANEL and abs(seen / paper - 1) < _SAME_SHAPE


def _from_scan(rgb: Sheet8, size_mm: tuple[float, float], where: str, turn: int) -> Straight:
    """A picture that is the sheet: deskewed by what is printed."""
    high, wide = rgb.shape[:2]
    quarter = _lies((wide, high), size_mm)
    upright = np.ascontiguousarray(np.rot90(rgb, -1)) if quarter else rgb
    _check_shape((upright.shape[1], upright.shape[0]), size_mm, SCAN_RATIO, where)
    return Straight(deskewed(_resized(upright, size_mm)), size_mm, (turn + 90 * quarter) % 360)


def _from_photo(rgb: Sheet8, outline: Outline, size_mm: tuple[float, float], where: str, turn: int) -> Straight:
    """A sheet that lies on something: its corners go to the corners."""
    corners = outline.corners
    wide = float(np.linalg.norm(corners[1] - corners[0]) + np.linalg.norm(corners[2] - corners[3])) / 2
    high = float(np.linalg.norm(corners[3] - corners[0]) + np.linalg.norm(corners[2] - corners[1])) / 2
    quarter = _lies((wide, high), size_mm)
    _check_shape((high, wide) if quarter else (wide, high), size_mm, PHOTO_RATIO, where)
    if quarter:  # clockwise: the bottom left corner becomes the top left one
        corners = np.roll(corners, 1, axis=0)
    right, bottom = (round(side * PX_PER_MM) for side in size_mm)
    goal = np.array([[0, 0], [right, 0], [right, bottom], [0, bottom]], np.float32) - 0.5
    warp = cv2.getPerspectiveTransform(corners.astype(np.float32), goal)
    flat = cv2.warpPerspective(rgb, warp, (right, bottom), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return Straight(_evenly_lit(flat), size_mm, (turn + 90 * quarter) % 360)


def _lies(seen: tuple[float, float], size_mm: tuple[float, float]) -> bool:
    """Whether the long side lies where the short one should."""
    return (seen[0] > seen[1]) != (size_mm[0] > size_mm[1]) and size_mm[0] != size_mm[1]


def _check_shape(seen: tuple[float, float], size_mm: tuple[float, float], limit: float, where: str) -> None:
    off = (seen[0] / seen[1]) / (size_mm[0] / size_mm[1])
    if max(off, 1 / off) > limit:
        raise BlankSizeError(where, problem=N_("what is seen has another shape"))


def _resized(rgb: Sheet8, size_mm: tuple[float, float]) -> Sheet8:
    size = round(size_mm[0] * PX_PER_MM), round(size_mm[1] * PX_PER_MM)
    way = cv2.INTER_AREA if size[0] < rgb.shape[1] else cv2.INTER_CUBIC
    return cv2.resize(rgb, size, interpolation=way).astype(np.uint8, copy=False)


def deskewed(sheet: Sheet8) -> Sheet8:
    """The sheet turned so that lines of print run level."""
    angle = _skew(sheet)
    if abs(angle) < 0.02:
        return sheet
    high, wide = sheet.shape[:2]
    turn = cv2.getRotationMatrix2D(((wide - 1) / 2, (high - 1) / 2), angle, 1)
    turned = cv2.warpAffine(sheet, turn, (wide, high), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return turned.astype(np.uint8, copy=False)


def _skew(sheet: Sheet8) -> float:
    """Degrees, counter-clockwise, by which to turn: where rows of print are sharpest."""
    grey = cv2.cvtColor(sheet, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    ink = cv2.subtract(cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((25, 25), np.uint8)), small)
    fine = np.where(ink > 40, ink, 0).astype(np.float32)
    coarse = cv2.resize(fine, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
    best = 0.0
    for print_, step, reach in ((coarse, 0.5, SKEW), (coarse, 0.1, 0.5), (fine, 0.02, 0.1)):
        angles = best + np.arange(-reach, reach + step / 2, step)
        best = float(angles[int(np.argmax([_sharpness(print_, float(a)) for a in angles]))])
    return best


def _sharpness(ink: cv2.typing.MatLike, angle: float) -> float:
    high, wide = ink.shape[:2]
    turn = cv2.getRotationMatrix2D((wide / 2, high / 2), angle, 1)
    turned = cv2.warpAffine(ink, turn, (wide, high), flags=cv2.INTER_LINEAR)
    rows, columns = turned.sum(axis=1, dtype=np.float64), turned.sum(axis=0, dtype=np.float64)
    return float((np.diff(rows) ** 2).sum() + (np.diff(columns) ** 2).sum())


def _evenly_lit(sheet: cv2.typing.MatLike) -> Sheet8:
    """The light of the room taken out: paper as bright everywhere as on a scan, its hue kept."""
    small = cv2.resize(sheet, None, fx=1 / PX_PER_MM, fy=1 / PX_PER_MM, interpolation=cv2.INTER_AREA)
    paper = cv2.morphologyEx(cv2.medianBlur(small, 3), cv2.MORPH_CLOSE, np.ones((25, 25), np.uint8))
    light = cv2.GaussianBlur(paper.astype(np.float32), (0, 0), 12) + 1
    usual = np.median(light.reshape(-1, 3), axis=0)
    bright = float(np.clip(_PAPER_LIGHT / usual.max(), 1, 2))
    gain = (bright * np.clip(usual / light, 0.5, 2.0)).astype(np.float32)
    high, wide = sheet.shape[:2]
    even = sheet.astype(np.float32) * cv2.resize(gain, (wide, high), interpolation=cv2.INTER_LINEAR)
    return np.clip(even, 0, 255).astype(np.uint8)
