"""Merkle trees of RFC 6962 §2.1 and RFC 9162 §2.1 over SHA-256: grown, proven, compared. Knows no files, no signatures.

A node is named by (level, index): the root of the perfect subtree over leaves `index << level` to
`(index + 1) << level`. Whoever keeps the hashes answers for nodes; proofs are made from nodes alone.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence

NodeSource = Callable[[int, int], bytes]
"""The hash of the perfect subtree (level, index)."""


def node_hash(left: bytes, right: bytes) -> bytes:
    """RFC 6962 §2.1: SHA-256(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class CompactRange:
    """The right edge of a growing tree: one hash for each perfect subtree, largest first. Enough to append."""

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        self.size = size
        self._hashes = list(hashes)
        if len(self._hashes) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} perfect subtrees")

    @classmethod
    def load(cls, size: int, node: NodeSource) -> "CompactRange":
        """The right edge of the tree of that size, from its nodes."""
        return cls(size, (node(level, index) for level, index in _subtrees(0, size)))

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash."""
        size, top = self.size, leaf
        while size & 1:
            top = node_hash(self._hashes.pop(), top)
            size >>= 1
        self._hashes.append(top)
        self.size += 1

    def root(self) -> bytes:
        """The tree's root hash; of the empty tree SHA-256 of nothing."""
        return _fold(self._hashes) if self._hashes else hashlib.sha256().digest()

    def copy(self) -> "CompactRange":
        """A range that grows on its own."""
        return CompactRange(self.size, self._hashes)


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Root hash over leaf hashes."""
    tree = CompactRange()
    for leaf in leaves:
        tree.append(leaf)
    return tree.root()


def inclusion_proof(index: int, size: int, node: NodeSource) -> list[bytes]:
    """Hashes from the leaf's sibling up to the root's child (RFC 9162 §2.1.3.1)."""
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    return [_range_hash(start, end, node) for start, end in _siblings(index, index + 1, size)]


def consistency_proof(old: int, new: int, node: NodeSource) -> list[bytes]:
    """Hashes that prove the tree of size `new` to extend the one of size `old` (RFC 9162 §2.1.4.1)."""
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} leaves cannot extend one of {old}")
    if old in {0, new}:
        return []
    width = old & -old
    first = [] if width == old else [node(width.bit_length() - 1, old // width - 1)]
    return first + [_range_hash(start, end, node) for start, end in _siblings(old - width, old, new)]


def verify_consistency(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """RFC 9162 §2.1.4.2; an empty tree is extended by every tree."""
    if not 0 <= old <= new:
        return False
    if old in {0, new}:
        return not proof and old_root == (new_root if old == new else root_of(()))
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    if not path:
        return False
    shift = ((old - 1) ^ old).bit_length() - 1
    fn, sn = (old - 1) >> shift, (new - 1) >> shift
    fr = sr = path[0]
    for sibling in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node_hash(sibling, fr), node_hash(sibling, sr)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(sr, sibling)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == old_root and sr == new_root


def _siblings(start: int, end: int, size: int) -> Iterable[tuple[int, int]]:
    """Leaf ranges beside the path from the perfect subtree [start, end) up to the root, lowest first."""
    width = end - start
    while start or end < size:
        if start & width:
            yield start - width, start
            start -= width
        elif end < size:
            yield end, min(end + width, size)
        width *= 2
        end = min(start + width, size)


def _range_hash(start: int, end: int, node: NodeSource) -> bytes:
    return _fold([node(level, index) for level, index in _subtrees(start, end)])


def _subtrees(start: int, end: int) -> Iterable[tuple[int, int]]:
    """The perfect subtrees that make up [start, end), largest first; `start` is aligned to the largest."""
    while start < end:
        level = (end - start).bit_length() - 1
        yield level, start >> level
        start += 1 << level


def _fold(hashes: Sequence[bytes]) -> bytes:
    *rest, result = hashes
    for left in reversed(rest):
        result = node_hash(left, result)
    return result
