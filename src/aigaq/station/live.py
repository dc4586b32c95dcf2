"""Live parts for the cameras that somebody watches now. No evidence: what is late is dropped.

After a drop nothing is sent until the next segment begins, for a player can start only there.
"""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Final, Never

from aigaq.capture import Part
from aigaq.station.center import Center, RefusalError
from aigaq.station.errors import CenterUnreachableError
from aigaq.station.sink import LiveTap
from aigaq.station.stream import StreamName, to_ms

MAX_QUEUED: Final = 5
"""Two seconds of parts: a part that would wait longer comes after its own sealed segment."""


@dataclass(slots=True)
class _Stream:
    run_ms: int = 0
    number: int = -1
    """Of the newest part in its run."""
    flowing: bool = False
    """Everything since the last segment's beginning was sent or is queued."""
    queued: deque[tuple[str, bytes]] = field(default_factory=deque[tuple[str, bytes]])
    news: asyncio.Event = field(default_factory=asyncio.Event)


class LivePush(LiveTap):
    """Takes every part, sends those of watched streams in order."""

    def __init__(self, center: Center) -> None:
        self._center = center
        self._streams: dict[StreamName, _Stream] = {}

    def part(self, name: StreamName, part: Part) -> None:
        """Some 0.4 s more."""
        stream = self._streams.setdefault(name, _Stream())
        if stream.number < 0:
            stream.run_ms = to_ms(part.start)
        stream.number += 1
        if f"{name.camera}/{name.stream}" not in self._center.watched:
            stream.flowing = False
            return
        if part.index == 0:
            stream.flowing = True
        if len(stream.queued) >= MAX_QUEUED:
            stream.flowing = False
        if stream.flowing:
            path = f"part/{name.camera}/{name.stream}/{stream.run_ms}/{stream.number}"
            stream.queued.append((path, part.data))
            stream.news.set()

    def stopped(self, name: StreamName) -> None:
        """Footage ceased: the next part begins a new run."""
        self._streams.setdefault(name, _Stream()).number = -1

    async def run(self, names: list[StreamName]) -> None:
        """Send until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for name in names:
                tasks.create_task(self._send(self._streams.setdefault(name, _Stream())))

    async def _send(self, stream: _Stream) -> Never:
        while True:
            await stream.news.wait()
            stream.news.clear()
            while stream.queued:
                path, data = stream.queued.popleft()
                try:
                    await self._center.put_part(path, data)
                except (CenterUnreachableError, RefusalError):
                    stream.queued.clear()
                    stream.flowing = False
