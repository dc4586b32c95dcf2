"""A ballot as a picture: the blank, the voter's ink, the signature, creases and wear, at the film's resolution."""

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from aigaq.election import BallotStyle, Box
from aigaq.simulator.ballots import PX_PER_MM, draw_back, draw_ballot
from aigaq.simulator.count.cast import Ballot
from aigaq.simulator.count.marks import INKS, Inked, Mark, ink, signature
from aigaq.simulator.count.paper import Bend

Bytes = NDArray[np.uint8]


def front(ballot: Ballot, px_per_mm: float, bends: tuple[Bend, ...] = ()) -> Bytes:
    """The front page, RGB."""
    page = _blank(ballot, px_per_mm).copy()
    for mark in (*ballot.marks, *_signature(ballot)):
        _stamp(page, ink(mark, px_per_mm), mark)
    return _worn(page, ballot.seed, px_per_mm, bends)


def back(ballot: Ballot, px_per_mm: float, bends: tuple[Bend, ...] = ()) -> Bytes:
    """The back page as it lies when the sheet is turned about its long edge, RGB; ink shows through a little."""
    if ballot.form != "established":
        page = np.full_like(_blank(ballot, px_per_mm), 236)
    else:
        page = _back(ballot.style, px_per_mm).copy()
    wide = ballot.style.size_mm[0]
    for mark in ballot.marks:
        inked = ink(mark, px_per_mm)
        left = round(wide * px_per_mm) - inked.left - inked.cover.shape[1]
        soft = cv2.GaussianBlur(inked.cover[:, ::-1], (0, 0), 1.2).astype(np.float32)
        _stamp(page, Inked(soft * np.float32(0.1), left, inked.top), mark)
    mirrored = tuple(Bend(np.pi - b.direction, b.curl, b.ends, b.folds) for b in bends)
    return _worn(page, ballot.seed + 1, px_per_mm, mirrored)


def box_share(mark: Mark, box: Box) -> float:
    """The share of a mark's ink that lies in the box."""
    return ink(mark, PX_PER_MM).share_in(box, PX_PER_MM)


def _blank(ballot: Ballot, px_per_mm: float) -> Bytes:
    if ballot.form == "established":
        return _front(ballot.style, px_per_mm)
    return _copy(ballot.style, px_per_mm) if ballot.form == "copy" else _other(ballot.style, px_per_mm)


@cache
def _front(style: BallotStyle, px_per_mm: float) -> Bytes:
    return _scaled(draw_ballot(style), px_per_mm)


@cache
def _back(style: BallotStyle, px_per_mm: float) -> Bytes:
    return _scaled(draw_back(style), px_per_mm)


@cache
def _copy(style: BallotStyle, px_per_mm: float) -> Bytes:
    """A photocopy: the letters on plain white paper."""
    dark = (draw_ballot(style).max(axis=2) < 110).astype(np.uint8)
    page = np.repeat((240 - dark * 185)[..., None], 3, axis=2).astype(np.uint8)
    return _scaled(page, px_per_mm)


@cache
def _other(style: BallotStyle, px_per_mm: float) -> Bytes:
    """Some typed page that is no ballot."""
    wide, tall = (round(side * PX_PER_MM) for side in style.size_mm)
    page = np.full((tall, wide, 3), 241, np.uint8)
    rng = np.random.default_rng(wide)
    for row in range(30, int(style.size_mm[1]) - 30, 9):
        x = 22.0
        end = style.size_mm[0] - 20 - (rng.uniform(0, 90) if rng.random() < 0.2 else 0)
        while x < end:
            word = rng.uniform(4, 17)
            top, left, right = row * PX_PER_MM, round(x * PX_PER_MM), round(min(x + word, end) * PX_PER_MM)
            page[top : top + 16, left:right:3] = 96
            x += word + 2.5
    return _scaled(page, px_per_mm)


def _scaled(page: Bytes, px_per_mm: float) -> Bytes:
    tall, wide = page.shape[:2]
    size = (round(wide * px_per_mm / PX_PER_MM), round(tall * px_per_mm / PX_PER_MM))
    return cv2.resize(page, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _signature(ballot: Ballot) -> list[Mark]:
    return signature(ballot.seed, ballot.style.endorsement_area) if ballot.endorsed else []


def _stamp(page: Bytes, inked: Inked, mark: Mark) -> None:
    """Lay ink over the page; what falls beyond its edge is not there."""
    tall, wide = page.shape[:2]
    top, left = max(0, inked.top), max(0, inked.left)
    bottom = min(tall, inked.top + inked.cover.shape[0])
    right = min(wide, inked.left + inked.cover.shape[1])
    if top >= bottom or left >= right:
        return
    cover = inked.cover[top - inked.top : bottom - inked.top, left - inked.left : right - inked.left, None]
    patch = page[top:bottom, left:right]
    patch[:] = np.rint(patch * (1 - cover) + np.array(INKS[mark.ink], np.float32) * cover).astype(np.uint8)


def _worn(page: Bytes, seed: int, px_per_mm: float, bends: tuple[Bend, ...]) -> Bytes:
    """Handling: faint blotches, and the fibres that a fold has broken."""
    rng = np.random.default_rng(seed)
    tall, wide = page.shape[:2]
    blotches = cv2.resize(rng.normal(0, 1, (9, 7)).astype(np.float32), (wide, tall), interpolation=cv2.INTER_CUBIC)
    light = 1 + 0.012 * blotches
    for bend in bends:
        upright = abs(np.cos(bend.direction)) > 0.999
        level = abs(np.sin(bend.direction)) > 0.999
        side = wide if upright else tall
        for fold in bend.folds if upright or level else ():
            at = np.arange(side) / px_per_mm - side / px_per_mm / 2
            toward = np.sign(np.cos(bend.direction) if upright else np.sin(bend.direction))
            crease = 0.05 * np.exp(-(((at - fold.at * toward) / 0.45) ** 2))
            line = (1 - np.sign(fold.angle) * crease).astype(np.float32)
            light = light * (line[None, :] if upright else line[:, None])
    return cv2.multiply(page, cv2.merge([light.astype(np.float32)] * 3), dtype=cv2.CV_8U).astype(np.uint8, copy=False)
