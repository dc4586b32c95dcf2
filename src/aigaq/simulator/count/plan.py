"""What to film: how many ballots of which styles, under which conditions, by how many cameras, from which seed.

The presets are the rows of the table that the recount is measured by, see `docs/reference/count.md`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from fractions import Fraction
from types import MappingProxyType
from typing import Final

from aigaq.base import N_, AigaqError
from aigaq.election import BallotStyle
from aigaq.simulator.ballots import day_styles

A4_TALL: Final = 297.0
MAX_BALLOTS: Final = 20_000


class CountPlanError(AigaqError):
    """The plan of a film cannot be carried out."""

    code = "simulator.count_plan"
    why = N_("This count cannot be filmed: {problem}.")
    hint = N_("Change the plan; `python -m aigaq.simulator.count --help` lists what can be set.")


@dataclass(frozen=True, slots=True)
class Conditions:
    """What makes a film easy or hard to read."""

    ballot_px: float = 560
    """Height of an A4 sheet on the screen while it is held up; longer sheets are larger in proportion."""
    fps: Fraction = Fraction(25)
    kbit_s: int = 4000
    seconds: float = 2.4
    """From taking a ballot to laying it down."""
    pause: float = 0.5
    """Between two ballots."""
    light: float = 1.0
    noise: float = 2.2
    """Standard deviation of the sensor's noise, grey levels."""
    defocus: float = 0.0
    """Sigma of the blur, pixels."""
    skew: float = 14.0
    """Largest turn of the sheet away from the camera, degrees, in yaw and in pitch."""
    tremor: float = 1.0
    curl: float = 1.0
    gloss: float = 1.0
    thumb: float = 0.05
    """Share of ballots with a finger over a box."""
    crossing: float = 0.06
    """Share of ballots before which somebody else's arm passes."""


@dataclass(frozen=True, slots=True)
class Shares:
    """How often a count shows what is out of the ordinary, and what voters draw."""

    upside_down: float = 0.04
    front_after_back: float = 0.02
    back: float = 0.005
    again: float = 0.015
    """The same ballot once more, at once or some ballots later."""
    double: float = 0.01
    """Two sheets held as one."""
    form: float = 0.006
    """Not the established form: a plain copy, or another paper."""
    unendorsed: float = 0.006
    none: float = 0.025
    several: float = 0.03
    outside: float = 0.015
    faint: float = 0.06
    overflowing: float = 0.10


PRESETS: Final[Mapping[str, Conditions]] = MappingProxyType(
    {
        "560": Conditions(),
        "420": Conditions(ballot_px=420),
        "320": Conditions(ballot_px=320),
        "240": Conditions(ballot_px=240),
        "300kbit": Conditions(ballot_px=420, kbit_s=300, fps=Fraction(25, 2)),
        "dark": Conditions(light=0.4, noise=10),
        "thumb": Conditions(thumb=0.4),
        "skew": Conditions(skew=50),
        "fast": Conditions(seconds=0.8, pause=0.15),
        "defocus": Conditions(defocus=3),
    }
)


@dataclass(frozen=True, slots=True)
class CountPlan:
    """A film to make. The same plan makes the same frames."""

    seed: int
    ballots: int
    conditions: Conditions = field(default_factory=Conditions)
    styles: tuple[BallotStyle, ...] = field(default_factory=day_styles)
    shares: Shares = field(default_factory=Shares)
    width: int = 1920
    height: int = 1080
    cameras: int = 1
    camera_upside_down: bool = False

    def __post_init__(self) -> None:
        for wrong, problem in self._limits():
            if wrong:
                raise CountPlanError(problem=problem)

    def _limits(self) -> list[tuple[bool, str]]:
        c = self.conditions
        shares = [getattr(self.shares, f.name) for f in fields(self.shares)] + [c.thumb, c.crossing]
        return [
            (not 1 <= self.ballots <= MAX_BALLOTS, N_("the number of ballots must be 1 to 20,000")),
            (not self.styles, N_("there is no ballot style")),
            (len({s.id for s in self.styles}) < len(self.styles), N_("two ballot styles have the same name")),
            (not all(0 <= s <= 1 for s in shares), N_("a share must lie between 0 and 1")),
            (self.cameras not in (1, 2), N_("there can be one camera or two")),
            (not 320 <= self.width <= 3840 or self.width % 2 != 0, N_("the width must be even, 320 to 3840")),
            (not 240 <= self.height <= 2160 or self.height % 2 != 0, N_("the height must be even, 240 to 2160")),
            (not 40 <= c.ballot_px <= self.height * 0.95, N_("the ballot must be at least 40 pixels high and fit")),
            (not Fraction(2) <= c.fps <= 60, N_("the frame rate must be 2 to 60")),
            (not 0.5 <= c.seconds <= 60 or not 0 <= c.pause <= 60, N_("a ballot must take 0.5 to 60 seconds")),
            (not 0 <= c.skew <= 60, N_("the skew must be 0 to 60 degrees")),
            (
                c.kbit_s < 50 or c.light <= 0 or c.noise < 0 or c.defocus < 0,
                N_("light, noise or bit rate are impossible"),
            ),
        ]
