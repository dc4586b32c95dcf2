"""Scores what was found against what a rendered film shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aigaq.recount.reading.finding import Shown


@dataclass(frozen=True)
class Score:
    """Numbers of presentations by `n` of the truth; false ones by their beginning in seconds."""

    missed: tuple[int, ...]
    split: tuple[int, ...]
    """Found as two or more."""
    merged: tuple[int, ...]
    """Found as one with another."""
    false: tuple[float, ...]
    wrong_style: tuple[int, ...]
    """Found as another style; an unknown sheet is no mistake here."""
    unknown: tuple[int, ...]
    """Front sides that were told as unknown."""
    wrong_way: tuple[int, ...]


def score(shown: Sequence[Shown], truth: dict[str, Any]) -> Score:
    """Whoever overlaps a sheet while it is held up has found it."""
    held = {p["n"]: (p["held_from_s"], p["held_to_s"], p) for p in truth["presentations"]}
    owners = [[n for n, (a, b, _) in held.items() if min(b, s.to_s) > max(a, s.from_s)] for s in shown]
    finders = {n: [s for s, own in zip(shown, owners, strict=True) if n in own] for n in held}
    fronts = {n: (held[n][2], found[0]) for n, found in finders.items() if found and held[n][2]["shown"] != "back"}
    return Score(
        missed=tuple(n for n, found in finders.items() if not found),
        split=tuple(n for n, found in finders.items() if len(found) > 1),
        merged=tuple(n for own in owners if len(own) > 1 for n in own),
        false=tuple(s.from_s for s, own in zip(shown, owners, strict=True) if not own),
        wrong_style=tuple(n for n, (p, s) in fronts.items() if s.style not in (None, p["style"])),
        unknown=tuple(n for n, (p, s) in fronts.items() if s.style is None and p["style"] is not None),
        wrong_way=tuple(n for n, (p, s) in fronts.items() if s.style and s.upside_down != p["upside_down"]),
    )


PERFECT = Score((), (), (), (), (), (), ())
