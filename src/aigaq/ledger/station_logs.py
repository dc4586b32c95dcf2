"""What the centre keeps of every station's log: leaf hashes and checkpoints in one file, and proof of contradictions.

Checkpoints come here with their signature checked. The centre cannot sign for a station and does not need to: it
replays the hashes onto the right edge of the tree that it holds, and a root that differs shows that the station signed
two histories (P3). One transaction takes the checkpoints of many stations; tiles are views. Records travel with the
footage, so no entries are kept here.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Final

from aigaq.ledger.database import Database, many
from aigaq.ledger.durable import write_whole
from aigaq.ledger.errors import (
    CheckpointError,
    RootMismatchError,
    WrongSizeError,
)
from aigaq.ledger.merkle import CompactRange, NodeSource, inclusion_proof, node_hash, root_of
from aigaq.ledger.station_note import SIZE_BITS, StationNote, split_hashes

MAX_FORKS: Final = 16
WIDTH: Final = 256
_HASH: Final = 32

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS stations (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS checkpoints (
    id INTEGER PRIMARY KEY, -- station << 40 | size: the checkpoints of a station lie together, in order
    start INTEGER NOT NULL, -- size of the checkpoint before
    hashes BLOB NOT NULL,   -- leaf hashes from start to size
    logged INTEGER,         -- index of its leaf in the national log; null until it is there
    note BLOB,              -- the signed note, until it is in the national log
    edge BLOB               -- right edge of the tree, of each station's last checkpoint
);
CREATE TABLE IF NOT EXISTS subtrees ( -- roots of full tiles: the hashes of the tiles one level up
    station INTEGER NOT NULL, level INTEGER NOT NULL, n INTEGER NOT NULL, hash BLOB NOT NULL,
    PRIMARY KEY (station, level, n)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lost ( -- the last checkpoint in the national log of which these tables know nothing
    station TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL
);
"""
_MARK: Final = """
WITH new (id, place) AS (VALUES {rows})
UPDATE checkpoints SET logged = new.place, note = NULL FROM new WHERE checkpoints.id = new.id AND logged IS NULL
"""


@dataclass(frozen=True, slots=True)
class Pending:
    """A checkpoint that is kept, but is not in the national log yet."""

    station: str
    start: int
    size: int
    note: bytes


@dataclass(frozen=True, slots=True)
class _Edge:
    """A station's tree: its right edge is enough to append."""

    id: int
    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def root(self) -> bytes:
        return CompactRange(self.size, self.hashes).root()

    def grow(self, leaves: Iterable[bytes]) -> tuple["_Edge", list[tuple[int, int, bytes]]]:
        """The tree with these leaves, and (level, index, root) of each tile that they fill."""
        edge, size = list(self.hashes), self.size
        full: list[tuple[int, int, bytes]] = []
        for node in leaves:
            top, level = node, 0
            while size >> level & 1:
                top = node_hash(edge.pop(), top)
                level += 1
                if not level & 7:
                    full.append((level >> 3, size >> level, top))
            edge.append(top)
            size += 1
        return _Edge(self.id, size, tuple(edge)), full


class _Batch:
    """What one transaction adds. Its rows are written together at the end, or before somebody must read them."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.grown: dict[str, _Edge] = {}
        self.pending: list[Pending] = []
        self._rows: list[tuple[int, int, bytes, bytes, bytes]] = []
        self._old: list[tuple[int]] = []
        self._full: list[tuple[int, int, int, bytes]] = []

    def new_station(self, name: str) -> int:
        """Its number."""
        return self.connection.execute("INSERT INTO stations (name) VALUES (?)", (name,)).lastrowid or 0

    def add(self, held: int, new: _Edge, checkpoint: StationNote, full: Iterable[tuple[int, int, bytes]]) -> None:
        """A checkpoint that holds, the tree that it gives, and the tiles that it fills."""
        base = new.id << SIZE_BITS
        if held:
            self._old.append((base | held,))
        self._rows.append((base | new.size, held, checkpoint.hashes, checkpoint.note, b"".join(new.hashes)))
        self._full.extend((new.id, *tile) for tile in full)
        self.grown[checkpoint.station] = new
        self.pending.append(Pending(checkpoint.station, held, new.size, checkpoint.note))

    def write(self) -> None:
        """Bring the rows into the transaction."""
        many(self.connection, "INSERT INTO checkpoints (id, start, hashes, note, edge) VALUES {rows}", self._rows)
        many(self.connection, "UPDATE checkpoints SET edge = NULL WHERE id IN (VALUES {rows})", self._old)
        many(self.connection, "INSERT INTO subtrees VALUES {rows}", self._full)
        self._rows, self._old, self._full = [], [], []


class StationLogs:
    """All stations' logs in tables of one database. One thread may accept, any may read."""

    def __init__(self, database: Database, forks: Path) -> None:
        self._database = database
        self._forks = forks
        self._edges: dict[str, _Edge] = {}
        self._pending: list[Pending] = []
        self._lost: dict[str, tuple[int, bytes]] = {}
        self._node = lru_cache(maxsize=16_384)(self._read_node)
        self._load()

    # ---- taking

    def accept(self, checkpoints: Iterable[StationNote]) -> list[int | CheckpointError]:
        """Take checkpoints in order; for each the size now held, or why it is refused. On disk when this returns.

        What is held already is accepted again as long as the root is the same. A checkpoint that does not lead to its
        signed root is kept in `forks/`.

        Raises:
            OSError, sqlite3.Error: the disk does not take it; nothing was changed.
        """
        answers: list[int | CheckpointError] = []
        with self._database.transaction() as connection:
            batch = _Batch(connection)
            for checkpoint in checkpoints:
                try:
                    answers.append(self._take(batch, checkpoint))
                except CheckpointError as error:
                    answers.append(error)
            batch.write()
        self._edges.update(batch.grown)
        self._pending.extend(batch.pending)
        return answers

    def pending(self) -> Sequence[Pending]:
        """Kept checkpoints that are not in the national log yet, oldest first."""
        return tuple(self._pending)

    def mark(self, connection: sqlite3.Connection, logged: Iterable[tuple[str, int, int]]) -> None:
        """Note where in the national log checkpoints (station, size) stand. Call `forget` after the transaction."""
        known = [(self._key(station, size), index) for station, size, index in logged if station in self._edges]
        many(connection, _MARK, known)

    def recall(self, connection: sqlite3.Connection, checkpoints: Iterable[tuple[str, int, bytes]]) -> None:
        """The national log holds these (station, size, root). What is lost here must come again with the same root."""
        for station, size, root in checkpoints:
            if size > max(self.size(station), self._lost.get(station, (0, b""))[0]):
                connection.execute("INSERT OR REPLACE INTO lost VALUES (?, ?, ?)", (station, size, root))
                self._lost[station] = (size, root)

    def forget(self, logged: Iterable[tuple[str, int]]) -> None:
        """These are not pending any more."""
        done = set(logged)
        self._pending = [p for p in self._pending if (p.station, p.size) not in done]

    # ---- reading

    def size(self, station: str) -> int:
        """Rows held of that station's log."""
        edge = self._edges.get(station)
        return 0 if edge is None else edge.size

    def root(self, station: str) -> bytes:
        """Root hash of what is held."""
        edge = self._edges.get(station)
        return root_of(()) if edge is None else edge.root()

    def leaf_hashes(self, station: str, start: int, end: int) -> list[bytes]:
        """Leaf hashes from `start` to before `end`."""
        if not 0 <= start <= end <= self.size(station):
            raise IndexError(f"no rows {start} to {end} in a log of {self.size(station)}")
        return [] if start == end else self._hashes(self._database.reader, self._edges[station].id, start, end)

    def tile(self, station: str, level: int, index: int, width: int) -> bytes | None:
        """A whole or partial tile of what is held, its first `width` hashes; None beyond it."""
        held = self.size(station) >> 8 * level
        if not 0 < width <= min(WIDTH, held - index * WIDTH):
            return None
        span = self._span(self._database.reader, self._edges[station].id, level, index * WIDTH, width)
        return b"".join(span)

    def inclusion(self, station: str, index: int, size: int) -> list[bytes]:
        """Hashes that lead from a row to the root of the tree of that size."""
        if not 0 <= index < size <= self.size(station):
            raise IndexError(f"no row {index} in a log of {self.size(station)}")
        return inclusion_proof(index, size, self._nodes(station))

    def covering(self, station: str, index: int) -> tuple[int, int | None] | None:
        """Size of the first checkpoint that covers a row, and its index in the national log; None if there is none."""
        if station not in self._edges:
            return None
        query = "SELECT id, logged FROM checkpoints WHERE id > ? AND id < ? ORDER BY id LIMIT 1"
        found = self._database.reader.execute(query, (self._key(station, index), self._end(station))).fetchone()
        return None if found is None else (found[0] & (1 << SIZE_BITS) - 1, found[1])

    def logged(self, station: str, size: int) -> int | None:
        """Index in the national log of the checkpoint of that size."""
        if station not in self._edges:
            return None
        query = "SELECT logged FROM checkpoints WHERE id = ?"
        found = self._database.reader.execute(query, (self._key(station, size),)).fetchone()
        return None if found is None else found[0]

    def latest(self, station: str) -> int | None:
        """Index in the national log of the station's last checkpoint there."""
        if station not in self._edges:
            return None
        query = "SELECT logged FROM checkpoints WHERE id >= ? AND id < ? AND logged NOT NULL ORDER BY id DESC LIMIT 1"
        bounds = self._key(station, 0), self._end(station)
        found = self._database.reader.execute(query, bounds).fetchone()
        return None if found is None else found[0]

    def check(self) -> Iterator[str]:
        """Derive every hash again from the leaf hashes on disk; yields what does not hold, forks included."""
        for station, edge in self._edges.items():
            grown, full = _Edge(edge.id).grow(self._chained(edge))
            if grown != edge:
                yield f"station {station}: the leaf hashes do not give the tree that was signed"
            query = "SELECT level, n, hash FROM subtrees WHERE station = ? ORDER BY level, n"
            if self._database.reader.execute(query, (edge.id,)).fetchall() != sorted(full):
                yield f"station {station}: the tiles do not follow from the leaf hashes"
        yield from (f"a station signed another history: {path}" for path in sorted(self._forks.glob("*/*")))

    # ---- inside

    def _load(self) -> None:
        query = "SELECT id, start, logged, note, edge FROM checkpoints WHERE id >= ? AND id < ? ORDER BY id DESC"
        for number, name in self._database.writer.execute("SELECT id, name FROM stations").fetchall():
            bounds = number << SIZE_BITS, number + 1 << SIZE_BITS
            rows = self._database.writer.execute(query, bounds)
            waiting: list[Pending] = []
            self._edges[name] = _Edge(number)
            for key, start, logged, note, edge in rows:
                size = key & (1 << SIZE_BITS) - 1
                if edge is not None:
                    self._edges[name] = _Edge(number, size, split_hashes(edge))
                if logged is not None:
                    break
                waiting.append(Pending(name, start, size, note))
            rows.close()
            self._pending.extend(reversed(waiting))
        for name, size, root in self._database.writer.execute("SELECT station, size, root FROM lost"):
            self._lost[name] = (size, root)

    def _take(self, batch: _Batch, checkpoint: StationNote) -> int:
        station = checkpoint.station
        edge = batch.grown.get(station) or self._edges.get(station)
        held = 0 if edge is None else edge.size
        if checkpoint.size <= held:
            self._compare(checkpoint, checkpoint.root, self._root_at(batch, edge, checkpoint.size))
            return held
        leaves = split_hashes(checkpoint.hashes)
        if held + len(leaves) != checkpoint.size:
            raise WrongSizeError(checkpoint.origin, held=held, size=checkpoint.size, sent=len(leaves))
        self._compare_lost(checkpoint, edge or _Edge(0), leaves)
        new, full = (edge or _Edge(0)).grow(leaves)
        self._compare(checkpoint, checkpoint.root, new.root())
        if edge is None:
            new = replace(new, id=batch.new_station(station))
        batch.add(held, new, checkpoint, full)
        return new.size

    def _compare_lost(self, checkpoint: StationNote, edge: _Edge, leaves: Sequence[bytes]) -> None:
        """Tables that were lost are filled again by the station, but not with another history."""
        size, root = self._lost.get(checkpoint.station, (0, b""))
        if edge.size < size <= checkpoint.size:
            self._compare(checkpoint, root, edge.grow(leaves[: size - edge.size])[0].root())

    def _compare(self, checkpoint: StationNote, signed: bytes, replayed: bytes) -> None:
        if signed == replayed:
            return
        folder = self._forks / checkpoint.station
        path = folder / f"{checkpoint.size}-{checkpoint.root.hex()[:16]}"
        if not folder.exists() or len(list(folder.iterdir())) < MAX_FORKS:
            write_whole([(path, checkpoint.note + checkpoint.hashes)])
        raise RootMismatchError(checkpoint.origin, size=checkpoint.size, evidence=path)

    def _root_at(self, batch: _Batch, edge: _Edge | None, size: int) -> bytes:
        if edge is None or size == edge.size:
            return root_of(()) if edge is None else edge.root()
        batch.write()
        return CompactRange.load(size, lambda level, n: self._find_node(batch.connection, edge.id, level, n)).root()

    def _nodes(self, station: str) -> NodeSource:
        number = self._edges[station].id
        return lambda level, index: self._node(number, level, index)

    def _read_node(self, number: int, level: int, index: int) -> bytes:
        """Perfect subtrees never change, so those under committed rows may be cached."""
        return self._find_node(self._database.reader, number, level, index)

    def _find_node(self, connection: sqlite3.Connection, number: int, level: int, index: int) -> bytes:
        tile_level, height = divmod(level, 8)
        return root_of(self._span(connection, number, tile_level, index << height, 1 << height))

    def _span(self, connection: sqlite3.Connection, number: int, level: int, start: int, count: int) -> list[bytes]:
        if level == 0:
            return self._hashes(connection, number, start, start + count)
        query = "SELECT hash FROM subtrees WHERE station = ? AND level = ? AND n >= ? AND n < ? ORDER BY n"
        found = connection.execute(query, (number, level, start, start + count))
        return [row[0] for row in found]

    def _hashes(self, connection: sqlite3.Connection, number: int, start: int, end: int) -> list[bytes]:
        query = "SELECT start, hashes FROM checkpoints WHERE id > ? AND id < ? ORDER BY id"
        parts: list[bytes] = []
        first: int | None = None
        rows = connection.execute(query, (number << SIZE_BITS | start, number + 1 << SIZE_BITS))
        for begin, hashes in rows:
            if begin >= end:
                break
            first = begin if first is None else first
            parts.append(hashes)
        rows.close()
        skip = (start - (first or 0)) * _HASH
        return list(split_hashes(b"".join(parts)[skip : skip + (end - start) * _HASH]))

    def _chained(self, edge: _Edge) -> Iterator[bytes]:
        query = "SELECT hashes FROM checkpoints WHERE id >= ? AND id < ? ORDER BY id"
        bounds = edge.id << SIZE_BITS, edge.id + 1 << SIZE_BITS
        for (hashes,) in self._database.reader.execute(query, bounds):
            yield from split_hashes(hashes)

    def _key(self, station: str, size: int) -> int:
        return self._edges[station].id << SIZE_BITS | size

    def _end(self, station: str) -> int:
        return self._edges[station].id + 1 << SIZE_BITS
