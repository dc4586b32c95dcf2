"""The station log: laid out as C2SP says, the same after any crash, and never two histories."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aigaq.ledger import ForkError, LogDamagedError, SigningKey, StationLog, parse_vkey
from aigaq.ledger.merkle import consistency_proof, root_of, verify_consistency
from aigaq.ledger.tiles import tile_path
from aigaq_verify import Checkpoint, leaf_hash, verify_inclusion

batches = st.lists(st.integers(0, 600), min_size=1, max_size=6)


def rows(start: int, end: int) -> list[bytes]:
    """What a journal would give: the record with that index, always the same."""
    return [b"record %d" % i for i in range(start, end)]


def root_at(size: int) -> bytes:
    return root_of(map(leaf_hash, rows(0, size)))


def checkpoint_of(box, note: bytes) -> Checkpoint:
    return Checkpoint.open(note, [parse_vkey(box.KEY.vkey(box.ORIGIN))])[0]


def everything(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@settings(max_examples=25)
@given(sizes=batches, reopen=st.booleans())
def test_any_batches_give_the_root_of_the_whole(box, tmp_path_factory, sizes, reopen):
    folder = tmp_path_factory.mktemp("log")
    log = StationLog.open(folder, box.ORIGIN, box.KEY)
    for count in sizes:
        before = log.size
        assert log.append(rows(before, before + count)) == range(before, before + count)
        checkpoint = checkpoint_of(box, log.checkpoint())
        assert (checkpoint.size, checkpoint.root) == (before + count, root_at(before + count))
        log = StationLog.open(folder, box.ORIGIN, box.KEY) if reopen else log
    assert list(log.check()) == []
    assert log.leaf_hashes(0, log.size) == [leaf_hash(row) for row in rows(0, log.size)]


def test_the_layout_is_that_of_the_specification(box, tmp_path):
    """The example of tlog-tiles: 70,000 entries are 273 full tiles and partial ones of 112, 17 and 1."""
    log = StationLog.open(tmp_path, box.ORIGIN, box.KEY)
    log.append([b""] * 70_000)
    log.checkpoint()
    names = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    expected = {"checkpoint", "tile/2/000.p/1", "tile/1/001.p/17", "tile/1/000"}
    for kind in ("0", "entries"):
        expected |= {f"tile/{kind}/{i:03}" for i in range(273)} | {f"tile/{kind}/273.p/112"}
    assert names == expected
    assert (tmp_path / "tile/0/000").stat().st_size == 8192


def test_names_of_tiles():
    assert tile_path(0, 1234067) == "tile/0/x001/x234/067"
    assert tile_path("entries", 5, 7) == "tile/entries/005.p/7"
    assert tile_path(2, 1000) == "tile/2/x001/000"


def test_partial_tiles_stay_until_they_are_full(box, tmp_path):
    log = StationLog.open(tmp_path, box.ORIGIN, box.KEY)
    for count in (1, 99, 155):
        log.append(rows(log.size, log.size + count))
        log.checkpoint()
    assert sorted(p.name for p in (tmp_path / "tile/0/000.p").iterdir()) == ["1", "100", "255"]
    log.append(rows(255, 256))
    log.checkpoint()
    assert not (tmp_path / "tile/0/000.p").exists()
    assert not (tmp_path / "tile/entries/000.p").exists()
    assert (tmp_path / "tile/1/000.p/1").read_bytes() == root_at(256)


def test_proofs_from_tiles(box, tmp_path):
    log = StationLog.open(tmp_path, box.ORIGIN, box.KEY)
    log.append(rows(0, 700))
    log.checkpoint()
    for size in (1, 2, 255, 256, 257, 513, 700):
        for index in {0, size // 3, size // 2, size - 1}:
            proof = log.inclusion_proof(index, size)
            assert verify_inclusion(leaf_hash(rows(index, index + 1)[0]), index, size, proof, root_at(size))
    log.append(rows(700, 701))
    with pytest.raises(IndexError):
        log.inclusion_proof(0, 701)
    for start, end in ((-1, 2), (2, 1), (0, 701)):
        with pytest.raises(IndexError):
            log.leaf_hashes(start, end)


def test_nothing_appended_signs_nothing_new(box, tmp_path):
    log = StationLog.open(tmp_path, box.ORIGIN, box.KEY)
    log.append(rows(0, 3))
    note = log.checkpoint()
    before = everything(tmp_path)
    assert log.checkpoint() == note
    assert everything(tmp_path) == before


def test_an_entry_that_does_not_fit_a_bundle_is_refused(box, tmp_path):
    log = StationLog.open(tmp_path, box.ORIGIN, box.KEY)
    with pytest.raises(ValueError, match="65535"):
        log.append([bytes(65_536)])
    log.append([bytes(65_535)])
    log.checkpoint()
    assert list(log.check()) == []


@settings(max_examples=50)
@given(
    before=st.integers(0, 530),
    added=st.integers(1, 530),
    step=st.integers(0, 40),
    lost=st.randoms(use_true_random=False),
)
def test_after_a_power_failure_the_journal_is_replayed_to_the_same_log(
    box, tmp_path_factory, before, added, step, lost
):
    """Power fails at any write, names that were not synced are lost or kept at random, and the log goes on."""
    folder = tmp_path_factory.mktemp("log")
    log = StationLog.open(folder, box.ORIGIN, box.KEY)
    log.append(rows(0, before))
    first = checkpoint_of(box, log.checkpoint())
    log.append(rows(before, before + added))
    try:
        with box.power_failing_at(step) as unsynced:
            log.checkpoint()
    except box.PowerFailure:
        for path in unsynced:
            if path.name != "checkpoint" and lost.random() < 0.5:
                path.unlink()
        for draft in folder.rglob("*.tmp"):
            draft.write_bytes(draft.read_bytes()[: lost.randrange(100)])

    again = StationLog.open(folder, box.ORIGIN, box.KEY)
    assert again.size in {before, before + added}
    again.append(rows(again.size, before + added + 5))
    last = checkpoint_of(box, again.checkpoint())
    assert (last.size, last.root) == (before + added + 5, root_at(before + added + 5))
    assert list(again.check()) == []
    assert verify_consistency(first.size, first.root, last.size, last.root, proof_between(again, first.size, last.size))


def proof_between(log: StationLog, old: int, new: int) -> list[bytes]:
    return consistency_proof(old, new, log._tiles.node)


@pytest.mark.parametrize("step", range(12))
def test_a_disk_that_refuses_leaves_the_log_as_it_was(box, tmp_path, step):
    log = StationLog.open(tmp_path, box.ORIGIN, box.KEY)
    log.append(rows(0, 300))
    log.checkpoint()
    log.append(rows(300, 600))
    try:
        with box.power_failing_at(step, lambda: OSError(28, "No space left on device")):
            log.checkpoint()
    except OSError:
        log = StationLog.open(tmp_path, box.ORIGIN, box.KEY)
    log.append(rows(log.size, 601))
    assert checkpoint_of(box, log.checkpoint()).root == root_at(601)
    assert list(log.check()) == []


def test_a_killed_process_loses_nothing_signed(box, tmp_path):
    """SIGKILL of a real process that appends as fast as it can, several times over."""
    program = (
        "import sys; from pathlib import Path\n"
        "from aigaq.ledger import SigningKey, StationLog\n"
        "folder = Path(sys.argv[1])\n"
        f"log = StationLog.open(folder / 'log', {box.ORIGIN!r}, SigningKey.load(folder / 'key'))\n"
        "while True:\n"
        "    log.append([b'record %d' % i for i in range(log.size, log.size + 37)])\n"
        "    log.checkpoint()\n"
        "    print(log.size, flush=True)\n"
    )
    key = SigningKey.create(tmp_path / "key")
    promised = 0
    for lines in (1, 3, 9):
        process = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(lines):
            promised = int(process.stdout.readline())
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        log = StationLog.open(tmp_path / "log", box.ORIGIN, key)
        assert log.size >= promised
        assert list(log.check()) == []
        assert log._tiles.root() == root_at(log.size)


def test_a_second_program_cannot_fork_the_log(box, tmp_path):
    one = StationLog.open(tmp_path, box.ORIGIN, box.KEY)
    two = StationLog.open(tmp_path, box.ORIGIN, box.KEY)
    one.append(rows(0, 5))
    one.checkpoint()
    before = everything(tmp_path)
    two.append([b"another history"])
    with pytest.raises(ForkError, match="another program"):
        two.checkpoint()
    with pytest.raises(ForkError):
        two.checkpoint()
    assert everything(tmp_path) == before


def test_a_folder_that_was_put_back_is_noticed_by_who_still_runs(box, tmp_path):
    log = StationLog.open(tmp_path, box.ORIGIN, box.KEY)
    old = (tmp_path / "checkpoint").read_bytes()
    log.append(rows(0, 5))
    log.checkpoint()
    (tmp_path / "checkpoint").write_bytes(old)
    log.append(rows(5, 6))
    with pytest.raises(ForkError, match="put back"):
        log.checkpoint()


def test_damage_is_refused_before_anything_is_signed(box, tmp_path):
    log = StationLog.open(tmp_path, box.ORIGIN, box.KEY)
    log.append(rows(0, 600))
    log.checkpoint()
    whole = everything(tmp_path)

    def refused(name: str, data: bytes | None, reason: str) -> None:
        path = tmp_path / name
        path.unlink() if data is None else path.write_bytes(data)
        with pytest.raises(LogDamagedError, match=reason):
            StationLog.open(tmp_path, box.ORIGIN, box.KEY)
        path.write_bytes(whole[name])

    edge = "tile/0/002.p/88"
    refused(edge, None, "missing or cut off")
    refused(edge, whole[edge][:-1], "missing or cut off")
    refused(edge, bytes(len(whole[edge])), "root")
    refused("tile/1/000.p/2", None, "missing")
    refused("checkpoint", None, "no checkpoint")
    refused("checkpoint", b"", "not by this key")
    refused("checkpoint", whole["checkpoint"].replace(b"\n600\n", b"\n599\n"), "not by this key")
    with pytest.raises(LogDamagedError, match="not by this key"):
        StationLog.open(tmp_path, box.ORIGIN + "x", box.KEY)
    assert StationLog.open(tmp_path, box.ORIGIN, box.KEY).size == 600


def test_tiles_are_rebuilt_from_the_journal_alone(box, tmp_path):
    log = StationLog.open(tmp_path, box.ORIGIN, box.KEY)
    log.append(rows(0, 600))
    log.checkpoint()
    whole = everything(tmp_path)
    (tmp_path / "tile/1/000.p/2").unlink()
    (tmp_path / "tile/entries/000").write_bytes(b"rubbish")
    with pytest.raises(LogDamagedError, match="rows of the journal"):
        StationLog.rebuild(tmp_path, box.ORIGIN, box.KEY, rows(0, 599))
    rebuilt = StationLog.rebuild(tmp_path, box.ORIGIN, box.KEY, iter(rows(0, 700)))
    assert everything(tmp_path) == whole
    rebuilt.append(rows(600, 700))
    assert checkpoint_of(box, rebuilt.checkpoint()).root == root_at(700)
    (tmp_path / "checkpoint").unlink()
    with pytest.raises(LogDamagedError, match="no checkpoint"):
        StationLog.rebuild(tmp_path, box.ORIGIN, box.KEY, rows(0, 700))


@pytest.mark.parametrize("name", ["tile/0/000", "tile/0/002.p/88", "tile/1/000.p/2", "tile/entries/001"])
def test_check_names_a_flipped_bit(box, tmp_path, name):
    log = StationLog.open(tmp_path, box.ORIGIN, box.KEY)
    log.append(rows(0, 600))
    log.checkpoint()
    path = tmp_path / name
    data = bytearray(path.read_bytes())
    data[40] ^= 1
    path.write_bytes(data)
    assert list(log.check())
