"""Machine, people and protocol side by side, contest by contest, completeness first. Pure; gives no result.

A ballot is settled by people where they agree, else by the machine where it is automatic; all others stay open and
widen the interval of every line they could belong to. So does a sheet of unknown style, and a repeated showing that
nobody has confirmed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from aigaq.recount.intervals import clopper_pearson
from aigaq.recount.model import Count, Gap, GapKind, Outcome, Reading
from aigaq.recount.people.model import Answer, Because, Kind, PeopleReading, Status

INVALID: Final = ""
"""Name of the line of ballots that count for nobody; no choice can bear it."""
_SETTLED: Final = frozenset({Status.AGREED, Status.ADJUDICATED})
_AT_ODDS: Final = frozenset({Status.ADJUDICATE, Status.DISPUTED})


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a results protocol says of one contest; None where it was not given."""

    contest: str
    ballots: int | None = None
    """In the boxes, stationary and mobile."""
    invalid: int | None = None
    votes: Mapping[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True, slots=True)
class Completeness:
    """Whether what was shown can be all there was. Comes before any figure."""

    presentations: int
    """Every time that a sheet was held up."""
    repeats: tuple[int, ...]
    """Showings of a sheet that was shown before."""
    unknown: tuple[int, ...]
    """Sheets of no known style: they may belong to any contest."""
    low: int
    """Ballots of the contest that were surely shown."""
    high: int
    """With unknown sheets and unconfirmed repeats."""
    claimed: int | None
    gaps: tuple[Gap, ...]

    @property
    def unseen(self) -> int:
        """Ballots of the protocol that were not shown, at least."""
        return max(0, (self.claimed or 0) - self.high)

    @property
    def surplus(self) -> int:
        """Ballots shown that the protocol does not have, at least."""
        return 0 if self.claimed is None else max(0, self.low - self.claimed)

    @property
    def whole(self) -> bool | None:
        """Whether the figures agree and no footage lacks; None where no protocol was given."""
        if self.claimed is None:
            return None
        return self.low <= self.claimed <= self.high and all(g.kind is GapKind.ACTIVITY for g in self.gaps)


@dataclass(frozen=True, slots=True)
class Line:
    """One choice, or the invalid ballots, in the words of machine, people and protocol."""

    choice: str | None
    """None for the invalid ballots."""
    machine: tuple[int, ...]
    """Presentations that the machine reads so."""
    people: tuple[int, ...]
    """Presentations that people read so."""
    settled: tuple[int, ...]
    """Presentations that stand for this line: by people where they agree, else by the machine."""
    open: int
    """Ballots that may belong here as well."""
    claimed: int | None

    @property
    def low(self) -> int:
        """Observed count, lower bound."""
        return len(self.settled)

    @property
    def high(self) -> int:
        """Observed count of what was shown, upper bound."""
        return self.low + self.open


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A ballot that machine and people read differently."""

    n: int
    machine: Answer
    people: Answer


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its exact interval."""

    hits: int
    trials: int

    @property
    def interval(self) -> tuple[float, float]:
        """Bounds at 95 % (Clopper–Pearson)."""
        return clopper_pearson(self.hits, self.trials)


@dataclass(frozen=True, slots=True)
class ContestTally:
    """One contest."""

    contest: str
    completeness: Completeness
    lines: tuple[Line, ...]
    open: tuple[int, ...]
    """Presentations that nobody has settled."""
    coverage: Share
    """Automatic among the ballots shown. No word on agreement without it."""
    audit: Share
    """Automatic readings that people confirm, among those that they were asked about by the public draw."""
    disagreements: tuple[Disagreement, ...]

    def discrepancy(self, line: Line) -> int | None:
        """How far the protocol lies outside what was observed; 0 within, None where it says nothing.

        Ballots that were not shown may belong to any line, so they widen it upwards.
        """
        if line.claimed is None:
            return None
        if line.claimed < line.low:
            return line.claimed - line.low
        return max(0, line.claimed - line.high - self.completeness.unseen)

    @property
    def differs(self) -> bool:
        """Whether anything in the protocol lies outside what was observed."""
        complete = self.completeness
        return bool(complete.unseen or complete.surplus or any(self.discrepancy(line) for line in self.lines))


@dataclass(frozen=True, slots=True)
class Contest:
    """What the tally must know of a contest."""

    id: str
    styles: frozenset[str]
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Stand:
    """Where one presentation stands."""

    reading: Reading
    contest: str | None
    line: str | None
    """Choice, or `INVALID`; None while open."""
    repeat: bool
    sure_repeat: bool


def tally(
    count: Count,
    contests: Sequence[Contest],
    *,
    people: Iterable[PeopleReading] = (),
    claimed: Iterable[Claimed] = (),
) -> tuple[ContestTally, ...]:
    """Every contest, in the order given."""
    said = {one.n: one for one in people}
    of = {style: contest.id for contest in contests for style in contest.styles}
    stands = [_stand(reading, said.get(reading.n), of) for reading in count.readings]
    claims = {one.contest: one for one in claimed}
    return tuple(_contest(one, stands, said, count, claims.get(one.id, Claimed(one.id))) for one in contests)


def _stand(reading: Reading, said: PeopleReading | None, of: Mapping[str, str]) -> _Stand:
    contest = of.get(reading.style or "")
    answer = said.answer if said and said.status in _SETTLED else None
    if answer is None or answer.kind is Kind.UNREADABLE:
        doubted = answer is not None or (said is not None and said.status in _AT_ODDS)
        return _Stand(reading, contest, None if doubted else reading.choice, not reading.counted, sure_repeat=False)
    if answer.kind is Kind.REPEAT:
        return _Stand(reading, contest, None, repeat=True, sure_repeat=True)
    if answer.kind is Kind.INVALID:
        return _Stand(reading, contest, INVALID, repeat=False, sure_repeat=False)
    return _Stand(reading, of.get(answer.style, contest), answer.choice, repeat=False, sure_repeat=False)


def _contest(
    contest: Contest, stands: Sequence[_Stand], said: Mapping[int, PeopleReading], count: Count, claim: Claimed
) -> ContestTally:
    mine = [s for s in stands if s.contest == contest.id]
    strangers = [s for s in stands if s.contest is None and not s.sure_repeat]
    first = [s for s in mine if not s.repeat]
    doubtful = [s for s in mine if s.repeat and not s.sure_repeat]
    still = [s for s in first if s.line is None]
    could_be = [*still, *strangers, *doubtful]
    automatic = [s.reading for s in first if s.reading.outcome is Outcome.AUTOMATIC]
    return ContestTally(
        contest.id,
        Completeness(
            presentations=len(mine),
            repeats=tuple(s.reading.n for s in mine if s.repeat),
            unknown=tuple(s.reading.n for s in strangers),
            low=len(first),
            high=len(first) + len(strangers) + len(doubtful),
            claimed=claim.ballots,
            gaps=count.gaps,
        ),
        tuple(_line(choice, first, could_be, said, claim) for choice in (*contest.choices, INVALID)),
        open=tuple(s.reading.n for s in (*still, *doubtful)),
        coverage=Share(len(automatic), len(first)),
        audit=_audit(automatic, said),
        disagreements=tuple(_disagreements(mine, said)),
    )


def _line(
    name: str, first: Sequence[_Stand], could_be: Sequence[_Stand], said: Mapping[int, PeopleReading], claim: Claimed
) -> Line:
    return Line(
        choice=None if name == INVALID else name,
        machine=tuple(s.reading.n for s in first if _machine_line(s.reading) == name),
        people=tuple(s.reading.n for s in first if s.line == name and _settled(said.get(s.reading.n))),
        settled=tuple(s.reading.n for s in first if s.line == name),
        open=sum(_may_be(s, name) for s in could_be),
        claimed=claim.invalid if name == INVALID else claim.votes.get(name),
    )


def _machine_line(reading: Reading) -> str | None:
    """Flagged ballots are invalid in the machine's opinion; people confirm."""
    return {Outcome.AUTOMATIC: reading.choice, Outcome.FLAGGED: INVALID}.get(reading.outcome)


def _may_be(stand: _Stand, name: str) -> bool:
    """A repeat that nobody confirmed keeps the choice that the machine read; anything else open may be anything."""
    return stand.line is None or stand.line == name


def _settled(said: PeopleReading | None) -> bool:
    return said is not None and said.status in _SETTLED


def _audit(automatic: Sequence[Reading], said: Mapping[int, PeopleReading]) -> Share:
    asked = [(r, said[r.n]) for r in automatic if r.n in said and said[r.n].because is Because.AUDIT]
    settled = [(r, one.answer) for r, one in asked if _settled(one) and one.answer is not None]
    return Share(sum(a.kind is Kind.CHOICE and a.choice == r.choice for r, a in settled), len(settled))


def _disagreements(mine: Sequence[_Stand], said: Mapping[int, PeopleReading]) -> Iterable[Disagreement]:
    for stand in mine:
        one = said.get(stand.reading.n)
        if one and one.answer and one.machine and _settled(one) and one.answer.says != one.machine.says:
            yield Disagreement(one.n, one.machine, one.answer)
