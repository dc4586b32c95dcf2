"""Minute objects: bytes unchanged, and nothing lost wherever the process dies."""

import asyncio
from pydoc import locate

import pytest
from archive_box import START, Uplink

from aigaq.archive import store
from aigaq.archive.fsck import Fsck, Level
from aigaq.archive.model import StreamKey
from aigaq.archive.rows import segments
from aigaq.archive.store import Database
from aigaq_verify import VerifierKey

BEGIN = START + 40_000
"""Twenty seconds before a minute ends: ten segments are in it."""
KEY = StreamKey("example-001", "desk", "sub")


class Killed(BaseException):
    """The process dies here."""


@pytest.fixture
async def ready(uplink):
    await uplink.init()
    return uplink


def names(center):
    return sorted(name for name, _ in center.archive.blobs.list() if not name.startswith("init/"))


def rows_of(center):
    return center.archive.database.read_now(lambda c: segments(c, KEY, START, START + 600_000))


def check(center):
    """Every byte, read again from disk."""
    key = VerifierKey("center", center.key.public)
    fsck = Fsck(center.archive.folder, center.register.election.id, center.new_setup(), key, Level.HASH)
    return fsck.run(logs=False, progress=lambda done, total: None)


async def test_a_closed_minute_becomes_one_object_with_the_same_bytes(ready, center):
    made = ready.box.segments(BEGIN, 11)
    await ready.send_all(made)
    assert await center.archive.compactor.run() == 0
    center.clock.advance(80)
    assert await center.archive.compactor.run() == 1
    assert await center.archive.compactor.run() == 0
    assert len(names(center)) == 2
    for row, sealed in zip(rows_of(center), made, strict=True):
        assert center.archive.footage.segment(row) == sealed.data
    bundle = next(n for n in names(center) if "/m" in n)
    assert (center.archive.blobs.folder / bundle).read_bytes() == b"".join(s.data for s in made[:10])
    assert check(center).problems == []


async def test_a_minute_with_missing_rows_waits_and_then_goes_without_them(ready, center):
    made = ready.box.segments(BEGIN, 11)
    late = made.pop(7)
    await ready.send_all(made)
    center.clock.advance(100)
    assert await center.archive.compactor.run() == 0
    center.clock.advance(700)
    assert await center.archive.compactor.run() == 1
    await ready.send_all([late])
    assert await center.archive.compactor.run() == 0
    assert len(names(center)) == 3
    found = check(center)
    assert found.problems == []
    assert found.rows == 11


async def test_a_minute_that_is_still_going_on_is_left_alone(ready, center):
    await ready.send_all(ready.box.segments(BEGIN, 9))
    center.clock.advance(70)
    assert await center.archive.compactor.run() == 0
    assert len(names(center)) == 9


async def test_a_damaged_segment_is_never_put_into_a_minute(ready, center, caplog):
    made = ready.box.segments(BEGIN, 11)
    await ready.send_all(made)
    path = center.archive.blobs.folder / made[3].record.object_name
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    center.clock.advance(100)
    assert await center.archive.compactor.run() == 0
    assert "damaged" in caplog.text
    assert len(names(center)) == 11
    assert [p.kind for p in check(center).problems] == ["hash"]


POINTS = {
    "before the object is written": ("aigaq.archive.blobs.Blobs.put_once", "before"),
    "after the object is written": ("aigaq.archive.blobs.Blobs.put_once", "after"),
    "before the rows point at it": ("aigaq.archive.rows.move", "before"),
    "before the transaction ends": ("aigaq.archive.rows.move", "after"),
    "before the singles are removed": ("aigaq.archive.blobs.Blobs.remove", "before"),
    "after the first single is removed": ("aigaq.archive.blobs.Blobs.remove", "one"),
    "before the doomed names are forgotten": ("aigaq.archive.rows.forget_doomed", "before"),
}


@pytest.mark.parametrize("point", POINTS)
async def test_dying_at_any_point_loses_nothing(ready, center, monkeypatch, point):
    made = ready.box.segments(BEGIN, 11)
    await ready.send_all(made)
    center.clock.advance(100)
    target, when = POINTS[point]
    with monkeypatch.context() as patch:
        patch.setattr(target, dying(target, when))
        with pytest.raises(Killed):
            await center.archive.compactor.run()
    assert check(center).problems == []
    await center.archive.compactor.run()
    found = check(center)
    assert (found.problems, found.orphans) == ([], [])
    assert len(names(center)) == 2
    for sealed in made:
        answer = await ready.http.get(f"/media/o/{sealed.record.object_name}")
        assert answer.content == sealed.data


def dying(target, when):
    real = locate(target)

    def die(*args, **kwargs):
        if when == "one":
            owner, doomed = args
            real(owner, list(doomed)[:1])
        elif when == "after":
            real(*args, **kwargs)
        raise Killed

    return die


async def test_reading_while_a_minute_is_compacted(ready, center):
    made = ready.box.segments(BEGIN, 11)
    await ready.send_all(made)
    rows = rows_of(center)
    center.clock.advance(100)
    await center.archive.compactor.run()
    for row, sealed in zip(rows, made, strict=True):
        assert center.archive.footage.segment(row) == sealed.data


async def test_two_streams_of_two_stations(ready, center, make_box):
    other = Uplink(ready.http, await make_box("example-002"))
    await other.init()
    for uplink in (ready, other):
        for stream in ("main", "sub"):
            await asyncio.gather(*(uplink.send(s) for s in uplink.box.segments(BEGIN, 11, "box", stream)))
    center.clock.advance(100)
    assert await center.archive.compactor.run() == 4
    assert check(center).problems == []


def test_writes_of_one_commit_do_not_fail_for_one_another(tmp_path):
    database = Database(tmp_path / "a.sqlite")

    def good(connection):
        connection.execute(store.facts.insert().values(name=str(id(connection)) + str(next(numbers)), value="x"))
        return "good"

    def bad(connection):
        good(connection)
        raise ValueError("not me alone")

    numbers = iter(range(1000))
    jobs = [database.submit(bad if n % 7 == 3 else good) for n in range(50)]
    for n, job in enumerate(jobs):
        if n % 7 == 3:
            with pytest.raises(ValueError, match="not me"):
                job.result(10)
        else:
            assert job.result(10) == "good"
    kept = database.read_now(lambda c: len(c.execute(store.facts.select()).all()))
    assert kept == 50 - len([n for n in range(50) if n % 7 == 3])
    database.close()
