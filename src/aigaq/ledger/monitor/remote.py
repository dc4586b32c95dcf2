"""Reading a log and its witnesses over HTTP. Nothing read here is believed before it is checked against a root."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final

import httpx2

from aigaq.ledger.merkle import root_of
from aigaq.ledger.monitor.errors import BadAnswerError, UnreachableError
from aigaq.ledger.tiles import ENTRIES, WIDTH, tile_path

Fetch = Callable[[str, int], bytes | None]
"""What an address answers, at most so many bytes; None where there is nothing (404)."""
MAX_BUNDLE: Final = WIDTH * (2 + 0xFFFF)
MAX_REFUSED: Final = 4 << 20
MAX_REFUSED_NOTES: Final = 256
_HASH: Final = 32


class HttpFetch:
    """Fetches over HTTP, with limits on the size and the time of the whole answer: who drips holds up nobody."""

    def __init__(self, timeout_s: float = 20) -> None:
        self._timeout_s = timeout_s
        headers = {"user-agent": "aigaq-monitor", "accept-encoding": "identity"}
        self._client = httpx2.AsyncClient(timeout=timeout_s, follow_redirects=False, headers=headers)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fetch", daemon=True)
        self._thread.start()

    def __call__(self, url: str, limit: int) -> bytes | None:
        """The body, or None on 404. From any thread.

        Raises:
            UnreachableError: no answer, or not all of it in time.
            BadAnswerError: another status, or more bytes than the limit.
        """
        return asyncio.run_coroutine_threadsafe(self._get(url, limit), self._loop).result()

    def close(self) -> None:
        """Close the connections."""
        asyncio.run_coroutine_threadsafe(self._client.aclose(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _get(self, url: str, limit: int) -> bytes | None:
        try:
            async with asyncio.timeout(self._timeout_s), self._client.stream("GET", url) as answer:
                if answer.status_code == 404:
                    return None
                if answer.status_code != 200:
                    raise BadAnswerError(url=url, reason=f"status {answer.status_code}")
                return await _body(url, answer, limit)
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError) as error:
            raise UnreachableError(url=url, reason=type(error).__name__) from error


async def _body(url: str, answer: httpx2.Response, limit: int) -> bytes:
    """The bytes as they came: nothing is unpacked, so nothing can burst."""
    data = bytearray()
    async for piece in answer.aiter_raw():
        data += piece
        if len(data) > limit:
            raise BadAnswerError(url=url, reason=f"more than {limit} bytes")
    return bytes(data)


class RemoteTree:
    """The log's tree of one size, as it serves it."""

    def __init__(self, fetch: Fetch, url: str, size: int) -> None:
        self._fetch = fetch
        self._url = url
        self._size = size
        self._tiles: dict[tuple[int, int], list[bytes]] = {}

    def node(self, level: int, index: int) -> bytes:
        """The hash of the perfect subtree (level, index).

        Raises:
            UnreachableError: the log does not answer.
            BadAnswerError: it does not serve the tile.
        """
        tile_level, height = divmod(level, 8)
        n, offset = divmod(index << height, WIDTH)
        return root_of(self._hashes(tile_level, n)[offset : offset + (1 << height)])

    def entries(self, start: int, end: int) -> Iterator[bytes]:
        """The entries from `start` to before `end`.

        Raises:
            UnreachableError: the log does not answer.
            BadAnswerError: it does not serve them.
        """
        for n in range(start // WIDTH, -(-end // WIDTH)):
            first = n * WIDTH
            width = min(WIDTH, self._size - first)
            url, data = self._tile(ENTRIES, n, width, MAX_BUNDLE)
            yield from list(_split(url, data, width))[max(0, start - first) : end - first]

    def _hashes(self, level: int, n: int) -> list[bytes]:
        if (level, n) not in self._tiles:
            width = min(WIDTH, (self._size >> 8 * level) - n * WIDTH)
            url, data = self._tile(level, n, width, WIDTH * _HASH)
            if len(data) < width * _HASH:
                raise BadAnswerError(url=url, reason=f"not {width} hashes")
            self._tiles[level, n] = [data[i : i + _HASH] for i in range(0, width * _HASH, _HASH)]
        return self._tiles[level, n]

    def _tile(self, level: int | str, n: int, width: int, limit: int) -> tuple[str, bytes]:
        """A partial tile, or the full one that has taken its place (c2sp.org/tlog-tiles, partial tiles)."""
        url = f"{self._url}/{tile_path(level, n, width)}"
        data = self._fetch(url, limit)
        if data is None and width < WIDTH:
            url = f"{self._url}/{tile_path(level, n)}"
            data = self._fetch(url, limit)
        if data is None:
            raise BadAnswerError(url=url, reason="not found")
        return url, data


def parse_refused(url: str, data: bytes) -> list[bytes]:
    """The notes in a witness's list of refused ones.

    Raises:
        BadAnswerError: not such a list.
    """
    try:
        rows: Any = json.loads(data)
        return [row["note"].encode() for row in rows[:MAX_REFUSED_NOTES]]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise BadAnswerError(url=url, reason="not a list of refused notes") from error


def _split(url: str, data: bytes, count: int) -> Iterator[bytes]:
    """The first entries of a bundle: each has its length before it, 16 bits."""
    at = 0
    for _ in range(count):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if end > len(data) or at + 2 > len(data):
            raise BadAnswerError(url=url, reason="an entry bundle that is cut off")
        yield data[at + 2 : end]
        at = end
