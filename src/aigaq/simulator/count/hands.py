"""Hands that hold paper, and arms in sleeves. In mm: the origin is where the paper's edge is gripped, x goes onto it.

A grip has two layers: what is behind the paper, and the fingers before it.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

import numpy as np

from aigaq.simulator.count.sculpt import Colour, Limb, Spot, Sprite, sculpt

GripKind = Literal["thumb", "fingers", "pinch"]
Sleeve = Literal["suit", "knit", "shirt", "bare", "striped"]
SKINS: Final[tuple[Colour, ...]] = (
    (238, 198, 174), (226, 178, 148), (208, 158, 124), (184, 132, 98), (142, 98, 70), (98, 66, 48),
)  # fmt: skip
CLOTHS: Final[tuple[Colour, ...]] = (
    (44, 50, 66), (70, 74, 80), (118, 44, 48), (52, 84, 70), (196, 190, 178), (92, 70, 110), (36, 70, 120),
)  # fmt: skip
ARM_LENGTH: Final = 250.0
WRIST: Final = (-64.0, 92.0)
"""Of every hand, where the sleeve begins."""


@dataclass(frozen=True, slots=True)
class Hand:
    """Whose hand: its skin, its sleeve, a little of its shape."""

    skin: Colour
    cloth: Colour
    sleeve: Sleeve
    stout: float = 1.0
    varnished: bool = False


@dataclass(frozen=True, slots=True)
class GripSprites:
    """A hand on the left edge, its two layers."""

    behind: Sprite
    before: Sprite


@lru_cache(maxsize=72)
def grip(hand: Hand, kind: GripKind, reach: int, px_per_mm: float) -> GripSprites:
    """A hand that reaches `reach` mm onto the paper."""
    behind, before, spots = _GRIPS[kind](hand, float(reach))
    seed = sum(hand.skin) * 7 + reach
    return GripSprites(
        sculpt([*_palm(hand, kind), *behind], px_per_mm, seed=seed),
        _rooted(sculpt(before, px_per_mm, spots=spots, seed=seed + 1)),
    )


def _rooted(fingers: Sprite) -> Sprite:
    """Fingers that grow out of the palm without an edge."""
    x = (np.arange(fingers.rgba.shape[1]) - fingers.origin[0]) / fingers.px_per_mm
    share = np.clip((x + 34) / 20, 0, 1).astype(np.float32)
    return Sprite((fingers.rgba * share[None, :, None]).astype(np.uint8), fingers.origin, fingers.px_per_mm)


def _tone(colour: Colour, by: tuple[float, float, float]) -> Colour:
    red, green, blue = (max(0, min(255, round(c * b))) for c, b in zip(colour, by, strict=True))
    return red, green, blue


def _palm(hand: Hand, kind: GripKind) -> list[Limb]:
    fat, skin = hand.stout, hand.skin
    heel = (-46.0, 58.0, 27 * fat)
    if kind == "pinch":
        return [Limb((-30, 26, 24 * fat), heel, skin), Limb(heel, (*WRIST, 25 * fat), skin)]
    return [
        Limb((-36, 2, 25 * fat), heel, skin),
        Limb((-34, 24, 26 * fat), heel, skin),
        Limb(heel, (*WRIST, 25 * fat), skin),
    ]


def _finger(hand: Hand, start: tuple[float, float], end: tuple[float, float], r: float, out: float) -> list[Limb]:
    """Two bones with a knuckle between; the tip is redder."""
    fat = hand.stout
    middle = ((start[0] * 0.45 + end[0] * 0.55), start[1] * 0.45 + end[1] * 0.55 - 1.5)
    tip = _tone(hand.skin, (1.02, 0.93, 0.92))
    return [
        Limb((*start, r * 1.12 * fat), (*middle, r * fat), hand.skin, out),
        Limb((*middle, r * fat), (*end, r * 0.86 * fat), tip, out + 1),
    ]


def _finger_spots(hand: Hand, start: tuple[float, float], end: tuple[float, float], r: float) -> list[Spot]:
    turn = float(np.arctan2(end[1] - start[1], end[0] - start[0]))
    cos, sin = np.cos(turn), np.sin(turn)
    nail: Colour = (188, 40, 62) if hand.varnished else _tone(hand.skin, (1.06, 1.0, 1.02))
    shine: Colour = (255, 244, 240)
    dark = _tone(hand.skin, (0.66, 0.55, 0.5))
    nail_at = (end[0] + cos * r * 0.12, end[1] + sin * r * 0.12)
    middle = ((start[0] * 0.45 + end[0] * 0.55), start[1] * 0.45 + end[1] * 0.55 - 1.5)
    return [
        Spot(*nail_at, r * 0.78, r * 0.62, turn, dark, 0.5),
        Spot(*nail_at, r * 0.7, r * 0.54, turn, nail, 0.95),
        Spot(nail_at[0] - sin * -r * 0.1, nail_at[1] - r * 0.2, r * 0.4, r * 0.12, turn, shine, 0.5),
        *(Spot(middle[0] + cos * d, middle[1] + sin * d, 0.7, r * 0.75, turn, dark, 0.45) for d in (-2.2, 0.0, 2.0)),
    ]


def _thumb(hand: Hand, reach: float) -> tuple[list[Limb], list[Limb], list[Spot]]:
    start, end = (-14.0, 20.0), (reach - 9, 2.0)
    before = [Limb((-36, 40, 15 * hand.stout), (*start, 11.5 * hand.stout), hand.skin)]
    before += _finger(hand, start, end, 10.2, 0)
    behind = [
        limb
        for n in range(4)
        for limb in _finger(hand, (-36 + 2 * n, -16 + 17.0 * n), (10 - 3 * n, -24 + 15.5 * n), 8.8, 4)
    ]
    return behind, before, _finger_spots(hand, start, end, 10.2)


def _fingers(hand: Hand, reach: float) -> tuple[list[Limb], list[Limb], list[Spot]]:
    before = list[Limb]()
    spots = list[Spot]()
    for n, (share, radius) in enumerate(((0.82, 8.4), (1.0, 8.8), (0.93, 8.5), (0.66, 7.4))):
        start, end = (-34.0 + 1.5 * n, -24 + 17.5 * n), (max(9.0, reach * share) - radius * 0.86, -31 + 18.5 * n)
        before += _finger(hand, start, end, radius, 0)
        spots += _finger_spots(hand, start, end, radius)
    behind = [*_finger(hand, (-30, 40), (4, 26), 10, 0), *before]
    return behind, before, spots


def _pinch(hand: Hand, reach: float) -> tuple[list[Limb], list[Limb], list[Spot]]:
    start, end = (-24.0, 14.0), (reach - 9, 0.0)
    before = [Limb((-34, 34, 14 * hand.stout), (*start, 11 * hand.stout), hand.skin)]
    before += _finger(hand, start, end, 9.8, 0)
    behind = _finger(hand, (-34, 4), (12, -6), 8.6, 2) + _finger(hand, (-36, 20), (0, 10), 8.6, 0)
    behind += _finger(hand, (-34, 36), (-14, 24), 8.2, 1)
    return behind, before, _finger_spots(hand, start, end, 9.8)


_GRIPS: Final = {"thumb": _thumb, "fingers": _fingers, "pinch": _pinch}


@lru_cache(maxsize=12)
def forearm(hand: Hand, px_per_mm: float) -> Sprite:
    """From the wrist at (0, 0) to the elbow at (`ARM_LENGTH`, 0)."""
    fat = hand.stout
    if hand.sleeve == "bare":
        limbs = [Limb((0, 0, 24 * fat), (ARM_LENGTH, 0, 41 * fat), hand.skin)]
        return sculpt(limbs, px_per_mm, seed=3, rough=0.02)
    limbs = [Limb((26, 0, 34 * fat), (ARM_LENGTH, 0, 48 * fat), hand.cloth, 6, 1, 3.2)]
    limbs.append(Limb((-4, 0, 24 * fat), (30, 0, 26 * fat), hand.skin))
    if hand.sleeve == "suit":
        limbs.append(Limb((10, 0, 31 * fat), (30, 0, 31 * fat), (232, 234, 238), 2))
    return sculpt(limbs, px_per_mm, spots=_stripes(hand), seed=sum(hand.cloth), rough=0.035)


@lru_cache(maxsize=12)
def upper_arm(hand: Hand, px_per_mm: float) -> Sprite:
    """From the elbow at (0, 0) to the shoulder at (`ARM_LENGTH`, 0)."""
    fat = hand.stout
    limbs = [Limb((0, 0, 47 * fat), (ARM_LENGTH, 0, 58 * fat), hand.cloth, 0, 1, 3.2)]
    return sculpt(limbs, px_per_mm, spots=_stripes(hand), seed=sum(hand.cloth) + 1, rough=0.035)


@lru_cache(maxsize=12)
def flat_hand(hand: Hand, px_per_mm: float) -> Sprite:
    """A hand that reaches out to the right, seen from above; its wrist at (0, 0)."""
    skin, fat = hand.skin, hand.stout
    limbs = [Limb((0, 0, 26 * fat), (52, 0, 38 * fat), skin, 0, 0.6)]
    spots = list[Spot]()
    for start, end in (((80, -26), (146, -34)), ((84, -9), (158, -10)), ((82, 9), (150, 12)), ((76, 25), (130, 32))):
        limbs += _finger(hand, start, end, 8.8, 4)
        spots += _finger_spots(hand, start, end, 8.8)
    limbs += _finger(hand, (36, 30), (92, 56), 10.5, 2)
    spots += _finger_spots(hand, (36, 30), (92, 56), 10.5)
    return sculpt(limbs, px_per_mm, spots=spots, seed=sum(skin))


def _stripes(hand: Hand) -> list[Spot]:
    if hand.sleeve != "striped":
        return []
    pale = _tone(hand.cloth, (1.7, 1.7, 1.7))
    return [Spot(x, 0, 3.5, 120, 0, pale, 0.8) for x in np.arange(40.0, ARM_LENGTH, 22)]


def some_hand(rng: np.random.Generator) -> Hand:
    """Anybody's."""
    sleeves: tuple[Sleeve, ...] = ("suit", "knit", "shirt", "bare", "striped")
    return Hand(
        SKINS[int(rng.integers(len(SKINS)))],
        CLOTHS[int(rng.integers(len(CLOTHS)))],
        sleeves[int(rng.integers(len(sleeves)))],
        float(rng.uniform(0.86, 1.1)),
        bool(rng.random() < 0.15),
    )
