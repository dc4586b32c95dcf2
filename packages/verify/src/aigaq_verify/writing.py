"""What programs write: rows of a station's log, leaves of the national one, `clip.json`.

For stations and the centre. No verdict rests on this module, and what judges does not import it; the formats are those
of `records` and `manifest`, for writing as for reading.
"""

import enum
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

import cbor2

from aigaq_verify.manifest import FORMAT, Manifest
from aigaq_verify.records import MAX_LEAF, NO_HASH, RULES, Kind, Leaf, RecordError, check, decode_row, encode

NO_BEACON: Final = bytes(16)


class GapCause(enum.StrEnum):
    """Why a stretch of duty has no footage; `records.CAUSES` says it in words."""

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
    RECOVERED = 1  # kept after a crash: the whole parts that had reached the disk
    NO_IDR = 2  # cut at 6 s without a key frame
    ARRIVAL_TIMING = 4  # the camera's own rate was not believable; frames are timed by arrival
    RTP_LOSS = 8  # RTP sequence numbers were lost inside
    CLOCK_UNSYNCED = 16  # the box had no time source when it recorded this


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
        _leaf(Kind.SEGMENT, self)

    @property
    def end_ms(self) -> int:
        """First millisecond after the segment."""
        return self.start_ms + self.duration_ms

    @property
    def file_name(self) -> str:
        """`<start_ms>-<seq>-<hash16>.m4s`, hash16 being the first 16 hexadecimal digits of the segment's SHA-256."""
        return f"{self.start_ms}-{self.seq}-{self.sha256.hex()[:16]}.m4s"

    @property
    def object_name(self) -> str:
        """`<election>/<station>/<camera>/<stream>/<YYYYMMDD>/<HH>/<file name>`, date and hour in UTC."""
        hour = datetime.fromtimestamp(self.start_ms // 1000, UTC).strftime("%Y%m%d/%H")
        return f"{self.election}/{self.station}/{self.camera}/{self.stream}/{hour}/{self.file_name}"

    def encode(self) -> bytes:
        """Canonical bytes, the leaf of the station log."""
        return encode(_leaf(Kind.SEGMENT, self))


@dataclass(frozen=True, slots=True)
class GapRecord:
    """A signed stretch without footage (type 4); `to_ms` is None while it is open, and the next row tells it again.

    Only a gap of cause `clock_step` may end before it starts: the box's clock was set back.
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
        _leaf(Kind.GAP, self)

    def encode(self) -> bytes:
        """Canonical bytes, the leaf of the station log."""
        return encode(_leaf(Kind.GAP, self))


Record = SegmentRecord | GapRecord


def decode_record(data: bytes) -> Record:
    """Read a row of a station log; the only bytes accepted are those that `encode` writes."""
    row = decode_row(data)
    values: dict[str, Any] = dict(row.values)
    if row.kind is Kind.SEGMENT:
        values["flags"] = Flag(values["flags"])
        return SegmentRecord(**values)
    values["cause"] = GapCause(values["cause"])
    return GapRecord(**values)


def encode_leaf(leaf: Leaf) -> bytes:
    """Canonical bytes of a leaf of the national log; RecordError where they are more than `MAX_LEAF`."""
    data = encode(leaf)
    if len(data) > MAX_LEAF:
        raise RecordError(f"longer than {MAX_LEAF} bytes")
    return data


def signed_part(kind: Kind, values: Mapping[str, Any]) -> bytes:
    """The message of the signatures in an enrolment, delegation or revocation: a domain and the items before them."""
    rules, until = RULES[kind], {"approvals", "signature"}
    names = list(rules)[: min(place for place, name in enumerate(rules) if name in until)]
    items = {name: values.get(name) for name in names}
    check({name: rules[name] for name in names}, items)
    return f"aigaq/{kind.name.lower()}/v1\n".encode() + cbor2.dumps([int(kind), *items.values()], canonical=True)


def encode_manifest(manifest: Manifest) -> bytes:
    """`clip.json`."""
    return json.dumps({"format": FORMAT, **asdict(manifest)}, indent=1).encode() + b"\n"


def _leaf(kind: Kind, record: Record) -> Leaf:
    """What is written, checked: enumerations as their values."""
    items = {name: getattr(record, name) for name in RULES[kind]}
    return Leaf(kind, {name: item.value if isinstance(item, enum.Enum) else item for name, item in items.items()})
