"""The leaves of both logs in deterministic CBOR (RFC 8949 §4.2.1): one array, whose first item is the leaf's type.

A leaf with a value out of range cannot be made, and reading is strict: bytes that would not be written back as the very
same bytes are refused with `RecordError`, so one fact has one hash. One table says what each item must be.
"""

import enum
import hashlib
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

import cbor2

from aigaq_verify.signatures import is_p256_key, is_public_key, verify_p256

NO_HASH: Final = bytes(32)
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


CAUSES: Final = {  # why a stretch of duty has no footage
    "no_connect": "the camera could not be reached",
    "no_rtp": "the camera was connected but sent nothing",
    "rtp_loss": "what the camera sent was lost on the way",
    "no_idr": "the camera sent no picture to start from",
    "disk_full": "the disk was full",
    "restart": "the recorder restarted",
    "clock_step": "the recorder's clock was set",
    "operator": "a person stopped the recording",
    "off_duty": "the camera was off duty",
}
RECOVERED: Final = 1  # the flag of a segment that was kept after a crash
_FLAGS: Final = 31  # all flags


class Kind(enum.IntEnum):
    """Types of leaves; 1 and 4 are rows of a station's log, the others leaves of the national one."""

    SEGMENT = 1
    ENROLMENT = 2
    DELEGATION = 3
    GAP = 4
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
_CAUSE: Final[Rule] = "one of the causes", lambda v: type(v) is str and v in CAUSES
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
RULES: Final[dict[Kind, Rules]] = {
    Kind.SEGMENT: {**_ROW, "start_ms": _integer(0, MAX_MS - MAX_DURATION_MS),
                   "duration_ms": _integer(1, MAX_DURATION_MS), "size": _integer(1, MAX_SEGMENT), "sha256": _HASH,
                   "init_sha256": _HASH, "prev": _HASH, **_BEACON, "flags": _integer(0, _FLAGS)},
    Kind.GAP: {**_ROW, "from_ms": _TIME, "to_ms": _or_null(_TIME), "cause": _CAUSE, "detail_hash": _HASH,
               "prev": _HASH, **_BEACON},
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
_ROWS: Final = {Kind.SEGMENT, Kind.GAP}


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf of a log: its kind, and its items by name."""

    kind: Kind
    values: Mapping[str, Any]

    def __post_init__(self) -> None:
        check(RULES[self.kind], self.values)
        for first, last in (("not_before_ms", "not_after_ms"), ("from_ms", "to_ms")):
            start, end = self.values.get(first), self.values.get(last)
            if end is not None and end < start and self.values.get("cause") != "clock_step":  # it may be set back
                raise RecordError(f"{last} is before {first}")

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - what the format says
        return self.values[name]


def leaf_hash(leaf: bytes) -> bytes:
    """RFC 6962 §2.1 leaf hash: SHA-256(0x00 ‖ leaf), 32 bytes."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def decode_row(data: bytes) -> Leaf:
    """Read a row of a station's log; the only bytes accepted are those that would be written."""
    return _decode(data, MAX_RECORD, _ROWS)


def decode_leaf(data: bytes) -> Leaf:
    """Read a leaf of the national log; the only bytes accepted are those that would be written."""
    return _decode(data, MAX_LEAF, RULES.keys() - _ROWS)


def verify_delegation(delegation: Leaf, enrolment: Leaf) -> bool:
    """Whether the enrolled identity key of that very station delegated the session key."""
    message = b"aigaq/delegation/v1\n" + encode(delegation, until="signature")
    named = delegation["enrolment"] == leaf_hash(encode(enrolment))
    own = all(delegation[name] == enrolment[name] for name in ("election", "station"))
    return named and own and verify_p256(enrolment["identity"], message, delegation["signature"])


def encode(leaf: Leaf, *, until: str = "") -> bytes:
    """Canonical bytes of a leaf; or of its items before the first that only signs them."""
    names = list(RULES[leaf.kind])
    told = names[: names.index(until)] if until else names
    return cbor2.dumps([int(leaf.kind), *map(leaf.values.__getitem__, told)], canonical=True)


def check(rules: Rules, values: Mapping[str, Any]) -> None:
    """RecordError where the items are not those of the rules, or one is not what it must be."""
    if values.keys() != rules.keys():
        raise RecordError(f"not the items {', '.join(rules)}")
    for name, (words, holds) in rules.items():
        if not holds(values[name]):
            raise RecordError(f"{name} is not {words}")


def _decode(data: bytes, limit: int, kinds: Collection[Kind]) -> Leaf:
    try:
        said: Any = cbor2.loads(data, max_depth=4, allow_indefinite=False) if len(data) <= limit else None
    except (cbor2.CBORError, ValueError, OverflowError, RecursionError) as error:
        raise RecordError("not CBOR") from error
    if not isinstance(said, list):
        raise RecordError(f"not an array of at most {limit} bytes")
    kind, *items = said or [None]
    if type(kind) is not int or kind not in kinds or len(items) != len(RULES[Kind(kind)]):
        raise RecordError("not a known type of leaf with its number of items")
    leaf = Leaf(Kind(kind), dict(zip(RULES[Kind(kind)], items, strict=True)))
    if encode(leaf) != data:
        raise RecordError("not the canonical encoding")
    return leaf
