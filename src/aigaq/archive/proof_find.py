"""What the proof page was asked, and what it shows. Each question has one answer, or an error that says what to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from aigaq.archive.api_proof import files_of, leaf_files, plain, unhex
from aigaq.archive.errors import BadTimeError, NothingReceivedError, UnknownStationError
from aigaq.archive.model import Kind, Row
from aigaq.archive.playlists import pdt
from aigaq.archive.search import NationalPlace, Place
from aigaq.archive.service import Archive
from aigaq.election import PollingStation, Zone
from aigaq.web import parse_time

MAX_DIGITS: Final = 15
LONGEST: Final = 65
"""Bytes of an item that are shown; the whole leaf is one click away."""


@dataclass(frozen=True, slots=True)
class FoundRow:
    """A row as the page shows it."""

    row: Row
    place: Place
    number: int
    zone: Zone | None
    time_zone: str
    files: Mapping[str, str]
    clip: str | None
    """Address of its own clip; None where it cannot be exported."""


@dataclass(frozen=True, slots=True)
class FoundLeaf:
    """A leaf of the national log as the page shows it."""

    place: NationalPlace
    items: Mapping[str, object]
    files: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Found:
    """Everything that answers the question."""

    places: tuple[FoundRow, ...] = ()
    leaf: FoundLeaf | None = None
    at_ms: int | None = None
    """The moment asked for."""


async def find(archive: Archive, q: str, station: str, t: str) -> Found:
    """Answer a question; an empty one with nothing.

    Raises:
        ArchiveError: nothing is found, or the question cannot be read.
    """
    if q:
        return await _by_hash_or_number(archive, q)
    if station or t:
        known = station_named(archive, station)
        at_ms = parse_time(t, archive.register.zone_name(known.id))
        if at_ms is None:
            raise BadTimeError(t[:40])
        rows = await archive.search.by_time(known.id, at_ms)
        if not rows:
            raise NothingReceivedError(known.id)
        return Found(tuple([await _row(archive, row) for row in rows]), at_ms=at_ms)
    return Found()


async def _by_hash_or_number(archive: Archive, q: str) -> Found:
    if q.isascii() and q.isdigit() and len(q) <= MAX_DIGITS:
        place = await archive.search.national(int(q))
        items = {name: _shown(name, value) for name, value in place.leaf.values.items()}
        return Found(leaf=FoundLeaf(place, items, leaf_files(place.index)))
    return Found((await _row(archive, await archive.search.by_hash(unhex(q))),))


def station_named(archive: Archive, text: str) -> PollingStation:
    """The station with this number, or else this id.

    Raises:
        UnknownStationError: there is none.
    """
    for station in archive.register.stations():
        if text in {str(station.number), station.id}:
            return station
    raise UnknownStationError(text[:40], station=text[:40])


async def _row(archive: Archive, row: Row) -> FoundRow:
    station = archive.register.station(row.station)
    zone = next((c.zone for c in station.cameras if c.id == row.camera), None)
    place = await archive.search.place(row)
    time_zone = archive.register.zone_name(row.station)
    return FoundRow(row, place, station.number, zone, time_zone, files_of(row), _clip(row, place))


def _clip(row: Row, place: Place) -> str | None:
    if row.kind is not Kind.SEGMENT or place.checkpoint_size is None:
        return None
    key = row.key
    wanted = {"station": key.station, "camera": key.camera, "stream": key.stream}
    return "/api/v1/clip.zip?" + urlencode(wanted | {"from": row.start_ms, "to": row.end_ms})


def _shown(name: str, value: Any) -> object:  # noqa: ANN401 - whatever the leaf holds
    """An item as people compare it: bytes in hexadecimal, notes as the text that they are, times also in UTC."""
    if name == "approvals":
        return ", ".join(role for role, _ in value)
    if isinstance(value, bytes):
        return value.decode() if name == "note" else _hex(value)
    return f"{value} ({pdt(value)})" if name.endswith("_ms") and value is not None else plain(value)


def _hex(value: bytes) -> str:
    return value.hex() if len(value) <= LONGEST else f"{value[:LONGEST].hex()}… ({len(value)} B)"
