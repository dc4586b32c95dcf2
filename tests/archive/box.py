"""A polling station's box in miniature: real fMP4, real signatures, a real station log; and a centre to send to."""

import asyncio
import base64
import contextlib
import hashlib
import io
import json
import socket
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import av
import httpx2
import uvicorn

from aigaq.archive import Archive, create_asgi
from aigaq.base import ManualClock
from aigaq.election import example_register
from aigaq.ledger import SigningKey, StationLog
from aigaq_verify import NO_HASH, GapCause, GapRecord, Record, SegmentRecord, leaf_hash

START = 1_799_550_000_000
"""2027-01-10T03:00:00Z: 08:00 in Almaty, on the day of the example election."""
DOMAIN = "log.example.org"


@dataclass(frozen=True)
class Reel:
    """A video cut into fragments of half a second, for any time of day."""

    init: bytes
    fragments: tuple[bytes, ...]

    @property
    def init_sha256(self) -> bytes:
        return hashlib.sha256(self.init).digest()

    @property
    def length_ms(self) -> int:
        return 500 * len(self.fragments)

    def part(self, at_ms: int, number: int, *, opens: bool) -> bytes:
        """Fragment `number` (it repeats) with the decode time of a moment."""
        fragment = bytearray(self.fragments[number % len(self.fragments)])
        at = fragment.index(b"tfdt") + 8
        struct.pack_into(">Q", fragment, at, at_ms * 90)
        styp = struct.pack(">I4s4sI4s", 20, b"styp", b"msdh", 0, b"msdh")
        return (styp if opens else b"") + bytes(fragment)

    def parts(self, start_ms: int, count: int = 4) -> list[bytes]:
        """The parts of a segment of `count` half seconds."""
        first = (start_ms - START) // 500
        return [self.part(start_ms + 500 * i, first + i, opens=i == 0) for i in range(count)]


def cut(video: Path) -> Reel:
    """Remux an mp4 with GOPs of 1 s into CMAF fragments of half a second."""
    out = io.BytesIO()
    flags = {
        "movflags": "empty_moov+default_base_moof+cmaf",
        "frag_duration": "500000",
        "video_track_timescale": "90000",
    }
    with av.open(str(video)) as source, av.open(out, "w", format="mp4", options=flags) as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    boxes = list(top_boxes(out.getvalue()))
    init = b"".join(data for kind, data in boxes if kind in {b"ftyp", b"moov"})
    moofs, mdats = ([data for kind, data in boxes if kind == wanted] for wanted in (b"moof", b"mdat"))
    return Reel(init, tuple(a + b for a, b in zip(moofs, mdats, strict=True)))


def top_boxes(data: bytes) -> Iterable[tuple[bytes, bytes]]:
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        yield data[at + 4 : at + 8], data[at : at + size]
        at += size


@dataclass
class Sealed:
    """A record and the bytes it is of."""

    record: Record
    data: bytes = b""

    @property
    def encoded(self) -> bytes:
        return self.record.encode()


@dataclass
class Box:
    """Records and signs as a box does; sending is up to the test."""

    election: str
    station: str
    folder: Path
    reel: Reel
    key: SigningKey = None
    log: StationLog = None
    tails: dict[tuple[str, str], tuple[int, bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.key = SigningKey.create(self.folder / "station.key")
        self.log = StationLog.open(self.folder / "log", self.origin, self.key)

    @property
    def origin(self) -> str:
        return f"{DOMAIN}/{self.election}/s/{self.station}"

    @property
    def vkey(self) -> str:
        return self.key.vkey(self.origin)

    def _next(self, camera: str, stream: str, make) -> Record:
        seq, prev = self.tails.get((camera, stream), (0, NO_HASH))
        record = make(seq, prev)
        self.tails[camera, stream] = (seq + 1, leaf_hash(record.encode()))
        self.log.append([record.encode()])
        return record

    def segment(self, start_ms: int, camera: str = "desk", stream: str = "sub", halves: int = 4) -> Sealed:
        data = b"".join(self.reel.parts(start_ms, halves))

        def make(seq: int, prev: bytes) -> SegmentRecord:
            return SegmentRecord(
                self.election, self.station, camera, stream, seq, start_ms, 500 * halves, len(data),
                hashlib.sha256(data).digest(), self.reel.init_sha256, prev,
            )  # fmt: skip

        return Sealed(self._next(camera, stream, make), data)

    def segments(self, start_ms: int, count: int, camera: str = "desk", stream: str = "sub") -> list[Sealed]:
        return [self.segment(start_ms + 2000 * i, camera, stream) for i in range(count)]

    def gap(
        self,
        from_ms: int,
        to_ms: int | None,
        cause: GapCause = GapCause.NO_RTP,
        camera: str = "desk",
        stream: str = "sub",
    ) -> Sealed:
        def make(seq: int, prev: bytes) -> GapRecord:
            return GapRecord(self.election, self.station, camera, stream, seq, from_ms, to_ms, cause, prev=prev)

        return Sealed(self._next(camera, stream, make))

    def signed(self, verb: str, payload: bytes) -> dict[str, str]:
        signature = base64.urlsafe_b64encode(self.key.sign(verb, payload)).decode()
        return {"Aigaq-Station": self.station, "Aigaq-Signature": signature}

    def segment_headers(self, sealed: Sealed) -> dict[str, str]:
        record = base64.urlsafe_b64encode(sealed.encoded).decode()
        return {"Aigaq-Record": record, **self.signed("segment", sealed.encoded)}


class Uplink:
    """Sends what a box made to a centre."""

    def __init__(self, http: httpx2.AsyncClient, box: Box) -> None:
        self.http = http
        self.box = box

    async def init(self, data: bytes | None = None) -> httpx2.Response:
        data = self.box.reel.init if data is None else data
        name = hashlib.sha256(data).hexdigest()
        return await self.http.put(f"/ingest/v1/init/{name}", content=data, headers=self.box.signed("init", data))

    async def send(self, sealed: Sealed) -> httpx2.Response:
        if isinstance(sealed.record, SegmentRecord):
            headers = self.box.segment_headers(sealed)
            return await self.http.put("/ingest/v1/segment", content=sealed.data, headers=headers)
        headers = self.box.signed("gap", sealed.encoded)
        return await self.http.post("/ingest/v1/gap", content=sealed.encoded, headers=headers)

    async def send_all(self, rows: Sequence[Sealed]) -> None:
        for sealed in rows:
            answer = await self.send(sealed)
            assert answer.status_code == 200, answer.text

    async def checkpoint(self, held: int | None = None) -> httpx2.Response:
        answer = await self.http.get("/ingest/v1/checkpoint", headers={"Aigaq-Station": self.box.station})
        held = answer.json()["size"] if held is None else held
        note = self.box.log.checkpoint()
        body = note + b"".join(self.box.log.leaf_hashes(held, self.box.log.size))
        return await self.http.post("/ingest/v1/checkpoint", content=body, headers=self.box.signed("checkpoint", body))

    async def health(self, said: dict) -> httpx2.Response:
        body = json.dumps(said).encode()
        return await self.http.post("/ingest/v1/health", content=body, headers=self.box.signed("health", body))

    async def part(
        self, run: int, number: int, data: bytes, camera: str = "desk", stream: str = "sub"
    ) -> httpx2.Response:
        path = f"part/{camera}/{stream}/{run}/{number}"
        payload = path.encode() + hashlib.sha256(data).digest()
        return await self.http.put(f"/ingest/v1/{path}", content=data, headers=self.box.signed("part", payload))


def changed(sealed: Sealed, **values: object) -> Sealed:
    """The same, with other facts in the record."""
    return Sealed(replace(sealed.record, **values), sealed.data)


class Center:
    """A centre on a real port, with a clock that the test moves."""

    def __init__(self, folder: Path, clock: ManualClock | None = None) -> None:
        self.folder = folder
        self.clock = clock or ManualClock(START)
        self.register = example_register(date(2027, 1, 10))
        key = folder / "center.key"
        folder.mkdir(parents=True, exist_ok=True)
        self.key = SigningKey.load(key) if key.exists() else SigningKey.create(key)
        self.archive = Archive(folder / "data", self.register, self.clock, self.key, log_domain=DOMAIN)
        self.url = ""

    @contextlib.asynccontextmanager
    async def serving(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        app = create_asgi(self.archive)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", access_log=False))
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            async with httpx2.AsyncClient(base_url=self.url, timeout=20) as http:
                yield http
        finally:
            server.should_exit = True
            await task
            self.archive.close()
