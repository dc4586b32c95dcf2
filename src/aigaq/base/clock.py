"""Time, injected: wall time, a clock that never steps, and sleep. Nothing else asks the system for the time."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the product may know about time."""

    def utc_ns(self) -> int:
        """Nanoseconds since the Unix epoch, UTC; may step when the system clock is set."""
        ...

    def monotonic_ns(self) -> int:
        """Nanoseconds of a clock that never steps."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The machine's clocks."""

    def utc_ns(self) -> int:
        """Nanoseconds since the Unix epoch, UTC."""
        return time.time_ns()  # noqa: TID251 - the one place that may ask

    def monotonic_ns(self) -> int:
        """Nanoseconds of CLOCK_MONOTONIC."""
        return time.monotonic_ns()

    async def sleep(self, seconds: float) -> None:
        """Wait on the event loop."""
        await asyncio.sleep(seconds)


class ManualClock:
    """A clock that moves only when told; wall time and monotonic time can be set apart to play a clock step."""

    def __init__(self, utc_ms: int = 1_800_000_000_000) -> None:
        self._utc = utc_ms * 1_000_000
        self._monotonic = 0

    def utc_ns(self) -> int:
        """The wall time it was moved to."""
        return self._utc

    def monotonic_ns(self) -> int:
        """The sum of all advances."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let time pass on both clocks."""
        ns = round(seconds * 1e9)
        self._utc += ns
        self._monotonic += ns

    def step(self, seconds: float) -> None:
        """Set the wall clock forward or back; monotonic time stays."""
        self._utc += round(seconds * 1e9)

    async def sleep(self, seconds: float) -> None:
        """Advance at once, and let other tasks run."""
        self.advance(seconds)
        await asyncio.sleep(0)


def utc_ms(clock: Clock) -> int:
    """Wall time in whole milliseconds since the Unix epoch, UTC."""
    return clock.utc_ns() // 1_000_000


def from_ms(ms: int) -> datetime:
    """An aware UTC datetime for milliseconds since the Unix epoch."""
    return datetime.fromtimestamp(ms / 1000, UTC)
