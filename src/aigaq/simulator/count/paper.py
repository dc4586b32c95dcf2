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
_EVERY: Final = 2.0
_ALONG: Final = np.arange(-_REACH, _REACH + 1, _EVERY)
_ROUNDS: Final = 5
"""Of Newton's method, which finds the sheet under a pixel: a ray is cut with the paper's tangent plane."""
_GRAZING: Final = 0.2
"""A tangent plane that a ray hardly meets is taken for steeper, so that a step is never wild."""


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
    """A profile along the paper: rows of how far a point moves along the level sheet, how high it is, how steep."""

    across: float
    down: float
    rows: Floats

    def at(self, a: Floats, b: Floats) -> Floats:
        """The three values, (…, 3), by linear interpolation."""
        place = np.clip((a * self.across + b * self.down + _REACH) / _EVERY, 0, len(self.rows) - 1.001)
        index = place.astype(np.intp)
        start = self.rows[index]
        return start + (self.rows[index + 1] - start) * (place - index)[..., None]


@dataclass(frozen=True, slots=True)
class _Bent:
    """What bends do to points: moves along the level sheet, heights out of it, rises per mm to the right and down."""

    right: Floats
    down: Floats
    height: Floats
    rise_right: Floats
    rise_down: Floats


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

    @property
    def axes(self) -> Floats:
        """Right, down and the normal, as rows."""
        return np.stack([self.right, self.down, self.normal])


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
        bent = self._bent(sheet[..., 0], sheet[..., 1])
        pose = self.pose
        right, down = sheet[..., 0] + bent.right, sheet[..., 1] + bent.down
        return pose.middle + np.stack([right, down, bent.height], axis=-1) @ pose.axes

    def under(self, camera: Camera, pixels: Floats) -> Floats:
        """Sheet coordinates (…, 2) under pixels (…, 2), beyond the edges too. The front or back must face the eye."""
        axes = self.pose.axes
        start = axes @ (np.array(camera.eye) - self.pose.middle)
        to_right, to_down, out = np.moveaxis(camera.rays(pixels) @ axes.T, -1, 0)
        a = b = right = down = np.zeros(pixels.shape[:-1])
        for _ in range(_ROUNDS):
            bent = self._bent(a, b)
            steep = out - bent.rise_right * to_right - bent.rise_down * to_down
            least = _GRAZING * out
            steep = np.where(steep * np.sign(least) < np.abs(least), least, steep)
            rise = bent.rise_right * (start[0] - right) + bent.rise_down * (start[1] - down)
            far = (bent.height + rise - start[2]) / steep
            right, down = start[0] + far * to_right, start[1] + far * to_down
            a, b = right - bent.right, down - bent.down
        return np.stack([a, b], axis=-1)

    def normals(self, sheet: Floats) -> Floats:
        """Unit normals of the front page in the room (…, 3)."""
        bent = self._bent(sheet[..., 0], sheet[..., 1])
        lean = np.stack([-bent.rise_right, -bent.rise_down, np.ones_like(bent.height)], axis=-1)
        out = lean @ self.pose.axes
        return out / np.linalg.norm(out, axis=-1, keepdims=True)

    def _bent(self, a: Floats, b: Floats) -> _Bent:
        right, down, height, rise_right, rise_down = (np.zeros(a.shape) for _ in range(5))
        for table in self._tables:
            shift, up, steep = np.moveaxis(table.at(a, b), -1, 0)
            right += shift * table.across
            down += shift * table.down
            height += up
            rise_right += steep * table.across
            rise_down += steep * table.down
        for bump in self.bumps:
            x, y = a - bump.a, b - bump.b
            swell = bump.height * np.exp(-(x * x + y * y) / (2 * bump.width**2))
            height += swell
            rise_right -= swell * x / bump.width**2
            rise_down -= swell * y / bump.width**2
        return _Bent(right, down, height, rise_right, rise_down)


def _table(bend: Bend, more: float) -> _Table:
    angle = bend.slopes(more)
    rows = np.stack([_from_middle(np.cos(angle)) - _ALONG, _from_middle(np.sin(angle)), np.tan(angle)], axis=1)
    return _Table(float(np.cos(bend.direction)), float(np.sin(bend.direction)), rows)


def _from_middle(rate: Floats) -> Floats:
    """The integral from the sheet's middle, by trapezes."""
    total = np.concatenate([[0.0], np.cumsum((rate[1:] + rate[:-1]) * _EVERY / 2)])
    return total - np.interp(0.0, _ALONG, total)


def outline(size_mm: tuple[float, float], *, steps: int) -> Floats:
    """Points around the edge of a sheet, in its coordinates, the top left corner first, clockwise."""
    wide, tall = size_mm[0] / 2, size_mm[1] / 2
    share = np.linspace(0, 1, steps, endpoint=False)
    corners = np.array([(-wide, -tall), (wide, -tall), (wide, tall), (-wide, tall)])
    sides = zip(corners, np.roll(corners, -1, axis=0), strict=True)
    return np.concatenate([start + share[:, None] * (end - start) for start, end in sides])
