"""Keys that sign: the station's and the centre's. A private key stays in its file and in this object.

Every signature names what it is for: requests and receipts are signed over `aigaq/<verb>/v1`, a newline and the
payload; notes over their text, which begins with a log's origin. So none can be passed off as another.
"""

import re
from pathlib import Path
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from aigaq.base import N_
from aigaq.ledger.errors import BadKeyError, KeyFileError
from aigaq.ledger.key_files import read_private_key, write_private_key
from aigaq_verify import ED25519, Note, NoteError, NoteSignature, VerifierKey, verify_signature

_VERB: Final = re.compile(r"[a-z]{1,16}")


class SigningKey:
    """An Ed25519 private key, kept as a PKCS#8 PEM file that OpenSSL reads too."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public = private.public_key().public_bytes_raw()

    @classmethod
    def create(cls, path: Path) -> Self:
        """Make a key in a new file that only its owner may read; an existing file is never touched.

        Raises:
            KeyFileError: the file exists, or cannot be written.
        """
        private = Ed25519PrivateKey.generate()
        write_private_key(path, private)
        return cls(private)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a key file.

        Raises:
            KeyFileError: missing, not an Ed25519 key, or readable by others.
        """
        private = read_private_key(path)
        if not isinstance(private, Ed25519PrivateKey):
            raise KeyFileError(str(path), problem=N_("it is not an Ed25519 key"))
        return cls(private)

    def vkey(self, name: str) -> str:
        """The public key under a name, as others enrol it: `<name>+<key id>+<base64>`."""
        return str(self._key(name))

    def sign(self, verb: str, payload: bytes) -> bytes:
        """The signature of a request or receipt."""
        return self._private.sign(_message(verb, payload))

    def sign_note(self, text: str, name: str) -> bytes:
        """A signed note over the text."""
        signature = NoteSignature(name, self._key(name).key_id, self._private.sign(text.encode()))
        return Note(text, (signature,)).encode()

    def _key(self, name: str) -> VerifierKey:
        try:
            return VerifierKey(name, self.public)
        except NoteError as error:
            raise BadKeyError(name, problem=N_("its name is empty, or has a space or a plus in it")) from error


def parse_vkey(text: str, where: str = "") -> VerifierKey:
    """Read the public key of a station or centre.

    Raises:
        BadKeyError: not in the form, not Ed25519, or not sound (RFC 8032 encodings, prime order).
    """
    try:
        key = VerifierKey.parse(text.strip())
    except NoteError as error:
        raise BadKeyError(where, problem=N_("its form, its id or its point on the curve is wrong")) from error
    if key.kind != ED25519:
        raise BadKeyError(where, problem=N_("it is a key of another type than Ed25519"))
    return key


def verify_request(public: bytes, verb: str, payload: bytes, signature: bytes) -> bool:
    """Whether the holder of the key signed this payload for this verb."""
    return verify_signature(public, _message(verb, payload), signature)


def _message(verb: str, payload: bytes) -> bytes:
    if not _VERB.fullmatch(verb):
        raise ValueError(f"not a verb: {verb!r}")
    return f"aigaq/{verb}/v1\n".encode() + payload
