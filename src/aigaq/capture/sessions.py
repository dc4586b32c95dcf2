"""Which kind of session an address needs, and what all kinds have in common."""

import asyncio
from typing import Protocol

from aigaq.base import Clock
from aigaq.capture.errors import CaptureError
from aigaq.capture.model import Source
from aigaq.capture.receiver import UnitTarget
from aigaq.capture.sdp import Description
from aigaq.capture.session import RtspSession


class Session(Protocol):
    """A source's stream from connecting to its end."""

    @property
    def description(self) -> Description | None:
        """What the source offers, if it tells."""
        ...

    @property
    def received(self) -> int:
        """RTP packets that came."""
        ...

    @property
    def lost(self) -> int:
        """RTP packets that did not."""
        ...

    async def open(self) -> asyncio.Future[CaptureError]:
        """Connect; raises `CaptureError`, else the future tells one day why it ended."""
        ...

    def tick(self) -> None:
        """Let time pass."""
        ...

    def fail(self, error: CaptureError) -> None:
        """End with this reason."""
        ...

    def close(self) -> None:
        """Leave."""
        ...

    async def wait_closed(self) -> None:
        """Until nothing of it is open any more, or is left to itself."""
        ...


def open_session(source: Source, target: UnitTarget, clock: Clock) -> Session:
    """The session that fits the address: our own client for `rtsp://`, FFmpeg for the rest."""
    if source.url.lower().startswith("rtsp://"):
        return RtspSession(source, target, clock)
    # FFmpeg's libraries weigh 23 MB, which a box with network cameras alone need not carry.
    from aigaq.capture.adapter import AvSession  # noqa: PLC0415

    return AvSession(source, target, clock)
