"""The same sheet shown again: told by its ink, since no two marks by hand are quite alike. Pure.

What is kept of a sheet is small (some kilobytes), so that every ballot of a count is compared with every earlier one.
"""

import base64
import json
import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from aigaq.recount.reading.sheets import SheetReading
from aigaq.recount.styles import LoadedStyle

Bytes = NDArray[np.uint8]
Doubles = NDArray[np.float64]
NEAR: Final = 12
"""So many presentations later a sheet is easily taken up again; later than that it has to be told more surely."""
NEAR_MARK: Final = 0.95
NEAR_SIGN: Final = 0.4
BOTH_MARK: Final = 0.86
BOTH_SIGN: Final = 0.77
"""Where both are fairly alike: a fold or a finger has changed a little of each."""
DOT_MARK: Final = 0.5
DOT_SIGN: Final = 0.93
"""A dot has no shape to compare: the signature speaks for it."""
FAR_MARK: Final = 0.97
FAR_SIGN: Final = 0.86
_INKED: Final = 0.012
_SIDE: Final = 40
_MARGIN: Final = 4
_MARK_PLAY: Final = 1
_SIGN_PX_PER_MM: Final = 1.25
_SIGN_PLAY: Final = 3
_SIGN_SEEN: Final = 0.98
_MOST_BYTES: Final = 1_000_000
_NOISE: Final = 0.03
_WORTH: Final = 0.6
"""A coarse likeness below which marks are different."""


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """What is kept of a sheet to know it again."""

    style: str
    boxes: tuple[str, ...]
    """Choices whose boxes are inked, in the order of the style."""
    marks: Bytes
    """(boxes, 40, 40) ink, 0 none to 255 black."""
    sign: Bytes | None
    """(h, w) ink of the signature's place; None where it is not seen whole."""


def trace_text(trace: Trace) -> str:
    """A trace as JSON, to lay beside the readings of a part of a film."""
    sign = trace.sign
    return json.dumps(
        {
            "style": trace.style,
            "boxes": trace.boxes,
            "marks": _coded(trace.marks),
            "sign": None if sign is None else _coded(sign),
            "sign_width": 0 if sign is None else sign.shape[1],
        }
    )


def parse_trace(text: str) -> Trace:
    """What `trace_text` wrote.

    Raises:
        ValueError: it is something else.
    """
    try:
        found = json.loads(text)
        boxes = tuple(str(box) for box in found["boxes"])
        marks = _decoded(found["marks"]).reshape(len(boxes), _SIDE, _SIDE)
        sign = None if found["sign"] is None else _decoded(found["sign"]).reshape(-1, int(found["sign_width"]))
        return Trace(str(found["style"]), boxes, marks, sign)
    except (KeyError, TypeError, zlib.error) as error:
        raise ValueError(f"no trace of a sheet: {error}") from error


def _coded(ink: Bytes) -> str:
    return base64.b64encode(zlib.compress(ink.tobytes(), 6)).decode("ascii")


def _decoded(text: str) -> Bytes:
    opener = zlib.decompressobj()
    data = opener.decompress(base64.b64decode(text, validate=True), _MOST_BYTES)
    return np.frombuffer(data, np.uint8)


class Likeness(NamedTuple):
    """Of two sheets: correlations of ink, -1 to 1."""

    mark: float
    """Of the mark that is least alike; -1 where they have marks in different boxes."""
    sign: float | None
    """Of the signatures; None where one of them is not seen."""


def trace_of(sheet: SheetReading, style: LoadedStyle) -> Trace | None:
    """The trace of a sheet; None where no box has ink to know it by."""
    inked = [box for box in sheet.boxes if box.ink >= _INKED]
    if not inked:
        return None
    inner = slice(_MARGIN, _MARGIN + _SIDE)
    marks = np.stack([_ink(box.crop, box.blank)[inner, inner] for box in inked])
    return Trace(sheet.style, tuple(box.choice for box in inked), marks, _sign(sheet, style))


def same_sheet(a: Trace, b: Trace) -> Likeness:
    """How alike the ink of two sheets is."""
    if (a.style, a.boxes) != (b.style, b.boxes):
        return Likeness(-1.0, None)
    mark = min(_alike(x, y, _MARK_PLAY) for x, y in zip(a.marks, b.marks, strict=True))
    if a.sign is None or b.sign is None or a.sign.shape != b.sign.shape:
        return Likeness(mark, None)
    return Likeness(mark, _alike(a.sign, b.sign, _SIGN_PLAY))


def is_repeat(likeness: Likeness, apart: int) -> bool:
    """Whether two presentations, so many apart, show one sheet.

    To say so of two ballots drops a vote, so what lies far apart and cannot be compared whole is taken for two.
    """
    mark, sign = likeness
    if apart <= NEAR:
        signed = sign is not None and (
            (mark >= BOTH_MARK and sign >= BOTH_SIGN) or (mark >= DOT_MARK and sign >= DOT_SIGN)
        )
        return signed or (mark >= NEAR_MARK and (sign is None or sign >= NEAR_SIGN))
    return mark >= FAR_MARK and sign is not None and sign >= FAR_SIGN


@dataclass(slots=True)
class Repeats:
    """The sheets of a count so far, in the order of showing."""

    _seen: dict[tuple[str, tuple[str, ...]], list[tuple[int, Trace]]] = field(
        default_factory=lambda: defaultdict[tuple[str, tuple[str, ...]], list[tuple[int, Trace]]](list)
    )
    _first: dict[int, int] = field(default_factory=dict[int, int])

    def earlier(self, n: int, trace: Trace | None) -> int | None:
        """The number of this sheet's first presentation, nearest compared first; None if it was not shown before.

        Presentations are told of in rising numbers.
        """
        if trace is None:
            return None
        others = self._seen[trace.style, trace.boxes]
        alike = (m for m, other in _likely(n, trace, others) if is_repeat(same_sheet(trace, other), n - m))
        found = next(alike, None)
        first = None if found is None else self._first.get(found, found)
        others.append((n, trace))
        if first is not None:
            self._first[n] = first
        return first


def _likely(n: int, trace: Trace, others: list[tuple[int, Trace]]) -> list[tuple[int, Trace]]:
    """The neighbours, and those whose marks are anywhere near alike, latest first: the fine comparison costs more."""
    if not others:
        return []
    here = _unit(trace.marks.reshape(1, -1))
    score = _unit(np.stack([other.marks.reshape(-1) for _, other in others])) @ here[0]
    near = np.array([n - m <= NEAR for m, _ in others])
    return [others[k] for k in np.flatnonzero(near | (score > _WORTH))[::-1].tolist()]


def first_showings(traces: Sequence[Trace | None]) -> list[int | None]:
    """For each presentation of a count the place of its sheet's first presentation, or None."""
    repeats = Repeats()
    return [repeats.earlier(place, trace) for place, trace in enumerate(traces)]


def _ink(grey: Bytes, blank: Bytes) -> Bytes:
    soft = cv2.GaussianBlur(1 - grey.astype(np.float32) / np.maximum(blank, 8), (0, 0), 0.8)
    return (np.clip(soft - _NOISE, 0, 1) * 255).astype(np.uint8)


def _sign(sheet: SheetReading, style: LoadedStyle) -> Bytes | None:
    if style.style.endorsements == 0:
        return None
    x, y, w, h = (round(v * sheet.px_per_mm) for v in style.style.endorsement_area)
    rows, columns = slice(y, y + h), slice(x, x + w)
    if sheet.fused.size == 0 or (sheet.visible[rows, columns] > 0).mean() < _SIGN_SEEN:
        return None
    tall, wide = sheet.fused.shape
    blank = cv2.resize(cv2.cvtColor(style.blank, cv2.COLOR_RGB2GRAY), (wide, tall), interpolation=cv2.INTER_AREA)
    share = _SIGN_PX_PER_MM / sheet.px_per_mm
    small = [
        cv2.resize(page[rows, columns], None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
        for page in (sheet.fused, blank)
    ]
    return _ink(*(page.astype(np.uint8, copy=False) for page in small))


def _alike(a: Bytes, b: Bytes, play: int) -> float:
    """The best correlation of two pictures of ink within some pixels of play."""
    if a.shape[0] <= 2 * play or a.shape[1] <= 2 * play or b.max() == 0 or a.max() == 0:
        return -1.0
    inner = a[play:-play, play:-play]
    score = cv2.matchTemplate(b.astype(np.float32), inner.astype(np.float32), cv2.TM_CCOEFF_NORMED)
    best = float(score.max())
    return best if np.isfinite(best) else -1.0


def _unit(rows: NDArray[np.generic]) -> Doubles:
    even = rows.astype(np.float64)
    even -= even.mean(axis=1, keepdims=True)
    return even / np.maximum(np.linalg.norm(even, axis=1, keepdims=True), 1e-9)
