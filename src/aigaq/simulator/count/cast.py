"""Who voted how: the ballots of a count in the order of showing, and what is right to read of each."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from aigaq.election import BallotStyle, Box
from aigaq.simulator.count.marks import MARK_KINDS, Ink, Mark, MarkKind
from aigaq.simulator.count.plan import CountPlan

Shown = Literal["front", "back", "front-after-back"]
Invalid = Literal["none", "several", "outside", "form", "endorsement"]
Form = Literal["established", "copy", "other"]
_INKS: Final[tuple[Ink, ...]] = ("blue", "black", "violet", "red", "green", "pencil", "marker")
_INK_SHARES: Final = (0.56, 0.2, 0.07, 0.04, 0.03, 0.06, 0.04)
_KIND_SHARES: Final[dict[MarkKind, float]] = {
    "tick": 0.34, "cross": 0.2, "plus": 0.1, "heart": 0.04, "squiggle": 0.06, "fill": 0.08, "circle": 0.05,
    "line": 0.05, "dot": 0.03, "star": 0.02, "word": 0.03,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ballot:
    """One sheet of paper as it came out of the box."""

    style: BallotStyle
    marks: tuple[Mark, ...]
    endorsed: bool
    form: Form
    seed: int
    """Of its creases, its specks and its signature."""

    @property
    def invalid(self) -> Invalid | None:
        """Why it does not count; the form first, then the signature, then the marks."""
        if self.form != "established":
            return "form"
        if not self.endorsed:
            return "endorsement"
        marked = {mark.choice for mark in self.marks if mark.choice is not None}
        if len(marked) > 1:
            return "several"
        if not marked:
            return "outside" if self.marks else "none"
        return None

    @property
    def valid_choice(self) -> str | None:
        """Whom it counts for."""
        return None if self.invalid else next(m.choice for m in self.marks if m.choice is not None)


@dataclass(frozen=True, slots=True)
class Presented:
    """One ballot held up."""

    n: int
    ballot: Ballot
    shown: Shown
    upside_down: bool
    same_as: int | None = None
    beneath: Ballot | None = None
    """A second sheet held behind it."""


def cast(plan: CountPlan) -> list[Presented]:
    """The presentations of a film, numbered from 0; repeated ballots come on top of `plan.ballots`."""
    rng = np.random.default_rng([plan.seed, 1])
    tastes = {style.id: rng.dirichlet(np.full(len(style.choices), 2.0)) for style in plan.styles}
    shown = list[Presented]()
    waiting = list[tuple[int, Presented]]()
    for number in range(plan.ballots):
        shown.append(replace(_presented(plan, rng, tastes), n=len(shown)))
        if rng.random() < plan.shares.again:
            waiting.append((number + int(rng.choice((0, 0, 3, 9))), shown[-1]))
        due = [first for at, first in waiting if at <= number or number == plan.ballots - 1]
        waiting = [(at, first) for at, first in waiting if first not in due]
        shown += [replace(first, n=len(shown) + more, same_as=first.n) for more, first in enumerate(due)]
    return shown


def _presented(plan: CountPlan, rng: np.random.Generator, tastes: dict[str, np.ndarray]) -> Presented:
    shares = plan.shares
    ballot = _ballot(plan, rng, tastes)
    side = rng.random()
    shown: Shown = "front"
    if side < shares.back:
        shown = "back"
    elif side < shares.back + shares.front_after_back:
        shown = "front-after-back"
    beneath = _ballot(plan, rng, tastes) if rng.random() < shares.double else None
    return Presented(0, ballot, shown, bool(rng.random() < shares.upside_down), beneath=beneath)


def _ballot(plan: CountPlan, rng: np.random.Generator, tastes: dict[str, np.ndarray]) -> Ballot:
    shares = plan.shares
    style = plan.styles[int(rng.integers(len(plan.styles)))]
    form: Form = "established"
    if rng.random() < shares.form:
        form = "copy" if rng.random() < 0.5 else "other"
    marks = () if form == "other" else tuple(_marks(plan, rng, style, tastes[style.id]))
    endorsed = form == "established" and bool(rng.random() >= shares.unendorsed)
    return Ballot(style, marks, endorsed, form, int(rng.integers(1 << 31)))


def _marks(plan: CountPlan, rng: np.random.Generator, style: BallotStyle, taste: np.ndarray) -> Iterator[Mark]:
    shares = plan.shares
    fate = rng.random()
    if fate < shares.none:
        return
    ink: Ink = _INKS[int(rng.choice(len(_INKS), p=_INK_SHARES))]
    if fate < shares.none + shares.outside:
        row = style.choices[int(rng.integers(len(style.choices)))].row
        side = min(row.h, 18.0)
        x = row.x + rng.uniform(0.1, 0.65) * row.w
        yield _mark(rng, box=Box(x, row.y + (row.h - side) / 2, side, side), choice=None, ink=ink, strength=0.9)
        return
    count = 1
    if fate < shares.none + shares.outside + shares.several:
        count = 2 if rng.random() < 0.8 or len(style.choices) < 3 else 3
    strength = float(rng.uniform(0.28, 0.45) if rng.random() < shares.faint else rng.uniform(0.75, 0.97))
    over = bool(rng.random() < shares.overflowing)
    for index in rng.choice(len(style.choices), size=count, replace=False, p=taste):
        choice = style.choices[int(index)]
        yield _mark(rng, box=choice.box, choice=choice.id, ink=ink, strength=strength, over=over)


def _mark(
    rng: np.random.Generator, *, box: Box, choice: str | None, ink: Ink, strength: float, over: bool = False
) -> Mark:

    kind = MARK_KINDS[int(rng.choice(len(MARK_KINDS), p=[_KIND_SHARES[k] for k in MARK_KINDS]))]
    size = box.w * (rng.uniform(1.15, 1.5) if over else rng.uniform(0.5, 0.85))
    away = box.w * (0.16 if over else 0.06)
    x, y = box.x + box.w / 2 + rng.normal(0, away), box.y + box.h / 2 + rng.normal(0, away)
    return Mark(choice, kind, ink, strength, float(x), float(y), float(size), int(rng.integers(1 << 31)))
