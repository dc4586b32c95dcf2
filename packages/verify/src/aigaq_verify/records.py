"""The leaves of a station log: one record for each sealed segment and for each gap, in deterministic CBOR.

A record is an array whose first item is its type (RFC 8949 §4.2.1 core deterministic encoding). A record with a value
out of range cannot be made, and decoding is strict: bytes that would not encode back to the very same bytes are
refused, so one fact has one hash.
"""

import enum
import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, cast

import cbor2

NO_HASH: Final = bytes(32)
NO_BEACON: Final = bytes(16)
HOLE_MS: Final = 500
"""A larger step between neighbours without a gap record is a silent hole."""
MAX_RECORD: Final = 512
"""Bytes; the longest record that can be written has 265."""
MAX_SEGMENT: Final = 64 << 20
"""Bytes of one segment: 6 s at 80 Mb/s, and some."""
MAX_DURATION_MS: Final = 60_000
"""A segment is cut at 6 s; a longer claim than this would hide a hole inside a segment."""
MAX_MS: Final = 2**47 - 1
"""A time in the year 6429: every calendar and time zone can still print it."""
MAX_COUNT: Final = 2**53 - 1
"""The largest integer that every reader, JavaScript included, keeps exactly."""
ID: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
"""Identifiers of elections, stations and cameras."""
STREAMS: Final = ("main", "sub")


class RecordError(ValueError):
    """Bytes that are not a record, with the reason."""


class GapCause(enum.StrEnum):
    """Why a stretch of duty has no footage."""

    NO_CONNECT = "no_connect"
    NO_RTP = "no_rtp"
    RTP_LOSS = "rtp_loss"
    NO_IDR = "no_idr"
    DISK_FULL = "disk_full"
    RESTART = "restart"
    CLOCK_STEP = "clock_step"
    OPERATOR = "operator"
    OFF_DUTY = "off_duty"


class Flag(enum.IntFlag):
    """What a reader of a segment should know about it."""

    NONE = 0
    RECOVERED = 1
    """Kept after a crash: the whole parts that had reached the disk."""
    NO_IDR = 2
    """Cut at 6 s without a key frame."""
    ARRIVAL_TIMING = 4
    """The camera's own rate was not believable; frames are timed by arrival."""
    RTP_LOSS = 8
    """RTP sequence numbers were lost inside."""
    CLOCK_UNSYNCED = 16
    """The box had no time source when it recorded this."""


_ALL_FLAGS: Final = sum(Flag)


@dataclass(frozen=True, slots=True)
class SegmentRecord:
    """Facts of one sealed segment (type 1). Times are UTC milliseconds by the station's clock."""

    election: str
    station: str
    camera: str
    stream: str
    seq: int
    start_ms: int
    duration_ms: int
    size: int
    sha256: bytes
    init_sha256: bytes
    prev: bytes = NO_HASH
    beacon_size: int = 0
    beacon_hash16: bytes = NO_BEACON
    flags: Flag = Flag.NONE

    def __post_init__(self) -> None:
        _check_common(self)
        _check_int("start_ms", self.start_ms, 0, MAX_MS - MAX_DURATION_MS)
        _check_int("duration_ms", self.duration_ms, 1, MAX_DURATION_MS)
        _check_int("size", self.size, 1, MAX_SEGMENT)
        _check_hash("sha256", self.sha256, 32)
        _check_hash("init_sha256", self.init_sha256, 32)
        _check_int("flags", int(self.flags), 0, _ALL_FLAGS)

    @property
    def file_name(self) -> str:
        """`<start_ms>-<seq>-<hash16>.m4s`, hash16 being the first 16 hexadecimal digits of the segment's SHA-256."""
        return f"{self.start_ms}-{self.seq}-{self.sha256.hex()[:16]}.m4s"

    @property
    def object_name(self) -> str:
        """`<election>/<station>/<camera>/<stream>/<YYYYMMDD>/<HH>/<file name>`, date and hour in UTC."""
        hour = datetime.fromtimestamp(self.start_ms // 1000, UTC).strftime("%Y%m%d/%H")
        return f"{self.election}/{self.station}/{self.camera}/{self.stream}/{hour}/{self.file_name}"

    @property
    def end_ms(self) -> int:
        """First millisecond after the segment."""
        return self.start_ms + self.duration_ms

    def encode(self) -> bytes:
        """Canonical bytes, the leaf of the station log."""
        return _dumps(
            [1, self.election, self.station, self.camera, self.stream, self.seq, self.start_ms, self.duration_ms,
             self.size, self.sha256, self.init_sha256, self.prev, self.beacon_size, self.beacon_hash16,
             int(self.flags)]
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class GapRecord:
    """A signed stretch without footage (type 4); `to_ms` is None while it is open.

    Closing an open gap writes a second record with the next `seq`, the same `from_ms` and cause, and `to_ms` set. Only
    a gap of cause `clock_step` may end before it starts: the box's clock was set back.
    """

    election: str
    station: str
    camera: str
    stream: str
    seq: int
    from_ms: int
    to_ms: int | None
    cause: GapCause
    detail_hash: bytes = NO_HASH
    prev: bytes = NO_HASH
    beacon_size: int = 0
    beacon_hash16: bytes = NO_BEACON

    def __post_init__(self) -> None:
        _check_common(self)
        _check_int("from_ms", self.from_ms, 0, MAX_MS)
        if self.to_ms is not None:
            first = 0 if self.cause is GapCause.CLOCK_STEP else self.from_ms
            _check_int("to_ms", self.to_ms, first, MAX_MS)
        _check_hash("detail_hash", self.detail_hash, 32)

    def encode(self) -> bytes:
        """Canonical bytes, the leaf of the station log."""
        return _dumps(
            [4, self.election, self.station, self.camera, self.stream, self.seq, self.from_ms, self.to_ms,
             str(self.cause), self.detail_hash, self.prev, self.beacon_size, self.beacon_hash16]
        )  # fmt: skip


Record = SegmentRecord | GapRecord


def leaf_hash(record: bytes) -> bytes:
    """RFC 6962 §2.1 leaf hash: SHA-256(0x00 ‖ record), 32 bytes."""
    return hashlib.sha256(b"\x00" + record).digest()


def decode_record(data: bytes) -> Record:
    """Read a record; the only bytes accepted are those that `encode` writes.

    Raises:
        RecordError: too long, not CBOR, of an unknown type, a value of the wrong type or out of range, not canonical.
    """
    if len(data) > MAX_RECORD:
        raise RecordError(f"longer than {MAX_RECORD} bytes")
    try:
        items = cast("object", cbor2.loads(data, max_depth=2, allow_indefinite=False))
    except (cbor2.CBORError, ValueError, OverflowError, RecursionError) as error:
        raise RecordError("not CBOR") from error
    if not isinstance(items, list):
        raise RecordError("not an array")
    record = _from_items(cast("list[Any]", items))
    if record.encode() != data:
        raise RecordError("not the canonical encoding")
    return record


def _from_items(items: list[Any]) -> Record:
    match items:
        case [1, *values, flags] if len(values) == 13:
            _check_int("flags", flags, 0, _ALL_FLAGS)
            return SegmentRecord(*tuple(values), flags=Flag(flags))
        case [4, *values] if len(values) == 12:
            if values[7] not in list(GapCause):
                raise RecordError("cause is not one of the causes")
            values[7] = GapCause(values[7])
            return GapRecord(*values)
        case _:
            raise RecordError("neither a segment (type 1, 15 items) nor a gap (type 4, 13 items)")


def _check_common(record: Record) -> None:
    for name in ("election", "station", "camera"):
        value: object = getattr(record, name)
        if not isinstance(value, str) or not ID.fullmatch(value):
            raise RecordError(f"{name} is not an identifier: 1 to 32 of a-z, 0-9 and inner hyphens")
    if record.stream not in STREAMS:
        raise RecordError("stream is neither main nor sub")
    _check_int("seq", record.seq, 0, MAX_COUNT)
    _check_hash("prev", record.prev, 32)
    _check_int("beacon_size", record.beacon_size, 0, MAX_COUNT)
    _check_hash("beacon_hash16", record.beacon_hash16, 16)


def _check_int(name: str, value: object, low: int, high: int) -> None:
    if type(value) is not int or not low <= value <= high:
        raise RecordError(f"{name} is not an integer from {low} to {high}")


def _check_hash(name: str, value: object, size: int) -> None:
    if type(value) is not bytes or len(value) != size:
        raise RecordError(f"{name} is not {size} bytes")


def _dumps(items: list[object]) -> bytes:
    return cbor2.dumps(items, canonical=True)
