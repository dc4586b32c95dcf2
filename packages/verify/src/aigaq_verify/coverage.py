"""Rows of one stream side by side: is the chain whole, and is every moment footage or a signed gap? Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from aigaq_verify.manifest import MANIFEST, Manifest
from aigaq_verify.records import HOLE_MS, NO_HASH, GapRecord, Record, SegmentRecord
from aigaq_verify.report import Stretch


@dataclass(frozen=True, slots=True)
class Row:
    """A record, its index in the station log, and its leaf hash."""

    index: int
    record: Record
    leaf: bytes

    @property
    def start(self) -> int:
        """First millisecond of the segment or gap."""
        return self.record.start_ms if isinstance(self.record, SegmentRecord) else self.record.from_ms

    @property
    def end(self) -> int | None:
        """First millisecond after it; None for an open gap."""
        return self.record.end_ms if isinstance(self.record, SegmentRecord) else self.record.to_ms

    @property
    def last(self) -> int:
        """The last time that it claims."""
        return self.start if self.end is None else self.end


def broken_chain(clip: Manifest, rows: Sequence[Row]) -> Iterator[str]:
    """Where rows, in log order, are not one unbroken run of the clip's stream."""
    stream = (clip.election, clip.station, clip.camera, clip.stream)
    for row in rows:
        record = row.record
        if (record.election, record.station, record.camera, record.stream) != stream:
            yield f"row {row.index} is of another stream than {MANIFEST} says"
        if (record.seq == 0) != (record.prev == NO_HASH):
            yield f"row {row.index}: the first row of a stream, and no other, follows none"
    for a, b in pairwise(rows):
        if b.record.seq != a.record.seq + 1:
            yield f"after seq {a.record.seq} comes {b.record.seq}"
        elif b.record.prev != a.leaf:
            yield f"seq {b.record.seq} follows another row than the seq {a.record.seq} shown here"
        if a.end is None and not _closes(b, a):
            yield f"the open gap seq {a.record.seq} is not closed by the next row"


def stretches(clip: Manifest, rows: Sequence[Row]) -> list[Stretch]:
    """Time without footage: silent holes between neighbours or at the clip's ends, and signed gaps inside it."""
    told = [row for row, after in zip(rows, [*rows, None][1:], strict=True) if after is None or not _closes(after, row)]
    return sorted([*_holes(clip, told), *_edges(clip, told), *_gaps(clip, told)], key=lambda s: s.from_ms)


def touches(row: Row, clip: Manifest) -> bool:
    """Whether some of the row lies inside the clip's interval."""
    low, high = sorted((row.start, clip.to_ms if row.end is None else row.end))
    return low < high and low < clip.to_ms and high > clip.from_ms


def _closes(after: Row, row: Row) -> bool:
    """Whether a row tells the open gap before it again, with its end."""
    if not isinstance(row.record, GapRecord) or not isinstance(after.record, GapRecord):
        return False
    return row.end is None and (row.start, row.record.cause) == (after.start, after.record.cause)


def _holes(clip: Manifest, told: Sequence[Row]) -> Iterator[Stretch]:
    for a, b in pairwise(told):
        inside = a.end is not None and min(a.end, b.start) < clip.to_ms and max(a.end, b.start) > clip.from_ms
        if a.end is not None and inside and abs(b.start - a.end) > HOLE_MS:
            yield Stretch(a.end, b.start, None)


def _edges(clip: Manifest, told: Sequence[Row]) -> Iterator[Stretch]:
    first = min((row.start for row in told), default=clip.to_ms)
    last = max((clip.to_ms if row.end is None else row.end for row in told), default=clip.to_ms)
    if first - clip.from_ms > HOLE_MS:
        yield Stretch(clip.from_ms, min(first, clip.to_ms), None)
    if clip.to_ms - last > HOLE_MS:
        yield Stretch(max(last, clip.from_ms), clip.to_ms, None)


def _gaps(clip: Manifest, told: Sequence[Row]) -> Iterator[Stretch]:
    for row in told:
        if isinstance(row.record, GapRecord) and touches(row, clip):
            yield Stretch(row.start, row.end, str(row.record.cause))
