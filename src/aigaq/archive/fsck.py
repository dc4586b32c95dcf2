"""Derives every invariant of an archive again from what is stored: rows, objects, logs, receipts.

`presence` looks whether everything is there, `size` whether it is as long as it must be, `hash` reads every byte.
It changes nothing.
"""

import enum
import hashlib
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from aigaq.archive import rows, store
from aigaq.archive.blobs import Blobs
from aigaq.archive.logs import FOLDER, LogSetup
from aigaq.archive.model import Kind, Row, StreamKey
from aigaq.archive.names import init_name, segment_name
from aigaq.archive.store import Database, inits, leaves, stations
from aigaq.ledger import BadReceiptError, CenterLog, LedgerError, open_receipt
from aigaq_verify import NO_HASH, RecordError, SegmentRecord, VerifierKey, decode_record, leaf_hash

BATCH: Final = 2000
Progress = Callable[[int, int], None]


class Level(enum.StrEnum):
    """How deep to look; each includes the one before."""

    PRESENCE = "presence"
    SIZE = "size"
    HASH = "hash"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that does not hold."""

    kind: str
    """`missing`, `size`, `hash`, `record`, `chain`, `receipt`, `log` or `coverage`."""
    where: str
    what: str


@dataclass(slots=True)
class Findings:
    """What was looked at, and what does not hold."""

    level: Level
    rows: int = 0
    objects: int = 0
    bytes_read: int = 0
    problems: list[Problem] = field(default_factory=list["Problem"])
    orphans: list[str] = field(default_factory=list[str])
    """Objects that no row names: left by an interrupted upload or compaction; harmless."""
    logs_checked: bool = True

    def add(self, kind: str, where: str, what: str) -> None:
        """Note a problem."""
        self.problems.append(Problem(kind, where, what))


class Fsck:
    """One check of one archive."""

    def __init__(self, folder: Path, election: str, log: LogSetup, center: VerifierKey | None, level: Level) -> None:
        self._folder = folder
        self._election = election
        self._log = log
        self._center = center
        self._deep = level is Level.HASH
        self._sizes = level is not Level.PRESENCE
        self._database = Database(folder / "archive.sqlite")
        self._blobs = Blobs(folder / "objects")
        self._objects: dict[str, int] = {}
        self._used: Counter[str] = Counter()
        self._lengths: Counter[StreamKey] = Counter()
        self._last: tuple[StreamKey, int, bytes] | None = None
        self.findings = Findings(level)

    def run(self, *, logs: bool, progress: Progress) -> Findings:
        """Check everything; `logs` is false while a centre runs on the folder, whose logs are then left alone."""
        try:
            self._objects = dict(self._blobs.list())
            self.findings.objects = len(self._objects)
            self._inits()
            total = self._database.read_now(rows.count)
            for row in self._rows():
                self._row(row)
                self.findings.rows += 1
                progress(self.findings.rows, total)
            self._bundles()
            self._spans()
            self.findings.logs_checked = logs
            if logs:
                self._logs()
            self._orphans()
        finally:
            self._database.close()
            self._log.last.close()
        return self.findings

    def _rows(self) -> Iterator[Row]:
        key, seq = StreamKey("", "", ""), -1
        while batch := self._database.read_now(lambda c, at=(key, seq): rows.page(c, *at, BATCH)):
            yield from batch
            key, seq = batch[-1].key, batch[-1].seq

    # ---- one row

    def _row(self, row: Row) -> None:
        where = f"{'/'.join(row.key)} #{row.seq}"
        for problem in record_problems(row):
            self.findings.add("record", where, problem)
        self._chain(row, where)
        if self._deep and self._center:
            self._receipt(row, self._center, where)
        if row.kind is Kind.SEGMENT:
            self._lengths[row.key] += (row.end_ms or row.start_ms) - row.start_ms
            self._segment(row, where)

    def _chain(self, row: Row, where: str) -> None:
        try:
            prev = decode_record(row.record).prev
        except RecordError:
            return
        if row.seq == 0 and prev != NO_HASH:
            self.findings.add("chain", where, "the first row of a stream follows another")
        if self._last and self._last[:2] == (row.key, row.seq - 1) and prev != self._last[2]:
            self.findings.add("chain", where, "it does not name the hash of the row before")
        self._last = (row.key, row.seq, row.leaf)

    def _receipt(self, row: Row, center: VerifierKey, where: str) -> None:
        try:
            open_receipt(row.receipt, center, station=row.station, leaf_hash=row.leaf)
        except BadReceiptError as error:
            self.findings.add("receipt", where, error.explain().why)

    def _segment(self, row: Row, where: str) -> None:
        if row.init and init_name(row.init) not in self._objects:
            self.findings.add("missing", where, f"its init {row.init.hex()} is not stored")
        found = self._find(row)
        if found is None:
            self.findings.add("missing", where, f"{segment_name(self._election, row)} is not stored")
            return
        row, name, size = found
        self._used[name] += row.size
        if self._sizes and not row.bundle and size != row.size:
            self.findings.add("size", where, f"{name} has {size} bytes, not {row.size}")
        elif self._deep and self._digest(name, row.at, row.size) != row.sha256:
            self.findings.add("hash", where, f"the bytes in {name} are not those that were sealed")

    def _find(self, row: Row) -> tuple[Row, str, int] | None:
        """Row, object and size. A running centre may have moved the bytes since the row was read: look again."""
        for attempt in (row, None):
            again = attempt or self._database.read_now(lambda c: rows.find(c, row.key, row.seq)) or row
            name = again.bundle or segment_name(self._election, again)
            size = self._objects.get(name) or self._blobs.size(name)
            if size is not None:
                return again, name, size
        return None

    def _digest(self, name: str, at: int, size: int) -> bytes:
        data = self._blobs.get(name, at, size)
        self.findings.bytes_read += len(data)
        return hashlib.sha256(data).digest()

    # ---- the rest

    def _inits(self) -> None:
        for found in self._database.read_now(lambda c: c.execute(sa.select(inits)).all()):
            name = init_name(found.sha256)
            size = self._objects.get(name)
            self._used[name] += found.size
            if size is None:
                self.findings.add("missing", name, "an initialisation segment is not stored")
            elif self._sizes and size != found.size:
                self.findings.add("size", name, f"{size} bytes, not {found.size}")
            elif self._deep and self._digest(name, 0, size) != found.sha256:
                self.findings.add("hash", name, "not the bytes of its name")

    def _spans(self) -> None:
        """What coverage tells of is what the rows have."""
        told = self._database.read_now(rows.span_lengths)
        for key in set(told) | set(self._lengths):
            if told.get(key, 0) != self._lengths[key]:
                what = f"coverage tells of {told.get(key, 0)} ms, the rows have {self._lengths[key]} ms"
                self.findings.add("coverage", "/".join(key), what)

    def _bundles(self) -> None:
        """A minute object holds its segments and nothing else."""
        for name, used in self._used.items():
            size = self._objects.get(name)
            if self._sizes and size is not None and size != used and not name.startswith("init/"):
                self.findings.add("size", name, f"{size} bytes, but its segments have {used}")

    def _orphans(self) -> None:
        doomed = set(self._database.read_now(rows.doomed_names))
        self.findings.orphans = sorted(set(self._objects) - set(self._used) - doomed)

    def _logs(self) -> None:
        """The national log and the stations' agree with themselves, with each other and with the tables."""
        sizes = self._database.read_now(
            lambda c: c.execute(sa.select(stations.c.station, stations.c.sealed_size)).all()
        )
        folder = self._folder / FOLDER
        if not folder.exists():
            if any(sealed for _, sealed in sizes):
                self.findings.add("log", str(folder), "there is no log, but the tables know of sealed rows")
            return
        setup = self._log
        try:
            core = CenterLog.open(folder, origin=setup.origin, election=self._election, key=setup.key, last=setup.last)
        except LedgerError as error:
            self.findings.add("log", str(folder), error.explain().why)
            return
        except (OSError, sqlite3.Error) as error:
            self.findings.add("log", str(folder), str(error))
            return
        with closing(core):
            if self._deep:
                for problem in core.check():
                    self.findings.add("log", setup.origin, problem)
            for station, sealed in sizes:
                self._station_log(core, station, sealed)

    def _station_log(self, core: CenterLog, station: str, sealed: int) -> None:
        held = core.stations.size(station)
        if held < sealed:
            self.findings.add("log", station, f"the log has {held} rows, the tables know of {sealed}")
        else:
            self._compare(core, station, sealed)

    def _compare(self, core: CenterLog, station: str, sealed: int) -> None:
        """Every leaf of the log is a row, or is known to be awaited."""
        for start in range(0, sealed, BATCH):
            end = min(sealed, start + BATCH)
            known = self._database.read_now(lambda c, span=(start, end): _leaves(c, station, *span))
            for index, leaf in enumerate(core.stations.leaf_hashes(station, start, end), start):
                if known.get(index) != leaf:
                    self.findings.add("log", f"{station} #{index}", "the log has another leaf here than the tables")


def _leaves(connection: sa.Connection, station: str, start: int, end: int) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    for table in (store.rows, leaves):
        wanted = sa.select(table.c.log_index, table.c.leaf).where(
            table.c.station == station, table.c.log_index >= start, table.c.log_index < end
        )
        found.update((index, leaf) for index, leaf in connection.execute(wanted))
    return found


def record_problems(row: Row) -> Iterator[str]:
    """Where a row's columns disagree with the record that the station signed. Pure."""
    if leaf_hash(row.record) != row.leaf:
        yield "the leaf hash is not of this record"
    try:
        record = decode_record(row.record)
    except RecordError as error:
        yield f"not a record: {error}"
        return
    if (record.station, record.camera, record.stream, record.seq) != (*row.key, row.seq):
        yield "the record is of another stream or number"
    if isinstance(record, SegmentRecord):
        signed = (Kind.SEGMENT, record.start_ms, record.end_ms, record.size, record.sha256, record.init_sha256)
        if signed != (row.kind, row.start_ms, row.end_ms, row.size, row.sha256, row.init):
            yield "the columns are not what the record says"
    elif (row.kind, row.start_ms, row.cause) != (Kind.GAP, record.from_ms, record.cause):
        yield "the columns are not what the record says"
    elif record.to_ms is not None and record.to_ms != row.end_ms:
        yield "the gap ends at another time than the record says"
