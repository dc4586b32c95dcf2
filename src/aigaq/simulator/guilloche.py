"""Paper as a security printer delivers it: a tint, fibres, fine waves over the whole sheet, rosettes."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Sheet8 = NDArray[np.uint8]
_SHIFT: Final = 4
"""Fraction bits of OpenCV's drawing coordinates."""


def printed_paper(size_mm: tuple[float, float], tint: tuple[int, int, int], px_per_mm: int, *, seed: int) -> Sheet8:
    """A sheet with its background printed, RGB."""
    rng = np.random.default_rng(seed)
    wide, tall = (round(side * px_per_mm) for side in size_mm)
    fibres = cv2.GaussianBlur(rng.normal(0, 9, (tall, wide)).astype(np.float32), (0, 0), 2.2)
    paper = np.clip(np.array(tint, np.float32) + fibres[..., None], 0, 255).astype(np.uint8)
    x = np.linspace(0, wide, wide // 4, dtype=np.float64)
    phases = rng.uniform(0, 2 * np.pi, 4)
    for layer, pitch in enumerate((3.1, 4.3)):
        colour = tuple(int(c * share) for c, share in zip(tint, _INKS[layer], strict=True))
        for y0 in np.arange(-12.0, size_mm[1] + 12, pitch):
            y = _wave(x / px_per_mm, y0, phases[2 * layer : 2 * layer + 2], layer) * px_per_mm
            points = np.stack([x, y], axis=1) * (1 << _SHIFT)
            cv2.polylines(
                paper,
                [points.round().astype(np.int32)],
                isClosed=False,
                color=colour,
                thickness=2,
                lineType=cv2.LINE_AA,
                shift=_SHIFT,
            )
    return paper


_INKS: Final = ((0.86, 0.9, 0.93), (0.94, 0.89, 0.86))


def _wave(x: NDArray[np.float64], y0: float, phases: NDArray[np.float64], layer: int) -> NDArray[np.float64]:
    slow = 5.0 * np.sin(2 * np.pi * x / (52 + 19 * layer) + phases[0] + y0 / (26 + 9 * layer))
    fast = 1.5 * np.sin(2 * np.pi * x / (11 - 2 * layer) + phases[1] - y0 / 7)
    return y0 + slow + fast


def rosette(
    paper: Sheet8,
    centre_mm: tuple[float, float],
    radius_mm: float,
    px_per_mm: int,
    tint: tuple[int, int, int],
    *,
    strong: bool = False,
) -> None:
    """A turned ornament, as the emblem of the paper; nobody's arms."""
    angle = np.linspace(0, 2 * np.pi, 720)
    dark = 0.45 if strong else 0.72
    colour = tuple(int(c * dark * share) for c, share in zip(tint, (0.9, 1.0, 1.1), strict=True))
    colour = tuple(min(255, c) for c in colour)
    for petals, size, depth in ((12, 1.0, 0.16), (18, 0.78, 0.22), (9, 0.5, 0.34), (24, 0.28, 0.2)):
        for turn in np.linspace(0, 2 * np.pi / petals, 5, endpoint=False):
            radius = radius_mm * size * (1 - depth / 2 + depth / 2 * np.cos(petals * (angle + turn)))
            points = np.stack([np.cos(angle), np.sin(angle)], axis=1) * radius[:, None] + np.array(centre_mm)
            fixed = (points * px_per_mm * (1 << _SHIFT)).round().astype(np.int32)
            cv2.polylines(paper, [fixed], isClosed=True, color=colour, lineType=cv2.LINE_AA, shift=_SHIFT)
