"""Crops of boxes with truth, many at a time: `python -m training.make_crops OUT --seeds 10000:10100 --jobs 16`.

Every seed is one file, so a stopped run goes on where it was. Several pictures of a ballot go through the product's own
reading of sheets; and, to be harder, are warped by the true corners with some error and fused by their median.
"""

import argparse
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aigaq.election import BallotStyle
from aigaq.recount.reading.second import BOX_SHARE, CROP
from aigaq.recount.reading.sheets import SheetReading, read_sheet
from aigaq.recount.reading.sighting import Sighting
from aigaq.recount.styles import LoadedStyle
from aigaq.simulator.ballots import PX_PER_MM, draw_ballot
from aigaq.simulator.count import Mark, Still, render_stills
from training.crops import SEEN
from training.plans import preset_plan, training_plan

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float64]
EMPTY, MARKED, UNREADABLE = range(3)
KINDS: Final = (
    "", "tick", "cross", "heart", "squiggle", "fill", "circle", "line", "plus", "dot", "star", "word",
)  # fmt: skip
_FINE: Final = 2
"""Stills are warped so much finer than the crop and then averaged down, as from the fused sheet."""
_STILLS: Final = 4
_READINGS: Final = 2
_WARPS: Final = 2
"""Fusions of different stills with different errors from one ballot, by the product and by the truth."""


@dataclass(frozen=True, slots=True)
class Crops:
    """Rows of one seed; `columns` are what is known of each row."""

    crops: Bytes
    blanks: Bytes
    columns: dict[str, NDArray[np.float32]]


Row = tuple[Bytes, Bytes, dict[str, float]]


def crops_of(seed: int, ballots: int, preset: str = "") -> Crops:
    """All crops of one seed: of a hard training count, or of one of the benchmark's presets as the product reads it."""
    plan = preset_plan(seed, ballots, preset) if preset else training_plan(seed, ballots)
    rng = np.random.default_rng([seed, 78])
    rows = list[Row]()
    for _, group in groupby(render_stills(plan, frames=_STILLS), key=lambda still: still.presented.n):
        stills = list(group)
        if preset:
            rows += _read(stills, rng)
            continue
        for _ in range(_READINGS):
            rows += _read(_some(stills, rng), rng)
        for _ in range(_WARPS):
            rows += _warped(_some(stills, rng), rng)
    columns = {name: np.array([row[2][name] for row in rows], np.float32) for name in rows[0][2]}
    columns["seed"] = np.full(len(rows), seed, np.float32)
    return Crops(np.stack([row[0] for row in rows]), np.stack([row[1] for row in rows]), columns)


def _some(stills: list[Still], rng: np.random.Generator) -> list[Still]:
    count = int(rng.integers(1, len(stills) + 1))
    return [stills[i] for i in rng.permutation(len(stills))[:count]]


@cache
def _style(style: BallotStyle) -> LoadedStyle:
    return LoadedStyle(style, draw_ballot(style), "")


def _read(stills: list[Still], rng: np.random.Generator) -> Iterator[Row]:
    """What the product makes of them, the corners a little off as finding gives them."""
    reading = read_sheet(_style(stills[0].presented.ballot.style), [_sighting(still, rng) for still in stills])
    if not reading.boxes or not _in_place(reading, stills):
        return
    marks = {mark.choice: mark for mark in stills[0].presented.ballot.marks}
    for number, box in enumerate(reading.boxes):
        shares = [still.visible[number] for still in stills]
        torn = max(shares) >= SEEN > float(np.median(shares))
        if torn:  # It depends on what the fusion took for covered, which is not known here.
            continue
        facts = _facts(marks.get(box.choice), max(shares), stills, number)
        yield box.crop, box.blank, facts | {"product": 1.0, "said_visible": box.visible, "label_fit": box.label}


def _sighting(still: Still, rng: np.random.Generator) -> Sighting:
    tall, wide = still.picture.shape[:2]
    rgb = cv2.resize(still.picture, (wide // 4, tall // 4), interpolation=cv2.INTER_AREA).astype(np.uint8)
    grey = cv2.cvtColor(still.picture, cv2.COLOR_RGB2GRAY).astype(np.uint8)
    return Sighting(grey, rgb, (0, 0), still.corners + rng.normal(0, 3, (4, 2)), 1.0, 0.0)


def _in_place(reading: SheetReading, stills: list[Still]) -> bool:
    """Whether no sheet was taken for one that lies a row further: its truth would be a neighbour's."""
    play = 0.3 * reading.box_px
    return all(
        min(float(np.abs(np.array(frame.corners) - still.corners).mean()) for still in stills) < play
        for frame in reading.frames
    )


def _warped(stills: list[Still], rng: np.random.Generator) -> Iterator[Row]:
    """Fused by the true corners with some error: worse than the product's, so that the reader bears what goes wrong."""
    ballot = stills[0].presented.ballot
    marks = {mark.choice: mark for mark in ballot.marks}
    page = cv2.cvtColor(draw_ballot(ballot.style), cv2.COLOR_RGB2GRAY).astype(np.uint8)
    grey = [cv2.cvtColor(still.picture, cv2.COLOR_RGB2GRAY).astype(np.uint8) for still in stills]
    common = rng.normal(0, rng.choice((0.3, 0.8, 1.6)), 2)
    for number, choice in enumerate(ballot.style.choices):
        astray = rng.random() < 0.015
        shift = common + _astray(rng) if astray else common
        pieces = [
            _piece(g, s.boxes[number], shift + rng.normal(0, 0.25, 2), rng) for g, s in zip(grey, stills, strict=True)
        ]
        fused = np.median(np.stack(pieces), axis=0).astype(np.uint8)
        crop = cv2.resize(fused, (CROP, CROP), interpolation=cv2.INTER_AREA).astype(np.uint8)
        visible = float(np.median([still.visible[number] for still in stills]))
        facts = _facts(marks.get(choice.id), visible, stills, number)
        facts |= {"product": 0.0, "said_visible": visible, "label_fit": 1.0}
        if astray:
            facts["label"] = UNREADABLE
        yield crop, blank_crop(page, choice.box), facts


def _astray(rng: np.random.Generator) -> Floats:
    """In shares of a box, as the other shifts are in pixels of the crop: quite another place."""
    turn = rng.uniform(0, 2 * np.pi)
    return np.array([np.cos(turn), np.sin(turn)]) * rng.uniform(0.3, 1.2) * CROP * BOX_SHARE


def blank_crop(page: Bytes, box: tuple[float, float, float, float]) -> Bytes:
    """The blank's crop; 8 px/mm are averaged down."""
    x, y, w, h = (side * PX_PER_MM for side in box)
    corners = np.array([(x, y), (x + w, y), (x + w, y + h), (x, y + h)]) - 0.5
    fine = 4
    piece = cv2.warpPerspective(
        page, _matrix(corners, fine), (CROP * fine,) * 2, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    )
    return cv2.resize(piece, (CROP, CROP), interpolation=cv2.INTER_AREA).astype(np.uint8)


def _matrix(corners: Floats, fine: int) -> Floats:
    """From pixels of a crop so much finer to those of the picture."""
    low, high = CROP * fine * (1 - BOX_SHARE) / 2 - 0.5, CROP * fine * (1 + BOX_SHARE) / 2 - 0.5
    square = np.array([(low, low), (high, low), (high, high), (low, high)], np.float32)
    return cv2.getPerspectiveTransform(square, corners.astype(np.float32)).astype(np.float64)


def _piece(grey: Bytes, corners: Floats, shift: Floats, rng: np.random.Generator) -> Bytes:
    side = float(np.linalg.norm(corners[1] - corners[0]))
    per_pixel = side / (CROP * BOX_SHARE)
    moved = corners + shift * per_pixel + rng.normal(0, 0.15 * per_pixel, (4, 2))
    return cv2.warpPerspective(
        grey, _matrix(moved, _FINE), (CROP * _FINE,) * 2,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE,
    ).astype(np.uint8)  # fmt: skip


def _facts(mark: Mark | None, visible: float, stills: list[Still], number: int) -> dict[str, float]:
    corners = stills[0].boxes[number]
    ballot = stills[0].presented.ballot
    label = UNREADABLE if ballot.form == "other" else EMPTY if mark is None else MARKED
    return {
        "label": label,
        "visible": visible,
        "kind": 0 if mark is None else KINDS.index(mark.kind),
        "strength": 0.0 if mark is None else mark.strength,
        "box_px": float(np.sqrt(cv2.contourArea(corners.astype(np.float32)))),
        "stills": len(stills),
        "ballot": stills[0].presented.n,
    }


def _write(out: Path, seed: int, ballots: int, preset: str) -> str:
    path = out / f"{preset or 'crops'}-{seed}.npz"
    if path.exists():
        return f"{path.name} is there"
    cv2.setNumThreads(1)
    made = crops_of(seed, ballots, preset)
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez(file, crops=made.crops, blanks=made.blanks, **made.columns)
    part.rename(path)
    return f"{path.name}: {len(made.crops)} crops"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seeds", required=True, help="FROM:TO, without TO")
    parser.add_argument("--ballots", type=int, default=30)
    parser.add_argument("--preset", default="", help="a preset of the benchmark in place of hard training counts")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1e9, help="begin no further seed after so long")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    first, last = (int(part) for part in args.seeds.split(":"))
    deadline = time.monotonic() + args.seconds
    waiting = set[Future[str]]()
    # A process keeps every paper that it has drawn, so it does not live long.
    with ProcessPoolExecutor(args.jobs, get_context("spawn"), max_tasks_per_child=6) as pool:
        for seed in range(first, last):
            if len(waiting) >= args.jobs:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                _tell(done)
            if time.monotonic() > deadline:
                break
            waiting.add(pool.submit(_write, args.out, seed, args.ballots, args.preset))
    _tell(waiting)


def _tell(done: Iterable[Future[str]]) -> None:
    for future in done:
        print(future.result(), flush=True)


if __name__ == "__main__":
    main()
