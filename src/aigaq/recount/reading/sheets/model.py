"""What was made of the sightings of one ballot, before anybody decides. Values only."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aigaq.recount.model import Frame

Bytes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class BoxSight:
    """One box, fused over the sightings and fitted by its own frame."""

    choice: str
    crop: Bytes
    """(48, 48) grey, paper as light as the blank's; the box is 60 % of its side."""
    blank: Bytes
    """(48, 48) the same of the blank."""
    visible: float
    """Share of the box that is seen, 0 to 1: not covered, and its frame found."""
    ink: float
    """Share of the inside that is inked, 0 to 1."""
    peak: float
    """How dark the darkest spot inside is against the paper, 0 to 1: a pen's dot has no area."""
    shade: float
    """How deep a shadow lies on it, 0 to 1; in a deep one a faint fill would not be told from it."""
    label: float
    """How well the row's print is recognised, -1 to 1: that this box is the choice's and not its neighbour's."""


@dataclass(frozen=True, slots=True, eq=False)
class SheetReading:
    """One sheet, made straight."""

    style: str
    px_per_mm: float
    """Of `fused` and `visible`: 2.5 for films, 4 where the picture shows more."""
    fused: Bytes
    """(h, w) grey, paper as light as the blank's."""
    visible: Bytes
    """(h, w) in how many sightings each pixel is seen."""
    boxes: tuple[BoxSight, ...]
    """In the order of the style's choices; empty where no sighting fits the style."""
    needs_endorsement: bool
    endorsed: bool | None
    """Whether there is a signature; None where that cannot be told, and where the style asks for none."""
    outside: float
    """Area of the largest ink outside the boxes and the place of the signature, mm²."""
    form_ok: bool | None
    """Whether it is the style's own paper; None where that cannot be told."""
    sheets: int
    """2 where another sheet looks out behind it."""
    registered: float
    """How far the boxes' frames lie from where the sheet's print says, pixels of the film: a measure of trust."""
    used: int
    """Sightings that fit the style."""
    box_px: float
    """Median side of the boxes in the film, pixels."""
    contrast: float
    """Of the boxes' frames against the blank's, 0 to about 1: how sharp the picture is."""
    frames: tuple[Frame, ...]
    """The sightings that were used, best first."""
