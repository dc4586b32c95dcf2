"""Whether a clip holds: bytes, records, both logs, witnesses, times, keys, and no time lost without a signature.

Nothing here believes `clip.json`: it says what was asked for, and the answer must follow from the records, the proofs
and the trust file alone. Reads the given stream, a file at a time, and nothing else.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from aigaq_verify.container import StoredZip
from aigaq_verify.coverage import Row, broken_chain, stretches, touches
from aigaq_verify.manifest import (
    MANIFEST,
    README,
    Manifest,
    beacon_file,
    checkpoint_file,
    init_file,
    leaf_file,
    leaf_proof_file,
    proof_file,
    record_file,
    segment_file,
)
from aigaq_verify.mp4 import TIMESCALE, fragment_times
from aigaq_verify.national import Authority, Logged, NationalLog, Place, Use
from aigaq_verify.note import MAX_NOTE, Checkpoint, Note, NoteError, VerifierKey
from aigaq_verify.policy import Policy
from aigaq_verify.proof import MAX_PROOF, Proof
from aigaq_verify.records import (
    MAX_LEAF,
    MAX_RECORD,
    Flag,
    Kind,
    Leaf,
    RecordError,
    SegmentRecord,
    decode_leaf,
    decode_record,
    encode_leaf,
    leaf_hash,
)
from aigaq_verify.report import CHECKS, Findings, Report, Stretch, Verdict

_MAX_INIT: Final = 1 << 20
_MAX_README: Final = 64 << 10
_MEDIA_CLOCK_MS: Final = 1_000
_CLOCK_MS: Final = 5_000
"""The station's clock may differ by this much from what the proofs allow."""
_LATE_MS: Final = 60_000


@dataclass(slots=True)
class Files:
    """A clip's files, in a folder of the container or at its top; SHA-256 of what was read is kept for a package."""

    package: StoredZip
    folder: str = ""
    used: set[str] = field(default_factory=set[str])
    sizes: dict[str, int] = field(init=False)
    digests: dict[str, bytes] = field(default_factory=dict[str, bytes])

    def __post_init__(self) -> None:
        inside = (name for name in self.package.sizes if name.startswith(self.folder))
        self.sizes = {name[len(self.folder) :]: self.package.sizes[name] for name in inside}

    def read(self, name: str, limit: int) -> bytes | None:
        """The file, or None where it is missing or longer than it may be."""
        self.used.add(name)
        if self.sizes.get(name, limit + 1) > limit:
            return None
        data = self.package.read(self.folder + name)
        self.digests[name] = hashlib.sha256(data).digest()
        return data


@dataclass(slots=True)
class Seal:
    """A checkpoint of the station over rows of the clip, and what is proven and claimed of the newest of them."""

    checkpoint: Checkpoint
    key: VerifierKey | None
    place: Place | None
    not_before_ms: int | None = None
    claimed_ms: int = 0

    @property
    def not_after_ms(self) -> int | None:
        """By when the station had signed it; None where no quorum says so."""
        return self.place and self.place.not_after_ms


def judge(clip: Manifest, files: Files, policy: Policy | None) -> Report:
    """Judge one clip against the keys that the reader trusts."""
    return _Judge(clip, files, policy).report()


class _Judge:
    def __init__(self, clip: Manifest, files: Files, policy: Policy | None) -> None:
        self.clip, self.files, self.found = clip, files, Findings()
        self.log = NationalLog(clip.log, policy, self.found)
        self.rows = sorted(self._rows(), key=lambda row: row.index)
        self.leaves = list(self._leaves())
        self.authority = Authority(clip, self.leaves)
        self.seals: dict[bytes, Seal] = {}
        self.beacons: dict[str, int | None] = {}

    def report(self) -> Report:
        """Line by line."""
        self._check_bytes()
        self._check_chain()
        sealed = [(row, self._seal(row)) for row in self.rows]
        not_before_ms, not_after_ms = self._check_times(sealed)
        self._check_keys()
        missing = self._check_interval()
        self._check_files()
        lines = tuple(map(self.found.line, CHECKS))
        return Report(self.clip, lines, tuple(missing), not_before_ms, not_after_ms)

    # What the clip holds

    def _numbered(self, file_of: Callable[[int], str]) -> Iterator[tuple[int, str]]:
        for name in self.files.sizes:
            number = re.search(r"[0-9]{1,16}", name)
            if number and file_of(int(number[0])) == name:
                yield int(number[0]), name

    def _rows(self) -> Iterator[Row]:
        for index, name in self._numbered(record_file):
            data = self.files.read(name, MAX_RECORD) or b""
            try:
                yield Row(index, decode_record(data), leaf_hash(data))
            except RecordError as error:
                self.found.bad("records", Verdict.FAILED, f"{name}: {error}")

    def _leaves(self) -> Iterator[Logged]:
        for index, name in self._numbered(leaf_file):
            data, proof = self.files.read(name, MAX_LEAF) or b"", leaf_proof_file(index)
            try:
                leaf = decode_leaf(data)
            except RecordError as error:
                self.found.bad("log", Verdict.FAILED, f"{name}: {error}")
                continue
            place = self.log.place(proof, self.files.read(proof, MAX_PROOF), data)
            if place is not None and place.index != index:
                self.found.bad("log", Verdict.FAILED, f"{proof} is of leaf {place.index}")
            elif place is not None:
                yield Logged(leaf, leaf_hash(data), place)

    # Bytes and rows

    def _check_bytes(self) -> None:
        inits: set[bytes] = set()
        count = 0
        for row in self.rows:
            record = row.record
            if not isinstance(record, SegmentRecord):
                continue
            name = segment_file(record)
            if name not in self.files.sizes and not touches(row, self.clip):
                continue  # a neighbour, here for its row alone
            count += 1
            inits.add(record.init_sha256)
            if problem := self._bad_segment(record, name):
                self.found.bad("bytes", Verdict.FAILED, f"{name}: {problem}")
        for init in inits:
            if self.files.read(init_file(init), _MAX_INIT) is None or self.files.digests[init_file(init)] != init:
                self.found.bad(
                    "bytes", Verdict.FAILED, f"{init_file(init)}: missing, or not the bytes that were sealed"
                )
        whole = f"{_count(count, 'segment')} and {_count(len(inits), 'init file')} are the bytes that were sealed"
        self.found.good("bytes", f"{whole} (SHA-256)")

    def _bad_segment(self, record: SegmentRecord, name: str) -> str:
        data = self.files.read(name, record.size)
        if data is None or len(data) != record.size:
            return "missing, or not of the size that was sealed"
        if self.files.digests[name] != record.sha256:
            return "not the bytes that were sealed"
        try:
            times = [ticks * 1000 // TIMESCALE for ticks in fragment_times(data)]
        except ValueError as error:
            return str(error)
        low, high = record.start_ms - _MEDIA_CLOCK_MS, record.end_ms + _MEDIA_CLOCK_MS
        starts_there = times and times[0] <= record.start_ms + _MEDIA_CLOCK_MS
        agrees = starts_there and all(low <= time <= high for time in times)
        return "" if agrees else "the clock in its bytes does not agree with its record"

    def _check_chain(self) -> None:
        for problem in broken_chain(self.clip, self.rows):
            self.found.bad("records", Verdict.FAILED, problem)
        self.found.good("records", f"{_count(len(self.rows), 'row')}, numbered and chained without a break")

    # Row -> station log -> national log

    def _seal(self, row: Row) -> Seal | None:
        """The first link of a row: the station's checkpoint that covers it; None where that is not proven."""
        name = proof_file(row.index)
        data = self.files.read(name, MAX_PROOF)
        try:
            proof = Proof.parse(data or b"")
            seal = self._opened(proof.checkpoint)
        except NoteError as error:
            verdict = Verdict.NOT_IN_LOG if data is None else Verdict.FAILED
            self.found.bad("log", verdict, f"{name}: {'missing' if data is None else error}")
            return None
        if proof.index == row.index and proof.includes(row.leaf, seal.checkpoint):
            return seal
        self.found.bad("log", Verdict.NOT_IN_LOG, f"row {row.index} is not proven to be in the station's log")
        return None

    def _opened(self, note: bytes) -> Seal:
        """The second link: that checkpoint in the national log."""
        name = hashlib.sha256(note).digest()
        if name not in self.seals:
            parsed = Note.parse(note)
            checkpoint = Checkpoint.parse(parsed.text)
            clip, size = self.clip, checkpoint.size
            if checkpoint.origin != clip.origin or clip.origin != f"{clip.log}/s/{clip.station}":
                raise NoteError(f"{checkpoint.origin} is not this polling station's log in {clip.log}")
            key = next(iter(parsed.signers(self.authority.keys)), None)
            leaf = Leaf(Kind.STATION_CHECKPOINT, {"election": clip.election, "station": clip.station, "note": note})
            proof = checkpoint_file(size)
            place = self.log.place(proof, self.files.read(proof, MAX_PROOF), encode_leaf(leaf))
            self.seals[name] = Seal(checkpoint, key, place)
        return self.seals[name]

    # Witnesses and time

    def _check_times(self, sealed: Sequence[tuple[Row, Seal | None]]) -> tuple[int | None, int | None]:
        """Between which times the rows of the interval were made, as far as that is proven."""
        proven: list[tuple[int | None, int | None]] = []
        not_before: int | None = None
        for row, seal in sealed:
            beacon = self._beacon(row, seal)
            not_before = max(not_before or 0, beacon) if beacon is not None else not_before  # `prev` carries it on
            if seal is None:
                continue
            seal.not_before_ms, seal.claimed_ms = not_before, max(seal.claimed_ms, row.last)
            self._check_time(row, not_before, seal)
            if touches(row, self.clip):
                proven.append((not_before, seal.not_after_ms))
        return self._tell_times(proven)

    def _beacon(self, row: Row, seal: Seal | None) -> int | None:
        """Since when a quorum's word that is inside the row has been there; None where no such word is."""
        size, name = row.record.beacon_size, beacon_file(row.record.beacon_size, row.record.beacon_hash16)
        if size and seal is not None and seal.place is not None and seal.place.index < size:
            self.found.bad("time", Verdict.FAILED, f"row {row.index} names a checkpoint that is newer than its own")
        if size and name not in self.beacons:
            self.beacons[name] = self._read_beacon(name, row)
        return self.beacons[name] if size else None

    def _read_beacon(self, name: str, row: Row) -> int | None:
        note = self.files.read(name, MAX_NOTE)
        if note is None or self.files.digests[name][:16] != row.record.beacon_hash16:
            self.found.bad("time", Verdict.FAILED, f"{name}: missing, or not the one that row {row.index} names")
            return None
        opinion = self.log.opinion(note)
        if opinion is not None and opinion.checkpoint.size != row.record.beacon_size:
            self.found.bad("time", Verdict.FAILED, f"{name}: its size is {opinion.checkpoint.size}")
        return opinion.witnessed.not_before_ms if opinion and opinion.witnessed else None

    def _check_time(self, row: Row, not_before: int | None, seal: Seal) -> None:
        upper, record = seal.not_after_ms, row.record
        made_at_end = isinstance(record, SegmentRecord) and Flag.RECOVERED not in record.flags
        if made_at_end and row.last < (not_before or 0) - _CLOCK_MS:
            self.found.bad("time", Verdict.FAILED, f"row {row.index} claims a time before the checkpoint inside it")
        if upper is not None and row.last > upper + _CLOCK_MS:
            self.found.bad("time", Verdict.FAILED, f"row {row.index} claims a time after witnesses had seen it")
        if not touches(row, self.clip):
            return
        if upper is None and seal.place is not None:
            problem = f"no quorum that you trust cosigned station checkpoint {seal.checkpoint.size}"
            self.found.bad("witnesses", Verdict.UNWITNESSED, problem)
        elif upper is not None and row.end is not None and upper - row.end > _LATE_MS:
            problem = f"row {row.index} reached the witnesses {(upper - row.end) // 1000} s after the time it claims"
            self.found.bad("time", Verdict.LATE, problem)

    def _tell_times(self, proven: Sequence[tuple[int | None, int | None]]) -> tuple[int | None, int | None]:
        lows = [low for low, _ in proven if low is not None]
        highs = [high for _, high in proven if high is not None]
        if len(lows) < len(proven):
            problem = f"{_count(len(proven) - len(lows), 'row')} hold no witnessed checkpoint and may be older"
            self.found.bad("time", Verdict.UNWITNESSED, problem)
        if len(highs) == len(lows) == len(proven) > 0:
            width = max(high - low for low, high in zip(lows, highs, strict=True))
            self.found.good("time", f"every row was made within a known {width / 1000:.0f} s, and claims that time")
            self.found.good("witnesses", "a quorum cosigned a checkpoint over every row")
        first = min(lows) if proven and len(lows) == len(proven) else None
        return first, max(highs) if proven and len(highs) == len(proven) else None

    def _check_keys(self) -> None:
        for seal in self.seals.values():
            where = f"station checkpoint {seal.checkpoint.size}"
            if seal.key is None:
                self.found.bad("key", Verdict.UNKNOWN_KEY, f"{where}: no key that signed it was delegated in the log")
            elif seal.place is not None:
                use = Use(seal.place, seal.not_before_ms, seal.claimed_ms)
                if problem := self.authority.problem(seal.key, use):
                    self.found.bad("key", problem[0], f"{where}: {problem[1]}")
        self.found.good("key", f"sealed by {'; '.join(self.authority.told)}")
        self.found.good("log", f"every row is in the station's log, and its {_count(len(self.seals), 'checkpoint')} in "
            f"{self.clip.log}")  # fmt: skip

    # What is missing

    def _check_interval(self) -> Sequence[Stretch]:
        missing = stretches(self.clip, self.rows)
        absences = self._absences()
        silent = sum(stretch.cause is None for stretch in missing)
        counts = f"{_count(len(missing) - silent, 'signed gap')}, {_count(len(absences), 'absence')}"
        if silent:
            self.found.bad("interval", Verdict.SILENT_HOLE, f"{_count(silent, 'silent hole')}, {counts}")
        elif missing or absences:
            self.found.bad("interval", Verdict.GAP, f"{counts}, and footage at every other moment")
        self.found.good("interval", "footage from the first moment to the last")
        return sorted([*missing, *absences], key=lambda stretch: stretch.from_ms)

    def _absences(self) -> list[Stretch]:
        """Times in which the centre heard nothing; the leaf that ends one tells its beginning again."""
        told: dict[int, Stretch] = {}
        for one in self.leaves:
            if one.leaf.kind is Kind.ABSENCE and not (one.leaf["to_ms"] is None and one.leaf["seq"] in told):
                told[one.leaf["seq"]] = Stretch(one.leaf["from_ms"], one.leaf["to_ms"], "absence")
        low, high = self.clip.from_ms, self.clip.to_ms
        return [a for a in told.values() if a.from_ms < high and (a.to_ms is None or a.to_ms > low)]

    def _check_files(self) -> None:
        sizes, listed = self.files.sizes.keys(), {*self.clip.files, MANIFEST}
        if self.files.sizes.get(README, 0) > _MAX_README:
            self.found.bad("files", Verdict.FAILED, f"{README} is larger than a text to read")
        for names, problem in (
            (sizes - self.files.used - {README, MANIFEST}, "belongs to no row"),
            (listed - sizes, f"is promised by {MANIFEST}"),
            (sizes - listed, f"is not in {MANIFEST}"),
        ):
            for name in sorted(names):
                self.found.bad("files", Verdict.FAILED, f"{name!r} {problem}")
        self.found.good("files", "none missing, none added")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
