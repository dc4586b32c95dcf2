"""A sink that keeps everything, and what tests ask of it."""

from dataclasses import dataclass, field

from aigaq.capture import Init, Part, SegmentEnd
from aigaq_verify import GapCause


@dataclass
class Segment:
    init: Init
    parts: list[Part] = field(default_factory=list)
    end: SegmentEnd | None = None

    @property
    def data(self) -> bytes:
        return b"".join(p.data for p in self.parts)


@dataclass
class KeepingSink:
    """Checks the order that `Sink` promises while it keeps what comes."""

    segments: list[Segment] = field(default_factory=list)
    inits: list[Init] = field(default_factory=list)
    stops: list[tuple[GapCause, str]] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    open: Segment | None = None

    def init(self, init: Init) -> None:
        assert self.open is None, "init inside a segment"
        self.inits.append(init)
        self.events.append("init")

    def part(self, part: Part) -> None:
        if self.open is None:
            assert part.index == 0
            assert self.inits, "a part before any init"
            self.open = Segment(self.inits[-1])
            self.events.append("segment")
        assert part.index == len(self.open.parts)
        assert part.duration > 0
        if self.open.parts:
            last = self.open.parts[-1]
            assert part.start == last.start + last.duration
        self.open.parts.append(part)

    def segment_end(self, end: SegmentEnd) -> None:
        assert self.open is not None, "the end of nothing"
        first, last = self.open.parts[0], self.open.parts[-1]
        assert (end.start, end.start + end.duration) == (first.start, last.start + last.duration)
        self.open.end = end
        self.segments.append(self.open)
        self.open = None
        self.events.append("end")

    def stopped(self, cause: GapCause, detail: str) -> None:
        assert self.open is None, "stopped inside a segment"
        self.stops.append((cause, detail))
        self.events.append(str(cause))

    def file(self) -> bytes:
        """The first init and all segments that need it, as one file."""
        return self.inits[0].data + b"".join(s.data for s in self.segments if s.init.sha256 == self.inits[0].sha256)
