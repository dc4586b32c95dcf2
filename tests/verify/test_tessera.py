"""The test log that Tessera (Go) wrote: our reading of tiles, bundles, checkpoints and proofs against another's."""

from itertools import combinations
from pathlib import Path

import pytest
from tests.proof_lab import proven

from aigaq.ledger.merkle import consistency_proof, inclusion_proof, root_of, verify_consistency
from aigaq_verify import Checkpoint, Proof, VerifierKey, leaf_hash

KEY = VerifierKey.parse("example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx")
SIZE = 15


@pytest.fixture(scope="module")
def folder(shared) -> Path:
    return shared / "data/tlog/tessera"


@pytest.fixture(scope="module")
def checkpoints(folder) -> list[Checkpoint]:
    return [Checkpoint.open((folder / f"checkpoint.{i}").read_bytes(), [KEY])[0] for i in range(SIZE + 1)]


@pytest.fixture(scope="module")
def leaves(folder) -> list[bytes]:
    tile = (folder / f"tile/0/000.p/{SIZE}").read_bytes()
    return [tile[i : i + 32] for i in range(0, len(tile), 32)]


def entries(bundle: bytes) -> list[bytes]:
    found = []
    while bundle:
        size = int.from_bytes(bundle[:2], "big")
        found.append(bundle[2 : 2 + size])
        bundle = bundle[2 + size :]
    return found


def test_tiles_and_bundles_give_every_root(folder, checkpoints, leaves):
    for size in range(1, SIZE + 1):
        assert checkpoints[size].size == size
        assert (folder / f"tile/0/000.p/{size}").read_bytes() == b"".join(leaves[:size])
        rows = entries((folder / f"tile/entries/000.p/{size}").read_bytes())
        assert root_of(leaf_hash(row) for row in rows) == root_of(leaves[:size]) == checkpoints[size].root
    assert checkpoints[0].root == root_of([])


def test_every_pair_is_consistent(checkpoints, leaves):
    for old, new in combinations(checkpoints, 2):
        proof = consistency_proof(old.size, new.size, lambda level, i: root_of(leaves[i << level : (i + 1) << level]))
        assert verify_consistency(old.size, old.root, new.size, new.root, proof)


def test_every_entry_is_proven_in_every_later_tree(folder, checkpoints, leaves):
    rows = entries((folder / f"tile/entries/000.p/{SIZE}").read_bytes())
    for size in range(1, SIZE + 1):
        note = (folder / f"checkpoint.{size}").read_bytes()
        for index, row in enumerate(rows[:size]):
            hashes = inclusion_proof(index, size, lambda level, i: root_of(leaves[i << level : (i + 1) << level]))
            proof = Proof.parse(Proof(index, tuple(hashes), note).encode())
            assert proven(proof, leaf_hash(row), [KEY]) == checkpoints[size]
