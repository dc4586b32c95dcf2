"""Entrance to the booths: voters go in behind a curtain and come out again; what is inside can never be seen."""

from typing import Final

from aigaq.simulator.figures import CROWD, MEMBERS, Pose
from aigaq.simulator.lettering import write_centred
from aigaq.simulator.paint import Placed, Sheet, Sprite, mix
from aigaq.simulator.sets.stage import (
    INK,
    LOOP,
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
)

_EVERY: Final = 12.0
_BOOTHS: Final = (330, 640, 950)
_WIDE: Final = 216
_TOP: Final = 196
_LOW: Final = 590
_TALL: Final = 350
_LANE: Final = 690
_DOOR: Final = 604
_CLOTH: Final = (0x2F7F93, 0x8A5A83, 0x4F7A4A)
_STEPS: Final = 8


def booth_entrance() -> Stage:
    """The set."""
    sheet = room(0xEAE2D8, floor=0x9C8B78)
    for n, x in enumerate(_BOOTHS):
        _frame(sheet, x, n + 1)
    poster(sheet, 1130, 170, 100, 136, 0x5B8C5A)
    plant(sheet, 112, 560)
    curtains = [[_curtain(colour, step / _STEPS) for step in range(_STEPS + 1)] for colour in _CLOTH]
    dark = shadow(120, 20)

    def at(second: float) -> list[Placed]:
        inside: list[Placed] = []
        outside: list[Placed] = []
        opened = [0.0, 0.0, 0.0]
        for n in range(5):
            since, booth = (second - n * _EVERY) % LOOP, n % 3
            spot = on_way(_way(booth), since)
            if spot is None or 6 <= since < 20:
                continue
            opened[booth] = max(opened[booth], _opening(since))
            if 4.6 <= since < 21.4:
                inside.append(_threshold(n, booth, since, spot.y))
                continue
            outside += [Placed(dark, spot.x - 60, spot.y - 14), walk(CROWD[n + 2], spot, _TALL, sheet=True)]
        cloth = [Placed(curtains[n][round(opened[n] * _STEPS)], x - _WIDE / 2, _TOP) for n, x in enumerate(_BOOTHS)]
        guard = stand(MEMBERS[4], Pose("front", near=(4, -14), far=(4, -14)), (1150, 640 + breath(second, 3)), 318)
        return [*inside, *cloth, guard, *outside]

    return Stage("КАБИНАҒА КІРУ", sheet.sprite(), at)


def _way(booth: int) -> Way:
    x = _BOOTHS[booth]
    come = [(0, -90, _LANE), (3.6, x, _LANE - 30), (4.6, x, _LANE - 30), (5.4, x, _DOOR), (20.4, x, _DOOR)]
    return [*come, (21.4, x, _LANE - 30), (26, 1380, _LANE)]


def _opening(since: float) -> float:
    """How far the curtain is drawn back, 0-1, around going in and coming out."""
    for start, end in ((3.9, 6.0), (20.0, 21.9)):
        if start <= since < end:
            return min(1.0, (since - start) / 0.6, (end - since) / 0.6)
    return 0.0


def _threshold(number: int, booth: int, since: float, y: float) -> Placed:
    """Somebody in the doorway, no wider than the opening: from behind going in, from the front coming out."""
    going = since < 7
    pose = Pose("back" if going else "front", near=(20, -50), stride=20 if int(since * 4) % 2 else -20, sheet=not going)
    placed = stand(CROWD[number + 2], pose, (_BOOTHS[booth], y), _TALL)
    half = _WIDE // 2 - 8
    return Placed(placed.sprite, placed.x, placed.y, _BOOTHS[booth] - half, _BOOTHS[booth] + half)


def _frame(sheet: Sheet, x: float, number: int) -> None:
    left = x - _WIDE / 2
    sheet.disc(x, _LOW + 6, _WIDE / 2 + 24, 12, 0x000000, alpha=0.18)
    sheet.box(left - 18, _TOP - 66, _WIDE + 36, _LOW - _TOP + 72, 0xF6F2EA, r=8)
    sheet.box(left - 18, _TOP - 66, _WIDE + 36, 60, 0xDDE5E6, r=8)
    sheet.disc(x, _TOP - 36, 23, 23, INK)
    write_centred(sheet, str(number), (x, _TOP - 47), 22, 0xFFFFFF)
    sheet.box(left, _TOP - 4, _WIDE, _LOW - _TOP + 4, 0x3B4046)
    sheet.box(left - 8, _TOP - 8, _WIDE + 16, 8, 0x8F9AA0, r=4)


def _curtain(colour: int, opened: float) -> Sprite:
    """A curtain to the ground with soft folds, drawn to the left by `opened`; a second cloth behind it never opens."""
    sheet = Sheet(_WIDE, _LOW - _TOP + 2)
    wide = _WIDE * (1 - 0.72 * opened)
    folds = 11
    for n in range(folds):
        tone = mix(colour, 0x000000 if n % 2 else 0xFFFFFF, 0.1 if n % 2 else 0.08)
        sheet.box(n * wide / folds, 0, wide / folds + 1.5, _LOW - _TOP + 2, tone)
        sheet.box(n * wide / folds, 0, wide / folds * 0.3, _LOW - _TOP + 2, 0x000000, alpha=0.07)
    sheet.box(0, _LOW - _TOP - 12, wide, 14, mix(colour, 0x000000, 0.22))
    return sheet.sprite()
