"""What voters draw: strokes in millimetres, and ink with a pen's unevenness.

A mark is some strokes; a stroke is a smooth line with a width that follows the hand's pressure. Every mark comes from a
seed, so the same ballot shown again has the same mark to the last speck.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from aigaq.election import Box

Floats = NDArray[np.float64]
MarkKind = Literal["tick", "cross", "heart", "squiggle", "fill", "circle", "line", "plus", "dot", "star", "word"]
Ink = Literal["blue", "black", "violet", "red", "green", "pencil", "marker"]
INKS: Final[dict[Ink, tuple[int, int, int]]] = {
    "blue": (28, 44, 140),
    "black": (26, 26, 30),
    "violet": (86, 32, 120),
    "red": (176, 26, 34),
    "green": (18, 104, 56),
    "pencil": (92, 92, 96),
    "marker": (20, 22, 60),
}
_SUPER: Final = 2
_SHIFT: Final = 4


@dataclass(frozen=True, slots=True)
class Mark:
    """One mark: where its middle is on the sheet, mm from the top left corner, and how it is drawn."""

    choice: str | None
    """The box that it belongs to; None if it stands outside every box."""
    kind: MarkKind
    ink: Ink
    strength: float
    """Darkness of the ink where it is full, 0-1."""
    x: float
    y: float
    size: float
    seed: int


@dataclass(frozen=True, slots=True)
class Inked:
    """A mark's ink on a patch of the sheet: coverage 0-1, the patch's corner in pixels."""

    cover: NDArray[np.float32]
    left: int
    top: int

    def share_in(self, box: Box, px_per_mm: float) -> float:
        """The share of the ink that lies inside the box's outer edge."""
        rows = np.arange(self.cover.shape[0])[:, None] + self.top
        columns = np.arange(self.cover.shape[1])[None, :] + self.left
        x, y = columns / px_per_mm, rows / px_per_mm
        inside = (x >= box.x) & (x < box.x + box.w) & (y >= box.y) & (y < box.y + box.h)
        total = float(self.cover.sum(dtype=np.float64))
        return float((self.cover * inside).sum(dtype=np.float64)) / total if total else 0.0


def ink(mark: Mark, px_per_mm: float) -> Inked:
    """Draw a mark for a sheet of that resolution."""
    rng = np.random.default_rng(mark.seed)
    strokes = [_shaky(stroke, rng) * mark.size / 2 for stroke in _SHAPES[mark.kind](rng)]
    half = mark.size * 0.95 + 3
    left, top = int((mark.x - half) * px_per_mm), int((mark.y - half) * px_per_mm)
    side = int(2 * half * px_per_mm) + 2
    fine = np.zeros((side * _SUPER, side * _SUPER), np.uint8)
    scale = px_per_mm * _SUPER
    middle = np.array([mark.x * scale - left * _SUPER, mark.y * scale - top * _SUPER])
    wide = _WIDTHS[mark.ink] * rng.uniform(0.8, 1.25) * (0.75 if mark.strength < 0.5 else 1)
    for stroke in strokes:
        _stroke(fine, stroke * scale + middle, wide * scale, rng)
    cover = cv2.resize(fine, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    full = cover * _grain(side, mark, rng) * mark.strength
    return Inked(full.astype(np.float32), left, top)


_WIDTHS: Final[dict[Ink, float]] = {
    "blue": 0.6, "black": 0.65, "violet": 0.6, "red": 0.6, "green": 0.65, "pencil": 0.75, "marker": 2.0,
}  # fmt: skip


def _grain(side: int, mark: Mark, rng: np.random.Generator) -> NDArray[np.float32]:
    """A ball that skips, a pencil that rides on the fibres."""
    rough = 0.55 if mark.ink == "pencil" else 0.25 if mark.strength < 0.5 else 0.12
    small = cv2.GaussianBlur(rng.normal(0, 1, (side // 2 + 1, side // 2 + 1)).astype(np.float32), (0, 0), 0.8)
    grain = cv2.resize(small, (side, side))
    return np.clip(1 - rough * np.abs(grain) * 1.6, 0.1, 1).astype(np.float32)


def _shaky(stroke: Floats, rng: np.random.Generator) -> Floats:
    """A hand's smooth line through roughly these points."""
    count = max(24, 8 * len(stroke))
    at = np.linspace(0, len(stroke) - 1, count)
    line = np.stack([np.interp(at, np.arange(len(stroke)), stroke[:, n]) for n in (0, 1)], axis=1)
    bends = rng.normal(0, 0.05, (max(5, len(stroke) // 2), 2))
    wobble = np.stack([np.interp(at, np.linspace(0, len(stroke) - 1, len(bends)), bends[:, n]) for n in (0, 1)], axis=1)
    kernel = np.hanning(11)[1:-1] / np.hanning(11).sum()
    padded = np.pad(line + wobble, ((4, 4), (0, 0)), mode="edge")
    smooth = [np.convolve(padded[:, n], kernel, mode="valid").real for n in (0, 1)]
    return np.stack(smooth, axis=1).astype(np.float64)


def _stroke(image: NDArray[np.uint8], line: Floats, wide: float, rng: np.random.Generator) -> None:
    pressure = 1 + 0.3 * np.sin(np.linspace(0, rng.uniform(2, 6), len(line)) + rng.uniform(0, 6))
    fixed = (line * (1 << _SHIFT)).round().astype(np.int32)
    for start, end, press in zip(fixed[:-1], fixed[1:], pressure, strict=False):
        thick = max(1, round(wide * press))
        cv2.line(image, start.tolist(), end.tolist(), 255, thick, cv2.LINE_AA, _SHIFT)


def _tick(rng: np.random.Generator) -> list[Floats]:
    low = rng.uniform(0.5, 0.9)
    return [np.array([(-0.8, rng.uniform(-0.2, 0.3)), (-0.2, low), (rng.uniform(0.7, 1.3), rng.uniform(-1.3, -0.7))])]


def _cross(rng: np.random.Generator) -> list[Floats]:
    a, b = rng.uniform(0.6, 1, 2)
    return [np.array([(-a, -b), (a, b)]), np.array([(b, -a), (-b, a)])]


def _plus(rng: np.random.Generator) -> list[Floats]:
    a, b = rng.uniform(0.6, 1, 2)
    return [np.array([(-a, 0.1), (a, -0.1)]), np.array([(0, -b), (0.1, b)])]


def _heart(rng: np.random.Generator) -> list[Floats]:
    t = np.linspace(0.1, 2 * np.pi - 0.1 + float(rng.uniform(0, 0.4)), 30)
    x = 12 * np.sin(t) - 4 * np.sin(3 * t)
    y = -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t))
    return [np.stack([x, y], axis=1).astype(np.float64) / 17]


def _squiggle(rng: np.random.Generator) -> list[Floats]:
    x = np.linspace(-0.9, 0.9, 14)
    return [np.stack([x + rng.normal(0, 0.12, 14), rng.uniform(-0.8, 0.8, 14)], axis=1)]


def _fill(rng: np.random.Generator) -> list[Floats]:
    lines = int(rng.integers(12, 22))
    x = np.repeat(np.linspace(-0.85, 0.85, lines), 2)
    y = np.tile([-0.85, 0.85, 0.85, -0.85], lines // 2 + 1)[: 2 * lines] + rng.normal(0, 0.08, 2 * lines)
    return [np.stack([x, y], axis=1)]


def _circle(rng: np.random.Generator) -> list[Floats]:
    t = np.linspace(0, 2 * np.pi * rng.uniform(0.92, 1.25), 26) + rng.uniform(0, 6)
    return [np.stack([np.cos(t) * rng.uniform(0.6, 0.95), np.sin(t) * rng.uniform(0.6, 0.95)], axis=1)]


def _line(rng: np.random.Generator) -> list[Floats]:
    turn = rng.uniform(0, np.pi)
    end = np.array([np.cos(turn), np.sin(turn)]) * rng.uniform(0.7, 1)
    return [np.array([-end, end])]


def _dot(rng: np.random.Generator) -> list[Floats]:
    t = np.linspace(0, 4 * np.pi, 12)
    return [np.stack([np.cos(t), np.sin(t)], axis=1) * rng.uniform(0.05, 0.14)]


def _star(rng: np.random.Generator) -> list[Floats]:
    turn = -np.pi / 2 + np.arange(6) * 4 * np.pi / 5
    return [np.stack([np.cos(turn), np.sin(turn)], axis=1) * rng.uniform(0.8, 1)]


def _word(rng: np.random.Generator) -> list[Floats]:
    """Like a short word or initials: loops from left to right."""
    loops = int(rng.integers(3, 6))
    t = np.linspace(0, 2 * np.pi * loops, 14 * loops)
    x = np.linspace(-1, 1, len(t)) + 0.22 * np.cos(t)
    return [np.stack([x, np.sin(t) * np.repeat(rng.uniform(0.25, 0.75, loops), 14)], axis=1)]


_SHAPES: Final[dict[MarkKind, Callable[[np.random.Generator], list[Floats]]]] = {
    "tick": _tick,
    "cross": _cross,
    "heart": _heart,
    "squiggle": _squiggle,
    "fill": _fill,
    "circle": _circle,
    "line": _line,
    "plus": _plus,
    "dot": _dot,
    "star": _star,
    "word": _word,
}
MARK_KINDS: Final[tuple[MarkKind, ...]] = tuple(_SHAPES)


def signature(seed: int, box: Box) -> list[Mark]:
    """A commission member's signature in the endorsement area: two words that run together."""
    rng = np.random.default_rng(seed)
    x, y = box.x + box.w * 0.68, box.y + box.h * 0.5
    pen: Ink = "blue" if rng.random() < 0.8 else "black"
    return [
        Mark(
            None, "word", pen, 0.9, x + shift + rng.normal(0, 1), y + rng.normal(0, 0.8), 15, int(rng.integers(1 << 31))
        )
        for shift in (0, 11)
    ]
