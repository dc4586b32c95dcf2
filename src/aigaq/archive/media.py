"""Playlists, segments, parts and stills over HTTP (`/media`): raw ASGI, ready-made bytes where a viewer polls."""

import asyncio
from typing import Final
from urllib.parse import parse_qs

import sqlalchemy as sa

from aigaq.archive import rows
from aigaq.archive.asgi import (
    COMMON,
    FOREVER,
    NO_STORE,
    BadRangeError,
    Headers,
    Receive,
    Scope,
    Send,
    answer,
    header,
    parse_range,
    refuse,
    require_method,
    whole_number,
)
from aigaq.archive.blobs import Blobs
from aigaq.archive.errors import BadIntervalError, BadTimeError, NotFoundError, NothingReceivedError, TooLongError
from aigaq.archive.footage import Footage
from aigaq.archive.known import camera_of
from aigaq.archive.live import Live
from aigaq.archive.model import STREAMS, StreamKey
from aigaq.archive.parts import PartName
from aigaq.archive.playlists import Variant, master, timeline, vod
from aigaq.archive.status import Tails
from aigaq.archive.stills import VERSION, Stills
from aigaq.archive.store import Database
from aigaq.archive.windows import DVR_MS, LiveWindow
from aigaq.base import AigaqError, Clock, utc_ms
from aigaq.election import Register

PREFIX: Final = "/media/"
HLS: Final = b"application/vnd.apple.mpegurl"
MP4: Final = b"video/mp4"
MAX_ARCHIVE_MS: Final = 6 * 3600_000
CHUNK: Final = 1 << 20
SHORT: Final = (b"cache-control", b"public, max-age=1")
MINUTE: Final = (b"cache-control", b"public, max-age=60")


class Media:
    """ASGI app of the viewers."""

    def __init__(
        self,
        register: Register,
        database: Database,
        blobs: Blobs,
        footage: Footage,
        live: Live,
        tails: Tails,
        stills: Stills,
        clock: Clock,
    ) -> None:
        self._register = register
        self._database = database
        self._blobs = blobs
        self._footage = footage
        self._live = live
        self._tails = tails
        self._stills = stills
        self._clock = clock

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            require_method(scope, "GET", "HEAD")
            await self._dispatch(scope, send)
        except BadRangeError as error:
            await answer(send, 416, b"", MP4, [(b"content-range", b"bytes */%d" % error.args[0])])
        except AigaqError as error:
            await refuse(scope, send, error)

    async def _dispatch(self, scope: Scope, send: Send) -> None:
        match scope["path"].removeprefix(PREFIX).split("/"):
            case [station, camera, stream, "live.m3u8"]:
                await self._text(scope, send, self.live(StreamKey(station, camera, stream)), SHORT)
            case ["o", *name]:
                await self._object(scope, send, "/".join(name))
            case ["part", station, camera, stream, run, name] if name.endswith(".m4s"):
                await self._part(scope, send, StreamKey(station, camera, stream), run, name.removesuffix(".m4s"))
            case ["init", name] if name.endswith(".mp4"):
                await self._init(scope, send, name.removesuffix(".mp4"))
            case ["still", version, name] if name.endswith(".jpg"):
                await self._still(scope, send, version, name.removesuffix(".jpg"))
            case [station, camera, "still.jpg"]:
                await self._newest_still(scope, send, station, camera)
            case [station, camera, "master.m3u8"]:
                await self._text(scope, send, await self.master(station, camera), SHORT)
            case [station, camera, stream, name]:
                await self._playlist(scope, send, self._known(StreamKey(station, camera, stream)), name)
            case _:
                raise NotFoundError(scope["path"])

    # ---- playlists

    def live(self, key: StreamKey) -> bytes:
        """The ready-made live playlist.

        Raises:
            NothingReceivedError: nothing came of this stream.
        """
        window = self._live.windows.get(key)
        if window is None:
            raise NothingReceivedError("/".join(self._known(key)))
        return window.text

    async def _playlist(self, scope: Scope, send: Send, key: StreamKey, name: str) -> None:
        query = parse_qs(scope["query_string"].decode("latin-1"))
        if name == "ll.m3u8":
            msn, part = (whole_number(_one(query, q), q) for q in ("_HLS_msn", "_HLS_part"))
            await self._text(scope, send, await self._live.playlist(key, msn, part), NO_STORE)
        elif name == "dvr.m3u8":
            await self._text(scope, send, await self.dvr(key), SHORT)
        elif name == "archive.m3u8":
            start, end = whole_number(_one(query, "from"), "from"), whole_number(_one(query, "to"), "to")
            if start is None or end is None:
                raise BadTimeError(name)
            over = end < utc_ms(self._clock) - 60_000
            await self._text(scope, send, await self.archive(key, start, end), MINUTE if over else SHORT)
        else:
            raise NotFoundError(name)

    async def archive(self, key: StreamKey, from_ms: int, to_ms: int) -> bytes:
        """A stretch of the archive as a finished playlist.

        Raises:
            BadIntervalError: from is not before to.
            TooLongError: more than six hours.
            NothingReceivedError: no footage in it.
        """
        if from_ms >= to_ms:
            raise BadIntervalError("/".join(key))
        if to_ms - from_ms > MAX_ARCHIVE_MS:
            raise TooLongError("/".join(key), limit=MAX_ARCHIVE_MS // 60_000)
        return await self._database.read(lambda c: self._vod(c, key, from_ms, to_ms))

    def _vod(self, connection: sa.Connection, key: StreamKey, from_ms: int, to_ms: int) -> bytes:
        """In the reading thread: an hour has 1,800 entries, and live viewers must not wait for them."""
        segments = [self._footage.playable(row) for row in rows.segments(connection, key, from_ms, to_ms)]
        if not segments:
            raise NothingReceivedError("/".join(key))
        return vod(timeline(segments, min(from_ms, segments[0].start_ms))).encode()

    async def dvr(self, key: StreamKey) -> bytes:
        """The last two hours, sliding; made when first asked for, then kept while somebody asks.

        Raises:
            NothingReceivedError: nothing came of this stream.
        """
        window = self._live.dvr_window(key)
        if window is None:
            end = self._tails.get(key).last_end_ms
            if end is None:
                raise NothingReceivedError("/".join(key))
            window = LiveWindow(DVR_MS)
            found = await self._database.read(lambda c: rows.segments(c, key, end - DVR_MS, end))
            window.load([(row.seq, self._footage.playable(row)) for row in found], self._tails.get(key).seq)
            self._live.keep_dvr(key, window)
        return window.text

    async def master(self, station: str, camera: str) -> bytes:
        """The streams of a camera that browsers can play.

        Raises:
            NothingReceivedError: none is.
        """
        variants: list[Variant] = []
        for stream in reversed(STREAMS):
            key = self._known(StreamKey(station, camera, stream))
            if (window := self._live.windows.get(key)) and (init := self._tails.init(key)):
                facts = await self._database.read(lambda c, init=init: rows.get_init(c, bytes.fromhex(init)))
                # Browsers without hardware support refuse H.265; it stays in the archive and in clips.
                if facts and facts.codec.startswith("avc"):
                    peak, average = window.rates
                    variants.append(
                        Variant(f"{stream}/live.m3u8", facts.codec, facts.width, facts.height, peak, average)
                    )
        if not variants:
            raise NothingReceivedError(f"{station}/{camera}")
        return master(variants).encode()

    def _known(self, key: StreamKey) -> StreamKey:
        if key.stream not in STREAMS:
            raise NotFoundError("/".join(key))
        camera_of(self._register, key.station, key.camera)
        return key

    # ---- bytes

    async def _text(self, scope: Scope, send: Send, text: bytes, cache: tuple[bytes, bytes]) -> None:
        await _answer(scope, send, text, HLS, [cache])

    async def _object(self, scope: Scope, send: Send, name: str) -> None:
        """An object or a range of it, in pieces, so that a large one does not fill the memory."""
        where, at, size = await self._footage.locate(name)
        wanted = header(scope, b"range")
        span = parse_range(wanted, size) if wanted else None
        first, last = span or (0, size - 1)
        try:
            data = await self._piece(scope, where, at, first, last)
        except FileNotFoundError:
            # Compaction has just moved it.
            where, at, size = await self._footage.locate(name)
            data = await self._piece(scope, where, at, first, last)
        headers = [
            (b"content-type", MP4),
            (b"content-length", b"%d" % (last - first + 1)),
            (b"accept-ranges", b"bytes"),
        ]
        if span:
            headers.append((b"content-range", b"bytes %d-%d/%d" % (first, last, size)))
        status = 206 if span else 200
        await send({"type": "http.response.start", "status": status, "headers": [*headers, FOREVER, *COMMON]})
        while data and first + len(data) <= last:
            await send({"type": "http.response.body", "body": data, "more_body": True})
            first += len(data)
            data = await self._piece(scope, where, at, first, last)
        await send({"type": "http.response.body", "body": data})

    async def _piece(self, scope: Scope, name: str, at: int, first: int, last: int) -> bytes:
        if scope["method"] == "HEAD":
            return b""
        return await self._blobs.get_async(name, at + first, min(CHUNK, last - first + 1))

    async def _part(self, scope: Scope, send: Send, key: StreamKey, run: str, name: str) -> None:
        start = whole_number(run, "run") or 0
        first, dash, last = name.partition("-")
        number = whole_number(first, "part") or 0
        if dash:
            data = self._live.segment(key, start, number, whole_number(last, "part") or 0)
        else:
            data = await self._live.part(key, PartName(start, number))
        await _answer(scope, send, data, MP4, [FOREVER])

    async def _init(self, scope: Scope, send: Send, name: str) -> None:
        digest = _digest(name)
        data = await asyncio.to_thread(self._footage.init, digest)
        await _answer(scope, send, data, MP4, [FOREVER])

    # ---- pictures

    async def _newest_still(self, scope: Scope, send: Send, station: str, camera: str) -> None:
        camera_of(self._register, station, camera)
        at = whole_number(_one(parse_qs(scope["query_string"].decode("latin-1")), "t"), "t")
        row = await self._stills.find(station, camera, at, utc_ms(self._clock))
        place = f"{PREFIX}still/v{VERSION}/{row.leaf.hex()}.jpg".encode()
        cache = MINUTE if at is not None else (b"cache-control", b"public, max-age=5")
        await _answer(scope, send, b"", b"image/jpeg", [(b"location", place), cache], 302)

    async def _still(self, scope: Scope, send: Send, version: str, name: str) -> None:
        if version != f"v{VERSION}":
            raise NotFoundError(scope["path"])
        await _answer(scope, send, await self._stills.jpeg(_digest(name)), b"image/jpeg", [FOREVER])


async def _answer(scope: Scope, send: Send, body: bytes, kind: bytes, headers: Headers, status: int = 200) -> None:
    """A whole answer; to HEAD its headers alone."""
    length = (b"content-length", b"%d" % len(body))
    start = {"type": "http.response.start", "status": status}
    await send(start | {"headers": [(b"content-type", kind), length, *COMMON, *headers]})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def _one(query: dict[str, list[str]], name: str) -> str | None:
    values = query.get(name)
    return values[0] if values else None


def _digest(name: str) -> bytes:
    try:
        digest = bytes.fromhex(name)
    except ValueError:
        digest = b""
    if len(digest) != 32 or digest.hex() != name:
        raise NotFoundError(name)
    return digest
