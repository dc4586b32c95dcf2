"""fsck finds every kind of damage, and nothing where there is none."""

import sqlite3

import pytest
from station_bench import T0, Rig, settings_for

from aigaq.station.box import journal_path, log_path
from aigaq.station.fsck import Fsck, Level
from aigaq.station.journal import DELIVERED
from aigaq_verify import GapCause


@pytest.fixture
def rig(tmp_path, clock, quick_disk):
    made = Rig(settings_for(tmp_path), clock)
    for n in range(3):
        made.segment(T0 + 2000 * n)
    made.stream().stopped(T0 + 7000, GapCause.NO_RTP, "silence")
    made.box.writer.seal()
    return made


def kinds(rig, level=Level.HASH) -> set[str]:
    return {problem.kind for problem in Fsck(rig.settings, level).problems()}


def change(rig, statement, *values):
    with sqlite3.connect(journal_path(rig.settings.station.data)) as db:
        db.execute(statement, values)
    db.close()


def first_file(rig):
    return rig.box.spool.path_of(rig.records()[0])


def test_a_sound_folder(rig):
    assert [kinds(rig, level) for level in Level] == [set(), set(), set()]


def test_a_flipped_bit_shows_at_level_hash(rig):
    path = first_file(rig)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert [kinds(rig, level) for level in Level] == [set(), set(), {"file"}]


def test_a_short_file_shows_at_level_size(rig):
    path = first_file(rig)
    path.write_bytes(path.read_bytes()[:-1])
    assert [kinds(rig, level) for level in Level] == [set(), {"file"}, {"file"}]


def test_a_missing_file_shows_at_every_level(rig):
    first_file(rig).unlink()
    assert [kinds(rig, level) for level in Level] == [{"file"}] * 3


def test_a_file_that_no_row_knows(rig):
    path = first_file(rig)
    path.with_name(f"{T0}-7-{'ab' * 8}.m4s").write_bytes(b"x")
    path.with_name("readme.m4s").write_bytes(b"x")
    assert kinds(rig) == {"stray"}


def test_a_damaged_init(rig):
    (init,) = rig.box.spool.inits.iterdir()
    init.write_bytes(b"other")
    assert kinds(rig) == {"init"}
    init.unlink()
    assert kinds(rig, Level.PRESENCE) == {"init"}


def test_a_changed_record(rig):
    record = rig.rows()[1].encoded
    change(rig, "UPDATE rows SET record = ? WHERE id = 2", record[:-1] + bytes([record[-1] ^ 1]))
    assert "row" in kinds(rig)


def test_a_changed_leaf(rig):
    change(rig, "UPDATE rows SET leaf = zeroblob(32) WHERE id = 2")
    assert kinds(rig) >= {"row", "log", "chain"}


def test_a_removed_row(rig):
    change(rig, "DELETE FROM rows WHERE id = 2")
    assert kinds(rig) >= {"row", "chain", "tiling"}


def test_a_journal_set_back(rig):
    change(rig, "DELETE FROM rows WHERE id = 4")
    assert kinds(rig) == {"log"}


def test_a_changed_detail(rig):
    change(rig, "UPDATE rows SET detail = 'all was well' WHERE kind = 4")
    assert kinds(rig) == {"row"}


def test_a_false_receipt(rig):
    rig.settings = settings_for(
        rig.settings.station.data.parent,
        center={"url": "http://x", "vkey": rig.box.session.key.vkey("center")},
    )  # fmt: skip
    change(rig, "UPDATE rows SET state = ?, answer = ? WHERE id = 1", DELIVERED, b"nonsense")
    assert kinds(rig) == {"receipt"}


def test_damaged_tiles(rig):
    (tile,) = (log_path(rig.settings.station.data) / "tile" / "0").rglob("4")
    tile.write_bytes(bytes(128))
    assert kinds(rig) == {"log"}


def test_a_lost_checkpoint_is_not_made_anew(rig):
    path = log_path(rig.settings.station.data) / "checkpoint"
    path.unlink()
    assert kinds(rig) == {"log"}
    assert not path.exists()


def test_another_key(rig):
    other = settings_for(rig.settings.station.data.parent / "other")
    section = rig.settings.station.model_copy(update={"identity": other.identity_file})
    rig.settings = rig.settings.model_copy(update={"station": section})
    assert kinds(rig) == {"identity"}


def test_no_journal(tmp_path):
    assert {p.kind for p in Fsck(settings_for(tmp_path), Level.HASH).problems()} == {"journal"}
