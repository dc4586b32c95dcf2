"""`aigaq station`: set up a box, check its cameras, run it, ask how it is, check its data."""

import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

import structlog
import typer
import uvloop
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from aigaq.base import SettingsError, SystemClock, utc_ms
from aigaq.ledger.enrolment import Facts, IdentityKey, fingerprint, make_csr
from aigaq.station.agent import StationAgent
from aigaq.station.commission import Commission, Finding, commission
from aigaq.station.errors import AlreadySetUpError, NotRunningError
from aigaq.station.example import example_toml
from aigaq.station.fsck import Fsck, Level
from aigaq.station.health import STALE_MS, status_path
from aigaq.station.optical_cli import optical_app
from aigaq.station.settings import StationSettings, load_station
from aigaq.station.signing import ENROLMENT

ALARMS_EXIT: Final = 3

station_app = typer.Typer(
    name="station",
    help="The box at a polling station: records cameras, seals footage, sends it to the centre.",
    epilog="Begin with `aigaq station init`, fill in station.toml, try it with `aigaq station check`, then "
    "`aigaq station run`.",
    no_args_is_help=True,
)
station_app.add_typer(optical_app)

Config = Annotated[Path, typer.Option("--config", "-c", help="Settings of the box.", envvar="AIGAQ_STATION_CONFIG")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON on standard output.")]
CONFIG: Final = Path("station.toml")


@station_app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Folder for station.toml and the data folder; made if missing.")],
    *,
    election: Annotated[str, typer.Option(help="Election id, as in the register.")],
    station: Annotated[str, typer.Option(help="Polling station id, as in the register.")],
    log_domain: Annotated[str, typer.Option(help="Domain in the names of all station logs of this election.")],
    center_url: Annotated[str, typer.Option(help="Address of the centre; leave out to record only.")] = "",
    center_vkey: Annotated[str, typer.Option(help="The centre's public key, as its operator gave it.")] = "",
    trust: Annotated[str, typer.Option(help="The trust file, as a path from FOLDER.")] = "",
    as_json: AsJson = False,
) -> None:
    """Write a commented station.toml, make the identity key, and write the request for enrolment, station.csr.

    Nothing is ever overwritten. Exit codes: 0 done · 1 something is there already, or cannot be written.
    """
    config, request = folder / "station.toml", folder / "station.csr"
    text = example_toml(
        election=election, station=station, log_domain=log_domain, center_url=center_url, center_vkey=center_vkey,
        trust=trust,
    )  # fmt: skip
    key_file = folder / "data" / "identity.key"
    for path in (config, key_file, request):
        if path.exists():
            raise AlreadySetUpError(str(path.parent), file=path.name)
    settings = _write_config(config, text)
    key_file.parent.mkdir(exist_ok=True)
    identity = IdentityKey.create(key_file)
    request.write_text(make_csr(identity, settings.station.election, settings.station.id, Facts()), encoding="ascii")
    shown = {"config": str(config), "key": str(key_file), "csr": str(request)}
    if as_json:
        _print_json({**shown, "fingerprint": fingerprint(identity.point)})
        return
    typer.echo(f"Wrote {config}, {key_file} and {request}.")
    typer.echo("Fill in the cameras. Bring station.csr to the commission, and read out this fingerprint to it:\n")
    typer.echo(f"  {fingerprint(identity.point)}\n")
    typer.echo(f"Put its answer into {key_file.parent / ENROLMENT}, then: aigaq station check -c {config}")


@station_app.command()
def csr(
    *,
    config: Config = CONFIG,
    facts: Annotated[
        Path | None, typer.Option(help="Facts about the cameras, to be enrolled too.", exists=True, dir_okay=False)
    ] = None,
) -> None:
    """Print the request for enrolment again, with the facts about the cameras once they are known."""
    settings = load_station(config)
    known = Facts.from_json(facts.read_text(encoding="utf-8")) if facts else Facts()
    identity = IdentityKey.load(settings.identity_file)
    typer.echo(make_csr(identity, settings.station.election, settings.station.id, known), nl=False)


@station_app.command()
def key(*, config: Config = CONFIG, as_json: AsJson = False) -> None:
    """Print the fingerprint of the identity key, which officers compare before they approve the enrolment."""
    shown = fingerprint(IdentityKey.load(load_station(config).identity_file).point)
    if as_json:
        _print_json({"fingerprint": shown})
    else:
        typer.echo(shown)


@station_app.command()
def check(
    *,
    config: Config = CONFIG,
    seconds: Annotated[float, typer.Option(help="How long to watch each stream.", min=1)] = 60,
    as_json: AsJson = False,
) -> None:
    """Watch every camera for a minute, check the box, and say what to mend before duty. Records nothing.

    Exit codes: 0 fit for duty, perhaps with warnings · 1 not fit, the reasons and remedies are listed.
    """
    settings = load_station(config)
    with _progress("watching the cameras") as advance:
        done = asyncio.run(
            commission(
                settings, SystemClock(), seconds=seconds, progress=lambda share: advance(round(share * 100), 100)
            )
        )
    if as_json:
        _print_json(_commission_json(done))
    else:
        _tell_commission(done)
    if not done.fit:
        raise typer.Exit(1)


@station_app.command()
def run(
    *,
    config: Config = CONFIG,
    verbose: Annotated[bool, typer.Option("--verbose", help="Also log what is merely interesting.")] = False,
) -> None:
    """Record, seal and send until stopped by Ctrl-C or SIGTERM; log lines go to standard error.

    Exit codes: 0 stopped on request, all sealed · 1 cannot start or go on, the reason is on standard error.
    """
    settings = load_station(config)
    _log_to_stderr(logging.DEBUG if verbose else logging.INFO)
    uvloop.run(_run(settings))


@station_app.command()
def status(*, config: Config = CONFIG, as_json: AsJson = False) -> None:
    """Show how the running box is: cameras, backlog, disk, alarms.

    Exit codes: 0 running without alarm · 1 no agent runs · 3 running with alarms.
    """
    found = _read_status(load_station(config).station.data)
    if as_json:
        _print_json(found)
    else:
        _tell_status(found)
    if found["alarms"]:
        raise typer.Exit(ALARMS_EXIT)


@station_app.command()
def fsck(
    *,
    config: Config = CONFIG,
    level: Annotated[Level, typer.Option(help="presence: files exist · size: and sizes · hash: and every byte.")] = (
        Level.HASH
    ),
    as_json: AsJson = False,
) -> None:
    """Derive every invariant of the data folder again; changes nothing, and may run beside the agent.

    Exit codes: 0 all holds · 1 problems are listed.
    """
    settings = load_station(config)
    problems: list[dict[str, str]] = []
    with _progress("checking rows") as advance:
        for problem in Fsck(settings, level, advance).problems():
            problems.append({"kind": problem.kind, "where": problem.where, "what": problem.what})
            if not as_json:
                typer.echo(f"{problem.kind}\t{problem.where}\t{problem.what}")
    if as_json:
        _print_json({"level": level, "problems": problems})
    elif not problems:
        typer.echo("All holds.")
    if problems:
        raise typer.Exit(1)


def _commission_json(done: Commission) -> dict[str, Any]:
    streams = [
        {"camera": s.camera, "stream": s.stream, "facts": asdict(s.facts), "findings": [*map(_finding, s.findings)]}
        for s in done.streams
    ]
    return {"fit": done.fit, "streams": streams, "box": [*map(_finding, done.box)]}


def _finding(finding: Finding) -> dict[str, str]:
    return {"severity": finding.severity, **asdict(finding.error.explain())}


def _tell_commission(done: Commission) -> None:
    for stream in done.streams:
        facts = stream.facts
        seen = (
            f"{facts.codec} {facts.width}x{facts.height}, {facts.fps:.1f} fps, {facts.kbps} kbit/s, {facts.lost} lost"
        )
        typer.echo(f"{stream.camera}/{stream.stream}: {seen if facts.codec else 'no video'}")
        _tell_findings(stream.findings)
    typer.echo("box:" if done.box else "box: nothing to mend")
    _tell_findings(done.box)
    typer.echo("Fit for duty." if done.fit else "NOT fit for duty: mend what is refused above, then check again.")


def _tell_findings(findings: tuple[Finding, ...]) -> None:
    for finding in findings:
        told = finding.error.explain()
        typer.echo(f"  {finding.severity.upper()} {told.code}: {told.why}\n    {told.hint}")


async def _run(settings: StationSettings) -> None:
    agent = StationAgent(settings, SystemClock())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, agent.stop)
    await agent.run()


def _write_config(path: Path, text: str) -> StationSettings:
    """Write the settings if they can be read back."""
    fresh = path.with_suffix(".new")
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh.write_text(text, encoding="utf-8")
    try:
        settings = load_station(fresh)
    except SettingsError:
        fresh.unlink()
        raise
    fresh.rename(path)
    return settings


def _log_to_stderr(level: int) -> None:
    renderer: Any = structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def _read_status(data: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(status_path(data).read_text(encoding="utf-8"))
        old = utc_ms(SystemClock()) - found["at_ms"] > STALE_MS
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise NotRunningError(str(data)) from error
    if old or not _is_running(found["pid"]):
        raise NotRunningError(str(data))
    return found


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _tell_status(found: dict[str, Any]) -> None:
    backlog, disk = found["backlog"], found["disk"]
    typer.echo(f"{found['station']} ({found['election']}), duty: {found['duty']}")
    for stream in found["streams"]:
        gap = f"gap {stream['gap']['cause']}" if stream["gap"] else "recording"
        rate = f"{stream['fps']:.1f} fps, {stream['bit_rate'] / 1e6:.2f} Mb/s, {stream['rtp_lost']} packets lost"
        typer.echo(f"  {stream['camera']}/{stream['stream']}: {gap}; {rate}")
    waiting = {name: backlog[name] for name in ("sub", "main")}
    parts = [f"{name} {w['rows']} segments, {w['bytes'] / 1e6:.0f} MB" for name, w in waiting.items()]
    typer.echo(f"waiting for upload: {'; '.join(parts)}; refused: {backlog['refused']}")
    typer.echo(
        f"disk: room for {disk['hours_left']} h; log: {found['log']['sealed']} of {found['log']['rows']} rows sealed"
    )
    typer.echo(_tell_proof(found))
    for alarm in found["alarms"]:
        where = f" ({alarm['where']})" if alarm["where"] else ""
        typer.echo(f"ALARM {alarm['code']}{where}: {alarm['why']} {alarm['hint']}")


def _tell_proof(found: dict[str, Any]) -> str:
    keys, beacon, now = found["keys"], found["beacon"], found["at_ms"]
    until = keys["session_until_ms"]
    key = f"good for {(until - now) / 3_600_000:.0f} h" if until else "without enrolment"
    age = f"{beacon['size']} entries, {(now - beacon['witnessed_ms']) / 1000:.0f} s old" if beacon else "none"
    return f"session key: {key}{'' if keys['known'] else ', not yet known to the centre'}; beacon: {age}"


@contextmanager
def _progress(what: str) -> Generator[Callable[[int, int], None]]:
    """A bar on standard error that goes away; `advance(done, total)` moves it."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)

        def advance(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield advance


def _print_json(answer: object) -> None:
    typer.echo(json.dumps(answer, ensure_ascii=False, indent=1))
