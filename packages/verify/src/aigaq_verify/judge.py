"""Whether a clip holds: bytes, records, both logs, witnesses, times, keys, and no time lost without a signature.

Nothing here believes `clip.json`: it says what was asked for, and the answer must follow from the records, the proofs
and the trust file alone. Reads the given files, one at a time, and nothing else.

An evidence package is a clip of each stream in one BagIt 1.0 folder (RFC 8493), each judged on its own. Its trust file,
lists and certificates are for reading.
"""

import hashlib
import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from aigaq_verify import manifest as names
from aigaq_verify import records
from aigaq_verify.container import Files, NotEvidenceError, StoredZip
from aigaq_verify.coverage import Row, broken_chain, stretches
from aigaq_verify.manifest import MANIFEST, MAX_MANIFEST, README, Manifest
from aigaq_verify.mp4 import TIMESCALE, fragment_times
from aigaq_verify.national import Authority, NationalLog, Place, Seal
from aigaq_verify.note import MAX_NOTE, MAX_PROOF, Checkpoint, Note, NoteError, Proof
from aigaq_verify.policy import Policy
from aigaq_verify.report import CHECKS, Findings, Report, Stretch, Verdict

_DECLARATION: Final = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
_BAGIT, _PAYLOAD, _TAGS = "bagit.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt"
_CLIP: Final = re.compile(r"(data/clips/[a-z0-9-]{1,40}/)clip\.json")
_LINE: Final = re.compile(rb"([0-9a-f]{64})  ([\x21-\x7e]+)")
_MAX_INIT: Final = 1 << 20
_MAX_README: Final = 64 << 10
_MEDIA_CLOCK_MS: Final = 1_000  # the clock in the bytes may differ by this much from the record's
_CLOCK_MS: Final = 5_000  # the station's clock may differ by this much from what the proofs allow
_LATE_MS: Final = 60_000


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
        count = self._check_bytes()
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
            "bytes": f"{count} segments are the bytes that were sealed (SHA-256), as is what plays them",
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
                yield Row(index, records.decode_row(data), records.leaf_hash(data))

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

    def _check_bytes(self) -> int:
        """How many segments are shown; a neighbour may be here for its row alone."""
        segments = [(names.segment_file(row), row) for row in self.rows if row.is_segment]
        shown = [(name, row) for name, row in segments if name in self.files.sizes or row.touches(self.clip)]
        for name, row in shown:
            if problem := self._bad_segment(row, name):
                self.found.bad("bytes", Verdict.FAILED, f"{name}: {problem}")
        for init in dict.fromkeys(row["init_sha256"] for _, row in shown):
            name = names.init_file(init)
            if self.files.read(name, _MAX_INIT) is None or self.files.sha256[name] != init:
                self.found.bad("bytes", Verdict.FAILED, f"{name}: missing, or not the bytes that were sealed")
        return len(shown)

    def _bad_segment(self, row: Row, name: str) -> str:
        data = self.files.read(name, row["size"])
        if data is None or len(data) != row["size"] or self.files.sha256[name] != row["sha256"]:
            return "missing, or not the bytes that were sealed"
        try:
            times = [ticks * 1000 // TIMESCALE for ticks in fragment_times(data)]
        except ValueError as error:
            return str(error)
        low, high = row.start - _MEDIA_CLOCK_MS, row.last + _MEDIA_CLOCK_MS
        starts_there = times and times[0] <= row.start + _MEDIA_CLOCK_MS
        agrees = starts_there and all(low <= time <= high for time in times)
        return "" if agrees else "the clock in its bytes does not agree with its record"

    # A row is in the station's log, and that log's checkpoint in the national one

    def _seal(self, row: Row) -> Seal | None:
        name = names.proof_file(row.index)
        data = self.files.read(name, MAX_PROOF)
        with self.found.reading("log", name, data):
            proof = Proof.parse(data or b"")
            seal = self._opened(proof.checkpoint)
            if proof.index == row.index and proof.includes(row.hash, seal.checkpoint):
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
            leaf = records.encode(records.Leaf(records.Kind.STATION_CHECKPOINT, values))
            proof = names.checkpoint_file(checkpoint.size)
            place = self.log.place(proof, self.files.read(proof, MAX_PROOF), leaf)
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
        lower, upper = seal.not_before_ms, seal.not_after_ms
        made_at_end = row.is_segment and not row["flags"] & records.RECOVERED
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
        size, hash16 = row["beacon_size"], row["beacon_hash16"]
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
        if README in self.files.sizes and self.files.read(README, _MAX_README) is None:
            self.found.bad("files", Verdict.FAILED, f"{README} is larger than a text to read")
        for wrong, problem in (
            (there - self.files.used, "belongs to no row"),
            (listed - there, f"is promised by {MANIFEST}"),
            (there - listed, f"is not in {MANIFEST}"),
        ):
            for name in sorted(wrong):
                self.found.bad("files", Verdict.FAILED, f"{name!r} {problem}")


def verify(stream: BinaryIO, policy: Policy | None = None) -> Report:
    """Judge a clip or an evidence package; NotEvidenceError where it is neither."""
    package = StoredZip(stream)
    if MANIFEST in package.sizes:
        return _judge(Files(package), policy)
    if _BAGIT not in package.sizes:
        raise NotEvidenceError(f"it has neither {MANIFEST} nor {_BAGIT}")
    found, clips, sha256 = Findings(), list[Report](), dict[str, bytes]()
    for folder in (match[1] for name in package.sizes if (match := _CLIP.fullmatch(name))):
        files = Files(package, folder)
        with found.reading("clips", folder):
            clips.append(_judge(files, policy))
        sha256 |= {folder + name: digest for name, digest in files.sha256.items()}
    if not clips:
        found.bad("clips", Verdict.FAILED, "it holds no clip that can be read")
    payload = {name for name in package.sizes if name.startswith("data/")}
    found.good["clips"] = f"{len(clips)}, each judged below"
    for problem in _broken_bag(package, sha256, payload):
        found.bad("package", Verdict.FAILED, problem)
    found.good["package"] = f"{len(payload)} files, each with the SHA-256 of {_PAYLOAD}; none missing, none added"
    return Report((found.line("package"), found.line("clips")), clips=tuple(clips))


def _judge(files: Files, policy: Policy | None) -> Report:
    return Judge(Manifest.parse(files.read(MANIFEST, MAX_MANIFEST) or b""), files, policy).report()


def _broken_bag(package: StoredZip, sha256: dict[str, bytes], payload: set[str]) -> Iterator[str]:
    files = Files(package)
    if files.read(_BAGIT, len(_DECLARATION)) != _DECLARATION:
        yield f"{_BAGIT} does not declare BagIt 1.0 in UTF-8"
    for listing, expected in ((_PAYLOAD, payload), (_TAGS, package.sizes.keys() - payload - {_TAGS})):
        listed = (files.read(listing, MAX_MANIFEST) or b"").removesuffix(b"\n").split(b"\n")
        lines = [_LINE.fullmatch(line) for line in listed]
        said = {line[2].decode(): bytes.fromhex(line[1].decode()) for line in lines if line}
        if len(said) != len(lines):
            yield f"{listing} is missing, or has a line that is no hash and file, or one twice"
        for name in sorted(expected ^ said.keys()):
            yield f"{name!r} is not both in {listing} and here"
        for name in sorted(expected & said.keys()):
            if (sha256.get(name) or package.sha256(name)) != said[name]:
                yield f"{name!r} is not the file that was packed"
