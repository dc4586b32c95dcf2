"""C2SP signed notes and verifier keys (c2sp.org/signed-note v1.0.0), Ed25519 only. Reading is strict and bounded.

Whatever would not be written back as the same bytes is refused, base64 with loose trailing bits included.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from aigaq_verify.signatures import is_public_key, verify_signature

ED25519: Final = 1
COSIGNATURE_ED25519: Final = 4
ML_DSA_44: Final = 6
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")
_KEY_SIZES: Final = {ED25519: 32, COSIGNATURE_ED25519: 32, ML_DSA_44: 1312}
MAX_NOTE: Final = 128 << 10
"""Bytes; room for the 16 post-quantum signatures that the specification asks to accept."""
MAX_SIGNATURES: Final = 64


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
        _check_key_name(self.name)
        if len(self.public) != _KEY_SIZES.get(self.kind):
            raise NoteError("not a key of a known type and its length")
        if self.kind != ML_DSA_44 and not is_public_key(self.public):
            raise NoteError("not a sound Ed25519 key: not on the curve, not canonical or not of prime order")

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """Read a verifier key.

        Raises:
            NoteError: not in the form, wrong key id, or a key that must not be trusted.
        """
        name, _, rest = text.partition("+")
        _, _, encoded = rest.partition("+")
        data = unbase64(encoded)
        key = cls(name, data[1:], data[0] if data else 0)
        if str(key) != text:
            raise NoteError("the key id does not belong to this name and key")
        return key

    @property
    def key_id(self) -> bytes:
        """The four bytes that name the key in a signature line."""
        data = self.name.encode() + b"\n" + bytes([self.kind]) + self.public
        return hashlib.sha256(data).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{to_base64(bytes([self.kind]) + self.public)}"


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line: a key's name, its id and the signature."""

    name: str
    key_id: bytes
    value: bytes

    def __str__(self) -> str:
        return f"\u2014 {self.name} {to_base64(self.key_id + self.value)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text ending in a newline, and who says to have signed it."""

    text: str
    signatures: tuple[NoteSignature, ...]

    @classmethod
    def parse(cls, data: bytes) -> "Note":
        """Read a note without believing it.

        Raises:
            NoteError: not a signed note.
        """
        if len(data) > MAX_NOTE:
            raise NoteError(f"a note of more than {MAX_NOTE} bytes")
        try:
            whole = data.decode()
        except UnicodeDecodeError as error:
            raise NoteError("a note that is not UTF-8") from error
        text, blank, tail = whole.rpartition("\n\n")
        lines = tail.split("\n")
        if not blank or lines.pop() or _CONTROL.search(whole):
            raise NoteError("not a note: text, empty line, signature lines, no control characters")
        if not 1 <= len(lines) <= MAX_SIGNATURES:
            raise NoteError(f"not 1 to {MAX_SIGNATURES} signatures")
        return cls(text + "\n", tuple(_parse_signature(line) for line in lines))

    def encode(self) -> bytes:
        """The note as it is stored and sent."""
        return (self.text + "\n" + "".join(map(str, self.signatures))).encode()

    def verify(self, keys: Iterable[VerifierKey]) -> VerifierKey:
        """The first trusted key that signed this text.

        Raises:
            UnknownKeyError: no signature is by one of the keys.
            NoteError: a signature that names one of the keys is not by it.
        """
        known = {(key.name, key.key_id): key for key in keys if key.kind == ED25519}
        found: list[VerifierKey] = []
        for signature in self.signatures:
            key = known.get((signature.name, signature.key_id))
            if key is None:
                continue
            if not verify_signature(key.public, self.text.encode(), signature.value):
                raise NoteError(f"the signature of {key.name} does not belong to this text")
            found.append(key)
        if not found:
            raise UnknownKeyError("signed by no trusted key")
        return found[0]


def to_base64(data: bytes) -> str:
    """Standard base64 of RFC 4648 §4."""
    return base64.b64encode(data).decode()


def unbase64(text: str, size: int | None = None) -> bytes:
    """Standard base64 in its one canonical form.

    Raises:
        NoteError: another form, or not of that size.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteError("not base64") from error
    if to_base64(data) != text or size not in {None, len(data)}:
        raise NoteError("not canonical base64 of the right length")
    return data


def parse_decimal(text: str) -> int:
    """A decimal integer below 2^63 without leading zeroes.

    Raises:
        NoteError: anything else.
    """
    if not (text.isascii() and text.isdecimal()) or len(text) > 19 or str(int(text)) != text or int(text) >> 63:
        raise NoteError("not a decimal integer below 2^63")
    return int(text)


def _parse_signature(line: str) -> NoteSignature:
    dash, name, encoded = [*line.split(" "), "", "", ""][:3]
    data = unbase64(encoded)
    signature = NoteSignature(name, data[:4], data[4:])
    if dash != "\u2014" or len(data) < 5 or str(signature) != line + "\n":
        raise NoteError("not a signature line")
    _check_key_name(name)
    return signature


def _check_key_name(name: str) -> None:
    if not name or any(c in "+\x7f" or c.isspace() or c < " " or "\ud800" <= c <= "\udfff" for c in name):
        raise NoteError("not a key name: empty, or with a space, a plus or what is no text")
