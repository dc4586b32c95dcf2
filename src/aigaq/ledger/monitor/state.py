"""What a monitor remembers, in one SQLite file: the log's tree, what each source last said, stations, alarms."""

import json
import sqlite3
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from aigaq.base import N_
from aigaq.ledger.monitor import tree
from aigaq.ledger.monitor.alarms import Alarm, Raised
from aigaq.ledger.monitor.errors import StateError

FORMAT: Final = "aigaq monitor 1"
_SCHEMA: Final = (
    "CREATE TABLE meta (format TEXT, origin TEXT, replayed INTEGER, size INTEGER, note BLOB)",
    tree.SCHEMA,
    "CREATE TABLE sources (name TEXT PRIMARY KEY, size INTEGER, note BLOB, seen_ms INTEGER, changed_ms INTEGER)",
    "CREATE TABLE stations (name TEXT PRIMARY KEY, size INTEGER, root BLOB, note BLOB)",
    "CREATE TABLE absences (station TEXT PRIMARY KEY, from_ms INTEGER)",
    "CREATE TABLE authority (n INTEGER PRIMARY KEY, leaf BLOB)",
    "CREATE TABLE alarms (code, subject, since_ms INTEGER, facts, cleared_ms INTEGER, PRIMARY KEY (code, subject))",
)


@dataclass(frozen=True, slots=True)
class Head:
    """Entries read, and the log's last note that they reached: its size and its bytes, empty before the first."""

    replayed: int
    size: int
    note: bytes


@dataclass(frozen=True, slots=True)
class Said:
    """The largest checkpoint that a source has shown: when it was last seen, and when it last grew."""

    size: int
    note: bytes
    seen_ms: int
    changed_ms: int


@dataclass(frozen=True, slots=True)
class StationHead:
    """The last checkpoint of a station in the log."""

    size: int
    root: bytes
    note: bytes


class MonitorState:
    """The file. One program at a time."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db

    @classmethod
    def open(cls, path: Path, origin: str) -> Self:
        """Open the state of that log, or begin it.

        Raises:
            StateError: damaged, of another log, or in use.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=1)
            state = cls(db)
            state._begin(origin)
            (form, found), *_ = db.execute("SELECT format, origin FROM meta").fetchall()
        except (OSError, sqlite3.DatabaseError, ValueError) as error:
            raise StateError(str(path), problem=N_("it is damaged, in use, or cannot be written")) from error
        if form != FORMAT or found != origin:
            raise StateError(str(path), problem=N_("it belongs to another log"))
        return state

    def close(self) -> None:
        """Close the file."""
        self.db.close()

    @contextmanager
    def transaction(self) -> Generator[None]:
        """All of it or nothing."""
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.db.execute("ROLLBACK")
            raise
        self.db.execute("COMMIT")

    def head(self) -> Head:
        """How far the log was read."""
        return Head(*self.db.execute("SELECT replayed, size, note FROM meta").fetchone())

    def set_replayed(self, size: int) -> None:
        """So many entries were read."""
        self.db.execute("UPDATE meta SET replayed = ?", (size,))

    def set_head(self, size: int, note: bytes) -> None:
        """They reach this note."""
        self.db.execute("UPDATE meta SET size = ?, note = ?", (size, note))

    def sources(self) -> dict[str, Said]:
        """What each source said."""
        rows = self.db.execute("SELECT name, size, note, seen_ms, changed_ms FROM sources")
        return {name: Said(*said) for name, *said in rows}

    def set_sources(self, said: Mapping[str, Said]) -> None:
        """What each source said."""
        rows = ((name, s.size, s.note, s.seen_ms, s.changed_ms) for name, s in said.items())
        self.db.executemany("REPLACE INTO sources VALUES (?, ?, ?, ?, ?)", rows)

    def stations(self) -> dict[str, StationHead]:
        """The last checkpoint of each station."""
        rows = self.db.execute("SELECT name, size, root, note FROM stations")
        return {name: StationHead(*head) for name, *head in rows}

    def set_stations(self, heads: Mapping[str, StationHead]) -> None:
        """Newer checkpoints of stations."""
        rows = ((name, head.size, head.root, head.note) for name, head in heads.items())
        self.db.executemany("REPLACE INTO stations VALUES (?, ?, ?, ?)", rows)

    def absences(self) -> dict[str, int]:
        """Stations that are absent, since when."""
        return dict(self.db.execute("SELECT station, from_ms FROM absences"))

    def set_absences(self, absences: Mapping[str, int]) -> None:
        """The stations that are absent now."""
        self.db.execute("DELETE FROM absences")
        self.db.executemany("INSERT INTO absences VALUES (?, ?)", absences.items())

    def authority(self) -> Iterator[tuple[int, bytes]]:
        """Enrolments, delegations and revocations in the order of the log."""
        yield from self.db.execute("SELECT n, leaf FROM authority ORDER BY n")

    def add_authority(self, leaves: Iterable[tuple[int, bytes]]) -> None:
        """More of them."""
        self.db.executemany("INSERT INTO authority VALUES (?, ?)", leaves)

    def alarms(self) -> Iterator[Raised]:
        """All alarms, ended ones included."""
        rows = self.db.execute("SELECT code, subject, since_ms, facts, cleared_ms FROM alarms")
        for code, subject, since_ms, facts, cleared_ms in rows:
            yield Raised(Alarm(code), subject, since_ms, json.loads(facts), cleared_ms)

    def set_alarms(self, alarms: Iterable[Raised]) -> None:
        """Alarms as they stand."""
        rows = ((a.code, a.subject, a.since_ms, json.dumps(dict(a.facts)), a.cleared_ms) for a in alarms)
        self.db.executemany("REPLACE INTO alarms VALUES (?, ?, ?, ?, ?)", rows)

    def _begin(self, origin: str) -> None:
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA locking_mode = EXCLUSIVE")
        with self.transaction():
            if not self.db.execute("SELECT 1 FROM sqlite_master").fetchone():
                for statement in _SCHEMA:
                    self.db.execute(statement)
                self.db.execute("INSERT INTO meta VALUES (?, ?, 0, 0, x'')", (FORMAT, origin))
