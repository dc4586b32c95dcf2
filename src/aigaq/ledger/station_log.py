"""A station's own log: append-only, signed by the station, laid out so that any C2SP reader can serve and audit it.

The journal is the truth about rows, the log about what was signed. Rows appended here are durable when `checkpoint`
returns; after a crash the journal is replayed from `size`. The log never signs a tree that its last checkpoint does
not lead to.
"""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Self

from aigaq.base import N_
from aigaq.ledger.durable import fsync_folder, write_whole
from aigaq.ledger.errors import ForkError, LogDamagedError
from aigaq.ledger.keys import SigningKey
from aigaq.ledger.merkle import CompactRange, inclusion_proof, root_of
from aigaq.ledger.tiles import CHECKPOINT, TILES, Tiles
from aigaq_verify import Checkpoint, Note, NoteError, VerifierKey, leaf_hash

_MAX_ENTRY = 0xFFFF


class StationLog:
    """The log of one station in one folder. One program at a time may append."""

    def __init__(self, folder: Path, origin: str, key: SigningKey, note: bytes, tiles: Tiles) -> None:
        self._folder = folder
        self._origin = origin
        self._key = key
        self._note = note
        self._tiles = tiles
        self._pending: list[bytes] = []
        self._named = True
        """The name of the newest checkpoint outlasts a power cut."""

    @classmethod
    def open(cls, folder: Path, origin: str, key: SigningKey, former: Iterable[VerifierKey] = ()) -> Self:
        """Open the log, or begin it with a signed checkpoint of the empty tree.

        The last checkpoint may be by a former key of the station; the next ones are by `key`.

        Raises:
            LogDamagedError: no checkpoint beside tiles, a checkpoint of another log or key, or tiles that do not give
                its root.
        """
        if not (folder / CHECKPOINT).exists() and not (folder / TILES).exists():
            write_whole([(folder / CHECKPOINT, _sign(Checkpoint(origin, 0, root_of(())), key))])
        note, checkpoint = read_checkpoint(folder, VerifierKey(origin, key.public), *former)
        return cls(folder, origin, key, note, open_tiles(folder, checkpoint))

    @classmethod
    def rebuild(
        cls, folder: Path, origin: str, key: SigningKey, records: Iterable[bytes], former: Iterable[VerifierKey] = ()
    ) -> Self:
        """Write the tiles anew from the journal's records; the last checkpoint stays, and says what must come out.

        Raises:
            LogDamagedError: no checkpoint of this log, or the records do not give its root. Nothing was changed.
        """
        note, checkpoint = read_checkpoint(folder, VerifierKey(origin, key.public), *former)
        rows = list(islice(records, checkpoint.size))
        leaves = [leaf_hash(row) for row in rows]
        if root_of(leaves) != checkpoint.root:
            raise LogDamagedError(
                str(folder), problem=N_("the rows of the journal do not give the root of the checkpoint")
            )
        shutil.rmtree(folder / TILES, ignore_errors=True)
        tiles = Tiles(folder, 0)
        tiles.commit(tiles.grow(leaves, rows), note)
        return cls(folder, origin, key, note, tiles)

    @property
    def size(self) -> int:
        """Rows in the log, with those appended since the last checkpoint."""
        return self._tiles.size + len(self._pending)

    def use(self, key: SigningKey) -> None:
        """Sign with another key from the next checkpoint on."""
        self._key = key

    def sign_again(self, size: int) -> bytes:
        """Sign the tree as it was at a former size: one history, another key."""
        if not 0 <= size <= self._tiles.size:
            raise IndexError(f"no checkpoint counts {size} rows yet")
        return _sign(Checkpoint(self._origin, size, CompactRange.load(size, self._tiles.node).root()), self._key)

    def append(self, records: Sequence[bytes]) -> range:
        """Add encoded records; returns their indices. They are signed and durable with the next checkpoint."""
        if any(len(record) > _MAX_ENTRY for record in records):
            raise ValueError(f"an entry of more than {_MAX_ENTRY} bytes")
        start = self.size
        self._pending.extend(records)
        return range(start, self.size)

    def checkpoint(self) -> bytes:
        """Sign the log as it is now; the signed note, on disk before it is returned.

        Raises:
            ForkError: the checkpoint on disk is not the one that this log grew from.
            OSError: the disk does not take it; what `size` does not count must be appended again.
        """
        if (self._folder / CHECKPOINT).read_bytes() != self._note:
            raise ForkError(str(self._folder), problem=N_("another program has signed since, or it was put back"))
        if not self._named:
            fsync_folder(self._folder)
            self._named = True
        pending, self._pending = self._pending, []
        if pending:
            growth = self._tiles.grow([leaf_hash(record) for record in pending], pending)
            note = _sign(Checkpoint(self._origin, growth.edge.size, growth.edge.root()), self._key)
            try:
                self._tiles.commit(growth, note)
            except OSError:
                self._settle(note)
                raise
            self._note = note
        return self._note

    def _settle(self, note: bytes) -> None:
        """The disk failed: if the checkpoint has its name all the same, the log has grown, and must not grow twice."""
        if (self._folder / CHECKPOINT).read_bytes() == note:
            self._named = False
            self._note = note
            self._tiles = open_tiles(self._folder, Checkpoint.parse(Note.parse(note).text))

    def leaf_hashes(self, start: int, end: int) -> list[bytes]:
        """Leaf hashes of signed rows from `start` to before `end`: what the centre is sent with a checkpoint."""
        return self._tiles.leaf_hashes(start, end)

    def inclusion_proof(self, index: int, size: int) -> list[bytes]:
        """Hashes that lead from a signed row to the root of the tree of that size."""
        if size > self._tiles.size:
            raise IndexError(f"no checkpoint counts {size} rows yet")
        return inclusion_proof(index, size, self._tiles.node)

    def check(self) -> Iterator[str]:
        """Derive everything on disk again; yields what does not hold."""
        yield from _check(self._tiles)


def check_log(folder: Path, keys: Sequence[VerifierKey]) -> Iterator[str]:
    """Derive everything on disk again, without a key that signs; yields what does not hold.

    Raises:
        LogDamagedError: no checkpoint by one of the keys, or tiles that do not give its root.
    """
    yield from _check(open_tiles(folder, read_checkpoint(folder, *keys)[1]))


def read_checkpoint(folder: Path, *keys: VerifierKey) -> tuple[bytes, Checkpoint]:
    """The signed note in a log's folder, and what it says.

    Raises:
        LogDamagedError: none, or not by one of the keys for the log of that name.
    """
    path = folder / CHECKPOINT
    try:
        note = path.read_bytes()
        return note, Checkpoint.open(note, keys)[0]
    except FileNotFoundError as error:
        raise LogDamagedError(str(path), problem=N_("there are tiles, but no checkpoint that counts them")) from error
    except NoteError as error:
        raise LogDamagedError(str(path), problem=N_("the checkpoint is not by this key for this log")) from error


def open_tiles(folder: Path, checkpoint: Checkpoint) -> Tiles:
    """The tiles that a checkpoint counts.

    Raises:
        LogDamagedError: they do not give its root.
    """
    try:
        tiles = Tiles(folder, checkpoint.size)
    except (OSError, ValueError) as error:
        raise LogDamagedError(str(folder), problem=N_("a tile is missing or cut off")) from error
    if tiles.root() != checkpoint.root:
        raise LogDamagedError(str(folder), problem=N_("the tiles do not give the root of the checkpoint"))
    return tiles


def _check(tiles: Tiles) -> Iterator[str]:
    yield from tiles.check(tiles.root())
    try:
        if [leaf_hash(entry) for entry in tiles.entries()] != tiles.leaf_hashes(0, tiles.size):
            yield "the entries do not give the leaf hashes"
    except (OSError, ValueError) as error:
        yield str(error)


def _sign(checkpoint: Checkpoint, key: SigningKey) -> bytes:
    return key.sign_note(checkpoint.text(), checkpoint.origin)
