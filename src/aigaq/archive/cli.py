"""`aigaq center`, `aigaq clip` and `aigaq fsck`."""

import asyncio
import json
import logging
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, BinaryIO, Final

import httpx2
import typer
import uvicorn
from rich.console import Console
from rich.progress import Progress

from aigaq.archive.app import create_asgi
from aigaq.archive.enrolment import Enrolment
from aigaq.archive.errors import (
    BadTimeError,
    CenterRefusedError,
    FolderInUseError,
    NoArchiveError,
    SettingsExistError,
)
from aigaq.archive.fsck import Findings, Fsck, Level
from aigaq.archive.model import StreamKey
from aigaq.archive.pages import create_pages
from aigaq.archive.service import Archive, lock_folder
from aigaq.archive.settings import NAME, TEMPLATE, CenterSettings
from aigaq.base import SystemClock
from aigaq.election import load_register
from aigaq.ledger import SigningKey, parse_vkey
from aigaq.web import parse_time

center_app = typer.Typer(name="center", help="The centre: receives, keeps and shows footage.", no_args_is_help=True)
clip_app = typer.Typer(name="clip", help="Footage with proof, to take away.", no_args_is_help=True)

Config = Annotated[Path, typer.Option("--config", "-c", help="The settings of the centre.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON on standard output.")]
CONFIG: Final = Path(NAME)


def center_name(log_domain: str, election: str) -> str:
    """The name under which a centre's receipts are signed."""
    return f"{log_domain}/{election}/center"


@center_app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Folder for settings and key; made if it is missing.")],
    *,
    log_domain: Annotated[str, typer.Option(help="Names the station logs, for example log.example.org.")],
    election: Annotated[Path, typer.Option(help="Where the register was imported to.")] = Path("register"),
    data: Annotated[Path, typer.Option(help="Where footage shall lie.")] = Path("archive"),
    as_json: AsJson = False,
) -> None:
    """Write commented settings and make the centre's key; prints the key line that boxes need."""
    register = load_register(election.resolve())
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / NAME).exists():
        raise SettingsExistError(str(folder / NAME))
    key = SigningKey.create(folder / "center.key")
    text = TEMPLATE.format(election=election.resolve(), data=data, log_domain=log_domain)
    (folder / NAME).write_text(text, encoding="utf-8")
    CenterSettings.load(folder / NAME)
    vkey = key.vkey(center_name(log_domain, register.election.id))
    if as_json:
        _print_json({"config": str(folder / NAME), "vkey": vkey})
    else:
        typer.echo(f"Settings: {folder / NAME}\nPut this line into [center] vkey of every station.toml:\n{vkey}")


@center_app.command()
def enrol(
    vkey: Annotated[str, typer.Argument(help="The line that `aigaq station init` printed.")],
    *,
    config: Config = CONFIG,
    as_json: AsJson = False,
) -> None:
    """Accept uploads of a station from now on. A running centre sees it at once."""
    settings = CenterSettings.load(config)
    register = load_register(settings.center.election)
    enrolment = Enrolment(settings.center.stations, settings.center.log_domain, register.election.id)
    station = enrolment.add(vkey)
    known = any(s.id == station for s in register.stations())
    if as_json:
        _print_json({"station": station, "in_register": known})
    else:
        typer.echo(f"Enrolled {station}." if known else f"Enrolled {station}, which the register does not know yet.")


@center_app.command()
def run(
    *,
    config: Config = CONFIG,
    host: Annotated[str | None, typer.Option(help="Listen here instead.")] = None,
    port: Annotated[int | None, typer.Option(help="Listen on this port instead; 0 takes a free one.")] = None,
) -> None:
    """Run the centre until it is stopped by SIGINT or SIGTERM."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    settings = CenterSettings.load(config)
    archive = open_archive(settings)
    listen = settings.listen
    asyncio.run(serve(archive, host or listen.host, listen.port if port is None else port))


def open_archive(settings: CenterSettings) -> Archive:
    """The archive that the settings name."""
    section = settings.center
    return Archive(
        section.data,
        load_register(section.election),
        SystemClock(),
        SigningKey.load(section.key),
        log_domain=section.log_domain,
        stations_file=section.stations,
        min_free=round(settings.limits.min_free_gb * 1e9),
    )


async def serve(archive: Archive, host: str, port: int) -> None:
    """Serve an archive and its pages until a signal comes."""
    config = uvicorn.Config(
        create_asgi(archive, create_pages(archive)),
        host,
        port,
        lifespan="off",
        ws="none",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
    )
    async with archive:
        await uvicorn.Server(config).serve()


@clip_app.command()
def export(
    station: Annotated[str, typer.Argument(help="Polling station.")],
    camera: Annotated[str, typer.Argument(help="Camera.")],
    from_: Annotated[str, typer.Argument(metavar="FROM", help="ISO 8601 (on the station's clocks) or milliseconds.")],
    to: Annotated[str, typer.Argument(metavar="TO", help="As FROM.")],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write; a name ending in .mp4 gives a plain mp4.")],
    stream: Annotated[str, typer.Option(help="main or sub.")] = "main",
    url: Annotated[str | None, typer.Option(help="Address of a centre; else the archive of the settings.")] = None,
    config: Config = CONFIG,
) -> None:
    """Export a stretch of footage with everything that proves it (clip.zip), or as a plain mp4 without proof.

    Check it with `aigaq verify`.
    """
    plain = out.suffix == ".mp4"
    if url:
        words = {"station": station, "camera": camera, "from": from_, "to": to, "stream": stream}
        _download(f"{url.rstrip('/')}/api/v1/clip.{'mp4' if plain else 'zip'}", words, out)
    else:
        archive = open_archive(CenterSettings.load(config))
        try:
            asyncio.run(_export(archive, StreamKey(station, camera, stream), (from_, to), out))
        finally:
            archive.close()
    typer.echo(str(out))


async def _export(archive: Archive, key: StreamKey, times: tuple[str, str], out: Path) -> None:
    zone = archive.register.zone_name(key.station)
    start, end = (parse_time(text, zone) for text in times)
    if start is None or end is None:
        raise BadTimeError(key.station)
    clip = await archive.plan_clip(key, start, end)
    if out.suffix == ".mp4":
        shutil.move(await archive.clip_mp4(clip), out)
        return
    with _whole(out) as file:
        async for piece in archive.clip_zip(clip):
            file.write(piece)


def _download(url: str, words: dict[str, str], out: Path) -> None:
    with httpx2.stream("GET", url, params=words, timeout=60) as answer:
        if answer.status_code != 200:
            answer.read()
            raise CenterRefusedError(url, status=answer.status_code, problem=answer.text[:500])
        with _whole(out) as file:
            for piece in answer.iter_bytes():
                file.write(piece)


@contextmanager
def _whole(path: Path) -> Generator[BinaryIO]:
    """A file that appears only when it is whole."""
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        yield file
    part.replace(path)


def fsck(
    *,
    level: Annotated[
        Level, typer.Option(help="presence: all is there; size: and as long as it must be; hash: read every byte.")
    ] = Level.SIZE,
    config: Config = CONFIG,
    as_json: AsJson = False,
) -> None:
    """Derive every invariant of the archive again from what is stored. Changes nothing.

    Exit codes: 0 all holds · 1 something does not.
    """
    settings = CenterSettings.load(config)
    section = settings.center
    if not (section.data / "archive.sqlite").exists():
        raise NoArchiveError(str(section.data))
    election = load_register(section.election).election.id
    enrolment = Enrolment(section.stations, section.log_domain, election)
    center = parse_vkey(SigningKey.load(section.key).vkey(center_name(section.log_domain, election)))
    check = Fsck(section.data, election, enrolment, center, level)
    with _alone(section.data) as alone, Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("rows")
        findings = check.run(logs=alone, progress=lambda done, total: bar.update(task, completed=done, total=total))
    if as_json:
        _print_json(asdict(findings))
    else:
        _tell(findings)
    raise typer.Exit(1 if findings.problems else 0)


@contextmanager
def _alone(folder: Path) -> Generator[bool]:
    """Whether no centre runs on the folder; keeps one from starting meanwhile."""
    try:
        lock = lock_folder(folder)
    except FolderInUseError:
        yield False
        return
    with lock:
        yield True


def _tell(findings: Findings) -> None:
    for problem in findings.problems:
        typer.echo(f"{problem.kind}: {problem.where}: {problem.what}")
    for name in findings.orphans:
        typer.echo(f"note: no row names the object {name}; it is harmless")
    if not findings.logs_checked:
        typer.echo("note: a centre runs on this archive, so the station logs were not checked", err=True)
    looked = f"{findings.rows} rows, {findings.objects} objects, {findings.bytes_read} bytes read"
    verdict = f"{len(findings.problems)} problems" if findings.problems else "all holds"
    typer.echo(f"{verdict} ({findings.level}: {looked})")


def _print_json(value: object) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False))
