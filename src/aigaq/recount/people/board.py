"""All ballots, viewers and answers in memory: says who reads what next, and where each ballot stands. Pure: no files.

Never asks a viewer twice about one ballot, nor two viewers of one network; never asks about what is decided.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aigaq.recount.people.assignment import is_gold_turn, order, position
from aigaq.recount.people.consensus import (
    Ballots,
    Record,
    dawid_skene,
    judge,
    known_answer,
    label_of,
    odds_with_others,
    standing,
)
from aigaq.recount.people.model import (
    Answer,
    Given,
    Item,
    Level,
    PeopleReading,
    Policy,
    Standing,
    Status,
    Verdict,
)

_WEIGH_EVERY: Final = 100
_WEIGH_SHARE: Final = 0.05
"""All viewers are weighed again after so many new answers, or such a share of all: weighing looks at every answer."""
_HOLD: Final = 4.0
"""Answers that each row of a viewer's confusion is thought to have given before, see `dawid_skene`."""


@dataclass(slots=True)
class Viewer:
    """One token. Its name is public and tells of nobody."""

    name: str
    network: str = ""
    """A keyed hash; empty where networks are not told apart."""
    accredited: bool = False
    turns: int = 0
    answered: int = 0
    seen: dict[int, None] = field(default_factory=dict[int, None])
    record: Record = field(default_factory=Record)
    standing: Standing = Standing.UNPROVEN


@dataclass(slots=True)
class _Ballot:
    item: Item
    index: int
    verdict: Verdict
    given: dict[str, Given] = field(default_factory=dict[str, Given])
    leases: dict[str, int] = field(default_factory=dict[str, int])
    known: Answer | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """What a viewer is asked next."""

    item: Item
    level: Level
    gold: bool = False
    adjudicates: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """How far all are."""

    ballots: int
    read: int
    """Decided."""
    adjudicate: int
    """Wait for an adjudicator."""
    accredited_only: int
    """Wait for readers who may see whole sheets."""
    disputed: int
    answers: int
    viewers: int
    set_aside: int


class Board:
    """See the module."""

    def __init__(self, seed: str, policy: Policy, *, whole_for: Level = Level.BOXES) -> None:
        """Nothing to read yet.

        Args:
            seed: The public seed.
            policy: The rules.
            whole_for: `WHOLE` where everyone may see whole sheets; else only accredited readers may.
        """
        self.seed = seed
        self.policy = policy
        self._whole_for = whole_for
        self._ballots: dict[str, _Ballot] = {}
        self._at: list[_Ballot] = []
        self._counts: dict[str, dict[int, str]] = {}
        self._viewers: dict[str, Viewer] = {}
        self._networks: dict[str, list[int]] = {}
        self._positions: NDArray[np.uint64] = np.empty(0, np.uint64)
        self._free: NDArray[np.int32] = np.empty(0, np.int32)
        """For each ballot, how many more may be asked now: wanted, less those whom a question is kept for."""
        self._whole: NDArray[np.bool_] = np.empty(0, np.bool_)
        self._rulings: NDArray[np.bool_] = np.empty(0, np.bool_)
        self._known: NDArray[np.bool_] = np.empty(0, np.bool_)
        self._leases: deque[tuple[int, str, str]] = deque()
        self._labels: dict[tuple[str, str], int] = {}
        self._rows = 0
        self._answers = 0
        self._weighed = 0

    def add(self, items: Iterable[Item]) -> None:
        """Ballots to be read; those already there stay as they are."""
        new = [item for item in items if item.id not in self._ballots]
        for item in new:
            ballot = _Ballot(item, len(self._at), judge(item, (), {}, self.policy))
            self._ballots[item.id] = ballot
            self._at.append(ballot)
            self._counts.setdefault(item.count, {})[item.n] = item.id
        places = np.array([position(self.seed, item.id) for item in new], np.uint64)
        self._positions = np.concatenate([self._positions, places])
        self._free = np.concatenate([self._free, np.zeros(len(new), np.int32)])
        for name in ("_whole", "_rulings", "_known"):
            setattr(self, name, np.concatenate([getattr(self, name), np.zeros(len(new), np.bool_)]))
        for ballot in self._at[len(self._at) - len(new) :]:
            self._note(ballot)

    def name_choices(self, labels: Mapping[tuple[str, str], int]) -> None:
        """Which row of its ballot each choice of each style stands in: the labels of Dawid–Skene."""
        self._labels.update(labels)
        self._rows = max(self._labels.values(), default=-1) + 1

    def meet(self, name: str, *, network: str = "", accredited: bool | None = None) -> Viewer:
        """The viewer of this name; what is told of them replaces what was known."""
        viewer = self._viewers.setdefault(name, Viewer(name))
        viewer.network = network if self.policy.networks_apart else ""
        if accredited is not None and accredited != viewer.accredited:
            viewer.accredited = accredited
            viewer.record = replace(viewer.record, accredited=accredited)
            self._settle({name})
        return viewer

    def viewer(self, name: str) -> Viewer:
        """As known; a stranger where not."""
        return self._viewers.get(name) or Viewer(name)

    def knows(self, name: str) -> bool:
        """Whether the viewer was met."""
        return name in self._viewers

    def viewers(self) -> Iterator[Viewer]:
        """All of whom an answer is kept."""
        return iter(self._viewers.values())

    def level_for(self, viewer: Viewer) -> Level:
        """How much of a sheet this viewer may see."""
        return Level.WHOLE if viewer.accredited else self._whole_for

    def ask(self, name: str, now_ms: int, *, adjudicate: bool = False) -> Turn | None:
        """The next ballot for a viewer, kept for them a while; None where nothing is left for them."""
        self._expire(now_ms)
        viewer = self._viewers[name]
        level = self.level_for(viewer)
        if adjudicate and not viewer.accredited:
            return None
        free = self._unseen(viewer, level)
        gold = not adjudicate and is_gold_turn(self.seed, name, viewer.turns, self.policy)
        mine = free & self._known if gold else np.zeros(0, np.bool_)
        gold = bool(mine.any())
        if not gold:
            rulings = self._rulings if adjudicate else ~self._rulings
            mine = free & rulings & (self._free > 0) & ~self._of_network(viewer)
        if not mine.any():
            return None
        ballot = self._at[self._first(viewer, mine)]
        self.lease(name, ballot.item.id, now_ms + self.policy.lease_s * 1000)
        viewer.turns += 1
        return Turn(ballot.item, level, gold, adjudicate)

    def _unseen(self, viewer: Viewer, level: Level) -> NDArray[np.bool_]:
        free = np.ones(len(self._at), np.bool_) if level is Level.WHOLE else ~self._whole
        free[[*viewer.seen]] = False
        return free

    def _of_network(self, viewer: Viewer) -> NDArray[np.bool_]:
        taken = np.zeros(len(self._at), np.bool_)
        taken[self._networks.get(viewer.network, []) if viewer.network else []] = True
        return taken

    def _first(self, viewer: Viewer, mine: NDArray[np.bool_]) -> int:
        indices = np.flatnonzero(mine)
        return int(indices[np.argmin(order(self.seed, viewer.name, self._positions[indices]))])

    def lease(self, name: str, item: str, until_ms: int) -> None:
        """Keep a ballot for a viewer until then; it counts as seen from now on."""
        viewer, ballot = self._viewers[name], self._ballots[item]
        viewer.seen[ballot.index] = None
        if viewer.network:
            self._networks.setdefault(viewer.network, []).append(ballot.index)
        ballot.leases[name] = until_ms
        self._leases.append((until_ms, name, item))
        self._note(ballot)

    def release(self, name: str, item: str) -> None:
        """Take back a question that was not answered: it may be put to the viewer anew."""
        ballot = self._ballots[item]
        self._viewers[name].seen.pop(ballot.index, None)
        ballot.leases.pop(name, None)
        self._note(ballot)

    def recall(self, name: str, item: str, until_ms: int) -> None:
        """A question that was put before: it counts as a turn, and is kept as it was."""
        self._viewers[name].turns += 1
        self.lease(name, item, until_ms)

    def _expire(self, now_ms: int) -> None:
        while self._leases and self._leases[0][0] <= now_ms:
            _, name, item = self._leases.popleft()
            ballot = self._ballots[item]
            if ballot.leases.get(name, now_ms + 1) <= now_ms:
                del ballot.leases[name]
                self._note(ballot)

    def answer(self, item: str, given: Given) -> Verdict:
        """Take an answer, or a corrected one."""
        ballot = self._ballots[item]
        ballot.leases.pop(given.viewer, None)
        viewer = self._viewers[given.viewer]
        viewer.answered += given.viewer not in ballot.given
        viewer.seen[ballot.index] = None
        touched = {*ballot.given, given.viewer}
        self._answers += 1
        self._measure(ballot, -1)
        ballot.given[given.viewer] = given
        self._judge(ballot)
        self._measure(ballot, +1)
        self._settle(touched)
        return ballot.verdict

    def _measure(self, ballot: _Ballot, sign: int) -> None:
        """Add the ballot to the records of all who answered it, or take it off."""
        if ballot.known is None:
            return
        for given in ballot.given.values():
            viewer = self._viewers[given.viewer]
            if given.answer.says == ballot.known.says:
                viewer.record = replace(viewer.record, gold_right=viewer.record.gold_right + sign)
            else:
                viewer.record = replace(viewer.record, gold_wrong=viewer.record.gold_wrong + sign)

    def _settle(self, names: Iterable[str]) -> None:
        """Let changed records change standings, and changed standings the ballots; until nothing changes."""
        work = deque(names)
        for _ in range(100 * (len(work) + len(self._viewers)) + 100):
            if not work:
                return
            viewer = self._viewers[work.popleft()]
            now = standing(viewer.record, self.policy)
            if now is viewer.standing:
                continue
            viewer.standing = now
            for index in viewer.seen:
                ballot = self._at[index]
                if viewer.name in ballot.given:
                    self._measure(ballot, -1)
                    before = ballot.known
                    self._judge(ballot)
                    self._measure(ballot, +1)
                    if ballot.known != before:
                        work.extend(ballot.given)

    def _judge(self, ballot: _Ballot) -> None:
        given = [*ballot.given.values()]
        standings = {g.viewer: self._viewers[g.viewer].standing for g in given}
        ballot.verdict = judge(ballot.item, given, standings, self.policy)
        accredited = frozenset(n for n, s in standings.items() if self._viewers[n].accredited and s is Standing.PROVEN)
        ballot.known = known_answer(ballot.item, given, ballot.verdict, accredited)
        self._note(ballot)

    def _note(self, ballot: _Ballot) -> None:
        verdict, i = ballot.verdict, ballot.index
        self._free[i] = max(0, verdict.wanted - len(ballot.leases))
        self._whole[i] = verdict.level is Level.WHOLE
        self._rulings[i] = verdict.status is Status.ADJUDICATE
        self._known[i] = ballot.known is not None

    @property
    def weigh_due(self) -> bool:
        """Whether enough was answered since all viewers were weighed against one another."""
        return self._answers - self._weighed >= max(_WEIGH_EVERY, _WEIGH_SHARE * self._answers)

    def weigh(self) -> None:
        """Measure every viewer against all others by Dawid–Skene, and let the standings follow."""
        self._weighed = self._answers
        names, ballots = self.numbered()
        if not names:
            return
        estimate = dawid_skene(ballots, hold=_HOLD)
        odds, told = odds_with_others(ballots, estimate)
        for name, wrong, of in zip(names, odds, told, strict=True):
            viewer = self._viewers[name]
            viewer.record = replace(viewer.record, odds=float(wrong), told=int(of))
        self._settle(names)

    def known(self, name: str) -> list[bool]:
        """Of the ballots that a viewer answered and whose answer is known: whether they were right."""
        mine = (b for b in map(self._at.__getitem__, self._viewers[name].seen) if name in b.given and b.known)
        return [b.given[name].answer.says == b.known.says for b in mine if b.known]

    def numbered(self) -> tuple[list[str], Ballots]:
        """All answers as numbers, and the viewers in that order."""
        given = [(b.index, g) for b in self._at for g in b.given.values() if not g.adjudicates]
        names = sorted({g.viewer for _, g in given})
        place = {name: n for n, name in enumerate(names)}
        rows = [(i, place[g.viewer], label_of(g.answer, self._labels, self._rows)) for i, g in given]
        table = np.array(rows, np.int64).reshape(-1, 3)
        _, items = np.unique(table[:, 0], return_inverse=True)
        return names, Ballots(items, table[:, 1], table[:, 2], self._rows + 3)

    def verdict(self, item: str) -> Verdict:
        """Where a ballot stands."""
        return self._ballots[item].verdict

    def item(self, item: str) -> Item:
        """The ballot of this name."""
        return self._ballots[item].item

    def given(self, item: str) -> Mapping[str, Given]:
        """Every viewer's newest answer to a ballot."""
        return self._ballots[item].given

    def __contains__(self, item: str) -> bool:
        return item in self._ballots

    def counts(self) -> list[str]:
        """The counts of which people read ballots."""
        return sorted(self._counts)

    def readings(self, count: str) -> tuple[PeopleReading, ...]:
        """What people say of a count, in the order of showing."""
        return tuple(self._reading(self._ballots[name]) for _, name in sorted(self._counts.get(count, {}).items()))

    def _reading(self, ballot: _Ballot) -> PeopleReading:
        verdict, item = ballot.verdict, ballot.item
        return PeopleReading(
            item.n, verdict.status, verdict.answer, item.because, verdict.counted, len(ballot.given), item.machine
        )

    def progress(self) -> Progress:
        """How far all are."""
        statuses = [b.verdict.status for b in self._at]
        return Progress(
            len(statuses),
            sum(s.closed for s in statuses),
            statuses.count(Status.ADJUDICATE),
            sum(b.verdict.level is Level.WHOLE and b.verdict.status is Status.OPEN for b in self._at)
            if self._whole_for is Level.BOXES
            else 0,
            statuses.count(Status.DISPUTED),
            sum(len(b.given) for b in self._at),
            sum(v.answered > 0 for v in self._viewers.values()),
            sum(v.standing.set_aside for v in self._viewers.values()),
        )
