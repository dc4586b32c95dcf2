"""Who watches what, and what is live: leases, sliding windows, rings of parts, and players that wait for the next one.

All of it is memory that can be lost: a restart of the centre costs a watching player one reload.
"""

import asyncio
from collections import OrderedDict
from typing import Final

from aigaq.archive.boxes import read_fragment
from aigaq.archive.errors import NotASegmentError, NotLiveError
from aigaq.archive.model import StreamKey
from aigaq.archive.parts import PartName, PartRing
from aigaq.archive.windows import LiveWindow
from aigaq.base import Clock

LEASE_NS: Final = 15_000_000_000
FORGET_NS: Final = 60_000_000_000
WAIT_S: Final = 6.0
"""A blocking request is answered after three target durations at the latest (RFC 8216bis §6.2.5.2)."""
AHEAD: Final = 2
"""A request for more segments ahead than this is a mistake of the player."""


class Live:
    """The live side of the archive."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.windows: dict[StreamKey, LiveWindow] = {}
        self.dvr: OrderedDict[StreamKey, LiveWindow] = OrderedDict()
        self._dvr_used: dict[StreamKey, int] = {}
        self._leases: dict[StreamKey, int] = {}
        self._rings: dict[StreamKey, PartRing] = {}
        self._arrivals: dict[StreamKey, asyncio.Event] = {}

    # ---- leases

    def watch(self, key: StreamKey) -> None:
        """Somebody watches this stream with low latency; parts of an earlier time would only lead the player astray."""
        if not self.is_watched(key):
            self._rings.pop(key, None)
        self._leases[key] = self._clock.monotonic_ns() + LEASE_NS

    def is_watched(self, key: StreamKey) -> bool:
        """Whether its parts are wanted."""
        return self._leases.get(key, 0) > self._clock.monotonic_ns()

    def watched(self, station: str) -> list[StreamKey]:
        """The watched streams of a station; leases that ran out long ago are forgotten, with their parts."""
        now = self._clock.monotonic_ns()
        for key in [k for k, until in self._leases.items() if until + FORGET_NS < now]:
            del self._leases[key]
            self._rings.pop(key, None)
            self._arrivals.pop(key, None)
        return sorted(k for k, until in self._leases.items() if k.station == station and until > now)

    # ---- parts

    def push(self, key: StreamKey, name: PartName, data: bytes, init: str) -> None:
        """Take a live part, and wake who waits for it.

        Raises:
            NotASegmentError: it is not a fragment.
        """
        try:
            fragment = read_fragment(data)
        except ValueError as error:
            raise NotASegmentError("part", problem=str(error)) from error
        ring = self._rings.get(key)
        if ring is None:
            base = f"/media/part/{key.station}/{key.camera}/{key.stream}/"
            ring = self._rings[key] = PartRing(base, init)
        if ring.add(name, fragment, data, init):
            self._arrivals.pop(key, asyncio.Event()).set()

    async def playlist(self, key: StreamKey, msn: int | None, part: int | None) -> bytes:
        """The low-latency playlist; waits until it holds what was asked for, or anything at all.

        Raises:
            NotLiveError: no parts come, or the request is for a far future.
        """
        self.watch(key)
        deadline = self._clock.monotonic_ns() + int(WAIT_S * 1e9)
        while not self._ready(key, msn, part):
            if not await self._arrival(key, deadline):
                break
        ring = self._rings.get(key)
        if ring is None or not ring.segments:
            raise NotLiveError("/".join(key))
        return ring.text

    def _ready(self, key: StreamKey, msn: int | None, part: int | None) -> bool:
        ring = self._rings.get(key)
        if ring is None or not ring.segments:
            return False
        if msn is not None and msn > ring.last_msn + AHEAD:
            raise NotLiveError("/".join(key))
        return msn is None or ring.has(msn, part)

    async def part(self, key: StreamKey, name: PartName) -> bytes:
        """A part's bytes; waits for the one that players are told to expect.

        Raises:
            NotLiveError: it is not here, and not the next.
        """
        ring = self._rings.get(key)
        deadline = self._clock.monotonic_ns() + int(WAIT_S * 1e9)
        while ring and ring.is_next(name) and await self._arrival(key, deadline):
            pass
        data = ring.find(name) if ring else None
        if data is None:
            raise NotLiveError("/".join(key))
        return data

    def segment(self, key: StreamKey, run: int, first: int, last: int) -> bytes:
        """A whole live segment, from its parts.

        Raises:
            NotLiveError: no longer here.
        """
        ring = self._rings.get(key)
        data = ring.find_segment(run, first, last) if ring else None
        if data is None:
            raise NotLiveError("/".join(key))
        return data

    async def _arrival(self, key: StreamKey, deadline: int) -> bool:
        """Wait for the next part of a stream; False when the time is up."""
        left = (deadline - self._clock.monotonic_ns()) / 1e9
        if left <= 0:
            return False
        event = self._arrivals.setdefault(key, asyncio.Event())
        try:
            async with asyncio.timeout(left):  # `wait_for` of Python 3.11 can swallow a cancellation
                await event.wait()
        except TimeoutError:
            return False
        return True

    # ---- windows of several hours, kept only while somebody asks for them

    def dvr_window(self, key: StreamKey) -> LiveWindow | None:
        """The long window of a stream, if it is kept."""
        now = self._clock.monotonic_ns()
        while self.dvr and self._dvr_used[next(iter(self.dvr))] + FORGET_NS < now:
            self._dvr_used.pop(self.dvr.popitem(last=False)[0])
        if key in self.dvr:
            self._touch_dvr(key)
        return self.dvr.get(key)

    def keep_dvr(self, key: StreamKey, window: LiveWindow) -> None:
        """Keep a long window."""
        self.dvr[key] = window
        self._touch_dvr(key)

    def _touch_dvr(self, key: StreamKey) -> None:
        self._dvr_used[key] = self._clock.monotonic_ns()
        self.dvr.move_to_end(key)
