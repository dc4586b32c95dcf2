"""All leaf hashes of the followed log, as tiles in the state file: any root and any proof without asking anyone."""

import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from aigaq.ledger.merkle import CompactRange, root_of

WIDTH: Final = 256
_HASH: Final = 32
SCHEMA: Final = """CREATE TABLE tiles (level INTEGER, n INTEGER, hashes BLOB NOT NULL, PRIMARY KEY (level, n))"""


class Tree:
    """A growing tree. It changes inside the caller's transaction; after a rollback it must be opened again."""

    def __init__(self, db: sqlite3.Connection, size: int) -> None:
        """Take the tree as it stands in the database."""
        self._db = db
        self.node = lru_cache(maxsize=4096)(self._node)
        self._edge = CompactRange.load(size, self.node)

    @property
    def size(self) -> int:
        """Number of leaves."""
        return self._edge.size

    def root(self, size: int | None = None) -> bytes:
        """The root of the tree, or of its first leaves."""
        return self._edge.root() if size in {None, self.size} else CompactRange.load(size or 0, self.node).root()

    def edge_with(self, leaves: Sequence[bytes]) -> CompactRange:
        """The right edge as it would be with these leaf hashes behind it."""
        edge = self._edge.copy()
        for leaf in leaves:
            edge.append(leaf)
        return edge

    def append(self, leaves: Sequence[bytes], edge: CompactRange) -> None:
        """Add leaf hashes; `edge` is what `edge_with` gave for them."""
        hashes, start, level = list(leaves), self.size, 0
        while hashes:
            hashes = self._lay(level, start, hashes)
            start, level = start // WIDTH, level + 1
        self._edge = edge

    def _lay(self, level: int, start: int, hashes: Sequence[bytes]) -> list[bytes]:
        """Lengthen the tiles of one level; returns the roots of those that became full."""
        n, full = start // WIDTH, list[bytes]()
        row = [*self._hashes(level, n), *hashes]
        for i in range(0, len(row), WIDTH):
            tile = row[i : i + WIDTH]
            self._db.execute("REPLACE INTO tiles VALUES (?, ?, ?)", (level, n + i // WIDTH, b"".join(tile)))
            if len(tile) == WIDTH:
                full.append(root_of(tile))
        return full

    def _hashes(self, level: int, n: int) -> list[bytes]:
        row = self._db.execute("SELECT hashes FROM tiles WHERE level = ? AND n = ?", (level, n)).fetchone()
        data: bytes = row[0] if row else b""
        return [data[i : i + _HASH] for i in range(0, len(data), _HASH)]

    def _node(self, level: int, index: int) -> bytes:
        tile_level, height = divmod(level, 8)
        n, offset = divmod(index << height, WIDTH)
        return root_of(self._hashes(tile_level, n)[offset : offset + (1 << height)])
