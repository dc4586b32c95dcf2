"""The national checkpoints that a quorum has cosigned, each exactly as it was first published. None ever changes."""

import hashlib
from typing import Final

from aigaq.ledger.database import Database

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS witnessed (size INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, note BLOB NOT NULL);
"""


def hash16(note: bytes) -> bytes:
    """What a record names a beacon by: the first 16 bytes of SHA-256 over the note as served."""
    return hashlib.sha256(note).digest()[:16]


class Witnessed:
    """The witnessed notes by size. One thread may add, any may read."""

    def __init__(self, database: Database) -> None:
        self._database = database
        query = "SELECT size, at_ms, note FROM witnessed ORDER BY size DESC LIMIT 1"
        self.newest: tuple[int, int, bytes] | None = database.writer.execute(query).fetchone()
        """Size, when it was published (UTC ms), and the note."""

    def add(self, size: int, at_ms: int, note: bytes) -> None:
        """Keep the note of that size, durable on return; one that is there already stays."""
        with self._database.transaction() as connection:
            done = connection.execute("INSERT OR IGNORE INTO witnessed VALUES (?, ?, ?)", (size, at_ms, note))
        if done.rowcount and (self.newest is None or size > self.newest[0]):
            self.newest = (size, at_ms, note)

    def of_size(self, size: int) -> bytes | None:
        """The note of that size."""
        found = self._database.reader.execute("SELECT note FROM witnessed WHERE size = ?", (size,)).fetchone()
        return None if found is None else found[0]

    def covering(self, index: int) -> tuple[int, bytes] | None:
        """Size and note of the first that covers a leaf."""
        query = "SELECT size, note FROM witnessed WHERE size > ? ORDER BY size LIMIT 1"
        return self._database.reader.execute(query, (index,)).fetchone()
