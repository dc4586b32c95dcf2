"""Sources that our RTSP client does not speak: video files, RTMP push, odd cameras. PyAV reads them in a thread.

Owns the thread and the translation of its packets to access units; everything behind is the recorder's own way. One
thread opens, reads and closes a container, because closing it from another one can crash.
"""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final
from urllib.parse import quote, urlsplit

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.stream import VideoStream

from aigaq.base import Clock
from aigaq.capture.depay import H264, H265, AccessUnit, Depacketizer
from aigaq.capture.errors import (
    BadAddressError,
    CaptureError,
    ConnectionClosedError,
    NoVideoError,
    SourceEndedError,
    SourceFailedError,
    UnsupportedCodecError,
)
from aigaq.capture.model import TIMESCALE, Source
from aigaq.capture.parameters import ParameterSets
from aigaq.capture.receiver import UnitTarget

OPEN_SECONDS: Final = 10.0
READ_SECONDS: Final = 5.0
_WAITING: Final = 64
"""Packets that may wait for the event loop before the thread waits too."""
_START_CODE: Final = b"\0\0\1"
_PROTOCOLS: Final = {"": "file", "file": "file", "rtmp": "rtmp,tcp", "rtsp+av": "rtsp,rtp,tcp,udp"}


@dataclass(frozen=True, slots=True)
class _Input:
    """What FFmpeg is asked to open."""

    address: str
    options: dict[str, str]
    paced: bool
    """A file: read no faster than it plays."""


def input_for(source: Source) -> _Input:
    """How to open a source.

    Raises:
        BadAddressError: neither a file nor a protocol that we read.
    """
    parts = urlsplit(source.url)
    allowed = _PROTOCOLS.get(parts.scheme)
    if allowed is None:
        raise BadAddressError(parts.scheme, problem=f"{parts.scheme}:// is not supported")
    # what a hostile file names inside must not make us open anything else
    options = {"protocol_whitelist": allowed}
    if parts.scheme == "rtmp":
        return _Input(source.url, options | {"listen": "1"}, paced=False)
    if parts.scheme == "rtsp+av":
        user = f"{quote(source.username, safe='')}:{quote(source.password, safe='')}@" if source.username else ""
        address = parts._replace(scheme="rtsp", netloc=user + parts.netloc).geturl()
        return _Input(address, options | {"rtsp_transport": "tcp"}, paced=False)
    return _Input(source.url.removeprefix("file://"), options, paced=True)


class AvSession:
    """Like `RtspSession`, for everything else that FFmpeg can demux."""

    def __init__(self, source: Source, target: UnitTarget, clock: Clock) -> None:
        self._source = source
        self._target = target
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._stop = threading.Event()
        self._room = threading.Semaphore(_WAITING)
        self._opened: asyncio.Future[None] = self._loop.create_future()
        self._ended: asyncio.Future[CaptureError] = self._loop.create_future()

    async def open(self) -> asyncio.Future[CaptureError]:
        """Open the source in its thread; the future tells one day why it ended.

        Raises:
            CaptureError: it cannot be opened.
        """
        given = input_for(self._source)
        threading.Thread(target=self._run, args=(given,), name="aigaq-av", daemon=True).start()
        await asyncio.wait((self._opened, self._ended), return_when=asyncio.FIRST_COMPLETED)
        if self._ended.done():
            raise self._ended.result()
        return self._ended

    @property
    def description(self) -> None:
        """FFmpeg keeps it to itself."""

    @property
    def received(self) -> int:
        """RTP packets, unknown."""
        return 0

    @property
    def lost(self) -> int:
        """FFmpeg does not tell how much was lost."""
        return 0

    def tick(self) -> None:
        """Nothing to do: the thread keeps its own time."""

    def fail(self, error: CaptureError) -> None:
        """End with this reason."""
        self._stop.set()
        if not self._ended.done():
            self._ended.set_result(error)

    def close(self) -> None:
        """The thread ends with its next packet, or when its patience does."""
        self.fail(ConnectionClosedError())

    async def wait_closed(self) -> None:
        """Nothing to wait for: the thread closes what it opened."""

    # -- in the thread

    def _run(self, given: _Input) -> None:
        try:
            patience = (OPEN_SECONDS, READ_SECONDS)
            with av.open(given.address, options=given.options, timeout=patience, metadata_errors="replace") as opened:
                self._read(opened, paced=given.paced)
            error: CaptureError = SourceEndedError()
        except FFmpegError as failure:
            error = SourceFailedError(problem=failure.strerror or type(failure).__name__)
        except CaptureError as failure:
            error = failure
        self._tell(self.fail, error)

    def _read(self, opened: InputContainer, *, paced: bool) -> None:
        reader = _Reader(opened)
        self._tell(self._begin)
        began = self._clock.monotonic_ns()
        for packet in opened.demux(reader.stream):
            if paced:
                self._wait_until(began, reader.seconds(packet))
            for unit in reader.units(packet):
                self._hand_over(unit)
            if self._stop.is_set():
                return

    def _wait_until(self, began: int, seconds: float) -> None:
        left = seconds - (self._clock.monotonic_ns() - began) / 1e9
        if left > 0:
            self._stop.wait(left)

    def _hand_over(self, unit: AccessUnit) -> None:
        utc_ns, monotonic_ns = self._clock.utc_ns(), self._clock.monotonic_ns()
        while not self._room.acquire(timeout=0.5):
            if self._stop.is_set():
                return
        self._tell(self._deliver, unit, utc_ns, monotonic_ns)

    def _tell(self, call: object, *facts: object) -> None:
        """On the event loop, unless it is gone."""
        try:
            self._loop.call_soon_threadsafe(partial(call, *facts))  # pyright: ignore[reportCallIssue, reportArgumentType]
        except RuntimeError:
            self._stop.set()

    # -- on the event loop

    def _begin(self) -> None:
        if not self._stop.is_set():
            self._target.begin(TIMESCALE)
            self._opened.set_result(None)

    def _deliver(self, unit: AccessUnit, utc_ns: int, monotonic_ns: int) -> None:
        self._room.release()
        if not self._stop.is_set():
            self._target.unit(unit, utc_ns, monotonic_ns)


class _Reader:
    """The video stream of an opened container, as access units."""

    def __init__(self, opened: InputContainer) -> None:
        if not opened.streams.video:
            raise NoVideoError
        self.stream = opened.streams.video[0]
        context = self.stream.codec_context
        self._units: list[AccessUnit] = []
        self._first: float | None = None
        extra = bytes(context.extradata or b"")
        if context.name == "h264":
            self._length, sets = _from_avcc(extra)
            self._depacketizer: Depacketizer = H264(sets, self._units.append)
        elif context.name == "hevc":
            self._length, sets = _from_hvcc(extra)
            self._depacketizer = H265(sets, self._units.append)
        else:
            raise UnsupportedCodecError(codec=context.name)

    def seconds(self, packet: "Packet[VideoStream]") -> float:
        """When to hand a packet over, from the first one on."""
        stamp = packet.dts if packet.dts is not None else packet.pts
        if stamp is None:
            return 0.0
        now = float(stamp * packet.time_base)
        if self._first is None:
            self._first = now
        return now - self._first

    def units(self, packet: "Packet[VideoStream]") -> list[AccessUnit]:
        """What a packet holds; usually one access unit."""
        self._units.clear()
        if packet.pts is not None:
            stamp = int(packet.pts * packet.time_base * TIMESCALE) & 0xFFFFFFFF
            nals = list(nal_units(bytes(packet), self._length))
            for i, nal in enumerate(nals):
                last = i == len(nals) - 1
                self._depacketizer.payload(memoryview(nal), 0, len(nal), stamp, marker=int(last))
        return list(self._units)


def nal_units(data: bytes, length_size: int) -> Iterator[bytes]:
    """NAL units after their lengths (ISO/IEC 14496-15), or after start codes if `length_size` is 0."""
    if not length_size:
        yield from (nal for part in data.split(_START_CODE)[1:] if (nal := part.rstrip(b"\0")))
        return
    at = 0
    while at + length_size < len(data):
        size = int.from_bytes(data[at : at + length_size], "big")
        at += length_size
        if not size or at + size > len(data):
            return
        yield data[at : at + size]
        at += size


def _from_avcc(extra: bytes) -> tuple[int, ParameterSets]:
    """Length size and parameter sets of `avcC`; start codes if it is none."""
    if len(extra) < 7 or extra[0] != 1:
        sps, pps = _by_kind(nal_units(extra, 0), 31, 0, (7, 8))
        return 0, ParameterSets("h264", sps, pps)
    first, at = _counted(extra, 6, extra[5] & 31)
    second, _ = _counted(extra, at + 1, extra[at] if at < len(extra) else 0)
    return (extra[4] & 3) + 1, ParameterSets("h264", tuple(first), tuple(second))


def _from_hvcc(extra: bytes) -> tuple[int, ParameterSets]:
    """Length size and parameter sets of `hvcC`; start codes if it is none."""
    if len(extra) < 23 or extra[0] != 1:
        sps, pps, vps = _by_kind(nal_units(extra, 0), 63, 1, (33, 34, 32))
        return 0, ParameterSets("h265", sps, pps, vps)
    nals: list[bytes] = []
    at = 23
    for _ in range(extra[22]):
        some, at = _counted(extra, at + 3, int.from_bytes(extra[at + 1 : at + 3], "big"))
        nals += some
    sps, pps, vps = _by_kind(iter(nals), 63, 1, (33, 34, 32))
    return (extra[21] & 3) + 1, ParameterSets("h265", sps, pps, vps)


def _counted(data: bytes, at: int, count: int) -> tuple[list[bytes], int]:
    nals: list[bytes] = []
    for _ in range(min(count, 32)):
        size = int.from_bytes(data[at : at + 2], "big")
        nals.append(data[at + 2 : at + 2 + size])
        at += 2 + size
    return [n for n in nals if n], at


def _by_kind(nals: Iterator[bytes], mask: int, shift: int, kinds: tuple[int, ...]) -> list[tuple[bytes, ...]]:
    known = list(nals)
    return [tuple(n for n in known if n[0] >> shift & mask == kind) for kind in kinds]
