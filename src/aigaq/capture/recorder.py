"""One recorder per stream: connects, records, notices silence, comes back. Hundreds share one event loop.

Owns when to connect and when to give up. It never raises for what a camera does; it ends only when cancelled.
"""

import asyncio
import random
from typing import Final

from aigaq.base import Clock
from aigaq.capture.errors import CaptureError, SilentError, SourceUnavailableError
from aigaq.capture.health import Meter, StreamHealth, StreamState
from aigaq.capture.model import Sink, Source
from aigaq.capture.pipeline import Pipeline
from aigaq.capture.sessions import Session, open_session
from aigaq_verify import GapCause

TICK_SECONDS: Final = 0.5
SILENT_SECONDS: Final = 2
"""No frame for so long: the gap opens."""
RECONNECT_SECONDS: Final = 5
"""No frame for so long: a new connection is tried."""
FIRST_BACKOFF: Final = 0.5
LONGEST_BACKOFF: Final = 15.0


class Recorder:
    """Records one stream into a sink. `phase` in [0, 1) spreads many recorders over time."""

    def __init__(
        self,
        source: Source,
        sink: Sink,
        *,
        clock: Clock,
        phase: float = 0.0,
        rng: random.Random | None = None,
    ) -> None:
        self._source = source
        self._clock = clock
        self._rng = rng or random.SystemRandom()
        self._pipeline = Pipeline(sink, phase=phase)
        self._meter = Meter()
        self._session: Session | None = None
        self._connected_ns = -1
        self._lost_before = 0
        self._attempts = 0

    async def run(self) -> None:
        """Record until cancelled; then what is open is closed."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._tick_forever())
                await self._attend_forever()
        finally:
            self._pipeline.flush()
            await self._leave()

    async def _attend_forever(self) -> None:
        while True:
            error = await self._attend()
            self._pipeline.stop(_cause(error), error)
            await self._leave()
            await self._clock.sleep(self._backoff(error))

    async def _attend(self) -> CaptureError:
        """One connection, from trying it to the reason for its end."""
        try:
            self._session = open_session(self._source, self._pipeline, self._clock)
            ended = await self._session.open()
        except CaptureError as error:
            return error
        self._connected_ns = self._clock.monotonic_ns()
        # awaited itself, it would be cancelled with us, and the session would think that it has ended
        await asyncio.wait((ended,))
        return ended.result()

    async def _leave(self) -> None:
        session, self._session = self._session, None
        self._connected_ns = -1
        if session:
            self._lost_before += session.lost
            session.close()
            await session.wait_closed()

    def _backoff(self, error: CaptureError) -> float:
        """Seconds to wait: longer each time; what somebody must mend first is not tried often (accounts lock)."""
        longest = LONGEST_BACKOFF if isinstance(error, SourceUnavailableError) else 2 * LONGEST_BACKOFF
        first = FIRST_BACKOFF if isinstance(error, SourceUnavailableError) else LONGEST_BACKOFF
        wait = min(longest, first * 2 ** min(self._attempts, 10))
        self._attempts += 1
        return wait * self._rng.uniform(0.5, 1.0)

    # -- time

    async def _tick_forever(self) -> None:
        while True:
            await self._clock.sleep(TICK_SECONDS)
            self._tick()

    def _tick(self) -> None:
        pipeline, now = self._pipeline, self._clock.monotonic_ns()
        pipeline.tick(self._clock.utc_ns(), now)
        self._meter.mark(now, pipeline.frames, pipeline.bytes)
        if pipeline.recording:
            self._attempts = 0
        session = self._session
        if session is None:
            return
        session.tick()
        if self._connected_ns >= 0:
            silent = (now - max(self._connected_ns, pipeline.last_ns)) / 1e9
            if silent > SILENT_SECONDS and pipeline.recording:
                pipeline.stop(GapCause.NO_RTP, SilentError(seconds=SILENT_SECONDS))
            if silent > RECONNECT_SECONDS:
                session.fail(SilentError(seconds=RECONNECT_SECONDS))

    # -- health

    @property
    def health(self) -> StreamHealth:
        """A snapshot."""
        pipeline = self._pipeline
        last, clock, init = pipeline.last_ns, pipeline.camera_clock, pipeline.init
        return StreamHealth(
            state=self._state(),
            last_frame_age_ms=None if last < 0 else (self._clock.monotonic_ns() - last) // 1_000_000,
            fps=self._meter.fps,
            bit_rate=self._meter.bit_rate,
            rtp_lost=self._lost_before + (self._session.lost if self._session else 0),
            clock_offset_ms=None if clock is None else clock.ntp_ms - clock.box_ms,
            slope_ppm=pipeline.timeline.slope_ppm,
            codec=init.codec if init else "",
            width=init.width if init else 0,
            height=init.height if init else 0,
            last_error=pipeline.error.code if pipeline.error else "",
        )

    def _state(self) -> StreamState:
        if self._pipeline.recording:
            return StreamState.RECORDING
        if self._connected_ns >= 0:
            return StreamState.WAITING
        return StreamState.CONNECTING if self._session else StreamState.STOPPED


def _cause(error: CaptureError) -> GapCause:
    return GapCause.NO_RTP if isinstance(error, SilentError) else GapCause.NO_CONNECT
