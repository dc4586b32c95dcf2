"""One short rendered count with its truth, made once for all tests of the recount."""

import json
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from aigaq.simulator.ballots import make_style
from aigaq.simulator.count import Conditions, CountPlan, Shares, render_count

PLAIN = Shares(
    upside_down=0, front_after_back=0, back=0, again=0, double=0, form=0, unendorsed=0, none=0, several=0, outside=0,
    faint=0, overflowing=0,
)  # fmt: skip


@dataclass(frozen=True)
class SmallCount:
    """A film, its styles, and what it shows."""

    film: Path
    styles: tuple[Path, ...]
    truth: dict[str, Any]


@pytest.fixture(scope="session")
def small_count(tmp_path_factory: pytest.TempPathFactory) -> SmallCount:
    """Three plain ballots of two contests, 720p, 12.5 frames per second."""
    folder = tmp_path_factory.mktemp("count")
    styles = (make_style("party-list", choices=4), make_style("single-mandate", choices=3))
    calm = Conditions(ballot_px=480, fps=Fraction(25, 2), thumb=0, crossing=0, skew=6)
    plan = CountPlan(seed=31, ballots=3, conditions=calm, styles=styles, shares=PLAIN, width=1280, height=720)
    render_count(plan, folder)
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    return SmallCount(folder / "film.mp4", tuple(sorted((folder / "styles").iterdir())), truth)
