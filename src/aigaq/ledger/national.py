"""The national log: one folder of tlog-tiles with their entries, grown by whole commits, signed once each.

Order of a commit (P1, P2): tiles to disk, then the compare-and-swap of what was signed last, then the checkpoint that
counts the tiles. Whatever stops it, opening again finds either the old log or the new one, never a third. It knows
nothing of what its entries say.
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from aigaq.base import N_
from aigaq.ledger.durable import write_whole
from aigaq.ledger.errors import ForkError, LogDamagedError
from aigaq.ledger.last_signed import Head, LastSigned
from aigaq.ledger.log_key import LogKey
from aigaq.ledger.merkle import consistency_proof, inclusion_proof, root_of
from aigaq.ledger.station_log import open_tiles, read_checkpoint
from aigaq.ledger.tiles import CHECKPOINT, TILES, Growth, Tiles
from aigaq_verify import Checkpoint, leaf_hash

MAX_ENTRY: Final = 0xFFFF
LOCK: Final = "lock"


@dataclass(frozen=True, slots=True)
class Signed:
    """A checkpoint of the log, and the index of the first leaf that its commit added."""

    note: bytes
    size: int
    root: bytes
    first_index: int


class NationalLog:
    """The log in one folder. One program may have it open, one thread may commit, any may read."""

    def __init__(self, folder: Path, origin: str, key: LogKey, last: LastSigned, lock: int) -> None:
        self.origin = origin
        self._folder = folder
        self._key = key
        self._last = last
        self._lock = lock
        self._head, self._tiles = self._load()
        self._begun: tuple[Growth, Head] | None = None
        """A commit that may have been signed though it did not end."""

    @classmethod
    def open(cls, folder: Path, origin: str, key: LogKey, last: LastSigned) -> Self:
        """Open the log, or begin it with a signed checkpoint of the empty tree.

        Raises:
            ForkError: what was signed last is not what lies in the folder, or another program has it open.
            LogDamagedError: a checkpoint of another log or key, or tiles that do not give its root.
            OSError, sqlite3.Error: the disk refuses.
        """
        folder.mkdir(parents=True, exist_ok=True)
        lock = _lock(folder)
        try:
            return cls(folder, origin, key, last, lock)
        except BaseException:
            os.close(lock)
            raise

    def close(self) -> None:
        """Let others open it."""
        os.close(self._lock)

    @property
    def size(self) -> int:
        """Leaves under the last checkpoint."""
        return self._head.size

    @property
    def root(self) -> bytes:
        """Root hash under the last checkpoint."""
        return self._head.root

    @property
    def head(self) -> Head:
        """The last checkpoint."""
        return self._head

    @property
    def tiles(self) -> Tiles:
        """What is served: nothing in them lies beyond the last checkpoint."""
        return self._tiles

    def commit(self, leaves: Sequence[bytes]) -> Signed:
        """Append leaves and sign; on disk before it returns. Without leaves nothing new is signed.

        Raises:
            ForkError: another program has signed since. This log may not sign any more.
            OSError, sqlite3.Error: the disk does not take it. Look at `size` after the next `settle`: a commit whose
                signature was recorded counts, all others leave nothing behind.
        """
        if any(len(leaf) > MAX_ENTRY for leaf in leaves):
            raise ValueError(f"an entry of more than {MAX_ENTRY} bytes")
        self.settle()
        first = self.size
        if leaves:
            growth = self._tiles.grow([leaf_hash(leaf) for leaf in leaves], leaves)
            head = self._sign(growth.edge.size, growth.edge.root())
            self._tiles.lay(growth)
            self._begun = growth, head
            self._last.advance(self.origin, self._head, head)
            self._end(growth, head)
        return Signed(self._head.note, self.size, self.root, first)

    def settle(self) -> None:
        """End or forget a commit that a fault interrupted.

        Raises:
            ForkError: another program has signed since.
            OSError, sqlite3.Error: the disk still refuses.
        """
        if self._begun is None:
            return
        growth, head = self._begun
        last = self._last.get(self.origin)
        if last == head:
            self._end(growth, head)
        elif last == self._head:
            self._begun = None
        else:
            raise ForkError(self.origin, problem=N_("another program has signed since, or it was put back"))

    def entry(self, index: int) -> bytes:
        """A leaf."""
        return self._tiles.entry(index)

    def entries(self, start: int) -> Iterator[bytes]:
        """The leaves from `start` on."""
        return self._tiles.entries(start)

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """Hashes that lead from a leaf to the root of the tree of that size."""
        self._require(size)
        return inclusion_proof(index, size, self._tiles.node)

    def consistency(self, old: int, new: int) -> list[bytes]:
        """Hashes that prove the tree of size `new` to extend the one of size `old`."""
        self._require(new)
        return consistency_proof(old, new, self._tiles.node)

    def check(self) -> Iterator[str]:
        """Derive everything on disk again; yields what does not hold."""
        if self._last.get(self.origin) != self._head:
            yield "the checkpoint is not the one signed last"
        yield from self._tiles.check(self.root)
        try:
            if [leaf_hash(entry) for entry in self._tiles.entries()] != self._tiles.leaf_hashes(0, self.size):
                yield "the entries do not give the leaf hashes"
        except (OSError, ValueError) as error:
            yield str(error)

    def _load(self) -> tuple[Head, Tiles]:
        last = self._last.get(self.origin) or self._begin()
        path = self._folder / CHECKPOINT
        if not path.exists() and last.size:
            raise ForkError(str(self._folder), problem=N_("this log has signed before, and the folder is empty"))
        if not path.exists():
            write_whole([(path, last.note)])
        note, checkpoint = read_checkpoint(self._folder, self._key.verifiers(self.origin)[0])
        if note == last.note:
            return last, open_tiles(self._folder, checkpoint)
        if checkpoint.size >= last.size:
            raise ForkError(str(self._folder), problem=N_("its checkpoint is not the one signed last"))
        return last, self._catch_up(last)

    def _begin(self) -> Head:
        if (self._folder / CHECKPOINT).exists() or (self._folder / TILES).exists():
            raise ForkError(
                str(self._folder), problem=N_("there is a log, but nothing says what was signed last for it")
            )
        head = self._sign(0, root_of(()))
        self._last.advance(self.origin, None, head)
        return head

    def _catch_up(self, last: Head) -> Tiles:
        """Power failed between the signature and the checkpoint: its tiles are here, else this is an old copy."""
        checkpoint = Checkpoint(self.origin, last.size, last.root)
        try:
            tiles = open_tiles(self._folder, checkpoint)
        except LogDamagedError as error:
            raise ForkError(
                str(self._folder), problem=N_("it is older than what was signed last; it was put back")
            ) from error
        write_whole([(self._folder / CHECKPOINT, last.note)])
        return tiles

    def _sign(self, size: int, root: bytes) -> Head:
        return Head(size, root, self._key.sign(Checkpoint(self.origin, size, root)))

    def _end(self, growth: Growth, head: Head) -> None:
        self._tiles.publish(growth, head.note)
        self._head, self._begun = head, None

    def _require(self, size: int) -> None:
        if not 0 <= size <= self.size:
            raise IndexError(f"no checkpoint counts {size} leaves yet")


def _lock(folder: Path) -> int:
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise ForkError(str(folder), problem=N_("another program has it open")) from error
    except OSError:
        os.close(handle)
        raise
    return handle
