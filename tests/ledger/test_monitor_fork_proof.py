"""A fork proof proves exactly forks, to anyone, without a network."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ledger.witness_lab import ORIGIN, Branch, signing_key, trust_file
from typer.testing import CliRunner

from aigaq.app.cli import app as aigaq
from aigaq.base import LANGUAGES
from aigaq.ledger.monitor import ForkFileError, ForkProof, NotAForkError, UnknownLogKeyError, make_fork_proof
from aigaq.ledger.monitor.fork_proof import MAX_FILE

RUNNER = CliRunner()
LOG = Branch()
KEYS = [LOG.vkey]


def proof_of(common: int, one: int, two: int) -> tuple[ForkProof | None, Branch, Branch]:
    """What two histories prove that share their first entries."""
    first = Branch().grow(common).grow(one, "one")
    second = Branch().grow(common).grow(two, "two")
    small, large = sorted((first, second), key=lambda branch: branch.size)
    return make_fork_proof(KEYS, small.note(), large.note(), large.node), small, large


@pytest.fixture(scope="module")
def proven() -> ForkProof:
    proof, *_ = proof_of(5, 2, 9)
    assert proof
    return proof


@given(common=st.integers(0, 300), one=st.integers(1, 40), two=st.integers(1, 40))
@settings(max_examples=60)
def test_two_histories_are_proven_whatever_their_sizes(common, one, two):
    proof, small, large = proof_of(common, one, two)
    assert proof
    found = ForkProof.parse(proof.encode())
    assert found == proof
    first, second = found.verify(KEYS)
    assert (first.size, second.size) == (small.size, large.size)


@given(size=st.integers(0, 200), more=st.integers(0, 200))
@settings(max_examples=60)
def test_one_history_proves_nothing(size, more):
    log = Branch().grow(size + more)
    assert make_fork_proof(KEYS, log.note(size), log.note(), log.node) is None
    honest = ForkProof(tuple(map(str, KEYS)), log.note(size), log.note(), log.root(size), ())
    with pytest.raises(NotAForkError):
        honest.verify(KEYS)


@given(where=st.integers(0, 1 << 20), bit=st.integers(0, 7))
@settings(max_examples=150)
def test_a_flipped_bit_proves_nothing_else(proven, where, bit):
    """What still verifies says the same: only the keys, which are for reading, and white space may differ."""
    data = bytearray(proven.encode())
    data[where % len(data)] ^= 1 << bit
    try:
        found = ForkProof.parse(bytes(data))
        found.verify(KEYS)
    except NotAForkError:
        return
    assert (found.first, found.second, found.prefix_root, found.proof) == (
        proven.first, proven.second, proven.prefix_root, proven.proof,
    )  # fmt: skip


@given(st.binary(max_size=400) | st.text(max_size=200).map(str.encode) | st.from_regex(rb'\{"format":.*\}'))
def test_any_bytes_are_refused_with_a_type(data):
    with pytest.raises(ForkFileError):
        ForkProof.parse(data)


@pytest.mark.parametrize(
    "data", [b"[" * 100_000, b" " * (MAX_FILE + 1), b"null", b"[]", b'{"format": "aigaq/fork-proof/v2"}']
)
def test_hostile_files_are_refused(data):
    with pytest.raises(ForkFileError):
        ForkProof.parse(data)


def test_the_keys_inside_the_file_are_not_believed(proven):
    with pytest.raises(UnknownLogKeyError):
        proven.verify([Branch(key=signing_key(9)).vkey])
    with pytest.raises(UnknownLogKeyError):
        proven.verify([])


def test_two_logs_are_no_fork():
    other = Branch(origin="other.example/log").grow(4)
    mixed = ForkProof((), LOG.fork(0).grow(3).note(), other.note(), bytes(32), ())
    with pytest.raises(NotAForkError) as refused:
        mixed.verify([LOG.vkey, other.vkey])
    assert not isinstance(refused.value, UnknownLogKeyError)


def test_an_empty_tree_with_a_root_is_a_fork():
    """A checkpoint of size 0 with another root than the empty one contradicts every checkpoint."""
    log = Branch().grow(3)
    lie = log.key.sign_note(log.text(0).replace(log.text(0).split("\n")[2], log.text(3).split("\n")[2]), ORIGIN)
    proof = make_fork_proof(KEYS, lie, log.note(), log.node)
    assert proof
    proof.verify(KEYS)


# ---- the command line


@pytest.fixture
def files(tmp_path, proven) -> tuple[Path, Path]:
    trust, file = tmp_path / "policy.txt", tmp_path / proven.file_name
    trust.write_text(trust_file(LOG.vkey, [], 1).replace("group W 1 \nquorum W", "quorum none"))
    file.write_bytes(proven.encode())
    return file, trust


def check(*words: object):
    return RUNNER.invoke(aigaq, ["monitor", "check-fork", *map(str, words)])


def test_check_fork_proves(files):
    file, trust = files
    done = check(file, "--trust", trust)
    assert done.exit_code == 0
    assert done.stdout.startswith(f"FORK PROVEN\n{ORIGIN} signed two histories")
    assert json.loads(check(file, "--key", LOG.vkey, "--json").stdout)["verdict"] == "FORK PROVEN"


def test_check_fork_tells_what_is_none(files, tmp_path):
    file, trust = files
    log = Branch().grow(4)
    file.write_bytes(ForkProof((), log.note(2), log.note(), log.root(2), ()).encode())
    done = check(file, "--trust", trust)
    assert done.exit_code == 7
    assert done.stdout.startswith("NOT A FORK\n")
    file.write_bytes(b"{}")
    assert check(file, "--trust", trust, "--json").exit_code == 7
    assert json.loads(check(file, "--trust", trust, "--json").stdout)["code"] == "monitor.fork_file"


def test_check_fork_needs_a_key_from_elsewhere(files):
    file, trust = files
    assert check(file).exit_code == 2
    stranger = Branch(key=signing_key(9)).vkey
    assert check(file, "--key", stranger).exit_code == 6
    trust.write_text("nonsense\n")
    assert check(file, "--trust", trust).exit_code == 1


def test_refusals_speak(proven):
    with pytest.raises(UnknownLogKeyError) as refused:
        proven.verify([])
    for language in LANGUAGES:
        assert "{" not in str(refused.value.explain(language))
