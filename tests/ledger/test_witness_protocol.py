"""c2sp.org/tlog-witness: what is cosigned and what is refused, against our own log and against others'."""

import base64
import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ledger.witness_lab import ORIGIN, Branch, cosigned, request, signing_key

from aigaq.base import ManualClock
from aigaq.ledger.merkle import consistency_proof, root_of
from aigaq.ledger.witness import (
    ContradictionError,
    InconsistentError,
    MalformedError,
    NotSignedError,
    RefusedError,
    StaleError,
    TooLargeError,
    UnknownLogError,
    Witness,
    WitnessKeys,
    WitnessStore,
)
from aigaq_verify import Note, NoteSignature, VerifierKey


@pytest.fixture(scope="module")
def keys(tmp_path_factory) -> WitnessKeys:
    return WitnessKeys.create(tmp_path_factory.mktemp("keys"), "witness.example/w1")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def witness(keys, clock, tmp_path):
    yield from opened(keys, clock, tmp_path, Branch().vkey)


def opened(keys, clock, folder, *logs: VerifierKey):
    WitnessStore.create(folder / "w.sqlite", folder / "w.mark", time=clock.utc_ns() // 10**9)
    witness = Witness(
        keys, {key.name: [key] for key in logs}, WitnessStore.open(folder / "w.sqlite", folder / "w.mark"), clock
    )
    yield witness
    witness.close()


def lines_of(answer: bytes) -> list[NoteSignature]:
    return [NoteSignature.parse(line) for line in answer.decode().splitlines()]


def test_both_cosignatures_are_answered_and_verify(witness, keys, clock):
    log = Branch().grow(5)
    answer = witness.add_checkpoint(log.request(0))
    assert re.fullmatch(rb"(\xe2\x80\x94 witness.example/w1 [A-Za-z0-9+/]+=*\n){2}", answer)
    times = Note(log.text(), tuple(lines_of(answer))).cosigners(keys.verifiers())
    assert times == dict.fromkeys(keys.verifiers(), clock.utc_ns() // 10**9)
    assert witness.held(ORIGIN).note == cosigned(log.note(), answer)


def test_a_growing_log_is_followed(witness):
    log = Branch()
    for old, size in pairwise([0, 0, 1, 1, 2, 7, 256, 300, 300]):
        log.grow(size - log.size)
        witness.add_checkpoint(log.request(old))
        assert witness.held(ORIGIN).size == size
    assert witness.refused(ORIGIN) == []


def test_other_signatures_are_ignored(witness):
    log = Branch().grow(3)
    stranger = signing_key(2).sign_note(log.text(), "stranger.example")
    note = Note(log.text(), (*Note.parse(stranger).signatures, *Note.parse(log.note()).signatures))
    answer = witness.add_checkpoint(log.request(0, note=note.encode()))
    assert witness.held(ORIGIN).note == cosigned(log.note(), answer), "only the log's and the witness's are kept"


@pytest.mark.parametrize(
    ("body", "error", "status"),
    [
        (lambda log: b"", MalformedError, 400),
        (lambda log: log.request(0)[4:], MalformedError, 400),
        (lambda log: request("00", [], log.note()), MalformedError, 400),
        (lambda log: request("+1", [], log.note()), MalformedError, 400),
        (lambda log: request(-1, [], log.note()), MalformedError, 400),
        (lambda log: request(0, [b"short"], log.note()), MalformedError, 400),
        (lambda log: request(0, [bytes(32)] * 64, log.note()), MalformedError, 400),
        (lambda log: request(0, [], log.note()[:-1]), MalformedError, 400),
        (lambda log: request(0, [], log.text().encode()), MalformedError, 400),
        (lambda log: request(0, [], b"no\ncheckpoint\n\n" + log.note().partition(b"\n\n")[2]), MalformedError, 400),
        (lambda log: request(6, [], log.note()), MalformedError, 400),
        (lambda log: b"old 0\r\n\r\n" + log.note(), MalformedError, 400),
        (lambda log: log.request(0) + bytes(200_000), TooLargeError, 413),
        (lambda log: Branch(log.entries, "other.example/log").request(0), UnknownLogError, 404),
        (lambda log: log.request(0, note=signing_key(2).sign_note(log.text(), ORIGIN)), NotSignedError, 403),
        (lambda log: log.request(0, note=log.note().replace(b"\n5\n", b"\n6\n")), NotSignedError, 403),
        (lambda log: log.request(0, note=signing_key(1).sign_note(log.text(), "x.example")), NotSignedError, 403),
        (lambda log: request(2, consistency_proof(2, 5, log.node), log.note()), StaleError, 409),
        (lambda log: request(0, [bytes(32)], log.note()), InconsistentError, 422),
    ],
)
def test_the_status_of_each_refusal(witness, body, error, status):
    with pytest.raises(error) as refused:
        witness.add_checkpoint(body(Branch().grow(5)))
    assert refused.value.http_status == status
    assert witness.held(ORIGIN).size == 0


def test_a_false_signature_of_a_known_key_spoils_the_note(witness):
    log = Branch().grow(2)
    false = Note.parse(log.note()).signatures[0]
    broken = NoteSignature(false.name, false.key_id, bytes(64))
    with pytest.raises(NotSignedError):
        witness.add_checkpoint(log.request(0, note=Note(log.text(), (broken,)).encode()))


def test_the_size_held_is_told(witness):
    log = Branch().grow(5)
    witness.add_checkpoint(log.request(0))
    with pytest.raises(StaleError) as refused:
        witness.add_checkpoint(log.grow(3).request(0))
    assert refused.value.held == 5
    assert witness.refused(ORIGIN) == [], "a log that lost the thread is no evidence"


def test_a_fork_is_refused_and_kept(witness):
    log = Branch().grow(5)
    other = log.fork(3).grow(2, "other")
    witness.add_checkpoint(log.request(0))
    with pytest.raises(ContradictionError):
        witness.add_checkpoint(request(5, [], other.note()))
    with pytest.raises(StaleError):
        witness.add_checkpoint(other.request(0))
    with pytest.raises(InconsistentError):
        witness.add_checkpoint(other.grow(4, "other").request(5))
    kept = witness.refused(ORIGIN)
    assert [(one.kind, one.note) for one in kept] == [
        ("contradiction", other.note(5)), ("inconsistent", other.note(9)),
    ]  # fmt: skip
    assert witness.held(ORIGIN).root == log.root()


def test_evidence_is_bounded_and_the_first_contradictions_stay(witness):
    log = Branch().grow(5)
    witness.add_checkpoint(log.request(0))
    forks = [log.fork(4).grow(1, f"other {i}").note() for i in range(40)]
    for note in forks:
        with pytest.raises(ContradictionError):
            witness.add_checkpoint(request(5, [], note))
    for i in range(40):
        with pytest.raises(InconsistentError):
            witness.add_checkpoint(request(5, [], log.fork(4).grow(2, f"longer {i}").note()))
    kept = [(one.kind, one.note) for one in witness.refused(ORIGIN)]
    assert kept[:32] == [("contradiction", note) for note in forks[:32]]
    assert kept[-1] == ("inconsistent", log.fork(4).grow(2, "longer 39").note())
    assert len(kept) == 64


def test_times_never_go_back_and_never_are_zero(witness, clock):
    log, times = Branch(), list[int]()
    for step in (0, 5, -7_200, 3, 86_400, -1_000_000_000, 1):
        clock.step(step)
        answer = witness.add_checkpoint(log.grow(1).request(log.size - 1))
        times += [int.from_bytes(line.value[:8], "big") for line in lines_of(answer)]
    assert times == sorted(times)
    assert times[0] > 0


def test_a_replay_within_the_second_is_answered_from_memory(witness, clock, tmp_path):
    log = Branch().grow(2)
    first = witness.add_checkpoint(log.request(0))
    mark = (tmp_path / "w.mark").read_bytes()
    assert witness.add_checkpoint(log.request(2)) == first
    assert (tmp_path / "w.mark").read_bytes() == mark
    clock.advance(1)
    later = witness.add_checkpoint(log.request(2))
    assert [line.value[:8] for line in lines_of(later)] > [line.value[:8] for line in lines_of(first)]


def test_no_key_signs_time_zero(keys):
    with pytest.raises(ValueError, match="time"):
        keys.cosign(Branch().text(), 0)


@settings(max_examples=60)
@given(st.binary(max_size=300))
def test_any_bytes_are_refused_with_a_type(keys, tmp_path_factory, body):
    for witness in opened(keys, ManualClock(), tmp_path_factory.mktemp("w"), Branch().vkey):
        with pytest.raises(MalformedError):
            witness.add_checkpoint(body)


@settings(max_examples=25)
@given(flip=st.integers(0, 10_000), bit=st.integers(0, 7), data=st.data())
def test_any_bit_flipped_is_refused_or_changes_nothing_that_counts(keys, tmp_path_factory, flip, bit, data):
    log = Branch().grow(data.draw(st.integers(4, 9)))
    for witness in opened(keys, ManualClock(), tmp_path_factory.mktemp("w"), log.vkey):
        witness.add_checkpoint(log.request(0, 3))
        body = bytearray(log.request(3))
        body[flip % len(body)] ^= 1 << bit
        with pytest.raises(RefusedError):
            witness.add_checkpoint(bytes(body))
        assert witness.held(ORIGIN).size == 3


# ---- logs that others made


def test_tessera_every_pair_of_checkpoints(shared, keys, tmp_path):
    folder = shared / "data/tlog/tessera"
    key = VerifierKey.parse("example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx")
    tile = (folder / "tile/0/000.p/15").read_bytes()
    leaves = [tile[i : i + 32] for i in range(0, len(tile), 32)]
    notes = [(folder / f"checkpoint.{i}").read_bytes() for i in range(16)]

    def proof(old: int, new: int) -> list[bytes]:
        return consistency_proof(old, new, lambda level, i: root_of(leaves[i << level : (i + 1) << level]))

    for start in range(15):
        (tmp_path / str(start)).mkdir()
        for witness in opened(keys, ManualClock(), tmp_path / str(start), key):
            witness.add_checkpoint(request(0, [], notes[start]))
            for new in (start, min(start + 4, 15), 15):
                old = witness.held(key.name).size
                witness.add_checkpoint(request(old, proof(old, new), notes[new]))
            if start:
                with pytest.raises(StaleError):
                    witness.add_checkpoint(request(start, proof(start, 15), notes[15]))


SIGSUM_KEY = bytes.fromhex("ffdc2d4d98e4124d3feaf788c0c2f9abfd796083d1f0495437f302ec79cf100f")
SIGSUM_LOG = "sigsum.org/v1/tree/4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562"
ROOT_3 = "45c088d4d939e9971298811f227d1295eaad57bbafae55cd71c171e7de48c25d"
ROOT_5 = "42bb57ad06420afa4882c4a63ac6a1ec77480b330b2f20dfc53a0caa5f564e36"
SIGNED_1 = (
    "b7cf653aa9c565a1ca359db81bd3bc656ab2890c6ea4c0aec42295e80aa05049"
    "423505026434f987923ccdf07d440c152cd59e736e5914d8ada8d7a4d51b2106"
)
SIGNED_3 = (
    "655bb4871d15bc05032d67eece88900c4863a27f190393b99176391577f5def9"
    "71b023d9a418c3226b7b7ea47b33686d9b3849451dadc6b07c007c595af1ea0a"
)
SIGNED_5 = (
    "0fc43899968b48b5150b0e8fe7ad07b17c21c7056a6fe381deb0cd19ece103d5"
    "9b2119b5dbe5d54d8a1262ce67f01245c5898b4b56f747495804a17a2eec0f0c"
)
NODE_0, NODE_1, NODE_2, NODE_3, NODE_4 = (f"2a{i:02x}" + "00" * 30 for i in range(5))
NODE_23 = "f9f50357e93def4078237b8aaea24ce1a3f5965a0f64ff26bebd99e30470d8b2"
NODE_01 = "c2088815d65f60dbfa594d4e96504ab169cb6084bf0c132ab7c521fd2e0eba41"
LITEWITNESS = [
    (0, 1, NODE_0, SIGNED_1, [], None),
    (1, 3, ROOT_3, SIGNED_3[:-1] + "b", [NODE_1, NODE_2], NotSignedError),
    (1, 3, ROOT_3, SIGNED_3, [], InconsistentError),
    (1, 3, ROOT_3, SIGNED_3, [NODE_1, "2a02" + "00" * 29 + "01"], InconsistentError),
    (1, 3, ROOT_3, SIGNED_3, [NODE_1, NODE_2], None),
    (1, 5, ROOT_5, SIGNED_5, [NODE_1, NODE_23, NODE_4], StaleError),
    (3, 5, ROOT_5, SIGNED_5, [NODE_2, NODE_3, NODE_01, NODE_4], None),
]
"""The tree heads and proofs of litewitness's own test, cmd/litewitness/testdata (FiloSottile/litetlog, ISC)."""


def test_litewitness_the_same_answers_to_its_own_test(keys, tmp_path):
    log = VerifierKey(SIGSUM_LOG, SIGSUM_KEY)
    for witness in opened(keys, ManualClock(), tmp_path, log):
        for old, size, root, signature, hashes, error in LITEWITNESS:
            text = f"{SIGSUM_LOG}\n{size}\n{base64.b64encode(bytes.fromhex(root)).decode()}\n"
            note = Note(text, (NoteSignature(SIGSUM_LOG, log.key_id, bytes.fromhex(signature)),)).encode()
            body = request(old, [bytes.fromhex(value) for value in hashes], note)
            if error:
                with pytest.raises(error):
                    witness.add_checkpoint(body)
            else:
                assert len(lines_of(witness.add_checkpoint(body))) == 2
        assert witness.held(SIGSUM_LOG).size == 5
        other = VerifierKey(SIGSUM_LOG.replace("4d6d", "4d6e"), SIGSUM_KEY)
        with pytest.raises(UnknownLogError):
            witness.add_checkpoint(request(0, [], signing_key(1).sign_note(text.replace("4d6d", "4d6e"), other.name)))
