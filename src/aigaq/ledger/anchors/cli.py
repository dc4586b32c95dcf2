"""`aigaq anchor`: time stamps for the national log; a station's root by SMS and on paper."""

import asyncio
import json
from datetime import UTC
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from aigaq.base import SystemClock, from_ms, time_zone, utc_ms
from aigaq.ledger.anchors.closing import ClosingRoot, closing_sheet
from aigaq.ledger.anchors.errors import AnchorFileError, NoAnswerError
from aigaq.ledger.anchors.notes import read_checkpoint
from aigaq.ledger.anchors.opentimestamps import CALENDARS, attestations, upgrade
from aigaq.ledger.anchors.sms import read_sms, write_sms
from aigaq.ledger.anchors.timestamp import load_roots, verify_token
from aigaq.ledger.anchors.tokens import NAME, OTS, Stamped, fetch_witnessed, stamp_note
from aigaq.ledger.durable import write_whole
from aigaq.ledger.key_files import told
from aigaq.ledger.keys import parse_vkey

anchor_app = typer.Typer(
    name="anchor",
    help="Ties the logs to the world outside: time-stamping authorities, SMS, the signed paper protocol.",
    no_args_is_help=True,
)


def _file(metavar: str, text: str) -> Any:  # noqa: ANN401 - typer's own
    return typer.Argument(metavar=metavar, help=text, exists=True, dir_okay=False)


AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON on standard output.")]
Note = Annotated[Path, _file("NOTE", "A signed checkpoint, as the log serves it.")]
TOKENS: Final = Path("tokens")


@anchor_app.command()
def stamp(
    *,
    tsa: Annotated[list[str] | None, typer.Option(metavar="NAME=URL", help="A time-stamping authority.")] = None,
    ots: Annotated[bool, typer.Option("--ots", help="Also OpenTimestamps.")] = False,
    calendar: Annotated[list[str] | None, typer.Option(help="Another calendar than the public ones.")] = None,
    log: Annotated[str | None, typer.Option(metavar="URL", help="The log, for example https://centre/log.")] = None,
    note: Annotated[Path | None, typer.Option(help="Or a note in a file.", exists=True, dir_okay=False)] = None,
    folder: Annotated[Path, typer.Option(help="Where tokens are kept.")] = TOKENS,
    every: Annotated[int, typer.Option(min=0, help="Again each so many minutes; 0 for once.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Have the newest witnessed note of the log stamped. Exit code 1 when an authority gave no stamp."""
    if (log is None) == (note is None):
        raise typer.BadParameter("give either --log or --note")
    authorities = dict(_authority(text) for text in tsa or ())
    calendars = tuple(calendar or CALENDARS) if ots else ()
    if not authorities and not calendars:
        raise typer.BadParameter("give --tsa or --ots")

    def once() -> bool:
        data = note.read_bytes() if note else fetch_witnessed(log or "")
        results = stamp_note(data, folder, authorities, calendars=calendars)
        _tell_stamps(results, as_json=as_json)
        return all(result.error is None for result in results)

    while every:
        try:
            once()
        except NoAnswerError as error:
            typer.echo(error, err=True)
        asyncio.run(SystemClock().sleep(60 * every))
    if not once():
        raise typer.Exit(1)


@anchor_app.command()
def verify(
    token: Annotated[Path, _file("TOKEN", "A token: .tsr or .ots.")],
    *,
    note: Annotated[Path, typer.Option(help="The note that was stamped.", exists=True, dir_okay=False)],
    ca: Annotated[Path | None, typer.Option(help="Certificates of the authorities that you trust, PEM.")] = None,
    renew: Annotated[bool, typer.Option("--renew", help="Ask the calendars what block a .ots proof leads to.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say what a token proves about a note."""
    data = note.read_bytes()
    if token.suffix == f".{OTS}":
        proof = token.read_bytes()
        if renew:
            proof = upgrade(proof, data)
            write_whole([(token, proof)])
        found = attestations(proof, data)
        _tell({"proven": [_attested(a.calendar, a.height, a.merkle_root) for a in found]}, as_json=as_json)
        return
    if ca is None:
        raise typer.BadParameter("a .tsr token needs --ca")
    proven = verify_token(token.read_bytes(), data, load_roots(ca))
    told_time = proven.time.astimezone(UTC).isoformat().replace("+00:00", "Z")
    _tell({"not_after": told_time, "policy": proven.policy, "serial": f"{proven.serial:x}"}, as_json=as_json)


@anchor_app.command()
def close(
    note: Note,
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="HTML file to print.")],
    zone: Annotated[str, typer.Option(help="Time zone of the station.")] = "Asia/Almaty",
) -> None:
    """Make the sheet with a station's closing root, to be signed by hand and added to the paper protocol."""
    _, checkpoint = read_checkpoint(note.read_bytes(), str(note))
    now = from_ms(utc_ms(SystemClock())).astimezone(time_zone(zone))
    closing = ClosingRoot.of(checkpoint)
    if out.exists():
        raise AnchorFileError(str(out), problem=told(FileExistsError()))
    try:
        write_whole([(out, closing_sheet(closing, f"{now:%Y-%m-%d %H:%M} {zone}"))])
    except OSError as error:
        raise AnchorFileError(str(out), problem=told(error)) from error
    typer.echo(" ".join(closing.words))


@anchor_app.command()
def words(
    note: Note,
    *,
    typed: Annotated[str | None, typer.Option(help="The words; else they are read from standard input.")] = None,
) -> None:
    """Hold the words on a signed paper against a station's checkpoint. Exit code 1 and the places, if they differ."""
    _, checkpoint = read_checkpoint(note.read_bytes(), str(note))
    text = typer.get_text_stream("stdin").read() if typed is None else typed
    ClosingRoot.of(checkpoint).check(text)
    typer.echo(f"The words are those of {checkpoint.origin}, {checkpoint.size} rows.")


@anchor_app.command()
def sms(note: Note) -> None:
    """Print a station's checkpoint as one text message of 150 characters."""
    typer.echo(write_sms(note.read_bytes()))


@anchor_app.command()
def read(
    message: Annotated[str, typer.Argument(help="The text message.")],
    *,
    vkey: Annotated[list[str], typer.Option(help="Key line of a station's log; may be repeated.")],
) -> None:
    """Give back the signed checkpoint that a text message holds, checked against the keys of the station."""
    keys = [parse_vkey(text) for text in vkey]
    note = read_sms(message, dict.fromkeys(key.name for key in keys)).note(keys)
    typer.echo(note.decode(), nl=False)


def _authority(text: str) -> tuple[str, str]:
    name, equals, url = text.partition("=")
    if not equals or not NAME.fullmatch(name) or name == OTS or not url.startswith(("http://", "https://")):
        raise typer.BadParameter(f"not NAME=URL: {text}")
    return name, url


def _attested(calendar: str | None, height: int | None, merkle_root: bytes) -> dict[str, object]:
    if height is None:
        return {"calendar": calendar, "commitment": merkle_root.hex()}
    # Bitcoin shows hashes with their bytes in reverse order.
    return {"block": height, "merkle_root": merkle_root[::-1].hex()}


def _tell_stamps(results: list[Stamped], *, as_json: bool) -> None:
    for result in results:
        if as_json:
            error = result.error.explain().code if result.error else None
            typer.echo(json.dumps({"authority": result.authority, "token": str(result.path), "error": error}))
        elif result.error:
            typer.echo(f"{result.authority}: {result.error}", err=True)
        else:
            typer.echo(f"{result.authority}: {result.path}")


def _tell(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(found))
        return
    for name, value in found.items():
        for item in value if isinstance(value, list) else [value]:
            typer.echo(f"{name}: {item if isinstance(item, str) else json.dumps(item)}")
