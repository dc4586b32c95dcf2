"""Reads a register's source files whole: all mistakes at once, and a register only if there is none.

The core takes bytes by file name, so that no disk is needed to try it; `read_folder` brings the bytes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from aigaq.election import problems as why
from aigaq.election.election_file import FILE as ELECTION_FILE
from aigaq.election.election_file import read_election
from aigaq.election.errors import NoRegisterError, RegisterError
from aigaq.election.model import WORLD, Camera, PollingStation, Zone
from aigaq.election.points import FILE as POINTS_FILE
from aigaq.election.points import Point, read_points
from aigaq.election.problems import Problem
from aigaq.election.register import Register
from aigaq.election.rows import (
    CAMERA_COLUMNS,
    CAMERAS_FILE,
    STATION_COLUMNS,
    STATIONS_FILE,
    TERRITORIES_FILE,
    TERRITORY_COLUMNS,
    read_cameras,
    read_stations,
    read_territories,
    report_strays,
)
from aigaq.election.tables import SIZE_LIMIT_MB, Cells, Columns, Found, Report, Table, decode, read_table

REQUIRED_FILES: Final = (ELECTION_FILE, TERRITORIES_FILE, STATIONS_FILE, CAMERAS_FILE)
SOURCE_FILES: Final = (*REQUIRED_FILES, POINTS_FILE)
PROGRESS_ROWS: Final = 1000

Progress = Callable[[str, int, int], None]
"""Told now and then: file, rows done, rows in all."""


def no_progress(file: str, done: int, total: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading gave: the register, or None when a problem is more than a warning."""

    register: Register | None
    problems: tuple[Problem, ...]

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What a person should know of a register that can be used."""
        return tuple(p for p in self.problems if p.reason.warning)


def read_folder(folder: Path, progress: Progress = no_progress) -> Reading:
    """Read the source files of a folder.

    Raises:
        NoRegisterError: not one of them is there.
    """
    report = Report()
    files: dict[str, bytes] = {}
    for name in SOURCE_FILES:
        data = _read(folder / name, report)
        if data is not None:
            files[name] = data
    if not files and not report.problems:
        raise NoRegisterError(str(folder))
    return _read_files(files, report, progress)


def read_files(files: Mapping[str, bytes], progress: Progress = no_progress) -> Reading:
    """Read the source files, given as bytes by name."""
    return _read_files(files, Report(), progress)


def checked(reading: Reading, where: Path) -> Register:
    """The register.

    Raises:
        RegisterError: with every problem, if there is one that is more than a warning.
    """
    if reading.register is None:
        raise RegisterError(str(where), reading.problems)
    return reading.register


def _read(path: Path, report: Report) -> bytes | None:
    """A file's bytes, cut just above the limit so that a wrong file cannot fill the memory."""
    try:
        with path.open("rb") as stream:
            return stream.read(SIZE_LIMIT_MB * 1_000_000 + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        report.add(why.UNREADABLE, path.name, problem=error.strerror or type(error).__name__)
        return None


def _read_files(files: Mapping[str, bytes], report: Report, progress: Progress) -> Reading:
    unread = {p.file for p in report.problems}
    for name in REQUIRED_FILES:
        if name not in files and name not in unread:
            report.add(why.MISSING_FILE, name)
    texts = {name: decode(data, name, report) for name, data in files.items() if name in SOURCE_FILES}

    def table(file: str, columns: Columns) -> Table:
        text = texts.get(file)
        found = read_table(text, file, columns, report) if text is not None else Table()
        return Table(_counted(tuple(found.rows), file, progress), found.whole)

    election_text, points_text = texts.get(ELECTION_FILE), texts.get(POINTS_FILE)
    election = read_election(election_text, report) if election_text is not None else None
    points = (
        read_points(points_text, report) if points_text is not None else Found[str, Point](POINTS_FILE not in files)
    )
    territories = read_territories(table(TERRITORIES_FILE, TERRITORY_COLUMNS), report)
    area = election.area if election else WORLD
    stations = read_stations(table(STATIONS_FILE, STATION_COLUMNS), points, territories, area)
    report_strays(points, stations, report)
    cameras = read_cameras(table(CAMERAS_FILE, CAMERA_COLUMNS), stations)
    complete = _with_cameras(stations, cameras)
    _warn(stations, complete, report)
    if election is None or report.refused:
        return Reading(None, tuple(report.problems))
    return Reading(Register(election, territories.values.values(), complete), tuple(report.problems))


def _counted(rows: Sequence[Cells], file: str, progress: Progress) -> Iterator[Cells]:
    for done, row in enumerate(rows):
        if done % PROGRESS_ROWS == 0:
            progress(file, done, len(rows))
        yield row
    progress(file, len(rows), len(rows))


def _with_cameras(
    stations: Found[str, PollingStation], cameras: Found[tuple[str, str], Camera]
) -> list[PollingStation]:
    by_station: dict[str, list[Camera]] = {}
    for camera in cameras.values.values():
        by_station.setdefault(camera.station, []).append(camera)
    return [replace(s, cameras=tuple(by_station.get(s.id, ()))) for s in stations.values.values()]


def _warn(stations: Found[str, PollingStation], complete: Sequence[PollingStation], report: Report) -> None:
    """What does not stop the import; silent while cameras are lost to mistakes, for then it would mislead."""
    if report.refused:
        return
    for station in complete:
        seen = {camera.zone for camera in station.cameras}
        missing = ", ".join(zone for zone in Zone if zone not in seen)
        if missing:
            row = stations.first_row[station.id]
            report.add(why.MISSING_ZONES, STATIONS_FILE, row, column="id", value=station.id, zones=missing)
    without = [stations.first_row[s.id] for s in complete if not s.names.en]
    for row in without:
        report.add(why.NO_ENGLISH, STATIONS_FILE, row, column="name_en")
