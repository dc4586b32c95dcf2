"""The archive as one thing: what it is made of, its start and stop, and the questions that pages and commands ask."""

import asyncio
import contextlib
import fcntl
import json
import logging
import shutil
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Final, Self, TextIO

import sqlalchemy as sa

from aigaq.archive import clip, coverage, custody, proofs, rows
from aigaq.archive.blobs import Blobs
from aigaq.archive.compact import Compactor
from aigaq.archive.errors import ArchiveError, FolderInUseError, ForeignFolderError
from aigaq.archive.evidence import Evidence, Package
from aigaq.archive.footage import Footage
from aigaq.archive.ingest import Ingest
from aigaq.archive.known import camera_of, station_of
from aigaq.archive.live import Live
from aigaq.archive.logs import Logs, LogSetup
from aigaq.archive.masks import MaskWatch
from aigaq.archive.media import Media
from aigaq.archive.model import Alarm, Kind, Row, Span, StationStatus, StreamKey
from aigaq.archive.optical import Optical, patch_streams
from aigaq.archive.plain import make_plain
from aigaq.archive.search import Search
from aigaq.archive.status import Tails
from aigaq.archive.stills import Stills
from aigaq.archive.store import Database, alarms, facts, stations
from aigaq.archive.windows import LIVE_MS, LiveWindow
from aigaq.base import Clock, utc_ms
from aigaq.election import PollingStation, Register, Zone
from aigaq.ledger import SigningKey

COMPACT_EVERY_S: Final = 15.0
MAX_ALARMS: Final = 1000
log = logging.getLogger(__name__)


class Archive:
    """The centre's archive of one election, in one folder."""

    def __init__(
        self,
        folder: Path,
        register: Register,
        clock: Clock,
        key: SigningKey,
        *,
        log: LogSetup,
        min_free: int = 0,
        optical: Sequence[str] = (),
        facts: Path = Path("facts"),
    ) -> None:
        """Take or begin an archive; its logs are opened by `open`.

        Args:
            folder: Holds the database, the objects and the logs; made if it is missing.
            register: The election.
            clock: The time.
            key: Signs receipts.
            log: What the logs are made of.
            min_free: Bytes that must stay free on the disk.
            optical: Cameras with a blinking patch in view, each as `station/camera`.
            facts: Folder with the facts of enrolled boxes, for the masks in them.

        Raises:
            FolderInUseError: another centre runs on it.
            ForeignFolderError: it is the archive of another election.
            UnknownCameraError: a camera with a patch is not in the register.
        """
        patches = patch_streams(register, optical)
        folder.mkdir(parents=True, exist_ok=True)
        election = register.election.id
        self._lock = lock_folder(folder)
        self.folder = folder
        self.register = register
        self.clock = clock
        self.database = Database(folder / "archive.sqlite")
        self._claim(election)
        self.blobs = Blobs(folder / "objects", min_free)
        self.footage = Footage(election, self.database, self.blobs)
        self.live = Live(clock)
        self.tails = Tails()
        self.stills = Stills(self.database, self.footage)
        self.logs = Logs(folder, register, clock, self.database, log)
        self.ingest = Ingest(register, self.logs, self.database, self.blobs, clock, key, self._heard)
        self.search = Search(register, self.database, self.logs)
        self.evidence = Evidence(register, self.database, self.footage, self.logs, clock, self.coverage)
        self.media = Media(register, self.database, self.blobs, self.footage, self.live, self.tails, self.stills, clock)
        self.optical = Optical(patches, self.database, self.footage, self.logs, clock)
        self.masks = MaskWatch(facts, self.database, self.stills, self.footage, self.logs, clock)
        self.compactor = Compactor(election, self.database, self.blobs, self.footage, clock)
        # What was being made when the process died has no reader any more.
        self._derived = folder / "derived"
        shutil.rmtree(self._derived, ignore_errors=True)
        self._derived.mkdir()
        self._tasks: list[asyncio.Task[None]] = []
        self._recall()

    async def open(self) -> None:
        """Open the logs; enough to answer questions.

        Raises:
            LedgerError: the logs may not be used as they are.
        """
        await self.logs.open()

    async def start(self) -> None:
        """Open the logs, and begin the background work."""
        await self.open()
        await self.logs.start()
        self._tasks.append(asyncio.create_task(self._compact_for_ever()))
        self._tasks.append(asyncio.create_task(self.optical.run()))
        self._tasks.append(asyncio.create_task(self.masks.run()))

    async def stop(self) -> None:
        """Finish what was begun; everything acknowledged is on disk anyway."""
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._tasks.clear()
        await self.logs.close()
        self.close()

    def close(self) -> None:
        """Release threads, files and the folder; for use without `open`."""
        self.ingest.close()
        self.stills.close()
        self.optical.close()
        self.masks.close()
        self.database.close()
        self._lock.close()

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    # ---- questions

    def overview(self) -> tuple[StationStatus, ...]:
        """Every polling station of the register and how its cameras are, in the register's order; from memory."""
        now = utc_ms(self.clock)
        return tuple(self._status(station, now) for station in self.register.stations())

    def status(self, station: str) -> StationStatus:
        """How one polling station is.

        Raises:
            UnknownStationError: there is none.
        """
        return self._status(station_of(self.register, station), utc_ms(self.clock))

    async def coverage(
        self, station: str, from_ms: int, to_ms: int, stream: str = "sub"
    ) -> dict[str, tuple[Span, ...]]:
        """For every camera of a station, spans that tile `[from_ms, to_ms)` exactly.

        Raises:
            UnknownStationError: there is none.
        """
        known = station_of(self.register, station)
        absences = [a for a in await self.logs.absences(station) if a.touches(from_ms, to_ms)]
        islands, gaps = await self.database.read(
            lambda c: (rows.islands(c, station, stream, from_ms, to_ms), rows.gaps(c, station, stream, from_ms, to_ms))
        )
        now = utc_ms(self.clock)
        return {
            camera.id: coverage.tile(
                [i for i in islands if i.camera == camera.id],
                [g for g in gaps if g.camera == camera.id],
                (from_ms, to_ms),
                now,
                duty=self._duty(known, camera.zone),
                absences=absences,
            )
            for camera in known.cameras
        }

    async def bounds(self, station: str) -> tuple[int, int] | None:
        """Begin of the first and end of the last footage of a station, or None."""
        return await self.database.read(lambda c: rows.bounds(c, station))

    async def health(self, station: str) -> dict[str, Any] | None:
        """What the box last said of itself, with `received_ms` by the centre's clock; None if it never did."""
        found = await self.database.read(
            lambda c: c.execute(sa.select(stations).where(stations.c.station == station)).first()
        )
        return json.loads(found.health) | {"received_ms": found.health_ms} if found and found.health else None

    async def sealed_size(self, station: str) -> int:
        """Leaves of the station's log that its newest checkpoint covers."""
        return await self.database.read(lambda c: rows.sealed_size(c, station))

    async def alarms(self, station: str | None = None) -> list[Alarm]:
        """What must be looked at, the newest first, at most a thousand; of one station or of all."""
        found = await self.database.read(lambda c: custody.alarms_of(c, station, MAX_ALARMS))
        return [Alarm(a.station, a.code, a.received_ms) for a in found]

    async def count_alarms(self, station: str) -> int:
        """How many alarms there are of a station."""
        count = sa.select(sa.func.count()).select_from(alarms).where(alarms.c.station == station)
        return await self.database.read(lambda c: c.execute(count).scalar_one())

    # ---- clips

    async def plan_clip(self, key: StreamKey, from_ms: int, to_ms: int) -> clip.Clip:
        """Find what a clip needs, or say why there can be none; see `clip.plan`.

        Raises:
            ArchiveError: the reason.
        """
        camera_of(self.register, key.station, key.camera)
        return await clip.plan(self.database, self.register.election.id, key, from_ms, to_ms)

    async def clip_zip(self, wanted: clip.Clip) -> AsyncIterator[bytes]:
        """The clip with everything that proves it, piece by piece."""
        span = (wanted.from_ms, wanted.to_ms)
        found = await proofs.gather(self.logs.public, self.logs.policy, wanted, span)
        names = clip.LogNames(self.logs.directory.origin(wanted.key.station), self.logs.origin)
        async for piece in clip.export(wanted, self.footage, found.files, names):
            yield piece

    async def is_witnessed(self, wanted: clip.Clip) -> bool:
        """Whether a quorum has cosigned already what a clip rests on; else its verdict would be UNWITNESSED."""
        return await proofs.is_witnessed(self.logs.public, self.logs.policy, wanted)

    async def plan_evidence(
        self, station: str, cameras: Sequence[str], streams: Sequence[str], from_ms: int, to_ms: int
    ) -> Package:
        """Find what an evidence package needs: of these cameras, or of all that have anything for that time.

        Raises:
            ArchiveError: why there can be none.
        """
        if not cameras:
            return await self.evidence.plan_all(station, streams, from_ms, to_ms)
        wanted = [StreamKey(station, camera, stream) for camera in dict.fromkeys(cameras) for stream in streams]
        return await self.evidence.plan(wanted, from_ms, to_ms)

    async def clip_mp4(self, wanted: clip.Clip) -> Path:
        """The plain mp4 of a clip in a file that the caller removes.

        Raises:
            MixedCodecsError: the picture changed inside.
            CannotDecodeError: the footage cannot be read.
        """
        return await asyncio.to_thread(make_plain, wanted, self.footage, self._derived)

    # ---- inside

    def _status(self, station: PollingStation, now_ms: int) -> StationStatus:
        return StationStatus(
            station.id,
            station.id in self.logs.directory,
            self.tails.received_ms.get(station.id),
            tuple(self.tails.camera(camera, now_ms) for camera in station.cameras),
        )

    def _duty(self, station: PollingStation, zone: Zone) -> tuple[int, int]:
        window = self.register.duty(station.id, zone)
        return round(window.start.timestamp() * 1000), round(window.end.timestamp() * 1000)

    def _heard(self, row: Row) -> None:
        """A row is on disk: tell everyone who shows what is new."""
        self.tails.add(row)
        segment = self.footage.playable(row) if row.kind is Kind.SEGMENT else None
        if segment:
            self.live.windows.setdefault(row.key, LiveWindow())
        for windows in (self.live.windows, self.live.dvr):
            if window := windows.get(row.key):
                window.add(row.seq, segment)

    def _recall(self) -> None:
        """Know again after a start what the streams' ends are."""
        for row in self.database.read_now(rows.last_rows):
            self.tails.add(row)
            end = row.end_ms or row.start_ms
            found = self.database.read_now(lambda c, r=row, e=end: rows.segments(c, r.key, e - LIVE_MS, e + 1))
            for segment in found:
                self.tails.add(segment)
            if found:
                window = self.live.windows[row.key] = LiveWindow()
                window.load([(r.seq, self.footage.playable(r)) for r in found], row.seq)

    def _claim(self, election: str) -> None:
        """One folder, one election."""

        def claim(connection: sa.Connection) -> str:
            there = connection.execute(sa.select(facts.c.value).where(facts.c.name == "election")).scalar()
            if there is None:
                connection.execute(facts.insert().values(name="election", value=election))
            return there or election

        if (found := self.database.submit(claim).result()) != election:
            self.database.close()
            self._lock.close()
            raise ForeignFolderError(str(self.folder), found=found, expected=election)

    async def _compact_for_ever(self) -> None:
        while True:
            await self.clock.sleep(COMPACT_EVERY_S)
            try:
                await self.compactor.run()
            except ArchiveError as error:
                log.warning("compaction will be tried again: %s", error)


def lock_folder(folder: Path) -> TextIO:
    """Keep every other centre off the folder until the file is closed.

    Raises:
        FolderInUseError: another one runs.
    """
    file = (folder / "center.lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise FolderInUseError(str(folder)) from error
    return file
