"""The wall-clock timeline of one stream: from media time and arrival to UTC x 90,000.

Small classes: `MediaClock` unwraps timestamps and re-stamps those that cannot be; `DecodeOrder` finds decode times of
reordered frames; `BoxClock` watches the box's own clock, which is the authority; `Timeline` places media time on it. It
follows the least delayed frame, slewing by at most 500 ppm; a camera whose rate is not believable is timed by arrival.
"""

import heapq
from collections import deque
from typing import Final, Generic, TypeVar

from aigaq.capture.model import TIMESCALE
from aigaq.capture.skew import SLEW, SkewEstimator

JUMP: Final = 5 * TIMESCALE
"""A timestamp further off than this is wrong."""
REORDER_SPAN: Final = TIMESCALE
"""Frames may come this far out of order; further back is a jump."""
CLOCK_STEP_NS: Final = 500_000_000
"""The box's clock moving this much against its monotonic clock is a step."""
_CATCH_UP: Final = 0.1
"""Seconds per second by which a wrong timeline is corrected once slewing is not enough."""
_TOLERANCE: Final = 0.25
"""Seconds of error beyond which slewing is not enough."""
_CORRECTED: Final = 0.02
"""Seconds of error at which it is enough again."""
_CORRECT_EVERY: Final = 0.2
_AHEAD: Final = TIMESCALE // 4
"""No frame is younger than its arrival: this much is left to a timeline that is being corrected."""

T = TypeVar("T")


def ns_to_ticks(ns: int) -> int:
    """Nanoseconds to ticks of 1/90,000 s."""
    return ns * 9 // 100_000


class MediaClock:
    """Unwraps 32-bit timestamps (RFC 3550 §5.1) and bridges jumps, so that media time is one unbroken line."""

    def __init__(self, rate: int = TIMESCALE) -> None:
        self.jumps = 0
        """How often the camera's timestamps broke off."""
        self._rate = rate
        self._last = -1
        self._media = 0
        self._arrival = 0
        self._given = 0
        self._interval = TIMESCALE // 25
        self._doubts = 0
        self._suspect = (0, 0)

    @property
    def restamped(self) -> bool:
        """The last frame's own timestamp could not be."""
        return self._doubts > 0

    def push(self, timestamp: int, arrival: int, *, span: int) -> int:
        """Media time of a frame; `span` is how far back it may reach (0 for a stream without reordering)."""
        if self._last < 0:
            return self._accept(timestamp, 0, arrival)
        delta = self._delta(timestamp, self._last)
        if abs(delta - (arrival - self._arrival)) <= JUMP and delta >= -span:
            if 0 < delta < 2 * TIMESCALE:
                self._interval = delta
            return self._accept(timestamp, self._media + delta, arrival)
        return self._doubt(timestamp, arrival, span)

    def at(self, timestamp: int) -> int | None:
        """Media time of a timestamp near the last frame's, or None if it is far from it."""
        if self._last < 0:
            return None
        delta = self._delta(timestamp, self._last)
        return self._media + delta if abs(delta) < 60 * TIMESCALE else None

    def _doubt(self, timestamp: int, arrival: int, span: int) -> int:
        """Re-stamp a frame that cannot be; if the next goes on from there, the camera's clock really jumped."""
        if self._doubts:
            since, media = self._suspect
            delta = self._delta(timestamp, since)
            if -span <= delta <= JUMP:
                self.jumps += 1
                return self._accept(timestamp, media + delta, arrival)
        self._doubts += 1
        expected = self._media + arrival - self._arrival
        likely = max(expected - TIMESCALE, min(expected + TIMESCALE, self._given + self._interval))
        media = max(self._given + 1, likely)
        self._suspect = (timestamp, media)
        self._given = media
        return media

    def _accept(self, timestamp: int, media: int, arrival: int) -> int:
        self._last, self._media, self._arrival = timestamp & 0xFFFFFFFF, media, arrival
        self._given = media
        self._doubts = 0
        return media

    def _delta(self, new: int, old: int) -> int:
        delta = (new - old) & 0xFFFFFFFF
        delta -= (delta >> 31) << 32
        return delta if self._rate == TIMESCALE else delta * TIMESCALE // self._rate


class DecodeOrder(Generic[T]):
    """Decode times of frames that come in decode order with presentation times: the i-th frame gets the i-th smallest.

    So decode and presentation cover the same interval. It holds back as many frames as come out of order, none if none.
    """

    def __init__(self) -> None:
        self.depth = 0
        self.reordered = 0
        """Frames that came after one that is shown later."""
        self._times: list[int] = []
        self._frames: deque[tuple[int, T]] = deque()
        self._latest = -(1 << 62)

    def push(self, presentation: int, frame: T) -> list[tuple[int, int, T]]:
        """Take a frame; returns (decode time, presentation time, frame) of those whose decode time is settled."""
        if not self.depth and presentation >= self._latest:
            self._latest = presentation
            return [(presentation, presentation, frame)]
        if presentation < self._latest:
            self.reordered += 1
            self.depth = min(max(self.depth, 1 + sum(t > presentation for t in self._times)), 4)
        self._latest = max(self._latest, presentation)
        heapq.heappush(self._times, presentation)
        self._frames.append((presentation, frame))
        return self._pop(self.depth)

    def drain(self) -> list[tuple[int, int, T]]:
        """All frames still held back."""
        return self._pop(0)

    def _pop(self, keep: int) -> list[tuple[int, int, T]]:
        ready: list[tuple[int, int, T]] = []
        while len(self._frames) > keep:
            presentation, frame = self._frames.popleft()
            ready.append((heapq.heappop(self._times), presentation, frame))
        return ready


class BoxClock:
    """The box's wall clock against its monotonic clock: small corrections are followed slowly, a step is reported."""

    def __init__(self) -> None:
        self.offset_ns = 0
        """UTC minus monotonic time, as applied."""
        self.known = False
        self._last = 0

    def follow(self, utc_ns: int, monotonic_ns: int) -> int:
        """Look at both clocks; nanoseconds by which the wall clock was set, or 0. A step stays until `reset`."""
        if not self.known:
            self.reset(utc_ns, monotonic_ns)
        moved = utc_ns - monotonic_ns - self.offset_ns
        if abs(moved) > CLOCK_STEP_NS:
            return moved
        limit = int(SLEW * (monotonic_ns - self._last))
        self.offset_ns += max(-limit, min(limit, moved))
        self._last = monotonic_ns
        return 0

    def reset(self, utc_ns: int, monotonic_ns: int) -> None:
        """Take over the wall clock as it is now."""
        self.offset_ns = utc_ns - monotonic_ns
        self.known = True
        self._last = monotonic_ns


class Timeline:
    """Media time to UTC x 90,000 on the box's clock: `watch` the first frames, `anchor`, then `observe` and `wall`."""

    def __init__(self, box: BoxClock) -> None:
        self.arrival_timed = False
        """Frames are timed by arrival: the camera's own rate or clock is not believable now."""
        self._box = box
        self._skew = SkewEstimator()
        self._offset = 0.0
        self._corrected = 0.0
        self._last_arrival = 0
        self._last_wall = 0

    @property
    def slope_ppm(self) -> float:
        """How much faster (+) or slower (-) the media clock runs than the box's."""
        return -1e6 * self._skew.slope

    def watch(self, media: int, monotonic_ns: int) -> None:
        """A frame before the anchor."""
        time = monotonic_ns / 1e9
        self._skew.add(time, time - media / TIMESCALE)
        self._last_arrival = monotonic_ns

    def anchor(self) -> None:
        """Media time is placed by the least delayed frame so far."""
        self._corrected = self._last_arrival / 1e9
        self._offset = self._skew.target(self._corrected)

    def observe(self, media: int, monotonic_ns: int) -> None:
        """A frame arrived: correct the timeline by what it says."""
        time = monotonic_ns / 1e9
        self._skew.add(time, time - media / TIMESCALE)
        self._last_arrival = monotonic_ns
        if self.arrival_timed or time - self._corrected >= _CORRECT_EVERY:
            self._correct(time)

    def _correct(self, time: float) -> None:
        elapsed, self._corrected = time - self._corrected, time
        skew = self._skew
        error = skew.target(time) - self._offset
        tolerance = _CORRECTED if self.arrival_timed else _TOLERANCE
        self.arrival_timed = skew.believed or abs(error) > tolerance
        fastest = abs(skew.slope) + _CATCH_UP if self.arrival_timed else SLEW
        self._offset += max(-fastest * elapsed, min(fastest * elapsed, error))

    def wall(self, media: int) -> int:
        """UTC x 90,000 of a media time; always later than the one before."""
        box = self._box.offset_ns
        wall = media + round(self._offset * TIMESCALE) + ns_to_ticks(box)
        latest = ns_to_ticks(self._last_arrival + box) + _AHEAD
        wall = min(wall, latest)
        if wall <= self._last_wall:
            wall = self._last_wall + 1
        self._last_wall = wall
        return wall
