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
"""Correlation of what is printed, 4 mm of an A4 sheet to a point: above it only letters differ."""
TEXTS_ALIKE: Final = 0.97
"""Correlation at 1 mm to a point: above it not even headings differ."""


_COARSE: Final = (52, 74)
_FINE: Final = (210, 297)


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
    found = [_compare(one, other) for one, other in combinations(map(_look, styles), 2)]
    order = list(Apart)
    return sorted(found, key=lambda pair: (-order.index(pair.apart), pair.colour))


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """What a camera sees of a style. Sheets of other shapes are stretched over each other, as a finder would."""

    id: str
    shade: NDArray[np.float64]
    """The paper's a and b."""
    coarse: NDArray[np.float64]
    fine: NDArray[np.float64]


def _look(loaded: LoadedStyle) -> _Look:
    paper = np.median(loaded.blank[::8, ::8].reshape(-1, 3), axis=0).astype(np.float32) / 255
    shade = cv2.cvtColor(paper.reshape(1, 1, 3), cv2.COLOR_RGB2Lab).ravel()[1:].astype(np.float64)
    ink = ink_of(loaded.blank).strength
    coarse, fine = (cv2.resize(ink, size, interpolation=cv2.INTER_AREA) for size in (_COARSE, _FINE))
    return _Look(loaded.style.id, shade, coarse.astype(np.float64), fine.astype(np.float64))


def _compare(one: _Look, other: _Look) -> Pair:
    colour = float(np.linalg.norm(one.shade - other.shade))
    layout = _alike(one.coarse, other.coarse)
    if colour >= COLOURS_APART:
        apart = Apart.COLOUR
    elif layout < LAYOUTS_ALIKE:
        apart = Apart.LAYOUT
    else:
        apart = Apart.TEXT if _alike(one.fine, other.fine) < TEXTS_ALIKE else Apart.NOT
    return Pair(one.id, other.id, apart, round(colour, 1), round(layout, 2))


def _alike(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Correlation; nothing printed on either is alike."""
    if one.std() == 0 or other.std() == 0:
        return float(one.std() == other.std())
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])
