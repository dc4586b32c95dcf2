"""Trees and proofs against the recursive definitions of RFC 6962 §2.1, written out here once more."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aigaq.ledger.merkle import CompactRange, consistency_proof, inclusion_proof, node_hash, root_of, verify_consistency
from aigaq_verify import leaf_hash, verify_inclusion

LEAVES = [leaf_hash(b"row %d" % i) for i in range(70)]


def mth(leaves: list[bytes]) -> bytes:
    """RFC 6962 §2.1, word for word."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m: int, leaves: list[bytes]) -> list[bytes]:
    """RFC 6962 §2.1.1, PATH(m, D[n])."""
    if len(leaves) == 1:
        return []
    k = 1 << (len(leaves) - 1).bit_length() - 1
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: list[bytes], *, whole: bool) -> list[bytes]:
    """RFC 6962 §2.1.2, SUBPROOF(m, D[n], b)."""
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    if m <= k:
        return [*subproof(m, leaves[:k], whole=whole), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], whole=False), mth(leaves[:k])]


def node(level: int, index: int) -> bytes:
    return mth(LEAVES[index << level : (index + 1) << level])


@pytest.mark.parametrize("size", range(len(LEAVES) + 1))
def test_roots_and_proofs_are_those_of_the_rfc(size):
    root = mth(LEAVES[:size])
    assert root_of(LEAVES[:size]) == CompactRange.load(size, node).root() == root
    for index in range(size):
        proof = inclusion_proof(index, size, node)
        assert proof == path(index, LEAVES[:size])
        assert verify_inclusion(LEAVES[index], index, size, proof, root)
    for old in range(1, size):
        proof = consistency_proof(old, size, node)
        assert proof == subproof(old, LEAVES[:size], whole=True)
        assert verify_consistency(old, mth(LEAVES[:old]), size, root, proof)


@given(st.lists(st.lists(st.binary(min_size=32, max_size=32), max_size=9), max_size=9))
def test_any_split_gives_the_root_of_the_whole(batches):
    tree = CompactRange()
    for batch in batches:
        for leaf in batch:
            tree.append(leaf)
        tree = tree.copy()
    assert tree.root() == mth([leaf for batch in batches for leaf in batch])


@given(st.integers(1, 70), st.data())
def test_a_changed_inclusion_proof_fails(size, data):
    index = data.draw(st.integers(0, size - 1))
    root, proof = mth(LEAVES[:size]), inclusion_proof(index, size, node)
    other = data.draw(st.integers(0, size).filter(lambda i: i != index))
    assert not verify_inclusion(LEAVES[index], other, size, proof, root)
    assert not verify_inclusion(LEAVES[index], -1, size, proof, root)
    assert not verify_inclusion(flip(LEAVES[index], data), index, size, proof, root)
    assert not verify_inclusion(LEAVES[index], index, size, [*proof, root], root)
    if proof:
        place = data.draw(st.integers(0, len(proof) - 1))
        assert not verify_inclusion(LEAVES[index], index, size, proof[:-1], root)
        changed = [*proof[:place], flip(proof[place], data), *proof[place + 1 :]]
        assert not verify_inclusion(LEAVES[index], index, size, changed, root)


@given(st.integers(1, 70), st.data())
def test_a_changed_consistency_proof_fails(new, data):
    old = data.draw(st.integers(1, new))
    old_root, new_root, proof = mth(LEAVES[:old]), mth(LEAVES[:new]), consistency_proof(old, new, node)
    assert verify_consistency(old, old_root, new, new_root, proof)
    assert not verify_consistency(old, flip(old_root, data), new, new_root, proof)
    assert not verify_consistency(old, old_root, new, flip(new_root, data), proof)
    assert not verify_consistency(old, old_root, new, new_root, [*proof, new_root])
    if proof:
        place = data.draw(st.integers(0, len(proof) - 1))
        changed = [*proof[:place], flip(proof[place], data), *proof[place + 1 :]]
        assert not verify_consistency(old, old_root, new, new_root, changed)
        assert not verify_consistency(old, old_root, new, new_root, proof[1:])
        assert not verify_consistency(old, old_root, new, new_root, [])


def test_edges():
    empty, root = mth([]), mth(LEAVES[:5])
    assert verify_consistency(0, empty, 5, root, [])
    assert verify_consistency(0, empty, 0, empty, [])
    assert not verify_consistency(0, root, 5, root, [])
    assert not verify_consistency(0, empty, 5, root, [root])
    assert not verify_consistency(5, root, 5, empty, [])
    assert not verify_consistency(6, root, 5, root, [])
    assert not verify_inclusion(LEAVES[0], 0, 0, [], empty)
    for wrong in (lambda: inclusion_proof(5, 5, node), lambda: consistency_proof(6, 5, node)):
        with pytest.raises(ValueError, match="lea"):
            wrong()
    with pytest.raises(ValueError, match="2 perfect subtrees"):
        CompactRange(5, [root])


def test_leaves_and_nodes_cannot_be_confused():
    assert leaf_hash(LEAVES[0] + LEAVES[1]) != node_hash(LEAVES[0], LEAVES[1])


def flip(value: bytes, data: st.DataObject) -> bytes:
    changed = bytearray(value)
    changed[data.draw(st.integers(0, len(value) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    return bytes(changed)
