"""A centre with its pages on a real port, and boxes that feed it sealed footage: history with known gaps, then live."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import time
from pathlib import Path

import httpx2
import uvicorn
from tests.archive import box as box_module

from aigaq.archive import create_asgi, create_pages
from aigaq.base import SystemClock, from_ms, time_zone, utc_ms
from aigaq.election import Register, Zone, example_register
from aigaq_verify import GapCause

CAMERAS = ("desk", "box", "booths", "observers", "table")
HISTORY_S = 120
GAP = (60, 84)
"""Seconds after the beginning in which the second camera signed that it could not be reached."""
ALL_DAY = dict.fromkeys(Zone, (time(0), time(0)))


@dataclass(frozen=True)
class Facts:
    """What the tests know of the footage, so that the pages can be compared with it."""

    url: str
    first_ms: int
    gap_from_ms: int
    gap_to_ms: int
    register: Register


def register_of_today(now_ms: int) -> Register:
    made = example_register(from_ms(now_ms).astimezone(time_zone("Asia/Almaty")).date())
    election = replace(made.election, duty=ALL_DAY)
    return Register(election, made.territories(), made.stations())


class LateClock(SystemClock):
    """The machine's clock, so far behind as the test says: the past is told as if it were now."""

    behind_ms = 0

    def utc_ns(self) -> int:
        return super().utc_ns() - self.behind_ms * 1_000_000

    def set(self, now_ms: int) -> None:
        self.behind_ms = super().utc_ns() // 1_000_000 - now_ms


class Feeder:
    """One box whose five cameras share a video, told in turn: first the past, then the present."""

    def __init__(self, center: box_module.Center, box, http: httpx2.AsyncClient, start_ms: int) -> None:
        self.center = center
        self.uplink = box_module.Uplink(http, box)
        self.box = box
        self.start = self.at = start_ms

    async def history(self, seconds: int, gap: tuple[int, int] | None) -> None:
        """Ten seconds after ten seconds, all cameras at once, each in its own order; one of them has the gap."""
        await self.uplink.init()
        await self.center.feed()
        await self.uplink.witnessed()
        for begin in range(0, seconds, 10):
            self.center.clock.set(self.start + (begin + 10) * 1000)
            span = (begin, min(begin + 10, seconds))
            await asyncio.gather(*(self._past(camera, span, gap if camera == "box" else None) for camera in CAMERAS))
            await self.seal()
        self.at = self.start + seconds * 1000

    async def _past(self, camera: str, span: tuple[int, int], gap: tuple[int, int] | None) -> None:
        for second in range(*span, 2):
            if not gap or not gap[0] <= second < gap[1]:
                await self.uplink.send_all([self.box.segment(self.start + second * 1000, camera)])
            elif second == gap[0]:
                closed = (self.start + gap[0] * 1000, self.start + gap[1] * 1000, GapCause.NO_CONNECT)
                await self.uplink.send_all([self.box.gap(*closed, camera=camera)])

    async def seal(self) -> None:
        assert (await self.uplink.checkpoint()).status_code == 200
        await self.center.feed()
        await self.uplink.witnessed()

    async def live(self, clock: SystemClock, stop: threading.Event) -> None:
        """A segment per camera whenever its two seconds are over; of watched cameras, each half second of it before."""
        watched, sent, number = "", 0, 0
        while not stop.is_set():
            await asyncio.sleep(0.05)
            ready = min(4, max(0, (utc_ms(clock) - self.at) // 500))
            for camera in [c for c in CAMERAS if f"{c}/sub" in watched]:
                for half, data in list(enumerate(self.box.reel.parts(self.at)))[sent:ready]:
                    await self.uplink.part(self.start, (self.at - self.start) // 500 + half, data, camera)
            sent = ready
            if ready == 4:
                for camera in CAMERAS:
                    answer = await self.uplink.send(self.box.segment(self.at, camera))
                    watched = answer.headers.get("aigaq-watched", "")
                self.at, sent, number = self.at + 2000, 0, number + 1
                if number % 5 == 0:
                    await self.seal()


def serve(folder: Path, video: Path) -> Iterator[Facts]:
    """A centre with three stations: one live with a gap, one that has gone silent, one that never sent anything."""
    clock = SystemClock()
    now = utc_ms(clock)
    register = register_of_today(now)
    ready, stop, facts = threading.Event(), threading.Event(), []
    thread = threading.Thread(target=lambda: asyncio.run(_run(folder, video, register, facts, ready, stop)))
    thread.start()
    try:
        assert ready.wait(60)
        yield facts[0]
    finally:
        stop.set()
        thread.join()


async def _run(folder: Path, video: Path, register: Register, facts: list, ready, stop) -> None:
    clock, reel = LateClock(), box_module.cut(video)
    start = utc_ms(clock) // 2000 * 2000 - HISTORY_S * 1000
    clock.set(start - 70_000)
    center = box_module.Center(folder / "center", clock, register=register, witness=True)
    async with (
        center.open() as archive,
        serving(create_asgi(archive, create_pages(archive))) as url,
        httpx2.AsyncClient(base_url=url, timeout=20) as http,
    ):
        silent, feeder = [
            Feeder(center, box_module.Box(register.election.id, station, folder / station, reel), http, begins)
            for station, begins in (("example-002", start - 60_000), ("example-001", start))
        ]
        await center.enrol(silent.box)
        await center.enrol(feeder.box)
        clock.set(silent.start)
        await silent.history(10, None)
        clock.set(start)
        await feeder.history(HISTORY_S, GAP)
        clock.behind_ms = 0
        facts.append(Facts(url, start, start + GAP[0] * 1000, start + GAP[1] * 1000, register))
        ready.set()
        await feeder.live(clock, stop)


@contextlib.asynccontextmanager
async def serving(app):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        config = uvicorn.Config(app, log_level="warning", lifespan="off", access_log=False)
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:
            await asyncio.sleep(0.005)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task
