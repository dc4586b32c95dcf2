"""Exports a stretch of one stream with everything that proves it: bytes, records, proofs, and how to check them.

Refuses what could only be judged false: a stretch with rows that have not arrived, or that no checkpoint covers yet.
What is sealed but not witnessed yet is exported, and judged UNWITNESSED.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.resources import files
from itertools import pairwise
from typing import Final

from aigaq.archive import rows
from aigaq.archive.errors import (
    BadIntervalError,
    BeforeBeginningError,
    NothingReceivedError,
    NotReceivedYetError,
    NotSealedYetError,
    TooLongError,
)
from aigaq.archive.footage import Footage
from aigaq.archive.model import Kind, Row, StreamKey
from aigaq.archive.playlists import pdt
from aigaq.archive.store import Database
from aigaq.archive.zipstream import ZipStream
from aigaq_verify import (
    HOLE_MS,
    MANIFEST,
    README,
    Manifest,
    SegmentRecord,
    decode_record,
    encode_manifest,
    init_file,
    record_file,
    segment_file,
)

MAX_CLIP_MS: Final = 2 * 3600_000
MAX_CLIP_BYTES: Final = 3 << 30
"""Below the 4 GiB of a plain zip file, which every tool reads."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A stretch that can be exported: all its rows are here and sealed."""

    election: str
    key: StreamKey
    from_ms: int
    to_ms: int
    rows: tuple[Row, ...]

    @property
    def file_name(self) -> str:
        """Name to save it under, without ending."""
        key = self.key
        return f"{self.election}-{key.station}-{key.camera}-{key.stream}-{self.from_ms}-{self.to_ms}"

    @property
    def segments(self) -> list[Row]:
        """The rows with footage in the interval; a neighbour comes for its row alone."""
        return [
            r
            for r in self.rows
            if r.kind is Kind.SEGMENT and r.start_ms < self.to_ms and (r.end_ms or 0) > self.from_ms
        ]


@dataclass(frozen=True, slots=True)
class LogNames:
    """Origins of the station's log and of the national log."""

    station: str
    national: str


async def plan(database: Database, election: str, key: StreamKey, from_ms: int, to_ms: int) -> Clip:
    """Find what a clip needs.

    Raises:
        BadIntervalError: from is not before to.
        BeforeBeginningError: from is before the stream's first row.
        TooLongError: more than two hours or three gigabytes.
        NothingReceivedError: nothing is known of the interval.
        NotReceivedYetError: a part of it has not arrived.
        NotSealedYetError: its end is not sealed yet.
    """
    place = "/".join(key)
    if not 0 <= from_ms < to_ms:
        raise BadIntervalError(place)
    if to_ms - from_ms > MAX_CLIP_MS:
        raise TooLongError(place, limit=MAX_CLIP_MS // 60_000)
    found = await database.read(lambda c: rows.interval_rows(c, key, from_ms, to_ms))
    if not found:
        raise NothingReceivedError(place)
    if found[0].seq == 0 and found[0].start_ms > from_ms + HOLE_MS:
        raise BeforeBeginningError(place, begin=pdt(found[0].start_ms))
    if missing := missing_ms(found, from_ms, to_ms):
        raise NotReceivedYetError(place, seconds=-(-missing // 1000))
    if pending := sum(row.log_index is None for row in found):
        raise NotSealedYetError(place, pending=pending, total=len(found))
    clip = Clip(election, key, from_ms, to_ms, tuple(found))
    if sum(row.size for row in clip.segments) > MAX_CLIP_BYTES:
        raise TooLongError(place, limit=(to_ms - from_ms) // 120_000)
    return clip


def missing_ms(found: Sequence[Row], from_ms: int, to_ms: int) -> int:
    """Milliseconds of the interval that no row tells of, beyond what rounding explains; rows in journal order. Pure."""
    missing = max(0, found[0].start_ms - from_ms)
    for row, after in pairwise(found):
        if after.seq != row.seq + 1:
            missing += max(1, after.start_ms - (row.end_ms or row.start_ms))
    end = found[-1].end_ms
    missing += 0 if end is None else max(0, to_ms - end)
    has_hole = found[-1].seq - found[0].seq + 1 != len(found)
    return missing if missing > HOLE_MS or has_hole else 0


async def is_known(database: Database, key: StreamKey, from_ms: int, to_ms: int) -> bool:
    """Whether any row tells of a part of that time."""
    return bool(await database.read(lambda c: rows.interval_rows(c, key, from_ms, to_ms)))


async def widen(database: Database, clip: Clip, margin_ms: int) -> Clip:
    """The same footage, with the rows before and after it as far as they are here, sealed and unbroken."""
    start, end = max(0, clip.from_ms - margin_ms), clip.to_ms + margin_ms
    found = await database.read(lambda c: rows.interval_rows(c, clip.key, start, end))
    sealed = {row.seq: row for row in found if row.log_index is not None}
    first, last = clip.rows[0].seq, clip.rows[-1].seq
    while first - 1 in sealed:
        first -= 1
    while last + 1 in sealed:
        last += 1
    return replace(clip, rows=tuple(sealed[seq] for seq in range(first, last + 1)))


async def export(clip: Clip, footage: Footage, proofs: Mapping[str, bytes], names: LogNames) -> AsyncIterator[bytes]:
    """The zip file, piece by piece."""
    zipped = ZipStream()
    for name, load in contents(clip, footage, proofs, names):
        yield zipped.file(name, await asyncio.to_thread(load))
    yield zipped.end()


def contents(
    clip: Clip, footage: Footage, proofs: Mapping[str, bytes], names: LogNames
) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Names and bytes of every file, the manifest first."""
    inits = dict.fromkeys(row.init for row in clip.segments if row.init)
    segments = ((decode_record(row.record), row) for row in clip.segments)
    indices = {row.log_index: row for row in clip.rows if row.log_index is not None}
    listed: list[tuple[str, Callable[[], bytes]]] = [
        (README, readme),
        *((init_file(init), partial(footage.init, init)) for init in inits),
        *((segment_file(r), partial(footage.segment, row)) for r, row in segments if isinstance(r, SegmentRecord)),
        *((record_file(index), partial(bytes, row.record)) for index, row in indices.items()),
        *((name, partial(bytes, data)) for name, data in proofs.items()),
    ]
    key, files_ = clip.key, tuple(name for name, _ in listed)
    of = (clip.election, key.station, key.camera, key.stream, clip.from_ms, clip.to_ms, names.station)
    yield MANIFEST, partial(encode_manifest, Manifest(*of, files=files_, log=names.national))
    yield from listed


def readme() -> bytes:
    """What this is and how to check it, in three languages."""
    return files("aigaq.archive").joinpath("clip_readme.txt").read_bytes()
