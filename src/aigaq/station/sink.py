"""What a recorder talks to: hands its parts to the writer and to live viewers, and never waits for a disk.

A disk that is too slow shows here as a full queue: the footage that finds no place is dropped up to the next segment,
and the writer is told in the same order, so that the drop is a `disk_full` gap to the millisecond.
"""

from collections.abc import Callable
from functools import partial

from aigaq.base import Clock, utc_ms
from aigaq.capture import Init, Part, SegmentEnd
from aigaq.station.stream import StreamName, StreamWriter
from aigaq.station.writer import Writer
from aigaq_verify import Flag, GapCause

SLOW_DISK = "the disk is slower than the cameras"


class StreamSink:
    """The `Sink` of one stream; lives on the event loop."""

    def __init__(
        self, stream: StreamWriter, writer: Writer, clock: Clock, *, flags: Callable[[], Flag], live: "LiveTap"
    ) -> None:
        self._stream = stream
        self._writer = writer
        self._clock = clock
        self._flags = flags
        self._live = live
        self._dropping = False

    def init(self, init: Init) -> None:
        """The parts that follow need this init."""
        self._writer.post(partial(self._stream.init, init))

    def part(self, part: Part) -> None:
        """Some 0.4 s more."""
        if self._dropping and (part.index or self._writer.congested):
            return
        if self._writer.full:
            self._dropping = True
            self._post_stop(GapCause.DISK_FULL, SLOW_DISK)
            return
        self._dropping = False
        self._writer.post(partial(self._stream.part, part), part.size)
        self._live.part(self._stream.name, part)

    def segment_end(self, end: SegmentEnd) -> None:
        """The open segment is complete."""
        if not self._dropping:
            self._writer.post(partial(self._stream.segment_end, end, self._flags()))

    def stopped(self, cause: GapCause, detail: str) -> None:
        """Footage ceased now."""
        self._live.stopped(self._stream.name)
        self._post_stop(cause, detail)

    def _post_stop(self, cause: GapCause, detail: str) -> None:
        self._writer.post(partial(self._stream.stopped, utc_ms(self._clock), cause, detail))


class LiveTap:
    """Where parts go besides the disk; this one takes nothing."""

    def part(self, name: StreamName, part: Part) -> None:
        """Some 0.4 s more."""

    def stopped(self, name: StreamName) -> None:
        """Footage ceased."""
