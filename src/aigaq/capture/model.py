"""Values of capture: sources, parts, segments and what a recorder reports. No I/O, no elections."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from aigaq_verify import Flag, GapCause

TIMESCALE = 90_000
"""Ticks per second of every media timeline: RTP video's clock (RFC 6184 §8.2.1)."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where one stream comes from: `rtsp://…`, `rtmp://…` (listens), or a file path. The address holds no password."""

    url: str
    username: str = ""
    password: str = ""


@dataclass(frozen=True, slots=True)
class Init:
    """A CMAF initialisation segment, named by its own hash; a new SPS or PPS makes a new one."""

    sha256: bytes
    data: bytes
    codec: str
    """RFC 6381 string, for example `avc1.64001f`."""
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class CameraClock:
    """The camera's own clock as its last RTCP sender report told it; evidence, never the timeline."""

    ntp_ms: int
    """What the camera said, UTC milliseconds."""
    box_ms: int
    """When the box heard it, UTC milliseconds."""


@dataclass(frozen=True, slots=True)
class Part:
    """About 0.4 s of a segment: one `moof` and its `mdat`, after `styp prft` in the first part."""

    index: int
    """0 for the first part of its segment."""
    chunks: Sequence[bytes | bytearray]
    """Its bytes in pieces: the frames as they were taken in."""
    start: int
    """tfdt of its first frame: UTC x 90,000."""
    duration: int
    """In ticks of 1/90,000 s."""
    independent: bool
    """Starts with a key frame."""

    @property
    def size(self) -> int:
        """Its bytes."""
        return sum(map(len, self.chunks))

    @property
    def data(self) -> bytes:
        """Its bytes in one, a copy."""
        return b"".join(self.chunks)


@dataclass(frozen=True, slots=True)
class SegmentEnd:
    """Facts of a segment whose last part has been reported. `[start, start + duration)` in UTC x 90,000."""

    start: int
    duration: int
    frames: int
    lost_packets: int
    flags: Flag
    slope_ppm: float
    """How much faster (+) or slower (-) the camera's media clock ran than the box's."""
    camera_clock: CameraClock | None


class Sink(Protocol):
    """Receives what one recorder makes, in order, on the event loop; must return at once.

    The order is `init` before the first part that needs it, then `part`…, `segment_end`, again and again, and `stopped`
    whenever footage ceases. After `stopped` the next part starts a new run.
    """

    def init(self, init: Init) -> None:
        """The parts that follow need this initialisation segment."""
        ...

    def part(self, part: Part) -> None:
        """Some 0.4 s more; part 0 opens a segment."""
        ...

    def segment_end(self, end: SegmentEnd) -> None:
        """The open segment is complete."""
        ...

    def stopped(self, cause: GapCause, detail: str) -> None:
        """Footage ceased now; `detail` is for the operator. Called again when the cause changes."""
        ...
