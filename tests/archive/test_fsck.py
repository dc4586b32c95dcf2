"""Whatever is wrong in a stored archive, fsck finds it; whatever is right, it leaves alone."""

import asyncio
import contextlib
import shutil
import sqlite3

import pytest
from archive_box import START, Box, Center, Uplink

from aigaq.archive import store
from aigaq.archive.fsck import Fsck, Level
from aigaq_verify import VerifierKey


@pytest.fixture(scope="module")
def made(tmp_path_factory, reel):
    """The folder of a centre with two minutes of footage, one compacted, with a gap; sealed, and one row more."""
    folder = tmp_path_factory.mktemp("made")

    async def fill():
        center = Center(folder / "center")
        box = Box(center.register.election.id, "example-001", folder / "box", reel)
        async with center.serving() as http:
            await center.enrol(box)
            uplink = Uplink(http, box)
            await uplink.init()
            await uplink.send_all(box.segments(START + 50_000, 7))
            await uplink.send_all([box.gap(START + 64_000, START + 66_000), *box.segments(START + 66_000, 2)])
            await uplink.checkpoint()
            await uplink.send_all([box.segment(START + 70_000)])
            center.clock.advance(100)
            assert await center.archive.compactor.run() == 1

    asyncio.run(fill())
    return folder / "center"


@pytest.fixture
def full(made, tmp_path):
    """A copy of that centre, to be damaged."""
    shutil.copytree(made, tmp_path / "center")
    center = Center(tmp_path / "center")
    yield center
    center.close()


def checked(center, level=Level.HASH, *, logs=True):
    key = VerifierKey("center", center.key.public)
    fsck = Fsck(center.archive.folder, center.election, center.new_setup(), key, level)
    seen = []
    found = fsck.run(logs=logs, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (11, 11)
    return found


def change(center, table, **values):
    center.archive.database.submit(lambda c: c.execute(table.update().values(values))).result()


def a_file(center, *, bundle):
    names = [n for n, _ in center.archive.blobs.list() if n.endswith(".m4s")]
    wanted = [n for n in names if n.rsplit("/", 1)[1].startswith("m") is bundle]
    return center.archive.blobs.folder / wanted[0]


@pytest.mark.parametrize("level", Level)
def test_a_sound_archive_is_sound(full, level):
    found = checked(full, level)
    assert (found.problems, found.orphans, found.rows) == ([], [], 11)
    assert (found.bytes_read > 0) is (level is Level.HASH)


@pytest.mark.parametrize("bundle", [True, False])
def test_a_missing_object(full, bundle):
    a_file(full, bundle=bundle).unlink()
    found = checked(full, Level.PRESENCE)
    assert {p.kind for p in found.problems} == {"missing"}
    assert len(found.problems) == (5 if bundle else 1)


@pytest.mark.parametrize("bundle", [True, False])
def test_an_object_that_grew_or_shrank(full, bundle):
    path = a_file(full, bundle=bundle)
    data = path.read_bytes()
    for other in (data + b"x", data[:-1]):
        path.write_bytes(other)
        assert checked(full, Level.PRESENCE).problems == []
        assert {p.kind for p in checked(full, Level.SIZE).problems} == {"size"}


@pytest.mark.parametrize("bundle", [True, False])
def test_one_changed_bit(full, bundle):
    path = a_file(full, bundle=bundle)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert checked(full, Level.SIZE).problems == []
    assert [p.kind for p in checked(full).problems] == ["hash"]


def test_a_missing_or_changed_init(full):
    path = next((full.archive.blobs.folder / "init").iterdir())
    data = path.read_bytes()
    path.write_bytes(data[:-1] + b"?")
    assert [p.kind for p in checked(full).problems] == ["hash"]
    path.unlink()
    assert {p.kind for p in checked(full, Level.PRESENCE).problems} == {"missing"}


def test_an_object_that_no_row_names_is_a_note(full):
    full.archive.blobs.put_once("example-2027/stray.m4s", b"x")
    found = checked(full)
    assert (found.problems, found.orphans) == ([], ["example-2027/stray.m4s"])


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"end_ms": START}, "record"),
        ({"seq": store.rows.c.seq + 1000}, "record"),
        ({"receipt": b"x"}, "receipt"),
        ({"log_index": store.rows.c.log_index + 1}, "log"),
        ({"record": b"\x80"}, "record"),
        ({"cause": "operator"}, "record"),
    ],
)
def test_a_changed_row(full, values, kind):
    change(full, store.rows, **values)
    assert kind in {p.kind for p in checked(full).problems}


def test_a_row_that_follows_another(full):
    def swap(connection):
        first = connection.execute(store.rows.select().where(store.rows.c.seq == 0)).one()
        connection.execute(store.rows.update().where(store.rows.c.seq == 0).values(leaf=b"0" * 32))
        return first

    full.archive.database.submit(swap).result()
    assert {"record", "chain", "log"} <= {p.kind for p in checked(full).problems}


def kinds(found):
    return {p.kind for p in found.problems}


def test_a_damaged_tile_of_the_national_log(full):
    folder = full.archive.folder / "log" / "national" / "tile" / "entries"
    for tile in [p for p in folder.rglob("*") if p.is_file()]:
        data = bytearray(tile.read_bytes())
        data[10] ^= 1
        tile.write_bytes(data)
    assert checked(full, Level.SIZE).problems == []
    assert kinds(checked(full)) == {"log"}


def test_a_leaf_hash_of_a_station_that_was_changed(full):
    with contextlib.closing(sqlite3.connect(full.archive.folder / "log" / "logs.sqlite")) as database:
        [(hashes,)] = database.execute("SELECT hashes FROM checkpoints").fetchall()
        database.execute("UPDATE checkpoints SET hashes = ?", (bytes([hashes[0] ^ 1]) + hashes[1:],))
        database.commit()
    problems = checked(full).problems
    assert {p.kind for p in problems} == {"log"}
    assert "example-001 #0" in {p.where for p in problems}


def test_a_lost_log_and_one_that_another_signed(full):
    folder = full.archive.folder / "log"
    shutil.move(folder, folder.with_name("away"))
    assert kinds(checked(full, Level.PRESENCE)) == {"log"}
    assert checked(full, logs=False).problems == []
    folder.mkdir()
    assert kinds(checked(full, Level.PRESENCE)) == {"log"}


def test_coverage_that_tells_of_more_than_there_is(full):
    change(full, store.spans, to_ms=store.spans.c.to_ms + 1)
    assert {p.kind for p in checked(full, Level.PRESENCE).problems} == {"coverage"}
