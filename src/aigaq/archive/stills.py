"""Pictures from footage: the key frame that opens a sealed segment, decoded here. Derived, never evidence.

A still is named by the leaf hash of its segment's record and the version of this code, so it never changes and any
cache may keep it.
"""

import asyncio
import io
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from typing import Final

import av
from av.error import FFmpegError
from av.video.frame import VideoFrame

from aigaq.archive import rows
from aigaq.archive.errors import CannotDecodeError, NotFoundError, NothingReceivedError
from aigaq.archive.footage import Footage
from aigaq.archive.model import Row, StreamKey
from aigaq.archive.store import Database

VERSION: Final = 1
WIDTH: Final = 640
KEEP: Final = 256
NEAR_MS: Final = 60_000
"""A still for a time shows footage that began at most this long before it."""


class Stills:
    """Makes stills, and keeps the newest in memory."""

    def __init__(self, database: Database, footage: Footage) -> None:
        self._database = database
        self._footage = footage
        self._made: OrderedDict[bytes, bytes] = OrderedDict()
        self._making: dict[bytes, asyncio.Future[bytes]] = {}
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="archive-still")

    def close(self) -> None:
        """Stop decoding."""
        self._threads.shutdown(cancel_futures=True)

    async def find(self, station: str, camera: str, at_ms: int | None, now_ms: int) -> Row:
        """The sealed segment that shows a camera at a time, or now; the sub stream goes first.

        Raises:
            NothingReceivedError: there is none.
        """
        before = now_ms if at_ms is None else at_ms
        for stream in ("sub", "main"):
            key = StreamKey(station, camera, stream)
            row = await self._database.read(lambda c, key=key: rows.newest_segment(c, key, before, sealed=True))
            if row and (at_ms is None or row.start_ms >= before - NEAR_MS):
                return row
        raise NothingReceivedError(f"{station}/{camera}")

    async def jpeg(self, leaf: bytes) -> bytes:
        """The picture of a segment.

        Raises:
            NotFoundError: no segment has this leaf hash.
            CannotDecodeError: it holds no picture.
        """
        if leaf in self._made:
            self._made.move_to_end(leaf)
            return self._made[leaf]
        if leaf not in self._making:
            self._making[leaf] = asyncio.ensure_future(self._make(leaf))
        return await asyncio.shield(self._making[leaf])

    async def _make(self, leaf: bytes) -> bytes:
        try:
            row = await self._database.read(lambda c: rows.by_leaf(c, leaf))
            if row is None or row.init is None:
                raise NotFoundError(leaf.hex())
            made = await asyncio.get_running_loop().run_in_executor(self._threads, self._decode, row, row.init)
        finally:
            del self._making[leaf]
        self._made[leaf] = made
        while len(self._made) > KEEP:
            self._made.popitem(last=False)
        return made

    def _decode(self, row: Row, init: bytes) -> bytes:
        try:
            return first_picture(self._footage.init(init) + self._footage.segment(row))
        except ValueError as error:
            raise CannotDecodeError(f"{row.station}/{row.camera}", problem=str(error)) from error


def first_picture(data: bytes) -> bytes:
    """The first frame of an init and a segment as JPEG, at most 640 wide.

    Raises:
        ValueError: nothing can be decoded.
    """
    try:
        with av.open(io.BytesIO(data), "r", format="mp4") as container:
            container.streams.video[0].codec_context.thread_count = 1
            frame = next(container.decode(video=0))
            return _jpeg(frame)
    except (FFmpegError, StopIteration, IndexError) as error:
        raise ValueError(str(error) or "no frame") from error


def _jpeg(frame: VideoFrame) -> bytes:
    width = min(WIDTH, frame.width) & ~1
    height = round(frame.height * width / frame.width) & ~1
    small = frame.reformat(width=width, height=height, format="yuvj420p")
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuvj420p"
    encoder.time_base = Fraction(1, 25)
    encoder.options = {"qscale": "5"}
    small.pts = 0
    packets = [*encoder.encode(small), *encoder.encode(None)]
    return b"".join(bytes(p) for p in packets)
