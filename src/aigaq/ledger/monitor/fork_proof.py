"""A fork in one file: two checkpoints that a log signed and that cannot both be true. Needs no network to check.

The smaller checkpoint names a root for its size. The file gives another root for that size and the RFC 6962 consistency
proof from it to the larger checkpoint. A tree has one root for each of its prefixes, so the proof holds only if the log
signed two histories. Equal sizes are the simplest case: the other root is the second checkpoint's, the proof is empty.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aigaq.base import N_
from aigaq.ledger.merkle import CompactRange, NodeSource, consistency_proof, verify_consistency
from aigaq.ledger.monitor.errors import ForkFileError, NotAForkError, UnknownLogKeyError
from aigaq_verify import Checkpoint, Note, NoteError, UnknownKeyError, VerifierKey
from aigaq_verify.note import to_base64, unbase64

FORMAT: Final = "aigaq/fork-proof/v1"
MAX_FILE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class ForkProof:
    """Two notes, the smaller first, and why they contradict each other."""

    vkeys: tuple[str, ...]
    """The log's keys, for reading; who checks brings the trusted ones."""
    first: bytes
    second: bytes
    prefix_root: bytes
    proof: tuple[bytes, ...]

    @classmethod
    def parse(cls, data: bytes) -> "ForkProof":
        """Read a file without believing it.

        Raises:
            ForkFileError: not in the form.
        """
        if len(data) > MAX_FILE:
            raise ForkFileError(problem=N_("it is too long"))
        try:
            return cls._of(json.loads(data))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ForkFileError(problem=N_("it is not JSON with the fields of a fork proof")) from error

    @classmethod
    def _of(cls, fields: Any) -> "ForkProof":  # noqa: ANN401 - whatever the JSON holds
        if fields["format"] != FORMAT:
            raise ForkFileError(problem=N_("it is of another format or version"))
        return cls(
            tuple(str(vkey) for vkey in fields["vkeys"]),
            fields["first"].encode(),
            fields["second"].encode(),
            unbase64(fields["prefix_root"], 32),
            tuple(unbase64(text, 32) for text in fields["proof"]),
        )

    def encode(self) -> bytes:
        """The file."""
        fields = {
            "format": FORMAT,
            "vkeys": list(self.vkeys),
            "first": self.first.decode(),
            "second": self.second.decode(),
            "prefix_root": to_base64(self.prefix_root),
            "proof": [to_base64(value) for value in self.proof],
        }
        return (json.dumps(fields, ensure_ascii=False, indent=1) + "\n").encode()

    @property
    def file_name(self) -> str:
        """`fork-<sha256, 16 digits>.json`."""
        return f"fork-{hashlib.sha256(self.encode()).hexdigest()[:16]}.json"

    def verify(self, keys: Iterable[VerifierKey]) -> tuple[Checkpoint, Checkpoint]:
        """The two checkpoints of the log that forked, the smaller first.

        Raises:
            ForkFileError: a note cannot be read, or a signature is false.
            UnknownLogKeyError: not both signed by one of the keys.
            NotAForkError: both can be true.
        """
        trusted = list(keys)
        first, second = (_open(note, trusted) for note in (self.first, self.second))
        if first.origin != second.origin:
            raise NotAForkError(problem=N_("the two checkpoints are of different logs"))
        if not verify_consistency(first.size, self.prefix_root, second.size, second.root, self.proof):
            raise NotAForkError(problem=N_("the hashes do not lead to the second checkpoint"))
        if self.prefix_root == first.root:
            raise NotAForkError(problem=N_("the second checkpoint extends the first"))
        return first, second


def make_fork_proof(keys: Sequence[VerifierKey], first: bytes, second: bytes, node: NodeSource) -> ForkProof | None:
    """The proof from two notes and the hashes of the larger one's tree; None if they do not prove a fork.

    Raises:
        NoteError: a note is not a checkpoint.
    """
    one, two = (Checkpoint.parse(Note.parse(note).text) for note in (first, second))
    if one.size > two.size:
        raise ValueError("the smaller checkpoint comes first")
    if one.size == two.size:
        root, hashes = two.root, list[bytes]()
    else:
        root = CompactRange.load(one.size, node).root()
        hashes = consistency_proof(one.size, two.size, node)
    proof = ForkProof(tuple(map(str, keys)), first, second, root, tuple(hashes))
    try:
        proof.verify(keys)
    except NotAForkError:
        return None
    return proof


def _open(note: bytes, keys: list[VerifierKey]) -> Checkpoint:
    try:
        return Checkpoint.open(note, keys)[0]
    except UnknownKeyError as error:
        raise UnknownLogKeyError(origin=Note.parse(note).text.partition("\n")[0]) from error
    except NoteError as error:
        raise ForkFileError(problem=N_("a checkpoint cannot be read, or its signature is false")) from error
