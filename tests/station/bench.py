"""A box on the test bench: real files, journal and log in a folder, parts made by hand, and a centre with moods."""

import asyncio
import base64
import hashlib
import json
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import uvicorn
from typer.testing import CliRunner

from aigaq.capture import Init, Part, SegmentEnd
from aigaq.ledger import CompactRange, SigningKey, make_receipt, verify_request
from aigaq.ledger.enrolment import IdentityKey
from aigaq.station.box import Box
from aigaq.station.cli import station_app
from aigaq.station.fsck import Fsck, Level
from aigaq.station.settings import StationSettings
from aigaq.station.stream import StreamName, StreamWriter
from aigaq_verify import (
    Checkpoint,
    Flag,
    Kind,
    Leaf,
    NoteError,
    SegmentRecord,
    VerifierKey,
    decode_leaf,
    decode_record,
    encode_leaf,
    leaf_hash,
    verify_delegation,
)

T0 = 1_800_000_000_000
HALF = 45_000
"""Half a second in ticks."""


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def make_init(name: str = "a") -> Init:
    data = box(b"ftyp", b"iso6\0\0\0\0") + box(b"moov", name.encode() * 100)
    return Init(hashlib.sha256(data).digest(), data, "avc1.64001f", 640, 360)


def fragment(start: int, *, frames: int = 5, duration: int = HALF, size: int = 200, first: bool = False) -> bytes:
    """One part as capture writes it: `styp prft` before the first, then `moof mdat`."""
    durations = [duration // frames] * (frames - 1)
    durations.append(duration - sum(durations))
    tfhd = box(b"tfhd", struct.pack(">II", 0x020000, 1))
    tfdt = box(b"tfdt", struct.pack(">IQ", 0x01000000, start))
    trun = box(b"trun", struct.pack(">IIi", 0x000301, frames, 0), *(struct.pack(">II", d, size) for d in durations))
    moof = box(b"moof", box(b"mfhd", bytes(8)), box(b"traf", tfhd, tfdt, trun))
    head = box(b"styp", b"msdh\0\0\0\0") + box(b"prft", bytes(24)) if first else b""
    return head + moof + box(b"mdat", (start % 251).to_bytes(1, "big") * size)


def make_part(start_ms: int, index: int = 0, *, size: int = 200, duration: int = HALF) -> Part:
    data = fragment(start_ms * 90, first=index == 0, size=size, duration=duration)
    return Part(index, (data[:40], data[40:]), start_ms * 90, duration, index == 0)


def end_of(start_ms: int, parts: int, *, flags: Flag = Flag.NONE, lost: int = 0) -> SegmentEnd:
    return SegmentEnd(start_ms * 90, parts * HALF, 5 * parts, lost, flags, 0.0, None)


def settings_for(folder: Path, *, cameras: int = 1, sub: bool = True, **sections) -> StationSettings:
    sub_url = {"sub": "rtsp://127.0.0.1:9/sub"} if sub else {}
    folder.mkdir(parents=True, exist_ok=True)
    settings = StationSettings.model_validate(
        {
            "station": {"election": "e1", "id": "s1", "data": folder / "data", "log_domain": "log.example"},
            "limits": {"min_free_hours": 0, "reserve_mb": 1, **sections.pop("limits", {})},
            "cameras": [
                {"id": f"c{i}", "zone": "ballot_box", "main": "rtsp://127.0.0.1:9/main", **sub_url}
                for i in range(cameras)
            ],
            **sections,
        }
    )
    settings.station.data.mkdir(exist_ok=True)
    if not settings.identity_file.exists():
        identity = IdentityKey.create(settings.identity_file)
        (settings.station.data / "enrolment.cbor").write_bytes(enrolment_of(identity.point))
    return settings


def enrolment_of(point: bytes, *, station: str = "s1", until_ms: int = T0 * 2) -> bytes:
    """An enrolment leaf; who approved it is for the centre to judge, not for the box."""
    values = {
        "election": "e1", "station": station, "identity": point, "not_before_ms": 0, "not_after_ms": until_ms,
        "facts_hash": bytes(32), "approvals": [["a/b", bytes(64)], ["c/d", bytes(64)]], "certificate": b"x",
    }  # fmt: skip
    return encode_leaf(Leaf(Kind.ENROLMENT, values))


def call_station(*words: object):
    """An `aigaq station` command as an operator types it."""
    return CliRunner().invoke(station_app, [str(word) for word in words])


@dataclass
class Rig:
    """A box driven step by step in the test's own thread."""

    settings: StationSettings
    clock: object
    box: Box = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        self.box = Box.open(self.settings, self.clock)

    def stream(self, camera: str = "c0", stream: str = "main") -> StreamWriter:
        return self.box.streams[StreamName("e1", "s1", camera, stream)]

    def segment(self, start_ms: int, parts: int = 4, *, stream: StreamWriter | None = None, init: str = "a", **end):
        stream = stream or self.stream()
        stream.init(make_init(init))
        for i in range(parts):
            stream.part(make_part(start_ms + 500 * i, i))
        stream.segment_end(end_of(start_ms, parts, **end), Flag.NONE)

    def rows(self) -> list:
        self.box.writer.commit()
        return self.box.reader.rows(0, 10**6)

    def records(self, camera: str = "c0", stream: str = "main") -> list:
        return [r.record for r in self.rows() if (r.record.camera, r.record.stream) == (camera, stream)]

    def kill(self) -> None:
        """Let go of everything as a dying process does: nothing is committed, nothing closed in order."""
        self.box.close()

    def check(self, level: Level = Level.HASH) -> list:
        return list(Fsck(self.settings, level).problems())


class HeldLog:
    """What a centre holds of one log: replayed, root compared."""

    def __init__(self) -> None:
        self.tree = CompactRange()

    @property
    def size(self) -> int:
        return self.tree.size

    def accept(self, body: bytes, keys: list[VerifierKey]) -> tuple[int, dict]:
        end = body.index(b"\n", body.index(b"\n\n") + 2) + 1
        leaves = [body[i : i + 32] for i in range(end, len(body), 32)]
        try:
            checkpoint, _ = Checkpoint.open(body[:end], keys)
        except NoteError:
            return 422, {"code": "ledger.wrong_key"}
        if checkpoint.size - len(leaves) != self.size:
            return 409, {"code": "ledger.wrong_size", "size": self.size}
        tree = self.tree.copy()
        for leaf in leaves:
            tree.append(leaf)
        if tree.root() != checkpoint.root:
            return 422, {"code": "ledger.root_mismatch"}
        self.tree = tree
        return 200, {"size": self.size}


@dataclass
class Mood:
    """How the centre treats the next requests."""

    faults: list[str] = field(default_factory=list)
    """Taken one by one: garbage, slow, bad_receipt, other_receipt, or a status with a code such as `404 archive.x`."""
    always: str = ""
    spared: tuple[str, ...] = ("leaf", "log/witnessed")
    """Requests that are answered as they should be."""


class FakeCenter:
    """The centre's side of the HTTP table, strict about signatures and hashes, with faults on demand."""

    def __init__(self, folder: Path, settings: StationSettings) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.key = SigningKey.create(folder / "center.key")
        self.vkey = self.key.vkey("center.example")
        self.origin = settings.origin
        self.log = HeldLog()
        self.enrolment: bytes | None = None
        self.keys: list[VerifierKey] = []
        """Session keys that were delegated, and not revoked."""
        self.witnessed: bytes | None = None
        """What `/log/witnessed` answers."""
        self.mood = Mood()
        self.inits: dict[str, bytes] = {}
        self.segments: dict[bytes, bytes] = {}
        self.gaps: set[bytes] = set()
        self.order: list[str] = []
        self.parts: list[tuple[str, bytes]] = []
        self.health: list[dict] = []
        self.watched = ""
        self.requests = 0

    async def __aenter__(self) -> Self:
        config = uvicorn.Config(
            self.app, port=0, interface="asgi3", log_level="error", lifespan="off", access_log=False
        )
        self.server = uvicorn.Server(config)
        self._task = asyncio.create_task(self.server.serve())
        while not self.server.started:
            await asyncio.sleep(0.01)
        port = self.server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    async def __aexit__(self, *_) -> None:
        self.server.should_exit = True
        await self._task

    @property
    def leaves(self) -> set[bytes]:
        return {leaf_hash(record) for record in [*self.segments, *self.gaps]}

    async def app(self, scope, receive, send) -> None:
        self.requests += 1
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, more = body + message.get("body", b""), message.get("more_body", False)
        headers = {k.decode(): v.decode() for k, v in scope["headers"]}
        path = scope["path"].removeprefix("/ingest/v1/").removeprefix("/")
        mood = "" if path in self.mood.spared else self.mood.faults.pop(0) if self.mood.faults else self.mood.always
        status, answer = await self._faulty(mood) or self._answer(scope["method"], path, headers, body, mood)
        extra = [(b"aigaq-watched", self.watched.encode())]
        await send({"type": "http.response.start", "status": status, "headers": extra})
        await send({"type": "http.response.body", "body": answer})

    async def _faulty(self, mood: str):
        if mood == "slow":
            await asyncio.sleep(0.2)
        if mood == "garbage":
            return 503, b"\xff not json"
        if mood[:3].isdigit():
            status, _, code = mood.partition(" ")
            return int(status), json.dumps({"code": code, "where": "", "why": "as asked", "hint": ""}).encode()
        return None

    def _answer(self, method, path, headers, body, mood):  # noqa: C901, PLR0911 - one case per row of the HTTP table
        signature = _unbase64url(headers.get("aigaq-signature", ""))
        verified = {"init", "segment", "gap", "health", "part"} & {path.split("/")[0]}
        if verified and not self.signed(method, path, headers, body, signature):
            return 401, b'{"code": "archive.bad_signature"}'
        match method, path.split("/"):
            case "GET", ["log", "witnessed"]:
                return (200, self.witnessed) if self.witnessed else (404, b"")
            case "POST", ["leaf"]:
                return self._leaf(body)
            case "PUT", ["init", name]:
                assert hashlib.sha256(body).hexdigest() == name
                self.inits[name] = body
                return 204, b""
            case "PUT", ["segment"]:
                encoded = _unbase64url(headers["aigaq-record"])
                record = decode_record(encoded)
                assert isinstance(record, SegmentRecord)
                if (hashlib.sha256(body).digest(), len(body)) != (record.sha256, record.size):
                    return 422, b'{"code": "archive.hash_mismatch"}'
                if record.init_sha256.hex() not in self.inits:
                    return 428, b'{"code": "archive.init_unknown"}'
                self.segments[encoded] = body
                self.order.append(f"{record.stream} {record.start_ms}")
                return 200, self._receipt(encoded, mood)
            case "POST", ["gap"]:
                decode_record(body)
                self.gaps.add(body)
                self.order.append("gap")
                return 200, self._receipt(body, mood)
            case "POST", ["checkpoint"]:
                status, said = self.log.accept(body, self.keys)
                return status, json.dumps(said).encode()
            case "GET", ["checkpoint"]:
                return 200, json.dumps({"size": self.log.size}).encode()
            case "POST", ["health"]:
                self.health.append(json.loads(body))
                return 200, b"{}"
            case "PUT", ["part", *_]:
                self.parts.append((path, body))
                return 204, b""
        return 404, b'{"code": "archive.not_found"}'

    def signed(self, method, path, headers, body, signature) -> bool:
        """Whether a session key that this centre knows signed the request."""
        assert headers["aigaq-station"] == "s1"
        verb = path.split("/")[0]
        payload = {
            "segment": _unbase64url(headers.get("aigaq-record", "")),
            "part": path.encode() + hashlib.sha256(body).digest(),
        }.get(verb, body)
        return any(verify_request(key.public, verb, payload, signature) for key in self.keys)

    def _leaf(self, body: bytes):
        leaf = decode_leaf(body)
        self.order.append(f"leaf {int(leaf.kind)}")
        if leaf.kind is Kind.ENROLMENT:
            self.enrolment = body
        elif self.enrolment is None or not verify_delegation(leaf, decode_leaf(self.enrolment)):
            return 422, b'{"code": "enrol.bad_leaf", "why": "not delegated by the enrolled identity"}'
        elif all(key.public != leaf["session_key"] for key in self.keys):
            self.keys.append(VerifierKey(self.origin, leaf["session_key"]))
        return 200, b'{"index": 0}'

    def _receipt(self, encoded: bytes, mood: str) -> bytes:
        leaf = leaf_hash(b"another" if mood == "other_receipt" else encoded)
        receipt = make_receipt(self.key, "s1", leaf, T0)
        return receipt[:-1] + bytes([receipt[-1] ^ 1]) if mood == "bad_receipt" else receipt


def _unbase64url(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
