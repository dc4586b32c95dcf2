"""Derives every invariant of a data folder from the stored bytes again; changes nothing, may run beside the agent."""

import enum
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from aigaq.ledger import BadReceiptError, CompactRange, LedgerError, check_log, open_receipt, parse_vkey
from aigaq.ledger.enrolment import IdentityKey, fingerprint
from aigaq.station.box import journal_path, log_path
from aigaq.station.errors import JournalDamagedError
from aigaq.station.journal import DELIVERED, Identity, JournalReader, StoredRow
from aigaq.station.rules import Footage, Gap, TilingAudit
from aigaq.station.settings import StationSettings
from aigaq.station.signing import former_keys
from aigaq.station.spool import Spool
from aigaq_verify import NO_HASH, Checkpoint, NoteError, SegmentRecord, decode_record, leaf_hash

_BATCH: Final = 2_000
_TRIES: Final = 5
_FINAL: Final = re.compile(r"\d{1,15}-(\d{1,15})-[0-9a-f]{16}\.m4s")


class Level(enum.StrEnum):
    """How much is read: each level includes those before."""

    PRESENCE = "presence"
    SIZE = "size"
    HASH = "hash"


@dataclass(frozen=True, slots=True)
class Problem:
    """A broken invariant.

    `kind` is stable: journal, identity, row, chain, tiling, beacon, file, init, receipt, stray, log.
    """

    kind: str
    where: str
    what: str


@dataclass(slots=True)
class _Stream:
    seq: int = -1
    leaf: bytes = NO_HASH
    tiling: TilingAudit = field(default_factory=TilingAudit)


class Fsck:
    """One check of one data folder; `problems` yields what is wrong."""

    def __init__(
        self, settings: StationSettings, level: Level, progress: Callable[[int, int], None] | None = None
    ) -> None:
        self._settings = settings
        self._level = level
        self._progress = progress or _silent
        self._data = settings.station.data
        self._spool = Spool(self._data, settings.station.election, settings.station.id)
        self._center = parse_vkey(settings.center.vkey, "center.vkey") if settings.center else None
        self._streams: dict[tuple[str, str], _Stream] = {}
        self._inits: dict[bytes, str | None] = {}
        self._beacon = 0
        self._identity = IdentityKey.load(settings.identity_file)
        self._keys = former_keys(self._data, self._identity, settings.origin)

    def problems(self) -> Iterator[Problem]:
        """Everything that does not hold."""
        signed = self._checkpoint()
        path = journal_path(self._data)
        try:
            reader = JournalReader(path)
        except JournalDamagedError as error:
            yield Problem("journal", str(path), str(error.facts["problem"]))
            return
        try:
            yield from self._owner(reader)
            yield from self._rows(reader, signed)
            yield from self._strays(reader)
        finally:
            reader.close()
        yield from self._log(signed)

    def _owner(self, reader: JournalReader) -> Iterator[Problem]:
        meta, station = reader.meta(), self._settings.station
        expected = Identity(station.election, station.id, self._settings.origin, fingerprint(self._identity.point))
        for name in ("election", "station", "origin", "identity"):
            if meta.get(name) != getattr(expected, name):
                yield Problem("identity", name, f"the journal says {meta.get(name)}")

    def _rows(self, reader: JournalReader, signed: Checkpoint | str) -> Iterator[Problem]:
        """Rows, chains, tiles, files, receipts; and that the log signed just these rows."""
        tree, total, done = CompactRange(), reader.size(), 0
        for index, row in self._read(reader, total):
            if index % 100 == 0:
                self._progress(index, total)
            if row is None:
                yield Problem("row", str(index), "it is missing or cannot be decoded")
                continue
            yield from self._row(row)
            if isinstance(signed, Checkpoint) and index < signed.size:
                tree.append(row.leaf)
            done += 1
        self._progress(total, total)
        if isinstance(signed, str):
            yield Problem("log", str(log_path(self._data)), signed)
        elif signed.size > done:
            yield Problem("log", "checkpoint", f"it signs {signed.size} rows, the journal holds {done}")
        elif tree.root() != signed.root:
            yield Problem("log", "checkpoint", f"the rows do not give the signed root of {signed.size} rows")

    def _read(self, reader: JournalReader, total: int) -> Iterator[tuple[int, StoredRow | None]]:
        for start in range(0, total, _BATCH):
            try:
                rows = {row.index: row for row in reader.rows(start, _BATCH)}
            except JournalDamagedError:
                rows = {row.index: row for i in range(start, start + _BATCH) for row in _one(reader, i)}
            yield from ((i, rows.get(i)) for i in range(start, min(start + _BATCH, total)))

    def _row(self, row: StoredRow) -> Iterator[Problem]:
        record = row.record
        where = f"{row.index} {record.camera}/{record.stream}"
        stream = self._streams.setdefault((record.camera, record.stream), _Stream())
        if leaf_hash(row.encoded) != row.leaf or decode_record(row.encoded) != record:
            yield Problem("row", where, "the leaf hash is not that of the record")
        if (record.election, record.station) != (self._settings.station.election, self._settings.station.id):
            yield Problem("row", where, f"it belongs to {record.election}/{record.station}")
        if record.seq != stream.seq + 1 or record.prev != stream.leaf:
            yield Problem("chain", where, f"number {record.seq} does not follow number {stream.seq}")
        stream.seq, stream.leaf = record.seq, row.leaf
        segment = isinstance(record, SegmentRecord)
        tile = Footage(record.start_ms, record.end_ms) if segment else Gap(record.from_ms, record.to_ms, record.cause)
        if fault := stream.tiling.next(tile):
            yield Problem("tiling", where, fault)
        if 0 < record.beacon_size < self._beacon:
            yield Problem("beacon", where, f"it names {record.beacon_size} entries, a row before {self._beacon}")
        self._beacon = record.beacon_size or self._beacon
        yield from self._segment(where, record) if segment else self._detail(where, row)
        yield from self._receipt(where, row)

    def _detail(self, where: str, row: StoredRow) -> Iterator[Problem]:
        expected = hashlib.sha256(row.detail.encode()).digest() if row.detail else NO_HASH
        if not isinstance(row.record, SegmentRecord) and row.record.detail_hash != expected:
            yield Problem("row", where, "the detail is not the one that was signed")

    def _segment(self, where: str, record: SegmentRecord) -> Iterator[Problem]:
        path = self._spool.find(record)
        if path is None:
            yield Problem("file", where, f"{record.object_name} is missing")
        elif wrong := self._file(path, record.size, record.sha256):
            yield Problem("file", where, f"{path.name} {wrong}")
        digest = record.init_sha256
        if digest not in self._inits:
            init = self._spool.init_path(digest)
            self._inits[digest] = self._file(init, None, digest) if init.exists() else "is missing"
            if wrong := self._inits[digest]:
                yield Problem("init", where, f"{init.name} {wrong}")

    def _file(self, path: Path, size: int | None, digest: bytes) -> str | None:
        if self._level is Level.PRESENCE:
            return None
        if size is not None and path.stat().st_size != size:
            return f"has {path.stat().st_size} bytes, not {size}"
        if self._level is Level.HASH and hashlib.sha256(path.read_bytes()).digest() != digest:
            return "does not have its hash"
        return None

    def _receipt(self, where: str, row: StoredRow) -> Iterator[Problem]:
        if row.state != DELIVERED or self._center is None or self._level is not Level.HASH:
            return
        try:
            open_receipt(row.answer or b"", self._center, station=row.record.station, leaf_hash=row.leaf)
        except BadReceiptError as error:
            yield Problem("receipt", where, str(error.facts["problem"]))

    def _strays(self, reader: JournalReader) -> Iterator[Problem]:
        """Files with a final name that no row knows. Torn files only wait for the agent's next start."""
        for path in self._spool.root.rglob("*.m4s"):
            name = _FINAL.fullmatch(path.name)
            camera, stream = path.parts[-5], path.parts[-4]
            record = reader.record(camera, stream, int(name[1])) if name else None
            if not isinstance(record, SegmentRecord) or self._spool.path_of(record) != path:
                yield Problem("stray", str(path.relative_to(self._data)), "no row knows this file")

    def _checkpoint(self) -> Checkpoint | str:
        """What the log signed last, or why that cannot be said."""
        try:
            note = (log_path(self._data) / "checkpoint").read_bytes()
            return Checkpoint.open(note, self._keys)[0]
        except (OSError, NoteError) as error:
            return f"the checkpoint cannot be used: {error}"

    def _log(self, signed: Checkpoint | str) -> Iterator[Problem]:
        """The tiles; read again if an agent signed meanwhile."""
        if self._level is Level.PRESENCE or isinstance(signed, str):
            return
        found = self._tiles()
        for _ in range(_TRIES):
            now = self._checkpoint()
            if not found or now == signed:
                break
            signed, found = now, self._tiles()
        yield from found

    def _tiles(self) -> list[Problem]:
        folder = log_path(self._data)
        try:
            return [Problem("log", str(folder), what) for what in check_log(folder, self._keys)]
        except LedgerError as error:
            return [Problem("log", str(folder), error.explain().why)]


def _silent(done: int, total: int) -> None:
    """No progress shown."""


def _one(reader: JournalReader, index: int) -> list[StoredRow]:
    try:
        return reader.rows(index, 1)
    except JournalDamagedError:
        return []
