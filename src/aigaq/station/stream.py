"""One stream on its way to disk and record: parts to a file, files and gaps to chained rows.

Runs in the writer's thread; what the disk refuses becomes a `disk_full` gap here, where it happens. It commits nothing.
"""

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import structlog

from aigaq.capture import Init, Part, SegmentEnd
from aigaq.station.journal import Row, StreamEnd
from aigaq.station.rules import Footage, Gap, Position, Tile, Tiler
from aigaq.station.spool import FULL, OpenSegment, PartFile, Spool, Written
from aigaq_verify import HOLE_MS, NO_BEACON, NO_HASH, Flag, GapCause, GapRecord, SegmentRecord, leaf_hash

log = structlog.get_logger(__name__)


def to_ms(ticks: int) -> int:
    """Ticks of 1/90,000 s to the nearest millisecond; contiguous ticks give contiguous milliseconds."""
    return (ticks + 45) // 90


@dataclass(frozen=True, slots=True)
class StreamName:
    """One stream of the box."""

    election: str
    station: str
    camera: str
    stream: str

    def __str__(self) -> str:
        return f"{self.camera}/{self.stream}"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is kept of a segment beside its record."""

    frames: int = 0
    lost_packets: int = 0
    flags: Flag = Flag.NONE
    detail: str = ""


class Chain:
    """Numbers the rows of one stream and ties each to the one before (invariant I2)."""

    def __init__(self, name: StreamName, end: StreamEnd | None, book: "Book") -> None:
        self._name = name
        self._book = book
        self._seq = end.seq + 1 if end else 0
        self._prev = end.leaf if end else NO_HASH

    def gap(self, tile: Gap) -> Row:
        """The row of a gap."""
        detail_hash = sha256(tile.detail.encode()).digest() if tile.detail else NO_HASH
        n = self._name
        return self._link(
            GapRecord(
                n.election, n.station, n.camera, n.stream, self._seq, tile.from_ms, tile.to_ms, tile.cause,
                detail_hash, self._prev, *self._book.beacon,
            ),
            Facts(detail=tile.detail),
        )  # fmt: skip

    def segment(self, tile: Footage, written: Written, facts: Facts) -> Row:
        """The row of a segment."""
        n = self._name
        return self._link(
            SegmentRecord(
                n.election, n.station, n.camera, n.stream, self._seq, tile.start_ms, tile.end_ms - tile.start_ms,
                written.size, written.sha256, written.part.init_sha256, self._prev, *self._book.beacon, facts.flags,
            ),
            facts,
        )  # fmt: skip

    def _link(self, record: SegmentRecord | GapRecord, facts: Facts) -> Row:
        encoded = record.encode()
        self._prev = leaf_hash(encoded)
        self._seq += 1
        return Row(record, encoded, self._prev, facts.frames, facts.lost_packets, facts.detail)


def position_of(end: StreamEnd | None) -> Position:
    """Where a stream's rows in the journal end."""
    if end is None:
        return Position()
    if end.gap:
        return Position(gap=Gap(end.gap.from_ms, None, end.gap.cause, end.detail))
    return Position(end.end_ms)


class Book:
    """Rows made but not yet committed, the folders whose names must be synced before, and the beacon of new rows."""

    def __init__(self) -> None:
        self.beacon: tuple[int, bytes] = (0, NO_BEACON)
        """Tree size and hash16 of the newest witnessed note that the box holds."""
        self.rows: list[Row] = []
        self.parts: list[PartFile] = []

    def clear(self) -> None:
        """They are on record."""
        self.rows.clear()
        self.parts.clear()


class StreamWriter:
    """One stream on its way to disk."""

    def __init__(
        self, name: StreamName, spool: Spool, book: Book, end: StreamEnd | None, *, sync_parts: bool = False
    ) -> None:
        self.name = name
        self.refusal = ""
        """Why the disk takes no footage of this stream now."""
        self.tiler = Tiler(position_of(end))
        self._chain = Chain(name, end, book)
        self._spool = spool
        self._book = book
        self._sync_parts = sync_parts
        self._init: Init | None = None
        self._file: OpenSegment | None = None
        self._end = 0

    def init(self, init: Init) -> None:
        """The segments that follow need this init."""
        self._init = init

    def part(self, part: Part) -> None:
        """Some 0.4 s more. Parts of a segment whose beginning the disk refused are not kept: a gap tells of them."""
        if part.index == 0:
            self._begin(part)
        if self._file is None:
            return
        try:
            self._file.append(part.chunks, sync=self._sync_parts)
            self._end = part.start + part.duration
        except OSError as error:
            self._refused(error)

    def segment_end(self, end: SegmentEnd, flags: Flag) -> None:
        """The open segment is complete."""
        detail: dict[str, Any] = {"slope_ppm": round(end.slope_ppm, 1)}
        if end.camera_clock:
            detail |= {"camera_ms": end.camera_clock.ntp_ms, "box_ms": end.camera_clock.box_ms}
        facts = Facts(end.frames, end.lost_packets, end.flags | flags, json.dumps(detail))
        self._seal(to_ms(end.start + end.duration), facts)

    def stopped(self, at_ms: int, cause: GapCause, detail: str) -> None:
        """Footage ceased: what is there is sealed, then the gap opens."""
        self._seal(to_ms(self._end), Facts())
        self._write(self.tiler.stopped(at_ms, cause, detail))

    def on_duty(self, since_ms: int, now_ms: int) -> None:
        """Duty began at `since_ms`; a stream that is in the middle of it already is left alone."""
        cursor_ms, gap = self.tiler.position.cursor_ms, self.tiler.position.gap
        if cursor_ms is not None or (gap and gap.cause is not GapCause.OFF_DUTY):
            return
        since_ms = max(since_ms, gap.from_ms) if gap else since_ms
        if now_ms - since_ms > HOLE_MS:
            self._write(self.tiler.stopped(since_ms, GapCause.RESTART, "the agent started after duty had begun"))
            since_ms = now_ms
        self._write(self.tiler.stopped(since_ms, GapCause.NO_CONNECT, "duty begins"))

    def off_duty(self, at_ms: int) -> None:
        """Duty ended."""
        self._seal(to_ms(self._end), Facts())
        self._write(self.tiler.off_duty(at_ms))

    def left(self, at_ms: int, detail: str) -> None:
        """The operator stopped the agent; off duty, and before it, there is nothing to tell."""
        position = self.tiler.position
        on_duty = position.gap.cause is not GapCause.OFF_DUTY if position.gap else position.cursor_ms is not None
        if on_duty:
            self.stopped(at_ms, GapCause.OPERATOR, detail)

    def restarted(self, now_ms: int, alive_ms: int, detail: str) -> None:
        """The agent is up again."""
        self._write(self.tiler.restarted(now_ms, alive_ms, detail))

    def recovered(self, written: Written, end_ms: int, frames: int) -> SegmentRecord:
        """A torn segment becomes a sealed one."""
        self._write(self.tiler.resumed(written.part.start_ms))
        row = self._chain.segment(self.tiler.sealed(end_ms), written, Facts(frames, flags=Flag.RECOVERED))
        assert isinstance(row.record, SegmentRecord)  # noqa: S101 - a segment's row
        self._book.rows.append(row)
        return row.record

    def _begin(self, part: Part) -> None:
        self._seal(to_ms(self._end), Facts())
        if self._init is None:
            raise ValueError(f"{self.name}: a part came before its init")
        try:
            self._spool.require_room()
            self._spool.put_init(self._init.sha256, self._init.data)
            start_ms = self.tiler.would_start(to_ms(part.start))
            self._file = self._spool.begin(self.name.camera, self.name.stream, start_ms, self._init.sha256)
        except OSError as error:
            self._refused(error, to_ms(part.start))
            return
        self.refusal = ""
        self._end = part.start
        self._write(self.tiler.resumed(to_ms(part.start)))

    def _refused(self, error: OSError, at_ms: int | None = None) -> None:
        """The disk took no more: keep the whole parts, and say from where on there is nothing."""
        self.refusal = error.strerror or str(error)
        if error.errno in FULL:
            self._spool.give_up_ballast()
        self._seal(to_ms(self._end), Facts())
        self._write(self.tiler.stopped(to_ms(self._end) if at_ms is None else at_ms, GapCause.DISK_FULL, self.refusal))

    def _seal(self, end_ms: int, facts: Facts) -> None:
        file, self._file = self._file, None
        if file is None:
            return
        if not file.size:
            file.abandon()
            return
        try:
            written = file.finish()
        except OSError as error:
            self.refusal = error.strerror or str(error)
            self._write(self.tiler.stopped(end_ms, GapCause.DISK_FULL, self.refusal))
            return
        self._book.parts.append(written.part)
        self._book.rows.append(self._chain.segment(self.tiler.sealed(end_ms), written, facts))

    def _write(self, tiles: list[Tile]) -> None:
        for tile in tiles:
            assert isinstance(tile, Gap)  # noqa: S101 - footage is written by _seal
            self._book.rows.append(self._chain.gap(tile))
            log.info("gap", stream=str(self.name), cause=str(tile.cause), start=tile.from_ms, end=tile.to_ms)
