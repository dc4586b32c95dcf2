"""The boxes of a ballot as square patches, each fitted by its own printed frame, sighting by sighting.

A patch shows its box at `SHARE` of its side, with the surroundings. All patches of a ballot are stacked in one picture,
so that a sighting's are sampled at once.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aigaq.recount.reading.sheets.light import COARSE, Light
from aigaq.recount.reading.sheets.pattern import FLOW, Bytes, Doubles, Floats, Pattern
from aigaq.recount.reading.sheets.register import Registered

SIDE: Final = 96
SHARE: Final = 0.6
_REACH: Final = 4
"""How far from its place a frame's line is looked for, pixels of the patch."""
_ROOM: Final = 7
"""The line's surroundings that are compared, to either side."""
_WIDE: Final = _ROOM + _REACH
_ALONG: Final = 21
"""Places along a half side."""
_PRINTED: Final = 0.15
"""Darkness of a line in the blank that can be fitted."""
_INKED: Final = 0.8
"""Of the line's own darkness: skin and shadows are lighter, and what is darker and reaches the edge is covered."""
_TRUSTED: Final = 0.4
_ENDS: Final = 0.12
"""Share of a side at its ends that is left out: corners belong to two lines."""


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Where the patches of a style are on its sheet."""

    x: Floats
    """(boxes · SIDE, SIDE) mm."""
    y: Floats
    blank: Bytes
    """(boxes, SIDE, SIDE) grey."""
    sides: Doubles
    """(boxes, 4) left, top, right, bottom of the box in pixels of its patch."""
    px_per_mm: Doubles
    """(boxes,)."""
    strips: NDArray[np.intp]
    """(boxes, 8, along, across) places of the half sides in the stacked patches."""
    lines: Floats
    """(boxes, 8, 2 · _ROOM + 1) what each half side's line looks like across, without its mean."""
    printed: Floats
    """(boxes, 8) how dark it is."""

    @property
    def boxes(self) -> int:
        """How many."""
        return len(self.blank)


@dataclass(frozen=True, slots=True, eq=False)
class Patches:
    """One sighting's boxes."""

    grey: Bytes
    """(boxes, SIDE, SIDE) with the paper's light made the blank's."""
    covered: Bytes
    """(boxes, SIDE, SIDE) 255 where something lies over the paper."""
    framed: Floats
    """(boxes, 8) how well each half side of the frame is found, -1 to 1; 1 where none is printed."""
    moved: Floats
    """(boxes, 8) how far it had to be moved, pixels of the patch; 0 where it is not found."""
    contrast: float
    """How dark its lines are against the blank's."""
    fits: float
    """How well the middle one of all half sides is found, whether inked or not, -1 to 1; 1 where none is printed."""


@lru_cache(maxsize=32)
def grid_of(pattern: Pattern) -> Grid:
    """The patches of a style."""
    boxes = [choice.box for choice in pattern.style.style.choices]
    x, y, sides, scale = list[Floats](), list[Floats](), list[Doubles](), list[float]()
    steps = np.arange(SIDE, dtype=np.float32)
    for box in boxes:
        px_per_mm = SIDE * SHARE / max(box.w, box.h)
        left, top = box.x + box.w / 2 - SIDE / 2 / px_per_mm, box.y + box.h / 2 - SIDE / 2 / px_per_mm
        across, down = np.meshgrid((steps + 0.5) / px_per_mm + left, (steps + 0.5) / px_per_mm + top)
        x.append(across.astype(np.float32))
        y.append(down.astype(np.float32))
        edges = np.array([box.x - left, box.y - top, box.x + box.w - left, box.y + box.h - top])
        sides.append(edges * px_per_mm - 0.5)
        scale.append(px_per_mm)
    blank = _sampled_blank(pattern, np.concatenate(x), np.concatenate(y))
    edges = np.stack(sides)
    strips = _strips(edges)
    profiles = _profiles(blank, strips)[..., _REACH:-_REACH]
    lines = profiles - profiles.mean(axis=2, keepdims=True)
    printed = profiles.max(axis=2) - profiles.min(axis=2)
    return Grid(np.concatenate(x), np.concatenate(y), blank, edges, np.array(scale), strips, lines, printed)


def sample(grid: Grid, registered: Registered, grey: Bytes, light: Light) -> Patches:
    """A sighting's patches, fitted to the frames."""
    first = _sampled(grid, registered, grey, light.gain, None)
    moved, found = _frames(grid, first)
    fitted = _sampled(grid, registered, grey, light.gain, _field(grid, moved, found))
    at = (_pixels(grid.x, COARSE), _pixels(grid.y, COARSE))
    hidden = cv2.remap(light.covered, *at, cv2.INTER_NEAREST, borderValue=255)
    framed, contrast, fits = _refound(grid, fitted)
    return Patches(
        fitted,
        hidden.reshape(fitted.shape).astype(np.uint8, copy=False),
        framed,
        np.where(found > _TRUSTED, moved, 0).astype(np.float32),
        contrast,
        fits,
    )


def _pixels(mm: Floats, px_per_mm: float) -> Floats:
    return mm * np.float32(px_per_mm) - np.float32(0.5)


def _sampled_blank(pattern: Pattern, x: Floats, y: Floats) -> Bytes:
    """At the detail of a film, not of the 8 px/mm that the blank has."""
    at = (_pixels(x, pattern.px_per_mm), _pixels(y, pattern.px_per_mm))
    drawn = cv2.remap(pattern.grey, *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return cv2.GaussianBlur(drawn, (0, 0), 0.8).reshape(-1, SIDE, SIDE).astype(np.uint8, copy=False)


def _sampled(
    grid: Grid, registered: Registered, grey: Bytes, gain: Floats, moved: tuple[Floats, Floats] | None
) -> Bytes:
    x, y = (grid.x, grid.y) if moved is None else (grid.x + moved[0], grid.y + moved[1])
    at = (_pixels(x, FLOW), _pixels(y, FLOW))
    columns, rows = (cv2.remap(m, *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for m in registered.maps)
    seen = cv2.remap(grey, columns, rows, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    at = (_pixels(x, COARSE), _pixels(y, COARSE))
    light = cv2.remap(gain, *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    even = cv2.multiply(seen, light, dtype=cv2.CV_8U)
    return even.reshape(-1, SIDE, SIDE).astype(np.uint8, copy=False)


def _strips(sides: Doubles) -> NDArray[np.intp]:
    """Places in the stacked patches (boxes, 8, places along a half side, 2 · _WIDE + 1 across it).

    Left and right by halves of height, top and bottom by halves of width.
    """
    across = np.arange(-_WIDE, _WIDE + 1)
    out = np.zeros((len(sides), 8, _ALONG, len(across)), np.intp)
    for n, (left, top, right, bottom) in enumerate(sides.tolist()):
        for k, (at, start, end) in enumerate(
            ((left, top, bottom), (right, top, bottom), (top, left, right), (bottom, left, right))
        ):
            ends = (end - start) * _ENDS
            along = np.linspace(start + ends, end - ends, 2 * _ALONG).round().astype(np.intp).reshape(2, _ALONG, 1)
            line = (round(at) + across).clip(0, SIDE - 1)
            place = along * SIDE + line if k < 2 else line * SIDE + along
            out[n, 2 * k : 2 * k + 2] = n * SIDE * SIDE + place
    return out


def _profiles(patches: Bytes, strips: NDArray[np.intp]) -> Floats:
    """Darkness across each half side (boxes, 8, 2 · _WIDE + 1).

    The middle over the half's length: a stroke that crosses it does not count.
    """
    paper = np.percentile(patches[:, ::4, ::4], 90, axis=(1, 2))[:, None, None]
    middle = np.sort(patches.reshape(-1)[strips], axis=2)[:, :, _ALONG // 2]
    return (1 - middle / np.maximum(paper, 1)).astype(np.float32)


def _match(grid: Grid, profiles: Floats, reach: int) -> Floats:
    """How well each half side's line is found at each place within reach (boxes, 8, 2 · reach + 1), -1 to 1."""
    inner = profiles[..., _REACH - reach : profiles.shape[-1] - _REACH + reach]
    windows = np.lib.stride_tricks.sliding_window_view(inner, 2 * _ROOM + 1, axis=2)
    seen = windows - windows.mean(axis=3, keepdims=True)
    together = np.einsum("bspw,bsw->bsp", seen, grid.lines)
    size = np.sqrt(np.einsum("bspw,bspw->bsp", seen, seen)) * np.linalg.norm(grid.lines, axis=2)[..., None]
    return (together / np.maximum(size, 0.02)).astype(np.float32)


def _frames(grid: Grid, patches: Bytes) -> tuple[Floats, Floats]:
    """How far each half side's line is from its place (boxes, 8) in pixels of the patch, and how well it is found."""
    score = _match(grid, _profiles(patches, grid.strips), _REACH)
    best = score.argmax(axis=2)
    found = score.max(axis=2)
    inner = np.clip(best, 1, 2 * _REACH - 1)[..., None]
    before, at, after = (np.take_along_axis(score, inner + d, axis=2)[..., 0] for d in (-1, 0, 1))
    curve = before + after - 2 * at
    peak = np.where((curve < -1e-6) & (best == inner[..., 0]), (before - after) / (2 * np.minimum(curve, -1e-6)), 0)
    moves = best - _REACH + peak
    return moves.astype(np.float32), np.where(grid.printed > _PRINTED, found, 0).astype(np.float32)


def _refound(grid: Grid, patches: Bytes) -> tuple[Floats, float, float]:
    """How well the frame sits in a fitted patch (boxes, 8), how dark its lines are, how well the middle one fits.

    Ink that lies over a whole side hides its line and shows its place.
    """
    profiles = _profiles(patches, grid.strips)
    printed = grid.printed > _PRINTED
    inner = profiles[..., _REACH:-_REACH]
    depth = (inner.max(axis=2) - inner.min(axis=2)) / np.maximum(grid.printed, 1e-3)
    contrast = float(np.median(depth[printed])) if printed.any() else 1.0
    line = profiles[..., _WIDE - 1 : _WIDE + 2].max(axis=2)
    inked = line > grid.printed * _INKED * min(contrast, 1.0)
    score = _match(grid, profiles, 1).max(axis=2)
    fits = float(np.median(score[printed])) if printed.any() else 1.0
    return np.where(printed & ~inked, score, 1).astype(np.float32), contrast, fits


_PLACES: Final = (
    np.array([(-1, -0.5), (-1, 0.5), (1, -0.5), (1, 0.5)]),
    np.array([(-0.5, -1), (0.5, -1), (-0.5, 1), (0.5, 1)]),
)
"""Where the half sides that tell of x, and of y, are in the box: -1 to 1."""
_FIRM: Final = np.diag((1e-3, 0.05, 0.05))


def _field(grid: Grid, moves: Floats, framed: Floats) -> tuple[Floats, Floats]:
    """The moves of the half sides as a smooth field (mm) over all patches, each axis a plane."""
    trust = np.clip(framed - _TRUSTED, 0, None).astype(np.float64)
    steps = (np.arange(SIDE) - (SIDE - 1) / 2) / (SIDE * SHARE / 2)
    spread = np.stack(np.broadcast_arrays(1.0, steps[None, :], steps[:, None]), axis=-1)
    out = list[Floats]()
    for axis in (0, 1):
        part = slice(4 * axis, 4 * axis + 4)
        basis = np.concatenate([np.ones((4, 1)), _PLACES[axis]], axis=1)
        weighted = basis.T[None] * trust[:, None, part]
        plane = np.linalg.solve(weighted @ basis + _FIRM, weighted @ moves[:, part, None])[..., 0]
        field = (spread @ plane.T).transpose(2, 0, 1) / grid.px_per_mm[:, None, None]
        out.append(field.reshape(-1, SIDE).astype(np.float32))
    return out[0], out[1]
