"""The way to the centre: two lanes of rows, the log's checkpoints, health.

The journal is the queue, this only works it off. Nothing here can lose footage: a row counts as delivered only with a
receipt that the pinned key of the centre signed for its leaf hash, and what is under way when the box stops is simply
sent again.
"""

import asyncio
import contextlib
import hashlib
import json
import random
from functools import partial
from pathlib import Path
from typing import Final, Never

import structlog

from aigaq.base import Clock, utc_ms
from aigaq.ledger import BadReceiptError, open_receipt
from aigaq.station.alarms import Alarms
from aigaq.station.center import Center, RefusalError, Refused
from aigaq.station.errors import (
    CameraUnknownError,
    CenterAheadError,
    CenterRefusedError,
    CenterUnreachableError,
    FootageDamagedError,
    NotEnrolledError,
)
from aigaq.station.journal import DELIVERED, REFUSED, JournalReader, StoredRow
from aigaq.station.lanes import Backoff, Lane, Lanes
from aigaq.station.spool import Spool
from aigaq.station.writer import LOG_BATCH, Writer
from aigaq_verify import SegmentRecord, VerifierKey

WORKERS: Final = {Lane.LIVE: 4, Lane.BACKFILL: 2}
ANSWERS_S: Final = 0.25
"""Receipts are put on record together, so that they cost few commits."""
IDLE_S: Final = 5.0

log = structlog.get_logger(__name__)


class Uploader:
    """Works until cancelled. `wake` tells it of new rows, `wake_log` of a new checkpoint."""

    def __init__(
        self, center: Center, vkey: VerifierKey, lanes: Lanes, reader: JournalReader, spool: Spool,
        writer: Writer, clock: Clock, alarms: Alarms,
    ) -> None:  # fmt: skip
        self._center = center
        self._vkey = vkey
        self._lanes = lanes
        self._reader = reader
        self._spool = spool
        self._writer = writer
        self._clock = clock
        self._alarms = alarms
        self._inits: set[bytes] = set()
        self._held: int | None = None
        """Size of our log that the centre holds, once it has said so."""
        self._offered = self._signed_again = -1
        """Sizes of checkpoints: sent last, signed again last."""
        self._answers: list[tuple[int, int, bytes]] = []
        self._news = {lane: asyncio.Event() for lane in Lane}
        self._sealed = asyncio.Event()
        self._answered = asyncio.Event()

    async def run(self) -> None:
        """Send until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for lane, count in WORKERS.items():
                for _ in range(count):
                    tasks.create_task(self._work(lane))
            tasks.create_task(self._send_log())
            tasks.create_task(self._record_answers())

    def wake(self) -> None:
        """There are new rows."""
        for event in self._news.values():
            event.set()

    def wake_log(self) -> None:
        """There is a new checkpoint."""
        self._sealed.set()

    # ---- rows

    async def _work(self, lane: Lane) -> Never:
        while True:
            await self._center.admitted.wait()
            self._news[lane].clear()
            row = self._lanes.next(lane, self._now(), utc_ms(self._clock))
            if row is None:
                await nap(self._news[lane], self._lanes.wait_s(lane, self._now()) or IDLE_S)
            else:
                await self._send(lane, row)

    async def _send(self, lane: Lane, row: StoredRow) -> None:
        try:
            receipt = await self._deliver(row)
            open_receipt(receipt, self._vkey, station=row.record.station, leaf_hash=row.leaf)
        except CenterUnreachableError as error:
            self._alarms.ring(CenterUnreachableError(problem=error.facts["problem"]))
            self._lanes.failed(lane, row, self._now())
        except BadReceiptError as error:
            self._alarms.ring(error)
            self._lanes.failed(lane, row, self._now())
        except FootageDamagedError as error:
            self._alarms.ring(error)
            self._lanes.rest(row, self._now())
        except RefusalError as refusal:
            self._refused(lane, row, refusal)
        else:
            self._delivered(lane, row, receipt)

    def _delivered(self, lane: Lane, row: StoredRow, receipt: bytes) -> None:
        for solved in (CenterUnreachableError, NotEnrolledError, BadReceiptError):
            self._alarms.clear(solved)
        self._alarms.clear(CameraUnknownError, row.record.camera)
        self._lanes.delivered(lane)
        self._answer(row.index, DELIVERED, receipt)

    def _refused(self, lane: Lane, row: StoredRow, refusal: RefusalError) -> None:
        now, camera, problem = self._now(), row.record.camera, str(refusal)
        match refusal.kind:
            case Refused.NOT_US:
                self._alarms.ring(NotEnrolledError(problem=problem))
                self._lanes.pause(row, now)
                self._center.introduced.clear()
            case Refused.NO_CAMERA:
                self._alarms.ring(CameraUnknownError(camera, camera=camera))
                self._lanes.hold_camera(row, now)
            case Refused.FINAL | Refused.OTHER_SIZE | Refused.OLD_KEY:
                self._alarms.ring(CenterRefusedError(refusal.code, what=f"row {row.index}", problem=problem))
                self._lanes.delivered(lane)
                self._answer(row.index, REFUSED, problem.encode())
            case Refused.AGAIN | Refused.DAMAGED | Refused.NO_INIT:
                self._alarms.ring(CenterUnreachableError(problem=problem))
                self._lanes.failed(lane, row, now)

    async def _deliver(self, row: StoredRow) -> bytes:
        record = row.record
        if not isinstance(record, SegmentRecord):
            return await self._center.post_gap(row.encoded)
        data = await asyncio.to_thread(_read, self._spool.find(record) or self._spool.path_of(record), record.size)
        await self.ensure_init(record.init_sha256)
        try:
            return await self._center.put_segment(row.encoded, data)
        except RefusalError as refusal:
            if refusal.kind is Refused.DAMAGED:
                await asyncio.to_thread(_require_hash, record.object_name, data, record.sha256)
            if refusal.kind is not Refused.NO_INIT:
                raise
        self._inits.discard(record.init_sha256)
        await self.ensure_init(record.init_sha256)
        return await self._center.put_segment(row.encoded, data)

    async def ensure_init(self, digest: bytes) -> None:
        """Have the centre hold an init before anything that needs it."""
        if digest in self._inits:
            return
        path = self._spool.init_path(digest)
        data = await asyncio.to_thread(_read, path, None)
        _require_hash(str(path), data, digest)
        await self._center.put_init(digest, data)
        self._inits.add(digest)

    # ---- answers

    def _answer(self, index: int, state: int, answer: bytes) -> None:
        self._answers.append((index, state, answer))
        self._answered.set()

    async def _record_answers(self) -> Never:
        loop = asyncio.get_running_loop()

        def recorded(answers: list[tuple[int, int, bytes]]) -> None:
            loop.call_soon_threadsafe(self._recorded, answers)

        while True:
            await self._answered.wait()
            await self._clock.sleep(ANSWERS_S)
            self._answered.clear()
            answers, self._answers = self._answers, []
            self._writer.post_answers(answers, partial(recorded, answers))

    def _recorded(self, answers: list[tuple[int, int, bytes]]) -> None:
        self._lanes.recorded(index for index, _, _ in answers)
        self.wake()

    # ---- the log

    async def _send_log(self) -> Never:
        backoff = Backoff(random.random)
        while True:
            await self._center.introduced.wait()
            self._sealed.clear()
            try:
                held = self._held
                self._held = await self._center.log_size() if held is None else await self._extend(held)
            except RefusalError as refusal:
                self._held = self._corrected(refusal, backoff)
            except CenterUnreachableError:
                backoff.failed(self._now())
            else:
                backoff.succeeded()
            await self._wait_for_log(self._held, backoff)

    async def _extend(self, held: int) -> int:
        """Send the next checkpoint after the size that the centre holds; the size it holds then."""
        ours = self._reader.size()
        self._alarms.set(CenterAheadError(center=held, station=ours), when=held > ours)
        found = self._reader.checkpoint(held, held + LOG_BATCH)
        if found is None:
            return held
        size, note = found
        self._offered = size
        now_held = await self._center.post_checkpoint(note, self._reader.leaves(held, size))
        self._alarms.clear(CenterRefusedError, "checkpoint")
        self._writer.post_delivered_log(now_held)
        return now_held

    def _corrected(self, refusal: RefusalError, backoff: Backoff) -> int | None:
        backoff.failed(self._now())
        if refusal.kind is Refused.OTHER_SIZE and refusal.size != self._held:
            backoff.succeeded()
            return refusal.size
        if refusal.kind is Refused.OLD_KEY and self._signed_again != self._offered:
            self._sign_again()
        elif refusal.kind is Refused.NOT_US:
            self._alarms.ring(NotEnrolledError(problem=str(refusal)))
            self._center.introduced.clear()
        elif refusal.kind is not Refused.AGAIN:
            self._alarms.ring(CenterRefusedError("checkpoint", what="the log", problem=str(refusal)))
        return None

    def _sign_again(self) -> None:
        """A box that was offline for days holds checkpoints by keys that have expired since."""
        loop, self._signed_again = asyncio.get_running_loop(), self._offered
        self._writer.post_sign_again(self._offered, lambda: loop.call_soon_threadsafe(self.wake_log))

    async def _wait_for_log(self, held: int | None, backoff: Backoff) -> None:
        wait = backoff.until - self._now()
        if wait > 0:
            await self._clock.sleep(wait)
        elif held is not None and self._reader.checkpoint(held, held + LOG_BATCH) is None:
            await nap(self._sealed, 60.0)

    # ---- health

    async def post_health(self, status: dict[str, object]) -> None:
        """Tell the centre how the box is; what does not get through is out of date anyway."""
        if not self._center.admitted.is_set():
            return
        try:
            await self._center.post_health(json.dumps(status, ensure_ascii=False).encode())
        except (CenterUnreachableError, RefusalError) as error:
            log.debug("health not delivered", why=str(error))

    async def farewell(self, seconds: float) -> None:
        """Give the last gaps and the last checkpoint a moment to get through."""
        until = self._now() + seconds
        self.wake_log()
        self.wake()
        while self._now() < until and (self._reader.waiting_gaps((), 1) or self._held != self._reader.size()):
            await self._clock.sleep(0.1)

    def _now(self) -> float:
        return self._clock.monotonic_ns() / 1e9


async def nap(event: asyncio.Event, seconds: float) -> None:
    """Wait for an event, but not longer. `asyncio.wait_for` of Python 3.11 can swallow a cancellation here."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def _read(path: Path, size: int | None) -> bytes:
    """A file's bytes; the hash is left to the centre, for hashing costs the box as much as recording did."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FootageDamagedError(str(path), file=path.name) from error
    if size not in {None, len(data)}:
        raise FootageDamagedError(str(path), file=path.name)
    return data


def _require_hash(where: str, data: bytes, digest: bytes) -> None:
    if hashlib.sha256(data).digest() != digest:
        raise FootageDamagedError(where, file=where.rpartition("/")[2])
