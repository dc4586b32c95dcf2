"""HLS playlists as text (RFC 8216bis). Pure: segments and holes in, text out.

Wall time comes from each segment's own decode time, never from adding durations. A hole keeps its length on the
timeline as EXT-X-GAP segments of 2 s; a hole of more than ten minutes becomes a discontinuity instead, for no player
should walk through hundreds of empty entries.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from aigaq.base import from_ms
from aigaq_verify import HOLE_MS

GAP_MS: Final = 2000
MAX_GAP_MS: Final = 600_000
TARGET_S: Final = 2
GAP_URI: Final = "/media/gap.m4s"
"""Players must not load it (RFC 8216bis §4.4.4.7); it answers 404."""


@dataclass(frozen=True, slots=True)
class Playable:
    """A segment as a playlist names it."""

    start_ms: int
    duration_ms: int
    uri: str
    init: str
    """Hexadecimal SHA-256 of its initialisation segment."""
    size: int
    byte_range: tuple[int, int] | None = None
    """Length and offset inside the object."""

    @property
    def end_ms(self) -> int:
        """First millisecond after it."""
        return self.start_ms + self.duration_ms


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a media playlist: a segment, or a stretch of a hole."""

    start_ms: int
    duration_ms: int
    text: str
    """Its lines, but for those that depend on what stands before it."""
    init: str | None = None
    """The initialisation segment it needs; None in a hole."""
    discontinuity: bool = False
    size: int = 0

    @property
    def end_ms(self) -> int:
        """First millisecond after it."""
        return self.start_ms + self.duration_ms


class Sequencer:
    """Turns segments, in playing order, into entries: the hole before each one, then the segment."""

    def __init__(self, begin_ms: int | None = None, max_gap_ms: int = MAX_GAP_MS) -> None:
        self._edge = begin_ms
        self._max_gap = max_gap_ms
        self._init: str | None = None

    def follow(self, segment: Playable) -> Iterator[Item]:
        """The entries that this segment adds."""
        hole = 0 if self._edge is None else segment.start_ms - self._edge
        if HOLE_MS < hole <= self._max_gap:
            yield from gap_items(segment.start_ms - hole, segment.start_ms)
        jump = not -HOLE_MS <= hole <= self._max_gap
        broken = self._init is not None and (jump or segment.init != self._init)
        self._edge, self._init = segment.end_ms, segment.init
        text = segment_text(segment)
        yield Item(segment.start_ms, segment.duration_ms, text, segment.init, broken, segment.size)


@dataclass(frozen=True, slots=True)
class Variant:
    """One line of a master playlist."""

    uri: str
    codec: str
    width: int
    height: int
    peak: int
    """Bits per second."""
    average: int


def pdt(ms: int) -> str:
    """A wall time as EXT-X-PROGRAM-DATE-TIME wants it."""
    return f"{from_ms(ms):%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


def gap_items(start_ms: int, end_ms: int) -> Iterator[Item]:
    """A hole in pieces of 2 s; the last takes what is left, so that none is shorter than half."""
    while start_ms < end_ms:
        left = end_ms - start_ms
        length = left if left < GAP_MS * 3 // 2 else GAP_MS
        yield Item(start_ms, length, f"#EXT-X-GAP\n{_timing(start_ms, length)}{GAP_URI}\n")
        start_ms += length


def timeline(segments: Iterable[Playable], begin_ms: int) -> list[Item]:
    """All entries of a stretch that begins at `begin_ms`, holes included."""
    sequencer = Sequencer(begin_ms)
    return [item for segment in segments for item in sequencer.follow(segment)]


def segment_text(segment: Playable) -> str:
    """The lines of a segment."""
    place = segment.byte_range
    bytes_ = f"#EXT-X-BYTERANGE:{place[0]}@{place[1]}\n" if place else ""
    return f"{_timing(segment.start_ms, segment.duration_ms)}{bytes_}{segment.uri}\n"


def _timing(start_ms: int, duration_ms: int) -> str:
    return f"#EXT-X-PROGRAM-DATE-TIME:{pdt(start_ms)}\n#EXTINF:{duration_ms / 1000:.3f},\n"


def map_line(init: str) -> str:
    """The EXT-X-MAP line of an initialisation segment."""
    return f'#EXT-X-MAP:URI="/media/init/{init}.mp4"\n'


def body(items: Collection[Item]) -> str:
    """All entries, each EXT-X-MAP once where it starts to hold; the first stands before a hole in front, too."""
    init = next((item.init for item in items if item.init), None)
    lines = [map_line(init)] if init else []
    for item in items:
        if item.discontinuity:
            lines.append("#EXT-X-DISCONTINUITY\n")
        if item.init and item.init != init:
            init = item.init
            lines.append(map_line(init))
        lines.append(item.text)
    return "".join(lines)


def target_seconds(items: Iterable[Item]) -> int:
    """EXT-X-TARGETDURATION: no entry, rounded, is longer (RFC 8216bis §4.4.3.1)."""
    return max((round(i.duration_ms / 1000) for i in items), default=TARGET_S)


def vod(items: Sequence[Item]) -> str:
    """A finished stretch of the archive."""
    target = max(TARGET_S, target_seconds(items))
    head = f"#EXTM3U\n#EXT-X-VERSION:8\n#EXT-X-TARGETDURATION:{target}\n#EXT-X-PLAYLIST-TYPE:VOD\n"
    return f"{head}#EXT-X-MEDIA-SEQUENCE:0\n{body(items)}#EXT-X-ENDLIST\n"


def live(items: Collection[Item], *, first: int, discontinuities: int, target: int) -> str:
    """A sliding window; `first` numbers its first entry, `discontinuities` counts those that slid out."""
    head = f"#EXTM3U\n#EXT-X-VERSION:8\n#EXT-X-TARGETDURATION:{target}\n#EXT-X-MEDIA-SEQUENCE:{first}\n"
    return f"{head}#EXT-X-DISCONTINUITY-SEQUENCE:{discontinuities}\n{body(items)}"


def master(variants: Sequence[Variant]) -> str:
    """The streams of one camera."""
    lines = ["#EXTM3U\n#EXT-X-VERSION:8\n"]
    for v in variants:
        rate = f"BANDWIDTH={v.peak},AVERAGE-BANDWIDTH={v.average}"
        lines.append(f'#EXT-X-STREAM-INF:{rate},CODECS="{v.codec}",RESOLUTION={v.width}x{v.height}\n{v.uri}\n')
    return "".join(lines)
