"""The tiling rule: what footage and its absence become, so that they cover duty to the millisecond (invariant I1).

Pure decisions, no I/O, no hashes. One `Tiler` serves one stream; it never sees a time it did not get from its caller.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from aigaq_verify import HOLE_MS, GapCause

UNANNOUNCED = "frames resumed later than the footage before them ended"
STEPPED_BACK = "footage began before the end of what is already on record"


@dataclass(frozen=True, slots=True)
class Footage:
    """A segment on the timeline, `[start_ms, end_ms)`."""

    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch without footage; open while `to_ms` is None."""

    from_ms: int
    to_ms: int | None
    cause: GapCause
    detail: str = ""


Tile = Footage | Gap


@dataclass(frozen=True, slots=True)
class Position:
    """Where a stream's rows end: `cursor_ms` is None before duty; `gap` is the open gap that ends them."""

    cursor_ms: int | None = None
    gap: Gap | None = None


class Tiler:
    """Turns the events of one stream into tiles that join without a hole or an overlap.

    A gap starts where the tile before ended, not where its cause was noticed. Only a `clock_step` gap may end before
    it starts; footage that overlaps the rows by at most `HOLE_MS` (a changed arrival delay) is shortened instead.
    """

    def __init__(self, position: Position | None = None) -> None:
        self._cursor = position.cursor_ms if position else None
        self._gap = position.gap if position else None

    @property
    def position(self) -> Position:
        """Where the tiles so far end."""
        return Position(self._cursor, self._gap)

    def stopped(self, at_ms: int, cause: GapCause, detail: str = "") -> list[Tile]:
        """Footage ceased, or its absence has another cause from `at_ms` on; the same cause again changes nothing."""
        if self._gap and self._gap.cause == cause:
            return []
        tiles = self._close(at_ms) if self._gap else []
        return [*tiles, self._open(at_ms if self._cursor is None else self._cursor, cause, detail)]

    def would_start(self, start_ms: int) -> int:
        """Where footage that begins at `start_ms` will begin on record: later where it overlaps the rows a little."""
        base = self._gap.from_ms if self._gap else self._cursor
        stepped = self._gap is not None and self._gap.cause is GapCause.CLOCK_STEP
        return base if base is not None and not stepped and 0 < base - start_ms <= HOLE_MS else start_ms

    def resumed(self, start_ms: int) -> list[Tile]:
        """Footage begins at `start_ms`: whatever lies between it and the rows becomes a gap."""
        if self._gap:
            return self._close(start_ms)
        if self._cursor is None or start_ms == self._cursor:
            self._cursor = start_ms
            return []
        if start_ms > self._cursor:
            return [self._skip(start_ms, GapCause.NO_RTP, UNANNOUNCED)]
        if self._cursor - start_ms <= HOLE_MS:
            return []
        return [self._skip(start_ms, GapCause.CLOCK_STEP, STEPPED_BACK)]

    def sealed(self, end_ms: int) -> Footage:
        """The footage that `resumed` began is complete up to `end_ms`.

        Raises:
            ValueError: it never began.
        """
        if self._cursor is None or self._gap:
            raise ValueError("a segment ended that never began")
        footage = Footage(self._cursor, max(end_ms, self._cursor + 1))
        self._cursor = footage.end_ms
        return footage

    def off_duty(self, at_ms: int) -> list[Tile]:
        """Duty ended; what is missing up to then stays on record under its own cause."""
        missing = self._gap is None and self._cursor is not None and at_ms - self._cursor > HOLE_MS
        tiles: list[Tile] = [self._skip(at_ms, GapCause.NO_RTP, UNANNOUNCED)] if missing else []
        return [*tiles, *self.stopped(at_ms, GapCause.OFF_DUTY)]

    def restarted(self, now_ms: int, alive_ms: int, detail: str = "") -> list[Tile]:
        """The box is up again; it last wrote at `alive_ms`. Stops that were announced stay as they are.

        Afterwards no gap is open from a time to come: if the clock was set back meanwhile, that is on record.
        """
        if self._cursor is None and self._gap is None:
            return []
        if self._gap is None:
            stepped = self._cursor is not None and self._cursor - now_ms > HOLE_MS
            tiles: list[Tile] = [self._skip(now_ms, GapCause.CLOCK_STEP, STEPPED_BACK)] if stepped else []
            return [*tiles, *self.stopped(now_ms, GapCause.RESTART, detail)]
        announced = self._gap.cause in {GapCause.OPERATOR, GapCause.OFF_DUTY, GapCause.RESTART}
        if self._gap.from_ms - now_ms > HOLE_MS:
            cause = self._gap.cause if announced else GapCause.RESTART
            return [*self._close(now_ms), self._open(now_ms, cause, detail)]
        if announced:
            return []
        since = alive_ms if self._gap.cause is GapCause.CLOCK_STEP else max(alive_ms, self._gap.from_ms)
        return self.stopped(since, GapCause.RESTART, detail)

    def _open(self, from_ms: int, cause: GapCause, detail: str) -> Gap:
        self._cursor = None
        self._gap = Gap(from_ms, None, cause, detail)
        return self._gap

    def _close(self, to_ms: int) -> list[Tile]:
        gap, self._gap = self._gap, None
        assert gap is not None  # noqa: S101 - callers checked
        if to_ms >= gap.from_ms or gap.cause is GapCause.CLOCK_STEP:
            self._cursor = to_ms
            return [Gap(gap.from_ms, to_ms, gap.cause, gap.detail)]
        self._cursor = gap.from_ms
        tiles: list[Tile] = [Gap(gap.from_ms, gap.from_ms, gap.cause, gap.detail)]
        if gap.from_ms - to_ms > HOLE_MS:
            tiles.append(self._skip(to_ms, GapCause.CLOCK_STEP, STEPPED_BACK))
        return tiles

    def _skip(self, to_ms: int, cause: GapCause, detail: str) -> Gap:
        assert self._cursor is not None  # noqa: S101 - callers checked
        gap = Gap(self._cursor, to_ms, cause, detail)
        self._cursor = to_ms
        return gap


class TilingAudit:
    """Checks rows of one stream as they come: the invariant restated, apart from `Tiler`."""

    def __init__(self) -> None:
        self._end: int | None = None
        self._open: Gap | None = None

    def next(self, tile: Tile) -> str | None:
        """What is wrong with the next row, in words; None if it tiles."""
        start, stop = (
            (tile.start_ms, tile.end_ms) if isinstance(tile, Footage) else (tile.from_ms, tile.to_ms)
        )  # fmt: skip
        fault = self._joint(tile, start) or _extent(tile, start, stop)
        self._open = tile if isinstance(tile, Gap) and stop is None else None
        self._end = stop
        return fault

    def _joint(self, tile: Tile, start: int) -> str | None:
        if self._open:
            if not isinstance(tile, Gap) or tile.to_ms is None or tile.cause != self._open.cause:
                return "it follows an open gap without closing it"
            if start != self._open.from_ms:
                return f"it closes the gap from {self._open.from_ms} as one from {start}"
        elif self._end is not None and start != self._end:
            return f"it starts at {start}, the row before ended at {self._end}"
        return None


def _extent(tile: Tile, start: int, stop: int | None) -> str | None:
    if isinstance(tile, Footage):
        return None if tile.end_ms > start else "it holds no time"
    if stop is not None and stop < start and tile.cause is not GapCause.CLOCK_STEP:
        return "it ends before it starts, and no clock was set"
    return None


def tiling_faults(tiles: Iterable[Tile]) -> Iterator[str]:
    """Every place where rows of one stream do not tile."""
    audit = TilingAudit()
    for number, tile in enumerate(tiles):
        if fault := audit.next(tile):
            yield f"row {number}: {fault}"
