"""Where each point of a sheet is in the film: from rough corners to a dense map that follows curl and folds.

One homography is not enough for paper in hands. Blocks of the print are found around their places, from coarse to fine,
and a smooth bend is fitted that outvotes what lies over the paper; what is left is taken up locally, block by block.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from aigaq.recount.reading.sheets.pattern import Bytes, Doubles, Floats, Knots, Level, Pattern, levelled, terms
from aigaq.recount.reading.sighting import Sighting

_LEAST_MATCH: Final = 0.25
_FARTHEST_PX: Final = 1e5
_RANGE: Final = (0.4, 40.0)
"""Pixels per mm."""
_SURELY_AGREED: Final = 0.75
_GOOD_MM: Final = 1.5
_SOFT: Final = 1e-4
_STIFF: Final = 0.003
_SCHEDULES: Final[tuple[tuple[tuple[int, float], ...], ...]] = (
    ((1, 8.0), (1, 6.0), (2, 5.0), (2, 4.0), (2, 3.0)),
    ((2, 4.0), (3, 3.0), (3, 2.0), (3, 2.0)),
    ((3, 3.0), (4, 2.0), (4, 1.5)),
)
"""Degree and the deviation (mm) at which a block loses most of its vote, round by round, level by level."""
_ROUNDS: Final = 2
_SOFT_MM: Final = 1.0
_FIRM: Final = np.diag((1e-2, 0.3, 0.3))
"""Where few blocks speak the field goes back to the bend, and is level rather than steep."""


@dataclass(frozen=True, slots=True, eq=False)
class Registered:
    """A map from a rectified sheet to the pixels of a sighting's picture."""

    x: Floats
    """(h, w) at `FLOW`."""
    y: Floats
    bend: Doubles
    """(terms, 2) the polynomial of its curl, mm: a start for the next sighting of the same sheet."""
    agreed: float
    """Share of the votes of blocks that agree with the bend, 0 to 1."""
    px_per_mm: float
    """Of the sighting."""

    def at(self, size: tuple[int, int]) -> tuple[Floats, Floats]:
        """The map for a rectified picture of another size."""
        x, y = (cv2.resize(m, size, interpolation=cv2.INTER_LINEAR).astype(np.float32, copy=False) for m in self.maps)
        return x, y

    @property
    def maps(self) -> tuple[Floats, Floats]:
        """X and y."""
        return self.x, self.y


def resolution(corners: Doubles, size_mm: tuple[float, float]) -> float:
    """Pixels per mm of a sheet with these corners."""
    x, y = corners[:, 0], corners[:, 1]
    area = abs(float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum())) / 2
    return float(np.sqrt(area / (size_mm[0] * size_mm[1])))


def is_sheet(corners: Doubles, size_mm: tuple[float, float]) -> bool:
    """Whether these can be a sheet's corners: finite, clockwise, convex, neither tiny nor vast."""
    if corners.shape != (4, 2) or not np.isfinite(corners).all() or np.abs(corners).max() > _FARTHEST_PX:
        return False
    sides = np.roll(corners, -1, axis=0) - corners
    after = np.roll(sides, -1, axis=0)
    turns = sides[:, 0] * after[:, 1] - sides[:, 1] * after[:, 0]
    return bool((turns > 0).all()) and _RANGE[0] <= resolution(corners, size_mm) <= _RANGE[1]


def register(pattern: Pattern, sighting: Sighting, start: Doubles | None = None) -> Registered:
    """Find the sheet, from the bend of another sighting of it where there is one.

    What the map is worth is told by `agreed`, and later by the boxes' own frames.
    """
    size_mm = pattern.style.style.size_mm
    corners = sighting.corners - np.array(sighting.origin_px)
    px_per_mm = resolution(corners, size_mm)
    small, by = _smaller(sighting.grey, px_per_mm)
    lens = _lens((corners + 0.5) / by - 0.5, size_mm)
    bend, agreed = np.zeros((1, 2)), 0.0
    if start is not None:
        bend, agreed = _bends(pattern, small, lens, start, 1)
    if agreed < _SURELY_AGREED:
        bend, agreed = _bends(pattern, small, lens, np.zeros((1, 2)), 0)
    near = _settled(pattern, small, lens, bend)
    x, y = ((m + np.float32(0.5)) * np.float32(by) - np.float32(0.5) for m in near)
    return Registered(x, y, bend, agreed, px_per_mm)


def _bends(pattern: Pattern, grey: Bytes, lens: Doubles, bend: Doubles, first: int) -> tuple[Doubles, float]:
    """From level to level, all but the finest."""
    agreed = 0.0
    for level, schedule in list(zip(pattern.levels[:-1], _SCHEDULES, strict=True))[first:]:
        bend, agreed = _bent(level, grey, lens, bend, schedule)
    return bend, agreed


def _smaller(grey: Bytes, px_per_mm: float) -> tuple[Bytes, int]:
    """The picture at one to two pixels per mm, and by what whole factor it was made smaller."""
    by = max(1, int(px_per_mm / 1.25))
    if by == 1:
        return grey, 1
    tall, wide = grey.shape[0] // by * by, grey.shape[1] // by * by
    size = (wide // by, tall // by)
    return cv2.resize(grey[:tall, :wide], size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False), by


def _lens(corners: Doubles, size_mm: tuple[float, float]) -> Doubles:
    """The homography from mm of the sheet to pixels."""
    wide, tall = size_mm
    sheet = np.array([(0, 0), (wide, 0), (wide, tall), (0, tall)], np.float32)
    return cv2.getPerspectiveTransform(sheet, corners.astype(np.float32)).astype(np.float64)


def _degree(bend: Doubles) -> int:
    return (round(np.sqrt(8 * len(bend) + 1)) - 3) // 2


def _field(bend: Doubles, shape: tuple[int, int], margin: int) -> tuple[Floats, Floats]:
    """A polynomial bend (mm) at every pixel of a picture with a margin."""
    tall, wide = shape
    degree = _degree(bend)
    order = [(i, j) for i in range(degree + 1) for j in range(degree + 1 - i)]
    powers = [
        np.stack([((np.arange(-margin, n + margin) / n * 2 - 1) ** k) for k in range(degree + 1)]) for n in (wide, tall)
    ]
    full = np.zeros((2, degree + 1, degree + 1))
    for (i, j), pair in zip(order, bend, strict=True):
        full[:, j, i] = pair
    across, down = (powers[1].T @ full[axis] @ powers[0] for axis in (0, 1))
    return across.astype(np.float32), down.astype(np.float32)


def _rays(lens: Doubles, bend: tuple[Floats, Floats], margin: int, px_per_mm: float) -> tuple[Floats, Floats]:
    """Where the pixels of a bent sheet with a margin (pixels), at so many pixels per mm, are in the picture."""
    tall, wide = bend[0].shape
    x = ((np.arange(wide, dtype=np.float32) - margin + 0.5) / px_per_mm)[None, :]
    y = ((np.arange(tall, dtype=np.float32) - margin + 0.5) / px_per_mm)[:, None]
    return through(lens, (x + bend[0]).astype(np.float32), (y + bend[1]).astype(np.float32))


def through(lens: Doubles, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Points of the sheet (mm) in the picture."""
    h = lens.astype(np.float32)
    far = h[2, 0] * x + h[2, 1] * y + h[2, 2]
    far = np.where(np.abs(far) < 1e-3, np.float32(1e-3), far)
    return (h[0, 0] * x + h[0, 1] * y + h[0, 2]) / far, (h[1, 0] * x + h[1, 1] * y + h[1, 2]) / far


def _bent(
    level: Level, grey: Bytes, lens: Doubles, bend: Doubles, schedule: tuple[tuple[int, float], ...]
) -> tuple[Doubles, float]:
    """A smooth bend (coefficients in mm) that most blocks agree on, starting from a coarser one."""
    across, down = _rays(lens, _field(bend, _shape(level.picture), level.reach), level.reach, level.px_per_mm)
    seen = cv2.remap(grey, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.uint8, copy=False)
    moves, match = _moves(level, levelled(seen, level.px_per_mm))
    start = _basis(level, _degree(bend)) @ bend
    moves = moves + start
    votes = np.clip(match - _LEAST_MATCH, 0, None) ** 2
    if votes.sum() <= 0:
        return bend, 0.0
    middle = np.median(moves, axis=0) if _degree(bend) == 0 else start
    off = np.hypot(*(moves - middle).T)
    for degree, soft in schedule:
        basis = _basis(level, degree)
        weighted = basis * (votes / (1 + (off / soft) ** 2) ** 2)[:, None]
        bend = np.linalg.solve(basis.T @ weighted + np.diag(_stiffness(degree)), weighted.T @ moves)
        off = np.hypot(*(moves - basis @ bend).T)
    return bend, float((votes * (off < _GOOD_MM)).sum() / votes.sum())


def _stiffness(degree: int) -> Doubles:
    """Higher powers are dear: beyond the last block that is seen they would run away."""
    powers = [i + j for i in range(degree + 1) for j in range(degree + 1 - i)]
    return np.array([_SOFT if power < 3 else _STIFF for power in powers])


def _shape(picture: Bytes) -> tuple[int, int]:
    return picture.shape[0], picture.shape[1]


def _basis(level: Level, degree: int) -> Doubles:
    if degree == level.degree:
        return level.basis
    tall, wide = level.picture.shape
    return terms(level.places[:, 0] / wide * 2 - 1, level.places[:, 1] / tall * 2 - 1, degree)


def _moves(level: Level, seen: Bytes) -> tuple[Doubles, Doubles]:
    """How far each block lies from its place (mm), and how well it was recognised, -1 to 1."""
    half, reach = level.half, level.reach
    count = len(level.places)
    best, match = np.zeros((count, 2), np.intp), np.zeros(count)
    around = np.zeros((count, 2, 3))
    for n, (x, y) in enumerate(level.places.tolist()):
        block = level.picture[y - half : y + half + 1, x - half : x + half + 1]
        near = seen[y - half : y + half + 1 + 2 * reach, x - half : x + half + 1 + 2 * reach]
        score = cv2.matchTemplate(near, block, cv2.TM_CCOEFF_NORMED)
        _, match[n], _, (column, row) = cv2.minMaxLoc(score)
        best[n] = column, row
        if 0 < column < 2 * reach and 0 < row < 2 * reach:
            around[n, 0] = score[row, column - 1 : column + 2]
            around[n, 1] = score[row - 1 : row + 2, column]
    return (best - reach + _peaks(around)) / level.px_per_mm, match


def _peaks(three: Doubles) -> Doubles:
    """Where between three samples (…, 3) their parabola is highest; 0 where there is none."""
    before, at, after = np.moveaxis(three, -1, 0)
    curve = before + after - 2 * at
    return np.where(curve < -1e-9, (before - after) / (2 * np.minimum(curve, -1e-9)), 0)


def _settled(pattern: Pattern, grey: Bytes, lens: Doubles, bend: Doubles) -> tuple[Floats, Floats]:
    """The bend's map, moved by what the finest blocks still find around them."""
    level = pattern.levels[-1]
    wide = _field(bend, _shape(level.picture), level.reach)
    rays = _rays(lens, wide, level.reach, level.px_per_mm)
    seen = cv2.remap(grey, *rays, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.uint8, copy=False)
    moves, match = _moves(level, levelled(seen, level.px_per_mm))
    knots = _local(pattern.knots, moves, np.clip(match - _LEAST_MATCH, 0, None) ** 2)
    tall, width = level.picture.shape
    field = cv2.resize(knots.astype(np.float32), (width, tall), interpolation=cv2.INTER_LINEAR)
    inner = slice(level.reach, -level.reach or None)
    across, down = (wide[axis][inner, inner] + field[..., axis] for axis in (0, 1))
    return _rays(lens, (across.astype(np.float32), down.astype(np.float32)), 0, level.px_per_mm)


def _local(knots: Knots, moves: Doubles, votes: Doubles) -> Doubles:
    """Moves at the knots (rows, columns, 2): a plane through the blocks around, those that stand out outvoted."""
    near, votes_near = moves[knots.blocks], knots.near * votes[knots.blocks]
    across = np.swapaxes(knots.away, 1, 2)
    off = np.zeros(votes_near.shape)
    plane = np.zeros((len(off), 3, 2))
    for _ in range(_ROUNDS):
        weight = (votes_near / (1 + (off / _SOFT_MM) ** 2) ** 2)[:, None]
        square = (across * weight) @ knots.away + _FIRM
        plane = np.asarray(np.linalg.solve(square, (across * weight) @ near), np.float64)
        off = np.hypot(*np.moveaxis(near - knots.away @ plane, -1, 0))
    return plane[:, 0].reshape(*knots.shape, 2)
