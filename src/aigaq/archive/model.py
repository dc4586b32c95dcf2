"""Values of the archive: rows, spans of coverage, states for the list. No I/O."""

import enum
from dataclasses import dataclass
from typing import Final, NamedTuple

from aigaq.election import Zone
from aigaq_verify import GapCause

STREAMS: Final = ("main", "sub")


class StreamKey(NamedTuple):
    """One stream of one camera."""

    station: str
    camera: str
    stream: str


class Kind(enum.IntEnum):
    """Record types of formats.md that an archive row may hold."""

    SEGMENT = 1
    GAP = 4


@dataclass(frozen=True, slots=True)
class Row:
    """One received record and where its bytes are."""

    station: str
    camera: str
    stream: str
    seq: int
    kind: Kind
    start_ms: int
    end_ms: int | None
    """None while it is an open gap that no later row has superseded."""
    cause: GapCause | None
    leaf: bytes
    record: bytes
    start_ticks: int
    """tfdt of the first frame: UTC x 90,000; 0 for a gap."""
    size: int
    sha256: bytes | None
    init: bytes | None
    bundle: str | None
    """Name of the minute object that holds the bytes; None while the segment is an object of its own."""
    at: int
    """Offset in that object."""
    received_ms: int
    receipt: bytes
    log_index: int | None
    """Leaf index in the station log; None until a checkpoint covers it."""

    @property
    def key(self) -> StreamKey:
        """The stream it belongs to."""
        return StreamKey(self.station, self.camera, self.stream)


class SpanState(enum.StrEnum):
    """What the archive can say about a stretch of time of one stream."""

    RECORDED = "recorded"
    GAP = "gap"
    """The station signed that there is no footage, and why."""
    ABSENCE = "absence"
    """Nobody heard the station, and nothing has come since; the centre signed that."""
    MISSING = "missing"
    """Neither footage nor a gap has been received."""
    OFF_DUTY = "off_duty"
    """The camera owes nothing then."""
    FUTURE = "future"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch `[from_ms, to_ms)` of one state; spans of one answer tile its interval exactly."""

    from_ms: int
    to_ms: int
    state: SpanState
    cause: GapCause | None = None
    sealed: bool = False
    """A signed checkpoint of the station covers all of it."""


class CameraState(enum.StrEnum):
    """One word for a camera in the station list."""

    LIVE = "live"
    STALE = "stale"
    """Footage came before, but not now, and the station has not said why."""
    GAP = "gap"
    OFF = "off"
    """Off duty, by the station's own word."""
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """What the list shows for one camera."""

    camera: str
    zone: Zone
    state: CameraState
    cause: GapCause | None
    last_ms: int | None
    """End of the newest footage received, UTC milliseconds."""


@dataclass(frozen=True, slots=True)
class StationStatus:
    """What the list shows for one polling station."""

    station: str
    enrolled: bool
    last_received_ms: int | None
    """When the centre last received a record, by the centre's clock."""
    cameras: tuple[CameraStatus, ...]


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that must be looked at; the code is explained in the reference."""

    station: str
    """Empty where it is of no single station."""
    code: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class InitFacts:
    """What players need to know of an initialisation segment."""

    codec: str
    width: int
    height: int
    timescale: int
