"""Where in the national log a leaf stands: found by its hash, or by station and kind. Derived from the log alone.

It is brought up to the log after each commit and again when it opens, so a crash between the two changes nothing.
"""

import sqlite3
from collections.abc import Sequence
from typing import Final

from aigaq.ledger.database import Database, many

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS leaves ( -- all but the stations' checkpoints
    hash BLOB PRIMARY KEY, position INTEGER NOT NULL, kind INTEGER NOT NULL, station TEXT
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS leaves_of_station ON leaves (station, kind, position);
CREATE TABLE IF NOT EXISTS indexed (only INTEGER PRIMARY KEY CHECK (only = 0), size INTEGER NOT NULL);
INSERT OR IGNORE INTO indexed VALUES (0, 0);
"""


class LeafIndex:
    """Tables beside those of the stations' logs. One thread may add, any may read."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.size: int = database.writer.execute("SELECT size FROM indexed").fetchone()[0]
        """Leaves of the national log that are indexed."""

    def add(
        self, connection: sqlite3.Connection, leaves: Sequence[tuple[bytes, int, int, str | None]], size: int
    ) -> None:
        """Take (leaf hash, index, kind, station), and that everything below `size` is indexed."""
        many(connection, "INSERT OR IGNORE INTO leaves VALUES {rows}", leaves)
        connection.execute("UPDATE indexed SET size = ?", (size,))

    def find(self, leaf_hash: bytes) -> int | None:
        """Index of the first leaf with that hash."""
        query = "SELECT position FROM leaves WHERE hash = ?"
        found = self._database.reader.execute(query, (leaf_hash,)).fetchone()
        return None if found is None else found[0]

    def of_station(self, station: str, kinds: Sequence[int]) -> list[int]:
        """Indices of a station's leaves of these kinds, in order."""
        query = "SELECT position FROM leaves WHERE station = ? AND kind = ?"
        found = [row[0] for kind in kinds for row in self._database.reader.execute(query, (station, kind))]
        return sorted(found)

    def newest(self, kind: int) -> dict[str, int]:
        """Index of the last leaf of that kind of every station that has one."""
        query = "SELECT station, MAX(position) FROM leaves WHERE kind = ? AND station NOT NULL GROUP BY station"
        return dict(self._database.reader.execute(query, (kind,)).fetchall())
