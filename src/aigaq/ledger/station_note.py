"""What a station sends each ten seconds: `note ‖ n × 32`, its signed checkpoint and the leaf hashes that it adds.

A station's note has one form: three lines, one signature, nothing more (c2sp.org/tlog-checkpoint allows others, which
no station writes). So it is read by taking it apart and comparing, a thousand times a second, and anything else is
refused.
"""

import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from aigaq.base import N_
from aigaq.ledger.errors import BadNoteError, OversizedError, WrongKeyError
from aigaq_verify import ED25519, VerifierKey, verify_signature

MAX_LEAVES: Final = 65_536
"""Rows that one checkpoint may add: at five cameras more than three hours without a checkpoint."""
MAX_BODY: Final = 4_096 + 32 * MAX_LEAVES
"""Bytes; a leaf of the national log takes a note of 4,096."""
SIZE_BITS: Final = 40
"""A station's log has fewer than 2^40 rows."""
_HASH: Final = 32
_DASH: Final = "\u2014 ".encode()


@dataclass(frozen=True, slots=True)
class StationNote:
    """A station's checkpoint whose signature holds, and the leaf hashes that came with it."""

    origin: str
    size: int
    root: bytes
    note: bytes
    hashes: bytes

    @property
    def station(self) -> str:
        """The station, by the name of its log."""
        return self.origin.rpartition("/s/")[2]


def read_body(body: bytes, origin: str, keys: Iterable[VerifierKey]) -> StationNote:
    """Take a body apart and check the signature.

    Raises:
        OversizedError: more bytes than a checkpoint may have.
        BadNoteError: not a checkpoint of that log with whole hashes, or a false signature.
        WrongKeyError: signed by none of the keys.
    """
    if len(body) > MAX_BODY:
        raise OversizedError(origin, size=len(body), limit=MAX_BODY)
    head, _, tail = body.partition(b"\n\n")
    signature, newline, hashes = tail.partition(b"\n")
    if not newline or len(hashes) % _HASH:
        raise BadNoteError(origin, problem=N_("it is not a note with one signature and whole leaf hashes"))
    text = head + b"\n"
    size, root, key_id, signed = _read_note(text, signature, origin)
    key = next((k for k in keys if k.name == origin and k.kind == ED25519 and _key_id(k) == key_id), None)
    if key is None:
        raise WrongKeyError(origin, origin=origin)
    if not verify_signature(key.public, text, signed):
        raise _bad(origin)
    return StationNote(origin, size, root, body[: len(body) - len(hashes)], hashes)


def split_hashes(data: bytes) -> tuple[bytes, ...]:
    """Hashes that were written one behind the other."""
    return tuple(data[i : i + _HASH] for i in range(0, len(data), _HASH))


def _read_note(text: bytes, signature: bytes, origin: str) -> tuple[int, bytes, bytes, bytes]:
    """Size, root, key id and signature of a note; what would not be written so again is refused."""
    name, lines = origin.encode(), text.split(b"\n")
    prefix = _DASH + name + b" "
    if len(lines) != 4 or lines[0] != name or not lines[1].isdigit() or not signature.startswith(prefix):
        raise _bad(origin)
    try:
        root, line = binascii.a2b_base64(lines[2]), binascii.a2b_base64(signature[len(prefix) :])
    except ValueError as error:
        raise _bad(origin) from error
    size = int(lines[1][:13])
    again = b"%s\n%d\n%s\n" % (name, size, binascii.b2a_base64(root, newline=False))
    if size >> SIZE_BITS or len(root) != _HASH or len(line) != 68 or text != again:
        raise _bad(origin)
    if signature != prefix + binascii.b2a_base64(line, newline=False):
        raise _bad(origin)
    return size, root, line[:4], line[4:]


@lru_cache(maxsize=32_768)
def _key_id(key: VerifierKey) -> bytes:
    return key.key_id


def _bad(origin: str) -> BadNoteError:
    return BadNoteError(origin, problem=N_("it is no checkpoint of this log, or its signature is false"))
