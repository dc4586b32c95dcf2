"""The archive's tables, and the one thread that writes them. SQLAlchemy Core; SQLite in WAL mode with full sync.

Every statement here is also valid on PostgreSQL. Writes that arrive together share one commit, so one sync to disk
serves many uploads; each answer still waits for the commit that holds its row.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, OperationalError

from aigaq.archive.errors import DiskFullError, StoreFailedError

T = TypeVar("T")
BATCH: Final = 256
_ROW_ID: Final = sa.BigInteger().with_variant(sa.Integer, "sqlite")
"""SQLite numbers rows by itself only in an INTEGER column."""

metadata = sa.MetaData()

rows = sa.Table(
    "rows",
    metadata,
    sa.Column("id", _ROW_ID, primary_key=True),
    sa.Column("station", sa.String(32), nullable=False),
    sa.Column("camera", sa.String(32), nullable=False),
    sa.Column("stream", sa.String(4), nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.SmallInteger, nullable=False),
    sa.Column("start_ms", sa.BigInteger, nullable=False),
    sa.Column("end_ms", sa.BigInteger),
    sa.Column("cause", sa.String(16)),
    sa.Column("leaf", sa.LargeBinary(32), nullable=False, unique=True),
    sa.Column("record", sa.LargeBinary, nullable=False),
    sa.Column("start_ticks", sa.BigInteger, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.LargeBinary(32)),
    sa.Column("init", sa.LargeBinary(32)),
    sa.Column("bundle", sa.String(255)),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("received_ms", sa.BigInteger, nullable=False),
    sa.Column("receipt", sa.LargeBinary, nullable=False),
    sa.Column("log_index", sa.BigInteger),
    sa.UniqueConstraint("station", "camera", "stream", "seq"),
    sa.Index("rows_by_time", "station", "camera", "stream", "kind", "start_ms"),
)
sa.Index(
    "rows_alone",
    rows.c.start_ms,
    sqlite_where=(rows.c.bundle.is_(None)) & (rows.c.kind == 1),
    postgresql_where=(rows.c.bundle.is_(None)) & (rows.c.kind == 1),
)

sa.Index(
    "rows_of_gaps",
    rows.c.station,
    rows.c.stream,
    rows.c.start_ms,
    sqlite_where=rows.c.kind == 4,
    postgresql_where=rows.c.kind == 4,
)
sa.Index(
    "rows_unsealed",
    rows.c.station,
    rows.c.stream,
    rows.c.camera,
    rows.c.start_ms,
    sqlite_where=(rows.c.log_index.is_(None)) & (rows.c.kind == 1),
    postgresql_where=(rows.c.log_index.is_(None)) & (rows.c.kind == 1),
)

sa.Index("rows_by_hash", rows.c.sha256)

spans = sa.Table(
    "spans",
    metadata,
    sa.Column("id", _ROW_ID, primary_key=True),
    sa.Column("station", sa.String(32), nullable=False),
    sa.Column("camera", sa.String(32), nullable=False),
    sa.Column("stream", sa.String(4), nullable=False),
    sa.Column("from_ms", sa.BigInteger, nullable=False),
    sa.Column("to_ms", sa.BigInteger, nullable=False),
    sa.Index("spans_by_begin", "station", "camera", "stream", "from_ms"),
    sa.Index("spans_by_end", "station", "camera", "stream", "to_ms"),
    comment="Segments that follow one another without a break, joined as they arrive: a day reads as fast as a minute",
)

inits = sa.Table(
    "inits",
    metadata,
    sa.Column("sha256", sa.LargeBinary(32), primary_key=True),
    sa.Column("codec", sa.String(64), nullable=False),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("timescale", sa.Integer, nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
)

leaves = sa.Table(
    "leaves",
    metadata,
    sa.Column("station", sa.String(32), primary_key=True),
    sa.Column("log_index", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("leaf", sa.LargeBinary(32), nullable=False, index=True),
    comment="Leaves of station logs whose record has not been received",
)

stations = sa.Table(
    "stations",
    metadata,
    sa.Column("station", sa.String(32), primary_key=True),
    sa.Column("sealed_size", sa.BigInteger, nullable=False),
    sa.Column("health", sa.Text),
    sa.Column("health_ms", sa.BigInteger),
)

alarms = sa.Table(
    "alarms",
    metadata,
    sa.Column("id", _ROW_ID, primary_key=True),
    sa.Column("station", sa.String(32), nullable=False, index=True),
    sa.Column("code", sa.String(64), nullable=False),
    sa.Column("record", sa.LargeBinary, nullable=False),
    sa.Column("signature", sa.LargeBinary, nullable=False),
    sa.Column("received_ms", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("station", "code", "record"),
    comment="What must be looked at; of signed records that contradict others the bytes, kept as evidence",
)

custody = sa.Table(
    "custody",
    metadata,
    sa.Column("id", _ROW_ID, primary_key=True),
    sa.Column("station", sa.String(32), nullable=False, index=True),
    sa.Column("leaf", sa.LargeBinary, nullable=False, index=True),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("log_index", sa.BigInteger),
    comment="What operators did: the national log holds a hash of each detail",
)

doomed = sa.Table(
    "doomed",
    metadata,
    sa.Column("name", sa.String(255), primary_key=True),
    comment="Objects whose bytes live on in a minute object; to be removed",
)

facts = sa.Table(
    "facts",
    metadata,
    sa.Column("name", sa.String(32), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

Statement = Callable[[sa.Connection], T]


class Database:
    """Reads in a small pool of threads, writes in one thread with shared commits."""

    def __init__(self, path: Path) -> None:
        self._engine = sa.create_engine(f"sqlite:///{path}", connect_args={"check_same_thread": False})
        event.listen(self._engine, "connect", _tune)
        metadata.create_all(self._engine)
        self._jobs: queue.SimpleQueue[tuple[Statement[Any], Future[Any]] | None] = queue.SimpleQueue()
        self._readers = ThreadPoolExecutor(4, thread_name_prefix="archive-read")
        self._writer = threading.Thread(target=self._write_all, name="archive-write", daemon=True)
        self._writer.start()

    async def write(self, statement: Statement[T]) -> T:
        """Run in the writing thread; returns after the commit that holds it.

        Raises:
            DiskFullError: nothing was written.
            StoreFailedError: nothing was written.
        """
        return await asyncio.wrap_future(self.submit(statement))

    def submit(self, statement: Statement[T]) -> Future[T]:
        """As `write`, for callers in threads."""
        future: Future[T] = Future()
        self._jobs.put((statement, future))
        return future

    async def read(self, statement: Statement[T]) -> T:
        """Run in a reading thread."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self.read_now, statement)

    def read_now(self, statement: Statement[T]) -> T:
        """Run here."""
        try:
            with self._engine.connect() as connection:
                return statement(connection)
        except DBAPIError as error:
            raise storage_error(error) from error

    def close(self) -> None:
        """Finish what was begun, and close."""
        self._jobs.put(None)
        self._writer.join()
        self._readers.shutdown()
        self._engine.dispose()

    def _write_all(self) -> None:
        while batch := self._next_batch():
            self._commit(batch)

    def _next_batch(self) -> list[tuple[Statement[Any], Future[Any]]]:
        """Wait for one job, take what else is there; empty at the end."""
        batch: list[tuple[Statement[Any], Future[Any]]] = []
        while len(batch) < BATCH and (not batch or not self._jobs.empty()):
            job = self._jobs.get()
            if job is None:
                if batch:
                    self._jobs.put(None)
                return batch
            if job[1].set_running_or_notify_cancel():
                batch.append(job)
        return batch

    def _commit(self, batch: list[tuple[Statement[Any], Future[Any]]]) -> None:
        """All in one transaction; if one fails, each again in its own, so that none fails for another."""
        try:
            with self._engine.begin() as connection:
                results = [statement(connection) for statement, _ in batch]
        except BaseException as error:  # noqa: BLE001 - the outermost loop of the writing thread: the waiter gets it
            if len(batch) > 1:
                for job in batch:
                    self._commit([job])
            else:
                batch[0][1].set_exception(storage_error(error) if isinstance(error, DBAPIError) else error)
            return
        for (_, future), result in zip(batch, results, strict=True):
            future.set_result(result)


def storage_error(error: DBAPIError) -> DiskFullError | StoreFailedError:
    """A database refusal in the archive's own words."""
    if isinstance(error, OperationalError) and "full" in str(error.orig):
        return DiskFullError(free=0)
    return StoreFailedError(problem=str(error.orig))


def _tune(connection: sqlite3.Connection, _record: object) -> None:
    """A receipt is a promise: FULL syncs the write-ahead log at every commit (I4)."""
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "cache_size=-65536"):
        connection.execute(f"PRAGMA {pragma}")
