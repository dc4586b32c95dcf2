"""The one thread that touches the disk: it works off one queue, groups commits and seals the log.

Everything arrives here in order, so that a full or slow disk is noticed where it happens and ends in a signed gap. It
knows nothing of cameras, sockets or the event loop.
"""

import queue
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

import structlog

from aigaq.base import Clock, utc_ms
from aigaq.ledger import SigningKey, StationLog
from aigaq.station.beacon import Beacon
from aigaq.station.errors import DiskFailedError, JournalDamagedError
from aigaq.station.journal import Journal, Row
from aigaq.station.spool import Spool, sync_folder
from aigaq.station.stream import Book
from aigaq_verify import GapRecord, SegmentRecord

LINGER_NS: Final = 50_000_000
"""How long a finished row may wait for others, so that many cameras share one commit."""
LOG_BATCH: Final = 4_096
"""Rows appended to the log under one checkpoint at most; the centre takes that many leaf hashes at once."""
RETRY_S: Final = 1.0

log = structlog.get_logger(__name__)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Committed:
    """Rows that just became part of the record."""

    rows: range
    gaps: int


class Writer:
    """The queue, the commits and the seals. `run` occupies its thread until `close`."""

    def __init__(
        self, spool: Spool, journal: Journal, station_log: StationLog, clock: Clock, *, backlog_bytes: int
    ) -> None:
        self.book = Book()
        self.on_commit: Callable[[Committed], object] = lambda _: None
        self.on_seal: Callable[[], object] = lambda: None
        self._spool = spool
        self._journal = journal
        self._log = station_log
        self._clock = clock
        self._backlog_bytes = backlog_bytes
        self._queue: queue.SimpleQueue[tuple[Callable[[], object] | None, int]] = queue.SimpleQueue()
        self._posted = 0
        self._done = 0
        self._closing = threading.Event()
        self.trouble = ""
        """Why the disk does not take the journal now."""

    @property
    def sealed(self) -> int:
        """Rows that the log has signed."""
        return self._log.size

    @property
    def waiting_bytes(self) -> int:
        """Footage posted and not yet written. The two sums have one writing thread each."""
        return self._posted - self._done

    @property
    def full(self) -> bool:
        """The disk is too slow: no more footage may be posted until it is no longer congested."""
        return self.waiting_bytes >= self._backlog_bytes

    @property
    def congested(self) -> bool:
        """Half of the bound still waits."""
        return self.waiting_bytes >= self._backlog_bytes // 2

    def post(self, work: Callable[[], object], size: int = 0) -> None:
        """Have `work` done in order; `size` is the footage in it. Called from one thread, the event loop's."""
        self._posted += size
        self._queue.put((work, size))

    def post_seal(self) -> None:
        """Sign what is on record by then."""
        self.post(self.seal)

    def post_answers(self, answers: list[tuple[int, int, bytes]], then: Callable[[], object]) -> None:
        """Keep answers of the centre; `then` is called in the writer's thread once they are on record."""

        def keep() -> None:
            self._guarded(partial(self._journal.answered, answers))
            then()

        self.post(keep)

    def post_key(self, key: SigningKey) -> None:
        """Sign with another session key from the next checkpoint on."""
        self.post(partial(self._log.use, key))

    def post_beacon(self, beacon: Beacon) -> None:
        """Name this beacon in rows made from then on, once it is on record."""

        def keep() -> None:
            self._guarded(partial(self._journal.keep_beacon, beacon.note))
            self.book.beacon = (beacon.size, beacon.hash16)

        self.post(keep)

    def post_sign_again(self, size: int, then: Callable[[], object]) -> None:
        """Sign a former checkpoint with the present key: the key that signed it has expired before it was sent."""

        def again() -> None:
            note = self._log.sign_again(size)
            self._guarded(partial(self._journal.replace_checkpoint, size, note))
            then()

        self.post(again)

    def post_delivered_log(self, size: int) -> None:
        """The centre holds a checkpoint of that size."""
        self.post(partial(self._guarded, partial(self._journal.prune_checkpoints, size)))

    def close(self) -> None:
        """Let `run` return once everything before is done."""
        self._closing.set()
        self._queue.put((None, 0))

    def run(self) -> None:
        """Work until closed.

        Raises:
            DiskFailedError: the agent was to stop while the disk did not take the journal.
            JournalDamagedError: the journal cannot be written because it is broken.
        """
        due: int | None = None
        while True:
            try:
                work, size = self._queue.get(timeout=self._left(due))
            except queue.Empty:
                work, size = self.commit, 0
            if work is None:
                self.commit()
                return
            work()
            self._done += size
            if due is not None and self._left(due) == 0:
                self.commit()
            due = (due or self._clock.monotonic_ns() + LINGER_NS) if self.book.rows else None

    def _left(self, due: int | None) -> float | None:
        """Seconds until the book has to be committed."""
        return None if due is None else max(0, due - self._clock.monotonic_ns()) / 1e9

    def commit(self) -> None:
        """Put the book's rows on record, then give the files their names.

        Raises:
            DiskFailedError: the journal cannot be written.
        """
        if not self.book.rows:
            return
        rows = list(self.book.rows)
        indices = self._guarded(partial(self._commit, rows))
        self.book.clear()
        for row in rows:
            if isinstance(row.record, SegmentRecord):
                self._name(row.record)
        self.on_commit(Committed(indices, sum(isinstance(row.record, GapRecord) for row in rows)))

    def seal(self) -> None:
        """Append what is on record to the log and sign a checkpoint.

        Raises:
            DiskFailedError: the log cannot be written.
        """
        self.commit()
        if self._log.size == self._journal.size:
            self._guarded(partial(self._journal.alive, utc_ms(self._clock)))
            return
        while self._log.size < self._journal.size:
            self._guarded(self._seal_batch)
        self._spool.refill_ballast()
        self.on_seal()

    def _commit(self, rows: list[Row]) -> range:
        for folder in {part.path.parent for part in self.book.parts}:
            sync_folder(folder)
        return self._journal.commit(rows)

    def _seal_batch(self) -> None:
        start = self._log.size
        end = min(start + LOG_BATCH, self._journal.size)
        self._log.append(self._journal.encoded(start, end))
        note = self._log.checkpoint()
        self._journal.keep_checkpoint(end, note, utc_ms(self._clock))

    def _name(self, record: SegmentRecord) -> None:
        try:
            self._spool.name(record)
        except OSError as error:
            log.warning("naming put off", file=record.file_name, why=str(error))

    def _guarded(self, action: Callable[[], T]) -> T:
        """Do it, as often as the disk needs: first without the ballast, then each second until the agent is to stop.

        Meanwhile the queue fills up to its bound, then footage becomes a `disk_full` gap: nothing on record is lost.
        """
        while True:
            try:
                result = action()
            except (OSError, sqlite3.OperationalError) as error:
                self.trouble = str(error)
                log.warning("the disk does not take the journal", why=self.trouble)
                if not self._spool.give_up_ballast() and self._closing.wait(RETRY_S):
                    raise DiskFailedError(str(self._spool.data), problem=self.trouble) from error
            except sqlite3.DatabaseError as error:
                raise JournalDamagedError(str(self._spool.data), problem=str(error)) from error
            else:
                self.trouble = ""
                return result
