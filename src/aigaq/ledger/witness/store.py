"""What a witness remembers: one SQLite file with the last checkpoint of each log, and a mark of how often it signed.

The mark is a second, tiny file (on another disk if the settings say so). It is written after the database and before
the answer, so a database that knows fewer signatures than the mark is an older copy, and a witness that runs on an
older copy could cosign a second history. Then nothing is opened and nothing is signed.
"""

import fcntl
import os
import re
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from aigaq.base import N_
from aigaq.ledger.durable import write_whole
from aigaq.ledger.merkle import root_of
from aigaq.ledger.witness.errors import (
    WitnessBusyError,
    WitnessDiskError,
    WitnessError,
    WitnessLostError,
    WitnessRolledBackError,
)

EMPTY_ROOT: Final = root_of(())
CONTRADICTION: Final = "contradiction"
INCONSISTENT: Final = "inconsistent"
MAX_REFUSED: Final = 32
"""Refused notes kept of one log and one kind: enough to prove a fork, too few to fill a disk."""
_MARK: Final = re.compile(r"aigaq witness mark v1\n([0-9a-f]{32})\n([0-9]{1,19})\n")
_SCHEMA: Final = """
CREATE TABLE meta (id TEXT NOT NULL, signatures INTEGER NOT NULL, last_time INTEGER NOT NULL);
CREATE TABLE logs (origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, note BLOB NOT NULL)
  WITHOUT ROWID;
CREATE TABLE refused (
  id INTEGER PRIMARY KEY,
  origin TEXT NOT NULL,
  kind TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  note BLOB NOT NULL,
  UNIQUE (origin, note)
);
"""

_KEEP_FIRST: Final = """DELETE FROM refused WHERE id IN
(SELECT id FROM refused WHERE origin = ? AND kind = ? ORDER BY id LIMIT -1 OFFSET ?)"""
_KEEP_LAST: Final = _KEEP_FIRST.replace("ORDER BY id", "ORDER BY id DESC")


@dataclass(frozen=True, slots=True)
class Held:
    """The last checkpoint cosigned of one log; `note` carries the log's and the witness's signatures."""

    size: int = 0
    root: bytes = EMPTY_ROOT
    note: bytes = b""


@dataclass(frozen=True, slots=True)
class Refused:
    """A note that the log signed and the witness did not."""

    kind: str
    at_ms: int
    note: bytes


class WitnessStore:
    """The database and its mark. One program at a time; a change is on disk before its block is left."""

    def __init__(self, db: sqlite3.Connection, mark: Path, lock: int | None) -> None:
        self._db = db
        self._mark = mark
        self._lock = lock

    @classmethod
    def create(cls, path: Path, mark: Path, *, time: int) -> None:
        """Begin an empty memory; `time` in POSIX seconds is the earliest that will ever be signed."""
        identity = os.urandom(16).hex()
        db = _connect(path)
        _tune(db)
        with _transaction(db):
            for statement in _SCHEMA.split(";"):
                db.execute(statement)
            db.execute("INSERT INTO meta VALUES (?, 0, ?)", (identity, time))
        db.close()
        _write_mark(mark, identity, 0)

    @classmethod
    def open(cls, path: Path, mark: Path) -> Self:
        """Open the memory, if it is the whole and newest one.

        Raises:
            WitnessBusyError: another program is using it.
            WitnessLostError: the database or its mark is missing, damaged, or of another witness.
            WitnessRolledBackError: the database is older than the mark.
        """
        identity, marked = _read_mark(mark)
        if not path.exists():
            raise WitnessLostError(str(path), problem=N_("the database is missing"))
        lock = _lock_folder(path.parent)
        store = cls(_connect(path), mark, lock)
        try:
            store._check(path, identity, marked)
        except WitnessError:
            store.close()
            raise
        return store

    @classmethod
    def look(cls, path: Path, mark: Path) -> Self:
        """Read the memory while another program uses it."""
        return cls(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True), mark, None)

    def close(self) -> None:
        """Let go of the database."""
        self._db.close()
        if self._lock is not None:
            os.close(self._lock)

    def held(self, origin: str) -> Held:
        """The last checkpoint cosigned of that log; the empty tree before the first."""
        row = self._db.execute("SELECT size, root, note FROM logs WHERE origin = ?", (origin,)).fetchone()
        return Held(*row) if row else Held()

    def last_time(self) -> int:
        """The latest time that was ever signed, POSIX seconds."""
        return int(self._db.execute("SELECT last_time FROM meta").fetchone()[0])

    def signatures(self) -> int:
        """How often this witness has signed."""
        return int(self._db.execute("SELECT signatures FROM meta").fetchone()[0])

    def refused(self, origin: str) -> list[Refused]:
        """The notes of that log that were kept as evidence, oldest first."""
        rows = self._db.execute("SELECT kind, at_ms, note FROM refused WHERE origin = ? ORDER BY id", (origin,))
        return [Refused(*row) for row in rows]

    def swap(self, origin: str, old: Held, new: Held, *, time: int) -> None:
        """Remember `new` as cosigned at that time if `old` is still what is held; on disk when this returns.

        Raises:
            WitnessDiskError: the disk does not take it; then nothing may be signed.
        """
        try:
            with _transaction(self._db):
                if self.held(origin) != old:
                    raise AssertionError("the witness's database was changed by another program")
                self._db.execute("REPLACE INTO logs VALUES (?, ?, ?, ?)", (origin, new.size, new.root, new.note))
                self._db.execute("UPDATE meta SET signatures = signatures + 1, last_time = ?", (time,))
                identity, signatures = self._db.execute("SELECT id, signatures FROM meta").fetchone()
            _write_mark(self._mark, identity, signatures)
        except (OSError, sqlite3.Error) as error:
            raise WitnessDiskError(str(self._mark.parent)) from error

    def keep(self, origin: str, refused: Refused) -> None:
        """Keep a refused note as evidence: the first contradictions, for they prove; the newest of other kinds.

        Raises:
            WitnessDiskError: the disk does not take it.
        """
        try:
            with _transaction(self._db):
                self._db.execute(
                    "INSERT OR IGNORE INTO refused (origin, kind, at_ms, note) VALUES (?, ?, ?, ?)",
                    (origin, refused.kind, refused.at_ms, refused.note),
                )
                order = _KEEP_FIRST if refused.kind == CONTRADICTION else _KEEP_LAST
                self._db.execute(order, (origin, refused.kind, MAX_REFUSED))
        except sqlite3.Error as error:
            raise WitnessDiskError(str(self._mark.parent)) from error

    def _check(self, path: Path, identity: str, marked: int) -> None:
        try:
            _tune(self._db)
            sound = self._db.execute("PRAGMA quick_check").fetchone() == ("ok",)
            found, signatures = self._db.execute("SELECT id, signatures FROM meta").fetchone()
        except (sqlite3.DatabaseError, TypeError) as error:
            raise WitnessLostError(str(path), problem=N_("the database is damaged")) from error
        if not sound:
            raise WitnessLostError(str(path), problem=N_("the database is damaged"))
        if found != identity:
            raise WitnessLostError(str(path), problem=N_("the database belongs to another witness"))
        if signatures < marked:
            raise WitnessRolledBackError(str(path), found=signatures, marked=marked)


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False)


def _tune(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA journal_mode = DELETE")  # one file at rest, so a copy of it is whole
    db.execute("PRAGMA synchronous = EXTRA")  # FULL, and the journal's removal is on disk too: sqlite.org/pragma.html


@contextmanager
def _transaction(db: sqlite3.Connection) -> Generator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _lock_folder(folder: Path) -> int:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise WitnessBusyError(str(folder)) from error
    return handle


def _write_mark(mark: Path, identity: str, signatures: int) -> None:
    write_whole([(mark, f"aigaq witness mark v1\n{identity}\n{signatures}\n".encode())])


def _read_mark(mark: Path) -> tuple[str, int]:
    try:
        found = _MARK.fullmatch(mark.read_text(encoding="ascii"))
    except (OSError, UnicodeDecodeError) as error:
        raise WitnessLostError(str(mark), problem=N_("the mark beside its key is missing")) from error
    if found is None:
        raise WitnessLostError(str(mark), problem=N_("the mark beside its key cannot be read"))
    return found[1], int(found[2])
