"""The command line: gathers every room's commands, turns errors into words and exit codes. Decides nothing else."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.metadata import version as installed
from typing import Annotated, Any, Final, Never, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

from aigaq.base import DEFAULT_LANGUAGE, AigaqError, Language, as_language

EXIT_CODES = """Exit codes: 0 done · 1 it could not be done, the reason is on standard error · 2 the command was
mistyped. `verify` has one code per verdict, see `aigaq verify --help`."""

COMMANDS: Final = {
    "demo": "aigaq.app.demo:demo",
    "drill": "aigaq.app.drill:drill",
    "doctor": "aigaq.app.doctor:doctor",
    "verify": "aigaq.ledger.cli:verify",
    "station": "aigaq.station.cli:station_app",
    "center": "aigaq.app.center:center_app",
    "witness": "aigaq.ledger.witness.cli:witness_app",
    "monitor": "aigaq.ledger.monitor.cli:monitor_app",
    "enrol": "aigaq.ledger.enrolment.cli:enrol_app",
    "anchor": "aigaq.ledger.anchors.cli:anchor_app",
    "ceremony": "aigaq.ledger.ceremony.cli:ceremony_app",
    "election": "aigaq.election.cli:election_app",
    "clip": "aigaq.archive.cli:clip_app",
    "evidence": "aigaq.archive.evidence_cli:evidence_app",
    "recount": "aigaq.recount.cli:recount_app",
    "fsck": "aigaq.archive.cli:fsck",
    "farm": "aigaq.capture.farm.cli:farm_app",
}


class _Commands(Mapping[str, TyperCommand | TyperGroup]):
    """Every room's commands, each loaded only when it is called: `aigaq verify` need not wait for web and video."""

    def __getitem__(self, name: str) -> TyperCommand | TyperGroup:
        module, attribute = COMMANDS[name].split(":")
        found = getattr(import_module(module), attribute)
        if isinstance(found, typer.Typer):
            return get_group(found)
        alone = typer.Typer(add_completion=False)
        alone.command(name)(found)
        return cast("TyperCommand", get_command(alone))

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class _Root(TyperGroup):
    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 - typer's own
        super().__init__(**attributes)
        self.commands: Any = _Commands()


app = typer.Typer(
    name="aigaq",
    cls=_Root,
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def root(
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    """Open video evidence for elections: record, seal, watch, replay and verify polling stations."""
    if version:
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
