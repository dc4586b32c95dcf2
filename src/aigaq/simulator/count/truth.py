"""What a rendered film shows, as the recount's tests read it: `truth.json`, described in `docs/reference/count.md`."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aigaq.simulator.count.cast import Ballot, Presented
from aigaq.simulator.count.gripping import activity
from aigaq.simulator.count.motion import Act, Script
from aigaq.simulator.count.sheet import box_share
from aigaq.simulator.count.stage import Seen

FORMAT: Final = 1
VISIBLE: Final = 0.8
"""A box of which less can be seen must never decide (0003, R1)."""
Json = dict[str, Any]
Floats = NDArray[np.float64]


@dataclass
class Sighting:
    """What the frames of one presentation have shown so far."""

    best: tuple[int, Seen] | None = None
    union: NDArray[np.bool_] | None = None
    frames: int = 0
    _worth: float = field(default=-1.0)

    def add(self, number: int, seen: Seen) -> None:
        """One frame; the best is held still and hides least."""
        if not seen.held or not seen.front:
            return
        self.frames += 1
        self.union = seen.visible if self.union is None else self.union | seen.visible
        worth = float(seen.visible.mean()) - 0.02 * min(seen.speed, 20.0)
        if worth > self._worth:
            self._worth, self.best = worth, (number, seen)


class Witness:
    """Collects sightings frame by frame."""

    def __init__(self) -> None:
        self.sightings: dict[int, Sighting] = {}

    def look(self, number: int, seen: Seen | None) -> None:
        """Take note of a frame."""
        if seen is not None:
            self.sightings.setdefault(seen.n, Sighting()).add(number, seen)


def presentations(script: Script, witness: Witness, fps: float) -> list[Json]:
    """Every presentation of the script with what was seen of it."""
    shown = [(act, act.presented) for act in script.acts if act.presented is not None]
    return [_presentation(act, one, witness.sightings.get(one.n, Sighting()), fps) for act, one in shown]


def activities(script: Script) -> list[Json]:
    """When hands do something."""
    return [{"from_s": _s(start), "to_s": _s(end), "what": what} for start, end, what in activity(script)]


def _presentation(act: Act, shown: Presented, sighting: Sighting, fps: float) -> Json:
    ballot = shown.ballot
    boxes: list[Json] = [{"choice": c.id, "visible_share": 0.0, "fused_share": 0.0} for c in ballot.style.choices]
    best: Json | None = None
    box_px = 0.0
    if sighting.best is not None and sighting.union is not None:
        number, seen = sighting.best
        for box, share, fused, corners in zip(
            boxes, seen.visible.mean(axis=1), sighting.union.mean(axis=1), seen.boxes, strict=True
        ):
            box |= {"visible_share": _r(share, 3), "fused_share": _r(fused, 3), "corners_px": _points(corners)}
        box_px = _r(float(np.median([_side(corners) for corners in seen.boxes])), 1)
        best = {"frame": number, "at_s": _s(number / fps), "corners_px": _points(seen.corners)}
    return {
        "n": shown.n,
        "style": None if ballot.form == "other" else ballot.style.id,
        "from_s": _s(act.start),
        "to_s": _s(act.end),
        "held_from_s": _s(act.raised),
        "held_to_s": _s(act.lowering),
        "shown": shown.shown,
        "upside_down": shown.upside_down,
        "same_as": shown.same_as,
        **content(ballot),
        "beneath": None if shown.beneath is None else {"style": shown.beneath.style.id, **content(shown.beneath)},
        "grips": [{"edge": g.edge, "kind": g.kind, "along_mm": _r(g.along, 1), "reach_mm": g.reach} for g in act.grips],
        "best": best,
        "boxes": boxes,
        "box_px": box_px,
        "hidden": [box["choice"] for box in boxes if box["fused_share"] < VISIBLE],
    }


def content(ballot: Ballot) -> Json:
    """What a ballot says, and whether it counts."""
    return {
        "form": ballot.form,
        "marks": [
            {
                "choice": mark.choice,
                "kind": mark.kind,
                "ink": mark.ink,
                "strength": _r(mark.strength, 3),
                "box_share": _r(
                    0.0 if mark.choice is None else box_share(mark, ballot.style.choice(mark.choice).box), 3
                ),
            }
            for mark in ballot.marks
        ],
        "endorsed": ballot.endorsed,
        "valid_choice": ballot.valid_choice,
        "invalid": ballot.invalid,
    }


def _side(corners: Floats) -> float:
    return float(np.hypot(*(corners - np.roll(corners, 1, axis=0)).T).mean())


def _points(corners: Floats) -> list[list[float]]:
    return [[_r(x, 2), _r(y, 2)] for x, y in _rows(corners)]


def _rows(corners: Floats) -> Iterable[tuple[float, float]]:
    return ((float(x), float(y)) for x, y in corners)


def _r(value: float, digits: int) -> float:
    return round(float(value), digits)


def _s(seconds: float) -> float:
    return _r(seconds, 3)
