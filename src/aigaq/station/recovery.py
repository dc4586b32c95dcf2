"""After any stop: torn segments become sealed ones up to their last whole part, and the rest becomes a `restart` gap.

Nothing is deleted here. A file that fits nowhere is set aside and named in the findings.
"""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from aigaq.station.errors import RecoveryError
from aigaq.station.fragments import Whole, whole_parts
from aigaq.station.journal import JournalReader
from aigaq.station.rules import Position
from aigaq.station.spool import PartFile, Spool, Written
from aigaq.station.stream import StreamWriter, to_ms
from aigaq_verify import HOLE_MS, MAX_DURATION_MS, GapCause, SegmentRecord

TRUST_MS: Final = 1_000
"""As in the verifier: more than this between tfdt and record would be a false record."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """What a start found."""

    renamed: int
    recovered: int
    problems: tuple[RecoveryError, ...]


def recover(spool: Spool, journal: JournalReader, stream_of: Callable[[str, str], StreamWriter]) -> Recovery:
    """Finish what a stop interrupted; rows made wait in the writer's book for its commit."""
    renamed, recovered = 0, 0
    problems: list[RecoveryError] = []
    for part in list(spool.part_files()):
        camera, stream = part.path.parts[-5], part.path.parts[-4]
        record = _unnamed(spool, journal, part, camera, stream)
        if record:
            spool.name(record)
            renamed += 1
            continue
        why = _keep(part, stream_of(camera, stream))
        if why:
            problems.append(RecoveryError(str(spool.set_aside(part.path)), problem=why))
        else:
            recovered += 1
    return Recovery(renamed, recovered, tuple(problems))


def _unnamed(spool: Spool, journal: JournalReader, part: PartFile, camera: str, stream: str) -> SegmentRecord | None:
    """The record of a file that a stop kept from its final name."""
    size = part.path.stat().st_size
    for record in journal.segments_at(camera, stream, part.start_ms):
        if record.init_sha256 == part.init_sha256 and record.size == size and not spool.path_of(record).exists():
            return record
    return None


def _keep(part: PartFile, stream: StreamWriter) -> str:
    """Seal the whole parts of a torn segment; else the reason why not."""
    data = part.path.read_bytes()
    whole = whole_parts(data)
    if whole is None:
        return "it holds no whole part"
    if abs(to_ms(whole.start) - part.start_ms) > TRUST_MS or not 0 < whole.end - whole.start <= MAX_DURATION_MS * 90:
        return "its times cannot be believed"
    if not follows(stream.tiler.position, part.start_ms):
        return "the journal already covers its time"
    start_ms = stream.tiler.would_start(part.start_ms)
    if start_ms != part.start_ms:
        part = _rename(part, start_ms)
    _cut(part, whole)
    written = Written(part, whole.size, hashlib.sha256(memoryview(data)[: whole.size]).digest())
    stream.recovered(written, to_ms(whole.end), whole.frames)
    return ""


def follows(position: Position, start_ms: int) -> bool:
    """Whether footage from `start_ms` can continue the rows: not before their end, unless the clock was set."""
    if position.gap:
        return position.gap.cause is GapCause.CLOCK_STEP or start_ms >= position.gap.from_ms - HOLE_MS
    return position.cursor_ms is None or start_ms >= position.cursor_ms - HOLE_MS


def _cut(part: PartFile, whole: Whole) -> None:
    """Drop the torn tail, and have the rest on disk for good."""
    fd = os.open(part.path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.ftruncate(fd, whole.size)
        os.fsync(fd)
    finally:
        os.close(fd)


def _rename(part: PartFile, start_ms: int) -> PartFile:
    path = part.path.with_name(part.path.name.replace(str(part.start_ms), str(start_ms), 1))
    part.path.rename(path)
    return replace(part, path=path, start_ms=start_ms)
