"""How a sheet bends: cylinders and folds that keep its lengths, and gentle bumps; both ways through the lens.

A profile bends the sheet along one direction: its slope's angle is known along the paper, so the lengths on the paper
stay true (a developable surface). Sheet coordinates `(a, b)` are mm to the right and down from the sheet's middle.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aigaq.simulator.count.camera import Camera

Floats = NDArray[np.float64]
_REACH: Final = 300.0
_ALONG: Final = np.arange(-_REACH, _REACH + 1, 2.0)
_ROUNDS: Final = 8
"""Of the fixed point that finds the sheet under a pixel: each shrinks the error by slope x tangent of the skew."""


@dataclass(frozen=True, slots=True)
class Fold:
    """A crease `at` mm along a profile's direction, of `angle` radians, `width` mm soft."""

    at: float
    angle: float
    width: float = 3.0


@dataclass(frozen=True, slots=True)
class Bend:
    """One profile: the direction (radians from the sheet's right), the curl per mm, more of it at the ends, folds."""

    direction: float
    curl: float = 0.0
    ends: float = 0.0
    folds: tuple[Fold, ...] = ()

    def slopes(self, more: float = 1.0) -> Floats:
        """Angles of the slope along the paper, on average level."""
        angle = more * (self.curl * _ALONG + self.ends * (_ALONG / 150) ** 3)
        for fold in self.folds:
            angle = angle + fold.angle * (0.5 + 0.5 * np.tanh((_ALONG - fold.at) / fold.width))
        inner = angle[np.abs(_ALONG) < 150]
        return np.clip(angle - inner.mean(), -0.9, 0.9)


@dataclass(frozen=True, slots=True)
class Bump:
    """A soft swelling of the paper, mm."""

    a: float
    b: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class _Table:
    direction: Floats
    shift: Floats
    height: Floats
    slope: Floats


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a sheet is: its middle, and unit vectors to its right and down."""

    middle: Floats
    right: Floats
    down: Floats

    @property
    def normal(self) -> Floats:
        """Out of the front page."""
        return np.cross(self.down, self.right)


@dataclass(frozen=True)
class Surface:
    """A bent sheet at one moment."""

    pose: Pose
    bends: tuple[Bend, ...]
    bumps: tuple[Bump, ...] = ()
    more: float = 1.0
    """How much of its curl it has at the moment."""
    _tables: tuple[_Table, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_tables", tuple(_table(bend, self.more) for bend in self.bends))

    def points(self, sheet: Floats) -> Floats:
        """Points of the room (…, 3) of sheet coordinates (…, 2)."""
        shift, height = self._lift(sheet)
        flat = sheet + shift
        pose = self.pose
        return pose.middle + flat[..., :1] * pose.right + flat[..., 1:] * pose.down + height[..., None] * pose.normal

    def under(self, camera: Camera, pixels: Floats) -> Floats:
        """Sheet coordinates (…, 2) under pixels (…, 2), beyond the edges too. The front or back must face the eye."""
        rays = camera.rays(pixels)
        pose = self.pose
        frame = np.stack([pose.right, pose.down, pose.normal])
        start = frame @ (np.array(camera.eye) - pose.middle)
        along = rays @ frame.T
        sheet = np.zeros_like(pixels)
        shift: Floats = np.zeros_like(pixels)
        height: Floats = np.zeros(pixels.shape[:-1])
        for _ in range(_ROUNDS):
            far = (height - start[2]) / along[..., 2]
            sheet = start[:2] + far[..., None] * along[..., :2] - shift
            shift, height = self._lift(sheet)
        return sheet

    def normals(self, sheet: Floats) -> Floats:
        """Unit normals of the front page in the room (…, 3)."""
        lean = np.zeros_like(sheet)
        for table in self._tables:
            lean += np.interp(sheet @ table.direction, _ALONG, table.slope)[..., None] * table.direction
        for bump in self.bumps:
            away = sheet - (bump.a, bump.b)
            swell = bump.height * np.exp(-(away**2).sum(axis=-1) / (2 * bump.width**2))
            lean -= (swell / bump.width**2)[..., None] * away
        pose = self.pose
        out = pose.normal - lean[..., :1] * pose.right - lean[..., 1:] * pose.down
        return out / np.linalg.norm(out, axis=-1, keepdims=True)

    def _lift(self, sheet: Floats) -> tuple[Floats, Floats]:
        """How far the bends move points along the level sheet, and out of it."""
        shift: Floats = np.zeros_like(sheet)
        height: Floats = np.zeros(sheet.shape[:-1])
        for table in self._tables:
            along = sheet @ table.direction
            shift += np.interp(along, _ALONG, table.shift)[..., None] * table.direction
            height += np.interp(along, _ALONG, table.height)
        for bump in self.bumps:
            away = sheet - (bump.a, bump.b)
            height += bump.height * np.exp(-(away**2).sum(axis=-1) / (2 * bump.width**2))
        return shift, height


def _table(bend: Bend, more: float) -> _Table:
    angle = bend.slopes(more)
    return _Table(
        direction=np.array([np.cos(bend.direction), np.sin(bend.direction)]),
        shift=_from_middle(np.cos(angle)) - _ALONG,
        height=_from_middle(np.sin(angle)),
        slope=np.tan(angle),
    )


def _from_middle(rate: Floats) -> Floats:
    """The integral from the sheet's middle, by trapezes."""
    step = _ALONG[1] - _ALONG[0]
    total = np.concatenate([[0.0], np.cumsum((rate[1:] + rate[:-1]) * step / 2)])
    return total - np.interp(0.0, _ALONG, total)


def outline(size_mm: tuple[float, float], *, steps: int) -> Floats:
    """Points around the edge of a sheet, in its coordinates, the top left corner first, clockwise."""
    wide, tall = size_mm[0] / 2, size_mm[1] / 2
    share = np.linspace(0, 1, steps, endpoint=False)
    corners = np.array([(-wide, -tall), (wide, -tall), (wide, tall), (-wide, tall)])
    sides = zip(corners, np.roll(corners, -1, axis=0), strict=True)
    return np.concatenate([start + share[:, None] * (end - start) for start, end in sides])
