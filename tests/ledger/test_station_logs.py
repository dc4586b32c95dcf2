"""What the centre keeps of all stations' logs: the same trees, or a typed reason and the evidence."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from aigaq.ledger import (
    MAX_BODY,
    BadNoteError,
    CheckpointError,
    OversizedError,
    RootMismatchError,
    SigningKey,
    StationLog,
    StationLogs,
    WrongKeyError,
    WrongSizeError,
)
from aigaq.ledger.database import Database
from aigaq.ledger.merkle import root_of
from aigaq.ledger.station_logs import MAX_FORKS, SCHEMA
from aigaq.ledger.station_note import StationNote, read_body
from aigaq.ledger.tiles import tile_path
from aigaq_verify import Checkpoint, VerifierKey, leaf_hash, verify_inclusion

LOG = "log.example/vote-26"


def key_of(number: int) -> SigningKey:
    return SigningKey(Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32))


def rows(start: int, end: int) -> list[bytes]:
    return [b"record %d" % i for i in range(start, end)]


class Center:
    """The tables, and stations in folders beside them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.open()

    def open(self) -> StationLogs:
        self.database = Database(self.folder / "logs.sqlite", SCHEMA)
        self.logs = StationLogs(self.database, self.folder / "forks")
        return self.logs

    def reopen(self) -> StationLogs:
        self.database.close()
        return self.open()

    def station(self, name: str = "s-101", number: int = 1, folder: str | None = None) -> StationLog:
        return StationLog.open(self.folder / (folder or name), f"{LOG}/s/{name}", key_of(number))

    def accept(self, data: bytes, name: str = "s-101", *numbers: int) -> int:
        (answer,) = self.logs.accept([self.body(data, name, *numbers)])
        if isinstance(answer, CheckpointError):
            raise answer
        return answer

    def body(self, data: bytes, name: str = "s-101", *numbers: int) -> StationNote:
        keys = [VerifierKey(f"{LOG}/s/{name}", key_of(n).public) for n in numbers or (1,)]
        return read_body(data, f"{LOG}/s/{name}", keys)

    def seal(self) -> None:
        """As the national log does."""
        pending = self.logs.pending()
        with self.database.transaction() as connection:
            self.logs.mark(connection, [(p.station, p.size, n) for n, p in enumerate(pending)])
        self.logs.forget([(p.station, p.size) for p in pending])


@pytest.fixture
def center(tmp_path) -> Iterator[Center]:
    made = Center(tmp_path)
    yield made
    made.database.close()


def sent(log: StationLog, held: int) -> bytes:
    return log.checkpoint() + b"".join(log.leaf_hashes(held, log.size))


@settings(max_examples=15)
@given(sizes=st.lists(st.integers(0, 600), max_size=6), reopen=st.booleans(), seal=st.booleans())
def test_the_copy_follows_the_log(tmp_path_factory, sizes, reopen, seal):
    center = Center(tmp_path_factory.mktemp("logs"))
    log, logs = center.station(), center.logs
    ends = []
    for count in sizes:
        log.append(rows(log.size, log.size + count))
        before = logs.size("s-101")
        assert center.accept(sent(log, before)) == log.size == logs.size("s-101")
        assert logs.root("s-101") == root_of(map(leaf_hash, rows(0, log.size)))
        ends += [log.size] * (log.size > before)
        if seal:
            center.seal()
        logs = center.reopen() if reopen else logs
    assert list(logs.check()) == []
    assert logs.leaf_hashes("s-101", 0, log.size) == log.leaf_hashes(0, log.size)
    assert [p.size for p in logs.pending()] == ([] if seal else ends)
    for index in {0, log.size // 2, log.size - 1} & set(range(log.size)):
        found = logs.covering("s-101", index)
        assert found is not None
        assert found[0] == next(end for end in ends if end > index)
        for size in {found[0], log.size}:
            root = root_of(map(leaf_hash, rows(0, size)))
            assert verify_inclusion(
                leaf_hash(rows(index, index + 1)[0]), index, size, logs.inclusion("s-101", index, size), root
            )
    center.database.close()


@settings(max_examples=10)
@given(sizes=st.lists(st.integers(1, 700), min_size=1, max_size=4))
def test_tiles_are_those_of_the_station(tmp_path_factory, sizes):
    center = Center(tmp_path_factory.mktemp("logs"))
    log = center.station()
    for count in sizes:
        log.append(rows(log.size, log.size + count))
        center.accept(sent(log, center.logs.size("s-101")))
    for level in range(3):
        width = log.size >> 8 * level
        for index in range(width // 256 + 1):
            part = min(256, width - 256 * index)
            if part:
                path = center.folder / "s-101" / tile_path(level, index, part)
                assert center.logs.tile("s-101", level, index, part) == path.read_bytes()
            assert center.logs.tile("s-101", level, index, part + 1) is None
    center.database.close()


def test_many_stations_are_one_transaction_and_keep_apart(center):
    stations = {f"s-{n}": center.station(f"s-{n}", n) for n in range(1, 40)}
    bodies = []
    for n, (name, log) in enumerate(stations.items(), 1):
        log.append(rows(n, 3 * n + 1))
        bodies.append(center.body(sent(log, 0), name, n))
    assert center.logs.accept(bodies) == [log.size for log in stations.values()]
    logs = center.reopen()
    for name, log in stations.items():
        assert logs.leaf_hashes(name, 0, log.size) == log.leaf_hashes(0, log.size)
    assert [p.station for p in logs.pending()] == list(stations)
    assert list(logs.check()) == []


def test_one_bad_checkpoint_does_not_hold_up_the_batch(center):
    good, bad = center.station("s-1", 1), center.station("s-2", 2)
    good.append(rows(0, 3))
    bad.append(rows(0, 3))
    answers = center.logs.accept([center.body(sent(bad, 1), "s-2", 2), center.body(sent(good, 0), "s-1", 1)])
    assert [type(a) for a in answers] == [WrongSizeError, int]


def test_two_checkpoints_of_one_station_in_one_batch(center):
    log = center.station()
    bodies = []
    for end in (3, 260, 261):
        start = log.size
        log.append(rows(start, end))
        bodies.append(center.body(sent(log, start)))
    assert center.logs.accept([*bodies, bodies[1], bodies[0]]) == [3, 260, 261, 261, 261]
    assert [(p.start, p.size) for p in center.logs.pending()] == [(0, 3), (3, 260), (260, 261)]
    assert list(center.reopen().check()) == []


def test_the_same_again_is_accepted_again(center):
    log = center.station()
    bodies = []
    for count in (0, 3, 300):
        log.append(rows(log.size, log.size + count))
        bodies.append(sent(log, center.logs.size("s-101")))
        center.accept(bodies[-1])
    for again in reversed(bodies):
        assert center.accept(again) == 303
    assert len(center.logs.pending()) == 2


def test_hashes_that_do_not_fit_are_asked_for_again(center):
    log = center.station()
    log.append(rows(0, 10))
    center.accept(sent(log, 0))
    log.append(rows(10, 20))
    for held in (0, 9, 11, 20):
        with pytest.raises(WrongSizeError) as caught:
            center.accept(sent(log, held))
        assert caught.value.held == 10
    assert center.accept(sent(log, 10)) == 20


def test_what_comes_in_another_order_is_asked_for_again(center):
    log = center.station()
    bodies = []
    for end in (5, 12):
        start = log.size
        log.append(rows(start, end))
        bodies.append(center.body(sent(log, start)))
    late, early = center.logs.accept(reversed(bodies))
    assert isinstance(late, WrongSizeError)
    assert early == 5
    assert center.logs.accept(bodies[1:]) == [12]


@pytest.mark.parametrize("size", [5, 20, 21])
def test_a_station_that_forks_itself_is_caught_with_evidence(center, size):
    """Two boxes with one key: the second one's history is refused at the same, a smaller and a larger size."""
    log = center.station()
    log.append(rows(0, 20))
    center.accept(sent(log, 0))
    twin = center.station(folder="twin")
    twin.append([b"other %d" % i for i in range(size)])
    forged = sent(twin, min(20, size))
    with pytest.raises(RootMismatchError):
        center.accept(forged)
    (kept,) = (center.folder / "forks/s-101").iterdir()
    assert kept.read_bytes() == forged
    assert center.logs.size("s-101") == 20
    assert any("another history" in problem for problem in center.logs.check())
    log.append(rows(20, 25))
    assert center.accept(sent(log, 20)) == 25


def test_forks_do_not_fill_the_disk(center):
    origin = f"{LOG}/s/s-101"
    for n in range(MAX_FORKS + 4):
        note = key_of(1).sign_note(Checkpoint(origin, 1, bytes([n + 1]) * 32).text(), origin)
        with pytest.raises(RootMismatchError):
            center.accept(note + bytes(32))
    assert len(list((center.folder / "forks/s-101").iterdir())) == MAX_FORKS
    assert center.logs.size("s-101") == 0
    assert center.logs.pending() == ()


def test_any_key_of_the_station_may_sign(center):
    """A new session key each day; the log goes on."""
    log = center.station()
    log.append(rows(0, 3))
    center.accept(sent(log, 0), "s-101", 2, 1)
    origin = f"{LOG}/s/s-101"
    text = Checkpoint(origin, 4, root_of(map(leaf_hash, rows(0, 4)))).text()
    assert center.accept(key_of(2).sign_note(text, origin) + leaf_hash(b"record 3"), "s-101", 2, 1) == 4
    with pytest.raises(WrongKeyError):
        center.accept(key_of(3).sign_note(text, origin) + leaf_hash(b"record 3"), "s-101", 2, 1)


def test_wrong_keys_and_notes(center):
    log = center.station()
    log.append(rows(0, 3))
    right = sent(log, 0)
    head, hashes = right[:-96], right[-96:]
    text = head.split(b"\n\n", 1)[0].decode() + "\n"
    origin = f"{LOG}/s/s-101"
    with pytest.raises(WrongKeyError):
        center.accept(key_of(9).sign_note(text, origin) + hashes)
    other = text.replace("s-101", "s-102")
    for wrong in (
        key_of(1).sign_note(other, origin) + hashes,
        key_of(1).sign_note(other, f"{LOG}/s/s-102") + hashes,
        key_of(1).sign_note(text + "an extension\n", origin) + hashes,
        key_of(1).sign_note(text.replace("\n3\n", "\n03\n"), origin) + hashes,
        key_of(1).sign_note(text.replace("\n3\n", "\n-3\n"), origin) + hashes,
        key_of(1).sign_note(text.replace("\n3\n", f"\n{1 << 40}\n"), origin) + hashes,
        key_of(1).sign_note(text.replace("\n3\n", f"\n{10**18}\n"), origin) + hashes,
        head + head.split(b"\n\n", 1)[1] + hashes,
        head.replace(b"\n\n", b"\r\n\r\n") + hashes,
        *(b"", right[:-1], right[:50], b"\n\n\n", right.replace(b"\n3\n", b"\n4\n"), bytes(96), right[96:]),
    ):
        with pytest.raises(BadNoteError):
            center.accept(wrong)
    with pytest.raises(OversizedError):
        center.accept(right + bytes(MAX_BODY))
    with pytest.raises(BadNoteError):
        center.body(right, "s-102")
    assert center.logs.size("s-101") == 0
    assert center.accept(right) == 3


@given(data=st.data())
def test_no_bit_of_a_checkpoint_can_change(tmp_path_factory, data):
    center = Center(tmp_path_factory.mktemp("logs"))
    log = center.station()
    log.append(rows(0, 3))
    changed = bytearray(sent(log, 0))
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises((BadNoteError, WrongKeyError, RootMismatchError)):
        center.accept(bytes(changed))
    assert center.logs.size("s-101") == 0
    center.database.close()


@given(junk=st.binary(max_size=400), tail=st.binary(max_size=64))
def test_junk_is_refused_with_a_type(junk, tail):
    origin = f"{LOG}/s/s-101"
    prefix = f"{origin}\n".encode()
    for body in (junk, prefix + junk, prefix + b"1\n" + junk + b"\n\n" + tail):
        with pytest.raises((BadNoteError, WrongKeyError)):
            read_body(body, origin, [VerifierKey(origin, key_of(1).public)])


def test_a_hash_may_look_like_a_signature_line(center):
    """The split is by the one signature line, not by what the bytes behind it look like."""
    wanted = "\u2014 ".encode()
    log = center.station()
    record = next(r for r in rows(0, 100_000) if leaf_hash(r).startswith(wanted[:1]) and b"\n" in leaf_hash(r))
    log.append([record])
    assert center.accept(sent(log, 0)) == 1


def test_a_disk_that_refuses_changes_nothing(center, monkeypatch):
    log = center.station()
    log.append(rows(0, 3))
    center.accept(sent(log, 0))
    log.append(rows(3, 300))
    body = center.body(sent(log, 3))

    def refuse(_: object) -> None:
        raise OSError(28, "no space")

    monkeypatch.setattr("aigaq.ledger.station_logs._Batch.write", refuse)
    with pytest.raises(OSError, match="no space"):
        center.logs.accept([body])
    monkeypatch.undo()
    assert center.logs.size("s-101") == 3
    assert len(center.logs.pending()) == 1
    assert center.logs.accept([body]) == [300]
    assert list(center.reopen().check()) == []


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE checkpoints SET hashes = zeroblob(length(hashes)) WHERE start = 0",
        "UPDATE subtrees SET hash = zeroblob(32)",
        "DELETE FROM checkpoints WHERE start = 0",
    ],
)
def test_check_names_damage(center, damage):
    log = center.station()
    for end in (200, 300):
        held = log.size
        log.append(rows(held, end))
        center.accept(sent(log, held))
    assert list(center.logs.check()) == []
    with center.database.transaction() as connection:
        connection.execute(damage)
    assert any("s-101" in problem for problem in center.logs.check())


def test_an_unknown_station_has_nothing(center):
    logs = center.logs
    assert (logs.size("s-9"), logs.root("s-9")) == (0, root_of(()))
    assert (logs.covering("s-9", 0), logs.logged("s-9", 1), logs.latest("s-9")) == (None, None, None)
    assert logs.tile("s-9", 0, 0, 1) is None
    assert logs.leaf_hashes("s-9", 0, 0) == []
    for wrong in (lambda: logs.leaf_hashes("s-9", 0, 1), lambda: logs.inclusion("s-9", 0, 1)):
        with pytest.raises(IndexError):
            wrong()


class Hostile(RuleBasedStateMachine):
    """Stations that grow, repeat, lag, fork and are cut off, in any order, with restarts between: no false accept."""

    def __init__(self) -> None:
        super().__init__()
        self.truth: dict[str, list[bytes]] = {"s-1": [], "s-2": []}
        self.held = {"s-1": 0, "s-2": 0}
        self.lies = 0

    @initialize()
    def begin(self) -> None:
        self.temporary = tempfile.TemporaryDirectory()
        self.center = Center(Path(self.temporary.name))

    def teardown(self) -> None:
        if hasattr(self, "center"):
            self.center.database.close()
            self.temporary.cleanup()

    def note(self, name: str, leaves: list[bytes]) -> bytes:
        origin = f"{LOG}/s/{name}"
        return key_of(1).sign_note(Checkpoint(origin, len(leaves), root_of(leaves)).text(), origin)

    names = st.sampled_from(["s-1", "s-2"])

    @rule(name=names, count=st.integers(0, 300), back=st.integers(0, 40))
    def grow(self, name: str, count: int, back: int) -> None:
        """The honest box, sometimes from a size that the centre has left behind."""
        leaves = self.truth[name]
        leaves += [leaf_hash(b"%s %d" % (name.encode(), len(leaves) + i)) for i in range(count)]
        start = max(0, self.held[name] - back)
        (answer,) = self.center.logs.accept(
            [self.center.body(self.note(name, leaves) + b"".join(leaves[start:]), name)]
        )
        if start == self.held[name] or len(leaves) == self.held[name]:
            assert answer == len(leaves)
            self.held[name] = len(leaves)
        else:
            assert isinstance(answer, WrongSizeError)

    @rule(name=names, at=st.integers(0, 600), more=st.integers(1, 20))
    def fork(self, name: str, at: int, more: int) -> None:
        """A twin that leaves the history at some row."""
        held = self.held[name]
        at, self.lies = min(at, held), self.lies + 1
        other = [*self.truth[name][:at], *(leaf_hash(b"forged %d %d" % (self.lies, i)) for i in range(more))]
        body = self.note(name, other) + b"".join(other[held:])
        (answer,) = self.center.logs.accept([self.center.body(body, name)])
        if at == held:
            assert answer == len(other)
            self.truth[name] = other
            self.held[name] = len(other)
        else:
            assert isinstance(answer, RootMismatchError)

    @rule(name=names, cut=st.integers(1, 500))
    def truncate(self, name: str, cut: int) -> None:
        leaves = [*self.truth[name], *(leaf_hash(b"cut %d" % i) for i in range(5))]
        body = (self.note(name, leaves) + b"".join(leaves[self.held[name] :]))[:-cut]
        with pytest.raises((BadNoteError, WrongSizeError)):
            self.center.accept(body, name)

    @rule()
    def restart(self) -> None:
        self.center.reopen()

    @rule()
    def seal(self) -> None:
        self.center.seal()

    @invariant()
    def what_is_held_is_what_was_signed(self) -> None:
        for name, held in self.held.items():
            assert self.center.logs.size(name) == held
            assert self.center.logs.root(name) == root_of(self.truth[name][:held])

    @rule()
    def check(self) -> None:
        assert [p for p in self.center.logs.check() if "another history" not in p] == []


TestHostile = Hostile.TestCase
TestHostile.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)
