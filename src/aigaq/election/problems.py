"""Mistakes in a register's files: what may be wrong with a cell, and how a list of them reads.

A reason has a stable code and texts; a problem is a reason at a place. Reading goes on after a problem, so that a
person gets all of them at once. Nothing here reads files.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from aigaq.base import N_, Language, fill, translate

VALUE_SHOWN: Final = 60
"""Characters of a wrong value that are repeated to the person."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a value cannot be used, and what to do. A warning does not stop the import."""

    code: str
    why: str
    hint: str
    warning: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """A reason at its place. `row` counts as a spreadsheet does, the heading being row 1; None means the whole file."""

    reason: Reason
    file: str
    row: int | None = None
    column: str = ""
    value: str = ""
    facts: Mapping[str, object] = field(default_factory=dict[str, object])

    def why(self, language: Language = "en") -> str:
        """The reason in the reader's language."""
        return fill(self.reason.why, language, self.facts)

    def hint(self, language: Language = "en") -> str:
        """What to do, in the reader's language."""
        return fill(self.reason.hint, language, self.facts)

    def as_json(self, language: Language = "en") -> dict[str, object]:
        """The problem for a program."""
        return {
            "code": self.reason.code,
            "severity": "warning" if self.reason.warning else "error",
            "file": self.file,
            "row": self.row,
            "column": self.column,
            "value": self.value,
            "why": self.why(language),
            "hint": self.hint(language),
        }


class Refused(Exception):  # noqa: N818 - a verdict on one value that never leaves the reader
    """A value cannot be used; carries the reason to whoever knows the place."""

    def __init__(self, reason: Reason, *, shown: str | None = None, **facts: object) -> None:
        super().__init__(reason.code)
        self.reason = reason
        self.shown = shown
        self.facts = facts


def shown(value: str) -> str:
    """A wrong value as it may be repeated: one short printable line."""
    line = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in value[: VALUE_SHOWN + 1])
    return line if len(value) <= VALUE_SHOWN else line[:VALUE_SHOWN] + "…"


def condense(problems: Iterable[Problem], language: Language = "en") -> list[str]:
    """One line for each kind of mistake and value in a column, with every row that has it: `rows 2–10401`."""
    rows: dict[tuple[str, str, str, str, str], list[int]] = {}
    for p in problems:
        at = rows.setdefault((p.file, p.column, p.value, p.why(language), p.hint(language)), [])
        if p.row is not None:
            at.append(p.row)
    return [_line(key, ranges(at), language) for key, at in rows.items()]


def ranges(rows: Iterable[int]) -> str:
    """Row numbers in short: `2–4, 9`."""
    runs: list[list[int]] = []
    for row in sorted(set(rows)):
        if runs and row == runs[-1][1] + 1:
            runs[-1][1] = row
        else:
            runs.append([row, row])
    return ", ".join(str(a) if a == b else f"{a}–{b}" for a, b in runs)


def _line(key: tuple[str, str, str, str, str], at: str, language: Language) -> str:
    file, column, value, why, hint = key
    where = [file]
    if at:
        where.append(translate(N_("row {rows}"), language).format(rows=at))
    if column:
        where.append(translate(N_("column {column}"), language).format(column=column))
    quoted = f" “{value}”" if value else ""
    return f"{', '.join(where)}:{quoted} {why} {hint}"


# Files
MISSING_FILE: Final = Reason(
    "election.missing_file",
    N_("The file is missing."),
    N_("Put it into the folder; `aigaq election template DIR` writes an example of each."),
)
UNREADABLE: Final = Reason(
    "election.unreadable", N_("The file cannot be read: {problem}."), N_("Check the file and who may read it.")
)
TOO_LARGE: Final = Reason(
    "election.too_large",
    N_("The file has {megabytes} MB, more than the {limit} MB that a register can need."),
    N_("Check that it is the right file."),
)
EMPTY_FILE: Final = Reason(
    "election.empty_file", N_("The file holds no rows."), N_("Fill it in; the first row names the columns.")
)
CP1251: Final = Reason(
    "election.cp1251",
    N_("The file is in the Windows-1251 encoding, which has no Kazakh letters (ә ғ қ ң ө ұ ү һ)."),
    N_("Save it again from the original table as “CSV UTF-8”; letters that became “?” are lost in this file."),
)
NOT_UTF8: Final = Reason(
    "election.not_utf8",
    N_("The file is not in UTF-8: byte {byte} cannot be read."),
    N_("Save it again as “CSV UTF-8”, or the text file as UTF-8."),
)
UTF16: Final = Reason(
    "election.utf16", N_("The file is in UTF-16 (“Unicode text”)."), N_("Save it again as “CSV UTF-8”.")
)
BAD_CSV: Final = Reason(
    "election.bad_csv",
    N_("The row is not CSV: {problem}."),
    N_("Look for a quotation mark that is not closed, or write it twice inside a quoted cell."),
)
BAD_TOML: Final = Reason(
    "election.bad_toml", N_("The file is not TOML: {problem}."), N_("Compare it with the example of the template.")
)
BAD_GEOJSON: Final = Reason(
    "election.bad_geojson",
    N_("The file is not GeoJSON: {problem}."),
    N_("Export it again as a FeatureCollection of points (RFC 7946)."),
)
NOT_A_POINT: Final = Reason(
    "election.not_a_point",
    N_("The feature is not a point with longitude and latitude."),
    N_("Give it a geometry of type Point whose coordinates are [longitude, latitude]."),
)
# Columns and keys
MISSING_COLUMN: Final = Reason(
    "election.missing_column", N_("The column is missing."), N_("Add it to the first row; its name is “{column}”.")
)
UNKNOWN_COLUMN: Final = Reason(
    "election.unknown_column",
    N_("The register has no such column."),
    N_("Remove it, or rename it to one of: {known}."),
)
DOUBLE_COLUMN: Final = Reason(
    "election.double_column", N_("The column stands twice in the first row."), N_("Keep one of the two.")
)
CELL_COUNT: Final = Reason(
    "election.cell_count",
    N_("The row has {cells} cells where the first row has {columns}."),
    N_("Look for a missing or an extra delimiter; put a text that holds one into quotation marks."),
)
UNKNOWN_KEY: Final = Reason(
    "election.unknown_key", N_("The file has no such key."), N_("Remove it, or rename it to one of: {known}.")
)
MISSING_KEY: Final = Reason(
    "election.missing_key", N_("The key is missing."), N_("Add it; the template shows where it stands.")
)
# Values
EMPTY: Final = Reason("election.empty", N_("The value is empty."), N_("Fill it in."))
TOO_LONG: Final = Reason(
    "election.too_long", N_("The text has {length} characters, more than {limit}."), N_("Shorten it.")
)
CONTROL_CHARACTER: Final = Reason(
    "election.control_character",
    N_("The text holds the invisible character {name}."),
    N_("Delete it, or type the text again; line breaks do not belong in a cell either."),
)
LOST_LETTERS: Final = Reason(
    "election.lost_letters",
    N_("A letter of the text was lost and became “{mark}”."),
    N_("Take the text from the original again: an earlier encoding had no such letter."),
)
FORMULA: Final = Reason(
    "election.formula",
    N_("The text begins with “{mark}”, and a spreadsheet would run it as a formula."),
    N_("Write the text without that character."),
)
NOT_AN_ID: Final = Reason(
    "election.not_an_id",
    N_("This is not an identifier."),
    N_("Use 1 to 32 of a–z, 0–9 and -, for example “aksu-012”; a hyphen neither first nor last."),
)
NOT_A_COUNT: Final = Reason(
    "election.not_a_count",
    N_("This is not a whole number from {low} to {high}."),
    N_("Write digits alone, without spaces, dots or a sign."),
)
NOT_DEGREES: Final = Reason(
    "election.not_degrees",
    N_("This is not a coordinate from −{limit} to {limit} degrees."),
    N_("Write decimal degrees (WGS 84), for example 51.1282."),
)
SWAPPED: Final = Reason(
    "election.swapped",
    N_("Latitude and longitude are swapped."),
    N_("Latitude is north or south, longitude east or west; GeoJSON puts longitude first."),
)
OUTSIDE_AREA: Final = Reason(
    "election.outside_area",
    N_("The point lies outside the area that election.toml names."),
    N_("Correct the coordinates, or widen [area] if the station is really there."),
)
NOT_A_ZONE: Final = Reason("election.not_a_zone", N_("There is no such zone."), N_("Write one of: {known}."))
NOT_A_KIND: Final = Reason(
    "election.not_a_kind", N_("There is no such kind of polling station."), N_("Write one of: {known}.")
)
NOT_A_DAY: Final = Reason(
    "election.not_a_day", N_("This is not a date."), N_("Write year, month and day, for example 2031-03-16.")
)
NOT_A_TIME: Final = Reason(
    "election.not_a_time", N_("This is not a time of day."), N_("Write hours and minutes, for example “07:00”.")
)
NOT_A_VALUE: Final = Reason(
    "election.not_a_value", N_("This is not a single value."), N_("Write one text, number, date or time.")
)
NOT_A_TABLE: Final = Reason(
    "election.not_a_table", N_("This must be a table of its own."), N_("Write [{column}] and its keys below it.")
)
NOT_A_TIME_ZONE: Final = Reason(
    "election.not_a_time_zone",
    N_("This is not a time zone of the IANA database."),
    N_("Write region and city, for example Asia/Almaty."),
)
HOURS: Final = Reason(
    "election.hours", N_("Voting closes before it opens."), N_("Write both in local time of the station.")
)
DUTY_HOURS: Final = Reason(
    "election.duty_hours",
    N_("Start and end are the same time, so the duty would have no length or a whole day."),
    N_("Write different times; an end before the start means the next day."),
)
AREA: Final = Reason(
    "election.area", N_("The area has no height."), N_("Its north lies above its south; write both in degrees.")
)
# Addresses of streams
NOT_A_STREAM: Final = Reason(
    "election.not_a_stream",
    N_("This is not the address of a stream."),
    N_("Write rtsp://host:port/path, as the camera's manual gives it."),
)
NOT_RTSP: Final = Reason(
    "election.not_rtsp",
    N_("A camera is reached by RTSP or RTMP, not by “{scheme}”."),
    N_("Write rtsp://host:port/path; the camera's web page is not its stream."),
)
PASSWORD: Final = Reason(
    "election.password",
    N_("The address holds a user name or a password, and the register is not a place for them."),
    N_("Remove it here and change the password on the camera; it belongs into the settings of the box alone."),
)
SAME_STREAM: Final = Reason(
    "election.same_stream",
    N_("Main and sub-stream are the same address, so live viewing costs as much as the full picture."),
    N_("Give the camera's low-rate stream as sub_url."),
    warning=True,
)
# Between rows
DUPLICATE: Final = Reason(
    "election.duplicate", N_("The identifier stands already in row {first}."), N_("Give each its own identifier.")
)
DUPLICATE_NUMBER: Final = Reason(
    "election.duplicate_number",
    N_("Another station of the same territory, in row {first}, has this number."),
    N_("Check that the station is not entered twice."),
    warning=True,
)
UNKNOWN_PARENT: Final = Reason(
    "election.unknown_territory_id",
    N_("territories.csv has no such territory."),
    N_("Correct the identifier, or add the territory."),
)
CYCLE: Final = Reason(
    "election.cycle",
    N_("The territory lies within itself: {path}."),
    N_("Leave `parent` empty at the top and correct the others."),
)
UNKNOWN_STATION: Final = Reason(
    "election.unknown_station_id",
    N_("stations.csv has no such station."),
    N_("Correct the identifier, or add the station."),
)
NO_COORDINATES: Final = Reason(
    "election.no_coordinates",
    N_("The station has no coordinates."),
    N_("Fill in latitude and longitude, or add a point with its identifier to stations.geojson."),
)
TWO_PLACES: Final = Reason(
    "election.two_places",
    N_("The station has other coordinates in stations.geojson."),
    N_("Keep them in one of the two files."),
)
MISSING_ZONES: Final = Reason(
    "election.missing_zones",
    N_("The station has no camera for: {zones}."),
    N_("Every station owes five views; add the cameras before election day."),
    warning=True,
)
NO_ENGLISH: Final = Reason(
    "election.no_english",
    N_("Rows have no English name; the English pages show the Russian one."),
    N_("Fill in the column if there will be foreign observers."),
    warning=True,
)
NO_AREA: Final = Reason(
    "election.no_area",
    N_("The file names no [area], so swapped or mistyped coordinates cannot be found."),
    N_("Add [area] with west, south, east and north in degrees."),
    warning=True,
)

REASONS: Final = tuple(value for value in list(globals().values()) if isinstance(value, Reason))
"""Every reason, for the reference page and its test."""
