"""Issuing desk: voters queue, a commission member finds them in the list and hands a ballot over."""

from typing import Final

from aigaq.simulator.figures import CROWD, MEMBERS, PAPER, Pose
from aigaq.simulator.lettering import write_centred
from aigaq.simulator.paint import Placed, Sheet, Sprite, mix
from aigaq.simulator.sets.stage import (
    INK,
    LOOP,
    WOOD,
    Stage,
    Way,
    ballots,
    breath,
    flag,
    on_way,
    plant,
    poster,
    room,
    shadow,
    stand,
    walk,
    window,
)

_EVERY: Final = 12.0
_SEATS: Final = (520, 760, 1000)
_DESK: Final = (400, 404)
_TALL: Final = 350
_GROUND: Final = 694
_IDLE: Final = Pose("front", near=(8, -58), far=(8, -58))
_LEAF: Final = (Pose("front", near=(10, -66), far=(8, -58)), Pose("front", near=(16, -44), far=(8, -58)))
_HAND: Final = Pose("front", near=(8, -58), far=(40, 18))


def issuing_desk() -> Stage:
    """The set."""
    sheet = room(0xE7E1D3)
    window(sheet, 60, 120, 210, 210)
    flag(sheet, 355, 500)
    for n in range(3):
        poster(sheet, 760 + n * 120, 130, 96, 128, (0x3A86A8, 0xC9793F, 0x5B8C5A)[n])
    plant(sheet, 1210, 520)
    desk = _desk()
    dark = shadow(120, 20)

    def at(second: float) -> list[Placed]:
        ways = [(n, on_way(_way(n), (second - n * _EVERY) % LOOP), (second - n * _EVERY) % LOOP) for n in range(5)]
        served = {n % 3: since for n, _, since in ways if 38 <= since < 46}
        staff = [_member(n, second, served.get(n)) for n in range(3)]
        voters: list[Placed] = []
        for n, spot, since in ways:
            if spot is None:
                continue
            voters.append(Placed(dark, spot.x - 60, _GROUND - 14))
            if 39 <= since < 45.5:
                arm = (52, 34) if since > 42.5 else (6, 6)
                pose = Pose("back", near=arm, sheet=since > 44)
                voters.append(stand(CROWD[n], pose, (spot.x, spot.y), _TALL))
            else:
                voters.append(walk(CROWD[n], spot, _TALL, sheet=since > 45))
        return [*staff, Placed(desk, *_DESK), *voters]

    return Stage("БЮЛЛЕТЕНЬ БЕРУ", sheet.sprite(), at)


def _way(number: int) -> Way:
    """In from the left, three places in the queue, to the desk, out to the right."""
    x = _SEATS[number % 3] - 96
    y = _GROUND
    queue = [(0, -90, y), (2, 60, y), (12, 60, y), (13, 165, y), (24, 165, y), (25, 270, y), (36.5, 270, y)]
    return [*queue, (39, x, y), (45.5, x, y), (50.5, 1380, y)]


def _member(number: int, second: float, since: float | None) -> Placed:
    pose = _IDLE
    if since is not None:
        pose = _HAND if since > 42.5 else _LEAF[int(second * 2) % 2]
    return stand(MEMBERS[number], pose, (_SEATS[number], 566 + breath(second, number)), 310)


def _desk() -> Sprite:
    sheet = Sheet(760, 200)
    sheet.disc(380, 186, 378, 12, 0x000000, alpha=0.16)
    sheet.box(14, 30, 732, 152, mix(WOOD, 0xFFFFFF, 0.18), r=4)
    sheet.box(14, 30, 732, 12, mix(WOOD, 0x000000, 0.2), alpha=0.5)
    for n, letters in enumerate(("А-Ж", "З-Қ", "Л-Я")):
        x = _SEATS[n] - _DESK[0]
        sheet.box(x - 104, 52, 208, 118, mix(WOOD, 0xFFFFFF, 0.3), r=5)
        sheet.box(x - 62, 84, 124, 52, 0xFCFBF7, r=6)
        write_centred(sheet, letters, (x, 98), 24, INK)
    sheet.box(0, 16, 760, 20, mix(WOOD, 0xFFFFFF, 0.42), r=5)
    for n in range(3):
        x = _SEATS[n] - _DESK[0]
        sheet.box(x - 34, 8, 62, 9, 0x3E5C76, r=2)
        sheet.box(x - 31, 5, 56, 5, PAPER, r=1)
        ballots(sheet, x + 74, 17, 4)
    return sheet.sprite()
