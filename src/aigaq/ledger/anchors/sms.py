"""A station's checkpoint in one text message: with the uplink down, one SMS still pins everything recorded so far.

`AQ1:` and base64 (RFC 4648 §4, no padding) over: first 8 bytes of SHA-256 over the log's origin, size (5 bytes), root
(32), signature (64). Who knows the origin rebuilds the very note that the station signed; nothing else is trusted.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from aigaq.base import N_
from aigaq.ledger.anchors.errors import BadSmsError
from aigaq.ledger.anchors.notes import read_checkpoint
from aigaq_verify import ED25519, Checkpoint, Note, NoteError, NoteSignature, VerifierKey, verify_signature
from aigaq_verify.note import to_base64, unbase64

MAX_SMS: Final = 160
"""Characters of one message in the GSM alphabet (3GPP TS 23.038), to which all of ours belong."""
_HEAD: Final = "AQ1:"
_PARTS: Final = (8, 5, 32, 64)
_SIZE: Final = sum(_PARTS)


@dataclass(frozen=True, slots=True)
class SmsAnchor:
    """A checkpoint as it came by SMS: of that log, not yet checked."""

    checkpoint: Checkpoint
    signature: bytes

    def note(self, keys: Iterable[VerifierKey]) -> bytes:
        """The signed note that the station made.

        Raises:
            BadSmsError: none of the log's keys signed it.
        """
        text = self.checkpoint.text()
        for key in keys:
            named = key.name == self.checkpoint.origin and key.kind == ED25519
            if named and verify_signature(key.public, text.encode(), self.signature):
                return Note(text, (NoteSignature(key.name, key.key_id, self.signature),)).encode()
        raise BadSmsError(self.checkpoint.origin, problem=N_("no key of this log signed it"))


def write_sms(note: bytes) -> str:
    """The message for a station's signed checkpoint: 150 characters.

    Raises:
        BadAnchorNoteError: not a checkpoint.
        BadSmsError: not signed by the log's own Ed25519 key, or too large a log.
    """
    found, checkpoint = read_checkpoint(note)
    own = [line.value for line in found.signatures if line.name == checkpoint.origin and len(line.value) == 64]
    if not own or checkpoint.extensions or checkpoint.size >= 1 << 40:
        raise BadSmsError(checkpoint.origin, problem=N_("the checkpoint is not signed by its own log"))
    data = _short(checkpoint.origin) + checkpoint.size.to_bytes(5, "big") + checkpoint.root + own[0]
    return _HEAD + to_base64(data).rstrip("=")


def read_sms(message: str, origins: Iterable[str]) -> SmsAnchor:
    """Read a message of one of these logs; white space that a telephone put in does not matter.

    Raises:
        BadSmsError: cut short, changed in form, or of another log.
    """
    text = re.sub(r"\s", "", message)
    try:
        data = unbase64(text.removeprefix(_HEAD) + "=" * (-len(text.removeprefix(_HEAD)) % 4), _SIZE)
    except NoteError as error:
        raise BadSmsError(problem=N_("it is cut short or damaged")) from error
    if not text.startswith(_HEAD):
        raise BadSmsError(problem=N_("it does not begin with AQ1"))
    short, size, root, signature = data[:8], data[8:13], data[13:45], data[45:]
    for origin in origins:
        if _short(origin) == short:
            return SmsAnchor(Checkpoint(origin, int.from_bytes(size, "big"), root), signature)
    raise BadSmsError(problem=N_("it is of none of these logs"))


def _short(origin: str) -> bytes:
    return hashlib.sha256(origin.encode()).digest()[:8]
