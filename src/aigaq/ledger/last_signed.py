"""The last checkpoint that a log signed, kept away from the log itself: whoever holds an old copy cannot sign.

It belongs on another disk than the log. A standby or a copy that was put back does not have what stands here, so its
compare-and-swap fails and nothing is signed (as in Sunlight's lock database). Refuses everything but the next step.
"""

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from aigaq.base import N_
from aigaq.ledger.database import Database
from aigaq.ledger.errors import ForkError, LogDamagedError

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS last_signed (
    origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, note BLOB NOT NULL
);
"""


@dataclass(frozen=True, slots=True)
class Head:
    """A signed tree: size, root and the note that says so."""

    size: int
    root: bytes
    note: bytes


class LastSigned:
    """A file with one row for each log."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the file, or begin it.

        Raises:
            LogDamagedError: not such a file.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            return cls(Database(path, _SCHEMA))
        except (sqlite3.Error, OSError) as error:
            raise LogDamagedError(str(path), problem=N_("the record of what was signed last cannot be read")) from error

    def get(self, origin: str) -> Head | None:
        """What that log signed last; None before it ever signed."""
        query = "SELECT size, root, note FROM last_signed WHERE origin = ?"
        found = self._database.writer.execute(query, (origin,)).fetchone()
        return None if found is None else Head(*found)

    def advance(self, origin: str, old: Head | None, new: Head) -> None:
        """Put `new` in the place of `old`; durable on return.

        Raises:
            ForkError: `old` is not what stands there.
            sqlite3.Error: the disk does not take it; whether it was taken shows at the next `get`.
        """
        with self._database.transaction() as connection:
            if old is None:
                query = "INSERT INTO last_signed VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
                done = connection.execute(query, (origin, new.size, new.root, new.note))
            else:
                query = "UPDATE last_signed SET size = ?, root = ?, note = ? WHERE origin = ? AND size = ? AND root = ?"
                done = connection.execute(query, (new.size, new.root, new.note, origin, old.size, old.root))
            if done.rowcount != 1:
                raise ForkError(origin, problem=N_("another program has signed since, or it was put back"))

    def close(self) -> None:
        """Close the file."""
        self._database.close()
