"""C2SP proofs (c2sp.org/tlog-proof v1): that an entry stands in a log, in one text file that needs no network."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from aigaq_verify.note import MAX_NOTE, Checkpoint, NoteError, VerifierKey, parse_decimal, to_base64, unbase64
from aigaq_verify.tree import verify_inclusion

_HEADER: Final = "c2sp.org/tlog-proof@v1"
MAX_PROOF: Final = MAX_NOTE + (16 << 10)


@dataclass(frozen=True, slots=True)
class Proof:
    """An entry's index, the hashes up to the root, and the signed checkpoint as it was issued."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes = b""
    """Opaque and not authenticated; ours are empty."""

    @classmethod
    def parse(cls, data: bytes) -> "Proof":
        """Read a proof without believing it.

        Raises:
            NoteError: not a proof.
        """
        head, blank, checkpoint = data.partition(b"\n\n")
        if len(data) > MAX_PROOF or not blank or not head.isascii():
            raise NoteError("not a tlog-proof: header, index, hashes, empty line, checkpoint")
        header, *lines = head.decode().split("\n")
        extra = unbase64(lines.pop(0)[6:]) if lines and lines[0].startswith("extra ") else b""
        if header != _HEADER or not lines or not lines[0].startswith("index ") or len(lines) > 64:
            raise NoteError("not a tlog-proof: header, index and up to 63 hashes")
        proof = cls(parse_decimal(lines[0][6:]), tuple(unbase64(h, 32) for h in lines[1:]), checkpoint, extra)
        if proof.encode() != data:
            raise NoteError("not the canonical form of a tlog-proof")
        return proof

    def encode(self) -> bytes:
        """The text of the file."""
        extra = [f"extra {to_base64(self.extra)}"] if self.extra else []
        lines = [_HEADER, *extra, f"index {self.index}", *map(to_base64, self.hashes)]
        return "\n".join(lines).encode() + b"\n\n" + self.checkpoint

    def includes(self, leaf: bytes, checkpoint: Checkpoint) -> bool:
        """Whether the leaf hash stands at the index in that checkpoint's tree."""
        return verify_inclusion(leaf, self.index, checkpoint.size, self.hashes, checkpoint.root)

    def verify(self, leaf: bytes, keys: Iterable[VerifierKey]) -> Checkpoint:
        """The checkpoint under which the leaf hash is logged, signed by one of the keys.

        Raises:
            UnknownKeyError: signed by none of the keys.
            NoteError: the checkpoint does not hold, or does not include the leaf.
        """
        checkpoint, _ = Checkpoint.open(self.checkpoint, keys)
        if not self.includes(leaf, checkpoint):
            raise NoteError(f"the entry is not at index {self.index} of this tree")
        return checkpoint
