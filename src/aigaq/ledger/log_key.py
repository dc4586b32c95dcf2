"""The national log's own keys: Ed25519, and ML-DSA-44 beside it for readers who fear a quantum computer.

The second line is a subtree cosignature by the log's own name (c2sp.org/tlog-cosignature, type 0x06). Its time is 0:
when a checkpoint was made is for witnesses to say, not for the log.
"""

from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from aigaq.base import N_
from aigaq.ledger.errors import KeyFileError
from aigaq.ledger.key_files import read_private_key, write_private_key
from aigaq.ledger.keys import SigningKey
from aigaq_verify import ML_DSA_44, Checkpoint, NoteSignature, VerifierKey, cosign_message


class LogKey:
    """What signs the checkpoints of the national log."""

    def __init__(self, key: SigningKey, post_quantum: MLDSA44PrivateKey | None = None) -> None:
        self._key = key
        self._post_quantum = post_quantum

    @classmethod
    def create(cls, path: Path, post_quantum: Path | None = None) -> Self:
        """Make the keys in new files that only their owner may read; existing files are never touched.

        Raises:
            KeyFileError: a file exists, or cannot be written.
        """
        key = SigningKey.create(path)
        if post_quantum is None:
            return cls(key)
        private = MLDSA44PrivateKey.generate()
        write_private_key(post_quantum, private)
        return cls(key, private)

    @classmethod
    def load(cls, path: Path, post_quantum: Path | None = None) -> Self:
        """Read the key files.

        Raises:
            KeyFileError: missing, of another type, or readable by others.
        """
        key = SigningKey.load(path)
        if post_quantum is None:
            return cls(key)
        private = read_private_key(post_quantum)
        if not isinstance(private, MLDSA44PrivateKey):
            raise KeyFileError(str(post_quantum), problem=N_("it is not an ML-DSA-44 key"))
        return cls(key, private)

    def verifiers(self, origin: str) -> list[VerifierKey]:
        """The public keys, Ed25519 first; as text they are the `log` lines of a trust file."""
        found = [VerifierKey(origin, self._key.public)]
        if self._post_quantum is not None:
            found.append(VerifierKey(origin, self._post_quantum.public_key().public_bytes_raw(), ML_DSA_44))
        return found

    def sign(self, checkpoint: Checkpoint) -> bytes:
        """The signed note: one line by each key."""
        text, origin = checkpoint.text(), checkpoint.origin
        note = self._key.sign_note(text, origin)
        if self._post_quantum is None:
            return note
        verifier = self.verifiers(origin)[1]
        signature = self._post_quantum.sign(cosign_message(verifier, text, 0))
        return note + str(NoteSignature(origin, verifier.key_id, bytes(8) + signature)).encode()
