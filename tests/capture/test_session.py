"""The connection without a network: arrival times, the shared beat, what a breaking sink does."""

import asyncio
import struct

import pytest

from aigaq.base import ManualClock
from aigaq.capture.errors import ConnectionClosedError, MalformedError
from aigaq.capture.receiver import VideoReceiver
from aigaq.capture.rtsp import RtspClient, State
from aigaq.capture.session import PULSE_SECONDS, RtspConnection
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


class Transport(asyncio.Transport):
    def __init__(self):
        super().__init__()
        self.sent, self.aborted, self.closed = b"", False, False

    def write(self, data):
        self.sent += data

    def abort(self):
        self.aborted = True

    def close(self):
        self.closed = True


def answer(number, body=""):
    return f"RTSP/1.0 200 OK\r\nCSeq: {number}\r\nSession: 1\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def packet(sequence, timestamp, size=1000):
    rtp = struct.pack(">BBHII", 0x80, 96 | 128, sequence, timestamp, 1) + b"\x41" + bytes(size)
    return b"$\0" + struct.pack(">H", len(rtp)) + rtp


class Rig:
    def __init__(self):
        self.clock, self.target, self.transport = ManualClock(), Target(), Transport()
        receiver = VideoReceiver(self.target)
        client = RtspClient(parse_address("rtsp://cam/"), receiver, username="", password="", cnonce=lambda: "c")
        self.connection = RtspConnection(client, receiver, self.clock)
        self.connection.connection_made(self.transport)

    def hears(self, data):
        while data:
            room = self.connection.get_buffer(-1)
            assert len(room) > 0
            taken = min(len(room), len(data))
            room[:taken] = data[:taken]
            self.connection.buffer_updated(taken)
            data = data[taken:]

    def plays(self):
        self.hears(answer(1) + answer(2, SDP) + answer(3) + answer(4))
        assert self.connection.client.state is State.PLAYING
        assert self.connection.ready.done()
        return self


async def beat():
    await asyncio.sleep(2 * PULSE_SECONDS)


async def test_frames_keep_the_time_of_their_arrival():
    rig = Rig().plays()
    wanted = []
    for number in range(3):
        rig.clock.advance(0.01)
        wanted.append((number * 3600, rig.clock.utc_ns(), rig.clock.monotonic_ns()))
        rig.hears(packet(number, number * 3600))
    assert rig.target.arrivals == []
    rig.clock.advance(5)
    await beat()
    assert rig.target.arrivals == wanted


async def test_a_packet_in_pieces_over_many_beats():
    rig = Rig().plays()
    data = packet(1, 1) + packet(2, 2)
    for start in range(0, len(data), 700):
        rig.hears(data[start : start + 700])
        await beat()
    assert [t for t, _, _ in rig.target.arrivals] == [1, 2]


async def test_a_flood_does_not_wait_for_the_beat():
    rig = Rig().plays()
    rig.hears(b"".join(packet(n, n, size=60_000) for n in range(40)))
    assert len(rig.target.arrivals) > 30


async def test_what_came_last_is_not_lost_when_the_connection_is():
    for ends in ("connection_lost", "close"):
        rig = Rig().plays()
        rig.hears(packet(1, 1))
        rig.connection.connection_lost(None) if ends == "connection_lost" else rig.connection.close()
        assert len(rig.target.arrivals) == 1
        assert isinstance(rig.connection.ended.result(), ConnectionClosedError)
        await beat()


async def test_leaving_is_polite():
    rig = Rig().plays()
    rig.connection.close()
    assert rig.transport.closed
    assert rig.transport.sent.rpartition(b"\r\n\r\n")[0].rpartition(b"\r\n\r\n")[2].startswith(b"TEARDOWN")


async def test_nonsense_ends_the_connection_with_its_reason():
    rig = Rig()
    rig.hears(b"HTTP/1.1 200 OK\r\n\r\n")
    assert isinstance(rig.connection.ended.result(), MalformedError)
    assert rig.transport.aborted


async def test_a_sink_that_breaks_ends_its_own_connection_only():
    first, second = Rig().plays(), Rig().plays()
    first.target.breaks = True
    told = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, facts: told.append(facts["exception"]))
    first.hears(packet(1, 1))
    second.hears(packet(1, 1))
    await beat()
    loop.set_exception_handler(None)
    assert [type(e) for e in told] == [ZeroDivisionError]
    assert isinstance(first.connection.ended.result(), ConnectionClosedError)
    assert len(second.target.arrivals) == 1
    assert not second.connection.ended.done()


async def test_a_message_without_end(monkeypatch):
    monkeypatch.setattr("aigaq.capture.session.MAX_WAITING", 1000)
    rig = Rig()
    rig.hears(b"RTSP/1.0 200 OK\r\nContent-Length: 100000\r\n\r\n" + bytes(2000))
    assert isinstance(rig.connection.ended.result(), MalformedError)


@pytest.mark.parametrize("size", [1, 7, 65_000])
async def test_answers_are_read_at_once_in_any_pieces(size):
    rig = Rig()
    data = answer(1) + answer(2, SDP) + answer(3) + answer(4)
    for start in range(0, len(data), size):
        rig.hears(data[start : start + size])
    assert rig.connection.client.state is State.PLAYING
