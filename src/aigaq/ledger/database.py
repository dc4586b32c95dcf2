"""One SQLite file for one program: a single writer, readers in any thread, durable when a transaction returns."""

import sqlite3
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import chain
from pathlib import Path
from typing import Final

_WAL_PAGES: Final = 16_384
"""The write-ahead log is folded in at 64 MiB, not at SQLite's 4 MB: a busy log rewrites the same pages many times."""
_ROWS: Final = 512
"""In one step; SQLite takes 32,766 values."""


class Database:
    """Tables in one file. `writer` belongs to one thread at a time."""

    def __init__(self, path: Path, schema: str) -> None:
        """Open or begin the file.

        Raises:
            sqlite3.Error: it cannot be opened, or is no database.
        """
        self._path = path
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        self.writer = self._connect()
        try:
            self.writer.execute("PRAGMA journal_mode = WAL")
            self.writer.execute("PRAGMA synchronous = FULL")
            self.writer.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")
            self.writer.executescript(schema)
        except sqlite3.Error:
            self.writer.close()
            raise

    @property
    def reader(self) -> sqlite3.Connection:
        """This thread's connection for reading."""
        if not hasattr(self._local, "reader"):
            self._local.reader = self._connect()
            self._local.reader.execute("PRAGMA query_only = ON")
            self._readers.append(self._local.reader)
        return self._local.reader

    @contextmanager
    def transaction(self) -> Generator[sqlite3.Connection]:
        """All or nothing, and on disk when it ends without an error."""
        self.writer.execute("BEGIN IMMEDIATE")
        try:
            yield self.writer
            self.writer.execute("COMMIT")
        except BaseException:
            if self.writer.in_transaction:
                self.writer.execute("ROLLBACK")
            raise

    def problems(self) -> Iterator[str]:
        """What SQLite itself finds wrong in the file."""
        with closing(self.reader.execute("PRAGMA integrity_check")) as found:
            yield from (f"{self._path.name}: {said}" for (said,) in found if said != "ok")

    def close(self) -> None:
        """Close every connection."""
        for connection in (*self._readers, self.writer):
            connection.close()

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=10, isolation_level=None, check_same_thread=False)


def many(connection: sqlite3.Connection, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
    """Run a statement over many rows in few steps; `{rows}` in it stands for `(?, ?), (?, ?) …`.

    The interpreter's lock is given up and asked for again at each step. While other threads are busy that takes up to
    5 ms, so a thousand rows one by one would take seconds.
    """
    for start in range(0, len(rows), _ROWS):
        some = rows[start : start + _ROWS]
        marks = ", ".join(["(" + ", ".join("?" * len(some[0])) + ")"] * len(some))
        connection.execute(statement.format(rows=marks), tuple(chain.from_iterable(some)))
