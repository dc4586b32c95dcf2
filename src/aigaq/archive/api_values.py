"""What the routes for programs have in common: how times and streams are asked for, and answers that come in pieces."""

from collections.abc import AsyncIterator
from typing import Annotated, Literal

from fastapi import Query

from aigaq.archive.errors import BadIntervalError, BadTimeError
from aigaq.archive.known import station_of
from aigaq.archive.service import Archive
from aigaq.web import parse_time

Stream = Literal["main", "sub"]
Time = Annotated[
    str,
    Query(
        description="Milliseconds since 1970 UTC, or ISO 8601; without an offset it is on the station's clocks.",
        examples=["1773549727000", "2026-03-15T10:42:07"],
        max_length=40,
    ),
]


async def started(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Make the first piece before the answer begins, so that what fails early is told as an error."""
    first = await anext(pieces)

    async def whole() -> AsyncIterator[bytes]:
        yield first
        async for piece in pieces:
            yield piece

    return whole()


def interval(archive: Archive, station: str, start: str, end: str) -> tuple[int, int]:
    """A stretch of time at a station.

    Raises:
        UnknownStationError: there is no such station.
        BadTimeError: one end is not a time.
        BadIntervalError: it ends before it begins.
    """
    station_of(archive.register, station)
    zone = archive.register.zone_name(station)
    from_ms, to_ms = parse_time(start, zone), parse_time(end, zone)
    if from_ms is None or to_ms is None:
        raise BadTimeError(station)
    if from_ms >= to_ms:
        raise BadIntervalError(station)
    return from_ms, to_ms
