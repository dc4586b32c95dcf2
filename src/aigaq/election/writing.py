"""A register as source files, the way a person fills them in. Reading them back gives the same register."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from datetime import time
from pathlib import Path
from typing import Final

from aigaq.election.election_file import FILE as ELECTION_FILE
from aigaq.election.errors import FolderInUseError, NotSavedError
from aigaq.election.model import Election, Names, PollingStation
from aigaq.election.points import FILE as POINTS_FILE
from aigaq.election.reading import SOURCE_FILES
from aigaq.election.register import Register
from aigaq.election.rows import (
    CAMERA_COLUMNS,
    CAMERAS_FILE,
    STATION_COLUMNS,
    STATIONS_FILE,
    TERRITORIES_FILE,
    TERRITORY_COLUMNS,
)
from aigaq.election.store import FILE as STORED_FILE

BOM: Final = "\ufeff"
"""Spreadsheets take a CSV file for UTF-8 only with a byte order mark."""


def write_register(register: Register, folder: Path) -> tuple[Path, ...]:
    """Write the source files into a folder that holds none of them yet.

    Raises:
        FolderInUseError: one of them, or an imported register, is already there.
        NotSavedError: the disk did not take them.
    """
    for name in (*SOURCE_FILES, STORED_FILE):
        if (folder / name).exists():
            raise FolderInUseError(str(folder), name=name)
    texts = {
        ELECTION_FILE: election_text(register.election),
        TERRITORIES_FILE: BOM + _territories_text(register),
        STATIONS_FILE: BOM + _stations_text(register),
        CAMERAS_FILE: BOM + _cameras_text(register),
        POINTS_FILE: _points_text(register),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise NotSavedError(str(folder), problem=error.strerror or type(error).__name__) from error
    return tuple(folder / name for name in texts)


def election_text(election: Election) -> str:
    """`election.toml`, with a word of explanation at each key."""
    duty = "\n".join(
        f"[duty.{zone}]\nstart = {_quoted(_hour(start))}\nend = {_quoted(_hour(end))}\n"
        for zone, (start, end) in election.duty.items()
    )
    area = election.area
    return f"""# The election. Times are local at each station; {TERRITORIES_FILE} may name other time zones.
id = {_quoted(election.id)}
day = {election.day.isoformat()}
time_zone = {_quoted(election.time_zone)}
opens = {_quoted(_hour(election.opens))}
closes = {_quoted(_hour(election.closes))}

[names]
kk = {_quoted(election.names.kk)}
ru = {_quoted(election.names.ru)}
en = {_quoted(election.names.en)}

# The box in which all stations but those abroad lie, in degrees: finds swapped and mistyped coordinates.
[area]
west = {_degrees(area.west)}
south = {_degrees(area.south)}
east = {_degrees(area.east)}
north = {_degrees(area.north)}

# For how long the cameras of each zone owe footage. An end before the start is on the next day: counting lasts past
# midnight, and nobody loses sight of the ballots before the results protocol is signed.
{duty}"""


def _territories_text(register: Register) -> str:
    rows = (
        {"id": t.id, "parent": t.parent or "", "time_zone": t.time_zone or "", **_named("name", t.names)}
        for t in register.territories()
    )
    return _csv(TERRITORY_COLUMNS.known, rows)


def _stations_text(register: Register) -> str:
    """Coordinates stand in the GeoJSON file, where any map program can correct them."""
    columns = tuple(c for c in STATION_COLUMNS.known if c not in {"latitude", "longitude"})
    return _csv(columns, (_station_row(s) for s in register.stations()))


def _station_row(station: PollingStation) -> dict[str, str]:
    return {
        "id": station.id,
        "number": str(station.number),
        "territory": station.territory,
        "registered_voters": str(station.registered_voters),
        "kind": station.kind,
        **_named("name", station.names),
        **_named("address", station.address),
    }


def _cameras_text(register: Register) -> str:
    rows = (
        {"station": c.station, "id": c.id, "zone": c.zone, "main_url": c.main_url, "sub_url": c.sub_url}
        for c in register.cameras()
    )
    return _csv(CAMERA_COLUMNS.known, rows)


def _points_text(register: Register) -> str:
    features = [
        {
            "type": "Feature",
            "properties": {"id": s.id},
            "geometry": {"type": "Point", "coordinates": [s.longitude, s.latitude]},
        }
        for s in register.stations()
    ]
    lines = ",\n".join(json.dumps(feature) for feature in features)
    return f'{{"type": "FeatureCollection", "features": [\n{lines}\n]}}\n'


def _named(what: str, names: Names) -> dict[str, str]:
    return {f"{what}_kk": names.kk, f"{what}_ru": names.ru, f"{what}_en": names.en}


def _csv(columns: Sequence[str], rows: Iterable[dict[str, str]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _quoted(text: str) -> str:
    """A TOML basic string: JSON's escapes are among TOML's."""
    return json.dumps(text, ensure_ascii=False)


def _hour(at: time) -> str:
    return at.isoformat("seconds") if at.second else at.isoformat("minutes")


def _degrees(value: float) -> str:
    return f"{value:.7f}".rstrip("0").removesuffix(".")
