"""Where a station lies: its columns or its point, checked against the election's area. Pure."""

from aigaq.election import fields
from aigaq.election import problems as why
from aigaq.election.model import Area
from aigaq.election.points import FILE as POINTS_FILE
from aigaq.election.points import PLACE, Point
from aigaq.election.problems import Refused
from aigaq.election.tables import Cells, Found

LATITUDE = "latitude"
LONGITUDE = "longitude"


def place(cells: Cells, station: str, points: Found[str, Point], *, area: Area) -> tuple[float, float]:
    """Latitude and longitude of the row's station; what is wrong with them is reported once."""
    point = points.values.get(station)
    if any(cells.cells.get(column, "").strip() for column in (LATITUDE, LONGITUDE)):
        return _from_columns(cells, point, area)
    if point is None:
        if station and points.lacks(station):
            cells.refuse(why.NO_COORDINATES, LATITUDE)
        return 0.0, 0.0
    there = Cells(POINTS_FILE, point.row, {PLACE: f"[{point.longitude}, {point.latitude}]"}, cells.report)
    _check_area(there, PLACE, point.latitude, point.longitude, area=area)
    return point.latitude, point.longitude


def _from_columns(cells: Cells, point: Point | None, area: Area) -> tuple[float, float]:
    if _only_swapped_fit(cells.cells.get(LATITUDE, ""), cells.cells.get(LONGITUDE, "")):
        cells.refuse(why.SWAPPED, LATITUDE)
        return 0.0, 0.0
    before = cells.ok
    cells.ok = True
    latitude = cells.take(LATITUDE, fields.latitude, 0.0)
    longitude = cells.take(LONGITUDE, fields.longitude, 0.0)
    if cells.ok:
        _check_area(cells, LATITUDE, latitude, longitude, area=area)
        if point and (point.latitude, point.longitude) != (latitude, longitude):
            cells.refuse(why.TWO_PLACES, LATITUDE)
    cells.ok &= before
    return latitude, longitude


def _check_area(cells: Cells, column: str, latitude: float, longitude: float, *, area: Area) -> None:
    if not area.holds(latitude, longitude):
        cells.refuse(why.SWAPPED if area.holds(longitude, latitude) else why.OUTSIDE_AREA, column)


def _only_swapped_fit(latitude: str, longitude: str) -> bool:
    """Whether the pair is impossible as it stands and possible the other way round."""
    try:
        east, north = fields.longitude(latitude), fields.latitude(longitude)
    except Refused:
        return False
    return abs(east) > 90 >= abs(north)
