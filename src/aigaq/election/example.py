"""A small invented election: three stations with five cameras each. The template, the demo and tests start from it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, time, timedelta
from typing import Final

from aigaq.election.model import (
    Area,
    Camera,
    Election,
    Names,
    PollingStation,
    StationKind,
    Territory,
    Zone,
)
from aigaq.election.register import Register

AREA: Final = Area(west=46.0, south=40.0, east=88.0, north=56.0)

HOURS: Final = {
    Zone.ISSUING_DESK: (time(6, 30), time(20, 30)),
    Zone.BALLOT_BOX: (time(6, 30), time(6, 0)),
    Zone.BOOTH_ENTRANCE: (time(6, 30), time(20, 30)),
    Zone.OBSERVER_AREA: (time(6, 30), time(6, 0)),
    Zone.COUNTING_TABLE: (time(6, 30), time(6, 0)),
}
"""The box, the observers and the table stay in sight until the results protocol is signed, some time in the night."""

CAMERA_IDS: Final = {
    Zone.ISSUING_DESK: "desk",
    Zone.BALLOT_BOX: "box",
    Zone.BOOTH_ENTRANCE: "booths",
    Zone.OBSERVER_AREA: "observers",
    Zone.COUNTING_TABLE: "table",
}

TERRITORIES: Final = (
    Territory(
        "example", None, Names("Мысал облысы (ойдан шығарылған)", "Условная область (вымышленная)", "Example Region")
    ),
    Territory("steppe", "example", Names("Дала ауданы", "Степной район", "Steppe District")),
    Territory("abroad", None, Names("Шетелде", "За рубежом", "Abroad"), time_zone="Europe/Vienna"),
)


def example_register(day: date, url: Callable[[str, str, str], str] | None = None) -> Register:
    """The invented election on that day; `url(station, camera, "main" or "sub")` gives the stream addresses."""
    address = url or _example_url
    return Register(_election(day), TERRITORIES, [_with_cameras(s, address) for s in _stations()])


def coming_sunday(today: date) -> date:
    """The next Sunday after today: elections are held on Sundays."""
    return today + timedelta(days=6 - today.weekday() or 7)


def _election(day: date) -> Election:
    return Election(
        id=f"example-{day.year}",
        names=Names(
            "Мысал ретіндегі сайлау (ойдан шығарылған)",
            "Выборы для примера (вымышленные)",
            "Example election (invented)",
        ),
        day=day,
        time_zone="Asia/Almaty",
        opens=time(7),
        closes=time(20),
        duty=dict(HOURS),
        area=AREA,
    )


def _example_url(station: str, camera: str, stream: str) -> str:
    """Addresses that reach nothing: 192.0.2.0/24 is kept for documentation (RFC 5737)."""
    host = 10 + list(CAMERA_IDS.values()).index(camera)
    return f"rtsp://192.0.2.{host}/{station}/{camera}/{stream}"


def _with_cameras(station: PollingStation, url: Callable[[str, str, str], str]) -> PollingStation:
    cameras = tuple(
        Camera(name, station.id, zone, url(station.id, name, "main"), url(station.id, name, "sub"))
        for zone, name in CAMERA_IDS.items()
    )
    return replace(station, cameras=cameras)


def _stations() -> tuple[PollingStation, ...]:
    return (
        PollingStation(
            id="example-001",
            number=1,
            territory="steppe",
            names=Names("№ 1 Мысал мектебі", "Условная школа № 1", "Example School No. 1"),
            address=Names("Дала ауылы, Бірінші көше, 1", "с. Степное, ул. Первая, 1", "1 First Street, Steppe village"),
            latitude=48.0196,
            longitude=66.9237,
            registered_voters=1204,
            kind=StationKind.ORDINARY,
        ),
        PollingStation(
            id="example-002",
            number=2,
            territory="steppe",
            names=Names("Мысал аудандық ауруханасы", "Условная районная больница", "Example District Hospital"),
            address=Names("Дала ауылы, Екінші көше, 2", "с. Степное, ул. Вторая, 2", "2 Second Street, Steppe village"),
            latitude=48.0305,
            longitude=66.9421,
            registered_voters=187,
            kind=StationKind.HOSPITAL,
        ),
        PollingStation(
            id="example-003",
            number=3,
            territory="abroad",
            names=Names("Мысал консулдығы", "Условное консульство", "Example Consulate"),
            address=Names("Мысал алаңы, 3", "Условная площадь, 3", "3 Example Square"),
            latitude=48.2082,
            longitude=16.3738,
            registered_voters=640,
            kind=StationKind.ABROAD,
        ),
    )
