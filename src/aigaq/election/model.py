"""What the register knows: the election, its territories, polling stations, zones and cameras."""

import enum
import re
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final

from aigaq.base import Language

ID_PATTERN: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
"""Identifiers of elections, territories, stations and cameras: they stand in addresses, object names and records."""


class Zone(enum.StrEnum):
    """The five views that a polling station owes."""

    ISSUING_DESK = "issuing_desk"
    BALLOT_BOX = "ballot_box"
    BOOTH_ENTRANCE = "booth_entrance"
    OBSERVER_AREA = "observer_area"
    COUNTING_TABLE = "counting_table"


class StationKind(enum.StrEnum):
    """Where the station is; special stations have their own hours and rules."""

    ORDINARY = "ordinary"
    HOSPITAL = "hospital"
    DETENTION = "detention"
    MILITARY = "military"
    ABROAD = "abroad"


@dataclass(frozen=True, slots=True)
class Names:
    """A name in the three languages. Registers of stations often have no English: then `en` is empty."""

    kk: str
    ru: str
    en: str = ""

    def in_(self, language: Language) -> str:
        """The name in that language; Russian where the register gives no English one."""
        return {"kk": self.kk, "ru": self.ru, "en": self.en or self.ru}[language]


@dataclass(frozen=True, slots=True)
class Area:
    """The box in which the election's stations lie, in degrees (WGS 84); stations abroad are excepted."""

    west: float = -180.0
    south: float = -90.0
    east: float = 180.0
    north: float = 90.0

    def holds(self, latitude: float, longitude: float) -> bool:
        """Whether the point lies in the box; a box whose west exceeds its east crosses the 180th meridian."""
        if not self.south <= latitude <= self.north:
            return False
        if self.west <= self.east:
            return self.west <= longitude <= self.east
        return longitude >= self.west or longitude <= self.east


WORLD: Final = Area()


@dataclass(frozen=True, slots=True)
class DutyWindow:
    """When a camera in a zone owes footage: `[start, end)`, aware instants in UTC."""

    start: datetime
    end: datetime

    @property
    def start_ms(self) -> int:
        """The start in UTC milliseconds."""
        return round(self.start.timestamp() * 1000)

    @property
    def end_ms(self) -> int:
        """First millisecond after duty, UTC."""
        return round(self.end.timestamp() * 1000)


@dataclass(frozen=True, slots=True)
class Election:
    """One election. Opening and closing are local times at each station."""

    id: str
    names: Names
    day: date
    time_zone: str
    """IANA name used where a territory names none, for example `Asia/Almaty`."""
    opens: time
    closes: time
    duty: dict[Zone, tuple[time, time]]
    """Start on election day and end for each of the five zones, local; an end before the start is on the next day."""
    area: Area = WORLD


@dataclass(frozen=True, slots=True)
class Territory:
    """A region, city or district; `parent` is None at the top. Its time zone holds for all below it."""

    id: str
    parent: str | None
    names: Names
    time_zone: str | None = None


@dataclass(frozen=True, slots=True)
class Camera:
    """One camera of a station. Stream addresses hold no password."""

    id: str
    station: str
    zone: Zone
    main_url: str
    sub_url: str


@dataclass(frozen=True, slots=True)
class PollingStation:
    """The place where one voter list votes."""

    id: str
    number: int
    territory: str
    names: Names
    address: Names
    latitude: float
    longitude: float
    registered_voters: int
    kind: StationKind
    cameras: tuple[Camera, ...] = ()
