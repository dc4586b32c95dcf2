"""A tally in words, for the report and the page. Decides nothing."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from aigaq.base import N_, Language, fill, translate, translate_plural
from aigaq.recount.errors import ClaimsError
from aigaq.recount.model import Count, Gap
from aigaq.recount.styles import LoadedStyle
from aigaq.recount.tally import Claimed, Completeness, Contest, ContestTally, Line, Share
from aigaq.recount.words import GAPS, INVALID_BALLOTS, answer_text, film_time


@dataclass(frozen=True, slots=True)
class BallotLink:
    """A ballot by its name, and where it can be looked at; nowhere where that is empty."""

    name: str
    href: str


@dataclass(frozen=True, slots=True)
class LineView:
    """A row of the table."""

    name: str
    machine: int
    people: int
    observed: str
    ballots: Sequence[BallotLink]
    claimed: int | None
    discrepancy: int | None

    @property
    def signed(self) -> str:
        """The difference with its sign."""
        return f"{self.discrepancy:+d}".replace("-", "−")


@dataclass(frozen=True, slots=True)
class DisagreementView:
    """A ballot that machine and people read differently."""

    ballot: BallotLink
    machine: str
    people: str


@dataclass(frozen=True, slots=True)
class ContestView:
    """One contest."""

    name: str
    verdict: str
    """`whole`, `lacking` or `unknown`."""
    verdict_text: str
    shown: str
    claimed_ballots: int | None
    open: Sequence[BallotLink]
    repeats: Sequence[BallotLink]
    unknown: Sequence[BallotLink]
    coverage: str
    audit: str
    has_claims: bool
    lines: Sequence[LineView]
    disagreements: Sequence[DisagreementView]


@dataclass(frozen=True, slots=True)
class GapView:
    """A stretch without a ballot."""

    kind: str
    when: str
    text: str


@dataclass(frozen=True, slots=True)
class TallyView:
    """All contests of a count."""

    contests: Sequence[ContestView]
    gaps: Sequence[GapView]


def contests_of(count: Count, styles: Mapping[str, LoadedStyle]) -> tuple[Contest, ...]:
    """The contests of a count: from its styles; where they are not at hand, each style is a contest of its own."""
    contests: dict[str, tuple[set[str], dict[str, None]]] = {}
    for style in sorted(count.maker.styles):
        loaded = styles.get(style)
        name = loaded.style.contest if loaded else style
        known, choices = contests.setdefault(name, (set(), {}))
        known.add(style)
        choices |= dict.fromkeys([c.id for c in loaded.style.choices] if loaded else _choices_read(count, style))
    return tuple(Contest(name, frozenset(known), tuple(choices)) for name, (known, choices) in contests.items())


def _choices_read(count: Count, style: str) -> Iterable[str]:
    return next(([b.choice for b in r.boxes] for r in count.readings if r.style == style and r.boxes), [])


def choice_names(
    styles: Mapping[str, LoadedStyle], language: Language
) -> tuple[dict[str, str], dict[tuple[str, str], str]]:
    """Names of contests by id, and of choices by style and choice."""
    contests = {s.style.contest: s.style.names.in_(language) for s in styles.values()}
    choices = {(s.style.id, c.id): c.names.in_(language) for s in styles.values() for c in s.style.choices}
    return contests, choices


def tally_view(
    tallies: Sequence[ContestTally],
    contests: Sequence[Contest],
    count: Count,
    styles: Mapping[str, LoadedStyle],
    *,
    language: Language,
    link: Callable[[int], BallotLink],
) -> TallyView:
    """A tally in the words of a language; `link` names a ballot."""
    words = _Words(language, *choice_names(styles, language), link)
    return TallyView(
        [words.contest(one, contest) for one, contest in zip(tallies, contests, strict=True)],
        [words.gap(gap) for gap in count.gaps],
    )


@dataclass(frozen=True, slots=True)
class _Words:
    language: Language
    contests: Mapping[str, str]
    choices: Mapping[tuple[str, str], str]
    link: Callable[[int], BallotLink]

    def contest(self, one: ContestTally, contest: Contest) -> ContestView:
        complete = one.completeness
        style = next(iter(sorted(contest.styles)), "")
        return ContestView(
            name=self.contests.get(one.contest, one.contest),
            verdict={True: "whole", False: "lacking", None: "unknown"}[complete.whole],
            verdict_text=self.verdict(complete),
            shown=_span(complete.low, complete.high),
            claimed_ballots=complete.claimed,
            open=self.links(one.open),
            repeats=self.links(complete.repeats),
            unknown=self.links(complete.unknown),
            coverage=self.share(one.coverage),
            audit=self.share(one.audit) if one.audit.trials else "",
            has_claims=any(line.claimed is not None for line in one.lines),
            lines=[self.line(one, line, style) for line in one.lines],
            disagreements=[
                DisagreementView(
                    self.link(d.n), *(answer_text(a, self.choices, self.language) for a in (d.machine, d.people))
                )
                for d in one.disagreements
            ],
        )

    def line(self, one: ContestTally, line: Line, style: str) -> LineView:
        name = translate(INVALID_BALLOTS, self.language) if line.choice is None else line.choice
        return LineView(
            self.choices.get((style, line.choice or ""), name) or name,
            len(line.machine),
            len(line.people),
            _span(line.low, line.high),
            self.links(line.settled),
            line.claimed,
            one.discrepancy(line),
        )

    def verdict(self, complete: Completeness) -> str:
        """Completeness in one sentence: it comes before every figure."""
        say = self.language
        if complete.claimed is None:
            return translate(N_("No protocol was given: whether every ballot was shown cannot be told."), say)
        if complete.unseen:
            lacking = translate_plural(
                "{n} ballot of the protocol was not shown.", "{n} ballots of the protocol were not shown.",
                complete.unseen, say,
            )  # fmt: skip
            return lacking.format(n=complete.unseen)
        if complete.surplus:
            more = translate_plural(
                "{n} ballot more was shown than the protocol has.",
                "{n} ballots more were shown than the protocol has.",
                complete.surplus, say,
            )  # fmt: skip
            return more.format(n=complete.surplus)
        if not complete.whole:
            return translate(
                N_("As many ballots were shown as the protocol has, but footage is missing or repeats."), say
            )
        return translate(N_("As many ballots were shown as the protocol has, and no footage is missing."), say)

    def share(self, share: Share) -> str:
        if not share.trials:
            return "—"
        low, high = (f"{100 * bound:.1f}" for bound in share.interval)
        text = N_("{hits} of {trials} ({low}–{high} %)")
        return fill(text, self.language, {"hits": share.hits, "trials": share.trials, "low": low, "high": high})

    def gap(self, gap: Gap) -> GapView:
        when = f"{film_time(gap.from_s)} – {film_time(gap.to_s)}"
        return GapView(gap.kind.value, when, translate(GAPS[gap.kind], self.language))

    def links(self, ballots: Iterable[int]) -> list[BallotLink]:
        return [self.link(n) for n in ballots]


def _span(low: int, high: int) -> str:
    return f"{low}" if low == high else f"{low}–{high}"


def check_claims(claimed: Sequence[Claimed], contests: Sequence[Contest]) -> None:
    """See that the protocol speaks of what was read.

    Raises:
        ClaimsError: it names a contest or a choice that the count does not have, or a contest twice.
    """
    known = {c.id: set(c.choices) for c in contests}
    strangers = [c.contest for c in claimed if c.contest not in known] + [
        f"{c.contest}.{choice}" for c in claimed for choice in c.votes if choice not in known.get(c.contest, {choice})
    ]
    if strangers:
        raise ClaimsError(", ".join(strangers), problem="this count has no such contest or choice")
    if len({c.contest for c in claimed}) < len(claimed):
        raise ClaimsError("", problem="a contest is given twice")
