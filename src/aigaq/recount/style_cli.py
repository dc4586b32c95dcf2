"""`aigaq recount style`: make ballot styles from blanks, look at them, check that they can be told apart."""

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer
import uvicorn

from aigaq.base import translate
from aigaq.election import ID_PATTERN, Box, Names
from aigaq.recount.errors import BlankError
from aigaq.recount.style_pages import TEMPLATES, style_router
from aigaq.recount.styles import (
    PICTURE_FILE,
    Apart,
    LoadedStyle,
    Wish,
    compare_styles,
    load_style,
    load_styles,
    make_style,
    read_choices,
    save_style,
)
from aigaq.recount.styles.opening import FILE_BYTES
from aigaq.web import create_shell

SIZES: Final = {"A3": (297.0, 420.0), "A4": (210.0, 297.0), "A5": (148.0, 210.0), "A6": (105.0, 148.0),
                "letter": (215.9, 279.4), "legal": (215.9, 355.6)}  # fmt: skip
TURNS: Final = {"auto": None, "0": 0, "90": 90, "180": 180, "270": 270}
_APART: Final = {
    Apart.COLOUR: "told apart by colour",
    Apart.LAYOUT: "told apart by layout",
    Apart.TEXT: "told apart by text alone: hold them up one contest after the other",
    Apart.NOT: "cannot be told apart",
}

style_app = typer.Typer(
    name="style",
    help="Ballot styles: the layout of each contest's paper.",
    epilog="Begin with `aigaq recount style make BLANK.png --id party-list --size A4 --choices names.csv`.",
    no_args_is_help=True,
)

Styles = Annotated[Path, typer.Argument(help="Folder of the election's styles, or of one style.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON on standard output.")]


def _size(text: str) -> tuple[float, float]:
    if size := next((size for name, size in SIZES.items() if name.lower() == text.lower()), None):
        return size
    found = re.fullmatch(r"(\d{2,3}(?:\.\d)?)x(\d{2,3}(?:\.\d)?)", text)
    if not found:
        raise typer.BadParameter(f"one of {', '.join(SIZES)}, or millimetres as 210x297", param_hint="--size")
    return float(found[1]), float(found[2])


def _area(text: str) -> Box:
    found = re.fullmatch(r"([\d.]+),([\d.]+),([\d.]+),([\d.]+)", text)
    try:
        return Box(*map(float, found.groups())) if found else _not_an_area()
    except ValueError:
        return _not_an_area()


def _not_an_area() -> Box:
    raise typer.BadParameter("four numbers in mm: x,y,width,height", param_hint="--endorsement-area")


def _turn(text: str) -> str:
    if text not in TURNS:
        raise typer.BadParameter(", ".join(TURNS))
    return text


def _identifier(text: str) -> str:
    if text and not ID_PATTERN.fullmatch(text):
        raise typer.BadParameter("1 to 32 of a-z, 0-9 and -, for example party-list")
    return text


def _numbers(text: str) -> tuple[int, ...]:
    """`1-4,6` as numbers."""
    found = [re.fullmatch(r"(\d{1,3})(?:-(\d{1,3}))?", part.strip()) for part in text.split(",")] if text else []
    if not all(found):
        raise typer.BadParameter("numbers of boxes, for example 1-4,6", param_hint="--keep")
    return tuple(n for m in found if m for n in range(int(m[1]), int(m[2] or m[1]) + 1))


Blank = Annotated[Path, typer.Argument(help="A scan or photo of one unmarked ballot, or the printer's PDF.")]
Id = Annotated[str, typer.Option("--id", help="Identifier of the style, unique in the election.", callback=_identifier)]
Contest = Annotated[
    str, typer.Option(help="Identifier of the contest.", show_default="the style's", callback=_identifier)
]
Size = Annotated[
    str | None,
    typer.Option(help="Size of the paper: A4, A5, or mm as 210x297.", show_default="told by a PDF", metavar="SIZE"),
]
Choices = Annotated[Path | None, typer.Option(help="CSV with the columns kk, ru, en: a row for each box.")]
Name = Annotated[tuple[str, str, str] | None, typer.Option(help="Name of the contest in Kazakh, Russian, English.")]
Turn = Annotated[str, typer.Option(help="Turn the picture clockwise: 0, 90, 180, 270 or auto.", callback=_turn)]
Page = Annotated[int | None, typer.Option(help="Page of a PDF or TIFF, from 1.")]
Keep = Annotated[
    str, typer.Option(help="Numbers of the boxes that belong to this contest, as 1-4,6.", show_default="all")
]
Draw = Annotated[
    int | None, typer.Option(help="Do not look for boxes: put so many in a column, to be moved in the editor.", min=2)
]
Colour = Annotated[str | None, typer.Option(help="Colour of the paper, as a word.", show_default="read from the blank")]
Endorsements = Annotated[int, typer.Option(help="Signatures of members that make a ballot valid.", min=0, max=9)]
EndorsementArea = Annotated[
    str | None,
    typer.Option(help="Where they sign: x,y,width,height in mm.", show_default="found by its line", metavar="AREA"),
]
Out = Annotated[Path, typer.Option(help="Folder of the election's styles.")]


@style_app.command()
def make(  # noqa: PLR0913 - one parameter for each option that a person may give
    blank: Blank,
    *,
    id: Id,  # noqa: A002 - the word of the format
    contest: Contest = "",
    size: Size = None,
    choices: Choices = None,
    name: Name = None,
    turn: Turn = "auto",
    page: Page = None,
    keep: Keep = "",
    draw: Draw = None,
    colour: Colour = None,
    endorsements: Endorsements = 1,
    endorsement_area: EndorsementArea = None,
    out: Out = Path("styles"),
    as_json: AsJson = False,
) -> None:
    """Make a ballot style from a blank: finds the sheet, its boxes and rows, the place of the signature, the colour.

    Look at style.png afterwards: what was found is drawn on it.
    """
    named = read_choices(_read(choices), where=choices.name) if choices else ()
    wish = Wish(
        id=id,
        contest=contest or id,
        names=Names(*(name or (id, id, id))),
        size_mm=_size(size) if size else None,
        turn=TURNS[turn],
        page=page,
        colour=colour,
        endorsements=endorsements,
        endorsement_area=_area(endorsement_area) if endorsement_area else None,
        choices=named,
        keep=_numbers(keep),
        draw=draw,
    )
    made = make_style(_read(blank), wish, where=str(blank))
    saved = save_style(made.style, made.blank, out)
    picture = out / id / PICTURE_FILE
    if as_json:
        _print_json({**_facts(saved), "turned": made.turned, "notes": list(made.notes), "picture": str(picture)})
        return
    typer.echo(_in_words(saved))
    for note in made.notes:
        typer.echo(f"Note: {translate(note, 'en')}", err=True)
    typer.echo(f"Look at {picture}")


@style_app.command()
def show(style: Annotated[Path, typer.Argument(help="Folder of the style.")], *, as_json: AsJson = False) -> None:
    """Show one style: its paper, and where its boxes are."""
    loaded = load_style(style)
    if as_json:
        _print_json(_facts(loaded))
    else:
        typer.echo(_in_words(loaded))


@style_app.command("list")
def list_(styles: Styles = Path("styles"), *, as_json: AsJson = False) -> None:
    """List the styles in use."""
    loaded = load_styles(styles)
    if as_json:
        _print_json({"styles": [_facts(one) for one in loaded.values()]})
        return
    for one in loaded.values():
        s = one.style
        size = f"{s.size_mm[0]:g}x{s.size_mm[1]:g}"
        typer.echo(f"{s.id:<24} {s.colour:<12} {size:<10} {len(s.choices):>2} choices  {one.sha256[:12]}  {s.names.ru}")


@style_app.command()
def check(styles: Styles = Path("styles"), *, as_json: AsJson = False) -> None:
    """Check every style, and whether each pair can be told apart when held up.

    Exit codes: 0 all can be told apart · 1 a style has mistakes, or two look alike.
    """
    pairs = compare_styles(load_styles(styles).values())
    alike = [pair for pair in pairs if pair.apart is Apart.NOT]
    if as_json:
        _print_json({"pairs": [asdict(pair) for pair in pairs]})
    else:
        for pair in pairs:
            measured = f"colour {pair.colour:>5.1f}, layout {pair.layout:.2f}"
            typer.echo(f"{pair.one:<24} {pair.other:<24} {measured}  {_APART[pair.apart]}")
        typer.echo(f"{len(alike)} of {len(pairs)} pairs cannot be told apart", err=True)
    if alike:
        raise typer.Exit(1)


@style_app.command()
def edit(
    styles: Styles = Path("styles"),
    *,
    port: Annotated[int, typer.Option(help="Listen on this port; 0 takes a free one.", min=0, max=65535)] = 8090,
) -> None:
    """Open the editor of ballot styles for a browser on this machine, until it is stopped by Ctrl+C."""
    app = create_shell(TEMPLATES)
    app.include_router(style_router(styles))
    typer.echo("Open /en/recount/styles (or /kk/…, /ru/…) at the address below.", err=True)
    uvicorn.run(app, host="127.0.0.1", port=port, lifespan="off", ws="none", access_log=False, server_header=False)


def _read(path: Path) -> bytes:
    """A file's bytes, cut above the limit."""
    try:
        with path.open("rb") as stream:
            return stream.read(FILE_BYTES + 1)
    except OSError as error:
        raise BlankError(str(path), problem=error.strerror or type(error).__name__) from error


def _facts(loaded: LoadedStyle) -> dict[str, object]:
    return {**asdict(loaded.style), "sha256": loaded.sha256}


def _in_words(loaded: LoadedStyle) -> str:
    s = loaded.style
    head = (
        f"{s.id} · contest {s.contest} · {s.names.kk} · {s.names.ru}",
        f"  paper      {s.size_mm[0]:g} x {s.size_mm[1]:g} mm, {s.colour}",
        f"  signatures {s.endorsements}, in {_mm(s.endorsement_area)}",
        f"  hash       {loaded.sha256}",
    )
    rows = [f"  {n:>2} {c.id:<20} box {_mm(c.box):<30} {c.names.kk} · {c.names.ru}" for n, c in enumerate(s.choices, 1)]
    return "\n".join((*head, *rows))


def _mm(area: Box) -> str:
    return f"{area.x:g},{area.y:g} {area.w:g} x {area.h:g} mm"


def _print_json(value: dict[str, object]) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))
