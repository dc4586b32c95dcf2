"""What the templates draw, made from the archive's answers. Pure: values in, values out."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from aigaq.archive.coverage import FRESH_MS
from aigaq.archive.model import CameraState, CameraStatus, Span, SpanState, StationStatus
from aigaq.election import Camera, DutyWindow, PollingStation, Zone
from aigaq_verify import HOLE_MS, GapCause

DAY_MS: Final = 86_400_000
WEEK_MS: Final = 7 * DAY_MS
LONGEST_MS: Final = 8 * DAY_MS
"""As much as the interface answers at once; a longer range is the work of a clock that lied."""
LEAST_RANGE_MS: Final = 3_600_000
LEAST_VIEW_MS: Final = 2 * 60_000
LANE_WIDTH: Final = 1000
THINNEST_GAP: Final = 3
"""A gap of a second stays visible in the drawing of a whole day."""
GAPS_SHOWN: Final = 100
HOLES: Final = frozenset({"gap", "absence", "missing"})
FRESH_LOG_MS: Final = 60_000
"""Witnesses are asked each ten seconds; a minute without a quorum is told."""


@dataclass(frozen=True, slots=True)
class Totals:
    """How much of the election can be seen, always shown."""

    stations: int
    stations_with: int
    """Stations of which any footage has been received."""
    cameras: int
    cameras_with: int
    states: Mapping[CameraState, int]

    def parts(self) -> Iterator[tuple[CameraState, float, float]]:
        """Pieces of a bar 1000 wide: state, x, width."""
        x = 0.0
        for state in CameraState:
            width = LANE_WIDTH * self.states[state] / max(1, self.cameras)
            if width:
                yield state, x, width
            x += width


@dataclass(frozen=True, slots=True)
class ZoneLine:
    """One zone of a station in the list; `camera` is None where the register has none."""

    zone: Zone
    camera: str | None
    state: CameraState
    cause: GapCause | None
    last_ms: int | None


@dataclass(frozen=True, slots=True)
class StationRow:
    """One station in the list."""

    station: PollingStation
    zones: tuple[ZoneLine, ...]
    still_camera: str | None
    """The camera whose picture stands for the station: the ballot box, or whichever has footage."""
    last_ms: int | None
    time_zone: str


@dataclass(frozen=True, slots=True)
class Range:
    """What the timeline covers, and where it begins to look."""

    from_ms: int
    to_ms: int
    view_from_ms: int
    end_ms: int
    """How far it may grow as time goes on: the end of duty."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the address of a station's page asks for."""

    camera: Camera | None
    at_ms: int | None
    """The moment asked for; None is live."""
    now_ms: int
    last_ms: int | None
    """End of the station's newest footage."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of the drawn timeline."""

    look: str
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Hole:
    """A row of the table of gaps: the same stretch at one or more cameras."""

    cameras: tuple[Camera, ...]
    span: Span

    @property
    def length_ms(self) -> int:
        """How long nothing was recorded."""
        return self.span.to_ms - self.span.from_ms


@dataclass(frozen=True, slots=True)
class Health:
    """What the box last said of itself, as far as it can be believed to be well formed."""

    received_ms: int
    clock_synced: bool | None
    hours_left: float | None
    """For which the box's disk still has room."""
    waiting_bytes: int | None
    """Recorded and sealed, not yet sent."""


@dataclass(frozen=True, slots=True)
class LogState:
    """How the national log is. `state` is `witnessed`, `stale`, `never`, `alone` (no witnesses) or `stopped`."""

    state: str
    size: int
    age_ms: int
    """Since the newest witnessed checkpoint was published."""
    cosigned: int
    witnesses: int


@dataclass(frozen=True, slots=True)
class Patch:
    """What a camera's blinking patch said last."""

    zone: Zone
    from_ms: int
    seen: bool
    matched: bool
    wrong_bits: int


def log_state(told: Mapping[str, object], now_ms: int, *, quorum: bool) -> LogState:
    """The log's own status, as pages tell it; `quorum` says whether the trust file asks for witnesses."""
    states = [w["state"] for w in cast("Sequence[Mapping[str, object]]", told["witnesses"])]
    size, at = cast("int", told["size"]), _inside(told, "witnessed", "at_ms")
    age = max(0, now_ms - at) if isinstance(at, int) else 0
    if told["stopped"]:
        state = "stopped"
    elif not quorum:
        state = "alone"
    elif not isinstance(at, int):
        state = "never"
    else:
        state = "stale" if age > FRESH_LOG_MS else "witnessed"
    return LogState(state, size, age, states.count("cosigned"), len(states))


def totals(overview: Iterable[StationStatus]) -> Totals:
    """The sum over all stations."""
    statuses = list(overview)
    cameras = [camera for status in statuses for camera in status.cameras]
    seen = sum(any(c.last_ms is not None for c in status.cameras) for status in statuses)
    states = Counter(camera.state for camera in cameras)
    return Totals(len(statuses), seen, len(cameras), sum(c.last_ms is not None for c in cameras), states)


def station_row(station: PollingStation, status: StationStatus | None, time_zone: str) -> StationRow:
    """A station with its five zones; a zone without a camera says so."""
    known = {c.camera: c for c in status.cameras} if status else {}
    lines = tuple(line for zone in Zone for line in _zone_lines(station, zone, known))
    with_footage = [line for line in lines if line.last_ms is not None]
    box = [line.camera for line in with_footage if line.zone is Zone.BALLOT_BOX]
    still = next(iter([*box, *(line.camera for line in with_footage)]), None)
    last = max((line.last_ms for line in with_footage if line.last_ms is not None), default=None)
    return StationRow(station, lines, still, last, time_zone)


def _zone_lines(station: PollingStation, zone: Zone, known: Mapping[str, CameraStatus]) -> Iterator[ZoneLine]:
    cameras = [camera for camera in station.cameras if camera.zone is zone]
    if not cameras:
        yield ZoneLine(zone, None, CameraState.NEVER, None, None)
    for camera in cameras:
        status = known.get(camera.id)
        state = status.state if status else CameraState.NEVER
        yield ZoneLine(zone, camera.id, state, status.cause if status else None, status.last_ms if status else None)


def timeline_range(duty: Sequence[DutyWindow], bounds: tuple[int, int] | None, now_ms: int) -> Range:
    """From the start of duty, or of the footage where that came first, to now; after duty, to its end."""
    start = min((window.start_ms for window in duty), default=now_ms)
    end = max((window.end_ms for window in duty), default=now_ms)
    first, last = bounds or (start, start)
    from_ms = max(min(start, first), min(start, now_ms) - WEEK_MS)
    latest = from_ms + LONGEST_MS
    to_ms = max(min(last, now_ms), min(now_ms, end), from_ms + (LEAST_VIEW_MS if bounds else LEAST_RANGE_MS))
    to_ms = min(to_ms, latest)
    view_from = max(from_ms, min(first if bounds else from_ms, to_ms - LEAST_VIEW_MS))
    return Range(from_ms, to_ms, view_from, min(max(to_ms, end), latest))


def look(span: Span) -> str:
    """The name under which a stretch is drawn, as in ui/src/coverage.ts."""
    if span.state is SpanState.RECORDED:
        return "recorded" if span.sealed else "pending"
    return "off" if span.state is SpanState.OFF_DUTY else span.state.value


def bars(spans: Sequence[Span], covered: Range) -> list[Bar]:
    """A lane's bars, gaps last so that they lie on top and never vanish."""
    scale = LANE_WIDTH / (covered.to_ms - covered.from_ms)
    drawn: list[Bar] = []
    for span in spans:
        shown, x = look(span), (span.from_ms - covered.from_ms) * scale
        width = (span.to_ms - span.from_ms) * scale
        if shown in HOLES:
            width = max(width, THINNEST_GAP)
        if drawn and drawn[-1].look == shown and x - drawn[-1].x - drawn[-1].width < 0.5:
            drawn[-1] = Bar(shown, drawn[-1].x, x + width - drawn[-1].x)
        else:
            drawn.append(Bar(shown, x, width))
    return sorted(drawn, key=lambda bar: bar.look in HOLES)


def holes(cameras: Sequence[Camera], coverage: Mapping[str, Sequence[Span]], now_ms: int) -> list[Hole]:
    """Every stretch of duty without footage, the newest first; what cameras have in common is one row."""
    found: dict[tuple[int, int, SpanState, GapCause | None], list[Camera]] = {}
    spans: dict[tuple[int, int, SpanState, GapCause | None], Span] = {}
    for camera in cameras:
        for span in coverage.get(camera.id, ()):
            if _is_hole(span, now_ms):
                key = (span.from_ms, span.to_ms, span.state, span.cause)
                found.setdefault(key, []).append(camera)
                spans[key] = span
    listed = [Hole(tuple(cameras), spans[key]) for key, cameras in found.items()]
    return sorted(listed, key=lambda hole: hole.span.from_ms, reverse=True)


def _is_hole(span: Span, now_ms: int) -> bool:
    if look(span) not in HOLES or span.to_ms - span.from_ms <= HOLE_MS:
        return False
    # The last seconds are on their way: a segment must be closed and sent before it can be here.
    return span.state is not SpanState.MISSING or span.from_ms < now_ms - FRESH_MS


def health(told: Mapping[str, object] | None) -> Health | None:
    """The box's own words; each is taken only if it is what it should be, for a box may say anything."""
    received = told.get("received_ms") if told else None
    if told is None or not isinstance(received, int):
        return None
    synced, hours = told.get("clock_synced"), _inside(told, "disk", "hours_left")
    waiting = [_inside(told, "backlog", kind, "bytes") for kind in ("sub", "main")]
    return Health(
        received,
        synced if isinstance(synced, bool) else None,
        float(hours) if isinstance(hours, int | float) and 0 <= hours < 1e6 else None,
        sum(w for w in waiting if isinstance(w, int) and w >= 0) if any(waiting) else None,
    )


def _inside(told: Mapping[str, object], *names: str) -> object:
    at: object = told
    for name in names:
        at = cast("Mapping[str, object]", at).get(name) if isinstance(at, dict) else None
    return at
