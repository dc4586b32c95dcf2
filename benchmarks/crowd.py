"""People's recount under hostile viewers: how often the wrong answer stands, beside a plain majority of three.

The board, the draw and the rules are the product's own; only the people are simulated. Each works in a hurry of their
own; some ballots are doubtful for everybody; hostile viewers act together. Seeds from 1000 on were never tuned on.
"""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np

from aigaq.recount.intervals import clopper_pearson
from aigaq.recount.people.assignment import item_id
from aigaq.recount.people.board import Board
from aigaq.recount.people.consensus import Ballots, votes
from aigaq.recount.people.model import Answer, Because, Given, Item, Kind, Level, Policy, Status
from benchmarks.lab import Scale, Table

CHOICES: Final = 6
SHARES: Final = np.array([0.45, 0.2, 0.15, 0.1, 0.05, 0.05])
"""Of the votes; the hostile want the second to win."""
WANTED, RIVAL = 1, 0
HELD_OUT: Final = 1000
ANSWERS: Final = tuple(Answer(Kind.CHOICE, "s", str(n)) for n in range(CHOICES))


@dataclass(frozen=True, slots=True)
class World:
    """Who reads what."""

    seed: int
    hostile: float
    """The share of viewers."""
    manner: str = "always"
    """`always`: whatever is shown is the wanted choice. `rival`: only the rival's votes are taken."""
    ballots: int = 3000
    viewers: int = 150
    slips: float = 0.01
    """Mean share of plain ballots that an honest viewer gets wrong; each has an own rate."""
    doubtful: float = 0.04
    """The share of ballots that everybody gets wrong more often: `doubt`."""
    doubt: float = 0.15
    misleading: float = 0.0
    """Of the wrong answers to doubtful ballots, the share that agree with one another."""
    lead: int = 2
    """Of the rules: how many more must give an answer than any other."""
    sure: float = 0.4
    """The share of ballots that the machine is sure of: the audit sample, from which gold grows."""


@dataclass(frozen=True, slots=True)
class Found:
    """What became of one world."""

    decided: int
    wrong: int
    ballots: int
    answers: int
    ruled: int
    hostile: int
    hostile_found: int
    honest_lost: int
    majority_wrong: int


class People:
    """Simulated viewers: the first are hostile, the last three accredited."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.random = np.random.default_rng(world.seed)
        self.truth = self.random.choice(CHOICES, world.ballots, p=SHARES)
        self.lure = (self.truth + 1 + self.random.integers(0, CHOICES - 1, world.ballots)) % CHOICES
        hard = max(1, round(world.doubtful * world.ballots))
        self.hard = np.arange(world.ballots) < hard  # the machine is never sure of these
        self.rates = self.random.beta(1, 1 / world.slips - 1, world.viewers)
        self.hostile = round(world.hostile * world.viewers)
        busy = self.random.lognormal(0, 1, world.viewers)
        self.busy = busy / busy.sum()

    def says(self, viewer: int, ballot: int) -> int:
        """An answer: the number of a choice. Viewers beyond the last are accredited readers."""
        truth = int(self.truth[ballot])
        if viewer < self.hostile:
            return WANTED if self.world.manner == "always" or truth == RIVAL else truth
        accredited = viewer >= self.world.viewers
        plain = self.world.slips / 2 if accredited else self.rates[viewer]
        doubt = self.world.doubt / 3 if accredited else self.world.doubt
        if self.random.random() >= (doubt if self.hard[ballot] else plain):
            return truth
        lured = self.hard[ballot] and self.random.random() < self.world.misleading
        return int(self.lure[ballot]) if lured else int((truth + self.random.integers(1, CHOICES)) % CHOICES)


def live(world: World) -> Found:
    """One recount from the first question to the last."""
    people = People(world)
    policy = Policy(lead=world.lead)
    board = Board(f"seed {world.seed}", policy)
    sure = np.arange(world.ballots) >= world.ballots * (1 - world.sure)
    made = [_item(board.seed, n, people, sure=bool(sure[n])) for n in range(world.ballots)]
    number = {item.id: n for n, item in enumerate(made)}
    board.add(made)
    board.name_choices({("s", str(n)): n for n in range(CHOICES)})
    names = [f"viewer {n}" for n in range(world.viewers + 3)]
    for n, name in enumerate(names):
        board.meet(name, network=name, accredited=n >= world.viewers)
    active = list(range(world.viewers))
    answers = 0
    while active:
        weights = people.busy[active]
        viewer = int(people.random.choice(active, p=weights / weights.sum()))
        turn = board.ask(names[viewer], 0)
        if turn is None:
            active.remove(viewer)
            continue
        said = ANSWERS[people.says(viewer, number[turn.item.id])]
        board.answer(turn.item.id, Given(names[viewer], said, turn.level))
        answers += 1
        if board.weigh_due:
            board.weigh()
            active = list(range(world.viewers)) if len(active) < world.viewers // 2 else active
        if answers > 20 * world.ballots:
            break
    board.weigh()
    ruled = _rule(board, people, names, number)
    return _found(board, people, names, number, answers, ruled)


def _item(seed: str, n: int, people: People, *, sure: bool) -> Item:
    machine = ANSWERS[int(people.truth[n])] if sure else None
    because = Because.AUDIT if sure else Because.MACHINE
    return Item(item_id(seed, "c", n), "c", n, "s", because, Level.BOXES, machine, sure)


def _rule(board: Board, people: People, names: list[str], number: dict[str, int]) -> int:
    ruled = 0
    for viewer in range(people.world.viewers, len(names)):
        while turn := board.ask(names[viewer], 0, adjudicate=True):
            said = ANSWERS[people.says(viewer, number[turn.item.id])]
            board.answer(turn.item.id, Given(names[viewer], said, turn.level, adjudicates=True))
            ruled += 1
    return ruled


def _found(board: Board, people: People, names: list[str], number: dict[str, int], answers: int, ruled: int) -> Found:
    verdicts = [(n, board.verdict(item)) for item, n in number.items()]
    decided = [(n, v.answer) for n, v in verdicts if v.status in {Status.AGREED, Status.ADJUDICATED}]
    aside = [board.viewer(name).standing.set_aside for name in names]
    return Found(
        len(decided),
        sum(answer != ANSWERS[int(people.truth[n])] for n, answer in decided),
        people.world.ballots,
        answers,
        ruled,
        people.hostile,
        sum(aside[: people.hostile]),
        sum(aside[people.hostile :]),
        majority_wrong(people),
    )


def majority_wrong(people: People) -> int:
    """The peer: three viewers drawn evenly, the most frequent answer stands, of three different ones the first."""
    world = people.world
    rows = [
        (n, k, people.says(int(viewer), n))
        for n in range(world.ballots)
        for k, viewer in enumerate(people.random.choice(world.viewers, 3, replace=False))
    ]
    items, who, labels = np.array(rows).T
    table = votes(Ballots(items, who, labels, CHOICES))
    first = labels.reshape(-1, 3)[:, 0]
    most = np.where(table.max(axis=1) > 1, table.argmax(axis=1), first)
    return int((most != people.truth).sum())


WORLDS: Final = {
    "no hostile viewers": {"hostile": 0.0},
    "5 % hostile, one answer always": {"hostile": 0.05},
    "5 % hostile, against the rival alone": {"hostile": 0.05, "manner": "rival"},
    "5 % hostile, doubtful ballots mislead": {"hostile": 0.05, "misleading": 0.5},
    "the same, and a lead of three needed": {"hostile": 0.05, "misleading": 0.5, "lead": 3},
    "15 % hostile, against the rival alone": {"hostile": 0.15, "manner": "rival"},
}


def simulate(changes: dict[str, object], repeats: int, first_seed: int) -> list[Found]:
    """The same world with other people, again and again, on every core."""
    worlds = [World(**{"seed": first_seed + n, **changes}) for n in range(repeats)]
    with ProcessPoolExecutor() as pool:
        return [*pool.map(live, worlds)]


def row(name: str, found: list[Found]) -> tuple[str, ...]:
    """One line of the table."""
    wrong, decided, ballots = (sum(getattr(f, k) for f in found) for k in ("wrong", "decided", "ballots"))
    low, high = clopper_pearson(wrong, decided)
    hostile, caught, lost = (sum(getattr(f, k) for f in found) for k in ("hostile", "hostile_found", "honest_lost"))
    return (
        name,
        f"{wrong} of {decided:,}",
        f"{wrong / decided:.3%} ({low:.3%}–{high:.3%})",
        f"{sum(f.majority_wrong for f in found) / ballots:.2%}",
        f"{decided / ballots:.1%}",
        f"{sum(f.answers for f in found) / ballots:.2f}",
        f"{sum(f.ruled for f in found) / ballots:.1%}",
        f"{caught} of {hostile}; {lost}",
    )


def run(scale: Scale) -> Table:
    """Every world."""
    repeats = 1 if scale.quick else 10
    rows = [row(name, simulate(changes, repeats, HELD_OUT)) for name, changes in WORLDS.items()]
    return Table(
        "People's recount, simulated: 3,000 ballots and 150 viewers each time",
        (
            "viewers",
            "wrong",
            "share (95 %)",
            "majority of 3",
            "decided",
            "answers a ballot",
            "ruled",
            "hostile found; honest lost",
        ),
        rows,
        "1 % slips on plain ballots, 15 % on the 4 % in doubt; hostile ones act together. Goal: at most 0.05 %.",
    )
