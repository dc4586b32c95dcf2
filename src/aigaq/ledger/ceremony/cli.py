"""`aigaq ceremony`: rehearse it, hold it, combine shares. Nothing secret is printed."""

import json
from pathlib import Path
from typing import Annotated

import typer
from cryptography.hazmat.primitives.hashes import SHA256

from aigaq.base import SystemClock
from aigaq.ledger.ceremony.script import PUBLIC, TRANSCRIPT, Ceremony, Transcript, check_in_memory, reissue
from aigaq.ledger.ceremony.shares import Scheme, read_words

ceremony_app = typer.Typer(
    name="ceremony",
    help="Makes the keys of an election in public: root in shares, issuing authority, log keys.",
    epilog="The guide docs/guide/ceremony.md says who sits where and does what.",
    no_args_is_help=True,
)

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="New folder.")]
Origin = Annotated[str, typer.Option(metavar="DOMAIN/ELECTION", help="Name of the national log.")]
Needed = Annotated[int, typer.Option(help="Shares that restore the root key.")]
Made = Annotated[int, typer.Option("--of", help="Shares that are made, one for each holder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON on standard output.")]


@ceremony_app.command()
def rehearse(folder: Folder, *, origin: Origin, shares: Needed = 5, of: Made = 9, as_json: AsJson = False) -> None:
    """Do everything with keys that are destroyed at the end. Rehearse with the very people and machine."""
    ceremony = Ceremony(folder, SystemClock(), log_origin=origin, scheme=Scheme(shares, of), rehearsal=True)
    _tell(ceremony.hold(), folder, as_json=as_json)


@ceremony_app.command()
def run(
    folder: Folder,
    *,
    origin: Origin,
    shares: Needed = 5,
    of: Made = 9,
    on_disk: Annotated[bool, typer.Option("--on-disk", help="Accept that shares reach a disk.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make the keys of the election. DIR must lie in memory, such as /dev/shm/ceremony."""
    if not on_disk:
        check_in_memory(folder)
    ceremony = Ceremony(folder, SystemClock(), log_origin=origin, scheme=Scheme(shares, of), rehearsal=False)
    _tell(ceremony.hold(), folder, as_json=as_json)


@ceremony_app.command()
def combine(
    shares: Annotated[
        list[Path], typer.Argument(metavar="SHARE…", help="Texts of shares.", exists=True, dir_okay=False)
    ],
    *,
    root: Annotated[Path, typer.Option(help="The root's certificate.", exists=True, dir_okay=False)],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the new issuing key and certificate.")],
    as_json: AsJson = False,
) -> None:
    """Make a new issuing authority when the old one is lost or stolen. The root's key is written nowhere."""
    words = [read_words(path.read_text(encoding="utf-8", errors="replace")) for path in shares]
    out.mkdir(parents=True, exist_ok=True)
    issued = reissue(words, root.read_bytes(), out, SystemClock())
    digest = issued.fingerprint(SHA256()).hex()
    typer.echo(
        json.dumps({"issuing_sha256": digest}) if as_json else f"New issuing authority in {out}, SHA-256 {digest}"
    )


def _tell(transcript: Transcript, folder: Path, *, as_json: bool) -> None:
    if as_json:
        hashes = {"hashes": [value for _, value in transcript.hashes], "shares": list(transcript.commitments)}
        typer.echo(json.dumps({"transcript": str(folder / PUBLIC / TRANSCRIPT), **hashes}))
        return
    for number, (text, facts) in enumerate(transcript.steps, 1):
        typer.echo(f"{number}. {text.format_map(facts)}")
    for text, value in transcript.hashes:
        typer.echo(f"{text}: {value}")
    typer.echo(f"Print and sign {folder / PUBLIC / TRANSCRIPT}.")
