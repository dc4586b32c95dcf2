"""The journal: one SQLite row for each segment and each gap, in the order of the station log (invariant I3).

It owns the rows, what the centre answered to them, and the signed checkpoints that the centre still lacks. It refuses a
second agent, and a data folder of another election, station or key. Nothing counts as recorded before `commit` returns.
"""

import fcntl
import os
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from aigaq.station.errors import JournalDamagedError, JournalForeignError, JournalLockedError
from aigaq_verify import GapRecord, RecordError, SegmentRecord, decode_record

FORMAT: Final = 2
WAITING, DELIVERED, REFUSED = 0, 1, 2
"""What became of a row's upload."""

_SCHEMA: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE rows (
  id INTEGER PRIMARY KEY,
  kind INTEGER NOT NULL,
  camera TEXT NOT NULL,
  stream TEXT NOT NULL,
  seq INTEGER NOT NULL,
  start_ms INTEGER NOT NULL,
  end_ms INTEGER,
  size INTEGER NOT NULL,
  record BLOB NOT NULL,
  leaf BLOB NOT NULL,
  frames INTEGER NOT NULL,
  lost_packets INTEGER NOT NULL,
  detail TEXT NOT NULL,
  state INTEGER NOT NULL DEFAULT 0,
  answer BLOB,
  UNIQUE (camera, stream, seq)
);
CREATE INDEX waiting ON rows (kind, stream, id, camera, size, start_ms) WHERE state = 0;
CREATE INDEX refused ON rows (id) WHERE state = 2;
CREATE TABLE checkpoints (size INTEGER PRIMARY KEY, note BLOB NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose journal it is."""

    election: str
    station: str
    origin: str
    identity: str
    """Fingerprint of the box's identity key."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row to be: the record and what only the operator needs."""

    record: SegmentRecord | GapRecord
    encoded: bytes
    leaf: bytes
    frames: int = 0
    lost_packets: int = 0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class StoredRow:
    """One row as it stands; `index` is its place in the station log."""

    index: int
    record: SegmentRecord | GapRecord
    encoded: bytes
    leaf: bytes
    detail: str
    state: int
    answer: bytes | None


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """The last row of one stream."""

    seq: int
    leaf: bytes
    end_ms: int | None
    gap: GapRecord | None
    detail: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """What the centre still lacks."""

    rows: int
    bytes: int
    oldest_ms: int | None


@dataclass(slots=True)
class Lock:
    """Held while an agent runs; the file names its process."""

    path: Path
    _fd: int = field(default=-1, init=False)

    def acquire(self) -> None:
        """Take it or say who has it.

        Raises:
            JournalLockedError: another agent runs on this folder.
        """
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.read(fd, 20).decode("ascii", "replace").strip() or "?"
            os.close(fd)
            raise JournalLockedError(str(self.path), pid=pid) from None
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        self._fd = fd

    def release(self) -> None:
        """Give it back."""
        os.close(self._fd)


class Journal:
    """The one writer of `journal.sqlite`; used from one thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._size: int = connection.execute("SELECT count(*) FROM rows").fetchone()[0]
        last = connection.execute("SELECT coalesce(max(id), 0) FROM rows").fetchone()[0]
        if last != self._size:
            raise JournalDamagedError("journal.sqlite", problem=f"{self._size} rows are numbered up to {last}")

    @classmethod
    def open(cls, path: Path, identity: Identity) -> "Journal":
        """Open or begin the journal; the caller holds the folder's lock.

        Raises:
            JournalForeignError: it belongs to another election, station or key.
            JournalDamagedError: it is not a journal, or its rows have holes.
        """
        try:
            db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
            try:
                _prepare(db, path, identity)
                return cls(db)
            except BaseException:
                db.close()
                raise
        except sqlite3.DatabaseError as error:
            raise JournalDamagedError(str(path), problem=str(error)) from error

    @property
    def size(self) -> int:
        """Rows on record; the log index of the next one."""
        return self._size

    def commit(self, rows: Sequence[Row]) -> range:
        """Append rows in one transaction, synced to disk; their log indices."""
        first = self._size
        with _transaction(self._db):
            self._db.executemany(
                "INSERT INTO rows (id, kind, camera, stream, seq, start_ms, end_ms, size, record, leaf, frames,"
                " lost_packets, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [(first + 1 + i, *_columns(row)) for i, row in enumerate(rows)],
            )
        self._size += len(rows)
        return range(first, self._size)

    def answered(self, answers: Iterable[tuple[int, int, bytes]]) -> None:
        """Keep the centre's answers: (log index, state, receipt or reason)."""
        with _transaction(self._db):
            self._db.executemany(
                "UPDATE rows SET state = ?, answer = ? WHERE id = ?",
                [(state, answer, index + 1) for index, state, answer in answers],
            )

    def offer_refused_again(self) -> int:
        """Let what was refused wait once more; how many rows that is."""
        return self._db.execute("UPDATE rows SET state = 0, answer = NULL WHERE state = 2").rowcount

    def keep_checkpoint(self, size: int, note: bytes, alive_ms: int) -> None:
        """Keep a signed checkpoint for the centre, and that the box was alive at `alive_ms`."""
        with _transaction(self._db):
            self._db.execute("INSERT OR REPLACE INTO checkpoints VALUES (?, ?)", (size, note))
            self._db.execute("INSERT OR REPLACE INTO meta VALUES ('alive_ms', ?)", (alive_ms,))

    def alive(self, alive_ms: int) -> None:
        """Keep that the box was alive at `alive_ms`."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES ('alive_ms', ?)", (alive_ms,))

    def alive_ms(self) -> int:
        """The last sign of life, 0 on a new journal."""
        found = self._db.execute("SELECT value FROM meta WHERE key = 'alive_ms'").fetchone()
        return int(found[0]) if found else 0

    def keep_beacon(self, note: bytes) -> None:
        """Keep the newest witnessed note, for records after a restart."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES ('beacon', ?)", (note,))

    def beacon(self) -> bytes | None:
        """The note kept last."""
        found = self._db.execute("SELECT value FROM meta WHERE key = 'beacon'").fetchone()
        return bytes(found[0]) if found else None

    def replace_checkpoint(self, size: int, note: bytes) -> None:
        """Keep another signature under the same tree."""
        self._db.execute("UPDATE checkpoints SET note = ? WHERE size = ?", (note, size))

    def prune_checkpoints(self, size: int) -> None:
        """Forget checkpoints below the one the centre holds."""
        self._db.execute("DELETE FROM checkpoints WHERE size < ?", (size,))

    def stream_ends(self) -> dict[tuple[str, str], StreamEnd]:
        """The last row of each (camera, stream)."""
        found = self._db.execute(
            "SELECT camera, stream, record, leaf, detail, max(seq) FROM rows GROUP BY camera, stream"
        )
        return {
            (camera, stream): _stream_end(record, leaf, detail) for camera, stream, record, leaf, detail, _ in found
        }

    def encoded(self, start: int, end: int) -> list[bytes]:
        """The record bytes of rows `[start, end)`, for the log."""
        found = self._db.execute("SELECT record FROM rows WHERE id > ? AND id <= ? ORDER BY id", (start, end))
        return [row[0] for row in found]

    def close(self) -> None:
        """Close the file; nothing is lost without it."""
        self._db.close()


class JournalReader:
    """Reads the journal beside its writer, and while no agent runs."""

    def __init__(self, path: Path) -> None:
        try:
            self._db = sqlite3.connect(
                f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=30, check_same_thread=False
            )
            self._db.execute("SELECT 1 FROM rows LIMIT 1")
        except sqlite3.DatabaseError as error:
            raise JournalDamagedError(str(path), problem=str(error)) from error

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def meta(self) -> dict[str, Any]:
        """What the journal says about itself."""
        return dict(self._db.execute("SELECT key, value FROM meta"))

    def size(self) -> int:
        """Rows on record."""
        return self._db.execute("SELECT coalesce(max(id), 0) FROM rows").fetchone()[0]

    def rows(self, start: int, count: int) -> list[StoredRow]:
        """Up to `count` rows from log index `start`."""
        return self._select("id > ? ORDER BY id LIMIT ?", start, count)

    def record(self, camera: str, stream: str, seq: int) -> SegmentRecord | GapRecord | None:
        """One row of a stream by its number."""
        found = self._select("camera = ? AND stream = ? AND seq = ?", camera, stream, seq)
        return found[0].record if found else None

    def segments_at(self, camera: str, stream: str, start_ms: int) -> list[SegmentRecord]:
        """Segments on record that start then; more than one only after the clock was set back."""
        found = self._select("camera = ? AND stream = ? AND kind = 1 AND start_ms = ?", camera, stream, start_ms)
        return [row.record for row in found if isinstance(row.record, SegmentRecord)]

    def waiting_gaps(self, without: Collection[str], count: int) -> list[StoredRow]:
        """The oldest gaps that the centre lacks, not counting some cameras."""
        return self._waiting("kind = 4", without, "ORDER BY id LIMIT ?", count)

    def waiting_newest(self, stream: str, since_ms: int, without: Collection[str], count: int) -> list[StoredRow]:
        """The newest segments of a kind of stream that the centre lacks and that end after `since_ms`."""
        newest = self._waiting("kind = 1 AND stream = ?", without, "ORDER BY id DESC LIMIT ?", count, stream)
        return [row for row in newest if isinstance(row.record, SegmentRecord) and row.record.end_ms > since_ms]

    def waiting_oldest(self, stream: str, without: Collection[str], count: int) -> list[StoredRow]:
        """The oldest segments of a kind of stream that the centre lacks."""
        return self._waiting("kind = 1 AND stream = ?", without, "ORDER BY id LIMIT ?", count, stream)

    def waiting(self, stream: str) -> Waiting:
        """How much of a kind of stream the centre lacks."""
        found = self._db.execute(
            "SELECT count(*), coalesce(sum(size), 0), min(start_ms) FROM rows"
            " WHERE state = 0 AND kind = 1 AND stream = ?",
            (stream,),
        )
        return Waiting(*found.fetchone())

    def refused(self) -> int:
        """How many rows the centre refused for good."""
        return self._db.execute("SELECT count(*) FROM rows WHERE state = 2").fetchone()[0]

    def leaves(self, start: int, end: int) -> bytes:
        """Leaf hashes of rows `[start, end)`, joined."""
        found = self._db.execute("SELECT leaf FROM rows WHERE id > ? AND id <= ? ORDER BY id", (start, end))
        return b"".join(row[0] for row in found)

    def checkpoint(self, above: int, up_to: int) -> tuple[int, bytes] | None:
        """The newest kept checkpoint with `above < size <= up_to`, else the oldest above."""
        found = self._db.execute(
            "SELECT size, note FROM checkpoints WHERE size > ? AND size <= ? ORDER BY size DESC LIMIT 1", (above, up_to)
        ).fetchone()
        return (
            found
            or self._db.execute(
                "SELECT size, note FROM checkpoints WHERE size > ? ORDER BY size LIMIT 1", (above,)
            ).fetchone()
        )

    def _waiting(
        self, which: str, without: Collection[str], order: str, count: int, *values: object
    ) -> list[StoredRow]:
        others = f" AND camera NOT IN ({', '.join('?' * len(without))})" if without else ""
        return self._select(f"state = 0 AND {which}{others} {order}", *values, *without, count)

    def _select(self, where: str, *values: object) -> list[StoredRow]:
        try:
            found = self._db.execute(
                f"SELECT id, record, leaf, detail, state, answer FROM rows WHERE {where}",  # noqa: S608 - fixed texts
                values,
            )
            return [StoredRow(r[0] - 1, decode_record(r[1]), r[1], r[2], r[3], r[4], r[5]) for r in found]
        except (sqlite3.DatabaseError, RecordError) as error:
            raise JournalDamagedError("journal.sqlite", problem=str(error)) from error


class _transaction:  # noqa: N801 - reads as a statement
    """BEGIN IMMEDIATE … COMMIT, or ROLLBACK; a full disk may already have rolled back by itself."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._db.execute("COMMIT")
        finally:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")


def _prepare(db: sqlite3.Connection, path: Path, identity: Identity) -> None:
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
        _begin(db, identity)
    meta = dict(db.execute("SELECT key, value FROM meta"))
    if meta.get("format") != FORMAT:
        raise JournalDamagedError(str(path), problem=f"format {meta.get('format')} is not {FORMAT}")
    for name in ("election", "station", "origin", "identity"):
        expected = getattr(identity, name)
        if meta.get(name) != expected:
            raise JournalForeignError(str(path), field=name, found=meta.get(name), expected=expected)


def _begin(db: sqlite3.Connection, identity: Identity) -> None:
    meta = [("format", FORMAT), ("election", identity.election), ("station", identity.station)]
    meta += [("origin", identity.origin), ("identity", identity.identity)]
    with _transaction(db):
        for statement in filter(None, map(str.strip, _SCHEMA.split(";"))):
            db.execute(statement)
        db.executemany("INSERT INTO meta VALUES (?, ?)", meta)


def _columns(row: Row) -> tuple[object, ...]:
    record = row.record
    if isinstance(record, SegmentRecord):
        times = (1, record.camera, record.stream, record.seq, record.start_ms, record.end_ms, record.size)
    else:
        times = (4, record.camera, record.stream, record.seq, record.from_ms, record.to_ms, 0)
    return (*times, row.encoded, row.leaf, row.frames, row.lost_packets, row.detail)


def _stream_end(encoded: bytes, leaf: bytes, detail: str) -> StreamEnd:
    record = decode_record(encoded)
    if isinstance(record, SegmentRecord):
        return StreamEnd(record.seq, leaf, record.end_ms, None, detail)
    return StreamEnd(record.seq, leaf, record.to_ms, record if record.to_ms is None else None, detail)
