"""Whether a clip holds: bytes, records, log, key, and no time lost without a signed gap.

Nothing here believes `clip.json`: it says what was asked for, and the answer must follow from the records, the proofs
and the trust file alone. Reads the given stream and nothing else.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from aigaq_verify.container import ContainerError, StoredZip
from aigaq_verify.coverage import Row, broken_chain, stretches, touches
from aigaq_verify.manifest import (
    MANIFEST,
    MAX_MANIFEST,
    README,
    Manifest,
    ManifestError,
    init_file,
    proof_file,
    record_file,
    segment_file,
)
from aigaq_verify.mp4 import TIMESCALE, fragment_times
from aigaq_verify.note import Checkpoint, Note, NoteError, UnknownKeyError
from aigaq_verify.policy import NO_QUORUM, Policy, PolicyError
from aigaq_verify.proof import MAX_PROOF, Proof
from aigaq_verify.records import MAX_RECORD, RecordError, SegmentRecord, decode_record, leaf_hash
from aigaq_verify.report import Line, Report, Stretch, Verdict

_MAX_INIT: Final = 1 << 20
_MAX_README: Final = 64 << 10
_CLOCK_TOLERANCE_MS: Final = 1_000
_SHOWN: Final = 10


class NotAClipError(ValueError):
    """A file that cannot be judged, because it is not a clip at all; with the reason."""


@dataclass(slots=True)
class _Files:
    sizes: Mapping[str, int]
    load: Callable[[str], bytes]
    used: set[str] = field(default_factory=set[str])

    def read(self, name: str, limit: int) -> bytes | None:
        """The file, or None where it is missing or longer than it may be."""
        self.used.add(name)
        return self.load(name) if self.sizes.get(name, limit + 1) <= limit else None


def verify_clip(stream: BinaryIO, policy: Policy | None = None) -> Report:
    """Judge a clip against the keys that the reader trusts.

    Raises:
        NotAClipError: not a strict zip file with a readable `clip.json`.
        PolicyError: the trust file asks for witnesses, which a clip of this format does not carry.
    """
    if policy is not None and policy.quorum != NO_QUORUM:
        raise PolicyError("it asks for witnesses; clips of format 1 carry none, so use one with `quorum none`")
    try:
        package = StoredZip(stream)
        files = _Files(package.sizes, package.read)
        data = files.read(MANIFEST, MAX_MANIFEST)
        if data is None:
            raise NotAClipError(f"it has no {MANIFEST}")
        return _judge(Manifest.parse(data), files, policy)
    except (ContainerError, ManifestError) as error:
        raise NotAClipError(str(error)) from error


def _judge(clip: Manifest, files: _Files, policy: Policy | None) -> Report:
    rows, unreadable = _read_rows(files)
    missing_time = stretches(clip, rows)
    chained = f"{_count(len(rows), 'row')}, numbered and chained without a break"
    lines = (
        _check_bytes(clip, rows, files),
        _line("records", Verdict.FAILED, [*unreadable, *broken_chain(clip, rows)], chained),
        *_check_log(clip, rows, files, policy),
        _check_interval(missing_time),
        _line("files", Verdict.FAILED, _stray_files(clip, files), "none missing, none added"),
    )
    return Report(clip, lines, tuple(missing_time))


def _line(check: str, bad: Verdict, problems: Iterable[str], good: str) -> Line:
    found = list(problems)
    more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return Line(check, bad, "; ".join(found[:_SHOWN]) + more) if found else Line(check, Verdict.VERIFIED, good)


def _read_rows(files: _Files) -> tuple[list[Row], list[str]]:
    rows: list[Row] = []
    problems: list[str] = []
    for name in files.sizes:
        number = name.removeprefix("records/").removesuffix(".cbor")
        if not number.isdecimal() or len(number) > 16 or name != record_file(int(number)):
            continue
        try:
            data = files.read(name, MAX_RECORD) or b""
            rows.append(Row(int(number), decode_record(data), leaf_hash(data)))
        except RecordError as error:
            problems.append(f"{name}: {error}")
    return sorted(rows, key=lambda row: row.index), problems


def _check_bytes(clip: Manifest, rows: Sequence[Row], files: _Files) -> Line:
    problems: list[str] = []
    inits: set[bytes] = set()
    count = 0
    for row in rows:
        record = row.record
        if not isinstance(record, SegmentRecord):
            continue
        name = segment_file(record)
        if name not in files.sizes and not touches(row, clip):
            continue  # a neighbour, here for its row alone
        count += 1
        inits.add(record.init_sha256)
        problems.extend(f"{name}: {problem}" for problem in _bad_segment(record, files.read(name, record.size)))
    wrong = [i for i in inits if hashlib.sha256(files.read(init_file(i), _MAX_INIT) or b"").digest() != i]
    problems.extend(f"{init_file(sha256)}: missing, or not the bytes that were sealed" for sha256 in wrong)
    good = f"{_count(count, 'segment')} and {_count(len(inits), 'init file')} are the bytes that were sealed (SHA-256)"
    return _line("bytes", Verdict.FAILED, problems, good)


def _bad_segment(record: SegmentRecord, data: bytes | None) -> Iterator[str]:
    if data is None or len(data) != record.size:
        yield "missing, or not of the size that was sealed"
    elif hashlib.sha256(data).digest() != record.sha256:
        yield "not the bytes that were sealed"
    else:
        try:
            times = [ticks * 1000 // TIMESCALE for ticks in fragment_times(data)]
        except ValueError as error:
            yield str(error)
            return
        low, high = record.start_ms - _CLOCK_TOLERANCE_MS, record.end_ms + _CLOCK_TOLERANCE_MS
        starts_there = times and times[0] <= record.start_ms + _CLOCK_TOLERANCE_MS
        if not starts_there or not all(low <= time <= high for time in times):
            yield "the clock in its bytes does not agree with its record"


def _check_log(clip: Manifest, rows: Sequence[Row], files: _Files, policy: Policy | None) -> Iterator[Line]:
    proofs, broken = _read_proofs(rows, files)
    notes = {proof.checkpoint for _, proof in proofs}
    if broken or len(notes) > 1:
        yield _line("log", Verdict.FAILED, [*broken, *["more than one checkpoint"] * (len(notes) > 1)], "")
    elif not notes:
        yield Line("log", Verdict.NOT_IN_LOG, "no row has a proof")
    else:
        yield from _check_rows(clip, rows, proofs, notes.pop(), policy)


def _check_rows(
    clip: Manifest, rows: Sequence[Row], proofs: list[tuple[Row, Proof]], note: bytes, policy: Policy | None
) -> Iterator[Line]:
    try:
        checkpoint = Checkpoint.parse(Note.parse(note).text)
    except NoteError as error:
        yield Line("log", Verdict.FAILED, str(error))
        return
    if checkpoint.origin != clip.origin or not clip.origin.endswith(f"/{clip.election}/s/{clip.station}"):
        yield Line("log", Verdict.FAILED, f"{checkpoint.origin} is not this polling station's log")
        return
    logged = {row.index for row, proof in proofs if proof.index == row.index and proof.includes(row.leaf, checkpoint)}
    absent = [f"row {row.index} is not proven to be in the log" for row in rows if row.index not in logged]
    good = f"every row is in the station's sealed log of {checkpoint.size} rows, root {checkpoint.root.hex()}"
    yield _line("log", Verdict.NOT_IN_LOG, absent, good)
    yield _check_key(note, checkpoint.origin, policy)


def _read_proofs(rows: Sequence[Row], files: _Files) -> tuple[list[tuple[Row, Proof]], list[str]]:
    proofs: list[tuple[Row, Proof]] = []
    problems: list[str] = []
    for row in rows:
        name = proof_file(row.index)
        if name in files.sizes:
            try:
                proofs.append((row, Proof.parse(files.read(name, MAX_PROOF) or b"")))
            except NoteError as error:
                problems.append(f"{name}: {error}")
    return proofs, problems


def _check_key(note: bytes, origin: str, policy: Policy | None) -> Line:
    try:
        _, key = Checkpoint.open(note, policy.keys_of(origin) if policy else ())
    except UnknownKeyError:
        reason = "the trust file does not hold the key that signed" if policy else "no trust file was given (--trust)"
        return Line("key", Verdict.UNKNOWN_KEY, f"{reason}, for the log {origin}")
    except NoteError as error:
        return Line("key", Verdict.FAILED, str(error))
    return Line("key", Verdict.VERIFIED, f"sealed by {key}, which is in the trust file")


def _check_interval(missing_time: Sequence[Stretch]) -> Line:
    silent = sum(1 for stretch in missing_time if stretch.cause is None)
    signed = _count(len(missing_time) - silent, "signed gap")
    if silent:
        return Line("interval", Verdict.SILENT_HOLE, f"{_count(silent, 'silent hole')}, {signed}")
    if missing_time:
        return Line("interval", Verdict.GAP, f"{signed}, and footage at every other moment")
    return Line("interval", Verdict.VERIFIED, "footage from the first moment to the last")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _stray_files(clip: Manifest, files: _Files) -> Iterator[str]:
    if files.sizes.get(README, 0) > _MAX_README:
        yield f"{README} is larger than a text to read"
    yield from (f"{name!r} belongs to no row" for name in sorted(files.sizes.keys() - files.used - {README}))
    yield from (f"{name!r} is promised by {MANIFEST}" for name in sorted(set(clip.files) - files.sizes.keys()))
    yield from (f"{name!r} is not in {MANIFEST}" for name in sorted(files.sizes.keys() - {*clip.files, MANIFEST}))
