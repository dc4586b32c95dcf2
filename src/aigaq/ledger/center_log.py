"""The centre's logs as one: stations' checkpoints come in, leaves of the national log go out, an index finds them.

Order (P2, P3): the stations' tables first, then the national log, then the index, which is derived from the log. A
crash between two steps is made good by the next `settle`. Synchronous; one thread may write, any may read.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, Self

from aigaq.ledger import leaf_index, station_logs, witnessed
from aigaq.ledger.absences import Absence
from aigaq.ledger.database import Database
from aigaq.ledger.last_signed import LastSigned
from aigaq.ledger.leaf_index import LeafIndex
from aigaq.ledger.log_key import LogKey
from aigaq.ledger.national import NationalLog
from aigaq.ledger.station_logs import Pending, StationLogs
from aigaq.ledger.witnessed import Witnessed
from aigaq_verify import (
    Checkpoint,
    Kind,
    Leaf,
    Note,
    NoteError,
    Proof,
    RecordError,
    decode_leaf,
    encode_leaf,
    leaf_hash,
)

_SCHEMA: Final = station_logs.SCHEMA + leaf_index.SCHEMA + witnessed.SCHEMA
_AT_ONCE: Final = 4096


@dataclass(frozen=True, slots=True)
class NewLeaf:
    """A leaf to be appended, unless the log has it already."""

    data: bytes
    kind: int
    station: str | None


@dataclass(frozen=True, slots=True)
class Sealed:
    """What one commit brought."""

    stations: tuple[tuple[str, int, int], ...]
    """Station, size before, size now."""
    leaves: tuple[int, ...]
    """Index of each leaf that was given."""


class CenterLog:
    """Everything that the centre knows of the logs."""

    def __init__(self, election: str, national: NationalLog, database: Database, forks: Path) -> None:
        self.national = national
        self.stations = StationLogs(database, forks)
        self.index = LeafIndex(database)
        self.witnessed = Witnessed(database)
        self.election = election
        self._database = database

    @classmethod
    def open(cls, folder: Path, *, origin: str, election: str, key: LogKey, last: LastSigned) -> Self:
        """Open `national/`, `logs.sqlite` and `forks/` in the folder, or begin them, and end what a crash left.

        Raises:
            ForkError: what was signed last is not what lies in the folder, or another program has it open.
            LogDamagedError: a checkpoint of another log or key, or tiles that do not give its root.
            OSError, sqlite3.Error: the disk refuses.
        """
        national = NationalLog.open(folder / "national", origin, key, last)
        try:
            database = Database(folder / "logs.sqlite", _SCHEMA)
        except BaseException:
            national.close()
            raise
        opened = cls(election, national, database, folder / "forks")
        try:
            opened.seal(())
        except BaseException:
            opened.close()
            raise
        return opened

    def close(self) -> None:
        """Close all files."""
        self._database.close()
        self.national.close()

    def settle(self) -> None:
        """End what a fault interrupted: the log's last commit, and the index that is derived from it.

        Raises:
            ForkError: another program has signed since.
            OSError, sqlite3.Error: the disk refuses.
        """
        self.national.settle()
        unread = enumerate(self.national.entries(self.index.size), self.index.size)
        while chunk := list(islice(unread, _AT_ONCE)):
            read = [(position, leaf, *_read(leaf)) for position, leaf in chunk]
            checkpoints = [(station, signed, i) for i, _, _, station, signed in read if station and signed]
            rest = [(leaf_hash(leaf), i, kind, station) for i, leaf, kind, station, signed in read if signed is None]
            with self._database.transaction() as connection:
                self.stations.recall(connection, ((s, signed.size, signed.root) for s, signed, _ in checkpoints))
            self._note([(s, signed.size, i) for s, signed, i in checkpoints], rest, read[-1][0] + 1)

    def seal(self, leaves: Sequence[NewLeaf]) -> Sealed:
        """Append the checkpoints that are kept but not logged, and these leaves; all on disk before it returns.

        Raises:
            ForkError: another program has signed since.
            OSError, sqlite3.Error: the disk refuses; the next call makes good what was begun.
        """
        self.settle()
        pending = self.stations.pending()
        hashes = [leaf_hash(leaf.data) for leaf in leaves]
        fresh = {h: leaf for h, leaf in zip(hashes, leaves, strict=True) if self.index.find(h) is None}
        checkpoints = [self._checkpoint_leaf(p) for p in pending]
        signed = self.national.commit([*checkpoints, *(leaf.data for leaf in fresh.values())])
        marks = [(p.station, p.size, signed.first_index + n) for n, p in enumerate(pending)]
        first = signed.first_index + len(pending)
        rest = [(h, first + n, leaf.kind, leaf.station) for n, (h, leaf) in enumerate(fresh.items())]
        if marks or rest:
            self._note(marks, rest, signed.size)
        places = {h: position for h, position, _, _ in rest}
        found = (places[h] if h in places else self.index.find(h) for h in hashes)
        return Sealed(_spans(pending), tuple(position for position in found if position is not None))

    # ---- reading

    def proof(self, index: int) -> bytes:
        """The tlog-proof of a leaf under the first witnessed checkpoint that covers it, else under the newest.

        Raises:
            IndexError: no checkpoint covers it.
        """
        newest = self.national.head
        size, note = self.witnessed.covering(index) or (newest.size, newest.note)
        if not 0 <= index < size:
            raise IndexError(f"no leaf {index} in a log of {size}")
        return Proof(index, tuple(self.national.inclusion(index, size)), note).encode()

    def row_proof(self, station: str, index: int) -> tuple[int, bytes]:
        """Size of the first checkpoint of the station that covers a row, and the row's tlog-proof under it.

        Raises:
            IndexError: no checkpoint in the national log covers it.
        """
        size, logged = self.stations.covering(station, index) or (0, None)
        if index < 0 or logged is None:
            raise IndexError(f"no row {index} of {station} is sealed")
        return size, Proof(
            index, tuple(self.stations.inclusion(station, index, size)), self.station_note(logged)
        ).encode()

    def station_note(self, index: int) -> bytes:
        """The note of a station in a leaf of the national log."""
        return decode_leaf(self.national.entry(index))["note"]

    def absences(self) -> Iterator[Absence]:
        """The last absence of each station that ever had one."""
        for position in self.index.newest(Kind.ABSENCE).values():
            values = dict(decode_leaf(self.national.entry(position)).values)
            del values["election"]
            yield Absence(**values)

    def check(self) -> Iterator[str]:
        """Derive everything on disk again; yields what does not hold."""
        yield from self.national.check()
        yield from self._database.problems()
        yield from self.stations.check()
        for position, leaf in enumerate(self.national.entries(0)):
            _, station, signed = _read(leaf)
            if station and signed:
                if self.stations.logged(station, signed.size) is None:
                    yield f"leaf {position}: the checkpoint of {station} over {signed.size} rows is not among its own"
            elif self.index.find(leaf_hash(leaf)) is None:
                yield f"leaf {position} is not in the index"

    def absence_leaf(self, absence: Absence) -> NewLeaf:
        """The leaf that says it."""
        values = {name: getattr(absence, name) for name in ("seq", "from_ms", "to_ms", "held_size", "held_root")}
        leaf = Leaf(Kind.ABSENCE, {"election": self.election, "station": absence.station, **values})
        return NewLeaf(encode_leaf(leaf), Kind.ABSENCE, absence.station)

    # ---- inside

    def _checkpoint_leaf(self, pending: Pending) -> bytes:
        values = {"election": self.election, "station": pending.station, "note": pending.note}
        return encode_leaf(Leaf(Kind.STATION_CHECKPOINT, values))

    def _note(
        self, marks: Sequence[tuple[str, int, int]], rest: Sequence[tuple[bytes, int, int, str | None]], size: int
    ) -> None:
        with self._database.transaction() as connection:
            self.stations.mark(connection, marks)
            self.index.add(connection, rest, size)
        self.index.size = size
        self.stations.forget((station, rows) for station, rows, _ in marks)


def _read(leaf: bytes) -> tuple[int, str | None, Checkpoint | None]:
    """Kind, station, and what a station's checkpoint says; a leaf that cannot be read is of kind 0."""
    try:
        found = decode_leaf(leaf)
        station = found.values.get("station")
        if found.kind is not Kind.STATION_CHECKPOINT:
            return found.kind, station, None
        return found.kind, station, Checkpoint.parse(Note.parse(found["note"]).text)
    except (RecordError, NoteError):
        return 0, None, None


def _spans(pending: Iterable[Pending]) -> tuple[tuple[str, int, int], ...]:
    spans: dict[str, tuple[int, int]] = {}
    for p in pending:
        spans[p.station] = (spans.get(p.station, (p.start, 0))[0], p.size)
    return tuple((station, *span) for station, span in spans.items())
