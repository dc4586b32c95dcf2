"""The connection on a real socket: the common beat, times of arrival, what a breaking sink does."""

import asyncio
import struct
from contextlib import asynccontextmanager

import pytest

from aigaq.base import ManualClock, SystemClock
from aigaq.capture import intake
from aigaq.capture.errors import ConnectionClosedError, MalformedError
from aigaq.capture.intake import BEAT_SECONDS, BUFFER, Intake, age_ns
from aigaq.capture.receiver import VideoReceiver
from aigaq.capture.rtsp import RtspClient, State
from aigaq.capture.session import RtspConnection
from aigaq.capture.wire import parse_address

SDP = "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"


class Target:
    """Remembers when frames arrived; breaks if told."""

    def __init__(self):
        self.arrivals, self.breaks = [], False

    def begin(self, clock_rate):
        assert clock_rate == 90_000

    def unit(self, unit, utc_ns, monotonic_ns):
        if self.breaks:
            raise ZeroDivisionError
        self.arrivals.append((unit.timestamp, utc_ns, monotonic_ns))

    def report(self, report, utc_ns):
        raise AssertionError

    @property
    def stamps(self):
        return [stamp for stamp, _, _ in self.arrivals]


def answer(number, body=""):
    return f"RTSP/1.0 200 OK\r\nCSeq: {number}\r\nSession: 1\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def packet(sequence, timestamp, size=1000):
    rtp = struct.pack(">BBHII", 0x80, 96 | 128, sequence, timestamp, 1) + b"\x41" + bytes(size)
    return b"$\0" + struct.pack(">H", len(rtp)) + rtp


class Camera:
    """The other end of one connection."""

    def __init__(self, clock):
        self.target = Target()
        receiver = VideoReceiver(self.target)
        client = RtspClient(parse_address("rtsp://cam/"), receiver, username="", password="", cnonce=lambda: "c")
        self.connection = RtspConnection(client, receiver, clock)
        self.reader = self.writer = None

    async def says(self, data):
        self.writer.write(data)
        await self.writer.drain()

    async def plays(self, *, more=b""):
        await self.says(answer(1) + answer(2, SDP) + answer(3) + answer(4) + more)
        await asyncio.wait_for(self.connection.ready, 10)
        assert self.connection.client.state is State.PLAYING
        return self


@asynccontextmanager
async def cameras(number=1, *, clock=None):
    """So many connections to us, each with its camera."""
    loop, waiting = asyncio.get_running_loop(), asyncio.Queue()

    async def accept(reader, writer):
        await waiting.put((reader, writer))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    made = [Camera(clock or SystemClock()) for _ in range(number)]
    for camera in made:
        await loop.create_connection(lambda c=camera: c.connection, *server.sockets[0].getsockname())
        camera.reader, camera.writer = await waiting.get()
    try:
        yield made
    finally:
        for camera in made:
            camera.connection.close()
            camera.writer.close()
            await camera.connection.wait_closed()
        server.close()


async def until(reached):
    async with asyncio.timeout(10):
        while not reached():
            await asyncio.sleep(0.005)


async def test_frames_have_the_time_at_which_they_arrived():
    clock = SystemClock()
    async with cameras(clock=clock) as (camera,):
        await camera.plays()
        for number in range(12):
            loop_time = clock.utc_ns(), clock.monotonic_ns()
            await camera.says(packet(number, number * 3600))
            sent = clock.utc_ns(), clock.monotonic_ns()
            await until(lambda n=number: len(camera.target.arrivals) > n)
            _, utc_ns, monotonic_ns = camera.target.arrivals[-1]
            slack = 5_000_000  # the kernel's clock of packets is coarser than ours
            assert loop_time[0] - slack <= utc_ns <= sent[0] + slack
            assert abs((utc_ns - loop_time[0]) - (monotonic_ns - loop_time[1])) < slack


async def test_a_clock_that_knows_nothing_of_the_kernels_is_believed():
    clock = ManualClock()
    async with cameras(clock=clock) as (camera,):
        await camera.plays()
        await camera.says(packet(1, 1))
        await until(lambda: camera.target.arrivals)
        assert camera.target.arrivals == [(1, clock.utc_ns(), clock.monotonic_ns())]


async def test_a_system_that_stamps_nothing_is_asked_for_the_time(monkeypatch):
    monkeypatch.setattr(intake, "_STAMPS", None)
    async with cameras(clock=(clock := ManualClock())) as (camera,):
        await camera.plays()
        clock.advance(5)
        await camera.says(packet(1, 1))
        await until(lambda: camera.target.arrivals)
        assert camera.target.arrivals == [(1, clock.utc_ns(), clock.monotonic_ns())]


@pytest.mark.parametrize(("arrived", "age"), [(0, 0), (999, 1), (1000, 0), (1001, 0), (-(10**9), 0)])
def test_an_age_that_cannot_be_is_none(arrived, age):
    assert age_ns(arrived, 1000 if arrived else 10**18) == age


async def test_frames_that_come_with_the_last_answer_are_taken():
    async with cameras() as (camera,):
        await camera.plays(more=packet(1, 1) + packet(2, 2)[:500])
        assert camera.target.stamps == [1]
        await camera.says(packet(2, 2)[500:])
        await until(lambda: camera.target.stamps == [1, 2])


async def test_a_packet_in_pieces_over_many_beats():
    async with cameras() as (camera,):
        await camera.plays()
        data = packet(1, 1) + packet(2, 2)
        for start in range(0, len(data), 700):
            await camera.says(data[start : start + 700])
            await asyncio.sleep(1.5 * BEAT_SECONDS)
        assert camera.target.stamps == [1, 2]


async def test_a_flood_is_taken_whole():
    async with cameras(2) as (flood, calm):
        await flood.plays()
        await calm.plays()
        wanted = list(range(120))
        assert sum(len(packet(n, n, size=60_000)) for n in wanted) > 20 * BUFFER
        sending = asyncio.create_task(flood.says(b"".join(packet(n, n, size=60_000) for n in wanted)))
        await calm.says(packet(7, 7))
        await until(lambda: flood.target.stamps == wanted)
        await sending
        assert calm.target.stamps == [7]


async def test_the_end_of_the_connection_is_noticed_after_its_last_frames():
    async with cameras() as (camera,):
        await camera.plays()
        await camera.says(packet(1, 1))
        camera.writer.close()
        await asyncio.wait_for(camera.connection.ended, 10)
        assert camera.target.stamps == [1]
        assert isinstance(camera.connection.ended.result(), ConnectionClosedError)


async def test_a_reset_ends_the_connection():
    async with cameras() as (camera,):
        await camera.plays()
        camera.writer.transport.abort()
        ended = await asyncio.wait_for(camera.connection.ended, 10)
        assert isinstance(ended, ConnectionClosedError)


async def test_leaving_takes_what_came_last_and_is_polite():
    async with cameras() as (camera,):
        await camera.plays()
        await camera.says(packet(1, 1))
        await asyncio.sleep(0)
        camera.connection.close()
        said = await asyncio.wait_for(camera.reader.read(), 10)
        assert said.rpartition(b"\r\n\r\n")[0].rpartition(b"\r\n\r\n")[2].startswith(b"TEARDOWN")
        assert camera.target.stamps == [1]
        await asyncio.sleep(1.5 * BEAT_SECONDS)
        assert camera.target.stamps == [1]


async def test_nonsense_ends_the_connection_with_its_reason():
    async with cameras() as (camera,):
        await camera.says(b"HTTP/1.1 200 OK\r\n\r\n")
        assert isinstance(await asyncio.wait_for(camera.connection.ended, 10), MalformedError)
        assert b"OPTIONS" in await asyncio.wait_for(camera.reader.read(), 10)


async def test_a_message_without_end_ends_the_connection():
    async with cameras() as (camera,):
        await camera.says(b"RTSP/1.0 200 OK\r\nContent-Length: 60000\r\nCSeq: " + b"1" * 200_000)
        assert isinstance(await asyncio.wait_for(camera.connection.ended, 10), MalformedError)


async def test_whoever_comes_and_goes_the_beat_stays_one(monkeypatch):
    common, loop = Intake.of_loop(), asyncio.get_running_loop()
    assert common is Intake.of_loop()
    turns, timers, real = [], [], loop.call_later
    monkeypatch.setattr(loop, "call_later", lambda s, f, *a: (timers.append(f == common._beat), real(s, f, *a))[1])
    for _ in range(5):
        common.add(turn := lambda: turns.append("gone"))
        common.remove(turn)
    common.add(turn := lambda: turns.append("here"))
    assert sum(timers) == 1
    await until(lambda: len(turns) > 1)
    assert set(turns) == {"here"}
    common.remove(turn)
    await until(lambda: not common._beating)
    beats, number = sum(timers), len(turns)
    common.add(lambda: turns.append("again"))
    assert sum(timers) == beats + 1
    await until(lambda: len(turns) > number)
    assert turns[-1] == "again"


async def test_a_sink_that_breaks_ends_its_own_connection_only():
    async with cameras(2) as (first, second):
        await first.plays()
        await second.plays()
        first.target.breaks = True
        told = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, facts: told.append(facts["exception"]))
        await first.says(packet(1, 1))
        await second.says(packet(1, 1))
        await until(lambda: second.target.arrivals and told)
        loop.set_exception_handler(None)
        assert [type(e) for e in told] == [ZeroDivisionError]
        assert isinstance(first.connection.ended.result(), ConnectionClosedError)
        assert not second.connection.ended.done()
