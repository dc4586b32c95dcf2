"""The leaves of both logs in deterministic CBOR (RFC 8949 §4.2.1): one array, whose first item is the leaf's type.

Station log: one record for each sealed segment and each gap. National log: checkpoints of the stations, what the
centre saw and did, and who may sign. A leaf with a value out of range cannot be made, and decoding is strict: bytes
that would not encode back to the very same bytes are refused, so one fact has one hash.
"""

import enum
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, cast

import cbor2

from aigaq_verify.signatures import is_p256_key, is_public_key, verify_p256

NO_HASH: Final = bytes(32)
NO_BEACON: Final = bytes(16)
HOLE_MS: Final = 500
"""A larger step between neighbours without a gap record is a silent hole."""
MAX_RECORD: Final = 512
"""Bytes; the longest record that can be written has 265."""
MAX_LEAF: Final = 8 << 10
"""Bytes of a leaf of the national log."""
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
    """Bytes that are not a leaf, with the reason."""


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


class Kind(enum.IntEnum):
    """Types of the national log's leaves."""

    ENROLMENT = 2
    DELEGATION = 3
    STATION_CHECKPOINT = 5
    ABSENCE = 6
    DERIVATION = 7
    OPERATOR_ACTION = 8
    PURGE = 9
    CHALLENGE = 10
    REVOCATION = 11
    CLOSE = 12


@dataclass(frozen=True, slots=True)
class _Rule:
    """What one item must be."""

    words: str
    holds: Callable[[Any], bool]


def _integer(low: int, high: int) -> _Rule:
    return _Rule(f"an integer from {low} to {high}", lambda v: type(v) is int and low <= v <= high)


def _octets(low: int, high: int) -> _Rule:
    size = f"{low} bytes" if low == high else f"{low} to {high} bytes"
    return _Rule(size, lambda v: type(v) is bytes and low <= len(v) <= high)


def _or_null(rule: _Rule) -> _Rule:
    return _Rule(f"{rule.words}, or null", lambda v: v is None or rule.holds(v))


def _are_approvals(value: Any) -> bool:  # noqa: ANN401 - anything may stand there
    if type(value) is not list or not 2 <= len(value) <= _MAX_LIST:
        return False
    pairs = [v for v in cast("list[Any]", value) if type(v) is list and len(v) == 2]
    if len(pairs) != len(value) or not all(_ROLE.holds(name) and _SIGNATURE.holds(sig) for name, sig in pairs):
        return False
    names = [str(name) for name, _ in pairs]
    return names == sorted(names) and len({name.split("/")[0] for name in names}) == len(names)


_MAX_LIST: Final = 64
_PLAIN: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]{1,256}")
_ID: Final = _Rule(
    "an identifier: 1 to 32 of a-z, 0-9 and inner hyphens", lambda v: type(v) is str and bool(ID.fullmatch(v))
)
_ROLE: Final = _Rule(
    "a role name: role/post", lambda v: type(v) is str and [bool(ID.fullmatch(p)) for p in v.split("/")] == [True] * 2
)
_TEXT: Final = _Rule("1 to 256 characters in one line", lambda v: type(v) is str and bool(_PLAIN.fullmatch(v)))
_STREAM: Final = _Rule("main or sub", lambda v: type(v) is str and v in STREAMS)
_CAUSE: Final = _Rule("one of the causes", lambda v: isinstance(v, str) and v in set(GapCause))
_COUNT: Final = _integer(0, MAX_COUNT)
_TIME: Final = _integer(0, MAX_MS)
_FLAGS: Final = _integer(0, sum(Flag))
_HASH: Final = _octets(32, 32)
_HASH16: Final = _octets(16, 16)
_SIGNATURE: Final = _octets(64, 64)
_SESSION_KEY: Final = _Rule("a sound Ed25519 key", lambda v: type(v) is bytes and is_public_key(v))
_IDENTITY: Final = _Rule("an uncompressed point of P-256", lambda v: type(v) is bytes and is_p256_key(v))
_APPROVALS: Final = _Rule("at least two of [role name, signature], names sorted, of different roles", _are_approvals)
_HASHES: Final = _Rule(
    f"1 to {_MAX_LIST} hashes of 32 bytes",
    lambda v: type(v) is list and 1 <= len(v) <= _MAX_LIST and all(map(_HASH.holds, v)),
)

_ROW: Final = {"election": _ID, "station": _ID, "camera": _ID, "stream": _STREAM, "seq": _COUNT}
_BEACON: Final = {"beacon_size": _COUNT, "beacon_hash16": _HASH16}
_SEGMENT: Final[dict[str, _Rule]] = {
    **_ROW, "start_ms": _integer(0, MAX_MS - MAX_DURATION_MS), "duration_ms": _integer(1, MAX_DURATION_MS),
    "size": _integer(1, MAX_SEGMENT), "sha256": _HASH, "init_sha256": _HASH, "prev": _HASH, **_BEACON,
    "flags": _FLAGS,
}  # fmt: skip
_GAP: Final[dict[str, _Rule]] = {
    **_ROW, "from_ms": _TIME, "to_ms": _or_null(_TIME), "cause": _CAUSE, "detail_hash": _HASH, "prev": _HASH, **_BEACON,
}  # fmt: skip
_STATION: Final = {"election": _ID, "station": _ID}
_VALID: Final = {"not_before_ms": _TIME, "not_after_ms": _TIME}
_OFFICER: Final = {"election": _ID, "at_ms": _TIME, "role": _ROLE}
NATIONAL: Final[dict[Kind, dict[str, _Rule]]] = {
    Kind.ENROLMENT: {
        **_STATION, "identity": _IDENTITY, **_VALID, "facts_hash": _HASH, "approvals": _APPROVALS,
        "certificate": _octets(1, 4096),
    },
    Kind.DELEGATION: {**_STATION, "session_key": _SESSION_KEY, **_VALID, "enrolment": _HASH, "signature": _SIGNATURE},
    Kind.STATION_CHECKPOINT: {**_STATION, "note": _octets(1, 4096)},
    Kind.ABSENCE: {
        **_STATION, "seq": _COUNT, "from_ms": _TIME, "to_ms": _or_null(_TIME), "held_size": _COUNT, "held_root": _HASH,
    },
    Kind.DERIVATION: {
        "election": _ID, "kind": _TEXT, "derived": _HASH, "inputs": _HASHES, "code": _TEXT, "parameters": _HASH,
    },
    Kind.OPERATOR_ACTION: {**_OFFICER, "action": _TEXT, "subject": _TEXT, "detail_hash": _HASH},
    Kind.PURGE: {**_OFFICER, "what": _TEXT, "count": _COUNT, "list_hash": _HASH, "reason": _TEXT},
    Kind.CHALLENGE: {
        **_STATION, "camera": _ID, "from_ms": _TIME, **_BEACON, "challenge": _octets(8, 8),
        "response": _or_null(_octets(8, 8)), "wrong_bits": _integer(0, 64),
    },
    Kind.REVOCATION: {**_STATION, "revoked": _HASH, "at_ms": _TIME, "reason": _TEXT, "approvals": _APPROVALS},
    Kind.CLOSE: {**_STATION, "at_ms": _TIME, "size": _COUNT, "root": _HASH},
}  # fmt: skip
_SIGNED: Final = {
    Kind.ENROLMENT: (b"aigaq/enrolment/v1\n", "approvals"),
    Kind.DELEGATION: (b"aigaq/delegation/v1\n", "signature"),
    Kind.REVOCATION: (b"aigaq/revocation/v1\n", "approvals"),
}
"""What a signature is over: this domain, then the items before the one named."""


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
        _check(_SEGMENT, {name: getattr(self, name) for name in _SEGMENT} | {"flags": int(self.flags)})

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
        return _dumps([1, *(getattr(self, name) for name in _SEGMENT if name != "flags"), int(self.flags)])


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
        _check(_GAP, {name: getattr(self, name) for name in _GAP})
        if self.to_ms is not None and self.to_ms < self.from_ms and self.cause is not GapCause.CLOCK_STEP:
            raise RecordError("to_ms is before from_ms")

    def encode(self) -> bytes:
        """Canonical bytes, the leaf of the station log."""
        values = {name: getattr(self, name) for name in _GAP} | {"cause": str(self.cause)}
        return _dumps([4, *values.values()])


Record = SegmentRecord | GapRecord


def leaf_hash(leaf: bytes) -> bytes:
    """RFC 6962 §2.1 leaf hash: SHA-256(0x00 ‖ leaf), 32 bytes."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def decode_record(data: bytes) -> Record:
    """Read a row of a station log; the only bytes accepted are those that `encode` writes.

    Raises:
        RecordError: too long, not CBOR, of an unknown type, a value of the wrong type or out of range, not canonical.
    """
    record = _record_of(_loads(data, MAX_RECORD))
    if record.encode() != data:
        raise RecordError("not the canonical encoding")
    return record


def _record_of(items: list[Any]) -> Record:
    match items:
        case [int(1), *values] if len(values) == len(_SEGMENT):
            _check(_SEGMENT, dict(zip(_SEGMENT, values, strict=True)))
            return SegmentRecord(*values[:-1], flags=Flag(values[-1]))
        case [int(4), *values] if len(values) == len(_GAP):
            _check(_GAP, dict(zip(_GAP, values, strict=True)))
            values[7] = GapCause(values[7])
            return GapRecord(*values)
        case _:
            raise RecordError("neither a segment (type 1, 15 items) nor a gap (type 4, 13 items)")


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf of the national log: its kind, and its items by name in the order of the format."""

    kind: Kind
    values: Mapping[str, Any]

    def __post_init__(self) -> None:
        _check(NATIONAL[self.kind], self.values)
        for first, last in (("not_before_ms", "not_after_ms"), ("from_ms", "to_ms")):
            if self.values.get(last) is not None and self.values[last] < self.values[first]:
                raise RecordError(f"{last} is before {first}")

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - what the format says
        return self.values[name]


def encode_leaf(leaf: Leaf) -> bytes:
    """Canonical bytes.

    Raises:
        RecordError: more than `MAX_LEAF` bytes.
    """
    data = _dumps([int(leaf.kind), *(leaf.values[name] for name in NATIONAL[leaf.kind])])
    if len(data) > MAX_LEAF:
        raise RecordError(f"longer than {MAX_LEAF} bytes")
    return data


def decode_leaf(data: bytes) -> Leaf:
    """Read a leaf of the national log; the only bytes accepted are those that `encode_leaf` writes.

    Raises:
        RecordError: the reason.
    """
    items = _loads(data, MAX_LEAF)
    if not items or type(items[0]) is not int or items[0] not in set(Kind):
        raise RecordError("not a known type of leaf")
    names = NATIONAL[Kind(items[0])]
    if len(items) != 1 + len(names):
        raise RecordError(f"not the {1 + len(names)} items of type {items[0]}")
    leaf = Leaf(Kind(items[0]), dict(zip(names, items[1:], strict=True)))
    if encode_leaf(leaf) != data:
        raise RecordError("not the canonical encoding")
    return leaf


def signed_part(kind: Kind, values: Mapping[str, Any]) -> bytes:
    """The message that an enrolment's, a delegation's or a revocation's signatures are over.

    Raises:
        RecordError: an item before the signatures is missing or wrong.
    """
    domain, until = _SIGNED[kind]
    names = list(NATIONAL[kind])[: list(NATIONAL[kind]).index(until)]
    rules = {name: NATIONAL[kind][name] for name in names}
    _check(rules, {name: values[name] for name in names if name in values})
    return domain + _dumps([int(kind), *(values[name] for name in names)])


def verify_delegation(delegation: Leaf, enrolment: Leaf) -> bool:
    """Whether the enrolled identity key of that very station delegated the session key."""
    return (
        (delegation["election"], delegation["station"]) == (enrolment["election"], enrolment["station"])
        and delegation["enrolment"] == leaf_hash(encode_leaf(enrolment))
        and verify_p256(enrolment["identity"], signed_part(Kind.DELEGATION, delegation.values), delegation["signature"])
    )


def _check(rules: Mapping[str, _Rule], values: Mapping[str, Any]) -> None:
    if values.keys() != rules.keys():
        raise RecordError(f"not the items {', '.join(rules)}")
    for name, rule in rules.items():
        if not rule.holds(values[name]):
            raise RecordError(f"{name} is not {rule.words}")


def _loads(data: bytes, limit: int) -> list[Any]:
    if len(data) > limit:
        raise RecordError(f"longer than {limit} bytes")
    try:
        items = cast("object", cbor2.loads(data, max_depth=4, allow_indefinite=False))
    except (cbor2.CBORError, ValueError, OverflowError, RecursionError) as error:
        raise RecordError("not CBOR") from error
    if not isinstance(items, list):
        raise RecordError("not an array")
    return cast("list[Any]", items)


def _dumps(items: list[Any]) -> bytes:
    return cbor2.dumps(items, canonical=True)
