"""`aigaq drill`: plays the operator who cheats, on an election of its own, and tells who noticed.

Each attack is made with the keys and files that its attacker would have. It counts as noticed only when the alarm that
is named for it rang and the verdict that is named for it was given.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from aigaq.app.demo import WITNESSES, err, first_light, free_ports, load_scenes, out, running
from aigaq.app.demo_files import HOST, Ports, demo_register, write_demo
from aigaq.app.demo_screen import showing
from aigaq.app.drill_attacks import ATTACKS, Outcome
from aigaq.app.drill_election import Lab, add_drill_cameras, facts_with_mask, uplink
from aigaq.base import SystemClock, from_ms, utc_ms
from aigaq.capture.farm import Farm

FAILED_EXIT = 3


def drill(
    *,
    only: Annotated[
        list[str] | None, typer.Option(help=f"Only this attack; may be repeated: {', '.join(a.name for a in ATTACKS)}.")
    ] = None,
    folder: Annotated[Path | None, typer.Option(help="Keep everything here, to look at it afterwards.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON on standard output.")] = False,
) -> None:
    """Attack a small election of its own as its operator could, and see that each attack is noticed.

    Takes about five minutes. Nothing leaves this machine, and no other election is touched.

    Exit codes: 0 every attack was noticed · 3 at least one was not · 1 the election could not be held.
    """
    names = [attack.name for attack in ATTACKS]
    if unknown := [name for name in only or () if name not in names]:
        raise typer.BadParameter(f"no attack is called {unknown[0]}; there are {', '.join(names)}")
    with tempfile.TemporaryDirectory(prefix="aigaq-drill-") as scratch:
        place = folder or Path(scratch)
        (place / "logs").mkdir(parents=True, exist_ok=True)
        outcomes = asyncio.run(_drill(place, set(only or names)))
    if as_json:
        out.print_json(json.dumps([asdict(outcome) for outcome in outcomes]))
    else:
        out.print(_table(outcomes))
    if not all(outcome.noticed for outcome in outcomes):
        raise typer.Exit(FAILED_EXIT)


async def _drill(place: Path, names: set[str]) -> list[Outcome]:
    chosen = [attack for attack in ATTACKS if attack.name in names]
    outcomes: list[Outcome] = []
    async with _election(place) as lab:
        for number, attack in enumerate(chosen, 1):
            with err.status(f"{number} of {len(chosen)}: {attack.name}"):
                outcomes.append(await attack.play(lab, time.monotonic()))
            err.print(f"{attack.name}: {'noticed' if outcomes[-1].noticed else 'NOT noticed'}", style="dim")
    return outcomes


@asynccontextmanager
async def _election(place: Path) -> AsyncGenerator[Lab]:
    """Two stations, a centre, three witnesses and a monitor, recording and witnessed."""
    clock = SystemClock()
    port, patch, uplink_port, *witnesses = free_ports(0, 3 + WITNESSES)
    scenes = load_scenes()
    async with Farm(clock=clock, host=HOST) as farm, AsyncExitStack() as stack:
        register = demo_register(from_ms(utc_ms(clock)), 2, f"rtsp://{HOST}:{farm.port}")
        ports = Ports(port, patch, tuple(witnesses), {register.stations()[1].id: uplink_port})
        files = write_demo(place, register, clock, ports, facts=facts_with_mask)
        screen = await stack.enter_async_context(showing(patch))
        lab = Lab(register, clock, farm, ports, screen, files)
        add_drill_cameras(lab, scenes)
        await stack.enter_async_context(uplink(lab, uplink_port))
        lab.parts = await stack.enter_async_context(running(files, place / "logs", ports))
        await first_light(port, register, lab.parts)
        watching = asyncio.create_task(lab.watch())
        stack.callback(watching.cancel)
        with err.status("Waiting for the witnesses"):
            await lab.witnessed()
        yield lab


def _table(outcomes: Sequence[Outcome]) -> Table:
    table = Table(title="What the operator tried, and who noticed", show_lines=True)
    table.add_column("attack", no_wrap=True)
    table.add_column("what was done", min_width=22)
    table.add_column("alarm and verdict")
    table.add_column("after", no_wrap=True, justify="right")
    table.add_column("", no_wrap=True)
    for one in outcomes:
        mark = "[green]noticed[/]" if one.noticed else "[red]NOT noticed[/]"
        said = f"{one.alarm or 'no alarm'}\n{one.verdict or 'no verdict'}"
        table.add_row(one.name, one.what, said, f"{one.seconds:.0f} s", mark)
    return table
