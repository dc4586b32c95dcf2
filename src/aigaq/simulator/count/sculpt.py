"""Round things: bodies of tapered limbs, lit and shaded, as sprites. It knows nothing of what they are.

A limb is a capsule whose radius goes from one end to the other; its height out of the picture is that of a round body.
Limbs of one body are merged by height, so fingers lie over palms as they should.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Colour = tuple[int, int, int]
LIGHT: Final = np.array([-0.35, -0.62, 0.70], np.float32)
"""Towards the light, in the picture: left, up, out of it."""


@dataclass(frozen=True, slots=True)
class Limb:
    """A tapered capsule in mm: its ends `(x, y, radius)`, how far it stands out, its colour."""

    start: tuple[float, float, float]
    end: tuple[float, float, float]
    colour: Colour
    out: float = 0.0
    flat: float = 1.0
    """Height of its roundness as a share of a ball's."""
    cloth: float = 0.0
    """Depth of the folds on it."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A soft ellipse of another tone on the body: nails, lips, creases. `share` of the colour is mixed in."""

    x: float
    y: float
    rx: float
    ry: float
    turn: float
    colour: Colour
    share: float


@dataclass(frozen=True, slots=True)
class Sprite:
    """Premultiplied RGBA; `origin` is the pixel of the body's (0, 0)."""

    rgba: Bytes
    origin: tuple[float, float]
    px_per_mm: float

    def mirrored(self) -> "Sprite":
        """Left and right exchanged about the origin."""
        flipped = np.ascontiguousarray(self.rgba[:, ::-1])
        return Sprite(flipped, (flipped.shape[1] - 1 - self.origin[0], self.origin[1]), self.px_per_mm)


def sculpt(
    limbs: Sequence[Limb],
    px_per_mm: float,
    *,
    spots: Sequence[Spot] = (),
    seed: int = 0,
    rough: float = 0.016,
) -> Sprite:
    """Build a body. `rough` is the unevenness of its colour."""
    xs = [v for limb in limbs for p in (limb.start, limb.end) for v in (p[0] - p[2], p[0] + p[2])]
    ys = [v for limb in limbs for p in (limb.start, limb.end) for v in (p[1] - p[2], p[1] + p[2])]
    left, top = min(xs) - 2, min(ys) - 2
    wide, tall = int((max(xs) + 2 - left) * px_per_mm) + 1, int((max(ys) + 2 - top) * px_per_mm) + 1
    x = (np.arange(wide, dtype=np.float32) / px_per_mm + left)[None, :]
    y = (np.arange(tall, dtype=np.float32) / px_per_mm + top)[:, None]
    height = np.full((tall, wide), -1e3, np.float32)
    alpha = np.zeros((tall, wide), np.float32)
    colour = np.zeros((tall, wide, 3), np.float32)
    cloth = np.zeros((tall, wide), np.float32)
    for limb in limbs:
        rise, cover = _capsule(x, y, limb, px_per_mm)
        over = (rise > height) & (cover > 0)
        height = np.where(over, rise, height)
        colour[over] = limb.colour
        cloth[over] = limb.cloth
        alpha = np.maximum(alpha, cover)
    rng = np.random.default_rng(seed)
    for spot in spots:
        share = _ellipse(x, y, spot) * np.float32(spot.share)
        colour = colour * (1 - share[..., None]) + np.array(spot.colour, np.float32) * share[..., None]
    shade = _shade(height, alpha, px_per_mm, _folds(rng, (tall, wide), px_per_mm) * cloth)
    grain = cv2.GaussianBlur(rng.normal(0, 1, (tall, wide)).astype(np.float32), (0, 0), 1.0 * px_per_mm)
    grain = 1 + rough * grain / max(1e-6, float(grain.std()))
    lit = np.clip(colour * (shade * grain)[..., None], 0, 255) * alpha[..., None]
    rgba = np.dstack([lit, alpha * 255]).round().astype(np.uint8)
    return Sprite(rgba, (-left * px_per_mm, -top * px_per_mm), px_per_mm)


def _capsule(x: Floats, y: Floats, limb: Limb, px_per_mm: float) -> tuple[Floats, Floats]:
    """Height, and coverage with a soft edge."""
    (x0, y0, r0), (x1, y1, r1) = limb.start, limb.end
    dx, dy = x1 - x0, y1 - y0
    t = np.clip(((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy or 1), 0, 1)
    away = np.hypot(x - x0 - t * dx, y - y0 - t * dy)
    radius = r0 + t * (r1 - r0)
    rise = np.sqrt(np.maximum(radius**2 - away**2, 0)) * limb.flat + limb.out
    return rise.astype(np.float32), np.clip((radius - away) * px_per_mm + 0.5, 0, 1).astype(np.float32)


def _ellipse(x: Floats, y: Floats, spot: Spot) -> Floats:
    cos, sin = np.cos(spot.turn), np.sin(spot.turn)
    u = ((x - spot.x) * cos + (y - spot.y) * sin) / spot.rx
    v = (-(x - spot.x) * sin + (y - spot.y) * cos) / spot.ry
    return np.clip((1.0 - np.hypot(u, v)) * 3, 0, 1).astype(np.float32)


def _folds(rng: np.random.Generator, shape: tuple[int, int], px_per_mm: float) -> Floats:
    coarse = rng.normal(0, 1, (max(3, int(shape[0] / px_per_mm / 22)), max(3, int(shape[1] / px_per_mm / 14))))
    return cv2.resize(coarse.astype(np.float32), shape[::-1], interpolation=cv2.INTER_CUBIC).astype(np.float32)


def _shade(height: Floats, alpha: Floats, px_per_mm: float, folds: Floats) -> Floats:
    """Lambert with a soft sky, darker where bodies meet."""
    body = np.where(alpha > 0, height, 0) + folds
    body = cv2.GaussianBlur(body.astype(np.float32), (0, 0), max(0.8, 0.7 * px_per_mm))
    down, right = np.gradient(body, 1 / px_per_mm)
    length = np.sqrt(down**2 + right**2 + 1)
    lambert = (-right * LIGHT[0] - down * LIGHT[1] + LIGHT[2]) / length
    wide = cv2.GaussianBlur(body, (0, 0), 5 * px_per_mm)
    closed = np.clip((body - wide) / 14, -0.6, 0.2) * 0.35
    return np.clip(0.5 + 0.55 * np.maximum(lambert, 0) + closed, 0.22, 1.12).astype(np.float32)
