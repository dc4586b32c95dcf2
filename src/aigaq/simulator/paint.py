"""A small painter: shapes with smooth edges on RGBA sheets, and their quick composition in YUV 4:2:0 video frames.

Every shape is a signed distance in pixels, negative inside; its coverage is how far a pixel's centre lies within the
edge. Colours are `0xRRGGBB`. It knows nothing of what is painted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.floating[Any]]
Distance = Callable[[Field, Field], Field]
Point = tuple[float, float]
Bytes2D = NDArray[np.uint8]
# BT.709, limited range (ITU-R BT.709 §3): rows Y, U, V of 8-bit RGB
_YUV: Final = np.array(
    [[0.18259, 0.61423, 0.06201], [-0.10064, -0.33857, 0.43922], [0.43922, -0.39894, -0.04027]], np.float32
)
_OFFSET: Final = np.array([16, 128, 128], np.float32)


def rgb(colour: int) -> Field:
    """A colour as three floats of 0–255."""
    return np.array([colour >> 16, colour >> 8 & 255, colour & 255], np.float32)


def mix(a: int, b: int, share: float) -> int:
    """A colour between two, `share` of the way to `b`."""
    red, green, blue = np.rint(rgb(a) * (1 - share) + rgb(b) * share).astype(int).tolist()
    return red << 16 | green << 8 | blue


class Sheet:
    """A transparent RGBA sheet; painting clips at its edges."""

    def __init__(self, width: int, height: int, colour: int | None = None) -> None:
        self.width, self.height = width, height
        self._colour = np.zeros((height, width, 3), np.float32)
        self._alpha = np.zeros((height, width), np.float32)
        if colour is not None:
            self._colour[:] = rgb(colour)
            self._alpha[:] = 1

    def box(self, x: float, y: float, w: float, h: float, colour: int, *, r: float = 0, alpha: float = 1) -> None:
        """A rectangle with rounded corners."""
        cx, cy, hw, hh = x + w / 2, y + h / 2, w / 2 - r, h / 2 - r

        def distance(px: Field, py: Field) -> Field:
            dx, dy = np.abs(px - cx) - hw, np.abs(py - cy) - hh
            outside = np.hypot(np.maximum(dx, 0), np.maximum(dy, 0))
            return outside + np.minimum(np.maximum(dx, dy), 0) - r

        self._paint((x, y, x + w, y + h), distance, colour, alpha)

    def disc(self, x: float, y: float, rx: float, ry: float, colour: int, *, alpha: float = 1) -> None:
        """An ellipse around its centre."""

        def distance(px: Field, py: Field) -> Field:
            return (np.hypot((px - x) / rx, (py - y) / ry) - 1) * min(rx, ry)

        self._paint((x - rx, y - ry, x + rx, y + ry), distance, colour, alpha)

    def limb(self, points: Sequence[Point], r: float, colour: int, *, alpha: float = 1) -> None:
        """A line of round ends and joints, `2r` thick."""

        def distance(px: Field, py: Field) -> Field:
            pairs = pairwise(points)
            return np.minimum.reduce([_to_segment(px, py, a, b) for a, b in pairs]) - np.float32(r)

        xs, ys = [p[0] for p in points], [p[1] for p in points]
        self._paint((min(xs) - r, min(ys) - r, max(xs) + r, max(ys) + r), distance, colour, alpha)

    def shape(self, points: Sequence[Point], colour: int, *, r: float = 0, alpha: float = 1) -> None:
        """A convex polygon, clockwise on the screen, grown by `r` with round corners."""

        def distance(px: Field, py: Field) -> Field:
            pairs = list(zip(points, [*points[1:], points[0]], strict=True))
            inside = np.maximum.reduce([_beside(px, py, a, b) for a, b in pairs])
            edge = np.minimum.reduce([_to_segment(px, py, a, b) for a, b in pairs])
            return np.where(inside < 0, -edge, edge) - np.float32(r)

        xs, ys = [p[0] for p in points], [p[1] for p in points]
        self._paint((min(xs) - r, min(ys) - r, max(xs) + r, max(ys) + r), distance, colour, alpha)

    def shade(self, x: int, y: int, w: int, h: int, *, top: int, bottom: int) -> None:
        """A rectangle whose colour goes from `top` to `bottom`."""
        x0, y0, x1, y1 = max(0, x), max(0, y), min(self.width, x + w), min(self.height, y + h)
        steps = ((np.arange(y0, y1, dtype=np.float32) - y) / h)[:, None, None]
        self._colour[y0:y1, x0:x1] = rgb(top) * (1 - steps) + rgb(bottom) * steps
        self._alpha[y0:y1, x0:x1] = 1

    def sprite(self) -> "Sprite":
        """The sheet, ready to be put into frames. Its size must be even."""
        premultiplied = self._colour * self._alpha[..., None]
        planes = premultiplied @ _YUV.T + _OFFSET * self._alpha[..., None]
        chroma, coarse = _quartered(planes), _quartered(self._alpha)
        return Sprite(
            (_bytes(planes[..., 0]), _bytes(chroma[..., 1]), _bytes(chroma[..., 2])),
            (_veil(self._alpha), _veil(coarse), _veil(coarse)),
        )

    def _paint(self, bounds: tuple[float, float, float, float], distance: Distance, colour: int, alpha: float) -> None:
        x0, y0 = max(0, int(bounds[0]) - 1), max(0, int(bounds[1]) - 1)
        x1, y1 = min(self.width, int(bounds[2]) + 2), min(self.height, int(bounds[3]) + 2)
        if x0 >= x1 or y0 >= y1:
            return
        px = np.arange(x0, x1, dtype=np.float32)[None, :] + np.float32(0.5)
        py = np.arange(y0, y1, dtype=np.float32)[:, None] + np.float32(0.5)
        over = np.clip(0.5 - distance(px, py), 0, 1) * alpha
        under = self._alpha[y0:y1, x0:x1]
        total = over + under * (1 - over)
        share = np.divide(over, total, out=np.zeros_like(over), where=total > 0)[..., None]
        patch = self._colour[y0:y1, x0:x1]
        patch += (rgb(colour) - patch) * share
        self._alpha[y0:y1, x0:x1] = total


def _to_segment(px: Field, py: Field, a: Point, b: Point) -> Field:
    dx, dy = b[0] - a[0], b[1] - a[1]
    along = np.clip(((px - a[0]) * dx + (py - a[1]) * dy) / (dx * dx + dy * dy or 1), 0, 1)
    return np.hypot(px - a[0] - along * dx, py - a[1] - along * dy)


def _beside(px: Field, py: Field, a: Point, b: Point) -> Field:
    dx, dy = b[0] - a[0], b[1] - a[1]
    return ((px - a[0]) * dy - (py - a[1]) * dx) / np.float32(np.hypot(dx, dy))


def _quartered(plane: Field) -> Field:
    """Means of two by two pixels."""
    return (plane[0::2, 0::2] + plane[1::2, 0::2] + plane[0::2, 1::2] + plane[1::2, 1::2]) / np.float32(4)


def _bytes(plane: Field) -> NDArray[np.uint16]:
    return np.rint(np.clip(plane, 0, 255)).astype(np.uint16)


def _veil(alpha: Field) -> NDArray[np.uint16]:
    """How much of what is below shows through, 0–256."""
    return np.rint((1 - alpha) * 256).astype(np.uint16)


@dataclass(frozen=True, slots=True, eq=False)
class Sprite:
    """Premultiplied Y, U, V planes, and for each plane what shows through."""

    planes: tuple[NDArray[np.uint16], NDArray[np.uint16], NDArray[np.uint16]]
    veils: tuple[NDArray[np.uint16], NDArray[np.uint16], NDArray[np.uint16]]

    def flipped(self) -> "Sprite":
        """Mirrored left to right."""
        y, u, v = (np.ascontiguousarray(p[:, ::-1]) for p in self.planes)
        a, b, c = (np.ascontiguousarray(p[:, ::-1]) for p in self.veils)
        return Sprite((y, u, v), (a, b, c))

    @property
    def width(self) -> int:
        """Pixels."""
        return self.planes[0].shape[1]

    @property
    def height(self) -> int:
        """Pixels."""
        return self.planes[0].shape[0]


@dataclass(frozen=True, slots=True)
class Placed:
    """A sprite at a place of the frame: its upper left corner; rows below `cut` are not drawn, columns only between."""

    sprite: Sprite
    x: float
    y: float
    left: int = 0
    right: int = 1 << 16


class Canvas:
    """A frame in YUV 4:2:0."""

    def __init__(self, background: Sprite) -> None:
        self._background = [p.astype(np.uint8) for p in background.planes]
        self.planes: list[Bytes2D] = [p.copy() for p in self._background]

    def clear(self) -> None:
        """Back to the background."""
        for plane, original in zip(self.planes, self._background, strict=True):
            plane[:] = original

    def put(self, placed: Placed) -> None:
        """Lay a sprite over the frame; places are rounded to even pixels, for the chroma planes' sake."""
        x, y = round(placed.x / 2) * 2, round(placed.y / 2) * 2
        for n, plane in enumerate(self.planes):
            half = 1 if n == 0 else 2
            _lay(
                plane,
                placed.sprite.planes[n],
                placed.sprite.veils[n],
                (x // half, y // half, placed.left // half, placed.right // half),
            )


def _lay(plane: Bytes2D, over: NDArray[np.uint16], veil: NDArray[np.uint16], place: tuple[int, int, int, int]) -> None:
    x, y, left, right = place
    height, width = plane.shape
    x0, x1 = max(0, x, left), min(width, x + over.shape[1], right)
    y0, y1 = max(0, y), min(height, y + over.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    inner = np.s_[y0 - y : y1 - y, x0 - x : x1 - x]
    below = plane[y0:y1, x0:x1]
    below[:] = over[inner] + (below * veil[inner] + np.uint16(128) >> 8)


def halved(plane: Bytes2D) -> Bytes2D:
    """The plane at half the size, each pixel the mean of four."""
    wide = plane.astype(np.uint16)
    sums = wide[0::2, 0::2] + wide[1::2, 0::2] + wide[0::2, 1::2] + wide[1::2, 1::2]
    return (sums + 2 >> 2).astype(np.uint8)
