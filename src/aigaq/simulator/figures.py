"""People as simple figures: no faces, no likeness of anybody. One unit is a hundredth of a person's height."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Final, Literal

from aigaq.simulator.paint import Point, Sheet, Sprite, mix

View = Literal["front", "back", "side"]
Hair = Literal["short", "long", "bun", "scarf", "cap", "grey"]
WIDE: Final = 104
TALL: Final = 108
PAPER: Final = 0xFDFDF8


@dataclass(frozen=True, slots=True)
class Person:
    """What somebody wears."""

    coat: int
    legs: int
    hair: Hair = "short"
    hair_colour: int = 0x2B2320
    skin: int = 0xD9A986
    long_coat: bool = False
    badge: bool = False
    size: float = 1.0


@dataclass(frozen=True, slots=True)
class Pose:
    """How somebody stands: angles in degrees from hanging down, forward (or outward) is positive."""

    view: View = "side"
    stride: int = 0
    """Of the legs, side view."""
    near: tuple[int, int] = (6, 10)
    """Upper arm and forearm of the arm that is in front."""
    far: tuple[int, int] = (-6, 4)
    sheet: bool = False
    """Holds a ballot."""
    seated: bool = False
    """Front view: the feet are 17 units higher."""


CROWD: Final = (
    Person(0x2F6F8F, 0x2B3440),
    Person(0xB4553F, 0x3A2E39, hair="long", hair_colour=0x3B241B, long_coat=True),
    Person(0x4F7A4A, 0x3B3A36, hair="grey", hair_colour=0xB9B6B0, size=0.97),
    Person(0x8A5A83, 0x2E2B3A, hair="scarf", hair_colour=0xE9E2D2, long_coat=True, size=0.94),
    Person(0xD3A23C, 0x2F3B4C, hair="bun", hair_colour=0x20191A, skin=0xE2B793, size=0.96),
    Person(0x46506B, 0x23262E, hair="cap", hair_colour=0x39414F, skin=0xC89470),
    Person(0x2E8577, 0x353B3A, hair="long", hair_colour=0x5A3A22, size=0.97),
    Person(0x7B6A58, 0x2C2A2A, hair="short", hair_colour=0x4A3B30, skin=0xE0B896, size=1.03),
)
MEMBERS: Final = (
    Person(0x34568B, 0x2A2F3A, hair="bun", hair_colour=0x2A1E1A, badge=True),
    Person(0x556B6E, 0x2A2F3A, hair="grey", hair_colour=0xA9A6A1, badge=True),
    Person(0x6B4E71, 0x2A2F3A, hair="long", hair_colour=0x33221B, skin=0xE2B793, badge=True),
    Person(0x3D6B57, 0x2A2F3A, hair="short", badge=True, skin=0xC89470),
    Person(0x8C5B4A, 0x2A2F3A, hair="scarf", hair_colour=0xD9E0E6, badge=True),
)


@cache
def figure(person: Person, pose: Pose, height: int) -> Sprite:
    """A person as a sprite of `height` pixels from the ground to above the head, looking right in side view."""
    unit = height / TALL * person.size
    width, tall = round(WIDE * height / TALL / 2) * 2, height // 2 * 2
    brush = _Brush(Sheet(width, tall), unit, width / 2, tall - 3 * unit)
    {"front": _facing, "back": _facing, "side": _sideways}[pose.view](brush, person, pose)
    return brush.sheet.sprite()


@dataclass(frozen=True, slots=True)
class _Brush:
    sheet: Sheet
    unit: float
    x: float
    y: float

    def point(self, x: float, y: float) -> Point:
        return self.x + x * self.unit, self.y + y * self.unit

    def limb(self, points: list[Point], r: float, colour: int) -> None:
        self.sheet.limb([self.point(*p) for p in points], r * self.unit, colour)

    def disc(self, x: float, y: float, rx: float, ry: float, colour: int) -> None:
        self.sheet.disc(*self.point(x, y), rx * self.unit, ry * self.unit, colour)

    def shape(self, points: list[Point], colour: int, r: float = 0) -> None:
        self.sheet.shape([self.point(*p) for p in points], colour, r=r * self.unit)


def _bend(start: Point, angles: tuple[int, int], lengths: tuple[float, float], side: int = 1) -> list[Point]:
    """Two bones from a joint; the second angle is added to the first."""
    points = [start]
    total = 0.0
    for angle, length in zip(angles, lengths, strict=True):
        total += math.radians(angle)
        x, y = points[-1]
        points.append((x + side * length * math.sin(total), y + length * math.cos(total)))
    return points


def _arm(brush: _Brush, person: Person, shoulder: Point, angles: tuple[int, int], side: int) -> Point:
    points = _bend(shoulder, angles, (16, 15), side)
    brush.limb(points, 3.3, mix(person.coat, 0x000000, 0.1))
    x, y = points[-1]
    brush.disc(x, y + 0.8, 2.7, 2.7, person.skin)
    return x, y + 0.8


def _ballot(brush: _Brush, hand: Point) -> None:
    x, y = hand
    brush.shape([(x - 3, y - 7), (x + 4, y - 8), (x + 6, y + 2), (x - 1, y + 3)], PAPER)
    brush.limb([(x - 0.5, y - 4), (x + 3.5, y - 4.6)], 0.35, 0x9AA4AC)
    brush.limb([(x, y - 1.6), (x + 4, y - 2.2)], 0.35, 0x9AA4AC)


def _sideways(brush: _Brush, person: Person, pose: Pose) -> None:
    dark = mix(person.legs, 0x000000, 0.18)
    far = _arm(brush, person, (1, -76), pose.far, 1)
    if pose.sheet and pose.far[0] > pose.near[0]:
        _ballot(brush, far)
    _leg(brush, dark, -pose.stride)
    _leg(brush, person.legs, pose.stride)
    hem = -30 if person.long_coat else -45
    brush.shape([(-5, -77), (4.5, -77), (6.5, hem), (-6.5, hem)], person.coat, r=2.5)
    hand = _arm(brush, person, (-0.5, -75), pose.near, 1)
    if pose.sheet and pose.near[0] >= pose.far[0]:
        _ballot(brush, hand)
    brush.limb([(0, -82), (0.5, -78)], 2.9, mix(person.skin, 0x000000, 0.12))
    _head(brush, person, "side")


def _leg(brush: _Brush, colour: int, swing: int) -> None:
    knee = -max(0, -swing) * 0.9
    hip, joint, foot = _bend((0, -46), (swing, round(knee)), (21, 21))
    brush.limb([hip, joint, foot], 4.0, colour)
    x, y = foot
    brush.limb([(x - 1, y + 2.2), (x + 4.2, y + 2.6)], 2.4, 0x2A2522)


def _facing(brush: _Brush, person: Person, pose: Pose) -> None:
    for side in (-1, 1):
        if pose.seated:
            brush.limb([(side * 4.4, -44), (side * 6.6, -39)], 5, mix(person.legs, 0xFFFFFF, 0.06))
            brush.limb([(side * 6.6, -37), (side * 6.4, -21)], 3.9, person.legs)
            brush.limb([(side * 6.6, -18), (side * 7.6, -17)], 2.7, 0x2A2522)
        else:
            lift = max(0, pose.stride * side * 0.06)
            brush.limb([(side * 4.4, -46), (side * 4.6, -24), (side * 4.8, -5 - lift)], 4.1, person.legs)
            brush.limb([(side * 5, -2 - lift), (side * 6.4, -1.4 - lift)], 2.6, 0x2A2522)
    hem = -28 if person.long_coat and not pose.seated else -45
    brush.shape([(-8, -78), (8, -78), (9, hem), (-9, hem)], person.coat, r=2.6)
    if pose.view == "front":
        brush.shape([(-2.6, -80.5), (2.6, -80.5), (0, -70)], mix(person.coat, 0xFFFFFF, 0.78))
    _arm(brush, person, (-9.6, -76), pose.far, -1)
    right = _arm(brush, person, (9.6, -76), pose.near, 1)
    if person.badge and pose.view == "front":
        brush.limb([(-4, -79), (0, -66), (4, -79)], 0.5, 0x2E9FC4)
        brush.shape([(-3, -66), (3, -66), (3, -58), (-3, -58)], 0xF6F8FA, r=0.6)
        brush.shape([(-2.4, -65), (2.4, -65), (2.4, -63.4), (-2.4, -63.4)], 0x2E9FC4)
    if pose.sheet:
        _ballot(brush, right)
    brush.limb([(0, -83), (0, -79)], 3, mix(person.skin, 0x000000, 0.12))
    _head(brush, person, pose.view)


def _head(brush: _Brush, person: Person, view: View) -> None:
    _HAIR[person.hair](brush, person.hair_colour, view, person.skin)


def _skull(brush: _Brush, colour: int, skin: int, view: View, *, low: float) -> None:
    """Head with hair down to `low`: all hair from behind, a cap of it from the front and the side."""
    brush.disc(0.4, -90, 6.1, 7.2, skin)
    if view == "back":
        brush.disc(0, -91, 6.6, 7.4, colour)
        return
    shift = -1.3 if view == "side" else 0
    brush.shape(
        [(-5.4 + shift, -93.5), (5 + shift * 0.4, -94.4), (4 + shift, -96), (0, -97), (-4 + shift, -96)], colour, r=1.6
    )
    if view == "side":
        brush.limb([(-4.6, -93), (-5, low)], 2, colour)
    else:
        brush.limb([(-5.9, -93), (-6.1, low - 2)], 1, colour)
        brush.limb([(5.9, -93), (6.1, low - 2)], 1, colour)


def _short(brush: _Brush, colour: int, view: View, skin: int) -> None:
    _skull(brush, colour, skin, view, low=-88)


def _long(brush: _Brush, colour: int, view: View, skin: int) -> None:
    x = -3 if view == "side" else 0
    wide = 4 if view == "side" else 7
    if view != "back":
        brush.shape([(x - wide, -92), (x + wide, -92), (x + wide, -77), (x - wide, -77)], colour, r=1.5)
    _skull(brush, colour, skin, view, low=-84)
    if view == "back":
        brush.shape([(-6, -92), (6, -92), (6.6, -75), (-6.6, -75)], colour, r=1)


def _bun(brush: _Brush, colour: int, view: View, skin: int) -> None:
    brush.disc(-7 if view == "side" else 0, -95 if view == "side" else -99, 3, 3, colour)
    _skull(brush, colour, skin, view, low=-88)


def _scarf(brush: _Brush, colour: int, view: View, skin: int) -> None:
    brush.shape([(-5, -84), (5, -84), (7.5, -75), (-7.5, -75)], mix(colour, 0x000000, 0.06), r=1.5)
    brush.disc(-0.3, -90.4, 7.3, 8.2, colour)
    if view == "front":
        brush.disc(0, -89.2, 4.7, 5.7, skin)
    elif view == "side":
        brush.disc(3.4, -89.4, 3.6, 5.4, skin)


def _cap(brush: _Brush, colour: int, view: View, skin: int) -> None:
    _skull(brush, mix(colour, 0x000000, 0.3), skin, view, low=-88)
    brush.shape([(-5.2, -94), (5.2, -94), (4.4, -97.6), (-4.4, -97.6)], colour, r=1.6)
    if view == "side":
        brush.limb([(3, -93.4), (9, -92.8)], 1.2, colour)
    elif view == "front":
        brush.limb([(-5, -93.2), (5, -93.2)], 1.4, mix(colour, 0x000000, 0.2))


_HAIR: Final[dict[Hair, Callable[[_Brush, int, View, int], None]]] = {
    "short": _short,
    "grey": _short,
    "long": _long,
    "bun": _bun,
    "scarf": _scarf,
    "cap": _cap,
}
_SWING: Final = (0, 12, 20, 12, 0, -12, -20, -12)


def walking(step: float, *, sheet: bool = False) -> Pose:
    """A moment of a walk; `step` counts whole pairs of steps."""
    swing = _SWING[int(step * len(_SWING)) % len(_SWING)]
    pose = Pose(stride=swing, near=(-swing, 12), far=(swing, 12))
    return replace(pose, near=(28, 62), sheet=True) if sheet else pose
