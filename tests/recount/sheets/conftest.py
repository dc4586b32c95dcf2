"""Rendered stills of held ballots with their truth, as sightings whose corners are only roughly known."""

from dataclasses import dataclass
from itertools import groupby

import cv2
import numpy as np
import pytest

from aigaq.recount.reading.sheets import SheetReading, read_sheet
from aigaq.recount.reading.sighting import Sighting
from aigaq.recount.styles import LoadedStyle
from aigaq.simulator.ballots import draw_ballot
from aigaq.simulator.count import PRESETS, CountPlan, Shares, Still, render_stills
from aigaq.simulator.count.cast import Presented

FRAMES = 3


@dataclass(frozen=True)
class Held:
    """One held ballot."""

    presented: Presented
    style: LoadedStyle
    sightings: list[Sighting]
    stills: list[Still]
    read: SheetReading

    @property
    def seen(self) -> dict[str, float]:
        """The largest share of each box that a still shows."""
        shares = np.max([still.visible for still in self.stills], axis=0)
        return {c.id: float(s) for c, s in zip(self.style.style.choices, shares, strict=True)}


def sighting_of(still: Still, at_s: float, rng: np.random.Generator) -> Sighting:
    """As finding would hand it on: colour at a quarter, corners within 6 pixels."""
    tall, wide = (side // 4 * 4 for side in still.picture.shape[:2])
    picture = still.picture[:tall, :wide]
    colour = cv2.resize(picture, (wide // 4, tall // 4), interpolation=cv2.INTER_AREA)
    corners = still.corners + rng.uniform(-6, 6, (4, 2)) + np.array([200, 100])
    return Sighting(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), colour, (200, 100), corners, 1.0, at_s)


def held(plan: CountPlan) -> list[Held]:
    """Every ballot of a plan whose front is shown, read."""
    rng = np.random.default_rng(plan.seed)
    styles = {style.id: LoadedStyle(style, draw_ballot(style), style.id) for style in plan.styles}
    out = list[Held]()
    for _, group in groupby(render_stills(plan, frames=FRAMES), key=lambda still: still.presented.n):
        stills = [still for still in group if still.visible.max() > 0]
        if stills:
            presented = stills[0].presented
            style = styles[presented.ballot.style.id]
            sightings = [sighting_of(still, n / 5, rng) for n, still in enumerate(stills)]
            out.append(Held(presented, style, sightings, stills, read_sheet(style, sightings)))
    return out


@pytest.fixture(scope="session")
def usual() -> list[Held]:
    """Ballots as they come, some of them shown again."""
    return held(CountPlan(seed=67, ballots=6, conditions=PRESETS["560"], shares=Shares(again=0.25, back=0)))


@pytest.fixture(scope="session")
def odd() -> list[Held]:
    """Copies, other papers, second sheets, no signatures, nothing marked, marks beside the boxes."""
    shares = Shares(form=0.35, double=0.3, unendorsed=0.3, none=0.2, outside=0.25, back=0, again=0)
    return held(CountPlan(seed=50, ballots=8, conditions=PRESETS["560"], shares=shares))
