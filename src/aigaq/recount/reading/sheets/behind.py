"""Whether a second sheet looks out behind the held one: a strip of paper along an edge, with an edge of its own."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aigaq.recount.reading.sheets.pattern import FLOW, Doubles, Floats
from aigaq.recount.reading.sheets.register import Registered
from aigaq.recount.reading.sighting import Sighting

_OUT: Final = np.arange(-5, 15.01, 0.5)
"""Where it is looked, mm outwards from the edge that the print tells."""
_INSIDE: Final = _OUT < -1.5
_BEYOND: Final = np.flatnonzero(_OUT >= 1.5)
_AS_PAPER: Final = (0.6, 1.25)
_STEP: Final = 0.1
"""In a millimetre, of the sheet's own light: an edge."""
_INWARD_MM: Final = 12
_CORNERS: Final = 0.04
_ENOUGH: Final = 0.55
"""Share of a side along which the second edge is straight."""
_LEAST_MM: Final = 3.2
"""Less is the sheet's own edge, which the print tells to within 3 mm."""
_MOST_MM: Final = 14.0
_STRAIGHT_MM: Final = 0.8
_SLANT_MM: Final = 9.0
_LOOKED_AT: Final = 3
_AS_EDGE: Final = 2.0
_PAIRS: Final = 64


def sheets_seen(views: list[tuple[Sighting, Registered]]) -> int:
    """2 where most of the best sightings show a second sheet along the same side, else 1."""
    found = np.array([_sides(sighting, registered) for sighting, registered in views[:_LOOKED_AT]])
    return 2 if (found.mean(axis=0) > 0.5).any() else 1


def _sides(sighting: Sighting, registered: Registered) -> list[bool]:
    x, y = registered.maps
    deep = round(_INWARD_MM * FLOW)
    sides = ((np.s_[0], np.s_[deep]), (np.s_[:, -1], np.s_[:, -1 - deep]), (np.s_[-1], np.s_[-1 - deep]))
    return [_second_edge(sighting, (x[e], y[e]), (x[i], y[i])) for e, i in (*sides, (np.s_[:, 0], np.s_[:, deep]))]


def _second_edge(sighting: Sighting, edge: tuple[Floats, Floats], inner: tuple[Floats, Floats]) -> bool:
    """Whether paper goes on beyond this side as far as another straight edge."""
    skipped = round(_CORNERS * len(edge[0]))
    along = slice(skipped, -skipped or None, 2)
    columns, rows = (
        e[along, None] + (e - i)[along, None] / _INWARD_MM * (_OUT + 0.5 / FLOW)
        for e, i in zip(edge, inner, strict=True)
    )
    strip = cv2.remap(
        sighting.grey, columns.astype(np.float32), rows.astype(np.float32), cv2.INTER_LINEAR, borderValue=0
    )
    reach = _reach(cv2.blur(strip, (2, 7)).astype(np.float64))
    share, width = _straight(reach)
    return share >= _ENOUGH and width >= _LEAST_MM


def _reach(strip: Doubles) -> Doubles:
    """How far beyond the edge each place still looks like paper, mm; far where it does not end."""
    light = strip / np.maximum(np.median(strip[:, _INSIDE], axis=1, keepdims=True), 10)
    beyond = light[:, _BEYOND]
    other = (beyond < _AS_PAPER[0]) | (beyond > _AS_PAPER[1])
    edge = np.abs(beyond - light[:, _BEYOND - 2]) > _STEP
    edge[:, :3] = False
    end = other | edge
    return np.where(end.any(axis=1), _OUT[_BEYOND][end.argmax(axis=1)], np.inf)


def _straight(reach: Doubles) -> tuple[float, float]:
    """The share of places on one straight line, and how far out that is in the middle of the side.

    Every pair of places that are a third of the side apart proposes a line, the one with most followers wins.
    """
    at = np.linspace(-1, 1, len(reach))
    usable = (reach >= _AS_EDGE) & (reach < _MOST_MM)
    if usable.mean() < _ENOUGH / 2:
        return 0.0, 0.0
    places = np.flatnonzero(usable)
    first, second = _pairs(places)
    slope = (reach[second] - reach[first]) / (at[second] - at[first])
    middle = reach[first] - slope * at[first]
    fair = np.abs(slope) < _SLANT_MM
    if not fair.any():
        return 0.0, 0.0
    lines = middle[fair, None] + slope[fair, None] * at
    share = (np.abs(np.where(usable, reach, -99.0) - lines) < _STRAIGHT_MM).mean(axis=1)
    best = int(share.argmax())
    return float(share[best]), float(middle[fair][best])


def _pairs(places: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pairs of places, evenly chosen, a third of them apart."""
    third = max(1, len(places) // 3)
    starts = np.unique(np.linspace(0, len(places) - 1 - third, _PAIRS).astype(int))
    return places[starts], places[starts + third]
