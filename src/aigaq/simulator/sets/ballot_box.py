"""Ballot box: voters come one by one and let a sheet fall through the slot; a commission member watches."""

from typing import Final

from aigaq.simulator.figures import CROWD, MEMBERS, PAPER, Pose
from aigaq.simulator.lettering import write_centred
from aigaq.simulator.paint import Placed, Sheet, Sprite, mix
from aigaq.simulator.sets.stage import (
    INK,
    LOOP,
    SKY,
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

_EVERY: Final = 10.0
_TALL: Final = 372
_GROUND: Final = 690
_AT: Final = 545
_BOX: Final = (560, 396)
_SLOT: Final = (668, 410)
_WAY: Final[Way] = [(0, -100, _GROUND), (4, _AT, _GROUND), (7.4, _AT, _GROUND), (12.2, 1390, _GROUND)]
_GLASS: Final = 0xBFE3EC


def ballot_box() -> Stage:
    """The set."""
    sheet = room(0xDFE6E4, floor=0xA99B86)
    window(sheet, 980, 130, 210, 210)
    poster(sheet, 96, 140, 110, 150, 0x3A86A8)
    poster(sheet, 230, 140, 110, 150, 0xC9793F)
    flag(sheet, 420, 506)
    plant(sheet, 60, 524)
    box, table, paper, dark = _box(), Placed(_side_table(), 980, 448), _paper(), shadow(120, 20)

    def at(second: float) -> list[Placed]:
        people: list[Placed] = []
        falling: list[Placed] = []
        for n in range(6):
            since = (second - n * _EVERY) % LOOP
            spot = on_way(_WAY, since)
            if spot is None:
                continue
            people.append(Placed(dark, spot.x - 60, _GROUND - 14))
            if 4 <= since < 7.4:
                people.append(stand(CROWD[n], _reach(since), (spot.x, spot.y), _TALL))
                if 5.5 <= since < 6.3:
                    falling.append(Placed(paper, _SLOT[0] - 14, _SLOT[1] - 36 + (since - 5.5) * 60))
            else:
                people.append(walk(CROWD[n], spot, _TALL, sheet=since < 4))
        return [*_staff(second), table, *falling, Placed(box, *_BOX), *people]

    return Stage("ЖӘШІК", sheet.sprite(), at)


def _reach(since: float) -> Pose:
    """The arm goes up over the slot, lets go, and comes down."""
    raised = min(1.0, (since - 4) / 0.9) if since < 6.4 else max(0.0, 1 - (since - 6.4) / 0.8)
    step = round(raised * 6) / 6
    return Pose(near=(round(28 + 52 * step), round(62 - 50 * step)), far=(0, 6), sheet=since < 5.6)


def _staff(second: float) -> list[Placed]:
    member = stand(MEMBERS[3], Pose("front", near=(4, -12), far=(4, -12)), (860, 600 + breath(second, 1)), 330)
    note = Pose("front", near=(12, -62 if int(second) % 5 else -48), far=(8, -58))
    seated = stand(MEMBERS[1], note, (1086, 590 + breath(second, 2)), 290)
    return [member, seated]


def _side_table() -> Sprite:
    sheet = Sheet(250, 160)
    sheet.disc(125, 148, 120, 10, 0x000000, alpha=0.15)
    for x in (22, 228):
        sheet.limb([(x, 30), (x, 146)], 6, mix(WOOD, 0x000000, 0.25))
    sheet.box(8, 24, 234, 16, mix(WOOD, 0xFFFFFF, 0.3), r=4)
    sheet.box(24, 40, 202, 70, mix(WOOD, 0xFFFFFF, 0.1), r=3)
    ballots(sheet, 60, 25, 3)
    return sheet.sprite()


def _box() -> Sprite:
    """The stationary box: clear walls, ballots inside, a numbered seal."""
    sheet = Sheet(220, 270)
    sheet.disc(110, 256, 106, 11, 0x000000, alpha=0.2)
    for n in range(40):
        x, y = 30 + (n * 53) % 146, 236 - (n // 9) * 13 - (n * 29) % 9
        sheet.shape(
            [(x, y - 8), (x + 26, y - 12), (x + 30, y + 2), (x + 3, y + 6)], mix(PAPER, 0xB9C4C8, (n % 4) / 6), r=1
        )
    sheet.box(12, 30, 196, 222, _GLASS, r=6, alpha=0.42)
    sheet.shape([(26, 40), (60, 40), (40, 244), (24, 244)], 0xFFFFFF, alpha=0.25)
    for x in (12, 202):
        sheet.box(x, 30, 6, 222, 0x7FA9B5, alpha=0.8)
    sheet.box(12, 244, 196, 10, 0x6E98A5, r=3)
    sheet.box(2, 12, 216, 24, SKY, r=6)
    sheet.box(62, 18, 92, 8, mix(INK, 0x000000, 0.3), r=4)
    sheet.box(46, 118, 128, 52, 0xFFFFFF, r=6, alpha=0.92)
    write_centred(sheet, "ЖӘШІК", (110, 134), 19, INK)
    sheet.disc(190, 44, 8, 8, 0xD1495B)
    return sheet.sprite()


def _paper() -> Sprite:
    sheet = Sheet(28, 40)
    sheet.box(3, 2, 22, 36, PAPER, r=1)
    for n in range(4):
        sheet.box(6, 8 + n * 7, 14, 2, 0x9AA4AC)
    return sheet.sprite()
