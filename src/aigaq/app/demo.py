"""`aigaq demo`: a small election on this machine. Drawn cameras, real boxes, a real centre, pages to watch."""

import asyncio
import contextlib
import fcntl
import signal
import socket
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import Progress

from aigaq.app.demo_files import (
    ENROLMENT,
    HOST,
    DemoFiles,
    Ports,
    demo_register,
    first_start,
    mount,
    patch_camera,
    write_demo,
)
from aigaq.app.demo_parts import Part, answer_of
from aigaq.app.demo_screen import PATCH_BOX, Scenes, home, showing, twin
from aigaq.app.errors import DemoRunsError, PortTakenError
from aigaq.base import SystemClock, from_ms, utc_ms
from aigaq.capture.farm import Farm, Patch, Video, load_video
from aigaq.election import Camera, Register, Zone
from aigaq.ledger.enrolment import post_leaf
from aigaq.simulator import make_scenes

PORT: Final = 8080
WITNESSES: Final = 3
FIRST_FAULT_S: Final = 25.0
FAULT_EVERY_S: Final = 120.0
FAULT_LASTS_S: Final = 12.0

out = Console()
err = Console(stderr=True)


def demo(
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Show the pages here; 0 takes a free port.")] = PORT,
    folder: Annotated[
        Path | None, typer.Option(help="Keep everything here.", show_default="a folder of yours, one per day")
    ] = None,
    stations: Annotated[int, typer.Option(min=1, max=3, help="How many polling stations.")] = 3,
    seconds: Annotated[float | None, typer.Option(help="Stop after so long; else at Ctrl-C.")] = None,
    faults: Annotated[
        bool, typer.Option("--faults/--no-faults", help="Let a camera fail now and then, to see an honest gap.")
    ] = True,
) -> None:
    """A small election on this machine: cameras, boxes, a centre, and pages to watch it on.

    Three polling stations with five drawn cameras each are served as network cameras, recorded, sealed and uploaded.
    Nothing is downloaded and nothing leaves this machine. What was recorded today is kept until tomorrow's demo.
    """
    asyncio.run(_demo(port, folder, stations, seconds=seconds, faults=faults))


async def _demo(port: int, folder: Path | None, stations: int, *, seconds: float | None, faults: bool) -> None:
    clock = SystemClock()
    today = from_ms(utc_ms(clock)).date()
    port, patch, *witnesses = free_ports(port, 2 + WITNESSES)
    ports = Ports(port, patch, tuple(witnesses))
    with _alone(folder or home() / str(today)) as place:
        scenes = load_scenes()
        async with Farm(clock=clock, host=HOST) as farm, AsyncExitStack() as stack:
            register = demo_register(first_start(place, clock), stations, f"rtsp://{HOST}:{farm.port}")
            screen = await stack.enter_async_context(showing(ports.patch))
            film = scenes.dark, Patch(scenes.lit, screen.bright)
            add_cameras(farm, register, scenes, {mount(patch_camera(register), "sub"): film})
            files = write_demo(place, register, clock, ports)
            parts = await stack.enter_async_context(running(files, place / "logs", ports))
            await first_light(port, register, parts)
            _tell(port, files)
            await _until_done(farm, register, parts, seconds=seconds, faults=faults)
    err.print("Stopped. Everything recorded is sealed and kept in", str(place), style="dim")


def free_ports(first: int, count: int) -> list[int]:
    """The first port as wished, or any where it is 0; the others any that are free.

    Raises:
        PortTakenError: another program has the first.
    """
    with contextlib.ExitStack() as probes:
        found: list[int] = []
        for port in [first, *[0] * (count - 1)]:
            probe = probes.enter_context(socket.socket())
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError as error:
                raise PortTakenError(f"{HOST}:{port}", port=port, other=port + 1) from error
            found.append(int(probe.getsockname()[1]))
        return found


@contextmanager
def _alone(place: Path) -> Generator[Path]:
    """The demo's folder, for this demo only."""
    place.mkdir(parents=True, exist_ok=True)
    with (place / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DemoRunsError(str(place)) from error
        (place / "logs").mkdir(exist_ok=True)
        yield place


def load_scenes() -> Scenes:
    """The drawn rooms, and the one with a screen in it that blinks; drawn when they are first needed."""
    folder, work = home() / "scenes", "Drawing five rooms, once: this takes about a minute"
    if not err.is_terminal:
        err.print(work)
    with Progress(console=err, transient=True) as bar:
        task = bar.add_task(work, total=1.0)
        scenes = make_scenes(folder, progress=lambda share: bar.update(task, completed=share))
    return Scenes(
        {z: {"main": load_video(s.main), "sub": load_video(s.sub)} for z, s in scenes.items()},
        *twin(scenes[Zone.OBSERVER_AREA].sub, "screen", PATCH_BOX),
    )


def add_cameras(farm: Farm, register: Register, scenes: Scenes, films: Mapping[str, tuple[Video, Patch]]) -> None:
    """One camera of the farm for each of the register; `films` names those in which something changes."""
    for camera in register.cameras():
        for stream, video in scenes.videos[camera.zone].items():
            name = mount(camera, stream)
            film, patch = films.get(name, (video, None))
            farm.add(name, film, wall_aligned=True, patch=patch)


@asynccontextmanager
async def running(files: DemoFiles, logs: Path, ports: Ports) -> AsyncGenerator[list[Part]]:
    """Witnesses and centre first, boxes next; on the way out boxes first, so that the centre hears their farewell."""
    parts: list[Part] = []
    boxes: list[Part] = []
    try:
        for number, (settings, port) in enumerate(zip(files.witnesses, ports.witnesses, strict=True), 1):
            command = ("witness", "run", "--config", str(settings), "--listen", f"{HOST}:{port}")
            parts.append(await Part.start(f"Witness {number}", logs / f"witness-{number}.log", *command))
        command = ("center", "run", "--config", str(files.center))
        parts.append(await Part.start("The centre", logs / "center.log", *command))
        await _answers(ports.center_url, parts)
        for station, settings in files.stations.items():
            await asyncio.to_thread(post_leaf, ports.center_url, (settings.parent / "data" / ENROLMENT).read_bytes())
            name = f"The box of station {station}"
            boxes.append(await Part.start(name, logs / f"{station}.log", "station", "run", "--config", str(settings)))
        yield [*parts, *boxes]
    finally:
        with err.status("Sealing what was recorded…"):
            await asyncio.gather(*(box.stop() for box in boxes))
            await asyncio.gather(*(part.stop() for part in parts))


async def _answers(url: str, parts: list[Part]) -> None:
    """Wait until the centre takes requests."""
    with err.status("Starting…"):
        while await answer_of(f"{url}/policy.txt") is None:
            await _all_alive(parts)
            await asyncio.sleep(0.2)


async def first_light(port: int, register: Register, parts: list[Part]) -> None:
    """Wait until every camera's footage has come through to the centre."""
    want = sum(1 for _ in register.cameras())
    with err.status("Starting…") as status:
        async for live in _unless_stopped(_live_cameras(port), parts):
            status.update(f"Waiting for the cameras: {live} of {want} have been recorded, sealed and received")
            if live >= want:
                return


async def _live_cameras(port: int) -> AsyncIterator[int]:
    while True:
        answer = await answer_of(f"http://{HOST}:{port}/api/v1/stations")
        found = answer.json()["stations"] if answer is not None and answer.status_code == 200 else []
        yield sum(camera["state"] == "live" for station in found for camera in station["cameras"])
        await asyncio.sleep(0.5)


async def _unless_stopped(counts: AsyncIterator[int], parts: list[Part]) -> AsyncIterator[int]:
    async for count in counts:
        await _all_alive(parts)
        yield count


async def _all_alive(parts: list[Part]) -> None:
    for part in parts:
        if part.process.returncode is not None:
            await part.watch()


def _tell(port: int, files: DemoFiles) -> None:
    program = sys.argv[0] if Path(sys.argv[0]).name == "aigaq" else "aigaq"
    out.print(
        f"""
[bold]Aigaq is running:[/]  [bold green]http://{HOST}:{port}/[/]

  1. open a polling station, choose a zone, watch it live
  2. drag along the timeline: all cameras follow; a hatched stretch is a gap, with its signed cause
  3. mark a stretch, download clip.zip, and check it offline:

     {program} verify clip.zip --trust {files.trust}

Ctrl-C stops it; what was recorded is sealed and kept.""",
        soft_wrap=True,
    )


async def _until_done(
    farm: Farm, register: Register, parts: list[Part], *, seconds: float | None, faults: bool
) -> None:
    """Run until the time is over or a person wants it to stop.

    Raises:
        PartStoppedError: a program ended by itself.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    tasks = [asyncio.create_task(part.watch()) for part in parts]
    tasks.append(asyncio.create_task(_wait(stop, seconds)))
    if faults:
        tasks.append(asyncio.create_task(_misbehave(farm, list(register.cameras()))))
    done, running = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    for task in done:
        task.result()


async def _wait(stop: asyncio.Event, seconds: float | None) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


async def _misbehave(farm: Farm, cameras: list[Camera]) -> None:
    """One camera after another falls silent for a while, as in the field."""
    await asyncio.sleep(FIRST_FAULT_S)
    step = max(1, len(cameras) // 3)
    for turn in range(len(cameras) * 1000):
        camera = cameras[(turn * step + turn // 3) % len(cameras)]
        err.print(
            f"[dim]{camera.station}: the camera of {camera.zone} falls silent for {FAULT_LASTS_S:.0f} s: "
            "see the gap in its timeline[/]"
        )
        for stream in ("main", "sub"):
            farm.change_faults(mount(camera, stream), freeze=True)
        await asyncio.sleep(FAULT_LASTS_S)
        for stream in ("main", "sub"):
            farm.change_faults(mount(camera, stream), freeze=False)
        await asyncio.sleep(FAULT_EVERY_S)
