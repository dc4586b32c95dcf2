"""`election.toml`: the election itself, its hours, its duty windows, its area. Pure: text in, election out."""

import re
import tomllib
from collections.abc import Callable, Mapping
from datetime import date, time
from typing import Final, TypeVar, cast

from aigaq.base import N_
from aigaq.election import fields
from aigaq.election import problems as why
from aigaq.election.model import WORLD, Area, Election, Names, Zone
from aigaq.election.problems import Reason
from aigaq.election.tables import Cells, Report

FILE: Final = "election.toml"
KEYS: Final = ("id", "day", "time_zone", "opens", "closes", "names", "area", "duty")
LANGUAGE_KEYS: Final = ("kk", "ru", "en")
AREA_KEYS: Final = ("west", "south", "east", "north")
DUTY_KEYS: Final = ("start", "end")
NO_DAY: Final = date.min
MIDNIGHT: Final = time()

_TOO_DEEP: Final = N_("it is nested too deeply")

T = TypeVar("T")


def read_election(text: str, report: Report) -> Election | None:
    """The election, or None after reporting what is wrong with the file."""
    try:
        root = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        line = re.search(r"at line (\d+)", str(error))
        report.add(
            why.BAD_TOML,
            FILE,
            int(line[1]) if line else None,
            problem=_TOO_DEEP if isinstance(error, RecursionError) else str(error),
        )
        return None
    found = Report()
    election = _election(_Section(text, root, (), found))
    report.problems += found.problems
    return None if found.refused else election


class _Section:
    """One table of the file: takes values and knows in which line each stands."""

    def __init__(self, text: str, table: Mapping[str, object], path: tuple[str, ...], report: Report) -> None:
        self.text = text
        self.table = table
        self.path = path
        self.report = report

    def take(self, key: str, parser: Callable[[str], T], stand_in: T) -> T:
        """The value of a key; TOML's own dates, times and numbers are as good as quoted ones."""
        name = self._name(key)
        value = self.table.get(key)
        cells = Cells(FILE, self._line(key), {name: _as_text(value)}, self.report)
        if value is None:
            cells.refuse(why.MISSING_KEY, name)
        elif isinstance(value, bool | dict | list):
            cells.refuse(why.NOT_A_VALUE, name)
        else:
            return cells.take(name, parser, stand_in)
        return stand_in

    def section(self, key: str) -> "_Section | None":
        """The table below this key; None when it is missing or no table."""
        table = self.table.get(key)
        if isinstance(table, dict):
            return _Section(self.text, cast("dict[str, object]", table), (*self.path, key), self.report)
        self.refuse(why.MISSING_KEY if table is None else why.NOT_A_TABLE, key)
        return None

    def know(self, keys: tuple[str, ...]) -> None:
        """Report every key that is not among these."""
        for key in self.table:
            if key not in keys:
                self.refuse(why.UNKNOWN_KEY, key, known=", ".join(keys))

    def refuse(self, reason: Reason, key: str, **facts: object) -> None:
        """This key cannot be used."""
        self.report.add(reason, FILE, self._line(key), column=self._name(key), **facts)

    def _name(self, key: str) -> str:
        return ".".join((*self.path, key))

    def _line(self, key: str) -> int | None:
        """Where the key or its table stands; None where the file writes it in an unusual way."""
        inside: tuple[str, ...] = ()
        for number, line in enumerate(self.text.splitlines(), start=1):
            header = re.match(r"\s*\[([^\[\]]+)\]", line)
            if header:
                inside = tuple(part.strip().strip("\"'") for part in header[1].split("."))
            if (header and inside == (*self.path, key)) or (
                inside == self.path and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", line)
            ):
                return number
        return None


def _as_text(value: object) -> str:
    if isinstance(value, date | time):
        return value.isoformat()
    return "" if value is None or isinstance(value, dict | list) else str(value)


def _election(root: _Section) -> Election:
    root.know(KEYS)
    before = len(root.report.problems)
    opens = root.take("opens", fields.time_of_day, MIDNIGHT)
    closes = root.take("closes", fields.time_of_day, MIDNIGHT)
    if closes <= opens and len(root.report.problems) == before:
        root.refuse(why.HOURS, "closes", value=root.table["closes"])
    return Election(
        id=root.take("id", fields.identifier, ""),
        names=_names(root.section("names")),
        day=root.take("day", fields.day, NO_DAY),
        time_zone=root.take("time_zone", fields.zone_name, ""),
        opens=opens,
        closes=closes,
        duty=_duty(root.section("duty")),
        area=_area(root),
    )


def _names(section: _Section | None) -> Names:
    if section is None:
        return Names("", "", "")
    section.know(LANGUAGE_KEYS)
    return Names(*(section.take(key, fields.name, "") for key in LANGUAGE_KEYS))


def _duty(section: _Section | None) -> dict[Zone, tuple[time, time]]:
    if section is None:
        return {}
    section.know(tuple(Zone))
    windows = {zone: _window(section.section(zone)) for zone in Zone}
    return {zone: window for zone, window in windows.items() if window}


def _window(section: _Section | None) -> tuple[time, time] | None:
    if section is None:
        return None
    section.know(DUTY_KEYS)
    before = len(section.report.problems)
    start = section.take("start", fields.time_of_day, MIDNIGHT)
    end = section.take("end", fields.time_of_day, MIDNIGHT)
    if start == end and len(section.report.problems) == before:
        section.refuse(why.DUTY_HOURS, "end", value=section.table["end"])
    return start, end


def _area(root: _Section) -> Area:
    if "area" not in root.table:
        root.report.add(why.NO_AREA, FILE)
        return WORLD
    section = root.section("area")
    if section is None:
        return WORLD
    section.know(AREA_KEYS)
    area = Area(
        west=section.take("west", fields.longitude, -180.0),
        south=section.take("south", fields.latitude, -90.0),
        east=section.take("east", fields.longitude, 180.0),
        north=section.take("north", fields.latitude, 90.0),
    )
    if area.south >= area.north:
        section.refuse(why.AREA, "north", value=area.north)
    return area
