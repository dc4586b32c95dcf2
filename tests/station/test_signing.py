"""Session keys: a new one each UTC day without a gap, the centre told first, days offline, no enrolment yet."""

import asyncio
import contextlib
import random

import httpx2
import pytest
from station_bench import T0, FakeCenter, Rig, enrolment_of, settings_for

from aigaq.base import SystemClock
from aigaq.ledger import parse_vkey
from aigaq.ledger.enrolment import IdentityKey
from aigaq.station.alarms import Alarms
from aigaq.station.center import Center
from aigaq.station.errors import JournalForeignError
from aigaq.station.follow import KeyKeeper
from aigaq.station.introduction import Introduction
from aigaq.station.lanes import Lanes, TokenBucket
from aigaq.station.signing import StationKeys
from aigaq.station.upload import Uploader

HOUR = 3_600
DAY = 24 * HOUR


class Post:
    """The way to the centre with a writer that works in the test's own thread, and time by hand for the keys."""

    def __init__(self, rig: Rig, center: FakeCenter, http: httpx2.AsyncClient) -> None:
        real = SystemClock()
        self.rig, self.clock, self.alarms = rig, rig.clock, Alarms(real)
        self.center = Center(center.url, "s1", rig.box.session.key, http)
        self.introduction = Introduction(self.center, rig.box.session, real, self.alarms)
        writer, lanes = rig.box.writer, Lanes(rig.box.reader, TokenBucket(None), random.random)
        self.uploader = Uploader(
            self.center, parse_vkey(center.vkey), lanes, rig.box.reader, rig.box.spool, writer, real, self.alarms
        )
        self.keeper = KeyKeeper(
            rig.box.keys, rig.box.session, writer, rig.clock, self.alarms, self.introduction.introduce
        )

    @property
    def codes(self) -> set[str]:
        return {alarm.explanation.code for alarm in self.alarms}

    def drain(self) -> None:
        """Do what waits in the writer's queue."""
        writer = self.rig.box.writer
        while not writer._queue.empty():
            work, size = writer._queue.get()
            if work:
                work()
                writer._done += size
        writer.commit()

    async def until(self, true) -> None:
        async with asyncio.timeout(30):
            while not true():
                self.drain()
                self.uploader.wake()
                self.uploader.wake_log()
                await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def posting(rig, center):
    async with httpx2.AsyncClient(timeout=5) as http:
        post = Post(rig, center, http)
        tasks = [asyncio.create_task(part.run()) for part in (post.introduction, post.uploader)]
        try:
            yield post
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
def rig(tmp_path, clock, quick_disk):
    return Rig(settings_for(tmp_path, sub=False), clock)


@pytest.fixture
async def center(rig, tmp_path):
    async with FakeCenter(tmp_path / "center", rig.settings) as running:
        yield running


def record(rig, n: int) -> None:
    rig.segment(T0 + 2000 * n)
    rig.box.writer.seal()


async def test_a_new_day_a_new_key_and_the_centre_knows_it_first(rig, center):
    record(rig, 0)
    async with posting(rig, center) as post:
        await post.until(lambda: center.log.size == 1)
        first = post.center.key.public
        post.clock.advance(DAY)
        await post.keeper.look()
        assert not post.center.introduced.is_set()
        assert post.center.key.public == first
        post.drain()
        record(rig, 1)
        await post.until(lambda: center.log.size == 2)
        assert post.center.key.public != first
        assert [key.public for key in center.keys] == [first, post.center.key.public]
        assert post.codes == set()
    leaf, gap_or_row = center.order.index("leaf 3"), center.order.index(f"main {T0}")
    assert leaf < gap_or_row
    assert rig.check() == []


async def test_the_last_checkpoint_of_yesterday_is_read_after_a_restart(rig):
    record(rig, 0)
    rig.kill()
    rig.clock.advance(DAY)
    rig.start()
    record(rig, 1)
    assert rig.check() == []
    assert len(rig.box.keys.all()) == 2


async def test_days_without_an_uplink(rig, center):
    """Checkpoints by keys that have expired since are signed again; nothing is lost, and one history is sent."""
    keeper = KeyKeeper(rig.box.keys, rig.box.session, rig.box.writer, rig.clock, Alarms(rig.clock), lambda _: None)
    for day in range(4):
        record(rig, day)
        rig.clock.advance(DAY)
        await keeper.look()
        rig.box.writer._queue.get()[0]()
    async with posting(rig, center) as post:
        post.introduction.introduce(keeper.session)
        await post.until(lambda: center.log.size == len(rig.rows()))
        assert len(center.keys) <= 2
        assert center.leaves == {row.leaf for row in rig.rows()}
        assert "station.center_refused" not in post.codes
    assert rig.check() == []


async def test_a_box_without_enrolment_records_and_waits(rig, center):
    path = rig.settings.station.data / "enrolment.cbor"
    enrolment = path.read_bytes()
    rig.kill()
    path.unlink()
    rig.start()
    record(rig, 0)
    async with posting(rig, center) as post:
        await post.until(lambda: "station.not_enrolled" in post.codes)
        assert center.order == []
        path.write_bytes(enrolment)
        await post.keeper.look()
        await post.until(lambda: center.log.size == len(rig.rows()))
        assert post.codes == set()


@pytest.mark.parametrize("data", [b"", b"no leaf", b"\x80", b"x" * 100_000])
async def test_a_file_that_is_no_enrolment(rig, center, data):
    rig.kill()
    (rig.settings.station.data / "enrolment.cbor").write_bytes(data)
    rig.start()
    assert rig.box.session.problem is not None
    assert rig.box.session.delegation is None
    async with posting(rig, center) as post:
        await post.until(lambda: "station.not_enrolled" in post.codes)
    assert center.order == []


async def test_anothers_enrolment(rig, tmp_path):
    other = IdentityKey.create(tmp_path / "other.key")
    path = rig.settings.station.data / "enrolment.cbor"
    for leaf in (enrolment_of(other.point), enrolment_of(rig.box.keys.identity.point, station="s2")):
        path.write_bytes(leaf)
        session = rig.box.keys.session(T0)
        assert session.problem is not None
        assert (session.delegation, session.enrolment) == (None, None)


async def test_a_centre_that_forgot_us_is_told_again(rig, center):
    record(rig, 0)
    async with posting(rig, center) as post:
        await post.until(lambda: center.log.size == 1)
        center.keys.clear()
        center.enrolment = None
        record(rig, 1)
        await post.until(lambda: "station.not_enrolled" in post.codes or center.keys)
        await post.until(lambda: center.log.size == 2)
    assert rig.check() == []


async def test_a_centre_that_refuses_the_delegation(rig, center):
    center.mood.spared = ()
    center.mood.always = "422 enrol.revoked"
    record(rig, 0)
    async with posting(rig, center) as post:
        await post.until(lambda: "station.not_enrolled" in post.codes)
    assert center.leaves == set()


async def test_the_end_of_the_enrolment_is_announced(rig):
    alarms = Alarms(rig.clock)
    path = rig.settings.station.data / "enrolment.cbor"
    keeper = KeyKeeper(rig.box.keys, rig.box.session, rig.box.writer, rig.clock, alarms, lambda _: None)
    path.write_bytes(enrolment_of(rig.box.keys.identity.point, until_ms=T0 + 2 * DAY * 1000))
    await keeper.look()
    assert list(alarms) == []
    rig.clock.advance(DAY + HOUR)
    await keeper.look()
    assert [(a.explanation.code, "23" in a.explanation.why) for a in alarms] == [("station.enrolment_ends", True)]
    path.write_bytes(enrolment_of(rig.box.keys.identity.point, until_ms=T0 + 9 * DAY * 1000))
    await keeper.look()
    assert list(alarms) == []


async def test_a_disk_that_refuses_the_new_key_leaves_the_old_one(rig, monkeypatch):
    alarms = Alarms(rig.clock)
    keeper = KeyKeeper(rig.box.keys, rig.box.session, rig.box.writer, rig.clock, alarms, lambda _: None)
    folder = rig.settings.station.data / "session"
    before = keeper.session.key.public
    day = next(folder.glob("????????.key"))
    rig.clock.advance(DAY)
    (folder / f"{int(day.stem) + 1}.key").write_text("not a key")
    await keeper.look()
    assert {a.explanation.code for a in alarms} == {"ledger.key_file"}
    assert keeper.session.key.public == before
    (folder / f"{int(day.stem) + 1}.key").unlink()
    await keeper.look()
    assert list(alarms) == []
    assert keeper.session.key.public != before


def test_another_identity_on_the_same_folder(rig, clock):
    rig.kill()
    rig.settings.identity_file.unlink()
    IdentityKey.create(rig.settings.identity_file)
    with pytest.raises(JournalForeignError):
        rig.start()


def test_the_session_ends_with_its_day_and_half(rig):
    keys = StationKeys(rig.settings)
    session = keys.session(T0)
    midnight = T0 - T0 % (DAY * 1000)
    assert session.key_until_ms == midnight + 36 * HOUR * 1000
    assert session.enrolled_until_ms == 2 * T0
    assert keys.session(T0 + 1).key is session.key
