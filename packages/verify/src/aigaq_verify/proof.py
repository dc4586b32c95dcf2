"""C2SP proofs (c2sp.org/tlog-proof v1): that an entry stands in a log, in one text file that needs no network."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from aigaq_verify.note import MAX_NOTE, Checkpoint, NoteError, VerifierKey, parse_decimal, to_base64, unbase64

_HEADER: Final = "c2sp.org/tlog-proof@v1"
MAX_PROOF: Final = MAX_NOTE + (16 << 10)


@dataclass(frozen=True, slots=True)
class Proof:
    """An entry's index, the hashes up to the root, and the signed checkpoint as it was issued."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes = b""  # opaque and not authenticated; ours are empty

    @classmethod
    def parse(cls, data: bytes) -> "Proof":
        """Read a proof without believing it; NoteError where it is none."""
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
        """The checkpoint under which the leaf hash is logged, signed by one of the keys; NoteError where it is not."""
        checkpoint, _ = Checkpoint.open(self.checkpoint, keys)
        if not self.includes(leaf, checkpoint):
            raise NoteError(f"the entry is not at index {self.index} of this tree")
        return checkpoint


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
