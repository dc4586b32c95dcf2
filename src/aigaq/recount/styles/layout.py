"""From boxes to a ballot's layout: rows, place of the signature, colour of the paper, what a person should look at."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aigaq.base import N_
from aigaq.election import Box
from aigaq.recount.styles.boxes import PX_PER_MM, Ink, Mask, find_columns, ink_of

PAPERS: Final[dict[str, tuple[int, int, int]]] = {
    "light-blue": (203, 224, 241),
    "green": (205, 232, 205),
    "purple": (225, 211, 238),
    "orange": (250, 221, 187),
    "yellow": (249, 241, 194),
    "pink": (248, 213, 221),
}
"""Usual papers as sRGB; what has no colour is white or grey."""
MARGIN: Final = 0.05
"""Of the width: marks for machines stand there, and no text."""
COLOURLESS: Final = 5.0
"""Chroma, CIE 1976, below which paper has no colour."""
SIGNATURE_MM: Final = (20.0, 130.0)
"""The length of the line to sign on."""

NO_LINE: Final = N_("No line for the signature was found. The area is a guess: correct it in the editor.")
UNEVEN: Final = N_("Boxes stand at uneven distances. Look whether one was missed.")


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """What was found on a blank. All in mm."""

    boxes: tuple[Box, ...]
    rows: tuple[Box, ...]
    signature: Box
    colour: str
    notes: tuple[str, ...]
    """Message ids: what a person should look at."""

    @property
    def has_line(self) -> bool:
        """Whether the line to sign on was found."""
        return bool(self.boxes) and NO_LINE not in self.notes


def find_layout(sheet: NDArray[np.uint8]) -> Layout:
    """The layout of a straight blank, RGB, 8 px/mm; without boxes where it has none."""
    ink = ink_of(sheet)
    size = Box(0, 0, sheet.shape[1] / PX_PER_MM, sheet.shape[0] / PX_PER_MM)
    columns = find_columns(ink)
    colour = paper_colour(sheet, ink)
    if not columns:
        return Layout((), (), Box(0, 0, 0, 0), colour, ())
    mask = ink.mask()
    rows = [_rows(n, columns, mask, size) for n in range(len(columns))]
    every = tuple(row for column in rows for row in column)
    signature, line_found = _signature(mask, every, size)
    notes = [UNEVEN] * any(map(_uneven, columns)) + [NO_LINE] * (not line_found)
    return Layout(tuple(b for c in columns for b in c), every, signature, colour, tuple(notes))


def reads_upright(sheet: NDArray[np.uint8], layout: Layout) -> bool | None:
    """Whether the rows' texts begin in line at the left, as script does; None where they do not tell."""
    mask = _without_rules(ink_of(sheet).mask())
    rim = round(MARGIN * sheet.shape[1])
    mask[:, :rim] = mask[:, -rim:] = 0
    ends = [e for box, row in zip(layout.boxes, layout.rows, strict=True) if (e := _ends(mask, box, row))]
    if len(ends) < 3:
        return None
    left, right = (abs(np.array(side) - np.median(side)) for side in zip(*ends, strict=True))
    spread_left, spread_right = float(np.median(left)), float(np.median(right))
    if min(spread_left, spread_right) > 1 or max(spread_left, spread_right) < 2:
        return None
    return spread_left < spread_right


def _ends(mask: Mask, box: Box, row: Box) -> tuple[float, float] | None:
    """Where a row's text begins and ends, mm; the larger side beside its box alone."""
    left = Box(row.x, row.y + 0.1 * row.h, box.x - row.x - 0.5, 0.8 * row.h)
    right = Box(box.x + box.w + 0.5, left.y, row.x + row.w - box.x - box.w - 0.5, left.h)
    area = left if left.w > right.w else right
    columns = np.flatnonzero(_cut(mask, area).any(axis=0)) if area.w > 1 else np.array([])
    if not len(columns):
        return None
    return area.x + float(columns[0]) / PX_PER_MM, area.x + float(columns[-1]) / PX_PER_MM


def paper_colour(sheet: NDArray[np.uint8], ink: Ink) -> str:
    """The usual name of the paper's colour."""
    paper = sheet[::4, ::4][ink.strength[::4, ::4] < 12].reshape(-1, 3)
    shade = np.median(paper, axis=0) if len(paper) else np.array([255, 255, 255])
    light, a, b = _lab(shade)
    if np.hypot(a, b) < COLOURLESS:
        return "white" if light > 60 else "grey"
    return min(PAPERS, key=lambda name: _hue_apart(_lab(np.array(PAPERS[name])), (light, a, b)))


def _lab(shade: NDArray[np.floating] | NDArray[np.integer]) -> tuple[float, float, float]:
    pixel = (shade.astype(np.float32) / 255).reshape(1, 1, 3)
    light, a, b = cv2.cvtColor(pixel, cv2.COLOR_RGB2Lab).ravel().tolist()
    return light, a, b


def _hue_apart(one: tuple[float, float, float], other: tuple[float, float, float]) -> float:
    apart = np.arctan2(one[2], one[1]) - np.arctan2(other[2], other[1])
    return abs(float(np.angle(np.exp(1j * apart))))


def _uneven(column: Sequence[Box]) -> bool:
    steps = np.diff([box.y for box in column])
    return bool(steps.max() > 1.5 * steps.min())


def _rows(n: int, columns: Sequence[Sequence[Box]], mask: Mask, size: Box) -> list[Box]:
    """The rows of one column: between its boxes' middles, as wide as its print."""
    column = columns[n]
    edges = _edges(column, size)
    left, right = _sides(n, columns, mask, size, (edges[0][0], edges[-1][1]))
    rules = _rules(mask, left, right)
    pitch = (edges[-1][1] - edges[0][0]) / len(column)
    snapped = [[_snapped(y, rules, 0.1 * pitch) for y in pair] for pair in edges]
    return [
        _row(box, left, right, max(top, 0), min(bottom, size.h))
        for box, (top, bottom) in zip(column, snapped, strict=True)
    ]


def _row(box: Box, left: float, right: float, top: float, bottom: float) -> Box:
    """A row that holds its box, to a hundredth."""
    x, y = min(left, box.x), min(top, box.y)
    edges = (x, y, max(right, box.x + box.w) - x, max(bottom, box.y + box.h) - y)
    return Box(*(round(float(edge), 2) for edge in edges))


def _edges(column: Sequence[Box], size: Box) -> list[tuple[float, float]]:
    """Top and bottom of each row: half way to the next box, at most half a usual step."""
    middles = np.array([box.y + box.h / 2 for box in column])
    steps = np.diff(middles)
    half = np.minimum(steps, 1.5 * np.median(steps)) / 2
    above = [half[0], *half]
    below = [*half, half[-1]]
    return [(max(0.0, float(m - a)), min(size.h, float(m + b))) for m, a, b in zip(middles, above, below, strict=True)]


def _sides(
    n: int, columns: Sequence[Sequence[Box]], mask: Mask, size: Box, band: tuple[float, float]
) -> tuple[float, float]:
    """Left and right of a column's rows: as far as print goes, at most to the neighbours' boxes or texts."""
    lefts = [min(b.x for b in column) for column in columns]
    rights = [max(b.x + b.w for b in column) for column in columns]
    texts_right = _printed(mask, rights[-1] + 0.5, size.w, band) > _printed(mask, 0, lefts[0] - 0.5, band)
    low = (lefts[n] if texts_right else rights[n - 1]) + (-0.5 if texts_right else 1) if n else 0.0
    high = size.w
    if n + 1 < len(columns):
        high = lefts[n + 1] - 1 if texts_right else rights[n] + 0.5
    printed = np.flatnonzero(_cut(mask, _band(low, high, band)).sum(axis=0) > 2) / PX_PER_MM + low
    return min([lefts[n], *printed[:1].tolist()]), max([rights[n], *printed[-1:].tolist()])


def _printed(mask: Mask, left: float, right: float, band: tuple[float, float]) -> int:
    return int(_cut(mask, _band(left, right, band)).sum()) if right > left else 0


def _band(left: float, right: float, band: tuple[float, float]) -> Box:
    return Box(left, band[0], right - left, band[1] - band[0])


def _rules(mask: Mask, left: float, right: float) -> NDArray[np.float64]:
    """Lower edges of level lines that run along most of the rows, mm."""
    strip = mask[:, round(left * PX_PER_MM) : max(round(right * PX_PER_MM), round(left * PX_PER_MM) + 1)]
    inked = np.concatenate([[False], strip.mean(axis=1) > 0.6, [False]])
    return np.flatnonzero(inked[:-1] & ~inked[1:]) / PX_PER_MM


def _snapped(y: float, rules: NDArray[np.float64], reach: float) -> float:
    near = rules[abs(rules - y) <= reach]
    return float(near[abs(near - y).argmin()]) if len(near) else y


def _signature(mask: Mask, rows: Sequence[Box], size: Box) -> tuple[Box, bool]:
    """Where a member signs: a line below the rows with the words before it; else what is left of the sheet."""
    bottom = max(row.y + row.h for row in rows)
    lines = _signing_lines(mask, Box(0, bottom + 2, size.w, max(0.0, size.h - bottom - 2)))
    if lines:
        line = max(lines, key=lambda b: b.w)
        top = max(bottom + 0.5, line.y - 12)
        words = np.flatnonzero(_cut(mask, Box(0, top, line.x, line.y + 1 - top)).sum(axis=0) > 2)
        left = float(words[0]) / PX_PER_MM if len(words) else line.x - 2
        return _rounded(max(0, left), top, line.x + line.w + 1, min(size.h, line.y + 5)), True
    if size.h - bottom > 6:
        return _rounded(2, bottom + 1, size.w - 2, size.h - 2), False
    return _rounded(2, 2, size.w - 2, max(6.0, min(row.y for row in rows) - 1)), False


def _signing_lines(mask: Mask, area: Box) -> list[Box]:
    part = _cut(mask, area)
    if min(part.shape) < PX_PER_MM:
        return []
    kernel = np.ones((1, round(SIGNATURE_MM[0] * PX_PER_MM)), np.uint8)
    runs = cv2.morphologyEx(cv2.dilate(part, np.ones((3, 3), np.uint8)), cv2.MORPH_OPEN, kernel)
    _, _, stats, _ = cv2.connectedComponentsWithStats(runs)
    found = [Box(area.x + x / PX_PER_MM, area.y + y / PX_PER_MM, w / PX_PER_MM, h / PX_PER_MM)
             for x, y, w, h, _ in stats[1:].tolist()]  # fmt: skip
    return [b for b in found if b.h < 2 and SIGNATURE_MM[0] <= b.w <= SIGNATURE_MM[1]]


def _without_rules(mask: Mask) -> Mask:
    """Print without its lines, level and upright, longer than any letter."""
    long, thick = 15 * PX_PER_MM, np.ones((3, 3), np.uint8)
    for kernel in (np.ones((1, long), np.uint8), np.ones((long, 1), np.uint8)):
        rules = cv2.morphologyEx(mask, cv2.MORPH_OPEN, kernel)
        mask = cv2.subtract(mask, cv2.dilate(rules, thick)).astype(np.uint8, copy=False)
    return mask


def _cut(mask: Mask, area: Box) -> Mask:
    x, y = max(0, round(area.x * PX_PER_MM)), max(0, round(area.y * PX_PER_MM))
    return mask[y : round((area.y + area.h) * PX_PER_MM), x : round((area.x + area.w) * PX_PER_MM)]


def _rounded(left: float, top: float, right: float, bottom: float) -> Box:
    return Box(round(left, 1), round(top, 1), round(right - left, 1), round(bottom - top, 1))
