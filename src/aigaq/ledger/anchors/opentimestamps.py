"""OpenTimestamps: a note is bound into Bitcoin's block headers, by calendars that volunteers run. An optional extra.

A fresh proof is a promise of a calendar; after some hours it can be renewed and names a block. The library reads and
writes the format; what is sent where is decided here.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import ModuleType
from typing import Any, Final

import httpx2

from aigaq.base import N_, from_ms
from aigaq.ledger.anchors.errors import BadTokenError, MissingExtraError, NoAnswerError

CALENDARS: Final = (
    "https://a.pool.opentimestamps.org",
    "https://b.pool.opentimestamps.org",
    "https://a.pool.eternitywall.com",
)
_HEADERS: Final = {"accept": "application/vnd.opentimestamps.v1"}
_MAX_ANSWER: Final = 10_000
_HEADER_SIZE: Final = 80


@dataclass(frozen=True, slots=True)
class Attestation:
    """One thing that a proof leads to: a calendar that promised, or a block of Bitcoin."""

    calendar: str | None
    height: int | None
    merkle_root: bytes
    """What the block of that height must have as its Merkle root, in the order of its header."""


def stamp(data: bytes, calendars: Sequence[str] = CALENDARS) -> bytes:
    """A proof with the promises of all calendars that answer.

    Raises:
        MissingExtraError: the library is not installed.
        NoAnswerError: none answers.
    """
    core = _library()
    proof = core.timestamp.Timestamp(hashlib.sha256(data).digest())
    for calendar in calendars:
        answer = _ask("POST", f"{calendar.rstrip('/')}/digest", proof.msg)
        promised = _read(core, answer, proof.msg) if answer else None
        if promised is not None:
            proof.merge(promised)
    if not proof.attestations and not proof.ops:
        raise NoAnswerError(", ".join(calendars), problem=N_("no calendar answers"))
    return _write(core, proof)


def upgrade(token: bytes, data: bytes, calendars: Sequence[str] = CALENDARS) -> bytes:
    """The proof with what calendars know by now; only the calendars named are asked, not any that the file names.

    Raises:
        MissingExtraError: the library is not installed.
        BadTokenError: the proof is not over these bytes, or damaged.
    """
    core = _library()
    proof = _open(core, token, data)
    for part in list(_parts(proof)):
        for attestation in list(part.attestations):
            uri = str(getattr(attestation, "uri", "")).rstrip("/")
            if uri not in {calendar.rstrip("/") for calendar in calendars}:
                continue
            answer = _ask("GET", f"{uri}/timestamp/{part.msg.hex()}")
            known = _read(core, answer, part.msg) if answer else None
            if known is not None:
                part.merge(known)
    return _write(core, proof)


def attestations(token: bytes, data: bytes) -> list[Attestation]:
    """What a proof over these bytes leads to.

    Raises:
        MissingExtraError: the library is not installed.
        BadTokenError: the proof is not over these bytes, or damaged.
    """
    core = _library()
    found = [
        Attestation(getattr(item, "uri", None), getattr(item, "height", None), message)
        for message, item in _open(core, token, data).all_attestations()
        if isinstance(item, core.notary.PendingAttestation | core.notary.BitcoinBlockHeaderAttestation)
    ]
    return sorted(found, key=lambda a: (a.height is None, a.height or 0, a.calendar or ""))


def time_of_block(attestation: Attestation, header: bytes) -> datetime:
    """The time of the block, if this header of 80 bytes is the one that the proof leads to.

    Take the header from a node that you trust: that it is Bitcoin's is not checked here.

    Raises:
        BadTokenError: another block's header, or the proof names no block yet.
    """
    if attestation.height is None or len(header) != _HEADER_SIZE or header[36:68] != attestation.merkle_root:
        raise BadTokenError(problem=N_("the proof does not lead to this block"))
    return from_ms(int.from_bytes(header[68:72], "little") * 1000)


@dataclass(frozen=True, slots=True)
class _Core:
    timestamp: ModuleType
    notary: ModuleType
    serialize: ModuleType
    op: ModuleType


def _library() -> Any:  # noqa: ANN401 - the library has no types
    try:
        from opentimestamps.core import notary, op, serialize, timestamp  # noqa: PLC0415 - an optional extra
    except ImportError as error:
        raise MissingExtraError from error
    return _Core(timestamp, notary, serialize, op)


def _open(core: Any, token: bytes, data: bytes) -> Any:  # noqa: ANN401 - the library has no types
    try:
        found = core.timestamp.DetachedTimestampFile.deserialize(core.serialize.BytesDeserializationContext(token))
    except (core.serialize.DeserializationError, ValueError, RecursionError) as error:
        raise BadTokenError(problem=N_("it is not a proof of OpenTimestamps")) from error
    if not isinstance(found.file_hash_op, core.op.OpSHA256) or found.file_digest != hashlib.sha256(data).digest():
        raise BadTokenError(problem=N_("it is a proof over something else"))
    return found.timestamp


def _read(core: Any, answer: bytes, message: bytes) -> Any:  # noqa: ANN401 - the library has no types
    """A calendar's answer, or None if it makes no sense: one bad calendar must not spoil the others."""
    try:
        return core.timestamp.Timestamp.deserialize(core.serialize.BytesDeserializationContext(answer), message)
    except (core.serialize.DeserializationError, ValueError, RecursionError):
        return None


def _write(core: Any, proof: Any) -> bytes:  # noqa: ANN401 - the library has no types
    context = core.serialize.BytesSerializationContext()
    core.timestamp.DetachedTimestampFile(core.op.OpSHA256(), proof).serialize(context)
    return bytes(context.getbytes())


def _parts(proof: Any) -> Iterator[Any]:  # noqa: ANN401 - the library has no types
    yield proof
    for below in proof.ops.values():
        yield from _parts(below)


def _ask(method: str, url: str, body: bytes | None = None) -> bytes | None:
    try:
        response = httpx2.request(method, url, content=body, headers=_HEADERS, timeout=20)
    except (httpx2.HTTPError, httpx2.InvalidURL):
        return None
    return response.content if response.is_success and len(response.content) <= _MAX_ANSWER else None
