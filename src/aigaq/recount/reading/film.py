"""Pictures of a film, a few each second, with their times; what is missing, damaged or repeated is told as gaps.

Nothing is bridged: after damage pictures come again only from the next key frame on, and a jump of the timestamps is a
gap. The grey picture is the film's own luma; colour is made only of the pieces that somebody asks for.
"""

import hashlib
import io
import math
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Final

import av
import cv2
import numpy as np
from av import Packet
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from aigaq.recount.errors import FilmEmptyError, FilmMissingError, FilmNoVideoError, FilmUnreadableError
from aigaq.recount.model import Gap, GapKind

Bytes = NDArray[np.uint8]
EVERY_S: Final = 0.095
"""Of 25 frames a second every third is looked at."""
HOLE_S: Final = 0.5
"""Frames further apart have footage missing between them as between sealed segments."""
SMALL: Final = 480
"""Width of the small picture that movement and sheets are looked for in."""
SMALLEST: Final = 64
LARGEST: Final = 8192
_FULL_RANGE: Final = 2
"""AVCOL_RANGE_JPEG."""
_BT709: Final = 1
"""AVCOL_SPC_BT709."""
_PLANAR: Final = ("yuv420p", "yuvj420p")
_LONGEST_WAIT: Final = 2000
"""Packets of one key frame that are held, so that a film with one key frame cannot fill the memory."""
_EPSILON: Final = 1e-6


@dataclass(frozen=True, eq=False)
class Picture:
    """One frame; chroma has half the size of luma both ways (4:2:0)."""

    at_s: float
    """Seconds since the film's first frame."""
    grey: Bytes
    """(h, w), luma as the film holds it."""
    u: Bytes
    v: Bytes
    matrix: NDArray[np.float32]
    """(3, 4), from Y, U, V, 1 to RGB."""

    @cached_property
    def small(self) -> Bytes:
        """RGB, `SMALL` wide or the film's width where that is less."""
        tall, wide = self.grey.shape
        size = (min(SMALL, wide), max(1, round(tall * min(SMALL, wide) / wide)))
        return self._rgb(
            [cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in (self.grey, self.u, self.v)]
        )

    def half(self, left: int, top: int, right: int, bottom: int) -> Bytes:
        """RGB of a piece at half size, where chroma is whole. The four edges are even."""
        grey = cv2.resize(self.grey[top:bottom, left:right], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        tall, wide = grey.shape
        place = (slice(top // 2, top // 2 + tall), slice(left // 2, left // 2 + wide))
        return self._rgb([grey, self.u[place], self.v[place]])

    def _rgb(self, planes: Sequence[cv2.typing.MatLike]) -> Bytes:
        return cv2.transform(cv2.merge(planes), self.matrix).astype(np.uint8, copy=False)


@dataclass(frozen=True, slots=True)
class Piece:
    """One sealed segment: what its decoder needs, and its media. Bytes, or files that hold them."""

    init: bytes | Path
    media: bytes | Path


@dataclass(frozen=True, slots=True)
class FilmFacts:
    """What a film's head says."""

    seconds: float
    """0 where the head does not tell."""
    width: int
    height: int


Film = Path | Iterable[Piece]


def film_facts(path: Path) -> FilmFacts:
    """The size and length that a file claims.

    Raises:
        FilmMissingError, FilmUnreadableError, FilmNoVideoError: it is no film.
    """
    with _opened(path) as (container, stream):
        seconds = (container.duration or 0) / 1_000_000
        return FilmFacts(max(0.0, seconds), stream.codec_context.width, stream.codec_context.height)


def frames(
    film: Film,
    *,
    every_s: float = EVERY_S,
    from_s: float = 0.0,
    to_s: float = math.inf,
    zero_s: float | None = None,
    length_s: float = 0.0,
) -> Iterator[Picture | Gap]:
    """Pictures at least `every_s` apart and gaps, in the order of time.

    Pieces are decoded one after the other and never held together, so a film may be of any length. Times count from
    `zero_s` in the film's own time, or from its first frame. Where only a part is wanted, what comes before it is
    passed without being decoded. What `length_s` or the file's head claims beyond the last frame is missing.

    Raises:
        FilmMissingError, FilmUnreadableError, FilmNoVideoError: it is no film.
        FilmEmptyError: not one picture of the whole film could be decoded.
    """
    watch = _Watch(every_s, from_s, to_s, zero_s)
    if isinstance(film, Path):
        with _opened(film) as (container, stream):
            yield from watch.read(container, stream)
            yield from watch.end((container.duration or 0) / 1_000_000)
    else:
        for number, piece in enumerate(film, 1):
            if watch.over:
                break
            yield from _piece(watch, piece, number)
        yield from watch.end(length_s)
    if not watch.seen and from_s == 0 and to_s == math.inf:
        raise FilmEmptyError(str(film) if isinstance(film, Path) else "")


def _piece(watch: "_Watch", piece: Piece, number: int) -> Iterator[Picture | Gap]:
    """A segment that cannot be opened is damage, and the film goes on."""
    try:
        with _opened(io.BytesIO(_bytes(piece.init) + _bytes(piece.media)), f"segment {number}") as (container, stream):
            before = watch.packets
            yield from watch.read(container, stream)
            if watch.packets == before:
                watch.damaged()
    except (FilmUnreadableError, FilmNoVideoError):
        watch.damaged()


def _bytes(part: bytes | Path) -> bytes:
    try:
        return part if isinstance(part, bytes) else part.read_bytes()
    except OSError as error:
        raise FilmMissingError(str(part), problem=error.strerror or str(error)) from error


@contextmanager
def _opened(source: Path | io.BytesIO, where: str = "") -> Generator[tuple[InputContainer, VideoStream]]:
    where = where or str(source)
    if isinstance(source, Path) and not source.is_file():
        raise FilmMissingError(where, problem="no such file")
    try:
        container = av.open(source if isinstance(source, io.BytesIO) else str(source), "r")
    except (FFmpegError, OSError, ValueError) as error:
        raise FilmUnreadableError(where, problem=str(error)) from error
    with container:
        yield container, _video(container, where)


def _video(container: InputContainer, where: str) -> VideoStream:
    for stream in container.streams.video:
        wide, tall = stream.codec_context.width, stream.codec_context.height
        if SMALLEST <= wide <= LARGEST and SMALLEST <= tall <= LARGEST:
            stream.codec_context.thread_count = 1
            return stream
    raise FilmNoVideoError(where)


class _Watch:
    """Reads packets in order: which pictures are due, and what is missing, damaged or seen before."""

    def __init__(self, every_s: float, from_s: float, to_s: float, zero_s: float | None) -> None:
        self._every = every_s
        self._from = from_s
        self._to = to_s
        self._waiting: list[Packet[VideoStream]] | None = [] if from_s > 0 else None
        """Since the newest key frame, while the part is still to come."""
        self._zero = zero_s
        self._begun = False
        self._last = 0.0
        """When the newest frame was, good or not."""
        self._due = 0.0
        self._broken = False
        """Frames are wrong until the next key frame."""
        self._trouble: tuple[float, GapKind] | None = None
        """Since when there is nothing to look at, and why."""
        self._marks: set[bytes] = set()
        self._openings: deque[tuple[float, bool]] = deque(maxlen=4)
        """The newest key frames' times, and whether they came before. Frames leave the decoder later than packets."""
        self.packets = 0
        self.seen = False
        self.over = False
        """The part has ended."""

    def damaged(self) -> None:
        """What follows the newest frame cannot be decoded."""
        self._broken = True

    def read(self, container: InputContainer, stream: VideoStream) -> Iterator[Picture | Gap]:
        """The pictures of one container. It ends where it cannot be read further."""
        try:
            for packet in container.demux(stream):
                self._look_at(packet)
                for due in self._due_packets(packet):
                    for frame in self._decoded(due):
                        yield from self._frame(frame)
                        if self.over:
                            return
        except (FFmpegError, OSError):
            self.damaged()

    def end(self, claimed_s: float) -> Iterator[Gap]:
        """What is still open when the film ends, and what its head claims beyond."""
        start, kind = self._trouble or (self._last, GapKind.DAMAGED if self._broken else GapKind.MISSING)
        until = self._last if self.over else max(self._last, claimed_s)
        if self._zero is not None and until - start > (0 if self._trouble else HOLE_S):
            yield Gap(start, until, kind)

    def _look_at(self, packet: "Packet[VideoStream]") -> None:
        """A key frame that came before, bit for bit, opens footage that came before: no camera's noise repeats."""
        self.packets += packet.size > 0
        if packet.is_corrupt:
            self.damaged()
        if packet.pts is None:
            return
        if self._zero is None:
            self._zero = float(packet.pts * packet.time_base)
        if packet.is_keyframe:
            mark = hashlib.blake2b(packet, digest_size=12).digest()
            self._openings.append((float(packet.pts * packet.time_base) - self._zero, mark in self._marks))
            self._marks.add(mark)

    def _due_packets(self, packet: "Packet[VideoStream]") -> Sequence["Packet[VideoStream]"]:
        """From the last key frame before the part on; packets without a time cannot be passed over."""
        if self._waiting is None:
            return (packet,)
        if packet.is_keyframe or len(self._waiting) >= _LONGEST_WAIT:
            self._waiting = []
        self._waiting.append(packet)
        if packet.pts is not None and float(packet.pts * packet.time_base) - (self._zero or 0.0) < self._from:
            return ()
        due, self._waiting = self._waiting, None
        return due

    def _decoded(self, packet: "Packet[VideoStream]") -> list[VideoFrame]:
        try:
            return packet.decode()
        except FFmpegError:
            self.damaged()
            return []

    def _frame(self, frame: VideoFrame) -> Iterator[Picture | Gap]:
        if frame.pts is None or frame.time_base is None or self._zero is None:
            return
        at = float(frame.pts * frame.time_base) - self._zero
        if self._from > 0 and not self._begun:
            self._last = at
        self._begun = True
        if at >= self._to:
            yield from self._change(at, self._kind(at))
            self.over = True
            return
        if self._broken and self._trouble is None:
            self._trouble = (self._last, GapKind.DAMAGED)
        self._broken = frame.is_corrupt or at < self._last or (self._broken and not frame.key_frame)
        yield from self._change(at, self._kind(at))
        self._last = max(at, self._last)
        if self._trouble is None and at >= self._due:
            self._due = at + self._every
            self.seen = True
            yield picture_of(frame, at)

    def _kind(self, at: float) -> GapKind | None:
        if self._broken:
            return GapKind.DAMAGED
        looped = next((again for start, again in reversed(self._openings) if start <= at + _EPSILON), False)
        return GapKind.LOOPED if looped else None

    def _change(self, at: float, kind: GapKind | None) -> Iterator[Gap]:
        """Closes and opens troubles; footage that is missing in one parts it."""
        if at - self._last > HOLE_S:
            if self._trouble is not None and self._last > self._trouble[0]:
                yield Gap(self._trouble[0], self._last, self._trouble[1])
            damaged = kind is GapKind.DAMAGED or (self._trouble is not None and self._trouble[1] is GapKind.DAMAGED)
            yield Gap(self._last, at, GapKind.DAMAGED if damaged else GapKind.MISSING)
            self._trouble = None if kind is None else (at, kind)
        elif self._trouble is not None and self._trouble[1] is not kind:
            if at > self._trouble[0]:
                yield Gap(self._trouble[0], at, self._trouble[1])
            self._trouble = None if kind is None else (at, kind)
        elif self._trouble is None and kind is not None:
            self._trouble = (at if kind is GapKind.LOOPED else self._last, kind)


def picture_of(frame: VideoFrame, at_s: float) -> Picture:
    """Planes turned as the film wants to be shown."""
    if frame.format.name not in _PLANAR:
        frame = frame.reformat(format="yuv420p")
    turns = round(frame.rotation / 90) % 4
    grey, u, v = (np.ascontiguousarray(np.rot90(_plane(frame, n), turns)) for n in range(3))
    full = frame.format.name == "yuvj420p" or frame.color_range == _FULL_RANGE
    return Picture(at_s, grey, u, v, _matrix(full=full, hd=frame.colorspace == _BT709))


def _plane(frame: VideoFrame, number: int) -> Bytes:
    plane = frame.planes[number]
    return np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]


@cache
def _matrix(*, full: bool, hd: bool) -> NDArray[np.float32]:
    """Y, U, V, 1 to RGB (ITU-R BT.601 and BT.709)."""
    kr, kb = (0.2126, 0.0722) if hd else (0.299, 0.114)
    kg = 1 - kr - kb
    light, colour = (1.0, 1.0) if full else (255 / 219, 255 / 224)
    red, blue = 2 * (1 - kr) * colour, 2 * (1 - kb) * colour
    rows = np.array([(0, red), (-blue * kb / kg, -red * kr / kg), (blue, 0)])
    shift = -light * (0 if full else 16) - rows.sum(axis=1) * 128
    return np.column_stack([np.full(3, light), rows, shift]).astype(np.float32)
