"""Paper as a security printer delivers it: a tint, fibres, fine waves over the whole sheet, rosettes."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Sheet8 = NDArray[np.uint8]
Colour = tuple[int, int, int]
_SHIFT: Final = 4
"""Fraction bits of OpenCV's drawing coordinates."""
_COARSE: Final = 4
_LINE_MM: Final = 0.13
_PITCHES: Final = (3.1, 4.3)
_INKS: Final = ((0.86, 0.9, 0.93), (0.94, 0.89, 0.86))


def printed_paper(size_mm: tuple[float, float], tint: Colour, px_per_mm: int, *, seed: int) -> Sheet8:
    """A sheet with its background printed, RGB."""
    rng = np.random.default_rng(seed)
    size = (round(size_mm[0] * px_per_mm), round(size_mm[1] * px_per_mm))
    coarse = rng.standard_normal((size[1] // 3, size[0] // 3), np.float32)
    fibres = cv2.resize(cv2.GaussianBlur(coarse, (0, 0), 0.8), size, interpolation=cv2.INTER_LINEAR) * 2.2
    paper = np.empty((size[1], size[0], 3), np.uint8)
    lines = [_lines(size, px_per_mm, layer, rng.uniform(0, 2 * np.pi, 2)) for layer in range(len(_PITCHES))]
    for channel, level in enumerate(tint):
        plane = level + fibres
        for cover, inks in zip(lines, _INKS, strict=True):
            plane = plane * (1 - cover * (1 - inks[channel]))
        paper[..., channel] = np.clip(plane, 0, 255).astype(np.uint8)
    return paper


def _lines(size: tuple[int, int], px_per_mm: int, layer: int, phases: NDArray[np.float64]) -> NDArray[np.float32]:
    """How much of each pixel the wavy lines of a layer cover."""
    wide, tall = size[0] // _COARSE, size[1] // _COARSE
    x = (np.arange(wide) * _COARSE / px_per_mm)[None, :]
    y = (np.arange(tall) * _COARSE / px_per_mm)[:, None]
    slow = 5.0 * np.sin(2 * np.pi * x / (52 + 19 * layer) + phases[0] + y / (26 + 9 * layer))
    fast = 1.5 * np.sin(2 * np.pi * x / (11 - 2 * layer) + phases[1] - y / 7)
    turns = cv2.resize(((y - slow - fast) / _PITCHES[layer]).astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
    away = np.abs(turns - np.rint(turns)) * np.float32(_PITCHES[layer])
    return np.clip((np.float32(_LINE_MM) - away) * np.float32(px_per_mm) + np.float32(0.5), 0, 1)


def rosette(
    paper: Sheet8,
    centre_mm: tuple[float, float],
    radius_mm: float,
    px_per_mm: int,
    tint: Colour,
    *,
    strong: bool = False,
) -> None:
    """A turned ornament, as the emblem of the paper; nobody's arms."""
    angle = np.linspace(0, 2 * np.pi, 720)
    dark = 0.45 if strong else 0.72
    colour = tuple(min(255, int(c * dark * share)) for c, share in zip(tint, (0.9, 1.0, 1.1), strict=True))
    for petals, size, depth in ((12, 1.0, 0.16), (18, 0.78, 0.22), (9, 0.5, 0.34), (24, 0.28, 0.2)):
        for turn in np.linspace(0, 2 * np.pi / petals, 5, endpoint=False):
            radius = radius_mm * size * (1 - depth / 2 + depth / 2 * np.cos(petals * (angle + turn)))
            points = np.stack([np.cos(angle), np.sin(angle)], axis=1) * radius[:, None] + np.array(centre_mm)
            fixed = (points * px_per_mm * (1 << _SHIFT)).round().astype(np.int32)
            cv2.polylines(paper, [fixed], isClosed=True, color=colour, lineType=cv2.LINE_AA, shift=_SHIFT)
