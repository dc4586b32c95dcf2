"""Copies the national log to an object store: whole tiles, then the witnessed checkpoint that counts them.

What lies there is a log of its own (c2sp.org/tlog-tiles) at every moment, as of that checkpoint: tiles come before it,
partial tiles of the one before go after it. The first copy of a program looks what is really there and brings the rest.
"""

import asyncio
import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Final, Self

import obstore
from obstore.exceptions import BaseError
from obstore.store import ObjectStore, from_url

from aigaq.base import N_
from aigaq.ledger.errors import MirrorError
from aigaq.ledger.tiles import CHECKPOINT, ENTRIES, LEVELS, TILES, WIDTH, tile_path

AT_ONCE: Final = 16
Tile = tuple[int | str, int, int]
"""Level, index and width."""


class Mirror:
    """One place that the log is copied to. One copy at a time."""

    def __init__(self, store: ObjectStore, where: str = "") -> None:
        self._store = store
        self._where = where
        self._size: int | None = None

    @classmethod
    def open(cls, url: str) -> Self:
        """By address: `file:///…` or `s3://bucket/prefix`, with the keys that the environment gives (AWS_…).

        Raises:
            MirrorError: no such kind of store.
        """
        try:
            return cls(from_url(url), url)
        except (BaseError, ValueError, OSError) as error:
            raise MirrorError(url, problem=N_("the address cannot be used")) from error

    async def copy(self, size: int, note: bytes, read: Callable[[Tile], bytes | None]) -> None:
        """Bring what the checkpoint of that size counts; `read` gives a tile of the log.

        Raises:
            MirrorError: the store does not take it. What is there stays whole, the next copy goes on.
        """
        try:
            new = tiles_between(self._size or 0, size) if self._size is not None else await self._missing(size)
            for some in _groups(new):
                await asyncio.gather(*(self._put(tile, read) for tile in some))
            await obstore.put_async(self._store, f"witnessed/{size}", note)
            await obstore.put_async(self._store, CHECKPOINT, note)
            for tile in superseded(self._size or 0, size):
                await self._drop(tile_path(*tile))
        except (BaseError, OSError, ValueError) as error:  # a tile that is cut off is a ValueError
            self._size = None
            raise MirrorError(self._where, problem=N_("the store does not take it")) from error
        self._size = size

    async def _missing(self, size: int) -> list[Tile]:
        """What a look at the store shows to be lacking; partial tiles of other sizes are dropped."""
        wanted = {tile_path(*tile): tile for tile in tiles_between(0, size)}
        for path in await asyncio.to_thread(self._look, wanted):
            await self._drop(path)
        return list(wanted.values())

    def _look(self, wanted: dict[str, Tile]) -> list[str]:
        """Strike out what is there; returns the partial tiles that are too much.

        In a thread: after a list that failed while it was awaited, obstore 0.12 aborts the program when it ends.
        """
        stale: list[str] = []
        for some in obstore.list(self._store, TILES + "/"):
            for found in some:
                path = found["path"]
                if path not in wanted and ".p/" in path:
                    stale.append(path)
                elif found["size"]:
                    wanted.pop(path, None)
        return stale

    async def _put(self, tile: Tile, read: Callable[[Tile], bytes | None]) -> None:
        data = await asyncio.to_thread(read, tile)
        if data is None:
            raise OSError(f"the log has no {tile_path(*tile)}")
        await obstore.put_async(self._store, tile_path(*tile), data)

    async def _drop(self, path: str) -> None:
        try:
            await obstore.delete_async(self._store, path)
        except FileNotFoundError:
            return


def tiles_between(old: int, new: int) -> Iterator[Tile]:
    """The tiles of a tree of `new` leaves that one of `old` leaves does not have."""
    for level, scale in _kinds():
        held, count = old // scale, new // scale
        for index in range(held // WIDTH, -(-count // WIDTH)):
            width = min(WIDTH, count - index * WIDTH)
            if width != held - index * WIDTH:
                yield level, index, width


def superseded(old: int, new: int) -> Iterator[Tile]:
    """The partial tiles of a tree of `old` leaves that one of `new` leaves does not have."""
    for level, scale in _kinds():
        index, width = divmod(old // scale, WIDTH)
        if width and new // scale != old // scale:
            yield level, index, width


def _kinds() -> Iterator[tuple[int | str, int]]:
    yield ENTRIES, 1
    yield from ((level, WIDTH**level) for level in range(LEVELS))


def _groups(tiles: Iterable[Tile]) -> Iterator[list[Tile]]:
    left = iter(tiles)
    while some := list(itertools.islice(left, AT_ONCE)):
        yield some
