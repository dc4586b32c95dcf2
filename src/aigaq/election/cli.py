"""`aigaq election`: write an example register, import a filled-in one, show what was imported."""

import json
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from aigaq.base import AigaqError, Language, SystemClock, as_language, from_ms, time_zone, utc_ms
from aigaq.election.errors import RegisterError
from aigaq.election.example import coming_sunday, example_register
from aigaq.election.model import DutyWindow, PollingStation, Zone
from aigaq.election.problems import Problem, condense
from aigaq.election.reading import read_folder
from aigaq.election.register import Register
from aigaq.election.store import load_register, save_register
from aigaq.election.writing import write_register

REGISTER: Final = Path("register")
"""Where a centre looks unless told otherwise."""

election_app = typer.Typer(
    name="election",
    help="The register: election, territories, polling stations, cameras.",
    epilog="Begin with `aigaq election template election/`, fill in the files, then `aigaq election import election/`.",
    no_args_is_help=True,
)

AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON on standard output.")]


@election_app.command()
def template(
    folder: Annotated[Path, typer.Argument(help="Folder to write into; made if it is missing.")],
    *,
    day: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Day of the election.", show_default="coming Sunday")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a filled-in example register to start from. It imports as it is."""
    today = from_ms(utc_ms(SystemClock())).date()
    register = example_register(day.date() if day else coming_sunday(today))
    files = write_register(register, folder)
    if as_json:
        _print_json({"files": [str(f) for f in files]})
    else:
        typer.echo("\n".join([*map(str, files), f"Fill them in, then: aigaq election import {folder}"]))


@election_app.command("import")
def import_(
    folder: Annotated[Path, typer.Argument(help="Folder with election.toml, *.csv and stations.geojson.")],
    *,
    into: Annotated[
        Path, typer.Option(help="Folder that keeps the register in use.", envvar="AIGAQ_REGISTER")
    ] = REGISTER,
    check: Annotated[bool, typer.Option("--check", help="Only look for mistakes; import nothing.")] = False,
    language: Annotated[str, typer.Option(help="Language of the report: kk, ru or en.", envvar="AIGAQ_LANG")] = "en",
    as_json: AsJson = False,
) -> None:
    """Check a register and make it the one in use; all mistakes are told at once, and then nothing changes.

    Exit codes: 0 imported, or fit to be · 1 refused, mistakes are on standard error (with --json on standard output).
    """
    told = _language(language)
    with _progress() as bar:
        reading = read_folder(folder, bar)
    if reading.register is None:
        _tell_refusal(RegisterError(str(folder), reading.problems), told, as_json=as_json)
        raise typer.Exit(1)
    path = None if check else save_register(reading.register, into)
    if as_json:
        warnings = [p.as_json(told) for p in reading.warnings]
        _print_json({"register": str(path) if path else None, **_summary(reading.register), "warnings": warnings})
        return
    _tell_problems(reading.warnings, told)
    typer.echo(_in_words(reading.register))
    typer.echo(f"Imported into {path}" if path else "Fit to be imported.")


@election_app.command()
def show(
    folder: Annotated[
        Path, typer.Argument(help="Folder of the register, or of its source files.", envvar="AIGAQ_REGISTER")
    ] = REGISTER,
    *,
    station: Annotated[str | None, typer.Option(help="Identifier of one polling station.")] = None,
    search: Annotated[str | None, typer.Option(help="List stations with these words in number, name, address.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the register in use: the election, its numbers, one station, or the stations that fit a search."""
    register = load_register(folder)
    if station is not None:
        _show_station(register, station, as_json=as_json)
    elif search is not None:
        _show_found(register, search, as_json=as_json)
    elif as_json:
        _print_json(_summary(register))
    else:
        typer.echo(_in_words(register))


def _language(code: str) -> Language:
    language = as_language(code[:2].lower())  # `kk_KZ` is a language too
    if language is None:
        raise typer.BadParameter("kk, ru or en", param_hint="--language")
    return language


@contextmanager
def _progress() -> Generator[Callable[[str, int, int], None]]:
    """A bar for each file on standard error, where a person watches; silence elsewhere."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    console = Console(stderr=True)
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:

        def tell(file: str, done: int, total: int) -> None:
            if file not in tasks:
                tasks[file] = bar.add_task(file, total=total)
            bar.update(tasks[file], completed=done)

        yield tell


def _tell_refusal(error: RegisterError, language: Language, *, as_json: bool) -> None:
    if as_json:
        said = AigaqError.explain(error, language)  # without the lines: a program gets each mistake by itself
        _print_json({"error": asdict(said), "problems": [p.as_json(language) for p in error.problems]})
    else:
        _tell_problems((p for p in error.problems if p.reason.warning), language)
        typer.echo(error.explain(language), err=True)


def _tell_problems(problems: Iterable[Problem], language: Language) -> None:
    for line in condense(problems, language):
        typer.echo(line, err=True)


def _summary(register: Register) -> dict[str, object]:
    election, stations = register.election, register.stations()
    return {
        "election": election.id,
        "names": {"kk": election.names.kk, "ru": election.names.ru, "en": election.names.en},
        "day": election.day.isoformat(),
        "time_zone": election.time_zone,
        "territories": len(register.territories()),
        "stations": len(stations),
        "stations_by_kind": dict(Counter(str(s.kind) for s in stations)),
        "cameras": sum(len(s.cameras) for s in stations),
        "registered_voters": sum(s.registered_voters for s in stations),
        "stations_lacking_a_zone": sum(bool(register.missing_zones(s.id)) for s in stations),
    }


def _in_words(register: Register) -> str:
    facts = _summary(register)
    kinds = ", ".join(f"{n} {kind}" for kind, n in Counter(str(s.kind) for s in register.stations()).items())
    hours = f"{register.election.opens:%H:%M} to {register.election.closes:%H:%M}, local time of each station"
    return "\n".join((
        f"{register.election.names.in_('en')} ({facts['election']})",
        f"  day        {facts['day']}, {hours} ({facts['time_zone']} unless a territory says otherwise)",
        f"  stations   {facts['stations']} ({kinds}) in {facts['territories']} territories",
        f"  cameras    {facts['cameras']}; {facts['stations_lacking_a_zone']} stations lack one of the five zones",
        f"  voters     {facts['registered_voters']}",
    ))  # fmt: skip


def _show_station(register: Register, id: str, *, as_json: bool) -> None:  # noqa: A002 - the word of the register
    station = register.station(id)
    if as_json:
        _print_json(_station_json(register, station))
        return
    zone = time_zone(register.zone_name(id))
    lineage = " › ".join(t.names.in_("en") for t in register.lineage(station.territory))
    typer.echo(f"{station.id} · No. {station.number} · {station.names.in_('en')} ({station.kind})")
    typer.echo(f"  {station.address.in_('en')} · {lineage} · {station.latitude}, {station.longitude}")
    typer.echo(f"  {station.registered_voters} registered voters · open {_local(register.voting(id), zone)}")
    for camera in station.cameras:
        window = _local(register.duty(id, camera.zone), zone)
        typer.echo(f"  {camera.id:<16} {camera.zone:<16} {window}  {camera.main_url}  {camera.sub_url}")
    for missing in register.missing_zones(id):
        typer.echo(f"  {'no camera':<16} {missing:<16}")


def _local(window: DutyWindow, zone: ZoneInfo) -> str:
    start, end = window.start.astimezone(zone), window.end.astimezone(zone)
    last = f"{end:%H:%M}" if end.date() == start.date() else f"{end:%Y-%m-%d %H:%M}"
    return f"{start:%Y-%m-%d %H:%M} to {last} {zone.key}"


def _station_json(register: Register, station: PollingStation) -> Mapping[str, object]:
    windows = {zone: register.duty(station.id, zone) for zone in Zone}
    return {
        **asdict(station),
        "time_zone": register.zone_name(station.id),
        "duty": {zone: [w.start.isoformat(), w.end.isoformat()] for zone, w in windows.items()},
        "missing_zones": register.missing_zones(station.id),
    }


def _show_found(register: Register, text: str, *, as_json: bool) -> None:
    found = register.search(text)
    stations = [s for page in range(1, found.pages + 1) for s in register.search(text, page=page).stations]
    if as_json:
        _print_json({"total": found.total, "stations": [s.id for s in stations]})
        return
    for station in stations:
        typer.echo(f"{station.id:<32} {station.number:>5}  {station.names.in_('en')}, {station.address.in_('en')}")
    typer.echo(f"{found.total} stations", err=True)


def _print_json(value: Mapping[str, object]) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))
