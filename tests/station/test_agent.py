"""The agent at work: cameras of the farm, duty, clock steps, the centre; each trouble a signed gap, nothing lost."""

import asyncio
import contextlib
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
from station_bench import FakeCenter, Rig, settings_for

from aigaq.base import SystemClock, from_ms, utc_ms
from aigaq.capture import StreamHealth, StreamState
from aigaq.capture.farm import load_video
from aigaq.station.agent import StationAgent
from aigaq.station.box import journal_path
from aigaq.station.errors import JournalDamagedError, JournalLockedError
from aigaq.station.journal import JournalReader
from aigaq.station.settings import CameraSection
from aigaq_verify import GapCause, SegmentRecord


class SteppingClock(SystemClock):
    """The machine's clock, set forward or back on demand."""

    def __init__(self) -> None:
        self.offset_ns = 0

    def utc_ns(self) -> int:
        return super().utc_ns() + self.offset_ns


class ScriptedRecorder:
    """Records nothing; says what it is told to the sink."""

    def __init__(self, source, sink, clock, phase) -> None:
        self.sink = sink

    @property
    def health(self) -> StreamHealth:
        return StreamHealth(StreamState.STOPPED, None, 0.0, 0, 0, None, 0.0, "", 0, 0, "")

    async def run(self) -> None:
        await asyncio.Event().wait()


def with_cameras(settings, *sources):
    cameras = tuple(
        CameraSection(id=f"c{i}", zone="ballot_box", main=url, **more) for i, (url, more) in enumerate(sources)
    )
    return settings.model_copy(update={"cameras": cameras})


@contextlib.asynccontextmanager
async def running(settings, clock=None, **more):
    agent = StationAgent(settings, clock or SystemClock(), **more)
    task = asyncio.create_task(agent.run())
    try:
        yield agent
    finally:
        agent.stop()
        await task


async def until(true, seconds=30):
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.05)


def recorded(agent) -> bool:
    return any(s["state"] == "recording" for s in agent.status.get("streams", []))


def story(settings, camera="c0") -> list[str]:
    """Causes and segments of one camera, as a fresh reader of the folder finds them."""
    rig = Rig(settings, SystemClock())
    assert rig.check() == []
    records = rig.records(camera)
    rig.kill()
    return [
        "segment" if isinstance(r, SegmentRecord) else f"{r.cause}{'' if r.to_ms is None else ' closed'}"
        for r in records
    ]


async def test_record_seal_send_and_take_leave(tmp_path, farm, small_video):
    farm.add("cam", load_video(small_video))
    settings = with_cameras(settings_for(tmp_path), (farm.url("cam"), {"sub": farm.url("cam")}))
    async with FakeCenter(tmp_path / "center", settings) as center:
        section = {"url": center.url, "vkey": center.vkey}
        settings = type(settings).model_validate({**settings.model_dump(), "center": section})
        center.watched = "c0/sub"
        async with running(settings) as agent:
            await until(lambda: len(center.segments) >= 2 and center.parts and center.health and recorded(agent))
        rig = Rig(settings, SystemClock())
        gaps = {row.encoded for row in rig.rows() if not isinstance(row.record, SegmentRecord)}
        assert gaps <= center.gaps
        assert center.log.size == len(rig.rows())
        rig.kill()
    assert center.health[-1]["station"] == "s1"
    assert {path.split("/")[1] for path, _ in center.parts} == {"c0"}
    kinds = story(settings)
    assert kinds[:2] == ["no_connect", "no_connect closed"]
    assert kinds[-1] == "operator"


async def test_cameras_in_trouble_are_signed_gaps_and_alarms(tmp_path, farm, small_video):
    video = load_video(small_video)
    farm.add("good", video)
    farm.add("locked", video, username="u", password="right")
    settings = with_cameras(
        settings_for(tmp_path),
        (farm.url("good"), {}),
        (farm.url("locked"), {"username": "u", "password": "wrong"}),
        ("rtsp://127.0.0.1:9/nobody", {}),
    )
    async with running(settings) as agent:
        await until(lambda: recorded(agent))
        down = {a["where"] for a in agent.status["alarms"] if a["code"] == "station.stream_down"}
        errors = {s["camera"]: s["last_error"] for s in agent.status["streams"]}
    assert down == {"c1/main", "c2/main"}
    assert errors == {"c0": "", "c1": "capture.unauthorized", "c2": "capture.unreachable"}
    assert "segment" in story(settings, "c0")
    for camera in ("c1", "c2"):
        assert story(settings, camera) == ["no_connect", "no_connect closed", "operator"]


async def test_the_clock_is_set_back_while_recording(tmp_path, farm, small_video):
    farm.add("cam", load_video(small_video))
    settings, clock = with_cameras(settings_for(tmp_path), (farm.url("cam"), {})), SteppingClock()
    async with running(settings, clock) as agent:
        await until(lambda: recorded(agent))
        before = utc_ms(clock)
        clock.offset_ns = -3_600_000_000_000
        await asyncio.sleep(4)
    rig = Rig(settings, clock)
    records = rig.records()
    (step,) = [r for r in records if getattr(r, "cause", None) is GapCause.CLOCK_STEP and r.to_ms is not None]
    assert abs(step.from_ms - before) < 10_000
    assert abs(step.from_ms - step.to_ms - 3_600_000) < 10_000
    assert any(isinstance(r, SegmentRecord) and r.start_ms == step.to_ms for r in records)
    rig.box.writer.seal()
    assert rig.check() == []


async def test_duty_begins_and_ends_to_the_millisecond(tmp_path):
    now = datetime.now(UTC)  # noqa: TID251 - a duty window around the test itself
    start, end = now + timedelta(seconds=0.5), now + timedelta(seconds=1.5)
    settings = settings_for(tmp_path, sub=False, duty={"start": start, "end": end})
    async with running(settings, recorder=ScriptedRecorder) as agent:
        await until(lambda: agent.status)
        assert agent.status["duty"] == "before"
        await asyncio.sleep(2)
    rig = Rig(settings, SystemClock())
    first, closed, off = rig.records()
    assert (first.from_ms, first.cause) == (round(start.timestamp() * 1000), GapCause.NO_CONNECT)
    assert (closed.to_ms, off.from_ms, off.to_ms) == (round(end.timestamp() * 1000),) * 2 + (None,)
    assert off.cause is GapCause.OFF_DUTY


async def test_an_agent_that_starts_late_signs_what_it_missed(tmp_path):
    start = from_ms(utc_ms(SystemClock()) - 3_600_000)
    settings = settings_for(tmp_path, sub=False, duty={"start": start})
    async with running(settings, recorder=ScriptedRecorder) as agent:
        await until(lambda: agent.status)
        await until(lambda: agent.status["duty"] == "on")
    kinds = story(settings)
    assert kinds[:3] == ["restart", "restart closed", "no_connect"]
    assert kinds[-1] == "operator"


async def test_an_agent_after_duty_signs_the_whole_of_it(tmp_path):
    now = utc_ms(SystemClock())
    duty = {"start": from_ms(now - 7_200_000), "end": from_ms(now - 3_600_000)}
    settings = settings_for(tmp_path, sub=False, duty=duty)
    for _ in range(2):
        async with running(settings, recorder=ScriptedRecorder) as agent:
            await until(lambda: agent.status)
            await asyncio.sleep(0.2)
    rig = Rig(settings, SystemClock())
    assert rig.records()[-1].from_ms == now - 3_600_000
    rig.kill()
    assert story(settings)[-1] == "off_duty"


async def test_stop_and_start_again_is_one_unbroken_account(tmp_path):
    settings = settings_for(tmp_path, sub=False)
    for _ in range(3):
        async with running(settings, recorder=ScriptedRecorder) as agent:
            await until(lambda: agent.status)
    assert story(settings) == ["no_connect", "no_connect closed", "operator"]


async def test_a_second_agent_in_the_same_process(tmp_path):
    settings = settings_for(tmp_path)
    async with running(settings, recorder=ScriptedRecorder) as agent:
        await until(lambda: agent.status)
        with pytest.raises(JournalLockedError):
            await StationAgent(settings, SystemClock()).run()


async def test_a_recorder_that_breaks_ends_the_agent_with_its_error(tmp_path):
    class Broken(ScriptedRecorder):
        async def run(self) -> None:
            raise RuntimeError("a bug")

    settings = settings_for(tmp_path, sub=False)
    with pytest.raises(ExceptionGroup, match="unhandled errors"):
        await StationAgent(settings, SystemClock(), recorder=Broken).run()
    assert story(settings)[-1] == "operator"


async def test_a_journal_that_breaks_while_recording_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("aigaq.station.lanes.RETRY_MAX_S", 0.05)
    monkeypatch.setattr("aigaq.station.lanes.RETRY_MIN_S", 0.05)
    settings = settings_for(tmp_path, sub=False)
    async with FakeCenter(tmp_path / "center", settings) as center:
        section = {"url": center.url, "vkey": center.vkey}
        settings = type(settings).model_validate({**settings.model_dump(), "center": section})
        agent = StationAgent(settings, SystemClock(), recorder=ScriptedRecorder)
        task = asyncio.create_task(agent.run())
        await until(lambda: center.keys)
        center.mood.always = "503 trouble"
        reader = JournalReader(journal_path(settings.station.data))
        await until(reader.size)
        reader.close()
        with sqlite3.connect(journal_path(settings.station.data)) as db:
            db.execute("UPDATE rows SET record = x'00', state = 0")
        db.close()
        with pytest.raises(JournalDamagedError):
            await task


async def test_cancelling_the_agent_leaves_in_order_too(tmp_path):
    settings = settings_for(tmp_path, sub=False)
    agent = StationAgent(settings, SystemClock(), recorder=ScriptedRecorder)
    task = asyncio.create_task(agent.run())
    await until(lambda: agent.status)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert story(settings)[-1] == "operator"
