"""One client's RTSP connection: answers its requests by the camera's personality and carries its packets."""

import asyncio
import secrets
from collections.abc import Callable
from typing import Final, cast

from aigaq.base import Clock
from aigaq.capture.farm.auth import Gate
from aigaq.capture.farm.player import Camera, Player
from aigaq.capture.farm.requests import HostileRequestError, Request, RequestReader, answer
from aigaq.capture.farm.sdp import describe

MAX_BACKLOG: Final = 4 << 20
"""Unsent bytes at which a camera begins to drop frames, as cameras with small buffers do."""
_METHODS: Final = "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER, SET_PARAMETER"
Answer = tuple[int, list[tuple[str, str]], bytes]


def _status(code: int) -> Answer:
    return code, [], b""


def _methods(request: Request) -> Answer:
    return (200, [("Public", _METHODS)], b"") if request.method == "OPTIONS" else (405, [("Allow", _METHODS)], b"")


class Connection(asyncio.Protocol):
    """The server's side of one TCP connection."""

    def __init__(
        self, find: Callable[[str], Camera | None], clock: Clock, closed: Callable[["Connection"], None]
    ) -> None:
        self._find = find
        self._clock = clock
        self._closed = closed
        self._reader = RequestReader()
        self._gate: Gate | None = None
        self._session = secrets.token_hex(8)
        self._channels: dict[int, int] = {}
        self._heard_ns = clock.monotonic_ns()
        self.transport: asyncio.Transport | None = None
        self.camera: Camera | None = None
        self.player: Player | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The client is there."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by class

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        del exc
        self.player = None
        self._closed(self)

    def data_received(self, data: bytes) -> None:
        """Requests, or the client's receiver reports."""
        self._heard_ns = self._clock.monotonic_ns()
        try:
            requests = self._reader.feed(data)
        except HostileRequestError:
            self.hang_up()
            return
        for request in requests:
            self._handle(request)

    def hang_up(self) -> None:
        """Cut the connection without a goodbye."""
        if self.transport is not None:
            self.transport.abort()

    def follow_faults(self) -> None:
        """Stop or resume reading, as the faults say now."""
        if self.transport is None or self.camera is None or self.transport.is_closing():
            return
        if self.camera.faults.stall:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def play(self, monotonic_ns: int, utc_ns: int) -> None:
        """Send what is due."""
        player, transport = self.player, self.transport
        if player is None or transport is None or transport.is_closing():
            return
        faults = player.camera.faults
        silent = (monotonic_ns - self._heard_ns) / 1e9
        if (faults.drop_after and player.seconds(monotonic_ns) >= faults.drop_after) or (
            silent > faults.session_timeout and not faults.stall
        ):
            self.hang_up()
        elif transport.get_write_buffer_size() > MAX_BACKLOG:
            player.skip(monotonic_ns)
            player.camera.counts["skipped"] += 1
        elif chunks := player.take(monotonic_ns, utc_ns):
            transport.writelines(chunks)

    def _handle(self, request: Request) -> None:
        name, track = _place(request.path)
        self.camera = self.camera or self._find(name)
        if self.camera is None:
            self._send(request, _methods(request) if request.method == "OPTIONS" else _status(404))
            return
        self.camera.counts[request.method] += 1
        refusal = self._refusal(request)
        if refusal is not None:
            self._send(request, refusal)
            return
        reply = self._reply(request, self.camera, track)
        if reply[0]:
            self._send(request, reply)
        if request.method == "PLAY" and reply[0] == 200:
            self.follow_faults()
        if request.method == "TEARDOWN" and self.transport is not None:
            self.transport.close()

    def _refusal(self, request: Request) -> Answer | None:
        camera = self.camera
        if camera is None or request.method == "OPTIONS":
            return None
        faults = camera.faults
        self._gate = self._gate or Gate(camera.username, camera.password)
        admitted = not camera.password or self._gate.admits(request, faults.auth, nonce_uses=faults.nonce_uses)
        if faults.refuse == 401 or not admitted:
            return 401, self._gate.challenge(faults.auth, nonce_uses=faults.nonce_uses), b""
        return _status(faults.refuse) if faults.refuse else None

    def _reply(self, request: Request, camera: Camera, track: int | None) -> Answer:
        session = [("Session", self._session)]
        match request.method:
            case "DESCRIBE":
                kind = [("Content-Base", request.url.rstrip("/") + "/"), ("Content-Type", "application/sdp")]
                return 200, kind, describe(camera.name, camera.video, camera.faults)
            case "SETUP":
                return self._setup(request, camera, track or 0)
            case "PLAY":
                return self._play(request, camera)
            case "GET_PARAMETER":
                return camera.faults.get_parameter, session, b""
            case "SET_PARAMETER":
                return camera.faults.set_parameter, session, b""
            case _:
                return _status(200) if request.method == "TEARDOWN" else _methods(request)

    def _setup(self, request: Request, camera: Camera, track: int) -> Answer:
        offers = request.headers.get("transport", "").split(",")
        offer = next((o for o in offers if "RTP/AVP/TCP" in o.upper()), None)
        if offer is None:
            return _status(461)
        if track >= len(camera.video.tracks):
            return _status(404)
        channel = _channel(offer, default=2 * track)
        if channel is None:
            return _status(461)
        self._channels[track] = channel
        transport = f"RTP/AVP/TCP;unicast;interleaved={channel}-{channel + 1}"
        session = f"{self._session};timeout={camera.faults.session_timeout}"
        return 200, [("Transport", transport), ("Session", session)], b""

    def _play(self, request: Request, camera: Camera) -> Answer:
        if not self._channels:
            return _status(455)
        if request.headers.get("session", "").partition(";")[0] != self._session:
            return _status(454)
        now = self._clock.monotonic_ns()
        if camera.origin is None:
            camera.wake(now, self._clock.utc_ns())
        self.player = Player(camera, self._channels, monotonic_ns=now)
        camera.counts["sessions"] += 1
        base = request.url.rstrip("/")
        info = ",".join(
            f"url={base}/trackID={n};seq={lane.sequence};rtptime={lane.timestamp(lane.stamp(lane.cursor))}"
            for n, lane in zip(sorted(self._channels), self.player.lanes, strict=True)
        )
        return 200, [("Session", self._session), ("Range", "npt=now-"), ("RTP-Info", info)], b""

    def _send(self, request: Request, reply: Answer) -> None:
        status, headers, body = reply
        cseq = request.headers.get("cseq", "0")
        if self.player is not None and self.camera is not None and request.method != "PLAY" and cseq.isdecimal():
            cseq = str(int(cseq) + self.camera.faults.cseq_offset)
        if self.transport is not None:
            self.transport.write(answer(status, cseq, headers, body))


def _place(path: str) -> tuple[str, int | None]:
    """A camera's name and a track's number from an address."""
    name, found, number = path.rpartition("/trackID=")
    if not found:
        return path, None
    return name, int(number) if number.isdecimal() and len(number) < 4 else 1000


def _channel(offer: str, *, default: int) -> int | None:
    field = next((f for f in offer.split(";") if f.strip().lower().startswith("interleaved=")), "")
    text = field.partition("=")[2].partition("-")[0].strip()
    if not text:
        return default
    return int(text) if text.isdecimal() and len(text) < 4 and int(text) <= 254 else None
