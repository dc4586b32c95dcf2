"""Rows of one stream side by side: is the chain whole, and is every moment footage or a signed gap? Pure."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from aigaq_verify.manifest import MANIFEST, Manifest
from aigaq_verify.records import HOLE_MS, NO_HASH, Kind, Leaf
from aigaq_verify.report import Stretch


class Row:
    """A segment or a gap, its index in the station log, its leaf hash, and its times in UTC milliseconds."""

    def __init__(self, index: int, leaf: Leaf, hash_: bytes) -> None:
        """`end` is the first millisecond after it, None for an open gap; `last` is the last time that it claims."""
        self.index, self.hash, self._leaf = index, hash_, leaf
        self.is_segment = leaf.kind is Kind.SEGMENT
        self.start: int = leaf["start_ms" if self.is_segment else "from_ms"]
        self.end: int | None = self.start + leaf["duration_ms"] if self.is_segment else leaf["to_ms"]
        self.last = self.start if self.end is None else self.end

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - what the format says
        return self._leaf[name]

    @property
    def file_name(self) -> str:
        """Of a segment: when it begins, its number, and the first 16 hexadecimal digits of its SHA-256."""
        return f"{self.start}-{self['seq']}-{self['sha256'].hex()[:16]}.m4s"

    def reopens(self, row: "Row") -> bool:
        """Whether this row tells the open gap before it again, with its end."""
        gaps = not self.is_segment and not row.is_segment
        return gaps and row.end is None and (self.start, self["cause"]) == (row.start, row["cause"])

    def touches(self, clip: Manifest) -> bool:
        """Whether some of it lies inside the clip's interval."""
        return _inside(clip, self.start, clip.to_ms if self.end is None else self.end)


def broken_chain(clip: Manifest, rows: Sequence[Row]) -> Iterator[str]:
    """Where rows, in log order, are not one unbroken run of the clip's stream."""
    for row in rows:
        if any(row[name] != getattr(clip, name) for name in ("election", "station", "camera", "stream")):
            yield f"row {row.index} is of another stream than {MANIFEST} says"
        if (row["seq"] == 0) != (row["prev"] == NO_HASH):
            yield f"row {row.index}: the first row of a stream, and no other, follows none"
    for a, b in pairwise(rows):
        if b["seq"] != a["seq"] + 1:
            yield f"after seq {a['seq']} comes {b['seq']}"
        elif b["prev"] != a.hash:
            yield f"seq {b['seq']} follows another row than the seq {a['seq']} shown here"
        if a.end is None and not b.reopens(a):
            yield f"the open gap seq {a['seq']} is not closed by the next row"


def stretches(clip: Manifest, rows: Sequence[Row]) -> list[Stretch]:
    """Time without footage: silent holes between neighbours or at the clip's ends, and signed gaps inside it."""
    told = [row for row, after in zip(rows, [*rows, None][1:], strict=True) if after is None or not after.reopens(row)]
    gaps = [row for row in told if not row.is_segment and row.touches(clip)]
    holes = [(a.end, b.start) for a, b in pairwise(told) if a.end is not None and abs(b.start - a.end) > HOLE_MS]
    first = min((row.start for row in told), default=clip.to_ms)
    last = max((clip.to_ms if row.end is None else row.end for row in told), default=clip.to_ms)
    if first - clip.from_ms > HOLE_MS:
        holes.append((clip.from_ms, min(first, clip.to_ms)))
    if clip.to_ms - last > HOLE_MS:
        holes.append((max(last, clip.from_ms), clip.to_ms))
    silent = [Stretch(start, end, None) for start, end in holes if _inside(clip, start, end)]
    signed = [Stretch(gap.start, gap.end, gap["cause"]) for gap in gaps]
    return sorted([*silent, *signed], key=lambda stretch: stretch.from_ms)


def _inside(clip: Manifest, start: int, end: int) -> bool:
    low, high = sorted((start, end))
    return low < high and low < clip.to_ms and high > clip.from_ms
