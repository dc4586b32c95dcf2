"""What people say of ballots, and the rules under which it counts. Values only."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from aigaq.recount.model import Outcome, Reading, Why


class Kind(StrEnum):
    """What sort of answer it is."""

    CHOICE = "choice"
    INVALID = "invalid"
    UNREADABLE = "unreadable"
    REPEAT = "repeat"
    """The same sheet as one shown before."""


class Invalid(StrEnum):
    """Why a ballot counts for nobody, in a person's words."""

    NONE = "none"
    SEVERAL = "several"
    UNCLEAR = "unclear"
    FORM = "form"
    ENDORSEMENT = "endorsement"


@dataclass(frozen=True, slots=True)
class Answer:
    """What one person says of one ballot."""

    kind: Kind
    style: str = ""
    choice: str = ""
    invalid: Invalid | None = None

    @property
    def code(self) -> str:
        """As it is stored and sent: `choice:<style>/<choice>`, `invalid:<why>`, `unreadable`, `repeat`."""
        match self.kind:
            case Kind.CHOICE:
                return f"choice:{self.style}/{self.choice}"
            case Kind.INVALID:
                return f"invalid:{self.invalid}"
            case _:
                return self.kind.value

    @property
    def says(self) -> str:
        """What two people must agree on. Why a ballot is invalid is told beside, and need not be agreed."""
        return self.kind.value if self.kind is Kind.INVALID else self.code

    @property
    def needs_whole_sheet(self) -> bool:
        """Whether it cannot be known from the boxes alone: a mark may stand outside them, a sheet be no ballot."""
        return self.kind is Kind.UNREADABLE or (self.kind is Kind.INVALID and self.invalid is not Invalid.SEVERAL)


def parse_answer(code: str) -> Answer | None:
    """The answer that the code stands for; None where it is none."""
    kind, colon, rest = code.partition(":")
    if not colon:
        return Answer(Kind(kind)) if kind in {Kind.UNREADABLE, Kind.REPEAT} else None
    if kind == Kind.INVALID and rest in set(Invalid):
        return Answer(Kind.INVALID, invalid=Invalid(rest))
    style, slash, choice = rest.partition("/")
    return Answer(Kind.CHOICE, style, choice) if kind == Kind.CHOICE and slash and style and choice else None


class Because(StrEnum):
    """Why people are asked about a ballot."""

    MACHINE = "machine"
    """The machine is not sure, or says that it is no plain vote."""
    REPEAT = "repeat"
    """The machine says that the sheet was shown before, so that it would not be counted."""
    AUDIT = "audit"
    """Drawn by the public seed from those that the machine is sure of."""


class Level(StrEnum):
    """How much of a ballot is shown."""

    BOXES = "boxes"
    """The boxes on the blank form: an identifiable mark elsewhere could sell a vote."""
    WHOLE = "whole"
    """All that the film shows of the sheet."""


class Standing(StrEnum):
    """Whether a viewer's answers count."""

    UNPROVEN = "unproven"
    """Too few gold ballots answered yet."""
    PROVEN = "proven"
    GOLD_FAILED = "gold_failed"
    """Set aside: wrong on ballots whose answer is known."""
    DISAGREES = "disagrees"
    """Set aside: at odds with the others far more often than slips explain."""

    @property
    def set_aside(self) -> bool:
        """Whether the answers are kept, shown, and not counted."""
        return self in {Standing.GOLD_FAILED, Standing.DISAGREES}


class Status(StrEnum):
    """How far people are with a ballot."""

    OPEN = "open"
    AGREED = "agreed"
    ADJUDICATE = "adjudicate"
    """Enough people differ: an accredited reader decides, and says why."""
    ADJUDICATED = "adjudicated"
    DISPUTED = "disputed"
    """Adjudicators differ. Nobody decides it here."""

    @property
    def closed(self) -> bool:
        """Whether nobody is asked any more."""
        return self in {Status.AGREED, Status.ADJUDICATED, Status.DISPUTED}


@dataclass(frozen=True, slots=True)
class Policy:
    """The numbers of the rules. They are published with the results."""

    lead: int = 2
    """An answer stands when so many more people give it than any other: two who agree, or three against one."""
    most: int = 5
    """When so many have answered and none leads enough, an accredited reader adjudicates."""
    adjudicators: int = 1
    audit_share: float = 0.05
    gold_share: float = 0.05
    trial: int = 10
    """A viewer's first questions, among which more are gold."""
    trial_gold_share: float = 0.4
    min_gold: int = 2
    """Gold ballots that must be right before a viewer's answers count."""
    networks_apart: bool = True
    """No two answers to one ballot from one network: a person may hold many tokens, rarely many networks."""
    lease_s: int = 600
    """For how long a question that was asked is kept for whom it was asked."""


NEEDS_WHOLE: Final = frozenset(
    {
        Why.UNKNOWN_SHEET,
        Why.BACK_ONLY,
        Why.SECOND_SHEET,
        Why.FORM,
        Why.ENDORSEMENT,
        Why.NONE,
        Why.OUTSIDE,
        Why.UNREGISTERED,
    }
)
_INVALID: Final = {
    Why.FORM: Invalid.FORM,
    Why.ENDORSEMENT: Invalid.ENDORSEMENT,
    Why.NONE: Invalid.NONE,
    Why.OUTSIDE: Invalid.NONE,
    Why.SEVERAL: Invalid.SEVERAL,
}


@dataclass(frozen=True, slots=True)
class Item:
    """A ballot that people are asked about."""

    id: str
    """16 hexadecimal digits: a hash of the public seed, the count and the number."""
    count: str
    n: int
    style: str | None
    because: Because
    level: Level
    machine: Answer | None
    """What the machine says, to compare with and to measure viewers by; never shown to whoever answers."""
    sure: bool
    """Whether the machine is: both readers agree, each with margin."""


def machine_answer(reading: Reading) -> Answer | None:
    """The machine's reading in the words of people; None where it has no opinion."""
    if reading.same_as is not None:
        return Answer(Kind.REPEAT)
    if reading.outcome is Outcome.AUTOMATIC:
        return Answer(Kind.CHOICE, reading.style or "", reading.choice or "")
    reason = next((_INVALID[why] for why in reading.why if why in _INVALID), None)
    return Answer(Kind.INVALID, invalid=reason) if reading.outcome is Outcome.FLAGGED and reason else None


@dataclass(frozen=True, slots=True)
class Given:
    """One person's answer to one ballot; the newest where it was corrected."""

    viewer: str
    answer: Answer
    level: Level
    adjudicates: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """Where a ballot stands after the answers that count."""

    status: Status
    answer: Answer | None = None
    wanted: int = 0
    """How many more people are to be asked."""
    level: Level = Level.BOXES
    """How much the next ones must see."""
    counted: int = 0
    """How many answers count."""


@dataclass(frozen=True, slots=True)
class PeopleReading:
    """What people say of one presentation, for the tally."""

    n: int
    status: Status
    answer: Answer | None
    """Only where the status is agreed or adjudicated."""
    because: Because
    counted: int
    given: int
    machine: Answer | None
