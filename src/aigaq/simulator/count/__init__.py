"""Films of a count with known truth: ballots held up before a camera, for the recount's tests and training."""

from aigaq.simulator.count.cast import Ballot, Presented, cast
from aigaq.simulator.count.film import CountFilm, CountFilmError, render_count
from aigaq.simulator.count.marks import Mark
from aigaq.simulator.count.plan import PRESETS, Conditions, CountPlan, CountPlanError, Shares
from aigaq.simulator.count.stills import Still, render_stills
from aigaq.simulator.count.truth import content

__all__ = [
    "PRESETS",
    "Ballot",
    "Conditions",
    "CountFilm",
    "CountFilmError",
    "CountPlan",
    "CountPlanError",
    "Mark",
    "Presented",
    "Shares",
    "Still",
    "cast",
    "content",
    "render_count",
    "render_stills",
]
