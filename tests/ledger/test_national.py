"""The national log: the naive tree whatever the batches, one history whatever happens to the disk."""

import os
import shutil
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aigaq.ledger import ForkError, KeyFileError, LastSigned, LogDamagedError, LogKey, NationalLog
from aigaq.ledger.last_signed import Head
from aigaq.ledger.merkle import root_of, verify_consistency
from aigaq_verify import ML_DSA_44, Checkpoint, Note, leaf_hash, parse_policy, verify_inclusion

ORIGIN = "log.example/vote-26"


def leaves(start: int, end: int) -> list[bytes]:
    return [b"leaf %d" % i for i in range(start, end)]


def root_at(size: int) -> bytes:
    return root_of(map(leaf_hash, leaves(0, size)))


@pytest.fixture(scope="module")
def key(tmp_path_factory) -> LogKey:
    folder = tmp_path_factory.mktemp("keys")
    return LogKey.create(folder / "log.key", folder / "log-pq.key")


class Place:
    """A log's folder, and the record of what it signed last in another."""

    def __init__(self, folder: Path, key: LogKey) -> None:
        self.folder, self.key = folder / "log", key
        self.last = LastSigned.open(folder / "elsewhere" / "last-signed.sqlite")
        self.log: NationalLog | None = None

    def open(self) -> NationalLog:
        self.close()
        self.log = NationalLog.open(self.folder, ORIGIN, self.key, self.last)
        return self.log

    def close(self) -> None:
        if self.log is not None:
            self.log.close()
            self.log = None


@pytest.fixture
def place(tmp_path, key):
    made = Place(tmp_path, key)
    yield made
    made.close()
    made.last.close()


@settings(max_examples=20)
@given(sizes=st.lists(st.integers(0, 600), max_size=6), reopen=st.booleans())
def test_any_batches_give_the_naive_root(key, tmp_path_factory, sizes, reopen):
    place = Place(tmp_path_factory.mktemp("log"), key)
    log = place.open()
    for count in sizes:
        before = log.size
        signed = log.commit(leaves(before, before + count))
        assert (signed.first_index, signed.size, signed.root) == (before, before + count, root_at(before + count))
        opened, _ = Checkpoint.open(signed.note, key.verifiers(ORIGIN))
        assert (opened.size, opened.root) == (log.size, log.root)
        log = place.open() if reopen else log
    assert list(log.check()) == []
    assert list(log.entries(0)) == leaves(0, log.size)
    place.close()
    place.last.close()


@settings(max_examples=30)
@given(data=st.data())
def test_proofs_hold_for_every_size_on_the_way(key, tmp_path_factory, data):
    place = Place(tmp_path_factory.mktemp("log"), key)
    log = place.open()
    size = data.draw(st.integers(1, 700))
    log.commit(leaves(0, size))
    new = data.draw(st.integers(1, size))
    old, index = data.draw(st.integers(0, new)), data.draw(st.integers(0, new - 1))
    assert verify_consistency(old, root_at(old), new, root_at(new), log.consistency(old, new))
    assert verify_inclusion(leaf_hash(log.entry(index)), index, new, log.inclusion(index, new), root_at(new))
    place.close()
    place.last.close()


def test_what_is_not_there_is_not_proven(place):
    log = place.open()
    log.commit(leaves(0, 3))
    for wrong in (
        lambda: log.inclusion(0, 4),
        lambda: log.consistency(1, 4),
        lambda: log.entry(3),
        lambda: log.entry(-1),
    ):
        with pytest.raises(IndexError):
            wrong()
    with pytest.raises(ValueError, match="65535"):
        log.commit([bytes(65_536)])
    assert log.commit([bytes(65_535)]).size == 4


def test_both_keys_sign_and_each_is_enough(place, key):
    note = place.open().commit(leaves(0, 5)).note
    classic, post_quantum = key.verifiers(ORIGIN)
    assert post_quantum.kind == ML_DSA_44
    for trusted in ([classic], [post_quantum], [classic, post_quantum]):
        assert Checkpoint.open(note, trusted)[0].size == 5
    assert len(Note.parse(note).signatures) == 2
    policy = parse_policy(f"log {classic}\nlog {post_quantum}\nquorum none\n".encode())
    assert policy.witnessed(note) is None


def test_keys_are_read_back_and_kinds_told_apart(tmp_path, key):
    made = LogKey.create(tmp_path / "a", tmp_path / "b")
    again = LogKey.load(tmp_path / "a", tmp_path / "b")
    assert again.verifiers(ORIGIN) == made.verifiers(ORIGIN)
    assert len(LogKey.load(tmp_path / "a").verifiers(ORIGIN)) == 1
    for pair in ((tmp_path / "b", None), (tmp_path / "a", tmp_path / "a"), (tmp_path / "a", tmp_path / "none")):
        with pytest.raises(KeyFileError):
            LogKey.load(*pair)
    with pytest.raises(KeyFileError):
        LogKey.create(tmp_path / "c", tmp_path / "b")


# ---- one history (P1)


def test_a_copy_that_was_put_back_cannot_sign(place, tmp_path):
    place.open().commit(leaves(0, 300))
    shutil.copytree(place.folder, tmp_path / "backup")
    place.open().commit(leaves(300, 301))
    place.close()
    shutil.rmtree(place.folder)
    (tmp_path / "backup").rename(place.folder)
    with pytest.raises(ForkError, match="older than what was signed last"):
        place.open()


def test_a_standby_with_the_same_tree_cannot_sign_after_the_other_did(place, tmp_path, key):
    log = place.open()
    log.commit(leaves(0, 10))
    shutil.copytree(place.folder, tmp_path / "standby")
    standby = NationalLog.open(tmp_path / "standby", ORIGIN, key, place.last)
    log.commit(leaves(10, 11))
    with pytest.raises(ForkError, match="another program has signed"):
        standby.commit([b"another history"])
    assert standby.size == 10
    with pytest.raises(ForkError):
        standby.commit([b"once more"])
    assert log.commit(leaves(11, 12)).root == root_at(12)
    standby.close()


def test_one_folder_is_open_once(place, key):
    place.open()
    with pytest.raises(ForkError, match="another program has it open"):
        NationalLog.open(place.folder, ORIGIN, key, place.last)


def test_an_empty_folder_after_a_signature_is_refused(place):
    place.open().commit(leaves(0, 3))
    place.close()
    shutil.rmtree(place.folder)
    with pytest.raises(ForkError, match="the folder is empty"):
        place.open()


def test_a_log_without_its_record_is_refused(place, tmp_path, key):
    place.open().commit(leaves(0, 3))
    place.close()
    place.last.close()
    place.last = LastSigned.open(tmp_path / "new" / "last-signed.sqlite")
    with pytest.raises(ForkError, match="nothing says what was signed last"):
        place.open()


def test_a_record_that_is_behind_is_refused(place, tmp_path):
    place.open().commit(leaves(0, 3))
    place.close()
    place.last.close()
    shutil.copytree(tmp_path / "elsewhere", tmp_path / "old")
    place.last = LastSigned.open(tmp_path / "elsewhere" / "last-signed.sqlite")
    place.open().commit(leaves(3, 6))
    place.close()
    place.last.close()
    place.last = LastSigned.open(tmp_path / "old" / "last-signed.sqlite")
    with pytest.raises(ForkError, match="not the one signed last"):
        place.open()


def test_a_checkpoint_by_another_key_is_damage(place, tmp_path):
    place.open().commit(leaves(0, 3))
    place.close()
    place.key = LogKey.create(tmp_path / "other.key")
    with pytest.raises(LogDamagedError):
        place.open()


def test_the_swap_takes_only_the_next_step(tmp_path):
    last = LastSigned.open(tmp_path / "last-signed.sqlite")
    first, second = Head(0, root_of(()), b"first"), Head(1, bytes(32), b"second")
    last.advance(ORIGIN, None, first)
    for wrong in (None, second, Head(0, bytes(32), b"first")):
        with pytest.raises(ForkError):
            last.advance(ORIGIN, wrong, second)
    last.advance(ORIGIN, first, second)
    assert last.get(ORIGIN) == second
    assert last.get("another.example/log") is None
    last.close()


def test_a_record_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "last-signed.sqlite").write_bytes(b"not a database, but long enough to be looked at" * 100)
    with pytest.raises(LogDamagedError):
        LastSigned.open(tmp_path / "last-signed.sqlite")


# ---- faults


@settings(max_examples=40)
@given(before=st.integers(0, 530), added=st.integers(1, 530), step=st.integers(0, 30), other=st.integers(1, 300))
def test_after_a_power_failure_it_is_the_old_log_or_the_new_one(box, key, tmp_path_factory, before, added, step, other):
    place = Place(tmp_path_factory.mktemp("log"), key)
    log = place.open()
    log.commit(leaves(0, before))
    failed = False
    try:
        with box.power_failing_at(step):
            log.commit(leaves(before, before + added))
    except box.PowerFailure:
        failed = True
    log = place.open()
    assert log.size in ({before, before + added} if failed else {before + added})
    assert log.root == root_at(log.size)
    log.commit(leaves(log.size, log.size + other))
    assert log.root == root_at(log.size)
    assert list(log.check()) == []
    place.close()
    place.last.close()


@pytest.mark.parametrize("step", range(16))
def test_a_full_disk_leaves_a_log_that_goes_on(box, place, step):
    """The caller is told; what was signed counts, all else is as if it had never been."""
    log = place.open()
    log.commit(leaves(0, 255))
    try:
        with box.power_failing_at(step, lambda: OSError(28, "No space left on device")):
            log.commit(leaves(255, 260))
    except OSError:
        log.settle()
    assert log.size in {255, 260}
    log.commit(leaves(log.size, 261))
    assert log.root == root_at(261)
    assert list(log.check()) == []


def test_a_swap_that_failed_half_way_is_looked_up(place, monkeypatch):
    """The disk says no after it has taken it: what stands in the record decides."""
    log = place.open()
    log.commit(leaves(0, 3))
    advance = place.last.advance

    def taken_but_denied(*args: object) -> None:
        advance(*args)
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(place.last, "advance", taken_but_denied)
    with pytest.raises(sqlite3.OperationalError):
        log.commit(leaves(3, 5))
    assert log.size == 3
    monkeypatch.undo()
    log.settle()
    assert (log.size, log.root) == (5, root_at(5))
    assert log.commit(leaves(5, 6)).first_index == 5


def test_a_swap_that_was_not_taken_is_forgotten(place, monkeypatch):
    log = place.open()
    log.commit(leaves(0, 3))

    def denied(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(place.last, "advance", denied)
    with pytest.raises(sqlite3.OperationalError):
        log.commit([b"these never came"] * 300)
    monkeypatch.undo()
    assert log.commit(leaves(3, 4)).root == root_at(4)
    assert list(log.check()) == []


@pytest.mark.parametrize("name", ["tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/000"])
def test_check_names_a_flipped_bit(place, name):
    place.open().commit(leaves(0, 300))
    path = place.folder / name
    data = bytearray(path.read_bytes())
    data[5] ^= 1
    path.write_bytes(data)
    assert place.log is not None
    assert list(place.log.check())


def test_superseded_partial_tiles_are_gone_and_still_served(place):
    log = place.open()
    for end in (100, 255, 256, 300):
        log.commit(leaves(log.size, end))
    assert not os.path.lexists(place.folder / "tile/0/000.p")
    full = log.tiles.data(0, 0, 256)
    assert full == (place.folder / "tile/0/000").read_bytes()
    assert log.tiles.data(0, 0, 100) == full[:3200]
    entries = (place.folder / "tile/entries/000").read_bytes()
    some = log.tiles.data("entries", 0, 100)
    assert some is not None
    assert entries.startswith(some)
    assert some.endswith(b"\0\x07leaf 99")
    for beyond in ((0, 0, 0), (0, 1, 45), (0, 2, 1), (1, 0, 2), (9, 0, 1), ("entries", 1, 45)):
        assert log.tiles.data(*beyond) is None
