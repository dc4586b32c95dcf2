"""`stations.geojson`: a point for each polling station (RFC 7946). Pure: text in, coordinates out."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Never, cast

from aigaq.base import N_
from aigaq.election import fields
from aigaq.election import problems as why
from aigaq.election.problems import Refused
from aigaq.election.tables import Cells, Found, Report

FILE: Final = "stations.geojson"
ID: Final = "properties.id"
PLACE: Final = "geometry.coordinates"


@dataclass(frozen=True, slots=True)
class Point:
    """Where a station lies; `row` counts features from 1."""

    row: int
    latitude: float
    longitude: float


def read_points(text: str, report: Report) -> Found[str, Point]:
    """The points by station id, after reporting what is wrong with others."""
    found: Found[str, Point] = Found(whole=True)
    try:
        features = _features(json.loads(text, parse_constant=_no_constant))
    except (ValueError, RecursionError) as error:
        told = N_("it is nested too deeply") if isinstance(error, RecursionError) else str(error)
        report.add(why.BAD_GEOJSON, FILE, problem=told)
        return Found(whole=False)
    for row, feature in enumerate(features, start=1):
        _read_point(row, feature, found, report)
    return found


def _no_constant(name: str) -> Never:
    raise ValueError(f"{name} is no number")


def _features(root: object) -> list[object]:
    features = cast("Mapping[str, object]", root).get("features") if isinstance(root, dict) else None
    if not isinstance(features, list) or cast("Mapping[str, object]", root).get("type") != "FeatureCollection":
        raise ValueError(N_("it is no FeatureCollection with features"))
    return cast("list[object]", features)


def _read_point(row: int, feature: object, found: Found[str, Point], report: Report) -> None:
    whole = _table(feature)
    identifier = _table(whole.get("properties")).get("id", whole.get("id"))
    cells = Cells(FILE, row, {ID: "" if identifier is None else str(identifier)}, report)
    station = cells.take(ID, fields.identifier, "")
    try:
        longitude, latitude = _coordinates(_table(whole.get("geometry")))
    except Refused as refused:
        cells.refuse(refused.reason, PLACE, value=refused.shown or "", **refused.facts)
        longitude = latitude = 0.0
    found.claim(station, ID, cells)
    if cells.ok:
        found.values[station] = Point(row, latitude, longitude)


def _table(value: object) -> Mapping[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _coordinates(geometry: Mapping[str, object]) -> tuple[float, float]:
    """Longitude and latitude; a third number, the height, is allowed and ignored (RFC 7946 §3.1.1)."""
    values = geometry.get("coordinates")
    pair = cast("list[object]", values) if isinstance(values, list) else []
    if geometry.get("type") != "Point" or len(pair) not in {2, 3} or not all(_is_number(v) for v in pair):
        raise Refused(why.NOT_A_POINT, shown=json.dumps(values)[:200])
    longitude, latitude = cast("list[float]", pair[:2])
    if abs(longitude) > 180 or abs(latitude) > 90:
        swapped = abs(longitude) <= 90 and abs(latitude) <= 180
        reason, facts = (why.SWAPPED, {}) if swapped else (why.NOT_DEGREES, {"limit": 180})
        raise Refused(reason, shown=json.dumps(values)[:200], **facts)
    return round(float(longitude), 7), round(float(latitude), 7)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
