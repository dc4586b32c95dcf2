"""What a style's paper looks like when nobody has marked it, at the resolutions that reading works at. No I/O."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aigaq.election import Box
from aigaq.recount.styles import LoadedStyle

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
FINE: Final = (2.5, 4.0)
"""Pixels per mm of a rectified sheet: for films, and for scans that show more."""
FLOW: Final = 1.25
_BLUR_MM: Final = 25
_TEXTURE: Final = 120
"""Variance of grey levels below which a block has nothing to hold on to."""
_BLANK_PX_PER_MM: Final = 8


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """Blocks of the blank to look for, at one resolution."""

    px_per_mm: float
    degree: int
    picture: Bytes
    """(h, w), levelled."""
    half: int
    """A block is 2 · half + 1 pixels wide and high."""
    reach: int
    """How far around its place a block is looked for, pixels."""
    places: NDArray[np.intp]
    """(n, 2) middles of blocks, x then y."""
    basis: Doubles
    """(n, terms) of the polynomial at the places."""


@dataclass(frozen=True, slots=True, eq=False)
class Knots:
    """How single blocks of the finest level become a smooth field over the sheet."""

    shape: tuple[int, int]
    """Rows and columns of knots, evenly over the sheet, the outer ones half a step inside."""
    blocks: NDArray[np.intp]
    """(knots, few) the blocks around each knot."""
    near: Doubles
    """(knots, few) how much such a block says about the knot."""
    away: Doubles
    """(knots, few, 3) 1 and how far the block is from the knot, x and y, in reaches."""


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """One style at one resolution."""

    style: LoadedStyle
    px_per_mm: float
    rgb: Bytes
    grey: Bytes
    plain: Bytes
    """(h, w) 255 where the blank is bare paper."""
    levels: tuple[Level, ...]
    """Coarse to fine."""
    knots: Knots

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, pixels."""
        return self.grey.shape[1], self.grey.shape[0]

    def pixels(self, box: Box) -> Doubles:
        """Left, top, right, bottom of a rectangle, as coordinates of this picture (a pixel's centre is whole)."""
        x, y, w, h = box
        return np.array([x, y, x + w, y + h]) * self.px_per_mm - 0.5


def pattern_of(style: LoadedStyle, px_per_mm: float) -> Pattern:
    """The pattern of a style; kept, since every ballot of a count needs it again."""
    return _made(style, px_per_mm)


@lru_cache(maxsize=32)
def _made(style: LoadedStyle, px_per_mm: float) -> Pattern:
    rgb = scaled(style.blank, px_per_mm)
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)
    levels = tuple(_level(style.blank, *row) for row in _PLAN)
    return Pattern(style, px_per_mm, rgb, grey, _plain(grey, px_per_mm), levels, _knots(levels[-1]))


def scaled(blank: Bytes, px_per_mm: float) -> Bytes:
    """The blank, smaller."""
    share = px_per_mm / _BLANK_PX_PER_MM
    size = (round(blank.shape[1] * share), round(blank.shape[0] * share))
    return cv2.resize(blank, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def levelled(grey: Bytes, px_per_mm: float) -> Bytes:
    """Print on even paper: the light of the surroundings is divided out."""
    side = int(_BLUR_MM * px_per_mm) | 1
    light = cv2.blur(grey, (side, side), borderType=cv2.BORDER_REPLICATE)
    even = cv2.divide(grey, cv2.max(light, np.full_like(light, 8)), scale=1, dtype=cv2.CV_32F)
    return np.clip(even * 320 - 192, 0, 255).astype(np.uint8)


def terms(x: Doubles, y: Doubles, degree: int) -> Doubles:
    """Monomials of a polynomial of two variables, in the last axis, lower degrees of x first."""
    return np.stack([x**i * y**j for i in range(degree + 1) for j in range(degree + 1 - i)], axis=-1)


def _plain(grey: Bytes, px_per_mm: float) -> Bytes:
    side = int(9 * px_per_mm) | 1
    paper = cv2.blur(cv2.dilate(grey, np.ones((side // 2, side // 2), np.uint8)), (side, side))
    printed = (grey < paper * 0.86).astype(np.uint8)
    grown = round(0.6 * px_per_mm) * 2 + 1
    return ((1 - cv2.dilate(printed, np.ones((grown, grown), np.uint8))) * 255).astype(np.uint8)


_PLAN: Final = (
    (0.5, 56.0, 32.0, 20.0, 2),
    (0.5, 40.0, 30.0, 10.0, 3),
    (0.83, 25.0, 24.0, 6.0, 4),
    (FLOW, 15.0, 15.0, 4.0, 4),
)
"""Pixels per mm, side of a block, distance of blocks, reach (mm), degree: first the whole sheet, then its curl."""


def _level(blank: Bytes, px_per_mm: float, side: float, every: float, reach: float, degree: int) -> Level:
    small = cv2.cvtColor(scaled(blank, px_per_mm), cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)
    picture = levelled(small, px_per_mm)
    tall, wide = picture.shape
    half = min(int(side * px_per_mm), tall - 1, wide - 1) // 2
    columns, rows = (
        np.linspace(half, length - half - 1, max(1, round((length - 2 * half) / px_per_mm / every) + 1)).astype(int)
        for length in (wide, tall)
    )
    places = np.array([(x, y) for y in rows for x in columns if _textured(picture, x, y, half)], np.intp).reshape(-1, 2)
    x, y = places[:, 0] / wide * 2 - 1, places[:, 1] / tall * 2 - 1
    return Level(px_per_mm, degree, picture, half, round(reach * px_per_mm), places, terms(x, y, degree))


def _textured(picture: Bytes, x: int, y: int, half: int) -> bool:
    return float(picture[y - half : y + half + 1, x - half : x + half + 1].var()) > _TEXTURE


_KNOT_MM: Final = 10.0
_AROUND: Final = 9
_NEAR_MM: Final = 9.0
"""How far a block's word reaches (one sigma)."""


def _knots(level: Level) -> Knots:
    tall, wide = level.picture.shape
    step = _KNOT_MM * level.px_per_mm
    rows, columns = max(2, round(tall / step)), max(2, round(wide / step))
    y, x = (np.arange(n) + 0.5 for n in (rows, columns))
    knots = np.stack(np.meshgrid(x * wide / columns, y * tall / rows), axis=-1).reshape(-1, 1, 2) - 0.5
    away = (level.places[None] - knots) / (_NEAR_MM * level.px_per_mm)
    blocks = np.argsort((away**2).sum(axis=-1), axis=1, kind="stable")[:, :_AROUND]
    away = np.take_along_axis(away, blocks[..., None], axis=1)
    near = np.exp(-(away**2).sum(axis=-1) / 2)
    return Knots((rows, columns), blocks, near, np.concatenate([np.ones((*near.shape, 1)), away], axis=-1))
