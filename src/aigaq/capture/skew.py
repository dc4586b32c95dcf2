"""How a camera's media clock drifts against the box: offset and slope from the least delayed frames. Pure arithmetic.

Delay only ever adds, so the lower envelope of (arrival - media time) is the truth (Moonfire's "least-delayed frame
wins"). Seconds are cut into bins that keep their smallest offset; a line through the bins gives the slope. The clock of
a camera that lies about its rate draws a straight line; a network that slows down for a while draws a step.
"""

from collections import deque
from itertools import islice
from typing import Final

BIN_SECONDS: Final = 1.0
WINDOW: Final = 60
"""Bins that are kept: a delay shorter than this moves nothing."""
SLEW: Final = 500e-6
"""Slope that an honest crystal may have, and the fastest that we correct for one."""
_SHORT: Final = 5
_LATE: Final = 0.5
"""Seconds: all frames this much later than they should be, for the whole short window, is a new regime."""
_VISIBLE: Final = 0.06
"""Seconds that a slope must explain to be seen."""
_STRAIGHT: Final = 8.0
"""How many times its noise a slope must explain."""


class SkewEstimator:
    """Feeds on (time, offset) of every frame in seconds; answers what the offset should be now."""

    def __init__(self) -> None:
        self.slope = 0.0
        """Seconds of offset gained per second: the media clock is slow if positive."""
        self.believed = False
        """The slope is beyond a crystal's and certain: the camera's rate is not believable."""
        self._bins: deque[tuple[float, float]] = deque(maxlen=WINDOW)
        self._bin_end = 0.0
        self._bin_time = 0.0
        self._bin_least = float("inf")
        self._base = float("inf")
        """The envelope at time 0."""

    def add(self, time: float, offset: float) -> None:
        """One frame: when it arrived, and arrival minus media time."""
        if time >= self._bin_end:
            self._close_bin()
            self._bin_end = time + BIN_SECONDS
            self._bin_least = float("inf")
        level = offset - self.slope * time
        if offset - self.slope * (time - self._bin_time) < self._bin_least or self._bin_least == float("inf"):
            self._bin_least, self._bin_time = offset, time
        self._base = min(self._base, level)

    def target(self, time: float) -> float:
        """The offset that the least delayed frame would have now."""
        return self._base + self.slope * time

    def shift(self, seconds: float) -> None:
        """Media time was re-based by us: every offset changes alike."""
        self._bins = deque(((t, o + seconds) for t, o in self._bins), maxlen=WINDOW)
        self._bin_least += seconds
        self._base += seconds

    def _close_bin(self) -> None:
        if self._bin_least == float("inf"):
            return
        self._bins.append((self._bin_time, self._bin_least))
        self._notice_new_regime()
        slope, straight = _fit(list(self._bins))
        self.believed = straight and abs(slope) > SLEW
        enough = len(self._bins) >= WINDOW // 2
        self.slope = slope if self.believed else max(-SLEW, min(SLEW, slope)) if enough else 0.0
        self._base = min(o - self.slope * t for t, o in self._bins)

    def _notice_new_regime(self) -> None:
        """Forget what came before a change of the camera's rate or a lasting change of delay."""
        if len(self._bins) <= _SHORT:
            return
        recent = list(islice(self._bins, len(self._bins) - _SHORT, None))
        late = all(o - self.target(t) > _LATE for t, o in recent)
        slope, straight = _fit(recent)
        span = recent[-1][0] - recent[0][0]
        if late or (straight and abs(slope - self.slope) * span > _VISIBLE):
            self._bins.clear()
            self._bins.extend(recent)


def _fit(points: list[tuple[float, float]]) -> tuple[float, bool]:
    """Least-squares slope, and whether the points really lie on a line that can be told from a level one."""
    n = len(points)
    if n < 4:
        return 0.0, False
    first, base = points[0]
    mean_t = sum(t - first for t, _ in points) / n
    mean_o = sum(o - base for _, o in points) / n
    tt = sum((t - first - mean_t) ** 2 for t, _ in points)
    to = sum((t - first - mean_t) * (o - base - mean_o) for t, o in points)
    slope = to / tt if tt > 0 else 0.0
    noise = sum((o - base - mean_o - slope * (t - first - mean_t)) ** 2 for t, o in points) / n
    explained = abs(slope) * (points[-1][0] - first)
    return slope, explained > _VISIBLE and explained > _STRAIGHT * noise**0.5
