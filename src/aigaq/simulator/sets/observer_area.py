"""Observer area: observers sit with a clear view of the room, write, film and talk; somebody passes now and then."""

from typing import Final

from aigaq.simulator.figures import CROWD, MEMBERS, PAPER, Person, Pose
from aigaq.simulator.lettering import write_centred
from aigaq.simulator.paint import Placed, Sheet, Sprite, mix
from aigaq.simulator.sets.stage import (
    INK,
    SKY,
    Stage,
    Way,
    breath,
    on_way,
    plant,
    poster,
    room,
    shadow,
    stand,
    walk,
    window,
)

_SEATS: Final = (190, 360, 530, 700, 870, 1040)
_SEAT_Y: Final = 628
_TALL: Final = 318
_PASS: Final[dict[int, Way]] = {
    4: [(6, -100, 712), (16, 1390, 712)],
    1: [(36, 1390, 712), (46, -100, 712)],
}


def observer_area() -> Stage:
    """The set."""
    sheet = room(0xE3E3EA, floor=0xB39A7C)
    window(sheet, 110, 130, 240, 200)
    window(sheet, 420, 130, 240, 200)
    sheet.box(760, 140, 300, 84, SKY, r=8)
    write_centred(sheet, "БАҚЫЛАУШЫЛАР", (910, 171), 21, 0xFFFFFF)
    poster(sheet, 1100, 130, 96, 128, 0xC9793F)
    plant(sheet, 1190, 530)
    for x in _SEATS:
        _chair(sheet, x)
    pad, phone, dark = _pad(), _phone(), shadow(120, 20)

    def at(second: float) -> list[Placed]:
        layers: list[Placed] = []
        for n, x in enumerate(_SEATS):
            y = _SEAT_Y + breath(second, n)
            layers.append(stand(_observer(n), _pose(n, second), (x, y), _TALL))
            if n in (0, 3):
                layers.append(Placed(pad, x - 22, y - 168))
            if n == 5 and _filming(second):
                layers.append(Placed(phone, x + 58, y - 262))
        for n, way in _PASS.items():
            spot = on_way(way, second)
            if spot is not None:
                layers += [Placed(dark, spot.x - 60, spot.y - 14), walk(MEMBERS[n], spot, 380, sheet=n == 1)]
        return layers

    return Stage("БАҚЫЛАУШЫЛАР АЙМАҒЫ", sheet.sprite(), at)


def _observer(number: int) -> Person:
    worn = CROWD[(number * 3 + 4) % len(CROWD)]
    return Person(worn.coat, worn.legs, worn.hair, worn.hair_colour, worn.skin, badge=True, size=worn.size)


def _filming(second: float) -> bool:
    return 22 <= second < 34


def _pose(number: int, second: float) -> Pose:
    """Two write, one films for a while, the others fold their hands or gesture."""
    if number in (0, 3):
        stroke = -66 if int(second * 3 + number) % 3 else -58
        return Pose("front", near=(14, stroke), far=(10, -62), seated=True)
    if number == 5 and _filming(second):
        return Pose("front", near=(46, 96), far=(10, -62), seated=True)
    talks = number == 2 and int(second) % 10 in (3, 4, 5)
    return Pose("front", near=(26, 30) if talks and int(second * 2) % 2 else (12, -60), far=(12, -60), seated=True)


def _chair(sheet: Sheet, x: float) -> None:
    low = _SEAT_Y - 48
    sheet.disc(x, low + 4, 62, 10, 0x000000, alpha=0.16)
    for side in (-1, 1):
        sheet.limb([(x + side * 40, low - 92), (x + side * 46, low)], 4, 0x4A5560)
    sheet.box(x - 48, low - 190, 96, 84, mix(SKY, INK, 0.45), r=12)
    sheet.box(x - 50, low - 104, 100, 18, mix(SKY, INK, 0.55), r=6)


def _pad() -> Sprite:
    sheet = Sheet(48, 34)
    sheet.shape([(6, 4), (42, 4), (46, 30), (2, 30)], 0x7A5B3B, r=1.5)
    sheet.shape([(9, 6), (39, 6), (42, 27), (6, 27)], PAPER)
    for n in range(3):
        sheet.box(12, 10 + n * 5, 22, 1.6, 0x9AA4AC)
    return sheet.sprite()


def _phone() -> Sprite:
    sheet = Sheet(26, 42)
    sheet.box(2, 2, 22, 38, 0x1C232B, r=4)
    sheet.disc(9, 9, 3, 3, 0x5F7C8C)
    return sheet.sprite()
