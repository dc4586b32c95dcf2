"""From a blank and a few words to a ballot style with its picture. Writes nothing: `registry` does."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aigaq.base import N_
from aigaq.election import BallotChoice, BallotStyle, Box, Names
from aigaq.recount.errors import BoxesNotFoundError, ChoicesError
from aigaq.recount.styles.checking import CHOICES, NOTHING
from aigaq.recount.styles.choices import NamedChoice
from aigaq.recount.styles.layout import Layout, find_layout, reads_upright
from aigaq.recount.styles.opening import open_blank
from aigaq.recount.styles.straight import PX_PER_MM, straighten

TURNED: Final = N_("The blank stood on its head and was turned. Keep it as it was with --turn 0.")
DRAWN: Final = N_("The boxes are not those of the blank: move each into place in the editor.")
UNNAMED: Final = N_("The choices have numbers for names. Name them in the editor or with --choices.")

_ROW, _BOX, _SIGNATURE = (0, 140, 60), (214, 40, 40), (40, 80, 214)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person says of a blank; what is None is found."""

    id: str
    contest: str
    names: Names
    size_mm: tuple[float, float] | None = None
    turn: int | None = None
    """Degrees clockwise, a multiple of 90."""
    page: int | None = None
    colour: str | None = None
    endorsements: int = 1
    endorsement_area: Box | None = None
    choices: tuple[NamedChoice, ...] = ()
    keep: tuple[int, ...] = ()
    """Numbers of the boxes found, from 1, that belong to this contest; all where empty."""
    draw: int | None = None
    """So many boxes in a column instead of those found, to be moved by hand."""


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A ballot style made from a blank."""

    style: BallotStyle
    blank: NDArray[np.uint8]
    """RGB, 8 px/mm."""
    turned: int
    notes: tuple[str, ...]
    """Message ids: what a person should look at."""


def make_style(data: bytes, wish: Wish, *, where: str) -> Made:
    """The style of a blank.

    Args:
        data: PNG, JPEG, TIFF or PDF.
        wish: What is known of it.
        where: Its name, for errors.

    Raises:
        AigaqError: one of the errors of a blank, see `aigaq.recount.errors`.
    """
    picture = open_blank(data, where=where, page=wish.page)
    found = straighten(picture, where=where, size_mm=wish.size_mm, turn=wish.turn or 0)
    sheet, layout, head = upright(found.sheet) if wish.turn is None else (found.sheet, find_layout(found.sheet), False)
    layout = drawn(layout, wish.draw, found.size_mm) if wish.draw else _kept(layout, wish.keep)
    if len(layout.boxes) < CHOICES[0]:
        raise BoxesNotFoundError(where, boxes=len(layout.boxes))
    if wish.choices and len(wish.choices) != len(layout.boxes):
        problem = N_("it has another number of choices than the blank has boxes")
        raise ChoicesError(f"{where}: {len(wish.choices)} / {len(layout.boxes)}", problem=problem)
    style = style_of(layout, wish, found.size_mm)
    notes = (*layout.notes, *[TURNED] * head, *[UNNAMED] * (not wish.choices))
    return Made(style, sheet, (found.turned + 180 * head) % 360, notes)


def upright(sheet: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], Layout, bool]:
    """The sheet on its feet: by where its rows begin, else by where its line to sign on is."""
    layout = find_layout(sheet)
    says = reads_upright(sheet, layout)
    if says or not layout.boxes or (says is None and layout.has_line):
        return sheet, layout, False
    turned = np.ascontiguousarray(sheet[::-1, ::-1])
    other = find_layout(turned)
    if len(other.boxes) == len(layout.boxes) and (says is False or other.has_line):
        return turned, other, True
    return sheet, layout, False


def drawn(layout: Layout, count: int, size_mm: tuple[float, float]) -> Layout:
    """So many rows with boxes at their right ends, for a person to move into place."""
    wide, tall = size_mm
    high = round(0.5 * tall / count, 2)
    side = round(min(0.8 * high, 0.1 * wide), 2)
    rows = tuple(Box(round(0.06 * wide, 2), round(0.3 * tall + n * high, 2), 0.88 * wide, high) for n in range(count))
    boxes = tuple(Box(round(0.92 * wide - side, 2), round(r.y + (high - side) / 2, 2), side, side) for r in rows)
    signature = Box(round(0.06 * wide, 2), round(0.85 * tall, 2), round(0.4 * wide, 2), round(0.08 * tall, 2))
    return replace(layout, boxes=boxes, rows=rows, signature=signature, notes=(DRAWN,))


def style_of(layout: Layout, wish: Wish, size_mm: tuple[float, float]) -> BallotStyle:
    """The style that a layout and the words of a person give."""
    names = wish.choices or tuple(
        NamedChoice(f"choice-{n}", Names(str(n), str(n), str(n))) for n in range(1, len(layout.boxes) + 1)
    )
    return BallotStyle(
        id=wish.id,
        contest=wish.contest,
        names=wish.names,
        size_mm=size_mm,
        colour=wish.colour or layout.colour,
        endorsements=wish.endorsements,
        endorsement_area=wish.endorsement_area or (layout.signature if wish.endorsements else NOTHING),
        choices=tuple(
            BallotChoice(named.id, named.names, box, row)
            for named, box, row in zip(names, layout.boxes, layout.rows, strict=True)
        ),
    )


def contact_picture(sheet: NDArray[np.uint8], style: BallotStyle) -> NDArray[np.uint8]:
    """The blank at half size with what was found drawn on it: rows green, boxes red and numbered, signature blue."""
    picture = cv2.resize(sheet, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    for n, choice in enumerate(style.choices, 1):
        _frame(picture, choice.row, _ROW)
        _frame(picture, choice.box, _BOX)
        at = round(choice.box.x * PX_PER_MM / 2) + 6, round((choice.box.y + choice.box.h) * PX_PER_MM / 2) - 8
        cv2.putText(picture, str(n), at, cv2.FONT_HERSHEY_SIMPLEX, 0.9, _BOX, 2)
    if style.endorsements:
        _frame(picture, style.endorsement_area, _SIGNATURE)
    return picture


def _frame(picture: NDArray[np.uint8], area: Box, shade: tuple[int, int, int]) -> None:
    left, top, right, bottom = (round(v * PX_PER_MM / 2) for v in (area.x, area.y, area.x + area.w, area.y + area.h))
    cv2.rectangle(picture, (left, top), (right, bottom), shade, 2)


def _kept(layout: Layout, keep: Sequence[int]) -> Layout:
    if not keep:
        return layout
    chosen = [n - 1 for n in keep if 1 <= n <= len(layout.boxes)]
    return replace(layout, boxes=tuple(layout.boxes[n] for n in chosen), rows=tuple(layout.rows[n] for n in chosen))
