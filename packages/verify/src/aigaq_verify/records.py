"""The leaves of both logs in deterministic CBOR (RFC 8949 §4.2.1): one array, whose first item is the leaf's type.

A leaf with a value out of range cannot be made, and reading is strict: bytes that would not be written back as the very
same bytes are refused with `RecordError`, so one fact has one hash. One table says what each item must be.
"""

import enum
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import cbor2

from aigaq_verify.signatures import is_p256_key, is_public_key, verify_p256

NO_HASH: Final = bytes(32)
NO_BEACON: Final = bytes(16)
HOLE_MS: Final = 500  # a larger step between neighbours without a gap record is a silent hole
MAX_RECORD: Final = 512  # bytes of a row; the longest that can be written has 265
MAX_LEAF: Final = 8 << 10  # bytes of a leaf of the national log
MAX_SEGMENT: Final = 64 << 20  # bytes: 6 s at 80 Mb/s, and some
MAX_DURATION_MS: Final = 60_000  # a segment is cut at 6 s; a longer claim would hide a hole inside it
MAX_MS: Final = 2**47 - 1  # in the year 6429: every calendar and time zone can still print it
MAX_COUNT: Final = 2**53 - 1  # the largest integer that every reader, JavaScript included, keeps exactly
ID: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
STREAMS: Final = ("main", "sub")
_POST: Final = re.compile(f"{ID.pattern}/{ID.pattern}")
_LINE: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]{1,256}")


class RecordError(ValueError):
    """Bytes or values that are not a leaf, with the reason."""


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
    RECOVERED = 1  # kept after a crash: the whole parts that had reached the disk
    NO_IDR = 2  # cut at 6 s without a key frame
    ARRIVAL_TIMING = 4  # the camera's own rate was not believable; frames are timed by arrival
    RTP_LOSS = 8  # RTP sequence numbers were lost inside
    CLOCK_UNSYNCED = 16  # the box had no time source when it recorded this


class Kind(enum.IntEnum):
    """Types of the national log's leaves; 1 and 4 are rows of a station."""

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


Rule = tuple[str, Callable[[Any], bool]]  # what an item must be, in words and as a test
Rules = dict[str, Rule]


def _integer(low: int, high: int) -> Rule:
    return f"an integer from {low} to {high}", lambda v: type(v) is int and low <= v <= high


def _octets(low: int, high: int = 0) -> Rule:
    return f"{low} to {high or low} bytes", lambda v: type(v) is bytes and low <= len(v) <= (high or low)


def _or_null(rule: Rule) -> Rule:
    return f"{rule[0]}, or null", lambda v: v is None or rule[1](v)


def _are_approvals(value: Any) -> bool:  # noqa: ANN401 - anything may stand there
    pairs: list[Any] = value if type(value) is list else []
    if not 2 <= len(pairs) <= 64 or not all(type(pair) is list and len(pair) == 2 for pair in pairs):
        return False
    if not all(_ROLE[1](name) and type(signature) is bytes and len(signature) == 64 for name, signature in pairs):
        return False
    names = [str(name) for name, _ in pairs]
    return names == sorted(names) and len({name.split("/")[0] for name in names}) == len(names)


_ID: Final[Rule] = "an identifier of a-z, 0-9 and inner -", lambda v: type(v) is str and bool(ID.fullmatch(v))
_ROLE: Final[Rule] = "role/post", lambda v: type(v) is str and bool(_POST.fullmatch(v))
_TEXT: Final[Rule] = "1 to 256 characters in one line", lambda v: type(v) is str and bool(_LINE.fullmatch(v))
_STREAM: Final[Rule] = "main or sub", lambda v: type(v) is str and v in STREAMS
_CAUSE: Final[Rule] = "one of the causes", lambda v: isinstance(v, str) and v in set(GapCause)
_KEY: Final[Rule] = "a sound Ed25519 key", lambda v: type(v) is bytes and is_public_key(v)
_POINT: Final[Rule] = "an uncompressed point of P-256", lambda v: type(v) is bytes and is_p256_key(v)
_APPROVALS: Final[Rule] = "2 or more of [role/post, 64 bytes], names sorted, of different roles", _are_approvals
_COUNT, _TIME, _HASH, _HASH16 = _integer(0, MAX_COUNT), _integer(0, MAX_MS), _octets(32), _octets(16)
_HASHES: Final[Rule] = "1 to 64 hashes", lambda v: type(v) is list and 0 < len(v) <= 64 and all(map(_HASH[1], v))

_ROW: Final[Rules] = {"election": _ID, "station": _ID, "camera": _ID, "stream": _STREAM, "seq": _COUNT}
_BEACON: Final[Rules] = {"beacon_size": _COUNT, "beacon_hash16": _HASH16}
_PLACE: Final[Rules] = {"election": _ID, "station": _ID}
_VALID: Final[Rules] = {"not_before_ms": _TIME, "not_after_ms": _TIME}
_ACT: Final[Rules] = {"election": _ID, "at_ms": _TIME, "role": _ROLE}
# fmt: off
_SEGMENT: Final[Rules] = {
    **_ROW, "start_ms": _integer(0, MAX_MS - MAX_DURATION_MS), "duration_ms": _integer(1, MAX_DURATION_MS),
    "size": _integer(1, MAX_SEGMENT), "sha256": _HASH, "init_sha256": _HASH, "prev": _HASH, **_BEACON,
    "flags": _integer(0, sum(Flag)),
}
_GAP: Final[Rules] = {
    **_ROW, "from_ms": _TIME, "to_ms": _or_null(_TIME), "cause": _CAUSE, "detail_hash": _HASH, "prev": _HASH, **_BEACON,
}
_NATIONAL: Final[dict[Kind, Rules]] = {
    Kind.ENROLMENT: {**_PLACE, "identity": _POINT, **_VALID, "facts_hash": _HASH, "approvals": _APPROVALS,
                     "certificate": _octets(1, 4096)},
    Kind.DELEGATION: {**_PLACE, "session_key": _KEY, **_VALID, "enrolment": _HASH, "signature": _octets(64)},
    Kind.STATION_CHECKPOINT: {**_PLACE, "note": _octets(1, 4096)},
    Kind.ABSENCE: {**_PLACE, "seq": _COUNT, "from_ms": _TIME, "to_ms": _or_null(_TIME), "held_size": _COUNT,
                   "held_root": _HASH},
    Kind.DERIVATION: {"election": _ID, "kind": _TEXT, "derived": _HASH, "inputs": _HASHES, "code": _TEXT,
                      "parameters": _HASH},
    Kind.OPERATOR_ACTION: {**_ACT, "action": _TEXT, "subject": _TEXT, "detail_hash": _HASH},
    Kind.PURGE: {**_ACT, "what": _TEXT, "count": _COUNT, "list_hash": _HASH, "reason": _TEXT},
    Kind.CHALLENGE: {**_PLACE, "camera": _ID, "from_ms": _TIME, **_BEACON, "challenge": _octets(8),
                     "response": _or_null(_octets(8)), "wrong_bits": _integer(0, 64)},
    Kind.REVOCATION: {**_PLACE, "revoked": _HASH, "at_ms": _TIME, "reason": _TEXT, "approvals": _APPROVALS},
    Kind.CLOSE: {**_PLACE, "at_ms": _TIME, "size": _COUNT, "root": _HASH},
}
# fmt: on


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
        _check(_SEGMENT, {**_values(_SEGMENT, self), "flags": int(self.flags)})

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
        return _dumps(1, {**_values(_SEGMENT, self), "flags": int(self.flags)})


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
        _check(_GAP, _values(_GAP, self))
        if self.to_ms is not None and self.to_ms < self.from_ms and self.cause is not GapCause.CLOCK_STEP:
            raise RecordError("to_ms is before from_ms")

    def encode(self) -> bytes:
        """Canonical bytes, the leaf of the station log."""
        return _dumps(4, {**_values(_GAP, self), "cause": str(self.cause)})


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf of the national log: its kind, and its items by name."""

    kind: Kind
    values: Mapping[str, Any]

    def __post_init__(self) -> None:
        _check(_NATIONAL[self.kind], self.values)
        for first, last in (("not_before_ms", "not_after_ms"), ("from_ms", "to_ms")):
            if self.values.get(last) is not None and self.values[last] < self.values[first]:
                raise RecordError(f"{last} is before {first}")

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - what the format says
        return self.values[name]


Record = SegmentRecord | GapRecord


def leaf_hash(leaf: bytes) -> bytes:
    """RFC 6962 §2.1 leaf hash: SHA-256(0x00 ‖ leaf), 32 bytes."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def decode_record(data: bytes) -> Record:
    """Read a row of a station log; the only bytes accepted are those that `encode` writes."""
    match _loads(data, MAX_RECORD):
        case [int(1), *values] if len(values) == len(_SEGMENT):
            _check(_SEGMENT, dict(zip(_SEGMENT, values, strict=True)))
            record = SegmentRecord(*values[:-1], flags=Flag(values[-1]))
        case [int(4), *values] if len(values) == len(_GAP):
            _check(_GAP, dict(zip(_GAP, values, strict=True)))
            values[7] = GapCause(values[7])
            record = GapRecord(*values)
        case _:
            raise RecordError("neither a segment (type 1, 15 items) nor a gap (type 4, 13 items)")
    if record.encode() != data:
        raise RecordError("not the canonical encoding")
    return record


def encode_leaf(leaf: Leaf) -> bytes:
    """Canonical bytes; RecordError where they are more than `MAX_LEAF`."""
    data = _dumps(leaf.kind, {name: leaf.values[name] for name in _NATIONAL[leaf.kind]})
    if len(data) > MAX_LEAF:
        raise RecordError(f"longer than {MAX_LEAF} bytes")
    return data


def decode_leaf(data: bytes) -> Leaf:
    """Read a leaf of the national log; the only bytes accepted are those that `encode_leaf` writes."""
    kind, *values = _loads(data, MAX_LEAF) or [None]
    if type(kind) is not int or kind not in set(Kind) or len(values) != len(_NATIONAL[Kind(kind)]):
        raise RecordError("not a known type of leaf with its number of items")
    leaf = Leaf(Kind(kind), dict(zip(_NATIONAL[Kind(kind)], values, strict=True)))
    if encode_leaf(leaf) != data:
        raise RecordError("not the canonical encoding")
    return leaf


def signed_part(kind: Kind, values: Mapping[str, Any]) -> bytes:
    """The message of the signatures in an enrolment, delegation or revocation: a domain and the items before them."""
    rules, until = _NATIONAL[kind], {"approvals", "signature"}
    names = list(rules)[: min(place for place, name in enumerate(rules) if name in until)]
    items = {name: values.get(name) for name in names}
    _check({name: rules[name] for name in names}, items)
    return f"aigaq/{kind.name.lower()}/v1\n".encode() + _dumps(kind, items)


def verify_delegation(delegation: Leaf, enrolment: Leaf) -> bool:
    """Whether the enrolled identity key of that very station delegated the session key."""
    message, same = signed_part(Kind.DELEGATION, delegation.values), ("election", "station")
    named = delegation["enrolment"] == leaf_hash(encode_leaf(enrolment))
    own = all(delegation[name] == enrolment[name] for name in same)
    return named and own and verify_p256(enrolment["identity"], message, delegation["signature"])


def _values(rules: Rules, record: Record) -> dict[str, Any]:
    return {name: getattr(record, name) for name in rules}


def _check(rules: Rules, values: Mapping[str, Any]) -> None:
    if values.keys() != rules.keys():
        raise RecordError(f"not the items {', '.join(rules)}")
    for name, (words, holds) in rules.items():
        if not holds(values[name]):
            raise RecordError(f"{name} is not {words}")


def _loads(data: bytes, limit: int) -> list[Any]:
    try:
        items: Any = cbor2.loads(data, max_depth=4, allow_indefinite=False) if len(data) <= limit else None
    except (cbor2.CBORError, ValueError, OverflowError, RecursionError) as error:
        raise RecordError("not CBOR") from error
    if not isinstance(items, list):
        raise RecordError(f"not an array of at most {limit} bytes")
    return items


def _dumps(kind: int, items: Mapping[str, Any]) -> bytes:
    return cbor2.dumps([int(kind), *items.values()], canonical=True)
