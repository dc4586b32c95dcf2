"""How one stream is doing: a snapshot for people and alarms."""

import enum
from collections import deque
from dataclasses import dataclass
from typing import Final

_WINDOW_NS: Final = 5_000_000_000


class StreamState(enum.StrEnum):
    """What the recorder is doing."""

    CONNECTING = "connecting"
    WAITING = "waiting"
    """Connected; no key frame yet."""
    RECORDING = "recording"
    STOPPED = "stopped"
    """No footage; the next attempt follows."""


@dataclass(frozen=True, slots=True)
class StreamHealth:
    """A snapshot. `None` means not known (yet)."""

    state: StreamState
    last_frame_age_ms: int | None
    fps: float
    bit_rate: int
    """Bits per second over the last seconds."""
    rtp_lost: int
    """Packets lost since the recorder started."""
    clock_offset_ms: int | None
    """Camera's clock minus the box's, as of the last sender report."""
    slope_ppm: float
    codec: str
    width: int
    height: int
    last_error: str
    """Code of what last went wrong; empty if nothing did."""


class Meter:
    """Frames and bytes per second over the last five seconds."""

    def __init__(self) -> None:
        self.fps = 0.0
        self.bit_rate = 0
        self._marks: deque[tuple[int, int, int]] = deque()

    def mark(self, monotonic_ns: int, frames: int, octets: int) -> None:
        """Totals so far."""
        marks = self._marks
        marks.append((monotonic_ns, frames, octets))
        while len(marks) > 2 and monotonic_ns - marks[1][0] >= _WINDOW_NS:
            marks.popleft()
        since, frames_then, octets_then = marks[0]
        seconds = (monotonic_ns - since) / 1e9
        if seconds > 0:
            self.fps = (frames - frames_then) / seconds
            self.bit_rate = round(8 * (octets - octets_then) / seconds)
