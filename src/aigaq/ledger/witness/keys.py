"""The two keys of a witness, and the lines that they sign (c2sp.org/tlog-cosignature v1.1.0).

Ed25519 is what every verifier reads; ML-DSA-44 beside it holds against quantum computers. Neither ever signs with
time zero, which would say nothing about when, nor anything but a checkpoint.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from aigaq.base import N_
from aigaq.ledger.errors import BadKeyError, KeyFileError
from aigaq.ledger.key_files import read_private_key, write_private_key
from aigaq_verify import COSIGNATURE_ED25519, ML_DSA_44, NoteError, NoteSignature, VerifierKey, cosign_message

KEY: Final = "witness.key"
PQ_KEY: Final = "witness-pq.key"


@dataclass(frozen=True, slots=True)
class WitnessKeys:
    """Both private keys under the witness's name."""

    name: str
    ed25519: Ed25519PrivateKey
    ml_dsa: MLDSA44PrivateKey

    @classmethod
    def create(cls, folder: Path, name: str) -> Self:
        """Make both keys in new files that only their owner may read.

        Raises:
            BadKeyError: the name cannot stand in a signature line.
            KeyFileError: a file exists, or cannot be written.
        """
        keys = cls(name, Ed25519PrivateKey.generate(), MLDSA44PrivateKey.generate())
        keys.verifiers()
        write_private_key(folder / KEY, keys.ed25519)
        write_private_key(folder / PQ_KEY, keys.ml_dsa)
        return keys

    @classmethod
    def load(cls, folder: Path, name: str) -> Self:
        """Read both keys.

        Raises:
            KeyFileError: missing, of another kind, or readable by others.
        """
        ed25519, ml_dsa = read_private_key(folder / KEY), read_private_key(folder / PQ_KEY)
        if not isinstance(ed25519, Ed25519PrivateKey) or not isinstance(ml_dsa, MLDSA44PrivateKey):
            raise KeyFileError(str(folder), problem=N_("a key of the witness is of another kind"))
        return cls(name, ed25519, ml_dsa)

    def verifiers(self) -> tuple[VerifierKey, VerifierKey]:
        """The public keys as others pin them, Ed25519 first.

        Raises:
            BadKeyError: the name cannot stand in a signature line.
        """
        try:
            return (
                VerifierKey(self.name, self.ed25519.public_key().public_bytes_raw(), COSIGNATURE_ED25519),
                VerifierKey(self.name, self.ml_dsa.public_key().public_bytes_raw(), ML_DSA_44),
            )
        except NoteError as error:
            raise BadKeyError(self.name, problem=N_("its name is empty, or has a space or a plus in it")) from error

    def cosign(self, text: str, time: int) -> tuple[NoteSignature, NoteSignature]:
        """Both cosignatures of a checkpoint's text, at that POSIX time in seconds.

        Raises:
            NoteError: the log's origin is too long for the message.
        """
        if not 0 < time < 1 << 63:
            raise ValueError("a witness signs with the time")
        stamp = time.to_bytes(8, "big")
        first, second = self.verifiers()
        return (
            NoteSignature(self.name, first.key_id, stamp + self.ed25519.sign(cosign_message(first, text, time))),
            NoteSignature(self.name, second.key_id, stamp + self.ml_dsa.sign(cosign_message(second, text, time))),
        )
