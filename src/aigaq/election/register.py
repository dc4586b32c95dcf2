"""The register in memory: every polling station of one election, found by id, by words, by territory.

It holds what was imported and answers questions; it never changes. Ten thousand stations fit in a few ten megabytes.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo

from aigaq.base import time_zone
from aigaq.election.errors import UnknownCameraError, UnknownStationError, UnknownTerritoryError
from aigaq.election.model import Camera, DutyWindow, Election, PollingStation, StationKind, Territory, Zone

PAGE_SIZE: Final = 50
QUERY_LIMIT: Final = 100
"""Characters of a search text that are looked at."""

_FOLD: Final = str.maketrans("әғқңөұүһіё", "агкноуухие")
"""Kazakh letters as people type them on a Russian keyboard."""


@dataclass(frozen=True, slots=True)
class StationPage:
    """One page of found stations; pages count from 1."""

    stations: tuple[PollingStation, ...]
    page: int
    pages: int
    total: int


class Register:
    """Everything known before election day. Rows refer to one another only as the reader has checked."""

    def __init__(
        self, election: Election, territories: Iterable[Territory], stations: Iterable[PollingStation]
    ) -> None:
        self.election = election
        self._territories = {t.id: t for t in territories}
        self._stations = {s.id: s for s in sorted(stations, key=lambda s: (s.number, s.id))}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Register) and self._parts == other._parts

    def __hash__(self) -> int:
        return hash((self.election.id, len(self._stations)))

    @property
    def _parts(self) -> tuple[object, ...]:
        return self.election, self._territories, self._stations

    def stations(self) -> Sequence[PollingStation]:
        """All polling stations by number, then id."""
        return tuple(self._stations.values())

    def territories(self) -> Sequence[Territory]:
        """All territories in the order of the file."""
        return tuple(self._territories.values())

    def cameras(self) -> Iterator[Camera]:
        """All cameras of all stations."""
        for station in self._stations.values():
            yield from station.cameras

    def station(self, id: str) -> PollingStation:  # noqa: A002 - the word of the register
        """The polling station with this id.

        Raises:
            UnknownStationError: there is none.
        """
        if id not in self._stations:
            raise UnknownStationError(id=id)
        return self._stations[id]

    def territory(self, id: str) -> Territory:  # noqa: A002
        """The territory with this id.

        Raises:
            UnknownTerritoryError: there is none.
        """
        if id not in self._territories:
            raise UnknownTerritoryError(id=id)
        return self._territories[id]

    def camera(self, station: str, id: str) -> Camera:  # noqa: A002
        """A camera of a station.

        Raises:
            UnknownStationError: there is no such station.
            UnknownCameraError: it has no such camera.
        """
        for camera in self.station(station).cameras:
            if camera.id == id:
                return camera
        raise UnknownCameraError(station=station, id=id)

    def lineage(self, territory: str) -> tuple[Territory, ...]:
        """The territory and all it lies in, from the top down."""
        at = self.territory(territory)
        up = [at]
        while at.parent is not None:
            at = self.territory(at.parent)
            up.append(at)
        return tuple(reversed(up))

    def zone_name(self, station: str) -> str:
        """IANA name of the station's time zone: its nearest territory's, else the election's."""
        named = (t.time_zone for t in reversed(self.lineage(self.station(station).territory)) if t.time_zone)
        return next(named, self.election.time_zone)

    def voting(self, station: str) -> DutyWindow:
        """When the station is open to voters, in UTC."""
        zone = time_zone(self.zone_name(station))
        day, opens, closes = self.election.day, self.election.opens, self.election.closes
        return DutyWindow(_utc(datetime.combine(day, opens), zone), _utc(datetime.combine(day, closes), zone))

    def duty(self, station: str, zone: Zone) -> DutyWindow:
        """When the cameras of a zone at this station owe footage, in UTC."""
        start, end = self.election.duty[zone]
        day = self.election.day
        last = day if end > start else day + timedelta(days=1)
        local = time_zone(self.zone_name(station))
        begins = _utc(datetime.combine(day, start), local)
        ends = _utc(datetime.combine(last, end), local)
        return DutyWindow(begins, max(begins, ends))  # a duty inside the hour that summer time skips has no length

    def missing_zones(self, station: str) -> tuple[Zone, ...]:
        """Views that the station owes and no camera gives."""
        seen = {camera.zone for camera in self.station(station).cameras}
        return tuple(zone for zone in Zone if zone not in seen)

    def search(
        self, text: str = "", *, territory: str | None = None, kind: StationKind | None = None, page: int = 1
    ) -> StationPage:
        """Stations that hold every word of the text: a number, part of a name or address in any language, an id.

        An exact number comes first. A page beyond the last is the last.
        """
        words = fold(text[:QUERY_LIMIT]).split()
        inside = self._below(territory) if territory else None
        found = [
            station
            for station, texts in self._index
            if (inside is None or station.territory in inside)
            and (kind is None or station.kind is kind)
            and all(word in texts for word in words)
        ]
        found.sort(key=lambda s: str(s.number) not in words)
        pages = max(1, -(-len(found) // PAGE_SIZE))
        page = min(max(1, page), pages)
        return StationPage(tuple(found[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]), page, pages, len(found))

    @cached_property
    def _index(self) -> Sequence[tuple[PollingStation, str]]:
        return tuple((s, _searchable(s)) for s in self._stations.values())

    @cached_property
    def _children(self) -> Mapping[str, Sequence[str]]:
        children: dict[str, list[str]] = {}
        for territory in self._territories.values():
            if territory.parent is not None:
                children.setdefault(territory.parent, []).append(territory.id)
        return children

    def _below(self, territory: str) -> set[str]:
        inside, todo = set[str](), [territory]
        while todo:
            at = todo.pop()
            inside.add(at)
            todo += self._children.get(at, ())
        return inside


def fold(text: str) -> str:
    """A text as searching compares it: no case, and Kazakh letters as typed on a Russian keyboard."""
    return text.casefold().translate(_FOLD)


def _searchable(station: PollingStation) -> str:
    names, address = station.names, station.address
    return fold(
        "\n".join((str(station.number), station.id, names.kk, names.ru, names.en, address.kk, address.ru, address.en))
    )


def _utc(local: datetime, zone: ZoneInfo) -> datetime:
    """A local time as an instant; of a time that occurs twice when clocks go back, the first (PEP 495, fold 0)."""
    return local.replace(tzinfo=zone).astimezone(UTC)
