"""What the centre keeps of one station's log: every leaf hash, the last checkpoint, and proof of any contradiction.

The centre cannot sign for the station and does not need to: it replays the hashes, and a root that differs shows that
the station signed two histories. Records travel with the video, so no entries are kept here.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

from aigaq.base import N_
from aigaq.ledger.durable import write_whole
from aigaq.ledger.errors import (
    BadKeyError,
    BadNoteError,
    OversizedError,
    RootMismatchError,
    WrongKeyError,
    WrongSizeError,
)
from aigaq.ledger.keys import parse_vkey
from aigaq.ledger.station_log import open_tiles, read_checkpoint
from aigaq.ledger.tiles import CHECKPOINT, Tiles
from aigaq_verify import (
    Checkpoint,
    CompactRange,
    NoteError,
    Proof,
    UnknownKeyError,
    VerifierKey,
    inclusion_proof,
)

MAX_LEAVES: Final = 65_536
"""Rows that one checkpoint may add: at five cameras more than three hours without a checkpoint."""
MAX_BODY: Final = 4_096 + 32 * MAX_LEAVES
FORKS: Final = "forks"
_MAX_FORKS: Final = 16


class LogReplica:
    """One station's log at the centre. Calls must not overlap."""

    def __init__(self, folder: Path, key: VerifierKey, note: bytes | None, tiles: Tiles) -> None:
        self._folder = folder
        self._key = key
        self._note = note
        self._tiles = tiles

    @classmethod
    def open(cls, folder: Path, origin: str, vkey: str) -> Self:
        """Open what is kept of that log; nothing yet is an empty log.

        Raises:
            BadKeyError: the verifier key is not sound.
            LogDamagedError: the kept checkpoint is not by this key for this log, or the tiles do not give its root.
        """
        key = parse_vkey(vkey, origin)
        if key.name != origin:
            raise BadKeyError(origin, problem=N_("its name is not the name of this log"))
        if not (folder / CHECKPOINT).exists():
            return cls(folder, key, None, Tiles(folder, 0))
        note, checkpoint = read_checkpoint(folder, key)
        return cls(folder, key, note, open_tiles(folder, checkpoint))

    @property
    def size(self) -> int:
        """Rows under the last checkpoint."""
        return self._tiles.size

    @property
    def note(self) -> bytes | None:
        """The last checkpoint as the station signed it; None while there is none."""
        return self._note

    def accept(self, body: bytes) -> Checkpoint:
        """Take a checkpoint and the leaf hashes that it adds (`note ‖ n × 32`); on disk when this returns.

        What is held already is accepted again as long as the root is the same.

        Raises:
            OversizedError: more than `MAX_BODY` bytes.
            BadNoteError: not a checkpoint with whole hashes, a false signature, or a checkpoint of another log.
            WrongKeyError: signed by another key than the enrolled one.
            WrongSizeError: the hashes do not begin at `size` or do not reach the checkpoint's size.
            RootMismatchError: the hashes do not lead to the signed root; the body is kept in `forks/`.
        """
        if len(body) > MAX_BODY:
            raise OversizedError(self._key.name, size=len(body), limit=MAX_BODY)
        note, leaves = _split(body, self._key.name)
        checkpoint = self._open(note)
        if checkpoint.size <= self.size:
            self._compare(checkpoint, CompactRange.load(checkpoint.size, self._tiles.node).root(), body)
            return checkpoint
        if self.size + len(leaves) != checkpoint.size:
            raise WrongSizeError(self._key.name, held=self.size, size=checkpoint.size, sent=len(leaves))
        growth = self._tiles.grow(leaves)
        self._compare(checkpoint, growth.edge.root(), body)
        self._tiles.commit(growth, note)
        self._note = note
        return checkpoint

    def leaf_hash(self, index: int) -> bytes:
        """The leaf hash of a row."""
        return self._tiles.leaf_hashes(index, index + 1)[0]

    def leaf_hashes(self, start: int, end: int) -> list[bytes]:
        """Leaf hashes from `start` to before `end`."""
        return self._tiles.leaf_hashes(start, end)

    def inclusion_proof(self, index: int) -> bytes:
        """The tlog-proof of a row under the last checkpoint."""
        if self._note is None or not 0 <= index < self.size:
            raise IndexError(f"no row {index} in a log of {self.size}")
        return Proof(index, tuple(inclusion_proof(index, self.size, self._tiles.node)), self._note).encode()

    def check(self) -> Iterator[str]:
        """Derive every hash again from the leaf hashes on disk; yields what does not hold, forks included."""
        yield from self._tiles.check(self._tiles.root())
        yield from (f"the station signed another history: {path}" for path in sorted(self._forks()))

    def _open(self, note: bytes) -> Checkpoint:
        origin = self._key.name
        try:
            checkpoint, _ = Checkpoint.open(note, [self._key])
        except UnknownKeyError as error:
            raise WrongKeyError(origin, origin=origin) from error
        except NoteError as error:
            raise BadNoteError(
                origin, problem=N_("it is no checkpoint of this log, or its signature is false")
            ) from error
        return checkpoint

    def _compare(self, checkpoint: Checkpoint, root: bytes, body: bytes) -> None:
        if checkpoint.root == root:
            return
        path = self._folder / FORKS / f"{checkpoint.size}-{checkpoint.root.hex()[:16]}"
        if len(self._forks()) < _MAX_FORKS:
            write_whole([(path, body)])
        raise RootMismatchError(self._key.name, size=checkpoint.size, evidence=path)

    def _forks(self) -> list[Path]:
        folder = self._folder / FORKS
        return list(folder.iterdir()) if folder.exists() else []


def _split(body: bytes, where: str) -> tuple[bytes, list[bytes]]:
    """A station's note has exactly one signature line, so it ends at the first newline behind the empty line."""
    head, _, tail = body.partition(b"\n\n")
    signature, newline, hashes = tail.partition(b"\n")
    if not newline or len(hashes) % 32:
        raise BadNoteError(where, problem=N_("it is not a note with one signature and whole leaf hashes"))
    return head + b"\n\n" + signature + newline, [hashes[i : i + 32] for i in range(0, len(hashes), 32)]
