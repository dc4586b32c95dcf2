"""A recount for tests: reading folders with sheets that were really marked, and a desk before them."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from aigaq.base import ManualClock
from aigaq.recount.files import Pictures, write_reading
from aigaq.recount.model import BoxReading, Count, Frame, Maker, Outcome, Reading, Source, Why
from aigaq.recount.people.desk import Desk
from aigaq.recount.people.settings import PeopleSettings
from aigaq.simulator.ballots import draw_ballot, make_style, write_style
from aigaq.simulator.count.marks import Mark, ink

STYLE: Final = make_style("party-list", choices=5)
CODES: Final = tuple(f"code-of-reader-{n}" for n in range(4))
SECRET_MARK: Final = "SOLD"
"""Written across the sheet beside the boxes: what would betray a voter."""
PX: Final = 4


def reading(n: int, choice: int | None = 0, *, outcome: Outcome = Outcome.AUTOMATIC, **more: object) -> Reading:
    """A reading of the style; the machine is sure of it, unless told otherwise."""
    boxes = tuple(
        BoxReading(c.id, 1.0, 0.2 if i == choice else 0.0, float(i == choice)) for i, c in enumerate(STYLE.choices)
    )
    chosen = STYLE.choices[choice].id if outcome is Outcome.AUTOMATIC and choice is not None else None
    corners = ((100.0, 50.0), (300.0, 52.0), (298.0, 330.0), (98.0, 331.0))
    why = () if outcome is Outcome.AUTOMATIC else (Why.FAINT,)
    made = Reading(
        n, 2.0 * n, 2.0 * n + 1.5, STYLE.id, outcome, chosen, why, endorsed=True, boxes=boxes,
        frames=(Frame(2.0 * n + 0.5, corners), Frame(2.0 * n + 0.7, corners)),
    )  # fmt: skip
    return replace(made, **more)


@cache
def blank() -> np.ndarray:
    """The blank at 4 px/mm, grey."""
    size = (round(STYLE.size_mm[0] * PX), round(STYLE.size_mm[1] * PX))
    return cv2.resize(cv2.cvtColor(draw_ballot(STYLE), cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA)


def sheet(marked: Sequence[int], *, scribble: bool = False, seed: int = 0) -> np.ndarray:
    """A sheet at 4 px/mm, grey, with ticks in these boxes."""
    grey = blank().copy()
    for index in marked:
        x, y, w, h = STYLE.choices[index].box
        kind = ("tick", "cross", "heart", "fill")[(seed + index) % 4]
        drawn = ink(Mark(None, kind, "blue", 0.9, x + w / 2, y + h / 2, 0.8 * w, seed), PX)
        rows, columns = drawn.cover.shape
        patch = grey[drawn.top : drawn.top + rows, drawn.left : drawn.left + columns]
        patch[:] = (patch * (1 - drawn.cover)).astype(np.uint8)
    if scribble:
        cv2.putText(grey, SECRET_MARK, (60, grey.shape[0] // 2), cv2.FONT_HERSHEY_SIMPLEX, 6, 0, 24)
    return grey


def pictures_of(marks: dict[int, Sequence[int]], *, scribble: bool = False):
    """For `write_reading`: what each presentation shows."""

    def pictures(one: Reading) -> Pictures:
        if not one.boxes:
            return Pictures(tuple(_jpeg(np.full((200, 300), 90, np.uint8)) for _ in one.frames))
        drawn = sheet(marks[one.n], scribble=scribble, seed=one.n)
        boxes = {}
        for choice in STYLE.choices:
            x, y, w, h = choice.box
            beside = 0.33 * w
            left, top, right, bottom = (round(v * PX) for v in (x - beside, y - beside, x + w + beside, y + h + beside))
            boxes[choice.id] = _png(cv2.resize(drawn[top:bottom, left:right], (48, 48), interpolation=cv2.INTER_AREA))
        return Pictures(tuple(_jpeg(drawn) for _ in one.frames), _png(drawn), boxes)

    return pictures


def _png(picture: np.ndarray) -> bytes:
    return cv2.imencode(".png", picture)[1].tobytes()


def _jpeg(picture: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", picture)[1].tobytes()


def count_of(readings: Sequence[Reading], style_sha256: str, film: str = "film.mp4") -> Count:
    """A count whose film lasts as long as is needed."""
    seconds = max((r.to_s for r in readings), default=0) + 10
    return Count(
        Source(film, "a" * 64, seconds, 1920, 1080),
        Maker("test", "b" * 64, {STYLE.id: style_sha256}),
        tuple(readings),
        (),
    )


def make_recount(home: Path, counts: dict[str, Sequence[Reading]], *, scribble: bool = False) -> Path:
    """A folder with the style and these counts; every ballot is marked where the machine, or else row 1, says."""
    written = write_style(STYLE, home / "styles")
    sha256 = hashlib.sha256((written / "style.toml").read_bytes()).hexdigest()
    rows = {c.id: i for i, c in enumerate(STYLE.choices)}
    for name, readings in counts.items():
        marks = {r.n: [rows.get(r.choice or "", 1)] for r in readings}
        write_reading(home / "counts" / name, count_of(readings, sha256), pictures_of(marks, scribble=scribble))
    return home


def make_desk(home: Path, clock: ManualClock, **settings: object) -> Desk:
    """A desk with accredited readers' codes, in one network."""
    words = {"seed": "drawn by dice", "audit_share": 1.0, "networks_apart": False, "access_codes": CODES, **settings}
    return Desk(home, PeopleSettings(**words), clock)


def answer_of(row: int) -> str:
    """The code of the answer that names this row."""
    return f"choice:{STYLE.id}/{STYLE.choices[row].id}"
