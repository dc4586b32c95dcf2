"""A log that can grow, branch and lie, witnesses in memory or on disk, and the requests between them."""

import itertools
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from aigaq.base import Clock, ManualClock
from aigaq.ledger import SigningKey
from aigaq.ledger.merkle import consistency_proof, root_of
from aigaq.ledger.witness import Witness, WitnessSettings, init_witness
from aigaq_verify import Checkpoint, Note, VerifierKey, leaf_hash, parse_policy
from aigaq_verify.note import to_base64

ORIGIN = "log.example/vote-26"


def signing_key(seed: int) -> SigningKey:
    return SigningKey(Ed25519PrivateKey.from_private_bytes(seed.to_bytes(32, "big")))


class Branch:
    """One history of a log."""

    def __init__(self, entries: Sequence[bytes] = (), origin: str = ORIGIN, key: SigningKey | None = None) -> None:
        self.entries = list(entries)
        self.origin = origin
        self.key = key or signing_key(1)
        self._leaves: list[bytes] = []

    def grow(self, count: int, salt: str = "") -> "Branch":
        start = len(self.entries)
        self.entries += [f"entry {i} {salt}".encode() for i in range(start, start + count)]
        return self

    def fork(self, size: int) -> "Branch":
        """Another history with the same first entries."""
        return Branch(self.entries[:size], self.origin, self.key)

    @property
    def size(self) -> int:
        return len(self.entries)

    @property
    def leaves(self) -> list[bytes]:
        self._leaves += map(leaf_hash, self.entries[len(self._leaves) :])
        return self._leaves

    @property
    def vkey(self) -> VerifierKey:
        return VerifierKey.parse(self.key.vkey(self.origin))

    def node(self, level: int, index: int) -> bytes:
        return root_of(self.leaves[index << level : (index + 1) << level])

    def root(self, size: int | None = None) -> bytes:
        return root_of(self.leaves[:size])

    def text(self, size: int | None = None) -> str:
        size = self.size if size is None else size
        return Checkpoint(self.origin, size, self.root(size)).text()

    def note(self, size: int | None = None) -> bytes:
        return self.key.sign_note(self.text(size), self.origin)

    def request(self, old: int, size: int | None = None, *, note: bytes | None = None) -> bytes:
        """The body of add-checkpoint."""
        size = self.size if size is None else size
        hashes = consistency_proof(old, size, self.node) if old <= size else []
        return request(old, hashes, note or self.note(size))


def request(old: int | str, hashes: Sequence[bytes], note: bytes) -> bytes:
    return "".join(f"{line}\n" for line in (f"old {old}", *map(to_base64, hashes), "")).encode() + note


def make_witness(
    folder: Path, *logs: VerifierKey, name: str = "witness.example/w1", clock: Clock | None = None
) -> tuple[Witness, WitnessSettings]:
    settings = init_witness(folder, name, clock or ManualClock(), logs=[str(key) for key in logs])
    return Witness.open(settings, clock or ManualClock()), settings


def cosigned(note: bytes, lines: bytes) -> bytes:
    """The note with the lines of an answer behind its own."""
    return Note.parse(note + lines).encode()


def trust_file(log: VerifierKey, witnesses: Sequence[VerifierKey], quorum: int, urls: Sequence[str] = ()) -> str:
    names = [f"W{i}" for i in range(len(witnesses))]
    told = itertools.zip_longest(names, witnesses, urls, fillvalue="")
    lines = [f"log {log}", *(f"witness {name} {key} {url}".rstrip() for name, key, url in told)]
    return "\n".join([*lines, f"group W {quorum} {' '.join(names)}", "quorum W", ""])


def policy_of(log: VerifierKey, witnesses: Sequence[VerifierKey], quorum: int, urls: Sequence[str] = ()):
    return parse_policy(trust_file(log, witnesses, quorum, urls).encode())
