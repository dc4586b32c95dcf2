"""People who sit around the table: bodies of round limbs, seen out of focus. Nobody's likeness.

In mm: the origin is the middle of the table's edge before the person's breast, y goes down.
"""

from functools import lru_cache
from typing import Final, Literal

import numpy as np

from aigaq.simulator.count.hands import Hand
from aigaq.simulator.count.sculpt import Colour, Limb, Spot, Sprite, sculpt

Hair = Literal["short", "long", "scarf", "bald", "bun"]
HAIRS: Final[tuple[Hair, ...]] = ("short", "long", "scarf", "bald", "bun")
HAIR_TONES: Final[tuple[Colour, ...]] = ((28, 22, 20), (58, 40, 28), (120, 116, 112), (36, 30, 34))
SHOULDERS: Final = 178.0
"""From the spine to a shoulder's joint."""
SHOULDER_UP: Final = 260.0


@lru_cache(maxsize=8)
def body(hand: Hand, hair: Hair, tone: Colour, px_per_mm: float) -> Sprite:
    """A seated person from the front, without the arms."""
    fat, skin, cloth = hand.stout, hand.skin, hand.cloth
    limbs = [
        Limb((-60, 60, 125 * fat), (-55, -200, 105 * fat), cloth, 0, 0.55, 3),
        Limb((60, 60, 125 * fat), (55, -200, 105 * fat), cloth, 0, 0.55, 3),
        Limb((-120, -235, 62 * fat), (120, -235, 62 * fat), cloth, 0, 0.7, 2.5),
        Limb((0, -300, 50), (0, -350, 48), _dim(skin, 0.82), 10),
        *_head(skin, hair, tone),
    ]
    if hand.sleeve == "suit":
        limbs += [
            Limb((0, -285, 32), (0, -170, 10), (232, 234, 240), 62, 0.3),
            Limb((0, -275, 8), (0, -130, 13), (112, 30, 40), 70, 0.4),
        ]
    return sculpt(limbs, px_per_mm, spots=_features(skin, hair, tone), seed=sum(cloth) + sum(skin))


def _dim(colour: Colour, share: float) -> Colour:
    red, green, blue = (round(c * share) for c in colour)
    return red, green, blue


@lru_cache(maxsize=8)
def folded_arms(hand: Hand, px_per_mm: float) -> Sprite:
    """Both arms, the hands together on the table."""
    skin = hand.skin
    sleeve = skin if hand.sleeve == "bare" else hand.cloth
    folds = 0.0 if hand.sleeve == "bare" else 2.5
    limbs = list[Limb]()
    for side in (-1, 1):
        limbs.append(Limb((side * 185, -215, 58), (side * 215, -20, 50), hand.cloth, 20, 1, 2.5))
        limbs.append(Limb((side * 215, -15, 48), (side * 60, 38, 34), sleeve, 70, 1, folds))
        limbs.append(Limb((side * 58, 40, 27), (side * 8, 48, 24), skin, 100))
    return sculpt(limbs, px_per_mm, seed=sum(hand.cloth))


def _head(skin: Colour, hair: Hair, tone: Colour) -> list[Limb]:
    limbs = [
        Limb((0, -456, 77), (0, -430, 77), skin, 30),
        Limb((0, -412, 64), (0, -398, 64), skin, 34),
        Limb((0, -440, 12), (0, -415, 16), skin, 88, 0.8),
        Limb((-80, -435, 12), (-78, -420, 9), _dim(skin, 0.92), 10),
        Limb((80, -435, 12), (78, -420, 9), _dim(skin, 0.92), 10),
    ]
    if hair == "bald":
        return limbs
    cover = (206, 198, 182) if hair == "scarf" else tone
    limbs.append(Limb((-22, -494, 62), (22, -494, 62), cover, 54, 0.9, 2))
    low = {"short": -440, "bun": -436, "long": -330, "scarf": -345}[hair]
    limbs += [Limb((side * 70, -480, 22), (side * 80, low, 20), cover, 36, 1, 2) for side in (-1, 1)]
    if hair == "bun":
        limbs.append(Limb((0, -560, 34), (0, -556, 34), tone, 10))
    if hair == "scarf":
        limbs.append(Limb((-55, -330, 40), (55, -330, 40), cover, 44, 0.5))
    return limbs


def _features(skin: Colour, hair: Hair, tone: Colour) -> list[Spot]:
    dark = _dim(skin, 0.62)
    spots = [Spot(0, -392, 24, 6, 0, (150, 74, 70), 0.6), Spot(0, -407, 16, 4, 0, dark, 0.35)]
    for side in (-1, 1):
        spots += [
            Spot(side * 29, -444, 19, 11, 0, dark, 0.4),
            Spot(side * 29, -442, 10, 4.5, 0, (226, 218, 210), 0.5),
            Spot(side * 29, -442, 5, 4.5, 0, (40, 28, 24), 0.85),
            Spot(side * 30, -460, 20, 4.5, side * 0.12, dark if hair == "scarf" else _dim(tone, 0.9), 0.75),
        ]
    return spots


def some_hair(rng: np.random.Generator) -> tuple[Hair, Colour]:
    """Anybody's."""
    return HAIRS[int(rng.integers(len(HAIRS)))], HAIR_TONES[int(rng.integers(len(HAIR_TONES)))]
