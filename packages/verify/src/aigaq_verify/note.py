"""C2SP notes, which a log signs and its witnesses cosign, and proofs, which need no network. Strict and bounded.

c2sp.org/signed-note v1.0.0, c2sp.org/tlog-checkpoint v1.0.0, c2sp.org/tlog-cosignature v1.1.0, c2sp.org/tlog-proof v1.
Whatever would not be written back as the same bytes is refused with `NoteError`, base64 with loose bits included.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from aigaq_verify.records import MAX_MS
from aigaq_verify.signatures import is_public_key, verify_mldsa44, verify_signature

ED25519: Final = 1
COSIGNATURE_ED25519: Final = 4
ML_DSA_44: Final = 6
MAX_NOTE: Final = 128 << 10  # bytes; room for the 16 post-quantum signatures that the specification asks to accept
MAX_SIGNATURES: Final = 64
MAX_PROOF: Final = MAX_NOTE + (16 << 10)
_PROOF: Final = "c2sp.org/tlog-proof@v1"
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
        parts = line.split(" ")
        data = unbase64(parts[-1])
        if len(parts) != 3 or parts[0] != "\u2014" or not _NAME.fullmatch(parts[1]) or len(data) < 5:
            raise NoteError("not a signature line")
        return cls(parts[1], data[:4], data[4:])

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

    def cosigners(self, keys: Iterable[VerifierKey]) -> dict[VerifierKey, int]:
        """As `signers`, of witnesses: at that POSIX second this was the largest tree that each had seen."""
        found = self.signers(keys)
        for key, time in found.items():
            if not 0 < time <= MAX_MS // 1000:
                raise NoteError(f"the cosignature of {key.name} gives no time")
        return found


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
    def open(cls, note: Note | bytes, keys: Iterable[VerifierKey]) -> tuple["Checkpoint", VerifierKey]:
        """The checkpoint of a note, and the first of these keys of logs that signed it; its name must be the origin.

        UnknownKeyError where none of them signed, NoteError where the signature of one is false.
        """
        parsed = note if isinstance(note, Note) else Note.parse(note)
        checkpoint = cls.parse(parsed.text)
        for key in parsed.signers(key for key in keys if key.kind != COSIGNATURE_ED25519):
            if key.name != checkpoint.origin:
                raise NoteError(f"a checkpoint of {checkpoint.origin} signed by the key of {key.name}")
            return checkpoint, key
        raise UnknownKeyError("signed by no trusted key")

    def text(self) -> str:
        """The text to sign."""
        return "\n".join((self.origin, str(self.size), to_base64(self.root), *self.extensions, ""))


def cosign_message(key: VerifierKey, text: str, time: int) -> bytes:
    """The bytes that a cosigner signs, by the type of its key: `cosignature/v1`, or `subtree/v1` for ML-DSA-44."""
    if key.kind == COSIGNATURE_ED25519:
        return f"cosignature/v1\ntime {time}\n{text}".encode()
    checkpoint = Checkpoint.parse(text)
    name, origin = key.name.encode(), checkpoint.origin.encode()
    if key.kind != ML_DSA_44 or max(len(name), len(origin)) > 255:
        raise NoteError("not a key that cosigns, or a name of more than 255 bytes")
    who, log = bytes([len(name)]) + name + time.to_bytes(8, "big"), bytes([len(origin)]) + origin
    return b"subtree/v1\n\0" + who + log + bytes(8) + checkpoint.size.to_bytes(8, "big") + checkpoint.root


def _verify(key: VerifierKey, text: str, value: bytes) -> int:
    time, signature, message = 0, value, text.encode()
    if key.kind != ED25519:
        time, signature = int.from_bytes(value[:8], "big"), value[8:]
        message = cosign_message(key, text, time)
    if not (verify_mldsa44 if key.kind == ML_DSA_44 else verify_signature)(key.public, message, signature):
        raise NoteError(f"the signature of {key.name} does not belong to this text")
    return time


@dataclass(frozen=True, slots=True)
class Proof:
    """An entry's index, the hashes up to the root, and the signed checkpoint as it was issued.

    A proof with the line `extra` is refused: what nobody has signed does not belong into evidence.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes

    @classmethod
    def parse(cls, data: bytes) -> "Proof":
        """Read a proof without believing it; NoteError where it is none."""
        head, blank, checkpoint = data.partition(b"\n\n")
        if len(data) > MAX_PROOF or not blank or not head.isascii():
            raise NoteError("not a tlog-proof: header, index, hashes, empty line, checkpoint")
        header, *lines = head.decode().split("\n")
        if header != _PROOF or not lines or not lines[0].startswith("index ") or len(lines) > 64:
            raise NoteError("not a tlog-proof: header, index and up to 63 hashes")
        proof = cls(parse_decimal(lines[0][6:]), tuple(unbase64(h, 32) for h in lines[1:]), checkpoint)
        if proof.encode() != data:
            raise NoteError("not the canonical form of a tlog-proof")
        return proof

    def encode(self) -> bytes:
        """The text of the file."""
        lines = [_PROOF, f"index {self.index}", *map(to_base64, self.hashes)]
        return "\n".join(lines).encode() + b"\n\n" + self.checkpoint

    def includes(self, leaf: bytes, checkpoint: Checkpoint) -> bool:
        """Whether the leaf hash stands at the index in that checkpoint's tree."""
        return verify_inclusion(leaf, self.index, checkpoint.size, self.hashes, checkpoint.root)


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """RFC 9162 §2.1.3.2, over the node hashes of RFC 6962 §2.1."""
    if not 0 <= index < size:
        return False
    fn, sn, result = index, size - 1, leaf
    for sibling in proof:
        if sn == 0:
            return False
        left = bool(fn & 1 or fn == sn)
        result = hashlib.sha256(b"\x01" + (sibling + result if left else result + sibling)).digest()
        while left and fn and not fn & 1:
            fn, sn = fn >> 1, sn >> 1
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and result == root


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
