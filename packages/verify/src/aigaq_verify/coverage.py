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

    def reopens(self, row: "Row") -> bool:
        """Whether this row tells the open gap before it again, with its end."""
        a, b = row.record, self.record
        same = isinstance(a, GapRecord) and isinstance(b, GapRecord) and (a.from_ms, a.cause) == (b.from_ms, b.cause)
        return same and row.end is None

    def touches(self, clip: Manifest) -> bool:
        """Whether some of it lies inside the clip's interval."""
        return _inside(clip, self.start, clip.to_ms if self.end is None else self.end)


def broken_chain(clip: Manifest, rows: Sequence[Row]) -> Iterator[str]:
    """Where rows, in log order, are not one unbroken run of the clip's stream."""
    for row in rows:
        record = row.record
        names = ("election", "station", "camera", "stream")
        if any(getattr(record, name) != getattr(clip, name) for name in names):
            yield f"row {row.index} is of another stream than {MANIFEST} says"
        if (record.seq == 0) != (record.prev == NO_HASH):
            yield f"row {row.index}: the first row of a stream, and no other, follows none"
    for a, b in pairwise(rows):
        if b.record.seq != a.record.seq + 1:
            yield f"after seq {a.record.seq} comes {b.record.seq}"
        elif b.record.prev != a.leaf:
            yield f"seq {b.record.seq} follows another row than the seq {a.record.seq} shown here"
        if a.end is None and not b.reopens(a):
            yield f"the open gap seq {a.record.seq} is not closed by the next row"


def stretches(clip: Manifest, rows: Sequence[Row]) -> list[Stretch]:
    """Time without footage: silent holes between neighbours or at the clip's ends, and signed gaps inside it."""
    told = [row for row, after in zip(rows, [*rows, None][1:], strict=True) if after is None or not after.reopens(row)]
    signed = [row.record for row in told if isinstance(row.record, GapRecord) and row.touches(clip)]
    holes = [(a.end, b.start) for a, b in pairwise(told) if a.end is not None and abs(b.start - a.end) > HOLE_MS]
    first = min((row.start for row in told), default=clip.to_ms)
    last = max((clip.to_ms if row.end is None else row.end for row in told), default=clip.to_ms)
    if first - clip.from_ms > HOLE_MS:
        holes.append((clip.from_ms, min(first, clip.to_ms)))
    if clip.to_ms - last > HOLE_MS:
        holes.append((max(last, clip.from_ms), clip.to_ms))
    silent = [Stretch(start, end, None) for start, end in holes if _inside(clip, start, end)]
    gaps = [Stretch(gap.from_ms, gap.to_ms, str(gap.cause)) for gap in signed]
    return sorted([*silent, *gaps], key=lambda stretch: stretch.from_ms)


def _inside(clip: Manifest, start: int, end: int) -> bool:
    low, high = sorted((start, end))
    return low < high and low < clip.to_ms and high > clip.from_ms
