"""Whether ballots of one election can be told apart when held up: by colour, by layout, by their text alone."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aigaq.recount.styles.boxes import ink_of
from aigaq.recount.styles.folder import LoadedStyle

COLOURS_APART: Final = 9.0
"""Difference of colour, CIE 1976 in the a-b plane, that a camera in poor light still shows."""
LAYOUTS_ALIKE: Final = 0.95
"""Correlation of what is printed, 4 mm to a point: above it only letters differ."""
TEXTS_ALIKE: Final = 0.97
"""Correlation at 1 mm to a point: above it not even headings differ."""


class Apart(StrEnum):
    """By what two styles can be told apart, the surest first."""

    COLOUR = "colour"
    LAYOUT = "layout"
    TEXT = "text"
    """Only a sharp picture tells: hold the ballots of one contest up after those of the other."""
    NOT = "not"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two styles of one election."""

    one: str
    other: str
    apart: Apart
    colour: float
    """Difference of their papers, CIE 1976 in the a-b plane."""
    layout: float
    """Correlation of their print at 4 mm, -1 to 1."""


def compare_styles(styles: Iterable[LoadedStyle]) -> list[Pair]:
    """Every pair of styles, the hardest first."""
    found = [_compare(one, other) for one, other in combinations(styles, 2)]
    order = list(Apart)
    return sorted(found, key=lambda pair: (-order.index(pair.apart), pair.colour))


def _compare(one: LoadedStyle, other: LoadedStyle) -> Pair:
    colour = float(np.linalg.norm(_shade(one.blank) - _shade(other.blank)))
    layout = _alike(one.blank, other.blank, 4)
    if colour >= COLOURS_APART:
        apart = Apart.COLOUR
    elif layout < LAYOUTS_ALIKE:
        apart = Apart.LAYOUT
    else:
        apart = Apart.TEXT if _alike(one.blank, other.blank, 1) < TEXTS_ALIKE else Apart.NOT
    return Pair(one.style.id, other.style.id, apart, round(colour, 1), round(layout, 2))


def _shade(blank: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The paper's a and b."""
    paper = np.median(blank[::8, ::8].reshape(-1, 3), axis=0).astype(np.float32) / 255
    return cv2.cvtColor(paper.reshape(1, 1, 3), cv2.COLOR_RGB2Lab).ravel()[1:].astype(np.float64)


def _alike(one: NDArray[np.uint8], other: NDArray[np.uint8], point_mm: float) -> float:
    """Correlation of two blanks' print; sheets of other shapes are stretched over each other, as a finder would."""
    size = round(one.shape[1] / 8 / point_mm), round(one.shape[0] / 8 / point_mm)
    maps = [
        cv2.resize(ink_of(blank).strength, size, interpolation=cv2.INTER_AREA).astype(np.float64).ravel()
        for blank in (one, other)
    ]
    return float(np.corrcoef(maps[0], maps[1])[0, 1])
