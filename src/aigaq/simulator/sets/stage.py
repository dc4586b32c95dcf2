"""What all sets share: the room, its furniture, the captions, and how people walk."""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from aigaq.simulator.clock_strip import HEIGHT, WIDTH
from aigaq.simulator.figures import PAPER, Person, Pose, figure, walking
from aigaq.simulator.lettering import text_width, write, write_centred
from aigaq.simulator.paint import Placed, Sheet, Sprite, mix

LOOP: Final = 60.0
"""Seconds after which everything repeats; equal to the minute that the burnt-in clock counts."""
FLOOR: Final = 470
INK: Final = 0x22313F
WOOD: Final = 0xB98B5E
SKY: Final = 0x3FA9C9
SUN: Final = 0xF4C542
_STRIDE: Final = 0.62
"""Heights walked in one pair of steps."""
Way = Sequence[tuple[float, float, float]]
"""Moments with places: (second, x, y of the feet)."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One set: what stands still, and what lies over it at a second of the loop, farthest first."""

    name: str
    """Of the zone, as the camera writes it into the picture."""
    background: Sprite
    at: Callable[[float], list[Placed]]


@dataclass(frozen=True, slots=True)
class Spot:
    """Where somebody is on a way, and how."""

    x: float
    y: float
    heading: int
    """1 to the right, -1 to the left, 0 standing."""
    walked: float
    """Pixels since the way began."""


def on_way(way: Way, second: float) -> Spot | None:
    """The place on a way at a second, or None before and after it."""
    if not way[0][0] <= second < way[-1][0]:
        return None
    walked = 0.0
    for (t0, x0, y0), (t1, x1, y1) in itertools.pairwise(way):
        share = (second - t0) / (t1 - t0)
        length = math.hypot(x1 - x0, y1 - y0)
        if second < t1:
            heading = 0 if length < 1 else 1 if x1 >= x0 else -1
            return Spot(x0 + (x1 - x0) * share, y0 + (y1 - y0) * share, heading, walked + length * share)
        walked += length
    return None


def stand(person: Person, pose: Pose, place: tuple[float, float], height: int, *, left: bool = False) -> Placed:
    """Somebody with the feet at a place."""
    sprite = figure(person, pose, height)
    sprite = sprite.flipped() if left else sprite
    return Placed(sprite, place[0] - sprite.width / 2, place[1] - sprite.height)


def walk(person: Person, spot: Spot, height: int, *, sheet: bool = False) -> Placed:
    """Somebody on the way; who stands, stands in side view to the right."""
    pose = walking(spot.walked / (height * _STRIDE), sheet=sheet) if spot.heading else walking(0, sheet=sheet)
    return stand(person, pose, (spot.x, spot.y), height, left=spot.heading < 0)


def breath(second: float, number: int) -> float:
    """A pixel or two up and down, each person at their own pace; whole cycles fit the loop."""
    return 1.2 * math.sin(2 * math.pi * ((12 + number % 5) * second / LOOP + number * 0.37))


def room(wall: int, *, floor: int = WOOD, plate: str = "САЙЛАУ УЧАСКЕСІ") -> Sheet:
    """Wall, skirting, floor boards and the name plate."""
    sheet = Sheet(WIDTH, HEIGHT, wall)
    sheet.shade(0, 0, WIDTH, FLOOR, top=mix(wall, 0xFFFFFF, 0.25), bottom=mix(wall, 0x000000, 0.04))
    sheet.shade(0, FLOOR, WIDTH, HEIGHT - FLOOR, top=mix(floor, 0x000000, 0.12), bottom=mix(floor, 0xFFFFFF, 0.2))
    sheet.box(0, FLOOR - 16, WIDTH, 18, mix(wall, 0x000000, 0.22))
    for step in range(-14, 15):
        x = WIDTH / 2 + step * 70
        sheet.limb([(x, FLOOR + 2), (WIDTH / 2 + step * 190, HEIGHT)], 0.7, mix(floor, 0x000000, 0.28), alpha=0.6)
    for row in (508, 562, 640):
        sheet.limb([(0, row), (WIDTH, row)], 0.6, mix(floor, 0x000000, 0.28), alpha=0.35)
    if plate:
        width = text_width(plate, 22) + 56
        sheet.box(640 - width / 2, 40, width, 54, INK, r=8)
        write_centred(sheet, plate, (640, 56), 22, 0xFFFFFF)
    return sheet


def flag(sheet: Sheet, x: float, y: float) -> None:
    """A sky-blue flag with a sun on a stand; `y` is the floor."""
    sheet.disc(x, y, 34, 7, 0x000000, alpha=0.15)
    sheet.limb([(x, y - 3), (x, y - 330)], 3.5, 0x8A6A3C)
    sheet.disc(x, y - 334, 6, 6, SUN)
    sheet.limb([(x - 22, y - 3), (x + 22, y - 3)], 5, 0x6E5430)
    sheet.shape([(x + 3, y - 322), (x + 92, y - 306), (x + 78, y - 170), (x + 3, y - 180)], SKY, r=2)
    sheet.shape([(x + 40, y - 315), (x + 62, y - 311), (x + 52, y - 174), (x + 34, y - 178)], 0xFFFFFF, alpha=0.1)
    sheet.disc(x + 44, y - 250, 19, 19, SUN)
    for n in range(16):
        turn = n * math.pi / 8
        tip = (x + 44 + 29 * math.cos(turn), y - 250 + 29 * math.sin(turn))
        sheet.limb([(x + 44 + 23 * math.cos(turn), y - 250 + 23 * math.sin(turn)), tip], 1.3, SUN)


def window(sheet: Sheet, x: float, y: float, w: float, h: float) -> None:
    """A window on a bright day."""
    sheet.box(x - 10, y - 10, w + 20, h + 20, 0xFBFAF6, r=4)
    sheet.shade(int(x), int(y), int(w), int(h), top=0x9FD0E6, bottom=0xE3F1F2)
    sheet.shape([(x, y + h), (x, y + h * 0.72), (x + w * 0.45, y + h * 0.52), (x + w * 0.8, y + h)], 0xA9C5B4)
    sheet.shape([(x + w * 0.3, y + h), (x + w * 0.75, y + h * 0.6), (x + w, y + h * 0.75), (x + w, y + h)], 0x8FB39F)
    sheet.box(x + w / 2 - 4, y, 8, h, 0xFBFAF6)
    sheet.box(x, y + h * 0.42, w, 8, 0xFBFAF6)
    sheet.box(x - 18, y + h + 8, w + 36, 12, 0xEDEAE2, r=3)


def poster(sheet: Sheet, x: float, y: float, w: float, h: float, accent: int) -> None:
    """A notice with lines that nobody can read."""
    sheet.box(x + 3, y + 4, w, h, 0x000000, r=3, alpha=0.12)
    sheet.box(x, y, w, h, 0xFCFBF7, r=3)
    sheet.box(x + 10, y + 12, w - 20, 16, accent, r=2)
    for n in range(int((h - 52) / 13)):
        sheet.box(x + 10, y + 40 + n * 13, (w - 20) * (0.94, 0.8, 0.88, 0.6)[n % 4], 4, 0xC6CDD2, r=2)


def plant(sheet: Sheet, x: float, y: float) -> None:
    """A green plant in a pot; `y` is the floor."""
    sheet.disc(x, y, 38, 7, 0x000000, alpha=0.15)
    for n in range(9):
        turn = math.radians(-90 + (n - 4) * 19)
        tip = (x + 96 * math.cos(turn) * (0.8 + 0.2 * (n % 2)), y - 70 + 110 * math.sin(turn) * (0.8 + 0.2 * (n % 2)))
        sheet.limb(
            [(x, y - 66), ((x + tip[0]) / 2 + (n - 4) * 2, (y - 96 + tip[1]) / 2), tip], 6, (0x3F7F5B, 0x4F9469)[n % 2]
        )
    sheet.shape([(x - 30, y - 74), (x + 30, y - 74), (x + 22, y - 4), (x - 22, y - 4)], 0xC0694A, r=3)
    sheet.box(x - 35, y - 80, 70, 16, 0xCF7B59, r=4)


def ballots(sheet: Sheet, x: float, y: float, layers: int, *, w: float = 46) -> None:
    """A neat stack of ballots; `y` is where it stands."""
    for n in range(layers):
        shift = (n * 7 % 5 - 2) * 0.6
        colour = PAPER if n % 2 else 0xE4E6E2
        sheet.box(x - w / 2 + shift, y - 3.2 * (n + 1), w, 4, colour, r=1)


def shadow(width: int, height: int, *, alpha: float = 0.16) -> Sprite:
    """What lies under somebody."""
    sheet = Sheet(width, height)
    sheet.disc(width / 2, height / 2, width / 2 - 1, height / 2 - 1, 0x000000, alpha=alpha)
    return sheet.sprite()


def caption(text: str) -> Sprite:
    """A line that the camera writes into its picture."""
    width = text_width(text, 17) + 32
    sheet = Sheet(round(width / 2) * 2, 36)
    sheet.box(0, 0, width, 36, 0x16232E, r=8, alpha=0.8)
    write(sheet, text, (16, 10), 17, 0xFFFFFF)
    return sheet.sprite()
