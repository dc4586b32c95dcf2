"""`aigaq evidence`: packages for a court, to be made at the centre or fetched from one, and to be checked anywhere."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from aigaq.archive.cli import CONFIG, Config, download, moments, opened, whole
from aigaq.archive.service import Archive
from aigaq.archive.settings import CenterSettings
from aigaq.archive.setup import open_archive
from aigaq_verify.cli import run as judge

evidence_app = typer.Typer(name="evidence", help="Footage with everything a court needs.", no_args_is_help=True)


@evidence_app.command()
def export(
    station: Annotated[str, typer.Argument(help="Polling station.")],
    from_: Annotated[str, typer.Argument(metavar="FROM", help="ISO 8601 (on the station's clocks) or milliseconds.")],
    to: Annotated[str, typer.Argument(metavar="TO", help="As FROM.")],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write.")],
    camera: Annotated[list[str] | None, typer.Option(help="Only this camera; may be given more than once.")] = None,
    stream: Annotated[list[str] | None, typer.Option(help="main (the default) or sub; may be given twice.")] = None,
    url: Annotated[str | None, typer.Option(help="Address of a centre; else the archive of the settings.")] = None,
    config: Config = CONFIG,
) -> None:
    """Write an evidence package: original footage, records and proofs, gaps, custody, certificates, offline verifier.

    The export is itself written into the national log. Check a package with `aigaq evidence verify`.
    """
    cameras, streams = camera or [], sorted(set(stream or ["main"]))
    if not set(streams) <= {"main", "sub"}:
        raise typer.BadParameter("a stream is main or sub")
    if url:
        words = {"from": from_, "to": to, "camera": cameras, "stream": streams}
        download(f"{url.rstrip('/')}/api/v1/stations/{station}/evidence.zip", words, out)
    else:
        archive = open_archive(CenterSettings.load(config))
        asyncio.run(_export(archive, station, cameras, streams, times=(from_, to), out=out))
    typer.echo(str(out))


async def _export(
    archive: Archive, station: str, cameras: list[str], streams: list[str], *, times: tuple[str, str], out: Path
) -> None:
    async with opened(archive):
        package = await archive.plan_evidence(station, cameras, streams, *moments(archive, station, times))
        with whole(out) as file:
            async for piece in archive.evidence.export(package):
                file.write(piece)


@evidence_app.command()
def verify(
    package: Annotated[Path, typer.Argument(metavar="PACKAGE.zip", help="A package as it was exported.")],
    *,
    trust: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The keys that you trust (C2SP tlog-policy).")
    ] = None,
    zone: Annotated[str | None, typer.Option(help="Also show times in this zone, for example Asia/Almaty.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Judge a package offline: every clip in it, and that nothing was added, removed or changed since it was packed.

    The exit codes are those of `aigaq verify`. Get the trust file from someone other than the one who gave you the
    package; the one inside is for reading.
    """
    raise typer.Exit(judge(package, trust, zone=zone, as_json=as_json))
