"""Live help for whoever shows ballots: what to do now, and how many were counted. Pure; it tells no choice.

It says what would keep a ballot from being read: too far, covered, blurred, moving, shown too briefly.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from aigaq.recount.model import MIN_VISIBLE, Outcome, Reading, Why

LEAST_BOX_PX: Final = 22.0
"""Below it the share of ballots that are read drops fast."""
LEAST_CONTRAST: Final = 0.5
MOST_SPEED: Final = 0.25
"""Heights of the sheet in a second."""
ENOUGH_S: Final = 0.8
"""Held so long and so well, a ballot is read."""
KEEP_S: Final = 2.5
"""For how long the word on the last ballot stays."""


class Advice(StrEnum):
    """One word at a time."""

    SHOW = "show"
    """Nothing is held up."""
    CLOSER = "closer"
    STILL = "still"
    SHARPER = "sharper"
    UNCOVER = "uncover"
    HOLD = "hold"
    """It is well seen: a moment more."""
    ENOUGH = "enough"
    """It can be laid down."""
    COUNTED = "counted"
    AGAIN = "again"
    """It was not seen well enough."""
    TURN = "turn"
    """Only the back was shown."""
    BLIND = "blind"
    """There is no picture."""


@dataclass(frozen=True, slots=True)
class Look:
    """The held sheet in one picture."""

    at_s: float
    box_px: float
    contrast: float
    visible: float
    """Share of the box that is seen least."""
    speed: float
    """Heights of the sheet in a second."""


@dataclass(frozen=True, slots=True)
class State:
    """What the page shows."""

    advice: Advice = Advice.SHOW
    why: Why | None = None
    """Why it is to be shown again."""
    shown: int = 0
    """Presentations so far."""
    counted: int = 0
    """Of these, seen well enough, and not seen before."""
    since_s: float = 0.0
    good_since_s: float | None = None


def looked(state: State, look: Look) -> State:
    """A sheet is held up."""
    advice = _fault(look)
    if advice is not None:
        return _now(state, advice, look.at_s, good_since_s=None)
    good = look.at_s if state.good_since_s is None else state.good_since_s
    enough = look.at_s - good >= ENOUGH_S
    return _now(state, Advice.ENOUGH if enough else Advice.HOLD, look.at_s, good_since_s=good)


def nothing_held(state: State, at_s: float) -> State:
    """No sheet is held up; the word on the last one stays for a while."""
    if state.advice in _LAST and at_s - state.since_s < KEEP_S:
        return state
    return _now(state, Advice.SHOW, at_s, good_since_s=None)


def ended(state: State, reading: Reading, at_s: float) -> State:
    """A presentation has ended and was read."""
    state = replace(state, shown=state.shown + 1)
    if reading.why and reading.why[0] is Why.BACK_ONLY:
        return _now(state, Advice.TURN, at_s, good_since_s=None)
    if reading.outcome is Outcome.HUMAN and reading.why[0] in _POOR:
        return _now(state, Advice.AGAIN, at_s, good_since_s=None, why=reading.why[0])
    state = replace(state, counted=state.counted + reading.counted)
    return _now(state, Advice.COUNTED, at_s, good_since_s=None)


def blind(state: State, at_s: float) -> State:
    """The camera gives no picture."""
    return _now(state, Advice.BLIND, at_s, good_since_s=None)


_LAST: Final = frozenset({Advice.COUNTED, Advice.AGAIN, Advice.TURN})
_POOR: Final = frozenset({Why.HIDDEN, Why.FEW_FRAMES, Why.SMALL, Why.BLURRED, Why.UNREGISTERED, Why.SECOND_SHEET})
"""What a better showing would cure; anything else is the ballot's own."""


def _fault(look: Look) -> Advice | None:
    if look.box_px < LEAST_BOX_PX:
        return Advice.CLOSER
    if look.speed > MOST_SPEED:
        return Advice.STILL
    if look.contrast < LEAST_CONTRAST:
        return Advice.SHARPER
    return Advice.UNCOVER if look.visible < MIN_VISIBLE else None


def _now(state: State, advice: Advice, at_s: float, *, good_since_s: float | None, why: Why | None = None) -> State:
    since = state.since_s if advice is state.advice else at_s
    return replace(state, advice=advice, since_s=since, good_since_s=good_since_s, why=why)
