"""What the centre keeps of a station's log: the same tree, or a typed reason and the evidence."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aigaq.ledger import (
    MAX_BODY,
    BadKeyError,
    BadNoteError,
    LogDamagedError,
    LogReplica,
    OversizedError,
    RootMismatchError,
    SigningKey,
    StationLog,
    WrongKeyError,
    WrongSizeError,
    parse_vkey,
)
from aigaq_verify import Checkpoint, Proof, leaf_hash


def rows(start: int, end: int) -> list[bytes]:
    return [b"record %d" % i for i in range(start, end)]


@pytest.fixture
def pair(box, tmp_path):
    """A station's log and the centre's empty copy."""
    log = StationLog.open(tmp_path / "station", box.ORIGIN, box.KEY)
    return log, LogReplica.open(tmp_path / "center", box.ORIGIN, box.KEY.vkey(box.ORIGIN))


def body(log: StationLog, held: int) -> bytes:
    return log.checkpoint() + b"".join(log.leaf_hashes(held, log.size))


@settings(max_examples=25)
@given(sizes=st.lists(st.integers(0, 600), max_size=6), reopen=st.booleans())
def test_the_copy_follows_the_log(box, tmp_path_factory, sizes, reopen):
    folder = tmp_path_factory.mktemp("logs")
    log = StationLog.open(folder / "station", box.ORIGIN, box.KEY)
    replica = LogReplica.open(folder / "center", box.ORIGIN, box.KEY.vkey(box.ORIGIN))
    for count in sizes:
        log.append(rows(log.size, log.size + count))
        assert replica.accept(body(log, replica.size)).size == log.size == replica.size
        if reopen:
            replica = LogReplica.open(folder / "center", box.ORIGIN, box.KEY.vkey(box.ORIGIN))
    assert list(replica.check()) == []
    assert replica.leaf_hashes(0, log.size) == log.leaf_hashes(0, log.size)
    assert not (folder / "center/tile/entries").exists()


def test_proofs_are_complete_files(box, pair):
    log, replica = pair
    log.append(rows(0, 300))
    replica.accept(body(log, 0))
    key = parse_vkey(box.KEY.vkey(box.ORIGIN))
    for index in (0, 1, 255, 256, 299):
        proof = Proof.parse(replica.inclusion_proof(index))
        assert proof.verify(leaf_hash(rows(index, index + 1)[0]), [key]).size == 300
        assert replica.leaf_hash(index) == leaf_hash(rows(index, index + 1)[0])
    for wrong in (-1, 300):
        with pytest.raises(IndexError):
            replica.inclusion_proof(wrong)


def test_an_empty_copy_has_no_proofs(pair):
    _, replica = pair
    assert (replica.size, replica.note, list(replica.check())) == (0, None, [])
    with pytest.raises(IndexError):
        replica.inclusion_proof(0)


def test_the_same_again_is_accepted_again(pair):
    log, replica = pair
    bodies = []
    for count in (0, 3, 300):
        log.append(rows(log.size, log.size + count))
        bodies.append(body(log, replica.size))
        replica.accept(bodies[-1])
    for again in reversed(bodies):
        assert replica.accept(again).size <= 303
    assert replica.size == 303


def test_hashes_that_do_not_fit_are_asked_for_again(pair):
    log, replica = pair
    log.append(rows(0, 10))
    replica.accept(body(log, 0))
    log.append(rows(10, 20))
    for held in (0, 9, 11, 20):
        with pytest.raises(WrongSizeError) as caught:
            replica.accept(body(log, held))
        assert caught.value.held == 10
    assert "holds 10 rows" in str(caught.value)
    assert replica.accept(body(log, 10)).size == 20


@pytest.mark.parametrize("size", [5, 20, 21])
def test_a_station_that_forks_itself_is_caught_with_evidence(box, tmp_path, pair, size):
    """Two boxes with one key: the second one's history is refused at the same, a smaller and a larger size."""
    log, replica = pair
    log.append(rows(0, 20))
    replica.accept(body(log, 0))
    twin = StationLog.open(tmp_path / "twin", box.ORIGIN, box.KEY)
    twin.append([b"other %d" % i for i in range(size)])
    forged = body(twin, min(20, size))
    with pytest.raises(RootMismatchError):
        replica.accept(forged)
    (kept,) = (tmp_path / "center/forks").iterdir()
    assert kept.read_bytes() == forged
    assert replica.size == 20
    assert any("another history" in problem for problem in replica.check())
    log.append(rows(20, 25))
    assert replica.accept(body(log, 20)).size == 25


def test_forks_do_not_fill_the_disk(box, tmp_path, pair):
    _, replica = pair
    for n in range(20):
        note = box.KEY.sign_note(Checkpoint(box.ORIGIN, 1, bytes([n + 1]) * 32).text(), box.ORIGIN)
        with pytest.raises(RootMismatchError):
            replica.accept(note + bytes(32))
    assert len(list((tmp_path / "center/forks").iterdir())) == 16


def test_wrong_keys_and_notes(box, tmp_path, pair):
    log, replica = pair
    log.append(rows(0, 3))
    right = body(log, 0)
    other = SigningKey.create(tmp_path / "other")
    text, _ = right.split(b"\n\n", 1)
    with pytest.raises(WrongKeyError):
        replica.accept(other.sign_note(text.decode() + "\n", box.ORIGIN) + right[-96:])
    elsewhere = "log.example/vote-26/s/s-102"
    with pytest.raises(BadNoteError):
        replica.accept(box.KEY.sign_note(text.decode().replace(box.ORIGIN, elsewhere) + "\n", box.ORIGIN) + right[-96:])
    for wrong in (b"", right[:-1], right[:50], b"\n\n\n", right.replace(b"\n3\n", b"\n4\n"), bytes(96), right[96:]):
        with pytest.raises(BadNoteError):
            replica.accept(wrong)
    with pytest.raises(OversizedError):
        replica.accept(right + bytes(MAX_BODY))
    assert replica.size == 0
    assert replica.accept(right).size == 3


@given(data=st.data())
def test_no_bit_of_a_checkpoint_can_change(box, tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("logs")
    log = StationLog.open(folder / "station", box.ORIGIN, box.KEY)
    log.append(rows(0, 3))
    changed = bytearray(body(log, 0))
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    replica = LogReplica.open(folder / "center", box.ORIGIN, box.KEY.vkey(box.ORIGIN))
    with pytest.raises((BadNoteError, WrongKeyError, RootMismatchError)):
        replica.accept(bytes(changed))
    assert replica.size == 0


def test_a_hash_may_look_like_a_signature_line(box, tmp_path):
    """The split is by the one signature line, not by what the bytes behind it look like."""
    wanted = "\u2014 ".encode()
    log = StationLog.open(tmp_path / "station", box.ORIGIN, box.KEY)
    replica = LogReplica.open(tmp_path / "center", box.ORIGIN, box.KEY.vkey(box.ORIGIN))
    record = next(r for r in rows(0, 100_000) if leaf_hash(r).startswith(wanted[:1]) and b"\n" in leaf_hash(r))
    log.append([record])
    assert replica.accept(body(log, 0)).size == 1


@settings(max_examples=40)
@given(before=st.integers(0, 400), added=st.integers(1, 400), step=st.integers(0, 30), other=st.integers(1, 400))
def test_after_a_power_failure_the_station_sends_again(box, tmp_path_factory, before, added, step, other):
    """The centre loses power at any write; the station comes back with another, longer or shorter batch."""
    folder = tmp_path_factory.mktemp("logs")
    log = StationLog.open(folder / "station", box.ORIGIN, box.KEY)
    replica = LogReplica.open(folder / "center", box.ORIGIN, box.KEY.vkey(box.ORIGIN))
    log.append(rows(0, before))
    replica.accept(body(log, 0))
    log.append(rows(before, before + added))
    sent = body(log, before)
    try:
        with box.power_failing_at(step):
            replica.accept(sent)
    except box.PowerFailure:
        replica = LogReplica.open(folder / "center", box.ORIGIN, box.KEY.vkey(box.ORIGIN))
    log.append(rows(before + added, before + added + other))
    replica.accept(body(log, replica.size))
    assert replica.size == before + added + other
    assert list(replica.check()) == []


@pytest.mark.parametrize("step", range(10))
def test_a_full_disk_leaves_the_copy_as_it_was(box, pair, step):
    log, replica = pair
    log.append(rows(0, 5))
    sent = body(log, 0)
    try:
        with box.power_failing_at(step, lambda: OSError(28, "No space left on device")):
            replica.accept(sent)
    except OSError:
        assert replica.size == 0
    assert replica.accept(sent).size == 5
    assert list(replica.check()) == []


def test_leftovers_of_a_crash_are_not_kept_beside_another_history(box, tmp_path, pair):
    """Tiles beyond the checkpoint may be of rows that never came; nobody may read them later."""
    log, replica = pair
    stale = tmp_path / "center/tile/0/000.p/2"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(bytes(64))
    log.append(rows(0, 3))
    replica.accept(body(log, 0))
    assert not stale.exists()
    assert list(replica.check()) == []


def test_damage_is_refused(box, tmp_path, pair):
    log, replica = pair
    log.append(rows(0, 300))
    replica.accept(body(log, 0))
    vkey = box.KEY.vkey(box.ORIGIN)
    with pytest.raises(LogDamagedError):
        LogReplica.open(tmp_path / "center", box.ORIGIN, SigningKey.create(tmp_path / "k").vkey(box.ORIGIN))
    with pytest.raises(BadKeyError, match="name of this log"):
        LogReplica.open(tmp_path / "center", box.ORIGIN + "2", vkey)
    (tmp_path / "center/tile/0/001.p/44").unlink()
    with pytest.raises(LogDamagedError, match="missing"):
        LogReplica.open(tmp_path / "center", box.ORIGIN, vkey)


@pytest.mark.parametrize("name", ["tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1"])
def test_check_names_a_flipped_bit(tmp_path, pair, name):
    log, replica = pair
    log.append(rows(0, 300))
    replica.accept(body(log, 0))
    path = tmp_path / "center" / name
    data = bytearray(path.read_bytes())
    data[5] ^= 1
    path.write_bytes(data)
    assert list(replica.check())
