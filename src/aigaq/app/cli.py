"""The command line: gathers every room's commands, turns errors into words and exit codes. Decides nothing else."""

import json
import os
import sys
from typing import Annotated, Never

import typer

from aigaq.app.demo import demo
from aigaq.app.doctor import doctor
from aigaq.archive.cli import center_app, clip_app, fsck
from aigaq.base import DEFAULT_LANGUAGE, AigaqError, Language, as_language
from aigaq.capture.farm.cli import farm_app
from aigaq.election.cli import election_app
from aigaq.ledger.cli import verify
from aigaq.station.cli import station_app

EXIT_CODES = """Exit codes: 0 done · 1 it could not be done, the reason is on standard error · 2 the command was
mistyped. `verify` has one code per verdict, see `aigaq verify --help`."""

app = typer.Typer(
    name="aigaq",
    help="Open video evidence for elections: record, seal, watch, replay and verify polling stations.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command()(demo)
app.command()(doctor)
app.command()(verify)
app.command()(fsck)
app.add_typer(station_app, name="station")
app.add_typer(center_app, name="center")
app.add_typer(election_app, name="election")
app.add_typer(clip_app, name="clip")
app.add_typer(farm_app, name="farm")


@app.callback(invoke_without_command=True)
def root(
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    """Open video evidence for elections: record, seal, watch, replay and verify polling stations."""
    if version:
        from importlib.metadata import version as installed  # noqa: PLC0415 - only this option pays for it

        typer.echo(f"aigaq {installed('aigaq')}")
        raise typer.Exit


def reader_language() -> Language:
    """The language of the person at the terminal, from the environment; English for any other."""
    for name in ("AIGAQ_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return as_language(value[:2]) or "en"
    return DEFAULT_LANGUAGE


def fail(error: AigaqError) -> Never:
    """Tell the person, or the program that asked for JSON, what went wrong; exit 1."""
    told = error.explain(reader_language())
    if "--json" in sys.argv:
        said = {"code": told.code, "where": told.where, "why": told.why, "hint": told.hint}
        print(json.dumps({"error": said}, ensure_ascii=False))
    else:
        print(told, file=sys.stderr)
    raise SystemExit(1)


def main() -> None:
    """Entry point of `aigaq`."""
    try:
        app()
    except AigaqError as error:
        fail(error)
    except KeyboardInterrupt:
        raise SystemExit(130) from None
