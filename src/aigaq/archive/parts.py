"""Low-latency live: parts of half a second that have not been sealed yet. Pure; parts in, playlist text out.

They are kept in memory for some seconds, are not evidence, and never reach the disk. The sealed segment follows by the
ordinary way a little later, with the same bytes.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from aigaq.archive.boxes import Fragment
from aigaq.archive.playlists import GAP_URI, TARGET_S, map_line, pdt

KEEP_SEGMENTS: Final = 8
PART_SEGMENTS: Final = 4
"""Parts are listed for this many newest segments; RFC 8216bis §4.4.4.9 wants three target durations."""
PART_TARGET_S: Final = 0.42
MAX_PART: Final = 8 << 20
MAX_STEP_MS: Final = 10_000
"""A longer pause, or a clock set back further, begins the playlist anew."""


class PartName(NamedTuple):
    """Where a part stands: the start of its run and its number in it."""

    run: int
    number: int


@dataclass(frozen=True, slots=True)
class LivePart:
    """A part as it came, in UTC milliseconds."""

    name: PartName
    data: bytes
    start_ms: int
    duration_ms: int
    independent: bool

    @property
    def end_ms(self) -> int:
        """First millisecond after it."""
        return self.start_ms + self.duration_ms


@dataclass(slots=True)
class LiveSegment:
    """The parts of one segment, so far."""

    run: int
    parts: list[LivePart] = field(default_factory=list["LivePart"])
    done: bool = False
    torn: bool = False
    """A part was lost on the way: only the sealed segment will have it."""

    @property
    def duration_ms(self) -> int:
        """Sum of the parts."""
        return sum(p.duration_ms for p in self.parts)

    @property
    def span(self) -> str:
        """Name of the whole: run, first and last part number."""
        return f"{self.run}/{self.parts[0].name.number}-{self.parts[-1].name.number}.m4s"


class PartRing:
    """The newest parts of one watched stream."""

    def __init__(self, base: str, init: str) -> None:
        self.base = base
        """Address of the stream's parts, ending in a slash."""
        self.init = init
        self.first = 0
        self.segments: deque[LiveSegment] = deque()
        self.part_target = PART_TARGET_S
        self._target = TARGET_S
        self._text: bytes | None = None

    @property
    def last_msn(self) -> int:
        """Media sequence number of the segment under way."""
        return self.first + len(self.segments) - 1

    @property
    def last_part(self) -> int:
        """Index of the newest part in the segment under way."""
        return len(self.segments[-1].parts) - 1 if self.segments else -1

    def has(self, msn: int, part: int | None) -> bool:
        """Whether the playlist already holds what a blocking request asks for (RFC 8216bis §6.2.5.2)."""
        if not self.segments or msn > self.last_msn:
            return False
        if msn < self.last_msn or self.segments[-1].done:
            return True
        return part is not None and part <= self.last_part

    def is_next(self, name: PartName) -> bool:
        """Whether that is the part which a player is told to expect."""
        return bool(self.segments) and name == self._expected()

    def add(self, name: PartName, fragment: Fragment, data: bytes, init: str) -> bool:
        """Take a part in order; False if it is late, or if it cannot be played without what was lost before it."""
        expected = self._expected() if self.segments else None
        if expected and name.run == expected.run and name.number < expected.number:
            return False
        part = LivePart(name, data, round(fragment.start / 90), round(fragment.duration / 90), fragment.independent)
        if fragment.opens_segment:
            self._open(part, init, torn=expected is not None and name != expected)
        elif name != expected or self.segments[-1].torn:
            self._tear()
            return False
        self.segments[-1].parts.append(part)
        self.part_target = max(self.part_target, part.duration_ms / 1000)
        self._text = None
        return True

    def find(self, name: PartName) -> bytes | None:
        """A part's bytes."""
        return next((p.data for s in self.segments for p in s.parts if p.name == name), None)

    def find_segment(self, run: int, first: int, last: int) -> bytes | None:
        """A whole segment's bytes: those of the sealed one, for parts are only cut, never changed."""
        for s in self.segments:
            if s.done and (s.run, s.parts[0].name.number, s.parts[-1].name.number) == (run, first, last):
                return b"".join(p.data for p in s.parts)
        return None

    @property
    def text(self) -> bytes:
        """The playlist, made once for each change."""
        if self._text is None:
            self._text = "".join([*self._head(), *self._entries(), self._hint()]).encode()
        return self._text

    def _expected(self) -> PartName:
        last = self.segments[-1].parts[-1].name
        return PartName(last.run, last.number + 1)

    def _tear(self) -> None:
        if self.segments:
            self.segments[-1].torn = True
            self._text = None

    def _open(self, part: LivePart, init: str, *, torn: bool) -> None:
        pause = 0
        if not self.segments:
            self.first = max(self.first, part.start_ms // 1000)
        else:
            last = self.segments[-1]
            last.done, last.torn = True, last.torn or (torn and last.run == part.name.run)
            self._target = max(self._target, round(last.duration_ms / 1000))
            pause = part.start_ms - last.parts[-1].end_ms
        if init != self.init or not -MAX_STEP_MS <= pause <= MAX_STEP_MS:
            # Nothing before it can be played into it: begin anew, under higher numbers.
            self.first += len(self.segments)
            self.segments.clear()
            self.init = init
        self.segments.append(LiveSegment(part.name.run))
        while len(self.segments) > KEEP_SEGMENTS:
            self.segments.popleft()
            self.first += 1

    def _head(self) -> list[str]:
        hold = max(3 * self.part_target, 1.5)
        return [
            f"#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:{self._target}\n",
            f"#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK={hold:.3f}\n",
            f"#EXT-X-PART-INF:PART-TARGET={self.part_target:.3f}\n",
            f"#EXT-X-MEDIA-SEQUENCE:{self.first}\n",
            map_line(self.init),
        ]

    def _entries(self) -> list[str]:
        with_parts = len(self.segments) - PART_SEGMENTS
        lines: list[str] = []
        for number, segment in enumerate(self.segments):
            lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{pdt(segment.parts[0].start_ms)}\n")
            if number >= with_parts:
                lines += [self._part_line(part) for part in segment.parts]
            if segment.done:
                gap, uri = ("#EXT-X-GAP\n", GAP_URI) if segment.torn else ("", self.base + segment.span)
                lines.append(f"{gap}#EXTINF:{segment.duration_ms / 1000:.3f},\n{uri}\n")
        return lines

    def _part_line(self, part: LivePart) -> str:
        independent = ",INDEPENDENT=YES" if part.independent else ""
        uri = f"{self.base}{part.name.run}/{part.name.number}.m4s"
        return f'#EXT-X-PART:DURATION={part.duration_ms / 1000:.3f},URI="{uri}"{independent}\n'

    def _hint(self) -> str:
        if self.segments[-1].torn:
            return ""
        expected = self._expected()
        return f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="{self.base}{expected.run}/{expected.number}.m4s"\n'
