"""What a machine may say of one ballot: automatic, flagged or human. Pure; every threshold of the decision is here.

An automatic reading that is wrong is the worst that can happen, so every doubt, of any box, makes it a person's.
"""

from enum import Enum
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aigaq.recount.model import MIN_VISIBLE, Outcome, Why
from aigaq.recount.reading.sheets import BoxSight, SheetReading

EMPTY_INK: Final = 0.004
EMPTY_PEAK: Final = 0.095
SHADED: Final = 0.1
"""A fill that is as faint as can be darkens its box by 0.12."""
SHADED_PEAK: Final = 0.06
"""And has edges that are darker than this."""
MOST_SHADE: Final = 0.6
MARKED_INK: Final = 0.008
MARKED_PEAK: Final = 0.12
SURE: Final = 0.9
"""What the second reader has to say at least."""
LEAST_LABEL: Final = 0.52
MOST_OFF_PX: Final = 2.0
LEAST_CONTRAST: Final = 0.4
LEAST_BOX_PX: Final = 14.0
LEAST_USED: Final = 3
SCAN_PX_PER_MM: Final = 4.0
"""One picture is enough where it shows this much, as a scan does."""
OUTSIDE_MM2: Final = 4.0


class Decision(NamedTuple):
    """`choice` only where the outcome is automatic; `why` only where it is not, the first that holds leads."""

    outcome: Outcome
    choice: str | None
    why: tuple[Why, ...]


class _Box(Enum):
    HIDDEN = 0
    EMPTY = 1
    MARKED = 2
    FAINT = 3
    DISAGREED = 4


def decide(sheet: SheetReading, second: NDArray[np.float32]) -> Decision:
    """Weigh both readers. `second` is (boxes, 3): empty, marked, unreadable, in the order of `sheet.boxes`.

    Raises:
        ValueError: `second` is not about these boxes.
    """
    if second.shape != (len(sheet.boxes), 3):
        raise ValueError(f"{len(sheet.boxes)} boxes, but the second reader's answer is {second.shape}")
    if not sheet.boxes:
        return Decision(Outcome.HUMAN, None, (Why.UNREGISTERED,))
    boxes = [_box(box, row) for box, row in zip(sheet.boxes, second.tolist(), strict=True)]
    sure, doubts = _flags(sheet, boxes), _doubts(sheet, boxes)
    why = tuple(reason for reason in Why if reason in sure or reason in doubts)
    if sure and not (doubts & _FIRST):
        return Decision(Outcome.FLAGGED, None, why)
    if why:
        return Decision(Outcome.HUMAN, None, why)
    return Decision(Outcome.AUTOMATIC, sheet.boxes[boxes.index(_Box.MARKED)].choice, ())


_FIRST: Final = frozenset({Why.SECOND_SHEET, Why.UNREGISTERED})
"""With these nothing that was seen is sure."""


def _box(box: BoxSight, second: list[float]) -> _Box:
    if box.visible < MIN_VISIBLE:
        return _Box.HIDDEN
    empty, marked, _ = second
    clean = SHADED_PEAK if box.shade > SHADED else EMPTY_PEAK
    first_empty = box.ink < EMPTY_INK and box.peak < clean and box.shade < MOST_SHADE
    first_marked = box.ink >= MARKED_INK and box.peak >= MARKED_PEAK
    if first_empty and empty >= SURE:
        return _Box.EMPTY
    if first_marked and marked >= SURE:
        return _Box.MARKED
    disagreed = (first_empty and marked > empty) or (first_marked and empty > marked)
    return _Box.DISAGREED if disagreed else _Box.FAINT


def _flags(sheet: SheetReading, boxes: list[_Box]) -> set[Why]:
    """What surely makes it no plain vote."""
    flags = set[Why]()
    if sheet.form_ok is False:
        flags.add(Why.FORM)
    if sheet.needs_endorsement and sheet.endorsed is False:
        flags.add(Why.ENDORSEMENT)
    if boxes.count(_Box.MARKED) > 1:
        flags.add(Why.SEVERAL)
    if all(box is _Box.EMPTY for box in boxes):
        flags.add(Why.OUTSIDE if sheet.outside >= OUTSIDE_MM2 else Why.NONE)
    return flags


def _doubts(sheet: SheetReading, boxes: list[_Box]) -> set[Why]:
    """What a person has to look at."""
    asked = {
        Why.SECOND_SHEET: sheet.sheets > 1,
        Why.FORM: sheet.form_ok is None,
        Why.ENDORSEMENT: sheet.needs_endorsement and sheet.endorsed is None,
        Why.HIDDEN: _Box.HIDDEN in boxes,
        Why.FEW_FRAMES: sheet.used < LEAST_USED and sheet.px_per_mm < SCAN_PX_PER_MM,
        Why.SMALL: sheet.box_px < LEAST_BOX_PX,
        Why.BLURRED: sheet.contrast < LEAST_CONTRAST,
        Why.UNREGISTERED: sheet.registered > MOST_OFF_PX or min(b.label for b in sheet.boxes) < LEAST_LABEL,
        Why.FAINT: _Box.FAINT in boxes,
        Why.READERS_DISAGREE: _Box.DISAGREED in boxes,
    }
    return {why for why, holds in asked.items() if holds}
