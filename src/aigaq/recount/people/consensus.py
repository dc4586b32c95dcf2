"""What many answers say together: majority, Dawid–Skene, agreement, and when a ballot is decided. Pure.

Dawid and Skene (1979), "Maximum Likelihood Estimation of Observer Error-Rates Using the EM Algorithm", Applied
Statistics 28. Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability". Cohen (1960), "A Coefficient of
Agreement for Nominal Scales".
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, lgamma, log
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aigaq.recount.people.model import Answer, Given, Item, Kind, Level, Policy, Standing, Status, Verdict

_FLOOR: Final = 1e-10
"""No probability is nought: one slip must not outweigh everything else."""
_HONEST_SLIPS: Final = 0.05
"""The share of slips up to which a viewer may be an honest one in a hurry."""
_CHANCE: Final = 1e-3
"""Set aside only where an honest viewer would do so badly less often than this."""
_MIN_GOLD_WRONG: Final = 2
_MIN_ODDS: Final = 4


@dataclass(frozen=True, slots=True)
class Ballots:
    """Answers as numbers: answer `k` says that viewer `viewers[k]` gave ballot `items[k]` label `labels[k]`."""

    items: NDArray[np.int64]
    viewers: NDArray[np.int64]
    labels: NDArray[np.int64]
    classes: int

    @property
    def item_count(self) -> int:
        """Ballots, numbered from 0."""
        return int(self.items.max()) + 1 if self.items.size else 0

    @property
    def viewer_count(self) -> int:
        """Viewers, numbered from 0."""
        return int(self.viewers.max()) + 1 if self.viewers.size else 0


@dataclass(frozen=True, slots=True)
class Estimate:
    """What Dawid–Skene found."""

    posterior: NDArray[np.float64]
    """`(ballots, classes)`: how likely each true label is."""
    prior: NDArray[np.float64]
    """`(classes,)`: the share of each true label."""
    confusion: NDArray[np.float64]
    """`(viewers, true, given)`: how likely a viewer gives a label where another is true."""
    rounds: int


def votes(ballots: Ballots) -> NDArray[np.float64]:
    """`(ballots, classes)`: how many gave each label."""
    counts = np.bincount(
        ballots.items * ballots.classes + ballots.labels, minlength=ballots.item_count * ballots.classes
    )
    return counts.reshape(ballots.item_count, ballots.classes).astype(np.float64)


def dawid_skene(
    ballots: Ballots, *, rounds: int = 100, tolerance: float = 1e-6, hold: float = 0.0, slips: float = 0.2
) -> Estimate:
    """Expectation–maximisation from the vote shares.

    Args:
        ballots: At least one answer.
        rounds: At most so many.
        tolerance: Stops when no posterior moves by more.
        hold: Answers that each row of a viewer's confusion is thought to have given before, of which `slips` were
            wrong: without them a viewer of few answers explains everything. 0 is the method as published.
        slips: See `hold`.
    """
    n, k, v = ballots.item_count, ballots.classes, ballots.viewer_count
    before = hold * (np.eye(k) * (1 - slips) + (1 - np.eye(k)) * slips / max(1, k - 1))
    posterior = _rows_to_one(votes(ballots))
    cells = ballots.viewers * k + ballots.labels
    done, step = 0, np.inf
    while done < rounds and step > tolerance:
        prior, confusion = _rates(ballots, posterior, before)
        said = np.log(confusion).transpose(0, 2, 1).reshape(v * k, k)[cells]
        log = np.stack([np.bincount(ballots.items, said[:, c], minlength=n) for c in range(k)], axis=1)
        log += np.log(np.maximum(prior, _FLOOR))
        moved = _rows_to_one(np.exp(log - log.max(axis=1, keepdims=True)))
        done, step, posterior = done + 1, float(np.abs(moved - posterior).max()), moved
    prior, confusion = _rates(ballots, posterior, before)
    return Estimate(posterior, prior, confusion, done)


def _rates(
    ballots: Ballots, posterior: NDArray[np.float64], before: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    k, v = ballots.classes, ballots.viewer_count
    cells, seen = ballots.viewers * k + ballots.labels, posterior[ballots.items]
    counts = np.stack([np.bincount(cells, seen[:, c], minlength=v * k) for c in range(k)], axis=1)
    confusion = np.maximum(counts.reshape(v, k, k).transpose(0, 2, 1) + before, _FLOOR)
    return posterior.mean(axis=0), confusion / confusion.sum(axis=2, keepdims=True)


def _rows_to_one(table: NDArray[np.float64]) -> NDArray[np.float64]:
    return table / np.maximum(table.sum(axis=1, keepdims=True), _FLOOR)


def odds_with_others(ballots: Ballots, estimate: Estimate) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """For each viewer, how many answers are probably wrong, and of how many that can be told.

    A viewer's own word is taken off the posterior first, so that nobody vouches for themself. Of two who differ it
    cannot be told who is wrong: such a ballot waits for a third.
    """
    k, v = ballots.classes, ballots.viewer_count
    own = np.log(estimate.confusion).transpose(0, 2, 1).reshape(v * k, k)[ballots.viewers * k + ballots.labels]
    others = np.log(np.maximum(estimate.posterior[ballots.items], 1e-300)) - own
    others = _rows_to_one(np.exp(others - others.max(axis=1, keepdims=True)))
    wrong = 1 - others[np.arange(ballots.labels.size), ballots.labels]
    table = votes(ballots)
    several, readers = table.max(axis=1) >= 2, table.sum(axis=1)
    told = ((readers >= 3) | several)[ballots.items]
    odds = np.bincount(ballots.viewers[told], wrong[told], minlength=v).astype(np.float64)
    return odds, np.bincount(ballots.viewers[told], minlength=v).astype(np.int64)


def at_least(wrong: int, of: int, rate: float) -> float:
    """The chance that so many or more of so many go wrong, each at this rate."""
    fewer = (lgamma(of + 1) - lgamma(i + 1) - lgamma(of - i + 1) + i * log(rate / (1 - rate)) for i in range(wrong))
    return max(0.0, 1.0 - sum(exp(f + of * log(1 - rate)) for f in fewer))


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of a viewer's care."""

    gold_right: int = 0
    gold_wrong: int = 0
    odds: float = 0.0
    """Answers that are probably wrong, by Dawid–Skene over all viewers."""
    told: int = 0
    """Of how many that could be told."""
    accredited: bool = False


def standing(record: Record, policy: Policy) -> Standing:
    """Whether the viewer's answers count."""
    gold = record.gold_right + record.gold_wrong
    if record.gold_wrong >= _MIN_GOLD_WRONG and at_least(record.gold_wrong, gold, _HONEST_SLIPS) < 10 * _CHANCE:
        return Standing.GOLD_FAILED
    odds = int(record.odds)
    if odds >= _MIN_ODDS and at_least(odds, record.told, _HONEST_SLIPS) < _CHANCE:
        return Standing.DISAGREES
    proven = record.accredited or record.gold_right >= max(policy.min_gold, 4 * record.gold_wrong)
    return Standing.PROVEN if proven else Standing.UNPROVEN


def judge(item: Item, given: Sequence[Given], standings: Mapping[str, Standing], policy: Policy) -> Verdict:
    """Where a ballot stands. Only answers of proven viewers count."""
    counted = [g for g in given if standings.get(g.viewer) is Standing.PROVEN]
    people = [g for g in counted if not g.adjudicates]
    level = _level(item, people)
    if level is Level.WHOLE:
        people = [g for g in people if g.level is Level.WHOLE or not g.answer.needs_whole_sheet]
    said = Counter(g.answer.says for g in people).most_common()
    lead = said[0][1] - (said[1][1] if len(said) > 1 else 0) if said else 0
    if lead >= policy.lead:
        return Verdict(Status.AGREED, _common(people, said[0][0]), 0, level, len(people))
    if len(people) < policy.most:
        # As many as would settle it if they all agreed with whoever leads; never more than may be asked at all.
        wanted = min(policy.lead - lead, policy.most - len(people))
        return Verdict(Status.OPEN, None, wanted, level, len(people))
    return _adjudicated([g for g in counted if g.adjudicates], len(people), policy)


def _level(item: Item, people: Sequence[Given]) -> Level:
    """The whole sheet is needed as soon as one who saw the boxes alone says what boxes alone cannot tell."""
    asks = any(g.level is Level.BOXES and g.answer.needs_whole_sheet for g in people)
    return Level.WHOLE if asks else item.level


def _adjudicated(rulings: Sequence[Given], counted: int, policy: Policy) -> Verdict:
    said = Counter(g.answer.says for g in rulings).most_common()
    if len(said) > 1:
        return Verdict(Status.DISPUTED, None, 0, Level.WHOLE, counted)
    if len(rulings) >= policy.adjudicators:
        return Verdict(Status.ADJUDICATED, _common(rulings, said[0][0]), 0, Level.WHOLE, counted)
    return Verdict(Status.ADJUDICATE, None, policy.adjudicators - len(rulings), Level.WHOLE, counted)


def _common(given: Sequence[Given], says: str) -> Answer:
    """The answer that was agreed; of several grounds for invalid, the one most often told."""
    answers = Counter(g.answer for g in given if g.answer.says == says)
    most = max(answers.values())
    return min((a for a, n in answers.items() if n == most), key=lambda a: a.code)


def known_answer(item: Item, given: Sequence[Given], verdict: Verdict, accredited: frozenset[str]) -> Answer | None:
    """The answer by which viewers may be measured; None while it is not known well enough.

    Known is what an adjudicator ruled, what accredited readers alone would agree on, and what the machine is sure of
    where at least two more viewers say the same than otherwise. Strangers among themselves make nothing known, however
    many they are.
    """
    if verdict.status is Status.ADJUDICATED:
        return verdict.answer
    said = Counter(g.answer.says for g in given if g.viewer in accredited).most_common()
    if said and said[0][1] - sum(n for _, n in said[1:]) >= 2:
        return _common(given, said[0][0])
    if item.sure and item.machine:
        alike = sum(g.answer.says == item.machine.says for g in given)
        return item.machine if 2 * alike - len(given) >= 2 else None
    return None


def agreement_share(ballots: Ballots) -> tuple[int, int]:
    """Of the ballots that two or more people read: how many all of them read alike, and how many there are."""
    table = votes(ballots)
    several = table.sum(axis=1) >= 2
    alike = several & (table.max(axis=1, initial=0) == table.sum(axis=1))
    return int(alike.sum()), int(several.sum())


def krippendorff_alpha(ballots: Ballots) -> float | None:
    """Alpha for nominal data with missing answers; None where no two answers can be compared or all are the same."""
    table = votes(ballots)
    readers = table.sum(axis=1)
    table, readers = table[readers >= 2], readers[readers >= 2]
    pairs, totals = readers.sum(), table.sum(axis=0)
    expected = pairs**2 - (totals**2).sum()
    if expected == 0:
        return None
    differing = ((readers**2 - (table**2).sum(axis=1)) / np.maximum(readers - 1, 1)).sum()
    return float(1 - (pairs - 1) * differing / expected)


def cohen_kappa(pairs: Sequence[tuple[str, str]]) -> float | None:
    """Kappa of two readers, as machine and people; None where there is nothing to compare or chance explains all."""
    n = len(pairs)
    first, second = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    by_chance = sum(first[label] * second[label] for label in first) / (n * n) if n else 1.0
    return (sum(a == b for a, b in pairs) / n - by_chance) / (1 - by_chance) if by_chance < 1 else None


def label_of(answer: Answer, rows: Mapping[tuple[str, str], int], row_count: int) -> int:
    """A label for Dawid–Skene: the row of the choice on its ballot, then invalid, unreadable, repeat."""
    if answer.kind is Kind.CHOICE:
        return rows[answer.style, answer.choice]
    return row_count + (Kind.INVALID, Kind.UNREADABLE, Kind.REPEAT).index(answer.kind)
