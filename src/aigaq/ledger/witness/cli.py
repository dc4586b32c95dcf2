"""`aigaq witness`: make one, run it, ask how it is."""

import asyncio
import json
import logging
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from aigaq.base import SystemClock
from aigaq.ledger.witness.asgi import serve
from aigaq.ledger.witness.http import create_app
from aigaq.ledger.witness.service import Witness
from aigaq.ledger.witness.settings import NAME, WitnessSettings, parse_listen
from aigaq.ledger.witness.setup import init_witness, policy_lines
from aigaq.ledger.witness.status import witness_status

witness_app = typer.Typer(
    name="witness",
    help="A witness of the election's log: a small program of its own, run by a party, a newspaper, observers.",
    epilog="Begin with `aigaq witness init`, give its two policy lines to the election's keepers of trust files, then "
    "`aigaq witness run`.",
    no_args_is_help=True,
)

Config = Annotated[Path, typer.Option("--config", "-c", help="Settings of the witness.", envvar="AIGAQ_WITNESS_CONFIG")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON on standard output.")]
CONFIG: Final = Path(NAME)
LISTEN: Final = "127.0.0.1:7380"


@witness_app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="New folder for keys, database and settings.")],
    *,
    name: Annotated[str, typer.Option(help="Name in every signature, for example witness.example.org/w1.")],
    log: Annotated[list[str] | None, typer.Option(help="Public key line of a log to follow; may be repeated.")] = None,
    listen: Annotated[str, typer.Option(help="Address and port to listen on.")] = LISTEN,
    url: Annotated[str | None, typer.Option(help="Address at which logs reach it, for the policy lines.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make keys, an empty memory and witness.toml, and print the two lines for trust files.

    Nothing is ever overwritten. Exit codes: 0 done · 1 something is there already, or cannot be written.
    """
    settings = init_witness(folder, name, SystemClock(), listen=listen, url=url, logs=log or ())
    lines = policy_lines(settings)
    if as_json:
        _print_json({"config": str(folder / NAME), "policy": lines})
        return
    typer.echo(
        f"Wrote {folder / NAME}. Follow a log by adding its key there, then: aigaq witness run -c {folder / NAME}"
    )
    typer.echo("For trust files (c2sp.org/tlog-policy), Ed25519 and ML-DSA-44:\n")
    typer.echo("\n".join(lines))


@witness_app.command()
def run(
    *,
    config: Config = CONFIG,
    listen: Annotated[str | None, typer.Option(help="Listen here instead; port 0 takes a free one.")] = None,
) -> None:
    """Cosign checkpoints until stopped by Ctrl-C or SIGTERM.

    Exit codes: 0 stopped on request · 1 it cannot run: its memory is lost or older than its mark, or in use.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    settings = WitnessSettings.load(config)
    host, port = parse_listen(listen or settings.witness.listen)
    witness = Witness.open(settings, SystemClock())
    try:
        asyncio.run(serve(create_app(witness), host, port, ready=lambda at: typer.echo(f"{witness.keys.name} at {at}")))
    finally:
        witness.close()


@witness_app.command()
def status(*, config: Config = CONFIG, as_json: AsJson = False) -> None:
    """Show what the witness last signed, and whether its memory is whole. Changes nothing.

    Exit codes: 0 fit to sign · 1 it is not, the reason is on standard error · 3 it holds proof that a log forked.
    """
    found = witness_status(WitnessSettings.load(config), SystemClock())
    if as_json:
        _print_json(found)
    else:
        _tell(found)
    if any(log["contradictions"] for log in found["logs"]):
        raise typer.Exit(3)


def _tell(found: dict[str, Any]) -> None:
    behind = f", clock behind by {found['clock_behind_s']} s" if found["clock_behind_s"] else ""
    state = "running" if found["running"] else "not running"
    typer.echo(f"{found['name']}: {state}, {found['signatures']} signatures{behind}")
    for log in found["logs"]:
        evidence = f", FORKED: {log['contradictions']} contradicting checkpoints kept" if log["contradictions"] else ""
        typer.echo(f"  {log['origin']}: {log['size']} entries{evidence}")


def _print_json(value: object) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False))
