"""The election that a drill attacks: what its attacker can reach, and what its watchers say."""

import asyncio
import contextlib
import io
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

import httpx2

from aigaq.app.demo import add_cameras
from aigaq.app.demo_files import HOST, DemoFiles, Ports, booth_camera, invented_facts, mount, patch_camera
from aigaq.app.demo_parts import Part, answer_of
from aigaq.app.demo_screen import Scenes, Screen, home, twin
from aigaq.app.errors import PartStoppedError
from aigaq.base import Clock
from aigaq.capture.farm import Farm, Patch
from aigaq.capture.patch import Box
from aigaq.election import Camera, PollingStation, Register, Zone
from aigaq.ledger.enrolment import Facts
from aigaq.ledger.monitor import HttpFetch, Monitor, Raised, Target
from aigaq_verify import Policy, parse_policy, verify

MASK_BOX: Final = Box(left=440, top=120, width=120, height=100)
"""What the camera at the booths may not show, in the 640x360 sub stream."""
_GRID: Final = 10_000
ROUND_S: Final = 4.0


T = TypeVar("T")


async def until(ask: Callable[[], Awaitable[T]], seconds: float) -> T | None:
    """Ask each second until the answer is something; the last answer after so long."""
    answer: T | None = None
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not (answer := await ask()):  # noqa: ASYNC110 - another process has to be asked
                await asyncio.sleep(1)
    return answer


@dataclass(slots=True)
class Lab:
    """Everything about one drill."""

    register: Register
    clock: Clock
    farm: Farm
    ports: Ports
    screen: Screen
    files: DemoFiles
    parts: list[Part] = field(default_factory=list[Part])
    uplink: bool = True
    """Whether the second station reaches the centre."""
    unmasked: bool = False
    """Whether somebody took the mask away."""
    replayed: int | None = None
    """Minute whose bits the looped film shows, once it is looped."""
    raised: list[Raised] = field(default_factory=list[Raised])
    """What the monitor rings for."""

    @property
    def first(self) -> PollingStation:
        """The station with the screen."""
        return self.register.stations()[0]

    @property
    def second(self) -> PollingStation:
        """The station whose uplink can be cut and whose box is cheated with."""
        return self.register.stations()[1]

    @property
    def policy(self) -> Policy:
        """The trust file."""
        return parse_policy(self.files.trust.read_bytes())

    async def get(self, path: str) -> httpx2.Response:
        """What the centre answers."""
        answer = await until(lambda: answer_of(f"{self.ports.center_url}{path}"), 30)
        if answer is None:
            raise PartStoppedError(str(self.parts[0].log), part="The centre", exit_code="-", words=path)
        return answer

    async def alarms(self) -> set[str]:
        """Codes that ring at the centre or at the monitor now."""
        said: list[dict[str, Any]] = (await self.get("/api/v1/alarms")).json()
        return {one["code"] for one in said} | {f"monitor.{one.code}" for one in self.raised}

    async def rings(self, code: str, seconds: float) -> str:
        """The code, once it rings; empty if it does not for so long."""

        async def ringing() -> bool:
            return code in await self.alarms()

        return code if await until(ringing, seconds) else ""

    async def clip(self, camera: Camera, from_ms: int, to_ms: int) -> bytes | None:
        """A clip with proofs; None where the centre refuses."""
        query = f"station={camera.station}&camera={camera.id}&from={from_ms}&to={to_ms}&stream=sub"
        answer = await self.get(f"/api/v1/clip.zip?{query}")
        return answer.content if answer.status_code == 200 else None

    def verdict(self, clip: bytes) -> str:
        """What the verifier says of it."""
        return verify(io.BytesIO(clip), self.policy).verdict.name.replace("_", " ")

    async def judged(self, camera: Camera, from_ms: int, to_ms: int) -> str:
        """The verdict on a clip, as soon as witnesses stand behind all of it."""

        async def verdict() -> str | None:
            clip = await self.clip(camera, from_ms, to_ms)
            said = self.verdict(clip) if clip else "UNWITNESSED"
            return None if said == "UNWITNESSED" else said

        return await until(verdict, 90) or "UNWITNESSED"

    async def witnessed(self) -> None:
        """Wait until the log has a quorum."""

        async def is_witnessed() -> bool:
            return (await self.get("/log/witnessed")).status_code == 200

        await until(is_witnessed, 60)

    async def watch(self) -> None:
        """Be the monitor, for ever."""
        origin = self.policy.logs[0].name
        fetch = HttpFetch()
        target = Target(origin, f"{self.ports.center_url}/log", self.policy)
        state = self.files.trust.with_name("monitor.sqlite")
        monitor = await asyncio.to_thread(Monitor.open, target, state, fetch, self.clock)
        try:
            while True:
                await asyncio.to_thread(monitor.round)
                self.raised = monitor.alarms()
                await asyncio.sleep(ROUND_S)
        finally:
            monitor.close()
            fetch.close()

    def bright(self, utc_ms: int) -> bool:
        """What the filmed screen shows: the truth, or what an old recording shows."""
        minute = utc_ms // 60_000
        return self.screen.bright(utc_ms if self.replayed is None else utc_ms - (minute - self.replayed) * 60_000)


def facts_with_mask(station: PollingStation) -> Facts:
    """As in the demo, but the camera at the booths of all stations but the first has a mask."""
    facts, booths = invented_facts(station), booth_camera(station).id
    if station.number == 1:
        return facts
    x, y = _GRID / 640, _GRID / 360
    left, top = round(MASK_BOX.left * x), round(MASK_BOX.top * y)
    right, bottom = round((MASK_BOX.left + MASK_BOX.width) * x), round((MASK_BOX.top + MASK_BOX.height) * y)
    mask = ((left, top), (right, top), (right, bottom), (left, bottom))
    return Facts(tuple(replace(c, masks=(mask,)) if c.camera == booths else c for c in facts.cameras))


def add_drill_cameras(lab: Lab, scenes: Scenes) -> None:
    """The demo's cameras, but for the screen and the masked view, which the drill can falsify."""
    folder = next((home() / "scenes").glob("scenes-*"))
    masked, bare = twin(folder / f"{Zone.BOOTH_ENTRANCE}-sub.mp4", "mask", MASK_BOX, luma=(16, 160))
    films = {
        mount(patch_camera(lab.register), "sub"): (scenes.dark, Patch(scenes.lit, lab.bright)),
        mount(booth_camera(lab.second), "sub"): (masked, Patch(bare, lambda _: lab.unmasked)),
    }
    add_cameras(lab.farm, lab.register, scenes, films)


@asynccontextmanager
async def uplink(lab: Lab, port: int) -> AsyncGenerator[None]:
    """The second station's way to the centre; while it is cut, connections break."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not lab.uplink:
            writer.close()
            return
        ahead, back = await asyncio.open_connection(HOST, lab.ports.center)
        ways = [asyncio.create_task(_carry(lab, *way)) for way in ((reader, back), (ahead, writer))]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        for end in (back, writer):
            end.close()

    server = await asyncio.start_server(serve, HOST, port)
    try:
        yield
    finally:
        server.close()


async def _carry(lab: Lab, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while lab.uplink:
            try:
                data = await asyncio.wait_for(reader.read(1 << 16), 0.5)
            except TimeoutError:
                continue
            if not data:
                return
            writer.write(data)
            await writer.drain()
