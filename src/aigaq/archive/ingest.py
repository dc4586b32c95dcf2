"""Receives what boxes send: believes nothing before it is checked, acknowledges nothing before it is kept.

Checked are signature, record, hash and place in the stream; kept means that bytes and row are on disk (I4). Order of
arrival is free: two lanes and retries mix it. The chain is checked against whichever neighbours are there. Checkpoints
and leaves go to the logs, which answer for them.
"""

import asyncio
import hashlib
import json
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeVar, cast

from aigaq.archive import rows
from aigaq.archive.blobs import Blobs
from aigaq.archive.boxes import read_fragment, read_init
from aigaq.archive.errors import (
    ArchiveError,
    BackDatedError,
    BadRequestError,
    BrokenChainError,
    ConflictError,
    HashMismatchError,
    InitUnknownError,
    NotAnInitError,
    NotARecordError,
    NotASegmentError,
    NotFoundError,
    TruncatedError,
    WrongElectionError,
    WrongSignatureError,
)
from aigaq.archive.known import camera_of, station_of
from aigaq.archive.logs import Logs
from aigaq.archive.model import STREAMS, Kind, Row, StreamKey
from aigaq.archive.names import init_name
from aigaq.archive.store import Database
from aigaq.base import Clock, utc_ms
from aigaq.election import Register
from aigaq.ledger import MAX_BODY, SigningKey, make_receipt, verify_request
from aigaq_verify import MAX_LEAF, Record, RecordError, SegmentRecord, decode_record, fragment_times, leaf_hash

MAX_INIT: Final = 64 << 10
MAX_HEALTH: Final = 64 << 10
TIME_TOLERANCE_MS: Final = 1000
"""As in the verifier: more than this between tfdt and record is a false record."""

CLOCK_TOLERANCE_MS: Final = 5000
"""As in the verifier: a box's clock may be off by this much."""
MAX_DEPTH: Final = 16
T = TypeVar("T")
Body = Callable[[int], Awaitable[bytes]]
"""Reads the whole request body up to a limit."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Signed:
    """Who sent a request, and with which signature."""

    station: str
    signature: bytes


class Ingest:
    """The write side of the archive."""

    def __init__(
        self,
        register: Register,
        logs: Logs,
        database: Database,
        blobs: Blobs,
        clock: Clock,
        key: SigningKey,
        heard: Callable[[Row], None],
    ) -> None:
        self._register = register
        self._logs = logs
        self._database = database
        self._blobs = blobs
        self._clock = clock
        self._key = key
        self._heard = heard
        self._writers = ThreadPoolExecutor(8, thread_name_prefix="archive-store")
        self._inits: set[bytes] = set()

    def close(self) -> None:
        """Finish what was begun."""
        self._writers.shutdown()

    # ---- who

    def check(self, signed: Signed, verb: str, payload: bytes) -> None:
        """That a session key of a known station signed this, one that counts now.

        Raises:
            UnknownStationError: not in the register.
            NotEnrolledError: no key counts.
            WrongSignatureError: not signed by one that does.
        """
        station_of(self._register, signed.station)
        keys = self._logs.keys(signed.station)
        if not any(verify_request(key.public, verb, payload, signed.signature) for key in keys):
            raise WrongSignatureError(verb, station=signed.station)

    def _record(self, signed: Signed, verb: str, data: bytes) -> Record:
        """A record that this station may bring."""
        self.check(signed, verb, data)
        try:
            record = decode_record(data)
        except RecordError as error:
            raise NotARecordError(verb, problem=str(error)) from error
        expected = (self._register.election.id, signed.station)
        if (record.election, record.station) != expected:
            found = f"{record.election}/{record.station}"
            raise WrongElectionError(verb, found=found, expected="/".join(expected))
        camera_of(self._register, record.station, record.camera)
        return record

    def check_part(self, signed: Signed, key: StreamKey, payload: bytes) -> None:
        """That a live part comes from the station of its stream."""
        self.check(signed, "part", payload)
        camera_of(self._register, key.station, key.camera)
        if key.stream not in STREAMS:
            raise NotFoundError("/".join(key))

    # ---- what

    async def init(self, signed: Signed, sha256: bytes, body: Body) -> None:
        """`PUT init/{sha256}`."""
        data = await body(MAX_INIT)
        self.check(signed, "init", data)
        if hashlib.sha256(data).digest() != sha256:
            raise HashMismatchError(sha256.hex())
        try:
            facts = read_init(data)
        except ValueError as error:
            raise NotAnInitError(sha256.hex(), problem=str(error)) from error
        await self._in_thread(self._blobs.put_once, init_name(sha256), data)
        await self._database.write(lambda c: rows.add_init(c, sha256, facts, len(data)))

    async def segment(self, signed: Signed, encoded: bytes, body: Body) -> bytes:
        """`PUT segment`; returns the receipt."""
        record = self._record(signed, "segment", encoded)
        if not isinstance(record, SegmentRecord):
            raise NotARecordError("segment", problem="a gap, not a segment")
        data = await body(record.size)
        if len(data) < record.size:
            raise TruncatedError(record.file_name, got=len(data), expected=record.size)
        if hashlib.sha256(data).digest() != record.sha256:
            raise HashMismatchError(record.file_name)
        if receipt := await self._replay(signed, record, encoded):
            return receipt
        start_ticks = _check_times(record, data)
        await self._require_init(record.init_sha256)
        await self._in_thread(self._blobs.put_once, record.object_name, data)
        receipt = await self._admit(signed, record, encoded, start_ticks)
        await self._judge_time(signed, record, encoded)
        return receipt

    async def gap(self, signed: Signed, encoded: bytes) -> bytes:
        """`POST gap`; returns the receipt."""
        record = self._record(signed, "gap", encoded)
        if isinstance(record, SegmentRecord):
            raise NotARecordError("gap", problem="a segment, not a gap")
        return await self._replay(signed, record, encoded) or await self._admit(signed, record, encoded, 0)

    async def checkpoint(self, body: Body) -> int:
        """`POST checkpoint`; the size of the station's log then held, once the national log holds it too.

        The note in the body names its station and is signed by it; no other signature is needed.
        """
        return await self._logs.public.checkpoint(None, await body(MAX_BODY))

    async def leaf(self, body: Body) -> int:
        """`POST leaf`; its index in the national log."""
        return await self._logs.leaf(await body(MAX_LEAF))

    async def size(self, station: str) -> int:
        """`GET checkpoint`: the size of the station's log that the centre holds."""
        station_of(self._register, station)
        return self._logs.public.station_size(station)

    async def health(self, signed: Signed, body: Body) -> None:
        """`POST health`: kept as it came, one per station."""
        data = await body(MAX_HEALTH)
        self.check(signed, "health", data)
        self._logs.public.heard(signed.station)
        text, now = _plain_object(data), utc_ms(self._clock)
        await self._database.write(lambda c: rows.set_station(c, signed.station, health=text, health_ms=now))

    # ---- rows

    async def _replay(self, signed: Signed, record: Record, encoded: bytes) -> bytes | None:
        """The receipt of a record that is here already.

        Raises:
            ConflictError: another record has its place.
        """
        key = StreamKey(record.station, record.camera, record.stream)
        there = await self._database.read(lambda c: rows.find(c, key, record.seq))
        if there and there.leaf != leaf_hash(encoded):
            raise await self._alarm(signed, record, encoded, ConflictError.code)
        return there.receipt if there else None

    async def _admit(self, signed: Signed, record: Record, encoded: bytes, start_ticks: int) -> bytes:
        """Store the row; the receipt is made before, and handed out only after the commit."""
        self._blobs.require_room()
        new = _new_row(record, encoded, start_ticks, utc_ms(self._clock), self._key)
        found = await self._database.write(lambda c: rows.admit(c, new, record.prev))
        if isinstance(found, str):
            raise await self._alarm(signed, record, encoded, found)
        self._heard(found)
        return found.receipt

    async def _judge_time(self, signed: Signed, record: SegmentRecord, encoded: bytes) -> None:
        """Ring for film that claims to be older than the beacon in it; it is kept, as evidence of just that."""
        earliest = self._logs.not_before_ms(record)
        if earliest is not None and record.end_ms < earliest - CLOCK_TOLERANCE_MS:
            await self._keep_alarm(signed, record, encoded, BackDatedError.code)

    async def _alarm(self, signed: Signed, record: Record, encoded: bytes, code: str) -> ArchiveError:
        """Keep the contradiction as evidence: the box signed it."""
        await self._keep_alarm(signed, record, encoded, code)
        error = ConflictError if code == ConflictError.code else BrokenChainError
        return error(f"{record.station}/{record.camera}/{record.stream}", seq=record.seq)

    async def _keep_alarm(self, signed: Signed, record: Record, encoded: bytes, code: str) -> None:
        now = utc_ms(self._clock)
        log.warning("%s from station %s, camera %s, number %d", code, signed.station, record.camera, record.seq)
        keep = (signed.station, code, encoded, signed.signature, now)
        await self._database.write(lambda c: rows.add_alarm(c, *keep))

    async def _require_init(self, sha256: bytes) -> None:
        if sha256 in self._inits:
            return
        if await self._database.read(lambda c: rows.get_init(c, sha256)) is None:
            raise InitUnknownError(init=sha256.hex())
        self._inits.add(sha256)

    async def _in_thread(self, work: Callable[..., T], *args: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._writers, work, *args)


def _plain_object(data: bytes) -> str:
    """JSON that every reader can take: an object, not deep, with finite numbers and whole characters."""
    try:
        said: object = json.loads(data, parse_constant=_refuse_constant)
        text = json.dumps(said, ensure_ascii=False)
        text.encode()
    except (ValueError, RecursionError) as error:
        raise BadRequestError("health", problem="the body is not JSON") from error
    if not isinstance(said, dict) or _depth(said) > MAX_DEPTH:
        raise BadRequestError("health", problem="the body is not a JSON object of modest depth")
    return text


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON (RFC 8259 §6)")


def _depth(value: object) -> int:
    if not isinstance(value, dict | list):
        return 0
    inner: list[object] = list(cast("dict[str, object]", value).values() if isinstance(value, dict) else value)
    return 1 + max((_depth(v) for v in inner), default=0)


def _check_times(record: SegmentRecord, data: bytes) -> int:
    """The first decode time of a segment, all of whose decode times agree with its record, as the verifier asks."""
    try:
        start = read_fragment(data).start
        times = [ticks // 90 for ticks in fragment_times(data)]
    except ValueError as error:
        raise NotASegmentError(record.file_name, problem=str(error)) from error
    late = max(times) - record.end_ms
    if abs(times[0] - record.start_ms) > TIME_TOLERANCE_MS or min(times) < times[0] or late > TIME_TOLERANCE_MS:
        raise NotASegmentError(record.file_name, problem="its decode times are not those of the record")
    return start


def _new_row(record: Record, encoded: bytes, start_ticks: int, now_ms: int, key: SigningKey) -> Row:
    leaf = leaf_hash(encoded)
    is_segment = isinstance(record, SegmentRecord)
    return Row(
        station=record.station,
        camera=record.camera,
        stream=record.stream,
        seq=record.seq,
        kind=Kind.SEGMENT if is_segment else Kind.GAP,
        start_ms=record.start_ms if is_segment else record.from_ms,
        end_ms=record.end_ms if is_segment else record.to_ms,
        cause=None if is_segment else record.cause,
        leaf=leaf,
        record=encoded,
        start_ticks=start_ticks,
        size=record.size if is_segment else 0,
        sha256=record.sha256 if is_segment else None,
        init=record.init_sha256 if is_segment else None,
        bundle=None,
        at=0,
        received_ms=now_ms,
        receipt=make_receipt(key, record.station, leaf, now_ms),
        log_index=None,
    )
