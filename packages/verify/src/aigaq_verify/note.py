"""C2SP notes: what a log signs and its witnesses cosign. Reading is strict and bounded.

c2sp.org/signed-note v1.0.0, c2sp.org/tlog-checkpoint v1.0.0, c2sp.org/tlog-cosignature v1.1.0. Whatever would not be
written back as the same bytes is refused with `NoteError`, base64 with loose trailing bits included.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from aigaq_verify.records import MAX_MS
from aigaq_verify.signatures import is_public_key, verify_mldsa44, verify_signature

ED25519: Final = 1
COSIGNATURE_ED25519: Final = 4
ML_DSA_44: Final = 6
MAX_NOTE: Final = 128 << 10  # bytes; room for the 16 post-quantum signatures that the specification asks to accept
MAX_SIGNATURES: Final = 64
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")
_NAME: Final = re.compile(r"[^\x00-\x20\x7f+\s\ud800-\udfff]+")
_KEY_SIZES: Final = {ED25519: 32, COSIGNATURE_ED25519: 32, ML_DSA_44: 1312}


class NoteError(ValueError):
    """Bytes that are not what they claim to be: a note, a key, a checkpoint, a proof; with the reason."""


class UnknownKeyError(NoteError):
    """No signature of the note is by a key that the reader trusts."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with its name, written `<name>+<key id>+<base64(type ‖ key)>`."""

    name: str
    public: bytes
    kind: int = ED25519

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise NoteError("not a key name: empty, or with a space, a plus or what is no text")
        if len(self.public) != _KEY_SIZES.get(self.kind):
            raise NoteError("not a key of a known type and its length")
        if self.kind != ML_DSA_44 and not is_public_key(self.public):
            raise NoteError("not a sound Ed25519 key: not on the curve, not canonical or not of prime order")

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """Read a verifier key."""
        name, _, rest = text.partition("+")
        data = unbase64(rest.partition("+")[2])
        key = cls(name, data[1:], data[0] if data else 0)
        if str(key) != text:
            raise NoteError("the key id does not belong to this name and key")
        return key

    @property
    def key_id(self) -> bytes:
        """The four bytes that name the key in a signature line."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{to_base64(bytes([self.kind]) + self.public)}"


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line: a key's name, its id and the signature."""

    name: str
    key_id: bytes
    value: bytes

    @classmethod
    def parse(cls, line: str) -> "NoteSignature":
        """Read one line without its newline."""
        dash, name, encoded = [*line.split(" "), "", "", ""][:3]
        data = unbase64(encoded)
        signature = cls(name, data[:4], data[4:])
        if dash != "\u2014" or len(data) < 5 or not _NAME.fullmatch(name) or str(signature) != line + "\n":
            raise NoteError("not a signature line")
        return signature

    def __str__(self) -> str:
        return f"\u2014 {self.name} {to_base64(self.key_id + self.value)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text ending in a newline, and who says to have signed it."""

    text: str
    signatures: tuple[NoteSignature, ...]

    @classmethod
    def parse(cls, data: bytes) -> "Note":
        """Read a note without believing it."""
        try:
            whole = data[: MAX_NOTE + 1].decode()
        except UnicodeDecodeError as error:
            raise NoteError("a note that is not UTF-8") from error
        text, blank, tail = whole.rpartition("\n\n")
        lines = tail.split("\n")
        if len(data) > MAX_NOTE or not blank or lines.pop() or _CONTROL.search(whole):
            raise NoteError("not a note: text, empty line, signature lines, no control characters, at most 128 KiB")
        if not 1 <= len(lines) <= MAX_SIGNATURES:
            raise NoteError(f"not 1 to {MAX_SIGNATURES} signatures")
        return cls(text + "\n", tuple(map(NoteSignature.parse, lines)))

    def encode(self) -> bytes:
        """The note as it is stored and sent."""
        return (self.text + "\n" + "".join(map(str, self.signatures))).encode()

    def signers(self, keys: Iterable[VerifierKey]) -> dict[VerifierKey, int]:
        """Those of the keys that signed, with the POSIX second each gave (0: none). Strangers' lines mean nothing.

        NoteError where a line that names one of the keys is not by it, or comes twice.
        """
        known = {(key.name, key.key_id): key for key in keys}
        found: dict[VerifierKey, int] = {}
        for line in self.signatures:
            key = known.get((line.name, line.key_id))
            if key in found:
                raise NoteError(f"two signatures of {key.name}")
            if key is not None:
                found[key] = _verify(key, self.text, line.value)
        return found

    def verify(self, keys: Iterable[VerifierKey]) -> VerifierKey:
        """The first of these keys of a log that signed; UnknownKeyError where none did."""
        for key in self.signers(key for key in keys if key.kind != COSIGNATURE_ED25519):
            return key
        raise UnknownKeyError("signed by no trusted key")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's name, its size and its root hash. Extension lines are opaque."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """Read a note's text."""
        lines = text.split("\n")
        if len(lines) < 4 or "" in lines[:-1] or lines[-1]:
            raise NoteError("not a checkpoint: origin, size, root, no empty line")
        return cls(lines[0], parse_decimal(lines[1]), unbase64(lines[2], 32), tuple(lines[3:-1]))

    @classmethod
    def open(cls, note: bytes, keys: Iterable[VerifierKey]) -> tuple["Checkpoint", VerifierKey]:
        """The checkpoint of a note, and the trusted key that signed it. The key's name must be the log's origin."""
        parsed = Note.parse(note)
        key, checkpoint = parsed.verify(keys), cls.parse(parsed.text)
        if key.name != checkpoint.origin:
            raise NoteError(f"a checkpoint of {checkpoint.origin} signed by the key of {key.name}")
        return checkpoint, key

    def text(self) -> str:
        """The text to sign."""
        return "\n".join((self.origin, str(self.size), to_base64(self.root), *self.extensions, ""))


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A witness's word: at this POSIX second this was the largest tree it had seen, and it extends all before."""

    key: VerifierKey
    time: int

    def __post_init__(self) -> None:
        if not 0 < self.time <= MAX_MS // 1000:
            raise NoteError(f"the cosignature of {self.key.name} gives no time")

    @property
    def name(self) -> str:
        """The name of the witness's key."""
        return self.key.name


def cosign_message(key: VerifierKey, text: str, time: int) -> bytes:
    """The bytes that a cosigner signs, by the type of its key: `cosignature/v1`, or `subtree/v1` for ML-DSA-44."""
    checkpoint = Checkpoint.parse(text)
    if key.kind == COSIGNATURE_ED25519:
        return f"cosignature/v1\ntime {time}\n{text}".encode()
    name, origin = key.name.encode(), checkpoint.origin.encode()
    if key.kind != ML_DSA_44 or max(len(name), len(origin)) > 255:
        raise NoteError("not a key that cosigns, or a name of more than 255 bytes")
    who, log = bytes([len(name)]) + name + time.to_bytes(8, "big"), bytes([len(origin)]) + origin
    return b"subtree/v1\n\0" + who + log + bytes(8) + checkpoint.size.to_bytes(8, "big") + checkpoint.root


def verify_cosignature(key: VerifierKey, text: str, line: NoteSignature) -> Cosignature:
    """What the witness with this key says about the checkpoint; NoteError where the line is not its word."""
    if (line.name, line.key_id) != (key.name, key.key_id) or key.kind == ED25519:
        raise NoteError(f"not a cosignature of {key.name}")
    return Cosignature(key, _verify(key, text, line.value))


def _verify(key: VerifierKey, text: str, value: bytes) -> int:
    time, signature, message = 0, value, text.encode()
    if key.kind != ED25519:
        time, signature = int.from_bytes(value[:8], "big"), value[8:]
        message = cosign_message(key, text, time)
    if not (verify_mldsa44 if key.kind == ML_DSA_44 else verify_signature)(key.public, message, signature):
        raise NoteError(f"the signature of {key.name} does not belong to this text")
    return time


def to_base64(data: bytes) -> str:
    """Standard base64 of RFC 4648 §4."""
    return base64.b64encode(data).decode()


def unbase64(text: str, size: int | None = None) -> bytes:
    """Standard base64 in its one canonical form, of that size."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteError("not base64") from error
    if to_base64(data) != text or size not in {None, len(data)}:
        raise NoteError("not canonical base64 of the right length")
    return data


def parse_decimal(text: str) -> int:
    """A decimal integer below 2^63 without leading zeroes."""
    if not re.fullmatch(r"0|[1-9][0-9]{0,18}", text) or int(text) >> 63:
        raise NoteError("not a decimal integer below 2^63")
    return int(text)
