"""A long film in parts: where they begin, and what they gave made one again. Pure.

Parts overlap, so that each has seen the room before its own stretch begins. They are joined at a moment near the
border at which neither holds up a sheet: no presentation is cut, lost, or told twice.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final, TypeVar

from aigaq.recount.model import Gap, GapKind, Outcome, Reading, Why

PART_S: Final = 300.0
MOST: Final = 24
"""What comes before a part is passed over packet by packet: more parts would cost more than they save."""
OVERLAP_S: Final = 10.0
NEAR_S: Final = 0.5
"""A presentation closer than this to footage that is missing may be only a piece of it."""
_SAME: Final = 0.01
_NOT_SEEN: Final = frozenset({GapKind.MISSING, GapKind.DAMAGED, GapKind.LOOPED})

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Part:
    """Seconds of a film: what is its own, and what is looked at beside it."""

    number: int
    from_s: float
    to_s: float
    read_from_s: float
    read_to_s: float


@dataclass(frozen=True, slots=True)
class PartReading:
    """What one part gave, in the film's own seconds."""

    readings: tuple[Reading, ...]
    gaps: tuple[Gap, ...]


def plan(seconds: float) -> tuple[Part, ...]:
    """The parts of a film that claims to be so long. The last is read to whatever end comes."""
    many = max(1, min(MOST, round(seconds / PART_S)))
    borders = [seconds * n / many for n in range(many)] + [math.inf]
    return tuple(
        Part(number, start, end, max(0.0, start - OVERLAP_S) if number else 0.0, end + OVERLAP_S)
        for number, (start, end) in enumerate(pairwise(borders))
    )


def cuts(parts: Sequence[Part], found: Sequence[PartReading]) -> list[float]:
    """Where each part's own stretch truly begins; and the end, after them."""
    inner = [_cut(b.from_s, left.readings, right.readings) for b, left, right in zip(parts[1:], found, found[1:])]  # noqa: B905 - borders between n parts are n - 1
    return [0.0, *inner, math.inf]


def _cut(border: float, left: Sequence[Reading], right: Sequence[Reading]) -> float:
    near = [r for r in (*left, *right) if r.to_s > border - OVERLAP_S and r.from_s < border + OVERLAP_S]
    moments = [border, *(t for r in near for t in (r.from_s, r.to_s) if abs(t - border) < OVERLAP_S)]
    return min(moments, key=lambda at: (sum(r.from_s < at < r.to_s for r in near), abs(at - border), at))


def own(values: Sequence[Reading], start: float, end: float) -> list[int]:
    """Places of the presentations that begin within a stretch."""
    return [place for place, reading in enumerate(values) if start <= reading.from_s < end]


def joined_gaps(found: Sequence[PartReading], borders: Sequence[float]) -> tuple[Gap, ...]:
    """Every gap once, cut at the borders and made whole again across them."""
    pieces = [
        Gap(max(gap.from_s, start), min(gap.to_s, end), gap.kind)
        for (start, end), one in zip(pairwise(borders), found, strict=True)
        for gap in one.gaps
        if gap.from_s < end and gap.to_s > start
    ]
    whole: list[Gap] = []
    for gap in sorted(pieces, key=lambda g: (g.kind, g.from_s)):
        if whole and whole[-1].kind is gap.kind and gap.from_s - whole[-1].to_s < _SAME:
            whole[-1] = replace(whole[-1], to_s=max(gap.to_s, whole[-1].to_s))
        else:
            whole.append(gap)
    return tuple(sorted(whole, key=lambda g: (g.from_s, g.to_s, g.kind)))


def beside_gaps(readings: Sequence[Reading], gaps: Sequence[Gap]) -> Iterator[Reading]:
    """Where footage is missing, damaged or repeated in a presentation or at its edge, people decide."""
    unseen = [gap for gap in gaps if gap.kind in _NOT_SEEN]
    for reading in readings:
        if any(g.from_s < reading.to_s + NEAR_S and g.to_s > reading.from_s - NEAR_S for g in unseen):
            yield replace(reading, outcome=Outcome.HUMAN, choice=None, why=(Why.NEAR_GAP, *reading.why))
        else:
            yield reading
