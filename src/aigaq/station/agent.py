"""The agent: composes recorders, writer, seals, keys, upload and health of one station, and stops them in order.

It decides only when: duty, the rhythm of seals, and what happens at the end. What it starts decides how.
"""

import asyncio
import random
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Never, Protocol

import httpx2
import structlog

from aigaq.base import AigaqError, Clock, utc_ms
from aigaq.capture import Recorder, Sink, Source, StreamHealth
from aigaq.ledger import parse_vkey
from aigaq.station.alarms import Alarms
from aigaq.station.box import Box
from aigaq.station.center import TIMEOUT, Center
from aigaq.station.errors import OpticalPortError
from aigaq.station.follow import BeaconFollower, KeyKeeper
from aigaq.station.health import HEALTH_S, HealthBoard, proof_of, status_path, write_status
from aigaq.station.introduction import Introduction
from aigaq.station.lanes import Lanes, TokenBucket
from aigaq.station.live import LivePush
from aigaq.station.optical import OpticalPage, OpticalServer
from aigaq.station.settings import StationSettings
from aigaq.station.sink import LiveTap, StreamSink
from aigaq.station.stream import StreamName
from aigaq.station.timekeeping import clock_synced
from aigaq.station.upload import Uploader, nap
from aigaq.station.writer import Committed
from aigaq_verify import Flag

SEAL_S: Final = 10.0
SEAL_MIN_S: Final = 1.0
"""A camera that comes and goes must not make the box sign without pause."""
PORT_AGAIN_S: Final = 10.0
FAREWELL_S: Final = 3.0
"""How long a stop waits for the centre to hear of it."""
STOPPED = "the agent was stopped"

log = structlog.get_logger(__name__)


class StreamRecorder(Protocol):
    """What the agent needs of `capture.Recorder`."""

    @property
    def health(self) -> StreamHealth:
        """How the stream is."""
        ...

    async def run(self) -> None:
        """Record until cancelled."""
        ...


def make_recorder(source: Source, sink: Sink, clock: Clock, phase: float) -> StreamRecorder:
    """The recorder of a real camera."""
    return Recorder(source, sink, clock=clock, phase=phase)


class StationAgent:
    """One box at work. `run` ends when `stop` is called or it is cancelled, with everything sealed."""

    def __init__(
        self, settings: StationSettings, clock: Clock,
        *, recorder: Callable[[Source, Sink, Clock, float], StreamRecorder] = make_recorder,
    ) -> None:  # fmt: skip
        self.alarms = Alarms(clock)
        self.status: dict[str, Any] = {}
        """The last status, as in `status.json`; empty before the first."""
        self._settings = settings
        self._clock = clock
        self._make_recorder = recorder
        self._recorders: dict[StreamName, StreamRecorder] = {}
        self._stopping = asyncio.Event()
        self._gap_made = asyncio.Event()
        self._flags = Flag.NONE

    def stop(self) -> None:
        """Have `run` end; call it on the event loop."""
        self._stopping.set()

    async def run(self) -> None:
        """Record, seal and send until stopped.

        Raises:
            StationError: it cannot start, or the disk failed for good.
        """
        loop = asyncio.get_running_loop()
        async with AsyncExitStack() as closing:
            sources = {camera.id: camera.sources() for camera in self._settings.cameras}
            box = await asyncio.to_thread(Box.open, self._settings, self._clock)
            closing.callback(box.close)
            for problem in box.recovery.problems:
                self.alarms.ring(problem)
            way = await self._way(box, closing)
            box.writer.on_commit = lambda committed: loop.call_soon_threadsafe(self._committed, way, committed)
            if way:
                box.writer.on_seal = lambda: loop.call_soon_threadsafe(way.uploader.wake_log)
            log.info("started", station=self._settings.station.id, recovered=box.recovery.recovered)
            thread = closing.enter_context(ThreadPoolExecutor(1, thread_name_prefix="station-writer"))
            await self._work(box, way, sources, loop.run_in_executor(thread, box.writer.run))

    async def _way(self, box: Box, closing: AsyncExitStack) -> "_Way | None":
        """The way to the centre, where there is one."""
        section = self._settings.center
        if section is None:
            return None
        http = await closing.enter_async_context(httpx2.AsyncClient(timeout=TIMEOUT))
        center = Center(section.url, self._settings.station.id, box.session.key, http)
        uplink = self._settings.limits.uplink_mbps
        lanes = Lanes(box.reader, TokenBucket(uplink * 1e6 / 8 if uplink else None), random.random)
        vkey = parse_vkey(section.vkey, "center.vkey")
        uploader = Uploader(center, vkey, lanes, box.reader, box.spool, box.writer, self._clock, self.alarms)
        data = self._settings.station.data
        follower = box.beacons and BeaconFollower(center, box.beacons, box.writer, self._clock, self.alarms, data)
        introduction = Introduction(center, box.session, self._clock, self.alarms)
        return _Way(center, introduction, uploader, LivePush(center), follower)

    async def _work(
        self, box: Box, way: "_Way | None", sources: dict[str, dict[str, Source]], writing: "asyncio.Future[None]"
    ) -> None:
        """Run until stopped, cancelled or failed; then end in order: cameras, gaps, seal, farewell, disk."""
        board = HealthBoard(self._settings, self._clock, self.alarms, box.spool, box.writer, box.journal)
        changed = way.introduction.introduce if way else _nobody
        keeper = KeyKeeper(box.keys, box.session, box.writer, self._clock, self.alarms, changed)
        sending = [asyncio.create_task(way.run(list(box.streams)))] if way else []
        tasks = [
            asyncio.create_task(step)
            for step in (
                self._duty(box, way, sources, board),
                self._seal(box),
                self._watch(box, way, board, keeper),
                keeper.run(),
                self._blink(box),
            )
        ]
        stopped = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({*sending, *tasks, stopped, writing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            failed = await _cancel(stopped, *tasks)
            can_send = not any(task.done() for task in (*sending, writing))
            try:
                await self._leave(box, way if can_send else None, writing)
            finally:
                failed += await _cancel(*sending)
                box.writer.close()
                await writing
        if failed:
            raise _reason(failed[0])

    async def _leave(self, box: Box, way: "_Way | None", writing: "asyncio.Future[None]") -> None:
        """Sign that the agent was stopped, and try to let the centre know."""
        now_ms, sealed = utc_ms(self._clock), asyncio.Event()
        for stream in box.streams.values():
            box.writer.post(partial(stream.left, now_ms, STOPPED))
        box.writer.post_seal()
        loop = asyncio.get_running_loop()
        box.writer.post(lambda: loop.call_soon_threadsafe(sealed.set))
        waiting = asyncio.create_task(sealed.wait())
        await asyncio.wait({waiting, writing}, timeout=FAREWELL_S, return_when=asyncio.FIRST_COMPLETED)
        await _cancel(waiting)
        if way and sealed.is_set():
            await way.uploader.farewell(FAREWELL_S)

    # ---- cameras

    async def _duty(
        self, box: Box, way: "_Way | None", sources: dict[str, dict[str, Source]], board: HealthBoard
    ) -> None:
        """Record while on duty, sign that it ended."""
        duty = self._settings.duty
        start_ms, end_ms = (round(t.timestamp() * 1000) if t else None for t in (duty.start, duty.end))
        await self._until(start_ms)
        now_ms = utc_ms(self._clock)
        for stream in box.streams.values():
            since_ms = now_ms if start_ms is None else start_ms
            box.writer.post(partial(stream.on_duty, since_ms, now_ms if end_ms is None else min(now_ms, end_ms)))
        board.duty = "on"
        recording = asyncio.create_task(self._record(box, way, sources))
        try:
            until = asyncio.create_task(self._until(end_ms)) if end_ms else recording
            await asyncio.wait({until, recording}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            failed = await _cancel(recording)
        if failed:
            raise failed[0]
        assert end_ms is not None  # noqa: S101 - recording ends only with an error or by duty's end
        board.duty = "off"
        for stream in box.streams.values():
            box.writer.post(partial(stream.off_duty, end_ms))
        await asyncio.Event().wait()

    async def _until(self, at_ms: int | None) -> None:
        """Wait for a wall time, however the clock is set meanwhile."""
        while at_ms is not None and (left := at_ms - utc_ms(self._clock)) > 0:
            await self._clock.sleep(min(left / 1000, 1.0))

    async def _record(self, box: Box, way: "_Way | None", sources: dict[str, dict[str, Source]]) -> None:
        tap = way.live if way else LiveTap()
        async with asyncio.TaskGroup() as recorders:
            for name, stream in box.streams.items():
                sink = StreamSink(stream, box.writer, self._clock, flags=lambda: self._flags, live=tap)
                phase = zlib.crc32(str(name).encode()) / 2**32
                recorder = self._make_recorder(sources[name.camera][name.stream], sink, self._clock, phase)
                self._recorders[name] = recorder
                recorders.create_task(recorder.run())

    # ---- rhythms

    async def _seal(self, box: Box) -> Never:
        """A checkpoint every 10 s and at each gap, but no more than one each second."""
        while True:
            await nap(self._gap_made, SEAL_S)
            self._gap_made.clear()
            box.writer.post_seal()
            await self._clock.sleep(SEAL_MIN_S)

    async def _blink(self, box: Box) -> None:
        """Serve the page with the blinking patch, where it is wanted; an address that is taken is tried again."""
        section = self._settings.optical
        page = OpticalPage(self._settings.origin, self._clock, lambda: box.beacons.held if box.beacons else None)
        while section is not None:
            try:
                await OpticalServer(page, section, self._clock).run()
            except OpticalPortError as error:
                self.alarms.ring(error)
                await self._clock.sleep(PORT_AGAIN_S)
            self.alarms.clear(OpticalPortError)
        await asyncio.Event().wait()

    async def _watch(self, box: Box, way: "_Way | None", board: HealthBoard, keeper: KeyKeeper) -> Never:
        """Status and alarms, for the box and for the centre."""
        path = status_path(self._settings.station.data)
        while True:
            board.clock_synced = await asyncio.to_thread(clock_synced)
            self._flags = Flag.NONE if board.clock_synced else Flag.CLOCK_UNSYNCED
            backlog = await asyncio.to_thread(board.backlog)
            health = {name: recorder.health for name, recorder in self._recorders.items()}
            proof = proof_of(keeper.session, box.beacons, known=way is not None and way.center.introduced.is_set())
            self.status = board.status(box.streams, health, backlog, proof)
            await asyncio.to_thread(write_status, path, self.status)
            if way:
                await way.uploader.post_health(self.status)
            await self._clock.sleep(HEALTH_S)

    def _committed(self, way: "_Way | None", committed: Committed) -> None:
        if committed.gaps:
            self._gap_made.set()
        if way:
            way.uploader.wake()


@dataclass(frozen=True, slots=True)
class _Way:
    """What leads to the centre."""

    center: Center
    introduction: Introduction
    uploader: Uploader
    live: LivePush
    follower: BeaconFollower | None

    async def run(self, names: list[StreamName]) -> None:
        """Send until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.introduction.run())
            tasks.create_task(self.uploader.run())
            tasks.create_task(self.live.run(names))
            if self.follower:
                tasks.create_task(self.follower.run())


def _nobody(session: object) -> None:
    """There is no centre to tell of a new session."""


def _reason(error: BaseException) -> BaseException:
    """The error that a person can act on, if tasks ended with one; else all that they ended with."""
    while isinstance(error, BaseExceptionGroup):
        ours = error.subgroup(AigaqError)
        if ours is None:
            break
        error = ours.exceptions[0]
    return error


async def _cancel(*tasks: "asyncio.Task[Any]") -> list[BaseException]:
    """End tasks; what had failed of them before or failed then."""
    for task in tasks:
        task.cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    return [e for e in ended if isinstance(e, BaseException) and not isinstance(e, asyncio.CancelledError)]
