"""`aigaq station optical`: read a blinking patch out of a video. It trusts nothing, and needs no box and no network."""

import hashlib
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aigaq.base import from_ms
from aigaq.capture import MINUTE_MS, PatchReading, expected_bits, wrong_bits

if TYPE_CHECKING:
    from aigaq.station.films import Film

optical_app = typer.Typer(
    name="optical",
    help="The blinking patch: bits on a screen in view of a camera, which nobody could know earlier.",
    no_args_is_help=True,
)


@optical_app.callback()
def optical() -> None:
    """The blinking patch: bits on a screen in view of a camera, which nobody could know earlier."""


@optical_app.command()
def read(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="VIDEO…",
            exists=True,
            dir_okay=False,
            help="clip.zip or package.zip; or an initialisation segment and the segments after it; or any video.",
        ),
    ],
    *,
    start: Annotated[
        datetime | None, typer.Option(help="UTC of the first picture, for a video that does not carry it.")
    ] = None,
    note: Annotated[
        list[Path] | None,
        typer.Option(help="A witnessed note to compare with; a zip brings its own.", exists=True, dir_okay=False),
    ] = None,
    origin: Annotated[str, typer.Option(help="With --note: the name of the station's log.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON on standard output.")] = False,
) -> None:
    """Find every blinking patch in a video, wherever it is, and print its bits minute by minute.

    Exit codes: 0 a patch was read · 1 none, or the video cannot be decoded.
    """  # fmt: skip
    from aigaq.capture.patch import find_and_decode  # noqa: PLC0415 - numpy, which a box that records does not need
    from aigaq.station.films import films_in, loose_film  # noqa: PLC0415 - as above

    if note and not origin:
        raise typer.BadParameter("--note needs --origin")
    if zipfile.is_zipfile(files[0]):
        films = [film for path in files for film in films_in(path)]
    else:
        begin_ms = None if start is None else round(start.replace(tzinfo=start.tzinfo or UTC).timestamp() * 1000)
        films = [loose_film(files, [path.read_bytes() for path in note or ()], origin, begin_ms)]
    found = [_told(reading, film) for film in films for reading in find_and_decode(film.frames)]
    if as_json:
        typer.echo(json.dumps({"readings": found}))
    else:
        typer.echo("\n".join(map(_line, found)) if found else "No blinking patch was seen.")
    if not found:
        raise typer.Exit(1)


def _told(reading: PatchReading, film: "Film") -> dict[str, Any]:
    box = reading.box
    hashes = (hashlib.sha256(note).digest() for note in film.notes)
    expected = [expected_bits(digest, film.origin, reading.minute) for digest in hashes]
    return {
        "film": film.name,
        "minute": reading.minute,
        "utc": f"{from_ms(reading.minute * MINUTE_MS):%Y-%m-%dT%H:%MZ}",
        "bits": reading.bits.hex(),
        "errors": reading.errors,
        "box": [box.left, box.top, box.width, box.height],
        "delay_ms": reading.delay_ms,
        "wrong_bits": min((wrong_bits(reading.bits, bits) for bits in expected), default=None),
    }


def _line(told: dict[str, Any]) -> str:
    left, top, width, height = told["box"]
    wrong = told["wrong_bits"]
    compared = "" if wrong is None else f"; {wrong} of 60 bits differ from the nearest note"
    return (
        f"{told['film']}  {told['utc']}  {told['bits']}  {told['errors']} of 120 slots doubtful, "
        f"{width}x{height} px at {left},{top}{compared}"
    )
