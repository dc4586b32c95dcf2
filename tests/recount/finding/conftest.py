"""One short film of what is out of the ordinary, and its pictures, made once."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from tests.recount.conftest import PLAIN, SmallCount

from aigaq.recount.model import Gap
from aigaq.recount.reading.film import Picture, frames
from aigaq.recount.styles import LoadedStyle, load_style
from aigaq.simulator.ballots import make_style
from aigaq.simulator.count import Conditions, CountPlan, Shares, render_count


@dataclass(frozen=True)
class Filmed:
    """Pictures in memory, styles, truth."""

    pictures: Sequence[Picture | Gap]
    styles: dict[str, LoadedStyle]
    truth: dict[str, Any]


def filmed(film: Path, styles: Sequence[Path], truth: dict[str, Any]) -> Filmed:
    loaded = [load_style(folder) for folder in styles]
    return Filmed(tuple(frames(film)), {s.style.id: s for s in loaded}, truth)


@pytest.fixture(scope="session")
def plain(small_count: SmallCount) -> Filmed:
    """Three plain ballots of two contests."""
    return filmed(small_count.film, small_count.styles, small_count.truth)


@pytest.fixture(scope="session")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Filmed:
    """Fast: backs, sheets on their heads, another paper, an arm across, two styles of one shape."""
    folder = tmp_path_factory.mktemp("odd")
    styles = (make_style("maslikhat-region"), make_style("maslikhat-city"))
    hasty = Conditions(ballot_px=370, fps=Fraction(25, 2), seconds=1.3, pause=0.3, crossing=0.5, thumb=0)
    strange = Shares(
        **{f: getattr(PLAIN, f) for f in PLAIN.__slots__} | {"upside_down": 0.4, "back": 0.3, "again": 0.3}
    )
    plan = CountPlan(seed=33, ballots=6, conditions=hasty, styles=styles, shares=strange, width=1280, height=720)
    render_count(plan, folder)
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    return filmed(folder / "film.mp4", sorted((folder / "styles").iterdir()), truth)
