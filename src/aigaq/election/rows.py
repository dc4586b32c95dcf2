"""What the three tables mean: territories, polling stations, cameras. Pure: rows in, values out, mistakes reported.

Identifiers of rows that are otherwise wrong stay known, so that one mistake does not bring forth a hundred others.
"""

from typing import Final

from aigaq.election import fields
from aigaq.election import problems as why
from aigaq.election.model import WORLD, Area, Camera, Names, PollingStation, StationKind, Territory, Zone
from aigaq.election.places import place
from aigaq.election.points import FILE as POINTS_FILE
from aigaq.election.points import ID as POINT_ID
from aigaq.election.points import Point
from aigaq.election.tables import Cells, Columns, Found, Report, Table

TERRITORIES_FILE: Final = "territories.csv"
STATIONS_FILE: Final = "stations.csv"
CAMERAS_FILE: Final = "cameras.csv"
RING_TOLD: Final = 10
"""Territories of a circle that are named; more would not be read."""

TERRITORY_COLUMNS: Final = Columns(("id", "parent", "name_kk", "name_ru"), ("name_en", "time_zone"))
STATION_COLUMNS: Final = Columns(
    ("id", "number", "territory", "name_kk", "name_ru", "address_kk", "address_ru", "registered_voters", "kind"),
    ("name_en", "address_en", "latitude", "longitude"),
)
CAMERA_COLUMNS: Final = Columns(("station", "id", "zone", "main_url", "sub_url"))


def read_territories(table: Table, report: Report) -> Found[str, Territory]:
    """The territories; each parent exists, and none lies within itself."""
    found: Found[str, Territory] = Found(table.whole)
    kept: list[tuple[Cells, Territory]] = []
    for cells in table.rows:
        territory = Territory(
            id=cells.take("id", fields.identifier, ""),
            parent=cells.take("parent", fields.optional_identifier, None),
            names=_names(cells, "name"),
            time_zone=cells.take("time_zone", fields.optional_zone_name, None),
        )
        found.claim(territory.id, "id", cells)
        kept.append((cells, territory))
    for cells, territory in kept:
        if territory.parent is not None and found.lacks(territory.parent):
            cells.refuse(why.UNKNOWN_PARENT, "parent")
        if cells.ok:
            found.values[territory.id] = territory
    _report_cycles(found, report)
    return found


def read_stations(
    table: Table, points: Found[str, Point], territories: Found[str, Territory], area: Area
) -> Found[str, PollingStation]:
    """The polling stations, without their cameras."""
    found: Found[str, PollingStation] = Found(table.whole)
    numbers: dict[tuple[str, int], int] = {}
    for cells in table.rows:
        station = _station(cells, points, area)
        found.claim(station.id, "id", cells)
        if station.territory and territories.lacks(station.territory):
            cells.refuse(why.UNKNOWN_PARENT, "territory")
        if cells.ok:
            found.values[station.id] = station
            first = numbers.setdefault((station.territory, station.number), cells.row or 0)
            if first != cells.row:
                cells.warn(why.DUPLICATE_NUMBER, "number", first=first)
    return found


def read_cameras(table: Table, stations: Found[str, PollingStation]) -> Found[tuple[str, str], Camera]:
    """The cameras, keyed by station and their own id."""
    found: Found[tuple[str, str], Camera] = Found(table.whole)
    for cells in table.rows:
        camera = Camera(
            id=cells.take("id", fields.identifier, ""),
            station=cells.take("station", fields.identifier, ""),
            zone=cells.take("zone", fields.zone, Zone.BALLOT_BOX),
            main_url=cells.take("main_url", fields.stream_url, ""),
            sub_url=cells.take("sub_url", fields.stream_url, ""),
        )
        if camera.station and stations.lacks(camera.station):
            cells.refuse(why.UNKNOWN_STATION, "station")
        if camera.station and camera.id:
            found.claim((camera.station, camera.id), "id", cells)
        if cells.ok:
            found.values[camera.station, camera.id] = camera
            if camera.main_url == camera.sub_url:
                cells.warn(why.SAME_STREAM, "sub_url")
    return found


def report_strays(points: Found[str, Point], stations: Found[str, PollingStation], report: Report) -> None:
    """Points of stations that the register does not have."""
    for station, row in points.first_row.items():
        if stations.lacks(station):
            report.add(why.UNKNOWN_STATION, POINTS_FILE, row, column=POINT_ID, value=station)


def _names(cells: Cells, what: str) -> Names:
    return Names(
        kk=cells.take(f"{what}_kk", fields.name, ""),
        ru=cells.take(f"{what}_ru", fields.name, ""),
        en=cells.take(f"{what}_en", fields.optional_name, ""),
    )


def _station(cells: Cells, points: Found[str, Point], area: Area) -> PollingStation:
    identifier = cells.take("id", fields.identifier, "")
    kind = cells.take("kind", fields.kind, StationKind.ORDINARY)
    latitude, longitude = place(cells, identifier, points, area=WORLD if kind is StationKind.ABROAD else area)
    return PollingStation(
        id=identifier,
        number=cells.take("number", fields.number, 0),
        territory=cells.take("territory", fields.identifier, ""),
        names=_names(cells, "name"),
        address=_names(cells, "address"),
        latitude=latitude,
        longitude=longitude,
        registered_voters=cells.take("registered_voters", fields.voters, 0),
        kind=kind,
    )


def _report_cycles(found: Found[str, Territory], report: Report) -> None:
    """Each circle once, at the first of its rows that leads into it."""
    done: set[str] = set()
    for start in found.values:
        path: dict[str, None] = {}
        at: str | None = start
        while at is not None and at in found.values and at not in done and at not in path:
            path[at] = None
            at = found.values[at].parent
        done |= path.keys()
        if at in path:
            ring = list(path)[list(path).index(at) :]
            row = found.first_row[ring[0]]
            report.add(why.CYCLE, TERRITORIES_FILE, row, column="parent", value=ring[0], path=_ring_text(ring))


def _ring_text(ring: list[str]) -> str:
    told = ring if len(ring) <= RING_TOLD else [*ring[: RING_TOLD - 1], "…"]
    return " → ".join([*told, ring[0]])
