"""The camera farm: one TCP port, many cameras, one timer. It serves video over RTSP and misbehaves as it is told."""

import asyncio
import contextlib
import re
from collections.abc import Mapping
from dataclasses import replace
from types import TracebackType
from typing import Final, Self

from aigaq.base import Clock
from aigaq.capture.farm.connection import Connection
from aigaq.capture.farm.errors import FarmCameraError, FarmFaultError, FarmPortError
from aigaq.capture.farm.faults import NO_FAULTS, Faults
from aigaq.capture.farm.patch import Patch
from aigaq.capture.farm.player import Camera
from aigaq.capture.farm.video import CLOCK, Video

TICK: Final = 0.005
"""Seconds between looks at what is due, for all cameras together."""
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*")


class Farm:
    """Cameras on one port; use it as an asynchronous context manager.

    async with Farm(clock=SystemClock()) as farm:
        farm.add("cam-1", load_video(path))
        farm.url("cam-1")
    """

    def __init__(self, *, clock: Clock, host: str = "127.0.0.1", port: int = 0) -> None:
        self._clock = clock
        self._host = host
        self._port = port
        self._cameras: dict[str, Camera] = {}
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._pacer: asyncio.Task[None] | None = None
        self._empty = asyncio.Event()
        self._empty.set()

    async def __aenter__(self) -> Self:
        """Listen.

        Raises:
            FarmPortError: the address is taken or not ours.
        """
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(self._connection, self._host, self._port, backlog=512)
        except OSError as error:
            raise FarmPortError(f"{self._host}:{self._port}", problem=error.strerror or str(error)) from error
        self._port = self._server.sockets[0].getsockname()[1]
        self._pacer = asyncio.create_task(self._pace(), name="camera farm")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hang up on everybody and close the port."""
        if self._pacer is not None:
            self._pacer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._pacer
        if self._server is not None:
            self._server.close()
        for connection in tuple(self._connections):
            connection.hang_up()
        await self._empty.wait()
        if self._server is not None:
            await self._server.wait_closed()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._port

    def add(
        self,
        name: str,
        video: Video,
        *,
        faults: Faults = NO_FAULTS,
        username: str = "",
        password: str = "",
        phase: float = 0.0,
        wall_aligned: bool = False,
        patch: Patch | None = None,
    ) -> None:
        """Add a camera.

        Its loop begins when the first client plays; later clients join at the next key frame. With `wall_aligned` the
        frame at second p of a loop of L seconds is shown when the wall time is p modulo L. Frames come `phase` seconds
        late, so that cameras need not all send at once. With a password, each request must prove that it knows it.
        With a `patch` a screen in its view blinks.

        Raises:
            FarmCameraError: the name is taken or cannot stand in an address.
            FarmFaultError: the faults, or the video with the lit patch, do not fit the video.
        """
        if not _NAME.fullmatch(name) or name in self._cameras:
            raise FarmCameraError(name, problem="the name is taken" if name in self._cameras else "not a name")
        _check(faults, video)
        if patch:
            _check_twin("patch", video, patch.lit)
        camera = Camera(name, video, username, password, round(phase * CLOCK), wall_aligned, faults, patch)
        self._cameras[name] = camera

    def url(self, name: str) -> str:
        """The camera's address, without user and password."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"rtsp://{host}:{self._port}/{self._camera(name).name}"

    def set_faults(self, name: str, faults: Faults) -> None:
        """Change how a camera misbehaves, now; its stamps go on without a jump."""
        camera = self._camera(name)
        _check(faults, camera.video)
        camera.clock.set_rate(faults.stamp_rate, camera.media_time(self._clock.monotonic_ns()))
        camera.faults = faults
        for connection in self._of(camera):
            connection.follow_faults()

    def change_faults(self, name: str, **changes: object) -> None:
        """Change only some faults of a camera, by field."""
        self.set_faults(name, replace(self._camera(name).faults, **changes))

    def hang_up(self, name: str) -> None:
        """Cut the connections of a camera's clients; they may come again."""
        for connection in self._of(self._camera(name)):
            connection.hang_up()

    def remove(self, name: str) -> None:
        """Take a camera away: its clients are cut, its address answers 404."""
        self.hang_up(name)
        del self._cameras[name]

    def counts(self, name: str) -> Mapping[str, int]:
        """What a camera did so far: `frames`, `packets`, `lost`, `skipped`, `sessions`, and requests by method."""
        return dict(self._camera(name).counts)

    def _camera(self, name: str) -> Camera:
        if name not in self._cameras:
            raise FarmCameraError(name, problem="no camera has this name")
        return self._cameras[name]

    def _of(self, camera: Camera) -> list[Connection]:
        return [c for c in self._connections if c.camera is camera]

    def _connection(self) -> Connection:
        connection = Connection(self._cameras.get, self._clock, self._gone)
        self._connections.add(connection)
        self._empty.clear()
        return connection

    def _gone(self, connection: Connection) -> None:
        self._connections.discard(connection)
        if not self._connections:
            self._empty.set()
        camera = connection.camera
        if camera is not None and not any(c.player for c in self._of(camera)):
            camera.origin = None

    async def _pace(self) -> None:
        while True:
            await self._clock.sleep(TICK)
            now, utc = self._clock.monotonic_ns(), self._clock.utc_ns()
            for connection in tuple(self._connections):
                connection.play(now, utc)


def _check(faults: Faults, video: Video) -> None:
    if faults.alternate is not None:
        _check_twin("alternate", video, faults.alternate)


def _check_twin(what: str, video: Video, other: Video) -> None:
    mine, theirs = video.tracks[0].frames, other.tracks[0].frames
    if other.codec != video.codec or abs(other.length * len(mine) - video.length * len(theirs)) > len(mine) * len(
        theirs
    ):
        raise FarmFaultError(what, problem="the other video has another codec or frame rate")
