"""What a recount speaks of: presentations, readings, gaps. Values only.

`docs/reference/recount.md` tells of their file.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

FORMAT: Final = 1
MIN_VISIBLE: Final = 0.8
"""A box of which less can be seen never decides: a finger hid the second mark of a double-marked ballot."""


class Outcome(StrEnum):
    """What a machine may say of a ballot."""

    AUTOMATIC = "automatic"
    """Both readers agree on exactly one choice, each with margin."""
    FLAGGED = "flagged"
    """Surely no plain vote: none, several, outside, not of the form, without endorsement. People confirm."""
    HUMAN = "human"
    """Not sure: people read it."""


class Why(StrEnum):
    """Why a presentation is not automatic; the first that holds leads."""

    UNKNOWN_SHEET = "unknown_sheet"
    BACK_ONLY = "back_only"
    SECOND_SHEET = "second_sheet"
    FORM = "form"
    ENDORSEMENT = "endorsement"
    NONE = "none"
    SEVERAL = "several"
    OUTSIDE = "outside"
    HIDDEN = "hidden"
    """A box is less than 80 % visible."""
    FEW_FRAMES = "few_frames"
    SMALL = "small"
    BLURRED = "blurred"
    UNREGISTERED = "unregistered"
    FAINT = "faint"
    """A margin is too small."""
    READERS_DISAGREE = "readers_disagree"
    NEAR_GAP = "near_gap"
    """Footage is missing within the presentation or at its edge."""


class GapKind(StrEnum):
    """Seconds that no classified ballot accounts for."""

    ACTIVITY = "activity"
    """Hands or paper move before the camera, and no ballot was read."""
    MISSING = "missing"
    """No footage."""
    DAMAGED = "damaged"
    """Footage that cannot be decoded."""
    LOOPED = "looped"
    """Footage that repeats earlier footage."""


@dataclass(frozen=True, slots=True)
class BoxReading:
    """One box of one presentation, from the picture fused over its best frames."""

    choice: str
    visible: float
    """Share of the box that some frame shows, 0 to 1."""
    ink: float
    """First reader: share of the box's inside that is inked, blank and folds taken off, 0 to 1."""
    marked: float
    """Second reader: how likely a mark is, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture that the reading rests on."""

    at_s: float
    corners: tuple[tuple[float, float], ...]
    """Four corners of the sheet in pixels of the film, clockwise from the sheet's own top left."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One presentation and what was read from it. Times are seconds of the film."""

    n: int
    """Number of the presentation, from 1, in the order of showing."""
    from_s: float
    to_s: float
    style: str | None
    outcome: Outcome
    choice: str | None = None
    """The choice that is marked; only where the outcome is automatic."""
    why: tuple[Why, ...] = ()
    upside_down: bool = False
    endorsed: bool | None = None
    """Whether a member's signature is seen; None where that cannot be told."""
    same_as: int | None = None
    """The earlier presentation of this very sheet."""
    boxes: tuple[BoxReading, ...] = ()
    frames: tuple[Frame, ...] = ()
    """Best first."""

    @property
    def counted(self) -> bool:
        """Whether this is a ballot's first showing."""
        return self.same_as is None


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch without a classified ballot. Seconds of the film."""

    from_s: float
    to_s: float
    kind: GapKind


@dataclass(frozen=True, slots=True)
class Source:
    """The film that was read, bound to sealed segments where it comes from the archive."""

    name: str
    sha256: str
    """Of the file; empty where segments stand for it."""
    seconds: float
    width: int
    height: int
    start_ms: int | None = None
    """UTC of the film's second 0, milliseconds; None for a file that does not tell."""
    segments: tuple[str, ...] = ()
    """SHA-256 of each sealed segment, in order."""


@dataclass(frozen=True, slots=True)
class Maker:
    """The code and the weights that made a reading: with the same source and styles they make the same again."""

    version: str
    weights_sha256: str
    styles: dict[str, str] = field(default_factory=dict[str, str])
    """Style id to the SHA-256 of its `style.toml`, which names that of the blank."""


@dataclass(frozen=True, slots=True)
class Count:
    """All that was read from one film."""

    source: Source
    maker: Maker
    readings: tuple[Reading, ...]
    gaps: tuple[Gap, ...]
