"""Whether a clip holds: bytes, records, both logs, witnesses, times, keys, and no time lost without a signature.

Nothing here believes `clip.json`: it says what was asked for, and the answer must follow from the records, the proofs
and the trust file alone. Reads the given files, one at a time, and nothing else.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from typing import Final

from aigaq_verify import manifest as names
from aigaq_verify import records
from aigaq_verify.container import StoredZip
from aigaq_verify.coverage import Row, broken_chain, stretches
from aigaq_verify.manifest import MANIFEST, README, Manifest
from aigaq_verify.mp4 import TIMESCALE, fragment_times
from aigaq_verify.national import Authority, NationalLog, Place, Seal
from aigaq_verify.note import MAX_NOTE, Checkpoint, Note, NoteError
from aigaq_verify.policy import Policy
from aigaq_verify.proof import MAX_PROOF, Proof
from aigaq_verify.report import CHECKS, Findings, Report, Stretch, Verdict

_MAX_INIT: Final = 1 << 20
_MAX_README: Final = 64 << 10
_MEDIA_CLOCK_MS: Final = 1_000  # the clock in the bytes may differ by this much from the record's
_CLOCK_MS: Final = 5_000  # the station's clock may differ by this much from what the proofs allow
_LATE_MS: Final = 60_000


class Files:
    """A clip's files, in a folder of the container; the SHA-256 of what was read is kept: nothing is hashed twice."""

    def __init__(self, package: StoredZip, folder: str = "") -> None:
        self._package, self._folder = package, folder
        self.sizes = {name[len(folder) :]: size for name, size in package.sizes.items() if name.startswith(folder)}
        self.sha256: dict[str, bytes] = {}
        self.used: set[str] = {README}

    def read(self, name: str, limit: int) -> bytes | None:
        """The file, or None where it is missing or longer than it may be."""
        self.used.add(name)
        if self.sizes.get(name, limit + 1) > limit:
            return None
        data = self._package.read(self._folder + name)
        self.sha256[name] = hashlib.sha256(data).digest()
        return data

    def numbered(self, name_of: Callable[[int], str]) -> Iterator[tuple[int, str]]:
        """The files of a kind that is named by numbers."""
        for name in self.sizes:
            number = re.search(r"[0-9]{1,16}", name)
            if number and name_of(int(number[0])) == name:
                yield int(number[0]), name


class Judge:
    """Judges one clip against the keys that the reader trusts."""

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
        for problem in broken_chain(self.clip, self.rows):
            self.found.bad("records", Verdict.FAILED, problem)
        times = self._check_times()
        if not self.seals:
            self.found.bad("log", Verdict.NOT_IN_LOG, "no row is proven to be in any log")
        if self.log.policy is None:
            self.found.bad("key", Verdict.UNKNOWN_KEY, f"for the log {self.clip.log} no trust file was given (--trust)")
        self._check_keys()
        missing = self._check_interval()
        self._check_files()
        self.found.good |= {
            "records": f"{len(self.rows)} rows, numbered and chained without a break",
            "log": f"every row is in the station's log, its {len(self.seals)} checkpoints in {self.clip.log}",
            "witnesses": "a quorum cosigned a checkpoint over every row",
            "key": f"sealed by {'; '.join(self.authority.told)}",
            "interval": "footage from the first moment to the last",
            "files": "none missing, none added",
        }
        return Report(tuple(map(self.found.line, CHECKS)), self.clip, tuple(missing), *times)

    # What the clip holds

    def _rows(self) -> Iterator[Row]:
        for index, name in self.files.numbered(names.record_file):
            data = self.files.read(name, records.MAX_RECORD) or b""
            with self.found.reading("records", name):
                yield Row(index, records.decode_record(data), records.leaf_hash(data))

    def _leaves(self) -> Iterator[tuple[records.Leaf, Place]]:
        for index, name in self.files.numbered(names.leaf_file):
            data, proof = self.files.read(name, records.MAX_LEAF) or b"", names.leaf_proof_file(index)
            with self.found.reading("log", name):
                leaf = records.decode_leaf(data)
                place = self.log.place(proof, self.files.read(proof, MAX_PROOF), data)
                of = leaf["election"], leaf.values.get("station")
                if place and (place.index != index or of != (self.clip.election, self.clip.station)):
                    self.found.bad("log", Verdict.FAILED, f"{name} is another leaf, or one of another station")
                elif place:
                    yield leaf, place

    # Bytes

    def _check_bytes(self) -> None:
        inits: set[bytes] = set()
        count = 0
        for row in self.rows:
            record = row.record
            if isinstance(record, records.SegmentRecord):
                name = names.segment_file(record)
                if name not in self.files.sizes and not row.touches(self.clip):
                    continue  # a neighbour, here for its row alone
                count += 1
                inits.add(record.init_sha256)
                if problem := self._bad_segment(record, name):
                    self.found.bad("bytes", Verdict.FAILED, f"{name}: {problem}")
        for init in inits:
            name = names.init_file(init)
            if self.files.read(name, _MAX_INIT) is None or self.files.sha256[name] != init:
                self.found.bad("bytes", Verdict.FAILED, f"{name}: missing, or not the bytes that were sealed")
        self.found.good["bytes"] = f"{count} segments are the bytes that were sealed (SHA-256), as is what plays them"

    def _bad_segment(self, record: records.SegmentRecord, name: str) -> str:
        data = self.files.read(name, record.size)
        if data is None or len(data) != record.size or self.files.sha256[name] != record.sha256:
            return "missing, or not the bytes that were sealed"
        try:
            times = [ticks * 1000 // TIMESCALE for ticks in fragment_times(data)]
        except ValueError as error:
            return str(error)
        low, high = record.start_ms - _MEDIA_CLOCK_MS, record.end_ms + _MEDIA_CLOCK_MS
        starts_there = times and times[0] <= record.start_ms + _MEDIA_CLOCK_MS
        agrees = starts_there and all(low <= time <= high for time in times)
        return "" if agrees else "the clock in its bytes does not agree with its record"

    # A row is in the station's log, and that log's checkpoint in the national one

    def _seal(self, row: Row) -> Seal | None:
        name = names.proof_file(row.index)
        data = self.files.read(name, MAX_PROOF)
        with self.found.reading("log", name, data):
            proof = Proof.parse(data or b"")
            seal = self._opened(proof.checkpoint)
            if proof.index == row.index and proof.includes(row.leaf, seal.checkpoint):
                return seal
            self.found.bad("log", Verdict.NOT_IN_LOG, f"row {row.index} is not proven to be in the station's log")
        return None

    def _opened(self, note: bytes) -> Seal:
        clip, name = self.clip, hashlib.sha256(note).digest()
        if name not in self.seals:
            parsed = Note.parse(note)
            checkpoint = Checkpoint.parse(parsed.text)
            if checkpoint.origin != clip.origin or clip.origin != f"{clip.log}/s/{clip.station}":
                raise NoteError(f"{checkpoint.origin} is not this polling station's log in {clip.log}")
            key = next(iter(parsed.signers(self.authority.delegations)), None)
            values = {"election": clip.election, "station": clip.station, "note": note}
            leaf = records.Leaf(records.Kind.STATION_CHECKPOINT, values)
            proof = names.checkpoint_file(checkpoint.size)
            place = self.log.place(proof, self.files.read(proof, MAX_PROOF), records.encode_leaf(leaf))
            self.seals[name] = Seal(checkpoint, key, place)
        return self.seals[name]

    def _check_keys(self) -> None:
        for seal in self.seals.values():
            if seal.place is not None and (problem := self.authority.problem(seal)):
                self.found.bad("key", problem[0], f"station checkpoint {seal.checkpoint.size}: {problem[1]}")

    # Time from both sides

    def _check_times(self) -> tuple[int | None, int | None]:
        """Between which times the rows of the interval were made, as far as that is proven."""
        proven: list[tuple[int | None, int | None]] = []
        lower: int | None = None
        for row, after in zip(self.rows, [*self.rows, None][1:], strict=True):
            seal = self._seal(row)
            beacon = self._beacon(row, seal)
            told_again = after is not None and after.reopens(row)  # by the next, with its end
            lower = max((time for time in (lower, beacon) if time is not None), default=None)  # `prev` carries it on
            if seal is not None:
                seal.not_before_ms, seal.claimed_ms = lower, max(seal.claimed_ms, row.last)
                self._check_time(row, seal)
                proven += [(lower, seal.not_after_ms)] if row.touches(self.clip) and not told_again else []
        lows, highs = ([end for pair in proven if (end := pair[side]) is not None] for side in (0, 1))
        if len(lows) < len(proven):
            problem = f"{len(proven) - len(lows)} rows hold no witnessed checkpoint and may be older than they say"
            self.found.bad("time", Verdict.UNWITNESSED, problem)
        elif lows and len(highs) == len(lows):
            width = max(high - low for low, high in zip(lows, highs, strict=True)) // 1000
            self.found.good["time"] = f"every row was made within a known {width} s, and claims that time"
        whole = len(proven) or -1
        return min(lows) if len(lows) == whole else None, max(highs) if len(highs) == whole else None

    def _check_time(self, row: Row, seal: Seal) -> None:
        lower, upper, record = seal.not_before_ms, seal.not_after_ms, row.record
        made_at_end = isinstance(record, records.SegmentRecord) and records.Flag.RECOVERED not in record.flags
        if made_at_end and lower is not None and row.last < lower - _CLOCK_MS:
            self.found.bad("time", Verdict.FAILED, f"row {row.index} claims a time before the checkpoint inside it")
        if upper is not None and row.last > upper + _CLOCK_MS:
            self.found.bad("time", Verdict.FAILED, f"row {row.index} claims a time after witnesses had seen it")
        if upper is None and seal.place is not None and row.touches(self.clip):
            problem = f"no quorum that you trust cosigned station checkpoint {seal.checkpoint.size}"
            self.found.bad("witnesses", Verdict.UNWITNESSED, problem)
        if upper is not None and row.end is not None and upper - row.end > _LATE_MS and row.touches(self.clip):
            problem = f"row {row.index} reached the witnesses {(upper - row.end) // 1000} s after the time it claims"
            self.found.bad("time", Verdict.LATE, problem)

    def _beacon(self, row: Row, seal: Seal | None) -> int | None:
        """Since when a quorum's word that is inside the row has been there; None where no such word is."""
        size, hash16 = row.record.beacon_size, row.record.beacon_hash16
        name = names.beacon_file(size, hash16)
        if size and seal and seal.place and seal.place.index < size:
            self.found.bad("time", Verdict.FAILED, f"row {row.index} names a checkpoint that is newer than its own")
        if size and name not in self.beacons:
            note, self.beacons[name] = self.files.read(name, MAX_NOTE), None
            if note is None or self.files.sha256[name][:16] != hash16:
                self.found.bad("time", Verdict.FAILED, f"{name}: missing, or not the one that row {row.index} names")
            elif judged := self.log.judged(note):
                self.beacons[name] = judged[1] and judged[1].not_before_ms
                if judged[0].size != size:
                    self.found.bad("time", Verdict.FAILED, f"{name}: its size is {judged[0].size}")
        return self.beacons[name] if size else None

    # What is missing, and what is too much

    def _check_interval(self) -> list[Stretch]:
        missing, absences = stretches(self.clip, self.rows), self._absences()
        silent = sum(stretch.cause is None for stretch in missing)
        counts = f"{silent} silent holes, {len(missing) - silent} signed gaps, {len(absences)} absences"
        if missing or absences:
            self.found.bad("interval", Verdict.SILENT_HOLE if silent else Verdict.GAP, counts)
        return sorted([*missing, *absences], key=lambda stretch: stretch.from_ms)

    def _absences(self) -> list[Stretch]:
        """Times in which the centre heard nothing; the leaf that ends one tells its beginning again."""
        said = [leaf for leaf, _ in self.leaves if leaf.kind is records.Kind.ABSENCE]
        last = {leaf["seq"]: leaf for leaf in sorted(said, key=lambda leaf: leaf["to_ms"] is not None)}
        times = [(leaf["from_ms"], leaf["to_ms"]) for leaf in last.values() if leaf["from_ms"] < self.clip.to_ms]
        return [Stretch(start, end, "absence") for start, end in times if end is None or end > self.clip.from_ms]

    def _check_files(self) -> None:
        there, listed = self.files.sizes.keys() - {MANIFEST}, set(self.clip.files)
        if self.files.sizes.get(README, 0) > _MAX_README:
            self.found.bad("files", Verdict.FAILED, f"{README} is larger than a text to read")
        for wrong, problem in (
            (there - self.files.used, "belongs to no row"),
            (listed - there, f"is promised by {MANIFEST}"),
            (there - listed, f"is not in {MANIFEST}"),
        ):
            for name in sorted(wrong):
                self.found.bad("files", Verdict.FAILED, f"{name!r} {problem}")
