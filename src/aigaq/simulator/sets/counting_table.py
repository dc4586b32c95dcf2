"""Counting table: the commission sorts ballots from the heap into stacks, bands the stacks and puts them away."""

from functools import cache
from typing import Final

from aigaq.simulator.figures import MEMBERS, PAPER, Pose
from aigaq.simulator.lettering import write_centred
from aigaq.simulator.paint import Placed, Sheet, Sprite, mix
from aigaq.simulator.sets.stage import (
    INK,
    WOOD,
    Stage,
    ballots,
    breath,
    flag,
    poster,
    room,
    stand,
    window,
)

_PLACES: Final = (270, 474, 806, 1010)
_TALL: Final = 330
_BACK: Final = 432
_STACKS: Final = ((206, 544), (540, 544), (740, 544), (1074, 544))
_HEAPS: Final = (372, 908)
_LEVEL: Final = 528
"""Where the heaps lie, each between two members."""
_PERIODS: Final = (3.0, 2.5, 2.4, 4.0)
"""Seconds for one ballot of each member; whole cycles fit the loop."""
_SORTED: Final = 48.0
_AWAY: Final = 54.0
_PHASES: Final = 12


def counting_table() -> Stage:
    """The set."""
    sheet = room(0xE5DFD6, floor=0xA98F73)
    window(sheet, 80, 130, 200, 190)
    flag(sheet, 1160, 480)
    poster(sheet, 880, 130, 96, 128, 0x5B8C5A)
    poster(sheet, 1000, 130, 96, 128, 0x3A86A8)
    _board(sheet)
    table = _table()

    def at(second: float) -> list[Placed]:
        staff = [
            stand(MEMBERS[n], _pose(n, second), (x, 566 + breath(second, n)), _TALL) for n, x in enumerate(_PLACES)
        ]
        staff.append(stand(MEMBERS[4], _chair_pose(second), (640, 556 + breath(second, 4)), _TALL))
        return [*staff, Placed(table, 60, _BACK - 12), *_papers(second), *_arms(second)]

    return Stage("САНАУ ҮСТЕЛІ", sheet.sprite(), at)


def _pose(number: int, second: float) -> Pose:
    """The sorting arm is drawn over the table; the other rests."""
    busy = second < _SORTED
    rest = (8, -58)
    if number % 2 == 0:
        return Pose("front", near=(0, -20) if busy else rest, far=rest)
    return Pose("front", near=rest, far=(0, -20) if busy else rest)


def _chair_pose(second: float) -> Pose:
    return Pose("front", near=(10, -62 if int(second) % 4 else -50), far=(10, -62))


def _papers(second: float) -> list[Placed]:
    """The heap shrinks, the stacks grow, banded stacks slide into the crate, a new heap comes."""
    sorted_share = min(1.0, second / _SORTED)
    layers: list[Placed] = []
    for n, (x, y) in enumerate(_STACKS):
        height = 2 + round(sorted_share * (13, 17, 15, 9)[n])
        if second < _SORTED + n:
            layers.append(Placed(_stack(height, banded=False), x - 40, y - 84))
        elif second < _AWAY + n * 0.8:
            slide = min(1.0, max(0.0, (second - _SORTED - 2 - n) / 3.4))
            layers.append(Placed(_stack(height, banded=True), x - 40 + (1190 - x) * slide, y - 84))
        else:
            layers.append(Placed(_stack(2, banded=False), x - 40, y - 84))
    arrive = min(1.0, max(0.0, (second - _AWAY - 1) / 3))
    left = 10 if second >= _AWAY + 1 else round((1 - sorted_share) * 10)
    drop = (1 - arrive) * 66 if second >= _AWAY + 1 else 0
    layers += [Placed(_heap(left), x - 90, _LEVEL - 92 - drop) for x in _HEAPS]
    layers.append(Placed(_crate(), 1110, 474))
    return layers


def _arms(second: float) -> list[Placed]:
    if second >= _SORTED:
        return []
    return [
        Placed(_arm(n, int((second % _PERIODS[n]) / _PERIODS[n] * _PHASES)), _PLACES[n] - 130, 330) for n in range(4)
    ]


@cache
def _arm(number: int, phase: int) -> Sprite:
    """An arm between the heap and the stack, with a ballot on the way there."""
    left = _PLACES[number] - 130
    share = phase / _PHASES * 2
    out = share if share < 1 else 2 - share
    eased = out * out * (3 - 2 * out)
    side = 1 if number % 2 == 0 else -1
    shoulder = (_PLACES[number] + side * 30 - left, 566 - 76 * _TALL / 108 - 330 + 4)
    near = (_HEAPS[number // 2] - side * 34 - left, _LEVEL - 40 - 330)
    goal = (_STACKS[number][0] + side * 10 - left, _STACKS[number][1] - 50 - 330)
    hand = (near[0] + (goal[0] - near[0]) * eased, near[1] + (goal[1] - near[1]) * eased - 26 * out * (1 - out))
    elbow = ((shoulder[0] + hand[0]) / 2 + side * 20, (shoulder[1] + hand[1]) / 2 + 6)
    sheet = Sheet(280, 220)
    sheet.limb([shoulder, elbow, hand], 10.5, mix(MEMBERS[number].coat, 0x000000, 0.1))
    if share < 1:
        x, y = hand
        sheet.shape([(x - 22, y - 6), (x + 20, y - 9), (x + 25, y + 14), (x - 18, y + 17)], PAPER, r=1)
        sheet.limb([(x - 10, y + 1), (x + 12, y - 1)], 1, 0x9AA4AC)
    sheet.disc(hand[0], hand[1], 9, 9, MEMBERS[number].skin)
    return sheet.sprite()


@cache
def _stack(layers: int, *, banded: bool) -> Sprite:
    sheet = Sheet(80, 92)
    sheet.box(6, 78, 68, 10, 0x000000, r=5, alpha=0.12)
    ballots(sheet, 40, 86, layers, w=62)
    if banded:
        sheet.box(33, 86 - 3.2 * layers - 2, 14, 3.2 * layers + 3, 0x3A86A8)
    return sheet.sprite()


@cache
def _heap(amount: int) -> Sprite:
    sheet = Sheet(180, 110)
    for n in range(amount * 7):
        x, y = 16 + (n * 61) % 108, 84 - (n // 9) * 6 - (n * 17) % 11
        tilt = (n * 5) % 13 - 6
        corners = [(x, y), (x + 38, y - tilt), (x + 42, y + 14 - tilt), (x + 4, y + 15)]
        sheet.shape(corners, mix(PAPER, 0xC3CBCE, (n % 5) / 8), r=1)
    return sheet.sprite()


@cache
def _crate() -> Sprite:
    sheet = Sheet(160, 96)
    sheet.box(4, 86, 150, 8, 0x000000, r=4, alpha=0.15)
    sheet.shape([(6, 22), (154, 22), (146, 90), (14, 90)], 0x5E7F8C, r=3)
    sheet.box(2, 14, 156, 16, 0x6F93A1, r=5)
    sheet.box(32, 44, 96, 27, 0xF6F8FA, r=4)
    write_centred(sheet, "САНАЛДЫ", (80, 52), 11, INK)
    return sheet.sprite()


def _table() -> Sprite:
    sheet = Sheet(1160, 290)
    sheet.disc(580, 276, 560, 12, 0x000000, alpha=0.2)
    sheet.shape([(70, 10), (1090, 10), (1154, 142), (6, 142)], mix(WOOD, 0xFFFFFF, 0.38), r=3)
    sheet.shape([(80, 16), (1080, 16), (1086, 28), (74, 28)], 0xFFFFFF, alpha=0.18)
    sheet.box(40, 158, 1080, 112, mix(WOOD, 0x000000, 0.12))
    sheet.box(40, 158, 1080, 12, 0x000000, alpha=0.14)
    sheet.box(4, 138, 1152, 24, mix(WOOD, 0xFFFFFF, 0.12), r=4)
    return sheet.sprite()


def _board(sheet: Sheet) -> None:
    """The enlarged results protocol on the wall, still without figures."""
    sheet.box(484, 128, 312, 150, 0x000000, r=5, alpha=0.12)
    sheet.box(480, 123, 312, 150, 0xFCFBF7, r=5)
    write_centred(sheet, "ХАТТАМА", (636, 138), 18, INK)
    for n in range(5):
        sheet.box(500, 172 + n * 19, 196, 5, 0xC6CDD2, r=2)
        sheet.box(720, 168 + n * 19, 50, 13, 0xE3E8EA, r=2)
