"""Sliding windows of live playlists: append only, so that a number once given keeps its segment. Pure."""

from collections import deque
from collections.abc import Iterable
from typing import Final

from aigaq.archive.playlists import MAX_GAP_MS, TARGET_S, Item, Playable, Sequencer, live, target_seconds

LIVE_MS: Final = 60_000
DVR_MS: Final = 2 * 3600_000
_HOLD: Final = 2
"""Segments that may wait for one that was overtaken on the way."""


class LiveWindow:
    """The newest stretch of one stream.

    Uploads overtake one another: a segment whose predecessor is not here waits until it comes, or until another one
    waits behind it. What comes later than that is in the archive, but no more in this window.
    """

    def __init__(self, length_ms: int = LIVE_MS) -> None:
        self.length_ms = length_ms
        self.items: deque[Item] = deque()
        self.first = 0
        self.target = TARGET_S
        self.discontinuities = 0
        self._waiting: dict[int, Playable | None] = {}
        self._next_seq: int | None = None
        self._sequencer = Sequencer(max_gap_ms=min(length_ms, MAX_GAP_MS))
        self._text: bytes | None = None

    @property
    def end_ms(self) -> int | None:
        """Where the window ends now."""
        return self.items[-1].end_ms if self.items else None

    @property
    def text(self) -> bytes:
        """The playlist, made once for each change."""
        if self._text is None:
            self._text = live(
                self.items, first=self.first, discontinuities=self.discontinuities, target=self.target
            ).encode()
        return self._text

    @property
    def rates(self) -> tuple[int, int]:
        """Highest and mean bits per second of the segments in the window."""
        segments = [i for i in self.items if i.size]
        each = [i.size * 8000 // i.duration_ms for i in segments]
        return max(each), sum(i.size for i in segments) * 8000 // sum(i.duration_ms for i in segments)

    def load(self, segments: Iterable[tuple[int, Playable]], last_seq: int) -> None:
        """Begin with what is known already; `last_seq` numbers the stream's newest row, gaps counted."""
        for _, segment in sorted(segments, key=lambda s: s[0]):
            self._append(segment)
        self._next_seq = last_seq + 1

    def add(self, seq: int, segment: Playable | None) -> None:
        """A row has arrived: a segment, or a gap, which only fills its number."""
        if self._next_seq is None and segment is None:
            return
        if self._next_seq is not None and seq < self._next_seq:
            return
        self._waiting[seq] = segment
        self._release()

    def _release(self) -> None:
        while self._waiting:
            seq = min(self._waiting)
            held = sum(1 for s in self._waiting.values() if s)
            if self._next_seq not in {None, seq} and held < _HOLD:
                return
            if segment := self._waiting.pop(seq):
                self._append(segment)
            self._next_seq = seq + 1

    def _append(self, segment: Playable) -> None:
        if not self.items:
            # Numbers grow slower than seconds, so they also grow over a restart of the centre.
            self.first = segment.start_ms // 1000
        self.items.extend(self._sequencer.follow(segment))
        self.target = max(self.target, target_seconds([self.items[-1]]))
        self._slide(segment.end_ms - self.length_ms)
        self._text = None

    def _slide(self, begin_ms: int) -> None:
        """Drop from the front what ended before; after a clock was set back, what stands beyond it stays a while."""
        while self.items[0].end_ms <= begin_ms:
            self.discontinuities += self.items.popleft().discontinuity
            self.first += 1
