"""`aigaq monitor`: follow a log and its witnesses, and check a fork proof without a network."""

import asyncio
import json
import logging
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from aigaq.base import SystemClock
from aigaq.ledger.enrolment import Roles
from aigaq.ledger.keys import parse_vkey
from aigaq.ledger.monitor.errors import NotAForkError, UnknownLogKeyError
from aigaq.ledger.monitor.follow import PATIENCE_S, Monitor
from aigaq.ledger.monitor.fork_proof import MAX_FILE, ForkProof
from aigaq.ledger.monitor.http import create_app
from aigaq.ledger.monitor.remote import HttpFetch
from aigaq.ledger.monitor.trust import load_policy, target_of
from aigaq.ledger.witness import parse_listen, serve, until_signal

ALARMS_EXIT: Final = 3
UNKNOWN_EXIT: Final = 6
NO_FORK_EXIT: Final = 7

monitor_app = typer.Typer(
    name="monitor",
    help="A monitor of the election's log: reads every entry, asks every witness, proves a fork.",
    epilog="It needs only the trust file and the log's address; run it apart from the log's keeper.",
    no_args_is_help=True,
)

PolicyFile = Annotated[Path, typer.Option(help="Trust file: the log, its witnesses and their addresses.")]
LogUrl = Annotated[str | None, typer.Option(metavar="URL", help="Address of the log, if the trust file has none.")]
StateFile = Annotated[Path, typer.Option(help="What it remembers; fork proofs lie beside it.")]
RolesFile = Annotated[Path | None, typer.Option(help="Officers' keys (roles.vkeys), to check approvals too.")]
Patience = Annotated[int, typer.Option(help="Seconds until silence or standstill is an alarm.", min=0)]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON on standard output.")]
STATE: Final = Path("monitor.sqlite")


@monitor_app.command()
def run(
    *,
    policy: PolicyFile,
    log: LogUrl = None,
    state: StateFile = STATE,
    roles: RolesFile = None,
    patience: Patience = PATIENCE_S,
    every: Annotated[float, typer.Option(help="Seconds between looks.", min=0.1)] = 10,
    listen: Annotated[str | None, typer.Option(help="Address and port of a page and status.json; 0 is any.")] = None,
) -> None:
    """Follow a log until stopped; alarms go to standard error and, with --listen, to a page and status.json.

    Exit codes: 0 stopped on request · 1 it cannot run.
    """
    _log_to_stderr()
    address = parse_listen(listen) if listen else None
    with _open(policy, log, state, roles, patience_s=patience) as monitor:
        asyncio.run(_run(monitor, every, address, state.parent))


@monitor_app.command()
def look(
    *,
    policy: PolicyFile,
    log: LogUrl = None,
    state: StateFile = STATE,
    roles: RolesFile = None,
    patience: Patience = PATIENCE_S,
    as_json: AsJson = False,
) -> None:
    """Look once at the log and every witness, and stop: for cron, or for a first look.

    Exit codes: 0 all that was seen agrees · 1 it cannot run · 3 there are alarms.
    """
    _log_to_stderr()
    with _open(policy, log, state, roles, patience_s=patience, began_ms=0) as monitor:
        monitor.round()
        _tell(monitor, as_json=as_json)


@monitor_app.command("check-fork")
def check_fork(
    file: Annotated[Path, typer.Argument(metavar="FORK.json", help="A fork proof.", exists=True, dir_okay=False)],
    *,
    trust: Annotated[Path | None, typer.Option(metavar="FILE", help="Trust file that names the log's key.")] = None,
    key: Annotated[list[str] | None, typer.Option(metavar="VKEY", help="A key of the log, in place of it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check a fork proof offline: that one log signed two histories that cannot both be true.

    Exit codes: 0 FORK PROVEN · 7 NOT A FORK · 6 not signed by a key that you trust · 1 the trust file is wrong.
    """
    if not trust and not key:
        raise typer.BadParameter("give --trust or --key: the keys inside the file prove nothing")
    keys = [parse_vkey(vkey, "--key") for vkey in key or ()] + (load_policy(trust).logs if trust else [])
    with file.open("rb") as stream:
        data = stream.read(MAX_FILE + 1)
    try:
        first, second = ForkProof.parse(data).verify(keys)
    except NotAForkError as error:
        code = UNKNOWN_EXIT if isinstance(error, UnknownLogKeyError) else NO_FORK_EXIT
        told = error.explain()
        _print(as_json, {"verdict": "NOT A FORK", "code": told.code, "why": told.why}, f"NOT A FORK\n{told.why}")
        raise typer.Exit(code) from error
    said = {"origin": first.origin, "first": [first.size, first.root.hex()], "second": [second.size, second.root.hex()]}
    text = (
        f"FORK PROVEN\n{first.origin} signed two histories:\n  {first.size} entries, root {first.root.hex()}\n"
        f"  {second.size} entries, root {second.root.hex()}\nThe second does not contain the first."
    )
    _print(as_json, {"verdict": "FORK PROVEN", **said}, text)


@contextmanager
def _open(
    policy: Path, log: str | None, state: Path, roles: Path | None, *, patience_s: int, began_ms: int | None = None
) -> Generator[Monitor]:
    target = target_of(load_policy(policy), log)
    officers = Roles.load(roles) if roles else None
    fetch = HttpFetch()
    monitor = Monitor.open(
        target, state, fetch, SystemClock(), roles=officers, patience_s=patience_s, began_ms=began_ms
    )
    try:
        yield monitor
    finally:
        monitor.close()
        fetch.close()


def _log_to_stderr() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)


async def _run(monitor: Monitor, every: float, listen: tuple[str, int] | None, folder: Path) -> None:
    """Look again and again; whichever ends first, looking or serving, ends the other."""
    looking = asyncio.create_task(_look(monitor, every))
    app = create_app(monitor, folder)
    shown = serve(app, *listen, ready=lambda at: typer.echo(f"monitor at {at}")) if listen else until_signal()
    serving = asyncio.create_task(shown)
    try:
        await asyncio.wait([looking, serving], return_when=asyncio.FIRST_COMPLETED)
    finally:
        looking.cancel()
        serving.cancel()
        ended = await asyncio.gather(looking, serving, return_exceptions=True)
    for outcome in ended:
        if isinstance(outcome, Exception):
            raise outcome


async def _look(monitor: Monitor, every: float) -> None:
    while True:
        await asyncio.to_thread(monitor.round)
        await asyncio.sleep(every)


def _tell(monitor: Monitor, *, as_json: bool) -> None:
    status, alarms = monitor.status(), monitor.alarms()
    lines = [f"{alarm.code} {alarm.words('en')}" for alarm in alarms] or ["all that was seen agrees"]
    _print(as_json, status, f"{status['origin']}: {status['read']} entries read\n" + "\n".join(lines))
    if alarms:
        raise typer.Exit(ALARMS_EXIT)


def _print(as_json: bool, value: object, text: str) -> None:  # noqa: FBT001 - the option itself
    typer.echo(json.dumps(value, ensure_ascii=False) if as_json else text)
