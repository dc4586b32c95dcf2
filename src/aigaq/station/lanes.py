"""What to send next, and when: two lanes over the journal's waiting rows. Pure but for the rows it is shown.

The live lane carries gaps, then the newest sub-stream segments of the last minute; it never waits for its share of the
uplink. The backfill lane has what is left of the uplink: older sub-stream segments first (they bring back the whole
picture for a thirteenth of the bytes), then the main streams, oldest first.
"""

import enum
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Protocol

from aigaq.station.journal import StoredRow
from aigaq_verify import SegmentRecord

LIVE_MS: Final = 60_000
"""A sub-stream segment older than this is no longer live: a late viewer needs the newer ones first."""
RETRY_MIN_S, RETRY_MAX_S = 0.5, 60.0
HOLD_S: Final = 60.0
"""How long a row or camera that the centre does not know yet rests before it is offered again."""


class Lane(enum.StrEnum):
    """The two ways to the centre."""

    LIVE = "live"
    BACKFILL = "backfill"


class WaitingRows(Protocol):
    """What `JournalReader` tells of the rows that the centre lacks, without those of some cameras."""

    def waiting_gaps(self, without: Collection[str], count: int) -> list[StoredRow]:
        """The oldest gaps."""
        ...

    def waiting_newest(self, stream: str, since_ms: int, without: Collection[str], count: int) -> list[StoredRow]:
        """The newest segments that end after `since_ms`."""
        ...

    def waiting_oldest(self, stream: str, without: Collection[str], count: int) -> list[StoredRow]:
        """The oldest segments."""
        ...


@dataclass(slots=True)
class TokenBucket:
    """The uplink's bytes: filled with time, emptied by what is sent; live traffic may leave it in debt."""

    bytes_per_s: float | None
    burst_s: float = 1.0
    _level: float = field(default=0.0, init=False)
    _at: float | None = field(default=None, init=False)

    def take(self, size: int, now: float) -> None:
        """Account for bytes that are sent now."""
        self._fill(now)
        self._level -= size

    def wait_s(self, now: float) -> float:
        """Seconds until the backfill lane may send."""
        self._fill(now)
        return 0.0 if self.bytes_per_s is None else max(0.0, -self._level / self.bytes_per_s)

    def _fill(self, now: float) -> None:
        if self.bytes_per_s is None:
            self._level = 0.0
            return
        passed = 0.0 if self._at is None else max(0.0, now - self._at)
        self._level = min(self.bytes_per_s * self.burst_s, self._level + passed * self.bytes_per_s)
        self._at = now


@dataclass(slots=True)
class Backoff:
    """Doubles with each failure up to a bound; jittered so that ten thousand boxes do not return at once."""

    jitter: Callable[[], float]
    """A number in [0, 1)."""
    failures: int = 0
    until: float = 0.0

    def failed(self, now: float) -> None:
        """One more failure in a row."""
        self.failures += 1
        longest = min(RETRY_MAX_S, RETRY_MIN_S * 2 ** min(self.failures - 1, 10))
        self.until = now + longest * (0.5 + self.jitter() / 2)

    def succeeded(self) -> None:
        """The way is free."""
        self.failures, self.until = 0, 0.0


class Lanes:
    """Picks work; the caller sends it and reports what came of it. Times are monotonic seconds."""

    def __init__(self, rows: WaitingRows, bucket: TokenBucket, jitter: Callable[[], float]) -> None:
        self._rows = rows
        self._bucket = bucket
        self._backoff = {lane: Backoff(jitter) for lane in Lane}
        self._flying: set[int] = set()
        self._resting: dict[int, float] = {}
        self._held: dict[str, float] = {}

    def next(self, lane: Lane, now: float, now_ms: int) -> StoredRow | None:
        """The row to send now on that lane, marked as under way; None if there is none or the lane has to wait."""
        if self.wait_s(lane, now) > 0:
            return None
        self._wake(now)
        row = self._live(now_ms) if lane is Lane.LIVE else self._backfill(now_ms)
        if row:
            self._flying.add(row.index)
            self._bucket.take(_size(row), now)
        return row

    def wait_s(self, lane: Lane, now: float) -> float:
        """Seconds for which the lane must not send."""
        share = self._bucket.wait_s(now) if lane is Lane.BACKFILL else 0.0
        return max(self._backoff[lane].until - now, share, 0.0)

    def delivered(self, lane: Lane) -> None:
        """The centre answered for good; the row stays taken until the journal knows it too."""
        self._backoff[lane].succeeded()

    def recorded(self, indices: Iterable[int]) -> None:
        """The journal holds the answers to these rows."""
        self._flying.difference_update(indices)

    def failed(self, lane: Lane, row: StoredRow, now: float) -> None:
        """It did not get through: the lane waits, and then tries others before this one."""
        self._flying.discard(row.index)
        self._backoff[lane].failed(now)
        self._resting[row.index] = self._backoff[lane].until + RETRY_MIN_S

    def rest(self, row: StoredRow, now: float) -> None:
        """Something is wrong with this row alone; others go on."""
        self._flying.discard(row.index)
        self._resting[row.index] = now + HOLD_S

    def hold_camera(self, row: StoredRow, now: float) -> None:
        """The centre does not know this camera yet; others go on."""
        self._flying.discard(row.index)
        self._held[row.record.camera] = now + HOLD_S

    def pause(self, row: StoredRow, now: float) -> None:
        """The centre does not accept this box yet: nothing goes on."""
        self._flying.discard(row.index)
        for backoff in self._backoff.values():
            backoff.until = max(backoff.until, now + HOLD_S)

    def _live(self, now_ms: int) -> StoredRow | None:
        gap = self._first(self._rows.waiting_gaps)
        return gap or self._first(partial(self._rows.waiting_newest, "sub", now_ms - LIVE_MS))

    def _backfill(self, now_ms: int) -> StoredRow | None:
        old = self._first(partial(self._rows.waiting_oldest, "sub"))
        if old and isinstance(old.record, SegmentRecord) and abs(now_ms - old.record.end_ms) >= LIVE_MS:
            return old  # or ahead of the clock, which was set back since
        return self._first(partial(self._rows.waiting_oldest, "main"))

    def _first(self, ask: Callable[[Collection[str], int], list[StoredRow]]) -> StoredRow | None:
        """The first row that is neither under way nor resting: one more than those is enough to ask for."""
        busy = self._flying | self._resting.keys()
        return next((row for row in ask(self._held.keys(), len(busy) + 1) if row.index not in busy), None)

    def _wake(self, now: float) -> None:
        self._resting = {index: until for index, until in self._resting.items() if until > now}
        self._held = {camera: until for camera, until in self._held.items() if until > now}


def _size(row: StoredRow) -> int:
    return len(row.encoded) + (row.record.size if isinstance(row.record, SegmentRecord) else 0)
