"""The leaves of a station log: one record for each sealed segment and for each gap, in deterministic CBOR.

A record is an array whose first item is its type (RFC 8949 §4.2.1 core deterministic encoding). Decoding is strict: a
record that would not encode back to the very same bytes is refused, so one fact has one hash.
"""

import enum
import hashlib
from dataclasses import dataclass
from typing import Final

import cbor2

NO_HASH: Final = bytes(32)
NO_BEACON: Final = bytes(16)
HOLE_MS: Final = 500
"""A larger step between neighbours without a gap record is a silent hole."""


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


def _dumps(items: list[object]) -> bytes:
    return cbor2.dumps(items, canonical=True)
