"""What to render for training: hard counts, seed by seed. More marks, faint ones and fingers than in real counts."""

from fractions import Fraction
from typing import Final

import numpy as np

from aigaq.election import BallotStyle
from aigaq.simulator.ballots import CONTESTS, MAX_CHOICES, MIN_CHOICES, PAPER, make_style
from aigaq.simulator.count import PRESETS, Conditions, CountPlan, Shares

HELD_OUT: Final = range(1000, 10_000)
"""Seeds that only `evaluate.py` may look at."""
_SHARES: Final = Shares(
    upside_down=0.04, front_after_back=0.0, back=0.0, again=0.0, double=0.02, form=0.015, unendorsed=0.0,
    none=0.03, several=0.72, outside=0.03, faint=0.22, overflowing=0.25,
)  # fmt: skip


def training_plan(seed: int, ballots: int) -> CountPlan:
    """A count under conditions that are drawn anew for each seed."""
    rng = np.random.default_rng([seed, 77])
    return CountPlan(
        seed=seed,
        ballots=ballots,
        conditions=_conditions(rng),
        styles=_styles(rng),
        shares=_SHARES,
    )


def preset_plan(seed: int, ballots: int, preset: str) -> CountPlan:
    """A count as the benchmark films it, voters and all."""
    return CountPlan(seed=seed, ballots=ballots, conditions=PRESETS[preset])


def _conditions(rng: np.random.Generator) -> Conditions:
    dark = rng.random() < 0.2
    return Conditions(
        ballot_px=float(rng.choice((560, 420, 320, 240, rng.uniform(220, 760)), p=(0.3, 0.2, 0.1, 0.05, 0.35))),
        fps=Fraction(25),
        seconds=float(rng.choice((2.4, 0.8), p=(0.85, 0.15))),
        light=float(rng.uniform(0.3, 0.6) if dark else rng.uniform(0.7, 1.15)),
        noise=float(rng.uniform(5, 12) if dark else rng.uniform(1, 5)),
        defocus=float(rng.uniform(0, 3) if rng.random() < 0.25 else 0),
        skew=float(rng.choice((14, 30, 50), p=(0.7, 0.15, 0.15))),
        tremor=float(rng.uniform(0.5, 2)),
        curl=float(rng.uniform(0.5, 1.8)),
        gloss=float(rng.uniform(0, 2)),
        thumb=0.3,
        crossing=0.12,
    )


def _styles(rng: np.random.Generator) -> tuple[BallotStyle, ...]:
    """Three contests with any number of choices on any paper."""
    picked = rng.choice([name for name in CONTESTS if name != "referendum"], size=2, replace=False)
    colours = list(PAPER)
    styles = [
        make_style(
            str(name),
            choices=int(rng.integers(MIN_CHOICES, MAX_CHOICES + 1)),
            colour=colours[int(rng.integers(len(colours)))],
        )
        for name in picked
    ]
    return (*styles, make_style("referendum", colour=colours[int(rng.integers(len(colours)))]))
