"""A polling station's box in miniature: real fMP4, real signatures, a real station log; officers who enrol it, a centre
to send to, and a witness that watches over the centre."""

import asyncio
import base64
import contextlib
import hashlib
import io
import itertools
import json
import socket
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path

import av
import httpx2
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from aigaq.archive import Archive, LogSetup, create_asgi
from aigaq.base import Clock, ManualClock, from_ms, utc_ms
from aigaq.election import Register, example_register
from aigaq.ledger import LastSigned, LogKey, SigningKey, StationLog
from aigaq.ledger.enrolment import Authority, Facts, IdentityKey, IssuingAuthority, Roles, make_csr
from aigaq.ledger.witness import Witness, create_app, init_witness, policy_lines
from aigaq_verify import (
    NO_BEACON,
    NO_HASH,
    GapCause,
    GapRecord,
    Kind,
    Leaf,
    Record,
    SegmentRecord,
    VerifierKey,
    encode_leaf,
    leaf_hash,
    signed_part,
)

START = 1_799_550_000_000
"""2027-01-10T03:00:00Z: 08:00 in Almaty, on the day of the example election."""
DOMAIN = "log.example.org"
DAY_MS = 86_400_000


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
    beacon: tuple[int, bytes] = (0, NO_BEACON)
    tails: dict[tuple[str, str], tuple[int, bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.identity = IdentityKey.create(self.folder / "identity.key")
        self.key = SigningKey.create(self.folder / "session.key")
        self.log = StationLog.open(self.folder / "log", self.origin, self.key)

    @property
    def origin(self) -> str:
        return f"{DOMAIN}/{self.election}/s/{self.station}"

    @property
    def log_key(self) -> VerifierKey:
        """What its checkpoints are checked with."""
        return VerifierKey(self.origin, self.key.public)

    @property
    def csr(self) -> str:
        return make_csr(self.identity, self.election, self.station, Facts())

    def delegation(self, enrolment: bytes, start_ms: int, *, public: bytes | None = None) -> bytes:
        """The leaf by which the identity lets the session key sign, for 36 hours."""
        values = {
            "election": self.election, "station": self.station, "session_key": public or self.key.public,
            "not_before_ms": start_ms, "not_after_ms": start_ms + DAY_MS * 3 // 2, "enrolment": leaf_hash(enrolment),
        }  # fmt: skip
        signature = self.identity.sign(signed_part(Kind.DELEGATION, values))
        return encode_leaf(Leaf(Kind.DELEGATION, {**values, "signature": signature}))

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
                hashlib.sha256(data).digest(), self.reel.init_sha256, prev, *self.beacon,
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
            here = (self.election, self.station, camera, stream, seq, from_ms, to_ms, cause)
            return GapRecord(*here, NO_HASH, prev, *self.beacon)

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
        answer = await self.http.post("/ingest/v1/checkpoint", content=body)
        if answer.status_code == 200:
            await self.sealed(answer.json()["size"])
        return answer

    async def sealed(self, size: int) -> None:
        """Wait until the tables know what the log holds."""
        while (await self.http.get(f"/api/v1/stations/{self.box.station}")).json()["sealed_size"] < size:
            await asyncio.sleep(0.005)

    async def leaf(self, leaf: bytes) -> httpx2.Response:
        return await self.http.post("/ingest/v1/leaf", content=leaf)

    async def witnessed(self) -> bytes:
        """The newest witnessed note, which the next records name."""
        answer = await self.http.get("/log/witnessed")
        assert answer.status_code == 200, answer.text
        size = int(answer.content.split(b"\n")[1])
        self.box.beacon = (size, hashlib.sha256(answer.content).digest()[:16])
        return answer.content

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


class Officers:
    """Two officers of different roles, and the authority that issues certificates."""

    def __init__(self, folder: Path, election: str, clock: Clock) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.keys = [self._key(folder / f"{name}.key") for name in ("chair", "observer")]
        names = ("commission/chair", "parties/observer")
        self.roles = Roles([VerifierKey(n, k.public) for n, k in zip(names, self.keys, strict=True)])
        self.authority = Authority(election, self.roles, clock)
        self.ca = self._issuing(folder / "ca.key", from_ms(utc_ms(clock)))

    @staticmethod
    def _key(path: Path) -> SigningKey:
        return SigningKey.load(path) if path.exists() else SigningKey.create(path)

    @staticmethod
    def _issuing(path: Path, now: datetime) -> IssuingAuthority:
        private = (IdentityKey.load(path) if path.exists() else IdentityKey.create(path)).private
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Issuing authority")])
        builder = x509.CertificateBuilder(name, name, private.public_key(), serial_number=1)
        builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=90))
        key_id = x509.SubjectKeyIdentifier.from_public_key(private.public_key())
        builder = builder.add_extension(key_id, critical=False)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        return IssuingAuthority(private, builder.sign(private, SHA256()))

    def enrolment(self, csr: str) -> bytes:
        request = self.authority.request(csr)
        approvals = [self.authority.approve(request, key) for key in self.keys]
        return self.authority.complete(request, approvals, self.ca)[1]

    def revocation(self, leaf: bytes, reason: str = "the box was stolen") -> bytes:
        request = self.authority.revocation(leaf, reason)
        return self.authority.revoke(request, [self.authority.approve(request, key) for key in self.keys])


class Center:
    """A centre on a real port with one witness on another, and a clock that the test moves.

    Commits do not wait for that clock; witnesses are asked when the test says so.
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock | None = None,
        *,
        register: Register | None = None,
        witness: bool = False,
        optical: Sequence[str] = (),
        mirror: Path | None = None,
    ) -> None:
        self.folder = folder
        self.clock = clock or ManualClock(START)
        self.register = register or example_register(date(2027, 1, 10))
        self.election = self.register.election.id
        self.origin = f"{DOMAIN}/{self.election}"
        folder.mkdir(parents=True, exist_ok=True)
        self.key = self._made(folder / "center.key", SigningKey)
        self.log_key = self._made(folder / "log.key", LogKey)
        self.officers = Officers(folder / "officers", self.election, self.clock)
        self._listener = socket.create_server(("127.0.0.1", 0)) if witness else None
        self._witness = self._open_witness() if witness else None
        self.mirror = f"file://{mirror}" if mirror else None
        self.setup = self.new_setup()
        self.optical = optical
        self.archive = Archive(
            folder / "data", self.register, self.clock, self.key, log=self.setup, optical=self.optical
        )
        self.url = ""

    def new_setup(self) -> LogSetup:
        """What the log is made of, opened anew."""
        return LogSetup(
            self.origin, self.log_key, LastSigned.open(self.folder / "last" / "last-signed.sqlite"), self.policy,
            self.officers.roles, self.officers.ca.certificate, tokens=self.folder / "tokens", mirror=self.mirror,
        )  # fmt: skip

    @staticmethod
    def _made(path: Path, kind):
        return kind.load(path) if path.exists() else kind.create(path)

    def _open_witness(self) -> Witness:
        self._settings = init_witness(
            self.folder / f"witness-{self._listener.getsockname()[1]}", "witness.example.org/w1", self.clock,
            url=f"http://127.0.0.1:{self._listener.getsockname()[1]}",
            logs=[str(self.log_key.verifiers(self.origin)[0])],
        )  # fmt: skip
        return Witness.open(self._settings, self.clock)

    @property
    def policy(self) -> bytes:
        """The trust file."""
        logs = [f"log {key}" for key in self.log_key.verifiers(self.origin)]
        if self._witness is None:
            return "\n".join([*logs, "quorum none\n"]).encode()
        line = policy_lines(self._settings)[0]
        return "\n".join([*logs, line, f"quorum {line.split()[1]}\n"]).encode()

    async def enrol(self, box: Box) -> bytes:
        """Enrol a box and delegate its session key, as officers and box would; the enrolment leaf."""
        leaf = self.officers.enrolment(box.csr)
        await self.archive.logs.leaf(leaf)
        now = utc_ms(self.clock)
        await self.archive.logs.leaf(box.delegation(leaf, now - now % DAY_MS))
        return leaf

    async def feed(self) -> None:
        """Let the witness cosign what the log has."""
        await self.archive.logs.public.commit()
        await self.archive.logs.public.feed()

    @contextlib.asynccontextmanager
    async def open(self):
        """The archive at work, without a port."""
        async with contextlib.AsyncExitStack() as stack:
            if self._witness is not None:
                stack.callback(self._close_witness)
                await stack.enter_async_context(served(create_app(self._witness), self._listener))
            stack.push_async_callback(self.archive.stop)
            await self.archive.open()
            await stack.enter_async_context(pumped(self.archive))
            yield self.archive

    def close(self) -> None:
        """Without ever having been at work."""
        self.archive.close()
        self.setup.last.close()
        self._close_witness()

    def _close_witness(self) -> None:
        if self._witness is not None:
            self._witness.close()
            self._listener.close()

    @contextlib.asynccontextmanager
    async def serving(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            async with (
                self.open(),
                served(create_asgi(self.archive), listener),
                httpx2.AsyncClient(base_url=self.url, timeout=20) as http,
            ):
                yield http


@contextlib.asynccontextmanager
async def served(app, listener: socket.socket):
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", access_log=False))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.002)
    try:
        yield
    finally:
        server.should_exit = True
        await task


@contextlib.asynccontextmanager
async def pumped(archive: Archive):
    """Commit every few milliseconds of real time, whatever the test's clock says."""

    async def pump() -> None:
        for tick in itertools.count():
            public = archive.logs.public
            if public._bodies or public._leaves or tick % 8 == 0:  # absences are due without anyone asking
                await public.commit()
            await asyncio.sleep(0.005)

    task = asyncio.create_task(pump())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
