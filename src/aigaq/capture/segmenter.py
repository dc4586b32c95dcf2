"""Frames in, parts and segments out: whole GOPs of at least 2 s, cut at 6 s if no key frame comes. Pure.

A segment is the unit of sealing and can be decoded on its own, unless its flag says that it had to be cut.
"""

from typing import Final

from aigaq.capture.fmp4 import NTP_OF_CAMERA, NTP_OF_WRITER, Sample, fragment, segment_head
from aigaq.capture.model import TIMESCALE, CameraClock, Init, Part, SegmentEnd, Sink
from aigaq.capture.rtp import ns_to_ntp
from aigaq_verify import Flag

PART: Final = TIMESCALE * 42 // 100
"""With a frame and a beat of the intake, what a killed process loses: 0.5 s. A little more than 0.4 s, so that a clock
being slewed does not make parts of 10 frames at 25 per second into parts of 9."""
SEGMENT: Final = 2 * TIMESCALE
LONGEST: Final = 6 * TIMESCALE
MAX_PART_BYTES: Final = 16 * 1024 * 1024
_SLACK: Final = TIMESCALE // 10
"""A GOP of nominally 2 s that a slewed clock makes a little shorter is still whole."""


class Segmenter:
    """Reports to a sink. `phase` in [0, 1) makes the first segment shorter, so that many cameras do not cut at once.

    Shorter, not longer: players stay three of a playlist's longest segments behind.
    """

    def __init__(self, sink: Sink, *, phase: float = 0.0) -> None:
        self.slope_ppm = 0.0
        self.camera_clock: CameraClock | None = None
        self._sink = sink
        self._init: Init | None = None
        self._least = SEGMENT - _SLACK - int((phase % 1.0) * SEGMENT)
        self._number = 0
        self._running = False
        self._start = self._end = 0
        self._frames = 0
        self._lost = 0
        self._flags = Flag.NONE
        self._keyed = False
        self._index = 0
        self._samples: list[Sample] = []
        self._size = 0
        self._head = b""
        self._part_start = 0

    @property
    def running(self) -> bool:
        """A run is under way."""
        return self._running

    def push(self, sample: Sample, utc_ns: int) -> None:
        """Take the next frame; a run begins with a key frame, what comes before it is dropped."""
        if not self._running and not sample.key:
            return
        if self._frames and self._must_cut(sample):
            self._end_segment()
        if not self._frames:
            self._begin_segment(sample, utc_ns)
        if self._samples and sample.start + sample.duration - self._part_start > PART:
            self._end_part()
        self._add(sample)

    def stop(self) -> None:
        """Close what is open; the next run begins with a key frame."""
        if self._frames:
            self._end_segment()
        self._running = False

    def _must_cut(self, sample: Sample) -> bool:
        length = sample.start - self._start
        if sample.key:
            return length >= self._least or not self._keyed or self._is_new(sample.init)
        if length + sample.duration > LONGEST:
            self._flags |= Flag.NO_IDR
            return True
        return False

    def _is_new(self, init: Init) -> bool:
        return self._init is None or init.sha256 != self._init.sha256

    def _begin_segment(self, sample: Sample, utc_ns: int) -> None:
        if self._is_new(sample.init):
            self._init = sample.init
            self._sink.init(sample.init)
        self._running = True
        self._start = self._end = self._part_start = sample.start
        self._keyed = sample.key
        self._flags = Flag.NONE if sample.key else Flag.NO_IDR
        self._lost = self._index = 0
        ntp, kind = (ns_to_ntp(utc_ns), NTP_OF_WRITER) if sample.ntp is None else (sample.ntp, NTP_OF_CAMERA)
        self._head = segment_head(sample.start + sample.offset, ntp, kind)

    def _add(self, sample: Sample) -> None:
        if not self._samples:
            self._part_start = sample.start
        self._samples.append(sample)
        self._frames += 1
        self._size += len(sample.data)
        self._end = sample.start + sample.duration
        self._lost += sample.lost
        if sample.arrival_timed:
            self._flags |= Flag.ARRIVAL_TIMING
        # the next frame would not fit: do not let the watchers wait for it
        if self._end - self._part_start + sample.duration > PART or self._size > MAX_PART_BYTES:
            self._end_part()

    def _end_part(self) -> None:
        samples, self._samples = self._samples, []
        self._number += 1
        self._size = 0
        chunks = fragment(self._number, samples)
        if self._head:
            chunks.insert(0, self._head)
            self._head = b""
        start = samples[0].start
        last = samples[-1]
        part = Part(self._index, chunks, start, last.start + last.duration - start, samples[0].key)
        self._index += 1
        self._part_start = self._end
        self._sink.part(part)

    def _end_segment(self) -> None:
        if self._samples:
            self._end_part()
        flags = self._flags | (Flag.RTP_LOSS if self._lost else Flag.NONE)
        end = SegmentEnd(
            self._start, self._end - self._start, self._frames, self._lost, flags, self.slope_ppm, self.camera_clock
        )
        self._frames = 0
        self._least = SEGMENT - _SLACK
        self._sink.segment_end(end)
