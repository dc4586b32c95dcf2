"""`aigaq center`, `aigaq clip` and `aigaq fsck`."""

import asyncio
import json
import shutil
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, BinaryIO, Final

import httpx2
import typer
from rich.console import Console
from rich.progress import Progress

from aigaq.archive.errors import BadTimeError, CenterRefusedError, FolderInUseError, NoArchiveError
from aigaq.archive.fsck import Findings, Fsck, Level
from aigaq.archive.model import StreamKey
from aigaq.archive.service import Archive, lock_folder
from aigaq.archive.settings import NAME, CenterSettings
from aigaq.archive.setup import center_name, init_center, log_origin, log_setup, open_archive
from aigaq.election import load_register
from aigaq.ledger import SigningKey, parse_vkey
from aigaq.web import parse_time

center_app = typer.Typer(name="center", no_args_is_help=True)
clip_app = typer.Typer(name="clip", help="Footage with proof, to take away.", no_args_is_help=True)

Config = Annotated[Path, typer.Option("--config", "-c", help="The settings of the centre.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON on standard output.")]
CONFIG: Final = Path(NAME)
NEXT: Final = """\
Settings: {config}
Key of the centre, for [center] vkey of every station.toml:
{vkey}

Next:
  1. back up center.key, log.key and log-pq.key; nothing replaces them
  2. officers: aigaq enrol roles {folder}/roles.vkeys --add ROLE/POST --key FILE, for two roles at least
  3. witnesses: put the lines that `aigaq witness init` prints into {policy}, and a quorum
  4. publish {policy} where you cannot change it afterwards; every box gets a copy
  5. aigaq center run --config {config}"""


@center_app.callback()
def center() -> None:
    """The centre: receives, keeps and shows footage."""  # `run` is added by the app, which has every room's pages


@center_app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Folder for settings and keys; made if it is missing.")],
    *,
    log_domain: Annotated[str, typer.Option(help="Names the logs, for example log.example.org.")],
    election: Annotated[Path, typer.Option(help="Where the register was imported to.")] = Path("register"),
    data: Annotated[Path, typer.Option(help="Where footage shall lie.")] = Path("archive"),
    as_json: AsJson = False,
) -> None:
    """Write commented settings, the keys of the centre and of its log, and a trust file without witnesses yet.

    Prints the key line that boxes need, and what to do next.
    """
    made = init_center(folder, log_domain=log_domain, register=election.resolve(), data=data)
    if as_json:
        _print_json({"config": str(made.config), "vkey": made.vkey, "policy": str(made.policy)})
    else:
        typer.echo(NEXT.format(config=made.config, vkey=made.vkey, policy=made.policy, folder=folder))


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
        download(f"{url.rstrip('/')}/api/v1/clip.{'mp4' if plain else 'zip'}", words, out)
    else:
        archive = open_archive(CenterSettings.load(config))
        asyncio.run(_export(archive, StreamKey(station, camera, stream), (from_, to), out))
    typer.echo(str(out))


async def _export(archive: Archive, key: StreamKey, times: tuple[str, str], out: Path) -> None:
    async with opened(archive):
        clip = await archive.plan_clip(key, *moments(archive, key.station, times))
        if out.suffix == ".mp4":
            shutil.move(await archive.clip_mp4(clip), out)
            return
        with whole(out) as file:
            async for piece in archive.clip_zip(clip):
                file.write(piece)


@asynccontextmanager
async def opened(archive: Archive) -> AsyncGenerator[Archive]:
    """An archive to ask questions of, without serving anyone: nothing is committed and nobody found absent."""
    try:
        await archive.open()
        yield archive
    finally:
        await archive.stop()


def moments(archive: Archive, station: str, times: tuple[str, str]) -> tuple[int, int]:
    """Two times as they were typed, by the station's clocks.

    Raises:
        BadTimeError: one is not a time.
    """
    start, end = (parse_time(text, archive.register.zone_name(station)) for text in times)
    if start is None or end is None:
        raise BadTimeError(station)
    return start, end


def download(url: str, words: Mapping[str, str | list[str]], out: Path) -> None:
    """Fetch what a centre makes.

    Raises:
        CenterRefusedError: it says no.
    """
    with httpx2.stream("GET", url, params=words, timeout=60) as answer:
        if answer.status_code != 200:
            answer.read()
            raise CenterRefusedError(url, status=answer.status_code, problem=answer.text[:500])
        with whole(out) as file:
            for piece in answer.iter_bytes():
                file.write(piece)


@contextmanager
def whole(path: Path) -> Generator[BinaryIO]:
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
    origin = log_origin(section.log_domain, election)
    center = parse_vkey(SigningKey.load(section.key).vkey(center_name(section.log_domain, election)))
    check = Fsck(section.data, election, log_setup(settings.log, origin), center, level)
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
        typer.echo("note: a centre runs on this archive, so the logs were not checked", err=True)
    looked = f"{findings.rows} rows, {findings.objects} objects, {findings.bytes_read} bytes read"
    verdict = f"{len(findings.problems)} problems" if findings.problems else "all holds"
    typer.echo(f"{verdict} ({findings.level}: {looked})")


def _print_json(value: object) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False))
