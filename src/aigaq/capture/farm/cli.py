"""`aigaq farm`: serve a video as cameras from the command line."""

import asyncio
import contextlib
import json
import signal
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated

import typer

from aigaq.base import SystemClock
from aigaq.capture.farm.faults import NO_FAULTS, Faults, kind_of, parse_faults
from aigaq.capture.farm.server import Farm
from aigaq.capture.farm.video import Video, load_video

farm_app = typer.Typer(
    name="farm",
    help="Cameras without cameras: serve a video over RTSP as many cameras, with the faults that real ones have.",
    no_args_is_help=True,
)


@farm_app.callback()
def farm() -> None:
    """Cameras without cameras: serve a video over RTSP as many cameras, with the faults that real ones have."""


@dataclass(frozen=True, slots=True)
class _Orders:
    video: Video
    cameras: int
    host: str
    port: int
    faults: Faults
    username: str
    password: str
    wall_aligned: bool
    as_json: bool


@farm_app.command()
def serve(  # noqa: PLR0913 - one parameter for each option that a person may give
    video: Annotated[Path, typer.Argument(help="An H.264 or H.265 file; it is looped for ever and never transcoded.")],
    *,
    cameras: Annotated[int, typer.Option(min=1, max=1000, help="How many cameras: cam-1, cam-2 …")] = 5,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 lets other machines in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="TCP port; 0 takes a free one.")] = 8554,
    fault: Annotated[
        list[str] | None,
        typer.Option(help="NAME=VALUE, any number of times, for example loss=0.01. `aigaq farm faults` lists them."),
    ] = None,
    alternate: Annotated[
        Path | None, typer.Option(help="A second video to change to every `alternate_gops`: parameter sets that flap.")
    ] = None,
    username: Annotated[str, typer.Option(help="User that a client must give, with --password.")] = "admin",
    password: Annotated[str, typer.Option(envvar="AIGAQ_FARM_PASSWORD", help="Empty: everybody may watch.")] = "",
    audio: Annotated[bool, typer.Option("--audio", help="Serve the file's AAC or G.711 track too.")] = False,
    wall_aligned: Annotated[
        bool,
        typer.Option("--wall-aligned", help="Begin the loop where wall time says, so that a burnt-in clock is true."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the addresses as one JSON object.")] = False,
) -> None:
    """Serve VIDEO as cameras until Ctrl-C.

    \b
    aigaq farm serve clip.mp4 --cameras 5
    aigaq farm serve clip.mp4 --fault stamp_rate=0.96 --fault loss=0.01
    ffplay -rtsp_transport tcp rtsp://127.0.0.1:8554/cam-1

    Exit codes: 0 stopped by Ctrl-C or SIGTERM, 1 the video, the port or a fault cannot be used.
    """  # noqa: D301 - \b keeps the lines of the example apart in the help
    typer.echo(f"Reading {video} …", err=True)
    faults = replace(parse_faults(fault or ()), alternate=load_video(alternate) if alternate else None)
    loop = load_video(video, audio=audio)
    asyncio.run(_serve(_Orders(loop, cameras, host, port, faults, username, password, wall_aligned, as_json)))


async def _serve(orders: _Orders) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with Farm(clock=SystemClock(), host=orders.host, port=orders.port) as running:
        names = [f"cam-{n + 1}" for n in range(orders.cameras)]
        step = orders.video.length / len(orders.video.tracks[0].frames) / 90_000 / orders.cameras
        for n, name in enumerate(names):
            running.add(
                name,
                orders.video,
                faults=orders.faults,
                username=orders.username if orders.password else "",
                password=orders.password,
                phase=n * step,
                wall_aligned=orders.wall_aligned,
            )
        addresses = [{"name": name, "url": running.url(name)} for name in names]
        lines = [json.dumps({"cameras": addresses})] if orders.as_json else [a["url"] for a in addresses]
        typer.echo("\n".join(lines))
        typer.echo(f"{orders.cameras} cameras, loop of {orders.video.seconds:.1f} s. Ctrl-C stops.", err=True)
        await stop.wait()


@farm_app.command()
def faults(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List every fault with the values it takes and what it is without one."""
    rows = [(f.name, kind_of(f.name), getattr(NO_FAULTS, f.name)) for f in fields(Faults) if f.name != "alternate"]
    if as_json:
        typer.echo(json.dumps({name: {"takes": kind, "default": value} for name, kind, value in rows}))
        return
    for name, kind, value in rows:
        typer.echo(f"{name:<20} {kind:<34} default {'random' if value is None else value}")
