"""The way to the centre over real HTTP: what is delivered is proven, what fails is sent again, nothing is lost."""

import asyncio
import contextlib
import random
import threading

import httpx2
import pytest
from station_bench import T0, FakeCenter, HeldLog, Rig, make_part, settings_for

from aigaq.base import SystemClock
from aigaq.ledger import parse_vkey
from aigaq.station import lanes as lanes_module
from aigaq.station import upload as upload_module
from aigaq.station.alarms import Alarms
from aigaq.station.center import Center, Refused, refusal_of
from aigaq.station.introduction import Introduction
from aigaq.station.journal import DELIVERED, REFUSED
from aigaq.station.lanes import Lanes, TokenBucket
from aigaq.station.live import MAX_QUEUED, LivePush
from aigaq.station.stream import StreamName
from aigaq.station.upload import Uploader
from aigaq_verify import GapCause


@pytest.fixture
def rig(tmp_path, clock, quick_disk, monkeypatch):
    monkeypatch.setattr(lanes_module, "RETRY_MIN_S", 0.01)
    monkeypatch.setattr(lanes_module, "RETRY_MAX_S", 0.05)
    monkeypatch.setattr(lanes_module, "HOLD_S", 0.05)
    monkeypatch.setattr(upload_module, "IDLE_S", 0.1)
    monkeypatch.setattr(upload_module, "ANSWERS_S", 0.01)
    made = Rig(settings_for(tmp_path), clock)
    for stream in ("main", "sub"):
        made.stream("c0", stream).stopped(T0, GapCause.NO_CONNECT, "")
        for n in range(4):
            made.segment(T0 + 100 + 2000 * n, stream=made.stream("c0", stream))
    made.box.writer.seal()
    return made


@pytest.fixture
async def center(rig, tmp_path):
    async with FakeCenter(tmp_path / "center", rig.settings) as running:
        yield running


class Sending:
    """An uploader at work, with its writer's thread."""

    def __init__(self, rig: Rig, url: str, vkey: str, http: httpx2.AsyncClient) -> None:
        clock = SystemClock()
        self.rig, self.alarms = rig, Alarms(clock)
        self.center = Center(url, "s1", rig.box.session.key, http)
        self.introduction = Introduction(self.center, rig.box.session, clock, self.alarms)
        lanes = Lanes(rig.box.reader, TokenBucket(None), random.random)
        self.uploader = Uploader(
            self.center, parse_vkey(vkey), lanes, rig.box.reader, rig.box.spool, rig.box.writer, clock, self.alarms
        )  # fmt: skip

    @property
    def codes(self) -> set[str]:
        return {alarm.explanation.code for alarm in self.alarms}

    async def until(self, true, seconds: float = 40) -> None:
        async with asyncio.timeout(seconds):
            while not true():
                await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def sending(rig, url, vkey):
    thread = threading.Thread(target=rig.box.writer.run, daemon=True)
    thread.start()
    async with httpx2.AsyncClient(timeout=5) as http:
        at_work = Sending(rig, url, vkey, http)
        tasks = [asyncio.create_task(part.run()) for part in (at_work.introduction, at_work.uploader)]
        try:
            yield at_work
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            rig.box.writer.close()
            thread.join()


def waiting(rig) -> int:
    return sum(row.state == 0 for row in rig.box.reader.rows(0, 10**6))


def leaves(rig) -> set[bytes]:
    return {row.leaf for row in rig.box.reader.rows(0, 10**6)}


async def test_everything_arrives_once_with_proof(rig, center):
    async with sending(rig, center.url, center.vkey) as at_work:
        await at_work.until(lambda: not waiting(rig) and center.log.size == len(rig.rows()))
    assert center.leaves == leaves(rig)
    assert center.order[:2] == ["leaf 2", "leaf 3"]
    assert len(center.order) == 2 + len(rig.rows())
    assert all(row.state == DELIVERED for row in rig.rows())
    assert rig.check() == []
    assert at_work.codes == set()
    subs = [line for line in center.order if line.startswith("sub")]
    assert len(subs) == 4


MOODS = ["garbage", "slow", "500", "503 archive.busy", "429 x", "422 archive.hash_mismatch", "400 archive.truncated",
         "428 archive.init_unknown", "bad_receipt", "other_receipt"]  # fmt: skip


async def test_a_centre_of_many_moods(rig, center):
    rng = random.Random(3)
    center.mood.faults = [rng.choice([*MOODS, ""]) for _ in range(40)]
    async with sending(rig, center.url, center.vkey) as at_work:
        await at_work.until(lambda: not waiting(rig) and center.log.size == len(rig.rows()))
    assert center.leaves == leaves(rig)
    assert all(row.state == DELIVERED for row in rig.rows())
    assert rig.check() == []


@pytest.mark.parametrize("mood", ["bad_receipt", "other_receipt"])
async def test_a_false_receipt_counts_for_nothing(rig, center, mood):
    center.mood.always = mood
    async with sending(rig, center.url, center.vkey) as at_work:
        await at_work.until(lambda: "ledger.bad_receipt" in at_work.codes and center.requests > 8)
        assert waiting(rig) == len(rig.rows())
        center.mood.always = ""
        await at_work.until(lambda: not waiting(rig))
        assert "ledger.bad_receipt" not in at_work.codes


async def test_receipts_of_another_key_count_for_nothing(rig, center, tmp_path):
    async with FakeCenter(tmp_path / "other", rig.settings) as other, sending(rig, center.url, other.vkey) as at_work:
        await at_work.until(lambda: "ledger.bad_receipt" in at_work.codes)
        assert waiting(rig) == len(rig.rows())


async def test_a_final_refusal_is_kept_with_its_alarm_and_offered_after_a_restart(rig, center):
    center.mood.always = "409 archive.conflict"
    async with sending(rig, center.url, center.vkey) as at_work:
        await at_work.until(lambda: not waiting(rig))
        assert "station.center_refused" in at_work.codes
    assert {row.state for row in rig.rows()} == {REFUSED}
    assert all(rig.box.spool.find(r) for r in rig.records() if hasattr(r, "sha256"))
    center.mood.always = ""
    rig.kill()
    rig.start()
    async with sending(rig, center.url, center.vkey) as at_work:
        await at_work.until(lambda: not waiting(rig))
    assert center.leaves == leaves(rig)


@pytest.mark.parametrize(
    ("mood", "code"),
    [
        ("401 archive.wrong_signature", "station.not_enrolled"),
        ("403 archive.not_enrolled", "station.not_enrolled"),
        ("404 archive.unknown_station", "station.not_enrolled"),
        ("404 archive.unknown_camera", "station.camera_unknown"),
        ("507 archive.disk_full", "station.center_unreachable"),
    ],
)
async def test_what_can_be_mended_at_the_centre_loses_nothing(rig, center, mood, code):
    center.mood.always = mood
    async with sending(rig, center.url, center.vkey) as at_work:
        await at_work.until(lambda: code in at_work.codes)
        assert waiting(rig) == len(rig.rows())
        center.mood.always = ""
        await at_work.until(lambda: not waiting(rig) and center.log.size)
        await at_work.until(lambda: code not in at_work.codes)


async def test_a_damaged_file_is_told_from_damage_on_the_way(rig, center):
    record = [r for r in rig.records("c0", "main") if hasattr(r, "sha256")][1]
    path = rig.box.spool.path_of(record)
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    async with sending(rig, center.url, center.vkey) as at_work:
        await at_work.until(lambda: waiting(rig) == 1)
        assert "station.footage_damaged" in at_work.codes
    assert all(body != path.read_bytes() for body in center.segments.values())


async def test_no_uplink_then_a_connection_that_breaks_then_all_arrives(rig, tmp_path):
    """Nobody listens, then somebody who hangs up at once, then the centre."""
    async with FakeCenter(tmp_path / "center", rig.settings) as center:
        modes = ["closed"]

        async def pipe(reader, writer):
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                while data := await reader.read(65536):
                    writer.write(data)
                    await writer.drain()
            writer.close()

        async def relay(reader, writer):
            if modes[0] == "hang up":
                await reader.read(300)
                writer.transport.abort()
                return
            port = int(center.url.rsplit(":", 1)[1])
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(pipe(reader, there_writer), pipe(there_reader, writer))

        server = await asyncio.start_server(relay, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        async with sending(rig, f"http://127.0.0.1:{port}", center.vkey) as at_work:
            await at_work.until(lambda: "station.center_unreachable" in at_work.codes)
            modes[0] = "hang up"
            server = await asyncio.start_server(relay, "127.0.0.1", port)
            await asyncio.sleep(0.2)
            assert waiting(rig) == len(rig.rows())
            modes[0] = "through"
            await at_work.until(lambda: not waiting(rig) and center.log.size == len(rig.rows()))
            await at_work.until(lambda: not at_work.codes)
        server.close()
        assert center.leaves == leaves(rig)


async def test_a_centre_that_lost_its_copy_of_the_log_gets_it_again(rig, center, tmp_path):
    async with sending(rig, center.url, center.vkey) as at_work:
        await at_work.until(lambda: center.log.size == len(rig.rows()))
        center.log = HeldLog()
        before = rig.box.writer.sealed
        rig.box.writer.post(lambda: rig.segment(T0 + 9000))
        rig.box.writer.post_seal()
        await at_work.until(lambda: rig.box.writer.sealed > before)
        at_work.uploader.wake_log()
        await at_work.until(lambda: center.log.size == rig.box.writer.sealed)


async def test_a_centre_that_knows_more_of_our_log_than_we_do(rig, center):
    async with sending(rig, center.url, center.vkey) as at_work:
        at_work.uploader._held = 10**6
        at_work.uploader.wake_log()
        await at_work.until(lambda: "station.center_ahead" in at_work.codes)


def test_refusals_are_sorted():
    def kind(status, body=b"{}"):
        return refusal_of(status, body).kind

    assert kind(409, b'{"code": "ledger.wrong_size", "size": 7}') is Refused.OTHER_SIZE
    assert kind(409, b'{"code": "archive.conflict"}') is Refused.FINAL
    assert kind(409, b'{"size": -1}') is Refused.FINAL
    assert kind(409, b'{"size": true}') is Refused.FINAL
    assert kind(413) is Refused.FINAL
    assert kind(502, b"<html>") is Refused.AGAIN
    assert kind(302, b"[]") is Refused.AGAIN
    assert kind(408) is Refused.AGAIN


async def test_an_endless_answer_is_cut_off():
    async def endless(reader, writer):
        await reader.read(1000)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000000\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(b"x" * 65536)
                await writer.drain()

    server = await asyncio.start_server(endless, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with httpx2.AsyncClient(timeout=5) as http:
        center = Center(url, "s1", None, http)
        with pytest.raises(upload_module.CenterUnreachableError, match="more than"):
            await center.log_size()
    server.close()


class Parts:
    """Where live parts go."""

    def __init__(self) -> None:
        self.watched = frozenset()
        self.paths: list[str] = []
        self.open = asyncio.Event()
        self.open.set()

    async def put_part(self, path: str, data: bytes) -> None:
        await self.open.wait()
        self.paths.append(path)


NAME = StreamName("e1", "s1", "c0", "sub")


async def test_live_parts_flow_only_while_watched_and_from_a_segment_on():
    center = Parts()
    live = LivePush(center)
    task = asyncio.create_task(live.run([NAME]))
    live.part(NAME, make_part(T0))
    center.watched = frozenset({"c0/sub"})
    live.part(NAME, make_part(T0 + 500, 1))
    for i in range(2):
        live.part(NAME, make_part(T0 + 1000 + 500 * i, i))
        await asyncio.sleep(0.01)
    live.stopped(NAME)
    live.part(NAME, make_part(T0 + 60_000))
    await asyncio.sleep(0.01)
    task.cancel()
    assert center.paths == [f"part/c0/sub/{T0}/2", f"part/c0/sub/{T0}/3", f"part/c0/sub/{T0 + 60_000}/0"]


async def test_late_parts_are_dropped_up_to_the_next_segment():
    center = Parts()
    center.watched = frozenset({"c0/sub"})
    center.open.clear()
    live = LivePush(center)
    task = asyncio.create_task(live.run([NAME]))
    for n in range(3):
        for i in range(4):
            live.part(NAME, make_part(T0 + 2000 * n + 500 * i, i))
            await asyncio.sleep(0)
    center.open.set()
    await asyncio.sleep(0.01)
    live.part(NAME, make_part(T0 + 6000))
    await asyncio.sleep(0.01)
    task.cancel()
    numbers = [int(path.rsplit("/", 1)[1]) for path in center.paths]
    assert numbers[-1] == 12
    assert len(numbers) <= MAX_QUEUED + 2
    assert numbers[:-1] == list(range(len(numbers) - 1))
