"""The pure middle of a recorder: access units and time in, what a sink receives out.

Owns the order init, parts, segment end, stopped; the timeline; the cause of a gap. It never waits and does no I/O.
"""

from dataclasses import dataclass
from typing import Final

from aigaq.capture.depay import AccessUnit
from aigaq.capture.errors import (
    BadParameterSetsError,
    CaptureError,
    ClockSteppedError,
    ConnectionClosedError,
    NoKeyFrameError,
)
from aigaq.capture.fmp4 import Sample, init_segment
from aigaq.capture.model import TIMESCALE, CameraClock, Init, Sink
from aigaq.capture.parameters import ParameterSets, picture
from aigaq.capture.rtp import SenderReport, ntp_to_ms
from aigaq.capture.segmenter import MAX_PART_BYTES, Segmenter
from aigaq.capture.timeline import REORDER_SPAN, BoxClock, DecodeOrder, MediaClock, Timeline, ns_to_ticks
from aigaq_verify import GapCause

NO_KEY_SECONDS: Final = 6
SETTLE_NS: Final = 500_000_000
"""How long the first frames are watched for the least delayed one: a burst of old frames must not set the time."""
_MAX_INITS: Final = 16
_REPORT_VALID: Final = 60 * TIMESCALE


@dataclass(slots=True)
class _Frame:
    unit: AccessUnit
    monotonic_ns: int
    restamped: bool


class Pipeline:
    """One stream's way from access units to the sink. `begin` a connection, feed it, `stop` it, begin again."""

    def __init__(self, sink: Sink, *, phase: float = 0.0) -> None:
        self.error: CaptureError | None = None
        """What last went wrong."""
        self.frames = 0
        self.bytes = 0
        self.last_ns = -1
        """Monotonic time of the last frame; -1 if none has come."""
        self.init: Init | None = None
        self._sink = sink
        self._segmenter = Segmenter(sink, phase=phase)
        self._box = BoxClock()
        self._cause: GapCause | None = None
        self._inits: dict[ParameterSets, Init] = {}
        self._floor = 0
        self._fresh(TIMESCALE)

    def begin(self, clock_rate: int) -> None:
        """A new connection: nothing of the old media time holds."""
        if self.recording:
            self.stop(GapCause.NO_CONNECT, ConnectionClosedError())
        self._fresh(clock_rate)

    def _fresh(self, clock_rate: int) -> None:
        self.media_clock = MediaClock(clock_rate)
        self.order: DecodeOrder[_Frame] = DecodeOrder()
        self._pending: Sample | None = None
        self._interval = TIMESCALE // 25
        self._sets: ParameterSets | None = None
        self._span = REORDER_SPAN
        self._utc_ns = 0
        self._waiting_since = -1
        self._report: tuple[int, int] | None = None
        self._jumps = 0
        self._anew()

    def _anew(self) -> None:
        """Place media time on the wall clock anew."""
        self.timeline = Timeline(self._box)
        self._settling: list[tuple[int, int, _Frame]] | None = []
        self._settling_since = -1
        self._settling_bytes = 0

    @property
    def recording(self) -> bool:
        """Footage is being made now."""
        return self._segmenter.running

    @property
    def camera_clock(self) -> CameraClock | None:
        """The camera's clock as last told."""
        return self._segmenter.camera_clock

    # -- in

    def unit(self, unit: AccessUnit, utc_ns: int, monotonic_ns: int) -> None:
        """A coded picture arrived."""
        self._utc_ns = utc_ns
        if self._waiting_since < 0:
            self._waiting_since = monotonic_ns
            if not self._box.known:
                self._box.reset(utc_ns, monotonic_ns)
        self.frames += 1
        self.bytes += len(unit.data)
        self.last_ns = monotonic_ns
        if unit.sets is not self._sets:
            self._learn(unit.sets)
        clock = self.media_clock
        media = clock.push(unit.timestamp, ns_to_ticks(monotonic_ns), span=self._span)
        if clock.jumps != self._jumps:
            self._jumps = clock.jumps
            self._report = None
        for decode, presentation, frame in self.order.push(media, _Frame(unit, monotonic_ns, clock.restamped)):
            self._timed(decode, presentation, frame)

    def report(self, report: SenderReport, utc_ns: int) -> None:
        """The camera told its clock."""
        self._segmenter.camera_clock = CameraClock(ntp_to_ms(report.ntp), utc_ns // 1_000_000)
        media = self.media_clock.at(report.timestamp)
        self._report = None if media is None else (report.ntp, media)

    def tick(self, utc_ns: int, monotonic_ns: int) -> None:
        """Time passed: was the box's clock set, does a key frame keep us waiting?

        Call it twice a second: between two calls frames are placed by the monotonic clock, which no step can move.
        """
        self._follow(utc_ns, monotonic_ns)
        waited = monotonic_ns - self._waiting_since
        if self._waiting_since >= 0 and not self.recording and waited > NO_KEY_SECONDS * 1_000_000_000:
            self.stop(GapCause.NO_IDR, self._why_no_run())

    def stop(self, cause: GapCause, error: CaptureError) -> None:
        """Footage ceases; the sink hears of it unless it knows."""
        self.flush()
        self.error = error
        self._waiting_since = -1
        if cause is not self._cause:
            self._cause = cause
            text = error.explain()
            self._sink.stopped(cause, f"{text.code}: {text.why}")

    def flush(self) -> None:
        """Close what is open."""
        for decode, presentation, frame in self.order.drain():
            self._timed(decode, presentation, frame)
        if self._settling:
            self._anchor(self._settling)
        if self._pending is not None:
            self._to_segmenter(self._pending, self._interval)
        self._pending = None
        self._segmenter.stop()

    # -- through

    def _follow(self, utc_ns: int, monotonic_ns: int) -> None:
        self._utc_ns = utc_ns
        step_ns = self._box.follow(utc_ns, monotonic_ns)
        if step_ns:
            self.stop(GapCause.CLOCK_STEP, ClockSteppedError(milliseconds=step_ns // 1_000_000))
            self._box.reset(utc_ns, monotonic_ns)
            self._anew()
            if step_ns < 0:
                self._floor = 0

    def _timed(self, decode: int, presentation: int, frame: _Frame) -> None:
        if self._settling is None:
            self.timeline.observe(decode, frame.monotonic_ns)
            self._place(decode, presentation, frame)
        else:
            self._settle(self._settling, decode, presentation, frame)

    def _settle(self, waiting: list[tuple[int, int, _Frame]], decode: int, presentation: int, frame: _Frame) -> None:
        if self._settling_since < 0:
            self._settling_since = frame.monotonic_ns
        if waiting or frame.unit.key:
            waiting.append((decode, presentation, frame))
            self._settling_bytes += len(frame.unit.data)
        self.timeline.watch(decode, frame.monotonic_ns)
        elapsed = frame.monotonic_ns - self._settling_since
        if elapsed >= SETTLE_NS or self._settling_bytes > MAX_PART_BYTES:
            self._anchor(waiting)

    def _anchor(self, waiting: list[tuple[int, int, _Frame]]) -> None:
        self._settling = None
        self.timeline.anchor()
        for item in waiting:
            self._place(*item)

    def _place(self, decode: int, presentation: int, frame: _Frame) -> None:
        """Give a frame its wall time; the frame before it now has its duration."""
        wall = self.timeline.wall(decode)
        unit = frame.unit
        init = self._init_for(unit) if unit.key else self.init
        before = self._pending
        if before is None and not self.recording and not (unit.key and init and wall >= self._floor):
            return
        if init is None:
            return
        timed = frame.restamped or self.timeline.arrival_timed
        ntp = self._camera_ntp(presentation) if unit.key else None
        self.init = init
        self._pending = Sample(wall, 0, presentation - decode, unit.data, unit.key, unit.lost, timed, ntp, init)
        if before is not None:
            self._interval = wall - before.start
            self._to_segmenter(before, self._interval)

    def _to_segmenter(self, sample: Sample, duration: int) -> None:
        sample.duration = duration
        self._cause = None
        self._floor = sample.start + duration
        self._segmenter.slope_ppm = self.timeline.slope_ppm
        self._segmenter.push(sample, self._utc_ns)

    # -- facts

    def _learn(self, sets: ParameterSets) -> None:
        """New parameter sets may allow or exclude reordering; unknown counts as allowed."""
        self._sets = sets
        try:
            reorder = picture(sets.codec, sets.sps[0]).reorder if sets.sps else None
        except BadParameterSetsError:
            reorder = None
        self._span = 0 if reorder == 0 else REORDER_SPAN

    def _init_for(self, unit: AccessUnit) -> Init | None:
        """The init that a key frame needs; one with unusable sets goes on with the one before."""
        found = self._inits.get(unit.sets)
        if found is None:
            try:
                found = init_segment(unit.sets)
            except BadParameterSetsError as error:
                self.error = error
                return self.init
            if len(self._inits) >= _MAX_INITS:
                self._inits.clear()
            self._inits[unit.sets] = found
        return found

    def _why_no_run(self) -> CaptureError:
        if isinstance(self.error, BadParameterSetsError):
            return self.error
        return NoKeyFrameError(seconds=NO_KEY_SECONDS)

    def _camera_ntp(self, presentation: int) -> int | None:
        """The camera's time of a frame, carried on from its last sender report."""
        if self._report is None:
            return None
        ntp, media = self._report
        since = presentation - media
        return ntp + (since << 32) // TIMESCALE if abs(since) <= _REPORT_VALID else None
